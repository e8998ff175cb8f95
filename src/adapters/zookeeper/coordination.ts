/**
 * ZooKeeper as the service that several meta servers share. Below the root of the cluster:
 *
 *   ROOT/head        the head; its fence is the version of the node, which is never deleted
 *   ROOT/state/KEY   the entries, one node each; keys are written as in an address (%2F)
 *   ROOT/leader      address of the leader; ephemeral, bound to the session of its process
 *
 *  1. A write is one `multi` that checks the version of the head. ZooKeeper has no "put": whether a node is to be made
 *     or changed must be known. The names that are there are remembered; as nobody else writes under the fence, what
 *     turns out to be wrong is read anew once, in the same call.
 *  2. There is no read of many nodes at one moment. `readAll` reads until the head was the same before and after; what
 *     writes that leave the head alone may have changed in between are parts of a large change, which mean
 *     nothing unless the head says so, or are put again by whoever begins a term (shared-state-store.ts).
 *  3. Reads begin with a `sync`: the server that is asked knows at least what was acknowledged before.
 *  4. The session is kept by the rounds of the election, and by nothing else. It is longer than the lead's time-out by
 *     `SESSION_MARGIN_MS`: a server of a quorum tells its leader of signs of life only every half tick.
 *
 * One call is one attempt over one connection; only a server that cannot be connected to is passed over in it.
 */
import { assert, assertAtMost } from '../../base/assert.ts';
import {
  CoordinationError,
  type CoordinationService,
  type FencedWrite,
  HEAD_ABSENT,
  type Head,
  type SharedState,
  type Standing,
  type WriteLimits,
} from '../../env/coordination.ts';
import type { StateEntry } from '../../env/state-store.ts';
import type { Reader } from '../../wire/reader.ts';
import type { Writer } from '../../wire/writer.ts';
import type { CoordinationOptions } from '../coordination-options.ts';
import {
  asCoordinationError,
  NO_SESSION,
  Operation,
  RequestRefused,
  ServerError,
  type Session,
  ZooKeeperConnection,
} from './connection.ts';

/** Half a tick of two seconds, which is ZooKeeper's default. */
const SESSION_MARGIN_MS = 1_000;
/** A request has 1 MiB less one byte unless the servers are told otherwise (jute.maxbuffer). */
const LIMITS: WriteLimits = { changesMax: 500, bytesMax: 900 * 1024 };
/** Nodes that are asked for before the first of them is answered. */
const READS_AHEAD = 256;
/** The head moves with every change; a leader at work need not keep a successor from reading. */
const READ_ATTEMPTS_MAX = 20;

const ALL_PERMISSIONS = 31;
const EPHEMERAL = 1;
const PERSISTENT = 0;
const ANY_VERSION = -1;

interface Node {
  readonly value: Uint8Array;
  /** How often it was changed. */
  readonly version: number;
  readonly owner: bigint;
}

export class ZooKeeperCoordination implements CoordinationService {
  readonly limits: WriteLimits = LIMITS;
  readonly leadTimeoutMs: number;
  readonly #options: CoordinationOptions;
  readonly #headPath: string;
  readonly #leaderPath: string;
  readonly #statePath: string;
  #connection: ZooKeeperConnection | null = null;
  #opening: Promise<ZooKeeperConnection> | null = null;
  #session: Session = NO_SESSION;
  /** The server that is asked. */
  #current = 0;
  #isRootMade = false;
  /** Rule 1: nodes below `state`; null while they are not known. */
  #names: Set<string> | null = null;
  #closed = false;

  constructor(options: CoordinationOptions) {
    const { members, root } = options;
    assert(members.length > 0, 'there is a server to ask');
    assert(root.startsWith('/') && !root.endsWith('/'), 'the root is a node');
    this.#options = options;
    this.leadTimeoutMs = options.leadTimeoutMs;
    this.#headPath = `${root}/head`;
    this.#leaderPath = `${root}/leader`;
    this.#statePath = `${root}/state`;
  }

