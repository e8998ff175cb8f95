/**
 * One partition as the meta server sees it: the durable record, and what is known of it for the time being.
 *
 * Invariants, checked where a new record is made (`assertSuccessor`) and where one is taken up (`take`):
 *  1. Each change of members or primary makes the ballot one larger; the same ballot means the same members.
 *  2. A new primary was a member before. A new member was the learner before, or the partition had no configuration.
 *  3. Each member has exactly one seat; only members are materialised; drops are no members.
 *  4. While `changing`, no other change is planned.
 *  5. Invariants 1 and 2 are suspended for one record: that which is adopted from replicas (adoption.ts).
 */
import { assert, assertAtLeast, assertEqual } from '../base/assert.ts';
import {
  assertConfiguration,
  members,
  type PartitionConfiguration,
} from '../model/configuration.ts';
import { type Ballot, type Gpid, gpidEquals, gpidKey, type NodeId } from '../model/identity.ts';
import { LearnBackoff } from './learn-backoff.ts';
import type { StandingMove } from './moves.ts';
import { DROPS_MAX, type PartitionRecord, type Seat } from './records.ts';
import type { Table } from './table.ts';

/** What one node last reported of its replica, or that it has none. */
export interface Holding {
  incarnation: number;
  present: boolean;
  /** Reports in a row without the replica. */
  missedReports: number;
  /** Damaged, or broken in some other way that its server told. */
  failed: boolean;
  ballot: number;
  status: number;
  lastCommittedDecree: number;
  lastPreparedDecree: number;
  appliedDecree: number;
  learnId: number;
  dataBytes: number;
  /** The end of its log may be lost; see log-head.ts. */
  tailUnproven: boolean;
  /** Under which its newest mutation was logged; 0 = not known. */
  headBallot: number;
  /** What it was compacted for last; see compaction-commands.ts. */
  compactedSeconds: number;
  /** Capacity units since its server started, as last told and when; and what they came to lately. */
  units: number;
  unitsAtMs: number;
  unitsPerSecond: number;
}

/** The node that the primary is asked to bring up to date. */
export interface LearnerWish {
  readonly node: NodeId;
  readonly incarnation: number;
  /** When it was chosen or last showed progress. */
  progressAtMs: number;
  /** The most that it ever showed: starting over is no progress. */
  decreesMost: number;
  fetchedMost: number;
}

/** How often a changed table is pushed again to each member, one per report: nobody confirms settings. */
export const TABLE_PUSH_REPEATS = 3;

export class Partition {
  readonly gpid: Gpid;
  readonly key: number;
  readonly table: Table;
  record: PartitionRecord;
  /** A change was handed to the state store and is not durable yet. */
  changing = false;
  learner: LearnerWish | null = null;
  /** See moves.ts. */
  move: StandingMove | null = null;
  /** The journal may be older than its replicas; see adoption.ts, and there only. */
  isDoubted = false;
  /** The highest ballot that was reported above the own. */
  aheadBallot = 0;
  /** The configuration of the highest ballot that a node told. */
  told: PartitionConfiguration | null = null;
  /** The record, under way to the state store, that takes over what was told. */
  adopting: PartitionRecord | null = null;
  readonly holdings: Map<NodeId, Holding> = new Map();
  readonly backoff: LearnBackoff = new LearnBackoff();
  /** When its primary was asked to yield, because it had lost sight of all others; see cut-off.ts. */
  yieldAskedMs: number = Number.NEGATIVE_INFINITY;
  /** The highest committed decree that anybody told. */
  committedDecree: number;
  /** When a member was lost last. */
  lastDropMs: number;
  /** Since when it has all members in their roles; infinite while it has not. */
  healthySinceMs: number = Number.POSITIVE_INFINITY;
  /** Pushes of the changed table that are still to be repeated, by node. */
  readonly tablePushes: Map<NodeId, number> = new Map();

  constructor(table: Table, record: PartitionRecord, nowMs: number) {
    this.gpid = record.config.gpid;
    this.key = gpidKey(this.gpid);
    this.table = table;
    this.record = record;
    this.committedDecree = record.committedDecree;
    this.lastDropMs = nowMs;
    assertRecord(record);
  }

  get ballot(): Ballot {
    return this.record.config.ballot;
  }

