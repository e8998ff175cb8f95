/**
 * Fetches one checkpoint from a primary into the `learn/` folder, piece by piece.
 *
 * One piece is asked for at a time and asked for again when it does not come; each is checked
 * against its checksum before it is written. Bandwidth is bounded by a token bucket, so that
 * learning leaves room for clients.
 */
import { crc32c } from '../base/crc32c.ts';
import { reached } from '../base/marks.ts';
import type { Clock, Timers } from '../env/clock.ts';
import type { Disk, DiskError, DiskFile } from '../env/disk.ts';
import type { FileChunk, FileRequest, LearnCheckpoint } from '../wire/generated/internal.ts';
import { CHUNK_BYTES_MAX } from './checkpoint-source.ts';

const RETRY_MS = 1_000;
const RETRIES_MAX = 30;

export class FetchAbandoned extends Error {
  override readonly name = 'FetchAbandoned';
}

interface Waiting {
  readonly request: FileRequest;
  readonly resolve: (bytes: Uint8Array) => void;
  readonly reject: (error: Error) => void;
  sentAtMs: number;
  attempts: number;
}

export class CheckpointFetch {
  readonly learnId: number;
  private readonly environment: {
    readonly clock: Clock;
    readonly timers: Timers;
    readonly disk: Disk;
  };
  private readonly offer: LearnCheckpoint;
  private readonly path: string;
  private readonly bytesPerSecondMax: number;
  private readonly send: (request: FileRequest) => void;
  /** So far, for reports. */
  fetchedBytes = 0;
  private waiting: Waiting | null = null;
  private abandoned = false;
  /** When the bandwidth limit lets the next request out. */
  private nextAllowedMs = 0;

  constructor(
    environment: { readonly clock: Clock; readonly timers: Timers; readonly disk: Disk },
    offer: LearnCheckpoint,
    path: string,
    bytesPerSecondMax: number,
    send: (request: FileRequest) => void,
  ) {
    this.environment = environment;
    this.offer = offer;
    this.learnId = offer.learnId;
    this.path = path;
    this.bytesPerSecondMax = bytesPerSecondMax;
    this.send = send;
  }

  /**
   * All files are in `path`, durable, when it resolves. Rejects with `FetchAbandoned` or
   * `DiskError`.
   */
  async run(): Promise<void> {
    const { disk } = this.environment;
    const { fileNames, fileSizes } = this.offer;
    await disk.remove(this.path);
    await disk.makeDirectory(this.path);
    for (const [index, name] of fileNames.entries()) {
      if (!isPlainName(name)) throw new FetchAbandoned('a file name of the checkpoint is no name');
      await this.fetchFile(name, fileSizes[index] ?? 0);
    }
    await disk.syncDirectory(this.path);
    reached('replica.learn.fetched');
  }

  /** `chunk.bytes` is valid during the call only. */
  onFileChunk(chunk: FileChunk): void {
    const { waiting } = this;
    if (waiting === null || chunk.checkpointId !== this.offer.checkpointId) return;
    const { request } = waiting;
    if (chunk.fileName !== request.fileName || chunk.offset !== request.offset) return;
    if (chunk.error !== 'ERR_OK') {
      this.waiting = null;
      reached('replica.learn.checkpointGone');
      waiting.reject(new FetchAbandoned('the primary no longer has the checkpoint'));
      return;
    }
    const { bytes } = chunk;
    const isWhole = bytes.length > 0 && (crc32c(bytes, 0, bytes.length) | 0) === chunk.checksum;
    if (!isWhole) return;
    this.waiting = null;
    waiting.resolve(bytes.slice());
  }

  onTick(nowMs: number): void {
    const { waiting } = this;
    if (waiting === null || nowMs - waiting.sentAtMs < RETRY_MS) return;
    reached('replica.learn.pieceRepeated');
    waiting.attempts += 1;
    if (waiting.attempts > RETRIES_MAX) {
      this.waiting = null;
      waiting.reject(new FetchAbandoned('the primary does not answer'));
      return;
    }
    waiting.sentAtMs = nowMs;
    this.send(waiting.request);
  }

  abandon(): void {
    this.abandoned = true;
    this.waiting?.reject(new FetchAbandoned('another learn has begun'));
    this.waiting = null;
  }

  private async fetchFile(name: string, size: number): Promise<void> {
    const file = await this.environment.disk.open(`${this.path}/${name}`, 'create');
    try {
      let offset = 0;
      while (offset < size) {
        const bytes = await this.fetchPiece(name, offset, Math.min(CHUNK_BYTES_MAX, size - offset));
        await append(file, bytes);
        reached('replica.learn.piece');
        offset += bytes.length;
        this.fetchedBytes += bytes.length;
      }
      await file.sync();
    } finally {
      await file.close();
    }
  }

  private async fetchPiece(name: string, offset: number, length: number): Promise<Uint8Array> {
    await this.takeBandwidth(length);
    if (this.abandoned) throw new FetchAbandoned('another learn has begun');
    const request: FileRequest = {
      gpid: this.offer.gpid,
      learnId: this.learnId,
      checkpointId: this.offer.checkpointId,
      fileName: name,
      offset,
      length,
    };
    const sentAtMs = this.environment.clock.monotonicMs();
    return new Promise((resolve, reject) => {
      this.waiting = { request, resolve, reject, sentAtMs, attempts: 0 };
      this.send(request);
    });
  }

  private takeBandwidth(byteCount: number): Promise<void> {
    const now = this.environment.clock.monotonicMs();
    const start = Math.max(now, this.nextAllowedMs);
    this.nextAllowedMs = start + (byteCount / this.bytesPerSecondMax) * 1_000;
    if (start <= now) return Promise.resolve();
    return new Promise((resolve) => {
      this.environment.timers.after(start - now, resolve);
    });
  }
}

function append(file: DiskFile, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    file.append(bytes, false, (error: DiskError | null) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
}

/** One path component that cannot lead out of its folder. */
function isPlainName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !name.includes('/');
}
