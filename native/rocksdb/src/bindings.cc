// The functions that JavaScript sees. `src/adapters/rocksdb/native.ts` declares their types.
#include <node_api.h>
#include <rocksdb/convenience.h>
#include <rocksdb/perf_level.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "calls.h"
#include "database.h"
#include "pool.h"
#include "resources.h"
#include "state.h"

namespace pegasus {

namespace {

constexpr uint32_t kReadThreads = 4;
constexpr uint32_t kWriteThreads = 2;
constexpr uint32_t kJobThreads = 2;
// The mutation logs of two data directories can be synced side by side.
constexpr uint32_t kLogThreads = 2;
// For what runs when the process ends.
constexpr uint32_t kStopWaitMs = 5000;

napi_value Throw(napi_env env, const char* message) {
  napi_throw_error(env, nullptr, message);
  return nullptr;
}

napi_value ToValue(napi_env env, int32_t number) {
  napi_value value = nullptr;
  napi_create_int32(env, number, &value);
  return value;
}

// Arguments of a call; asserts their number.
template <size_t kCount>
struct Arguments {
  Arguments(napi_env env, napi_callback_info info) : environment(env) {
    size_t count = kCount;
    sound = napi_get_cb_info(env, info, &count, values, nullptr, nullptr) == napi_ok && count == kCount;
  }
  uint32_t U32(size_t index) {
    uint32_t value = 0;
    sound = sound && napi_get_value_uint32(environment, values[index], &value) == napi_ok;
    return value;
  }
  // Also moves a small array's bytes to where they stay.
  uint8_t* Array(size_t index, napi_typedarray_type expected, size_t* length) {
    void* data = nullptr;
    napi_typedarray_type type = napi_int8_array;
    sound = sound && napi_get_typedarray_info(environment, values[index], &type, length, &data, nullptr, nullptr) == napi_ok &&
            type == expected;
    return static_cast<uint8_t*>(data);
  }
  napi_env environment;
  napi_value values[kCount];
  bool sound;
};

// Whether nothing of ours runs any more.
bool ComeToRest() {
  State& state = TheState();
  state.completions->Stop();
  // RocksDB's own threads must be at rest before its statics are destroyed: compactions give up at once, and with them the
  // jobs that wait for one.
  state.databases.ForEach([](const std::shared_ptr<Database>& database) {
    if (database->db != nullptr) rocksdb::CancelAllBackgroundWork(database->db.get(), true);
  });
  bool is_quiet = true;
  for (Pool* pool : {state.reads, state.writes, state.jobs, state.log}) is_quiet = pool->Stop(kStopWaitMs) && is_quiet;
  return is_quiet;
}

void OnEnvironmentEnd(void*) { ComeToRest(); }

// end(status): called when the process is about to exit. `process.exit` ends no environment, but destroys the statics of
// RocksDB, which our threads may be using. If they cannot be brought to rest, the process ends here.
napi_value End(napi_env env, napi_callback_info info) {
  Arguments<1> arguments(env, info);
  const uint32_t status = arguments.U32(0);
  if (!arguments.sound) return Throw(env, "end: bad arguments");
  if (ComeToRest()) return nullptr;
  fflush(nullptr);
  _exit(static_cast<int>(status));
}

// setup(control, onDone): once per process.
napi_value Setup(napi_env env, napi_callback_info info) {
  static std::atomic<bool> done(false);
  Arguments<2> arguments(env, info);
  size_t words = 0;
  uint8_t* const control = arguments.Array(0, napi_uint32_array, &words);
  if (!arguments.sound || words < kControlWords) return Throw(env, "setup: bad arguments");
  if (done.exchange(true)) return Throw(env, "the RocksDB addon serves one thread of a process; start another process");
  State& state = TheState();
  state.memory.control = reinterpret_cast<uint32_t*>(control);
  napi_create_reference(env, arguments.values[0], 1, &state.memory.references[0]);
  state.completions = new Completions();
  if (state.completions->Start(env, arguments.values[1]) != napi_ok) return Throw(env, "setup: onDone is no function");
  state.reads = new Pool("pegasus-read", kReadThreads, state.completions);
  state.writes = new Pool("pegasus-write", kWriteThreads, state.completions);
  state.jobs = new Pool("pegasus-job", kJobThreads, state.completions);
  state.log = new Pool("pegasus-log", kLogThreads, state.completions);
  // Nobody reads the per-thread counters of the JavaScript thread, and each lookup counts a dozen of them.
  rocksdb::SetPerfLevel(rocksdb::PerfLevel::kDisable);
  RaiseDescriptorLimit();
  // Runs before the cleanup of the function that `Start` made: hooks run in reverse order.
  napi_add_env_cleanup_hook(env, OnEnvironmentEnd, nullptr);
  return nullptr;
}

void Keep(napi_env env, napi_value value, napi_ref* reference) {
  if (*reference != nullptr) napi_delete_reference(env, *reference);
  napi_create_reference(env, value, 1, reference);
}

// setMemory(input, output, offsets): again whenever one was replaced by a larger one.
napi_value SetMemory(napi_env env, napi_callback_info info) {
  Arguments<3> arguments(env, info);
  size_t input_size = 0;
  size_t output_size = 0;
  size_t offsets_count = 0;
  uint8_t* const input = arguments.Array(0, napi_uint8_array, &input_size);
  uint8_t* const output = arguments.Array(1, napi_uint8_array, &output_size);
  uint8_t* const offsets = arguments.Array(2, napi_uint32_array, &offsets_count);
  if (!arguments.sound) return Throw(env, "setMemory: bad arguments");
  Memory& memory = TheState().memory;
  memory.input = input;
  memory.input_size = input_size;
  memory.output = output;
  memory.output_size = output_size;
  memory.offsets = reinterpret_cast<uint32_t*>(offsets);
  memory.offsets_count = offsets_count;
  for (size_t index = 0; index < 3; index++) Keep(env, arguments.values[index], &memory.references[index + 1]);
  return nullptr;
}

// take(): the oldest completion. Returns 0 when there is none; 1 with c0 request, c1 code, c2 bytes in the output, c3 rows in
// the offsets, c4 flags; kTooSmall with c0 bytes and c1 rows needed.
napi_value Take(napi_env env, napi_callback_info) {
  State& state = TheState();
  Job* const job = state.completions->Front();
  if (job == nullptr) return ToValue(env, 0);
  const Memory& memory = state.memory;
  uint32_t* const control = memory.control;
  const size_t rows = job->offsets.size() / kOffsetsPerRow;
  if (job->output.size() > memory.output_size || job->offsets.size() > memory.offsets_count) {
    control[0] = static_cast<uint32_t>(job->output.size());
    control[1] = static_cast<uint32_t>(rows);
    return ToValue(env, kTooSmall);
  }
  job->Deliver();
  control[0] = job->request;
  control[1] = static_cast<uint32_t>(job->code);
  control[2] = static_cast<uint32_t>(job->output.size());
  control[3] = static_cast<uint32_t>(rows);
  control[4] = job->flags;
  if (!job->output.empty()) memcpy(memory.output, job->output.data(), job->output.size());
  if (!job->offsets.empty()) memcpy(memory.offsets, job->offsets.data(), job->offsets.size() * sizeof(uint32_t));
  state.completions->Pop(env);
  return ToValue(env, 1);
}

template <int32_t (*kCall)()>
napi_value Call(napi_env env, napi_callback_info) {
  return ToValue(env, kCall());
}

template <void (*kCall)()>
napi_value CallVoid(napi_env, napi_callback_info) {
  kCall();
  return nullptr;
}

template <void (*kCall)(napi_env)>
napi_value CallSubmit(napi_env env, napi_callback_info) {
  kCall(env);
  return nullptr;
}

napi_value CallSubmitTask(napi_env env, napi_callback_info) { return ToValue(env, SubmitTask(env)); }

// write(database, batch)
napi_value CallWrite(napi_env env, napi_callback_info info) {
  Arguments<2> arguments(env, info);
  size_t length = 0;
  const uint32_t database = arguments.U32(0);
  const uint8_t* const batch = arguments.Array(1, napi_uint8_array, &length);
  if (!arguments.sound) return Throw(env, "write: bad arguments");
  return ToValue(env, Write(database, batch, length));
}

// submitWrite(database, batch, request)
napi_value CallSubmitWrite(napi_env env, napi_callback_info info) {
  Arguments<3> arguments(env, info);
  size_t length = 0;
  const uint32_t database = arguments.U32(0);
  const uint8_t* const batch = arguments.Array(1, napi_uint8_array, &length);
  const uint32_t request = arguments.U32(2);
  if (!arguments.sound) return Throw(env, "submitWrite: bad arguments");
  SubmitWrite(env, database, batch, length, request);
  return nullptr;
}

// submitSstRows(file, rows, request)
napi_value CallSubmitSstRows(napi_env env, napi_callback_info info) {
  Arguments<3> arguments(env, info);
  size_t length = 0;
  const uint32_t file = arguments.U32(0);
  const uint8_t* const rows = arguments.Array(1, napi_uint8_array, &length);
  const uint32_t request = arguments.U32(2);
  if (!arguments.sound) return Throw(env, "submitSstRows: bad arguments");
  SubmitSstRows(env, file, rows, length, request);
  return nullptr;
}

// submitLogAppend(fd, bytes, sync, request)
napi_value CallSubmitLogAppend(napi_env env, napi_callback_info info) {
  Arguments<4> arguments(env, info);
  size_t length = 0;
  const uint32_t fd = arguments.U32(0);
  const uint8_t* const bytes = arguments.Array(1, napi_uint8_array, &length);
  const uint32_t sync = arguments.U32(2);
  const uint32_t request = arguments.U32(3);
  if (!arguments.sound) return Throw(env, "submitLogAppend: bad arguments");
  SubmitLogAppend(env, static_cast<int32_t>(fd), bytes, length, sync != 0, request);
  return nullptr;
}

struct Export {
  const char* name;
  napi_callback function;
};

constexpr Export kExports[] = {
    {"setup", Setup},
    {"end", End},
    {"setMemory", SetMemory},
    {"take", Take},
    {"get", Call<Get>},
    {"submitGet", CallSubmit<SubmitGet>},
    {"multiGet", Call<MultiGet>},
    {"submitMultiGet", CallSubmit<SubmitMultiGet>},
    {"iteratorOpen", Call<IteratorOpen>},
    {"iteratorNext", Call<IteratorNext>},
    {"submitIteratorNext", CallSubmit<SubmitIteratorNext>},
    {"iteratorClose", CallVoid<IteratorClose>},
    {"write", CallWrite},
    {"submitWrite", CallSubmitWrite},
    {"submitOpen", CallSubmit<SubmitOpen>},
    {"submitTask", CallSubmitTask},
    {"submitSstOpen", CallSubmit<SubmitSstOpen>},
    {"submitSstRows", CallSubmitSstRows},
    {"submitLogAppend", CallSubmitLogAppend},
    {"sharedCreate", Call<SharedCreate>},
    {"setFilterRules", Call<SetFilterRules>},
    {"setOptions", Call<SetOptions>},
    {"cancelCompactions", Call<CancelCompactions>},
    {"property", Call<Property>},
    {"figures", Call<Figures>},
    {"setRate", Call<SetRate>},
    {"cacheUsage", Call<CacheUsage>},
    {"tickers", Call<Tickers>},
};

}  // namespace

State& TheState() {
  static State& state = *new State();
  return state;
}

int32_t Fail(int32_t code, const std::string& text) {
  const Memory& memory = TheState().memory;
  const size_t length = std::min(text.size(), memory.output_size);
  memcpy(memory.output, text.data(), length);
  memory.control[0] = static_cast<uint32_t>(length);
  return code;
}

void Submit(napi_env env, Pool* pool, Job* job) {
  TheState().completions->OnSubmit(env);
  pool->Submit(job);
}

}  // namespace pegasus

NAPI_MODULE_INIT() {
  for (const pegasus::Export& item : pegasus::kExports) {
    napi_value function;
    if (napi_create_function(env, item.name, NAPI_AUTO_LENGTH, item.function, nullptr, &function) != napi_ok) return nullptr;
    if (napi_set_named_property(env, exports, item.name, function) != napi_ok) return nullptr;
  }
  return exports;
}
