// Result codes towards JavaScript. A call returns a length or count (>= 0) or one of these; with a code of -10 and below a
// text follows in the output memory, its length in control word 0.
#pragma once

#include <rocksdb/status.h>

#include <cstdint>

namespace pegasus {

constexpr int32_t kNotFound = -1;
constexpr int32_t kWouldBlock = -2;
// Output memory too small; bytes needed in control word 0. Grow it and call again.
constexpr int32_t kTooSmall = -3;
constexpr int32_t kCorruption = -10;
constexpr int32_t kIo = -11;
constexpr int32_t kFull = -12;
constexpr int32_t kInvalid = -13;

inline bool HasText(int32_t code) { return code <= kCorruption; }

inline int32_t CodeOf(const rocksdb::Status& status) {
  if (status.ok()) return 0;
  if (status.IsNotFound()) return kNotFound;
  if (status.IsIncomplete()) return kWouldBlock;
  if (status.IsCorruption()) return kCorruption;
  if (status.IsNoSpace()) return kFull;
  if (status.IsInvalidArgument() || status.IsNotSupported()) return kInvalid;
  return kIo;
}

}  // namespace pegasus
