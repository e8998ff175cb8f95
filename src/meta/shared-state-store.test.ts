/** The shared store under what a network and rivals do: each change happens once, in order, or not at all. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { VirtualTime } from '../adapters/memory/clock.ts';
import {
  DEFAULT_MEMORY_COORDINATION,
  MemoryCoordination,
  type WriteFault,
} from '../adapters/memory/coordination.ts';
import { SeededRandom } from '../base/prng.ts';
import { decodeUtf8, encodeUtf8 } from '../base/utf8.ts';
import { HEAD_ABSENT } from '../env/coordination.ts';
import type { Logger } from '../env/logger.ts';
import {
  type AppendOutcome,
  type StateEntry,
  StateStoreError,
  type StateStoreErrorCode,
} from '../env/state-store.ts';
import { SharedStateStore } from './shared-state-store.ts';

const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** Few changes fit into one write, so that most appends are staged. */
const NARROW = {
  ...DEFAULT_MEMORY_COORDINATION,
  limits: { ...DEFAULT_MEMORY_COORDINATION.limits, changesMax: 3 },
};

class Town {
  readonly time = new VirtualTime();
  readonly service: MemoryCoordination;
  readonly random: SeededRandom;

  constructor(seed = 1) {
    this.random = new SeededRandom(seed);
    this.service = new MemoryCoordination(this.time, NARROW);
  }

  opening(): Promise<SharedStateStore> {
    const { time, random } = this;
    return SharedStateStore.open(
      { service: this.service.client(), timers: time, random, logger: SILENT },
      { clusterName: 'c', retryDelayMs: 100, self: 'a:1', metaServers: ['a:1', 'b:1'] },
    );
  }

  open(): Promise<SharedStateStore> {
    return this.time.run(this.opening());
  }

  append(store: SharedStateStore, ...pairs: [string, string][]): Promise<AppendOutcome> {
    return this.time.run(appending(store, pairs));
  }
}

function entries(pairs: readonly (readonly [string, string])[]): StateEntry[] {
  return pairs.map(([key, value]) => ({ key, value: encodeUtf8(value) }));
}

function appending(
  store: SharedStateStore,
  pairs: readonly (readonly [string, string])[],
): Promise<AppendOutcome> {
  return new Promise((resolve) => {
    store.append(entries(pairs), resolve);
  });
}

function contents(store: SharedStateStore): Record<string, string> {
  return Object.fromEntries(store.entries().map(({ key, value }) => [key, decodeUtf8(value)]));
}

