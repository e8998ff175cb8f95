/**
 * What a table's settings do to requests, on a whole cluster: set while it serves, seen on the wire. Requests go to one
 * server each, past the client, which would ask again elsewhere.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { RawClient } from '../../test/support/raw-client.ts';
import { startTestCluster, type TestCluster } from '../bin/testing.ts';
import type { Client } from '../client/api.ts';
import { partitionHash, partitionIndexOf } from '../model/hash.ts';
import { encodeKey } from '../model/key.ts';
import {
  readReadResponse,
  readReadStaleness,
  readTtlResponse,
  writeUpdateRequest,
} from '../wire/generated/rrdb.ts';
import { RpcCode } from '../wire/rpc-codes.ts';
import type { RequestHeader } from '../wire/thrift-frame.ts';

type Header = Partial<RequestHeader>;

const TABLE = 'limited';
const KEY = encodeKey(Buffer.from('hash'), Buffer.from('sort'));
const HASH = { high: 0, low: 0 };
partitionHash(KEY, 0, KEY.length, HASH);
const PARTITION = partitionIndexOf(HASH, 2);
const PATIENCE_MS = 20_000;

/** One partition of a table of two: its primary, and a secondary. */
class Stage {
  readonly primary: RawClient;
  readonly secondary: RawClient;
  readonly client: Client;
  private readonly cluster: TestCluster;
  readonly target: Header;

  private constructor(
    cluster: TestCluster,
    client: Client,
    appId: number,
    primary: RawClient,
    secondary: RawClient,
  ) {
    this.cluster = cluster;
    this.client = client;
    this.target = { appId, partitionIndex: PARTITION };
    this.primary = primary;
    this.secondary = secondary;
  }

  static async set(): Promise<Stage> {
    const cluster = await startTestCluster({ tables: { [TABLE]: 2 } });
    const client = await cluster.connect();
    await client.table(TABLE).set('hash', 'sort', 'value');
    const { appId, partitions } = await client.admin.tableConfig(TABLE);
    const { primary, secondaries } = partitions[PARTITION]!;
    const leader = await RawClient.open(primary!);
    return new Stage(cluster, client, appId, leader, await RawClient.open(secondaries[0]!));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.primary[Symbol.dispose]();
    this.secondary[Symbol.dispose]();
    await this.client.close();
    await this.cluster.close();
  }

  get(to: RawClient, header: Header = {}): ReturnType<RawClient['call']> {
    return to.call(RpcCode.get, { ...this.target, ...header }, (writer) => writer.writeBlob(KEY));
  }

  put(header: Header = {}, bytes = 5): ReturnType<RawClient['call']> {
    return this.primary.call(RpcCode.put, { ...this.target, ...header }, (writer) =>
      writeUpdateRequest(writer, {
        key: KEY,
        value: new Uint8Array(bytes),
        expireTsSeconds: 0,
        type: undefined,
        checkValueReturned: undefined,
        checkValueExist: undefined,
        checkValue: undefined,
      }),
    );
  }

  /** Changes the setting, and waits until a replica shows that it knows. */
  async setEnv(name: string, value: string, isKnown: () => Promise<boolean>): Promise<void> {
    await this.client.admin.setEnvs(TABLE, { [name]: value });
    const untilMs = performance.now() + PATIENCE_MS;
    while (!(await isKnown())) assert.ok(performance.now() < untilMs, `${name} has no effect`);
  }
}

const errorsOf = async (calls: readonly Promise<{ error: string }>[]): Promise<string[]> =>
  (await Promise.all(calls)).map(({ error }) => error);

test('denied clients get ERR_INVALID_STATE or nothing, on every replica, under the same ballot', async () => {
  await using stage = await Stage.set();
  const { primary, secondary } = stage;
  const before = await stage.client.admin.tableConfig(TABLE);
  const backup = { isBackupRequest: true };
  const refuses = async (to: RawClient): Promise<boolean> =>
    (await stage.get(to, backup)).error === 'ERR_INVALID_STATE';
  await stage.setEnv('replica.deny_client_request', 'reconfig*read', () => refuses(primary));
  const untilMs = performance.now() + PATIENCE_MS;
  while (!(await refuses(secondary))) assert.ok(performance.now() < untilMs, 'a secondary obeys');
  assert.equal((await stage.put()).error, 'ERR_OK', 'writes are not denied');

  const after = await stage.client.admin.tableConfig(TABLE);
  assert.equal(after.partitions[PARTITION]!.ballot, before.partitions[PARTITION]!.ballot);

  const reads = async (): Promise<boolean> => (await stage.get(primary)).error === 'ERR_OK';
  await stage.setEnv('replica.deny_client_request', 'timeout*write', reads);
  void stage.put();
  assert.equal((await stage.get(primary)).error, 'ERR_OK');
  assert.equal(primary.unanswered, 1, 'the write that came before the read has no answer');

  await stage.client.admin.delEnvs(TABLE, ['replica.deny_client_request']);
  let isAnswered = false;
  const onAnswer = (): void => {
    isAnswered = true;
  };
  while (!isAnswered) {
    void stage.put().then(onAnswer);
    await stage.get(primary);
    assert.ok(performance.now() < untilMs, 'writes are allowed again');
  }
});

