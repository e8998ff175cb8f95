// Checks a write batch before RocksDB sees it. RocksDB itself finds damage only while it applies the batch, and then refuses
// all later writes.
//
// Sound: u64 sequence, u32 record count, then exactly that many puts (0x01) and deletes (0x00) of the default column family,
// all lengths within the batch, nothing trailing. The in-memory engine makes the same check.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pegasus {

bool IsBatchSound(const uint8_t* bytes, size_t length);

}  // namespace pegasus
