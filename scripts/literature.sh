#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: NaCycler contributors
#
# Cycles every published cell of the literature table with all its cycles, through nasim, a pseudo-terminal, the driver,
# the daemon and the store, and writes what was published and what was measured into docs/literature.md. A row mostly
# waits for its commits, so several share a core. Prints the table; ends with 1 when a row misses its bound.
set -euo pipefail
cd "$(dirname "$0")/.."
swift=${SWIFT:-swift}
"$swift" build --build-tests
tests=$("$swift" build --show-bin-path)/nacyclerPackageTests.xctest
logs=$(mktemp -d "${TMPDIR:-/tmp}/nacycler-literature.XXXXXX")
trap 'rm -rf "$logs"' EXIT
export tests logs

row() { # NAME
  if NACYCLER_LITERATURE=$1 "$tests" --testing-library swift-testing --filter 'Literature.*Tests' >"$logs/$1" 2>&1; then
    grep -E "^$1 |^$1:" "$logs/$1"
  else
    echo "$1: FAILED"
    grep -E '✘' "$logs/$1" || true
    touch "$logs/failed"
  fi
}
export -f row

# The longest first, so that no core waits for a last one: a cycle takes as much longer as its current is smaller.
for file in Protocols/literature/t1-*.json; do
  name=$(basename "$file" .json)
  sed -n 's/.*"title": ".*: \([0-9]*\) cycles of .* at \([0-9.]*\) A\/g",/\1 \2/p' "$file" | awk -v name="$name" '{print $1 / $2, name}'
done | sort -rn | cut -d' ' -f2 >"$logs/order"
basename -s .json Protocols/literature/s-*.json >>"$logs/order"
xargs -P "$(($(nproc) * 4))" -I{} bash -c 'row {}' <"$logs/order"

# fill NAME HEAD: the lines of standard input become the page's table of that name.
fill() {
  {
    sed "/^<!-- $1: made by/q" "$page"
    printf '\n%s\n' "$2"
    cat
    echo
    sed -n "/^<!-- end of the $1 -->/,\$p" "$page"
  } >"$logs/page"
  cat "$logs/page" >"$page"
}
page=docs/literature.md
sed -n 's/^literature //p' "$logs"/t1-* | sort | tee "$logs/table" |
  fill table $'| row | cell | run | published | measured | difference |\n|---|---|---|---|---|---|'
sed -n 's/^literature-result //p' "$logs"/s-* | sort -s -t'|' -k2,2 | tee "$logs/results" |
  fill results $'| row | cell | what | published | measured | note |\n|---|---|---|---|---|---|'
cat "$logs/table" "$logs/results"
[[ ! -e $logs/failed ]]
