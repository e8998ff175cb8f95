// What takes long: opening and closing, flush, compaction, checkpoint, files to ingest.
#include <fcntl.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/utilities/options_util.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "calls.h"
#include "database.h"
#include "pool.h"
#include "state.h"

namespace pegasus {

namespace {

// Numbers as in `src/adapters/rocksdb/native.ts`.
enum class Task : uint32_t { kFlush = 0, kCheckpoint = 1, kCompact = 2, kIngest = 3, kClose = 4, kDestroy = 5, kSstFinish = 6 };

// The entry of a new file or folder is durable once its parent is.
rocksdb::Status SyncParent(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  const std::string parent = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  const int fd = open(parent.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return rocksdb::Status::IOError(parent, strerror(errno));
  const int result = fsync(fd);
  const int error = errno;
  close(fd);
  return result == 0 ? rocksdb::Status::OK() : rocksdb::Status::IOError(parent, strerror(error));
}

}  // namespace

struct SstFile {
  explicit SstFile(std::string file_path)
      : path(std::move(file_path)), options(MakeSstOptions()), writer(rocksdb::EnvOptions(), options) {}
  const std::string path;
  const rocksdb::Options options;
  rocksdb::SstFileWriter writer;
};

namespace {

// How many levels a database was made with, else how many a new one is to have. 0 = as always.
int LevelsOf(const std::string& path, int wanted) {
  rocksdb::ConfigOptions config;
  rocksdb::DBOptions options;
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  const rocksdb::Status status = rocksdb::LoadLatestOptions(config, path, &options, &families);
  if (status.IsNotFound() || status.IsPathNotFound()) return wanted;
  return status.ok() && !families.empty() ? families[0].options.num_levels : 0;
}

class OpenJob : public Job {
 public:
  OpenJob(uint32_t request, std::shared_ptr<Shared> shared, std::string path, const DatabaseParameters& parameters)
      : Job(request), shared_(std::move(shared)), path_(std::move(path)), parameters_(parameters) {}

  void Run() override {
    auto filter = std::make_shared<RowFilterFactory>();
    rocksdb::Options options = MakeOptions(*shared_, parameters_);
    const int levels = LevelsOf(path_, parameters_.levels);
    if (levels > 0) options.num_levels = levels;
    options.compaction_filter_factory = filter;
    rocksdb::DB* db = nullptr;
    rocksdb::Status status = rocksdb::DB::Open(options, path_, &db);
    if (!status.ok()) return Fail(status);
    database_ = std::make_shared<Database>();
    database_->path = path_;
    database_->shared = shared_;
    database_->filter = std::move(filter);
    database_->db.reset(db);
    status = SyncParent(path_);
    if (status.ok()) return;
    database_.reset();
    Fail(status);
  }
  void Deliver() override {
    if (database_ != nullptr) flags = TheState().databases.Add(std::move(database_));
  }

 private:
  const std::shared_ptr<Shared> shared_;
  const std::string path_;
  const DatabaseParameters parameters_;
  std::shared_ptr<Database> database_;
};

class DatabaseJob : public Job {
 public:
  DatabaseJob(uint32_t request, Task task, std::shared_ptr<Database> database, std::vector<std::string> texts)
      : Job(request), task_(task), database_(std::move(database)), texts_(std::move(texts)) {}

  void Run() override {
    const rocksdb::Status status = RunTask();
    if (!status.ok()) Fail(status);
  }
  void Release() override { database_.reset(); }

 private:
  rocksdb::Status RunTask() {
    switch (task_) {
      case Task::kFlush:
        return Flush();
      case Task::kCheckpoint:
        return Checkpoint();
      case Task::kCompact:
        return Compact();
      case Task::kIngest:
        return Ingest();
      case Task::kClose:
        return Close();
      case Task::kDestroy:
      case Task::kSstFinish:
        break;
    }
    return rocksdb::Status::InvalidArgument("no such task of a database");
  }

  rocksdb::Status Flush() {
    rocksdb::FlushOptions options;
    options.allow_write_stall = true;
    return database_->db->Flush(options);
  }

  rocksdb::Status Checkpoint() {
    rocksdb::Checkpoint* raw = nullptr;
    rocksdb::Status status = rocksdb::Checkpoint::Create(database_->db.get(), &raw);
    const std::unique_ptr<rocksdb::Checkpoint> checkpoint(raw);
    if (status.ok()) status = checkpoint->CreateCheckpoint(texts_.at(0), 0);
    return status.ok() ? SyncParent(texts_.at(0)) : status;
  }

  // Texts: the level that all ends in, 0 = wherever; 1 = rows of the lowest level are to meet the filter too, else 0.
  rocksdb::Status Compact() {
    rocksdb::CompactRangeOptions options;
    options.exclusive_manual_compaction = false;
    options.canceled = &database_->compactions_canceled;
    const int level = atoi(texts_.at(0).c_str());
    options.change_level = level > 0;
    if (options.change_level) options.target_level = std::min(level, database_->db->NumberLevels() - 1);
    options.bottommost_level_compaction = texts_.at(1) == "1" ? rocksdb::BottommostLevelCompaction::kForceOptimized
                                                              : rocksdb::BottommostLevelCompaction::kSkip;
    return database_->db->CompactRange(options, nullptr, nullptr);
  }

