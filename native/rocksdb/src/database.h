// One open database, and the calls that answer at once.
#pragma once

#include <rocksdb/db.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "compaction_filter.h"
#include "resources.h"

namespace pegasus {

struct Database {
  std::string path;
  std::shared_ptr<Shared> shared;
  std::shared_ptr<RowFilterFactory> filter;
  std::unique_ptr<rocksdb::DB> db;
  // Compactions that were asked for end early; those that RocksDB begins by itself do not look here.
  std::atomic<bool> compactions_canceled{false};
};

// Where rows or values are packed: memory of a fixed size, or what a job lets grow.
class RowSink {
 public:
  // The output memory.
  RowSink();
  // Results of a job.
  RowSink(std::string* bytes, std::vector<uint32_t>* offsets) : growing_bytes_(bytes), growing_offsets_(offsets) {}

  // False when a row of that length does not fit; always true for a job.
  bool Reserve(size_t length);
  // After `Reserve`. A null value means absent.
  void Append(rocksdb::Slice key, const rocksdb::Slice* value);

  size_t used() const { return used_; }
  uint32_t rows() const { return rows_; }
  rocksdb::Slice LastKey() const { return rocksdb::Slice(reinterpret_cast<const char*>(bytes_) + last_key_, last_key_length_); }

 private:
  std::string* const growing_bytes_ = nullptr;
  std::vector<uint32_t>* const growing_offsets_ = nullptr;
  uint8_t* bytes_ = nullptr;
  size_t capacity_ = 0;
  uint32_t* offsets_ = nullptr;
  size_t rows_max_ = 0;
  size_t used_ = 0;
  uint32_t rows_ = 0;
  size_t last_key_ = 0;
  size_t last_key_length_ = 0;
};

}  // namespace pegasus
