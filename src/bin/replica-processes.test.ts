/** Several servers under one: started again, ended in order, gone with it. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Logger } from '../env/logger.ts';
import {
  checkPlan,
  FLEET_TIMES,
  flagsOf,
  ProcessFleet,
  restartDelayMs,
} from './replica-processes.ts';

/** Serves until it is asked to end, or its channel ends. */
const SERVER = `
  process.on('SIGTERM', () => process.exit(0));
  process.on('disconnect', () => process.exit(0));
  process.send('serving');
`;

/** Calls back with the fields of every end that was not asked for. */
function loggerOf(onEnded: (fields: Readonly<Record<string, unknown>>) => void): Logger {
  const quiet = (): void => undefined;
  return {
    debug: quiet,
    info: quiet,
    error: quiet,
    warn: (_event, fields) => onEnded(fields ?? {}),
  };
}

/** Node 20 has no `Promise.withResolvers`. */
function resolvable(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

const node = (script: string): string[] => ['-e', script];

test('all are started, one that dies is started again, and all end when asked to', async () => {
  const ends: Readonly<Record<string, unknown>>[] = [];
  const died = resolvable();
  const logger = loggerOf((fields) => {
    ends.push(fields);
    died.resolve();
  });
  const fleet = new ProcessFleet(2, () => node(SERVER), logger);
  await fleet.serving;
  const [first, second] = fleet.pids;
  assert(first !== undefined && second !== undefined);
  process.kill(second, 'SIGKILL');
  await died.promise;
  assert.equal(ends[0]?.['process'], 2);
  assert.equal(ends[0]['signal'], 'SIGKILL');
  assert.equal(ends[0]['delayMs'], 0);
  await fleet.close();
  assert.deepEqual(fleet.pids, []);
  assert.throws(() => process.kill(first, 0));
  assert.equal(ends.length, 1, 'ends that were asked for are no news');
});

test('one that cannot start is tried ever more rarely', async () => {
  const delays: unknown[] = [];
  const enough = resolvable();
  const times = { restartDelayMs: 2, restartDelayMaxMs: 4, stableAfterMs: 60_000 };
  const logger = loggerOf(({ delayMs }) => {
    delays.push(delayMs);
    if (delays.length === 4) enough.resolve();
  });
  const fleet = new ProcessFleet(1, () => node('process.exit(1)'), logger, times);
  await enough.promise;
  await fleet.close();
  assert.deepEqual(delays.slice(0, 4), [0, 2, 4, 4]);
});

test('delays double from the second failure on and have an end', () => {
  const delays = [0, 1, 2, 3, 7, 1_000].map((failures) => restartDelayMs(FLEET_TIMES, failures));
  assert.deepEqual(delays, [0, 0, 1_000, 2_000, 30_000, 30_000]);
});

test('each has a port and a folder of its own', () => {
  const plan = {
    listen: { host: '0.0.0.0', port: 34801 },
    advertised: { host: 'db1', port: 4801 },
    dataPath: '/data',
  };
  assert.deepEqual(flagsOf(plan, 2), [
    ...['--replica.listen', '0.0.0.0:34803'],
    ...['--replica.advertised', 'db1:4803'],
    ...['--replica.data_dir', '/data/process-3'],
  ]);
});

test('what cannot be is said before anything is started', () => {
  const plan = { listen: { host: 'h', port: 34801 }, advertised: null, dataPath: '/nowhere' };
  checkPlan(plan, 4);
  assert.throws(() => checkPlan(plan, 0), /--processes must be from 1/);
  assert.throws(() => checkPlan(plan, Number.NaN), /--processes must be from 1/);
  assert.throws(() => checkPlan({ ...plan, listen: { host: 'h', port: 0 } }, 2), /no 2 ports/);
  assert.throws(() => checkPlan({ ...plan, listen: { host: 'h', port: 65_535 } }, 2), /no 2 ports/);
});
