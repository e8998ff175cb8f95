/**
 * One server of the model: a protocol core, and of the layers around it only what decides what survives a crash.
 *
 *  1. Durable: the log (in order, one record at a time), the newest configuration stored, and what an installed
 *     checkpoint holds. The engine is never flushed, so that everything above a checkpoint hangs on the log alone.
 *  2. Volatile: the core, appends under way, tasks under way, the clock.
 *  3. A record of the log is what the mutation was when it was appended; later changes of its ballot are not in it.
 */
import { assert } from '../../src/base/assert.ts';
import { DEFAULT_CORE_OPTIONS, type ReplicaEffects } from '../../src/consensus/effects.ts';
import { Mutation } from '../../src/consensus/mutation.ts';
import { ReplicaCore } from '../../src/consensus/replica-core.ts';
import { deliver } from '../../src/consensus/scenario.ts';
import type { AppInfo, PartitionConfiguration } from '../../src/model/configuration.ts';
import { configurationFromWire, tableFromWire } from '../../src/model/configuration-wire.ts';
import { type Ballot, type Decree, gpidOf, type NodeId } from '../../src/model/identity.ts';
import {
  type ConfigurationPush,
  makeReplicaState,
  type ReplicaState,
} from '../../src/wire/generated/internal.ts';
import type { InternalMessage } from '../../src/wire/schema/internal.ts';
import { copyGraph, describeGraph } from './core-graph.ts';

export const GPID: ReturnType<typeof gpidOf> = gpidOf(1, 0);

/** Time-outs so far apart that a step of one clock passes either all short ones or all (`RESEND_MS`, `GIVE_UP_MS`). */
const CORE_OPTIONS = {
  ...DEFAULT_CORE_OPTIONS,
  inFlightMax: 2,
  prepareResendMs: 500,
  requestRetryMs: 500,
  groupCheckIntervalMs: 500,
  prepareTimeoutMs: 1e6,
  memberSilenceMs: 1e12,
  slowFactor: 0,
};
export const RESEND_MS = 600;
export const GIVE_UP_MS = 2e6;

const LEARNS_PER_LIFE = 1_000;

export interface LogRecord {
  readonly ballot: Ballot;
  readonly decree: Decree;
  readonly lastCommitted: Decree;
  readonly previousDigest: number;
  readonly digest: number;
  readonly body: Uint8Array;
}

interface Append {
  readonly mutation: Mutation;
  readonly record: LogRecord;
}

/** Work of other threads and disks; its result is an event of its own. */
export type Task =
  | { readonly kind: 'readLog'; readonly learnId: number; readonly from: number }
  | { readonly kind: 'makeCheckpoint'; readonly learnId: number }
  | {
      readonly kind: 'fetchCheckpoint';
      readonly learnId: number;
      readonly decree: number;
      readonly digest: number;
    };

export interface Point {
  readonly decree: Decree;
  readonly digest: number;
}

const NOTHING: Point = { decree: 0 as Decree, digest: 0 };

export class ModelReplica {
  readonly id: NodeId;
  incarnation = 1;
  /** Null while the server is down. */
  core: ReplicaCore | null = null;
  log: readonly LogRecord[] = [];
  checkpoint: Point = NOTHING;
  stored: PartitionConfiguration | null = null;
  appends: Append[] = [];
  storing: PartitionConfiguration | null = null;
  tasks: readonly Task[] = [];
  nowMs = 0;
  wantsFlush = false;
  private learns = 0;
  /** Remembered by `recoverable`, for the log as it is. */
  private found: Map<number, number> | null = null;

  constructor(id: NodeId) {
    this.id = id;
  }

  get up(): boolean {
    return this.core !== null;
  }

  copy(): ModelReplica {
    const copy = new ModelReplica(this.id);
    const copies = new Map<object, object>();
    copy.incarnation = this.incarnation;
    copy.core = copyGraph(this.core, copies);
    copy.log = this.log;
    copy.checkpoint = this.checkpoint;
    copy.stored = this.stored;
    copy.appends = this.appends.map(({ mutation, record }) => ({
      mutation: copyGraph(mutation, copies),
      record,
    }));
    copy.storing = this.storing;
    copy.tasks = this.tasks;
    copy.nowMs = this.nowMs;
    copy.learns = this.learns;
    return copy;
  }

  start(table: AppInfo, effects: ReplicaEffects, isNew: boolean, nextLearnId: () => number): void {
    assert(this.core === null, 'a server runs once');
    const { incarnation } = this;
    const options = { ...CORE_OPTIONS, incarnation };
    this.core = new ReplicaCore(GPID, this.id, table, isNew, options, effects, nextLearnId);
    if (isNew) return;
    assert(this.stored !== null, 'what was in a configuration has stored it');
    this.core.onOpened(this.stored, this.checkpoint.decree, this.checkpoint.digest);
    for (const record of this.log) this.core.onReplay(mutationOf(record));
  }

  crash(): void {
    this.core = null;
    this.appends = [];
    this.storing = null;
    this.tasks = [];
    this.learns = 0;
    this.incarnation += 1;
  }

  // ---- events ----

  onPush(push: ConfigurationPush): void {
    // Another life was meant.
    if (push.incarnation !== this.incarnation) return;
    const config = configurationFromWire(push.configuration);
    this.core!.onConfigurationPush(tableFromWire(push.table), config, this.nowMs);
  }

