/** What compactions remove and rewrite, as tests for every engine. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { concatBytes } from '../base/bytes.ts';
import { crc64 } from '../base/crc64.ts';
import type { CompactionRules } from '../env/engine.ts';
import {
  Bench,
  type EngineRig,
  encodeBatch,
  read,
  scan,
  utf8,
  write,
} from './engine-contract-tools.ts';

const EPOCH_SECONDS = 1_451_606_400;
const FAR_SECONDS = 1_000_000;

const OFF: CompactionRules = {
  enabled: false,
  defaultTtlSeconds: 0,
  partitionVersion: -1,
  partitionIndex: 0,
  userRules: '',
};
const ON: CompactionRules = { ...OFF, enabled: true };

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000) - EPOCH_SECONDS;
}

function dataKey(hashKey: string, sortKey: string): Uint8Array {
  const hash = utf8(hashKey);
  return concatBytes([Uint8Array.of(hash.length >>> 8, hash.length), hash, utf8(sortKey)]);
}

function dataValue(expirySeconds: number, data: string = 'data'): Uint8Array {
  const head = new Uint8Array(12);
  new DataView(head.buffer).setUint32(0, expirySeconds);
  return concatBytes([head, utf8(data)]);
}

function expiryOf(value: Uint8Array | null): number | null {
  if (value === null) return null;
  return new DataView(value.buffer, value.byteOffset).getUint32(0);
}

export function describeCompactionContract(name: string, makeRig: () => Promise<EngineRig>): void {
  const bench = new Bench(makeRig);
  describe(`${name}: compaction rules`, () => {
    bench.use();
    describeExpiry(bench);
    describePartitionMask(bench);
    describeUserDeletions(bench);
    describeUserUpdates(bench);
  });
}

async function put(
  bench: Bench,
  rows: readonly (readonly [Uint8Array, Uint8Array])[],
): Promise<void> {
  assert.equal(await write(bench.engine, encodeBatch(rows)), 0);
}

function describeExpiry(bench: Bench): void {
  test('nothing is removed before the rules were set, nor when they are off', async () => {
    const key = dataKey('h', 's');
    await put(bench, [[key, dataValue(1)]]);
    await bench.engine.compact();
    bench.engine.setCompactionRules({ ...OFF, defaultTtlSeconds: 100 });
    await bench.engine.compact();
    assert.equal(expiryOf(await read(bench.engine, key)), 1);
  });

  test('expired rows go, others stay as they are', async () => {
    const later = nowSeconds() + FAR_SECONDS;
    await put(bench, [
      [dataKey('h', 'expired'), dataValue(nowSeconds() - 1)],
      [dataKey('h', 'later'), dataValue(later)],
      [dataKey('h', 'never'), dataValue(0)],
    ]);
    await bench.engine.flush();
    bench.engine.setCompactionRules(ON);
    await bench.engine.compact();
    assert.equal(await read(bench.engine, dataKey('h', 'expired')), null);
    assert.equal(expiryOf(await read(bench.engine, dataKey('h', 'later'))), later);
    assert.equal(expiryOf(await read(bench.engine, dataKey('h', 'never'))), 0);
    await bench.reopen(false);
    assert.equal((await scan(bench.engine)).length, 2);
  });

  test('rows without expiry get the default, and keep their data', async () => {
    const key = dataKey('h', 's');
    await put(bench, [[key, dataValue(0, 'precious')]]);
    bench.engine.setCompactionRules({ ...ON, defaultTtlSeconds: FAR_SECONDS });
    await bench.engine.compact();
    const value = await read(bench.engine, key);
    const expiry = expiryOf(value)!;
    assert.ok(Math.abs(expiry - nowSeconds() - FAR_SECONDS) < 60);
    assert.deepEqual(value!.subarray(4), dataValue(0, 'precious').subarray(4));
  });

  test('our own keys, short keys and foreign forms are left alone', async () => {
    const keys = [
      Uint8Array.of(0xff, 0xff),
      Uint8Array.of(0xff, 0xff, 1, 2, 3),
      Uint8Array.of(0),
      Uint8Array.of(),
      Uint8Array.of(0, 9, 65),
    ];
    await put(
      bench,
      keys.map((key) => [key, dataValue(1)] as const),
    );
    await put(bench, [[dataKey('h', 'short value'), Uint8Array.of(0, 0, 1)]]);
    bench.engine.setCompactionRules({
      ...ON,
      defaultTtlSeconds: 1,
      partitionVersion: 7,
      partitionIndex: 1,
    });
    await bench.engine.compact();
    assert.equal((await scan(bench.engine)).length, keys.length + 1);
    for (const key of keys) assert.equal(expiryOf(await read(bench.engine, key)), 1);
  });
}

function describePartitionMask(bench: Bench): void {
  test('rows of other partitions go, by the hash of the hash key, or of the sort key without one', async () => {
    const rows = Array.from({ length: 64 }, (_, index) =>
      index % 2 === 0 ? dataKey(`hash${index}`, 's') : dataKey('', `sort${index}`),
    );
    await put(
      bench,
      rows.map((key) => [key, dataValue(0)] as const),
    );
    bench.engine.setCompactionRules({ ...ON, partitionVersion: 3, partitionIndex: 2 });
    await bench.engine.compact();
    const hash = { high: 0, low: 0 };
    const expected = rows.filter((key) => {
      const hashKeyEnd = 2 + key[1]!;
      crc64(key, 2, hashKeyEnd > 2 ? hashKeyEnd : key.length, hash);
      return (hash.low & 3) === 2;
    });
    assert.ok(expected.length > 5);
    const left = (await scan(bench.engine)).map(([key]) => Buffer.from(key).toString('latin1'));
    assert.deepEqual(left, expected.map((key) => Buffer.from(key).toString('latin1')).sort());
  });
}

const rule = (type: string, params: object): object => ({ type, params: JSON.stringify(params) });

const pattern = (which: 'HASHKEY' | 'SORTKEY', text: string, match: string): object =>
  rule(`FRT_${which}_PATTERN`, { pattern: text, match_type: `SMT_MATCH_${match}` });

const rules = (...ops: object[]): CompactionRules => ({
  ...ON,
  userRules: JSON.stringify({ ops }),
});

async function sortKeys(bench: Bench): Promise<string[]> {
  const rows = await scan(bench.engine);
  return rows.map(([key]) => new TextDecoder().decode(key.subarray(2 + key[1]!))).sort();
}

function describeUserDeletions(bench: Bench): void {
  test('a deletion takes what matches all of its rules', async () => {
    for (const sortKey of ['tmp1', 'tmp2', 'keep', 'x-tmp']) {
      await put(bench, [[dataKey('logs', sortKey), dataValue(0)]]);
    }
    await put(bench, [[dataKey('other', 'tmp3'), dataValue(0)]]);
    const deletion = {
      type: 'COT_DELETE',
      rules: [pattern('HASHKEY', 'log', 'PREFIX'), pattern('SORTKEY', 'tmp', 'PREFIX')],
    };
    bench.engine.setCompactionRules(rules(deletion));
    await bench.engine.compact();
    assert.deepEqual(await sortKeys(bench), ['keep', 'tmp3', 'x-tmp']);
  });

  test('patterns match anywhere or at the end as well', async () => {
    for (const sortKey of ['a.bak', 'a.bak2', 'secret', 'my secret file', 'sec']) {
      await put(bench, [[dataKey('h', sortKey), dataValue(0)]]);
    }
    bench.engine.setCompactionRules(
      rules(
        { type: 'COT_DELETE', rules: [pattern('SORTKEY', '.bak', 'POSTFIX')] },
        { type: 'COT_DELETE', rules: [pattern('SORTKEY', 'secret', 'ANYWHERE')] },
      ),
    );
    await bench.engine.compact();
    assert.deepEqual(await sortKeys(bench), ['a.bak2', 'sec']);
  });

  test('rows are chosen by the time they have left', async () => {
    await put(bench, [
      [dataKey('h', 'soon'), dataValue(nowSeconds() + 500)],
      [dataKey('h', 'late'), dataValue(nowSeconds() + FAR_SECONDS)],
      [dataKey('h', 'none'), dataValue(0)],
    ]);
    const range = (start: number, stop: number): object =>
      rule('FRT_TTL_RANGE', { start_ttl: start, stop_ttl: stop });
    bench.engine.setCompactionRules(rules({ type: 'COT_DELETE', rules: [range(100, 1000)] }));
    await bench.engine.compact();
    assert.deepEqual(await sortKeys(bench), ['late', 'none']);
    bench.engine.setCompactionRules(rules({ type: 'COT_DELETE', rules: [range(0, 0)] }));
    await bench.engine.compact();
    assert.deepEqual(await sortKeys(bench), ['late']);
  });

  test('what cannot be read takes nothing', async () => {
    await put(bench, [[dataKey('h', 'a'), dataValue(0)]]);
    const unreadable = [
      '{',
      '[]',
      '{"ops": 1}',
      JSON.stringify({ ops: [{ type: 'COT_DELETE', rules: [] }] }),
      JSON.stringify({ ops: [{ type: 'COT_DELETE', rules: [rule('FRT_WHAT', {})] }] }),
      JSON.stringify({
        ops: [
          {
            type: 'COT_DELETE',
            rules: [pattern('SORTKEY', 'a', 'PREFIX'), pattern('HASHKEY', '', 'PREFIX')],
          },
        ],
      }),
    ];
    for (const userRules of unreadable) {
      bench.engine.setCompactionRules({ ...ON, userRules });
      await bench.engine.compact();
      assert.equal((await scan(bench.engine)).length, 1, userRules);
    }
  });
}

function describeUserUpdates(bench: Bench): void {
  test('expiry is set from now, from what it was, or to a moment', async () => {
    const soon = nowSeconds() + 1000;
    await put(bench, [
      [dataKey('h', 'now'), dataValue(0)],
      [dataKey('h', 'current'), dataValue(soon)],
      [dataKey('h', 'current-none'), dataValue(0)],
      [dataKey('h', 'moment'), dataValue(soon)],
    ]);
    const update = (text: string, type: string, value: number): object => ({
      type: 'COT_UPDATE_TTL',
      params: JSON.stringify({ type, value }),
      rules: [pattern('SORTKEY', text, 'PREFIX')],
    });
    const moment = nowSeconds() + FAR_SECONDS;
    bench.engine.setCompactionRules(
      rules(
        update('now', 'UTOT_FROM_NOW', 5000),
        update('current', 'UTOT_FROM_CURRENT', 70),
        update('moment', 'UTOT_TIMESTAMP', moment + EPOCH_SECONDS),
      ),
    );
    await bench.engine.compact();
    const expiry = async (sortKey: string): Promise<number> =>
      expiryOf(await read(bench.engine, dataKey('h', sortKey)))!;
    assert.ok(Math.abs((await expiry('now')) - nowSeconds() - 5000) < 60);
    // Compactions may rewrite a row more than once.
    assert.equal(((await expiry('current')) - soon) % 70, 0);
    assert.ok((await expiry('current')) > soon);
    assert.equal(await expiry('current-none'), 0);
    assert.equal(await expiry('moment'), moment);
  });
}
