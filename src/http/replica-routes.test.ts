import assert from 'node:assert/strict';
import test from 'node:test';
import { gpidOf } from '../model/identity.ts';
import { healthReply } from './replica-routes.ts';

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
