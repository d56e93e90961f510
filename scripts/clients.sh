#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: NaCycler contributors
#
# Lets clients that were written for real instruments drive the emulated ones (Tests/Clients), all or those that are named.
# They are installed from PyPI into a folder that is removed afterwards, or into CLIENTS where that is set and kept.
set -euo pipefail
cd "$(dirname "$0")/.."
nasim=${NACYCLER_BIN_DIR:-$PWD/.build/release}/nasim
clients=${CLIENTS:-}
if [[ -z $clients ]]; then
  clients=$(mktemp -d /tmp/nacycler-clients.XXXXXX)
  trap 'rm -rf "$clients"' EXIT
fi
if [[ ! -x $clients/bin/python ]]; then
  python3 -m venv "$clients" || { echo "clients: python3-venv is missing (apt-get install python3-venv)" >&2; exit 1; }
fi
"$clients/bin/pip" install --quiet --requirement Tests/Clients/requirements.txt
names=("$@")
if ((${#names[@]} == 0)); then names=(keithley batlab_unit rodeostat); fi
status=0
for name in "${names[@]}"; do
  echo "$name"
  PYTHONDONTWRITEBYTECODE=1 PYTHONWARNINGS=ignore::FutureWarning "$clients/bin/python" "Tests/Clients/$name.py" "$nasim" "$PWD/VirtualCells" || status=1
done
exit "$status"
