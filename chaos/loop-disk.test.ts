import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { LoopDisk } from './loop-disk.ts';

const PAGE_BYTES = 1 << 20;

test('a disk that was filled takes nothing more, keeps what it has, and has room again afterwards', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'pegasus-loop-disk-'));
  let disk: ReturnType<typeof LoopDisk.mount> | null = null;
  t.after(() => {
    if (disk instanceof LoopDisk) disk.unmount();
    rmSync(folder, { recursive: true });
  });
  const mount = join(folder, 'mount');
  disk = LoopDisk.mount(join(folder, 'image'), mount);
  if (!(disk instanceof LoopDisk)) {
    t.skip(`no loop mounts here: ${disk.reason}`);
    return;
  }
  const path = join(mount, 'file');
  writeFileSync(path, 'kept');
  disk.fill();
  const page = new Uint8Array(PAGE_BYTES);
  assert.throws(() => writeFileSync(join(mount, 'other'), page), { code: 'ENOSPC' });
  assert.equal(readFileSync(path, 'utf8'), 'kept');
  disk.clear();
  writeFileSync(join(mount, 'other'), page);
});
