#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: NaCycler contributors
#
# Adds a family as docs/adding-an-instrument.md says, and uses it: copies the repository to .build-template, there the template to
# Example by the page's own commands, puts the page's lines into the files that it names and nothing else, builds the three programs,
# tells the daemon of an emulated Example, cycles its cell once, and compares what was counted with what really flowed.
# `scripts/try-template.sh --text` stops before it builds.
set -euo pipefail
cd "$(dirname "$0")/.."
swift=${SWIFT:-swift}
tree=$PWD/.build-template
dir=
daemon=
bench=

finish() {
  status=$?
  trap '' INT TERM HUP
  trap - EXIT
  # The daemon first: it opens the circuit.
  for pid in $daemon $bench; do
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

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

# What was built there before is kept: a second time takes minutes less.
say "1. A copy of the repository in ${tree##*/}"
mkdir -p "$tree"
find "$tree" -mindepth 1 -maxdepth 1 ! -name .build ! -name Package.resolved -exec rm -rf {} +
tar --exclude='./.build*' --exclude=./.git -cf - . | tar -C "$tree" -xf -
page=$tree/docs/adding-an-instrument.md

say "2. Drivers/Example, by the page's own commands"
sed -n '/^    cp -r Drivers\/Template /,/^$/s/^    //p' "$page" >"$tree/.commands"
cat "$tree/.commands"
(cd "$tree" && bash -euo pipefail .commands)

say "3. The page's lines"
sed -n '/^```diff$/,/^```$/p' "$page" | grep -v '^```' >"$tree/.lines"
cat "$tree/.lines"
# add_lines FILE: puts the lines behind their places.
add_lines() {
  awk -v path="$1" '
    NR == FNR {
      if (/^\+\+\+ /) here = (substr($0, 5) == path)
      else if (here && /^\+/) added[place] = added[place] substr($0, 2) "\n"
      else if (here) place = substr($0, 2)
      next
    }
    { print }
    $0 in added { printf "%s", added[$0]; delete added[$0] }
    END { for (place in added) { print path ": no line `" place "`" >"/dev/stderr"; failed = 1 } exit failed }
  ' "$tree/.lines" "$tree/$1" >"$tree/.file"
  cat "$tree/.file" >"$tree/$1"
}
while read -r file; do add_lines "$file"; done < <(sed -n 's/^+++ //p' "$tree/.lines")
rm "$tree/.commands" "$tree/.lines" "$tree/.file"
diff -rq --exclude='.build*' --exclude=.git . "$tree" || true
if [[ ${1:-} == --text ]]; then exit 0; fi

say "4. The three programs"
for program in nacyclerd nactl nasim; do "$swift" build --package-path "$tree" -c release --product "$program"; done
bin=$("$swift" build --package-path "$tree" -c release --show-bin-path)

# A socket's path has at most 107 bytes.
dir=$(mktemp -d "${TMPDIR:-/tmp}/nacycler-template.XXXXXX")
export NACYCLER_SOCKET=$dir/nacyclerd.sock

# wait_for WHAT SECONDS COMMAND: asks ten times a second.
wait_for() {
  local what=$1 tries=$(($2 * 10))
  shift 2
  for _ in $(seq "$tries"); do
    if "$@" >/dev/null 2>&1; then return 0; fi
    sleep 0.1
  done
  echo "try-template: waited in vain for $what" >&2
  cat "$dir"/*.log >&2
  return 1
}

say "5. An example-1 with a small cell, and the daemon"
cat >"$dir/cell.json" <<'JSON'
{"like": "hard-carbon", "nominal_capacity_mAh": 0.0024, "active_mass_mg": 0.008, "resistance_ohm": 200,
  "positive_electrode": {"capacity_mAh": 0.0024, "potential_V": [[-0.02, 4.6], [0, 2.6], [0.05, 2.3],
    [0.3, 1.7], [0.6, 1.0], [0.9, 0.35], [1.0, 0.1], [1.1, -0.05], [2.0, -0.06]]},
  "diffusion_ohm": [300, 400], "diffusion_time_s": [0.5, 4]}
JSON
cat >"$dir/protocol.json" <<'JSON'
{"nacycler_protocol": 1, "title": "One cycle on the template",
  "cell": {"role": "anode-half-cell", "expect_open_circuit": {"from": "0 V", "to": "3.3 V"}},
  "limits": {"voltage": {"min": "-50 mV", "max": "2.3 V", "for": "2 s"},
    "charge_current": {"max": "1 mA", "for": "1 s"}, "discharge_current": {"max": "1 mA", "for": "1 s"},
    "half_cycle_charge": {"max": "0.1 Ah"}, "empty_half_cycle": {"below": "0.001 uAh", "in_a_row": 3}},
  "record": {"every": "2 s"}, "on_interruption": {"resume_within": "30 min", "otherwise": "hold"},
  "steps": [{"cycles": 1, "purpose": "life", "label": "life", "steps": [
    {"discharge": "360 uA", "until": ["voltage <= 10 mV", "step_time >= 5 min"]}, {"rest": "3 s"},
    {"charge": "360 uA", "to": "2.0 V", "hold_until": ["current <= 90 uA", "hold_time >= 30 s"],
      "until": ["step_time >= 5 min"]}, {"rest": "3 s"}]}]}
JSON
"$bin/nasim" run --instrument example-1 --cell "$dir/cell.json" --links "$dir/lab" >"$dir/nasim.log" 2>&1 &
bench=$!
wait_for "the instrument" 20 grep -q '^ready' "$dir/nasim.log"
"$bin/nacyclerd" --state-directory "$dir/state" --socket "$NACYCLER_SOCKET" --no-discovery \
  --port "example:$dir/lab/example-1-*[0-9]" 2>"$dir/nacyclerd.log" &
daemon=$!
idle() { "$bin/nactl" channels | grep -q idle; }
wait_for "the channel" 20 idle
"$bin/nactl" instruments --abilities

say "6. One cycle"
"$bin/nactl" start "$dir/protocol.json" --accept-no-hardware-limits
over() { "$bin/nactl" runs | grep -Eq 'completed|held|ended|stopped'; }
wait_for "the end of the run" 240 over
runs=$("$bin/nactl" runs)
echo "$runs"
[[ $runs == *completed* ]]
"$bin/nactl" cycles last

say "7. What was counted, and what really flowed"
# numbers FILE KEY: the values of a key, one a line.
numbers() { grep -o "\"$2\":[^,}]*" "$1" | cut -d: -f2; }
"$bin/nactl" cycles last --format json >"$dir/counted.json"
"$bin/nasim" truth --links "$dir/lab" 1 --format json >"$dir/truth.json"
paste <(numbers "$dir/counted.json" charge_Ah) <(numbers "$dir/truth.json" terminal_charge_c) | awk '
  { counted = $1 * 3600; printf "%.9f C counted, %.9f C really, %.0f ppm\n", counted, $2, (counted / $2 - 1) * 1e6 }
  NF != 2 || $2 <= 0 || counted / $2 > 1.005 || counted / $2 < 0.995 { failed = 1 }
  END { if (NR != 2 || failed) { print "try-template: they do not agree" >"/dev/stderr"; exit 1 } }'
