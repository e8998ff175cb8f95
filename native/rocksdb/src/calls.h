// The calls of the addon by idea, each in a file of its own. Arguments stand in the control words (c0, c1 …) and the input
// memory unless a declaration says otherwise; `request` comes back with the completion.
#pragma once

#include <node_api.h>

#include <cstddef>
#include <cstdint>

namespace pegasus {

class Job;
class Pool;

// Hands a job over; the process stays alive until its completion was taken.
void Submit(napi_env env, Pool* pool, Job* job);

// reads.cc --- c0 database, c1 key length, c2 request; input: key. Returns the length of the value, in the output.
int32_t Get();
void SubmitGet(napi_env env);
// c0 database, c1 key count, c2 request, c3 input bytes; input: u32 lengths, then the keys. Returns 0; rows in offsets.
int32_t MultiGet();
void SubmitMultiGet(napi_env env);

// iterators.cc --- c0 database, c1 flags, c2 lower length, c3 upper length; input: the bounds. Returns the handle.
int32_t IteratorOpen();
// c0 iterator, c1 rows at most, c2 bytes at most, c3 request. Returns the row count; c1 = 1 when no row follows.
int32_t IteratorNext();
void SubmitIteratorNext(napi_env env);
// c0 iterator.
void IteratorClose();

// writes.cc --- returns 0 or a code; the batch must stay as it is until the completion.
int32_t Write(uint32_t database, const uint8_t* batch, size_t length);
void SubmitWrite(napi_env env, uint32_t database, const uint8_t* batch, size_t length, uint32_t request);

// jobs.cc --- c0 resources, c1 request, c2 path length, c3 open files at most, c4 c5 memtable bytes (low, high),
// c6 background jobs, c7 levels of a new database or 0. The completion's flags are the handle.
void SubmitOpen(napi_env env);
// c0 kind, c1 handle, c2 request, c3 text length; input: texts, each ended by a zero byte.
// Returns 0 or kInvalid if there is no such handle.
int32_t SubmitTask(napi_env env);
// c0 request, c1 path length; input: path. The completion's flags are the handle.
void SubmitSstOpen(napi_env env);
// Rows: u32 LE key length, u32 LE value length, key, value. They must stay as they are until the completion.
void SubmitSstRows(napi_env env, uint32_t file, const uint8_t* rows, size_t length, uint32_t request);

// settings.cc --- c0 c1 cache bytes, c2 c3 write-buffer bytes, c4 c5 bytes per second (low, high). Returns the handle.
int32_t SharedCreate();
// c0 database, c1 enabled, c2 default TTL, c3 partition version, c4 partition index, c5 length of the compact rules.
int32_t SetFilterRules();
// c0 database, c1 = 1 for options of the whole database, c2 text length; input: name, zero, value, zero …
int32_t SetOptions();
// c0 database, which is closed next.
int32_t CancelCompactions();
// c0 database, c1 name length. Returns the length of the text in the output.
int32_t Property();
// c0 database. c0 c1 live bytes, c2 c3 memtable bytes, c4 c5 keys, c6 files, c7 c8 latest sequence number.
int32_t Figures();
// c0 resources, c1 c2 bytes per second (low, high), 0 = no limit.
int32_t SetRate();
// c0 resources. c0 c1 bytes in the cache, c2 c3 pinned, c4 c5 in memtables.
int32_t CacheUsage();
// c0 resources. Returns how many counters there are; `name NUL value NUL …` in the output.
int32_t Tickers();

// log_append.cc
void SubmitLogAppend(napi_env env, int32_t fd, const uint8_t* bytes, size_t length, bool sync, uint32_t request);

}  // namespace pegasus
