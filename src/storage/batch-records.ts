/**
 * Reads write batches back: for checks, duplication and change streams, and to know what an engine has applied.
 *
 * A batch may come from a wire or a disk, so nothing in it is believed: what does not parse is `BatchFormatError`.
 */
import { EMPTY_BYTES } from '../base/bytes.ts';
import { type Engine, EngineError, EngineStatus, type ValueView } from '../env/engine.ts';
import { DECREE_NONE, type Decree, toDecree } from '../model/identity.ts';
import { APPLIED_DECREE_KEY } from '../model/key.ts';
import {
  APPLIED_VALUE_BYTES,
  BATCH_COUNT_AT,
  BATCH_HEADER_BYTES,
  RecordTag,
} from './batch-format.ts';

export class BatchFormatError extends Error {
  override readonly name = 'BatchFormatError';
  /** Offset in the batch. */
  readonly offset: number;
  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

/** One record; `key` and `value` are views into the batch, `value` is empty for a delete. */
export interface BatchRecord {
  readonly tag: RecordTag;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** All records in order, the one of the applied decree included. */
export function* batchRecords(batch: Uint8Array): Generator<BatchRecord, void, void> {
  if (batch.length < BATCH_HEADER_BYTES) {
    throw new BatchFormatError(0, 'a batch begins with its header');
  }
  const count = littleEndianU32(batch, BATCH_COUNT_AT);
  const cursor: Cursor = { batch, at: BATCH_HEADER_BYTES };
  let found = 0;
  while (cursor.at < batch.length) {
    const tag = batch[cursor.at];
    if (tag !== RecordTag.put && tag !== RecordTag.delete) {
      throw new BatchFormatError(cursor.at, 'a record has an unknown tag');
    }
    cursor.at++;
    const key = readSlice(cursor);
    const value = tag === RecordTag.put ? readSlice(cursor) : batch.subarray(cursor.at, cursor.at);
    found++;
    yield { tag, key, value };
  }
  if (found !== count)
    throw new BatchFormatError(BATCH_COUNT_AT, 'a batch has another record count');
}

export interface AppliedState {
  /** 0 in an engine that has applied nothing. */
  readonly decree: Decree;
  /** Of that mutation, see consensus/mutation.ts. */
  readonly digest: number;
}

/** What the engine says it has applied last; the only truth about it. Rejects with `EngineError`. */
export function readAppliedDecree(engine: Engine): Promise<AppliedState> {
  return new Promise((resolve, reject) => {
    const view: ValueView = { bytes: EMPTY_BYTES, start: 0, end: 0 };
    engine.getLater(APPLIED_DECREE_KEY, view, (status) => {
      if (status === EngineStatus.notFound) {
        resolve({ decree: DECREE_NONE, digest: 0 });
      } else if (status !== EngineStatus.ok) {
        reject(new EngineError(status, engine.path, 'the applied decree cannot be read'));
      } else {
        const state = decodeApplied(view.bytes, view.start, view.end);
        if (state !== null) resolve(state);
        else reject(new EngineError(EngineStatus.corruption, engine.path, DAMAGED));
      }
    });
  });
}

const DAMAGED = 'the applied decree is damaged';

/** Null when the bytes are no such value. */
function decodeApplied(bytes: Uint8Array, start: number, end: number): AppliedState | null {
  if (end - start !== APPLIED_VALUE_BYTES) return null;
  const decree = bigEndianU32(bytes, start) * 0x100000000 + bigEndianU32(bytes, start + 4);
  if (decree < 1 || !Number.isSafeInteger(decree)) return null;
  return { decree: toDecree(decree), digest: bigEndianU32(bytes, start + 8) | 0 };
}

interface Cursor {
  readonly batch: Uint8Array;
  at: number;
}

/** varint32 length, then the bytes. */
function readSlice(cursor: Cursor): Uint8Array {
  const { batch } = cursor;
  let length = 0;
  let shift = 0;
  for (;;) {
    const byte = batch[cursor.at];
    if (byte === undefined || shift > 28) {
      throw new BatchFormatError(cursor.at, 'a length is cut off or too long');
    }
    cursor.at++;
    length += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) break;
    shift += 7;
  }
  const start = cursor.at;
  if (start + length > batch.length) {
    throw new BatchFormatError(start, 'a record ends after the batch');
  }
  cursor.at = start + length;
  return batch.subarray(start, cursor.at);
}

function littleEndianU32(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
  );
}

function bigEndianU32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
  );
}
