/**
 * One compaction that was asked for at a time, of all replicas of a server: each reads and writes all that its replica
 * has, and the disk is for clients first.
 */
import { assert } from '../base/assert.ts';

export class CompactionSlots {
  /** The first one has its turn; a job per replica at most. */
  private readonly jobs: (() => void)[] = [];

  /** `begin` is called once, maybe at once; `leave` ends the turn, or the wait for it. */
  enter(begin: () => void): void {
    assert(!this.jobs.includes(begin), 'nobody waits twice');
    this.jobs.push(begin);
    if (this.jobs.length === 1) begin();
  }

  leave(begin: () => void): void {
    const index = this.jobs.indexOf(begin);
    assert(index >= 0, 'who leaves has entered');
    this.jobs.splice(index, 1);
    if (index === 0) this.jobs[0]?.();
  }
}
