/** The part of the contract about rows, batches and iterators; see `engine-contract.ts`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EMPTY_BYTES } from '../base/bytes.ts';
import { EngineStatus } from '../env/engine.ts';
import {
  type Bench,
  drain,
  emptyBlock,
  emptyView,
  encodeBatch,
  nextBlock,
  read,
  readMany,
  readText,
  scan,
  scanText,
  textBatch,
  utf8,
  WHOLE_RANGE,
  write,
  writeText,
} from './engine-contract-tools.ts';

export function describeReads(bench: Bench): void {
  test('what was put is read, what was deleted or never put is not', async () => {
    const { engine } = bench;
    await writeText(engine, { a: '1', b: '2' });
    await writeText(engine, { a: null, c: '' });
    assert.equal(await readText(engine, 'a'), null);
    assert.equal(await readText(engine, 'b'), '2');
    assert.equal(await readText(engine, 'c'), '');
    assert.equal(await readText(engine, 'd'), null);
  });

  test('the empty key is a key', async () => {
    const { engine } = bench;
    await write(engine, encodeBatch([[EMPTY_BYTES, utf8('nothing')]]));
    assert.deepEqual(await read(engine, EMPTY_BYTES), utf8('nothing'));
  });

  test('many keys are read at once, in their order, with repetitions and gaps', async () => {
    const { engine } = bench;
    await writeText(engine, { a: '1', b: '', c: '3' });
    const keys = ['c', 'x', 'a', 'c', 'b'].map(utf8);
    const expected = [utf8('3'), null, utf8('1'), utf8('3'), EMPTY_BYTES];
    assert.deepEqual(await readMany(engine, keys), expected);
    assert.deepEqual(await readMany(engine, []), []);
    assert.equal((await readMany(engine, new Array(5000).fill(utf8('a')))).length, 5000);
  });

  test('values far larger than the output memory are read whole', async () => {
    const { engine } = bench;
    const large = new Uint8Array(5 * 1024 * 1024).map((_, index) => index % 251);
    await write(
      engine,
      encodeBatch([
        [utf8('a'), large],
        [utf8('b'), large.subarray(1)],
      ]),
    );
    assert.deepEqual(await read(engine, utf8('a')), large);
    assert.deepEqual((await readMany(engine, [utf8('b')]))[0], large.subarray(1));
    const rows = await scan(engine);
    assert.deepEqual(
      rows.map(([, value]) => value.length),
      [large.length, large.length - 1],
    );
  });

  test('keys larger than the input memory are taken', async () => {
    const { engine } = bench;
    const key = new Uint8Array(300_000).fill(7);
    await write(engine, encodeBatch([[key, utf8('v')]]));
    assert.deepEqual(await read(engine, key), utf8('v'));
    assert.deepEqual(await readMany(engine, [key]), [utf8('v')]);
    assert.equal((await scan(engine, { lower: key })).length, 1);
  });

  test('later calls answer in a later turn, and take their key with them', async () => {
    const { engine } = bench;
    await writeText(engine, { a: '1' });
    const view = emptyView();
    const key = utf8('a');
    let answered = false;
    const value = new Promise<string>((resolve) => {
      engine.getLater(key, view, (status) => {
        answered = true;
        assert.equal(status, EngineStatus.ok);
        resolve(new TextDecoder().decode(view.bytes.subarray(view.start, view.end)));
      });
    });
    key.fill(0);
    assert.equal(answered, false);
    assert.equal(await value, '1');
  });
}

export function describeBatches(bench: Bench): void {
  test('the last record of a key in a batch wins', async () => {
    const { engine } = bench;
    const key = utf8('k');
    const records = [
      [key, utf8('1')],
      [key, null],
      [key, utf8('2')],
    ] as const;
    assert.equal(await write(engine, encodeBatch(records)), EngineStatus.ok);
    assert.equal(await readText(engine, 'k'), '2');
  });

  test('a batch may be empty', async () => {
    assert.equal(await write(bench.engine, encodeBatch([])), EngineStatus.ok);
  });

  test('a damaged batch is refused whole and does not hurt later ones', async () => {
    const { engine } = bench;
    const sound = textBatch({ a: '1', b: '2' });
    for (const [what, batch] of damagedBatches(sound)) {
      assert.equal(engine.write(batch), EngineStatus.invalid, what);
      const later = await new Promise((resolve) => engine.writeLater(batch, resolve));
      assert.equal(later, EngineStatus.invalid, what);
      assert.equal(await readText(engine, 'a'), null, what);
      await writeText(engine, { z: what });
      assert.equal(await readText(engine, 'z'), what);
    }
    assert.equal(engine.write(sound), EngineStatus.ok);
    assert.equal(await readText(engine, 'b'), '2');
  });

  test('later writes keep their order, and a direct one does not overtake them', async () => {
    const { engine } = bench;
    const statuses: EngineStatus[] = [];
    const writes = ['1', '2', '3', '4'].map(
      (value) =>
        new Promise<void>((resolve) => {
          engine.writeLater(textBatch({ k: value, [value]: 'x' }), (status) => {
            statuses.push(status);
            resolve();
          });
        }),
    );
    assert.equal(engine.write(textBatch({ k: '5' })), EngineStatus.wouldBlock);
    await Promise.all(writes);
    assert.deepEqual(statuses, [0, 0, 0, 0]);
    assert.equal(await readText(engine, 'k'), '4');
    assert.equal(engine.write(textBatch({ k: '5' })), EngineStatus.ok);
  });
}

/** Every way in which a batch can be broken that RocksDB would find too late. */
function damagedBatches(sound: Uint8Array): [string, Uint8Array][] {
  const withByte = (at: number, byte: number): Uint8Array => {
    const copy = sound.slice();
    copy[at] = byte;
    return copy;
  };
  const header = [...sound.subarray(0, 8), 1, 0, 0, 0];
  return [
    ['nothing', EMPTY_BYTES],
    ['half a header', sound.subarray(0, 7)],
    ['fewer records than declared', withByte(8, 3)],
    ['more records than declared', withByte(8, 1)],
    ['cut off', sound.subarray(0, sound.length - 1)],
    ['something after the end', Uint8Array.of(...sound, 0)],
    ['a record for another column family', withByte(12, 0x05)],
    ['a log data record', withByte(12, 0x03)],
    ['an unknown record', withByte(12, 0x77)],
    ['a key longer than the batch', withByte(13, 0x7f)],
    ['a length of five full bytes', Uint8Array.of(...header, 0, 0xff, 0xff, 0xff, 0xff, 0x7f)],
    ['a length without end', Uint8Array.of(...header, 0, 0x80, 0x80)],
    ['a length near 4 GiB', Uint8Array.of(...header, 0, 0xff, 0xff, 0xff, 0xff, 0x0f, 1)],
  ];
}

