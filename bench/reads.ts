/**
 * Microseconds of processor time (of all threads) per read of one replica on RocksDB, from the request's bytes to those
 * of the reply: gets, and multi_gets of a whole hash key of 17 rows, with the rows in different places.
 *
 *   node --import tsx bench/reads.ts
 *
 * Prints one JSON document; the best of several rounds, since the machine has other users. `docs/internals/reads.md`
 * says what the places mean.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeBatch } from '../src/adapters/engine-contract-tools.ts';
import { RocksDbEngineFactory } from '../src/adapters/rocksdb/factory.ts';
import { SeededRandom } from '../src/base/prng.ts';
import type { Clock } from '../src/env/clock.ts';
import { type Engine, EngineStatus } from '../src/env/engine.ts';
import { encodeKey } from '../src/model/key.ts';
import { tableSettings } from '../src/model/table-settings.ts';
import { ReadOutcome } from '../src/storage/read-outcome.ts';
import { ReadService } from '../src/storage/read-service.ts';
import { makeMultiGetRequest, writeMultiGetRequest } from '../src/wire/generated/rrdb.ts';
import { Reader } from '../src/wire/reader.ts';
import { RpcCode } from '../src/wire/rpc-codes.ts';
import { Writer } from '../src/wire/writer.ts';

const HASH_KEYS = 4_000;
const ROWS = 17;
const ROUNDS = 12;
const VALUE_BYTES = 100;
/** Files above the lowest level; one more layer is in the memtable. */
const LAYERS = 3;
const LATE_OUTSTANDING = 64;

const utf8 = new TextEncoder();
const clock: Clock = { monotonicMs: () => performance.now(), wallMs: () => Date.now() };

type Figures = Record<string, number>;

interface Requests {
  readonly code: RpcCode;
  readonly bodies: readonly Uint8Array[];
}

function hashKeyAt(index: number): Uint8Array {
  return utf8.encode(`package-${String(index).padStart(6, '0')}`);
}

function keyAt(index: number, row: number): Uint8Array {
  return encodeKey(hashKeyAt(index), utf8.encode(`field-${String(row).padStart(2, '0')}`));
}

function expect(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

function write(engine: Engine, isMeant: (index: number, row: number) => boolean): void {
  const value = new Uint8Array(VALUE_BYTES).fill(0x76);
  value.fill(0, 0, 4);
  for (let index = 0; index < HASH_KEYS; index++) {
    const records: [Uint8Array, Uint8Array][] = [];
    for (let row = 0; row < ROWS; row++) {
      if (isMeant(index, row)) records.push([keyAt(index, row), value]);
    }
    if (records.length > 0)
      expect(engine.write(encodeBatch(records)) === EngineStatus.ok, 'a batch is applied');
  }
}

/** Above what there is: files that each rewrite a part, and a memtable. */
async function writeLayers(
  engine: Engine,
  isMeant: (layer: number, index: number, row: number) => boolean,
): Promise<void> {
  for (let layer = 0; layer <= LAYERS; layer++) {
    write(engine, (index, row) => isMeant(layer, index, row));
    if (layer < LAYERS) await engine.flush();
  }
}

function getRequests(): Requests {
  const random = new SeededRandom(1);
  const bodies = Array.from({ length: HASH_KEYS }, () => {
    const body = new Writer();
    body.writeBlob(keyAt(random.below(HASH_KEYS), random.below(ROWS)));
    return body.take().slice();
  });
  return { code: RpcCode.get, bodies };
}

function rangeRequests(reverse: boolean): Requests {
  const random = new SeededRandom(2);
  const bodies = Array.from({ length: HASH_KEYS }, () => {
    const hashKey = hashKeyAt(random.below(HASH_KEYS));
    const body = new Writer();
    const request = { ...makeMultiGetRequest(), hashKey, startInclusive: true, reverse };
    writeMultiGetRequest(body, request);
    return body.take().slice();
  });
  return { code: RpcCode.multiGet, bodies };
}

class Replica {
  readonly #reads: ReadService;
  readonly #reader: Reader = new Reader();
  readonly #writer: Writer = new Writer(1024 * 1024);

  constructor(engine: Engine) {
    const context = { appId: 2, partitionIndex: 0, server: '127.0.0.1:34801' };
    const settings = tableSettings(8, new Map());
    this.#reads = new ReadService(engine, context, settings, clock, new SeededRandom(3));
  }

  /** In the turn of the request. Answers with how many have to go on later. */
  readNow({ code, bodies }: Requests): number {
    let late = 0;
    for (const body of bodies) {
      this.#reader.reset(body, 0, body.length);
      const outcome = this.#reads.tryRead(code, this.#reader, this.#writer);
      if (outcome === ReadOutcome.later) late++;
      else expect(outcome === ReadOutcome.done, 'a read is answered');
      this.#writer.rewind(0);
    }
    return late;
  }

  /** As a server does it: what cannot be answered at once goes on later. */
  async read(requests: Requests): Promise<void> {
    const { code, bodies } = requests;
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < bodies.length) {
        const body = bodies[next++]!;
        this.#reader.reset(body, 0, body.length);
        const outcome = this.#reads.tryRead(code, this.#reader, this.#writer);
        this.#writer.rewind(0);
        if (outcome === ReadOutcome.done) continue;
        expect(outcome === ReadOutcome.later, 'a read is answered or put off');
        await new Promise<void>((resolve) => {
          this.#reads.readLater(code, body, (late) => {
            expect(late === ReadOutcome.done, 'a late read is answered');
            resolve();
          });
        });
      }
    };
    await Promise.all(Array.from({ length: LATE_OUTSTANDING }, worker));
  }

  close(): void {
    this.#reads.close();
  }
}

