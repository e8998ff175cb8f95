/**
 * A small file system of its own for one server's data, on a loop device, where root allows: it can be
 * really full, for everything that the server and its storage engine do. Without it the preloaded
 * library says that it is (fault-library.ts).
 */
import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdirSync, openSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';

/** Room for the shared log, the engines and the copies that a learner makes; the image is sparse. */
const IMAGE_BYTES = 3 * 1024 ** 3;
const BALLAST = 'ballast';
/** What a file system may need for the file itself. */
const STEPS = [1, 0.9, 0.5];

export class LoopDisk {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Mounts a new one at `folder`, or says why not. */
  static mount(image: string, folder: string): LoopDisk | { readonly reason: string } {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) {
      return { reason: 'a loop mount needs root on Linux' };
    }
    mkdirSync(folder, { recursive: true });
    const file = openSync(image, 'w');
    ftruncateSync(file, IMAGE_BYTES);
    closeSync(file);
    for (const [program, ...rest] of [
      ['mkfs.ext4', '-q', '-m', '0', image],
      ['mount', '-o', 'loop', image, folder],
    ]) {
      const { status, error, stderr } = spawnSync(program!, rest, { encoding: 'utf8' });
      if (error === undefined && status === 0) continue;
      rmSync(image, { force: true });
      return { reason: `${program}: ${error?.message ?? stderr.trim()}` };
    }
    return new LoopDisk(folder);
  }

  /** Nothing more fits; some blocks may be left that a later call takes. */
  fill(): void {
    for (const share of STEPS) {
      const { bavail, bsize } = statfsSync(this.#folder);
      const bytes = Math.floor(bavail * share) * bsize;
      if (bytes === 0) return;
      const path = join(this.#folder, `${BALLAST}-${share}`);
      spawnSync('fallocate', ['--length', `${bytes}`, path], { stdio: 'ignore' });
    }
  }

  /** Takes away what `fill` has put there. */
  clear(): void {
    for (const share of STEPS) rmSync(join(this.#folder, `${BALLAST}-${share}`), { force: true });
  }

  /** Also while a dying process has files open there. The image stays, for whoever wants to know what was on it. */
  unmount(): void {
    spawnSync('umount', ['--lazy', this.#folder], { stdio: 'ignore' });
  }
}
