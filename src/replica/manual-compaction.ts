/**
 * The compactions that a table asks for by its settings, of one replica.
 *
 *   idle → queuing → running → idle, for each trigger that is due (model/compaction-schedule.ts)
 *
 *  1. One at a time, and one of the whole server (`CompactionSlots`). What is not allowed any more while it waits does
 *     not begin; what runs goes on.
 *  2. What was done is kept in the engine, so it is not done again after a restart, nor by a copy that was learned from
 *     a compacted one.
 *  3. An engine that is closed or replaced meanwhile ends it without a trace: it is due again.
 */
import { assert } from '../base/assert.ts';
import { type Engine, EngineError } from '../env/engine.ts';
import type { ReplicaEnvironment } from '../env/environment.ts';
import {
  type CompactionSchedule,
  type DueCompaction,
  dueCompaction,
  isScheduled,
} from '../model/compaction-schedule.ts';
import { type Gpid, gpidText } from '../model/identity.ts';
import { readCompactionMark, writeCompactionMark } from '../storage/compaction-mark.ts';
import type { CompactionSlots } from './compaction-slots.ts';

/** `finished`: nothing is due, and something was done once. */
export type CompactionState = 'idle' | 'queuing' | 'running' | 'finished';

/** What it works on: a `ReplicaEngine`. */
export interface CompactionSubject {
  /** Null while it is replaced and after it is closed. */
  readonly current: Engine | null;
  /** Never rejects. */
  flush(): Promise<void>;
}

export type CompactionEnvironment = Pick<
  ReplicaEnvironment,
  'clock' | 'timers' | 'logger' | 'utcOffsetMinutes'
>;

/** After a failure, which is the disk's; damage is found by whatever reads or flushes. */
const RETRY_AFTER_MS = 60_000;

export class ManualCompaction {
  private readonly environment: CompactionEnvironment;
  private readonly gpid: Gpid;
  private readonly subject: CompactionSubject;
  private readonly slots: CompactionSlots;
  private schedule: CompactionSchedule;
  private phase: 'idle' | 'queuing' | 'running' = 'idle';
  /** Whose mark is known, or being read. */
  private engine: Engine | null = null;
  /** −1: not known yet. */
  private mark = -1;
  private retryAtMs = 0;
  private stopped = false;

  constructor(
    environment: CompactionEnvironment,
    gpid: Gpid,
    subject: CompactionSubject,
    slots: CompactionSlots,
    schedule: CompactionSchedule,
  ) {
    this.environment = environment;
    this.gpid = gpid;
    this.subject = subject;
    this.slots = slots;
    this.schedule = schedule;
  }

  get state(): CompactionState {
    if (this.phase !== 'idle') return this.phase;
    return this.mark > 0 ? 'finished' : 'idle';
  }

  /** The newest moment that the engine was compacted for; 0 = none, or not known yet. */
  get markSeconds(): number {
    return this.subject.current === this.engine ? Math.max(this.mark, 0) : 0;
  }

  applySchedule(schedule: CompactionSchedule): void {
    this.schedule = schedule;
  }

  /** `isCurrent`: the schedule is that of a configuration of today. */
  onTick(nowMs: number, isCurrent: boolean): void {
    if (this.stopped || this.phase === 'running') return;
    if (!isCurrent || !isScheduled(this.schedule)) {
      this.stopWaiting();
      return;
    }
    const { current } = this.subject;
    if (current === null) return;
    if (current !== this.engine) this.learnMark(current);
    if (this.mark < 0 || nowMs < this.retryAtMs) return;
    const due = this.due();
    if (due === null) this.stopWaiting();
    else if (this.phase === 'idle') this.queue();
  }

  /** Nothing begins any more. */
  stop(): void {
    this.stopped = true;
    this.stopWaiting();
  }

  private due(): DueCompaction | null {
    const { clock, utcOffsetMinutes } = this.environment;
    const wallMs = clock.wallMs();
    const offsetMinutes = utcOffsetMinutes?.(wallMs) ?? 0;
    return dueCompaction(this.schedule, this.mark, Math.floor(wallMs / 1_000), offsetMinutes);
  }

  private learnMark(engine: Engine): void {
    this.engine = engine;
    this.mark = -1;
    readCompactionMark(engine).then(
      (mark) => {
        if (this.engine === engine) this.mark = mark;
      },
      (error: unknown) => {
        if (this.engine !== engine) return;
        this.engine = null;
        this.onFailed(engine, error);
      },
    );
  }

  private queue(): void {
    this.phase = 'queuing';
    this.slots.enter(this.begin);
  }

  private stopWaiting(): void {
    if (this.phase !== 'queuing') return;
    this.phase = 'idle';
    this.slots.leave(this.begin);
  }

  /** It is its turn. */
  private readonly begin = (): void => {
    assert(this.phase === 'queuing', 'whose turn it is has waited');
    const { engine } = this;
    const due = this.due();
    if (due === null || engine === null || this.subject.current !== engine) {
      // Not from within `enter`, which has to return first.
      this.environment.timers.defer(() => this.stopWaiting());
      return;
    }
    this.phase = 'running';
    void this.run(engine, due).finally(() => {
      this.phase = 'idle';
      this.slots.leave(this.begin);
    });
  };

  /** Never rejects. */
  private async run(engine: Engine, due: DueCompaction): Promise<void> {
    const { clock, logger } = this.environment;
    const gpid = gpidText(this.gpid);
    const startSeconds = Math.floor(clock.wallMs() / 1_000);
    const startMs = clock.monotonicMs();
    logger.info('replica.compaction.begun', { gpid, trigger: due.triggerSeconds, ...due.order });
    try {
      await engine.compact(due.order);
      if (this.subject.current !== engine) return;
      const mark = Math.max(due.triggerSeconds, startSeconds);
      await writeCompactionMark(engine, mark);
      if (this.subject.current !== engine) return;
      this.mark = mark;
      const durationMs = Math.round(clock.monotonicMs() - startMs);
      logger.info('replica.compaction.done', { gpid, durationMs });
      await this.subject.flush();
    } catch (error) {
      this.onFailed(engine, error);
    }
  }

  private onFailed(engine: Engine, error: unknown): void {
    if (!(error instanceof EngineError)) throw error;
    if (this.subject.current !== engine) return;
    this.retryAtMs = this.environment.clock.monotonicMs() + RETRY_AFTER_MS;
    const fields = { gpid: gpidText(this.gpid), error: error.message };
    this.environment.logger.warn('replica.compaction.failed', fields);
  }
}
