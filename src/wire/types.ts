/**
 * Base types of the wire: thrift type bytes, the TypeScript side of the custom types, and the error that every
 * reader throws.
 *
 * blob, error_code, gpid, rpc_address and host_port travel under the type byte STRUCT but are written bare: no inner
 * field headers and no STOP (reference: docs/internals/wire.md).
 */
import type { HostPort } from '../base/host-port.ts';

export const WireType = {
  stop: 0,
  bool: 2,
  i8: 3,
  double: 4,
  i16: 6,
  i32: 8,
  i64: 10,
  string: 11,
  struct: 12,
  map: 13,
  set: 14,
  list: 15,
} as const;
export type WireType = (typeof WireType)[keyof typeof WireType];

export type WireErrorCode =
  /** The message ends before the value does. */
  | 'truncated'
  /** A negative length or count, or one that cannot fit into the rest of the message. */
  | 'badLength'
  /** A type byte that thrift does not have. */
  | 'badType'
  /** An unknown field of a type whose end cannot be told. */
  | 'unskippable'
  /** A 64-bit number that a double cannot hold, where our protocol allows none. */
  | 'unsafeInteger'
  | 'tooDeep'
  | 'tooManyElements'
  /** A number or combination that no sender of ours makes. */
  | 'badValue'
  /** The frame: magic, version, header length, message type. */
  | 'badFrame'
  | 'tooLarge';

/** The bytes are no valid message. The sender is broken or hostile; nothing of ours is. */
export class WireError extends Error {
  override readonly name = 'WireError';
  readonly code: WireErrorCode;
  constructor(code: WireErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Structurally a `Gpid` of model/, without its brands: whatever the sender wrote. */
export interface WireGpid {
  readonly appId: number;
  readonly partitionIndex: number;
}

export type WireHostPort = HostPort;

export const GPID_NONE: WireGpid = { appId: 0, partitionIndex: 0 };

/** Numeric IPv4 address of dotted text, or -1. */
export function parseIpv4(text: string): number {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return -1;
  let address = 0;
  for (let index = 1; index <= 4; index++) {
    const part = Number(match[index]);
    if (part > 255) return -1;
    address = address * 256 + part;
  }
  return address;
}