test('writes above the limits of a table are put off, at most half of their timeout, or refused', async () => {
  await using stage = await Stage.set();
  const burst = (): Promise<string[]> => errorsOf(Array.from({ length: 12 }, () => stage.put()));
  const isBusy = async (): Promise<boolean> => (await burst()).includes('ERR_BUSY');
  await stage.setEnv('replica.write_throttling', '3*reject*0', isBusy);
  const answers = await burst();
  assert.ok(answers.filter((error) => error === 'ERR_OK').length <= 8, 'four a second');

  const calm = async (): Promise<boolean> => !(await isBusy());
  await stage.setEnv('replica.write_throttling', '1000000*delay*1', calm);
  await stage.setEnv('replica.write_throttling_by_size', '1K*reject*0', isLarge);
  async function isLarge(): Promise<boolean> {
    return (await stage.put({}, 4_000)).error === 'ERR_BUSY';
  }
  assert.equal((await stage.put({}, 100)).error, 'ERR_OK', 'what is refused does not count');

  const isSlow = async (): Promise<boolean> => {
    const calls = Array.from({ length: 4 }, () => stage.put({ timeoutMs: 200 }, 400));
    return (await Promise.all(calls)).some(({ tookMs }) => tookMs >= 90);
  };
  await stage.setEnv('replica.write_throttling_by_size', '1K*delay*60000', isSlow);
  assert.equal((await stage.put({ timeoutMs: 200 }, 4_000)).error, 'ERR_OK');
});

test('reads above the limits of a table are refused, by number and by what they answered', async () => {
  await using stage = await Stage.set();
  const { primary } = stage;
  await stage.put({}, 10_000);
  const burst = (): Promise<string[]> =>
    errorsOf(Array.from({ length: 12 }, () => stage.get(primary)));
  const isBusy = async (): Promise<boolean> => (await burst()).includes('ERR_BUSY');
  await stage.setEnv('replica.read_throttling', '3*reject*0', isBusy);
  await stage.setEnv('replica.read_throttling', '1M*reject*0', async () => !(await isBusy()));
  await stage.setEnv('replica.read_throttling_by_size', '1K', isBusy);
  const answers = await burst();
  assert.ok(answers.filter((error) => error === 'ERR_OK').length <= 1, 'ten seconds are spent');
});

test('a secondary answers a backup request and says how old the answer may be; above the limit it is silent', async () => {
  await using stage = await Stage.set();
  const { secondary } = stage;
  assert.equal((await stage.get(secondary)).error, 'ERR_INVALID_STATE');
  const backup = { isBackupRequest: true, wantsStaleness: true };
  const untilMs = performance.now() + PATIENCE_MS;
  for (let seen = ''; seen !== 'value'; ) {
    const { error, reader } = await stage.get(secondary, backup);
    assert.equal(error, 'ERR_OK');
    seen = Buffer.from(readReadResponse(reader).value).toString();
    const { stalenessMs } = readReadStaleness(reader);
    assert.ok(stalenessMs === undefined || stalenessMs >= 0);
    assert.ok(performance.now() < untilMs, 'group checks keep a secondary informed');
  }
  const { reader } = await stage.get(stage.primary, backup);
  readReadResponse(reader);
  assert.ok(readReadStaleness(reader).stalenessMs! <= 1_000, 'a primary has it all');
  const plain = await stage.get(stage.primary);
  readReadResponse(plain.reader);
  assert.equal(readReadStaleness(plain.reader).stalenessMs, undefined);
  const official = await stage.get(secondary, { isBackupRequest: true });
  readReadResponse(official.reader);
  assert.equal(readReadStaleness(official.reader).stalenessMs, undefined, 'nobody asked');

  await stage.setEnv('replica.backup_request_throttling', '3*reject*0', async () => {
    for (let index = 0; index < 12; index++) void stage.get(secondary, backup);
    await stage.get(secondary);
    return secondary.unanswered > 0;
  });
});

