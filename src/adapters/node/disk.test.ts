import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import type { DiskFile } from '../../env/disk.ts';
import { NodeDisk } from './disk.ts';

async function withRoot(run: (root: string) => Promise<void>): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'pegasus-disk-'));
  try {
    await run(root);
  } finally {
    await rm(root, { recursive: true });
  }
}

function append(file: DiskFile, bytes: Uint8Array, sync: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    file.append(bytes, sync, (error) => (error === null ? resolve() : reject(error)));
  });
}

/** A process that takes the lock, says so, and lives until it is killed. */
const HOLDER = `
import { NodeDisk } from ${JSON.stringify(new URL('./disk.ts', import.meta.url).href)};
await new NodeDisk(process.argv[1]).lock('LOCK');
process.stdout.write('locked');
setInterval(() => {}, 1000);
`;

test('a lock of a live process blocks and names it; once it is killed the lock is free', async () => {
  await withRoot(async (root) => {
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '--eval', HOLDER, root],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    await once(child.stdout, 'data');
    const disk = new NodeDisk(root);
    await assert.rejects(disk.lock('LOCK'), (error: Error) => {
      assert.match(error.message, new RegExp(`locked by process ${child.pid}$`));
      return true;
    });
    child.kill('SIGKILL');
    await once(child, 'exit');
    await (await disk.lock('LOCK')).release();
  });
});

test('a lock file that names a live process with another start time is stale', async () => {
  await withRoot(async (root) => {
    await writeFile(join(root, 'LOCK'), '{"pid":1,"started":"another-boot/1"}\n');
    const disk = new NodeDisk(root);
    await (await disk.lock('LOCK')).release();
    await writeFile(join(root, 'LOCK'), 'garbage');
    await (await disk.lock('LOCK')).release();
  });
});

test('large, durable and throttled appends go through the given append function', async () => {
  await withRoot(async (root) => {
    const calls: string[] = [];
    const disk = new NodeDisk(root, {
      append: (_fd, bytes, sync, done) => {
        calls.push(`${bytes.length} ${sync}`);
        setImmediate(done, null);
      },
    });
    const file = await disk.open('log', 'create');
    await append(file, new Uint8Array(100), false);
    await append(file, new Uint8Array(100), true);
    await append(file, new Uint8Array(100_000), false);
    assert.deepEqual(calls, ['100 true', '100000 false']);
    await file.close();
  });
});

test('an error of the append function arrives with its meaning', async () => {
  await withRoot(async (root) => {
    const disk = new NodeDisk(root, {
      append: (_fd, _bytes, _sync, done) => {
        setImmediate(done, Object.assign(new Error('no space'), { code: 'ENOSPC' }));
      },
    });
    const file = await disk.open('log', 'create');
    await assert.rejects(append(file, new Uint8Array(1), true), { code: 'full' });
    assert.equal(file.size, 0);
    await file.close();
  });
});

test('a sync that fails for want of space is an error of the disk, not a full disk that can be waited for', async () => {
  await withRoot(async (root) => {
    const disk = new NodeDisk(root, {
      append: (fd, bytes, _sync, done) => {
        writeSync(fd, bytes);
        setImmediate(done, Object.assign(new Error('no space'), { code: 'ENOSPC' }));
      },
    });
    const file = await disk.open('log', 'create');
    await assert.rejects(append(file, new Uint8Array(1), true), { code: 'io' });
    await file.close();
  });
});