  /** Nobody may be told what is known here. */
  get isBehind(): boolean {
    return this.aheadBallot > this.ballot;
  }

  /** The whole truth of now, as it is pushed. */
  configuration(): PartitionConfiguration {
    const { config } = this.record;
    return {
      gpid: config.gpid,
      ballot: config.ballot,
      maxReplicaCount: this.table.app.maxReplicaCount,
      primary: config.primary,
      secondaries: config.secondaries,
      learner: this.learner === null ? null : this.learner.node,
    };
  }

  seatOf(node: NodeId): Seat | undefined {
    return this.record.seats.find((seat) => seat.node === node);
  }

  isMaterialised(node: NodeId): boolean {
    return this.record.materialised.includes(node);
  }

  /** The replica of `node` in the life `incarnation`, when that life reported one or its absence. */
  holdingOf(node: NodeId, incarnation: number): Holding | undefined {
    const holding = this.holdings.get(node);
    return holding !== undefined && holding.incarnation === incarnation ? holding : undefined;
  }

  /** Takes up a durable record. */
  take(record: PartitionRecord, nowMs: number): void {
    const before = this.record;
    if (record === this.adopting) {
      assertRecord(record);
      assertAtLeast(record.config.ballot, before.config.ballot + 1, 'an adopted ballot is newer');
      this.adopting = null;
      this.told = null;
      // A lead by force takes back what is known to be committed.
      if (record.forced?.ballot === record.config.ballot)
        this.committedDecree = record.committedDecree;
    } else {
      assertSuccessor(before, record);
    }
    for (const seat of record.seats) {
      // What was known of it is from before it joined; a member is judged by what it reports from now on.
      if (seat.incarnation === 0 || before.seats.some((one) => one.node === seat.node)) continue;
      this.holdings.delete(seat.node);
      this.backoff.onJoined(seat.node, nowMs);
    }
    this.record = record;
    if (record.seats.length < before.seats.length) this.lastDropMs = nowMs;
    if (record.config.ballot !== before.config.ballot)
      this.healthySinceMs = Number.POSITIVE_INFINITY;
    this.committedDecree = Math.max(this.committedDecree, record.committedDecree);
    if (this.learner !== null && this.seatOf(this.learner.node) !== undefined) this.learner = null;
  }
}

export interface Membership {
  readonly primary: Seat | null;
  readonly secondaries: readonly Seat[];
}

/** The record of the next ballot with these members. `joined` is the learner that becomes one, or null. */
export function nextRecord(
  partition: Partition,
  next: Membership,
  joined: NodeId | null,
): PartitionRecord {
  const before = partition.record;
  const seats = next.primary === null ? [...next.secondaries] : [next.primary, ...next.secondaries];
  const nodes = seats.map((seat) => seat.node);
  const wanted = partition.table.app.maxReplicaCount;
  const gone = members(before.config).filter((node) => !nodes.includes(node));
  const drops = [...before.drops.filter((node) => !gone.includes(node)), ...gone];
  const materialised = before.materialised.filter((node) => nodes.includes(node));
  if (joined !== null) materialised.push(joined);
  const record: PartitionRecord = {
    kind: 'partition',
    config: {
      gpid: partition.gpid,
      ballot: (before.config.ballot + 1) as Ballot,
      maxReplicaCount: wanted,
      primary: next.primary === null ? null : next.primary.node,
      secondaries: next.secondaries.map((seat) => seat.node),
      learner: null,
    },
    seats,
    materialised,
    // Once all places are filled nobody waits for those who left.
    drops:
      nodes.length >= wanted ? [] : drops.filter((node) => !nodes.includes(node)).slice(-DROPS_MAX),
    dormant: [],
    committedDecree: partition.committedDecree,
    ...historyOf(before),
  };
  assertSuccessor(before, record);
  if (joined !== null) assert(partition.learner?.node === joined, 'who joins was the learner');
  return record;
}

/** The same configuration with other notes on its members. */
export function annotatedRecord(
  before: PartitionRecord,
  seats: readonly Seat[],
  materialised: readonly NodeId[],
): PartitionRecord {
  const record: PartitionRecord = {
    kind: 'partition',
    config: before.config,
    seats,
    materialised,
    drops: before.drops,
    dormant: before.dormant,
    committedDecree: before.committedDecree,
    ...historyOf(before),
  };
  assertSuccessor(before, record);
  return record;
}

