/**
 * Reads the messages of two-phase commit, and requests for changes, off the wire, written against their packed layout
 * (wire/schema/internal.ts): fields in order, big-endian, a blob with a u32 length.
 */
import type { PreparedMutation } from './global-history.ts';

export interface SeenPrepare extends PreparedMutation {
  readonly partition: string;
  readonly lastCommittedDecree: number;
}

export interface SeenPrepareAck {
  readonly partition: string;
  readonly ballot: number;
  readonly decree: number;
  /** 0 = ok */
  readonly result: number;
}

export interface SeenUpdate {
  readonly partition: string;
  readonly ballot: number;
  /** 3 = the sender gives up the lead. */
  readonly change: number;
}

export function readSeenPrepare(payload: Uint8Array): SeenPrepare {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const bodyLength = view.getUint32(48);
  return {
    partition: partitionText(view),
    ballot: wide(view, 8),
    decree: wide(view, 16),
    lastCommittedDecree: wide(view, 24),
    previousDigest: view.getInt32(40),
    digest: view.getInt32(44),
    body: payload.subarray(52, 52 + bodyLength),
  };
}

export function readSeenPrepareAck(payload: Uint8Array): SeenPrepareAck {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  return {
    partition: partitionText(view),
    ballot: wide(view, 8),
    decree: wide(view, 16),
    result: view.getInt32(24),
  };
}

export function readSeenUpdate(payload: Uint8Array): SeenUpdate {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  return { partition: partitionText(view), ballot: wide(view, 8), change: view.getInt32(16) };
}

function partitionText(view: DataView): string {
  return `${view.getInt32(0)}.${view.getInt32(4)}`;
}

function wide(view: DataView, at: number): number {
  return view.getInt32(at) * 0x1_0000_0000 + view.getUint32(at + 4);
}
