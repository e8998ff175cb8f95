/** The embedded journal, and the shared store over a service in memory, each on its own machine. */
import { describe, test } from 'node:test';
import { SeededRandom } from '../base/prng.ts';
import type { Logger } from '../env/logger.ts';
import { DEFAULT_JOURNAL_LIMITS, JournalStore } from '../meta/journal-store.ts';
import { SharedStateStore } from '../meta/shared-state-store.ts';
import { coordinationContract } from './coordination-contract.ts';
import { VirtualTime } from './memory/clock.ts';
import { MemoryCoordination } from './memory/coordination.ts';
import { MemoryDisk } from './memory/disk.ts';
import { type StateStoreBench, stateStoreContract } from './state-store-contract.ts';

const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} };

function journalBench(time: VirtualTime): StateStoreBench {
  const disk = new MemoryDisk({ timers: time });
  disk.latencyMs = () => 1;
  const random = new SeededRandom(1);
  return {
    timers: time,
    open: (clusterName = 'c') =>
      JournalStore.open(
        { disk, timers: time, random, logger: SILENT },
        { ...DEFAULT_JOURNAL_LIMITS, path: 'meta', clusterName },
      ),
    breakDown: async () => {
      disk.capacityBytes = 0;
    },
    repair: async () => {
      disk.capacityBytes = 100_000_000;
    },
  };
}

function sharedBench(time: VirtualTime): StateStoreBench {
  const shared = new MemoryCoordination(time);
  const random = new SeededRandom(1);
  return {
    timers: time,
    open: (clusterName = 'c') =>
      SharedStateStore.open(
        { service: shared.client(), timers: time, random, logger: SILENT },
        { clusterName, retryDelayMs: 100, self: 'a:1', metaServers: ['a:1', 'b:1'] },
      ),
    breakDown: async () => {
      shared.isDown = true;
    },
    repair: async () => {
      shared.isDown = false;
    },
  };
}

describe('the embedded journal', () => {
  for (const { claim, run } of stateStoreContract) {
    test(claim, async () => {
      const time = new VirtualTime();
      await time.run(run(journalBench(time)));
    });
  }
});

describe('the shared store', () => {
  for (const { claim, run } of stateStoreContract) {
    test(claim, async () => {
      const time = new VirtualTime();
      await time.run(run(sharedBench(time)));
    });
  }
});

describe('the service in memory', () => {
  for (const { claim, run } of coordinationContract) {
    test(claim, async () => {
      const time = new VirtualTime();
      const shared = new MemoryCoordination(time);
      const bench = {
        timers: time,
        connect: () => shared.client(),
        breakDown: async () => {
          shared.isDown = true;
        },
        repair: async () => {
          shared.isDown = false;
        },
      };
      await time.run(run(bench));
    });
  }
});
