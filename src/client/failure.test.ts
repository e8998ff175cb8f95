/**
 * What becomes of an operation whose server fails in the middle, and whether the caller is told the
 * truth about it.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode } from '../base/error-names.ts';
import { SeededRandom } from '../base/prng.ts';
import { nodeEnvironment, silent } from '../bin/client.ts';
import * as rrdb from '../wire/generated/rrdb.ts';
import { RpcCode } from '../wire/rpc-codes.ts';
import { StorageStatus } from '../wire/schema/rrdb.ts';
import {
  AbortedError,
  ClosedError,
  InDoubtError,
  InvalidArgumentError,
  OverloadedError,
  RejectedError,
  TimeoutError,
} from './errors.ts';
import { Operation } from './operation.ts';
import { INCR } from './operation-kinds.ts';
import { failureOf, onStage, type ScriptedRequest, type Stage } from './scripted-cluster.ts';

const environment = { ...nodeEnvironment(silent), random: new SeededRandom(1) };

/** The primary takes the request and dies; another one is in its place. */
async function crashAtNextRequest({ cluster, nextRequest, resume }: Stage): Promise<void> {
  const request = await nextRequest();
  resume();
  const victim = cluster.replicas.findIndex(({ name }) => name === request.server);
  await cluster.replicas[victim]!.kill();
  cluster.movePrimaries(victim, (victim + 1) % 3);
}

test('a read survives the crash of its server', () =>
  onStage(environment, {}, async (stage) => {
    await stage.table.set('a', 'b', 'value');
    const crash = crashAtNextRequest(stage);
    assert.equal(await stage.table.getString('a', 'b'), 'value');
    await crash;
  }));

test('a put survives the crash of its server', () =>
  onStage(environment, {}, async (stage) => {
    const crash = crashAtNextRequest(stage);
    await stage.table.set('a', 'b', 'value');
    await crash;
    assert.equal(stage.cluster.rows.size, 1);
  }));

test('a put whose server crashed is in doubt for who asked not to repeat it', () =>
  onStage(environment, { ambiguousWrites: 'fail' }, async (stage) => {
    const crash = crashAtNextRequest(stage);
    const error = await failureOf(stage.table.set('a', 'b', 'value'));
    assert(error instanceof InDoubtError);
    assert.equal(error.reason, 'connectionLost');
    assert.equal(error.maybeApplied, true);
    assert.equal(error.attempts, 1);
    await crash;
    await stage.table.set('a', 'b', 'again');
  }));

test('an increment that was sent is never sent again', () =>
  onStage(environment, {}, async (stage) => {
    const crash = crashAtNextRequest(stage);
    const error = await failureOf(stage.table.incr('a', 'b', 1));
    assert(error instanceof InDoubtError);
    await crash;
    const sent = stage.cluster.replicas.flatMap(({ requests }) => requests);
    assert.equal(sent.filter(({ rpc }) => rpc === RpcCode.incr).length, 1);
  }));

test('an increment that was refused, or never left, is tried until it succeeds', () =>
  onStage(environment, {}, async ({ cluster, table, client }) => {
    const answers = [ErrorCode.busy, ErrorCode.notEnoughMember, ErrorCode.invalidState];
    for (const replica of cluster.replicas) {
      replica.script = (request) => {
        const refusal = request.rpc === RpcCode.get ? undefined : answers.pop();
        if (request.rpc === RpcCode.get) return cluster.answer(request);
        if (refusal !== undefined) return request.refuse(refusal);
        const sum = { ...rrdb.makeIncrResponse(), newValue: 0x7fffffffffffffffn };
        request.reply(rrdb.writeIncrResponse, sum);
      };
    }
    assert.equal(await table.incr('a', 'b', 0x7fffffffffffffffn), 0x7fffffffffffffffn);
    const home = cluster.primaries[4]!;
    await cluster.replicas[home]!.kill();
    // Until the client has noticed the broken connection, an increment would be sent into it.
    const crash = table.get('a', 'b');
    cluster.movePrimaries(home, (home + 1) % 3);
    await crash;
    assert.equal(await table.incr('a', 'b', 1), 0x7fffffffffffffffn);
    assert.equal(client.engine.operations, 0);
  }));

test('an answer that never comes ends at the deadline: reads failed, writes in doubt', () =>
  onStage(environment, {}, async ({ cluster, table }) => {
    for (const replica of cluster.replicas) replica.script = () => undefined;
    const startedMs = environment.clock.monotonicMs();
    const [read, write] = await Promise.all([
      failureOf(table.get('a', 'b', { timeoutMs: 300 })),
      failureOf(table.set('a', 'b', 'c', { timeoutMs: 300 })),
    ]);
    const tookMs = environment.clock.monotonicMs() - startedMs;
    assert(read instanceof TimeoutError);
    assert.equal(read.maybeApplied, false);
    assert(write instanceof InDoubtError);
    assert.equal(write.reason, 'timeout');
    assert(tookMs >= 300);
    assert(tookMs < 1_000);
  }));

