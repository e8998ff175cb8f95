#include "database.h"

#include <algorithm>
#include <cstring>

#include "state.h"

namespace pegasus {

RowSink::RowSink()
    : bytes_(TheState().memory.output),
      capacity_(TheState().memory.output_size),
      offsets_(TheState().memory.offsets),
      rows_max_(TheState().memory.offsets_count / kOffsetsPerRow) {}

bool RowSink::Reserve(size_t length) {
  if (used_ + length <= capacity_ && rows_ < rows_max_) return true;
  if (growing_bytes_ == nullptr) return false;
  if (used_ + length > capacity_) {
    capacity_ = std::max<size_t>({used_ + length, 2 * capacity_, 4096});
    growing_bytes_->resize(capacity_);
    bytes_ = reinterpret_cast<uint8_t*>(growing_bytes_->data());
  }
  if (rows_ == rows_max_) {
    rows_max_ = std::max<size_t>(2 * rows_max_, 64);
    growing_offsets_->resize(rows_max_ * kOffsetsPerRow);
    offsets_ = growing_offsets_->data();
  }
  return true;
}

void RowSink::Append(rocksdb::Slice key, const rocksdb::Slice* value) {
  uint32_t* const row = offsets_ + rows_ * kOffsetsPerRow;
  last_key_ = used_;
  last_key_length_ = key.size();
  row[0] = static_cast<uint32_t>(used_);
  if (key.size() > 0) memcpy(bytes_ + used_, key.data(), key.size());
  used_ += key.size();
  row[1] = static_cast<uint32_t>(used_);
  row[2] = value == nullptr ? kAbsent : static_cast<uint32_t>(used_);
  if (value != nullptr && value->size() > 0) {
    memcpy(bytes_ + used_, value->data(), value->size());
    used_ += value->size();
  }
  row[3] = value == nullptr ? kAbsent : static_cast<uint32_t>(used_);
  rows_ += 1;
}

}  // namespace pegasus
