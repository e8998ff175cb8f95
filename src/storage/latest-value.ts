/**
 * The newest value of a key as a primary must see it when it evaluates an atomic operation: what is
 * in the open batch, else in the mutations that are prepared and not yet applied, newest first,
 * else in the engine.
 *
 * So atomic operations follow each other in one pipeline without waiting for commits, and without
 * an index of the writes in flight, which would cost every plain write: the batches are searched,
 * and there are few.
 */
import { assert } from '../base/assert.ts';
import { bytesEqual, EMPTY_BYTES } from '../base/bytes.ts';
import { type Engine, EngineStatus, type ValueView } from '../env/engine.ts';
import { RecordTag } from './batch-format.ts';
import { findLastRecord } from './batch-search.ts';
import type { WriteBatchBuilder } from './write-batch.ts';

export interface ValueSource {
  /** Null while the replica has none. */
  readonly engine: Engine | null;
  /** What the engine holds. */
  appliedDecree(): number;
  /** Bodies of the mutations that the engine has not applied, newest first. */
  unapplied(): Iterable<Uint8Array>;
}

export type LookUp = 'found' | 'absent' | 'blocked' | 'failed';

export class LatestValues {
  /**
   * Where the value lies after `found`, header included; valid until the next use of engine or
   * builder.
   */
  readonly view: ValueView = { bytes: EMPTY_BYTES, start: 0, end: 0 };
  private readonly source: ValueSource;
  private missing: Uint8Array = EMPTY_BYTES;
  /**
   * The value of `missing` as read from the disk, good as long as the engine stands at this decree;
   * −1 = none.
   */
  private fetchedAt = -1;
  private fetched: Uint8Array | null = null;

  constructor(source: ValueSource) {
    this.source = source;
  }

  lookUp(key: Uint8Array, open: WriteBatchBuilder): LookUp {
    const inOpen = open.find(key, this.view);
    if (inOpen !== null) return inOpen === RecordTag.put ? 'found' : 'absent';
    for (const body of this.source.unapplied()) {
      const tag = findLastRecord(body, body.length, key, this.view);
      if (tag !== null) return tag === RecordTag.put ? 'found' : 'absent';
    }
    return this.inEngine(key);
  }

  /**
   * After `blocked`: calls back when the value has been read from the disk and the look-up is worth
   * another try.
   */
  fetch(done: (ok: boolean) => void): void {
    const { engine } = this.source;
    if (engine === null) {
      done(false);
      return;
    }
    assert(this.missing.length > 0, 'a look-up was blocked');
    const view: ValueView = { bytes: EMPTY_BYTES, start: 0, end: 0 };
    const key = this.missing;
    const decree = this.source.appliedDecree();
    engine.getLater(key, view, (status) => {
      const ok = status === EngineStatus.ok || status === EngineStatus.notFound;
      this.missing = key;
      this.fetchedAt = ok ? decree : -1;
      this.fetched = status === EngineStatus.ok ? view.bytes.slice(view.start, view.end) : null;
      done(ok);
      this.fetchedAt = -1;
    });
  }

  private inEngine(key: Uint8Array): LookUp {
    if (this.fetchedAt === this.source.appliedDecree() && bytesEqual(key, this.missing)) {
      if (this.fetched === null) return 'absent';
      this.view.bytes = this.fetched;
      this.view.start = 0;
      this.view.end = this.fetched.length;
      return 'found';
    }
    const status = this.source.engine?.get(key, this.view) ?? EngineStatus.io;
    switch (status) {
      case EngineStatus.ok:
        return 'found';
      case EngineStatus.notFound:
        return 'absent';
      case EngineStatus.wouldBlock:
        this.missing = key.slice();
        return 'blocked';
      default:
        return 'failed';
    }
  }
}
