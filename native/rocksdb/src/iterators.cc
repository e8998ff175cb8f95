// Iteration in packed blocks.
//
// An iterator reads one snapshot through two RocksDB iterators: `cached`, on the JavaScript thread, which sees memtables and
// the block cache only; and `full`, made and moved on the read pool when the first one met a block that is on the disk.
// Whichever returned the last block stands on the next row; the other one is moved after `last_key` when it is used.
#include <rocksdb/db.h>

#include <memory>
#include <string>

#include "calls.h"
#include "database.h"
#include "guarded_files.h"
#include "hash_key_prefix.h"
#include "pool.h"
#include "state.h"

namespace pegasus {

namespace {

constexpr uint32_t kReverse = 1;
constexpr uint32_t kKeysOnly = 2;
constexpr uint32_t kFillCache = 4;

}  // namespace

struct NativeIterator {
  NativeIterator(std::shared_ptr<Database> owner, uint32_t flags, rocksdb::Slice lower_bound, rocksdb::Slice upper_bound)
      : database(std::move(owner)),
        snapshot(database->db->GetSnapshot()),
        lower(lower_bound.ToString()),
        upper(upper_bound.ToString()),
        lower_slice(lower),
        upper_slice(upper),
        reverse((flags & kReverse) != 0),
        in_hash_key(!reverse && StayInHashKey(lower_bound, upper_bound)),
        keys_only((flags & kKeysOnly) != 0),
        fill_cache((flags & kFillCache) != 0) {}

  ~NativeIterator() {
    cached.reset();
    full.reset();
    database->db->ReleaseSnapshot(snapshot);
  }

  rocksdb::Iterator* Open(rocksdb::ReadTier tier) const {
    rocksdb::ReadOptions options;
    options.read_tier = tier;
    options.snapshot = snapshot;
    options.fill_cache = fill_cache;
    options.total_order_seek = !in_hash_key;
    if (!lower.empty()) options.iterate_lower_bound = &lower_slice;
    if (!upper.empty()) options.iterate_upper_bound = &upper_slice;
    return database->db->NewIterator(options);
  }

  const std::shared_ptr<Database> database;
  const rocksdb::Snapshot* const snapshot;
  const std::string lower;
  const std::string upper;
  const rocksdb::Slice lower_slice;
  const rocksdb::Slice upper_slice;
  const bool reverse;
  // All rows are of one hash key: files whose filter does not know it are passed by. Never so backwards, where RocksDB
  // does not ask the filter.
  const bool in_hash_key;
  const bool keys_only;
  const bool fill_cache;
  std::unique_ptr<rocksdb::Iterator> cached;
  std::unique_ptr<rocksdb::Iterator> full;
  // The one that stands on the next row, or null.
  rocksdb::Iterator* positioned = nullptr;
  bool started = false;
  bool exhausted = false;
  // A job uses it.
  bool busy = false;
  std::string last_key;
};

namespace {

void Advance(const NativeIterator& iterator, rocksdb::Iterator* rows) {
  if (iterator.reverse) {
    rows->Prev();
  } else {
    rows->Next();
  }
}

void Position(const NativeIterator& iterator, rocksdb::Iterator* rows) {
  if (!iterator.started) {
    if (iterator.reverse) {
      rows->SeekToLast();
    } else {
      rows->SeekToFirst();
    }
    return;
  }
  if (iterator.reverse) {
    rows->SeekForPrev(iterator.last_key);
  } else {
    rows->Seek(iterator.last_key);
  }
  if (rows->Valid() && rows->key() == iterator.last_key) Advance(iterator, rows);
}

// Packs the next rows; returns their count or a code. `needed` is set for kTooSmall, `error` for what has a text.
int32_t Fill(NativeIterator* iterator, rocksdb::Iterator* rows, uint32_t rows_max, size_t bytes_max, RowSink* sink,
             size_t* needed, rocksdb::Status* error) {
  if (iterator->exhausted) return 0;
  if (iterator->positioned != rows) Position(*iterator, rows);
  iterator->positioned = rows;
  while (sink->rows() < rows_max && rows->Valid()) {
    const rocksdb::Slice key = rows->key();
    const rocksdb::Slice value = iterator->keys_only ? rocksdb::Slice() : rows->value();
    const size_t length = key.size() + value.size();
    if (sink->rows() > 0 && sink->used() + length > bytes_max) break;
    if (!sink->Reserve(length)) {
      if (sink->rows() > 0) break;
      *needed = length;
      return kTooSmall;
    }
    sink->Append(key, &value);
    Advance(*iterator, rows);
  }
  if (!rows->Valid()) {
    const rocksdb::Status status = rows->status();
    iterator->exhausted = status.ok();
    if (!status.ok()) iterator->positioned = nullptr;
    // With rows at hand the trouble is met again, and told, by the next call.
    if (!status.ok() && sink->rows() == 0) {
      *error = status;
      return CodeOf(status);
    }
  }
  if (sink->rows() > 0) {
    iterator->started = true;
    const rocksdb::Slice key = sink->LastKey();
    iterator->last_key.assign(key.data(), key.size());
  }
  return static_cast<int32_t>(sink->rows());
}

class IteratorNextJob : public Job {
 public:
  IteratorNextJob(uint32_t request, std::shared_ptr<NativeIterator> iterator, uint32_t rows_max, size_t bytes_max)
      : Job(request), iterator_(std::move(iterator)), rows_max_(rows_max), bytes_max_(bytes_max) {}
  void Run() override {
    if (iterator_->full == nullptr) iterator_->full.reset(iterator_->Open(rocksdb::kReadAllTier));
    RowSink sink(&output, &offsets);
    size_t needed = 0;
    rocksdb::Status error;
    code = Fill(iterator_.get(), iterator_->full.get(), rows_max_, bytes_max_, &sink, &needed, &error);
    flags = iterator_->exhausted ? 1 : 0;
    output.resize(sink.used());
    offsets.resize(sink.rows() * kOffsetsPerRow);
    if (code < 0) Fail(error);
  }
  void Release() override {
    iterator_->busy = false;
    iterator_.reset();
  }

