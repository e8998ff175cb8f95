/**
 * A load that uses everything: each operation of the client by its weight, at a fixed rate, on a bounded set of keys,
 * so that what grows is a leak and not the data. Beside it, in circles: scans of the whole table, tables that are
 * made, written and dropped, and clients that come and go.
 */
import { SeededRandom } from '../../src/base/prng.ts';
import { type Client, connect, PegasusError, type Table } from '../../src/bin/client.ts';
import { pause } from '../onebox.ts';

const HASH_KEYS = 20_000;
const SORT_KEYS = 10;
const VALUE_BYTES = 100;
const BIG_VALUE_BYTES_MAX = 400_000;
const BIG_VALUES = 50;
const TTL_SECONDS_MAX = 60;
const TIMEOUT_MS = 10_000;
const INFLIGHT_MAX = 256;
const PACE_MS = 10;
const SCAN_PAUSE_MS = 2_000;
const TABLE_PAUSE_MS = 20_000;
const RECONNECT_MS = 15_000;

type Work = (table: Table, random: SeededRandom) => Promise<unknown>;

const hashKey = (random: SeededRandom): string => `h${random.below(HASH_KEYS)}`;
const sortKey = (random: SeededRandom): string => `s${random.below(SORT_KEYS)}`;
const value = (random: SeededRandom): string => `${random.u32()}`.padEnd(VALUE_BYTES, 'v');
const someKeys = (random: SeededRandom): { hashKey: string; sortKey: string }[] =>
  Array.from({ length: 8 }, () => ({ hashKey: hashKey(random), sortKey: sortKey(random) }));

/** Name, weight, what it does. */
const OPERATIONS: readonly (readonly [string, number, Work])[] = [
  ['get', 300, (table, random) => table.get(hashKey(random), sortKey(random))],
  ['exist', 20, (table, random) => table.exist(hashKey(random), sortKey(random))],
  ['ttl', 20, (table, random) => table.ttl(hashKey(random), sortKey(random))],
  ['set', 200, (table, random) => table.set(hashKey(random), sortKey(random), value(random))],
  [
    'set with a time to live',
    80,
    (table, random) =>
      table.set(`t${random.below(HASH_KEYS)}`, sortKey(random), value(random), {
        ttlSeconds: 1 + random.below(TTL_SECONDS_MAX),
      }),
  ],
  ['del', 30, (table, random) => table.del(hashKey(random), sortKey(random))],
  ['incr', 50, (table, random) => table.incr(`i${random.below(HASH_KEYS)}`, 'n')],
  [
    'checkAndSet',
    30,
    (table, random) => {
      const at = sortKey(random);
      return table.checkAndSet(hashKey(random), { sortKey: at, test: 'exists' }, value(random));
    },
  ],
  [
    'checkAndMutate',
    20,
    (table, random) =>
      table.checkAndMutate(hashKey(random), { sortKey: 's0', test: 'none' }, [
        { set: 's1', value: value(random) },
        { del: 's2' },
      ]),
  ],
  [
    'compareExchange',
    10,
    (table, random) => table.compareExchange(hashKey(random), 's3', null, value(random)),
  ],
  [
    'multiSet',
    40,
    (table, random) =>
      table.multiSet(hashKey(random), { s4: value(random), s5: value(random), s6: value(random) }),
  ],
  ['multiGet', 60, (table, random) => table.multiGet(hashKey(random))],
  [
    'multiGet in reverse',
    10,
    (table, random) => table.multiGet(hashKey(random), { reverse: true }),
  ],
  ['multiGetSortKeys', 10, (table, random) => table.multiGetSortKeys(hashKey(random))],
  ['multiDel', 10, (table, random) => table.multiDel(hashKey(random), ['s7', 's8'])],
  ['sortKeyCount', 10, (table, random) => table.sortKeyCount(hashKey(random))],
  ['batchGet', 20, (table, random) => table.batchGet(someKeys(random))],
  [
    'batchSet',
    10,
    (table, random) =>
      table.batchSet(someKeys(random).map((key) => ({ ...key, value: value(random) }))),
  ],
  [
    'get that may be hedged',
    20,
    (table, random) =>
      table.hedged({ afterMs: 5, stalenessMsMax: 'any' }).get(hashKey(random), sortKey(random)),
  ],
  [
    'scan of a hash key',
    20,
    async (table, random) => {
      await using scan = table.scan({ hashKey: hashKey(random), batchSize: 4 });
      for await (const _row of scan) {
        if (random.below(8) === 0) return;
      }
    },
  ],
  ['set of a big value', 2, setBigValue],
  ['get of a big value', 4, (table, random) => table.get(`b${random.below(BIG_VALUES)}`, '')],
  [
    'get that is given up',
    5,
    (table, random) => {
      const abort = new AbortController();
      const read = table.get(hashKey(random), sortKey(random), { signal: abort.signal });
      abort.abort();
      return read.catch(() => {});
    },
  ],
];
const WEIGHT = OPERATIONS.reduce((sum, [, weight]) => sum + weight, 0);

