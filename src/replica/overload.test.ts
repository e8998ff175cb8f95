/** A server with very little room: what does not fit is refused at once, the rest is served, nothing is left over. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { RawClient } from '../../test/support/raw-client.ts';
import { MemoryDisk } from '../adapters/memory/disk.ts';
import { MemoryEngineFactory } from '../adapters/memory/engine.ts';
import { defaultOptions } from '../base/option-table.ts';
import { connect, nodeEnvironment, silent } from '../bin/client.ts';
import { replicaMetrics } from '../http/replica-metrics.ts';
import { META_OPTIONS } from '../meta/options.ts';
import { MetaServer } from '../meta/server.ts';
import { type HostPort, hostPortText } from '../model/identity.ts';
import { makeUpdateRequest, writeUpdateRequest } from '../wire/generated/rrdb.ts';
import { RpcCode } from '../wire/rpc-codes.ts';
import { REPLICA_OPTIONS } from './options.ts';
import { ReplicaServer } from './server.ts';

const ROOM = 4;
const BURST = 60;
const ANY_PORT: HostPort = { host: '127.0.0.1', port: 0 };
const KEY = new Uint8Array([0, 1, 0x68]);

interface Scene extends AsyncDisposable {
  readonly server: ReplicaServer;
  readonly client: RawClient;
  readonly appId: number;
  /** Reads do not find their rows in memory. */
  isCold: boolean;
}

async function scene(): Promise<Scene> {
  const environment = nodeEnvironment(silent);
  const fast = { beaconIntervalMs: 50, tickIntervalMs: 20 };
  const meta = await MetaServer.open(
    { ...environment, disk: new MemoryDisk() },
    defaultOptions(META_OPTIONS, { listen: ANY_PORT, dataPath: 'meta', ...fast }),
  );
  const state = { isCold: false };
  const disk = new MemoryDisk();
  const mayBlock = (): boolean => state.isCold;
  const { clock, timers } = environment;
  const engines = new MemoryEngineFactory({ disk, timers, clock, mayBlock });
  const server = await ReplicaServer.open(
    { ...environment, disk, engines },
    defaultOptions(REPLICA_OPTIONS, {
      listen: ANY_PORT,
      metaServers: [meta.address],
      dataPath: 'replica',
      reportIntervalMs: 50,
      minReplicaCount: 1,
      pendingReadsMax: 2 * ROOM,
      pendingWritesMax: 2 * ROOM,
      ...fast,
    }),
  );
  await using cluster = await connect({ metas: hostPortText(meta.address) });
  await cluster.admin.createTable('small', { partitionCount: 2, replicaCount: 1 });
  const { appId } = await cluster.admin.tableConfig('small');
  const client = await RawClient.open(hostPortText(server.address));
  return Object.assign(state, {
    server,
    client,
    appId,
    async [Symbol.asyncDispose](): Promise<void> {
      client[Symbol.dispose]();
      await server.close();
      await meta.close();
    },
  });
}

async function countErrors(
  calls: readonly Promise<{ error: string }>[],
): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const { error } of await Promise.all(calls)) counts.set(error, (counts.get(error) ?? 0) + 1);
  return counts;
}

function metric(server: ReplicaServer, entity: string, name: string): number {
  const found = replicaMetrics(server, 'replica').find(({ id }) => id === entity);
  const metric = found!.metrics.find((each) => each.name === name)!;
  assert.ok('value' in metric);
  return metric.value;
}

test('writes above the room of a server are refused as busy, and the others are written', async () => {
  await using stage = await scene();
  const { client, appId, server } = stage;
  const put = (): ReturnType<RawClient['call']> =>
    client.call(RpcCode.put, { appId, partitionIndex: 0 }, (writer) =>
      writeUpdateRequest(writer, { ...makeUpdateRequest(), key: KEY }),
    );
  const counts = await countErrors(Array.from({ length: BURST }, put));
  const written = counts.get('ERR_OK') ?? 0;
  const refused = counts.get('ERR_BUSY') ?? 0;
  assert.ok(written >= ROOM, 'what fits is written');
  assert.ok(refused > 0, 'the rest is told at once');
  assert.equal(written + refused, BURST);
  assert.equal((await put()).error, 'ERR_OK', 'who was answered makes room');
  const replica = `replica@${appId}.0`;
  assert.equal(metric(server, replica, 'put_requests'), written + 1);
  assert.equal(metric(server, replica, 'write_capacity_units'), written + 1);
  assert.equal(metric(server, 'server', 'write_busy_requests'), refused);
});

test('reads that wait for the disk have little room, those from memory all they need', async () => {
  await using stage = await scene();
  const { client, appId, server } = stage;
  const get = (): ReturnType<RawClient['call']> =>
    client.call(RpcCode.get, { appId, partitionIndex: 0 }, (writer) => writer.writeBlob(KEY));
  assert.equal((await countErrors(Array.from({ length: BURST }, get))).get('ERR_OK'), BURST);
  stage.isCold = true;
  const counts = await countErrors(Array.from({ length: BURST }, get));
  assert.ok((counts.get('ERR_OK') ?? 0) >= ROOM);
  const refused = counts.get('ERR_BUSY') ?? 0;
  assert.ok(refused > 0, 'the queue for the disk is short');
  assert.equal((await get()).error, 'ERR_OK');
  assert.equal(metric(server, 'server', 'read_busy_requests'), refused);
});