export function describeBlocks(bench: Bench): void {
  const letters = { a: '1', b: '2', c: '3', d: '4' };

  test('order is that of unsigned bytes, a prefix first', async () => {
    const { engine } = bench;
    const keys = [[0xff], [0x80, 0], [0x7f, 0xff], [0x80], [], [0]].map((key) =>
      Uint8Array.from(key),
    );
    await write(engine, encodeBatch(keys.map((key) => [key, EMPTY_BYTES] as const)));
    const found = (await scan(engine)).map(([key]) => [...key]);
    assert.deepEqual(found, [[], [0], [0x7f, 0xff], [0x80], [0x80, 0], [0xff]]);
  });

  test('the lower bound is inside, the upper one outside, in both directions', async () => {
    const { engine } = bench;
    await writeText(engine, letters);
    const range = { lower: utf8('b'), upper: utf8('d') };
    assert.deepEqual(await scanText(engine, range), ['b=2', 'c=3']);
    assert.deepEqual(await scanText(engine, { ...range, reverse: true }), ['c=3', 'b=2']);
    assert.deepEqual(await scanText(engine, { reverse: true }, 1), ['d=4', 'c=3', 'b=2', 'a=1']);
    assert.deepEqual(await scanText(engine, { lower: utf8('bb'), upper: utf8('cc') }), ['c=3']);
    assert.deepEqual(await scanText(engine, { lower: utf8('d'), upper: utf8('b') }), []);
    assert.deepEqual(await scanText(engine, { lower: utf8('x') }), []);
    assert.deepEqual(await scanText(engine, { upper: utf8('a'), reverse: true }), []);
  });

  test('keys alone come with empty values', async () => {
    const { engine } = bench;
    await writeText(engine, letters);
    assert.deepEqual(await scanText(engine, { keysOnly: true }), ['a=', 'b=', 'c=', 'd=']);
  });

  test('a block keeps to its rows and bytes, but has at least one row', async () => {
    const { engine } = bench;
    await writeText(engine, { a: '12345678', b: '12345678', c: '12345678' });
    const iterator = engine.iterate(WHOLE_RANGE);
    const narrow = await nextBlock(iterator, 10, 1);
    assert.equal(narrow.keys.length, 1);
    assert.equal(narrow.exhausted, false);
    const pair = await nextBlock(iterator, 10, 18);
    assert.equal(pair.keys.length, 2);
    const after = pair.exhausted ? pair : await nextBlock(iterator, 10, 18);
    assert.equal(after.exhausted, true);
    const again = await nextBlock(iterator, 10, 18);
    assert.deepEqual([again.keys.length, again.exhausted], [0, true]);
    iterator.close();
  });

  test('an empty engine is exhausted at once', async () => {
    const iterator = bench.engine.iterate(WHOLE_RANGE);
    const block = await nextBlock(iterator, 10, 100);
    assert.deepEqual([block.keys.length, block.exhausted], [0, true]);
    iterator.close();
  });
}

