/**
 * All that the meta server knows, as one value that records are applied to, with the indexes that
 * keep the work of an event in proportion to what it changes.
 *
 * `apply` is a reducer over durable records in the order of the log. A table's record comes before
 * those of its partitions. Nothing here decides or sends.
 */
import { assert, assertAtLeast, assertEqual } from '../base/assert.ts';
import { members } from '../model/configuration.ts';
import type { Gpid, NodeId } from '../model/identity.ts';
import { Admission, type AdmissionSettings, OPEN_DOORS } from './admission.ts';
import { NodeRegistry } from './node-registry.ts';
import { Partition } from './partition.ts';
import type { PartitionRecord, StateRecord, TableRecord } from './records.ts';
import { partitionKey, StateFormatError } from './records.ts';
import { Table } from './table.ts';
import { NO_WISHES, Wishes } from './wishes.ts';

export class ClusterState {
  readonly nodes: NodeRegistry;
  readonly admission: Admission;
  /** Of administrators, as to what is where. */
  wishes: Wishes = NO_WISHES;
  readonly #tables = new Map<number, Table>();
  readonly #namedTables = new Map<string, Table>();
  readonly #hosted = new Map<NodeId, Set<Partition>>();
  readonly #led = new Map<NodeId, number>();
  #lastAppId = 0;
  /** Replicas know of a later time than what was loaded; see adoption.ts. */
  isOld = false;

  constructor(graceMs: number, nowMs: number, admission: AdmissionSettings = OPEN_DOORS) {
    this.admission = new Admission(admission);
    this.nodes = new NodeRegistry(graceMs, nowMs, admission.stableAfterMs);
  }

  /** All that a store holds, in any order. Throws `StateFormatError` when a part of it is missing. */
  load(records: readonly StateRecord[], nowMs: number): void {
    const rank = { table: 0, partition: 1, node: 2, wishes: 3 } as const;
    const appId = (record: StateRecord): number => (record.kind === 'table' ? record.app.appId : 0);
    const ordered = [...records].sort((a, b) => rank[a.kind] - rank[b.kind] || appId(a) - appId(b));
    for (const record of ordered) this.apply(record, nowMs);
    this.#assertComplete();
  }

  apply(record: StateRecord, nowMs: number): void {
    switch (record.kind) {
      case 'table':
        this.#applyTable(record);
        break;
      case 'partition':
        this.#applyPartition(record, nowMs);
        break;
      case 'node':
        this.nodes.apply(record, nowMs);
        break;
      case 'wishes':
        this.wishes = new Wishes(record);
        break;
    }
  }

  /** By number; dropped ones too. */
  table(appId: number): Table | undefined {
    return this.#tables.get(appId);
  }

  /** By name; available ones only. */
  tableNamed(name: string): Table | undefined {
    return this.#namedTables.get(name);
  }

  /** In order of their numbers. */
  tables(): IterableIterator<Table> {
    return this.#tables.values();
  }

  /** The number of the next table; numbers of dropped tables are not used again. */
  get nextAppId(): number {
    return this.#lastAppId + 1;
  }

  get hasTables(): boolean {
    return this.#tables.size > 0;
  }

  /** Nothing is known though replicas of tables are there: the store was lost (recovery.ts). */
  get isForgetful(): boolean {
    return !this.hasTables && this.#lastAppId > 0;
  }

  /** Somebody holds a replica of a table of that number, known or not. */
  noteAppId(appId: number): void {
    this.#lastAppId = Math.max(this.#lastAppId, appId);
  }

  partition(gpid: {
    readonly appId: number;
    readonly partitionIndex: number;
  }): Partition | undefined {
    return this.#tables.get(gpid.appId)?.partitions[gpid.partitionIndex];
  }

  /** Partitions of which the node is a member. */
  hostedBy(node: NodeId): ReadonlySet<Partition> {
    return this.#hosted.get(node) ?? NO_PARTITIONS;
  }

  replicaCountOf(node: NodeId): number {
    return this.#hosted.get(node)?.size ?? 0;
  }

  primaryCountOf(node: NodeId): number {
    return this.#led.get(node) ?? 0;
  }

  /** Every table of the log has all its partitions. */
  #assertComplete(): void {
    for (const table of this.#tables.values()) {
      for (let index = 0; index < table.app.partitionCount; index++) {
        if (table.partitions[index] !== undefined) continue;
        const gpid = { appId: table.app.appId, partitionIndex: index } as Gpid;
        throw new StateFormatError(partitionKey(gpid), 'the record of this partition is missing');
      }
    }
  }

  #applyTable(record: TableRecord): void {
    const { app } = record;
    assertAtLeast(app.appId, 1, 'table number');
    const known = this.#tables.get(app.appId);
    if (known === undefined) {
      const table = new Table(record);
      this.#tables.set(app.appId, table);
      this.#lastAppId = Math.max(this.#lastAppId, app.appId);
      this.#nameTable(table);
      return;
    }
    if (this.#namedTables.get(known.app.appName) === known) {
      this.#namedTables.delete(known.app.appName);
    }
    known.take(record);
    this.#nameTable(known);
  }

  #nameTable(table: Table): void {
    if (!table.isAvailable) return;
    const { appName } = table.app;
    assert(!this.#namedTables.has(appName), 'names of available tables are unique');
    this.#namedTables.set(appName, table);
  }

  #applyPartition(record: PartitionRecord, nowMs: number): void {
    const { gpid } = record.config;
    const table = this.#tables.get(gpid.appId);
    if (table === undefined) {
      throw new StateFormatError(partitionKey(gpid), 'its table has no record before it');
    }
    const known = table.partitions[gpid.partitionIndex];
    if (known === undefined) {
      assert(gpid.partitionIndex < table.app.partitionCount, 'the partition belongs to its table');
      const partition = new Partition(table, record, nowMs);
      table.partitions[gpid.partitionIndex] = partition;
      this.#index(partition);
      return;
    }
    this.#unindex(known);
    known.take(record, nowMs);
    this.#index(known);
  }

  #index(partition: Partition): void {
    const { config } = partition.record;
    const { replicas, primaries } = partition.table;
    for (const node of members(config)) {
      const hosted = this.#hosted.get(node);
      if (hosted === undefined) this.#hosted.set(node, new Set([partition]));
      else hosted.add(partition);
      count(replicas, node, 1);
    }
    if (config.primary !== null) {
      count(primaries, config.primary, 1);
      this.#led.set(config.primary, this.primaryCountOf(config.primary) + 1);
    }
  }

  #unindex(partition: Partition): void {
    const { config } = partition.record;
    const { replicas, primaries } = partition.table;
    for (const node of members(config)) {
      count(replicas, node, -1);
      const hosted = this.#hosted.get(node);
      assert(hosted !== undefined, 'a member is in the index');
      const sizeBefore = hosted.size;
      hosted.delete(partition);
      assertEqual(hosted.size, sizeBefore - 1, 'a member is in the index once');
    }
    if (config.primary !== null) {
      count(primaries, config.primary, -1);
      this.#led.set(config.primary, this.primaryCountOf(config.primary) - 1);
    }
  }
}

function count(counts: Map<NodeId, number>, node: NodeId, by: 1 | -1): void {
  const value = (counts.get(node) ?? 0) + by;
  assertAtLeast(value, 0, 'what is on a node');
  if (value === 0) counts.delete(node);
  else counts.set(node, value);
}

const NO_PARTITIONS: ReadonlySet<Partition> = new Set();
