// Lookups: of the memtables and the block cache at once, of the files on the read pool.
#include <rocksdb/db.h>

#include <cstring>
#include <memory>
#include <vector>

#include "calls.h"
#include "database.h"
#include "guarded_files.h"
#include "pool.h"
#include "state.h"

namespace pegasus {

namespace {

// Buffers of the JavaScript thread, kept from call to call.
struct MultiGetBuffers {
  std::vector<rocksdb::Slice> keys;
  std::unique_ptr<rocksdb::PinnableSlice[]> values;
  std::vector<rocksdb::Status> statuses;
  size_t values_size = 0;

  void Prepare(size_t count) {
    keys.resize(count);
    statuses.resize(count);
    if (values_size >= count) return;
    values = std::make_unique<rocksdb::PinnableSlice[]>(count);
    values_size = count;
  }
};

bool SplitKeys(rocksdb::Slice input, size_t count, std::vector<rocksdb::Slice>* keys) {
  if (input.size() < 4 * count) return false;
  size_t at = 4 * count;
  for (size_t index = 0; index < count; index++) {
    uint32_t length;
    memcpy(&length, input.data() + 4 * index, 4);
    if (length > input.size() - at) return false;
    (*keys)[index] = rocksdb::Slice(input.data() + at, length);
    at += length;
  }
  return true;
}

// Made once: they are large enough to be noticed in a lookup.
const rocksdb::ReadOptions& Options(bool cached_only) {
  static const rocksdb::ReadOptions& all = *new rocksdb::ReadOptions();
  static const rocksdb::ReadOptions& cached = *[] {
    auto* options = new rocksdb::ReadOptions();
    options->read_tier = rocksdb::kBlockCacheTier;
    return options;
  }();
  return cached_only ? cached : all;
}

void Lookup(Database& database, bool cached_only, size_t count, MultiGetBuffers* buffers) {
  rocksdb::ColumnFamilyHandle* const family = database.db->DefaultColumnFamily();
#if !PEGASUS_GUARDS_FILES
  if (cached_only) {
    for (size_t index = 0; index < count; index++) {
      buffers->statuses[index] = database.db->Get(Options(true), family, buffers->keys[index], &buffers->values[index]);
    }
    return;
  }
#endif
  database.db->MultiGet(Options(cached_only), family, count, buffers->keys.data(), buffers->values.get(),
                        buffers->statuses.data());
}

// An empty value found in the block-cache tier may mean that the table file is not open.
bool MayBeMissed(const rocksdb::Status& status, const rocksdb::PinnableSlice& value) {
  return status.ok() && value.size() == 0;
}

// Packs the values. The status is the first one that is neither found nor absent.
rocksdb::Status Pack(const MultiGetBuffers& buffers, size_t count, RowSink* sink, size_t* needed) {
  *needed = 0;
  for (size_t index = 0; index < count; index++) {
    const rocksdb::Status& status = buffers.statuses[index];
    if (!status.ok() && !status.IsNotFound()) return status;
    if (status.ok()) *needed += buffers.values[index].size();
  }
  for (size_t index = 0; index < count; index++) {
    const bool found = buffers.statuses[index].ok();
    if (!sink->Reserve(found ? buffers.values[index].size() : 0)) return rocksdb::Status::OK();
    sink->Append(rocksdb::Slice(), found ? &buffers.values[index] : nullptr);
  }
  return rocksdb::Status::OK();
}

void ReleaseValues(MultiGetBuffers* buffers, size_t count) {
  for (size_t index = 0; index < count; index++) buffers->values[index].Reset();
}

class GetJob : public Job {
 public:
  GetJob(uint32_t request, std::shared_ptr<Database> database, rocksdb::Slice key)
      : Job(request), database_(std::move(database)), key_(key.ToString()) {}
  void Run() override {
    const rocksdb::Status status = database_->db->Get(Options(false), key_, &output);
    if (!status.ok()) Fail(status);
  }
  void Release() override { database_.reset(); }

