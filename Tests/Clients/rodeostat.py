# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: NaCycler contributors
"""The maker's client for the Rodeostat, every call of it, against the emulated one: nasim and the folder of presets are the
arguments."""

import contextlib
import io
import math
import sys
import tempfile
from pathlib import Path

from potentiostat import Potentiostat

from bench import Bench

checks = 0


def check(what, is_so):
    """One thing that must be so."""
    global checks
    checks += 1
    if not is_so:
        sys.exit(f"rodeostat: {what}")


def near(value, wanted, tolerance):
    return abs(value - wanted) <= tolerance


def refuses(call, words):
    """Whether a call is refused by the instrument, with these words."""
    try:
        call()
    except OSError as error:
        return words in str(error)
    return False


def settings(device):
    """What is set is what is read back."""
    check("variant", device.hardware_variant == "10V_10MilliAmpV0.2")
    check("firmware", device.firmware_version == "FW0.1.0" and device.get_firmware_version() == "FW0.1.0")
    check("hardware", device.hardware_version == "V0.2")
    identity = device.get_device_id()
    check("device id", device.set_device_id(4294967295) == 4294967295 and device.get_device_id() == 4294967295)
    device.set_device_id(identity)
    for name in device.get_all_volt_range():
        check(f"voltage range {name}", device.set_volt_range(name) == name == device.get_volt_range())
        check(f"reference {name}", device.set_ref_elect_volt_range(name) == name == device.get_ref_elect_volt_range())
        most = float(name[:-1])
        for volts in (0.0, 0.1, -0.3, most, -most, 2 * most):
            found = device.set_volt(volts)
            # Cut off to a code of twelve bits, and kept within the range.
            check(f"{volts} V in {name}", near(found, max(min(volts, most), -most), 2 * most / 4095 + 1e-6))
            check("voltage", device.get_volt() == found)
    for name in device.get_all_curr_range():
        check(f"current range {name}", device.set_curr_range(name) == name == device.get_curr_range())
    for period in (1, 10, 1000):
        check("sample period", device.set_sample_period(period) == period == device.get_sample_period())
    check("sample rate", device.set_sample_rate(100) == 10 and device.get_sample_rate() == 100)
    check("too slow", refuses(lambda: device.set_sample_period(1001), "too large"))
    check("too fast", refuses(lambda: device.set_sample_period(0), "too small"))
    check("unknown command", refuses(lambda: device.send_cmd({"command": "nope"}), "command, nope, not found"))
    check("unknown test", refuses(lambda: device.get_param("nope"), "test not found"))


def electrodes(device):
    """Each switch by itself, and all together."""
    calls = [
        (device.set_ref_elect_connected, device.get_ref_elect_connected),
        (device.set_ctr_elect_connected, device.get_ctr_elect_connected),
        (device.set_wrk_elect_connected, device.get_wrk_elect_connected),
    ]
    device.set_all_elect_connected(False)
    for place, (switch, read) in enumerate(calls):
        check("connect", switch(True) is True and read() is True)
        check("all", device.get_all_elect_connected() is (place == 2))
    check("disconnect", device.set_all_elect_connected(False) is False)
    check("each", [read() for _, read in calls] == [False] * 3)
    for value in (False, True):
        check("connects by itself", device.set_auto_connect(value) is value is device.get_auto_connect())


def open_voltage(device):
    """The counter electrode disconnected, the other two connected."""
    device.set_ref_elect_volt_range("5V")
    device.set_ref_elect_connected(True)
    device.set_wrk_elect_connected(True)
    volts = device.get_ref_volt()
    check("no current", abs(device.get_curr()) < 10)
    device.set_all_elect_connected(False)
    return volts


