/** A whole cluster compacts a table when it is asked to, by request or by settings, and tells how far it is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestCluster, type TestCluster } from '../../src/bin/testing.ts';
import type { Client } from '../../src/client/api.ts';
import {
  makeStartAppManualCompactRequest,
  readQueryAppManualCompactResponse,
  readStartAppManualCompactResponse,
  type StartAppManualCompactRequest,
  writeQueryAppManualCompactRequest,
  writeStartAppManualCompactRequest,
} from '../../src/wire/generated/meta.ts';
import { RpcCode } from '../../src/wire/rpc-codes.ts';
import { RawClient } from '../support/raw-client.ts';
import { until } from '../support/until.ts';

const TABLE = 'compacted';
const TTL_SECONDS = 1_000;

/** A table of four partitions with a row that has no expiry, and then a default that it does not have yet. */
class Stage {
  readonly client: Client;
  private readonly cluster: TestCluster;
  private readonly meta: RawClient;

  private constructor(cluster: TestCluster, client: Client, meta: RawClient) {
    this.cluster = cluster;
    this.client = client;
    this.meta = meta;
  }

  static async set(): Promise<Stage> {
    const cluster = await startTestCluster({ tables: { [TABLE]: 4 } });
    const client = await cluster.connect();
    const stage = new Stage(cluster, client, await RawClient.open(cluster.metas));
    await client.table(TABLE).set('hash', 'sort', 'value');
    await client.admin.setEnvs(TABLE, { default_ttl: String(TTL_SECONDS) });
    assert.equal(await stage.ttl(), Number.POSITIVE_INFINITY);
    return stage;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.meta[Symbol.dispose]();
    await this.client.close();
    await this.cluster.close();
  }

  ttl(): Promise<number | null> {
    return this.client.table(TABLE).ttl('hash', 'sort');
  }

  async start(request: Partial<StartAppManualCompactRequest> = {}): Promise<string> {
    const full = { ...makeStartAppManualCompactRequest(), appName: TABLE, ...request };
    const { reader } = await this.meta.call(RpcCode.startManualCompact, {}, (writer) =>
      writeStartAppManualCompactRequest(writer, full),
    );
    return readStartAppManualCompactResponse(reader).err;
  }

  async progress(appName = TABLE): Promise<number | string> {
    const { reader } = await this.meta.call(RpcCode.queryManualCompactStatus, {}, (writer) =>
      writeQueryAppManualCompactRequest(writer, { appName }),
    );
    const { err, progress } = readQueryAppManualCompactResponse(reader);
    return err === 'ERR_OK' ? progress! : err;
  }

  /** Replicas tell what they have done with their reports. */
  untilDone(): Promise<unknown> {
    return until('all are compacted', 20_000, async () => (await this.progress()) === 100);
  }
}

test('a compaction that is asked for is done by all replicas, and the progress says when', async () => {
  await using stage = await Stage.set();
  assert.equal(await stage.progress(), 'ERR_INVALID_STATE', 'nobody has asked for one');
  assert.equal(await stage.start({ bottommost: true }), 'ERR_OK');
  await stage.untilDone();
  const ttl = await stage.ttl();
  assert(ttl !== null && ttl <= TTL_SECONDS, 'the row has met the rules of its table');

  assert.equal(await stage.start(), 'ERR_OK');
  assert.notEqual(await stage.progress(), 100, 'a new one begins with nothing done');
  await stage.untilDone();
});

test('settings ask for it as well', async () => {
  await using stage = await Stage.set();
  await stage.client.admin.setEnvs(TABLE, {
    'manual_compact.once.trigger_time': String(Math.floor(Date.now() / 1_000)),
    'manual_compact.once.bottommost_level_compaction': 'force',
  });
  await stage.untilDone();
  assert.notEqual(await stage.ttl(), Number.POSITIVE_INFINITY);
});

test('while it is disabled none begins, whoever asks', async () => {
  await using stage = await Stage.set();
  const { admin } = stage.client;
  await admin.setEnvs(TABLE, { 'manual_compact.disabled': 'true' });
  assert.equal(await stage.start(), 'ERR_OPERATION_DISABLED');
  await admin.setEnvs(TABLE, { 'manual_compact.once.trigger_time': '1000' });
  assert.equal(await stage.progress(), 0);
  await admin.delEnvs(TABLE, ['manual_compact.disabled']);
  await stage.untilDone();
});

test('what makes no sense is refused', async () => {
  await using stage = await Stage.set();
  assert.equal(await stage.start({ appName: 'nowhere' }), 'ERR_APP_NOT_EXIST');
  assert.equal(await stage.start({ targetLevel: -2 }), 'ERR_INVALID_PARAMETERS');
  assert.equal(await stage.start({ maxRunningCount: -1 }), 'ERR_INVALID_PARAMETERS');
  assert.equal(await stage.progress('nowhere'), 'ERR_APP_NOT_EXIST');
});
