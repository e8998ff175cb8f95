/**
 * etcd (3.4 and later) as the service that meta servers share, through its JSON gateway.
 *
 *   ROOT/head        the head; its version is etcd's revision of its last change
 *   ROOT/state/KEY   the entries
 *   ROOT/leader      who leads; bound to a lease that the leader keeps alive, so it goes when the leader falls silent
 *
 * 1. Each write is one transaction that compares the revision of the head.
 * 2. Reads of the head are linearizable. All of the state is read in pages at one revision.
 * 3. Who leads is told by the lease, not by the name: a process that starts again under its old name has another one.
 *
 * The revision grows for ever in one etcd; a restored backup begins at an older one, so no meta server may run while
 * etcd is restored (docs/meta-store.md).
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
import type { CoordinationOptions } from '../coordination-options.ts';
import { EtcdGateway, type Json, type JsonObject } from './gateway.ts';

/** etcd takes 128 operations in a transaction and requests of 1.5 MiB unless it is told otherwise. */
const LIMITS: WriteLimits = { changesMax: 100, bytesMax: 1024 * 1024 };

/** Pages grow while they are small and shrink when they are large; entries are of 100 bytes or of 500 KB. */
const PAGE_ENTRIES_MIN = 32;
const PAGE_ENTRIES_MAX = 4_096;
const PAGE_BYTES_SMALL = 512 * 1024;
const PAGE_BYTES_LARGE = 4 * 1024 * 1024;

interface KeyValue {
  readonly key: string;
  readonly value: Uint8Array;
  readonly revision: number;
  /** '0' = none. */
  readonly lease: string;
}

interface Page {
  readonly revision: number;
  readonly found: readonly KeyValue[];
  readonly hasMore: boolean;
}

export class EtcdCoordination implements CoordinationService {
  readonly limits: WriteLimits = LIMITS;
  readonly leadTimeoutMs: number;
  readonly #options: CoordinationOptions;
  readonly #gateway: EtcdGateway;
  readonly #headKey: string;
  readonly #leaderKey: string;
  readonly #statePrefix: string;
  /** Of this candidate; null before its first round and when it was lost. */
  #lease: string | null = null;

  /** The time-out of a lead is at least two seconds: etcd grants no shorter lease. */
  constructor(options: CoordinationOptions) {
    assert(options.root.length > 0 && !options.root.endsWith('/'), 'the root is a prefix of keys');
    assert(options.leadTimeoutMs >= 2_000, 'etcd grants leases of two seconds and more');
    this.#options = options;
    this.leadTimeoutMs = options.leadTimeoutMs;
    this.#gateway = new EtcdGateway(options.members);
    this.#headKey = `${options.root}/head`;
    this.#leaderKey = `${options.root}/leader`;
    this.#statePrefix = `${options.root}/state/`;
  }

