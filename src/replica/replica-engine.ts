/**
 * The engine of one replica with what works on it: the apply queue, the reads, and how far it is
 * durable.
 *
 * A learned checkpoint replaces all of it at once (`replace`); between close and open there is no
 * engine, and the replica lets nothing through.
 */
import { reached } from '../base/marks.ts';
import type { Mutation } from '../consensus/mutation.ts';
import {
  type Engine,
  EngineError,
  type EngineMaking,
  EngineStatus,
  MADE_AS_USUAL,
} from '../env/engine.ts';
import type { ReplicaEnvironment } from '../env/environment.ts';
import type { Decree } from '../model/identity.ts';
import { type AppliedState, readAppliedDecree } from '../storage/batch-records.ts';
import { type ReadParts, ReadService } from '../storage/read-service.ts';
import type { ReplicaContext } from '../storage/table-context.ts';
import { ApplyQueue } from './apply-queue.ts';
import type { CompactionSlots } from './compaction-slots.ts';
import { ManualCompaction } from './manual-compaction.ts';
import type { ReplicaFolder } from './replica-folder.ts';
import type { SettingsKeeper } from './settings-keeper.ts';

export interface EngineOwner {
  onApplied(mutation: Mutation): void;
  onApplyFailed(status: EngineStatus): void;
  /** Everything up to here survives a crash without the log. */
  onDurable(decree: Decree): void;
  onFlushFailed(reason: string): void;
}

export class ReplicaEngine {
  readonly compaction: ManualCompaction;
  private readonly environment: ReplicaEnvironment;
  private readonly folder: ReplicaFolder;
  private readonly context: ReplicaContext;
  private readonly owner: EngineOwner;
  private readonly settings: SettingsKeeper;
  private readonly readParts: ReadParts;
  private engine: Engine | null;
  private readService: ReadService;
  private applying: ApplyQueue;
  private durable: Decree;
  private flushing: Promise<void> | null = null;
  private lastFlushMs: number;
  /** The settings are those of a configuration of today. */
  private isCurrent = false;

  constructor(
    environment: ReplicaEnvironment,
    folder: ReplicaFolder,
    context: ReplicaContext,
    owner: EngineOwner,
    settings: SettingsKeeper,
    readParts: ReadParts,
    compactions: CompactionSlots,
    opened: OpenedEngine,
  ) {
    this.environment = environment;
    this.folder = folder;
    this.context = context;
    this.owner = owner;
    this.settings = settings;
    this.readParts = readParts;
    this.engine = opened.engine;
    this.durable = opened.applied.decree;
    this.readService = this.makeReads(opened.engine);
    this.applying = new ApplyQueue(opened.engine, owner, this.durable);
    this.lastFlushMs = environment.clock.monotonicMs();
    const { gpid } = folder;
    const schedule = settings.current.compactions;
    this.compaction = new ManualCompaction(environment, gpid, this, compactions, schedule);
  }

  /** Null while it is replaced and after `close`. */
  get current(): Engine | null {
    return this.engine;
  }

  get reads(): ReadService {
    return this.readService;
  }

  get appliedDecree(): Decree {
    return this.applying.appliedDecree;
  }

  get durableDecree(): Decree {
    return this.durable;
  }

  apply(mutation: Mutation): void {
    this.applying.apply(mutation);
  }

  /** Bodies of the mutations that were committed and are not in the engine yet, newest first. */
  unapplied(): Iterable<Uint8Array> {
    return this.applying.unapplied();
  }

  /** The settings may have changed; `isCurrent`: they are those of a configuration of today. */
  applySettings(isCurrent: boolean): void {
    this.isCurrent = isCurrent;
    this.readService.applySettings(this.settings.current);
    this.compaction.applySchedule(this.settings.current.compactions);
    if (isCurrent && this.engine !== null) this.settings.tell(this.engine);
  }

  /** Nothing more is applied. */
  stop(): void {
    this.applying.stop();
    this.compaction.stop();
  }

  /** Resolves when nothing is being applied. */
  idle(): Promise<void> {
    return this.applying.idle();
  }

  /** Flushes what has been in memory for long, and compacts what the table wants compacted. */
  onTick(nowMs: number, flushIntervalMs: number): void {
    const dirty = this.applying.appliedDecree > this.durable;
    if (dirty && nowMs - this.lastFlushMs > flushIntervalMs) void this.flush();
    this.compaction.onTick(nowMs, this.isCurrent);
  }

  /** Makes what is applied durable. Never rejects; one flush at a time. */
  flush(): Promise<void> {
    this.flushing ??= this.flushOnce().finally(() => {
      this.flushing = null;
    });
    return this.flushing;
  }

  /**
   * Swaps in the checkpoint that lies in the `learn/` folder. After a rejection there is no engine.
   */
  async replace(): Promise<AppliedState> {
    await this.flushing;
    await this.applying.idle();
    await this.close({ flush: false });
    await this.folder.installLearned();
    const { engine, applied } = await openEngine(this.environment, this.folder);
    reached('replica.swap.opened');
    this.engine = engine;
    this.durable = applied.decree;
    this.readService = this.makeReads(engine);
    this.settings.tell(engine);
    this.applying = new ApplyQueue(engine, this.owner, applied.decree);
    this.owner.onDurable(applied.decree);
    return applied;
  }

  /** With `flush`, the owner hears how far it is durable, so that the log can go. Idempotent. */
  async close(options: { readonly flush: boolean }): Promise<void> {
    if (options.flush) await this.applying.idle();
    this.applying.stop();
    this.readService.close();
    if (options.flush) {
      // One that is under way may have begun before the last write.
      await this.flushing;
      if (this.applying.appliedDecree > this.durable) await this.flush();
    }
    const { engine } = this;
    this.engine = null;
    await engine?.close({ flush: false });
  }

  private async flushOnce(): Promise<void> {
    const { engine } = this;
    if (engine === null) return;
    const applied = this.applying.appliedDecree;
    this.lastFlushMs = this.environment.clock.monotonicMs();
    try {
      await engine.flush();
    } catch (error) {
      if (error instanceof EngineError && error.status === EngineStatus.full) {
        // Nothing is lost: what was not flushed is in memory and in the log. It is tried again.
        reached('replica.flush.noRoom');
        return;
      }
      const reason = error instanceof Error ? error.message : String(error);
      if (this.engine === engine) this.owner.onFlushFailed(reason);
      return;
    }
    if (this.engine !== engine) return;
    reached('replica.flushed');
    this.durable = applied;
    this.owner.onDurable(applied);
  }

  private makeReads(engine: Engine): ReadService {
    const { clock, random } = this.environment;
    const { current } = this.settings;
    return new ReadService(engine, this.context, current, clock, random, this.readParts);
  }
}

/** The files hold something else than was written; no other attempt will go better. */
export function isDamage(error: unknown): boolean {
  return error instanceof EngineError && error.status === EngineStatus.corruption;
}

export interface OpenedEngine {
  readonly engine: Engine;
  readonly applied: AppliedState;
}

/** Rejects with `EngineError` when the engine is damaged or its disk fails. */
export async function openEngine(
  environment: ReplicaEnvironment,
  folder: ReplicaFolder,
  making: EngineMaking = MADE_AS_USUAL,
): Promise<OpenedEngine> {
  const engine = await environment.engines.open(folder.enginePath, making);
  try {
    return { engine, applied: await readAppliedDecree(engine) };
  } catch (error) {
    // Its folder is about to be set aside.
    await engine.close({ flush: false });
    throw error;
  }
}
