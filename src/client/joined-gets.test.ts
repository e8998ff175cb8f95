/** Gets of one turn travel together and nobody can tell, except by the number of requests. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '../base/prng.ts';
import { nodeEnvironment, silent } from '../bin/client.ts';
import { startTestCluster } from '../bin/testing.ts';
import * as rrdb from '../wire/generated/rrdb.ts';
import { RpcCode } from '../wire/rpc-codes.ts';
import { StorageStatus } from '../wire/schema/rrdb.ts';
import { ClosedError, InvalidArgumentError, RejectedError, TimeoutError } from './errors.ts';
import { failureOf, onStage, type ScriptedCluster } from './scripted-cluster.ts';

const environment = { ...nodeEnvironment(silent), random: new SeededRandom(1) };
const JOINED = { coalesceGets: true };
const NAMES = Array.from({ length: 40 }, (_, index) => `row ${index}`);

const rpcs = (cluster: ScriptedCluster): RpcCode[] =>
  cluster.replicas.flatMap(({ requests }) => requests.map(({ rpc }) => rpc));

test('real servers answer joined gets as they answer single ones', async () => {
  await using cluster = await startTestCluster();
  await using joined = await cluster.connect(JOINED);
  await using single = await cluster.connect();
  for (const name of NAMES) await single.table('temp').set(name, 'a', `value of ${name}`);
  const wanted = [...NAMES, 'nobody', ...NAMES.slice(0, 5), ''];
  const values = async (client: typeof joined): Promise<(string | null)[]> =>
    Promise.all(wanted.map((name) => client.table('temp').getString(name, 'a')));
  const expected = await values(single);
  // Before the partitions are known, and after.
  assert.deepEqual(await values(joined), expected);
  assert.deepEqual(await values(joined), expected);
});

test('the gets of one turn are one request per partition', () =>
  onStage(environment, JOINED, async ({ cluster, table }) => {
    await table.set('known', 'a', 'x');
    for (const replica of cluster.replicas) {
      replica.script = (request) => {
        if (request.rpc === RpcCode.get) return cluster.answer(request);
        const { keys } = request.argument(rrdb.readBatchGetRequest);
        const data = keys.map((key) => ({ ...key, value: key.hashKey }));
        request.reply(rrdb.writeBatchGetResponse, { ...rrdb.makeBatchGetResponse(), data });
      };
      replica.requests.length = 0;
    }
    const values = await Promise.all(NAMES.map((name) => table.getString(name, 'a')));
    assert.deepEqual(values, NAMES);
    assert.deepEqual(rpcs(cluster), new Array(8).fill(RpcCode.batchGet));
    assert.equal(await table.get('alone', 'a'), null);
    assert.equal(rpcs(cluster).filter((rpc) => rpc === RpcCode.get).length, 1);
  }));

test('a server without the request gets single ones, from then on at once', () =>
  onStage(environment, JOINED, async ({ cluster, table }) => {
    await Promise.all(NAMES.map((name) => table.set(name, 'a', name)));
    const get = (): Promise<(string | null)[]> =>
      Promise.all(NAMES.map((name) => table.getString(name, 'a')));
    assert.deepEqual(await get(), NAMES);
    const batches = rpcs(cluster).filter((rpc) => rpc === RpcCode.batchGet).length;
    assert.equal(batches, 8);
    assert.deepEqual(await get(), NAMES);
    assert.equal(rpcs(cluster).filter((rpc) => rpc === RpcCode.batchGet).length, batches);
  }));

test('each get fails with the error that it would have had alone', () =>
  onStage(environment, { ...JOINED, timeoutMs: 400 }, async ({ cluster, client, table }) => {
    await table.set('known', 'a', 'x');
    for (const replica of cluster.replicas) {
      replica.script = (request) => {
        const error = StorageStatus.corruption;
        if (request.rpc === RpcCode.get) {
          request.reply(rrdb.writeReadResponse, { ...rrdb.makeReadResponse(), error });
        } else {
          request.reply(rrdb.writeBatchGetResponse, { ...rrdb.makeBatchGetResponse(), error });
        }
      };
    }
    const failures = (): Promise<Error[]> =>
      Promise.all(NAMES.map((name) => failureOf(table.get(name, 'a'))));
    for (const error of await failures()) {
      assert(error instanceof RejectedError);
      assert.match(error.message, /^get on "temp": .* answered corruption$/);
    }
    assert((await failureOf(table.get('h'.repeat(65_535), 'a'))) instanceof InvalidArgumentError);
    for (const replica of cluster.replicas) replica.script = () => undefined;
    for (const error of await failures()) {
      assert(error instanceof TimeoutError);
      assert.equal(error.operation, 'get');
    }
    const closed = failures();
    await client.close();
    for (const error of await closed) assert(error instanceof ClosedError);
  }));

test('a get with options of its own goes alone', () =>
  onStage(environment, JOINED, async ({ cluster, table }) => {
    await table.set('known', 'a', 'x');
    for (const replica of cluster.replicas) replica.requests.length = 0;
    const options = { timeoutMs: 1_000 };
    await Promise.all(NAMES.map((name) => table.get(name, 'a', options)));
    assert(rpcs(cluster).every((rpc) => rpc === RpcCode.get));
  }));