 private:
  std::shared_ptr<NativeIterator> iterator_;
  const uint32_t rows_max_;
  const size_t bytes_max_;
};

}  // namespace

int32_t IteratorOpen() {
  const uint32_t* const control = Control();
  const std::shared_ptr<Database>& database = TheState().databases.At(control[0]);
  rocksdb::Slice lower;
  rocksdb::Slice upper;
  if (database == nullptr || !Input(0, control[2], &lower) || !Input(control[2], control[3], &upper)) {
    return Fail(kInvalid, "iterate: no such database or bounds");
  }
  auto iterator = std::make_shared<NativeIterator>(database, control[1], lower, upper);
  return static_cast<int32_t>(TheState().iterators.Add(std::move(iterator)));
}

int32_t IteratorNext() {
  uint32_t* const control = Control();
  const std::shared_ptr<NativeIterator>& iterator = TheState().iterators.At(control[0]);
  if (iterator == nullptr) return Fail(kInvalid, "iterate: no such iterator");
  if (iterator->busy) return Fail(kInvalid, "iterate: a call is under way");
  // What does not fill the cache will not be found there.
  if (iterator->full != nullptr && !iterator->fill_cache && !iterator->exhausted) return kWouldBlock;
  const NoDiskScope scope;
  if (iterator->cached == nullptr) iterator->cached.reset(iterator->Open(rocksdb::kBlockCacheTier));
  RowSink sink;
  size_t needed = 0;
  rocksdb::Status error;
  const int32_t result = Fill(iterator.get(), iterator->cached.get(), control[1], control[2], &sink, &needed, &error);
  if (HasText(result)) return Fail(error);
  control[0] = static_cast<uint32_t>(needed);
  control[1] = iterator->exhausted ? 1 : 0;
  return result;
}

void SubmitIteratorNext(napi_env env) {
  const uint32_t* const control = Control();
  const std::shared_ptr<NativeIterator>& iterator = TheState().iterators.At(control[0]);
  iterator->busy = true;
  Submit(env, TheState().reads, new IteratorNextJob(control[3], iterator, control[1], control[2]));
}

void IteratorClose() {
  const uint32_t* const control = Control();
  if (TheState().iterators.At(control[0]) == nullptr) return;
  // With a job under way, that one drops the last reference.
  TheState().iterators.Remove(control[0]);
}

}  // namespace pegasus
