/**
 * What a replica server remembers of itself, in its data folder: `server.json` and its copy.
 *
 * A server that takes an incarnation for new that it has had before could be taken for its former life. So the file has
 * a checksum, and there are two of it, written one after the other. Whoever starts believes the one with the higher
 * incarnation of those that are whole: nothing has left the server under an incarnation before both files had it. So
 * it survives that one of them rots, is lost, or is read as it was before. The format before (1) had neither checksum
 * nor copy; it is read, and replaced by the start. Every later one has its number, checksum and content in the same
 * places, and its number in the checksum: what names a later format without that is damaged.
 */
import { crc32c } from '../base/crc32c.ts';
import { reached } from '../base/marks.ts';
import { UserError } from '../base/user-error.ts';
import { decodeUtf8, encodeUtf8 } from '../base/utf8.ts';
import type { Disk } from '../env/disk.ts';

const FORMAT = 2;

export const SERVER_FILE_NAMES: readonly string[] = ['server.json', 'server.copy.json'];

export interface ServerRecord {
  readonly clusterName: string;
  readonly nodeId: string;
  readonly incarnation: number;
  readonly bootId: string;
  readonly durability: 'fsync' | 'os';
  /** What was written without a sync may be lost: still to be settled, by this life or the next. */
  readonly tailAtRisk: boolean;
}

type Found = ServerRecord | 'missing' | 'damaged';

export async function writeServerRecord(
  disk: Disk,
  folder: string,
  record: ServerRecord,
): Promise<void> {
  const file = { format: FORMAT, checksum: checksumOf(record, FORMAT), content: record };
  const bytes = encodeUtf8(`${JSON.stringify(file)}\n`);
  for (const name of SERVER_FILE_NAMES) await disk.replaceFile(`${folder}/${name}`, bytes);
}

/** Null when no server has ever started here. Throws `UserError` when nothing whole is left. */
export async function readServerRecord(disk: Disk, folder: string): Promise<ServerRecord | null> {
  const found: Found[] = [];
  for (const name of SERVER_FILE_NAMES) found.push(await readOne(disk, `${folder}/${name}`));
  let newest: ServerRecord | null = null;
  for (const one of found) {
    if (one === 'missing' || one === 'damaged') continue;
    if (newest === null || one.incarnation > newest.incarnation) newest = one;
  }
  if (newest === null && found.includes('damaged')) {
    throw new UserError(
      `The files ${folder}/server.json and server.copy.json are damaged or missing.`,
      'Restore one of them, or move the folder away: the server then starts empty and learns from the others.',
    );
  }
  if (newest !== null && found.includes('damaged')) reached('replica.serverFile.damaged');
  return newest;
}

async function readOne(disk: Disk, path: string): Promise<Found> {
  if (!(await disk.exists(path))) return 'missing';
  const text = decodeUtf8(await disk.readFile(path));
  return parse(text, path) ?? 'damaged';
}

function parse(text: string, path: string): ServerRecord | null {
  let file: Readonly<Record<string, unknown>> | null;
  try {
    file = JSON.parse(text) as Readonly<Record<string, unknown>> | null;
  } catch {
    return null;
  }
  if (typeof file !== 'object' || file === null) return null;
  const { format, checksum, content } = file;
  if (format === 1) return recordOf(file);
  if (typeof format !== 'number' || format < FORMAT) return null;
  if (checksum !== checksumOf(content, format)) return null;
  if (format === FORMAT) {
    return typeof content === 'object' && content !== null ? recordOf(content) : null;
  }
  throw new UserError(
    `The file ${path} was written by a newer version (format ${format}).`,
    'Start that version or a newer one.',
  );
}

/** Null when something is missing that a server cannot do without. */
function recordOf(content: object): ServerRecord | null {
  const { clusterName, nodeId, incarnation, bootId, durability, tailAtRisk } =
    content as Partial<ServerRecord>;
  if (typeof clusterName !== 'string' || typeof nodeId !== 'string') return null;
  if (incarnation === undefined || !Number.isSafeInteger(incarnation)) return null;
  return {
    clusterName,
    nodeId,
    incarnation,
    bootId: bootId ?? '',
    // Not written by the first versions, which knew no difference: so there is doubt.
    durability: durability ?? 'os',
    tailAtRisk: tailAtRisk === true,
  };
}

/** The number of the format counts: a flipped bit in it makes no other format. */
function checksumOf(content: unknown, format: number): number {
  const bytes = encodeUtf8(`${format} ${JSON.stringify(content)}`);
  return crc32c(bytes, 0, bytes.length);
}
