/**
 * V2, the write floor: no write is acknowledged with fewer members than a majority of those wanted.
 *
 * V4, second half: at most one replica of a partition answers reads at any instant of global time.
 *
 * Watches what clients and replica servers say to each other, by the layout of the client protocol
 * (THFT version 1 and its replies; nothing is shared with the code under test). Each good answer of
 * a server speaks for the ballot under which it leads. Once a replica has answered anything under
 * some ballot, no other may answer a read under an older one: neither before nor after the newer
 * primary has committed a write, because a lease is over before the next primary is chosen.
 *
 * An answer is seen when it is written to the connection, which is the end of the turn that made it.
 * Within one instant a role may have changed in between, so the ballot of a server that leads no
 * more is the one under which it led last, and order matters between different instants only.
 */
import { ReplicaStatus } from '../../src/model/configuration.ts';
import { latin1 } from './latin1.ts';
import type { ReplicaView, ServerView } from './observer.ts';
import type { Violations } from './violations.ts';

interface Asked {
  readonly partition: string;
  readonly isRead: boolean;
  readonly isWrite: boolean;
}

/** Who answered last under the highest ballot so far. */
interface Answered {
  readonly server: string;
  readonly ballot: number;
  readonly timeUs: number;
}

/** One side of a connection, whichever network it belongs to. */
export interface WatchedConnection {
  readonly host: { readonly name: string };
  readonly peer: WatchedConnection | null;
}

const MAGIC = 0x5448_4654;
const HEADER_BYTES = 16;
const GOOD = 'ERR_OK';
const WRITES: ReadonlySet<string> = new Set([
  'RPC_RRDB_RRDB_PUT',
  'RPC_RRDB_RRDB_REMOVE',
  'RPC_RRDB_RRDB_MULTI_PUT',
  'RPC_RRDB_RRDB_MULTI_REMOVE',
  'RPC_RRDB_RRDB_INCR',
  'RPC_RRDB_RRDB_CHECK_AND_SET',
]);
const READS: ReadonlySet<string> = new Set(['RPC_RRDB_RRDB_GET', 'RPC_RRDB_RRDB_MULTI_GET']);

export class ReadAnswers {
  readonly #violations: Violations;
  readonly #nowUs: () => number;
  readonly #servers: ReadonlyMap<string, ServerView>;
  readonly #clients: Set<string> = new Set();
  /** Open questions by the client's side of the connection, then by sequence id. */
  readonly #asked: WeakMap<WatchedConnection, Map<number, Asked>> = new WeakMap();
  readonly #unfinished: WeakMap<WatchedConnection, Uint8Array> = new WeakMap();
  readonly #answered: Map<string, Answered> = new Map();
  /** By server and partition. */
  readonly #ledLast: Map<string, number> = new Map();
  /** What was committed when the ballot of `#ledLast` was first seen. */
  readonly #ledFrom: Map<string, number> = new Map();
  /** The configuration has too few members for the acknowledgement of a write. */
  isBelowFloor: (partition: string, ballot: number) => boolean = () => false;
  /** Good answers to reads that were judged. */
  count: number = 0;

  constructor(violations: Violations, nowUs: () => number, servers: readonly ServerView[]) {
    this.#violations = violations;
    this.#nowUs = nowUs;
    this.#servers = new Map(servers.map((server) => [server.name, server]));
  }

  watchClient(name: string): void {
    this.#clients.add(name);
  }

