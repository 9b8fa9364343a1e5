// Loaded into a member before libc, so that its clock can jump and its disk be slow while it runs, and nobody else's. What to do is read,
// at every call, from a small file that the tests have mapped too: see FaultShim.cs.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct faults {
  int64_t clock_offset_ns;
  int64_t sync_delay_us;
};

static const volatile struct faults *faults;

static int (*real_clock_gettime)(clockid_t, struct timespec *);
static int (*real_fdatasync)(int);
static int (*real_fsync)(int);
static void *(*real_dlsym)(void *, const char *);

static void find_real_functions(void) {
  if (real_fsync) return;
  static const char *const versions[] = {"GLIBC_2.2.5", "GLIBC_2.17", "GLIBC_2.34"};
  for (unsigned i = 0; i < sizeof versions / sizeof *versions && !real_dlsym; i++)
    real_dlsym = dlvsym(RTLD_NEXT, "dlsym", versions[i]);
  if (!real_dlsym) abort();
  real_clock_gettime = real_dlsym(RTLD_NEXT, "clock_gettime");
  real_fdatasync = real_dlsym(RTLD_NEXT, "fdatasync");
  real_fsync = real_dlsym(RTLD_NEXT, "fsync");
}

__attribute__((constructor)) static void attach(void) {
  find_real_functions();
  const char *path = getenv("FAULT_SHIM");
  int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) return;
  void *mapped = mmap(NULL, sizeof *faults, PROT_READ, MAP_SHARED, file, 0);
  close(file);
  if (mapped != MAP_FAILED) faults = mapped;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  find_real_functions();
  int result = real_clock_gettime(clock, now);
  if (result == 0 && faults && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    int64_t nanoseconds = now->tv_nsec + faults->clock_offset_ns % 1000000000;
    now->tv_sec += faults->clock_offset_ns / 1000000000;
    if (nanoseconds >= 1000000000) now->tv_sec++, nanoseconds -= 1000000000;
    if (nanoseconds < 0) now->tv_sec--, nanoseconds += 1000000000;
    now->tv_nsec = nanoseconds;
  }
  return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  (void)zone;
  struct timespec precise;
  int result = clock_gettime(CLOCK_REALTIME, &precise);
  if (result == 0) *now = (struct timeval){precise.tv_sec, precise.tv_nsec / 1000};
  return result;
}

time_t time(time_t *now) {
  struct timespec precise;
  clock_gettime(CLOCK_REALTIME, &precise);
  if (now) *now = precise.tv_sec;
  return precise.tv_sec;
}

static void delay(void) {
  if (faults && faults->sync_delay_us > 0) usleep(faults->sync_delay_us);
}

int fdatasync(int file) {
  find_real_functions();
  delay();
  return real_fdatasync(file);
}

int fsync(int file) {
  find_real_functions();
  delay();
  return real_fsync(file);
}

// .NET finds the functions of libc by name in libc itself, past whatever was loaded before it.
void *dlsym(void *restrict library, const char *restrict name) {
  find_real_functions();
  if (library != RTLD_NEXT && strcmp(name, "fdatasync") == 0) return fdatasync;
  if (library != RTLD_NEXT && strcmp(name, "fsync") == 0) return fsync;
  if (library != RTLD_NEXT && strcmp(name, "clock_gettime") == 0) return clock_gettime;
  return real_dlsym(library, name);
}
