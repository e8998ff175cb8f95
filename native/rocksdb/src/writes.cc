// Batches. RocksDB's own log is off: the mutation log is what a crash is recovered from.
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <memory>
#include <string>

#include "batch_check.h"
#include "calls.h"
#include "database.h"
#include "pool.h"
#include "state.h"

namespace pegasus {

namespace {

constexpr const char* kDamaged = "the write batch is damaged; nothing was applied";

rocksdb::Status Apply(Database& database, const uint8_t* batch, size_t length, bool no_slowdown) {
  rocksdb::WriteOptions options;
  options.disableWAL = true;
  options.no_slowdown = no_slowdown;
  rocksdb::WriteBatch copy(std::string(reinterpret_cast<const char*>(batch), length));
  return database.db->Write(options, &copy);
}

class WriteJob : public Job {
 public:
  WriteJob(uint32_t request, std::shared_ptr<Database> database, const uint8_t* batch, size_t length)
      : Job(request), database_(std::move(database)), batch_(batch), length_(length) {}
  void Run() override {
    if (!IsBatchSound(batch_, length_)) return Fail(kInvalid, kDamaged);
    const rocksdb::Status status = Apply(*database_, batch_, length_, false);
    if (!status.ok()) Fail(status);
  }
  void Release() override { database_.reset(); }

 private:
  std::shared_ptr<Database> database_;
  const uint8_t* const batch_;
  const size_t length_;
};

}  // namespace

int32_t Write(uint32_t database, const uint8_t* batch, size_t length) {
  const std::shared_ptr<Database>& target = TheState().databases.At(database);
  if (target == nullptr) return Fail(kInvalid, "write: no such database");
  if (!IsBatchSound(batch, length)) return Fail(kInvalid, kDamaged);
  return Fail(Apply(*target, batch, length, true));
}

void SubmitWrite(napi_env env, uint32_t database, const uint8_t* batch, size_t length, uint32_t request) {
  Submit(env, TheState().writes, new WriteJob(request, TheState().databases.At(database), batch, length));
}

}  // namespace pegasus