/** Microseconds per read when all is in memory. */
async function measureWarm(engine: Engine, requests: Requests): Promise<number> {
  const replica = new Replica(engine);
  await replica.read(requests);
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    expect(replica.readNow(requests) === 0, 'what was read is in memory');
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / requests.bodies.length);
  }
  replica.close();
  return rounded(best);
}

/** Microseconds per read of files that are in the page cache of the system, but not in ours. */
async function measureCold(root: string, requests: Requests): Promise<number> {
  const engine = await new RocksDbEngineFactory({ root }).open('db');
  const replica = new Replica(engine);
  const before = process.cpuUsage();
  await replica.read(requests);
  const { user, system } = process.cpuUsage(before);
  replica.close();
  await engine.close({ flush: false });
  return rounded((user + system) / requests.bodies.length);
}

function rounded(us: number): number {
  return Math.round(us * 100) / 100;
}

async function main(root: string): Promise<void> {
  const engine = await new RocksDbEngineFactory({ root }).open('db');
  const get: Figures = {};
  const range: Figures = {};
  const reverseRange: Figures = {};
  const gets = getRequests();
  const ranges = rangeRequests(false);
  const backwards = rangeRequests(true);
  const measure = async (place: string): Promise<void> => {
    get[place] = await measureWarm(engine, gets);
    range[place] = await measureWarm(engine, ranges);
    reverseRange[place] = await measureWarm(engine, backwards);
  };
  write(engine, () => true);
  await measure('memtable');
  await engine.flush();
  await engine.compact();
  await measure('oneFile');
  await writeLayers(engine, (layer, index) => index % (LAYERS + 1) === layer);
  await measure('layersOfFewHashKeys');
  await engine.flush();
  await engine.compact();
  await writeLayers(engine, (layer, _index, row) => row % (LAYERS + 1) === layer);
  await measure('layersOfAllHashKeys');
  // Or compactions would run beside what is measured.
  await engine.flush();
  await engine.compact();
  await engine.close({ flush: false });
  get['cold'] = await measureCold(root, gets);
  range['cold'] = await measureCold(root, ranges);
  reverseRange['cold'] = await measureCold(root, backwards);
  const usPerRead = { get, range, reverseRange };
  const report = { benchmark: 'reads', node: process.version, rowsPerRange: ROWS, usPerRead };
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
}

const root = await mkdtemp(join(tmpdir(), 'pegasus-bench-reads-'));
try {
  await main(root);
} finally {
  await rm(root, { recursive: true });
}
