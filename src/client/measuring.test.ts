/** What went through a client can be counted and traced. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode } from '../base/error-names.ts';
import { SeededRandom } from '../base/prng.ts';
import { nodeEnvironment, silent } from '../bin/client.ts';
import * as rrdb from '../wire/generated/rrdb.ts';
import { RejectedError } from './errors.ts';
import type { OperationEnd } from './hooks.ts';
import {
  openTelemetryHooks,
  type TelemetryAttributes,
  type TelemetrySpan,
  type TelemetryTracer,
} from './open-telemetry.ts';
import { operationMetrics } from './operation-metrics.ts';
import { failureOf, onStage } from './scripted-cluster.ts';

const environment = { ...nodeEnvironment(silent), random: new SeededRandom(1) };

const END: OperationEnd = {
  operation: 'get',
  table: 'temp',
  server: '10.0.0.1:34801',
  attempts: 1,
  durationMs: 1,
  error: null,
  abandoned: false,
};

test('operations are counted per operation and table, with their errors and retries', async () => {
  const metrics = operationMetrics();
  await onStage(environment, { hooks: [metrics.hooks] }, async ({ cluster, table }) => {
    await Promise.all([table.set('a', 'b', 'c'), table.set('a', 'c', 'd')]);
    await table.get('a', 'b');
    for (const replica of cluster.replicas) {
      let refusals = 2;
      replica.script = (request) => {
        request.refuse(refusals-- > 0 ? ErrorCode.busy : ErrorCode.invalidData);
      };
    }
    await failureOf(table.get('a', 'b'));
    const [sets, gets] = metrics.figures();
    assert.deepEqual([sets!.operation, sets!.table, sets!.count], ['set', 'temp', 2]);
    assert.deepEqual([gets!.count, gets!.retries], [2, 2]);
    assert.deepEqual([...gets!.errors], [['rejected', 1]]);
    assert(gets!.maxMs > 0 && gets!.totalMs >= gets!.maxMs);
    assert.equal(metrics.underWay, 0);
  });
});

test('the slower request of a hedged read is no error and has no time', async () => {
  const metrics = operationMetrics();
  const ends: OperationEnd[] = [];
  const hooks = [metrics.hooks, { onOperationEnd: (end: OperationEnd) => void ends.push(end) }];
  await onStage(environment, { hooks }, async ({ cluster, table }) => {
    await table.set('a', 'b', 'c');
    for (const replica of cluster.replicas) {
      replica.script = (request) => {
        if (request.isBackup) request.reply(rrdb.writeReadResponse, rrdb.makeReadResponse());
      };
    }
    const hedged = table.hedged({ afterMs: 0, stalenessMsMax: 'any' });
    await hedged.get('a', 'b');
    const gets = ends.filter(({ operation }) => operation === 'get');
    assert.deepEqual(
      gets.map(({ abandoned, error }) => [abandoned, error]),
      [
        [false, null],
        [true, null],
      ],
    );
    const stop = new AbortController();
    const aborted = failureOf(hedged.ttl('a', 'b', { signal: stop.signal }));
    stop.abort();
    await aborted;
    assert.equal(ends.at(-1)!.error?.code, 'aborted');
  });
  const [, gets, ttls] = metrics.figures();
  assert.deepEqual([gets!.count, ttls!.count], [1, 1]);
  assert.equal(metrics.underWay, 0);
});

test('percentiles are at most a quarter above the truth', () => {
  const metrics = operationMetrics();
  const { onOperationStart, onOperationEnd } = metrics.hooks;
  for (let durationMs = 1; durationMs <= 1_000; durationMs++) {
    onOperationStart!(END);
    onOperationEnd!({ ...END, durationMs }, undefined);
  }
  const [figures] = metrics.figures();
  for (const share of [0.01, 0.5, 0.95, 0.99, 1]) {
    const truthMs = share * 1_000;
    const percentileMs = figures!.percentileMs(share);
    assert(percentileMs >= truthMs && percentileMs <= 1.25 * truthMs);
  }
  assert.equal(figures!.percentileMs(1), 1_000);
  onOperationEnd!({ ...END, operation: 'set', durationMs: 1e9 }, undefined);
  assert.equal(metrics.figures()[1]!.maxMs, 1e9);
});

test('every operation becomes a span and a duration, named as OpenTelemetry names them', () => {
  const log: unknown[] = [];
  const span: TelemetrySpan = {
    setAttributes: (attributes) => log.push(attributes),
    recordException: ({ name }) => log.push(name),
    setStatus: (status) => log.push(status),
    end: () => log.push('end'),
  };
  const tracer: TelemetryTracer = {
    startSpan: (name, options) => {
      log.push([name, options]);
      return span;
    },
  };
  const durations: [number, TelemetryAttributes][] = [];
  const meter = {
    createHistogram: (name: string, options: { description: string; unit: string }) => {
      assert.deepEqual([name, options.unit], ['db.client.operation.duration', 's']);
      return {
        record: (value: number, attributes: TelemetryAttributes) => {
          durations.push([value, attributes]);
        },
      };
    },
  };
  const attributes = {
    'db.system.name': 'pegasus',
    'db.operation.name': 'get',
    'db.collection.name': 'temp',
  };
  const hooks = openTelemetryHooks({ tracer, meter });
  const where = {
    'pegasus.attempts': 1,
    'server.address': '10.0.0.1',
    'server.port': 34801,
  };
  hooks.onOperationEnd!(END, hooks.onOperationStart!(END));
  assert.deepEqual(log, [['get temp', { kind: 2, attributes }], where, 'end']);
  log.length = 0;
  const error = new RejectedError('refused', { ...END, serverCode: 'ERR_BUSY' });
  hooks.onOperationEnd!({ ...END, error }, hooks.onOperationStart!(END));
  assert.deepEqual(log.slice(1), [
    { ...where, 'error.type': 'rejected' },
    'RejectedError',
    { code: 2, message: 'refused' },
    { 'db.response.status_code': 'ERR_BUSY' },
    'end',
  ]);
  assert.deepEqual(durations, [
    [0.001, attributes],
    [0.001, { ...attributes, 'error.type': 'rejected' }],
  ]);
  log.length = 0;
  hooks.onOperationEnd!({ ...END, abandoned: true }, hooks.onOperationStart!(END));
  assert.deepEqual(log.slice(1), [where, { 'pegasus.abandoned': 'true' }, 'end']);
  assert.equal(durations.length, 2);
  const nothing = openTelemetryHooks({});
  nothing.onOperationEnd!(END, nothing.onOperationStart!(END));
});
