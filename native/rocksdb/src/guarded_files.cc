#include "guarded_files.h"

#include <rocksdb/file_system.h>

#include <memory>
#include <string>
#include <utility>

#include "plain_logger.h"

namespace pegasus {

namespace {

thread_local bool disk_denied = false;

#if PEGASUS_GUARDS_FILES

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

IOStatus Denied() { return rocksdb::status_to_io_status(rocksdb::Status::Incomplete("not in memory")); }

class GuardedFile : public rocksdb::FSRandomAccessFileOwnerWrapper {
 public:
  using rocksdb::FSRandomAccessFileOwnerWrapper::FSRandomAccessFileOwnerWrapper;

  IOStatus Read(uint64_t offset, size_t length, const IOOptions& options, rocksdb::Slice* result, char* scratch,
                IODebugContext* context) const override {
    if (disk_denied) return Denied();
    return FSRandomAccessFileOwnerWrapper::Read(offset, length, options, result, scratch, context);
  }

  IOStatus MultiRead(rocksdb::FSReadRequest* requests, size_t count, const IOOptions& options,
                     IODebugContext* context) override {
    if (!disk_denied) return FSRandomAccessFileOwnerWrapper::MultiRead(requests, count, options, context);
    for (size_t index = 0; index < count; index++) requests[index].status = Denied();
    return Denied();
  }

  IOStatus Prefetch(uint64_t offset, size_t length, const IOOptions& options, IODebugContext* context) override {
    if (disk_denied) return Denied();
    return FSRandomAccessFileOwnerWrapper::Prefetch(offset, length, options, context);
  }
};

class GuardedFileSystem : public rocksdb::FileSystemWrapper {
 public:
  explicit GuardedFileSystem(const std::shared_ptr<rocksdb::FileSystem>& target) : FileSystemWrapper(target) {}
  const char* Name() const override { return "pegasus.guarded"; }

  IOStatus NewRandomAccessFile(const std::string& path, const rocksdb::FileOptions& options,
                               std::unique_ptr<rocksdb::FSRandomAccessFile>* file, IODebugContext* context) override {
    if (disk_denied) return Denied();
    std::unique_ptr<rocksdb::FSRandomAccessFile> plain;
    const IOStatus status = FileSystemWrapper::NewRandomAccessFile(path, options, &plain, context);
    if (status.ok()) *file = std::make_unique<GuardedFile>(std::move(plain));
    return status;
  }

  // Lines for people, which must not be able to fail: see plain_logger.h.
  IOStatus NewLogger(const std::string& path, const IOOptions&, std::shared_ptr<rocksdb::Logger>* logger,
                     IODebugContext*) override {
    *logger = NewPlainLogger(path);
    return *logger == nullptr ? IOStatus::IOError("cannot be made", path) : IOStatus::OK();
  }
};

#endif

}  // namespace

NoDiskScope::NoDiskScope() { disk_denied = true; }
NoDiskScope::~NoDiskScope() { disk_denied = false; }

rocksdb::Env* GuardedEnvironment() {
#if PEGASUS_GUARDS_FILES
  static rocksdb::Env* const environment =
      rocksdb::NewCompositeEnv(std::make_shared<GuardedFileSystem>(rocksdb::FileSystem::Default())).release();
  return environment;
#else
  return rocksdb::Env::Default();
#endif
}

}  // namespace pegasus
