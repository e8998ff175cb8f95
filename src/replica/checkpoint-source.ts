/**
 * Serves checkpoints of one replica to learners: makes them in `serve-<id>/`, answers pieces of
 * their files, removes them.
 *
 * Only files that were listed when the checkpoint was made can be asked for, so no name from the
 * network reaches the disk.
 */

import { EMPTY_BYTES } from '../base/bytes.ts';
import { crc32c } from '../base/crc32c.ts';
import { reached } from '../base/marks.ts';
import type { CheckpointFile } from '../consensus/learner-session.ts';
import type { Disk, DiskFile } from '../env/disk.ts';
import type { Engine } from '../env/engine.ts';
import type { FileChunk, FileRequest } from '../wire/generated/internal.ts';
import type { ReplicaFolder } from './replica-folder.ts';

export const CHUNK_BYTES_MAX: number = 1 << 20;

interface Served {
  readonly id: string;
  readonly files: readonly CheckpointFile[];
  /** The file that was read last, kept open. */
  open: { readonly name: string; readonly file: DiskFile } | null;
}

export class CheckpointSource {
  private readonly disk: Disk;
  private readonly folder: ReplicaFolder;
  private readonly served = new Map<number, Served>();
  private readonly making = new Set<number>();

  constructor(disk: Disk, folder: ReplicaFolder) {
    this.disk = disk;
    this.folder = folder;
  }

  isMaking(learnId: number): boolean {
    return this.making.has(learnId);
  }

  /** Null when the learner was released meanwhile. Rejects with `EngineError` or `DiskError`. */
  async make(
    engine: Engine,
    learnId: number,
  ): Promise<{ readonly id: string; readonly files: readonly CheckpointFile[] } | null> {
    this.making.add(learnId);
    const id = String(learnId);
    const path = this.folder.servePath(id);
    try {
      await this.forget(learnId);
      // What is left of an attempt that failed, or could not be removed when it was forgotten.
      await this.disk.remove(path);
      await this.fill(engine, path);
      reached('replica.checkpoint.made');
      const entries = await this.disk.list(path);
      const files = entries
        .filter((entry) => !entry.isDirectory)
        .map((entry) => ({ name: entry.name, size: entry.size }));
      if (!this.making.has(learnId)) {
        reached('replica.checkpoint.unwanted');
        await this.disk.remove(path);
        return null;
      }
      this.served.set(learnId, { id, files, open: null });
      return { id, files };
    } finally {
      this.making.delete(learnId);
    }
  }

  private async fill(engine: Engine, path: string): Promise<void> {
    try {
      await engine.checkpoint(path);
    } catch (error) {
      reached('replica.checkpoint.halfMade');
      // It takes room, which may be what was lacking. If it stays, the next attempt or the next start removes it.
      await this.disk.remove(path).catch(() => undefined);
      throw error;
    }
  }

  async read(request: FileRequest): Promise<FileChunk> {
    const served = this.served.get(request.learnId);
    const isKnown = served?.files.some((file) => file.name === request.fileName) === true;
    if (served === undefined || served.id !== request.checkpointId || !isKnown) {
      reached('replica.checkpoint.gone');
      return chunkOf(request, EMPTY_BYTES, 'ERR_OBJECT_NOT_FOUND');
    }
    try {
      const file = await this.openFile(served, request.fileName);
      const bytes = new Uint8Array(Math.min(Math.max(request.length, 0), CHUNK_BYTES_MAX));
      const count = await file.read(request.offset, bytes);
      const isRight = count === request.length && checksumOf(bytes) === request.heldChecksum;
      if (request.isHeld && isRight) {
        return { ...chunkOf(request, EMPTY_BYTES, 'ERR_OK'), checksum: request.heldChecksum };
      }
      return chunkOf(request, bytes.subarray(0, count), 'ERR_OK');
    } catch {
      return chunkOf(request, EMPTY_BYTES, 'ERR_FILE_OPERATION_FAILED');
    }
  }

  /** Idempotent. */
  async forget(learnId: number): Promise<void> {
    const served = this.served.get(learnId);
    this.served.delete(learnId);
    if (served === undefined) return;
    await served.open?.file.close();
    await this.disk.remove(this.folder.servePath(served.id));
  }

  /** Also stops what is being made from being kept. */
  async release(learnId: number): Promise<void> {
    this.making.delete(learnId);
    await this.forget(learnId);
  }

  async close(): Promise<void> {
    this.making.clear();
    for (const learnId of [...this.served.keys()]) await this.forget(learnId);
  }

  private async openFile(served: Served, name: string): Promise<DiskFile> {
    if (served.open?.name === name) return served.open.file;
    await served.open?.file.close();
    served.open = null;
    const file = await this.disk.open(`${this.folder.servePath(served.id)}/${name}`, 'read');
    served.open = { name, file };
    return file;
  }
}

export function checksumOf(bytes: Uint8Array): number {
  return crc32c(bytes, 0, bytes.length) | 0;
}

function chunkOf(request: FileRequest, bytes: Uint8Array, error: string): FileChunk {
  return {
    gpid: request.gpid,
    learnId: request.learnId,
    checkpointId: request.checkpointId,
    fileName: request.fileName,
    offset: request.offset,
    bytes,
    checksum: checksumOf(bytes),
    error,
  };
}
