/**
 * The meta server's state, made anew from what replica servers hold, when the store was lost as a whole.
 *
 * Each replica keeps the newest configuration that it has seen and the newest version of its table. So the rules are
 * those of an old journal (adoption.ts), for a journal that is as old as can be:
 *
 *  1. Of a table counts the version with the most changes; of a partition the configuration of the highest ballot that
 *     anybody has seen. When all its members have answered, and all servers that are alive, nothing newer was ever
 *     acted upon: it is adopted as it is, with its ballot, and whoever leads goes on leading.
 *  2. A member that plays its role in it keeps its seat. One that restarted does not; guardian.ts and log-head.ts
 *     find out who may lead, as after any loss of power.
 *  3. Whoever did not answer may know more. To go on without it is for the operator to say (`skipBadNodes`). Then every
 *     ballot is raised far above all that was seen, so that what comes back later is old, whatever it holds.
 *     A partition of which members are missing is led by the best of those that are there.
 *  4. A partition without any whole copy is lost, as far as can be seen (`skipLostPartitions`). It is recovered without
 *     members: whenever a copy shows up, or is chosen by hand (unsafe-recovery.ts), it goes on from that.
 *  5. What contradicts itself is refused: two tables of one name or of one number, different numbers of partitions.
 *
 * All is decided from one set of answers and is one change of the store. Nothing in the cluster changes before it,
 * because nobody but the meta server changes configurations.
 */
import { ErrorCode } from '../base/error-names.ts';
import {
  type AppInfo,
  AppStatus,
  isMember,
  members,
  type PartitionConfiguration,
  ReplicaStatus,
} from '../model/configuration.ts';
import { type Ballot, type Gpid, gpidOf, gpidText, type NodeId } from '../model/identity.ts';
import type { ReplicaState } from '../wire/generated/internal.ts';
import type { ClusterState } from './cluster-state.ts';
import type { PartitionRecord, Seat, StateRecord } from './records.ts';
import { recoverTables } from './recovery-tables.ts';
import { type CommandPlan, refused } from './table-commands.ts';

/** One replica, as its server tells of it. */
export interface HeldReplica {
  readonly state: ReplicaState;
  /** Both null when its folder cannot be read. */
  readonly config: PartitionConfiguration | null;
  readonly table: AppInfo | null;
}

/** All that one server holds, in the life that answered. */
export interface Inventory {
  readonly node: NodeId;
  readonly incarnation: number;
  readonly replicas: readonly HeldReplica[];
}

export interface RecoveryRequest {
  readonly skipBadNodes: boolean;
  readonly skipLostPartitions: boolean;
}

/** Above all ballots that a server that did not answer may know of. */
export const BALLOT_STEP = 1_000_000;
/** Between the highest number of a table that was seen and the next one, when somebody may know of others. */
const APP_ID_STEP = 100;
const HINT_LINES_MAX = 50;

interface Holder {
  readonly inventory: Inventory;
  readonly replica: HeldReplica & { readonly config: PartitionConfiguration };
}

/** `absent` are servers that were asked and did not answer, or are alive and were not asked. */
export function planRecovery(
  state: ClusterState,
  inventories: readonly Inventory[],
  absent: readonly NodeId[],
  request: RecoveryRequest,
): CommandPlan {
  if ([...state.tables()].length > 0) return ALREADY;
  return new Recovery(inventories, absent, request).plan();
}

class Recovery {
  readonly #inventories: readonly Inventory[];
  readonly #absent: Set<NodeId>;
  readonly #request: RecoveryRequest;
  readonly #hints: string[] = [];
  /** By partition, of those that can be read. */
  readonly #holders = new Map<string, Holder[]>();

  constructor(
    inventories: readonly Inventory[],
    absent: readonly NodeId[],
    request: RecoveryRequest,
  ) {
    this.#inventories = inventories;
    this.#absent = new Set(absent);
    this.#request = request;
    for (const inventory of inventories) {
      for (const replica of inventory.replicas) this.#note(inventory, replica);
    }
  }

