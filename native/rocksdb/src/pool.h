// Threads for what would make the JavaScript thread wait, and the way back.
//
// A job is made on the JavaScript thread, run on a pool, and taken by the JavaScript thread together with all others that
// are done. Jobs hold the database; they let go of it on the pool, so that the JavaScript thread never drops the last
// reference.
#pragma once

#include <node_api.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "status.h"

namespace pegasus {

class Job {
 public:
  explicit Job(uint32_t request) : request(request) {}
  virtual ~Job() = default;
  virtual void Run() = 0;
  // Drops references to databases; called on the pool after `Run`.
  virtual void Release() {}
  // Called on the JavaScript thread when the completion is taken; handles are given out here.
  virtual void Deliver() {}

  void Fail(const rocksdb::Status& status) {
    code = CodeOf(status);
    if (HasText(code)) output = status.ToString();
  }
  void Fail(int32_t failure, std::string text) {
    code = failure;
    output = std::move(text);
  }

  const uint32_t request;
  int32_t code = 0;
  // Result bytes, or the text of the error.
  std::string output;
  std::vector<uint32_t> offsets;
  uint32_t flags = 0;
};

// Finished jobs on their way to the JavaScript thread.
class Completions {
 public:
  // Any thread.
  void Add(Job* job);

  // The rest: JavaScript thread only.
  napi_status Start(napi_env env, napi_value on_done);
  // The process stays alive while jobs are pending, and not on our account otherwise.
  void OnSubmit(napi_env env);
  // The oldest finished job, still owned by us, or null.
  Job* Front();
  // Frees the oldest finished job.
  void Pop(napi_env env);
  // The environment goes away: nothing is signalled any more.
  void Stop();

 private:
  std::mutex mutex_;
  std::deque<Job*> done_;
  napi_threadsafe_function function_ = nullptr;
  bool signalled_ = false;
  bool stopped_ = false;
  uint32_t pending_ = 0;
};

class Pool {
 public:
  Pool(const char* name, uint32_t threads_max, Completions* completions)
      : name_(name), threads_max_(threads_max), completions_(completions) {}

  // Threads are started when there is work for them, and never end.
  void Submit(Job* job);
  // Drops what waits; waits up to `wait_ms` for what runs. Whether nothing runs any more.
  bool Stop(uint32_t wait_ms);

 private:
  void Loop();

  const char* const name_;
  const uint32_t threads_max_;
  Completions* const completions_;
  std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable quiet_;
  std::deque<Job*> queue_;
  uint32_t threads_ = 0;
  uint32_t idle_ = 0;
  bool stopped_ = false;
};

}  // namespace pegasus
