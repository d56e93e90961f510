# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: NaCycler contributors
"""Hands protocols to aurora-unicycler and PyBaMM themselves and to `nactl convert`, and compares what they mean.

Each file that is made here, right or wrong, is judged by the program that it is for. What both take must be the same
steps in the same order; what only one takes is counted by the reason that was given, and must have one. Then protocols
of ours are written for the other program, which must take them.

usage: compare.py NACTL [--files N] [--seed S]      (run by scripts/peers.sh, which installs the two packages)
"""

import argparse
import collections
import json
import math
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from aurora_unicycler import CyclingProtocol
import pybamm

CAPACITY_MAH = 1.5


def nactl_convert(nactl, text, *options):
    """What `nactl convert` makes of a text: its output, or None with the reasons."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(text)
        file.flush()
        done = subprocess.run([nactl, "convert", file.name, *options], capture_output=True, text=True)
    if done.returncode == 0:
        return done.stdout, done.stderr
    if done.returncode != 4 or not done.stderr.strip():
        sys.exit(f"nactl ended with {done.returncode}: {done.stderr}\n{text}")
    return None, done.stderr


# --- What our protocols mean ---------------------------------------------------------------------------------------

UNITS = {
    "nA": 1e-6, "uA": 1e-3, "mA": 1, "A": 1e3, "mV": 1e-3, "V": 1, "uV": 1e-6, "s": 1, "ms": 1e-3, "min": 60, "h": 3600,
    "d": 86400,
}


def quantity(text):
    """In milliamperes, volts or seconds."""
    if text.startswith("C/"):
        return CAPACITY_MAH / float(text[2:])
    number, unit = text.split(" ")
    return float(number) * (CAPACITY_MAH if unit == "C" else UNITS[unit])


def rate(text):
    """In millivolts a second."""
    number, unit = text.split(" ")
    volts, time = unit.split("/")
    return float(number) * UNITS[volts] * 1e3 / UNITS[time]


def ends(conditions):
    """Quantity to value of the conditions that end a step; those that hold the run are bounds that were added."""
    plain = [condition for condition in conditions if isinstance(condition, str)]
    return {text.split(" ", 2)[0]: quantity(text.split(" ", 2)[2]) for text in plain}


def ours(steps):
    """Every step in order as (kind, value, time, voltage, current)."""
    for step in steps:
        if "cycles" in step or "repeat" in step:
            for _ in range(step.get("cycles") or step["repeat"]):
                yield from ours(step["steps"])
        elif "rest" in step:
            yield ("rest", 0.0, quantity(step["rest"]), None, None)
        elif "hold" in step:
            end = ends(step["until"])
            yield ("voltage", quantity(step["hold"]), end.get("hold_time"), None, end.get("current"))
        elif "sweep" in step:
            yield ("scan", quantity(step["to"]), None, quantity(step["from"]), rate(step["sweep"]))
        else:
            sign = 1 if "charge" in step else -1
            current = sign * quantity(step.get("charge") or step.get("discharge"))
            end = ends(step["until"])
            if "to" in step:
                yield ("current", current, None, quantity(step["to"]), None)
                held = ends(step["hold_until"])
                yield ("voltage", quantity(step["to"]), held.get("hold_time"), None, held.get("current"))
            else:
                yield ("current", current, end.get("step_time"), end.get("voltage"), None)


# --- What unicycler's mean -----------------------------------------------------------------------------------------

def unicycler_steps(protocol):
    """Unrolled by unicycler's own rules: tags removed, loops counted, rates before currents."""
    capacity = protocol.sample.capacity_mAh
    method = protocol.method
    tags = {step.tag: place for place, step in enumerate(method) if step.step == "tag"}

    def current(rate, milliamperes):
        return rate * capacity if rate else milliamperes or None

    place, passes, found = 0, collections.Counter(), []
    while place < len(method):
        step = method[place]
        if step.step == "open_circuit_voltage":
            found.append(("rest", 0.0, step.until_time_s, None, None))
        elif step.step == "constant_current":
            found.append(
                ("current", current(step.rate_C, step.current_mA), step.until_time_s or None, step.until_voltage_V, None))
        elif step.step == "constant_voltage":
            least = current(step.until_rate_C, step.until_current_mA)
            found.append(("voltage", step.voltage_V, step.until_time_s or None, None, abs(least) if least else None))
        elif step.step == "voltage_scan":
            found.append(("scan", step.end_voltage_V, None, step.start_voltage_V, step.scan_rate_mV_per_s))
        elif step.step == "loop":
            passes[place] += 1
            if passes[place] < step.cycle_count:
                target = step.loop_to if isinstance(step.loop_to, int) else tags[step.loop_to] + 1
                start = target - 1 if isinstance(step.loop_to, int) else tags[step.loop_to]
                for inner in range(start, place):
                    passes.pop(inner, None)
                place = start
                continue
        place += 1
    return found


