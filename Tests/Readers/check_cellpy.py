# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: NaCycler contributors
"""Opens an export with cellpy by Readers/nacycler_cellpy.yml and holds its summary against `nactl cycles`.

usage: check_cellpy.py FOLDER CYCLES.json FILE.bdf.csv     (run by scripts/readers.sh)
"""

import importlib.metadata
import logging
import os
import sys
import warnings
from pathlib import Path

from found import Comparison, cycles

folder, told, path = sys.argv[1], cycles(sys.argv[2]), os.path.abspath(sys.argv[3])
yaml = Path(__file__).resolve().parents[2] / "Readers" / "nacycler_cellpy.yml"
# It looks for settings of its own where it is started.
os.chdir(folder)
warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)

import cellpy

comparison = Comparison(f"cellpy {importlib.metadata.version('cellpy')}")
cell = cellpy.get(path, instrument="custom", instrument_file=str(yaml), cycle_mode="anode", mass=1.2)
summary = cell.data.summary.reset_index()
numbers = summary["cycle_num" if "cycle_num" in summary.columns else "cycle_index"]
# Cycle 0 is what came before the first cycle.
comparison.same("cycles", [int(number) for number in numbers if number > 0], sorted(told))
for number, cycle in told.items():
    row = summary[numbers == number].iloc[0]
    comparison.equal(f"cycle {number} charge", row["charge_capacity"], cycle["charge_capacity_Ah"], 1e-9)
    comparison.equal(f"cycle {number} discharge", row["discharge_capacity"], cycle["discharge_capacity_Ah"], 1e-9)
    # In per cent, second over first half-cycle as here.
    comparison.equal(f"cycle {number} CE", row["coulombic_efficiency"] / 100, cycle["coulombic_efficiency"], 1e-9)
comparison.end()
