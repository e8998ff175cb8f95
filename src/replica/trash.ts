/**
 * What a replica server has put aside: copies that were removed, that failed, or whose making was not finished, and
 * logs that failed. They stay for a while, for whoever finds that he needs them, and are removed after that.
 *
 *   <data>/trash/<app>.<partition>.<life>-<wall ms>.gar    a copy that was removed: held for a day
 *   <data>/trash/<app>.<partition>.<life>-<wall ms>.err    a copy that had failed: a week
 *   <data>/trash/<app>.<partition>.<life>-<wall ms>.tmp    one whose making was not finished: a day
 *   <data>/trash/log.<life>-<wall ms>                      a log that failed: a week
 *
 * Kinds and times are those of the original; names without a kind were written by the first versions, and are copies
 * that were removed. What has another name is somebody's, and stays.
 *
 * A copy that is restored lacks what the log had for it: its number becomes the highest that its server has given out,
 * so that it is opened, and its tail is doubted, so that it leads only when nobody has more (cluster/log-head.ts), or
 * by force.
 */
import { UserError } from '../base/user-error.ts';
import { type Disk, DiskError } from '../env/disk.ts';
import type { Logger } from '../env/logger.ts';
import { type Gpid, gpidOf, gpidText } from '../model/identity.ts';
import { IDS_PER_LIFE, ReplicaFolder } from './replica-folder.ts';
import { readServerRecord } from './server-file.ts';

export type TrashKind = 'gar' | 'err' | 'tmp' | 'log';

export interface TrashItem {
  readonly name: string;
  readonly kind: TrashKind;
  /** Null for a log. */
  readonly gpid: Gpid | null;
  /** When it was put aside. */
  readonly trashedMs: number;
}

export interface TrashHolds {
  readonly trashRemovedHoldMs: number;
  readonly trashFailedHoldMs: number;
}

/** Null for what is none of ours. */
export function parseTrashName(name: string): TrashItem | null {
  const match = /^(?:(\d{1,9})\.(\d{1,6})|log)\.\d+-(\d+)(?:\.(gar|err|tmp))?$/.exec(name);
  if (match === null) return null;
  const [, appId, index, wallMs, suffix] = match;
  const trashedMs = Number(wallMs);
  if (appId === undefined || index === undefined) {
    return suffix === undefined ? { name, kind: 'log', gpid: null, trashedMs } : null;
  }
  const kind = (suffix ?? 'gar') as TrashKind;
  return { name, kind, gpid: gpidOf(Number(appId), Number(index)), trashedMs };
}

/** Oldest first. */
export async function listTrash(disk: Disk, dataPath: string): Promise<TrashItem[]> {
  const items: TrashItem[] = [];
  for (const { name } of await disk.list(`${dataPath}/trash`)) {
    const item = parseTrashName(name);
    if (item !== null) items.push(item);
  }
  return items.sort((a, b) => a.trashedMs - b.trashedMs);
}

export function holdMsOf(kind: TrashKind, holds: TrashHolds): number {
  return kind === 'err' || kind === 'log' ? holds.trashFailedHoldMs : holds.trashRemovedHoldMs;
}

/** Removes what was held long enough; answers with the names. */
export async function emptyTrash(
  disk: Disk,
  dataPath: string,
  holds: TrashHolds,
  wallMs: number,
): Promise<string[]> {
  const removed: string[] = [];
  for (const { name, kind, trashedMs } of await listTrash(disk, dataPath)) {
    if (wallMs - trashedMs < holdMsOf(kind, holds)) continue;
    await disk.remove(`${dataPath}/trash/${name}`);
    removed.push(name);
  }
  return removed;
}

/** Empties the trash from time to time, one round at a time. */
export class TrashKeeper {
  readonly #disk: Disk;
  readonly #logger: Logger;
  readonly #dataPath: string;
  readonly #holds: TrashHolds;
  #round: Promise<void> | null = null;

  constructor(
    { disk, logger }: { readonly disk: Disk; readonly logger: Logger },
    dataPath: string,
    holds: TrashHolds,
  ) {
    this.#disk = disk;
    this.#logger = logger;
    this.#dataPath = dataPath;
    this.#holds = holds;
  }

  look(wallMs: number): void {
    this.#round ??= this.#empty(wallMs).finally(() => {
      this.#round = null;
    });
  }

  /** Nothing is removed any more when it resolves. */
  async close(): Promise<void> {
    await this.#round;
  }

  async #empty(wallMs: number): Promise<void> {
    try {
      const removed = await emptyTrash(this.#disk, this.#dataPath, this.#holds, wallMs);
      for (const name of removed) this.#logger.info('replica.trash.removed', { name });
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.#logger.warn('replica.trash.trouble', { error: error.message });
    }
  }
}

/** Puts a copy back where its server finds it at its next start. Throws `UserError`. */
export async function restoreTrashed(disk: Disk, dataPath: string, name: string): Promise<Gpid> {
  const item = parseTrashName(name);
  const from = `${dataPath}/trash/${name}`;
  if (item === null || item.gpid === null || !(await disk.exists(from))) {
    throw new UserError(
      `There is no copy ${name} in the trash.`,
      'See: pegasus replica trash list',
    );
  }
  const { gpid } = item;
  const lock = await takeLock(disk, dataPath);
  try {
    const place = new ReplicaFolder(disk, dataPath, gpid);
    if (await place.exists()) {
      throw new UserError(
        `The server holds a copy of partition ${gpidText(gpid)} already.`,
        `Move ${place.path} away first, if the one in the trash is better.`,
      );
    }
    const server = await readServerRecord(disk, dataPath);
    const trashed = new ReplicaFolder(disk, dataPath, gpid, from);
    const stored = await trashed.read();
    if (server === null || stored === null) {
      throw new UserError(`The copy ${name} cannot be read.`, 'Choose another one.');
    }
    const copy = server.incarnation * IDS_PER_LIFE + IDS_PER_LIFE - 1;
    await trashed.write({ ...stored, tailUnproven: true, copy });
    await disk.rename(from, place.path);
    return gpid;
  } finally {
    await lock.release();
  }
}

async function takeLock(disk: Disk, dataPath: string): ReturnType<Disk['lock']> {
  try {
    return await disk.lock(`${dataPath}/server.lock`);
  } catch (error) {
    if (!(error instanceof DiskError) || error.code !== 'locked') throw error;
    throw new UserError(`A server is running on ${dataPath}.`, 'Stop it first.');
  }
}
