/** How often an operation is tried is the caller's to limit, and what became of it is told to hooks. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode, errorName } from '../base/error-names.ts';
import { SeededRandom } from '../base/prng.ts';
import { type FailedAttempt, nodeEnvironment, silent } from '../bin/client.ts';
import type { LogFields, Logger } from '../env/logger.ts';
import * as meta from '../wire/generated/meta.ts';
import { ClusterClient } from './client.ts';
import {
  AbortedError,
  ClosedError,
  InDoubtError,
  InvalidArgumentError,
  RejectedError,
  UnavailableError,
} from './errors.ts';
import type { ClientHooks, OperationEnd, OperationStart } from './hooks.ts';
import { pauseMs, toRetryRules } from './retry-policy.ts';
import { failureOf, onStage, ScriptedServer, type Stage } from './scripted-cluster.ts';

const environment = { ...nodeEnvironment(silent), random: new SeededRandom(1) };

function refuse({ cluster }: Stage, code: ErrorCode): void {
  for (const replica of cluster.replicas) replica.script = (request) => request.refuse(code);
}

const requests = ({ cluster }: Stage): number =>
  cluster.replicas.flatMap((replica) => replica.requests).length;

test('pauses double up to their bound, less a chance of up to half', () => {
  const rules = toRetryRules({ backoffMs: 20, backoffMsMax: 100 });
  const pauses = [1, 2, 3, 4, 100].map((attempts) => pauseMs(rules, attempts, 0));
  assert.deepEqual(pauses, [20, 40, 80, 100, 100]);
  assert.equal(pauseMs(rules, 1, 0.5), 15);
  const refused = [
    { attemptsMax: 0 },
    { backoffMs: -1 },
    { backoffMs: Number.POSITIVE_INFINITY },
    { backoffMs: 20, backoffMsMax: 10 },
  ];
  for (const policy of refused) assert.throws(() => toRetryRules(policy), InvalidArgumentError);
});

test('after the last attempt the error says what the servers answered', () =>
  onStage(environment, { retry: { attemptsMax: 3, backoffMs: 0 } }, async (stage) => {
    refuse(stage, ErrorCode.busy);
    const error = await failureOf(stage.table.get('a', 'b'));
    assert(error instanceof UnavailableError);
    assert.equal(error.attempts, 3);
    assert.equal(error.serverCode, 'ERR_BUSY');
    assert.equal(requests(stage), 3);
  }));

test('a policy of the caller is asked before each further attempt', () => {
  const asked: FailedAttempt[] = [];
  const mayRetry = (failure: FailedAttempt): boolean => {
    asked.push(failure);
    return failure.attempts < 2;
  };
  return onStage(environment, { retry: { mayRetry, backoffMs: 0 } }, async (stage) => {
    refuse(stage, ErrorCode.busy);
    const error = await failureOf(stage.table.set('a', 'b', 'c'));
    assert(error instanceof UnavailableError);
    assert.equal(error.maybeApplied, false);
    assert.deepEqual(
      asked.map(({ operation, table, serverCode, attempts, reason }) => [
        operation,
        table,
        serverCode,
        attempts,
        reason,
      ]),
      [
        ['set', 'temp', 'ERR_BUSY', 1, 'refused'],
        ['set', 'temp', 'ERR_BUSY', 2, 'refused'],
      ],
    );
  });
});

test('a policy that forbids another attempt leaves a write that was sent in doubt', () =>
  onStage(environment, { retry: { mayRetry: () => false } }, async (stage) => {
    const arrived = stage.nextRequest();
    const failure = failureOf(stage.table.set('a', 'b', 'c'));
    (await arrived).connection.destroy();
    const error = await failure;
    assert(error instanceof InDoubtError);
    assert.equal(error.reason, 'connectionLost');
  }));

test('a policy cannot allow what is not safe', () =>
  onStage(environment, { retry: { mayRetry: () => true } }, async (stage) => {
    const arrived = stage.nextRequest();
    const failure = failureOf(stage.table.incr('a', 'b'));
    (await arrived).connection.destroy();
    assert((await failure) instanceof InDoubtError);
    assert.equal(requests(stage), 1);
  }));

test('a single attempt is enough to find the leader and the primary', () =>
  onStage(environment, {}, async ({ cluster }) => {
    const follower = await ScriptedServer.open(environment.transport, (request) => {
      const leader = { ...meta.makeWirePartitionConfiguration(), primary: cluster.meta.address };
      request.reply(meta.writeQueryCfgResponse, {
        ...meta.makeQueryCfgResponse(),
        err: errorName(ErrorCode.forwardToOthers),
        partitions: [leader],
      });
    });
    const options = { metas: follower.name, retry: { attemptsMax: 1 } };
    await onStage(environment, options, async ({ client }) => {
      await client.table(cluster.table).set('a', 'b', 'c');
      await client.admin.tableConfig(cluster.table);
    });
    await follower.kill();
  }));

test('a policy may abort the operation that it is asked about, or close the client', () => {
  const stop = new AbortController();
  const clients: ClusterClient[] = [];
  const mayRetry = ({ operation }: FailedAttempt): boolean => {
    if (operation === 'get') stop.abort();
    else void clients[0]!.close();
    return true;
  };
  return onStage(environment, { retry: { mayRetry } }, async (stage) => {
    clients.push(stage.client);
    refuse(stage, ErrorCode.busy);
    const aborted = stage.table.get('a', 'b', { signal: stop.signal });
    assert((await failureOf(aborted)) instanceof AbortedError);
    assert((await failureOf(stage.table.set('a', 'b', 'c'))) instanceof ClosedError);
    assert.equal(stage.client.engine.operations, 0);
  });
});

/** Logs nothing but what must not happen. */
function recording(events: string[]): Logger {
  const note = (event: string, fields?: LogFields): void => {
    events.push(`${event} ${fields?.['message']}`);
  };
  return { ...silent, error: note };
}

