/**
 * Two servers of three lose their disks, and the third one had been away: nobody is left who has all that was
 * acknowledged. The diagnosis says so, nothing is done until somebody asks for it, and what the copy has is back then.
 */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { PartitionDiagnosis } from '../../src/bin/client.ts';
import { pegasus, pegasusJson } from '../support/command.ts';
import { TestOnebox } from '../support/onebox.ts';
import { until } from '../support/until.ts';

const LIMIT_MS = 120_000;

test('of a partition whose members are gone the best copy is found, and leads when it is told to', async () => {
  await using onebox = await TestOnebox.start();
  await using client = await onebox.connect();
  const orders = client.table('orders');
  await client.admin.createTable('orders', { partitionCount: 2 });
  await orders.set('k', 'before', '1');
  await onebox.act('kill', 'replica', 1);
  await orders.set('k', 'after', '2', { timeoutMs: LIMIT_MS });
  for (const index of [2, 3]) await onebox.act('kill', 'replica', index);
  for (const index of [2, 3]) {
    rmSync(join(onebox.dir, `replica${index}`, 'data'), { recursive: true });
  }
  await onebox.act('start-node', 'replica', 1);
  const meta = ['shell', '--meta', onebox.meta];
  const [first] = (await client.admin.listNodes()).map(({ address }) => address).sort();
  const diagnosis = async (): Promise<readonly PartitionDiagnosis[]> => {
    const command = [...meta, '--json', 'ddd_diagnose', '-g'];
    const { appId } = await client.admin.tableConfig('orders');
    const { partitions } = await pegasusJson<{ partitions: PartitionDiagnosis[] }>([
      ...command,
      String(appId),
    ]);
    return partitions;
  };
  await until('the copies that are left are seen', LIMIT_MS, async () => {
    const partitions = await diagnosis();
    const isSeen = ({ copies }: PartitionDiagnosis): boolean =>
      copies.some(({ node, lastPreparedDecree }) => node === first && lastPreparedDecree >= 0);
    return partitions.length === 2 && partitions.every(isSeen);
  });

  const partitions = await diagnosis();
  const copies = partitions.flatMap((one) => one.copies.filter(({ node }) => node === first));
  assert(copies.every(({ member }) => !member));
  assert(
    copies.some(({ lostDecrees }) => lostDecrees > 0),
    'it is known that something is lost',
  );
  for (const { appId, index, ballot } of partitions) {
    const command = [...meta, 'ddd_diagnose', '-g', `${appId}.${index}`, '-f', first!];
    const stale = await pegasus([...command, '-b', String(ballot - 1), '-m', 'a test']);
    assert.match(stale.stdout, /ERR_INVALID_VERSION/);
    const forced = await pegasus([...command, '-b', String(ballot), '-m', 'a test']);
    assert.equal(forced.exitCode, 0, forced.stdout + forced.stderr);
  }
  for (const index of [2, 3]) await onebox.act('start-node', 'replica', index);
  await client.admin.waitHealthy('orders', { timeoutMs: LIMIT_MS });
  assert.equal(new TextDecoder().decode((await orders.get('k', 'before'))!), '1');
  assert.equal(await orders.get('k', 'after'), null, 'what only the others had is lost');
  await orders.set('k', 'after', '3');
  assert.deepEqual(await diagnosis(), []);
  assert.match(onebox.log('meta1'), /partition\.forced.*a test/);
});
