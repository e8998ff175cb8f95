/** Files are passed by when their filter does not know the hash key, and nothing is missed by that. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { compareBytes } from '../../base/bytes.ts';
import { SeededRandom } from '../../base/prng.ts';
import { type Engine, EngineStatus } from '../../env/engine.ts';
import { encodeKey, hashKeyEnd } from '../../model/key.ts';
import { type BatchRecord, encodeBatch, scan, utf8, write } from '../engine-contract-tools.ts';
import { RocksDbEngineFactory } from './factory.ts';

/** Empty, a prefix of another, and with bytes at which a successor has to carry. */
const HASH_KEYS: readonly Uint8Array[] = [
  ...['', 'a', 'ab', 'abc', 'b', 'ba'].map(utf8),
  Uint8Array.of(0xff),
  Uint8Array.of(0xff, 0xff),
  Uint8Array.of(0x61, 0xff),
  new Uint8Array(255).fill(0x61),
  new Uint8Array(256).fill(0x61),
];
const SORT_KEYS: readonly Uint8Array[] = ['', '0', '1', '2', '3', '4'].map(utf8);

type Rows = Map<string, readonly [Uint8Array, Uint8Array]>;

interface Bounds {
  readonly lower: Uint8Array;
  readonly upper: Uint8Array;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function expected(rows: Rows, { lower, upper }: Bounds, reverse: boolean): string[] {
  const inside = [...rows.values()]
    .filter(([key]) => compareBytes(key, lower) >= 0 && compareBytes(key, upper) < 0)
    .sort(([a], [b]) => compareBytes(a, b))
    .map(([key, value]) => `${hex(key)}=${hex(value)}`);
  return reverse ? inside.reverse() : inside;
}

/** Within one hash key, at its edges, and across several. */
function allBounds(): Bounds[] {
  const bounds: Bounds[] = [];
  for (const hashKey of HASH_KEYS) {
    for (const sortKey of SORT_KEYS) {
      const lower = encodeKey(hashKey, sortKey);
      bounds.push({ lower, upper: hashKeyEnd(hashKey) });
      bounds.push({ lower, upper: encodeKey(hashKey, utf8('3')) });
    }
    for (const other of HASH_KEYS) {
      bounds.push({ lower: encodeKey(hashKey, utf8('1')), upper: encodeKey(other, utf8('2')) });
    }
  }
  return bounds.filter(({ lower, upper }) => compareBytes(lower, upper) < 0);
}

async function compareAll(engine: Engine, rows: Rows): Promise<void> {
  for (const bounds of allBounds()) {
    for (const reverse of [false, true]) {
      const found = (await scan(engine, { ...bounds, reverse }, 3)).map(
        ([key, value]) => `${hex(key)}=${hex(value)}`,
      );
      assert.deepEqual(found, expected(rows, bounds, reverse));
    }
  }
}

/** A few rows of a few hash keys are written or removed. */
async function change(engine: Engine, rows: Rows, random: SeededRandom): Promise<void> {
  const records: BatchRecord[] = [];
  for (let count = 0; count < 3; count++) {
    const hashKey = HASH_KEYS[random.below(HASH_KEYS.length)]!;
    for (const sortKey of SORT_KEYS) {
      if (random.below(2) === 0) continue;
      const key = encodeKey(hashKey, sortKey);
      const value = random.below(4) === 0 ? null : Uint8Array.of(random.below(256));
      records.push([key, value]);
      if (value === null) rows.delete(hex(key));
      else rows.set(hex(key), [key, value]);
    }
  }
  assert.equal(await write(engine, encodeBatch(records)), EngineStatus.ok);
}

test('over many files every range has exactly its rows, and files without a hash key are passed by', async () => {
  const root = await mkdtemp(join(tmpdir(), 'pegasus-prefix-'));
  const random = new SeededRandom(7);
  const rows: Rows = new Map();
  let engines = new RocksDbEngineFactory({ root });
  let engine = await engines.open('db');
  engine.setOptions({ disable_auto_compactions: 'true' });
  for (let layer = 0; layer < 12; layer++) {
    await change(engine, rows, random);
    if (layer === 5) await engine.compact();
    else await engine.flush();
  }
  await change(engine, rows, random);
  await compareAll(engine, rows);
  assert.ok((engines.tickers().get('rocksdb.bloom.filter.prefix.useful') ?? 0) > 0);

  await engine.close({ flush: true });
  engines = new RocksDbEngineFactory({ root });
  engine = await engines.open('db');
  await compareAll(engine, rows);
  await engine.close({ flush: false });
  await rm(root, { recursive: true });
});
