/**
 * The meta server's brain: events in as method calls, verbs out through `ClusterEffects`.
 * Synchronous, without clock, chance or I/O of its own.
 *
 *  1. A change is planned from what is durable, handed to `persist`, and takes effect in
 *     `onPersisted`: only then is it visible to anybody.
 *  2. At most one change per partition is under way (`Partition.changing`).
 *  3. All changes that one event causes go into one batch: the death of a node is one append.
 *  4. An event costs work in proportion to what it touches. What hangs on the passing of time is
 *     looked at again in `onTick`, a bounded number of partitions each time.
 */
import { assert } from '../base/assert.ts';
import { reached } from '../base/marks.ts';
import type { Logger } from '../env/logger.ts';
import { members } from '../model/configuration.ts';
import { configurationFromWire } from '../model/configuration-wire.ts';
import { gpidText, type NodeId } from '../model/identity.ts';
import type {
  ConfigurationTold,
  ConfigurationUpdate,
  ReplicaReport,
} from '../wire/generated/internal.ts';
import { ConfigurationChange } from '../wire/schema/internal.ts';
import { MetaLevel } from '../wire/schema/meta.ts';
import {
  doubtJournal,
  isBeyondDoubt,
  noteBallotsAhead,
  noteTold,
  noteUnknownTables,
  planAdoption,
} from './adoption.ts';
import { Balancer } from './balancer.ts';
import { ClusterState } from './cluster-state.ts';
import { isRemoval, isSlowness, otherLearner, planUpdate } from './configuration-update.ts';
import { mustYield } from './cut-off.ts';
import type { BrainParts, ChangeBatch, ClusterEffects, Now } from './effects.ts';
import { decideChange, isChangeable, type PlannedChange } from './guardian.ts';
import {
  chooseLearner,
  countLearners,
  type LearnCounts,
  learnerTrouble,
  planFence,
} from './learner-choice.ts';
import { LevelControl } from './level-control.ts';
import { Messenger } from './messenger.ts';
import { isNeedy, lacksMembers, type Move } from './moves.ts';
import type { MoveRefusal } from './moves-book.ts';
import { type BeaconFacts, BeaconOutcome, type ServerNode } from './node-registry.ts';
import { type Partition, TABLE_PUSH_REPEATS } from './partition.ts';
import type { StateRecord } from './records.ts';
import { judgeLease, ReportBook } from './reports.ts';
import {
  assertClusterSettings,
  type ClusterSettings,
  type CureSettings,
  changedCure,
} from './settings.ts';
import type { Table } from './table.ts';

/** How long a meta server that has just started leaves partitions that lack members as they are. */
const CURE_DELAY_BEACONS = 3;
/** Partitions looked at in one event; the rest follows at the next tick. */
const SETTLE_MAX = 4_096;
/** Partitions that wait for something, looked at per tick. */
const REVISIT_MAX = 512;

export type { BrainParts, ChangeBatch, ClusterEffects, Now } from './effects.ts';

export class ClusterBrain {
  readonly state: ClusterState;
  readonly levels: LevelControl;
  readonly balancer: Balancer;
  readonly #configured: ClusterSettings;
  #settings: ClusterSettings;
  readonly #effects: ClusterEffects;
  readonly #logger: Logger;
  readonly #reports: ReportBook;
  readonly #messenger: Messenger;
  /** To be looked at before the event ends. */
  readonly #dirty = new Set<Partition>();
  /** Lacking members or waiting for a learner: to be looked at as time goes by. */
  readonly #needy = new Set<Partition>();
  /** Those that have a learner. */
  readonly #learning = new Set<Partition>();
  /** Before that, those that are alive may not have reported yet what they hold. */
  readonly #cureFromMs: number;
  /** Until then somebody may still prove that the journal is old. */
  #doubtUntilMs: number;
  /** That time was not over when this process was last awake. */
  #mayBeProved = true;

