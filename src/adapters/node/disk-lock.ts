/**
 * A lock that dies with its process, without help from a native flock.
 *
 * On Linux it is an abstract socket named after the lock file's device and inode: the kernel lets
 * one process bind it and frees the name when that process ends, however it ends. The lock file
 * also records the holder (process id and the process's start time, so that a reused id does not
 * count), for people, and as a second line of defence where two processes share the folder but not
 * the network namespace, and on other systems. Two containers that share neither network nor
 * process namespace cannot see each other.
 *
 * The file is never removed: its inode is the lock's name.
 */
import { readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { DiskError, type DiskLock } from '../../env/disk.ts';
import { withDiskErrors } from './disk-errors.ts';
import { processStart } from './process-start.ts';

interface Holder {
  readonly pid: number;
  /** Opaque: boot and start time as the system tells it; empty where it does not. */
  readonly started: string;
}

export async function acquireLock(path: string): Promise<DiskLock> {
  return await withDiskErrors(path, async () => {
    const file = await open(path, 'a+');
    let server: Server | null = null;
    try {
      const { dev, ino } = await file.stat();
      if (process.platform === 'linux') {
        server = await bindName(`\0pegasus-ts-lock-${dev}-${ino}`, path);
      }
      const holder = parseHolder(await file.readFile('utf8'));
      const isOurs = holder?.pid === process.pid && server !== null;
      if (holder !== null && !isOurs && isAlive(holder)) throw lockedError(path, holder.pid);
      await file.truncate(0);
      await file.appendFile(
        `${JSON.stringify({ pid: process.pid, started: processStart(process.pid) })}\n`,
      );
      await file.sync();
    } catch (error) {
      server?.close();
      throw error;
    } finally {
      await file.close();
    }
    return new NodeLock(path, server);
  });
}

class NodeLock implements DiskLock {
  readonly #path: string;
  #server: Server | null;
  #held = true;

  constructor(path: string, server: Server | null) {
    this.#path = path;
    this.#server = server;
  }

  async release(): Promise<void> {
    if (!this.#held) return;
    this.#held = false;
    await withDiskErrors(this.#path, async () => {
      const file = await open(this.#path, 'r+');
      await file.truncate(0);
      await file.close();
    });
    this.#server?.close();
    this.#server = null;
  }
}

function bindName(name: string, path: string): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE' ? lockedError(path, holderPid(path)) : error);
    });
    server.listen(name, () => {
      server.unref();
      resolve(server);
    });
  });
}

function lockedError(path: string, pid: number | null): DiskError {
  const who = pid === null ? 'another process' : `process ${pid}`;
  return new DiskError('locked', path, `${path} is locked by ${who}`);
}

function holderPid(path: string): number | null {
  try {
    return parseHolder(readFileSync(path, 'utf8'))?.pid ?? null;
  } catch {
    return null;
  }
}

function parseHolder(text: string): Holder | null {
  const match = /^\{"pid":(\d{1,10}),"started":"([^"]*)"\}/.exec(text);
  return match === null ? null : { pid: Number(match[1]), started: match[2]! };
}

function isAlive(holder: Holder): boolean {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    // EPERM: there is such a process, of another user.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return processStart(holder.pid) === holder.started;
}
