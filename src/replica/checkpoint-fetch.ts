/**
 * Fetches one checkpoint from a primary into the `learn/` folder, piece by piece.
 *
 * One piece is asked for at a time and asked for again when it does not come; each is checked
 * against its checksum before it is written. Bandwidth is bounded, so that learning leaves room for
 * clients.
 *
 * What an attempt before has left in the folder is resumed, though the checkpoint is another one:
 * engines keep most files as they are. The primary compares the checksum of each piece that is here
 * with its own; from the first one that differs on, the file is fetched. At the end every byte has
 * come, or was compared, under this attempt.
 */
import { assertAtLeast, assertAtMost } from '../base/assert.ts';
import { reached } from '../base/marks.ts';
import type { Clock } from '../env/clock.ts';
import type { Disk, DiskError, DiskFile } from '../env/disk.ts';
import type { FileChunk, FileRequest, LearnCheckpoint } from '../wire/generated/internal.ts';
import type { Bandwidth } from './bandwidth.ts';
import { CHUNK_BYTES_MAX, checksumOf } from './checkpoint-source.ts';

const RETRY_MS = 1_000;
const RETRIES_MAX = 30;

export class FetchAbandoned extends Error {
  override readonly name = 'FetchAbandoned';
}

interface Waiting {
  readonly request: FileRequest;
  /** Null: the bytes that are held are right. */
  readonly resolve: (bytes: Uint8Array | null) => void;
  readonly reject: (error: Error) => void;
  sentAtMs: number;
  attempts: number;
}

export class CheckpointFetch {
  readonly learnId: number;
  private readonly environment: {
    readonly clock: Clock;
    readonly disk: Disk;
  };
  private readonly offer: LearnCheckpoint;
  private readonly path: string;
  private readonly bandwidth: Bandwidth;
  private readonly pieceBytesMax: number;
  private readonly send: (request: FileRequest) => void;
  /** So far, for reports. */
  fetchedBytes = 0;
  private waiting: Waiting | null = null;
  private abandoned = false;

  constructor(
    environment: { readonly clock: Clock; readonly disk: Disk },
    offer: LearnCheckpoint,
    path: string,
    bandwidth: Bandwidth,
    pieceBytesMax: number,
    send: (request: FileRequest) => void,
  ) {
    assertAtLeast(pieceBytesMax, 1, 'a piece has bytes');
    assertAtMost(pieceBytesMax, CHUNK_BYTES_MAX, 'a piece is as large as the primary serves');
    this.environment = environment;
    this.offer = offer;
    this.learnId = offer.learnId;
    this.path = path;
    this.bandwidth = bandwidth;
    this.pieceBytesMax = pieceBytesMax;
    this.send = send;
  }

  /**
   * All files are in `path`, durable, when it resolves. Rejects with `FetchAbandoned` or
   * `DiskError`.
   */
  async run(): Promise<void> {
    const { disk } = this.environment;
    const { fileNames, fileSizes } = this.offer;
    await disk.makeDirectory(this.path);
    for (const entry of await disk.list(this.path)) {
      if (entry.isDirectory || !fileNames.includes(entry.name)) {
        await disk.remove(`${this.path}/${entry.name}`);
      }
    }
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
    const isKept = request.isHeld && chunk.checksum === request.heldChecksum;
    const isWhole = bytes.length > 0 ? checksumOf(bytes) === chunk.checksum : isKept;
    if (!isWhole) return;
    this.waiting = null;
    waiting.resolve(bytes.length > 0 ? bytes.slice() : null);
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
    const file = await this.environment.disk.open(`${this.path}/${name}`, 'append');
    try {
      let offset = 0;
      while (offset < size) {
        const length = Math.min(this.pieceBytesMax, size - offset);
        const held = offset + length <= file.size ? await readPiece(file, offset, length) : null;
        const bytes = await this.fetchPiece(name, offset, length, held);
        if (bytes === null) {
          reached('replica.learn.pieceHeld');
        } else {
          if (file.size > offset) await file.truncate(offset);
          await append(file, bytes);
          reached('replica.learn.piece');
        }
        const gained = bytes?.length ?? length;
        offset += gained;
        this.fetchedBytes += gained;
      }
      if (file.size > size) await file.truncate(size);
      await file.sync();
    } finally {
      await file.close();
    }
  }

  private async fetchPiece(
    name: string,
    offset: number,
    length: number,
    held: Uint8Array | null,
  ): Promise<Uint8Array | null> {
    await this.bandwidth.take(held === null ? length : 0);
    if (this.abandoned) throw new FetchAbandoned('another learn has begun');
    const request: FileRequest = {
      gpid: this.offer.gpid,
      learnId: this.learnId,
      checkpointId: this.offer.checkpointId,
      fileName: name,
      offset,
      length,
      isHeld: held !== null,
      heldChecksum: held === null ? 0 : checksumOf(held),
    };
    const sentAtMs = this.environment.clock.monotonicMs();
    return new Promise((resolve, reject) => {
      this.waiting = { request, resolve, reject, sentAtMs, attempts: 0 };
      this.send(request);
    });
  }
}

/** Null when it cannot be read: then it is fetched. */
async function readPiece(
  file: DiskFile,
  offset: number,
  length: number,
): Promise<Uint8Array | null> {
  const bytes = new Uint8Array(length);
  try {
    return (await file.read(offset, bytes)) === length ? bytes : null;
  } catch {
    return null;
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
