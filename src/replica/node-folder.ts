/**
 * The data folder of a replica server: who owns it, and how often it was started.
 *
 *   <data>/server.lock   held while the server runs
 *   <data>/server.json   format, cluster, node, incarnation
 *   <data>/log/          the shared mutation log
 *   <data>/replicas/     one folder per replica
 *   <data>/trash/        folders of replicas that the meta server said to forget
 *
 * The incarnation grows by one with every start and is durable before the first beacon: a newer one
 * tells the meta server that the older process of this node is gone.
 */
import { UserError } from '../base/user-error.ts';
import { decodeUtf8, encodeUtf8 } from '../base/utf8.ts';
import { type Disk, DiskError, type DiskLock } from '../env/disk.ts';
import type { NodeId } from '../model/identity.ts';

const FORMAT = 1;

export interface NodeFolder {
  readonly path: string;
  readonly incarnation: number;
  readonly lock: DiskLock;
  /** The machine may have lost power since somebody wrote here without syncing. */
  readonly isTailAtRisk: boolean;
  /** What there was to be doubted is written down with the replicas. */
  settleTails(): Promise<void>;
}

/** What decides what a next life has to doubt. */
export interface NodeLife {
  /** See `ReplicaEnvironment.bootId`; empty = not known. */
  readonly bootId: string;
  readonly durability: 'fsync' | 'os';
}

interface ServerFile {
  readonly format: number;
  readonly clusterName: string;
  readonly nodeId: string;
  readonly incarnation: number;
  readonly bootId: string;
  readonly durability: 'fsync' | 'os';
  /** Still to be settled, by this life or the next. */
  readonly tailAtRisk: boolean;
}

/** Throws `UserError` when the folder is in use, foreign, damaged or cannot be written. */
export async function openNodeFolder(
  disk: Disk,
  path: string,
  clusterName: string,
  nodeId: NodeId,
  life: NodeLife = { bootId: '', durability: 'fsync' },
): Promise<NodeFolder> {
  const lock = await takeLock(disk, path);
  try {
    const before = await readServerFile(disk, path);
    if (before !== null) checkOwner(before, path, clusterName, nodeId);
    const incarnation = (before?.incarnation ?? 0) + 1;
    const isTailAtRisk = before !== null && isAtRisk(before, life);
    const file: ServerFile = {
      format: FORMAT,
      clusterName,
      nodeId,
      incarnation,
      ...life,
      tailAtRisk: isTailAtRisk,
    };
    await writeServerFile(disk, path, file);
    await disk.makeDirectory(`${path}/replicas`);
    await disk.makeDirectory(`${path}/trash`);
    const settleTails = async (): Promise<void> => {
      if (isTailAtRisk) await writeServerFile(disk, path, { ...file, tailAtRisk: false });
    };
    return { path, incarnation, lock, isTailAtRisk, settleTails };
  } catch (error) {
    await lock.release();
    throw asUserError(error, path);
  }
}

/** Of the life that `before` tells of: what it wrote without a sync may be gone. */
function isAtRisk(before: ServerFile, now: NodeLife): boolean {
  if (before.tailAtRisk) return true;
  if (before.durability === 'fsync') return false;
  return now.bootId === '' || now.bootId !== before.bootId;
}

async function writeServerFile(disk: Disk, path: string, file: ServerFile): Promise<void> {
  await disk.replaceFile(`${path}/server.json`, encodeUtf8(`${JSON.stringify(file)}\n`));
}

async function takeLock(disk: Disk, path: string): Promise<DiskLock> {
  try {
    // The lock is a file, and nothing is to be left behind in somebody else's folder.
    if (await disk.exists(path)) await refuseForeign(disk, path);
    await disk.makeDirectory(path);
    return await disk.lock(`${path}/server.lock`);
  } catch (error) {
    throw asUserError(error, path);
  }
}

async function refuseForeign(disk: Disk, path: string): Promise<void> {
  const names = (await disk.list(path)).map((entry) => entry.name);
  if (names.includes('server.json') || names.every((name) => name === 'server.lock')) return;
  throw new UserError(
    `The data folder ${path} is not empty and was not made by a replica server.`,
    'Point replica.data_dir at an empty folder or at the one that this server used before.',
  );
}

async function readServerFile(disk: Disk, path: string): Promise<ServerFile | null> {
  await refuseForeign(disk, path);
  if (!(await disk.exists(`${path}/server.json`))) return null;
  const text = decodeUtf8(await disk.readFile(`${path}/server.json`));
  const file = parse(text);
  if (file === null) {
    throw new UserError(
      `The file ${path}/server.json is damaged.`,
      'Restore it, or move the folder away: the server then starts empty and learns from the others.',
    );
  }
  return file;
}

function parse(text: string): ServerFile | null {
  try {
    const file = JSON.parse(text) as Partial<ServerFile> | null;
    const whole =
      typeof file?.format === 'number' &&
      typeof file.clusterName === 'string' &&
      typeof file.nodeId === 'string' &&
      Number.isSafeInteger(file.incarnation);
    return whole ? (file as ServerFile) : null;
  } catch {
    return null;
  }
}

function checkOwner(file: ServerFile, path: string, clusterName: string, nodeId: NodeId): void {
  if (file.format > FORMAT) {
    throw new UserError(
      `The data folder ${path} was written by a newer version (format ${file.format}).`,
      'Start that version or a newer one.',
    );
  }
  if (file.clusterName !== clusterName) {
    throw new UserError(
      `The data folder ${path} belongs to the cluster '${file.clusterName}', not to '${clusterName}'.`,
      'Check cluster.name and replica.data_dir.',
    );
  }
  if (file.nodeId !== nodeId) {
    throw new UserError(
      `The data folder ${path} belongs to the server ${file.nodeId}, not to ${nodeId}.`,
      'Check replica.advertised, replica.listen and replica.data_dir: an identity goes with its data.',
    );
  }
}

/** What an operator can do about a disk that refuses; other errors are returned as they are. */
export function asUserError(error: unknown, path: string): unknown {
  if (!(error instanceof DiskError)) return error;
  switch (error.code) {
    case 'locked':
      return new UserError(
        `Another server is running on the data folder ${path}.`,
        'Stop it first, or give this one a folder of its own (replica.data_dir).',
      );
    case 'permission':
      return new UserError(
        `The data folder ${path} cannot be read and written: ${error.message}.`,
        'Change its owner or mode, or start the server as another user.',
      );
    case 'full':
      return new UserError(
        `The disk of the data folder ${path} is full.`,
        'Free some space and start again.',
      );
    default:
      return new UserError(
        `The data folder ${path} cannot be used: ${error.message}.`,
        'Check the path and its disk, or choose another folder (replica.data_dir).',
      );
  }
}
