/** What every `CoordinationService` must do, as cases that a test runs against an implementation. */
import assert from 'node:assert/strict';
import type { Timers } from '../env/clock.ts';
import {
  CoordinationError,
  type CoordinationService,
  type FencedWrite,
  HEAD_ABSENT,
  type SharedState,
} from '../env/coordination.ts';
import type { StateEntry } from '../env/state-store.ts';

export interface CoordinationBench {
  readonly timers: Timers;
  /** Another process. */
  connect(): CoordinationService;
  /** Nobody is answered from now on, until `repair`. */
  breakDown(): Promise<void>;
  repair(): Promise<void>;
}

export interface CoordinationContractCase {
  readonly claim: string;
  /** Nothing was ever written. */
  readonly run: (bench: CoordinationBench) => Promise<void>;
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function entry(key: string, value: string): StateEntry {
  return { key, value: bytesOf(value) };
}

function write(
  service: CoordinationService,
  request: Partial<FencedWrite> & Pick<FencedWrite, 'fence'>,
): Promise<number | null> {
  return service.write({ head: null, puts: [], removals: [], ...request });
}

function texts(state: SharedState): Record<string, string> {
  const pairs = state.entries.map(({ key, value }) => [key, new TextDecoder().decode(value)]);
  return Object.fromEntries(pairs.sort()) as Record<string, string>;
}

function pause(bench: CoordinationBench, ms: number): Promise<void> {
  return new Promise((resolve) => {
    bench.timers.after(ms, resolve);
  });
}

const writes: readonly CoordinationContractCase[] = [
  {
    claim: 'at first there is no head and no entry',
    run: async (bench) => {
      const service = bench.connect();
      assert.equal(await service.readHead(), null);
      assert.deepEqual(await service.readAll(), { head: null, entries: [] });
      await service.close();
    },
  },
  {
    claim: 'a write is done under the version of the head, and not under any other',
    run: async (bench) => {
      const service = bench.connect();
      const other = bench.connect();
      const first = await write(service, {
        fence: HEAD_ABSENT,
        head: bytesOf('1'),
        puts: [entry('a', '1'), entry('b', '1')],
      });
      assert.ok(first !== null && first > HEAD_ABSENT);
      const again = { head: bytesOf('other'), puts: [entry('a', 'other')], removals: ['b'] };
      assert.equal(await write(other, { fence: HEAD_ABSENT, ...again }), null);
      assert.equal(await write(other, { fence: first + 1, ...again }), null);
      assert.deepEqual(await other.readHead(), { version: first, value: bytesOf('1') });
      const second = await write(other, { fence: first, head: bytesOf('1'), removals: ['b', 'c'] });
      assert.ok(second !== null && second > first, 'the same value has a version of its own');
      assert.equal(await write(service, { fence: first, puts: [entry('a', 'late')] }), null);
      const state = await service.readAll();
      assert.deepEqual(texts(state), { a: '1' });
      assert.equal(state.head?.version, second);
      await service.close();
      await other.close();
    },
  },
  {
    claim: 'a write without a head leaves the fence as it is',
    run: async (bench) => {
      const service = bench.connect();
      const fence = await write(service, { fence: HEAD_ABSENT, head: bytesOf('1') });
      assert.ok(fence !== null);
      assert.equal(await write(service, { fence, puts: [entry('a', '1')] }), fence);
      assert.equal(
        await write(service, { fence, puts: [entry('a', '2')], removals: ['b'] }),
        fence,
      );
      assert.deepEqual(texts(await service.readAll()), { a: '2' });
      await service.close();
    },
  },
  {
    claim: 'a write takes as much as the limits say, and much is read back',
    run: async (bench) => {
      const service = bench.connect();
      const { changesMax, bytesMax } = service.limits;
      const fence = await write(service, { fence: HEAD_ABSENT, head: bytesOf('1') });
      assert.ok(fence !== null);
      for (let round = 0; round < 12; round++) {
        const puts = Array.from({ length: changesMax }, (_, index) =>
          entry(`${round}/${index}`, 'x'),
        );
        assert.equal(await write(service, { fence, puts }), fence);
      }
      for (let round = 0; round < 4; round++) {
        const puts = [{ key: `large${round}`, value: new Uint8Array(bytesMax - 6).fill(round) }];
        assert.equal(await write(service, { fence, puts }), fence);
      }
      const { entries } = await service.readAll();
      assert.equal(entries.length, 12 * changesMax + 4);
      const large = entries.find(({ key }) => key === 'large3')!;
      assert.deepEqual(large.value, new Uint8Array(bytesMax - 6).fill(3));
      await service.close();
    },
  },
  {
    claim: 'a service that does not answer is an error, and answers again later',
    run: async (bench) => {
      const service = bench.connect();
      const fence = await write(service, { fence: HEAD_ABSENT, head: bytesOf('1') });
      assert.ok(fence !== null);
      await bench.breakDown();
      for (const attempt of [
        () => service.readHead(),
        () => service.readAll(),
        () => write(service, { fence, puts: [entry('a', '1')] }),
        () => service.attend('a:1'),
      ]) {
        await assert.rejects(attempt(), (error) => error instanceof CoordinationError);
      }
      await bench.repair();
      assert.equal((await service.readHead())?.version, fence);
      await service.close();
    },
  },
];

const election: readonly CoordinationContractCase[] = [
  {
    claim: 'the first to attend leads, as long as it attends, and the others know who',
    run: async (bench) => {
      const [first, second] = [bench.connect(), bench.connect()];
      assert.deepEqual(await first.attend('a:1'), { leader: 'a:1', isSelf: true });
      const endMs = 1.5 * first.leadTimeoutMs;
      for (let elapsedMs = 0; elapsedMs < endMs; elapsedMs += first.leadTimeoutMs / 6) {
        assert.deepEqual(await second.attend('b:1'), { leader: 'a:1', isSelf: false });
        assert.deepEqual(await first.attend('a:1'), { leader: 'a:1', isSelf: true });
        await pause(bench, first.leadTimeoutMs / 6);
      }
      await first.close();
      await second.close();
    },
  },
  {
    claim: 'who falls silent loses the lead, and a successor has it within the bound',
    run: async (bench) => {
      const [first, second] = [bench.connect(), bench.connect()];
      await first.attend('a:1');
      let elapsedMs = 0;
      const stepMs = first.leadTimeoutMs / 12;
      while (!(await second.attend('b:1')).isSelf) {
        assert.ok(elapsedMs < 2 * first.leadTimeoutMs, 'the lead is free in time');
        await pause(bench, stepMs);
        elapsedMs += stepMs;
      }
      assert.ok(elapsedMs > first.leadTimeoutMs / 2, 'and not before its time');
      assert.deepEqual(await first.attend('a:1'), { leader: 'b:1', isSelf: false });
      await first.close();
      await second.close();
    },
  },
  {
    claim: 'who resigns is followed at once, also by a process of the same name',
    run: async (bench) => {
      const [first, second] = [bench.connect(), bench.connect()];
      await first.attend('a:1');
      assert.deepEqual(await second.attend('a:1'), { leader: 'a:1', isSelf: false });
      await second.resign();
      assert.equal((await first.attend('a:1')).isSelf, true);
      await first.resign();
      assert.equal((await second.attend('a:1')).isSelf, true);
      await first.close();
      await second.close();
    },
  },
];

export const coordinationContract: readonly CoordinationContractCase[] = [...writes, ...election];