function setBigValue(table: Table, random: SeededRandom): Promise<void> {
  const bytes = new Uint8Array(1 + random.below(BIG_VALUE_BYTES_MAX));
  // Not compressible.
  for (let at = 0; at < bytes.length; at += 4) bytes[at] = random.u32();
  return table.set(`b${random.below(BIG_VALUES)}`, '', bytes);
}

export interface LoadCounts {
  readonly operations: Readonly<Record<string, number>>;
  readonly errors: Readonly<Record<string, number>>;
  /** Were due and not started, because too many were under way. */
  readonly left: number;
  readonly scans: number;
  readonly scannedRows: number;
  readonly tables: number;
  readonly clients: number;
}

export class SoakLoad {
  readonly #metas: string;
  readonly #random: SeededRandom;
  readonly #operations = new Map<string, number>();
  readonly #errors = new Map<string, number>();
  #left = 0;
  #scans = 0;
  #scannedRows = 0;
  #tables = 0;
  #clients = 0;
  #inflight = 0;
  #stopping = false;

  constructor(metas: string, seed: number) {
    this.#metas = metas;
    this.#random = new SeededRandom(seed);
  }

  /** Resolves after `stop`, when all that was under way has ended. */
  async run(ratePerSecond: number): Promise<void> {
    await Promise.all([
      this.#pace(ratePerSecond),
      this.#circle('scan of the table', SCAN_PAUSE_MS, (client) => this.#scanAll(client)),
      this.#circle('a table made and dropped', TABLE_PAUSE_MS, (client) =>
        this.#cycleTable(client),
      ),
    ]);
  }

  stop(): void {
    this.#stopping = true;
  }

  counts(): LoadCounts {
    return {
      operations: Object.fromEntries(this.#operations),
      errors: Object.fromEntries(this.#errors),
      left: this.#left,
      scans: this.#scans,
      scannedRows: this.#scannedRows,
      tables: this.#tables,
      clients: this.#clients,
    };
  }

  #connect(): Promise<Client> {
    this.#clients += 1;
    return connect({ metas: this.#metas, timeoutMs: TIMEOUT_MS });
  }

  /** Open loop. The client is another one every now and then; the old one ends its operations. */
  async #pace(ratePerSecond: number): Promise<void> {
    let client = await this.#connect();
    let connectedMs = performance.now();
    const beganMs = connectedMs;
    let issued = 0;
    while (!this.#stopping) {
      await pause(PACE_MS);
      const now = performance.now();
      if (now - connectedMs > RECONNECT_MS) {
        connectedMs = now;
        await this.#counted('reconnect', async () => {
          const old = client;
          client = await this.#connect();
          setTimeout(() => void old.close(), TIMEOUT_MS);
        });
      }
      const table = client.table('temp');
      for (const due = ((now - beganMs) / 1000) * ratePerSecond; issued < due; issued++) {
        if (this.#inflight < INFLIGHT_MAX) this.#start(table);
        else this.#left += 1;
      }
    }
    while (this.#inflight > 0) await pause(PACE_MS);
    await client.close();
  }

  #start(table: Table): void {
    let at = this.#random.below(WEIGHT);
    const chosen = OPERATIONS.find(([, weight]) => {
      at -= weight;
      return at < 0;
    })!;
    this.#inflight += 1;
    void this.#counted(chosen[0], () => chosen[2](table, this.#random)).finally(() => {
      this.#inflight -= 1;
    });
  }

  async #counted(name: string, work: () => Promise<unknown>): Promise<void> {
    add(this.#operations, name);
    try {
      await work();
    } catch (error) {
      if (!(error instanceof PegasusError)) throw error;
      add(this.#errors, `${name}: ${error.name}`);
    }
  }

  /** Again and again with a client of its own, with pauses. */
  async #circle(
    name: string,
    pauseMs: number,
    work: (client: Client) => Promise<void>,
  ): Promise<void> {
    while (!this.#stopping) {
      await this.#counted(name, async () => {
        await using client = await this.#connect();
        await work(client);
      });
      for (let left = pauseMs; left > 0 && !this.#stopping; left -= 100) await pause(100);
    }
  }

  async #scanAll(client: Client): Promise<void> {
    const scan =
      this.#scans % 2 === 0 ? client.table('temp').scan() : client.table('temp').scanKeys();
    for (let batch = await scan.nextBatch(); batch !== null; batch = await scan.nextBatch()) {
      this.#scannedRows += batch.length;
      if (this.#stopping) break;
    }
    await scan[Symbol.asyncDispose]();
    this.#scans += 1;
  }

  async #cycleTable(client: Client): Promise<void> {
    const name = `cycle${this.#tables}`;
    await client.admin.createTable(name, { partitionCount: 4, timeoutMs: 30_000 });
    this.#tables += 1;
    const table = client.table(name);
    for (let row = 0; row < 100; row++) await table.set(`h${row}`, 's', 'v'.repeat(1000));
    await client.admin.dropTable(name, { reserveSeconds: 1 });
  }
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
