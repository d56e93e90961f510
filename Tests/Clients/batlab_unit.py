# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: NaCycler contributors
"""The maker's client for the Batlab against the emulated one: nasim and the folder of presets are the arguments."""

import sys
import time

from batlab.batlabclass import Batlab
from batlab.constants import (
    CELL0, CELL1, CURRENT, CURRENT_SETPOINT, ERROR, MODE, MODE_CHARGE, MODE_IDLE, MODE_STOPPED, UNIT, VOLTAGE,
    VOLTAGE_LIMIT_CHG, VOLTAGE_LIMIT_DCHG, WATCHDOG_TIMER, WDT_RESET, ZERO_AMP_THRESH)
from batlab.encoder import Encoder

from bench import Bench, wait, within

CELL = {
    "like": "nvpf", "nominal_capacity_mAh": 20, "active_mass_mg": 170, "resistance_ohm": 0.08,
    "positive_electrode": {
        "capacity_mAh": 20,
        "potential_V": [[-0.02, 5.0], [0, 4.4], [0.3, 3.9], [0.7, 3.2], [1.0, 2.4], [1.05, 1.9], [1.1, 1.5]]},
    "diffusion_ohm": [0.02, 0.05], "diffusion_time_s": [0.5, 4]}


def charged(bench, channel):
    """Coulombs that went into a cell."""
    halves = bench.truth(channel=channel)
    return sum(half["terminal_charge_c"] for half in halves if half["direction"] == "charge")


def main(nasim, presets):
    with Bench(nasim, "batlab", CELL, presets) as bench:
        unit = Batlab(bench.ports[0])
        if unit.error or unit.bootloader or unit.sn != "1" or unit.ver != "7":
            raise SystemExit(f"serial number {unit.sn}, firmware {unit.ver}, error {unit.error}")
        print(f"  serial number {unit.sn}, firmware {unit.ver}")
        # What counts down cannot be read back as it was written.
        unit.write(UNIT, WATCHDOG_TIMER, WDT_RESET)
        unit.write_verify(UNIT, ZERO_AMP_THRESH, 400)
        for cell in (CELL0, CELL1):
            # Each limit acts in both directions, and a cell of this chemistry may stand below the one for lithium.
            unit.write_verify(cell, VOLTAGE_LIMIT_DCHG, Encoder(1.85).asvoltage())
        unit.write_verify(CELL0, VOLTAGE_LIMIT_CHG, Encoder(4.2).asvoltage())
        rest = unit.read(CELL0, VOLTAGE).asvoltage()
        before = charged(bench, 1), charged(bench, 2)
        unit.write(CELL0, MODE, MODE_IDLE)
        unit.write(CELL0, CURRENT_SETPOINT, 0)
        unit.write(CELL0, MODE, MODE_CHARGE)
        begun = time.monotonic()
        unit.write(CELL0, CURRENT_SETPOINT, Encoder(1.0).assetpoint())
        wait(3)
        within("current", unit.read(CELL0, CURRENT).ascurrent(), 1.0, 0.01)
        wait(3)
        volts = unit.read(CELL0, VOLTAGE).asvoltage()
        if not rest < volts < 4.2:
            raise SystemExit(f"the cell charges from {rest} V to {volts} V?")
        print(f"  voltage: {rest:.4f} V at rest, {volts:.4f} V")
        unit.write(CELL0, MODE, MODE_STOPPED)
        seconds = time.monotonic() - begun
        wait(0.5)
        moved = charged(bench, 1) - before[0]
        within("charge", moved, seconds, 0.3)
        within("the cell beside it", charged(bench, 2) - before[1], 0, 1e-9)
        # A limit below the cell's voltage stops it at once.
        unit.write_verify(CELL0, VOLTAGE_LIMIT_CHG, Encoder(rest).asvoltage())
        unit.write(CELL0, MODE, MODE_IDLE)
        unit.write(CELL0, MODE, MODE_CHARGE)
        wait(1.5)
        if unit.read(CELL0, MODE).data != MODE_STOPPED or unit.read(CELL0, ERROR).data & 1 == 0:
            raise SystemExit("its voltage limit does not stop a charge")
        # Nobody winds the watchdog any more.
        unit.write(CELL1, MODE, MODE_CHARGE)
        unit.write(CELL1, CURRENT_SETPOINT, Encoder(0.5).assetpoint())
        unit.write(UNIT, WATCHDOG_TIMER, 20)
        wait(4)
        stopped = charged(bench, 2)
        wait(1)
        within("after the watchdog", charged(bench, 2), stopped, 1e-9)
        unit.disconnect()


if __name__ == "__main__":
    main(*sys.argv[1:])
