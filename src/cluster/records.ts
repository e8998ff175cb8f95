/**
 * What the meta server keeps durably, as records that each hold one whole thing: a table, a partition, a node.
 *
 * A newer record of the same key replaces the older one, so applying a log twice, or a snapshot and then its log,
 * gives the same state. That is all a state store has to know: it keeps bytes under keys.
 *
 *   table/APP              TableRecord
 *   partition/APP/INDEX    PartitionRecord
 *   node/NODE              NodeRecord
 *   wishes                 WishesRecord
 *
 * Values are JSON: small next to what they describe, readable in an emergency, and open to new fields. Reading is
 * strict on what it needs and throws `StateFormatError`: a record that cannot be understood must not be guessed.
 */
import { decodeUtf8, encodeUtf8 } from '../base/utf8.ts';
import type { StateEntry } from '../env/state-store.ts';
import {
  type AppInfo,
  AppStatus,
  isConfiguration,
  isTable,
  type PartitionConfiguration,
} from '../model/configuration.ts';
import {
  type Gpid,
  gpidOf,
  type HostPort,
  hostPortText,
  type NodeId,
  parseHostPort,
  toBallot,
  toNodeId,
} from '../model/identity.ts';
import { type Labels, labelsOf } from './fault-domains.ts';

export class StateFormatError extends Error {
  override readonly name = 'StateFormatError';
  readonly key: string;
  constructor(key: string, message: string) {
    super(`record ${key}: ${message}`);
    this.key = key;
  }
}

export interface TableRecord {
  readonly kind: 'table';
  readonly app: AppInfo;
}

/** A member together with the life of its server in which it took the role. */
export interface Seat {
  readonly node: NodeId;
  /** 0 = no life: after a recall, members have to show up anew. */
  readonly incarnation: number;
}

/** A lead that people gave by force, with less than was committed; see unsafe-recovery.ts. */
export interface ForcedLead {
  readonly ballot: number;
  readonly formerBallot: number;
  readonly node: NodeId;
  readonly atSeconds: number;
  readonly reason: string;
  /** Mutations that were known to be committed and are gone. */
  readonly lostDecrees: number;
}

export interface PartitionRecord {
  readonly kind: 'partition';
  /** `learner` is not kept: it is a wish. */
  readonly config: PartitionConfiguration;
  /** One for each member. */
  readonly seats: readonly Seat[];
  /** Members that have held the replica: without it they are missing it, not new. */
  readonly materialised: readonly NodeId[];
  /** Nodes that were members lately, oldest first, at most `DROPS_MAX`, none of them a member. */
  readonly drops: readonly NodeId[];
  /** Members of a dropped table's partition, for a recall. */
  readonly dormant: readonly NodeId[];
  /** A committed decree that was known when the record was made: no member with less may lead. */
  readonly committedDecree: number;
  /** The last one; stays with the partition. */
  readonly forced?: ForcedLead;
}

export interface NodeRecord {
  readonly kind: 'node';
  readonly node: NodeId;
  readonly address: HostPort;
  readonly incarnation: number;
  /** Which of the lives that had it; 0 = not known. */
  readonly lifeId: number;
  readonly labels: Labels;
}

/** A server that is to be emptied: of what it leads, or of all. */
export interface Drain {
  readonly node: NodeId;
  readonly what: 'primaries' | 'all';
}

/** What administrators want of the balance; see wishes.ts. */
export interface WishesRecord {
  readonly kind: 'wishes';
  /** Nothing is moved but what people ask for. */
  readonly paused: boolean;
  /** Tables whose partitions stay where they are. */
  readonly ignoredTables: readonly number[];
  readonly drains: readonly Drain[];
}

export type StateRecord = TableRecord | PartitionRecord | NodeRecord | WishesRecord;

export const DROPS_MAX = 6;

export function tableKey(appId: number): string {
  return `table/${appId}`;
}

export function partitionKey(gpid: Gpid): string {
  return `partition/${gpid.appId}/${gpid.partitionIndex}`;
}

export function nodeKey(node: NodeId): string {
  return `node/${node}`;
}

export const WISHES_KEY = 'wishes';

export function encodeRecord(record: StateRecord): StateEntry {
  switch (record.kind) {
    case 'table':
      return { key: tableKey(record.app.appId), value: encodeUtf8(tableText(record)) };
    case 'partition':
      return { key: partitionKey(record.config.gpid), value: encodeUtf8(partitionText(record)) };
    case 'node':
      return { key: nodeKey(record.node), value: encodeUtf8(nodeText(record)) };
    case 'wishes':
      return { key: WISHES_KEY, value: encodeUtf8(wishesText(record)) };
  }
}