def unicycler_file(rng):
    """A protocol as people write them, some of them wrong."""
    def number(value):
        return rng.choice([value, str(value), f"{value:e}"])

    def rate():
        return rng.choice([0.1, "C/10", "D/5", "1/3", -0.05, "2C/3", 1, "", 0, "C/0" if rng.random() < 0.05 else "C/7"])

    method = []
    for index in range(rng.randint(1, 9)):
        kind = rng.choices(["rest", "current", "voltage", "loop", "tag", "odd"], [2, 6, 2, 2, 2, 0.6])[0]
        if kind == "rest":
            method.append({"step": "open_circuit_voltage", "until_time_s": number(rng.choice([60, 3600, 0.5, 12345.678]))})
        elif kind == "current":
            step = {"step": "constant_current"}
            if rng.random() < 0.7:
                step["rate_C"] = rate()
            if rng.random() < 0.5:
                step["current_mA"] = number(rng.choice([0.5, -0.5, 1.25, 0, -0.1343]))
            if rng.random() < 0.6:
                step["until_time_s"] = number(rng.choice([600, 36000, 0]))
            if rng.random() < 0.8:
                step["until_voltage_V"] = number(rng.choice([4.25, 2.0, 0, 0.01, 3.3]))
            method.append(step)
        elif kind == "voltage":
            step = {"step": "constant_voltage", "voltage_V": number(rng.choice([4.25, 2.0, 0.01]))}
            if rng.random() < 0.6:
                step["until_time_s"] = number(rng.choice([600, 7200, 0]))
            if rng.random() < 0.6:
                step["until_rate_C"] = rng.choice([0.02, "C/50", 0, ""])
            if rng.random() < 0.3:
                step["until_current_mA"] = number(0.03)
            method.append(step)
        elif kind == "tag":
            method.append({"step": "tag", "tag": f"tag {index}"})
        elif kind == "loop":
            tags = [step["tag"] for step in method if step["step"] == "tag"] + ["nowhere"] * (rng.random() < 0.1)
            target = rng.choice(tags) if tags and rng.random() < 0.7 else rng.randint(1, max(1, index))
            method.append({"step": "loop", "loop_to": target, "cycle_count": rng.randint(1, 4)})
        else:
            method.append({
                "step": "voltage_scan", "start_voltage_V": number(rng.choice([0.05, 2.5])),
                "end_voltage_V": number(rng.choice([2.5, 4.0])), "scan_rate_mV_per_s": number(rng.choice([0.1, 2, 0]))})
    return json.dumps({
        "unicycler": {"version": "0.4.6"}, "sample": {"name": "peer", "capacity_mAh": CAPACITY_MAH},
        "record": {"time_s": 10},
        "safety": {"max_voltage_V": 4.5, "min_voltage_V": -0.2, "max_current_mA": 5, "min_current_mA": -5, "delay_s": 2},
        "method": method,
    })


def judged_by_unicycler(text):
    try:
        protocol = CyclingProtocol.from_dict(json.loads(text))
        # Loops and tags are judged when something is written.
        if any(step.step in ("loop", "tag") for step in protocol.method):
            protocol.to_neware_xml(sample_name="peer")
        return unicycler_steps(protocol), None
    except Exception as error:  # noqa: BLE001 - whatever it raises is a refusal
        lines = [line.strip() for line in str(error).splitlines() if "errors.pydantic.dev" not in line]
        return None, f"{type(error).__name__}: {lines[-1] if lines else ''}"


# --- What PyBaMM's mean --------------------------------------------------------------------------------------------

def pybamm_file(rng):
    def electric():
        return rng.choice(["C/10", "1C", "0.5 C", "150 uA", "0.15 mA", "0.0005A", "1.5mA", "2 W", "40 Ohm", "4.2 V"])

    def time():
        return rng.choice(["1 hour", "10 minutes", "30 seconds", "0.5 hours", "2 h", "90 min", "5 s", "1 day"])

    def step():
        kind = rng.choices(["drive", "hold", "rest", "odd"], [6, 2, 2, 0.3])[0]
        if kind == "rest":
            text = f"Rest for {time()}"
        elif kind == "hold":
            text = f"Hold at {rng.choice(['4.2 V', '4.2V', '10 mV', '2 V'])}"
            text += rng.choice([f" for {time()}", " until C/50", " until 0.03 mA", f" for {time()} or until C/20"])
        elif kind == "drive":
            text = f"{rng.choice(['Charge', 'Discharge'])} at {electric()}"
            text += rng.choice([f" for {time()}", " until 4.2 V", " until 2.0 V", f" for {time()} or until 10 mV", "",
                                " until 50 uA"])
        else:
            text = rng.choice(["Run something", "charge at C/2 for 1 hour", "Rest", "Hold at C/2 for 1 hour"])
        return text + rng.choice(["", "", " (10 second period)", " (1 minute period)"])

    return [step() for _ in range(rng.randint(1, 6))]


