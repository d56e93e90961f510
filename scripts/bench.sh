#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: NaCycler contributors
#
# Runs the benchmarks (docs/benchmarks.md), all of them or those that print the given names, and prints one JSON object
# a line. Builds no Swift: `make bench` does. The programs are those of NACYCLER_BIN_DIR. A benchmark that fails says
# why on standard error, the others go on, and the script ends with 1.
set -euo pipefail
cd "$(dirname "$0")/.."
export NACYCLER_BIN_DIR=${NACYCLER_BIN_DIR:-$PWD/.build/release}
nabench=${NABENCH:-$NACYCLER_BIN_DIR/nabench}
# What counts a thread's allocations; preloaded only where they are counted.
work=$(mktemp -d /tmp/nacycler-bench.XXXXXX)
trap 'rm -rf "$work"' EXIT
cc -O2 -shared -fPIC -o "$work/malloc_counter.so" Benchmarks/malloc_counter.c
export NABENCH_COUNTER=$work/malloc_counter.so
export TMPDIR=$work

names=("$@")
if ((${#names[@]} == 0)); then
  names=(engine_ns_per_reading metrics_ns_per_reading driver_ns_per_reading transcript_ns_per_line
    allocations_per_1e6_readings
    analysis_ns_per_record analysis_metrics_ns_per_record allocations_per_1e6_analysed_records
    allocations_per_1e6_analysed_rows analysis_seconds_1e7_rows store_rows_per_s recompute
    end_to_end_readings_per_s reaction_us cpu_percent_64_channels_10hz
    cpu_percent_64_mixed_channels)
fi
status=0
for name in "${names[@]}"; do
  preload=
  if [[ $name == alloc* ]]; then preload=$NABENCH_COUNTER; fi
  LD_PRELOAD=$preload "$nabench" "$name" || status=1
done
exit "$status"
