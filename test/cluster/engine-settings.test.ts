/** What a table says to its engines is understood by the real one. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { RocksDbEngineFactory } from '../../src/adapters/rocksdb/factory.ts';
import type { Logger } from '../../src/env/logger.ts';
import { type AppInfo, AppStatus } from '../../src/model/configuration.ts';
import { gpidOf } from '../../src/model/identity.ts';
import { SettingsKeeper } from '../../src/replica/settings-keeper.ts';

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
  };
}

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