test('a request that its server has lost costs an attempt, not the operation; an increment waits', () =>
  onStage(environment, {}, async ({ cluster, table }) => {
    const lost: RpcCode[] = [];
    for (const replica of cluster.replicas) {
      replica.script = (request) => {
        if (lost.includes(request.rpc)) cluster.answer(request);
        else lost.push(request.rpc);
      };
    }
    const startedMs = environment.clock.monotonicMs();
    const options = { timeoutMs: 2_400 };
    const increment = failureOf(table.incr('a', 'n', 1, options));
    await table.set('a', 'b', 'c', options);
    const writeMs = environment.clock.monotonicMs() - startedMs;
    assert(writeMs >= 1_200 && writeMs < 2_400, `the write took ${writeMs} ms`);
    assert.equal(await table.getString('a', 'b', options), 'c');
    const error = await increment;
    assert(error instanceof InDoubtError);
    assert.equal(error.attempts, 1);
  }));

test('the last attempt that a policy allows has all the time that is left', () =>
  onStage(environment, { retry: { attemptsMax: 1 } }, async ({ cluster, table }) => {
    for (const replica of cluster.replicas) replica.script = () => undefined;
    const startedMs = environment.clock.monotonicMs();
    const error = await failureOf(table.set('a', 'b', 'c', { timeoutMs: 1_500 }));
    assert(error instanceof InDoubtError);
    assert(environment.clock.monotonicMs() - startedMs >= 1_500);
  }));

test('servers are told the time of the attempt, not that of the operation', () =>
  onStage(environment, {}, async ({ cluster, table, nextRequest }) => {
    const arrived = nextRequest();
    const write = table.set('a', 'b', 'c', { timeoutMs: 10_000 });
    const request = await arrived;
    cluster.answer(request);
    await write;
    const { timeoutMs } = request;
    assert(timeoutMs > 4_000 && timeoutMs <= 5_000, `${timeoutMs} ms`);
  }));

test('an aborted operation ends at once, and an aborted signal starts nothing', () =>
  onStage(environment, {}, async ({ table, nextRequest }) => {
    const stop = new AbortController();
    const arrived = nextRequest();
    const read = failureOf(table.get('a', 'b', { signal: stop.signal }));
    const write = failureOf(table.set('a', 'b', 'c', { signal: stop.signal }));
    await arrived;
    stop.abort();
    assert((await read) instanceof AbortedError);
    const error = await write;
    assert(error instanceof InDoubtError);
    assert.equal(error.reason, 'aborted');
    assert((await failureOf(table.get('a', 'b', { signal: stop.signal }))) instanceof AbortedError);
  }));

test('closing the client ends everything that is under way', () =>
  onStage(environment, {}, async ({ client, table, nextRequest }) => {
    const arrived = nextRequest();
    const read = failureOf(table.get('a', 'b'));
    const write = failureOf(table.set('a', 'b', 'c'));
    await arrived;
    await client.close();
    assert((await read) instanceof ClosedError);
    assert((await write) instanceof InDoubtError);
    assert((await failureOf(table.get('a', 'b'))) instanceof ClosedError);
  }));

test('answers may come in any order', () =>
  onStage(environment, {}, async ({ cluster, table }) => {
    const held: ScriptedRequest[] = [];
    for (const replica of cluster.replicas) {
      replica.script = (request) => {
        held.push(request);
        if (held.length < 20) return;
        for (const one of held.reverse()) cluster.answer(one);
      };
    }
    const names = Array.from({ length: 20 }, (_, index) => `row${index}`);
    await Promise.all(names.map((name) => table.set('hash', name, name)));
    held.length = 0;
    const values = await Promise.all(names.map((name) => table.getString('hash', name)));
    assert.deepEqual(values, names);
  }));

test('a damaged answer costs the connection: the read is repeated, the increment is in doubt', () =>
  onStage(environment, {}, async ({ cluster, table }) => {
    await table.set('a', 'b', 'value');
    let damaged = 0;
    for (const replica of cluster.replicas) {
      replica.script = (request) => {
        if (damaged > 0) return cluster.answer(request);
        damaged++;
        request.connection.write(new Uint8Array([0, 0, 0, 21, 0, 0, 0, 1, 0x45, 1, 2, 3, 4, 5]));
        request.connection.write(new Uint8Array(8));
      };
    }
    assert.equal(await table.getString('a', 'b'), 'value');
    damaged = 0;
    const error = await failureOf(table.incr('a', 'b'));
    assert(error instanceof InDoubtError);
    assert.equal(error.reason, 'badReply');
  }));

