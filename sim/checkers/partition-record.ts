/** What the observer (observer.ts) has seen of one partition. */
import { GlobalHistory } from './global-history.ts';
import type { SeenConfiguration } from './observer.ts';

export class PartitionRecord {
  readonly history: GlobalHistory = new GlobalHistory();
  readonly configurations: Map<number, SeenConfiguration> = new Map();
  newest: SeenConfiguration | null = null;
  newestSinceUs: number = 0;
  /** Highest ballot that each server was told of: pushes to one server never go back, but those of former leaders. */
  readonly told: Map<string, number> = new Map();
  /** Highest decree acknowledged by each server. */
  readonly acknowledged: Map<string, number> = new Map();
  /** That the table ever wanted: who takes writes may hear of another number late. */
  replicaCountLeast: number = Number.POSITIVE_INFINITY;
  /** Highest ballot under which each server acknowledged. */
  readonly followed: Map<string, number> = new Map();
  /** The newest ballot when the meta server's disk came back from an older copy. */
  lostUpTo: number = 0;

  /** Nobody has them, and who made them has lost them. */
  forgetAbove(ballot: number): void {
    for (const lost of [...this.configurations.keys()]) {
      if (lost > ballot && lost <= this.lostUpTo) this.configurations.delete(lost);
    }
    for (const [server, told] of this.told) {
      if (told <= this.lostUpTo) this.told.set(server, Math.min(told, ballot));
    }
    this.newest = null;
    for (const seen of this.configurations.values()) {
      if (seen.ballot >= (this.newest?.ballot ?? 0)) this.newest = seen;
    }
  }
}