  // Flushed first: the files are durable at once, and a crash must not keep them and lose what was written before.
  rocksdb::Status Ingest() {
    const rocksdb::Status status = Flush();
    if (!status.ok()) return status;
    rocksdb::IngestExternalFileOptions options;
    options.move_files = true;
    options.failed_move_fall_back_to_copy = true;
    options.verify_checksums_before_ingest = true;
    return database_->db->IngestExternalFile(texts_, options);
  }

  rocksdb::Status Close() {
    if (database_.use_count() > 1) return rocksdb::Status::Busy("iterators or jobs of the database are left");
    return database_->db->Close();
  }

  const Task task_;
  std::shared_ptr<Database> database_;
  const std::vector<std::string> texts_;
};

class DestroyJob : public Job {
 public:
  DestroyJob(uint32_t request, std::string path) : Job(request), path_(std::move(path)) {}
  void Run() override {
    const rocksdb::Status status = rocksdb::DestroyDB(path_, rocksdb::Options());
    if (!status.ok()) Fail(status);
  }

 private:
  const std::string path_;
};

class SstOpenJob : public Job {
 public:
  SstOpenJob(uint32_t request, std::string path) : Job(request), path_(std::move(path)) {}
  void Run() override {
    file_ = std::make_shared<SstFile>(path_);
    const rocksdb::Status status = file_->writer.Open(path_);
    if (status.ok()) return;
    file_.reset();
    Fail(status);
  }
  void Deliver() override {
    if (file_ != nullptr) flags = TheState().sst_files.Add(std::move(file_));
  }

 private:
  const std::string path_;
  std::shared_ptr<SstFile> file_;
};

class SstRowsJob : public Job {
 public:
  SstRowsJob(uint32_t request, std::shared_ptr<SstFile> file, const uint8_t* rows, size_t length)
      : Job(request), file_(std::move(file)), rows_(reinterpret_cast<const char*>(rows)), length_(length) {}
  void Run() override {
    size_t at = 0;
    while (at < length_) {
      uint32_t lengths[2];
      memcpy(lengths, rows_ + at, sizeof lengths);
      at += sizeof lengths;
      const rocksdb::Slice key(rows_ + at, lengths[0]);
      const rocksdb::Slice value(rows_ + at + lengths[0], lengths[1]);
      const rocksdb::Status status = file_->writer.Put(key, value);
      if (!status.ok()) return Fail(status);
      at += key.size() + value.size();
    }
  }

 private:
  const std::shared_ptr<SstFile> file_;
  const char* const rows_;
  const size_t length_;
};

class SstFinishJob : public Job {
 public:
  SstFinishJob(uint32_t request, std::shared_ptr<SstFile> file) : Job(request), file_(std::move(file)) {}
  void Run() override {
    rocksdb::ExternalSstFileInfo info;
    rocksdb::Status status = file_->writer.Finish(&info);
    if (status.ok()) status = SyncParent(file_->path);
    if (!status.ok()) return Fail(status);
    output.assign(std::to_string(info.file_size));
  }

 private:
  const std::shared_ptr<SstFile> file_;
};

std::vector<std::string> SplitTexts(rocksdb::Slice input) {
  std::vector<std::string> texts;
  const char* at = input.data();
  const char* const end = at + input.size();
  while (at < end) {
    const size_t length = strnlen(at, static_cast<size_t>(end - at));
    texts.emplace_back(at, length);
    at += length + 1;
  }
  return texts;
}

}  // namespace

void SubmitOpen(napi_env env) {
  const uint32_t* const control = Control();
  DatabaseParameters parameters;
  parameters.open_files_max = static_cast<int32_t>(control[3]);
  parameters.memtable_bytes = control[4] | static_cast<uint64_t>(control[5]) << 32;
  parameters.background_jobs = static_cast<int32_t>(control[6]);
  parameters.levels = static_cast<int32_t>(control[7]);
  rocksdb::Slice path;
  Input(0, control[2], &path);
  Submit(env, TheState().jobs,
         new OpenJob(control[1], TheState().shared.At(control[0]), path.ToString(), parameters));
}

int32_t SubmitTask(napi_env env) {
  State& state = TheState();
  const uint32_t* const control = Control();
  const Task task = static_cast<Task>(control[0]);
  const uint32_t handle = control[1];
  const uint32_t request = control[2];
  rocksdb::Slice input;
  if (!Input(0, control[3], &input)) return kInvalid;
  std::vector<std::string> texts = SplitTexts(input);
  if (task == Task::kDestroy) {
    Submit(env, state.jobs, new DestroyJob(request, texts.at(0)));
  } else if (task == Task::kSstFinish) {
    if (state.sst_files.At(handle) == nullptr) return kInvalid;
    Submit(env, state.jobs, new SstFinishJob(request, state.sst_files.Remove(handle)));
  } else {
    if (state.databases.At(handle) == nullptr) return kInvalid;
    std::shared_ptr<Database> database =
        task == Task::kClose ? state.databases.Remove(handle) : state.databases.At(handle);
    Submit(env, state.jobs, new DatabaseJob(request, task, std::move(database), std::move(texts)));
  }
  return 0;
}

void SubmitSstOpen(napi_env env) {
  const uint32_t* const control = Control();
  rocksdb::Slice path;
  Input(0, control[1], &path);
  Submit(env, TheState().jobs, new SstOpenJob(control[0], path.ToString()));
}

void SubmitSstRows(napi_env env, uint32_t file, const uint8_t* rows, size_t length, uint32_t request) {
  Submit(env, TheState().jobs, new SstRowsJob(request, TheState().sst_files.At(file), rows, length));
}

}  // namespace pegasus
