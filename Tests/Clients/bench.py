# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: NaCycler contributors
"""A bench of emulated instruments for a client that was written for the real ones."""

import json
import os
import signal
import subprocess
import tempfile
import time


class Bench:
    """`nasim run` in a folder of its own, at real time; use it in a `with` statement."""

    def __init__(self, nasim, instrument, cell, presets, *options):
        self._nasim = nasim
        self._folder = tempfile.TemporaryDirectory(prefix="nacycler-client-")
        self.links = os.path.join(self._folder.name, "bench")
        if isinstance(cell, dict):
            path = os.path.join(self._folder.name, "cell.json")
            with open(path, "w", encoding="utf-8") as file:
                json.dump(cell, file)
            cell = path
        self._process = subprocess.Popen(
            [nasim, "run", "--instrument", instrument, "--cell", cell, "--speed", "1", "--links", self.links,
             "--presets", presets, *options], stdout=subprocess.PIPE, text=True)
        lines = []
        for line in self._process.stdout:
            if line.strip() == "ready":
                break
            lines.append(line.split()[0])
        else:
            raise RuntimeError("nasim ended before it was ready")
        self.ports = lines

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(30)
        self._folder.cleanup()

    def truth(self, number=1, channel=1):
        """What really passed through a cell, half-cycle by half-cycle."""
        said = subprocess.run(
            [self._nasim, "truth", str(number), "--channel", str(channel), "--links", self.links, "--format", "json"],
            check=True, capture_output=True, text=True)
        return json.loads(said.stdout)["half_cycles"]


def within(name, found, expected, tolerance):
    """Fails unless a number lies as near as that, absolutely."""
    if not abs(found - expected) <= tolerance:
        raise SystemExit(f"{name}: {found} where {expected} +- {tolerance} was expected")
    print(f"  {name}: {found:.9g} ({expected:.9g} +- {tolerance:.2g})")


def wait(seconds):
    """Lets the cell live; a client that measures by itself needs none of this."""
    time.sleep(seconds)
