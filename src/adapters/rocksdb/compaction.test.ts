/** Compactions that are asked for: what they rewrite, where rows end, how fast they may be, and how they end early. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Engine, EngineError } from '../../env/engine.ts';
import { encodeBatch, read, scan, utf8, write } from '../engine-contract-tools.ts';
import { RocksDbEngineFactory, type RocksDbOptions } from './factory.ts';

const PACKAGE = fileURLToPath(new URL('../../../', import.meta.url));
const MEGABYTE = 1_048_576;

before(() => {
  execFileSync(process.execPath, [join(PACKAGE, 'native/rocksdb/build.mjs')], { stdio: 'inherit' });
});

class Scene {
  readonly root: string;
  readonly engines: RocksDbEngineFactory;
  engine: Engine;

  private constructor(root: string, engines: RocksDbEngineFactory, engine: Engine) {
    this.root = root;
    this.engines = engines;
    this.engine = engine;
  }

  static async set(options: Partial<RocksDbOptions> = {}): Promise<Scene> {
    const root = await mkdtemp(join(tmpdir(), 'pegasus-compaction-'));
    const engines = new RocksDbEngineFactory({ ...options, root });
    return new Scene(root, engines, await engines.open('db'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.engine.close({ flush: false });
    await rm(this.root, { recursive: true });
  }

  filesAt(level: number): number {
    return Number(this.engine.property(`rocksdb.num-files-at-level${level}`));
  }
}

/** A row of a table: the length of the hash key, the hash key, the sort key; expiry, time tag, value. */
const KEY = Uint8Array.of(0, 1, 104, 115);
const NEVER_EXPIRES = new Uint8Array(16);

const expiryOf = async (engine: Engine): Promise<number> => {
  const value = await read(engine, KEY);
  assert(value !== null);
  return new DataView(value.buffer, value.byteOffset).getUint32(0);
};

/** Nothing that compresses. */
async function fill(engine: Engine, megabytes: number): Promise<void> {
  const value = new Uint8Array(64 * 1024);
  let state = 1;
  for (let row = 0; row < megabytes * 16; row++) {
    for (let at = 0; at < value.length; at++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      value[at] = state >>> 24;
    }
    await write(engine, encodeBatch([[utf8(`row${10_000 + row}`), value]]));
  }
}

test('rows where no compaction has to come meet the rules only when all is rewritten', async () => {
  await using scene = await Scene.set();
  const { engine } = scene;
  await write(engine, encodeBatch([[KEY, NEVER_EXPIRES]]));
  await engine.compact();
  engine.setCompactionRules({
    enabled: true,
    defaultTtlSeconds: 1_000,
    partitionVersion: -1,
    partitionIndex: 0,
    userRules: '',
  });
  await engine.compact({ targetLevel: 0, rewritesLowest: false });
  assert.equal(await expiryOf(engine), 0);
  await engine.compact({ targetLevel: 0, rewritesLowest: true });
  assert.notEqual(await expiryOf(engine), 0);
});

test('rows end in the level that was asked for, or in the lowest that there is', async () => {
  await using scene = await Scene.set();
  const { engine } = scene;
  await write(engine, encodeBatch([[KEY, NEVER_EXPIRES]]));
  await engine.flush();
  assert.equal(scene.filesAt(0), 1);
  await engine.compact({ targetLevel: 2, rewritesLowest: true });
  assert.deepEqual([scene.filesAt(0), scene.filesAt(2)], [0, 1]);
  await engine.compact({ targetLevel: 99, rewritesLowest: true });
  assert.deepEqual([scene.filesAt(2), scene.filesAt(6)], [0, 1]);
});

test('a database has as many levels as it was made with, for good', async () => {
  await using scene = await Scene.set();
  const { engines } = scene;
  const lowest = async (engine: Engine): Promise<number> => {
    await write(engine, encodeBatch([[KEY, NEVER_EXPIRES]]));
    await engine.compact();
    const filled = Array.from({ length: 10 }, (_, level) => level).filter(
      (level) => Number(engine.property(`rocksdb.num-files-at-level${level}`)) > 0,
    );
    await engine.close({ flush: true });
    return filled[0]!;
  };
  assert.equal(await lowest(await engines.open('usual')), 6);
  assert.equal(await lowest(await engines.open('low', { levels: 3 })), 2);
  assert.equal(await lowest(await engines.open('low')), 2);
  assert.equal(await lowest(await engines.open('low', { levels: 9 })), 2);
  const high = await engines.open('high', { levels: 9 });
  await write(high, encodeBatch([[KEY, NEVER_EXPIRES]]));
  await high.checkpoint('copy');
  assert.equal(await lowest(high), 8);
  assert.equal(await lowest(await engines.open('copy')), 8, 'a copy has those of its model');
});

test('flushes and compactions write no faster than they may, and a close does not wait for them', async () => {
  await using scene = await Scene.set({ rateBytesPerSecond: 2 * MEGABYTE });
  const { engine } = scene;
  await fill(engine, 4);
  const flushMs = async (): Promise<number> => {
    const startMs = performance.now();
    await engine.flush();
    return performance.now() - startMs;
  };
  const limitedMs = await flushMs();
  assert(limitedMs > 1_000, `4 MiB at 2 MiB/s took ${limitedMs} ms`);
  scene.engines.setRate(0);
  await fill(engine, 4);
  const freeMs = await flushMs();
  assert(freeMs < limitedMs, `without a limit it took ${freeMs} ms`);
  scene.engines.setRate(MEGABYTE);
  const compacted = engine.compact().catch((error: unknown) => error);
  await engine.close({ flush: false });
  assert((await compacted) instanceof EngineError, 'it was broken off');
  scene.engine = await new RocksDbEngineFactory({ root: scene.root }).open('db');
  assert.equal((await scan(scene.engine, { keysOnly: true })).length, 64, 'and nothing is lost');
});
