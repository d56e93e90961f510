#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: NaCycler contributors
#
# Opens our exports with the programs that they are for: a run on a virtual cell is exported, and what batterydf, PyProBE
# and cellpy find in it must be what `nactl cycles` says. The examples of docs/reading-the-data.md are run on the same
# laboratory. The programs come from PyPI, in pinned versions, into READERS (below the user's cache folder); without PyPI
# and without what was fetched before, this fails.
#
# cellpy 2 needs Python 3.13, which Debian 12 does not have: where none is found, its version 1.0.3 opens the export with
# the same instrument file, and that is said. CELLPY_PYTHON names another interpreter.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${NACYCLER_BIN_DIR:-$PWD/.build/release}
readers=${READERS:-${XDG_CACHE_HOME:-$HOME/.cache}/nacycler/readers}
dir=

finish() {
  status=$?
  trap '' INT TERM HUP
  trap - EXIT
  # The shell's own list, the daemon first.
  for pid in $(jobs -p | tac); do
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  if [[ -n $dir ]]; then rm -rf "$dir"; fi
  exit "$status"
}
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
fail() { echo "readers: $*" >&2; exit 1; }
is_between() { "$1" -c "import sys; sys.exit(not ($2 <= sys.version_info < $3))" 2>/dev/null; }

# find_python FROM TO CANDIDATE...: the first whose version is at least FROM and below TO.
find_python() {
  local from=$1 to=$2 candidate
  shift 2
  for candidate in "$@"; do
    if [[ -n $candidate ]] && is_between "$candidate" "$from" "$to"; then echo "$candidate"; return 0; fi
  done
  return 1
}

# environment NAME PYTHON REQUIREMENTS: makes it unless it is there with just these requirements.
environment() {
  local folder=$readers/$1 python=$2 requirements=$3
  if [[ -x $folder/bin/python ]] && cmp -s "$requirements" "$folder/requirements.txt"; then return; fi
  rm -rf "$folder"
  "$python" -m venv "$folder" || fail "no virtual environment can be made: apt-get install python3-venv"
  "$folder/bin/pip" install --quiet --disable-pip-version-check --retries 2 --timeout 30 -r "$requirements" ||
    fail "the packages of $requirements could not be fetched from PyPI: is it reached from here?"
  cp "$requirements" "$folder/requirements.txt"
}

python=$(find_python "(3, 11)" "(3, 13)" python3 python3.11 python3.12) || fail "Python 3.11 or 3.12 is needed"
environment open "$python" Tests/Readers/requirements.txt
if newer=$(find_python "(3, 13)" "(4, 0)" "${CELLPY_PYTHON:-}" python3.13 python3.14 \
  "$HOME"/.pyenv/versions/3.13*/bin/python3); then
  environment cellpy-2 "$newer" Tests/Readers/requirements-cellpy-2.txt
  cellpy=cellpy-2
else
  echo "readers: no Python 3.13 is here, which cellpy 2 needs: version 1.0.3 opens the export in its place" >&2
  environment cellpy-1 "$python" Tests/Readers/requirements-cellpy-1.txt
  cellpy=cellpy-1
fi

# A socket's path has at most 107 bytes.
dir=$(mktemp -d "${TMPDIR:-/tmp}/nacycler-readers.XXXXXX")
export NACYCLER_SOCKET=$dir/s.sock
nactl() { "$bin/nactl" "$@"; }
wait_for() {
  local what=$1
  shift
  for _ in $(seq 300); do
    if "$@" >/dev/null 2>&1; then return 0; fi
    sleep 0.1
  done
  cat "$dir"/*.log >&2
  fail "waited in vain for $what"
}

"$bin/nasim" run --instrument emstat4-hr --cell hard-carbon --speed max --seed 1 --links "$dir/lab" \
  --presets VirtualCells \
  >"$dir/nasim.log" 2>&1 &
wait_for "the instrument" grep -q '^ready' "$dir/nasim.log"
"$bin/nacyclerd" --state-directory "$dir/state" --socket "$NACYCLER_SOCKET" --no-discovery \
  --port "$dir/lab/emstat4-hr-*" --lease 300 2>"$dir/nacyclerd.log" &
idle() { nactl channels | grep -q idle; }
wait_for "the channel" idle
nactl cell add HC-1 --role anode-half-cell --mass "1.2 mg" --batch readers >/dev/null
nactl cell mount ch1 HC-1 >/dev/null
nactl start Tests/Readers/protocol.json --follow >"$dir/run.log" 2>&1 || { cat "$dir/run.log" >&2; fail "the run failed"; }
nactl cycles last --format json >"$dir/cycles.json"
mkdir "$dir/exports"
for format in bdf csv json cycles-csv; do
  nactl export 'HC-*' --format "$format" --into "$dir/exports" >/dev/null 2>"$dir/export.log" ||
    { cat "$dir/export.log" >&2; fail "the export as $format failed"; }
done
file=$(echo "$dir"/exports/HC-1__*.bdf.csv)

export PYTHONDONTWRITEBYTECODE=1 PYTHONWARNINGS=ignore
"$readers/open/bin/python" Tests/Readers/check_open.py "$dir" "$dir/cycles.json" "$file"
"$readers/$cellpy/bin/python" Tests/Readers/check_cellpy.py "$dir" "$dir/cycles.json" "$file"
# The daemon is still there: what the page says of a live database is tried on one.
"$readers/open/bin/python" Tests/Readers/check_examples.py "$dir" "$dir/cycles.json" "$bin"
