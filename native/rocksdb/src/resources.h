// What the databases of a process share, and the options of each.
//
// The budget: a server holds hundreds of databases, most of them idle. So one block cache (index and filter blocks
// included), one write-buffer budget, one rate limiter, one set of counters; small memtable arenas; few open files each.
#pragma once

#include <rocksdb/cache.h>
#include <rocksdb/options.h>
#include <rocksdb/rate_limiter.h>
#include <rocksdb/statistics.h>
#include <rocksdb/table.h>
#include <rocksdb/version.h>
#include <rocksdb/write_buffer_manager.h>

#include <cstdint>
#include <memory>

namespace pegasus {

#define PEGASUS_ROCKSDB_AT_LEAST(major, minor) \
  (ROCKSDB_MAJOR > (major) || (ROCKSDB_MAJOR == (major) && ROCKSDB_MINOR >= (minor)))

struct Shared {
  std::shared_ptr<rocksdb::Cache> cache;
  std::shared_ptr<rocksdb::WriteBufferManager> write_buffers;
  // Null = no limit.
  std::shared_ptr<rocksdb::RateLimiter> rate_limiter;
  std::shared_ptr<rocksdb::Statistics> statistics;
  rocksdb::BlockBasedTableOptions TableOptions() const;
};

struct SharedParameters {
  uint64_t cache_bytes;
  // 0 = no budget beyond the memtable size of each database.
  uint64_t write_buffer_bytes;
  // 0 = no limit. Flushes and compactions.
  uint64_t rate_bytes_per_second;
};

struct DatabaseParameters {
  uint64_t memtable_bytes;
  int32_t open_files_max;
  int32_t background_jobs;
  // Of a new database; 0 = RocksDB's own number.
  int32_t levels;
};

// What the limiter is told: it is always there, so that a limit can be set later. 0 = none.
int64_t RateOf(uint64_t bytes_per_second);

std::shared_ptr<Shared> MakeShared(const SharedParameters& parameters);

rocksdb::Options MakeOptions(const Shared& shared, const DatabaseParameters& parameters);

// Options of files to ingest: compatible with those above.
rocksdb::Options MakeSstOptions();

// To the hard limit; a database holds seven descriptors when idle.
void RaiseDescriptorLimit();

}  // namespace pegasus
