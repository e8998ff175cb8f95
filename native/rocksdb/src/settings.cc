// Shared resources, settings at run time, and what can be read off a database.
#include <rocksdb/db.h>
#include <rocksdb/statistics.h>

#include <cstring>
#include <memory>
#include <string>
#include <unordered_map>

#include "calls.h"
#include "database.h"
#include "state.h"

namespace pegasus {

namespace {

uint64_t ReadU64(const uint32_t* words) { return words[0] | static_cast<uint64_t>(words[1]) << 32; }

void WriteU64(uint64_t value, uint32_t* words) {
  words[0] = static_cast<uint32_t>(value);
  words[1] = static_cast<uint32_t>(value >> 32);
}

// Returns its length, or kTooSmall.
int32_t Output(const std::string& text) {
  const Memory& memory = TheState().memory;
  if (text.size() > memory.output_size) {
    Control()[0] = static_cast<uint32_t>(text.size());
    return kTooSmall;
  }
  memcpy(memory.output, text.data(), text.size());
  return static_cast<int32_t>(text.size());
}

uint64_t IntProperty(Database& database, const char* name) {
  uint64_t value = 0;
  database.db->GetIntProperty(name, &value);
  return value;
}

uint32_t FileCount(Database& database) {
  uint32_t count = 0;
  for (int level = 0; level < database.db->NumberLevels(); level++) {
    std::string text;
    if (database.db->GetProperty("rocksdb.num-files-at-level" + std::to_string(level), &text)) {
      count += static_cast<uint32_t>(strtoul(text.c_str(), nullptr, 10));
    }
  }
  return count;
}

bool SplitPairs(rocksdb::Slice input, std::unordered_map<std::string, std::string>* pairs) {
  const char* at = input.data();
  const char* const end = at + input.size();
  while (at < end) {
    const std::string name(at, strnlen(at, static_cast<size_t>(end - at)));
    at += name.size() + 1;
    if (at > end) return false;
    const std::string value(at, strnlen(at, static_cast<size_t>(end - at)));
    at += value.size() + 1;
    (*pairs)[name] = value;
  }
  return true;
}

}  // namespace

int32_t SharedCreate() {
  const uint32_t* const control = Control();
  SharedParameters parameters;
  parameters.cache_bytes = ReadU64(control);
  parameters.write_buffer_bytes = ReadU64(control + 2);
  parameters.rate_bytes_per_second = ReadU64(control + 4);
  return static_cast<int32_t>(TheState().shared.Add(MakeShared(parameters)));
}

int32_t SetFilterRules() {
  const uint32_t* const control = Control();
  const std::shared_ptr<Database>& database = TheState().databases.At(control[0]);
  rocksdb::Slice compact;
  if (database == nullptr || !Input(0, control[5], &compact)) return Fail(kInvalid, "rules: no such database");
  auto rules = std::make_shared<FilterRules>();
  rules->enabled = control[1] != 0;
  rules->default_ttl_seconds = control[2];
  rules->partition_version = static_cast<int32_t>(control[3]);
  rules->partition_index = control[4];
  if (!ParseOperations(compact, &rules->operations)) return Fail(kInvalid, "rules: the compact form is damaged");
  database->filter->Set(std::move(rules));
  return 0;
}

int32_t SetOptions() {
  const uint32_t* const control = Control();
  const std::shared_ptr<Database>& database = TheState().databases.At(control[0]);
  rocksdb::Slice input;
  std::unordered_map<std::string, std::string> pairs;
  if (database == nullptr || !Input(0, control[2], &input) || !SplitPairs(input, &pairs)) {
    return Fail(kInvalid, "options: no such database or text");
  }
  const rocksdb::Status status = control[1] == 1 ? database->db->SetDBOptions(pairs) : database->db->SetOptions(pairs);
  return Fail(status);
}

int32_t CancelCompactions() {
  const std::shared_ptr<Database>& database = TheState().databases.At(Control()[0]);
  if (database == nullptr) return Fail(kInvalid, "compactions: no such database");
  database->compactions_canceled = true;
  return 0;
}

int32_t Property() {
  const uint32_t* const control = Control();
  const std::shared_ptr<Database>& database = TheState().databases.At(control[0]);
  rocksdb::Slice name;
  if (database == nullptr || !Input(0, control[1], &name)) return Fail(kInvalid, "property: no such database");
  std::string text;
  return database->db->GetProperty(name, &text) ? Output(text) : kNotFound;
}

int32_t Figures() {
  uint32_t* const control = Control();
  const std::shared_ptr<Database>& database = TheState().databases.At(control[0]);
  if (database == nullptr) return Fail(kInvalid, "figures: no such database");
  WriteU64(IntProperty(*database, "rocksdb.estimate-live-data-size"), control);
  WriteU64(IntProperty(*database, "rocksdb.cur-size-all-mem-tables"), control + 2);
  WriteU64(IntProperty(*database, "rocksdb.estimate-num-keys"), control + 4);
  control[6] = FileCount(*database);
  WriteU64(database->db->GetLatestSequenceNumber(), control + 7);
  return 0;
}

int32_t SetRate() {
  const uint32_t* const control = Control();
  const std::shared_ptr<Shared>& shared = TheState().shared.At(control[0]);
  if (shared == nullptr) return Fail(kInvalid, "rate: no such resources");
  shared->rate_limiter->SetBytesPerSecond(RateOf(ReadU64(control + 1)));
  return 0;
}

int32_t CacheUsage() {
  uint32_t* const control = Control();
  const std::shared_ptr<Shared>& shared = TheState().shared.At(control[0]);
  if (shared == nullptr) return Fail(kInvalid, "cache usage: no such resources");
  WriteU64(shared->cache->GetUsage(), control);
  WriteU64(shared->cache->GetPinnedUsage(), control + 2);
  WriteU64(shared->write_buffers->memory_usage(), control + 4);
  return 0;
}

int32_t Tickers() {
  const std::shared_ptr<Shared>& shared = TheState().shared.At(Control()[0]);
  if (shared == nullptr) return Fail(kInvalid, "tickers: no such resources");
  std::string text;
  for (const auto& ticker : rocksdb::TickersNameMap) {
    text += ticker.second;
    text += '\0';
    text += std::to_string(shared->statistics->getTickerCount(ticker.first));
    text += '\0';
  }
  return Output(text);
}

}  // namespace pegasus
