/** A fixed part of what `npm run test:differential` explores, and a look at whether it would find anything. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Table } from '../../src/client/api.ts';
import { type ExploreReport, explore } from './explore.ts';
import type { World } from './sequence.ts';
import { SimulatedWorld } from './simulated-world.ts';

test('8,000 random operations are answered as the rules say', async (t) => {
  const world = (seed: number): World => new SimulatedWorld({ seed, hasFaults: false });
  const report = await explore({
    seed: 100,
    operations: 8000,
    world,
    pauses: 20,
    hasFills: true,
    shrinks: false,
  });
  assert.deepEqual(report.differences, []);
  assertEveryKind(report);
  t.diagnostic(`${report.operations} operations in ${report.sequences} sequences`);
});

test('so are 2,000 while servers fail, but for those that end without an answer', async (t) => {
  const world = (seed: number): World => new SimulatedWorld({ seed, hasFaults: true });
  const report = await explore({
    seed: 200,
    operations: 2000,
    world,
    pauses: 100,
    hasFills: false,
    shrinks: false,
  });
  assert.deepEqual(report.differences, []);
  const { inDoubt = 0, failed = 0 } = report.byOperation;
  t.diagnostic(`${report.operations} operations, ${inDoubt} in doubt, ${failed} failed`);
});

/** What a wrong cluster would do, as seen through the client. */
const WRONG_TABLES: Readonly<Record<string, (table: Table) => Partial<Table>>> = {
  'a ttl is a second too long': (table) => ({
    ttl: async (...args) => {
      const left = await table.ttl(...args);
      return left === null ? null : left + 1;
    },
  }),
  'a multiGet is always complete': (table) => ({
    multiGet: async (...args) => ({ ...(await table.multiGet(...args)), complete: true }),
  }),
  'a row is written without its time to live': (table) => ({
    set: (hashKey, sortKey, value) => table.set(hashKey, sortKey, value),
  }),
  'a deleted row stays': () => ({ del: async () => {} }),
  'a failed check writes all the same': (table) => ({
    checkAndSet: (hashKey, check, ...rest) =>
      table.checkAndSet(hashKey, { sortKey: check.sortKey, test: 'none' }, ...rest),
  }),
  'a count is wrong by one when it is large': (table) => ({
    sortKeyCount: async (...args) => {
      const count = await table.sortKeyCount(...args);
      return count > 3 ? count - 1 : count;
    },
  }),
};

for (const [name, distort] of Object.entries(WRONG_TABLES)) {
  test(`it is found when ${name}`, async () => {
    const world = (seed: number): World => new DistortedWorld(seed, distort);
    const report = await explore({
      seed: 300,
      operations: 20_000,
      world,
      pauses: 20,
      hasFills: false,
      shrinks: false,
    });
    assert.equal(report.differences.length, 1);
    assert.match(report.differences[0]!, /but the rules say/);
  });
}

class DistortedWorld extends SimulatedWorld {
  readonly #distort: (table: Table) => Partial<Table>;

  constructor(seed: number, distort: (table: Table) => Partial<Table>) {
    super({ seed, hasFaults: false });
    this.#distort = distort;
  }

  override get table(): Table {
    const table = super.table;
    const wrong = this.#distort(table);
    return new Proxy(table, {
      get: (_, name: keyof Table) => {
        const member = wrong[name] ?? table[name];
        return typeof member === 'function' ? member.bind(table) : member;
      },
    });
  }
}

function assertEveryKind({ byOperation }: ExploreReport): void {
  const kinds = [
    ...['get', 'exist', 'ttl', 'multiGetKeys', 'multiGetRange', 'sortKeyCount', 'scan'],
    ...['set', 'del', 'multiSet', 'multiDel', 'delRange', 'incr', 'checkAndSet', 'checkAndMutate'],
    ...['compareExchange', 'scanTable', 'batchGet', 'joinedGets', 'batchSet', 'batchDel', 'pause'],
  ];
  for (const kind of kinds) assert((byOperation[kind] ?? 0) > 20, `${kind} was hardly done`);
}
