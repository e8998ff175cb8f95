/**
 * The folder of one replica.
 *
 *   <data>/replicas/<app>.<partition>/replica.json   newest configuration seen, and the table
 *   <data>/replicas/<app>.<partition>/engine/        the engine; holds its own applied decree
 *   <data>/replicas/<app>.<partition>/learn/         checkpoint being fetched
 *   <data>/replicas/<app>.<partition>/serve-<id>/    checkpoint that a learner fetches from here
 *
 * A fetched checkpoint becomes the engine by two renames (engine → engine.old, learn → engine); a
 * crash between them is undone on opening. `replica.json` is never consulted about data: what the
 * engine holds is read from the engine.
 */
import { crc32c } from '../base/crc32c.ts';
import { reached } from '../base/marks.ts';
import { decodeUtf8, encodeUtf8 } from '../base/utf8.ts';
import type { Disk } from '../env/disk.ts';
import {
  type AppInfo,
  type AppStatus,
  isConfiguration,
  isTable,
  type PartitionConfiguration,
} from '../model/configuration.ts';
import {
  type AppId,
  type Ballot,
  type Gpid,
  gpidOf,
  gpidText,
  type NodeId,
} from '../model/identity.ts';

const FORMAT = 2;

/** Numbers of copies, and learn ids, grow within a life, and from one to the next. */
export const IDS_PER_LIFE = 0x100000000;

/** Instead of the number of a copy that was brought back after its removal: it is not to be opened. */
export const COPY_REMOVED = -1;

export interface StoredReplica {
  readonly config: PartitionConfiguration;
  readonly table: AppInfo;
  /** The end of its log may be lost, and nobody has told it otherwise since. */
  readonly tailUnproven: boolean;
  /** Copies of a partition on one server are numbered: each higher than those removed before it was made. */
  readonly copy: number;
}

export class ReplicaFolder {
  readonly path: string;
  readonly gpid: Gpid;
  private readonly disk: Disk;
  private readonly replicasPath: string;
  private readonly trashPath: string;

  /** `path` if it is not where its server looks for it. */
  constructor(disk: Disk, dataPath: string, gpid: Gpid, path?: string) {
    this.disk = disk;
    this.gpid = gpid;
    this.replicasPath = `${dataPath}/replicas`;
    this.path = path ?? `${this.replicasPath}/${gpidText(gpid)}`;
    this.trashPath = `${dataPath}/trash`;
  }

  get enginePath(): string {
    return `${this.path}/engine`;
  }

  get learnPath(): string {
    return `${this.path}/learn`;
  }

  servePath(checkpointId: string): string {
    return `${this.path}/serve-${checkpointId}`;
  }

  exists(): Promise<boolean> {
    return this.disk.exists(this.path);
  }

  async create(stored: StoredReplica): Promise<void> {
    await this.disk.makeDirectory(this.path);
    await this.write(stored);
  }

  /** Undoes a half-done swap and removes what no longer belongs to anything. */
  async recover(): Promise<void> {
    const { disk } = this;
    const old = `${this.path}/engine.old`;
    if ((await disk.exists(old)) && !(await disk.exists(this.enginePath))) {
      reached('replica.swap.undone');
      await disk.rename(old, this.enginePath);
    }
    for (const entry of await disk.list(this.path)) {
      const stale =
        entry.name === 'engine.old' || entry.name === 'learn' || entry.name.startsWith('serve-');
      if (stale) await disk.remove(`${this.path}/${entry.name}`);
    }
  }

  /** The engine must be closed; `learn/` holds a verified checkpoint. */
  async installLearned(): Promise<void> {
    const { disk } = this;
    const old = `${this.path}/engine.old`;
    await disk.remove(old);
    if (await disk.exists(this.enginePath)) await disk.rename(this.enginePath, old);
    reached('replica.swap.oldMoved');
    await disk.rename(this.learnPath, this.enginePath);
    reached('replica.swap.newMoved');
    await disk.remove(old);
  }

  async write(stored: StoredReplica): Promise<void> {
    const { config, table, tailUnproven, copy } = stored;
    const content: ReplicaContent = {
      gpid: gpidText(config.gpid),
      ballot: config.ballot,
      maxReplicaCount: config.maxReplicaCount,
      primary: config.primary,
      secondaries: config.secondaries,
      tailUnproven,
      copy,
      table: { ...table, envs: Object.fromEntries(table.envs) },
    };
    const text = JSON.stringify({ format: FORMAT, checksum: checksumOf(content), content });
    reached('replica.config.before');
    await this.disk.replaceFile(`${this.path}/replica.json`, encodeUtf8(`${text}\n`));
    reached('replica.config.after');
  }

