/** One signal may end any number of operations, and leaves nothing behind on the way. */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { SeededRandom } from '../base/prng.ts';
import { nodeEnvironment, silent } from '../bin/client.ts';
import { AbortedError } from './errors.ts';
import { failureOf, onStage } from './scripted-cluster.ts';

const environment = { ...nodeEnvironment(silent), random: new SeededRandom(1) };
const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;

test('a thousand operations hang on a signal by one listener, and end together', () =>
  onStage(environment, {}, async ({ client, table, nextRequest }) => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): number => warnings.push(warning);
    process.on('warning', onWarning);
    const stop = new AbortController();
    const arrived = nextRequest();
    const options = { signal: stop.signal };
    const failures = Array.from({ length: 1_000 }, (_, index) =>
      failureOf(table.get('a', `${index}`, options)),
    );
    assert.equal(listeners(stop.signal), 1);
    await arrived;
    stop.abort();
    for (const error of await Promise.all(failures)) assert(error instanceof AbortedError);
    assert.equal(listeners(stop.signal), 0);
    assert.equal(client.engine.operations, 0);
    process.off('warning', onWarning);
    assert.deepEqual(warnings, []);
  }));

test('a signal that never fires keeps no listener', () =>
  onStage(environment, {}, async ({ table }) => {
    const { signal } = new AbortController();
    await Promise.all([table.set('a', 'b', 'c', { signal }), table.get('a', 'b', { signal })]);
    await table.set('a', 'b', 'c', { signal });
    assert.equal(listeners(signal), 0);
  }));

test('batches, scans and hedged reads hang on it as well', () =>
  onStage(environment, {}, async ({ table, nextRequest }) => {
    await table.set('known', 'a', 'x');
    const stop = new AbortController();
    const options = { signal: stop.signal };
    const arrived = nextRequest();
    const keys = [{ hashKey: 'a', sortKey: 'b' }];
    const failures = [
      failureOf(table.batchGetSettled(keys, options).then((outcomes) => fail(outcomes[0]!))),
      failureOf(table.scan({ hashKey: 'a', ...options }).next()),
      failureOf(table.hedged({ afterMs: 0, stalenessMsMax: 'any' }).get('a', 'b', options)),
    ];
    await arrived;
    assert.equal(listeners(stop.signal), 1);
    stop.abort();
    for (const error of await Promise.all(failures)) assert(error instanceof AbortedError);
    assert.equal(listeners(stop.signal), 0);
    const late = table.hedged({ afterMs: 0, stalenessMsMax: 'any' }).get('a', 'b', options);
    assert((await failureOf(late)) instanceof AbortedError);
  }));

function fail(outcome: { readonly status: string; readonly error?: unknown }): never {
  throw outcome.error;
}