  constructor(parts: BrainParts, now: Now) {
    assertClusterSettings(parts.settings);
    this.#configured = parts.settings;
    this.#settings = parts.settings;
    this.#effects = parts.effects;
    this.#logger = parts.logger;
    this.levels = new LevelControl(parts.settings, MetaLevel.lively);
    this.state = new ClusterState(parts.settings.graceMs, now.monotonicMs, parts.settings);
    this.#reports = new ReportBook(this.state);
    this.#messenger = new Messenger(parts, this.state, this.#reports);
    this.#doubtUntilMs = now.monotonicMs + parts.settings.graceMs;
    this.#cureFromMs = now.monotonicMs + CURE_DELAY_BEACONS * parts.settings.beaconIntervalMs;
    const hooks = {
      level: () => this.level,
      needy: () => this.#needy,
      touch: (partition: Partition) => void this.#dirty.add(partition),
    };
    this.balancer = new Balancer({ ...parts, state: this.state }, hooks, this.#cureFromMs);
  }

  /** Takes up what a state store held, which may be an old copy (adoption.ts). Before any other event. */
  load(records: readonly StateRecord[], now: Now, mayBeOld = true): void {
    this.state.load(records, now.monotonicMs);
    for (const table of this.state.tables()) {
      for (const partition of table.partitions) {
        partition.isDoubted = mayBeOld;
        this.#needy.add(partition);
      }
    }
  }

  /** Administrators may stop some of the automatism, and so may the meta server; see level-control.ts. */
  get level(): MetaLevel {
    return this.levels.level;
  }

  set level(level: MetaLevel) {
    this.levels.choose(level);
    this.reconsider();
  }

  /** Those that can be changed while it runs. */
  get cureSettings(): CureSettings {
    return this.#settings;
  }

  /** For the time of this lead; null: as configured. */
  setCure(changes: { readonly [Name in keyof CureSettings]?: CureSettings[Name] | null }): void {
    this.#settings = changedCure(this.#settings, this.#configured, changes);
    this.reconsider();
  }

  /** What may be done has changed: what was reported meanwhile was taken up, and nothing was done about it. */
  reconsider(): void {
    for (const table of this.state.tables()) {
      for (const partition of table.partitions) this.#needy.add(partition);
    }
  }

  onBeacon(facts: BeaconFacts, now: Now): void {
    if (!this.state.admission.isListed(facts.node) && this.state.replicaCountOf(facts.node) === 0) {
      this.#messenger.refuse(facts);
      return;
    }
    const outcome = this.state.nodes.onBeacon(facts, now.monotonicMs);
    if (outcome === BeaconOutcome.stale) return;
    const node = this.state.nodes.get(facts.node);
    assert(node !== undefined, 'who sent a beacon is known');
    if (outcome === BeaconOutcome.outlived) {
      this.#messenger.tellOutlived(node, facts);
      return;
    }
    if (outcome === BeaconOutcome.born) {
      this.#logger.info('node.born', { node: node.id, incarnation: node.incarnation });
      this.#effects.persist({ records: [node.record()], partitions: [], done: null });
      if (this.state.admission.isUnstable(node))
        this.#logger.warn('node.unstable', { node: node.id });
    }
    if (outcome !== BeaconOutcome.known) {
      if (node.left) this.#logger.info('node.left', { node: node.id });
      this.#touchAllOf(node);
      this.#settle(now);
    }
    this.#messenger.acknowledge(node);
  }

  onReport(report: ReplicaReport, now: Now): void {
    const node = this.state.nodes.get(report.nodeId as NodeId);
    if (node === undefined || !this.#reports.isCurrent(node, report)) return;
    for (const partition of this.#reports.take(node, report, now.monotonicMs)) {
      this.#dirty.add(partition);
    }
    this.#compareBallots(node, report);
    this.#settle(now);
    if (judgeLease(this.state, node, report)) this.#messenger.acknowledge(node);
    this.#messenger.tellNode(node, now);
  }

  /** `from` asks for a change of a partition that it leads, or believes to. */
  onConfigurationUpdate(from: NodeId, update: ConfigurationUpdate, now: Now): void {
    const partition = this.state.partition(update.gpid);
    const node = this.state.nodes.get(from);
    if (partition === undefined || node === undefined) return;
    // What is under way is answered when it is durable, and the request is repeated.
    if (partition.changing || partition.table.frozen) return;
    const leads =
      node.usable &&
      partition.record.config.primary === from &&
      partition.seatOf(from)?.incarnation === node.incarnation &&
      partition.ballot === update.ballot;
    if (leads && update.lastCommittedDecree > partition.committedDecree) {
      partition.committedDecree = update.lastCommittedDecree;
    }
    const other = leads ? otherLearner(this.state, partition, update) : null;
    if (other !== null) {
      reached('cluster.learner.other');
      this.#wishFor(partition, other, now.monotonicMs);
    }
    const mayJudge = leads && this.level >= MetaLevel.freezed;
    if (mayJudge && mustYield(this.state, this.#settings, partition, update, now.monotonicMs)) {
      this.#messenger.askToYield(node, partition);
      return;
    }
    const change = leads ? planUpdate(this.state, this.level, partition, update) : null;
    if (change === null) {
      reached('cluster.update.refused');
      this.#messenger.tell(node, partition);
      return;
    }
    if (isRemoval(update)) this.#onRemovalAsked(partition, update, now);
    this.#begin([change]);
    this.#settle(now);
  }

  /** A node answers the query for the newest configuration that it has stored. */
  onConfigurationTold(from: NodeId, message: ConfigurationTold, now: Now): void {
    const node = this.state.nodes.get(from);
    if (node?.incarnation !== message.incarnation) return;
    const config = configurationFromWire(message.configuration);
    const partition = this.state.partition(config.gpid);
    if (partition === undefined || !noteTold(partition, config)) return;
    this.#dirty.add(partition);
    this.#settle(now);
  }

  /**
   * This life of the node is proved over (`meta/life-watch.ts`): nobody waits for its grace. What
   * was proved of another life than the present one is no news.
   */
  onLifeEnded(id: NodeId, incarnation: number, now: Now): void {
    const node = this.state.nodes.onLifeEnded(id, incarnation, now.monotonicMs);
    if (node === null) return;
    this.#logger.warn('node.ended', { node: id, incarnation });
    this.#touchAllOf(node);
    this.#settle(now);
  }

  onTick(now: Now): void {
    this.#mindSleep(now);
    this.#mayBeProved = now.monotonicMs < this.#doubtUntilMs;
    for (const node of this.state.nodes.takeExpired(now.monotonicMs)) {
      this.#logger.warn('node.dead', { node: node.id, incarnation: node.incarnation });
      this.#touchAllOf(node);
    }
    if (this.levels.look(this.state)) this.reconsider();
    this.balancer.onTick(now.monotonicMs);
    let revisits = Math.min(REVISIT_MAX, this.#needy.size);
    for (const partition of this.#needy) {
      if (revisits === 0) break;
      revisits -= 1;
      this.#needy.delete(partition);
      this.#dirty.add(partition);
    }
    this.#settle(now);
  }

  /** Somebody asks for a move. Null: it has begun. */
  move(partition: Partition, move: Move, now: Now, isForced = false): MoveRefusal | null {
    const refusal = this.balancer.move(partition, move, now.monotonicMs, isForced);
    this.#settle(now);
    return refusal;
  }

  /** Hands in records that a command has made. `done` is called when they have taken effect. */
  submit(records: readonly StateRecord[], done: () => void): void {
    const partitions: Partition[] = [];
    for (const record of records) {
      if (record.kind !== 'partition') continue;
      const partition = this.state.partition(record.config.gpid);
      if (partition === undefined) continue;
      assert(!partition.changing, 'one change at a time');
      partition.changing = true;
      partitions.push(partition);
    }
    this.#effects.persist({ records, partitions, done });
  }

  /** The batch is durable. Batches come back in the order in which they were handed out. */
  onPersisted(batch: ChangeBatch, now: Now): void {
    const former = batch.partitions.map((partition) => partition.record.config);
    for (const record of batch.records) this.state.apply(record, now.monotonicMs);
    batch.partitions.forEach((partition, index) => {
      assert(partition.changing, 'the change was under way');
      partition.changing = false;
      if (!partition.table.isAvailable || partition.learner === null) {
        this.#dismissLearner(partition);
      }
      const before = former[index]!;
      if (partition.ballot !== before.ballot) this.#messenger.broadcast(partition, members(before));
      this.#dirty.add(partition);
    });
    for (const record of batch.records) {
      if (record.kind === 'table') this.#onTableChanged(record.app.appId);
      if (record.kind === 'wishes') this.balancer.onWishesChanged(now.monotonicMs);
    }
    batch.done?.();
    this.#settle(now);
  }

  /** Stops changes of the table's partitions. Returns false while some are still under way. */
  freeze(table: Table): boolean {
    table.frozen = true;
    return table.partitions.every((partition) => !partition.changing);
  }

  unfreeze(table: Table, now: Now): void {
    table.frozen = false;
    for (const partition of table.partitions) this.#dirty.add(partition);
    this.#settle(now);
  }

  #onTableChanged(appId: number): void {
    const table = this.state.table(appId);
    assert(table !== undefined, 'a table that changed is known');
    for (const partition of table.partitions) {
      for (const node of members(partition.record.config)) {
        partition.tablePushes.set(node, TABLE_PUSH_REPEATS);
      }
      this.#messenger.broadcast(partition, []);
      this.#dirty.add(partition);
    }
  }

  #touchAllOf(node: ServerNode): void {
    for (const partition of this.state.hostedBy(node.id)) this.#dirty.add(partition);
    for (const partition of this.#reports.heldBy(node.id)) this.#dirty.add(partition);
    for (const partition of this.#learning) {
      if (partition.learner?.node === node.id) this.#dirty.add(partition);
    }
  }

  /** Who knows better may have said so while this process was asleep: it doubts as long again as after a start. */
  #mindSleep(now: Now): void {
    if (!this.#mayBeProved || !this.state.nodes.wasAsleep(now.monotonicMs)) return;
    this.#doubtUntilMs = now.monotonicMs + this.#settings.graceMs;
  }

  /** Looks at all that this event has touched and begins what is to be changed. */
  #settle(now: Now): void {
    this.#mindSleep(now);
    const changes: PlannedChange[] = [];
    let counts: LearnCounts | null = null;
    let budget = SETTLE_MAX;
    for (const partition of this.#dirty) {
      if (budget === 0) break;
      budget -= 1;
      this.#dirty.delete(partition);
      if (partition.isDoubted) {
        const hasGrace = now.monotonicMs < this.#doubtUntilMs;
        partition.isDoubted = !isBeyondDoubt(this.state, partition, hasGrace);
      }
      const change = partition.isDoubted
        ? planAdoption(this.state, partition)
        : this.#plan(partition, now);
      if (change !== null) {
        changes.push(change);
      } else if (partition.move !== null) {
        this.#goOnWithMove(partition, now.monotonicMs);
      } else if (partition.learner === null && this.#mayCure(partition, now)) {
        counts ??= countLearners(this.#learning);
        this.#chooseLearner(partition, counts, now);
      }
      if (isNeedy(this.state, partition)) this.#needy.add(partition);
      else this.#needy.delete(partition);
    }
    this.#begin(changes);
  }

  #plan(partition: Partition, now: Now): PlannedChange | null {
    if (!isChangeable(partition) || this.level < MetaLevel.freezed) return null;
    const change = decideChange(this.state, partition);
    const wish = partition.learner;
    if (wish === null) return change;
    const nowMs = now.monotonicMs;
    const trouble = learnerTrouble(this.state, this.#settings, partition, wish, nowMs);
    if (trouble === null) return change;
    // A change of this ballot anyway voids what the primary may have asked for; else a new one is
    // made for it.
    if (change !== null && change.record.config.ballot === partition.ballot) return change;
    reached('cluster.learner.givenUp');
    this.#dismissLearner(partition);
    if (partition.move?.to === wish.node) this.balancer.onLearnFailed(partition, nowMs);
    if (trouble === 'stalled' || trouble === 'failed') {
      partition.backoff.onGivenUp(this.#settings, wish.node, nowMs);
    }
    this.#logger.info('learner.givenUp', {
      partition: gpidText(partition.gpid),
      node: wish.node,
      trouble,
    });
    return change ?? planFence(partition);
  }

  #goOnWithMove(partition: Partition, nowMs: number): void {
    if (this.level <= MetaLevel.freezed) return;
    const need = this.balancer.look(partition, nowMs);
    const { primary } = partition.record.config;
    const leader = primary === null ? undefined : this.state.nodes.get(primary);
    if (need === null || leader === undefined) return;
    if (need.kind === 'learner') this.#wishFor(partition, need.node, nowMs);
    if (need.kind === 'learner') this.#messenger.tell(leader, partition);
    else this.#messenger.askToHandOver(leader, partition, need.node);
  }

  #mayCure(partition: Partition, now: Now): boolean {
    if (this.level <= MetaLevel.freezed || now.monotonicMs < this.#cureFromMs) return false;
    return isChangeable(partition) && lacksMembers(partition);
  }

  #chooseLearner(partition: Partition, counts: LearnCounts, now: Now): void {
    const nowMs = now.monotonicMs;
    const node = chooseLearner(this.state, this.#settings, counts, partition, nowMs);
    if (node === null) return;
    this.#wishFor(partition, node, nowMs);
    const { primary } = partition.record.config;
    assert(primary !== null, 'a learner has a teacher');
    counts.add(node.id, primary);
    this.#logger.info('learner.chosen', { partition: gpidText(partition.gpid), node: node.id });
    const teacher = this.state.nodes.get(primary);
    if (teacher !== undefined) this.#messenger.tell(teacher, partition);
  }

  #onRemovalAsked(partition: Partition, update: ConfigurationUpdate, now: Now): void {
    const node = update.node as NodeId;
    // Who gave up the lead had a reason that outlasts a moment.
    const hasYielded = update.change === ConfigurationChange.yieldPrimary;
    const isSlow = hasYielded || isSlowness(update.reason);
    const { backoff, learner } = partition;
    const count = backoff.onRemoved(this.#settings, node, isSlow, now.monotonicMs);
    if (count > 1) reached('cluster.removal.again');
    if (learner?.node === node) this.#dismissLearner(partition);
  }

  #wishFor(partition: Partition, node: ServerNode, nowMs: number): void {
    partition.learner = {
      node: node.id,
      incarnation: node.incarnation,
      progressAtMs: nowMs,
      decreesMost: 0,
      fetchedMost: 0,
    };
    this.#learning.add(partition);
  }

