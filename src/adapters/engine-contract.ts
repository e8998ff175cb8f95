/**
 * What every engine must do, as tests: the comments of `env/engine.ts`, one claim each. Run against the in-memory
 * engine and against RocksDB by the test files beside them. Rows, batches and iterators are in
 * `engine-contract-rows.ts`, what compactions remove in `engine-contract-compaction.ts`.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EngineStatus } from '../env/engine.ts';
import {
  describeBatches,
  describeBlocks,
  describeIteratorLife,
  describeReads,
} from './engine-contract-rows.ts';
import {
  Bench,
  type EngineRig,
  emptyBlock,
  emptyView,
  readText,
  scan,
  scanText,
  statusOfRejection,
  textBatch,
  utf8,
  WHOLE_RANGE,
  writeText,
} from './engine-contract-tools.ts';

export function describeEngineContract(name: string, makeRig: () => Promise<EngineRig>): void {
  const bench = new Bench(makeRig);
  describe(`${name}: rows`, () => {
    bench.use();
    describeReads(bench);
    describeBatches(bench);
  });
  describe(`${name}: iterators`, () => {
    bench.use();
    describeBlocks(bench);
    describeIteratorLife(bench);
  });
  describe(`${name}: durability`, () => {
    bench.use();
    describeCrashes(bench);
    describeCheckpoints(bench);
    describeIngest(bench);
  });
  describe(`${name}: life`, () => {
    bench.use();
    describeOpening(bench);
    describeClosing(bench);
    describeSettings(bench);
  });
}

function describeCrashes(bench: Bench): void {
  test('a crash loses what was not flushed, and no more', async () => {
    await writeText(bench.engine, { a: '1' });
    await bench.engine.flush();
    await writeText(bench.engine, { a: '2', b: '2' });
    await bench.reopen(false);
    assert.deepEqual(await scanText(bench.engine), ['a=1']);
  });

  test('closing with a flush keeps everything', async () => {
    await writeText(bench.engine, { a: '1' });
    await bench.engine.flush();
    await writeText(bench.engine, { a: null, b: '2' });
    await bench.reopen(true);
    assert.deepEqual(await scanText(bench.engine), ['b=2']);
  });

  test('a flush with nothing to do is fine', async () => {
    await bench.engine.flush();
    await bench.engine.flush();
    await bench.reopen(true);
    assert.deepEqual(await scanText(bench.engine), []);
  });
}

function describeCheckpoints(bench: Bench): void {
  test('a checkpoint holds all that was written, and goes its own way', async () => {
    const { engine, rig } = bench;
    await writeText(engine, { a: '1' });
    await engine.flush();
    await writeText(engine, { b: '2' });
    await engine.checkpoint('copy');
    await writeText(engine, { c: '3' });
    const copy = await rig.engines.open('copy');
    assert.deepEqual(await scanText(copy), ['a=1', 'b=2']);
    await writeText(copy, { a: null });
    await copy.close({ flush: true });
    assert.deepEqual(await scanText(engine), ['a=1', 'b=2', 'c=3']);
  });

  test('a checkpoint does not overwrite a folder', async () => {
    await bench.rig.disk.makeDirectory('copy');
    const status = await statusOfRejection(bench.engine.checkpoint('copy'));
    assert.equal(status, EngineStatus.invalid);
  });
}

function describeIngest(bench: Bench): void {
  test('ingested rows replace older ones and are durable, with all written before', async () => {
    const { engine, rig } = bench;
    await writeText(engine, { a: 'old', x: 'kept' });
    const first = await rig.engines.createSstWriter('first.sst');
    first.put(utf8('a'), utf8('new'));
    first.put(utf8('b'), utf8('new'));
    assert.ok((await first.finish()) > 0);
    const second = await rig.engines.createSstWriter('second.sst');
    for (let index = 0; index < 3000; index++) {
      second.put(utf8(`s${10_000 + index}`), new Uint8Array(200).fill(index));
    }
    await second.finish();
    await engine.ingest(['first.sst', 'second.sst']);
    await bench.reopen(false);
    assert.equal(await readText(bench.engine, 'a'), 'new');
    assert.equal(await readText(bench.engine, 'x'), 'kept');
    assert.equal((await scan(bench.engine)).length, 3003);
  });

  test('files with a damaged one among them are not ingested at all', async () => {
    const { engine, rig } = bench;
    for (const name of ['a', 'b']) {
      const writer = await rig.engines.createSstWriter(`${name}.sst`);
      writer.put(utf8(name), new Uint8Array(1000).fill(1));
      await writer.finish();
    }
    const bytes = await rig.disk.readFile('b.sst');
    bytes[40]! ^= 0xff;
    await rig.disk.replaceFile('b.sst', bytes);
    await statusOfRejection(engine.ingest(['a.sst', 'b.sst']));
    assert.deepEqual(await scan(engine), []);
    await writeText(engine, { z: '1' });
    assert.deepEqual(await scanText(engine), ['z=1']);
  });

  test('rows out of order and files without rows are refused', async () => {
    const { rig } = bench;
    const writer = await rig.engines.createSstWriter('x.sst');
    writer.put(utf8('b'), utf8('1'));
    assert.throws(() => writer.put(utf8('b'), utf8('2')), { status: EngineStatus.invalid });
    assert.throws(() => writer.put(utf8('a'), utf8('2')), { status: EngineStatus.invalid });
    await writer.finish();
    const empty = await rig.engines.createSstWriter('y.sst');
    assert.equal(await statusOfRejection(empty.finish()), EngineStatus.invalid);
  });
}

function describeOpening(bench: Bench): void {
  test('an engine is open once at a time', async () => {
    const { engines } = bench.rig;
    assert.equal(await statusOfRejection(engines.open('db')), EngineStatus.io);
    assert.equal(await statusOfRejection(engines.destroy('db')), EngineStatus.io);
    await writeText(bench.engine, { a: '1' });
    assert.equal(await readText(bench.engine, 'a'), '1');
  });

  test('what is destroyed is gone', async () => {
    const { engines, disk } = bench.rig;
    await writeText(bench.engine, { a: '1' });
    await bench.engine.close({ flush: true });
    await engines.destroy('db');
    assert.equal(await disk.exists('db'), false);
    await engines.destroy('db');
    bench.engine = await engines.open('db');
    assert.deepEqual(await scanText(bench.engine), []);
  });

  test('damaged files are found, and named', async () => {
    const { engines, disk } = bench.rig;
    await writeText(bench.engine, { a: '1' });
    await bench.engine.close({ flush: true });
    for (const entry of await disk.list('db')) {
      if (entry.isDirectory || entry.size === 0 || /^(LOG|LOCK|OPTIONS)/.test(entry.name)) continue;
      const bytes = await disk.readFile(`db/${entry.name}`);
      await disk.replaceFile(`db/${entry.name}`, bytes.fill(0x55));
    }
    await assert.rejects(engines.open('db'), (error: Error) => {
      assert.equal(error.name, 'EngineError');
      assert.match(error.message, /db.*damaged/);
      return true;
    });
    await disk.remove('db');
    bench.engine = await engines.open('db');
  });
}

function describeClosing(bench: Bench): void {
  test('closing waits for what is under way', async () => {
    const { engine } = bench;
    const order: string[] = [];
    const view = emptyView();
    engine.writeLater(textBatch({ a: '1' }), () => order.push('write'));
    engine.writeLater(textBatch({ b: '2' }), () => order.push('write'));
    engine.getLater(utf8('a'), view, () => order.push('get'));
    const iterator = engine.iterate(WHOLE_RANGE);
    iterator.nextLater(1, 1, emptyBlock(), () => order.push('next'));
    await engine.close({ flush: true });
    assert.deepEqual(order.sort(), ['get', 'next', 'write', 'write']);
    bench.engine = await bench.rig.engines.open('db');
    assert.deepEqual(await scanText(bench.engine), ['a=1', 'b=2']);
  });

  test('closing is idempotent and ends the iterators', async () => {
    const iterator = bench.engine.iterate(WHOLE_RANGE);
    await Promise.all([bench.engine.close({ flush: true }), bench.engine.close({ flush: true })]);
    await bench.engine.close({ flush: false });
    assert.equal(iterator.next(1, 1, emptyBlock()), EngineStatus.invalid);
    iterator.close();
  });

  test('a closed engine is not used', async () => {
    await bench.engine.close({ flush: false });
    const view = emptyView();
    assert.throws(() => bench.engine.get(utf8('a'), view), { name: 'InvariantError' });
  });
}

function describeSettings(bench: Bench): void {
  test('known options are taken, unknown ones are refused', () => {
    bench.engine.setOptions({ write_buffer_size: '1048576', disable_auto_compactions: 'true' });
    assert.throws(() => bench.engine.setOptions({ no_such_option: '1' }), {
      status: EngineStatus.invalid,
    });
  });

  test('an unknown property is null', () => {
    assert.equal(bench.engine.property('no.such.property'), null);
    assert.notEqual(bench.engine.property('rocksdb.estimate-num-keys'), null);
  });

  test('statistics follow what is written', async () => {
    const rows = Array.from({ length: 200 }, (_, index) => [`key${index}`, 'x'.repeat(100)]);
    await writeText(bench.engine, Object.fromEntries(rows) as Record<string, string>);
    assert.ok(bench.engine.statistics().memtableBytes > 20_000);
    assert.equal(bench.engine.statistics().keyCount, 200);
    await bench.engine.flush();
    const after = bench.engine.statistics();
    assert.equal(after.sstFileCount, 1);
    assert.equal(after.keyCount, 200);
    assert.ok(after.liveDataBytes > 500);
  });
}
