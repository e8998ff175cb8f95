/** What a table says to its engines is understood by the real one. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { encodeBatch } from '../../src/adapters/engine-contract-tools.ts';
import { RocksDbEngineFactory } from '../../src/adapters/rocksdb/factory.ts';
import { type Engine, EngineStatus } from '../../src/env/engine.ts';
import type { Logger } from '../../src/env/logger.ts';
import { type AppInfo, AppStatus } from '../../src/model/configuration.ts';
import { gpidOf } from '../../src/model/identity.ts';
import { SettingsKeeper } from '../../src/replica/settings-keeper.ts';
import { until } from '../support/until.ts';

const PACKAGE = fileURLToPath(new URL('../../', import.meta.url));

before(() => {
  execFileSync(process.execPath, [join(PACKAGE, 'native/rocksdb/build.mjs')], { stdio: 'inherit' });
});

function tableWith(envs: Record<string, string>): AppInfo {
  return {
    appId: 1,
    appName: 'table',
    appType: 'pegasus',
    status: AppStatus.available,
    partitionCount: 4,
    maxReplicaCount: 3,
    envs: new Map(Object.entries(envs)),
    createSeconds: 0,
    dropSeconds: 0,
    expireSeconds: 0,
    atomicIdempotent: false,
    revision: 1,
  };
}

const QUIET: Logger = { debug() {}, info() {}, warn() {}, error() {} };
const MEGABYTE = 1_048_576;

/** One real engine, and what a table tells it. */
class Scene {
  readonly engine: Engine;
  private readonly root: string;
  private readonly keeper = new SettingsKeeper(QUIET, gpidOf(1, 0), tableWith({}));
  private row = 0;

  private constructor(root: string, engine: Engine) {
    this.root = root;
    this.engine = engine;
  }

  static async set(): Promise<Scene> {
    const root = await mkdtemp(join(tmpdir(), 'pegasus-settings-'));
    return new Scene(root, await new RocksDbEngineFactory({ root }).open('db'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.engine.close({ flush: false });
    await rm(this.root, { recursive: true });
  }

  tell(envs: Record<string, string>): void {
    this.keeper.update(tableWith(envs));
    this.keeper.tell(this.engine);
  }

  write(bytes: number): void {
    this.row += 1;
    const key = Uint8Array.of(0, 1, 104, this.row >>> 8, this.row);
    const status = this.engine.write(encodeBatch([[key, new Uint8Array(bytes)]]));
    assert.equal(status, EngineStatus.ok);
  }

  /** One file of level 0 each. */
  async makeFiles(count: number): Promise<void> {
    for (let file = 0; file < count; file++) {
      this.write(100);
      await this.engine.flush();
    }
  }

  /** Of level 0. */
  get fileCount(): number {
    return Number(this.engine.property('rocksdb.num-files-at-level0'));
  }

  untilCompacted(): Promise<unknown> {
    return until('files of level 0 are compacted', 20_000, () => this.fileCount < 4);
  }
}

test('under bulk_load files gather, prefer_write lets some gather, and normal compacts them', async () => {
  await using scene = await Scene.set();
  scene.tell({ 'rocksdb.usage_scenario': 'bulk_load' });
  await scene.makeFiles(25);
  assert.equal(scene.fileCount, 25);
  scene.tell({});
  await scene.makeFiles(1);
  await scene.untilCompacted();

  await scene.engine.compact();
  scene.tell({ 'rocksdb.usage_scenario': 'prefer_write' });
  await scene.makeFiles(8);
  assert.equal(scene.fileCount, 8);
  await scene.makeFiles(2);
  await scene.untilCompacted();
});

test('a smaller write buffer is full sooner', async () => {
  await using scene = await Scene.set();
  for (let megabyte = 0; megabyte < 20; megabyte++) scene.write(MEGABYTE);
  assert.equal(scene.engine.statistics().sstFileCount, 0);
  scene.tell({ 'rocksdb.write_buffer_size': String(16 * MEGABYTE) });
  scene.write(MEGABYTE);
  scene.write(MEGABYTE);
  const hasFile = (): boolean => scene.engine.statistics().sstFileCount > 0;
  await until('a memtable is flushed', 20_000, hasFile);
});

test('RocksDB takes every usage scenario, write buffer size and set of rules while it runs', async () => {
  const root = await mkdtemp(join(tmpdir(), 'pegasus-settings-'));
  const engine = await new RocksDbEngineFactory({ root }).open('db');
  const events: string[] = [];
  const note = (event: string): void => {
    events.push(event);
  };
  const logger: Logger = { debug: note, info: note, warn: note, error: note };
  const keeper = new SettingsKeeper(logger, gpidOf(1, 0), tableWith({}));
  for (const scenario of ['prefer_write', 'bulk_load', 'normal']) {
    keeper.update(
      tableWith({
        'rocksdb.usage_scenario': scenario,
        'rocksdb.write_buffer_size': '16777216',
        default_ttl: '10',
        'replica.split.validate_partition_hash': 'true',
        user_specified_compaction: '{"ops":[]}',
      }),
    );
    keeper.tell(engine);
  }
  assert.deepEqual(events, Array(3).fill('replica.engine.options'));
  await engine.close({ flush: false });
  await rm(root, { recursive: true });
});
