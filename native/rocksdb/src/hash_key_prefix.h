// The hash key as RocksDB's prefix: table files have bloom filters over whole keys and over hash keys, so that a read
// within one hash key passes by the files that hold none of its rows.
//
// Keys are u16 BE length of the hash key, hash key, sort key (`src/model/key.ts`). The reserved ones, from FF FF on, and
// damaged ones have no prefix; no read within a hash key meets them.
#pragma once

#include <rocksdb/slice.h>
#include <rocksdb/slice_transform.h>

#include <memory>

namespace pegasus {

// One for all databases.
std::shared_ptr<const rocksdb::SliceTransform> HashKeyPrefix();

// True when all keys from `lower` up to, not including, `upper` have the prefix of `lower`.
bool StayInHashKey(rocksdb::Slice lower, rocksdb::Slice upper);

}  // namespace pegasus
