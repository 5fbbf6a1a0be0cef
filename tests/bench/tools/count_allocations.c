// count_allocations.so: preloaded into a proxy, counts its heap allocations (operator new included,
// since it calls malloc) in a file of one 64-bit number that guard.sh reads while the proxy runs.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

extern void* __libc_malloc(size_t);
extern void* __libc_calloc(size_t, size_t);
extern void* __libc_realloc(void*, size_t);
extern void* __libc_memalign(size_t, size_t);

static _Atomic uint64_t before_the_file;
static _Atomic uint64_t* count = &before_the_file;

__attribute__((constructor)) static void open_file(void) {
  const char* path = getenv("COUNT_ALLOCATIONS");
  int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (fd < 0) {
    return;
  }
  void* shared = mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (shared != MAP_FAILED) {
    count = shared;
  }
}

void* malloc(size_t size) {
  atomic_fetch_add(count, 1);
  return __libc_malloc(size);
}

void* calloc(size_t number, size_t size) {
  atomic_fetch_add(count, 1);
  return __libc_calloc(number, size);
}

void* realloc(void* old, size_t size) {
  atomic_fetch_add(count, 1);
  return __libc_realloc(old, size);
}

void* memalign(size_t alignment, size_t size) {
  atomic_fetch_add(count, 1);
  return __libc_memalign(alignment, size);
}

void* aligned_alloc(size_t alignment, size_t size) {
  return memalign(alignment, size);
}

int posix_memalign(void** out, size_t alignment, size_t size) {
  *out = memalign(alignment, size);
  return *out ? 0 : ENOMEM;
}
