#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: NaCycler contributors
#
# The long versions of tests that `make test` runs shortly: a hundred cycles of every virtual cell against its truth, as
# fast as possible and at a thousand times real time, and a hundred kills in three hundred cycles. The cells at a
# thousand times real time mostly wait, so they cycle beside each other and beside the rest; the slowest, at 134.3 µA,
# takes an hour and a quarter. Prints what was measured; ends with 1 when anything failed.
set -euo pipefail
cd "$(dirname "$0")/.."
swift=${SWIFT:-swift}
"$swift" build --build-tests
tests=$("$swift" build --show-bin-path)/nacyclerPackageTests.xctest
logs=$(mktemp -d "${TMPDIR:-/tmp}/nacycler-campaign.XXXXXX")
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$logs"' EXIT

presets=(hard-carbon hard-carbon-134.3-uA nvpf anode-free-nvpf anode-free-nncfm plating-stripping
  anode-free-cylindrical)
campaign() { # NAME FILTER [VARIABLE=VALUE...]
  local name=$1 filter=$2
  shift 2
  if env "$@" "$tests" --testing-library swift-testing --filter "$filter" >"$logs/$name" 2>&1; then
    echo "$name: passed"
  else
    echo "$name: FAILED"
    touch "$logs/failed"
  fi
  grep -E '✘|half-cycles|^seed|Test run with' "$logs/$name" || true
}

for preset in "${presets[@]}"; do
  campaign "speed-1000-$preset" everyPresetAgrees NACYCLER_TEST_PRESETS="$preset" NACYCLER_TEST_CYCLES=100 \
    NACYCLER_TEST_SPEED=1000 &
done
campaign kills KillTests NACYCLER_TEST_KILLS=100 NACYCLER_TEST_KILL_CYCLES=300
campaign speed-max everyPresetAgrees NACYCLER_TEST_CYCLES=100 NACYCLER_TEST_SPEED=max
wait
[[ ! -e $logs/failed ]]
