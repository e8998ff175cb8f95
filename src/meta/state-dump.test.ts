/** A dump is the whole state of a meta server or nothing, and moves from any store into any other. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualTime } from '../adapters/memory/clock.ts';
import { MemoryCoordination } from '../adapters/memory/coordination.ts';
import { MemoryDisk } from '../adapters/memory/disk.ts';
import { SeededRandom } from '../base/prng.ts';
import type { Logger } from '../env/logger.ts';
import {
  type StateEntry,
  type StateStore,
  StateStoreError,
  type StateStoreErrorCode,
} from '../env/state-store.ts';
import { DEFAULT_JOURNAL_LIMITS, JournalStore } from './journal-store.ts';
import { SharedStateStore } from './shared-state-store.ts';
import { checkState, decodeDump, encodeDump, type StateContent } from './state-dump.ts';
import { fillShared, readShared } from './state-transfer.ts';

const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} };
const METAS = ['a:1', 'b:1'];

class Town {
  readonly time: VirtualTime = new VirtualTime();
  readonly disk: MemoryDisk = new MemoryDisk({ timers: this.time });
  readonly shared: MemoryCoordination = new MemoryCoordination(this.time);
  readonly random: SeededRandom = new SeededRandom(7);

  get environment() {
    return { disk: this.disk, timers: this.time, random: this.random, logger: SILENT };
  }

  journal(path: string) {
    return { ...DEFAULT_JOURNAL_LIMITS, path, clusterName: 'c' };
  }

  openJournal(path: string): Promise<JournalStore> {
    return JournalStore.open(this.environment, this.journal(path));
  }

  openShared(): Promise<SharedStateStore> {
    return SharedStateStore.open(
      { ...this.environment, service: this.shared.client() },
      { clusterName: 'c', retryDelayMs: 100, self: 'b:1', metaServers: METAS },
    );
  }
}

function inTown(name: string, story: (town: Town) => Promise<void>): void {
  test(name, async () => {
    const town = new Town();
    await town.time.run(story(town));
  });
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function append(store: StateStore, ...entries: StateEntry[]): Promise<unknown> {
  return new Promise((resolve) => store.append(entries, resolve));
}

/** More than one write of the service takes, of every kind of value. */
function manyEntries(): StateEntry[] {
  const entries: StateEntry[] = [];
  for (let index = 0; index < 250; index++) {
    entries.push({ key: `other/${index}`, value: bytesOf(`{"n":${index}}`) });
  }
  entries.push({ key: 'other/ä\n"', value: Uint8Array.of(0, 255, 10, 34) });
  entries.push({ key: 'other/empty', value: new Uint8Array(0) });
  return entries;
}

function sorted(entries: readonly StateEntry[]): unknown[] {
  return entries.map(({ key, value }) => [key, [...value]]).sort();
}

async function refused(code: StateStoreErrorCode, doing: () => unknown): Promise<void> {
  await assert.rejects(
    async () => doing(),
    (error) => error instanceof StateStoreError && error.code === code && error.remedy !== '',
  );
}

function dumpOf(content: Partial<StateContent> = {}): Uint8Array {
  const state = { clusterName: 'c', clusterId: '0f'.repeat(16), epoch: 3, entries: manyEntries() };
  return encodeDump({ ...state, ...content, takenSeconds: 1_700_000_000 });
}

inTown(
  'state moves from the journal to a shared store and back, and stays the same',
  async (town) => {
    const journal = await town.openJournal('meta');
    await append(journal, ...manyEntries());
    const { clusterId, epoch } = journal;
    await journal.close();

    const out = (await JournalStore.read(town.environment, town.journal('meta')))!;
    const file = encodeDump({ ...out, takenSeconds: 1 });
    await fillShared(town.shared.client(), decodeDump('file', file), METAS, false);
    const store = await town.openShared();
    assert.equal(store.clusterId, clusterId);
    assert(store.epoch > epoch, 'what was said in the former store is older');
    assert.deepEqual(sorted(store.entries()), sorted(manyEntries()));
    await append(store, { key: 'other/0', value: bytesOf('changed') });
    await store.close();

    const back = (await readShared(town.shared.client(), 'c'))!;
    await JournalStore.fill(town.environment, town.journal('new'), back, false);
    const again = await town.openJournal('new');
    assert.equal(again.clusterId, clusterId);
    assert(again.epoch > store.epoch);
    assert.deepEqual(sorted(again.entries()), sorted(back.entries));
    assert.equal(decoded(again, 'other/0'), 'changed');
    await again.close();
  },
);

function decoded(store: StateStore, key: string): string {
  const found = store.entries().find((entry) => entry.key === key)!;
  return new TextDecoder().decode(found.value);
}

