// Append to a file and make it durable, in one crossing: the mutation log's write.
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "calls.h"
#include "pool.h"
#include "state.h"

namespace pegasus {

namespace {

int SyncData(int fd) {
#ifdef __APPLE__
  // fsync leaves the data in the drive's cache there.
  return fcntl(fd, F_FULLFSYNC);
#else
  return fdatasync(fd);
#endif
}

class LogAppendJob : public Job {
 public:
  LogAppendJob(uint32_t request, int fd, const uint8_t* bytes, size_t length, bool sync)
      : Job(request), fd_(fd), bytes_(bytes), length_(length), sync_(sync) {}

  // The flags are the error number.
  void Run() override {
    size_t at = 0;
    while (at < length_) {
      const ssize_t written = write(fd_, bytes_ + at, length_ - at);
      if (written >= 0) {
        at += static_cast<size_t>(written);
      } else if (errno != EINTR) {
        return Finish(errno);
      }
    }
    // A failed sync is final: what is durable is unknown, and trying again may report success wrongly.
    if (sync_ && SyncData(fd_) != 0) return Finish(errno);
  }

 private:
  void Finish(int error) {
    code = kIo;
    flags = static_cast<uint32_t>(error);
  }

  const int fd_;
  const uint8_t* const bytes_;
  const size_t length_;
  const bool sync_;
};

}  // namespace

void SubmitLogAppend(napi_env env, int32_t fd, const uint8_t* bytes, size_t length, bool sync, uint32_t request) {
  Submit(env, TheState().log, new LogAppendJob(request, fd, bytes, length, sync));
}

}  // namespace pegasus