 private:
  std::shared_ptr<Database> database_;
  const std::string key_;
};

class MultiGetJob : public Job {
 public:
  MultiGetJob(uint32_t request, std::shared_ptr<Database> database, rocksdb::Slice input, size_t count)
      : Job(request), database_(std::move(database)), input_(input.ToString()), count_(count) {}
  void Run() override {
    MultiGetBuffers buffers;
    buffers.Prepare(count_);
    if (!SplitKeys(input_, count_, &buffers.keys)) return Fail(kInvalid, "keys do not fill their memory");
    Lookup(*database_, false, count_, &buffers);
    RowSink sink(&output, &offsets);
    size_t needed;
    const rocksdb::Status status = Pack(buffers, count_, &sink, &needed);
    if (!status.ok()) return Fail(status);
    output.resize(sink.used());
    offsets.resize(count_ * kOffsetsPerRow);
  }
  void Release() override { database_.reset(); }

 private:
  std::shared_ptr<Database> database_;
  const std::string input_;
  const size_t count_;
};

}  // namespace

int32_t Get() {
  uint32_t* const control = Control();
  const std::shared_ptr<Database>& database = TheState().databases.At(control[0]);
  rocksdb::Slice key;
  if (database == nullptr || !Input(0, control[1], &key)) return Fail(kInvalid, "get: no such database or key");
  static rocksdb::PinnableSlice& value = *new rocksdb::PinnableSlice();
  rocksdb::Status status;
  {
    const NoDiskScope scope;
    status = database->db->Get(Options(true), database->db->DefaultColumnFamily(), key, &value);
  }
  if (!status.ok()) return Fail(status);
  if (MayBeMissed(status, value)) return kWouldBlock;
  const size_t length = value.size();
  const Memory& memory = TheState().memory;
  int32_t result = static_cast<int32_t>(length);
  if (length > memory.output_size) {
    control[0] = static_cast<uint32_t>(length);
    result = kTooSmall;
  } else if (length > 0) {
    memcpy(memory.output, value.data(), length);
  }
  value.Reset();
  return result;
}

void SubmitGet(napi_env env) {
  const uint32_t* const control = Control();
  rocksdb::Slice key;
  Input(0, control[1], &key);
  Submit(env, TheState().reads, new GetJob(control[2], TheState().databases.At(control[0]), key));
}

int32_t MultiGet() {
  uint32_t* const control = Control();
  const std::shared_ptr<Database>& database = TheState().databases.At(control[0]);
  const size_t count = control[1];
  rocksdb::Slice input;
  if (database == nullptr || !Input(0, control[3], &input)) return Fail(kInvalid, "multi-get: no such database or keys");
  if (count == 0) return 0;
  static MultiGetBuffers& buffers = *new MultiGetBuffers();
  buffers.Prepare(count);
  if (!SplitKeys(input, count, &buffers.keys)) return Fail(kInvalid, "multi-get: keys do not fill their memory");
  {
    const NoDiskScope scope;
    Lookup(*database, true, count, &buffers);
  }
  bool missed = false;
  for (size_t index = 0; index < count; index++) missed |= MayBeMissed(buffers.statuses[index], buffers.values[index]);
  RowSink sink;
  size_t needed = 0;
  const rocksdb::Status status =
      missed ? rocksdb::Status::Incomplete() : Pack(buffers, count, &sink, &needed);
  ReleaseValues(&buffers, count);
  if (!status.ok()) return Fail(status);
  if (sink.rows() == count) return 0;
  control[0] = static_cast<uint32_t>(needed);
  return kTooSmall;
}

void SubmitMultiGet(napi_env env) {
  const uint32_t* const control = Control();
  rocksdb::Slice input;
  Input(0, control[3], &input);
  Submit(env, TheState().reads,
         new MultiGetJob(control[2], TheState().databases.At(control[0]), input, control[1]));
}

}  // namespace pegasus
