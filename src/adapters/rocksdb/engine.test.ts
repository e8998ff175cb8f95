/** RocksDB by way of the addon does what every engine must, cold and warm. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Engine, EngineStatus } from '../../env/engine.ts';
import { describeEngineContract } from '../engine-contract.ts';
import { describeCompactionContract } from '../engine-contract-compaction.ts';
import {
  type EngineRig,
  emptyBlock,
  emptyView,
  encodeBatch,
  read,
  readMany,
  scan,
  statusOfRejection,
  utf8,
  WHOLE_RANGE,
  write,
  writeText,
} from '../engine-contract-tools.ts';
import { NodeDisk } from '../node/disk.ts';
import { RocksDbEngineFactory } from './factory.ts';
import { nativeAppend } from './native.ts';

const PACKAGE = fileURLToPath(new URL('../../../', import.meta.url));

before(() => {
  execFileSync(process.execPath, [join(PACKAGE, 'native/rocksdb/build.mjs')], { stdio: 'inherit' });
});

async function makeRig(): Promise<EngineRig & { engines: RocksDbEngineFactory; root: string }> {
  const root = await mkdtemp(join(tmpdir(), 'pegasus-rocksdb-'));
  const engines = new RocksDbEngineFactory({ root, cacheBytes: 8 * 1024 * 1024 });
  const disk = new NodeDisk(root);
  return { engines, disk, root, dispose: () => rm(root, { recursive: true }) };
}

describeEngineContract('RocksDB', makeRig);
describeCompactionContract('RocksDB', makeRig);

/** A database of so many rows, none of them in the cache. */
async function openCold(
  rig: { engines: RocksDbEngineFactory; root: string },
  rows: number,
): Promise<{ engine: Engine; keys: Uint8Array[] }> {
  const first = await rig.engines.open('db');
  const keys = await fill(first, rows);
  await first.close({ flush: true });
  return { engine: await new RocksDbEngineFactory({ root: rig.root }).open('db'), keys };
}

async function fill(engine: Engine, rows: number): Promise<Uint8Array[]> {
  const keys: Uint8Array[] = [];
  for (let index = 0; index < rows; index++) keys.push(utf8(`key${100_000 + index}`));
  const value = new Uint8Array(1000).map((_, index) => (index * 7919) % 256);
  for (let at = 0; at < rows; at += 500) {
    const records = keys.slice(at, at + 500).map((key) => [key, value] as const);
    assert.equal(await write(engine, encodeBatch(records)), EngineStatus.ok);
  }
  return keys;
}

test('cold reads are put off, then found; what was read is warm afterwards', async () => {
  const rig = await makeRig();
  const { engine, keys } = await openCold(rig, 2000);
  const key = keys[777]!;
  assert.equal(engine.get(key, emptyView()), EngineStatus.wouldBlock);
  assert.equal(engine.multiGet([keys[3]!, key], emptyBlock()), EngineStatus.wouldBlock);
  const cold = engine.iterate({ ...WHOLE_RANGE, lower: keys[1500]! });
  assert.equal(cold.next(10, 10_000, emptyBlock()), EngineStatus.wouldBlock);
  cold.close();
  assert.equal((await read(engine, key))?.length, 1000);
  assert.equal(engine.get(key, emptyView()), EngineStatus.ok);
  assert.equal(engine.multiGet([key, key], emptyBlock()), EngineStatus.ok);
  assert.equal((await scan(engine, {}, 100)).length, 2000);
  assert.equal((await scan(engine, { reverse: true, fillCache: false }, 100)).length, 2000);
  assert.equal((await readMany(engine, keys)).length, 2000);
  await engine.close({ flush: false });
  await rig.dispose();
});

test('a database that mostly misses sends reads to the pool, and finds its way back', async () => {
  const rig = await makeRig();
  const { engine, keys } = await openCold(rig, 20);
  const view = emptyView();
  for (let index = 0; index < 100; index++) {
    assert.equal(engine.get(keys[3]!, view), EngineStatus.wouldBlock);
  }
  await read(engine, keys[3]!);
  let tries = 0;
  while (engine.get(keys[3]!, view) !== EngineStatus.ok) tries += 1;
  assert.ok(tries < 16);
  await engine.close({ flush: false });
  await rig.dispose();
});