inTown(
  'a folder or a service that holds something is filled only when that may go',
  async (town) => {
    const journal = await town.openJournal('meta');
    await append(journal, { key: 'other/old', value: bytesOf('1') });
    await journal.close();
    const store = await town.openShared();
    await append(store, { key: 'other/old', value: bytesOf('1') });
    await store.close();

    const content = decodeDump('file', dumpOf());
    const fillJournal = (mayReplace: boolean): Promise<void> =>
      JournalStore.fill(town.environment, town.journal('meta'), content, mayReplace);
    const fillService = (mayReplace: boolean): Promise<void> =>
      fillShared(town.shared.client(), content, METAS, mayReplace);
    await refused('occupied', () => fillJournal(false));
    await refused('occupied', () => fillService(false));
    await fillJournal(true);
    await fillService(true);
    const filled = await town.openJournal('meta');
    assert.deepEqual(sorted(filled.entries()), sorted(content.entries));
    await filled.close();
    assert.deepEqual(
      sorted((await readShared(town.shared.client(), 'c'))!.entries),
      sorted(content.entries),
    );
  },
);

inTown('nothing is read from or written to a store that a meta server uses', async (town) => {
  const content = decodeDump('file', dumpOf());
  const journal = await town.openJournal('meta');
  await refused('locked', () => JournalStore.read(town.environment, town.journal('meta')));
  await refused('locked', () =>
    JournalStore.fill(town.environment, town.journal('meta'), content, true),
  );
  await journal.close();
  const leader = town.shared.client();
  await leader.attend('a:1');
  await refused('locked', () => fillShared(town.shared.client(), content, METAS, true));
  await leader.resign();
  await fillShared(town.shared.client(), content, METAS, true);
});

inTown(
  'an import that broke off is no state that anybody begins with; it is repeated',
  async (town) => {
    const content = decodeDump('file', dumpOf());
    // The first writes go well.
    town.time.after(7, () => town.shared.faults.push('requestLost'));
    await refused('unavailable', () => fillShared(town.shared.client(), content, METAS, false));
    await refused('corrupt', () => town.openShared());
    await refused('corrupt', () => readShared(town.shared.client(), 'c'));
    await refused('occupied', () => fillShared(town.shared.client(), content, METAS, false));
    await fillShared(town.shared.client(), content, METAS, true);
    const store = await town.openShared();
    assert.deepEqual(sorted(store.entries()), sorted(content.entries));
    await store.close();
  },
);

inTown('a writer of before an import can write nothing more', async (town) => {
  const store = await town.openShared();
  await append(store, { key: 'other/old', value: bytesOf('1') });
  await fillShared(town.shared.client(), decodeDump('file', dumpOf()), METAS, true);
  assert.equal(await append(store, { key: 'other/late', value: bytesOf('2') }), 'deposed');
  await store.close();
});

inTown('of another cluster nothing is read', async (town) => {
  const journal = await town.openJournal('meta');
  await journal.close();
  const options = { ...town.journal('meta'), clusterName: 'other' };
  await refused('foreignCluster', () => JournalStore.read(town.environment, options));
  const store = await town.openShared();
  await store.close();
  await refused('foreignCluster', () => readShared(town.shared.client(), 'other'));
  assert.equal(await JournalStore.read(town.environment, town.journal('nowhere')), null);
});

test('a dump that is damaged anywhere is refused', async () => {
  const whole = dumpOf({ entries: manyEntries().slice(-4) });
  assert.equal(decodeDump('file', whole).entries.length, 4);
  for (let at = 0; at < whole.length; at++) {
    const damaged = new Uint8Array(whole);
    damaged[at]! ^= 1;
    assert.throws(() => decodeDump('file', damaged), StateStoreError, `byte ${at}`);
    assert.throws(() => decodeDump('file', whole.subarray(0, at)), StateStoreError, `cut at ${at}`);
  }
});

test('a foreign file and one of a later version say what they are', async () => {
  await refused('foreignFile', () => decodeDump('file', bytesOf('')));
  await refused('foreignFile', () => decodeDump('file', bytesOf('{"name":"x"}\n')));
  await refused('newerFormat', () => decodeDump('file', bytesOf('{"pegasusMetaDump":2}\n')));
});

test('what no meta server could begin with is refused, whatever its digest says', async () => {
  const table = {
    key: 'table/1',
    value: bytesOf(
      '{"id":1,"name":"t","type":"pegasus","status":0,"partitions":1,"replicas":3,"envs":{},"createSeconds":0,' +
        '"dropSeconds":0,"expireSeconds":0,"atomicIdempotent":false}',
    ),
  };
  await refused('corrupt', () => checkState('file', [table]));
  await refused('corrupt', () => checkState('file', [{ key: 'table/1', value: bytesOf('{}') }]));
  const node = {
    key: 'node/10.0.0.1:1',
    value: bytesOf('{"address":"10.0.0.1:1","incarnation":1}'),
  };
  const entries = [node, { key: 'x', value: bytesOf('?') }];
  assert.deepEqual(checkState('file', entries), { tables: 0, partitions: 0, nodes: 1, others: 1 });
});
