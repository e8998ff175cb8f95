#include "resources.h"

#include <rocksdb/convenience.h>
#include <rocksdb/filter_policy.h>
#include <sys/resource.h>

#include <algorithm>
#include <climits>
#include <vector>

#include "guarded_files.h"
#include "hash_key_prefix.h"

namespace pegasus {

namespace {

constexpr int kBloomBitsPerKey = 10;
constexpr size_t kBlockBytes = 8 * 1024;
// RocksDB takes an eighth of the memtable, up to 1 MiB, on the first write.
constexpr size_t kArenaBlockBytes = 64 * 1024;

rocksdb::CompressionType BestCompression() {
  const std::vector<rocksdb::CompressionType> supported = rocksdb::GetSupportedCompressions();
  for (const rocksdb::CompressionType type : {rocksdb::kLZ4Compression, rocksdb::kSnappyCompression}) {
    if (std::find(supported.begin(), supported.end(), type) != supported.end()) return type;
  }
  return rocksdb::kNoCompression;
}

rocksdb::BlockBasedTableOptions BaseTableOptions() {
  rocksdb::BlockBasedTableOptions options;
  options.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kBloomBitsPerKey, false));
  options.block_size = kBlockBytes;
  options.format_version = 5;
  // Debian builds RocksDB without the processor's crc32c instruction.
#if PEGASUS_ROCKSDB_AT_LEAST(6, 27)
  options.checksum = rocksdb::kXXH3;
#else
  options.checksum = rocksdb::kxxHash64;
#endif
  return options;
}

}  // namespace

rocksdb::BlockBasedTableOptions Shared::TableOptions() const {
  rocksdb::BlockBasedTableOptions options = BaseTableOptions();
  options.block_cache = cache;
  options.cache_index_and_filter_blocks = true;
  options.cache_index_and_filter_blocks_with_high_priority = true;
  options.pin_l0_filter_and_index_blocks_in_cache = true;
#if PEGASUS_ROCKSDB_AT_LEAST(6, 25)
  // What was in memory stays there when a memtable is flushed, or each flush would send all reads to the pool.
  options.prepopulate_block_cache = rocksdb::BlockBasedTableOptions::PrepopulateBlockCache::kFlushOnly;
#endif
  return options;
}

// A tebibyte a second: no disk is that fast.
constexpr int64_t kUnlimitedRate = int64_t{1} << 40;

int64_t RateOf(uint64_t bytes_per_second) {
  return bytes_per_second == 0 ? kUnlimitedRate : static_cast<int64_t>(bytes_per_second);
}

std::shared_ptr<Shared> MakeShared(const SharedParameters& parameters) {
  auto shared = std::make_shared<Shared>();
  rocksdb::LRUCacheOptions cache;
  cache.capacity = parameters.cache_bytes;
  // All lookups come from one thread and a few pool threads: few shards, so that even a small cache holds large blocks.
  cache.num_shard_bits = 4;
  cache.high_pri_pool_ratio = 0.3;
  shared->cache = rocksdb::NewLRUCache(cache);
  shared->write_buffers = std::make_shared<rocksdb::WriteBufferManager>(parameters.write_buffer_bytes);
  shared->rate_limiter.reset(rocksdb::NewGenericRateLimiter(RateOf(parameters.rate_bytes_per_second)));
  shared->statistics = rocksdb::CreateDBStatistics();
  shared->statistics->set_stats_level(rocksdb::StatsLevel::kExceptHistogramOrTimers);
  return shared;
}

rocksdb::Options MakeOptions(const Shared& shared, const DatabaseParameters& parameters) {
  rocksdb::Options options;
  options.env = GuardedEnvironment();
  options.create_if_missing = true;
  // The mutation log is what a crash is recovered from: writes go without RocksDB's own log, and closing loses what was
  // not flushed just as a crash does.
  options.avoid_flush_during_shutdown = true;
  options.avoid_flush_during_recovery = true;
  options.avoid_unnecessary_blocking_io = true;
  options.max_open_files = parameters.open_files_max;
  options.max_file_opening_threads = 1;
  options.max_background_jobs = parameters.background_jobs;
  options.skip_stats_update_on_db_open = true;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.keep_log_file_num = 2;
  options.max_log_file_size = 1024 * 1024;
  options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  options.max_manifest_file_size = 16 * 1024 * 1024;
  // An empty replica must not take the default's 4 MiB of the disk.
  options.manifest_preallocation_size = 64 * 1024;
  options.bytes_per_sync = 1024 * 1024;
  options.statistics = shared.statistics;
  options.write_buffer_manager = shared.write_buffers;
  options.rate_limiter = shared.rate_limiter;

  options.write_buffer_size = parameters.memtable_bytes;
  options.arena_block_size = kArenaBlockBytes;
  options.max_write_buffer_number = 4;
  options.level_compaction_dynamic_level_bytes = true;
  options.target_file_size_base = std::max<uint64_t>(parameters.memtable_bytes, 4 * 1024 * 1024);
  options.max_bytes_for_level_base = 4 * options.target_file_size_base;
  options.compression = BestCompression();
  options.prefix_extractor = HashKeyPrefix();
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(shared.TableOptions()));
  return options;
}

rocksdb::Options MakeSstOptions() {
  rocksdb::Options options;
  options.compression = BestCompression();
  options.prefix_extractor = HashKeyPrefix();
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(BaseTableOptions()));
  return options;
}

void RaiseDescriptorLimit() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
#ifdef __APPLE__
  // The kernel refuses the hard limit that it reports.
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, OPEN_MAX);
#endif
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace pegasus
