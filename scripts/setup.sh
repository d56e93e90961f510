#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: NaCycler contributors
#
# Installs what building and testing need from Debian's or Ubuntu's packages, and nothing when it is all there. Asks
# for root only when something must be installed. The Swift toolchain is not a package of theirs: it is only looked for.
set -euo pipefail

# libudev-dev, libsqlite3-dev, pkg-config: linked by the daemon. umockdev: plays a USB bus to the tests.
# util-linux: flock, by which the tests take a lock from outside. sqlite3: reads a live database in the tests.
packages=(libudev-dev libsqlite3-dev pkg-config umockdev util-linux sqlite3)

swift=${SWIFT:-swift}
if ! command -v "$swift" >/dev/null; then
  echo "setup: no Swift toolchain: install Swift 6.2 or newer from https://www.swift.org/install/linux/ and put it on PATH" >&2
  exit 1
fi
version=$("$swift" --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\)\.\([0-9]*\).*/\1 \2/p' | head -n 1)
read -r major minor <<<"${version:-0 0}"
if ((major < 6 || (major == 6 && minor < 2))); then
  echo "setup: Swift $major.$minor is too old: 6.2 or newer is needed, from https://www.swift.org/install/linux/" >&2
  exit 1
fi

if ! command -v dpkg-query >/dev/null; then
  if pkg-config --exists libudev sqlite3 2>/dev/null; then exit 0; fi
  echo "setup: this is no Debian: install the development files of libudev and SQLite, and pkg-config, by hand" >&2
  exit 1
fi

missing=()
for package in "${packages[@]}"; do
  state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  if [[ $state != installed ]]; then missing+=("$package"); fi
done
# pkg-config has been a name for pkgconf since Debian 12.
if command -v pkg-config >/dev/null; then
  kept=()
  for package in "${missing[@]+"${missing[@]}"}"; do
    if [[ $package != pkg-config ]]; then kept+=("$package"); fi
  done
  missing=("${kept[@]+"${kept[@]}"}")
fi
if ((${#missing[@]} == 0)); then exit 0; fi

as_root=()
if ((EUID != 0)); then
  if ! command -v sudo >/dev/null; then
    echo "setup: needs root once: run as root: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
echo "setup: installing ${missing[*]}" >&2
# An index that is older than the packages' newest versions makes downloads fail; refresh it first.
"${as_root[@]+"${as_root[@]}"}" apt-get update -q >&2
"${as_root[@]+"${as_root[@]}"}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -q -y --no-install-recommends "${missing[@]}" >&2
