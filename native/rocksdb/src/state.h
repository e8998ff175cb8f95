// What the whole addon shares: the memory that JavaScript lent us, and the registries of handles.
//
// 1. One JavaScript thread per process uses the addon; all but the pools and RocksDB's own threads runs on it.
// 2. The state is leaked: destroying databases during static destruction crashes the process at its exit.
// 3. Memory (control block, input, output, offsets) belongs to JavaScript; references keep it alive until it is
//    replaced. Only the JavaScript thread touches it.
#pragma once

#include <node_api.h>
#include <rocksdb/slice.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "status.h"

namespace pegasus {

struct Shared;
struct Database;
struct NativeIterator;
struct SstFile;
class Completions;
class Pool;

struct Memory {
  uint32_t* control = nullptr;
  uint8_t* input = nullptr;
  size_t input_size = 0;
  uint8_t* output = nullptr;
  size_t output_size = 0;
  uint32_t* offsets = nullptr;
  size_t offsets_count = 0;
  napi_ref references[4] = {nullptr, nullptr, nullptr, nullptr};
};

constexpr size_t kControlWords = 16;
constexpr size_t kOffsetsPerRow = 4;
// Start of an absent value in a multi-get.
constexpr uint32_t kAbsent = 0xffffffffu;

// Handles are indexes; a freed one is given out again.
template <typename Pointer>
class Registry {
 public:
  uint32_t Add(Pointer pointer) {
    if (!free_.empty()) {
      const uint32_t index = free_.back();
      free_.pop_back();
      items_[index] = std::move(pointer);
      return index;
    }
    items_.push_back(std::move(pointer));
    return static_cast<uint32_t>(items_.size() - 1);
  }
  // Null when there is no such handle.
  const Pointer& At(uint32_t index) const { return index < items_.size() ? items_[index] : none_; }
  template <typename Visit>
  void ForEach(Visit visit) const {
    for (const Pointer& item : items_) {
      if (item != nullptr) visit(item);
    }
  }
  Pointer Remove(uint32_t index) {
    Pointer pointer = std::move(items_[index]);
    items_[index] = Pointer();
    free_.push_back(index);
    return pointer;
  }

 private:
  std::vector<Pointer> items_;
  std::vector<uint32_t> free_;
  const Pointer none_ = Pointer();
};

struct State {
  Memory memory;
  Registry<std::shared_ptr<Shared>> shared;
  Registry<std::shared_ptr<Database>> databases;
  Registry<std::shared_ptr<NativeIterator>> iterators;
  Registry<std::shared_ptr<SstFile>> sst_files;
  Completions* completions = nullptr;
  // Apart from each other, so that no kind of work waits behind another: two compactions would hold up all reads.
  Pool* reads = nullptr;
  Pool* writes = nullptr;
  Pool* jobs = nullptr;
  Pool* log = nullptr;
};

State& TheState();

inline uint32_t* Control() { return TheState().memory.control; }

// Bytes of the input memory; false if that is more than there is.
inline bool Input(size_t at, size_t length, rocksdb::Slice* into) {
  const Memory& memory = TheState().memory;
  if (at > memory.input_size || length > memory.input_size - at) return false;
  *into = rocksdb::Slice(reinterpret_cast<const char*>(memory.input) + at, length);
  return true;
}

// Puts a text into the output memory, cut if need be; returns `code`.
int32_t Fail(int32_t code, const std::string& text);

inline int32_t Fail(const rocksdb::Status& status) {
  const int32_t code = CodeOf(status);
  return HasText(code) ? Fail(code, status.ToString()) : code;
}

}  // namespace pegasus
