#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: NaCycler contributors
#
# Compares `nactl convert` with aurora-unicycler and PyBaMM themselves (Tests/Peers/compare.py), which are installed from
# PyPI into a folder that is removed afterwards, or into PEERS where that is set and kept.
set -euo pipefail
cd "$(dirname "$0")/.."
nactl=${NACYCLER_BIN_DIR:-$PWD/.build/release}/nactl
peers=${PEERS:-}
if [[ -z $peers ]]; then
  peers=$(mktemp -d /tmp/nacycler-peers.XXXXXX)
  trap 'rm -rf "$peers"' EXIT
fi
if [[ ! -x $peers/bin/python ]]; then
  python3 -m venv "$peers" || { echo "peers: python3-venv is missing (apt-get install python3-venv)" >&2; exit 1; }
fi
"$peers/bin/pip" install --quiet 'aurora-unicycler>=0.4.6,<0.5' 'pybamm>=26'
PYBAMM_DISABLE_TELEMETRY=true "$peers/bin/python" Tests/Peers/compare.py "$nactl" "$@"
