// What a compaction removes or rewrites. Runs on RocksDB's threads, so it reads rules that never change: a new set replaces
// the old one, and a compaction keeps the set it began with.
//
// A key is u16 BE hash key length, hash key, sort key; a value begins with u32 BE expiry in seconds since 2016, 0 = never.
// Left alone: keys under two bytes, keys that start with FF FF (ours), and what does not have this form.
// Order: the user's operations, default TTL, expiry, partition mask. `src/adapters/memory/engine-filter.ts` does the same.
#pragma once

#include <rocksdb/compaction_filter.h>
#include <rocksdb/slice.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace pegasus {

// Numbers as in `src/adapters/memory/engine-rules.ts`, which parses the text form.
enum class MatchType : uint32_t { kAnywhere = 0, kPrefix = 1, kPostfix = 2 };
enum class RuleKind : uint32_t { kHashKey = 0, kSortKey = 1, kTtlRange = 2 };
enum class OperationKind : uint32_t { kDelete = 0, kFromNow = 1, kFromCurrent = 2, kTimestamp = 3 };

struct UserRule {
  RuleKind kind;
  MatchType match;
  uint32_t start_seconds;
  uint32_t stop_seconds;
  std::string pattern;
};

struct UserOperation {
  OperationKind kind;
  uint32_t seconds;
  std::vector<UserRule> rules;
};

struct FilterRules {
  bool enabled = false;
  uint32_t default_ttl_seconds = 0;
  // Partition count - 1, or -1 when rows of other partitions stay.
  int32_t partition_version = -1;
  uint32_t partition_index = 0;
  std::vector<UserOperation> operations;
};

// Reads the compact form of the user's operations; false if it is damaged.
bool ParseOperations(rocksdb::Slice bytes, std::vector<UserOperation>* into);

class RowFilter : public rocksdb::CompactionFilter {
 public:
  RowFilter(std::shared_ptr<const FilterRules> rules, uint32_t now_seconds);
  Decision FilterV2(int level, const rocksdb::Slice& key, ValueType type, const rocksdb::Slice& value, std::string* new_value,
                    std::string* skip_until) const override;
  const char* Name() const override { return "pegasus.row"; }

 private:
  bool Matches(const UserOperation& operation, rocksdb::Slice hash_key, rocksdb::Slice sort_key, uint32_t expiry) const;
  bool IsInTtlRange(const UserRule& rule, uint32_t expiry) const;
  uint32_t Updated(const UserOperation& operation, uint32_t expiry) const;

  const std::shared_ptr<const FilterRules> rules_;
  const uint32_t now_seconds_;
};

class RowFilterFactory : public rocksdb::CompactionFilterFactory {
 public:
  std::unique_ptr<rocksdb::CompactionFilter> CreateCompactionFilter(
      const rocksdb::CompactionFilter::Context& context) override;
  const char* Name() const override { return "pegasus.row"; }
  void Set(std::shared_ptr<const FilterRules> rules);

 private:
  std::mutex mutex_;
  std::shared_ptr<const FilterRules> rules_;
};

}  // namespace pegasus