  receive(from: NodeId, { type, message }: { type: InternalMessage; message: object }): void {
    deliver(this.core!, { from, type, message }, this.nowMs);
  }

  /** The oldest append becomes durable. */
  syncOne(): void {
    const { mutation, record } = this.appends.shift()!;
    this.log = [...this.log, record];
    this.found = null;
    this.core!.onLogAppended(mutation, this.nowMs);
  }

  storeConfiguration(): void {
    const config = this.storing!;
    this.stored = config;
    this.storing = null;
    this.core!.onConfigurationPersisted(config.ballot, this.nowMs);
  }

  workOnce(): void {
    const core = this.core!;
    const [task, ...rest] = this.tasks;
    this.tasks = rest;
    switch (task!.kind) {
      case 'readLog':
        core.onLogRead(task!.learnId, this.read(task!.from));
        break;
      case 'makeCheckpoint': {
        const { lastCommitted, lastCommittedDigest } = core.state.list;
        core.onCheckpointMade(task!.learnId, `${lastCommittedDigest}`, lastCommitted, []);
        break;
      }
      case 'fetchCheckpoint': {
        const { learnId, decree, digest } = task!;
        this.checkpoint = { decree: decree as Decree, digest };
        this.found = null;
        core.onCheckpointInstalled(learnId, decree as Decree, digest, this.nowMs);
        break;
      }
    }
  }

  passTime(elapsedMs: number): void {
    this.nowMs += elapsedMs;
    this.core!.onTick(this.nowMs);
  }

  /** All that is under way, but for syncs of a primary. */
  finishWork(): void {
    for (;;) {
      if (this.storing !== null) this.storeConfiguration();
      else if (this.tasks.length > 0) this.workOnce();
      else if (this.appends.length > 0 && this.core!.leading === null) this.syncOne();
      else return;
    }
  }

  // ---- effects ----

  later(task: Task): void {
    this.tasks = [...this.tasks, task];
  }

  abandonFetches(exceptLearnId: number): void {
    this.tasks = this.tasks.filter(
      (task) => task.kind !== 'fetchCheckpoint' || task.learnId === exceptLearnId,
    );
  }

  nextLearnId(): number {
    this.learns += 1;
    return this.incarnation * LEARNS_PER_LIFE + this.learns;
  }

  append(mutation: Mutation): void {
    const { ballot, decree, lastCommittedDecree, previousDigest, digest, body } = mutation;
    const record = {
      ballot,
      decree,
      lastCommitted: lastCommittedDecree,
      previousDigest,
      digest,
      body,
    };
    this.appends.push({ mutation, record });
  }

  /** Waits for answers: as a primary for acknowledgements or the manager, as a learner for its primary. */
  get isWaiting(): boolean {
    const { leading, learnId, state } = this.core!;
    return learnId > 0 || (leading !== null && state.config.secondaries.length > 0);
  }

  report(): ReplicaState {
    const { state, learnId } = this.core!;
    const { config, status, list, failure } = state;
    return {
      ...makeReplicaState(),
      gpid: GPID,
      ballot: config.ballot,
      status,
      lastCommittedDecree: list.lastCommitted,
      lastPreparedDecree: list.lastPrepared,
      appliedDecree: list.lastCommitted,
      durableDecree: this.checkpoint.decree,
      learnId,
      failure,
    };
  }

  private read(from: number): Mutation[] | null {
    const digests = this.recoverable();
    const found: Mutation[] = [];
    for (let decree = from; digests.has(decree); decree++) {
      const isIt = (one: LogRecord): boolean =>
        one.decree === decree && one.digest === digests.get(decree);
      const record = this.log.find(isIt);
      if (record === undefined) break;
      found.push(mutationOf(record));
    }
    return found.length > 0 ? found : null;
  }

  /** The digests that a restart would find, by decree, from the checkpoint on. */
  recoverable(): Map<number, number> {
    this.found ??= this.recover();
    return this.found;
  }

  private recover(): Map<number, number> {
    const { decree, digest } = this.checkpoint;
    const found = new Map<number, number>([[decree, digest]]);
    for (const record of this.log) {
      if (record.decree <= decree || found.get(record.decree) === record.digest) continue;
      if (found.get(record.decree - 1) !== record.previousDigest) continue;
      for (let later: number = record.decree; found.delete(later); later++);
      found.set(record.decree, record.digest);
    }
    return found;
  }

  describe(): string {
    const { core, stored, storing, checkpoint } = this;
    const log = this.log.map(
      (one) => `${one.ballot}.${one.decree}.${one.digest}.${one.lastCommitted}`,
    );
    const list = core?.state.list;
    const appends = this.appends.map(({ mutation: { decree, digest, ballot }, mutation }) => {
      return `${ballot}.${decree}.${digest}.${list?.get(decree) === mutation}`;
    });
    const names = `${stored?.ballot}/${stored?.learner};${storing?.ballot}/${storing?.learner}`;
    const disk = `${log.join()};${checkpoint.decree}.${checkpoint.digest};${names}`;
    const work = `${appends.join()};${JSON.stringify(this.tasks)}`;
    return `${this.id}.${this.incarnation}.${this.learns};${disk};${work};${describeGraph(core)}`;
  }
}

function mutationOf(record: LogRecord): Mutation {
  const { ballot, decree, lastCommitted, previousDigest, digest, body } = record;
  return new Mutation(GPID, ballot, decree, lastCommitted, 1, previousDigest, digest, body);
}
