/**
 * The fault-injecting library (faultfs/faultfs.c, which says what the control file holds), built with
 * the machine's compiler for one run, and the control of one server's copy of it.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';

export interface DiskTrouble {
  readonly slowMs?: number;
  readonly syncError?: 'EIO' | 'ENOSPC';
  readonly writeError?: 'EIO' | 'ENOSPC';
  readonly wallOffsetMs?: number;
}

const CONTROL_BYTES = 24;
const HITS_OFFSET = 12;
const WALL_OFFSET = 16;
const COMPILER = 'gcc';

/** The path of the library, or why there is none. */
export function buildFaultLibrary(
  source: string,
  folder: string,
): { readonly path: string } | { readonly reason: string } {
  if (process.platform !== 'linux') return { reason: 'only on Linux' };
  if (!existsSync(source)) return { reason: `${source} is missing` };
  const path = join(folder, 'faultfs.so');
  const args = ['-shared', '-fPIC', '-O2', '-o', path, source, '-ldl'];
  const { status, error } = spawnSync(COMPILER, args, { stdio: 'ignore' });
  if (error !== undefined) return { reason: `there is no ${COMPILER}` };
  return status === 0 ? { path } : { reason: `${COMPILER} could not build ${source}` };
}

export class FaultControl {
  readonly #path: string;
  readonly #library: string;

  constructor(library: string, path: string) {
    this.#library = library;
    this.#path = path;
    writeFileSync(path, new Uint8Array(CONTROL_BYTES));
  }

  /** For the server's process. */
  environment(dataFolder: string): Record<string, string> {
    return {
      LD_PRELOAD: this.#library,
      PEGASUS_FAULTFS_CONTROL: this.#path,
      PEGASUS_FAULTFS_FOLDER: dataFolder,
      // It would go around the C library.
      UV_USE_IO_URING: '0',
    };
  }

  /** Replaces what was set before. */
  set({ slowMs = 0, syncError, writeError, wallOffsetMs = 0 }: DiskTrouble): void {
    const codes = new Uint32Array([slowMs * 1000, errnoOf(syncError), errnoOf(writeError)]);
    const wall = new BigInt64Array([BigInt(wallOffsetMs) * 1000n]);
    this.#withFile((file) => {
      writeSync(file, codes, 0, codes.byteLength, 0);
      writeSync(file, wall, 0, wall.byteLength, WALL_OFFSET);
    });
  }

  /** Calls that were slowed or failed so far. */
  get hits(): number {
    const hits = new Uint32Array(1);
    this.#withFile((file) => readSync(file, hits, 0, hits.byteLength, HITS_OFFSET));
    return hits[0]!;
  }

  #withFile(use: (file: number) => void): void {
    const file = openSync(this.#path, 'r+');
    try {
      use(file);
    } finally {
      closeSync(file);
    }
  }
}

function errnoOf(name: 'EIO' | 'ENOSPC' | undefined): number {
  return name === undefined ? 0 : constants.errno[name];
}
