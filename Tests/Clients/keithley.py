# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: NaCycler contributors
"""pymeasure's Keithley 2400 and 2450 against the emulated ones: nasim and the folder of presets are the arguments.

Where the environment names a VISA resource in KEITHLEY_2450, such as `TCPIP::127.0.0.1::5025::SOCKET`, the 2450 is
driven through that; otherwise through what nasim says: `HOST:PORT` is a socket, anything else a serial port.
"""

import os
import sys
import time

from pymeasure.instruments.keithley import Keithley2400, Keithley2450

from bench import Bench, wait, within


def resource(port):
    """The VISA resource of what nasim names a port, and what a connection to it needs."""
    chosen = os.environ.get("KEITHLEY_2450", port).removeprefix("tcp://")
    host, colon, number = chosen.rpartition(":")
    if "::" not in chosen and colon and number.isdigit():
        chosen = f"TCPIP::{host}::{number}::SOCKET"
    elif "::" not in chosen:
        chosen = f"ASRL{chosen}::INSTR"
    return chosen, {"visa_library": "@py", "read_termination": "\n", "write_termination": "\n", "timeout": 5000}


def check(what, is_so):
    """One thing that must be so."""
    if not is_so:
        raise SystemExit(f"{what} is not so")


def refused(meter, act):
    """The numbers of the errors that something leaves behind."""
    act()
    return [int(error[0]) for error in meter.check_errors()]


def settings_2450(meter):
    """What is set is what is read back, for every property that the client has."""
    for name, value in [
            ("source_mode", "voltage"), ("source_mode", "current"), ("current_range", 1e-3), ("current_nplc", 0.5),
            ("source_current_range", 1e-2), ("source_current", 2e-3), ("source_current_delay", 0.25),
            ("source_current_delay_auto", True), ("voltage_range", 20), ("voltage_nplc", 2),
            ("compliance_voltage", 7.5), ("source_voltage_range", 2), ("source_voltage", -1.5),
            ("source_voltage_delay", 0.5), ("source_voltage_delay_auto", False), ("compliance_current", 2e-3),
            ("resistance_range", 2e4), ("resistance_nplc", 3), ("wires", 4), ("wires", 2), ("buffer_points", 500),
            ("current_filter_type", "MOV"), ("current_filter_count", 7), ("voltage_filter_type", "REP"),
            ("voltage_filter_count", 9), ("current_output_off_state", "HIMP"), ("voltage_output_off_state", "ZERO")]:
        setattr(meter, name, value)
        check(f"{name} {value}", getattr(meter, name) == value)
    check("no errors", not meter.check_errors())
    meter.use_rear_terminals()
    check("rear terminals", meter.ask(":ROUT:TERM?").strip() == "REAR")
    meter.use_front_terminals()
    meter.beep(440, 0.1)
    meter.trigger()
    check("no errors", not meter.check_errors())
    # What the client has from the 2400 and a 2450 does not know (pymeasure's issue 1200).
    check("the 2400's buffer is refused", refused(meter, meter.disable_buffer) == [-113])
    check("no trigger model is refused", len(refused(meter, meter.start_buffer)) == 1)


def cycle_2450(meter, bench):
    """Discharges, reads everything there is to be read, and holds where it stands."""
    before = bench.truth()
    charge_before = before[-1]["terminal_charge_c"] if before else 0.0
    meter.apply_current(current_range=1e-3, compliance_voltage=5)
    meter.source_current = -300e-6
    meter.measure_voltage(nplc=1, voltage=20, auto_range=False)
    meter.enable_source()
    begun = time.monotonic()
    check("the output is on", meter.source_enabled)
    meter.write(":TRAC:CLE")
    wait(2)
    volts = meter.voltage
    wait(3)
    later = meter.voltage
    check(f"the cell discharges from {volts} V to {later} V", 0 < later < volts < 2.7)
    # The means of the client are of all there is in the buffer.
    within("mean of the buffer", meter.means, (volts + later) / 2, 1e-6)
    within("maximum", meter.maximums, volts, 1e-6)
    within("minimum", meter.minimums, later, 1e-6)
    meter.measure_current(nplc=1, current=1e-3, auto_range=False)
    # The source's errors: 1e-4, and 5e-5 of the range.
    within("current", meter.current, -300e-6, 1e-7)
    meter.measure_resistance()
    within("resistance", meter.resistance, later / -300e-6, 100)
    check("no limit acts", meter.ask(":SOUR:CURR:VLIM:TRIP?").strip() == "0")
    meter.disable_source()
    seconds = time.monotonic() - begun
    check("the output is off", meter.ask(":OUTP?").strip() == "0")
    half = bench.truth()[-1]
    check("the cell saw a discharge", half["direction"] == "discharge")
    moved = half["terminal_charge_c"] - charge_before
    # The clock is this program's, with the time of a few lines.
    within("charge", moved, 300e-6 * seconds, 300e-6 * 0.2)
    wait(1)
    within("after the end", bench.truth()[-1]["terminal_charge_c"] - charge_before, moved, 1e-9)
    meter.apply_voltage(voltage_range=20, compliance_current=5e-4)
    meter.source_voltage = later
    meter.measure_current(nplc=1, current=1e-3, auto_range=False)
    meter.enable_source()
    wait(1)
    # It relaxed upwards, so that it is discharged to come back.
    amperes = meter.current
    check(f"a hold draws {amperes} A", -5e-4 <= amperes < 0)
    meter.disable_source()
    check("no errors", not meter.check_errors())


def drive_2450(nasim, presets, *options):
    with Bench(nasim, "keithley-2450", "hard-carbon", presets, *options) as bench:
        name, options = resource(bench.ports[0])
        print(f"  2450 through {name.split('::')[0][:5]}")
        meter = Keithley2450(name, **options)
        check(f"it says {meter.id}", "MODEL 2450" in meter.id)
        check("its command set", meter.ask("*LANG?").strip() == "SCPI")
        meter.current_output_off_state = "HIMP"
        meter.voltage_output_off_state = "HIMP"
        settings_2450(meter)
        meter.reset()
        # `reset` made off a source of 0 V again.
        check("off is NORM", meter.current_output_off_state == "NORM")
        meter.current_output_off_state = "HIMP"
        meter.voltage_output_off_state = "HIMP"
        meter.write(":SENS:VOLT:RSEN ON;:SENS:CURR:RSEN ON;:SENS:RES:RSEN ON")
        cycle_2450(meter, bench)
        meter.shutdown()


def drive_2400(nasim, presets):
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


def main(nasim, presets):
    drive_2400(nasim, presets)
    drive_2450(nasim, presets)
    drive_2450(nasim, presets, "--socket")


if __name__ == "__main__":
    main(*sys.argv[1:])
