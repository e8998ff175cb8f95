/** The client as a whole: options, tables by name, closing. */
import type { ClientEnvironment } from '../env/environment.ts';
import { type HostPort, parseHostPort } from '../model/identity.ts';
import { ClusterAdmin } from './admin.ts';
import type { Admin, Client, ClientOptions } from './api.ts';
import type { AnyCodec, BytesCodec } from './codec.ts';
import { Engine, type EngineOptions } from './engine.ts';
import { InvalidArgumentError } from './errors.ts';
import { PendingCalls } from './pending-calls.ts';
import { toRetryRules } from './retry-policy.ts';
import { TableHandle } from './table.ts';
import type { Table, TableCodecs } from './table-api.ts';
import { TypedTable } from './typed-table.ts';

const TIMEOUT_MS = 10_000;
const OUTSTANDING_MAX = 4_096;
const OPERATIONS_MAX = 262_144;

/** Connects to nobody yet. Throws `InvalidArgumentError`. */
export function openClient(environment: ClientEnvironment, options: ClientOptions): Client {
  return new ClusterClient(environment, options);
}

export class ClusterClient implements Client {
  readonly admin: Admin;
  /** For drivers that want operations without promises, as the benchmark and the simulator do. */
  readonly engine: Engine;
  readonly #admin: ClusterAdmin;
  readonly #calls: PendingCalls;
  readonly #tables: Map<string, TableHandle> = new Map();

  constructor(environment: ClientEnvironment, options: ClientOptions) {
    this.engine = new Engine(environment, toEngineOptions(options));
    this.#calls = new PendingCalls(this.engine);
    this.#admin = new ClusterAdmin(this.engine, this.#calls);
    this.admin = this.#admin;
  }

  table(name: string): Table;
  table<
    HashKey extends AnyCodec = BytesCodec,
    SortKey extends AnyCodec = BytesCodec,
    Value extends AnyCodec = BytesCodec,
  >(name: string, codecs: TableCodecs<HashKey, SortKey, Value>): Table<HashKey, SortKey, Value>;
  table(name: string, codecs?: TableCodecs<AnyCodec, AnyCodec, AnyCodec>): unknown {
    const table = this.#tableOfBytes(name);
    return codecs === undefined ? table : new TypedTable(table, codecs);
  }

  #tableOfBytes(name: string): TableHandle {
    let table = this.#tables.get(name);
    if (table === undefined) {
      table = new TableHandle(this.engine, this.#calls, this.#admin, name);
      this.#tables.set(name, table);
    }
    return table;
  }

  async close(): Promise<void> {
    this.engine.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function toEngineOptions(options: ClientOptions): EngineOptions {
  return {
    metas: toAddresses(options.metas),
    timeoutMs: atLeast(options.timeoutMs ?? TIMEOUT_MS, 1, 'timeoutMs'),
    repeatsWrites: (options.ambiguousWrites ?? 'retry') === 'retry',
    outstandingMax: toSlots(options.outstandingMax ?? OUTSTANDING_MAX),
    operationsMax: atLeast(options.operationsMax ?? OPERATIONS_MAX, 1, 'operationsMax'),
    retry: toRetryRules(options.retry ?? {}),
    hooks: options.hooks ?? [],
    coalescesGets: options.coalesceGets ?? false,
  };
}

function toAddresses(metas: string | readonly string[]): HostPort[] {
  const texts = typeof metas === 'string' ? metas.split(',') : metas;
  const addresses: HostPort[] = [];
  for (const text of texts) {
    const trimmed = text.trim();
    if (trimmed.length === 0) continue;
    const address = parseHostPort(trimmed);
    if (address === null || address.port === 0) {
      throw new InvalidArgumentError(
        `"${trimmed}" is no address of a meta server: host:port is needed, e.g. 127.0.0.1:34601`,
      );
    }
    addresses.push(address);
  }
  if (addresses.length === 0) {
    throw new InvalidArgumentError('at least one meta server is needed, e.g. 127.0.0.1:34601');
  }
  return addresses;
}

function atLeast(value: number, minimum: number, what: string): number {
  if (value >= minimum) return value;
  throw new InvalidArgumentError(`${what} is a number of at least ${minimum}`);
}

/** A session's table of outstanding requests has a power of two of them. */
function toSlots(outstandingMax: number): number {
  if (!(outstandingMax >= 1 && outstandingMax <= 16_384)) {
    throw new InvalidArgumentError('outstandingMax is a number from 1 to 16,384');
  }
  return 2 ** Math.floor(Math.log2(outstandingMax));
}