/** Null for keys of other parts of the system. */
export function decodeRecord(entry: StateEntry): StateRecord | null {
  const [kind, ...path] = entry.key.split('/');
  switch (kind) {
    case 'table':
      return decodeTable(new FieldReader(entry));
    case 'partition':
      return decodePartition(new FieldReader(entry), path);
    case 'node':
      return decodeNode(new FieldReader(entry), entry.key.slice('node/'.length));
    case WISHES_KEY:
      return decodeWishes(new FieldReader(entry));
    default:
      return null;
  }
}

function tableText(record: TableRecord): string {
  const { app } = record;
  return JSON.stringify({
    id: app.appId,
    name: app.appName,
    type: app.appType,
    status: app.status,
    partitions: app.partitionCount,
    replicas: app.maxReplicaCount,
    envs: Object.fromEntries(app.envs),
    createSeconds: app.createSeconds,
    dropSeconds: app.dropSeconds,
    expireSeconds: app.expireSeconds,
    atomicIdempotent: app.atomicIdempotent,
    revision: app.revision,
  });
}

function partitionText(record: PartitionRecord): string {
  const { config } = record;
  return JSON.stringify({
    ballot: config.ballot,
    replicas: config.maxReplicaCount,
    primary: config.primary,
    secondaries: config.secondaries,
    seats: record.seats.map((seat) => [seat.node, seat.incarnation]),
    materialised: record.materialised,
    drops: record.drops,
    dormant: record.dormant,
    committedDecree: record.committedDecree,
    // Left out where there was none.
    forced: record.forced,
  });
}

function nodeText(record: NodeRecord): string {
  return JSON.stringify({
    address: hostPortText(record.address),
    incarnation: record.incarnation,
    life: record.lifeId,
    zone: record.labels.zone,
    rack: record.labels.rack,
    host: record.labels.host,
  });
}

function wishesText(record: WishesRecord): string {
  return JSON.stringify({
    paused: record.paused,
    ignoredTables: record.ignoredTables,
    drains: record.drains.map(({ node, what }) => [node, what]),
  });
}

const STATUSES: ReadonlySet<number> = new Set(Object.values(AppStatus));

function decodeTable(fields: FieldReader): TableRecord {
  const status = fields.integer('status');
  if (!STATUSES.has(status)) fields.fail('the status is unknown');
  const app: AppInfo = {
    appId: fields.integer('id'),
    appName: fields.text('name'),
    appType: fields.text('type'),
    status: status as AppStatus,
    partitionCount: fields.integer('partitions'),
    maxReplicaCount: fields.integer('replicas'),
    envs: fields.textMap('envs'),
    createSeconds: fields.integer('createSeconds'),
    dropSeconds: fields.integer('dropSeconds'),
    expireSeconds: fields.integer('expireSeconds'),
    atomicIdempotent: fields.boolean('atomicIdempotent'),
    // Not written by the first versions.
    revision: fields.has('revision') ? fields.count('revision') : 0,
  };
  if (!isTable(app)) fields.fail('there can be no such table');
  if (fields.key !== tableKey(app.appId)) fields.fail('the id is not that of the key');
  return { kind: 'table', app };
}

function decodePartition(fields: FieldReader, path: readonly string[]): PartitionRecord {
  const appId = Number(path[0]);
  const index = Number(path[1]);
  if (!Number.isSafeInteger(appId) || appId < 1) fields.fail('the key has no table id');
  if (!Number.isSafeInteger(index) || index < 0) fields.fail('the key has no partition index');
  const primary = fields.value('primary');
  const isNode = typeof primary === 'string' && primary !== '';
  if (primary !== null && !isNode) fields.fail('primary is no node');
  const config: PartitionConfiguration = {
    gpid: gpidOf(appId, index),
    ballot: toBallot(fields.count('ballot')),
    maxReplicaCount: fields.integer('replicas'),
    primary: primary === null ? null : toNodeId(primary as string),
    secondaries: fields.nodes('secondaries'),
    learner: null,
  };
  if (!isConfiguration(config)) fields.fail('the configuration breaks its own rules');
  return {
    kind: 'partition',
    config,
    seats: fields.seats('seats'),
    materialised: fields.nodes('materialised'),
    drops: fields.nodes('drops'),
    dormant: fields.nodes('dormant'),
    committedDecree: fields.integer('committedDecree'),
    ...(fields.has('forced') ? { forced: decodeForced(fields) } : {}),
  };
}

function decodeForced(fields: FieldReader): ForcedLead {
  const forced = fields.part('forced');
  return {
    ballot: forced.count('ballot'),
    formerBallot: forced.count('formerBallot'),
    node: toNodeId(forced.text('node')),
    atSeconds: forced.integer('atSeconds'),
    reason: forced.text('reason'),
    lostDecrees: forced.count('lostDecrees'),
  };
}

