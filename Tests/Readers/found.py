# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: NaCycler contributors
"""What `nactl cycles` says of a run, and how another program's numbers are held against it."""

import json
import sys


def cycles(path):
    """The cycles of a run by number: capacities in Ah, efficiencies as fractions."""
    with open(path, encoding="utf-8") as file:
        return {cycle["cycle_number"]: cycle for cycle in json.load(file)["cycles"]}


class Comparison:
    """Counts what was compared and what differed by more than was allowed."""

    def __init__(self, program):
        self.program = program
        self.compared = 0
        self.largest = 0.0
        self.failures = []

    def equal(self, what, found, expected, within):
        """`within` is relative; 0 asks for the same number."""
        self.compared += 1
        difference = abs(found - expected) / max(abs(expected), 1e-300)
        self.largest = max(self.largest, difference)
        if not difference <= within:
            self.failures.append(f"{what}: {found!r} where nactl says {expected!r} ({difference:.1e})")

    def same(self, what, found, expected):
        """Anything that is no number."""
        self.compared += 1
        if found != expected:
            self.failures.append(f"{what}: {found!r} where nactl says {expected!r}")

    def end(self):
        """Says how it went; ends the program where something differed or nothing was compared."""
        for failure in self.failures:
            print(f"readers: {self.program}: {failure}", file=sys.stderr)
        if self.failures or not self.compared:
            sys.exit(f"readers: {self.program} does not agree with nactl ({self.compared} numbers compared)")
        print(f"{self.program}: {self.compared} numbers agree, the largest difference is {self.largest:.1e}")
