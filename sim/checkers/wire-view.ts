/**
 * Reads what servers say to each other off the wire, written against its layout (wire/schema/internal.ts). Messages of
 * two-phase commit are packed: fields in order, big-endian, a blob with a u32 length. In all others each field has a
 * type byte and an i16 id before it, and a zero byte ends them.
 */
import type { PreparedMutation } from './global-history.ts';
import { latin1 } from './latin1.ts';

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
  /** 1 = `node` has caught up and is to be a member, 3 = the sender gives up the lead. */
  readonly change: number;
  readonly node: string;
  /** At the sender. */
  readonly committed: number;
}

/** A learner asks for what follows `decree`, up to which it has the same as its primary. */
export interface SeenLearnRequest {
  readonly partition: string;
  readonly ballot: number;
  readonly learnId: number;
  readonly decree: number;
}

/** How far a member or a learner is, as it answers its primary. */
export interface SeenStanding {
  readonly partition: string;
  readonly ballot: number;
  readonly committed: number;
  readonly logged: number;
  /** 0 = it does not learn. */
  readonly learnId: number;
}

/** A beacon, or the answer to it. `leaseMs` is what the answer grants. */
export interface SeenBeacon {
  readonly incarnation: number;
  readonly sequence: number;
  readonly leaseMs: number;
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
  const fields = readFields(payload);
  const node = textOf(fields, 4);
  return {
    ...placeOf(fields),
    change: numberOf(fields, 3),
    node: node.slice(0, node.indexOf(':')),
    committed: numberOf(fields, 5),
  };
}

export function readSeenLearnRequest(payload: Uint8Array): SeenLearnRequest {
  const fields = readFields(payload);
  return { ...placeOf(fields), learnId: numberOf(fields, 3), decree: numberOf(fields, 4) };
}

export function readSeenStanding(payload: Uint8Array): SeenStanding {
  const fields = readFields(payload);
  return {
    ...placeOf(fields),
    committed: numberOf(fields, 4),
    logged: numberOf(fields, 5),
    learnId: numberOf(fields, 6),
  };
}

/** Of a message of learning, whose first field it is. */
export function readSeenPartition(payload: Uint8Array): string {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  return `${view.getInt32(7)}.${view.getInt32(3)}`;
}

export function readSeenBeacon(payload: Uint8Array): SeenBeacon {
  const fields = readFields(payload);
  return { incarnation: numberOf(fields, 2), sequence: numberOf(fields, 3), leaseMs: 0 };
}

export function readSeenBeaconAck(payload: Uint8Array): SeenBeacon {
  const fields = readFields(payload);
  const leaseMs = numberOf(fields, 5) === 1 ? numberOf(fields, 6) : 0;
  return { incarnation: numberOf(fields, 2), sequence: numberOf(fields, 1), leaseMs };
}

/** Under which epoch a meta server speaks: a beacon is answered, a configuration pushed, a replica not wanted. */
export function readSeenEpoch(type: number, payload: Uint8Array): number {
  if (type === BEACON_ACK) return numberOf(readFields(payload), 7);
  return type === CONFIGURATION_PUSH || type === REPLICA_FORGET ? firstNumber(payload) : 0;
}

/** A leader asks for a promise, or gives it back (0 ms). */
export interface SeenPromiseRequest {
  readonly epoch: number;
  readonly sequence: number;
  readonly holdMs: number;
}

export function readSeenPromiseRequest(payload: Uint8Array): SeenPromiseRequest {
  const fields = readFields(payload, 4);
  const [epoch, sequence, holdMs] = [2, 3, 4].map((id) => numberOf(fields, id));
  return { epoch: epoch!, sequence: sequence!, holdMs: holdMs! };
}

/** The answer to it. */
export interface SeenPromise {
  readonly epoch: number;
  readonly sequence: number;
  readonly isGiven: boolean;
}

export function readSeenPromise(payload: Uint8Array): SeenPromise {
  const fields = readFields(payload);
  const isGiven = textOf(fields, 3) === '';
  return { epoch: numberOf(fields, 1), sequence: numberOf(fields, 2), isGiven };
}

const BEACON_ACK = 3;
const CONFIGURATION_PUSH = 6;
const REPLICA_FORGET = 7;

type Fields = ReadonlyMap<number, number | string>;

/**
 * By id. What comes as a struct is a partition (two numbers) in the first field, and else the address of a server (a
 * name, two bytes for its port, one more). Of no use beyond a list or another struct: fields up to `idMax` only.
 */
function readFields(payload: Uint8Array, idMax: number = Number.POSITIVE_INFINITY): Fields {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const fields = new Map<number, number | string>();
  let at = 0;
  while (view.getUint8(at) !== 0) {
    const type = view.getUint8(at);
    const id = view.getInt16(at + 1);
    if (id > idMax) break;
    at += 3;
    if (type === 2) {
      fields.set(id, view.getUint8(at));
      at += 1;
    } else if (type === 8) {
      fields.set(id, view.getInt32(at));
      at += 4;
    } else if (type === 10) {
      fields.set(id, wide(view, at));
      at += 8;
    } else if (type === 12 && id === 1) {
      fields.set(id, `${view.getInt32(at + 4)}.${view.getInt32(at)}`);
      at += 8;
    } else {
      const end = at + 4 + view.getInt32(at);
      fields.set(id, latin1(payload.subarray(at + 4, end)));
      at = type === 12 ? end + 3 : end;
    }
  }
  return fields;
}

/** Of the first field, a wide number. */
function firstNumber(payload: Uint8Array): number {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  return wide(view, 3);
}

function placeOf(fields: Fields): { readonly partition: string; readonly ballot: number } {
  return { partition: textOf(fields, 1), ballot: numberOf(fields, 2) };
}

function numberOf(fields: Fields, id: number): number {
  return Number(fields.get(id) ?? 0);
}

function textOf(fields: Fields, id: number): string {
  return String(fields.get(id) ?? '');
}

function partitionText(view: DataView): string {
  return `${view.getInt32(0)}.${view.getInt32(4)}`;
}

function wide(view: DataView, at: number): number {
  return view.getInt32(at) * 0x1_0000_0000 + view.getUint32(at + 4);
}
