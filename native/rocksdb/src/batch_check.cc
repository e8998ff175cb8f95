#include "batch_check.h"

namespace pegasus {

namespace {

constexpr size_t kHeaderBytes = 12;
constexpr uint8_t kTagDelete = 0x00;
constexpr uint8_t kTagPut = 0x01;

// Skips a varint32 and as many bytes as it says; null if they are not there.
const uint8_t* SkipSized(const uint8_t* at, const uint8_t* end) {
  uint32_t length = 0;
  for (int shift = 0; shift <= 28; shift += 7) {
    if (at == end) return nullptr;
    const uint8_t byte = *at++;
    if (shift == 28 && byte > 0x0f) return nullptr;
    length |= static_cast<uint32_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return length <= static_cast<size_t>(end - at) ? at + length : nullptr;
  }
  return nullptr;
}

}  // namespace

bool IsBatchSound(const uint8_t* bytes, size_t length) {
  if (length < kHeaderBytes) return false;
  const uint32_t declared = bytes[8] | bytes[9] << 8 | bytes[10] << 16 | static_cast<uint32_t>(bytes[11]) << 24;
  const uint8_t* const end = bytes + length;
  const uint8_t* at = bytes + kHeaderBytes;
  uint32_t count = 0;
  while (at != end) {
    const uint8_t tag = *at++;
    if (tag != kTagPut && tag != kTagDelete) return false;
    at = SkipSized(at, end);
    if (at != nullptr && tag == kTagPut) at = SkipSized(at, end);
    if (at == nullptr) return false;
    count += 1;
  }
  return count == declared;
}

}  // namespace pegasus
