/** Scans hand out every row once, whatever becomes of the server's contexts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '../base/prng.ts';
import { decodeUtf8 } from '../base/utf8.ts';
import { nodeEnvironment, silent } from '../bin/client.ts';
import { RpcCode } from '../wire/rpc-codes.ts';
import type { RowScan, ScanRow } from './api.ts';
import { onStage, type ScriptedCluster } from './scripted-cluster.ts';

const environment = { ...nodeEnvironment(silent), random: new SeededRandom(1) };

const text = (bytes: Uint8Array): string => decodeUtf8(bytes, 0, bytes.length);
const describe = (row: ScanRow): string => `${text(row.hashKey)}/${text(row.sortKey)}`;

function fill(cluster: ScriptedCluster, count: number): string[] {
  const names: string[] = [];
  for (let index = 0; index < count; index++) {
    const sortKey = `${String(index).padStart(4, '0')}${String.fromCharCode(64 + (index % 8))}`;
    cluster.place('hash', sortKey, `value${index}`);
    names.push(`hash/${sortKey}`);
  }
  return names;
}

async function collect(scan: RowScan): Promise<string[]> {
  const names: string[] = [];
  for await (const row of scan) names.push(describe(row));
  return names;
}

test('a scan of the table reads all partitions', () =>
  onStage(environment, {}, async ({ cluster, table }) => {
    const names = fill(cluster, 500);
    const found = await collect(table.scan({ batchSize: 7, parallelism: 3 }));
    assert.deepEqual(found.sort(), names);
  }));

test('scanners share the partitions between them', () =>
  onStage(environment, {}, async ({ cluster, table }) => {
    const names = fill(cluster, 100);
    const scans = await table.scanners(3, { batchSize: 10 });
    const parts = await Promise.all(scans.map(collect));
    assert.equal(scans.length, 3);
    assert.deepEqual(parts.flat().sort(), names);
    assert.equal((await table.scanners(100)).length, 8);
  }));

test('a scan of a hash key stays inside it and keeps its order', () =>
  onStage(environment, {}, async ({ cluster, table }) => {
    const partition = await table.partitionOf('inside');
    const last = String.fromCharCode(64 + partition);
    for (const name of ['c', 'a', 'b']) cluster.place('inside', name + last, name);
    cluster.place('outside', `a${last}`, 'x');
    const all = await collect(table.scan({ hashKey: 'inside' }));
    assert.deepEqual(all, [`inside/a${last}`, `inside/b${last}`, `inside/c${last}`]);
    const some = await collect(table.scan({ hashKey: 'inside', start: 'b', stop: 'c' }));
    assert.deepEqual(some, [`inside/b${last}`]);
  }));

test('a scan whose contexts are lost goes on behind its last row', () =>
  onStage(environment, {}, async ({ cluster, table }) => {
    const names = fill(cluster, 200);
    const found: string[] = [];
    for await (const row of table.scan({ batchSize: 5 })) {
      found.push(describe(row));
      if (found.length % 20 === 0) cluster.loseContexts();
    }
    assert.deepEqual(found.sort(), names);
  }));

test('a scan survives the crash of a server', () =>
  onStage(environment, {}, async ({ cluster, table }) => {
    const names = fill(cluster, 200);
    const found: string[] = [];
    for await (const row of table.scan({ batchSize: 5 })) {
      found.push(describe(row));
      if (found.length !== 50) continue;
      await cluster.replicas[1]!.kill();
      cluster.movePrimaries(1, 2);
      cluster.loseContexts();
    }
    assert.deepEqual(found.sort(), names);
  }));

test('leaving a scan early frees the contexts on the servers', () =>
  onStage(environment, {}, async ({ cluster, table }) => {
    fill(cluster, 200);
    const cleared = new Promise<void>((resolve) => {
      for (const replica of cluster.replicas) {
        replica.script = (request) => {
          cluster.answer(request);
          if (request.rpc === RpcCode.clearScanner) resolve();
        };
      }
    });
    for await (const _ of table.scan({ batchSize: 5 })) break;
    await cleared;
  }));

test('an empty table has no rows, batch by batch as well', () =>
  onStage(environment, {}, async ({ table }) => {
    assert.deepEqual(await collect(table.scan()), []);
    assert.equal(await table.scan().nextBatch(), null);
  }));

test('a reader who stops reading stops the servers: one batch per partition is ahead of it', () =>
  onStage(environment, {}, async ({ cluster, table }) => {
    fill(cluster, 800);
    const scan = table.scan({ batchSize: 5, parallelism: 4 });
    const batches = (): number =>
      cluster.replicas
        .flatMap(({ requests }) => requests)
        .filter(({ rpc }) => rpc === RpcCode.getScanner || rpc === RpcCode.scan).length;
    await scan.next();
    // A round trip to every server: whatever was sent before it has arrived.
    for (let partition = 0; partition < 8; partition++) await table.get('hash', `${partition}`);
    assert(batches() <= 5);
    for (let row = 1; row < 5; row++) await scan.next();
    assert(batches() <= 5);
    await scan.return?.();
  }));
