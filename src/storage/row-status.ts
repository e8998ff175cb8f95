/** Results of multi_get and batch_get that need no look at the data: a refusal, or an empty range. */
import type { StorageStatus } from '../wire/schema/rrdb.ts';
import type { Writer } from '../wire/writer.ts';
import { ReadOutcome } from './read-outcome.ts';
import { RowList } from './read-replies.ts';
import type { ReadJob, ReadScope } from './read-scope.ts';

export class RowStatusJob implements ReadJob {
  private readonly scope: ReadScope;
  private readonly error: StorageStatus;

  constructor(scope: ReadScope, error: StorageStatus) {
    this.scope = scope;
    this.error = error;
  }

  runNow(writer: Writer): ReadOutcome {
    this.scope.replies.finishRows(new RowList(writer, false), this.error);
    this.scope.meter.answered(0, 0);
    return ReadOutcome.done;
  }

  runLater(writer: Writer, _deadlineMs: number, done: (outcome: ReadOutcome) => void): void {
    done(this.runNow(writer));
  }
}
