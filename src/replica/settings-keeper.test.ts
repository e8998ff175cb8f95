import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualTime } from '../adapters/memory/clock.ts';
import { MemoryDisk } from '../adapters/memory/disk.ts';
import { MemoryEngineFactory } from '../adapters/memory/engine.ts';
import { EMPTY_BYTES } from '../base/bytes.ts';
import { type Engine, EngineStatus } from '../env/engine.ts';
import type { LogFields, Logger } from '../env/logger.ts';
import { type AppInfo, AppStatus } from '../model/configuration.ts';
import { partitionHash, partitionIndexOf } from '../model/hash.ts';
import { gpidOf } from '../model/identity.ts';
import { encodeKey } from '../model/key.ts';
import { ttlNow } from '../model/ttl.ts';
import { expireOf } from '../model/value.ts';
import { WriteBatchBuilder } from '../storage/write-batch.ts';
import { SettingsKeeper } from './settings-keeper.ts';

const PARTITIONS = 4;

class Notes implements Logger {
  readonly events: [string, LogFields | undefined][] = [];
  debug(): void {}
  info(event: string, fields?: LogFields): void {
    this.events.push([event, fields]);
  }
  warn(event: string, fields?: LogFields): void {
    this.events.push([event, fields]);
  }
  error(): void {}
}

function tableWith(envs: Record<string, string>): AppInfo {
  return {
    appId: 1,
    appName: 'table',
    appType: 'pegasus',
    status: AppStatus.available,
    partitionCount: PARTITIONS,
    maxReplicaCount: 3,
    envs: new Map(Object.entries(envs)),
    createSeconds: 0,
    dropSeconds: 0,
    expireSeconds: 0,
    atomicIdempotent: false,
    revision: 1,
  };
}

async function scene(envs: Record<string, string> = {}) {
  const time = new VirtualTime();
  const factory = new MemoryEngineFactory({
    disk: new MemoryDisk(),
    timers: time,
    clock: time,
    mayBlock: null,
  });
  const engine = await factory.open('engine');
  const notes = new Notes();
  const keeper = new SettingsKeeper(notes, gpidOf(1, 0), tableWith(envs));
  return { time, engine, notes, keeper };
}

const NUMBERS = Array.from({ length: 40 }, (_, index) => index);
const keyOf = (index: number): Uint8Array => encodeKey(Buffer.from(`h${index}`), EMPTY_BYTES);

function fill(engine: Engine): void {
  const builder = new WriteBatchBuilder();
  const stamp = { expireSeconds: 0, timestampUs: 1, tag: 2 };
  for (const index of NUMBERS) builder.putEncoded(keyOf(index), Buffer.from('value'), stamp);
  assert.equal(engine.write(builder.seal(1)), EngineStatus.ok);
}

function expiryOf(engine: Engine, index: number): number | null {
  const view = { bytes: EMPTY_BYTES, start: 0, end: 0 };
  const status = engine.get(keyOf(index), view);
  return status === EngineStatus.ok ? expireOf(view.bytes, view.start) : null;
}

test('a push that says nothing new changes nothing', async () => {
  const { keeper } = await scene({ default_ttl: '5' });
  const { current } = keeper;
  assert.equal(keeper.update(tableWith({ default_ttl: '5' })), false);
  assert.equal(keeper.current, current, 'nothing is parsed twice');
  assert.equal(keeper.update(tableWith({ default_ttl: '6' })), true);
  assert.equal(keeper.update(tableWith({})), true);
  assert.equal(keeper.current.defaultTtlSeconds, 0);
});

test('compactions give rows without expiry the default TTL of the table', async () => {
  const { time, engine, keeper } = await scene();
  fill(engine);
  keeper.update(tableWith({ default_ttl: '1000' }));
  keeper.tell(engine);
  await time.run(engine.compact());
  assert.equal(expiryOf(engine, 0), ttlNow(time.wallMs()) + 1_000);
  await time.advance(1_000_000);
  await time.run(engine.compact());
  assert.equal(expiryOf(engine, 0), null, 'and remove what has expired');
});

test('compactions drop rows of other partitions once hashes are validated', async () => {
  const { time, engine, keeper } = await scene();
  fill(engine);
  keeper.tell(engine);
  await time.run(engine.compact());
  assert.ok(NUMBERS.every((index) => expiryOf(engine, index) === 0));
  keeper.update(tableWith({ 'replica.split.validate_partition_hash': 'true' }));
  keeper.tell(engine);
  await time.run(engine.compact());
  const hash = { high: 0, low: 0 };
  for (const index of NUMBERS) {
    partitionHash(keyOf(index), 0, keyOf(index).length, hash);
    const isOwn = partitionIndexOf(hash, PARTITIONS) === 0;
    assert.equal(expiryOf(engine, index), isOwn ? 0 : null);
  }
});

test('the engine hears of its options when they change, and of all of them after it was replaced', async () => {
  const { engine, notes, keeper } = await scene();
  const told = (): unknown[] => notes.events.splice(0).map(([, fields]) => fields);
  keeper.tell(engine);
  assert.deepEqual(told(), [], 'an engine is opened with the usual ones');
  keeper.update(tableWith({ 'rocksdb.write_buffer_size': '33554432' }));
  keeper.tell(engine);
  keeper.tell(engine);
  assert.deepEqual(told(), [{ gpid: '1.0', write_buffer_size: '33554432' }]);
  const both = {
    'rocksdb.write_buffer_size': '33554432',
    'rocksdb.usage_scenario': 'bulk_load',
  };
  keeper.update(tableWith(both));
  keeper.tell(engine);
  const [bulk] = told() as Record<string, string>[];
  assert.equal(bulk!['disable_auto_compactions'], 'true');
  assert.equal('write_buffer_size' in bulk!, false);
  const other = (await scene()).engine;
  keeper.tell(other);
  assert.equal(Object.keys((told() as object[])[0]!).length, Object.keys(bulk!).length + 1);
  keeper.update(tableWith({}));
  keeper.tell(other);
  const [normal] = told() as Record<string, string>[];
  assert.equal(normal!['disable_auto_compactions'], 'false', 'leaving a scenario takes it back');
});
