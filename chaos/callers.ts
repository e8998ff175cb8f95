/**
 * Which of our servers opened a connection: the kernel's table of sockets names the inode of the
 * caller's end, and the open files of our child processes say whose it is. What is none of theirs
 * is a client's.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const LOCAL_COLUMN = 1;
const REMOTE_COLUMN = 2;
const INODE_COLUMN = 9;

/** Null when the caller's end is gone already. */
export function callerOf(
  callerPort: number,
  proxyPort: number,
  servers: ReadonlyMap<string, number>,
): string | null {
  const inode = inodeOf(callerPort, proxyPort);
  if (inode === null) return null;
  const wanted = `socket:[${inode}]`;
  for (const [name, pid] of servers) if (holds(pid, wanted)) return name;
  return holds(process.pid, wanted) ? 'client' : null;
}

function inodeOf(callerPort: number, proxyPort: number): string | null {
  const local = `:${hex(callerPort)}`;
  const remote = `:${hex(proxyPort)}`;
  for (const line of readFileSync('/proc/net/tcp', 'latin1').split('\n')) {
    const columns = line.trim().split(/\s+/);
    if (columns[LOCAL_COLUMN]?.endsWith(local) !== true) continue;
    if (columns[REMOTE_COLUMN]?.endsWith(remote) !== true) continue;
    const inode = columns[INODE_COLUMN];
    return inode === undefined || inode === '0' ? null : inode;
  }
  return null;
}

function holds(pid: number, wanted: string): boolean {
  const folder = `/proc/${pid}/fd`;
  try {
    for (const name of readdirSync(folder)) {
      if (linkOf(`${folder}/${name}`) === wanted) return true;
    }
  } catch {
    // The process is gone, and its sockets with it.
  }
  return false;
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function hex(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, '0');
}