async function refusal(town: Town): Promise<StateStoreErrorCode> {
  const error = await town.open().then(
    () => assert.fail('the store must not open'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof StateStoreError, String(error));
  return error.code;
}

test('a write whose answer was lost is not done again: it is found at the head', async () => {
  const town = new Town();
  const store = await town.open();
  const before = town.service.writeCount;
  town.service.faults.push('answerLost');
  assert.equal(await town.append(store, ['a', '1']), 'durable');
  assert.equal(town.service.writeCount, before + 1);
  assert.deepEqual(contents(await town.open()), { a: '1' });
});

test('a write that was lost on its way is done again', async () => {
  const town = new Town();
  const store = await town.open();
  town.service.faults.push('requestLost', 'requestLost');
  assert.equal(await town.append(store, ['a', '1']), 'durable');
  assert.equal(store.trouble, null);
  assert.deepEqual(contents(await town.open()), { a: '1' });
});

test('a write that comes late changes nothing: neither what followed it nor what another term wrote', async () => {
  const town = new Town();
  const store = await town.open();
  town.service.faults.push('late');
  assert.equal(await town.append(store, ['a', 'first']), 'durable');
  assert.equal(await town.append(store, ['a', 'second']), 'durable');
  town.service.deliverLate();
  assert.deepEqual(contents(await town.open()), { a: 'second' });

  const leader = await town.open();
  town.service.faults.push('late');
  leader.append(entries([['a', 'from the past']]), () => assert.fail('it was closed'));
  await town.time.advance(50);
  await town.time.run(leader.close());
  const successor = await town.open();
  town.service.deliverLate();
  assert.equal(await town.append(successor, ['b', '1']), 'durable');
  assert.deepEqual(contents(await town.open()), { a: 'second', b: '1' });
});

test('a writer that dies at any step of a large change leaves all of it or nothing', async () => {
  const old = Array.from({ length: 8 }, (_, index) => [`k${index}`, 'old'] as const);
  const next = old.map(([key]) => [key, 'new'] as const);
  const seen = new Set<string>();
  for (let step = 0; step < 14; step++) {
    const town = new Town();
    const store = await town.open();
    await town.time.run(appending(store, old));
    const outcomes: AppendOutcome[] = [];
    store.append(entries(next), (outcome) => outcomes.push(outcome));
    // One write per millisecond.
    await town.time.advance(step + 0.5);
    await town.time.run(store.close());
    for (let term = 0; term < 2; term++) {
      const values = new Set(Object.values(contents(await town.open())));
      assert.equal(values.size, 1, `step ${step}: whole`);
      seen.add([...values].join());
      if (outcomes.length > 0) assert.ok(values.has('new'), `step ${step}: acknowledged`);
    }
    const successor = await town.open();
    assert.equal(await town.append(successor, ['k0', 'newer']), 'durable');
    const last = contents(await town.open());
    assert.equal(last['k0'], 'newer', `step ${step}: the finished change does not come over it`);
    assert.equal(new Set(Object.values(last)).size, 2);
  }
  assert.deepEqual([...seen].sort(), ['new', 'old'], 'both ends were met');
});

test('among rivals on a bad network, what was acknowledged stays, and no change is there by halves', async () => {
  const kinds: readonly WriteFault[] = ['answerLost', 'requestLost', 'late'];
  for (let seed = 0; seed < 60; seed++) {
    const town = new Town(seed);
    const { random, service, time } = town;
    let acknowledged = 0;
    let attempted = 0;
    let leader = await town.open();
    for (let round = 0; round < 25; round++) {
      const found = Number(contents(leader)['0'] ?? 0);
      assert.ok(found >= acknowledged, `seed ${seed}: ${acknowledged} was acknowledged`);
      assert.ok(found <= attempted, `seed ${seed}: ${found} was written`);
      attempted = Math.max(attempted, found) + 1;
      const value = String(attempted);
      for (let count = random.below(4); count > 0; count--) {
        service.faults.push(kinds[random.below(kinds.length)]!);
      }
      const width = 1 + random.below(7);
      const pairs = Array.from({ length: width }, (_, index) => [String(index), value] as const);
      let outcome: AppendOutcome | null = null;
      const appended = appending(leader, pairs).then((told) => {
        outcome = told;
        if (told === 'durable') acknowledged = Number(value);
      });
      await time.advance(random.below(120));
      if (random.below(3) > 0) await time.run(appended);
      if (random.below(2) === 0) service.deliverLate();
      if (outcome === null || random.below(3) === 0) {
        const successor = await openAmongFaults(town);
        if (outcome === null) await time.run(appended);
        const values = new Map(Object.entries(contents(successor)));
        const count = pairs.filter(([key]) => values.get(key) === value).length;
        assert.ok(count === 0 || count === width, `seed ${seed}: ${count} of ${width}`);
        leader = successor;
      }
    }
  }
});

/** A term that begins may meet the faults that were meant for the other. */
async function openAmongFaults(town: Town): Promise<SharedStateStore> {
  for (;;) {
    try {
      return await town.open();
    } catch (error) {
      assert.ok(error instanceof StateStoreError && error.code === 'unavailable', String(error));
    }
  }
}

test('a head of a newer format, of nobody, or none at all over entries is refused and left alone', async () => {
  const cases: readonly (readonly [string | null, StateStoreErrorCode])[] = [
    ['{"format":2,"anything":true}', 'newerFormat'],
    ['no json', 'corrupt'],
    ['{"format":1,"clusterName":"c"}', 'corrupt'],
    [
      '{"format":1,"clusterName":"c","clusterId":"x","metaServers":["a:1"],"epoch":1,"sequence":0,"stagedCount":1}',
      'corrupt',
    ],
    [null, 'corrupt'],
  ];
  for (const [text, code] of cases) {
    const town = new Town();
    const client = town.service.client();
    const head = text === null ? null : encodeUtf8(text);
    const puts = entries([['a', '1']]);
    await town.time.run(client.write({ fence: HEAD_ABSENT, head, puts, removals: [] }));
    const before = await town.time.run(client.readAll());
    assert.equal(await refusal(town), code, String(text));
    assert.deepEqual(await town.time.run(client.readAll()), before);
  }
});

test('a head that somebody overwrote deposes the writer', async () => {
  const town = new Town();
  const store = await town.open();
  await town.append(store, ['a', '1']);
  // Written by hand, over the fence.
  const client = town.service.client();
  const head = await town.time.run(client.readHead());
  const request = { fence: head!.version, head: encodeUtf8('gone'), puts: [], removals: [] };
  await town.time.run(client.write(request));
  assert.equal(await town.append(store, ['a', '2']), 'deposed');
  assert.equal(await refusal(town), 'corrupt');
});
