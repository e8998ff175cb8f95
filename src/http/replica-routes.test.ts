import assert from 'node:assert/strict';
import test from 'node:test';
import { gpidOf } from '../model/identity.ts';
import type { CompactionState } from '../replica/manual-compaction.ts';
import { compactionReply, healthReply } from './replica-routes.ts';

test('a server with a lease, a log and whole copies is well', () => {
  const reply = healthReply(true, 'ok', []);
  assert.equal(reply.status, 200);
  assert.deepEqual(JSON.parse(reply.body), {
    status: 'ok',
    lease: true,
    log: 'ok',
    failed_replicas: [],
    remedy: '',
  });
});

test('what is wrong is named; only what a restart mends asks for one', () => {
  const failures = [{ gpid: gpidOf(2, 1), reason: 'the log failed' }];
  for (const [hasLease, log, status] of [
    [false, 'ok', 200],
    [true, 'full', 200],
    [true, 'failed', 503],
  ] as const) {
    const reply = healthReply(hasLease, log, failures);
    assert.equal(reply.status, status);
    const body = JSON.parse(reply.body) as Record<string, unknown>;
    assert.equal(body['status'], 'degraded');
    assert.deepEqual(body['failed_replicas'], [{ partition: '2.1', reason: 'the log failed' }]);
    assert.notEqual(body['remedy'], '');
  }
});

test('replicas of a table are counted by what becomes of their compaction', () => {
  const replica = (appId: number, index: number, compaction: CompactionState) => ({
    gpid: gpidOf(appId, index),
    compaction,
  });
  const replicas = [
    replica(2, 0, 'running'),
    replica(2, 1, 'queuing'),
    replica(2, 2, 'queuing'),
    replica(2, 3, 'finished'),
    replica(3, 0, 'idle'),
  ];
  const reply = compactionReply(replicas, new Map([['app_id', '2']]));
  const status = { idle: 0, running: 1, queuing: 2, finished: 1 };
  assert.deepEqual(JSON.parse(reply.body), { status });
  for (const text of ['', 'x', '-1']) {
    assert.equal(compactionReply(replicas, new Map([['app_id', text]])).status, 400);
  }
});
