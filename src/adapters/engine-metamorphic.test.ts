/**
 * The same random operations give the same results on RocksDB and on the in-memory engine, so what
 * the simulator proves holds for the real one.
 *
 * Each seed is a run of a few hundred operations; the result of each is turned into text and
 * compared at once. Two profiles: crashes that lose unflushed writes (memtables large, so that
 * RocksDB never flushes on its own), and tiny memtables with few open files and hardly a cache, so
 * that flushes, compactions and cold reads happen all the time. `PEGASUS_ENGINE_SEEDS` says how
 * many seeds per profile (default 3).
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { concatBytes, EMPTY_BYTES } from '../base/bytes.ts';
import { SeededRandom } from '../base/prng.ts';
import { type Engine, type EngineFactory, EngineStatus } from '../env/engine.ts';
import {
  type BatchRecord,
  drain,
  encodeBatch,
  read,
  readMany,
  scan,
  statusOfRejection,
  utf8,
  WHOLE_RANGE,
  write,
} from './engine-contract-tools.ts';
import { MemoryDisk } from './memory/disk.ts';
import { MemoryEngineFactory } from './memory/engine.ts';
import { NodeClock } from './node/clock.ts';
import { NodeTimers } from './node/timers.ts';
import { RocksDbEngineFactory, type RocksDbOptions } from './rocksdb/factory.ts';

const SEEDS = Number(process.env['PEGASUS_ENGINE_SEEDS'] ?? 3);
const OPERATIONS = 250;

interface Profile {
  readonly name: string;
  readonly crashes: boolean;
  readonly valueBytesMax: number;
  readonly rocksdb: Partial<RocksDbOptions>;
}

const PROFILES: readonly Profile[] = [
  { name: 'with crashes', crashes: true, valueBytesMax: 200, rocksdb: {} },
  {
    name: 'with tiny memtables and a cold cache',
    crashes: false,
    valueBytesMax: 3000,
    rocksdb: { memtableBytes: 65_536, cacheBytes: 65_536, openFilesMax: 20 },
  },
];

/** One engine under test; `perform` runs an operation and tells its outcome as text. */
class Subject {
  readonly factory: EngineFactory;
  engine!: Engine;

  constructor(factory: EngineFactory) {
    this.factory = factory;
  }

  async open(): Promise<void> {
    this.engine = await this.factory.open('db');
  }
}

type Operation = (subject: Subject) => Promise<string>;

for (const profile of PROFILES) {
  for (let seed = 1; seed <= SEEDS; seed++) {
    test(`${profile.name}: seed ${seed}`, () => runSeed(profile, seed));
  }
}

async function runSeed(profile: Profile, seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  // Apart, so that the operations of a seed do not hang on how often an engine is asked.
  const chance = new SeededRandom(seed);
  const root = await mkdtemp(join(tmpdir(), 'pegasus-metamorphic-'));
  const clock = new NodeClock();
  const memory = new MemoryEngineFactory({
    disk: new MemoryDisk(),
    timers: new NodeTimers(clock),
    clock,
    mayBlock: () => chance.below(16) === 0,
  });
  const subjects = [
    new Subject(new RocksDbEngineFactory({ root, ...profile.rocksdb })),
    new Subject(memory),
  ];
  for (const subject of subjects) await subject.open();
  try {
    for (let step = 0; step < OPERATIONS; step++) {
      const [name, operation] = makeOperation(random, profile, step);
      const real = await operation(subjects[0]!);
      const simulated = await operation(subjects[1]!);
      assert.ok(real === simulated, `seed ${seed}, step ${step}: ${name} differs`);
    }
  } finally {
    for (const subject of subjects) await subject.engine.close({ flush: true });
    await rm(root, { recursive: true });
  }
}

function makeOperation(random: SeededRandom, profile: Profile, step: number): [string, Operation] {
  const dice = random.below(100);
  if (dice < 40) return ['write', makeWrite(random, profile)];
  if (dice < 44) return ['damaged write', makeDamagedWrite(random, profile)];
  if (dice < 54) return ['get', makeGet(random)];
  if (dice < 62) return ['multi-get', makeMultiGet(random)];
  if (dice < 80) return ['scan', makeScan(random)];
  if (dice < 84) return ['scan over writes', makeScanOverWrites(random, profile)];
  if (dice < 88) return ['flush', (subject) => subject.engine.flush().then(nothing)];
  if (dice < 92) return ['reopen', makeReopen(profile.crashes && random.below(2) === 0)];
  if (dice < 94) return ['compact', (subject) => subject.engine.compact().then(nothing)];
  if (dice < 97) return ['checkpoint', makeCheckpoint(`checkpoint-${step}`)];
  return ['ingest', makeIngest(random, profile, step)];
}

