/** What an administrator does, on a real cluster. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestCluster } from '../bin/testing.ts';
import { RejectedError, TableNotFoundError } from './errors.ts';

test('a table is healthy, loses a server, and is not', async () => {
  await using cluster = await startTestCluster({ tables: { users: 4 } });
  await using client = await cluster.connect();
  assert.equal(await client.admin.isHealthy('users'), true);
  await cluster.stopReplica(0);
  while (await client.admin.isHealthy('users')) await client.table('users').get('a', 'b');
  await cluster.startReplica(0);
  await client.admin.waitHealthy('users');
  await assert.rejects(client.admin.isHealthy('nowhere'), TableNotFoundError);
});

test('the settings of a table are set, read, deleted and cleared', async () => {
  await using cluster = await startTestCluster({ tables: { users: 4 } });
  await using client = await cluster.connect();
  const { admin } = client;
  await admin.setEnvs('users', {
    default_ttl: '100',
    'replica.slow_query_threshold': '50',
    'rocksdb.usage_scenario': 'normal',
  });
  assert.equal((await admin.envs('users')).get('default_ttl'), '100');
  await admin.delEnvs('users', ['default_ttl']);
  assert.equal((await admin.envs('users')).has('default_ttl'), false);
  await admin.clearEnvs('users', { prefix: 'rocksdb' });
  assert.deepEqual([...(await admin.envs('users'))], [['replica.slow_query_threshold', '50']]);
  await admin.clearEnvs('users');
  assert.equal((await admin.envs('users')).size, 0);
  await assert.rejects(admin.setEnvs('users', { nonsense: '1' }), RejectedError);
  await assert.rejects(admin.envs('nowhere'), TableNotFoundError);
});

test('a text of the users’ own goes with a table, and a setting that nobody knows does not', async () => {
  await using cluster = await startTestCluster({ tables: { users: 4 } });
  await using client = await cluster.connect();
  const { admin } = client;
  const text = 'owner=ada; cost centre 7 ☎';
  await admin.setEnvs('users', { 'business.info': text });
  assert.equal((await admin.envs('users')).get('business.info'), text);
  await admin.dropTable('users', { reserveSeconds: 100 });
  const [dropped] = await admin.listTables({ all: true });
  await admin.recallTable(dropped!.appId);
  assert.equal((await admin.envs('users')).get('business.info'), text);
  await assert.rejects(admin.setEnvs('users', { 'business.note': text }), RejectedError);
});

test('a dropped table is recalled with its rows, also under another name', async () => {
  await using cluster = await startTestCluster({ tables: { users: 4 } });
  await using client = await cluster.connect();
  const { admin } = client;
  await client.table('users').set('ada', 'born', '1815');
  const { appId } = await admin.tableConfig('users');
  await admin.dropTable('users');
  const dropped = (await admin.listTables({ all: true })).find((table) => table.appId === appId);
  assert.equal(dropped?.status, 'dropped');
  const recalled = await admin.recallTable(appId, { newName: 'people' });
  assert.equal(recalled.name, 'people');
  await admin.waitHealthy('people');
  assert.equal(await client.table('people').getString('ada', 'born'), '1815');
});
