#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: NaCycler contributors
#
# Puts built programs and their company in place. Called by `make install`, which says what goes where; writes below
# DESTDIR only, needs no root when DESTDIR is one's own, and neither starts nor enables anything.
set -euo pipefail
cd "$(dirname "$0")/.."

: "${BUILT:?run this by make install}" "${PROGRAMS:?}" "${PREFIX:?}" "${UNITDIR:?}" "${SHAREDIR:?}" "${DOCDIR:?}"
DESTDIR="${DESTDIR-}"

for program in $PROGRAMS; do
  install -D -m 0755 "$BUILT/$program" "$DESTDIR$PREFIX/bin/$program"
done

# The unit in the repository names the default place of the program.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sed "s#/usr/local/bin/#$PREFIX/bin/#" systemd/nacyclerd.service >"$work/nacyclerd.service"
install -D -m 0644 "$work/nacyclerd.service" "$DESTDIR$UNITDIR/nacyclerd.service"
install -D -m 0644 systemd/nacycler.sysusers.conf "$DESTDIR$SYSUSERSDIR/nacycler.conf"
install -D -m 0644 systemd/nacycler.tmpfiles.conf "$DESTDIR$TMPFILESDIR/nacycler.conf"
install -D -m 0644 systemd/70-nacycler.rules "$DESTDIR$UDEVRULESDIR/70-nacycler.rules"

for file in LICENSE NOTICE; do
  install -D -m 0644 "$file" "$DESTDIR$DOCDIR/$file"
done

# The folders are copied as they are: protocols by literature, their schema, presets.
copy() {
  (cd "$1" && find . -type f -name '*.json' -print0 | while IFS= read -r -d '' file; do
    install -D -m 0644 "$file" "$DESTDIR$SHAREDIR/$2/${file#./}"
  done)
}
copy Protocols protocols
copy VirtualCells virtual-cells
for file in Readers/*; do
  install -D -m 0644 "$file" "$DESTDIR$SHAREDIR/readers/${file#Readers/}"
done

for shell in bash zsh fish; do
  "$BUILT/nactl" --generate-completion-script "$shell" >"$work/nactl.$shell"
done
install -D -m 0644 "$work/nactl.bash" "$DESTDIR$BASHDIR/nactl"
install -D -m 0644 "$work/nactl.zsh" "$DESTDIR$ZSHDIR/_nactl"
install -D -m 0644 "$work/nactl.fish" "$DESTDIR$FISHDIR/nactl.fish"

if [[ -z $DESTDIR ]]; then
  cat <<'TEXT'
Installed. To begin:
  sudo systemd-sysusers && sudo systemd-tmpfiles --create
  sudo udevadm control --reload && sudo udevadm trigger --subsystem-match=tty
  sudo systemctl daemon-reload && sudo systemctl enable --now nacyclerd
  sudo usermod -aG nacycler "$USER"    # and log in again
TEXT
fi