test('a late answer to a request that was given up meets nobody', () =>
  onStage(environment, {}, async ({ cluster, table, nextRequest, resume }) => {
    await table.set('a', 'b', 'value');
    const arrived = nextRequest();
    assert((await failureOf(table.get('a', 'b', { timeoutMs: 50 }))) instanceof TimeoutError);
    const late = await arrived;
    resume();
    cluster.answer(late);
    assert.equal(await table.getString('a', 'b'), 'value');
    assert.equal(await table.get('a', 'missing'), null);
  }));

test('what a server refuses for good is an error at once', () =>
  onStage(environment, {}, async ({ cluster, table }) => {
    for (const replica of cluster.replicas) {
      replica.script = (request) => request.refuse(ErrorCode.invalidData);
    }
    const error = await failureOf(table.set('a', 'b', 'too large'));
    assert(error instanceof RejectedError);
    assert.equal(error.serverCode, 'ERR_INVALID_DATA');
    assert.equal(error.maybeApplied, false);
  }));

test('a storage failure leaves a write in doubt and a read failed', () =>
  onStage(environment, {}, async ({ cluster, table }) => {
    for (const replica of cluster.replicas) {
      replica.script = (request) => {
        const error = StorageStatus.ioError;
        if (request.rpc === RpcCode.get) {
          request.reply(rrdb.writeReadResponse, { ...rrdb.makeReadResponse(), error });
        } else {
          request.reply(rrdb.writeUpdateResponse, { ...rrdb.makeUpdateResponse(), error });
        }
      };
    }
    assert((await failureOf(table.get('a', 'b'))) instanceof RejectedError);
    assert((await failureOf(table.set('a', 'b', 'c'))) instanceof InDoubtError);
  }));

test('arguments that no server would take are refused before anything is sent', () =>
  onStage(environment, {}, async ({ cluster, table }) => {
    const refused = [
      table.get('h'.repeat(65_535), 's'),
      table.set('h', 's', 'v', { ttlSeconds: -1 }),
      table.set('h', 's', 'v', { timeoutMs: Number.NaN }),
      table.multiSet('h', []),
      table.multiSet('', [['s', 'v']]),
      table.multiDel('h', []),
      table.multiGet('h', { maxCount: 0 }),
      table.incr('h', 's', 1.5),
      table.incr('h', 's', 1n << 63n),
    ];
    for (const promise of refused)
      assert((await failureOf(promise)) instanceof InvalidArgumentError);
    assert.equal(cluster.meta.requests.length, 0);
  }));

test('operations beyond the bound are refused, and the bound is free again afterwards', () =>
  onStage(environment, { operationsMax: 4 }, async ({ table, client }) => {
    await table.set('a', 'b', 'value');
    const reads = Array.from({ length: 8 }, () => table.getString('a', 'b'));
    const outcomes = await Promise.allSettled(reads);
    const refused = outcomes.filter(({ status }) => status === 'rejected');
    assert.equal(refused.length, 4);
    for (const outcome of refused) {
      assert.equal(
        outcome.status === 'rejected' && outcome.reason instanceof OverloadedError,
        true,
      );
    }
    assert.equal(client.engine.operations, 0);
    assert.equal(await table.getString('a', 'b'), 'value');
  }));

test('more requests than a connection may have outstanding wait their turn', () =>
  onStage(environment, { outstandingMax: 4 }, async ({ table }) => {
    const names = Array.from({ length: 100 }, (_, index) => `row${index}`);
    await Promise.all(names.map((name) => table.set('hash', name, name)));
    const values = await Promise.all(names.map((name) => table.getString('hash', name)));
    assert.deepEqual(values, names);
  }));

test('the end of an operation may end others and close the client, without promises as well', () =>
  onStage(environment, {}, async ({ cluster, client, nextRequest }) => {
    const ends: string[] = [];
    const operations: Operation[] = [];
    const start = (name: string, onEnd: () => void): void => {
      const operation = new Operation(client.engine, ({ failure }) => {
        ends.push(`${name} ${failure}`);
        onEnd();
      });
      operations.push(operation);
      operation.start(client.engine.table(cluster.table), INCR, increment, 5_000);
    };
    const increment = { key: new Uint8Array([0, 1, 97, 98]), increment: 1n, expireTsSeconds: 0 };
    const arrived = nextRequest();
    start('first', () => operations[1]!.abort());
    start('second', () => client.engine.close());
    start('third', () => start('fourth', () => undefined));
    const request = await arrived;
    request.connection.destroy();
    while (ends.length < 4) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(ends, ['first inDoubt', 'second inDoubt', 'third inDoubt', 'fourth closed']);
    assert.equal(client.engine.operations, 0);
  }));
