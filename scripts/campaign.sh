#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: NaCycler contributors
#
# The long versions of tests that `make test` runs shortly: a hundred cycles of every virtual cell against its truth, as
# fast as possible and at a thousand times real time, and a hundred kills in three hundred cycles. Prints what was
# measured; ends with the tests' own summaries.
set -euo pipefail
cd "$(dirname "$0")/.."
swift=${SWIFT:-swift}
"$swift" build --build-tests
NACYCLER_TEST_CYCLES=100 NACYCLER_TEST_SPEED=max "$swift" test --skip-build --filter everyPreset
NACYCLER_TEST_KILLS=100 NACYCLER_TEST_KILL_CYCLES=300 "$swift" test --skip-build --filter KillTests
NACYCLER_TEST_CYCLES=100 NACYCLER_TEST_SPEED=1000 "$swift" test --skip-build --filter everyPreset
