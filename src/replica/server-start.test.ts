/** What a server says when it cannot start. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { NetworkWorld } from '../../test/fuzz/network-world.ts';
import { MemoryDisk } from '../adapters/memory/disk.ts';
import { MemoryEngineFactory } from '../adapters/memory/engine.ts';
import { defaultOptions } from '../base/option-table.ts';
import { UserError } from '../base/user-error.ts';
import { REPLICA_OPTIONS } from './options.ts';
import { ReplicaServer } from './server.ts';

test('a disk that fails while the log is begun is told in words for its operator', async () => {
  const network = new NetworkWorld(1);
  const { environment } = network.addHost('node');
  const disk = new MemoryDisk();
  const engines = new MemoryEngineFactory({ ...environment, disk, mayBlock: () => false });
  disk.failNext('append', 'io', 'log/', 1);
  const options = defaultOptions(REPLICA_OPTIONS, {
    listen: { host: 'node', port: 80 },
    metaServers: [],
    dataPath: 'data',
  });
  const opened = ReplicaServer.open({ ...environment, disk, engines }, options);
  const rejected = assert.rejects(opened, (error) => {
    assert.ok(error instanceof UserError);
    assert.match(error.message, /^The data folder data cannot be used: append of /);
    return true;
  });
  await network.run(1_000);
  await rejected;
});