  async readHead(): Promise<Head | null> {
    return await this.#attempt(async (connection) => {
      await this.#sync(connection);
      return await this.#head(connection);
    });
  }

  async readAll(): Promise<SharedState> {
    return await this.#attempt(async (connection) => {
      for (let attempt = 0; attempt < READ_ATTEMPTS_MAX; attempt++) {
        await this.#sync(connection);
        const head = await this.#head(connection);
        const entries = await this.#entries(connection);
        await this.#sync(connection);
        const after = await this.#head(connection);
        if (after?.version === head?.version && entries !== null) return { head, entries };
      }
      throw new CoordinationError('ZooKeeper: the state changes while it is read');
    });
  }

  async write(request: FencedWrite): Promise<number | null> {
    const count = request.puts.length + request.removals.length;
    assertAtMost(count, LIMITS.changesMax, 'a write has few changes');
    return await this.#attempt(async (connection) => {
      this.#names ??= new Set(await this.#children(connection));
      try {
        if (await this.#multi(connection, request, this.#names)) return versionAfter(request);
      } catch (error) {
        if (!isWrongName(error)) throw error;
        // Somebody has written before the fence was ours.
        await this.#sync(connection);
        this.#names = new Set(await this.#children(connection));
        if (await this.#multi(connection, request, this.#names)) return versionAfter(request);
      }
      this.#names = null;
      return null;
    });
  }

  async attend(candidate: string): Promise<Standing> {
    return await this.#attempt(async (connection) => {
      const own = connection.session.id;
      const value = new TextEncoder().encode(candidate);
      // The one who is there may be gone when it is looked at.
      for (let attempt = 0; attempt < 3; attempt++) {
        await this.#sync(connection);
        const found = await getNode(connection, this.#leaderPath);
        if (found !== null) {
          const leader = new TextDecoder().decode(found.value);
          return { leader, isSelf: found.owner === own };
        }
        const isMade = await makeNode(connection, this.#leaderPath, value, EPHEMERAL);
        if (isMade) return { leader: candidate, isSelf: true };
      }
      throw new CoordinationError('ZooKeeper: leaders come and go');
    });
  }

  /** Ends the session; the next round begins another one. */
  async resign(): Promise<void> {
    if (this.#session.id === 0n) return;
    await this.#attempt(async (connection) => {
      await connection.request(Operation.closeSession, () => {});
      this.#session = NO_SESSION;
      connection.close();
    });
  }

  /** Lets the session run out, as the end of the process does. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#connection?.close();
    await this.#opening?.catch(() => undefined);
    this.#connection?.close();
  }

  /** One attempt on a connection that is ready. Rejects with `CoordinationError`. */
  async #attempt<T>(work: (connection: ZooKeeperConnection) => Promise<T>): Promise<T> {
    try {
      return await work(await this.#ready());
    } catch (error) {
      // What has become of the nodes is not known.
      this.#names = null;
      throw asCoordinationError(error);
    }
  }

  async #ready(): Promise<ZooKeeperConnection> {
    if (this.#closed) throw new CoordinationError('ZooKeeper: the way to it is closed');
    if (this.#connection?.isOpen !== true) {
      this.#opening ??= this.#open().finally(() => {
        this.#opening = null;
      });
      this.#connection = await this.#opening;
    }
    return this.#connection;
  }

  async #open(): Promise<ZooKeeperConnection> {
    const { members, requestTimeoutMs: requestMs, leadTimeoutMs } = this.#options;
    const timeouts = { requestMs, sessionMs: leadTimeoutMs + SESSION_MARGIN_MS };
    for (let left = members.length; ; left--) {
      const member = members[this.#current]!;
      try {
        const connection = await ZooKeeperConnection.open(member, this.#session, timeouts);
        this.#session = connection.session;
        await this.#makeRoot(connection);
        return connection;
      } catch (error) {
        this.#current = (this.#current + 1) % members.length;
        if (left === 1 || this.#closed) throw error;
      }
    }
  }

  async #makeRoot(connection: ZooKeeperConnection): Promise<void> {
    if (this.#isRootMade) return;
    const parts = this.#statePath.split('/').slice(1);
    for (let length = 1; length <= parts.length; length++) {
      const path = `/${parts.slice(0, length).join('/')}`;
      await makeNode(connection, path, new Uint8Array(0), PERSISTENT);
    }
    this.#isRootMade = true;
  }

  /** Rule 3. */
  async #sync(connection: ZooKeeperConnection): Promise<void> {
    await connection.request(Operation.sync, (writer) => writer.writeString(this.#headPath));
  }

  async #head(connection: ZooKeeperConnection): Promise<Head | null> {
    const node = await getNode(connection, this.#headPath);
    return node === null ? null : { version: versionOf(node.version), value: node.value };
  }

  async #children(connection: ZooKeeperConnection): Promise<string[]> {
    const reader = await connection.request(Operation.getChildren, (writer) => {
      writer.writeString(this.#statePath);
      writer.writeBool(false);
    });
    const count = reader.readI32();
    return Array.from({ length: Math.max(count, 0) }, () => reader.readString());
  }

  /** Null when one of them has gone while they were read. */
  async #entries(connection: ZooKeeperConnection): Promise<StateEntry[] | null> {
    const names = await this.#children(connection);
    const entries: StateEntry[] = [];
    for (let start = 0; start < names.length; start += READS_AHEAD) {
      const some = names.slice(start, start + READS_AHEAD);
      const nodes = await Promise.all(
        some.map((name) => getNode(connection, `${this.#statePath}/${name}`)),
      );
      for (const [index, node] of nodes.entries()) {
        if (node === null) return null;
        entries.push({ key: keyOf(some[index]!), value: node.value });
      }
    }
    return entries;
  }

  /** Rule 1. False when the fence was down. Rejects with `RequestRefused` when a name was not as remembered. */
  async #multi(
    connection: ZooKeeperConnection,
    request: FencedWrite,
    names: Set<string>,
  ): Promise<boolean> {
    const put = request.puts.map(({ key, value }) => ({ name: nameOf(key), value }));
    const removed = request.removals.map(nameOf).filter((name) => names.has(name));
    const reader = await connection.request(Operation.multi, (writer) => {
      writeFence(writer, this.#headPath, request);
      for (const { name, value } of put) {
        const path = `${this.#statePath}/${name}`;
        if (names.has(name)) writeChange(writer, path, value, ANY_VERSION);
        else writeCreation(writer, path, value);
      }
      for (const name of removed) {
        writePart(writer, Operation.delete);
        writer.writeString(`${this.#statePath}/${name}`);
        writer.writeI32(ANY_VERSION);
      }
      writer.writeI32(-1);
      writer.writeBool(true);
      writer.writeI32(-1);
    });
    const failure = failureOf(reader);
    if (failure !== null) {
      if (failure.index === 0) return false;
      throw new RequestRefused(failure.code);
    }
    for (const { name } of put) names.add(name);
    for (const name of removed) names.delete(name);
    return true;
  }
}

/** Versions of nodes begin with 0, ours with HEAD_ABSENT + 1. */
function versionOf(nodeVersion: number): number {
  return nodeVersion + HEAD_ABSENT + 1;
}

function versionAfter({ fence, head }: FencedWrite): number {
  return head === null ? fence : fence + 1;
}

/** Neither a path within a path nor what ZooKeeper takes for no name at all. */
function nameOf(key: string): string {
  return encodeURIComponent(key).replaceAll('.', '%2E');
}

function keyOf(name: string): string {
  return decodeURIComponent(name);
}

function isWrongName(error: unknown): boolean {
  if (!(error instanceof RequestRefused)) return false;
  return error.code === ServerError.nodeExists || error.code === ServerError.noNode;
}

// ---- requests ----

async function getNode(connection: ZooKeeperConnection, path: string): Promise<Node | null> {
  try {
    const reader = await connection.request(Operation.getData, (writer) => {
      writer.writeString(path);
      writer.writeBool(false);
    });
    const value = readBuffer(reader);
    // czxid, mzxid, ctime, mtime
    reader.take(4 * 8);
    const version = reader.readI32();
    // cversion, aversion
    reader.take(2 * 4);
    return { value, version, owner: reader.readI64Big() };
  } catch (error) {
    if (error instanceof RequestRefused && error.code === ServerError.noNode) return null;
    throw error;
  }
}

/** False when it is there already. */
async function makeNode(
  connection: ZooKeeperConnection,
  path: string,
  value: Uint8Array,
  flags: number,
): Promise<boolean> {
  try {
    await connection.request(Operation.create, (writer) => {
      writeNode(writer, path, value, flags);
    });
    return true;
  } catch (error) {
    if (error instanceof RequestRefused && error.code === ServerError.nodeExists) return false;
    throw error;
  }
}

function writeNode(writer: Writer, path: string, value: Uint8Array, flags: number): void {
  writer.writeString(path);
  writer.writeBlob(value);
  writer.writeI32(1);
  writer.writeI32(ALL_PERMISSIONS);
  writer.writeString('world');
  writer.writeString('anyone');
  writer.writeI32(flags);
}

function writePart(writer: Writer, operation: Operation): void {
  writer.writeI32(operation);
  writer.writeBool(false);
  writer.writeI32(-1);
}

function writeCreation(writer: Writer, path: string, value: Uint8Array): void {
  writePart(writer, Operation.create);
  writeNode(writer, path, value, PERSISTENT);
}

function writeChange(writer: Writer, path: string, value: Uint8Array, version: number): void {
  writePart(writer, Operation.setData);
  writer.writeString(path);
  writer.writeBlob(value);
  writer.writeI32(version);
}

/** The first part of a write fails when the fence is down, and then nothing is done. */
function writeFence(writer: Writer, path: string, { fence, head }: FencedWrite): void {
  if (fence === HEAD_ABSENT) {
    assert(head !== null, 'who makes the head has a value for it');
    writeCreation(writer, path, head);
    return;
  }
  const nodeVersion = fence - HEAD_ABSENT - 1;
  if (head !== null) {
    writeChange(writer, path, head, nodeVersion);
    return;
  }
  writePart(writer, Operation.check);
  writer.writeString(path);
  writer.writeI32(nodeVersion);
}

/** Which part of a multi has failed, and why; null when all is done. */
function failureOf(reader: Reader): { readonly index: number; readonly code: number } | null {
  for (let index = 0; ; index++) {
    const type = reader.readI32();
    const isDone = reader.readBool();
    reader.readI32();
    if (isDone) return null;
    if (type === -1) {
      const code = reader.readI32();
      // Parts before the one that failed say that they were rolled back, with code 0.
      if (code !== 0 && code !== ServerError.runtimeInconsistency) return { index, code };
    } else if (type === Operation.create) {
      reader.readString();
    } else if (type === Operation.setData) {
      reader.take(68);
    }
  }
}

/** A node without data has the length -1. */
function readBuffer(reader: Reader): Uint8Array {
  const size = reader.readI32();
  if (size <= 0) return new Uint8Array(0);
  const start = reader.take(size);
  return reader.bytes.slice(start, start + size);
}
