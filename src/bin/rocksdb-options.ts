/** Options of the storage engine of a replica server, shared by all its replicas. */
import { ROCKSDB_DEFAULTS, type RocksDbOptions } from '../adapters/rocksdb/factory.ts';
import { KIB, MIB, type OptionTable } from '../base/option-table.ts';

export type RocksDbProcessOptions = Omit<RocksDbOptions, 'root'>;

export const ROCKSDB_OPTIONS: OptionTable<RocksDbProcessOptions> = {
  cacheBytes: {
    key: 'rocksdb.cache_bytes',
    type: 'bytes',
    default: ROCKSDB_DEFAULTS.cacheBytes,
    minimum: MIB,
    help: 'Block cache of all replicas together. The larger, the fewer reads go to the disk.',
  },
  writeBufferManagerBytes: {
    key: 'rocksdb.write_buffer_manager_bytes',
    type: 'bytes',
    default: ROCKSDB_DEFAULTS.writeBufferManagerBytes,
    help: 'Memory for rows not yet flushed, of all replicas together; above it the largest are flushed. 0 = no limit.',
  },
  memtableBytes: {
    key: 'rocksdb.memtable_bytes',
    type: 'bytes',
    default: ROCKSDB_DEFAULTS.memtableBytes,
    minimum: 64 * KIB,
    help: 'Rows of one replica not yet flushed before they are. Larger ones make fewer and larger files.',
  },
  rateBytesPerSecond: {
    key: 'rocksdb.rate_bytes_per_second',
    type: 'bytes',
    default: ROCKSDB_DEFAULTS.rateBytesPerSecond,
    help: 'Flushes and compactions write at most so much a second, all replicas together. 0 = no limit.',
  },
  threads: {
    key: 'rocksdb.threads',
    type: 'integer',
    default: ROCKSDB_DEFAULTS.threads,
    minimum: 1,
    maximum: 64,
    help: 'Flushes and compactions at a time.',
  },
  openFilesMax: {
    key: 'rocksdb.open_files_max',
    type: 'integer',
    default: ROCKSDB_DEFAULTS.openFilesMax,
    minimum: 16,
    maximum: 1_000_000,
    help: 'Files kept open per replica; the limit of the process (ulimit -n) has to be well above all of them together.',
  },
};
