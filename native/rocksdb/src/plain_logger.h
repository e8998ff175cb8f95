// RocksDB's own diary (the file LOG of a database), written so that it cannot hurt anybody.
//
// The logger that RocksDB brings along keeps the error of a write, and the next line then fails an assertion; the
// libraries of Debian and Ubuntu are built with assertions, so one full disk ends the whole process. This one formats a
// line, writes it with one system call, and forgets how that went.
#pragma once

#include <rocksdb/env.h>

#include <memory>
#include <string>

namespace pegasus {

// Null when the file cannot be made.
std::shared_ptr<rocksdb::Logger> NewPlainLogger(const std::string& path);

}  // namespace pegasus