  /** Bytes as one side wrote them. */
  onBytes(connection: WatchedConnection, bytes: Uint8Array): void {
    const { name } = connection.host;
    const isReply = this.#servers.has(name);
    if (!isReply && !this.#clients.has(name)) return;
    const rest = this.#unfinished.get(connection);
    const data = rest === undefined ? bytes : joined(rest, bytes);
    let at = 0;
    while (at < data.length) {
      const view = new DataView(data.buffer, data.byteOffset + at, data.length - at);
      const size = isReply ? replySize(view) : requestSize(view);
      if (size > view.byteLength) break;
      if (isReply) this.#onReply(connection, view);
      else this.#onRequest(connection, view);
      at += size;
    }
    if (at < data.length) this.#unfinished.set(connection, data.slice(at));
    else if (rest !== undefined) this.#unfinished.delete(connection);
  }

  /** What a replica says of itself, between answers. */
  onLook(server: string, partition: string, status: ReplicaStatus, ballot: number): void {
    if (status !== ReplicaStatus.primary) return;
    const key = `${server} ${partition}`;
    if (this.#ledLast.get(key) === ballot) return;
    this.#ledLast.set(key, ballot);
    this.#ledFrom.set(key, this.#viewOf(server, partition)?.lastCommittedDecree ?? 0);
  }

  /** A good answer of `server` leaves now. */
  onAnswer(server: string, { partition, isRead, isWrite }: Asked): void {
    const view = this.#viewOf(server, partition);
    if (view !== undefined) this.onLook(server, partition, view.status, view.ballot);
    const key = `${server} ${partition}`;
    const ballot = this.#ledLast.get(key);
    if (ballot === undefined) return;
    if (isRead) this.count += 1;
    const nowUs = this.#nowUs();
    // An answer may be late: what it tells of may have been committed before the change.
    const ledFrom = this.#ledFrom.get(key) ?? 0;
    const hasCommitted = (view?.lastCommittedDecree ?? 0) > ledFrom;
    if (isWrite && hasCommitted && this.isBelowFloor(partition, ballot)) {
      const detail = `partition ${partition}: ${server} acknowledges a write under ballot ${ballot}, with too few members`;
      this.#violations.add('V2-below-write-floor', nowUs, detail);
    }
    const last = this.#answered.get(partition);
    if (last === undefined || ballot > last.ballot) {
      this.#answered.set(partition, { server, ballot, timeUs: nowUs });
      return;
    }
    const isOld = ballot < last.ballot && nowUs > last.timeUs;
    const isSecond = ballot === last.ballot && server !== last.server;
    if (!isRead || !(isOld || isSecond)) return;
    const detail =
      `partition ${partition}: ${server} answers a read under ballot ${ballot},` +
      ` ${last.server} has answered under ${last.ballot} since ${last.timeUs} us`;
    this.#violations.add('V4-one-reader', nowUs, detail);
  }

  #viewOf(server: string, partition: string): ReplicaView | undefined {
    const views = this.#servers.get(server)?.replicas();
    return views?.find((one) => one.partition === partition);
  }

  #onRequest(connection: WatchedConnection, view: DataView): void {
    if (view.getUint32(0) !== MAGIC || view.getUint32(4) !== 1) return;
    const bodyAt = HEADER_BYTES + view.getUint32(8);
    const partition = partitionOf(view, bodyAt);
    const { name, seqid } = messageAt(view, bodyAt);
    let asked = this.#asked.get(connection);
    if (asked === undefined) {
      asked = new Map();
      this.#asked.set(connection, asked);
    }
    asked.set(seqid, { partition, isRead: READS.has(name), isWrite: WRITES.has(name) });
  }

  #onReply(connection: WatchedConnection, view: DataView): void {
    if (connection.peer === null) return;
    const questions = this.#asked.get(connection.peer);
    const errorLength = view.getInt32(4);
    const { seqid } = messageAt(view, 8 + errorLength);
    const asked = questions?.get(seqid);
    if (asked === undefined) return;
    questions?.delete(seqid);
    if (textAt(view, 8, errorLength) === GOOD) this.onAnswer(connection.host.name, asked);
  }
}

/** More than there is while it cannot be known. */
function requestSize(view: DataView): number {
  if (view.byteLength < HEADER_BYTES) return HEADER_BYTES;
  // A stranger's bytes: passed over as they came.
  if (view.getUint32(0) !== MAGIC || view.getUint32(4) !== 1) return view.byteLength;
  return HEADER_BYTES + view.getUint32(8) + view.getUint32(12);
}

function replySize(view: DataView): number {
  return view.byteLength < 4 ? 4 : Math.max(4, view.getInt32(0));
}

/** From the header's struct: field 1 the table, field 2 the partition, both i32. */
function partitionOf(view: DataView, end: number): string {
  let appId = 0;
  let index = 0;
  let at = HEADER_BYTES;
  while (at + 3 <= end) {
    const type = view.getUint8(at);
    const id = view.getUint16(at + 1);
    at += 3;
    if (type === 0) break;
    if (type === 8 && id === 1) appId = view.getInt32(at);
    if (type === 8 && id === 2) index = view.getInt32(at);
    at += type === 8 ? 4 : type === 10 ? 8 : 1;
  }
  return `${appId}.${index}`;
}

function messageAt(view: DataView, at: number): { name: string; seqid: number } {
  const length = view.getInt32(at + 4);
  return { name: textAt(view, at + 8, length), seqid: view.getInt32(at + 8 + length) };
}

function textAt(view: DataView, at: number, length: number): string {
  return latin1(new Uint8Array(view.buffer, view.byteOffset + at, length));
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const all = new Uint8Array(first.length + second.length);
  all.set(first, 0);
  all.set(second, first.length);
  return all;
}
