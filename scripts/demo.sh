#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: NaCycler contributors
#
# A whole laboratory in a temporary directory, without root and without hardware: an emulated EmStat4 HR with a virtual
# hard-carbon cell, the daemon, one run, its live tail and its table. Whatever ends the script ends everything in it.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${NACYCLER_BIN_DIR:-.build/release}
dir=

finish() {
  status=$?
  # Whoever presses Ctrl-C twice shall not leave half of it behind.
  trap '' INT TERM HUP
  trap - EXIT
  # The shell's own list, so that nothing is missed that was started a moment ago. The daemon first: it opens every
  # circuit; then the instruments.
  for pid in $(jobs -p | tac); do
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  # A child that was ended while it began may still have made something in it.
  for _ in $(seq 50); do
    if [[ -z $dir ]] || { rm -rf "$dir" 2>/dev/null && [[ ! -e $dir ]]; }; then break; fi
    sleep 0.1
  done
  exit "$status"
}
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
# A socket's path has at most 107 bytes.
dir=$(mktemp -d "${TMPDIR:-/tmp}/nacycler-demo.XXXXXX")

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
nactl() { "$bin/nactl" "$@"; }
export NACYCLER_SOCKET=$dir/nacyclerd.sock

# wait_for WHAT COMMAND: asks ten times a second, for 20 s.
wait_for() {
  local what=$1
  shift
  for _ in $(seq 200); do
    if "$@" >/dev/null 2>&1; then return 0; fi
    sleep 0.1
  done
  echo "demo: waited in vain for $what" >&2
  cat "$dir"/*.log >&2
  return 1
}

say "1. An emulated EmStat4 HR with a virtual hard-carbon cell, on a pseudo-terminal (nasim)"
"$bin/nasim" run --instrument emstat4-hr --cell hard-carbon --speed max --links "$dir/lab" >"$dir/nasim.log" 2>&1 &
wait_for "the instrument" grep -q '^ready' "$dir/nasim.log"
head -n 1 "$dir/nasim.log"

say "2. The daemon, with a state directory of its own (nacyclerd)"
"$bin/nacyclerd" --state-directory "$dir/state" --socket "$NACYCLER_SOCKET" --no-discovery \
  --port "$dir/lab/emstat4-hr-*" 2>"$dir/nacyclerd.log" &
idle() { nactl channels | grep -q idle; }
wait_for "the channel" idle
nactl channels

say "3. A protocol, checked and started (nactl check, nactl start)"
nactl check Protocols/demo-hard-carbon.json
nactl start Protocols/demo-hard-carbon.json

say "4. Live: the newest records, then every finished cycle until the run is over (nactl tail)"
nactl tail last --records -n 6 --no-follow
nactl tail last --cycles --events

say "5. The table (nactl cycles)"
nactl cycles last
