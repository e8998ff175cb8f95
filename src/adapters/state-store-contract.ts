/**
 * What every `StateStore` must do, as cases that a test runs against an implementation. What a crash in the middle of
 * a write leaves is not here: only a disk or a service that can fail on command can show it.
 */
import assert from 'node:assert/strict';
import type { Timers } from '../env/clock.ts';
import {
  type AppendOutcome,
  STATE_ENTRY_BYTES_MAX,
  type StateEntry,
  type StateStore,
  StateStoreError,
} from '../env/state-store.ts';

export interface StateStoreBench {
  readonly timers: Timers;
  /** Begins a term as another process would: nothing is shared with the stores that were opened before. */
  open(clusterName?: string): Promise<StateStore>;
  /** From now on nothing can be written, until `repair`. */
  breakDown(): Promise<void>;
  repair(): Promise<void>;
}

export interface StateStoreContractCase {
  readonly claim: string;
  /** Nothing was ever written, and all stores that are open at the end may be left. */
  readonly run: (bench: StateStoreBench) => Promise<void>;
}

const POLL_MS = 5;

function entry(key: string, value: string): StateEntry {
  return { key, value: new TextEncoder().encode(value) };
}

function append(store: StateStore, ...entries: StateEntry[]): Promise<AppendOutcome> {
  return new Promise((resolve) => {
    store.append(entries, resolve);
  });
}

/** By key, as text. */
function contents(store: StateStore): Record<string, string> {
  const pairs = store.entries().map(({ key, value }) => [key, new TextDecoder().decode(value)]);
  return Object.fromEntries(pairs.sort()) as Record<string, string>;
}

async function until(bench: StateStoreBench, holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise<void>((resolve) => bench.timers.after(POLL_MS, resolve));
}

/** Null when the implementation lets nobody in while another term lasts. */
async function openBeside(bench: StateStoreBench): Promise<StateStore | null> {
  try {
    return await bench.open();
  } catch (error) {
    assert.ok(error instanceof StateStoreError, String(error));
    assert.equal(error.code, 'locked');
    return null;
  }
}

const content: readonly StateStoreContractCase[] = [
  {
    claim: 'what was appended is there in the next term, the newest of each key',
    run: async (bench) => {
      const first = await bench.open();
      assert.deepEqual(first.entries(), []);
      assert.equal(await append(first, entry('a', '1'), entry('b', '1')), 'durable');
      assert.equal(await append(first, entry('a', '2')), 'durable');
      assert.deepEqual(contents(first), { a: '2', b: '1' });
      await first.close();
      await first.close();
      const second = await bench.open();
      assert.deepEqual(contents(second), { a: '2', b: '1' });
      await second.close();
    },
  },
  {
    claim: 'each term has a larger epoch than all before, and the cluster id stays',
    run: async (bench) => {
      const epochs: number[] = [];
      const ids = new Set<string>();
      for (let term = 0; term < 4; term++) {
        const store = await bench.open();
        epochs.push(store.epoch);
        ids.add(store.clusterId);
        await store.close();
      }
      for (let term = 1; term < 4; term++) assert.ok(epochs[term]! > epochs[term - 1]!);
      assert.equal(ids.size, 1);
      assert.match([...ids][0]!, /^[0-9a-f]{32}$/);
    },
  },
  {
    claim: 'within one append the last entry of a key counts',
    run: async (bench) => {
      const store = await bench.open();
      await append(store, entry('a', '1'), entry('b', '1'), entry('a', '2'));
      assert.deepEqual(contents(store), { a: '2', b: '1' });
      await store.close();
      const again = await bench.open();
      assert.deepEqual(contents(again), { a: '2', b: '1' });
      await again.close();
    },
  },
  {
    claim: 'any bytes are kept, under any key',
    run: async (bench) => {
      const keys = [
        'table/1',
        'partition/1/0',
        'a',
        'a/',
        'a//b',
        '/',
        '.',
        '..',
        'a/..',
        '%',
        'ß€😀',
        'x'.repeat(400),
      ];
      const every = Uint8Array.from({ length: 256 }, (_, index) => index);
      const store = await bench.open();
      const entries = keys.map((key, index) => ({ key, value: every.subarray(0, 25 * index) }));
      assert.equal(await append(store, ...entries), 'durable');
      await store.close();
      const again = await bench.open();
      const found = new Map(again.entries().map(({ key, value }) => [key, value]));
      assert.equal(found.size, keys.length);
      for (const { key, value } of entries) assert.deepEqual([...found.get(key)!], [...value]);
      await again.close();
    },
  },
  {
    claim: 'a foreign cluster is refused, and changes nothing',
    run: async (bench) => {
      const store = await bench.open();
      await append(store, entry('a', '1'));
      await store.close();
      await assert.rejects(
        bench.open('foreign'),
        (error) => error instanceof StateStoreError && error.code === 'foreignCluster',
      );
      const again = await bench.open();
      assert.deepEqual(contents(again), { a: '1' });
      assert.equal(again.epoch, store.epoch + 1);
      await again.close();
    },
  },
];