export function describeIteratorLife(bench: Bench): void {
  test('an iterator sees the state at its creation, whatever comes after', async () => {
    const { engine } = bench;
    const keys = Array.from({ length: 300 }, (_, index) => String(1000 + index));
    await writeText(engine, Object.fromEntries(keys.map((key) => [key, 'old'])));
    const forward = engine.iterate(WHOLE_RANGE);
    const backward = engine.iterate({ ...WHOLE_RANGE, reverse: true });
    const first = await nextBlock(forward, 50, 65_536);
    await writeText(engine, Object.fromEntries(keys.map((key) => [key, null])));
    await writeText(engine, { 2000: 'new' });
    await engine.flush();
    const rest = await drain(forward, 50, 65_536);
    assert.equal(first.keys.length + rest.length, 300);
    const reversed = await drain(backward, 7, 65_536);
    assert.equal(reversed.length, 300);
    assert.ok(reversed.every(([, value]) => value.length === 3));
    assert.deepEqual(await scanText(engine), ['2000=new']);
    forward.close();
    backward.close();
  });

  test('blocks can come from the disk all the way', async () => {
    const { engine } = bench;
    const keys = Array.from({ length: 500 }, (_, index) => String(1000 + index));
    await writeText(engine, Object.fromEntries(keys.map((key) => [key, key])));
    await bench.reopen(true);
    const iterator = bench.engine.iterate({ ...WHOLE_RANGE, fillCache: false });
    const found: string[] = [];
    for (let exhausted = false; !exhausted; ) {
      const block = emptyBlock();
      await new Promise<void>((resolve) => {
        iterator.nextLater(64, 65_536, block, (status) => {
          assert.equal(status, EngineStatus.ok);
          for (let row = 0; row < block.count; row++) {
            const [start, end] = block.offsets.subarray(4 * row);
            found.push(new TextDecoder().decode(block.bytes.subarray(start, end)));
          }
          exhausted = block.exhausted;
          resolve();
        });
      });
    }
    assert.deepEqual(found, keys);
    iterator.close();
  });

  test('closing is idempotent, and a block under way then ends as invalid', async () => {
    const { engine } = bench;
    await writeText(engine, { a: '1' });
    const iterator = engine.iterate(WHOLE_RANGE);
    const later = new Promise<EngineStatus>((resolve) => {
      iterator.nextLater(10, 100, emptyBlock(), resolve);
    });
    iterator.close();
    iterator.close();
    assert.equal(await later, EngineStatus.invalid);
    assert.equal(iterator.next(10, 100, emptyBlock()), EngineStatus.invalid);
  });
}
