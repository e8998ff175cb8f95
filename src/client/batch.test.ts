/** Many rows at once: every one has an outcome of its own, whatever becomes of the others. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode } from '../base/error-names.ts';
import { SeededRandom } from '../base/prng.ts';
import { decodeUtf8 } from '../base/utf8.ts';
import { nodeEnvironment, silent } from '../bin/client.ts';
import { startTestCluster } from '../bin/testing.ts';
import * as rrdb from '../wire/generated/rrdb.ts';
import { RpcCode } from '../wire/rpc-codes.ts';
import { StorageStatus } from '../wire/schema/rrdb.ts';
import { BatchError, InDoubtError, InvalidArgumentError, RejectedError } from './errors.ts';
import { failureOf, onStage, type ScriptedCluster } from './scripted-cluster.ts';
import type { NewRow, RowKey } from './table-api.ts';

const environment = { ...nodeEnvironment(silent), random: new SeededRandom(1) };
const MANY = 1_000;

const keyOf = (index: number): RowKey => ({ hashKey: `hash ${index}`, sortKey: 'only' });
const rowOf = (index: number): NewRow => ({ ...keyOf(index), value: `value ${index}` });
const text = (value: Uint8Array | null): string | null =>
  value === null ? null : decodeUtf8(value);
const count = (cluster: ScriptedCluster, rpc: RpcCode): number =>
  cluster.replicas.flatMap(({ requests }) => requests).filter((one) => one.rpc === rpc).length;

test('real servers write, read and delete a batch over all partitions', async () => {
  await using cluster = await startTestCluster();
  await using client = await cluster.connect();
  const table = client.table('temp');
  const rows = Array.from({ length: MANY }, (_, index) => rowOf(index));
  const empty = { hashKey: '', sortKey: 'alone', value: 'of the empty hash key' };
  await table.batchSet([...rows, empty]);
  const found = await table.batchGet([...rows, { hashKey: 'hash 1', sortKey: 'absent' }, empty]);
  assert.deepEqual(found.map(text), [
    ...rows.map(({ value }) => value),
    null,
    'of the empty hash key',
  ]);
  const outcomes = await table.batchDelSettled(rows);
  assert(outcomes.every(({ status }) => status === 'ok'));
  const left = await table.batchGetSettled(rows);
  assert(left.every(({ status }) => status === 'missing'));
  assert.deepEqual(await table.batchGet([]), []);
});

test('a batch goes on when a server stops in the middle of it', async () => {
  await using cluster = await startTestCluster();
  await using client = await cluster.connect({ coalesceGets: true });
  const table = client.table('temp');
  const rows = Array.from({ length: MANY }, (_, index) => rowOf(index));
  const written = table.batchSet(rows, { parallelism: 8 });
  await cluster.stopReplica(0);
  await written;
  const values = await Promise.all(rows.map(({ hashKey }) => table.getString(hashKey, 'only')));
  assert.deepEqual(
    values,
    rows.map(({ value }) => value),
  );
});

test('of a row that occurs twice the later one stays, and rows may expire apart', async () => {
  await using cluster = await startTestCluster();
  await using client = await cluster.connect();
  const table = client.table('temp');
  const versions = Array.from({ length: 500 }, (_, index) => ({
    hashKey: 'one',
    sortKey: `row ${index % 3}`,
    value: `version ${index}`,
    ttlSeconds: index % 7 === 0 ? 100 : undefined,
  }));
  await table.batchSet(versions);
  const { rows } = await table.multiGet('one');
  assert.deepEqual(
    rows.map(({ value }) => text(value)),
    ['version 498', 'version 499', 'version 497'],
  );
  assert.equal(await table.ttl('one', 'row 0'), Number.POSITIVE_INFINITY);
  assert((await table.ttl('one', 'row 2'))! <= 100);
});

test('a batch says which rows were refused, which are in doubt and which are there', () =>
  onStage(environment, { ambiguousWrites: 'fail' }, async ({ cluster, table }) => {
    for (const replica of cluster.replicas) {
      replica.script = (request) => {
        const { value } = request.argument(rrdb.readUpdateRequest);
        if (decodeUtf8(value) === 'value 1') return request.refuse(ErrorCode.invalidData);
        if (decodeUtf8(value) === 'value 2') {
          const error = StorageStatus.ioError;
          return request.reply(rrdb.writeUpdateResponse, { ...rrdb.makeUpdateResponse(), error });
        }
        cluster.answer(request);
      };
    }
    const rows = [rowOf(0), rowOf(1), rowOf(2), rowOf(3)];
    const outcomes = await table.batchSetSettled(rows);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['ok', 'error', 'inDoubt', 'ok'],
    );
    assert(outcomes[1]!.status === 'error' && outcomes[1]!.error instanceof RejectedError);
    assert(outcomes[2]!.status === 'inDoubt' && outcomes[2]!.error instanceof InDoubtError);
    const error = await failureOf(table.batchSet(rows));
    assert(error instanceof BatchError);
    assert.match(error.message, /batchSet on "temp": 2 of 4 failed: set on "temp": refused/);
    assert.equal(error.maybeApplied, true);
    assert.equal(error.serverCode, 'ERR_INVALID_DATA');
    const none = await failureOf(table.batchSet([rowOf(1)]));
    assert.equal(none.maybeApplied, false);
  }));

test('rows that are too large for a server together are written one by one', () =>
  onStage(environment, {}, async ({ cluster, table }) => {
    for (const replica of cluster.replicas) {
      replica.script = (request) => {
        if (request.rpc === RpcCode.multiPut) return request.refuse(ErrorCode.invalidData);
        const { value } = request.argument(rrdb.readUpdateRequest);
        if (decodeUtf8(value) === 'huge') return request.refuse(ErrorCode.invalidData);
        cluster.answer(request);
      };
    }
    const values = ['small', 'huge', 'also small'];
    const rows = values.map((value, index) => ({ hashKey: 'one', sortKey: `${index}`, value }));
    const outcomes = await table.batchSetSettled(rows);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['ok', 'error', 'ok'],
    );
    assert.equal(cluster.rows.size, 2);
  }));

test('a server without the batch request is asked row by row, and only once for it', () =>
  onStage(environment, {}, async ({ cluster, table }) => {
    await table.set('hash 3', 'only', 'found');
    const keys = Array.from({ length: 64 }, (_, index) => keyOf(index));
    const values = await table.batchGet(keys, { parallelism: 1 });
    assert.deepEqual(
      values.map(text).filter((value) => value !== null),
      ['found'],
    );
    assert.equal(text(values[3]!), 'found');
    assert.equal(count(cluster, RpcCode.batchGet), 1);
    assert.equal(count(cluster, RpcCode.get), 64);
  }));

test('a row that cannot be read does not take those beside it along', () =>
  onStage(environment, {}, async ({ cluster, table }) => {
    for (const replica of cluster.replicas) {
      replica.script = (request) => {
        const error = StorageStatus.corruption;
        if (request.rpc === RpcCode.batchGet) {
          return request.reply(rrdb.writeBatchGetResponse, {
            ...rrdb.makeBatchGetResponse(),
            error,
          });
        }
        const key = decodeUtf8(request.argument((reader) => reader.readBlob()));
        if (!key.includes('hash 7')) return cluster.answer(request);
        request.reply(rrdb.writeReadResponse, { ...rrdb.makeReadResponse(), error });
      };
    }
    const keys = Array.from({ length: 32 }, (_, index) => keyOf(index));
    const outcomes = await table.batchGetSettled(keys);
    const failed = outcomes.flatMap(({ status }, index) => (status === 'error' ? [index] : []));
    assert.deepEqual(failed, [7]);
    const error = await failureOf(table.batchGet(keys));
    assert(error instanceof BatchError);
    assert.equal(error.maybeApplied, false);
  }));

test('no more requests are under way than the batch may have', () =>
  onStage(environment, {}, async ({ cluster, table }) => {
    let underWay = 0;
    let highest = 0;
    for (const replica of cluster.replicas) {
      replica.script = (request) => {
        underWay++;
        highest = Math.max(highest, underWay);
        environment.timers.defer(() => {
          underWay--;
          cluster.answer(request);
        });
      };
    }
    const rows = Array.from({ length: 200 }, (_, index) => rowOf(index));
    await table.batchSet(rows, { parallelism: 5 });
    assert.equal(cluster.rows.size, 200);
    assert(highest <= 5);
  }));

test('a batch that no server would take is refused as a whole', () =>
  onStage(environment, {}, async ({ cluster, table }) => {
    const bad = { hashKey: 'h'.repeat(65_535), sortKey: '', value: '' };
    for (const promise of [
      table.batchSet([rowOf(0), bad]),
      table.batchDel([bad]),
      table.batchGet([bad, keyOf(0)], { parallelism: 0 }),
      table.batchGet([keyOf(0)], { timeoutMs: Number.NaN }),
    ]) {
      assert((await failureOf(promise)) instanceof InvalidArgumentError);
    }
    assert.equal(cluster.rows.size, 0);
  }));
