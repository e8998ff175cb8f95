#include "pool.h"

#include <pthread.h>

#include <chrono>
#include <thread>

namespace pegasus {

namespace {

void CallDone(napi_env env, napi_value on_done, void*, void*) {
  if (env == nullptr) return;
  napi_value undefined;
  napi_get_undefined(env, &undefined);
  // An exception stays pending and becomes an uncaught one, as in any callback.
  napi_call_function(env, undefined, on_done, 0, nullptr, nullptr);
}

}  // namespace

napi_status Completions::Start(napi_env env, napi_value on_done) {
  napi_value name;
  napi_status status = napi_create_string_utf8(env, "pegasus.rocksdb", NAPI_AUTO_LENGTH, &name);
  if (status != napi_ok) return status;
  status = napi_create_threadsafe_function(env, on_done, nullptr, name, 0, 1, nullptr, nullptr, nullptr, CallDone, &function_);
  if (status != napi_ok) return status;
  return napi_unref_threadsafe_function(env, function_);
}

void Completions::Add(Job* job) {
  // Signalled under the lock: `Stop` must not come between the look at `stopped_` and the call.
  std::lock_guard<std::mutex> lock(mutex_);
  if (stopped_) {
    delete job;
    return;
  }
  done_.push_back(job);
  if (signalled_) return;
  signalled_ = true;
  if (napi_call_threadsafe_function(function_, nullptr, napi_tsfn_nonblocking) != napi_ok) stopped_ = true;
}

void Completions::OnSubmit(napi_env env) {
  if (pending_ == 0) napi_ref_threadsafe_function(env, function_);
  pending_ += 1;
}

Job* Completions::Front() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (!done_.empty()) return done_.front();
  signalled_ = false;
  return nullptr;
}

void Completions::Pop(napi_env env) {
  Job* job = nullptr;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    job = done_.front();
    done_.pop_front();
  }
  delete job;
  pending_ -= 1;
  if (pending_ == 0) napi_unref_threadsafe_function(env, function_);
}

void Completions::Stop() {
  std::lock_guard<std::mutex> lock(mutex_);
  stopped_ = true;
}

void Pool::Submit(Job* job) {
  std::lock_guard<std::mutex> lock(mutex_);
  queue_.push_back(job);
  if (idle_ < queue_.size() && threads_ < threads_max_) {
    threads_ += 1;
    std::thread([this] { Loop(); }).detach();
  }
  work_.notify_one();
}

void Pool::Loop() {
#ifdef __linux__
  pthread_setname_np(pthread_self(), name_);
#endif
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    while (queue_.empty()) {
      idle_ += 1;
      if (stopped_) quiet_.notify_all();
      work_.wait(lock);
      idle_ -= 1;
    }
    Job* job = queue_.front();
    queue_.pop_front();
    lock.unlock();
    job->Run();
    job->Release();
    completions_->Add(job);
    lock.lock();
  }
}

bool Pool::Stop(uint32_t wait_ms) {
  std::unique_lock<std::mutex> lock(mutex_);
  stopped_ = true;
  // Leaked on purpose, like everything at the end of the process: they hold databases.
  queue_.clear();
  return quiet_.wait_for(lock, std::chrono::milliseconds(wait_ms), [this] { return idle_ == threads_; });
}

}  // namespace pegasus
