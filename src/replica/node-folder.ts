/**
 * The data folder of a replica server: who owns it, and how often it was started.
 *
 *   <data>/server.lock        held while the server runs
 *   <data>/server.json        cluster, node, incarnation (server-file.ts)
 *   <data>/server.copy.json   the same
 *   <data>/log/               the shared mutation log
 *   <data>/replicas/          one folder per replica
 *   <data>/trash/             folders of replicas that the meta server said to forget
 *
 * The incarnation grows by one with every start and is durable before the first beacon: a newer one
 * tells the meta server that the older process of this node is gone.
 */
import { UserError } from '../base/user-error.ts';
import { type Disk, DiskError, type DiskLock } from '../env/disk.ts';
import type { NodeId } from '../model/identity.ts';
import {
  readServerRecord,
  SERVER_FILE_NAMES,
  type ServerRecord,
  writeServerRecord,
} from './server-file.ts';

export interface NodeFolder {
  readonly path: string;
  readonly incarnation: number;
  readonly lock: DiskLock;
  /** The machine may have lost power since somebody wrote here without syncing. */
  readonly isTailAtRisk: boolean;
  /** What there was to be doubted is written down with the replicas. */
  settleTails(): Promise<void>;
  /** The folder is an old copy: lives up to `incarnation` were had. The next start begins a later one. */
  outlivedBy(incarnation: number): Promise<void>;
}

/** What decides what a next life has to doubt. */
export interface NodeLife {
  /** See `ReplicaEnvironment.bootId`; empty = not known. */
  readonly bootId: string;
  readonly durability: 'fsync' | 'os';
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
    await refuseForeign(disk, path);
    const before = await readServerRecord(disk, path);
    if (before !== null) checkOwner(before, path, clusterName, nodeId);
    const incarnation = (before?.incarnation ?? 0) + 1;
    const isTailAtRisk = before !== null && isAtRisk(before, life);
    const record: ServerRecord = {
      clusterName,
      nodeId,
      incarnation,
      ...life,
      tailAtRisk: isTailAtRisk,
    };
    await writeServerRecord(disk, path, record);
    await disk.makeDirectory(`${path}/replicas`);
    await disk.makeDirectory(`${path}/trash`);
    const settleTails = async (): Promise<void> => {
      if (isTailAtRisk) await writeServerRecord(disk, path, { ...record, tailAtRisk: false });
    };
    const outlivedBy = (known: number): Promise<void> =>
      writeServerRecord(disk, path, { ...record, incarnation: Math.max(incarnation, known) });
    return { path, incarnation, lock, isTailAtRisk, settleTails, outlivedBy };
  } catch (error) {
    await lock.release();
    throw asUserError(error, path);
  }
}

/** Of the life that `before` tells of: what it wrote without a sync may be gone. */
function isAtRisk(before: ServerRecord, now: NodeLife): boolean {
  if (before.tailAtRisk) return true;
  if (before.durability === 'fsync') return false;
  return now.bootId === '' || now.bootId !== before.bootId;
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
  if (SERVER_FILE_NAMES.some((name) => names.includes(name))) return;
  // What a first start has left that was killed.
  if (names.every((name) => name === 'server.lock' || name === `${SERVER_FILE_NAMES[0]}.tmp`))
    return;
  throw new UserError(
    `The data folder ${path} is not empty and was not made by a replica server.`,
    'Point replica.data_dir at an empty folder or at the one that this server used before.',
  );
}

function checkOwner(file: ServerRecord, path: string, clusterName: string, nodeId: NodeId): void {
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
