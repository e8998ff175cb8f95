/**
 * Applies committed mutations to the engine, in decree order.
 *
 * Normally at once, in the turn in which they were committed. When the engine stalls writes they
 * wait here, and so do their clients: the prepare list then fills up and new writes are refused,
 * which is the back-pressure wanted.
 */
import { assert, assertEqual } from '../base/assert.ts';
import { reached } from '../base/marks.ts';
import type { Mutation } from '../consensus/mutation.ts';
import { type Engine, EngineStatus } from '../env/engine.ts';
import type { Decree } from '../model/identity.ts';

export interface ApplyOwner {
  onApplied(mutation: Mutation): void;
  /** The engine refused a mutation; nothing more is applied. */
  onApplyFailed(status: EngineStatus): void;
}

export class ApplyQueue {
  private readonly engine: Engine;
  private readonly owner: ApplyOwner;
  private readonly waiting: Mutation[] = [];
  private applied: number;
  /** What the engine could not take at once. */
  private stalled: Mutation | null = null;
  private stopped = false;
  private onIdle: (() => void)[] = [];

  constructor(engine: Engine, owner: ApplyOwner, applied: Decree) {
    this.engine = engine;
    this.owner = owner;
    this.applied = applied;
  }

  get appliedDecree(): Decree {
    return this.applied as Decree;
  }

  /** Bodies of the mutations that were committed and are not in the engine yet, newest first. */
  *unapplied(): Iterable<Uint8Array> {
    for (let index = this.waiting.length - 1; index >= 0; index--) yield this.waiting[index]!.body;
    if (this.stalled !== null) yield this.stalled.body;
  }

  apply(mutation: Mutation): void {
    if (this.stopped) return;
    if (this.stalled !== null) {
      this.waiting.push(mutation);
      return;
    }
    const status = this.engine.write(mutation.body);
    if (status === EngineStatus.ok) this.done(mutation);
    else if (status === EngineStatus.wouldBlock) this.applyLater(mutation);
    else this.fail(status);
  }

  /** Resolves when nothing is being applied; at once after `stop`. */
  idle(): Promise<void> {
    if (this.stalled === null || this.stopped) return Promise.resolve();
    return new Promise((resolve) => this.onIdle.push(resolve));
  }

  /** Drops what waits; what the engine is writing ends there unseen. */
  stop(): void {
    this.stopped = true;
    this.waiting.length = 0;
    this.wakeIdle();
  }

  private applyLater(mutation: Mutation): void {
    assert(this.stalled === null, 'one stalled write at a time');
    reached('replica.apply.stalled');
    this.stalled = mutation;
    this.engine.writeLater(mutation.body, (status) => {
      if (this.stopped) return;
      this.stalled = null;
      if (status !== EngineStatus.ok) {
        this.fail(status);
        return;
      }
      this.done(mutation);
      this.drain();
    });
  }

  private drain(): void {
    const batch = this.waiting.splice(0);
    let next = 0;
    while (this.stalled === null && !this.stopped && next < batch.length) {
      this.apply(batch[next]!);
      next += 1;
    }
    // What stalled again is followed by the rest, before anything that was committed meanwhile.
    this.waiting.unshift(...batch.slice(next));
    if (this.stalled === null) this.wakeIdle();
  }

  private done(mutation: Mutation): void {
    assertEqual(mutation.decree, this.applied + 1, 'mutations are applied in decree order');
    this.applied = mutation.decree;
    this.owner.onApplied(mutation);
  }

  private fail(status: EngineStatus): void {
    this.stop();
    this.owner.onApplyFailed(status);
  }

  private wakeIdle(): void {
    const callbacks = this.onIdle;
    this.onIdle = [];
    for (const callback of callbacks) callback();
  }
}
