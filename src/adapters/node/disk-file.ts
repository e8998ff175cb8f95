/**
 * One open file.
 *
 * Appends that need not be durable go to the page cache in the calling turn: measured on a two-core
 * virtual machine, 3 µs (100 bytes) to 30 µs (64 KiB) of the loop's time against 60 to 200 µs of
 * processor time by way of the thread pool. Larger ones, durable ones, and all for a while after
 * the kernel has made us wait (it throttles writers when the disk cannot follow) go through the
 * append function, off the loop. `done` never fires inside `append`.
 */
import { close, fdatasync, fstat, ftruncate, read, write, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { assert, assertAtLeast } from '../../base/assert.ts';
import { DiskError, type DiskFile } from '../../env/disk.ts';
import { diskError, withDiskErrors } from './disk-errors.ts';

/**
 * Appends all of `bytes` to `fd` (opened for appending), then makes it durable if `sync`; calls
 * back in a later turn. The native addon has one that makes a single crossing of both.
 */
export type AppendFunction = (
  fd: number,
  bytes: Uint8Array,
  sync: boolean,
  done: (error: Error | null) => void,
) => void;

/** Calls back soon, after the caller has returned. */
export type DeferFunction = (callback: () => void) => void;

const SYNCHRONOUS_BYTES_MAX = 64 * 1024;
/** Above what losing the processor to other programs costs; a throttled writer waits longer. */
const SYNCHRONOUS_MS_MAX = 25;
/** How long appends stay off the loop after one took longer than that. */
const THROTTLED_MS = 1_000;

const closeLater = promisify(close);
const fdatasyncLater = promisify(fdatasync);
const fstatLater = promisify(fstat);
const ftruncateLater = promisify(ftruncate);
const readLater = promisify(read);

export class NodeFile implements DiskFile {
  readonly path: string;
  readonly #fd: number;
  readonly #appendLater: AppendFunction;
  readonly #defer: DeferFunction;
  #size: number;
  #appending: ((error: DiskError | null) => void) | null = null;
  #appendBytes = 0;
  /** Of an append in the calling turn, until it is told. */
  #outcome: unknown = null;
  #closed = false;
  #offLoopUntilMs = Number.NEGATIVE_INFINITY;

  constructor(
    path: string,
    fd: number,
    size: number,
    appendLater: AppendFunction,
    defer: DeferFunction,
  ) {
    assertAtLeast(size, 0, 'file size');
    this.path = path;
    this.#fd = fd;
    this.#size = size;
    this.#appendLater = appendLater;
    this.#defer = defer;
  }

  get size(): number {
    return this.#size;
  }

  async read(offset: number, into: Uint8Array): Promise<number> {
    this.#check();
    return await withDiskErrors(this.path, async () => {
      let done = 0;
      while (done < into.length) {
        const { bytesRead } = await readLater(
          this.#fd,
          into,
          done,
          into.length - done,
          offset + done,
        );
        if (bytesRead === 0) break;
        done += bytesRead;
      }
      return done;
    });
  }

  append(bytes: Uint8Array, sync: boolean, done: (error: DiskError | null) => void): void {
    assert(this.#appending === null, 'one append at a time per file');
    assert(!this.#closed, 'no append to a closed file');
    this.#appending = done;
    this.#appendBytes = bytes.length;
    if (!sync && bytes.length <= SYNCHRONOUS_BYTES_MAX && this.#appendNow(bytes)) return;
    this.#appendLater(this.#fd, bytes, sync, this.#onAppended);
  }

  async sync(): Promise<void> {
    this.#check();
    await withDiskErrors(this.path, () => fdatasyncLater(this.#fd));
  }

  async truncate(size: number): Promise<void> {
    this.#check();
    assert(this.#appending === null, 'no truncation while an append is under way');
    await withDiskErrors(this.path, () => ftruncateLater(this.#fd, size));
    this.#size = size;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    assert(this.#appending === null, 'no close while an append is under way');
    this.#closed = true;
    await withDiskErrors(this.path, () => closeLater(this.#fd));
  }

  /** False when the loop must not be used for it now. */
  #appendNow(bytes: Uint8Array): boolean {
    const startMs = performance.now();
    if (startMs < this.#offLoopUntilMs) return false;
    let failure: unknown = null;
    try {
      let written = 0;
      while (written < bytes.length) {
        written += writeSync(this.#fd, bytes, written, bytes.length - written, null);
      }
    } catch (error) {
      failure = error;
    }
    const endMs = performance.now();
    if (endMs - startMs > SYNCHRONOUS_MS_MAX) this.#offLoopUntilMs = endMs + THROTTLED_MS;
    this.#outcome = failure;
    this.#defer(this.#onAppendedNow);
    return true;
  }

  readonly #onAppendedNow = (): void => {
    this.#onAppended(this.#outcome);
  };

  readonly #onAppended = (error: unknown): void => {
    if (error === null) {
      this.#size += this.#appendBytes;
      this.#finishAppend(null);
      return;
    }
    const failure = diskError(error, this.path);
    if (failure.code === 'full') this.#onFull(failure);
    else this.#finishAppend(failure);
  };

  /**
   * `full` claims that the write failed. If all bytes are there it was the sync, and that is final.
   */
  #onFull(failure: DiskError): void {
    fstat(this.#fd, (error, stats) => {
      const isWritten = error !== null || stats.size >= this.#size + this.#appendBytes;
      const message = failure.message;
      this.#finishAppend(isWritten ? new DiskError('io', this.path, message) : failure);
    });
  }

  #finishAppend(error: DiskError | null): void {
    const done = this.#appending;
    assert(done !== null, 'an append completes once');
    this.#appending = null;
    done(error);
  }

  #check(): void {
    if (this.#closed) throw new DiskError('closed', this.path, 'the file is closed');
  }
}

/** The append function without the addon: two trips through node's thread pool. */
export function appendByThreadPool(
  fd: number,
  bytes: Uint8Array,
  sync: boolean,
  done: (error: Error | null) => void,
): void {
  let written = 0;
  const onWritten = (error: Error | null, count: number): void => {
    written += count;
    if (error !== null) {
      done(error);
    } else if (written < bytes.length) {
      write(fd, bytes, written, bytes.length - written, null, onWritten);
    } else if (sync) {
      fdatasync(fd, done);
    } else {
      done(null);
    }
  };
  write(fd, bytes, 0, bytes.length, null, onWritten);
}

export async function fileSize(fd: number): Promise<number> {
  return (await fstatLater(fd)).size;
}
