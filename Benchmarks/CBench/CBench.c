// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

#define _GNU_SOURCE
#include "CBench.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

int64_t cbench_now_ns(void) {
  struct timespec now = {0, 0};
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t cbench_thread_ns(void) {
  struct timespec used = {0, 0};
  (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
}

/// The microvolts of a package line, or INT64_MIN when there are none.
static int64_t voltage_of(const char *line, size_t length) {
  const char *found = memmem(line, length, ";ab", 3);
  if (found == NULL || found + 10 > line + length) {
    return INT64_MIN;
  }
  int64_t value = 0;
  for (const char *at = found + 3; at < found + 10; at += 1) {
    int digit = *at <= '9' ? *at - '0' : (*at | 0x20) - 'a' + 10;
    if (digit < 0 || digit > 15) {
      return INT64_MIN;
    }
    value = value << 4 | digit;
  }
  return value - 0x8000000;
}

static int open_line(const char *path) {
  int descriptor = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  struct termios line;
  if (descriptor < 0 || tcgetattr(descriptor, &line) != 0) {
    return -errno;
  }
  cfmakeraw(&line);
  return tcsetattr(descriptor, TCSANOW, &line) == 0 ? descriptor : -errno;
}

int cbench_guard_line(const char *path, int64_t limit_uv) {
  int descriptor = open_line(path);
  if (descriptor < 0) {
    return descriptor;
  }
  char buffer[65536];
  size_t held = 0;
  for (;;) {
    struct pollfd waited = {.fd = descriptor, .events = POLLIN};
    if (poll(&waited, 1, -1) < 0 && errno != EINTR) {
      return -errno;
    }
    ssize_t count = read(descriptor, buffer + held, sizeof buffer - held);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
      continue;
    }
    if (count <= 0) {
      (void)close(descriptor);
      return 0;
    }
    held += (size_t)count;
    size_t start = 0;
    for (char *end; (end = memchr(buffer + start, '\n', held - start)) != NULL;) {
      if (voltage_of(buffer + start, (size_t)(end - buffer) - start) > limit_uv) {
        (void)!write(descriptor, "Z\n", 2);
      }
      start = (size_t)(end - buffer) + 1;
    }
    held -= start;
    memmove(buffer, buffer + start, held);
    if (held == sizeof buffer) {
      held = 0;
    }
  }
}
