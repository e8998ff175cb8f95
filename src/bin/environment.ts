/** The real world, as the records that servers are given: the composition root of every server process. */
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
): ReplicaEnvironment {
  const root = process.cwd();
  return {
    ...nodeEnvironment(logger),
    disk: new NodeDisk(root, { append: nativeAppend }),
    engines: new RocksDbEngineFactory({ ...rocksdb, root }),
  };
}