def judged_by_pybamm(steps):
    found = []
    for text in steps:
        try:
            step = pybamm.step.string(text)
        except Exception as error:  # noqa: BLE001
            return None, f"{type(error).__name__}: {error}"
        kind = type(step).__name__
        end = step.termination[0] if step.termination else None
        time = step.duration if " for " in text else None
        voltage = end.value if end is not None and type(end).__name__ == "VoltageTermination" else None
        least = None
        if end is not None and type(end).__name__ == "CurrentTermination":
            least = abs(end.value) * 1e3
        if end is not None and type(end).__name__ == "CRateTermination":
            least = abs(end.value) * CAPACITY_MAH
        value = float(step.value) if isinstance(step.value, (int, float)) else float(step.value.evaluate())
        if text.startswith("Rest"):
            found.append(("rest", 0.0, time, None, None))
        elif kind == "Current":
            found.append(("current", -value * 1e3, time, voltage, least))
        elif kind == "CRate":
            found.append(("current", -value * CAPACITY_MAH, time, voltage, least))
        elif kind == "Voltage":
            found.append(("voltage", value, time, voltage, least))
        else:
            found.append((kind.lower(), value, time, voltage, least))
    return found, None


# --- Comparing -----------------------------------------------------------------------------------------------------

def same(left, right):
    def close(a, b):
        if a is None or b is None:
            return a is b
        return math.isclose(a, b, rel_tol=2e-9, abs_tol=2e-9)

    return len(left) == len(right) and all(
        one[0] == other[0] and all(close(a, b) for a, b in zip(one[1:], other[1:])) for one, other in zip(left, right))


def reason(stderr):
    """The first message, without its place and what it quotes."""
    line = stderr.splitlines()[0].split(": ", 1)[-1]
    return "".join(part if index % 2 == 0 else "`…`" for index, part in enumerate(line.split("`")))[:90]


def compare(name, files, judge, convert, differs):
    counts, only_theirs, only_ours = collections.Counter(), collections.Counter(), collections.Counter()
    for made in files:
        theirs, their_reason = judge(made)
        text, told = convert(made)
        mine = list(ours(json.loads(text)["steps"])) if text else None
        if theirs is not None and mine is not None:
            if not same(theirs, mine):
                differs.append((name, made, theirs, mine))
            counts["both take it"] += 1
        elif theirs is None and mine is None:
            counts["both refuse it"] += 1
        elif mine is None:
            counts["only theirs takes it"] += 1
            only_theirs[reason(told)] += 1
        else:
            counts["only ours takes it"] += 1
            only_ours[their_reason[:90]] += 1
    print(f"{name}: " + ", ".join(f"{count} × {what}" for what, count in counts.most_common()))
    for title, reasons in [("ours refuses", only_theirs), ("theirs refuses", only_ours)]:
        for why, count in reasons.most_common():
            print(f"  {title} {count} ×: {why}")
    return counts["both take it"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("nactl")
    parser.add_argument("--files", type=int, default=400)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    print(f"seed {options.seed}")
    rng = random.Random(options.seed)
    role = ["--role", "full-cell"]
    differs = []
    taken = compare(
        "aurora-unicycler", [unicycler_file(rng) for _ in range(options.files)], judged_by_unicycler,
        lambda text: nactl_convert(options.nactl, text, *role), differs)
    taken += compare(
        "PyBaMM", [pybamm_file(rng) for _ in range(options.files)], judged_by_pybamm,
        lambda steps: nactl_convert(
            options.nactl, json.dumps(steps), *role, "--nominal-capacity", f"{CAPACITY_MAH} mAh", "--voltage-limits",
            "-0.2 V to 4.5 V"), differs)
    written = 0
    for path in sorted(Path("Protocols").glob("*.json")):
        values = ["--mass", "1.2 mg", "--area", "1.131 cm2", "--nominal-capacity", "1.5 mAh"]
        if path.name == "protocol.schema.json":
            continue
        for target in ("unicycler", "pybamm"):
            text, _ = nactl_convert(options.nactl, path.read_text(), "--to", target, *values)
            if text is None:
                continue
            written += 1
            if target == "unicycler":
                judged, why = judged_by_unicycler(text)
            else:
                flat = [step for cycle in eval(text, {"__builtins__": {}}) for step in  # noqa: S307 - our own output
                        (cycle if isinstance(cycle, tuple) else [cycle])]
                judged, why = judged_by_pybamm(list(dict.fromkeys(flat)))
            if judged is None:
                differs.append((target, path.name, why, text[:400]))
    print(f"{written} of our files were written for them")
    for name, made, theirs, mine in differs[:5]:
        print(f"DIFFERENT ({name}): {made}\n  theirs {theirs}\n  ours   {mine}")
    print(f"{len(differs)} differences in {taken} files that both take")
    sys.exit(1 if differs or not taken or not written else 0)


main()
