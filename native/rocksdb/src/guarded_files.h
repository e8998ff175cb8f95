// The promise that the JavaScript thread never waits for a read of a table file, kept at the file system.
//
// RocksDB's block-cache tier is meant for this and leaks: a multi-get reads missing data blocks from the file all the same.
// So while a `NoDiskScope` lives on a thread, reads and opens of table files on it fail as incomplete, which RocksDB
// hands on like a miss of the cache tier.
//
// Before 8.11 the tier has another flaw: with the table file not open, a lookup succeeds with an empty value instead of
// being incomplete. So an empty value counts as a miss there.
#pragma once

#include <rocksdb/env.h>

#include "resources.h"

namespace pegasus {

// The wrappers have the form used here since then; without them multi-gets are single gets.
#define PEGASUS_GUARDS_FILES PEGASUS_ROCKSDB_AT_LEAST(6, 16)

class NoDiskScope {
 public:
  NoDiskScope();
  ~NoDiskScope();
  NoDiskScope(const NoDiskScope&) = delete;
  NoDiskScope& operator=(const NoDiskScope&) = delete;
};

// The environment for all databases; never freed.
rocksdb::Env* GuardedEnvironment();

}  // namespace pegasus