const appends: readonly StateStoreContractCase[] = [
  {
    claim: 'the outcome of an append never comes inside the call, and may begin the next one',
    run: async (bench) => {
      const store = await bench.open();
      await new Promise<void>((resolve) => {
        let left = 5;
        const next = (): void => {
          let inside = true;
          store.append([entry('left', String(left))], (outcome) => {
            assert.equal(inside, false);
            assert.equal(outcome, 'durable');
            left -= 1;
            if (left === 0) resolve();
            else next();
          });
          inside = false;
        };
        next();
      });
      assert.deepEqual(contents(store), { left: '1' });
      await store.close();
    },
  },
  {
    claim: 'two appends at a time, an empty one and one that is too large are broken invariants',
    run: async (bench) => {
      const store = await bench.open();
      const broken = { name: 'InvariantError' };
      assert.throws(() => store.append([], () => {}), broken);
      const large = { key: 'k', value: new Uint8Array(STATE_ENTRY_BYTES_MAX) };
      assert.throws(() => store.append([large], () => {}), broken);
      const first = append(store, entry('a', '1'));
      assert.throws(() => store.append([entry('b', '1')], () => {}), broken);
      assert.equal(await first, 'durable');
      assert.deepEqual(contents(store), { a: '1' });
      await store.close();
    },
  },
  {
    claim: 'many entries and large ones go in at once',
    run: async (bench) => {
      const store = await bench.open();
      const many = Array.from({ length: 1_000 }, (_, index) => entry(`p/1/${index}`, `${index}`));
      assert.equal(await append(store, ...many), 'durable');
      const large = Array.from({ length: 5 }, (_, index) => {
        const key = `large/${index}`;
        return { key, value: new Uint8Array(STATE_ENTRY_BYTES_MAX - key.length).fill(index + 1) };
      });
      assert.equal(await append(store, ...large, entry('p/1/7', 'new')), 'durable');
      await store.close();
      const again = await bench.open();
      const found = new Map(again.entries().map(({ key, value }) => [key, value]));
      assert.equal(found.size, 1_005);
      for (const { key, value } of large) assert.deepEqual(found.get(key), value);
      assert.deepEqual(found.get('p/1/7'), entry('', 'new').value);
      assert.deepEqual(found.get('p/1/999'), entry('', '999').value);
      await again.close();
    },
  },
  {
    claim: 'appends take effect in their order',
    run: async (bench) => {
      const store = await bench.open();
      for (let count = 1; count <= 40; count++) {
        const pair = [entry('x', String(count)), entry(`y${count % 3}`, String(count))];
        assert.equal(await append(store, ...pair), 'durable');
      }
      await store.close();
      const again = await bench.open();
      assert.deepEqual(contents(again), { x: '40', y0: '39', y1: '40', y2: '38' });
      await again.close();
    },
  },
];

