/** A small disk that can be filled: a tmpfs, where this process may mount one. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class SmallDisk implements Disposable {
  readonly path: string;

  constructor(path: string, size: string) {
    this.path = path;
    mkdirSync(path, { recursive: true });
    mount('-t', 'tmpfs', '-o', `size=${size}`, 'pegasus-e2e', path);
  }

  resize(size: string): void {
    mount('-o', `remount,size=${size}`, this.path);
  }

  [Symbol.dispose](): void {
    // Lazy: a server that is being ended may have files open.
    spawnSync('umount', ['-l', this.path]);
  }
}

/** Why there are none here; false if there are. */
export function whyNoSmallDisks(): string | false {
  const path = mkdtempSync(join(tmpdir(), 'pegasus-e2e-'));
  try {
    using _disk = new SmallDisk(join(path, 'disk'), '64k');
    return false;
  } catch {
    return 'a tmpfs cannot be mounted here (root is needed)';
  } finally {
    rmSync(path, { recursive: true });
  }
}

function mount(...args: readonly string[]): void {
  const { status, stderr } = spawnSync('mount', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`mount ${args.join(' ')}: ${stderr}`);
}