test('an answer of a secondary is never older than it says, also while rows are written all the time', async () => {
  await using stage = await Stage.set();
  const backup = { isBackupRequest: true, wantsStaleness: true };
  const acknowledged: { readonly size: number; readonly atMs: number }[] = [];
  let isOver = false;
  const writer = (async () => {
    for (let size = 100; !isOver; size++) {
      assert.equal((await stage.put({}, size)).error, 'ERR_OK');
      acknowledged.push({ size, atMs: performance.now() });
    }
  })();
  let boundCount = 0;
  const untilMs = performance.now() + PATIENCE_MS;
  while (boundCount < 200) {
    const sentMs = performance.now();
    const { reader } = await stage.get(stage.secondary, backup);
    const { value } = readReadResponse(reader);
    const { stalenessMs } = readReadStaleness(reader);
    assert.ok(performance.now() < untilMs, 'a secondary knows how old it is');
    if (stalenessMs === undefined) continue;
    boundCount += 1;
    const due = acknowledged.findLast(({ atMs }) => atMs <= sentMs - stalenessMs);
    assert.ok(due === undefined || value.length >= due.size, `${stalenessMs} ms are too few`);
  }
  isOver = true;
  await writer;
  assert.ok(acknowledged.length > 10);
});

test('a range read ends at the time limit of its table and says so; without one it goes on', async () => {
  await using stage = await Stage.set();
  const table = stage.client.table(TABLE);
  const rows = Array.from({ length: 2_500 }, (_, index) => [`${index}`, ''] as const);
  await table.multiSet('hash', rows);
  const isComplete = async (): Promise<boolean> => (await table.multiGet('hash')).complete;
  assert.equal(await isComplete(), true);
  const timeLimit = 'replica.rocksdb_iteration_threshold_time_ms';
  await stage.setEnv(timeLimit, '1', async () => !(await isComplete()));
  await stage.setEnv(timeLimit, '0', isComplete);
  assert.equal(await table.sortKeyCount('hash'), rows.length + 1);
});

test('a partition with too few members takes no writes and answers reads', async () => {
  await using cluster = await startTestCluster({ tables: { [TABLE]: 2 } });
  await using client = await cluster.connect();
  await client.table(TABLE).set('hash', 'sort', 'value');
  const { appId, partitions } = await client.admin.tableConfig(TABLE);
  const { primary: leader, secondaries } = partitions[PARTITION]!;
  using primary = await RawClient.open(leader!);
  const target = { appId, partitionIndex: PARTITION };
  for (const secondary of secondaries) {
    await cluster.stopReplica(cluster.replicas.indexOf(secondary));
  }
  const untilMs = performance.now() + PATIENCE_MS;
  let error = '';
  while (error !== 'ERR_NOT_ENOUGH_MEMBER') {
    // One that was taken up before the members had left has no answer for now.
    void primary
      .call(RpcCode.remove, target, (writer) => writer.writeBlob(KEY))
      .then((answer) => {
        error = answer.error;
      });
    const read = await primary.call(RpcCode.get, target, (writer) => writer.writeBlob(KEY));
    assert.equal(read.error, 'ERR_OK');
    assert.ok(performance.now() < untilMs, 'the members that are gone leave');
  }
});

test('a default TTL is given to new writes, and a request for another partition is told so', async () => {
  await using stage = await Stage.set();
  const { primary } = stage;
  await stage.setEnv('default_ttl', '1000', async () => {
    await stage.put();
    const { reader } = await primary.call(RpcCode.ttl, stage.target, (writer) =>
      writer.writeBlob(KEY),
    );
    return readTtlResponse(reader).ttlSeconds > 0;
  });
  const misrouted = { partitionHashLow: HASH.low ^ 1, partitionHashHigh: HASH.high };
  assert.equal((await stage.get(primary, misrouted)).error, 'ERR_OK');
  const isRefused = async (): Promise<boolean> =>
    (await stage.get(primary, misrouted)).error === 'ERR_PARENT_PARTITION_MISUSED';
  await stage.setEnv('replica.split.validate_partition_hash', 'true', isRefused);
  const own = { partitionHashLow: HASH.low, partitionHashHigh: HASH.high };
  assert.equal((await stage.get(primary, own)).error, 'ERR_OK');
  assert.equal((await stage.get(primary)).error, 'ERR_OK', 'no hash was given');
});
