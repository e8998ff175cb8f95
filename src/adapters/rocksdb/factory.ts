/**
 * Opens RocksDB databases that share one cache, write-buffer budget, rate limiter and set of counters.
 *
 * Paths are those of the `Disk` with the same root.
 */
import { mkdir, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { assert, assertAtLeast } from '../../base/assert.ts';
import {
  type Engine,
  EngineError,
  type EngineFactory,
  type EngineMaking,
  EngineStatus,
  MADE_AS_USUAL,
  type SstWriter,
} from '../../env/engine.ts';
import { ioError, RocksDbEngine } from './engine.ts';
import { loadNative, type Native, NativeTask, TaskRequest } from './native.ts';
import { RocksDbSstWriter } from './sst-writer.ts';

export interface RocksDbOptions {
  /** Folder that relative paths start from. */
  readonly root: string;
  readonly cacheBytes: number;
  /** For the memtables of all databases together; 0 = no budget. */
  readonly writeBufferManagerBytes: number;
  /** Flushes and compactions of all databases together; 0 = no limit. */
  readonly rateBytesPerSecond: number;
  readonly memtableBytes: number;
  /** Flushes and compactions at a time, of the process. */
  readonly threads: number;
  /** Per database. */
  readonly openFilesMax: number;
}

export const ROCKSDB_DEFAULTS: Omit<RocksDbOptions, 'root'> = {
  cacheBytes: 256 * 1024 * 1024,
  writeBufferManagerBytes: 256 * 1024 * 1024,
  rateBytesPerSecond: 0,
  memtableBytes: 32 * 1024 * 1024,
  threads: 2,
  openFilesMax: 256,
};

export interface CacheUsage {
  readonly usedBytes: number;
  readonly pinnedBytes: number;
  readonly memtableBytes: number;
}

export class RocksDbEngineFactory implements EngineFactory {
  readonly #options: RocksDbOptions;
  readonly #native: Native;
  readonly #shared: number;

  /** Throws, with the command to run, if the addon is not built. */
  constructor(options: Partial<RocksDbOptions> & { readonly root: string }) {
    this.#options = { ...ROCKSDB_DEFAULTS, ...options };
    assertAtLeast(this.#options.threads, 1, 'compactions need a thread');
    assertAtLeast(this.#options.memtableBytes, 65_536, 'a memtable has a size');
    assertAtLeast(this.#options.openFilesMax, 16, 'a database needs some open files');
    this.#native = loadNative();
    const { binding, control } = this.#native;
    setWide(control, 0, this.#options.cacheBytes);
    setWide(control, 2, this.#options.writeBufferManagerBytes);
    setWide(control, 4, this.#options.rateBytesPerSecond);
    this.#shared = binding.sharedCreate();
  }

  async open(path: string, { levels }: EngineMaking = MADE_AS_USUAL): Promise<Engine> {
    const full = this.#resolve(path);
    await mkdir(full, { recursive: true }).catch((error: unknown) => {
      throw ioError(path, error);
    });
    const handle = await this.#submitOpen(path, full, levels);
    return new RocksDbEngine(this.#native, path, handle, this.#resolve);
  }

  #submitOpen(path: string, full: string, levels: number): Promise<number> {
    return new Promise((onOpen, onError) => {
      const native = this.#native;
      const { control } = native;
      const length = native.putText(full);
      const request = new TaskRequest(native, path, (_text, handle) => onOpen(handle), onError);
      const number = native.add(request);
      control[0] = this.#shared;
      control[1] = number;
      control[2] = length;
      control[3] = this.#options.openFilesMax;
      setWide(control, 4, this.#options.memtableBytes);
      control[6] = this.#options.threads;
      control[7] = levels;
      native.binding.submitOpen();
    });
  }

  async destroy(path: string): Promise<void> {
    const full = this.#resolve(path);
    await this.#native.task(NativeTask.destroy, 0, [full], path);
    await rm(full, { recursive: true, force: true }).catch((error: unknown) => {
      throw ioError(path, error);
    });
  }

  async createSstWriter(path: string): Promise<SstWriter> {
    const native = this.#native;
    const handle = await new Promise<number>((onOpen, onError) => {
      const length = native.putText(this.#resolve(path));
      const request = new TaskRequest(native, path, (_text, file) => onOpen(file), onError);
      native.control[0] = native.add(request);
      native.control[1] = length;
      native.binding.submitSstOpen();
    });
    return new RocksDbSstWriter(native, path, handle);
  }

  /** Of flushes and compactions from now on; 0 = no limit. */
  setRate(bytesPerSecond: number): void {
    const { binding, control } = this.#native;
    control[0] = this.#shared;
    setWide(control, 1, bytesPerSecond);
    assert(binding.setRate() === 0, 'a factory has resources');
  }

  cacheUsage(): CacheUsage {
    const { binding, control } = this.#native;
    control[0] = this.#shared;
    assert(binding.cacheUsage() === 0, 'a factory has resources');
    return {
      usedBytes: getWide(control, 0),
      pinnedBytes: getWide(control, 2),
      memtableBytes: getWide(control, 4),
    };
  }

  /** RocksDB's counters over all databases of this factory, since it was made. */
  tickers(): Map<string, number> {
    const native = this.#native;
    native.control[0] = this.#shared;
    const length = native.binding.tickers();
    assertAtLeast(length, 0, 'the counters fit into the output');
    const words = native.text(length).split('\0');
    const tickers = new Map<string, number>();
    for (let at = 0; at + 1 < words.length; at += 2) tickers.set(words[at]!, Number(words[at + 1]));
    return tickers;
  }

  /** RocksDB takes texts that end with a zero byte. */
  readonly #resolve = (path: string): string => {
    if (!path.includes('\0')) return resolve(this.#options.root, path);
    throw new EngineError(EngineStatus.invalid, path, 'a path cannot hold a zero byte');
  };
}

function setWide(words: Uint32Array, index: number, value: number): void {
  words[index] = value;
  words[index + 1] = Math.floor(value / 2 ** 32);
}

function getWide(words: Uint32Array, index: number): number {
  return words[index]! + words[index + 1]! * 2 ** 32;
}
