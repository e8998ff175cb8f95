/**
 * Where requests go: to the primary of their partition, through whichever meta server knows it,
 * also while it changes.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode, errorName } from '../base/error-names.ts';
import { SeededRandom } from '../base/prng.ts';
import { nodeEnvironment, silent } from '../bin/client.ts';
import * as meta from '../wire/generated/meta.ts';
import { RpcCode } from '../wire/rpc-codes.ts';
import { TableNotFoundError, TimeoutError } from './errors.ts';
import { failureOf, onStage, ScriptedServer } from './scripted-cluster.ts';

const environment = { ...nodeEnvironment(silent), random: new SeededRandom(1) };

test('a request goes to the primary of the partition that the hash of its key names', () =>
  onStage(environment, {}, async ({ cluster, table }) => {
    await table.set('a', 'b', 'value');
    assert.equal(await table.getString('a', 'b'), 'value');
    // crc64("a") is 8c2f8445b4cbfc3c: partition 4 of 8.
    const home = cluster.replicas[cluster.primaries[4]!]!;
    assert.deepEqual(
      home.requests.map(({ rpc, appId, partitionIndex }) => [rpc, appId, partitionIndex]),
      [
        [RpcCode.put, 2, 4],
        [RpcCode.get, 2, 4],
      ],
    );
    assert.equal(home.requests[0]!.hashLow, 0xb4cbfc3c);
    assert.equal(await table.partitionOf('a'), 4);
  }));

test('all requests of one turn share one connection and one question for the configuration', () =>
  onStage(environment, {}, async ({ cluster, table }) => {
    const names = Array.from({ length: 100 }, (_, index) => `row${index}`);
    await Promise.all(names.map((name) => table.set('hash', name, name)));
    const values = await Promise.all(names.map((name) => table.getString('hash', name)));
    assert.deepEqual(values, names);
    assert.equal(cluster.meta.requests.length, 1);
    for (const replica of cluster.replicas) assert(replica.connections.size <= 1);
  }));

test('a follower that names the leader is believed, also when the leader is in no list', () =>
  onStage(environment, {}, async ({ cluster }) => {
    const follower = await ScriptedServer.open(environment.transport, (request) => {
      const leader = { ...meta.makeWirePartitionConfiguration(), primary: cluster.meta.address };
      request.reply(meta.writeQueryCfgResponse, {
        ...meta.makeQueryCfgResponse(),
        err: errorName(ErrorCode.forwardToOthers),
        partitions: [leader],
      });
    });
    await onStage(environment, { metas: follower.name }, async ({ client }) => {
      await client.table(cluster.table).set('a', 'b', 'c');
      assert.equal(cluster.rows.size, 1);
      assert.equal(follower.requests.length, 1);
    });
    await follower.kill();
  }));

test('meta servers that are down or know no leader are passed over', () =>
  onStage(environment, {}, async ({ cluster }) => {
    const dead = await ScriptedServer.open(environment.transport, () => undefined);
    await dead.kill();
    const lost = await ScriptedServer.open(environment.transport, (request) => {
      const err = errorName(ErrorCode.forwardToOthers);
      request.reply(meta.writeQueryCfgResponse, { ...meta.makeQueryCfgResponse(), err });
    });
    const metas = [dead.name, lost.name, cluster.metaAddress];
    await onStage(environment, { metas }, async ({ client }) => {
      await client.table(cluster.table).set('a', 'b', 'c');
      assert.equal(cluster.rows.size, 1);
    });
    await lost.kill();
  }));

test('a table that does not exist is an error at once, not a timeout', () =>
  onStage(environment, {}, async ({ client }) => {
    const error = await failureOf(client.table('nowhere').get('a', 'b'));
    assert(error instanceof TableNotFoundError);
    assert.match(error.message, /table "nowhere" does not exist/);
    await assert.rejects(client.admin.tableConfig('nowhere'), TableNotFoundError);
  }));

test('a replica that is not primary any more sends the client to the meta server', () =>
  onStage(environment, {}, async ({ cluster, table }) => {
    await table.set('a', 'b', 'before');
    cluster.movePrimaries(cluster.primaries[4]!, (cluster.primaries[4]! + 1) % 3);
    assert.equal(await table.getString('a', 'b'), 'before');
    assert.equal(cluster.meta.requests.length, 2);
  }));

test('a partition without primary is waited for', () =>
  onStage(environment, {}, async ({ cluster, table }) => {
    const home = cluster.primaries[4]!;
    cluster.primaries[4] = -1;
    const answerMeta = cluster.meta.script;
    cluster.meta.script = (request) => {
      if (cluster.meta.requests.length === 3) cluster.primaries[4] = home;
      answerMeta(request);
    };
    await table.set('a', 'b', 'value');
    assert.equal(cluster.rows.size, 1);
  }));

test('a child of a running split is served by its parent', () =>
  onStage(environment, {}, async ({ cluster, table }) => {
    // Partition 4 of 8 would be a child of partition 0 of 4.
    cluster.ballots = [1, 1, 1, 1, -1, -1, -1, -1];
    await table.set('a', 'b', 'value');
    const home = cluster.replicas[cluster.primaries[0]!]!;
    assert.deepEqual(
      home.requests.map(({ partitionIndex }) => partitionIndex),
      [0],
    );
  }));

test('a request at a silent server moves on when its partition has a new primary', () =>
  onStage(environment, { timeoutMs: 10_000 }, async ({ cluster, table, nextRequest, resume }) => {
    await table.set('a', 'b', 'value');
    const frozen = cluster.primaries[4]!;
    const arrived = nextRequest();
    const answer = table.getString('a', 'b');
    await arrived;
    resume();
    cluster.replicas[frozen]!.script = () => undefined;
    cluster.movePrimaries(frozen, (frozen + 1) % 3);
    assert.equal(await answer, 'value');
  }));

test('when no meta server can be reached the operation ends by its deadline and says why', () =>
  onStage(environment, {}, async ({ client, cluster, table }) => {
    await cluster.meta.kill();
    const startedMs = environment.clock.monotonicMs();
    const error = await failureOf(table.get('a', 'b', { timeoutMs: 200 }));
    assert(error instanceof TimeoutError);
    assert(environment.clock.monotonicMs() - startedMs < 1_000);
    assert.equal(
      client.engine.operations <= 1,
      true,
      'only the question itself is still under way',
    );
  }));