test('a policy or a hook that throws is logged, and the operation goes its way', async () => {
  const events: string[] = [];
  const broken = (): never => {
    throw new Error('broken');
  };
  const options = {
    retry: { mayRetry: broken },
    hooks: [{ onOperationStart: broken, onOperationEnd: broken }],
  };
  const noisy = { ...environment, logger: recording(events) };
  await onStage(noisy, options, async (stage) => {
    await stage.table.set('a', 'b', 'c');
    refuse(stage, ErrorCode.busy);
    assert((await failureOf(stage.table.get('a', 'b'))) instanceof UnavailableError);
  });
  const hook = 'client.hook.failed Error: broken';
  const policy = 'client.retryPolicy.failed Error: broken';
  assert.deepEqual(events, [hook, hook, hook, policy, hook]);
});

test('hooks see every operation begin and end, with what it took', () => {
  const log: string[] = [];
  const ends: OperationEnd[] = [];
  const hook = (name: string): ClientHooks => ({
    onOperationStart: ({ operation, table }: OperationStart) => {
      log.push(`${name} starts ${operation} ${table}`);
      return `${name} token of ${operation}`;
    },
    onOperationEnd: (end, started) => {
      log.push(`${name} ends ${end.operation} with ${started}`);
      ends.push(end);
    },
  });
  return onStage(environment, { hooks: [hook('A'), hook('B'), {}] }, async (stage) => {
    await stage.table.set('a', 'b', 'c');
    assert.deepEqual(log, [
      'A starts set temp',
      'B starts set temp',
      'A ends set with A token of set',
      'B ends set with B token of set',
    ]);
    const [end] = ends;
    assert.deepEqual([end!.attempts, end!.error], [1, null]);
    assert(end!.durationMs >= 0);
    assert(stage.cluster.replicas.some(({ name }) => name === end!.server));

    refuse(stage, ErrorCode.invalidData);
    const error = await failureOf(stage.table.get('a', 'b'));
    assert(error instanceof RejectedError);
    assert.equal(ends.at(-1)!.error, error);
    log.length = 0;
    await failureOf(stage.table.multiSet('a', []));
    assert.deepEqual(log, [], 'what is not sent is not seen');
  });
});

test('a policy without attempts is refused at once', () => {
  const metas = '127.0.0.1:1';
  const open = (): ClusterClient =>
    new ClusterClient(environment, { metas, retry: { attemptsMax: 0 } });
  assert.throws(open, /retry.attemptsMax is a number of at least 1/);
});
