// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Counts what a thread allocates; preloaded by scripts/bench.sh. It only counts: the work is glibc's own. With
// NABENCH_ALLOCATIONS=FILE in the environment it writes one line a thread (name, count) to FILE at the process's end.

#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

struct slot {
  long count;
  char name[16];
};
static struct slot slots[512];
static int used;
static __thread struct slot *own;

static void count_one(void) {
  if (own == NULL) {
    int place = __sync_fetch_and_add(&used, 1);
    own = &slots[place < 511 ? place : 511];
  }
  own->count += 1;
  // A thread is named after its first allocations, and perhaps again.
  if ((own->count & (own->count < 256 ? 7 : 1023)) == 0) {
    prctl(PR_GET_NAME, own->name);
  }
}

long nabench_allocations(void) { return own == NULL ? 0 : own->count; }

void *malloc(size_t size) {
  count_one();
  return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
  count_one();
  return __libc_calloc(number, size);
}

void *realloc(void *old, size_t size) {
  count_one();
  return __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  count_one();
  return __libc_memalign(alignment, size);
}

int posix_memalign(void **result, size_t alignment, size_t size) {
  count_one();
  *result = __libc_memalign(alignment, size);
  return *result == NULL ? 12 : 0;
}

__attribute__((destructor)) static void tell(void) {
  const char *path = getenv("NABENCH_ALLOCATIONS");
  FILE *file = path == NULL ? NULL : fopen(path, "w");
  if (file == NULL) {
    return;
  }
  for (int place = 0; place < used && place < 512; place += 1) {
    fprintf(file, "%s\t%ld\n", slots[place].name[0] ? slots[place].name : "-", slots[place].count);
  }
  fclose(file);
}
