/**
 * Nanoseconds of processor time per engine operation, 100-byte values: medians and minima over
 * rounds, and the resident memory of a hundred empty databases. Compare ratios, on one machine,
 * with the table of the storage engine's design.
 *
 *   node --import tsx bench/engine.ts
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  drain,
  emptyBlock,
  emptyView,
  encodeBatch,
  WHOLE_RANGE,
} from '../src/adapters/engine-contract-tools.ts';
import { RocksDbEngineFactory } from '../src/adapters/rocksdb/factory.ts';
import { SeededRandom } from '../src/base/prng.ts';
import { type Engine, EngineStatus } from '../src/env/engine.ts';

const ROWS = 200_000;
const HOT_ROWS = 10_000;
const ROUNDS = 9;
const VALUE_BYTES = 100;
const BATCH_RECORDS = 64;
const EMPTY_DATABASES = 100;

interface Figure {
  readonly name: string;
  readonly nsMedian: number;
  readonly nsBest: number;
}

function keyOf(index: number): Uint8Array {
  return new TextEncoder().encode(`\0\x0cuser${String(index).padStart(8, '0')}sort`);
}

/** `work` does `operations` of them per round. */
async function measure(
  name: string,
  operations: number,
  work: () => void | Promise<void>,
): Promise<Figure> {
  const perOperation: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    perOperation.push(((user + system) * 1000) / operations);
  }
  perOperation.sort((a, b) => a - b);
  const round = (value: number): number => Math.round(value);
  const median = perOperation[ROUNDS >>> 1]!;
  return { name, nsMedian: round(median), nsBest: round(perOperation[0]!) };
}

function expectOk(status: EngineStatus): void {
  if (status !== EngineStatus.ok) throw new Error(`unexpected status ${status}`);
}

async function fill(engine: Engine): Promise<void> {
  const value = new Uint8Array(VALUE_BYTES).fill(7);
  for (let at = 0; at < ROWS; at += 1000) {
    const records = Array.from({ length: 1000 }, (_, index) => [keyOf(at + index), value] as const);
    expectOk(engine.write(encodeBatch(records)));
  }
  await engine.flush();
  await engine.compact();
  const iterator = engine.iterate(WHOLE_RANGE);
  await drain(iterator, 1000, 1_000_000);
  iterator.close();
}

async function measureReads(engine: Engine): Promise<Figure[]> {
  const random = new SeededRandom(1);
  const hot = Array.from({ length: HOT_ROWS }, () => keyOf(random.below(ROWS)));
  const view = emptyView();
  const block = emptyBlock();
  const figures = [
    await measure('get', HOT_ROWS, () => {
      for (const key of hot) expectOk(engine.get(key, view));
    }),
  ];
  for (const width of [16, 64]) {
    const groups = Array.from({ length: Math.floor(HOT_ROWS / width) }, (_, index) =>
      hot.slice(index * width, (index + 1) * width),
    );
    figures.push(
      await measure(`multi-get of ${width}, per key`, groups.length * width, () => {
        for (const keys of groups) expectOk(engine.multiGet(keys, block));
      }),
    );
  }
  figures.push(
    await measure('scan, per row', ROWS, () => {
      const iterator = engine.iterate(WHOLE_RANGE);
      do expectOk(iterator.next(1000, 1_000_000, block));
      while (!block.exhausted);
      iterator.close();
    }),
  );
  figures.push(await measure('get later, 64 outstanding', HOT_ROWS, () => getLater(engine, hot)));
  return figures;
}

function getLater(engine: Engine, keys: readonly Uint8Array[]): Promise<void> {
  const view = emptyView();
  let next = 0;
  let left = keys.length;
  return new Promise((resolve) => {
    const onDone = (status: EngineStatus): void => {
      expectOk(status);
      left -= 1;
      if (left === 0) resolve();
      else if (next < keys.length) engine.getLater(keys[next++]!, view, onDone);
    };
    while (next < 64) engine.getLater(keys[next++]!, view, onDone);
  });
}

async function measureWrites(engine: Engine): Promise<Figure> {
  const random = new SeededRandom(2);
  const value = new Uint8Array(VALUE_BYTES).fill(9);
  const batches = Array.from({ length: 300 }, () =>
    encodeBatch(
      Array.from({ length: BATCH_RECORDS }, () => [keyOf(random.below(ROWS)), value] as const),
    ),
  );
  return measure('put in a batch of 64', batches.length * BATCH_RECORDS, () => {
    for (const batch of batches) expectOk(engine.write(batch));
  });
}

async function measureEmpty(engines: RocksDbEngineFactory): Promise<Record<string, number>> {
  const before = process.memoryUsage.rss();
  const opened: Engine[] = [];
  for (let index = 0; index < EMPTY_DATABASES; index++) {
    const engine = await engines.open(`empty-${index}`);
    expectOk(engine.write(encodeBatch([[Uint8Array.of(0xff, 0xff), new Uint8Array(8)]])));
    opened.push(engine);
  }
  const residentBytes = process.memoryUsage.rss();
  for (const engine of opened) await engine.close({ flush: false });
  const perDatabaseBytes = Math.round((residentBytes - before) / EMPTY_DATABASES);
  return { databases: EMPTY_DATABASES, perDatabaseBytes, residentBytes };
}

const root = await mkdtemp(join(tmpdir(), 'pegasus-bench-engine-'));
try {
  const engines = new RocksDbEngineFactory({ root });
  const empty = await measureEmpty(engines);
  const engine = await engines.open('db');
  await fill(engine);
  const figures = [...(await measureReads(engine)), await measureWrites(engine)];
  await engine.close({ flush: false });
  process.stdout.write(`${JSON.stringify({ figures, empty }, null, 2)}\n`);
} finally {
  await rm(root, { recursive: true });
}
