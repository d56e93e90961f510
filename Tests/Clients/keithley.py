# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: NaCycler contributors
"""pymeasure's Keithley 2400 against the emulated one: nasim and the folder of presets are the arguments."""

import sys
import time

from pymeasure.instruments.keithley import Keithley2400

from bench import Bench, wait, within


def main(nasim, presets):
    with Bench(nasim, "keithley-2400", "hard-carbon", presets) as bench:
        meter = Keithley2400(
            f"ASRL{bench.ports[0]}::INSTR", visa_library="@py", baud_rate=9600, read_termination="\n",
            write_termination="\n", timeout=5000)
        if "MODEL 2400" not in meter.id:
            raise SystemExit(f"it says {meter.id}")
        meter.reset()
        meter.wires = 4
        meter.output_off_state = "HIMP"
        before = bench.truth()
        charge_before = before[-1]["terminal_charge_c"] if before else 0.0
        meter.apply_current(current_range=1e-3, compliance_voltage=5)
        meter.source_current = -300e-6
        meter.measure_voltage(nplc=1, voltage=20, auto_range=False)
        meter.enable_source()
        begun = time.monotonic()
        wait(2)
        volts = meter.voltage
        wait(3)
        later = meter.voltage
        meter.measure_current(nplc=1, current=1e-3, auto_range=False)
        within("current", meter.current, -300e-6, 3e-7)
        meter.disable_source()
        seconds = time.monotonic() - begun
        # Its line is still on its way.
        wait(0.5)
        if not 0 < later < volts < 2.7:
            raise SystemExit(f"the cell discharges from {volts} V to {later} V?")
        print(f"  voltage: {volts} V, then {later} V")
        half = bench.truth()[-1]
        if half["direction"] != "discharge":
            raise SystemExit(f"the cell saw a {half['direction']}")
        moved = half["terminal_charge_c"] - charge_before
        # The clock is this program's, with the time of a few lines at 9,600 bits per second.
        within("charge", moved, 300e-6 * seconds, 300e-6 * 0.5)
        wait(1)
        within("after the end", bench.truth()[-1]["terminal_charge_c"] - charge_before, moved, 1e-9)
        errors = meter.check_errors()
        if errors:
            raise SystemExit(f"errors: {errors}")
        meter.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