/** What replicas have stored of a history that the state store has lost. */
export function adoptedRecord(
  partition: Partition,
  told: PartitionConfiguration,
  seats: readonly Seat[],
): PartitionRecord {
  const before = partition.record;
  const nodes = members(told);
  const gone = members(before.config).filter((node) => !nodes.includes(node));
  const drops = [...before.drops.filter((node) => !gone.includes(node)), ...gone];
  const record: PartitionRecord = {
    kind: 'partition',
    config: { ...told, maxReplicaCount: partition.table.app.maxReplicaCount, learner: null },
    seats,
    materialised: nodes,
    drops: drops.filter((node) => !nodes.includes(node)).slice(-DROPS_MAX),
    dormant: [],
    committedDecree: partition.committedDecree,
    ...historyOf(before),
  };
  assertRecord(record);
  return record;
}

/** A dropped table's partition has no members; those it had are kept for a recall. */
export function droppedRecord(partition: Partition): PartitionRecord {
  const before = partition.record;
  const record: PartitionRecord = {
    kind: 'partition',
    config: {
      gpid: partition.gpid,
      ballot: (before.config.ballot + 1) as Ballot,
      maxReplicaCount: before.config.maxReplicaCount,
      primary: null,
      secondaries: [],
      learner: null,
    },
    seats: [],
    materialised: [],
    drops: [],
    dormant: members(before.config),
    committedDecree: partition.committedDecree,
    ...historyOf(before),
  };
  assertSuccessor(before, record);
  return record;
}

/** Who was a member may lead again, but nobody does before it has shown its replica. */
export function recalledRecord(partition: Partition): PartitionRecord {
  const before = partition.record;
  assertEqual(before.seats.length, 0, 'a dropped partition has no members');
  const record: PartitionRecord = {
    kind: 'partition',
    config: {
      gpid: partition.gpid,
      ballot: (before.config.ballot + 1) as Ballot,
      maxReplicaCount: before.config.maxReplicaCount,
      primary: null,
      secondaries: before.dormant,
      learner: null,
    },
    seats: before.dormant.map((node) => ({ node, incarnation: 0 })),
    materialised: before.dormant,
    drops: [],
    dormant: [],
    committedDecree: partition.committedDecree,
    ...historyOf(before),
  };
  assertSuccessor(before, record);
  return record;
}

/** What stays with a partition whatever becomes of it. */
function historyOf({ forced }: PartitionRecord): Pick<PartitionRecord, 'forced'> {
  return forced === undefined ? {} : { forced };
}

/** Invariant 3, and those of configurations. */
export function assertRecord(record: PartitionRecord): void {
  assertConfiguration(record.config);
  assert(record.config.learner === null, 'the wish for a learner is not recorded');
  const nodes = members(record.config);
  assertEqual(record.seats.length, nodes.length, 'each member has a seat');
  for (const seat of record.seats) assert(nodes.includes(seat.node), 'a seat is a member’s');
  for (const node of record.materialised) assert(nodes.includes(node), 'only members materialise');
  for (const node of record.drops) assert(!nodes.includes(node), 'who dropped out is no member');
  assertAtLeast(record.committedDecree, 0, 'committed decree');
}

/** Invariants 1 and 2. */
export function assertSuccessor(before: PartitionRecord, after: PartitionRecord): void {
  assertRecord(after);
  assert(
    gpidEquals(before.config.gpid, after.config.gpid),
    'a record replaces that of its partition',
  );
  assertAtLeast(after.committedDecree, before.committedDecree, 'what is committed stays so');
  const old = members(before.config);
  const now = members(after.config);
  if (after.config.ballot === before.config.ballot) {
    assert(after.config.primary === before.config.primary, 'one ballot, one primary');
    assertEqual(now.length, old.length, 'one ballot, one set of members');
    for (const node of now) assert(old.includes(node), 'one ballot, one set of members');
    return;
  }
  assertEqual(
    after.config.ballot,
    before.config.ballot + 1,
    'a change makes the ballot one larger',
  );
  const { primary } = after.config;
  const eligible = old.length > 0 ? old : before.dormant;
  assert(primary === null || eligible.includes(primary), 'only a member may become primary');
  const added = now.filter((node) => !eligible.includes(node));
  assert(added.length <= 1, 'at most one learner joins at a time');
}
