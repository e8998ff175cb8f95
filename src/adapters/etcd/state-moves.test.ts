/** The state of a meta server is put into a real etcd, in as many writes as it takes, and read back the same. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fillShared, readShared } from '../../meta/state-transfer.ts';
import { DEFAULT_COORDINATION_TIMEOUTS } from '../coordination-options.ts';
import type { ServiceProcess } from '../service-process.ts';
import { EtcdCoordination } from './coordination.ts';
import { findEtcd, startEtcd } from './server-process.ts';

const program = findEtcd(fileURLToPath(new URL('../../../.cache/etcd', import.meta.url)));
const skip =
  program === null ? 'no etcd: neither on the path nor from Debian (etcd-server)' : false;

test('a state of more than one write goes into etcd and comes back, and is not put over another', {
  skip,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pegasus-etcd-'));
  const [etcd] = (await startEtcd(program!, folder, 1)) as [ServiceProcess];
  const service = new EtcdCoordination({
    ...DEFAULT_COORDINATION_TIMEOUTS,
    members: [etcd.address],
    root: '/pegasus/c',
  });
  try {
    const entries = Array.from({ length: 250 }, (_, index) => ({
      key: `other/${index}`,
      value: new TextEncoder().encode(`{"n":${index}}`),
    }));
    const content = { clusterName: 'c', clusterId: '0f'.repeat(16), epoch: 7, entries };
    await fillShared(service, content, ['a:1'], false);
    const back = (await readShared(service, 'c'))!;
    assert.equal(back.clusterId, content.clusterId);
    assert(back.epoch > content.epoch);
    const byKey = (list: typeof entries): typeof entries =>
      [...list].sort((a, b) => (a.key < b.key ? -1 : 1));
    assert.deepEqual(
      byKey(back.entries.map(({ key, value }) => ({ key, value: new Uint8Array(value) }))),
      byKey(entries),
    );
    await assert.rejects(fillShared(service, content, ['a:1'], false), /holds the state/);
    await fillShared(service, { ...content, entries: entries.slice(0, 3) }, ['a:1'], true);
    assert.equal((await readShared(service, 'c'))!.entries.length, 3);
  } finally {
    await service.close();
    await etcd.kill();
    rmSync(folder, { recursive: true });
  }
});
