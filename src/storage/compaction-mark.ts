/**
 * What an engine was compacted for last (model/compaction-schedule.ts), kept in the engine itself: a copy that is
 * learned from a compacted one is compacted too, and says so.
 *
 * The value is a u64 BE of seconds since 1970. It belongs to this engine alone and to no decree; a crash may lose it,
 * which costs a compaction.
 */
import { assert } from '../base/assert.ts';
import { EMPTY_BYTES } from '../base/bytes.ts';
import { type Engine, EngineError, EngineStatus, type ValueView } from '../env/engine.ts';
import { COMPACTION_MARK_KEY } from '../model/key.ts';
import { BATCH_COUNT_AT, BATCH_HEADER_BYTES, RecordTag } from './batch-format.ts';

const MARK_BYTES = 8;

/** 0 = never. Rejects with `EngineError`. */
export function readCompactionMark(engine: Engine): Promise<number> {
  return new Promise((resolve, reject) => {
    const view: ValueView = { bytes: EMPTY_BYTES, start: 0, end: 0 };
    engine.getLater(COMPACTION_MARK_KEY, view, (status) => {
      if (status === EngineStatus.notFound) resolve(0);
      else if (status === EngineStatus.ok) resolve(decodeMark(view));
      else reject(new EngineError(status, engine.path, 'the mark of compactions cannot be read'));
    });
  });
}

/** In order with all other batches, and not durable yet. */
export function writeCompactionMark(engine: Engine, seconds: number): Promise<void> {
  return new Promise((resolve, reject) => {
    engine.writeLater(encodeMark(seconds), (status) => {
      if (status === EngineStatus.ok) resolve();
      else reject(new EngineError(status, engine.path, 'the mark of compactions was refused'));
    });
  });
}

/** A batch of one record; all lengths fit one byte. */
function encodeMark(seconds: number): Uint8Array {
  assert(Number.isSafeInteger(seconds) && seconds >= 0, 'a mark is a moment');
  const key = COMPACTION_MARK_KEY;
  const batch = new Uint8Array(BATCH_HEADER_BYTES + 3 + key.length + MARK_BYTES);
  batch[BATCH_COUNT_AT] = 1;
  let at = BATCH_HEADER_BYTES;
  batch[at++] = RecordTag.put;
  batch[at++] = key.length;
  batch.set(key, at);
  at += key.length;
  batch[at++] = MARK_BYTES;
  const view = new DataView(batch.buffer);
  view.setUint32(at, Math.floor(seconds / 0x100000000));
  view.setUint32(at + 4, seconds >>> 0);
  return batch;
}

/** What is no mark counts as none. */
function decodeMark({ bytes, start, end }: ValueView): number {
  if (end - start !== MARK_BYTES) return 0;
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, MARK_BYTES);
  const seconds = view.getUint32(0) * 0x100000000 + view.getUint32(4);
  return Number.isSafeInteger(seconds) ? seconds : 0;
}
