# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: NaCycler contributors
"""Opens an export with batterydf and PyProBE and holds what they find against `nactl cycles`.

usage: check_open.py FOLDER CYCLES.json FILE.bdf.csv       (run by scripts/readers.sh)
"""

import importlib.metadata
import subprocess
import sys
import warnings
from pathlib import Path

from found import Comparison, cycles

folder, told, path = Path(sys.argv[1]), cycles(sys.argv[2]), sys.argv[3]
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "Readers"))


def batterydf():
    """`bdf validate` takes the file, and its loader finds every row and the format's own columns."""
    import bdf
    import bdf.io

    comparison = Comparison(f"batterydf {importlib.metadata.version('batterydf')}")
    validated = subprocess.run([str(Path(sys.executable).with_name("bdf")), "validate", path],
                               capture_output=True, text=True)
    said = validated.stdout + validated.stderr
    if validated.returncode != 0 or "BDF validation passed" not in said:
        comparison.failures.append(f"bdf validate: {said.strip()}")
    # Version 0.1.0 exports no `bdf.load`; the function stands in `bdf.io`.
    table = getattr(bdf, "load", bdf.io.load)(path)
    with open(path, encoding="utf-8") as file:
        comparison.same("rows", len(table), sum(1 for _ in file) - 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        time = table["Test Time / s"]
        comparison.same("the test time never falls", bool((time.diff().dropna() >= 0).all()), True)
    for number, cycle in told.items():
        rows = table[table["Cycle Count / 1"] == number]
        for label, key in [("Charging", "charge_capacity_Ah"), ("Discharging", "discharge_capacity_Ah")]:
            column = rows[f"Cycle {label} Capacity / Ah"]
            # Thirteen decimals of an ampere-hour, and what leaked the other way in the half-cycle of the other direction.
            comparison.equal(f"cycle {number} {key}", column.max() - column.min(), cycle[key], 1e-9)
    comparison.end()


def pyprobe():
    """PyProBE's summary: capacities are its highest less its lowest net capacity among the rows of one direction, and its
    efficiency is a discharge over the charge before it, which for an anode half-cell is that of the cycle before."""
    warnings.simplefilter("ignore")
    import loguru
    from pyprobe.analysis import cycling
    from pyprobe_open import open_run

    # It says much on its way.
    loguru.logger.remove()
    comparison = Comparison(f"PyProBE {importlib.metadata.version('PyProBE-Data')}")
    cell = open_run(path, name="readers", parquet=str(folder / "pyprobe.parquet"))
    summary = cycling.summary(cell.procedure["run"]).data
    # Its cycles are counted from 0.
    found = {row["Cycle"] + 1: row for row in summary.iter_rows(named=True)}
    comparison.same("cycles", sorted(found), sorted(told))
    first = told[min(told)]
    before = None
    for number, cycle in sorted(told.items()):
        row = found.get(number)
        if row is None:
            continue
        charge, discharge = row["Charge Capacity [Ah]"], row["Discharge Capacity [Ah]"]
        comparison.equal(f"cycle {number} charge", charge, cycle["charge_capacity_Ah"], 1e-9)
        comparison.equal(f"cycle {number} discharge", discharge, cycle["discharge_capacity_Ah"], 1e-9)
        comparison.equal(f"cycle {number} CE", charge / discharge, cycle["coulombic_efficiency"], 1e-9)
        own = 100 * cycle["charge_capacity_Ah"] / first["charge_capacity_Ah"]
        comparison.equal(f"cycle {number} SOH", row["SOH Charge [%]"], own, 1e-9)
        if before:
            own = cycle["discharge_capacity_Ah"] / before["charge_capacity_Ah"]
            comparison.equal(f"cycle {number} its own efficiency", row["Coulombic Efficiency"], own, 1e-9)
        before = cycle
    comparison.end()


batterydf()
pyprobe()
