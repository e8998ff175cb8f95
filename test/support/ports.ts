/** Ports for a onebox that nobody uses, below those that the system hands out to outgoing connections. */
import { createServer } from 'node:net';

const LOWEST = 12_000;
const HIGHEST = 31_000;
const ATTEMPTS_MAX = 200;
/** Above the port base, see src/bin/onebox/cluster.ts: three meta servers, an etcd, replica servers. */
const OFFSETS: readonly number[] = [1, 2, 3, 101, 151];
const REPLICA_OFFSET = 200;

/** A base for `--port-base` with room for three meta servers and `replicas` replica servers. */
export async function freePortBase(replicas = 3): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const base = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    const ports = Array.from({ length: replicas }, (_, index) => base + REPLICA_OFFSET + 1 + index);
    ports.push(...OFFSETS.map((offset) => base + offset));
    const free = await Promise.all(ports.map(isFree));
    if (free.every(Boolean)) return base;
  }
  throw new Error('no free ports');
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