  plan(): CommandPlan {
    const found = this.#inventories.flatMap(({ replicas }) => replicas);
    const { tables, conflicts } = recoverTables(found);
    if (conflicts.length > 0) return this.#refuse(ErrorCode.inconsistentState, conflicts);
    if (tables.length === 0) {
      return this.#refuse(ErrorCode.tryAgain, ['none of the servers holds a replica']);
    }
    this.#missMembers(tables);
    if (this.#absent.size > 0 && !this.#request.skipBadNodes) {
      const lines = [...this.#absent].sort().map((node) => `${node} did not tell what it holds`);
      return this.#refuse(ErrorCode.tryAgain, [...lines, 'start them, or skip bad nodes']);
    }
    const records: StateRecord[] = [];
    const lost: string[] = [];
    for (const table of tables) {
      records.push({ kind: 'table', app: table });
      for (let index = 0; index < table.partitionCount; index++) {
        const record = this.#partition(table, gpidOf(table.appId, index));
        if (record === null) lost.push(gpidText(gpidOf(table.appId, index)));
        records.push(record ?? withoutMembers(table, gpidOf(table.appId, index)));
      }
    }
    if (lost.length > 0 && !this.#request.skipLostPartitions) {
      const lines = lost.map((gpid) => `partition ${gpid} has no whole copy`);
      return this.#refuse(ErrorCode.tryAgain, [...lines, 'find one, or skip lost partitions']);
    }
    for (const gpid of lost) this.#hints.push(`partition ${gpid} is lost`);
    for (const node of this.#absent) this.#hints.push(`went on without ${node}`);
    if (this.#absent.size > 0) records.push(...idHolder(tables));
    const partitions = records.filter(({ kind }) => kind === 'partition').length;
    this.#hints.unshift(
      `${tables.length} tables with ${partitions} partitions from ${this.#inventories.length} servers`,
    );
    return { code: ErrorCode.ok, hint: textOf(this.#hints), appId: 0, records };
  }

  #note(inventory: Inventory, replica: HeldReplica): void {
    const { config, state } = replica;
    const key = gpidText(state.gpid as Gpid);
    if (config === null) {
      this.#hints.push(`the copy of ${key} on ${inventory.node} cannot be read`);
      return;
    }
    const holders = this.#holders.get(key) ?? [];
    if (holders.length === 0) this.#holders.set(key, holders);
    holders.push({ inventory, replica: { ...replica, config } });
  }

  /** Members of the newest configurations that were not among those asked. */
  #missMembers(tables: readonly AppInfo[]): void {
    const answered = new Set(this.#inventories.map(({ node }) => node));
    for (const { appId, partitionCount } of tables) {
      for (let index = 0; index < partitionCount; index++) {
        const newest = newestOf(this.#holders.get(gpidText(gpidOf(appId, index))) ?? []);
        if (newest === null) continue;
        for (const node of members(newest)) if (!answered.has(node)) this.#absent.add(node);
      }
    }
  }

  /** Null when it is lost. */
  #partition(table: AppInfo, gpid: Gpid): PartitionRecord | null {
    const holders = this.#holders.get(gpidText(gpid)) ?? [];
    const newest = newestOf(holders);
    if (table.status === AppStatus.dropped) return dropped(table, gpid, newest, holders);
    if (newest === null) return null;
    const nodes = members(newest);
    const whole = holders.filter(isWhole);
    const trusted = whole.filter(({ inventory }) => nodes.includes(inventory.node));
    const hasAll = nodes.length > 0 && nodes.every((node) => !this.#absent.has(node));
    const step = this.#absent.size > 0 ? BALLOT_STEP : 0;
    if (trusted.length > 0 && hasAll) return this.#adopted(table, newest, holders, step);
    if (this.#absent.size === 0 && !this.#request.skipLostPartitions) return null;
    const leaders = trusted.length > 0 ? trusted : bestOf(whole);
    if (leaders.length === 0) return null;
    const names = leaders.map(({ inventory }) => inventory.node);
    this.#hints.push(`partition ${gpidText(gpid)} goes on from what ${names.join(', ')} has`);
    return restored(table, newest, leaders);
  }

  /** Rules 1 and 2. */
  #adopted(
    table: AppInfo,
    newest: PartitionConfiguration,
    holders: readonly Holder[],
    step: number,
  ): PartitionRecord {
    const nodes = members(newest);
    const seats = nodes.map((node): Seat => {
      const inventory = this.#inventories.find((one) => one.node === node)!;
      const own = holders.find((one) => one.inventory === inventory);
      const status = own?.replica.state.status;
      const plays = status === ReplicaStatus.primary || status === ReplicaStatus.secondary;
      return { node, incarnation: plays ? inventory.incarnation : inventory.incarnation - 1 };
    });
    return {
      ...withoutMembers(table, newest.gpid),
      config: {
        ...newest,
        ballot: (newest.ballot + step) as Ballot,
        maxReplicaCount: table.maxReplicaCount,
        learner: null,
      },
      seats,
      materialised: nodes,
      committedDecree: committedOf(
        holders.filter(({ inventory }) => nodes.includes(inventory.node)),
      ),
    };
  }

  #refuse(code: ErrorCode, lines: readonly string[]): CommandPlan {
    return { ...refused(code), hint: textOf([...lines, ...this.#hints]) };
  }
}

const ALREADY: CommandPlan = {
  ...refused(ErrorCode.serviceAlreadyRunning),
  hint: 'the meta server knows tables already: only an empty one is recovered',
};

/** Rule 3: those that are left of the members, or the best of the others, under a ballot that nobody has seen. */
function restored(
  table: AppInfo,
  newest: PartitionConfiguration,
  leaders: readonly Holder[],
): PartitionRecord {
  const nodes = leaders.map(({ inventory }) => inventory.node);
  const empty = withoutMembers(table, newest.gpid);
  return {
    ...empty,
    config: {
      ...empty.config,
      ballot: (newest.ballot + BALLOT_STEP) as Ballot,
      secondaries: nodes,
    },
    // No life has taken them yet: each has to show its replica first.
    seats: nodes.map((node) => ({ node, incarnation: 0 })),
    materialised: nodes,
    // Of several, one will do that is behind another: the longest leads, when all have reported.
    committedDecree: Math.max(...leaders.map((one) => one.replica.state.lastCommittedDecree)),
  };
}

/** Copies of a dropped table are kept for a recall: those that heard of the drop, or were members before it. */
function dropped(
  table: AppInfo,
  gpid: Gpid,
  newest: PartitionConfiguration | null,
  holders: readonly Holder[],
): PartitionRecord {
  const empty = withoutMembers(table, gpid);
  if (newest === null) return empty;
  const wasTold = members(newest).length === 0;
  const keepers = holders.filter(({ inventory, replica }) =>
    wasTold ? replica.config.ballot === newest.ballot : isMember(newest, inventory.node),
  );
  return {
    ...empty,
    config: { ...empty.config, ballot: (newest.ballot + (wasTold ? 0 : 1)) as Ballot },
    dormant: keepers.map(({ inventory }) => inventory.node),
    committedDecree: committedOf(keepers),
  };
}

function withoutMembers(table: AppInfo, gpid: Gpid): PartitionRecord {
  return {
    kind: 'partition',
    config: {
      gpid,
      ballot: 0 as Ballot,
      maxReplicaCount: table.maxReplicaCount,
      primary: null,
      secondaries: [],
      learner: null,
    },
    seats: [],
    materialised: [],
    drops: [],
    dormant: [],
    committedDecree: 0,
  };
}

function newestOf(holders: readonly Holder[]): PartitionConfiguration | null {
  let newest: PartitionConfiguration | null = null;
  for (const { replica } of holders) {
    if (newest === null || replica.config.ballot > newest.ballot) newest = replica.config;
  }
  return newest;
}

function isWhole({ replica }: Holder): boolean {
  const { status, failure } = replica.state;
  return status !== ReplicaStatus.error && failure === '';
}

function committedOf(holders: readonly Holder[]): number {
  const whole = holders.filter(isWhole);
  return Math.max(0, ...whole.map(({ replica }) => replica.state.lastCommittedDecree));
}

/** Of copies that were no members: under the newest configuration, then with the newest and longest log. */
function bestOf(holders: readonly Holder[]): readonly Holder[] {
  const rank = ({ replica: { config, state } }: Holder): readonly number[] => [
    config.ballot,
    state.headBallot,
    state.lastCommittedDecree,
    state.lastPreparedDecree,
  ];
  const [best] = [...holders].sort((a, b) => compareRanks(rank(b), rank(a)));
  return best === undefined ? [] : [best];
}

function compareRanks(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((value, index) => value !== b[index]);
  return at < 0 ? 0 : a[at]! - b[at]!;
}

/** A dropped table with a number above those that somebody who did not answer may know. */
function idHolder(tables: readonly AppInfo[]): StateRecord[] {
  const appId = Math.max(...tables.map((table) => table.appId)) + APP_ID_STEP;
  const app: AppInfo = {
    appId,
    appName: `__drop_holder__${appId}`,
    appType: 'pegasus',
    status: AppStatus.dropped,
    partitionCount: 1,
    maxReplicaCount: 3,
    envs: new Map(),
    createSeconds: 0,
    dropSeconds: 0,
    expireSeconds: 0,
    atomicIdempotent: false,
    revision: 1,
  };
  return [{ kind: 'table', app }, withoutMembers(app, gpidOf(appId, 0))];
}

function textOf(lines: readonly string[]): string {
  const shown = lines.slice(0, HINT_LINES_MAX);
  if (lines.length > shown.length) shown.push(`and ${lines.length - shown.length} more`);
  return shown.join('\n');
}
