/**
 * What a process holds, from /proc, its folder and its own measurements: memory, descriptors, threads, disk.
 */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import type { ServerProcess } from '../onebox.ts';

/** Each is a row of the report. */
export const QUANTITIES = [
  'residentMiB',
  'heapMiB',
  'externalMiB',
  'arrayBuffersMiB',
  'descriptors',
  'sockets',
  'threads',
  'diskMiB',
  'trashMiB',
] as const;
export type Quantity = (typeof QUANTITIES)[number];

export type Sample = Readonly<Record<Quantity, number>>;

const MEBIBYTE = 2 ** 20;
const HTTP_TIMEOUT_MS = 4_000;

/** `folder`: of the onebox. Rejects when the server does not answer. */
export async function sampleServer(server: ServerProcess, folder: string): Promise<Sample> {
  const own = join(folder, server.name, 'data');
  const metrics = await metricsOf(server.address);
  const mebibytes = (name: string): number => (metrics.get(name) ?? 0) / MEBIBYTE;
  const trash = join(own, 'trash');
  return {
    ...processSample(server.pid),
    heapMiB: mebibytes('heap_used_bytes'),
    externalMiB: mebibytes('heap_external_bytes'),
    arrayBuffersMiB: mebibytes('heap_array_buffer_bytes'),
    diskMiB: diskBytes(own, trash) / MEBIBYTE,
    trashMiB: diskBytes(trash, '') / MEBIBYTE,
  };
}

/** This process. */
export function sampleSelf(): Sample {
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return {
    ...processSample(process.pid),
    heapMiB: heapUsed / MEBIBYTE,
    externalMiB: external / MEBIBYTE,
    arrayBuffersMiB: arrayBuffers / MEBIBYTE,
    diskMiB: 0,
    trashMiB: 0,
  };
}

type ProcessSample = Pick<Sample, 'residentMiB' | 'descriptors' | 'sockets' | 'threads'>;

function processSample(pid: number): ProcessSample {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const number = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
  const descriptors = readdirSync(`/proc/${pid}/fd`);
  const sockets = descriptors.filter((name) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${name}`).startsWith('socket:');
    } catch {
      return false;
    }
  });
  return {
    residentMiB: number('VmRSS') / 1024,
    descriptors: descriptors.length,
    sockets: sockets.length,
    threads: number('Threads'),
  };
}

/** Files come and go while they are counted. */
function diskBytes(folder: string, without: string): number {
  let bytes = 0;
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (path === without) continue;
      bytes += entry.isDirectory() ? diskBytes(path, without) : sizeOf(path);
    }
  } catch {
    return bytes;
  }
  return bytes;
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

interface MetricsReply {
  readonly entities: readonly {
    readonly type: string;
    readonly metrics: readonly { readonly name: string; readonly value?: number }[];
  }[];
}

/** Of the server as a whole. */
async function metricsOf(address: string): Promise<ReadonlyMap<string, number>> {
  const reply = JSON.parse(await fetchText(`http://${address}/metrics`)) as MetricsReply;
  const server = reply.entities.find(({ type }) => type === 'server');
  return new Map(server?.metrics.map(({ name, value }) => [name, value ?? 0]));
}

function fetchText(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, timeout: HTTP_TIMEOUT_MS }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
      });
      response.on('end', () => resolve(text));
    });
    request.on('timeout', () => request.destroy(new Error(`${url} does not answer`)));
    request.on('error', reject);
  });
}
