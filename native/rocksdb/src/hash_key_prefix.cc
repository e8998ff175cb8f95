#include "hash_key_prefix.h"

#include <string>

namespace pegasus {

namespace {

constexpr size_t kHeaderBytes = 2;
constexpr size_t kReservedHeader = 0xffff;

// 0 = none.
size_t PrefixLength(const rocksdb::Slice& key) {
  if (key.size() < kHeaderBytes) return 0;
  const size_t hash_key_length =
      static_cast<size_t>(static_cast<uint8_t>(key[0])) << 8 | static_cast<size_t>(static_cast<uint8_t>(key[1]));
  if (hash_key_length == kReservedHeader || key.size() - kHeaderBytes < hash_key_length) return 0;
  return kHeaderBytes + hash_key_length;
}

class HashKeyTransform : public rocksdb::SliceTransform {
 public:
  // Stands in table files: what was written under another name is read without the filter.
  const char* Name() const override { return "pegasus.hash-key"; }
  rocksdb::Slice Transform(const rocksdb::Slice& key) const override { return rocksdb::Slice(key.data(), PrefixLength(key)); }
  bool InDomain(const rocksdb::Slice& key) const override { return PrefixLength(key) > 0; }
};

}  // namespace

std::shared_ptr<const rocksdb::SliceTransform> HashKeyPrefix() {
  // Leaked, like all globals of the addon.
  static const auto& transform =
      *new std::shared_ptr<const rocksdb::SliceTransform>(std::make_shared<HashKeyTransform>());
  return transform;
}

bool StayInHashKey(rocksdb::Slice lower, rocksdb::Slice upper) {
  const size_t length = PrefixLength(lower);
  if (length == 0 || upper.empty()) return false;
  const rocksdb::Slice prefix(lower.data(), length);
  if (upper.starts_with(prefix)) return true;
  // What begins with the prefix ends before its successor: the shortest key above all of them.
  std::string successor = prefix.ToString();
  while (static_cast<uint8_t>(successor.back()) == 0xff) successor.pop_back();
  successor.back() = static_cast<char>(static_cast<uint8_t>(successor.back()) + 1);
  return upper.compare(successor) <= 0;
}

}  // namespace pegasus