function decodeNode(fields: FieldReader, node: string): NodeRecord {
  if (node === '') fields.fail('the key has no node');
  const address = parseHostPort(fields.text('address'));
  if (address === null) fields.fail('the address is no host:port');
  const incarnation = fields.integer('incarnation');
  // Not written by the first versions.
  const lifeId = fields.has('life') ? fields.integer('life') : 0;
  const label = (name: string): string => (fields.has(name) ? fields.text(name) : '');
  return {
    kind: 'node',
    node: toNodeId(node),
    address: address as HostPort,
    incarnation,
    lifeId,
    labels: labelsOf({ zone: label('zone'), rack: label('rack'), host: label('host') }, ''),
  };
}

function decodeWishes(fields: FieldReader): WishesRecord {
  return {
    kind: 'wishes',
    paused: fields.boolean('paused'),
    ignoredTables: fields.integers('ignoredTables'),
    drains: fields.pairs('drains').map(([node, what]) => {
      if (what !== 'primaries' && what !== 'all') fields.fail('drains holds something else');
      return { node: toNodeId(node), what: what as Drain['what'] };
    }),
  };
}

/** Typed access to the fields of one JSON value. */
class FieldReader {
  readonly key: string;
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(entry: StateEntry) {
    this.key = entry.key;
    let parsed: unknown;
    try {
      parsed = JSON.parse(decodeUtf8(entry.value));
    } catch {
      this.fail('the value is no JSON');
    }
    if (typeof parsed !== 'object' || parsed === null) this.fail('the value is no object');
    this.#fields = parsed as Record<string, unknown>;
  }

  fail(message: string): never {
    throw new StateFormatError(this.key, message);
  }

  value(name: string): unknown {
    if (!(name in this.#fields)) this.fail(`${name} is missing`);
    return this.#fields[name];
  }

  /** An object within. */
  part(name: string): FieldReader {
    return new FieldReader({ key: this.key, value: encodeUtf8(JSON.stringify(this.value(name))) });
  }

  has(name: string): boolean {
    return name in this.#fields;
  }

  integer(name: string): number {
    const value = this.value(name);
    if (!Number.isSafeInteger(value)) this.fail(`${name} is no integer`);
    return value as number;
  }

  count(name: string): number {
    const value = this.integer(name);
    if (value < 0) this.fail(`${name} is below zero`);
    return value;
  }

  text(name: string): string {
    const value = this.value(name);
    if (typeof value !== 'string') this.fail(`${name} is no text`);
    return value as string;
  }

  boolean(name: string): boolean {
    const value = this.value(name);
    if (typeof value !== 'boolean') this.fail(`${name} is neither true nor false`);
    return value as boolean;
  }

  integers(name: string): number[] {
    const value = this.value(name);
    if (!Array.isArray(value) || !value.every(Number.isSafeInteger)) {
      this.fail(`${name} holds something else than integers`);
    }
    return value as number[];
  }

  /** Lists of two texts, the first of which is not empty. */
  pairs(name: string): [string, string][] {
    const value = this.value(name);
    if (!Array.isArray(value)) this.fail(`${name} is no list`);
    return (value as unknown[]).map((pair) => {
      const [first, second] = Array.isArray(pair) ? (pair as unknown[]) : [];
      if (typeof first !== 'string' || typeof second !== 'string' || first === '') {
        this.fail(`${name} holds something else than pairs`);
      }
      return [first as string, second as string];
    });
  }

  nodes(name: string): NodeId[] {
    const value = this.value(name);
    if (!Array.isArray(value)) this.fail(`${name} is no list`);
    return (value as unknown[]).map((node) => {
      if (typeof node !== 'string' || node === '')
        this.fail(`${name} holds something else than nodes`);
      return toNodeId(node as string);
    });
  }

  seats(name: string): Seat[] {
    const value = this.value(name);
    if (!Array.isArray(value)) this.fail(`${name} is no list`);
    return (value as unknown[]).map((seat) => {
      if (!Array.isArray(seat) || seat.length !== 2) this.fail(`${name} holds something else`);
      const [node, incarnation] = seat as [unknown, unknown];
      if (typeof node !== 'string' || node === '') this.fail(`${name} holds no node`);
      if (!Number.isSafeInteger(incarnation)) this.fail(`${name} holds no incarnation`);
      return { node: toNodeId(node as string), incarnation: incarnation as number };
    });
  }

  textMap(name: string): ReadonlyMap<string, string> {
    const value = this.value(name);
    if (typeof value !== 'object' || value === null) this.fail(`${name} is no object`);
    const entries = Object.entries(value as Record<string, unknown>);
    for (const [, text] of entries) {
      if (typeof text !== 'string') this.fail(`${name} holds something else than texts`);
    }
    return new Map(entries as [string, string][]);
  }
}
