# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: NaCycler contributors
"""Opens what `nactl export RUN --format bdf -o run.bdf.csv` writes in PyProBE.

    from pyprobe_open import open_run
    cell = open_run("run.bdf.csv", name="HC-1")
    cell.procedure["run"]

PyProBE begins a cycle where the step's number falls, and takes no notice of a column of cycles. So it gets the steps
counted within our cycles: its cycles are ours, counted from 0, the first with what came before it.
"""

import os

import polars
import pyprobe
from pyprobe.cyclers.column_maps import ColumnMap, ConvertUnitsMap


class StepWithinCycle(ColumnMap):
    """The step, counted from 0 within its cycle."""

    def __init__(self):
        super().__init__("Step", ["Step Count / 1", "Cycle Count / 1"])

    @property
    def expr(self):
        step = polars.col("Step Count / 1").cast(polars.Int64)
        # What came before the first cycle goes with it, or PyProBE would hold every capacity against none.
        cycle = polars.col("Cycle Count / 1").cast(polars.Int64).clip(lower_bound=1)
        return (step - step.min().over(cycle)).alias("Step")


def column_maps():
    """Which column of the Battery Data Format is which of PyProBE's."""
    return [
        StepWithinCycle(),
        ConvertUnitsMap("Time [s]", "Test Time / *"),
        ConvertUnitsMap("Current [A]", "Current / *"),
        ConvertUnitsMap("Voltage [V]", "Voltage / *"),
        ConvertUnitsMap("Capacity [Ah]", "Net Capacity / *"),
    ]


def open_run(path, name, procedure="run", parquet=None):
    """A cell with one procedure. PyProBE writes its own copy beside the file, or to `parquet`; the copy is made anew."""
    cell = pyprobe.Cell(info={"Name": name})
    output = parquet or os.path.splitext(path)[0] + ".parquet"
    cell.import_from_cycler(
        procedure_name=procedure,
        cycler="generic",
        input_data_path=path,
        output_data_path=output,
        column_importers=column_maps(),
        overwrite_existing=True,
    )
    return cell