def tests(device, stands):
    """Every test with parameters of its own, at the cell's voltage."""
    device.set_curr_range("10000uA")
    device.set_sample_period(10)
    ways = {
        "constant": {"quietValue": stands, "quietTime": 0, "value": stands + 0.01, "duration": 200},
        "linearSweep": {
            "quietValue": stands, "quietTime": 100, "startValue": stands, "finalValue": stands + 0.05, "duration": 300},
        "cyclic": {
            "quietValue": stands, "quietTime": 0, "amplitude": 0.05, "offset": stands, "period": 200, "numCycles": 2,
            "shift": 0.25},
        "sinusoid": {
            "quietValue": stands, "quietTime": 0, "amplitude": 0.05, "offset": stands, "period": 200, "numCycles": 2,
            "shift": 0.0},
        "chronoamp": {"quietValue": stands, "quietTime": 50, "step": [[100, stands], [100, stands + 0.02]]},
        "multiStep": {
            "quietValue": stands, "quietTime": 0, "step": [[100, stands], [100, stands - 0.01], [100, stands + 0.01]]},
        "squareWave": {
            "quietValue": stands, "quietTime": 0, "startValue": stands, "finalValue": stands + 0.05, "stepValue": 0.005,
            "amplitude": 0.0, "window": 0.2},
        "differentialPulse": {
            "quietValue": stands, "quietTime": 0, "startValue": stands, "finalValue": stands - 0.05, "stepValue": 0.005,
            "pulseValue": 0.0, "window": 0.2},
    }
    check("names", sorted(device.get_test_names()) == sorted(ways))
    check("multiplexer's", set(device.get_mux_test_names()) < set(ways))
    for name, parameters in ways.items():
        device.set_param(name, parameters)
        told = device.get_param(name)
        check(f"parameters of {name}", told.keys() == parameters.keys() and same(told, parameters))
        length = device.get_test_done_time(name)
        samples = []
        with contextlib.redirect_stdout(io.StringIO()):
            times, volts, currents = device.run_test(
                name, display=None, on_data=lambda chan, t, v, i: samples.append((chan, t, v, i)))
        check(f"{name} samples", len(times) == len(samples) == len(volts) == len(currents) > 5)
        steps = {round((b - a) * 1000) for a, b in zip(times, times[1:])}
        check(f"{name} period", steps == {10} and near(times[-1] * 1000, length, 11))
        check(f"{name} voltage", all(abs(v - stands) < 0.06 for v in volts))
        check(f"{name} current", all(math.isfinite(i) and abs(i) < 10000 for i in currents))
        check(f"{name} is over", device.get_all_elect_connected() is False)
        print(f"  {name}: {len(times)} samples to {times[-1]} s, {min(currents):.2f} to {max(currents):.2f} uA")


def same(told, wanted):
    if isinstance(wanted, dict):
        return all(same(told[key], value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return len(told) == len(wanted) and all(same(a, b) for a, b in zip(told, wanted))
    return near(told, wanted, 2e-6)


def presentation(device, stands):
    """The client's own progress bar and file, and an early end."""
    parameters = {"quietValue": stands, "quietTime": 0, "value": stands, "duration": 100}
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        file = Path(folder) / "samples.txt"
        times, _, _ = device.run_test("constant", param=parameters, filename=str(file), display="data", timeunit="ms")
        check("file", len(file.read_text().splitlines()) == len(times) == 10)
    device.set_param("constant", {"duration": 60000})
    device.send_cmd({"command": "runTest", "test": "constant"})
    device.stop_test(rsp=False)
    lines = []
    while not lines or lines[-1] != b"{}":
        lines.append(device.readline().strip())
        check("an end", len(lines) < 50)
    check("stopped", device.get_all_elect_connected() is False)


def multiplexer(device):
    """On a board that can carry one, all of it; on the other, that it cannot."""
    check("off", device.get_mux_enabled() is False)
    if refuses(device.get_enabled_mux_channels, "multiplexer hardware not supported"):
        check("cannot", refuses(lambda: device.set_mux_enabled(True), "multiplexer hardware not supported"))
        return "without a multiplexer"
    check("on", device.set_mux_enabled(True) is True and device.get_mux_enabled() is True)
    check("channels", device.set_enabled_mux_channels([1, 3]) == [1, 3] == device.get_enabled_mux_channels())
    check("no channel 8", refuses(lambda: device.set_enabled_mux_channels([8]), "out of range"))
    check("reference", device.set_mux_ref_elect_connected(True) is True and device.get_mux_ref_elect_connected() is True)
    check("counter", device.set_mux_ctr_elect_connected(True) is True and device.get_mux_ctr_elect_connected() is True)
    check("working", device.set_mux_wrk_elect_connected(3) == 3 == device.get_mux_wrk_elect_connected())
    device.disconnect_all_mux_elect()
    check("none", device.get_mux_wrk_elect_connected() is False and device.get_mux_ref_elect_connected() is False)
    found = device.run_test("constant", param={"quietTime": 0, "duration": 100}, display=None)
    check("samples by channel", sorted(found) == [1, 3] and len(found[1]["t"]) == len(found[3]["t"]) == 5)
    check("off again", device.set_mux_enabled(False) is False)
    return "with a multiplexer"


def drive(port):
    device = Potentiostat(port)
    with device:
        settings(device)
        electrodes(device)
        stands = open_voltage(device)
        kind = multiplexer(device)
        tests(device, stands)
        presentation(device, stands)
    print(f"  {checks} checks hold, {kind}, cell at {stands:.4f} V")


def main(nasim, presets):
    with Bench(nasim, "rodeostat", "hard-carbon", presets) as bench:
        drive(bench.ports[0])


if __name__ == "__main__":
    main(*sys.argv[1:])