  async readHead(): Promise<Head | null> {
    return headOf(await this.#range({ key: encodeText(this.#headKey) }));
  }

  async readAll(): Promise<SharedState> {
    const first = await this.#range({ key: encodeText(this.#headKey) });
    const entries: StateEntry[] = [];
    const end = encodeText(prefixEnd(this.#statePrefix));
    let from = this.#statePrefix;
    let limit = PAGE_ENTRIES_MIN;
    for (;;) {
      const page = await this.#range({
        key: encodeText(from),
        range_end: end,
        limit: String(limit),
        revision: String(first.revision),
      });
      let bytes = 0;
      for (const { key, value } of page.found) {
        entries.push({ key: key.slice(this.#statePrefix.length), value });
        bytes += key.length + value.length;
      }
      if (!page.hasMore) return { head: headOf(first), entries };
      from = `${page.found.at(-1)!.key}\0`;
      if (bytes < PAGE_BYTES_SMALL) limit = Math.min(2 * limit, PAGE_ENTRIES_MAX);
      if (bytes > PAGE_BYTES_LARGE) limit = Math.max(limit >>> 1, PAGE_ENTRIES_MIN);
    }
  }

  async write(request: FencedWrite): Promise<number | null> {
    const count = request.puts.length + request.removals.length;
    assertAtMost(count, LIMITS.changesMax, 'a write has few changes');
    const success: JsonObject[] = [];
    if (request.head !== null) success.push(put(this.#headKey, request.head));
    for (const { key, value } of request.puts) success.push(put(this.#statePrefix + key, value));
    for (const key of request.removals) {
      success.push({ request_delete_range: { key: encodeText(this.#statePrefix + key) } });
    }
    const answer = await this.#call('kv/txn', {
      compare: [
        { key: encodeText(this.#headKey), target: 'MOD', mod_revision: String(request.fence) },
      ],
      success,
    });
    if (answer['succeeded'] !== true) return null;
    return request.head === null ? request.fence : revisionOf(answer);
  }

  async attend(candidate: string): Promise<Standing> {
    const lease = await this.#keepLease();
    const key = encodeText(this.#leaderKey);
    // Most rounds change nothing: a read costs etcd no entry in its log.
    const [present] = (await this.#range({ key })).found;
    if (present !== undefined) return standingUnder(lease, present);
    const answer = await this.#call('kv/txn', {
      compare: [{ key, target: 'CREATE', create_revision: '0' }],
      success: [put(this.#leaderKey, new TextEncoder().encode(candidate), lease)],
      failure: [{ request_range: { key } }],
    });
    if (answer['succeeded'] === true) return { leader: candidate, isSelf: true };
    const [response] = listOf(answer['responses']);
    const leader = keyValues(objectOf(objectOf(response)['response_range']))[0];
    if (leader === undefined) throw new CoordinationError('etcd names no leader and takes none');
    return standingUnder(lease, leader);
  }

  async resign(): Promise<void> {
    const lease = this.#lease;
    if (lease === null) return;
    this.#lease = null;
    await this.#call('lease/revoke', { ID: lease });
  }

  async close(): Promise<void> {
    this.#gateway.close();
  }

  /** The lease of this candidate, alive. */
  async #keepLease(): Promise<string> {
    if (this.#lease !== null) {
      const { result } = await this.#call('lease/keepalive', { ID: this.#lease });
      // A lease that is gone has no time left, and zeros are left out.
      if (objectOf(result)['TTL'] !== undefined) return this.#lease;
      this.#lease = null;
    }
    const ttl = Math.ceil(this.leadTimeoutMs / 1_000);
    const { ID: granted } = await this.#call('lease/grant', { TTL: String(ttl) });
    if (typeof granted !== 'string') throw new CoordinationError('etcd grants no lease');
    this.#lease = granted;
    return granted;
  }

  async #range(request: JsonObject): Promise<Page> {
    const answer = await this.#call('kv/range', request);
    const found = keyValues(answer);
    return { revision: revisionOf(answer), found, hasMore: answer['more'] === true };
  }

  #call(path: string, body: JsonObject): Promise<JsonObject> {
    return this.#gateway.call(path, body, this.#options.requestTimeoutMs);
  }
}

function standingUnder(lease: string, leader: KeyValue): Standing {
  return { leader: decodeText(leader.value), isSelf: leader.lease === lease };
}

function headOf(page: Page): Head | null {
  const [head] = page.found;
  if (head === undefined) return null;
  assert(head.revision > HEAD_ABSENT, 'a key that is there has a revision');
  return { version: head.revision, value: head.value };
}

function put(key: string, value: Uint8Array, lease = '0'): JsonObject {
  const encoded = Buffer.from(value.buffer, value.byteOffset, value.length).toString('base64');
  return { request_put: { key: encodeText(key), value: encoded, lease } };
}

function keyValues(answer: JsonObject): KeyValue[] {
  return listOf(answer['kvs']).map((one) => {
    const fields = objectOf(one);
    return {
      key: decodeText(decodeBytes(fields['key'])),
      value: decodeBytes(fields['value']),
      revision: integerOf(fields['mod_revision']),
      lease: String(fields['lease'] ?? '0'),
    };
  });
}

function revisionOf(answer: JsonObject): number {
  return integerOf(objectOf(answer['header'])['revision']);
}

function integerOf(value: Json | undefined): number {
  const integer = Number(value ?? 0);
  if (!Number.isSafeInteger(integer)) throw unreadable();
  return integer;
}

function objectOf(value: Json | undefined): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw unreadable();
  return value as JsonObject;
}

/** Empty lists are left out. */
function listOf(value: Json | undefined): readonly Json[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw unreadable();
  return value as readonly Json[];
}

function unreadable(): CoordinationError {
  return new CoordinationError('etcd answers something that cannot be read');
}

function encodeText(text: string): string {
  return Buffer.from(text).toString('base64');
}

function decodeText(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** Empty values are left out. */
function decodeBytes(value: Json | undefined): Uint8Array {
  if (value === undefined) return new Uint8Array(0);
  if (typeof value !== 'string') throw unreadable();
  return new Uint8Array(Buffer.from(value, 'base64'));
}

/** The first key behind all that begin with `prefix`, which ends with a slash. */
function prefixEnd(prefix: string): string {
  assert(prefix.endsWith('/'), 'a prefix ends with a slash');
  return `${prefix.slice(0, -1)}0`;
}
