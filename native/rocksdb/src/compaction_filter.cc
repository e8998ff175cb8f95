#include "compaction_filter.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>

namespace pegasus {

namespace {

// 2016-01-01.
constexpr int64_t kEpochSeconds = 1451606400;
constexpr uint64_t kU32Max = 0xffffffffu;

uint32_t NowSeconds() {
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  const int64_t seconds = std::chrono::duration_cast<std::chrono::seconds>(since_1970).count();
  return static_cast<uint32_t>(std::max<int64_t>(seconds - kEpochSeconds, 0));
}

uint32_t AddClamped(uint32_t a, uint32_t b) {
  return static_cast<uint32_t>(std::min(static_cast<uint64_t>(a) + b, kU32Max));
}

uint32_t ReadU32BE(const char* bytes) {
  const uint8_t* at = reinterpret_cast<const uint8_t*>(bytes);
  return static_cast<uint32_t>(at[0]) << 24 | at[1] << 16 | at[2] << 8 | at[3];
}

void WriteU32BE(uint32_t value, char* into) {
  for (int index = 0; index < 4; index++) into[index] = static_cast<char>(value >> (24 - 8 * index));
}

std::array<uint64_t, 256> MakeCrc64Table() {
  std::array<uint64_t, 256> table;
  for (uint64_t index = 0; index < 256; index++) {
    uint64_t value = index;
    for (int bit = 0; bit < 8; bit++) value = (value & 1) ? (value >> 1) ^ 0x9a6c9329ac4bc9b5ull : value >> 1;
    table[index] = value;
  }
  return table;
}

uint64_t Crc64(rocksdb::Slice bytes) {
  static const std::array<uint64_t, 256> table = MakeCrc64Table();
  uint64_t crc = ~0ull;
  for (size_t index = 0; index < bytes.size(); index++) {
    crc = table[(crc ^ static_cast<uint8_t>(bytes[index])) & 0xff] ^ (crc >> 8);
  }
  return ~crc;
}

bool MatchesPattern(rocksdb::Slice part, const std::string& pattern, MatchType match) {
  if (part.size() < pattern.size()) return false;
  switch (match) {
    case MatchType::kPrefix:
      return part.starts_with(pattern);
    case MatchType::kPostfix:
      return part.ends_with(pattern);
    case MatchType::kAnywhere:
      return std::search(part.data(), part.data() + part.size(), pattern.begin(), pattern.end()) != part.data() + part.size();
  }
  return false;
}

// u32 LE after u32 LE, without reading beyond the end.
class Reader {
 public:
  explicit Reader(rocksdb::Slice bytes) : rest_(bytes) {}
  uint32_t U32() {
    uint32_t value = 0;
    if (rest_.size() < 4) {
      sound_ = false;
      return 0;
    }
    for (int index = 3; index >= 0; index--) value = value << 8 | static_cast<uint8_t>(rest_[index]);
    rest_.remove_prefix(4);
    return value;
  }
  std::string Bytes(size_t length) {
    if (rest_.size() < length) {
      sound_ = false;
      return std::string();
    }
    std::string bytes(rest_.data(), length);
    rest_.remove_prefix(length);
    return bytes;
  }
  bool sound() const { return sound_; }
  bool AtEnd() const { return rest_.empty(); }

