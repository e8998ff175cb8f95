/**
 * Which segments make up the log: the file `MANIFEST`, replaced as a whole.
 *
 * 1. A segment is listed before its first block is written and unlisted before it is removed. So a segment that is
 *    listed and not there is lost, one below the list is left over from a removal, one above it is left over from a
 *    roll and empty.
 * 2. When a segment is listed, everything before `lastSequence` is durable.
 * 3. Everything up to `durableSequence` is durable: written by an orderly close, which also sets `isClosed`, and at
 *    the end of a recovery that had to cut or sync.
 */
import { assertAtLeast } from '../../base/assert.ts';
import { crc32c } from '../../base/crc32c.ts';
import { type Disk, DiskError } from '../../env/disk.ts';
import { type LogId, readU64, viewOf, writeU64 } from './log-format.ts';

export interface LogManifest {
  readonly logId: LogId;
  /** Oldest segment and its first block. */
  readonly firstSegment: number;
  readonly firstSequence: number;
  /** Newest segment and its first block; 0 and the next sequence if there is none yet. */
  readonly lastSegment: number;
  readonly lastSequence: number;
  readonly durableSequence: number;
  /** Closed in order and not written since. */
  readonly isClosed: boolean;
}

const MAGIC = 0x10c5_9e57;
const VERSION = 1;
const BYTES = 60;

export function encodeManifest(manifest: LogManifest): Uint8Array {
  assertAtLeast(manifest.durableSequence, 0, 'durable sequence');
  const bytes = new Uint8Array(BYTES);
  const view = viewOf(bytes);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, VERSION, true);
  view.setUint32(8, manifest.logId.low, true);
  view.setUint32(12, manifest.logId.high, true);
  view.setUint32(16, manifest.firstSegment, true);
  view.setUint32(20, manifest.lastSegment, true);
  writeU64(view, 24, manifest.firstSequence);
  writeU64(view, 32, manifest.lastSequence);
  writeU64(view, 40, manifest.durableSequence);
  view.setUint32(48, manifest.isClosed ? 1 : 0, true);
  view.setUint32(56, crc32c(bytes, 0, 56), true);
  return bytes;
}

/** Null when the bytes are damaged. Throws a `DiskError` for a manifest of a version that we do not know. */
export function decodeManifest(bytes: Uint8Array, path: string): LogManifest | null {
  if (bytes.length !== BYTES) return null;
  const view = viewOf(bytes);
  if (view.getUint32(0, true) !== MAGIC) return null;
  if (view.getUint32(56, true) !== crc32c(bytes, 0, 56)) return null;
  if (view.getUint32(4, true) !== VERSION) {
    throw new DiskError('io', path, `${path} was written by a later version of this program`);
  }
  const manifest: LogManifest = {
    logId: { low: view.getUint32(8, true), high: view.getUint32(12, true) },
    firstSegment: view.getUint32(16, true),
    firstSequence: readU64(view, 24),
    lastSegment: view.getUint32(20, true),
    lastSequence: readU64(view, 32),
    durableSequence: readU64(view, 40),
    isClosed: view.getUint32(48, true) === 1,
  };
  const { firstSequence, lastSequence, durableSequence } = manifest;
  const areNumbers = [firstSequence, lastSequence, durableSequence].every(Number.isSafeInteger);
  return areNumbers ? manifest : null;
}

const FILE_NAME = 'MANIFEST';

export function manifestPath(directory: string): string {
  return `${directory}/${FILE_NAME}`;
}

/** Null when there is none or it is damaged; `isDamaged` tells which. */
export async function loadManifest(
  disk: Disk,
  directory: string,
): Promise<{ manifest: LogManifest | null; isDamaged: boolean }> {
  const path = manifestPath(directory);
  try {
    const manifest = decodeManifest(await disk.readFile(path), path);
    return { manifest, isDamaged: manifest === null };
  } catch (error) {
    if (error instanceof DiskError && error.code === 'notFound') {
      return { manifest: null, isDamaged: false };
    }
    throw error;
  }
}

/** Ten digits: names sort as numbers do. */
export function segmentPath(directory: string, segment: number): string {
  return `${directory}/${String(segment).padStart(10, '0')}.log`;
}

/** Null for any other file. */
export function segmentOfName(name: string): number | null {
  return /^\d{10}\.log$/.test(name) ? Number(name.slice(0, 10)) : null;
}