  /**
   * Null when the file is missing, damaged or that of another replica: this one cannot be trusted to
   * know its ballot.
   */
  async read(): Promise<StoredReplica | null> {
    const path = `${this.path}/replica.json`;
    if (!(await this.disk.exists(path))) return null;
    return parseReplicaFile(this.gpid, decodeUtf8(await this.disk.readFile(path)));
  }

  /**
   * Moves the whole folder to the trash (trash.ts); `stamp` makes the name unique. One that is not here was
   * moved by an attempt that failed later: it only has to be made durable.
   */
  async trash(stamp: string, kind: 'gar' | 'err' | 'tmp' = 'gar'): Promise<void> {
    const { disk } = this;
    if (await disk.exists(this.path)) {
      await disk.rename(this.path, `${this.trashPath}/${gpidText(this.gpid)}.${stamp}.${kind}`);
      return;
    }
    await disk.syncDirectory(this.trashPath);
    await disk.syncDirectory(this.replicasPath);
  }
}

/** Gpids of all replica folders; names that are none are left alone. */
export async function listReplicaFolders(disk: Disk, dataPath: string): Promise<Gpid[]> {
  const gpids: Gpid[] = [];
  for (const entry of await disk.list(`${dataPath}/replicas`)) {
    const match = /^(\d{1,9})\.(\d{1,6})$/.exec(entry.name);
    if (match === null || !entry.isDirectory) continue;
    gpids.push(gpidOf(Number(match[1]), Number(match[2])));
  }
  return gpids;
}

interface ReplicaContent {
  /** The folder may have been moved to where another replica belongs. */
  readonly gpid: string;
  readonly ballot: number;
  readonly maxReplicaCount: number;
  readonly primary: string | null;
  readonly secondaries: readonly string[];
  readonly tailUnproven?: boolean;
  readonly copy?: number;
  readonly table: Omit<AppInfo, 'envs'> & { readonly envs: Readonly<Record<string, string>> };
}

interface ReplicaFile {
  readonly format: number;
  /** CRC-32C of the content as it is written: a flipped bit in a digit is still JSON. */
  readonly checksum: number;
  readonly content: ReplicaContent;
}

function checksumOf(content: ReplicaContent): number {
  const bytes = encodeUtf8(JSON.stringify(content));
  return crc32c(bytes, 0, bytes.length);
}

/** A checksum holds over anything: what a server cannot do without has the right type. */
function isWhole(content: ReplicaContent): boolean {
  const { ballot, primary, secondaries, table } = content;
  if (!Number.isSafeInteger(ballot) || ballot < 0) return false;
  if (primary !== null && typeof primary !== 'string') return false;
  if (!Array.isArray(secondaries) || secondaries.some((node) => typeof node !== 'string')) {
    return false;
  }
  const envs: unknown = table?.envs;
  if (typeof envs !== 'object' || envs === null) return false;
  return Object.values(envs).every((value) => typeof value === 'string');
}

function parseReplicaFile(gpid: Gpid, text: string): StoredReplica | null {
  let file: Partial<ReplicaFile> | null;
  try {
    file = JSON.parse(text) as Partial<ReplicaFile> | null;
  } catch {
    return null;
  }
  if (file?.format !== FORMAT || typeof file.content !== 'object') return null;
  if (file.content === null || file.checksum !== checksumOf(file.content)) return null;
  const { content } = file;
  if (content.gpid !== gpidText(gpid) || !isWhole(content)) return null;
  const table: AppInfo = {
    ...content.table,
    appId: content.table.appId as AppId,
    status: content.table.status as AppStatus,
    envs: new Map(Object.entries(content.table.envs)),
    // Not written by the first versions.
    atomicIdempotent: content.table.atomicIdempotent === true,
    revision: Number.isSafeInteger(content.table.revision) ? content.table.revision : 0,
  };
  const config: PartitionConfiguration = {
    gpid,
    ballot: content.ballot as Ballot,
    maxReplicaCount: content.maxReplicaCount,
    primary: content.primary as NodeId | null,
    secondaries: content.secondaries as readonly NodeId[],
    learner: null,
  };
  if (!isTable(table) || !isConfiguration(config)) return null;
  const copy = Number.isSafeInteger(content.copy) ? Number(content.copy) : 0;
  return { config, table, tailUnproven: content.tailUnproven === true, copy };
}