const nothing = (): string => '';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Few enough that operations meet, of lengths and bytes that try the order. */
function makeKey(random: SeededRandom): Uint8Array {
  const length = random.below(4);
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index++) {
    bytes[index] = [0x00, 0x01, 0x61, 0x7f, 0x80, 0xfe, 0xff][random.below(7)]!;
  }
  return random.below(8) === 0 ? concatBytes([bytes, new Uint8Array(random.below(300))]) : bytes;
}

function makeRecords(random: SeededRandom, profile: Profile): BatchRecord[] {
  const records: BatchRecord[] = [];
  const count = random.below(20);
  for (let index = 0; index < count; index++) {
    const key = makeKey(random);
    const value = new Uint8Array(random.below(profile.valueBytesMax)).fill(random.below(256));
    records.push([key, random.below(4) === 0 ? null : value]);
  }
  return records;
}

function makeWrite(random: SeededRandom, profile: Profile): Operation {
  const batch = encodeBatch(makeRecords(random, profile));
  return async ({ engine }) => String(await write(engine, batch));
}

function makeDamagedWrite(random: SeededRandom, profile: Profile): Operation {
  const batch = encodeBatch(makeRecords(random, profile));
  const at = 8 + random.below(batch.length - 8);
  batch[at]! ^= 1 << random.below(8);
  const cut = random.below(3) === 0 ? batch.subarray(0, random.below(batch.length)) : batch;
  return async ({ engine }) => String(await write(engine, cut));
}

function makeGet(random: SeededRandom): Operation {
  const key = makeKey(random);
  return async ({ engine }) => {
    const value = await read(engine, key);
    return value === null ? 'absent' : hex(value);
  };
}

function makeMultiGet(random: SeededRandom): Operation {
  const keys = Array.from({ length: random.below(70) }, () => makeKey(random));
  return async ({ engine }) => {
    const values = await readMany(engine, keys);
    return values.map((value) => (value === null ? 'absent' : hex(value))).join();
  };
}

const rowsText = (rows: readonly [Uint8Array, Uint8Array][]): string =>
  rows.map(([key, value]) => `${hex(key)}=${hex(value)}`).join();

function makeScan(random: SeededRandom): Operation {
  const options = {
    lower: random.below(3) === 0 ? EMPTY_BYTES : makeKey(random),
    upper: random.below(3) === 0 ? EMPTY_BYTES : makeKey(random),
    reverse: random.below(2) === 0,
    keysOnly: random.below(4) === 0,
    fillCache: random.below(2) === 0,
  };
  const rowsMax = 1 + random.below(60);
  const bytesMax = 1 + random.below(30_000);
  return async ({ engine }) => rowsText(await scan(engine, options, rowsMax, bytesMax));
}

/** The iterator stands still while the engine moves on under it. */
function makeScanOverWrites(random: SeededRandom, profile: Profile): Operation {
  const reverse = random.below(2) === 0;
  const before = 1 + random.below(10);
  const batches = Array.from({ length: 5 }, () => encodeBatch(makeRecords(random, profile)));
  const flushes = random.below(2) === 0;
  return async ({ engine }) => {
    const iterator = engine.iterate({ ...WHOLE_RANGE, reverse });
    for (const batch of batches) await write(engine, batch);
    if (flushes) await engine.flush();
    const rows = await drain(iterator, before, 2000);
    iterator.close();
    return rowsText(rows);
  };
}

function makeReopen(crash: boolean): Operation {
  return async (subject) => {
    await subject.engine.close({ flush: !crash });
    await subject.open();
    return rowsText(await scan(subject.engine));
  };
}

function makeCheckpoint(path: string): Operation {
  return async ({ engine, factory }) => {
    await engine.checkpoint(path);
    const again = await statusOfRejection(engine.checkpoint(path));
    assert.equal(again, EngineStatus.invalid);
    const copy = await factory.open(path);
    await write(copy, encodeBatch([[utf8('only in the copy'), EMPTY_BYTES]]));
    const text = rowsText(await scan(copy));
    await copy.close({ flush: true });
    await factory.destroy(path);
    return text;
  };
}

function makeIngest(random: SeededRandom, profile: Profile, step: number): Operation {
  const files = Array.from({ length: 1 + random.below(3) }, (_, index) => {
    const rows = new Map<string, [Uint8Array, Uint8Array]>();
    rows.set('', [EMPTY_BYTES, Uint8Array.of(step)]);
    for (const [key, value] of makeRecords(random, profile)) {
      if (value !== null) rows.set(hex(key), [key, value]);
    }
    const sorted = [...rows.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
    return { path: `${step}-${index}.sst`, rows: sorted };
  });
  return async ({ engine, factory }) => {
    for (const { path, rows } of files) {
      const writer = await factory.createSstWriter(path);
      for (const [key, value] of rows) writer.put(key, value);
      await writer.finish();
    }
    await engine.ingest(files.map(({ path }) => path));
    return rowsText(await scan(engine));
  };
}
