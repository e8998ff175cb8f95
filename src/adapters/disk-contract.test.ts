import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { diskContract } from './disk-contract.ts';
import { VirtualTime } from './memory/clock.ts';
import { MemoryDisk } from './memory/disk.ts';
import { NodeDisk } from './node/disk.ts';

describe('the disk of the machine', () => {
  for (const { claim, run } of diskContract) {
    test(claim, async () => {
      const root = await mkdtemp(join(tmpdir(), 'pegasus-disk-'));
      try {
        await run(new NodeDisk(root));
      } finally {
        await rm(root, { recursive: true });
      }
    });
  }
});

describe('the memory disk at once', () => {
  for (const { claim, run } of diskContract) {
    test(claim, () => run(new MemoryDisk()));
  }
});

describe('the memory disk in virtual time', () => {
  for (const { claim, run } of diskContract) {
    test(claim, async () => {
      const time = new VirtualTime();
      const disk = new MemoryDisk({ timers: time });
      disk.latencyMs = (operation) => (operation === 'sync' ? 3 : 0.1);
      await time.run(run(disk));
    });
  }
});
