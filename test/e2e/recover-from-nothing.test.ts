/**
 * The meta server's folder is gone, and so is every copy of it: tables, settings and data come back from what the
 * replica servers hold, by one command.
 */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pegasus } from '../support/command.ts';
import { Ledger } from '../support/ledger.ts';
import { TestOnebox } from '../support/onebox.ts';
import { until } from '../support/until.ts';

const LIMIT_MS = 120_000;
const LOADED = 300;

function shell(onebox: TestOnebox, ...words: readonly string[]): ReturnType<typeof pegasus> {
  return pegasus(['shell', '--meta', onebox.meta, ...words]);
}

test('a meta server that has lost all is recovered from the replica servers: tables, settings, data', async () => {
  await using onebox = await TestOnebox.start();
  await using client = await onebox.connect();
  const { admin } = client;
  const options = { partitionCount: 4, envs: { default_ttl: '0' } };
  await admin.createTable('orders', options);
  await admin.setEnvs('orders', { 'business.info': 'of the shop' });
  const goneId = await admin.createTable('gone', options);
  await client.table('gone').set('k', 's', 'v');
  await admin.dropTable('gone');
  const tables = new Map((await admin.listTables({ all: true })).map((one) => [one.name, one]));
  const ledger = new Ledger(client);
  ledger.begin();
  await until('writes are acknowledged', LIMIT_MS, () => ledger.acknowledged >= LOADED);
  await ledger.end();
  const servers = (await admin.listNodes()).map(({ address }) => address);

  await onebox.act('kill', 'meta', 1);
  rmSync(join(onebox.dir, 'meta1', 'data'), { recursive: true });
  // The servers forget what they have in memory: what counts is what they have stored.
  for (const index of [1, 2, 3]) await onebox.act('kill', 'replica', index);
  await onebox.act('start-node', 'meta', 1);
  for (const index of [1, 2, 3]) await onebox.act('start-node', 'replica', index);

  await until('replicas of unknown tables are seen', LIMIT_MS, async () => {
    const { stderr } = await shell(onebox, 'create', 'another');
    return stderr.includes('ERR_UNDER_RECOVERY');
  });
  const few = await shell(onebox, 'recover', servers[0]!);
  assert.equal(few.exitCode, 1, 'all servers have to be named');
  assert.match(few.stdout, /did not tell what it holds/);
  const all = await shell(onebox, 'recover', '-s', servers.join());
  assert.equal(all.exitCode, 0, all.stdout + all.stderr);
  await onebox.untilHealthy();
  const again = await shell(onebox, 'recover', '-s', servers.join());
  assert.match(again.stdout, /ERR_SERVICE_ALREADY_RUNNING/);

  const found = await admin.listTables({ all: true });
  assert.deepEqual(new Map(found.map((one) => [one.name, one])), tables);
  await using reader = await onebox.connect();
  assert.deepEqual((await ledger.verify(reader)).problems, []);
  await admin.recallTable(goneId);
  await admin.waitHealthy('gone', { timeoutMs: LIMIT_MS });
  assert.equal(new TextDecoder().decode((await reader.table('gone').get('k', 's'))!), 'v');
  assert.deepEqual(onebox.complaints(), []);
});
