/** The in-memory engine does what every engine must, on a disk that is there, slow, full or gone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EngineStatus } from '../../env/engine.ts';
import { describeEngineContract } from '../engine-contract.ts';
import { describeCompactionContract } from '../engine-contract-compaction.ts';
import {
  type EngineRig,
  emptyView,
  read,
  readMany,
  readText,
  scanText,
  statusOfRejection,
  utf8,
  writeText,
} from '../engine-contract-tools.ts';
import { NodeClock } from '../node/clock.ts';
import { NodeTimers } from '../node/timers.ts';
import { MemoryDisk } from './disk.ts';
import { MemoryEngineFactory } from './engine.ts';

function makeRig(mayBlock: (() => boolean) | null): Promise<EngineRig> {
  const clock = new NodeClock();
  const disk = new MemoryDisk();
  const timers = new NodeTimers(clock);
  const engines = new MemoryEngineFactory({ disk, timers, clock, mayBlock });
  return Promise.resolve({ engines, disk, dispose: () => Promise.resolve() });
}

describeEngineContract('in-memory engine', () => makeRig(null));
describeCompactionContract('in-memory engine', () => makeRig(null));

test('an engine that always blocks gives the same answers later', async () => {
  const { engines } = await makeRig(() => true);
  const engine = await engines.open('db');
  assert.equal(engine.get(utf8('a'), emptyView()), EngineStatus.wouldBlock);
  await writeText(engine, { a: '1', b: '2' });
  assert.equal(await readText(engine, 'a'), '1');
  assert.deepEqual(await readMany(engine, [utf8('b'), utf8('c')]), [utf8('2'), null]);
  assert.deepEqual(await scanText(engine, {}, 1), ['a=1', 'b=2']);
  await engine.close({ flush: true });
});

test('output is overwritten by the next call, so that a view kept too long is noticed', async () => {
  const { engines } = await makeRig(null);
  const engine = await engines.open('db');
  await writeText(engine, { a: 'first', b: '2' });
  const view = emptyView();
  engine.get(utf8('a'), view);
  const { bytes, start, end } = view;
  engine.get(utf8('b'), view);
  assert.notDeepEqual(bytes.slice(start, end), utf8('first'));
  await engine.close({ flush: true });
});

test('a full disk fails the flush, loses nothing, and the next flush can succeed', async () => {
  const clock = new NodeClock();
  const disk = new MemoryDisk({ capacityBytes: 600 });
  const timers = new NodeTimers(clock);
  const engines = new MemoryEngineFactory({ disk, timers, clock, mayBlock: null });
  const engine = await engines.open('db');
  await writeText(engine, { a: '1' });
  await engine.flush();
  await writeText(engine, { b: 'x'.repeat(1000) });
  assert.equal(await statusOfRejection(engine.flush()), EngineStatus.full);
  assert.equal((await read(engine, utf8('b')))?.length, 1000);
  disk.capacityBytes = 1_000_000;
  await engine.flush();
  await engine.close({ flush: false });
  const again = await engines.open('db');
  assert.equal((await read(again, utf8('b')))?.length, 1000);
  await again.close({ flush: false });
});
