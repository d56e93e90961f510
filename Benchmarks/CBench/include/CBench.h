// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The yardstick of the reaction benchmark: what the same machine does with the same line when nothing but C stands
// between a reading and the stop. And the clock that all processes of a benchmark share.

#ifndef NACYCLER_CBENCH_H
#define NACYCLER_CBENCH_H

#include <stdint.h>

/// CLOCK_MONOTONIC in nanoseconds; the same in every process of the machine.
int64_t cbench_now_ns(void);

/// CLOCK_THREAD_CPUTIME_ID in nanoseconds: what the calling thread itself used, whatever else the machine does.
int64_t cbench_thread_ns(void);

/// Opens the line at `path` and reads packages until it hangs up; writes "Z\n" for each reading whose voltage (the
/// variable `ab`, in microvolts) is above `limit_uv`. Returns 0, or a negative errno value when the line cannot be used.
int cbench_guard_line(const char *path, int64_t limit_uv);

#endif