 private:
  rocksdb::Slice rest_;
  bool sound_ = true;
};

}  // namespace

bool ParseOperations(rocksdb::Slice bytes, std::vector<UserOperation>* into) {
  Reader reader(bytes);
  const uint32_t count = reader.U32();
  for (uint32_t index = 0; index < count && reader.sound(); index++) {
    UserOperation operation;
    operation.kind = static_cast<OperationKind>(reader.U32());
    operation.seconds = reader.U32();
    const uint32_t rule_count = reader.U32();
    for (uint32_t rule_index = 0; rule_index < rule_count && reader.sound(); rule_index++) {
      UserRule rule;
      rule.kind = static_cast<RuleKind>(reader.U32());
      rule.match = static_cast<MatchType>(reader.U32());
      rule.start_seconds = reader.U32();
      rule.stop_seconds = reader.U32();
      rule.pattern = reader.Bytes(reader.U32());
      operation.rules.push_back(std::move(rule));
    }
    into->push_back(std::move(operation));
  }
  return reader.sound() && reader.AtEnd();
}

RowFilter::RowFilter(std::shared_ptr<const FilterRules> rules, uint32_t now_seconds)
    : rules_(std::move(rules)), now_seconds_(now_seconds) {}

RowFilter::Decision RowFilter::FilterV2(int, const rocksdb::Slice& key, ValueType type, const rocksdb::Slice& value,
                                        std::string* new_value, std::string*) const {
  if (type != ValueType::kValue || key.size() < 2 || value.size() < 4) return Decision::kKeep;
  const size_t hash_key_length = static_cast<uint8_t>(key[0]) << 8 | static_cast<uint8_t>(key[1]);
  if (hash_key_length == 0xffff || hash_key_length > key.size() - 2) return Decision::kKeep;
  const rocksdb::Slice hash_key(key.data() + 2, hash_key_length);
  const rocksdb::Slice sort_key(key.data() + 2 + hash_key_length, key.size() - 2 - hash_key_length);

  const uint32_t before = ReadU32BE(value.data());
  uint32_t expiry = before;
  for (const UserOperation& operation : rules_->operations) {
    if (!Matches(operation, hash_key, sort_key, expiry)) continue;
    if (operation.kind == OperationKind::kDelete) return Decision::kRemove;
    expiry = Updated(operation, expiry);
  }
  if (expiry == 0 && rules_->default_ttl_seconds > 0) expiry = AddClamped(now_seconds_, rules_->default_ttl_seconds);
  if (expiry > 0 && expiry <= now_seconds_) return Decision::kRemove;
  if (rules_->partition_version >= 0) {
    const uint64_t hash = Crc64(hash_key_length > 0 ? hash_key : sort_key);
    const uint32_t version = static_cast<uint32_t>(rules_->partition_version);
    if ((static_cast<uint32_t>(hash) & version) != rules_->partition_index) return Decision::kRemove;
  }
  if (expiry == before) return Decision::kKeep;
  new_value->assign(value.data(), value.size());
  WriteU32BE(expiry, new_value->data());
  return Decision::kChangeValue;
}

bool RowFilter::Matches(const UserOperation& operation, rocksdb::Slice hash_key, rocksdb::Slice sort_key,
                        uint32_t expiry) const {
  for (const UserRule& rule : operation.rules) {
    const bool matches = rule.kind == RuleKind::kTtlRange
                             ? IsInTtlRange(rule, expiry)
                             : MatchesPattern(rule.kind == RuleKind::kHashKey ? hash_key : sort_key, rule.pattern, rule.match);
    if (!matches) return false;
  }
  return true;
}

bool RowFilter::IsInTtlRange(const UserRule& rule, uint32_t expiry) const {
  if (rule.start_seconds == 0 && rule.stop_seconds == 0) return expiry == 0;
  const int64_t left = static_cast<int64_t>(expiry) - now_seconds_;
  return expiry != 0 && left >= rule.start_seconds && left <= rule.stop_seconds;
}

uint32_t RowFilter::Updated(const UserOperation& operation, uint32_t expiry) const {
  switch (operation.kind) {
    case OperationKind::kTimestamp:
      return operation.seconds;
    case OperationKind::kFromNow:
      return AddClamped(now_seconds_, operation.seconds);
    case OperationKind::kFromCurrent:
      return expiry == 0 ? 0 : AddClamped(expiry, operation.seconds);
    case OperationKind::kDelete:
      break;
  }
  return expiry;
}

std::unique_ptr<rocksdb::CompactionFilter> RowFilterFactory::CreateCompactionFilter(
    const rocksdb::CompactionFilter::Context&) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (rules_ == nullptr || !rules_->enabled) return nullptr;
  return std::make_unique<RowFilter>(rules_, NowSeconds());
}

void RowFilterFactory::Set(std::shared_ptr<const FilterRules> rules) {
  std::lock_guard<std::mutex> lock(mutex_);
  rules_ = std::move(rules);
}

}  // namespace pegasus
