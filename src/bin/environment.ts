/** The real world, as the records that servers are given: the composition root of every server process. */
import { readFileSync } from 'node:fs';
import { NodeDisk } from '../adapters/node/disk.ts';
import { RocksDbEngineFactory, type RocksDbOptions } from '../adapters/rocksdb/factory.ts';
import { nativeAppend } from '../adapters/rocksdb/native.ts';
import type { MetaEnvironment, ReplicaEnvironment } from '../env/environment.ts';
import type { Logger } from '../env/logger.ts';
import { nodeEnvironment } from './client.ts';

/** Relative paths count from where the process was started. */
export function metaEnvironment(logger: Logger): MetaEnvironment {
  return { ...nodeEnvironment(logger), disk: new NodeDisk(process.cwd()) };
}

export function replicaEnvironment(
  logger: Logger,
  rocksdb: Omit<RocksDbOptions, 'root'>,
): ReplicaEnvironment & { readonly engines: RocksDbEngineFactory } {
  const root = process.cwd();
  const environment = nodeEnvironment(logger);
  // In the same phase of the loop: an append in the page cache costs no further turn.
  const defer = (callback: () => void): void => environment.timers.defer(callback);
  return {
    ...environment,
    disk: new NodeDisk(root, { append: nativeAppend, defer }),
    engines: new RocksDbEngineFactory({ ...rocksdb, root }),
    bootId: bootId(),
    utcOffsetMinutes: (wallMs) => -new Date(wallMs).getTimezoneOffset(),
  };
}

/** Linux tells it; elsewhere every start counts as one after a loss of power. */
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}
