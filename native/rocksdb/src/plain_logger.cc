#include "plain_logger.h"

#include <fcntl.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdarg>
#include <cstdio>
#include <ctime>

namespace pegasus {

namespace {

// Longer lines are cut.
constexpr size_t kLineBytesMax = 4096;

class PlainLogger : public rocksdb::Logger {
 public:
  explicit PlainLogger(int descriptor) : descriptor_(descriptor) {}
  ~PlainLogger() override { close(descriptor_); }

  using rocksdb::Logger::Logv;

  void Logv(const char* format, va_list arguments) override {
    char line[kLineBytesMax];
    size_t length = FormatTime(line, sizeof(line));
    const int written = vsnprintf(line + length, sizeof(line) - length, format, arguments);
    if (written < 0) return;
    length = std::min(length + static_cast<size_t>(written), sizeof(line) - 1);
    if (line[length - 1] != '\n') line[length++] = '\n';
    const ssize_t count = write(descriptor_, line, length);
    if (count > 0) size_.fetch_add(static_cast<size_t>(count), std::memory_order_relaxed);
  }

  size_t GetLogFileSize() const override { return size_.load(std::memory_order_relaxed); }

 protected:
  rocksdb::Status CloseImpl() override { return rocksdb::Status::OK(); }

 private:
  static size_t FormatTime(char* line, size_t size) {
    timeval now;
    gettimeofday(&now, nullptr);
    tm parts;
    gmtime_r(&now.tv_sec, &parts);
    const size_t length = strftime(line, size, "%Y-%m-%dT%H:%M:%S", &parts);
    return length + static_cast<size_t>(snprintf(line + length, size - length, ".%06dZ ", static_cast<int>(now.tv_usec)));
  }

  const int descriptor_;
  std::atomic<size_t> size_{0};
};

}  // namespace

std::shared_ptr<rocksdb::Logger> NewPlainLogger(const std::string& path) {
  const int descriptor = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
  if (descriptor < 0) return nullptr;
  return std::make_shared<PlainLogger>(descriptor);
}

}  // namespace pegasus