test('with fewer open files than tables nothing is read wrong', async () => {
  const rig = await makeRig();
  const engines = new RocksDbEngineFactory({
    root: rig.root,
    cacheBytes: 64 * 1024,
    memtableBytes: 256 * 1024,
    openFilesMax: 20,
  });
  const engine = await engines.open('db');
  engine.setOptions({ disable_auto_compactions: 'true' });
  const keys: Uint8Array[] = [];
  for (let file = 0; file < 30; file++) {
    const batch = Array.from({ length: 20 }, (_, row) => utf8(`${100 + file}-${100 + row}`));
    keys.push(...batch);
    const value = new Uint8Array(300).fill(file + 1);
    await write(engine, encodeBatch(batch.map((key) => [key, value] as const)));
    await engine.flush();
  }
  assert.equal(engine.statistics().sstFileCount, 30);
  for (let at = 0; at < keys.length; at += 7) {
    const expected = new Uint8Array(300).fill(Math.floor(at / 20) + 1);
    assert.deepEqual(await read(engine, keys[at]!), expected);
  }
  const many = await readMany(engine, keys);
  assert.ok(many.every((value, index) => value?.[299] === Math.floor(index / 20) + 1));
  assert.equal((await scan(engine, {}, 11)).length, keys.length);
  assert.equal((await scan(engine, { reverse: true }, 11)).length, keys.length);
  await engine.close({ flush: false });
  await rig.dispose();
});

test('writes that stall are put off, and all arrive', async () => {
  const rig = await makeRig();
  const engines = new RocksDbEngineFactory({ root: rig.root, memtableBytes: 65_536 });
  const engine = await engines.open('db');
  engine.setOptions({
    level0_slowdown_writes_trigger: '2',
    level0_stop_writes_trigger: '3',
    level0_file_num_compaction_trigger: '2',
  });
  let putOff = 0;
  for (let index = 0; index < 200; index++) {
    const batch = encodeBatch([[utf8(`key${1000 + index}`), new Uint8Array(30_000).fill(index)]]);
    if (engine.write(batch) === EngineStatus.ok) continue;
    putOff += 1;
    assert.equal(await write(engine, batch), EngineStatus.ok);
  }
  assert.ok(putOff > 0);
  assert.equal((await scan(engine, { keysOnly: true })).length, 200);
  await engine.close({ flush: false });
  await rig.dispose();
});

test('what opens twice, or is no folder, is refused with the remedy', async () => {
  const rig = await makeRig();
  const engine = await rig.engines.open('db');
  await assert.rejects(rig.engines.open('db'), /db: .*stop it first/);
  await writeFile(join(rig.root, 'file'), 'x');
  assert.equal(await statusOfRejection(rig.engines.open('file')), EngineStatus.io);
  await assert.rejects(rig.engines.open('a\0b'), /zero byte/);
  await engine.close({ flush: false });
  await rig.dispose();
});

test('counters and cache usage are those of all databases of a factory', async () => {
  const rig = await makeRig();
  const engine = await rig.engines.open('db');
  await writeText(engine, { a: '1' });
  await read(engine, utf8('a'));
  assert.equal(rig.engines.tickers().get('rocksdb.number.keys.read'), 1);
  assert.ok(rig.engines.cacheUsage().memtableBytes >= 0);
  assert.match(engine.property('rocksdb.stats') ?? '', /Compaction Stats/);
  await engine.close({ flush: false });
  await rig.dispose();
});

test('an append arrives whole and in order, and its failure has the code of the system', async () => {
  const rig = await makeRig();
  const path = join(rig.root, 'log');
  const file = await open(path, 'a');
  const append = (bytes: Uint8Array, sync: boolean): Promise<Error | null> =>
    new Promise((resolve) => nativeAppend(file.fd, bytes, sync, resolve));
  assert.equal(await append(utf8('one '), true), null);
  assert.equal(await append(new Uint8Array(3_000_000).fill(65), false), null);
  assert.equal(await append(new Uint8Array(0), true), null);
  assert.equal((await readFile(path)).length, 3_000_004);
  await file.close();
  const error = await append(utf8('late'), false);
  assert.equal((error as NodeJS.ErrnoException).code, 'EBADF');
  await rig.dispose();
});

test('a process may end with databases open and work under way', async () => {
  const rig = await makeRig();
  const factory = JSON.stringify(join(PACKAGE, 'src/adapters/rocksdb/factory.ts'));
  const tools = JSON.stringify(join(PACKAGE, 'src/adapters/engine-contract-tools.ts'));
  const script = `
    const { RocksDbEngineFactory } = await import(${factory});
    const { writeText, utf8 } = await import(${tools});
    const engines = new RocksDbEngineFactory({ root: ${JSON.stringify(rig.root)} });
    const engine = await engines.open('db');
    await writeText(engine, { a: '1' });
    if (process.argv[1] === 'busy') {
      for (let i = 0; i < 1000; i++) engine.getLater(utf8('a'), {}, () => {});
      engine.compact();
      engine.iterate({ lower: utf8(''), upper: utf8('') });
      process.exit(7);
    }
    console.log('idle');`;
  const run = (mode: string): string =>
    execFileSync(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '--eval', script, mode],
      { cwd: PACKAGE, timeout: 30_000, encoding: 'utf8' },
    );
  assert.equal(run('idle').trim(), 'idle');
  assert.throws(() => run('busy'), { status: 7 });
  await rig.dispose();
});