const terms: readonly StateStoreContractCase[] = [
  {
    claim: 'of two terms one can write: the older is deposed for ever, or the newer is not let in',
    run: async (bench) => {
      const first = await bench.open();
      await append(first, entry('a', 'first'));
      const second = await openBeside(bench);
      if (second === null) {
        assert.equal(await append(first, entry('a', 'again')), 'durable');
        await first.close();
        return;
      }
      assert.deepEqual(contents(second), { a: 'first' });
      for (let attempt = 0; attempt < 3; attempt++) {
        assert.equal(await append(first, entry('a', 'late'), entry('b', 'late')), 'deposed');
      }
      assert.equal(await append(second, entry('c', 'second')), 'durable');
      assert.equal(await append(first, entry('a', 'later')), 'deposed');
      assert.deepEqual(contents(second), { a: 'first', c: 'second' });
      await first.close();
      await second.close();
      const third = await bench.open();
      assert.deepEqual(contents(third), { a: 'first', c: 'second' });
      await third.close();
    },
  },
  {
    claim:
      'a term that begins during an append sees it whole or not at all, and whole if it was acknowledged',
    run: async (bench) => {
      let store = await bench.open();
      for (let round = 1; round <= 6; round++) {
        const many = Array.from({ length: 200 * (round % 3) + 2 }, (_, index) =>
          entry(`r${round}/${index}`, 'x'),
        );
        const appended = append(store, ...many);
        const opened = await openBeside(bench);
        const outcome = await appended;
        const next: StateStore = opened ?? store;
        const count = next.entries().filter(({ key }) => key.startsWith(`r${round}/`)).length;
        assert.ok(count === many.length || (count === 0 && outcome === 'deposed'), `${round}`);
        if (opened !== null) await store.close();
        store = next;
      }
      await store.close();
    },
  },
];

const trouble: readonly StateStoreContractCase[] = [
  {
    claim:
      'trouble is told and waited out: what was asked for is done once, what was known is served',
    run: async (bench) => {
      const store = await bench.open();
      await append(store, entry('a', '1'));
      assert.equal(store.trouble, null);
      await bench.breakDown();
      let outcome: AppendOutcome | null = null;
      const appended = append(store, entry('b', '2')).then((told) => {
        outcome = told;
      });
      await until(bench, () => store.trouble !== null);
      assert.equal(outcome, null);
      assert.equal(contents(store)['a'], '1');
      await bench.repair();
      await appended;
      assert.equal(outcome, 'durable');
      assert.equal(store.trouble, null);
      assert.equal(await append(store, entry('a', '3')), 'durable');
      await store.close();
      const again = await bench.open();
      assert.deepEqual(contents(again), { a: '3', b: '2' });
      await again.close();
    },
  },
  {
    claim: 'a store that is closed in trouble acknowledges nothing more',
    run: async (bench) => {
      const store = await bench.open();
      await append(store, entry('a', '1'));
      await bench.breakDown();
      let isTold = false;
      store.append([entry('a', '2'), entry('b', '2')], () => {
        isTold = true;
      });
      await until(bench, () => store.trouble !== null);
      await store.close();
      await bench.repair();
      const again = await bench.open();
      assert.equal(isTold, false);
      const found = contents(again);
      const isWhole = found['a'] === '2' && found['b'] === '2';
      assert.ok(isWhole || (found['a'] === '1' && !('b' in found)), JSON.stringify(found));
      await again.close();
    },
  },
  {
    claim: 'a term that cannot begin says so in words, and begins when the trouble is over',
    run: async (bench) => {
      const store = await bench.open();
      await append(store, entry('a', '1'));
      await store.close();
      await bench.breakDown();
      await assert.rejects(
        bench.open(),
        (error) =>
          error instanceof StateStoreError && error.code === 'unavailable' && error.remedy !== '',
      );
      await bench.repair();
      const again = await bench.open();
      assert.deepEqual(contents(again), { a: '1' });
      await again.close();
    },
  },
];

export const stateStoreContract: readonly StateStoreContractCase[] = [
  ...content,
  ...appends,
  ...terms,
  ...trouble,
];
