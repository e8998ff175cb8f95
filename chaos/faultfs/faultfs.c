/*
 * A library preloaded into a server (LD_PRELOAD) that makes its disk slow, full or broken and its
 * wall clock wrong, as a control file says that both sides map or write:
 *
 *   offset 0   uint32  microseconds that each sync takes longer
 *   offset 4   uint32  errno of each sync, 0 = they work
 *   offset 8   uint32  errno of each write, 0 = they work
 *   offset 12  uint32  how many calls were slowed or failed so far
 *   offset 16  int64   microseconds added to the wall clock
 *
 * Only files under PEGASUS_FAULTFS_FOLDER are touched. A failed sync is not done; a failed write
 * writes nothing. Without a control file, and while it is all zeros, calls go straight through.
 * What goes around the C library (io_uring, memory maps) is out of reach.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct control {
  _Atomic uint32_t slow_us;
  _Atomic uint32_t sync_errno;
  _Atomic uint32_t write_errno;
  _Atomic uint32_t hits;
  _Atomic int64_t wall_offset_us;
};

static struct control idle;
static struct control *control = &idle;
static char folder[PATH_MAX];

#define REAL(name) ((__typeof__(&name))real(&real_##name, #name))
#define DECLARE_REAL(name) static void *_Atomic real_##name

static void *real(void *_Atomic *slot, const char *name) {
  void *found = atomic_load(slot);
  if (found == NULL) {
    found = dlsym(RTLD_NEXT, name);
    atomic_store(slot, found);
  }
  return found;
}

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("PEGASUS_FAULTFS_CONTROL");
  const char *under = getenv("PEGASUS_FAULTFS_FOLDER");
  if (path == NULL || under == NULL || strlen(under) >= sizeof folder) return;
  strcpy(folder, under);
  int file = open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) return;
  void *mapped = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (mapped != MAP_FAILED) control = mapped;
  close(file);
}

static int is_ours(int file) {
  char link[64];
  char path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path);
  size_t wanted = strlen(folder);
  return wanted > 0 && length > (ssize_t)wanted && memcmp(path, folder, wanted) == 0;
}

static void hit(void) { atomic_fetch_add(&control->hits, 1); }

/* Nonzero: the call fails, and errno says how. */
static int sync_fails(int file) {
  uint32_t slow_us = control->slow_us;
  uint32_t code = control->sync_errno;
  if ((slow_us == 0 && code == 0) || !is_ours(file)) return 0;
  hit();
  if (slow_us > 0) {
    struct timespec left = {slow_us / 1000000, (long)(slow_us % 1000000) * 1000};
    nanosleep(&left, NULL);
  }
  if (code == 0) return 0;
  errno = (int)code;
  return 1;
}

static int write_fails(int file) {
  uint32_t code = control->write_errno;
  if (code == 0 || !is_ours(file)) return 0;
  hit();
  errno = (int)code;
  return 1;
}

DECLARE_REAL(fsync);
int fsync(int file) { return sync_fails(file) ? -1 : REAL(fsync)(file); }

DECLARE_REAL(fdatasync);
int fdatasync(int file) { return sync_fails(file) ? -1 : REAL(fdatasync)(file); }

DECLARE_REAL(write);
ssize_t write(int file, const void *bytes, size_t count) {
  return write_fails(file) ? -1 : REAL(write)(file, bytes, count);
}

DECLARE_REAL(writev);
ssize_t writev(int file, const struct iovec *parts, int count) {
  return write_fails(file) ? -1 : REAL(writev)(file, parts, count);
}

DECLARE_REAL(pwrite);
ssize_t pwrite(int file, const void *bytes, size_t count, off_t offset) {
  return write_fails(file) ? -1 : REAL(pwrite)(file, bytes, count, offset);
}

DECLARE_REAL(pwrite64);
ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t offset) {
  return write_fails(file) ? -1 : REAL(pwrite64)(file, bytes, count, offset);
}

DECLARE_REAL(pwritev);
ssize_t pwritev(int file, const struct iovec *parts, int count, off_t offset) {
  return write_fails(file) ? -1 : REAL(pwritev)(file, parts, count, offset);
}

DECLARE_REAL(pwritev64);
ssize_t pwritev64(int file, const struct iovec *parts, int count, off64_t offset) {
  return write_fails(file) ? -1 : REAL(pwritev64)(file, parts, count, offset);
}

DECLARE_REAL(clock_gettime);
int clock_gettime(clockid_t clock, struct timespec *now) {
  int result = REAL(clock_gettime)(clock, now);
  int64_t offset_us = control->wall_offset_us;
  if (result != 0 || clock != CLOCK_REALTIME || offset_us == 0) return result;
  int64_t us = (int64_t)now->tv_sec * 1000000 + now->tv_nsec / 1000 + offset_us;
  now->tv_sec = (time_t)(us / 1000000);
  now->tv_nsec = (long)(us % 1000000) * 1000;
  return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  (void)zone;
  struct timespec exact;
  if (clock_gettime(CLOCK_REALTIME, &exact) != 0) return -1;
  now->tv_sec = exact.tv_sec;
  now->tv_usec = exact.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *result) {
  struct timespec exact;
  clock_gettime(CLOCK_REALTIME, &exact);
  if (result != NULL) *result = exact.tv_sec;
  return exact.tv_sec;
}