  #dismissLearner(partition: Partition): void {
    partition.learner = null;
    this.#learning.delete(partition);
  }

  #begin(changes: readonly PlannedChange[]): void {
    if (changes.length === 0) return;
    for (const { partition, record, reason } of changes) {
      assert(!partition.changing, 'one change at a time');
      partition.changing = true;
      this.#logger.info('partition.change', {
        partition: gpidText(partition.gpid),
        reason,
        ballot: record.config.ballot,
        primary: record.config.primary,
        members: record.seats.length,
      });
    }
    this.#effects.persist({
      records: changes.map((change) => change.record),
      partitions: changes.map((change) => change.partition),
      done: null,
    });
  }

  /** Replicas may know of a later time than the journal does. */
  #compareBallots(node: ServerNode, report: ReplicaReport): void {
    for (const appId of noteUnknownTables(this.state, report)) {
      this.#logger.warn('replica.unknown', { node: node.id, appId });
    }
    const ahead = noteBallotsAhead(this.state, report);
    if (ahead.length === 0) return;
    const doubted = doubtJournal(this.state);
    for (const partition of doubted) this.#needy.add(partition);
    if (doubted.length > 0) this.#logger.warn('journal.old', { node: node.id });
    for (const partition of ahead) {
      this.#needy.add(partition);
      this.#messenger.query(node, partition);
    }
  }
}
