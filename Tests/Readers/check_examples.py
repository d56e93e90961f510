# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: NaCycler contributors
"""Runs every Python and shell example of docs/reading-the-data.md on a real database, live, and on real exports.

usage: check_examples.py FOLDER CYCLES.json PROGRAMS       (run by scripts/readers.sh)
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import loguru
import pyprobe  # noqa: F401, it sets up its log as it is imported
from found import Comparison, cycles

loguru.logger.remove()
folder, told = Path(sys.argv[1]), cycles(sys.argv[2])
page = (Path(__file__).resolve().parents[2] / "docs" / "reading-the-data.md").read_text(encoding="utf-8")
blocks = re.findall(r"```(python|sh|sql)\n(.*?)\n```", page, re.DOTALL)
comparison = Comparison("docs/reading-the-data.md")
comparison.same("the page has examples", len([kind for kind, _ in blocks if kind == "python"]) >= 6, True)
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "Readers"))


# `nactl` of this build.
environment = dict(os.environ, PATH=f"{sys.argv[3]}:{os.environ['PATH']}")


def placed(text):
    """The example with this laboratory's paths."""
    return text.replace("/var/lib/nacycler", str(folder / "state")).replace("exports/", str(folder / "exports") + "/")


for place, (kind, text) in enumerate(blocks, 1):
    what = f"example {place} ({text.splitlines()[0]})"
    if kind == "python":
        names = {}
        try:
            exec(compile(placed(text), what, "exec"), names)
        except Exception as error:  # whatever it is, the example does not work
            comparison.failures.append(f"{what}: {type(error).__name__}: {error}")
            continue
        comparison.compared += 1
        if "efficiencies" in names:
            found = [float(value) for value in names["efficiencies"]]
            comparison.same(f"{what}: how many", len(found), len(told))
            for value, cycle in zip(found, told.values()):
                comparison.equal(what, value, cycle["coulombic_efficiency"], 0)
    elif kind == "sql":
        done = subprocess.run(["sqlite3", f"file:{folder}/state/nacycler.sqlite?mode=ro", text],
                              capture_output=True, text=True)
        comparison.same(what, (done.returncode, bool(done.stdout.strip())), (0, True))
    else:
        done = subprocess.run(["bash", "-euc", placed(text)], capture_output=True, text=True, env=environment)
        comparison.same(f"{what}: {done.stderr.strip()}", done.returncode, 0)
comparison.end()
