/**
 * sortkey_count: how many live rows a hash key has. There is no limit on the number, so what is more than one turn's
 * work goes on in later turns; a read that runs out of time answers −1.
 */
import { EMPTY_BYTES } from '../base/bytes.ts';
import { EngineStatus } from '../env/engine.ts';
import { encodeKey, HASH_KEY_BYTES_MAX, hashKeyEnd } from '../model/key.ts';
import { FilterType, StorageStatus } from '../wire/schema/rrdb.ts';
import type { Writer } from '../wire/writer.ts';
import { type RangePlan, type RangeRead, RowOutput } from './range-read.ts';
import { ReadOutcome } from './read-outcome.ts';
import type { ReadJob, ReadScope } from './read-scope.ts';

const COUNT_OUT_OF_TIME = -1;

/** Null: no such hash key can exist. */
export function sortkeyCountJob(scope: ReadScope, hashKey: Uint8Array): ReadJob | null {
  if (hashKey.length > HASH_KEY_BYTES_MAX) return null;
  return new SortkeyCountJob(scope, {
    lower: encodeKey(hashKey, EMPTY_BYTES),
    upper: hashKeyEnd(hashKey),
    reverse: false,
    end: null,
    endInclusive: false,
    hashFilter: FilterType.none,
    hashPattern: EMPTY_BYTES,
    sortFilter: FilterType.none,
    sortPattern: EMPTY_BYTES,
    output: RowOutput.count,
    noValue: true,
    returnExpire: false,
    ownPartition: -1,
    partitionCount: 1,
  });
}

class SortkeyCountJob implements ReadJob {
  private readonly scope: ReadScope;
  private readonly plan: RangePlan;

  constructor(scope: ReadScope, plan: RangePlan) {
    this.scope = scope;
    this.plan = plan;
  }

  runNow(writer: Writer): ReadOutcome {
    if (!this.scope.pool.hasTurnLeft) return ReadOutcome.later;
    const { turnRowsMax, turnBytesMax } = this.scope.limits;
    const read = this.begin(turnRowsMax, turnBytesMax);
    const status = this.scope.runNow(read);
    if (status === EngineStatus.ok && (read.isLate || !read.isIncomplete)) {
      return this.finish(read, writer);
    }
    read.close();
    return status === EngineStatus.ok ? ReadOutcome.later : this.scope.outcomeOf(status);
  }

  runLater(writer: Writer, deadlineMs: number, done: (outcome: ReadOutcome) => void): void {
    const read = this.begin(Infinity, Infinity);
    this.scope.runLater(read, deadlineMs, (outcome) => {
      if (outcome === ReadOutcome.done) {
        done(this.finish(read, writer));
      } else {
        read.close();
        done(outcome);
      }
    });
  }

  private begin(examinedMax: number, blocksBytesMax: number): RangeRead {
    const read = this.scope.open(this.plan, true);
    const limits = {
      keptMax: Infinity,
      examinedMax,
      bytesMax: Infinity,
      blocksBytesMax,
      timeMsMax: this.scope.settings.rangeTimeMsMax,
    };
    read.begin(limits, null);
    return read;
  }

  private finish(read: RangeRead, writer: Writer): ReadOutcome {
    read.close();
    const count = read.isLate ? COUNT_OUT_OF_TIME : read.kept;
    this.scope.replies.writeCount(writer, StorageStatus.ok, count);
    this.scope.meter.answered(0, read.examined);
    return ReadOutcome.done;
  }
}
