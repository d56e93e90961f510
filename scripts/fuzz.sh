#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: NaCycler contributors
#
# Damages the shipped protocols for SECONDS (600) and hands them to the decoder and the compiler of a release build.
# What ended a fuzz, and its seed, are told; the file lies in fuzz-last.json. Ends with 1 when anything was found.
set -euo pipefail
cd "$(dirname "$0")/.."
nafuzz=${NACYCLER_BIN_DIR:-.build/release}/nafuzz
last=fuzz-last.json
status=0
seconds=${SECONDS_TO_FUZZ:-600}
# A file that the compiler never comes back from is ended from outside.
timeout $((seconds + 30)) "$nafuzz" --seconds "$seconds" --seed "${SEED:-$RANDOM$RANDOM}" --last "$last" \
  Protocols/*.json Protocols/literature/*.json || status=$?
if ((status != 0)); then
  echo "fuzz: ended with $status; the file is $last" >&2
  exit 1
fi
rm -f "$last"
