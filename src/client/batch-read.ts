/**
 * Reads of many rows of any hash keys: one request per partition, cut where it would grow too long.
 *
 * Every row has an outcome of its own. A server that does not know the request (older ones of the
 * original), and one that cannot answer for a row among many, is asked row by row. What a server
 * does not find out, as a get would: that a key went to its partition by an outdated count, in the
 * moment of a partition split.
 */
import { bytesEqual, copyBytes } from '../base/bytes.ts';
import type { U64 } from '../base/crc64.ts';
import { u64Modulo } from '../base/crc64.ts';
import { ErrorCode, errorName } from '../base/error-names.ts';
import { inParallel } from '../base/in-parallel.ts';
import type * as rrdb from '../wire/generated/rrdb.ts';
import { StorageStatus } from '../wire/schema/rrdb.ts';
import type { CallOptions } from './api.ts';
import { toBytes, toKey } from './arguments.ts';
import { PegasusError, type ReadOutcome, RejectedError } from './errors.ts';
import { statusError } from './operation-error.ts';
import { BATCH_GET, type OperationKind } from './operation-kinds.ts';
import type { Convert, PendingCalls } from './pending-calls.ts';
import type { RowKey } from './table-api.ts';
import type { TableRoute } from './table-route.ts';

/** The original logs requests of 2,000 keys as abnormal. */
const KEYS_MAX = 500;
const BY_HASH = -1;
const UNKNOWN_REQUEST: string = errorName(ErrorCode.handlerNotFound);
const MISSING: ReadOutcome = { status: 'missing' };

/** Keys of one partition. */
export interface KeyGroup {
  readonly hash: U64;
  readonly keys: rrdb.FullKey[];
  /** Index of each key in the caller's list. */
  readonly positions: number[];
  /** Of the table, when the keys were put together. */
  readonly partitionCount: number;
}

/** What is left of the caller's time, as options of the next request. */
export type OptionsLeft = () => CallOptions | undefined;

/** A get of its own. */
export type GetAlone = (
  hashKey: Uint8Array,
  sortKey: Uint8Array,
  options: CallOptions | undefined,
) => Promise<Uint8Array | null>;

export class BatchReader {
  readonly #calls: PendingCalls;
  readonly #route: TableRoute;
  readonly #getAlone: GetAlone;
  #isKnownToServers = true;

  constructor(calls: PendingCalls, route: TableRoute, getAlone: GetAlone) {
    this.#calls = calls;
    this.#route = route;
    this.#getAlone = getAlone;
  }

  /** In the order of `keys`. */
  async read(
    keys: readonly RowKey[],
    partitionCount: number,
    parallelism: number,
    options: OptionsLeft,
  ): Promise<ReadOutcome[]> {
    const outcomes = new Array<ReadOutcome>(keys.length).fill(MISSING);
    const groups = groupKeys(keys, partitionCount);
    await inParallel(groups, parallelism, async (group) => {
      const found = await this.readGroup(group, BATCH_GET, options);
      for (const [index, position] of group.positions.entries()) {
        outcomes[position] = found[index]!;
      }
    });
    return outcomes;
  }

  /** In the order of the keys of the group. */
  async readGroup(
    group: KeyGroup,
    kind: OperationKind<rrdb.BatchGetRequest, rrdb.BatchGetResponse>,
    options: OptionsLeft,
  ): Promise<ReadOutcome[]> {
    if (this.#isKnownToServers && group.keys.length > 1) {
      const outcomes = await this.#readTogether(group, kind, options());
      if (outcomes !== null) return outcomes;
    }
    return Promise.all(group.keys.map((key) => this.#readOne(key, options())));
  }

  /** Null: to be asked row by row. */
  async #readTogether(
    group: KeyGroup,
    kind: OperationKind<rrdb.BatchGetRequest, rrdb.BatchGetResponse>,
    options: CallOptions | undefined,
  ): Promise<ReadOutcome[] | null> {
    const { hash, keys, partitionCount } = group;
    const prepare = (): rrdb.BatchGetRequest => ({ keys });
    const convert: Convert<rrdb.BatchGetResponse, ReadOutcome[]> = (result, operation) => {
      if (result.error !== StorageStatus.ok) throw statusError(operation, result.error, false);
      return toOutcomes(keys, result.data);
    };
    try {
      const outcomes = await this.#calls.run(
        this.#route,
        kind,
        hash,
        BY_HASH,
        options,
        prepare,
        convert,
      );
      // The table was split on the way: the keys may have parted.
      return this.#route.partitionCount === partitionCount ? outcomes : null;
    } catch (error) {
      if (!(error instanceof PegasusError)) throw error;
      if (error.serverCode === UNKNOWN_REQUEST) this.#isKnownToServers = false;
      // What a server says about the request as a whole holds for each row of it.
      const isOfOneRow = error instanceof RejectedError && !error.serverCode.startsWith('ERR_');
      if (isOfOneRow || error.serverCode === UNKNOWN_REQUEST) return null;
      return keys.map(() => ({ status: 'error', error }));
    }
  }

  async #readOne(key: rrdb.FullKey, options: CallOptions | undefined): Promise<ReadOutcome> {
    try {
      const value = await this.#getAlone(key.hashKey, key.sortKey, options);
      return value === null ? MISSING : { status: 'found', value };
    } catch (error) {
      if (!(error instanceof PegasusError)) throw error;
      return { status: 'error', error };
    }
  }
}

export function groupKeys(keys: readonly RowKey[], partitionCount: number): KeyGroup[] {
  const groups: KeyGroup[] = [];
  const open = new Map<number, KeyGroup>();
  const hash = { high: 0, low: 0 };
  for (const [position, { hashKey, sortKey }] of keys.entries()) {
    toKey(hashKey, sortKey, hash);
    const partition = u64Modulo(hash, partitionCount);
    let group = open.get(partition);
    if (group === undefined || group.keys.length >= KEYS_MAX) {
      group = { hash: { ...hash }, keys: [], positions: [], partitionCount };
      open.set(partition, group);
      groups.push(group);
    }
    group.keys.push({ hashKey: toBytes(hashKey), sortKey: toBytes(sortKey) });
    group.positions.push(position);
  }
  return groups;
}

/** Rows come back in request order with the absent ones left out, so both lists are walked together. */
function toOutcomes(keys: readonly rrdb.FullKey[], rows: readonly rrdb.FullData[]): ReadOutcome[] {
  let next = 0;
  return keys.map((key) => {
    const row = rows[next];
    if (row === undefined) return MISSING;
    if (!bytesEqual(row.hashKey, key.hashKey) || !bytesEqual(row.sortKey, key.sortKey)) {
      return MISSING;
    }
    next++;
    return { status: 'found', value: copyBytes(row.value) };
  });
}
