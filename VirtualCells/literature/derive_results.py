#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: NaCycler contributors
"""Derives the virtual cells and the protocols of the single results that the review tells (s-01 to s-17), beside those of
its Table 1 (derive.py). README.md explains each. Where a property of the cell follows from a published number only
through the whole curve, it is found by bisection: `nasim rehearse` carries the protocol's first cycles out on a trial
cell. Neither the daemon nor its metrics see a published number.

    python3 VirtualCells/literature/derive_results.py [ROW...]   # writes the files; needs a built nasim
"""

import copy
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
CELLS = ROOT / "VirtualCells" / "literature"
PROTOCOLS = ROOT / "Protocols" / "literature"
NASIM = os.environ.get("NASIM", str(ROOT / ".build" / "release" / "nasim"))
ASSUMED = "Assumed, because the review does not say: "


def base(name):
    return json.loads((ROOT / "VirtualCells" / f"{name}.json").read_text())


def rounded(value, digits=6):
    return float(f"{value:.{digits}g}")


def simulate(cell, protocol, cycles=None, instrument="emstat4-hr", **settings):
    """What becomes of the protocol on the cell."""
    with tempfile.TemporaryDirectory() as folder:
        cell_file, protocol_file = pathlib.Path(folder, "cell.json"), pathlib.Path(folder, "protocol.json")
        cell_file.write_text(json.dumps(cell))
        protocol_file.write_text(json.dumps(protocol))
        command = [NASIM, "rehearse", "--cell", str(cell_file), "--instrument", instrument, "--presets",
                   str(ROOT / "VirtualCells")]
        command += ["--cycles", str(cycles)] if cycles else []
        for name, value in settings.items():
            command += ["--set", f"{name}={value}"]
        done = subprocess.run([*command, str(protocol_file)], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    answer = json.loads(done.stdout)
    if [event for event in answer["events"] if event["severity"] != "info"]:
        sys.exit(f"the trial was not without warnings: {answer['events']}")
    return answer


def bisect(measure, wanted, low, high, rising=True, steps=24):
    """Where `measure` comes to `wanted`; it rises or falls all the way, and `wanted` lies between its ends."""
    if ((measure(low) < wanted) == rising) == ((measure(high) < wanted) == rising):
        sys.exit(f"{wanted} does not lie between {measure(low)} and {measure(high)}")
    for _ in range(steps):
        middle = (low + high) / 2
        if (measure(middle) < wanted) == rising:
            low = middle
        else:
            high = middle
    return rounded((low + high) / 2)


def protocol(title, notes, role, limits, steps, cycles=None, cell=None, record=None, metrics=None, window=None):
    (low, high), current, charge, empty = limits
    content = {
        "$schema": "../protocol.schema.json",
        "nacycler_protocol": 1,
        "title": title,
        "notes": notes,
    }
    if cycles:
        content["variables"] = {"cycles": cycles}
    return content | {
        "cell": {"role": role, **(cell or {}), "expect_open_circuit": {"from": window[0], "to": window[1]}},
        "limits": {
            "voltage": {"min": low, "max": high, "for": "2 s"},
            "charge_current": {"max": current, "for": "1 s"},
            "discharge_current": {"max": current, "for": "1 s"},
            "half_cycle_charge": {"max": charge},
            "empty_half_cycle": {"below": empty, "in_a_row": 3},
        },
        "record": record or {"every": "60 s", "read_every": "1 s"},
        **({"metrics": metrics} if metrics else {}),
        "on_interruption": {"resume_within": "30 min", "otherwise": "hold"},
        "steps": steps,
    }


# --- Hard carbon against sodium -----------------------------------------------------------------------------------

MASS_G = 1.2e-3
CARBON_WINDOW = ("1.2 V", "3.3 V")
CARBON_CELL = {"active_mass": "1.2 mg"}
PLATEAU = {"sodiation_plateau_below": "100 mV", "retention_reference": "life cycle 1"}


def carbon_pair(rate, hours):
    return [
        {"sodiate": rate, "until": ["voltage <= 10 mV", f"step_time >= {hours} h"]},
        {"rest": "1 min"},
        {"desodiate": rate, "until": ["voltage >= 2.0 V", f"step_time >= {hours} h"]},
        {"rest": "1 min"},
    ]


def carbon_protocol(title, notes, steps, current="1 A/g", cycles=None, metrics=PLATEAU, every="60 s"):
    return protocol(
        title, notes, "anode-half-cell", (("-50 mV", "2.3 V"), current, "900 mAh/g", "5 mAh/g"), steps, cycles,
        CARBON_CELL, {"every": every, "read_every": "1 s"}, metrics, CARBON_WINDOW)


def life(pair):
    return [{"rest": "10 min", "label": "wetting"},
            {"cycles": "$cycles", "purpose": "life", "label": "life", "steps": pair}]


def sloping(share, capacity_mah):
    """The base's electrode with another share of sloping region: its curve is stretched on both sides of the knee."""
    electrode = copy.deepcopy(base("hard-carbon")["positive_electrode"])
    knee = 0.40

    def moved(x):
        return x * share / knee if x <= knee else share + (x - knee) * (1 - share) / (1 - knee)

    electrode["potential_V"] = [[rounded(moved(x)), volts] for x, volts in electrode["potential_V"]]
    electrode["capacity_mAh"] = rounded(capacity_mah)
    return electrode


def carbon(title, notes, capacity_mah, early, share=0.40, ohms=None, like="hard-carbon", **more):
    cell = {
        "like": like,
        "title": title,
        "notes": notes + " README.md says how; what is not said there is hard-carbon.json's and not the paper's.",
        "positive_electrode": sloping(share, capacity_mah),
        "side_reactions": {"early_fraction": [rounded(early), 0.005], "early_reach_mAh": [0.3, 3.0]},
        "nominal_capacity_mAh": rounded(capacity_mah, 3),
    }
    if ohms is not None:
        cell |= {"resistance_ohm": rounded(ohms / 4), "diffusion_ohm": [rounded(ohms / 4), rounded(ohms / 2)]}
    return cell | more


def s_01():
    course = carbon_protocol(
        "S-01: carbon molecular sieve at 0.1 A/g",
        ASSUMED + "the window, no formation apart, the mass, and that 300 mAh/g is the second desodiation.",
        life(carbon_pair("0.1 A/g", 20)), cycles=5)

    def cell(capacity, early):
        return carbon(
            "Carbon molecular sieve: 300 mAh/g, ICE 73.2 %", "Derived from the published capacity and initial efficiency.",
            capacity, early, ohms=0.008 / (0.1 * MASS_G))

    capacity, early = 0.37, 0.5
    for _ in range(3):
        early = bisect(
            lambda trial: simulate(cell(capacity, trial), course, 1)["initial_coulombic_efficiency"], 0.732, 0.1, 0.95,
            rising=False)
        capacity = bisect(
            lambda trial: simulate(cell(trial, early), course, 2)["cycles"][1]["charge_capacity_Ah"] / MASS_G, 0.300,
            0.2, 0.7)
    return {"s-01": cell(capacity, early)}, {"s-01": course}


def s_02():
    course = carbon_protocol(
        "S-02: sieving carbon at 0.05 A/g",
        ASSUMED + "the rate, the window, the mass, the threshold of the plateau (0.1 V) and its branch (sodiation).",
        life(carbon_pair("0.05 A/g", 40)), cycles=5, every="3 min")
    share = 0.18

    def cell(capacity, early):
        return carbon(
            "Sieving carbon: ICE 80.6 %, plateau above 400 mAh/g",
            "Derived from the published initial efficiency and plateau capacity, with 18 % of sloping region (assumed).",
            capacity, early, share, ohms=0.008 / (0.05 * MASS_G))

    capacity, early = 0.62, 0.4
    for _ in range(3):
        early = bisect(
            lambda trial: simulate(cell(capacity, trial), course, 1)["initial_coulombic_efficiency"], 0.806, 0.05, 0.95,
            rising=False)
        capacity = bisect(
            lambda trial: simulate(cell(trial, early), course, 2)["cycles"][1]["sodiation_plateau_capacity_Ah"] / MASS_G,
            0.405, 0.3, 0.8)
    return {"s-02": cell(capacity, early)}, {"s-02": course}


RATES = ["0.05 A/g", "0.1 A/g", "0.2 A/g", "0.5 A/g", "0.05 A/g"]


def s_03():
    steps = [
        {"rest": "10 min", "label": "wetting"},
        {"for_each": {"rate": RATES, "longest": ["20 h", "10 h", "5 h", "2 h", "20 h"]}, "steps": [
            {"cycles": 3, "purpose": "rate", "label": "$rate", "steps": [
                {"sodiate": "$rate", "until": ["voltage <= 10 mV", "step_time >= $longest"]},
                {"rest": "1 min"},
                {"desodiate": "$rate", "until": ["voltage >= 2.0 V", "step_time >= $longest"]},
                {"rest": "1 min"},
            ]}]},
    ]
    course = carbon_protocol(
        "S-03: plateau of hard carbon with a zeolite film at 0.05 to 0.5 A/g",
        ASSUMED + "the other rates, three cycles at each, the window, the mass, the threshold (0.1 V) and the branch "
        "(sodiation).", steps, current="1 A/g", metrics={"sodiation_plateau_below": "100 mV"})

    def of_all(share):
        return carbon(
            "Hard carbon with a zeolite film: 73 % of the sodiation at 0.5 A/g is plateau",
            "Derived from the first reading of the published 73 %.", 0.36, 0.2, share, ohms=0.020 / (0.5 * MASS_G))

    def of_slowest(ohms):
        return carbon(
            "Hard carbon with a zeolite film: at 0.5 A/g 73 % of the plateau at 0.05 A/g is left",
            "Derived from the second reading of the published 73 %.", 0.36, 0.2, ohms=ohms)

    def kept(cell):
        cycles = simulate(cell, course, 12)["cycles"]
        return cycles[11]["sodiation_plateau_capacity_Ah"] / cycles[2]["sodiation_plateau_capacity_Ah"]

    share = bisect(
        lambda trial: simulate(of_all(trial), course, 12)["cycles"][11]["sodiation_plateau_ratio"], 0.73, 0.1, 0.5,
        rising=False)
    ohms = bisect(lambda trial: kept(of_slowest(trial)), 0.73, 20, 160, rising=False)
    return {"s-03a": of_all(share), "s-03b": of_slowest(ohms)}, {"s-03": course}


def s_04():
    course = carbon_protocol(
        "S-04: 100 cycles of hard carbon, left desodiated",
        ASSUMED + "the current, the window, the mass, and that the electrode is taken out desodiated.",
        life(carbon_pair("0.1 A/g", 20)), cycles=100)
    cell = carbon("Hard carbon in an ether electrolyte", "No number is published.", 0.36, 0.2,
                  ohms=0.008 / (0.1 * MASS_G))
    return {"s-04": cell}, {"s-04": course}


def s_05():
    course = carbon_protocol(
        "S-05: both branches of a sieving carbon's plateau",
        ASSUMED + "the rate, the window, the mass, and the thresholds of the plateau on both branches.",
        life(carbon_pair("0.05 A/g", 40)), cycles=3, every="3 min",
        metrics={"sodiation_plateau_below": "100 mV", "desodiation_plateau_below": "150 mV",
                 "retention_reference": "life cycle 1"})
    # The cell of s-02, and one whose pores hold no sodium: nine tenths slope.
    porous = carbon("Porous carbon: nearly all slope", "No number is published; 90 % of sloping region is assumed.", 0.3,
                    0.5, 0.90, ohms=0.008 / (0.05 * MASS_G))
    return {"s-05": porous}, {"s-05": course}


# --- Positive electrodes ------------------------------------------------------------------------------------------

def nvpf_protocol(title, notes, cycles, until=None):
    life_block = {"cycles": "$cycles", "purpose": "life", "label": "life", "steps": [
        {"charge": "1 C", "until": ["voltage >= 4.25 V", "step_time >= 2 h"]},
        {"rest": "1 min"},
        {"discharge": "1 C", "until": ["voltage <= 2.0 V", "step_time >= 2 h"]},
        {"rest": "1 min"},
    ]} | ({"until": until} if until else {})
    return protocol(
        title, notes, "cathode-half-cell", (("1.8 V", "4.4 V"), "1.5 C", "180 mAh/g", "2 mAh/g"),
        [{"rest": "10 min", "label": "wetting"}, life_block], cycles,
        {"active_mass": "3.0 mg", "nominal_capacity": "0.36 mAh"}, {"every": "30 s", "read_every": "0.5 s"},
        {"retention_reference": "life cycle 1"}, ("2 V", "3.6 V"))


def s_07():
    course = nvpf_protocol(
        "S-07: Na | NVPF at 60 degC",
        "The chamber must have stood at 60 degC for ten minutes before the first cycle, and above 65 degC the circuit is "
        "opened; the thermometer is emulated, and the virtual cell knows no temperature. " + ASSUMED
        + "rate, window, cycles.", 20)
    course["limits"]["temperature"] = {"max": "65 degC", "for": "10 s"}
    course["steps"][0] = {"rest": "8 h", "label": "wetting and warming up", "until": [
        {"when": "temperature >= 59 degC and temperature <= 61 degC", "for": "10 min"},
        {"when": "test_time >= 7 h", "go": "hold"}]}
    cell = {"like": "nvpf", "title": "Na | NVPF in PC with FEC", "notes": "No number is published; nvpf.json's cell.",
            "resistance_ohm": 20, "diffusion_ohm": [12, 25]}
    return {"s-07": cell}, {"s-07": course}


def s_09():
    course = nvpf_protocol(
        "S-09: Na | NVPF between 2.0 and 4.25 V until 80 % are left",
        "Window as published. " + ASSUMED + "the rate (1 C), no hold, and that a life ends at 80 % of the first cycle.",
        1000, [{"when": "retention < 80 %", "go": "end"}])

    def cell(reach):
        return {"like": "nvpf", "title": "Na | NVPF with zeolite in diglyme: 80 % after 850 cycles",
                "notes": "Derived from the published life of more than 800 cycles: 850. README.md says how; the rest is "
                "nvpf.json's and not the paper's.", "capacity_reach_mAh": rounded(reach), "resistance_ohm": 20,
                "diffusion_ohm": [12, 25]}

    # Sixty cycles tell the slope; the charge of a cycle falls with the capacity, so the fade is a hyperbola:
    # 1 / left = 1 + cycles * first / reach.
    def life_of(reach):
        cycles = simulate(cell(reach), course, 61)["cycles"]
        left = cycles[60]["discharge_capacity_Ah"] / cycles[0]["discharge_capacity_Ah"]
        return (1 / 0.8 - 1) / ((1 / left - 1) / 60)

    return {"s-09": cell(bisect(life_of, 850, 500, 3000, steps=14))}, {"s-09": course}


# --- Plating and stripping ----------------------------------------------------------------------------------------

def plating_protocol(title, notes):
    plate = {"plate": "0.5 mA/cm2", "until": ["step_charge >= 1 mAh/cm2", "step_time >= 3 h"]}
    strip = {"strip": "0.5 mA/cm2", "until": ["voltage >= 1 V", "step_time >= 3 h"]}
    steps = [
        {"rest": "10 min", "label": "wetting"},
        {"test": "reservoir", "label": "reservoir", "steps": [
            {"plate": "0.5 mA/cm2", "until": ["step_charge >= 5 mAh/cm2", "step_time >= 11 h"], "part": "reservoir"},
            {"repeat": 10, "steps": [
                {"strip": "0.5 mA/cm2", "until": ["step_charge >= 1 mAh/cm2", {"when": "voltage >= 1 V", "go": "hold"},
                                                  "step_time >= 3 h"], "part": "cycled"},
                {"plate": "0.5 mA/cm2", "until": ["step_charge >= 1 mAh/cm2", "step_time >= 3 h"], "part": "cycled"}]},
            {"strip": "0.5 mA/cm2", "until": ["voltage >= 1 V", "step_time >= 12 h"], "part": "final_strip"}]},
        {"test": "long_cycling", "label": "long cycling", "steps": [
            {"cycles": "$cycles", "purpose": "life", "label": "life", "steps": [plate, strip]}]},
    ]
    return protocol(
        title, notes, "plating-stripping", (("-500 mV", "1.5 V"), "1 mA/cm2", "6 mAh/cm2", "10 uAh/cm2"), steps, 50,
        {"area": "1.13 cm2"}, metrics={"retention_reference": "life cycle 1"}, window=("-0.2 V", "3.2 V"))


def plating_cell(title, efficiency):
    return {"like": "plating-stripping", "title": title,
            "notes": "Of each coulomb that plates, one less the published efficiency is lost; no early losses, so that both "
            "methods measure the same. README.md says more; the rest is plating-stripping.json's.",
            "side_reactions": {"lasting_fraction": rounded(1 - efficiency), "early_fraction": [0, 0]}}


def s_08():
    notes = ASSUMED + "both methods, 0.5 mA/cm2, 1 mAh/cm2, and 1 V as the end of a strip."
    return ({"s-08": plating_cell("Na || Cu in a localised high-concentration electrolyte: CE 99 %", 0.99)},
            {"s-08": plating_protocol("S-08: efficiency of plating by both methods", notes)})


def s_10():
    area_cm2 = 1.13

    def cell(name, notes, curve):
        full = sum(charge for charge, _ in curve)
        potential, left = [[1 + 0.01, 1.0], [1, 2.4]], full
        for charge, volts in curve:
            left = max(left - charge, 0)
            potential.append([rounded(left / full), volts])
        potential.append([-0.01, curve[-1][1] + 0.5])
        return {"like": "nvpf", "title": name, "notes": notes, "nominal_capacity_mAh": rounded(full, 3),
                "active_mass_mg": 1, "area_cm2": area_cm2,
                "positive_electrode": {"capacity_mAh": rounded(full), "potential_V": sorted(potential)},
                "side_reactions": {"lasting_fraction": 0, "early_fraction": [0, 0], "early_reach_mAh": [1, 1]},
                "resistance_ohm": 200, "diffusion_ohm": [50, 100], "hysteresis_V": 0.0005}

    said = ("An inert electrode against sodium. The review shows curves and tells no numbers, so {}. What is oxidised is "
            "modelled as charge that the electrode takes up along a curve: in a sweep the current is the rate times the "
            "slope of charge over potential. ")
    # A carbon-coated collector's double layer, some 4 mF up to 4.3 V, then electrolyte that is oxidised faster and faster.
    pristine = [(2.1e-3, 4.3), (5.6e-4, 4.4), (5.6e-3, 4.6), (4.4e-2, 5.0), (4e-2, 5.3)]
    # The double layer alone.
    modified = [(2.1e-3, 4.3), (1.2e-3, 5.3)]
    course = protocol(
        "S-10: an electrolyte swept to 5 V on an inert electrode",
        ASSUMED + "the rate (1 mV/s), the area (1.13 cm2), the inert electrode, the end at 5 V, and that the onset is where "
        "10 uA/cm2 flow.", "cathode-half-cell", (("1.8 V", "5.1 V"), "1 mA", "1 mAh", "0.01 uAh"),
        [{"rest": "10 min", "label": "wetting"},
         {"sweep": "1 mV/s", "to": "5.0 V", "current_at_most": "1 mA", "label": "sweep"}],
        cell={"area": "1.13 cm2"}, record={"every": "10 s", "read_every": "50 ms"}, window=("2 V", "3 V"))
    return {
        "s-10a": cell("An inert electrode in an electrolyte that is oxidised beyond 4.3 V",
                      said.format("that oxidation begins at 4.3 V is an assumption"), pristine),
        "s-10b": cell("An inert electrode in an electrolyte that is not oxidised up to 5 V",
                      said.format("“negligible” is read as the double layer alone"), modified),
    }, {"s-10": course}


def s_12():
    notes = ASSUMED + "both methods, 0.5 mA/cm2, 1 mAh/cm2, and 1 V as the end of a strip. Published is more than 99.9 %."
    return ({"s-12": plating_cell("Na || Cu in ether: CE 99.92 %", 0.9992)},
            {"s-12": plating_protocol("S-12: efficiency of plating in ether by both methods", notes)})


# --- Without an anode ---------------------------------------------------------------------------------------------

def anode_free(title, notes, upper, cycles, rate, current, charge, cell, until=None, low="1.5 V", above=0.07, to=None):
    plate = {"plate": rate, "until": [f"voltage >= {upper} V", "step_time >= 20 h"]} if to is None else to
    block = {"cycles": "$cycles", "purpose": "life", "label": "life", "steps": [
        plate, {"rest": "1 min"},
        {"strip": rate, "until": ["voltage <= 2.0 V", "step_time >= 20 h"]}, {"rest": "1 min"},
    ]} | ({"until": until} if until else {})
    return protocol(
        title, notes, "anode-free", ((low, f"{rounded(upper + above, 3)} V"), current, charge, "1 uAh"),
        [{"rest": "10 min", "label": "wetting"}, block], cycles, cell, {"every": "60 s", "read_every": "0.2 s"},
        {"retention_reference": "life cycle 1"}, ("-0.2 V", "3.2 V"))


def lasting_for(retention, intervals):
    """Without a reservoir a cycle's loss is one of capacity: (1 - loss) to the power of the intervals is left."""
    return rounded(1 - retention ** (1 / intervals))


def s_13():
    course = anode_free(
        "S-13: Cu || Na2Fe2(CN)6, 100 cycles", ASSUMED + "the rate (C/2), the window of 2.0 to 3.8 V, and that the "
        "first cycle is the reference.", 3.8, 100, "C/2", "1 C", "2 mAh", {"nominal_capacity": "1.2 mAh"})
    cell = {
        "like": "anode-free-nvpf", "title": "Cu || Na2Fe2(CN)6: 76 % after 100 cycles",
        "notes": "Derived from the published retention; the flat curve is a sketch of a hexacyanoferrate's. README.md says "
        "how; the rest is anode-free-nvpf.json's and not the paper's.",
        "active_mass_mg": 8.0, "nominal_capacity_mAh": 1.2,
        "positive_electrode": {"capacity_mAh": 1.2, "potential_V": [
            [-0.05, 4.8], [0, 4.1], [0.02, 3.75], [0.05, 3.5], [0.15, 3.4], [0.5, 3.3], [0.85, 3.18], [0.95, 3.0],
            [1.0, 2.5], [1.01, 1.9], [1.02, 1.0]]},
        "side_reactions": {"lasting_fraction": lasting_for(0.76, 99), "early_fraction": [0, 0]},
    }
    return {"s-13": cell}, {"s-13": course}


def s_14():
    def course(name, upper):
        return anode_free(
            f"S-14{name}: anode-free cylindrical cell to {upper} V",
            "Cut-off as published. " + ASSUMED + "0.4 A, the lower cut-off of 2.0 V, and that a life ends at 80 % of the "
            "first cycle.", upper, 300, "0.4 A", "0.9 A", "2 Ah", {"nominal_capacity": "1.2 Ah"},
            [{"when": "retention < 80 %", "go": "end"}], low="1.2 V")

    cell = {
        "like": "anode-free-cylindrical", "title": "Anode-free cylindrical cell: 260 cycles to 3.8 V, few to 4.0 V",
        "notes": "The lasting loss gives 80 % after 260 cycles at 3.8 V. That 5 % of the charge above 3.85 V oxidise the "
        "electrolyte is assumed: published is only that 4.0 V severely compromise the cell. README.md says more.",
        "side_reactions": {"lasting_fraction": lasting_for(0.80, 259), "early_fraction": [0, 0]},
        "oxidation": {"above_V": 3.85, "fraction": 0.05},
    }
    return {"s-14": cell}, {"s-14a": course("a", 3.8), "s-14b": course("b", 4.0)}


def s_16():
    course = anode_free(
        "S-16: Al || NVPF to 4.25 V", "Upper cut-off as published. " + ASSUMED + "the lower cut-off, C/2, 50 cycles.",
        4.25, 50, "C/2", "1 C", "2.4 mAh", {"nominal_capacity": "1.44 mAh"}, above=0.1)
    cell = {"like": "anode-free-nvpf", "title": "Al || NVPF with a zeolite film", "notes": "No number is published: "
            "anode-free-nvpf.json's cell without its early losses.",
            "side_reactions": {"lasting_fraction": 0.001, "early_fraction": [0, 0]}}
    return {"s-16": cell}, {"s-16": course}


def s_17():
    mass_g = 12e-3
    course = anode_free(
        "S-17: Al || NNCFM between 2 and 4 V, 250 cycles", "Window and cycles as published. " + ASSUMED
        + "the rate (C/2), that 369 Wh/kg are those of the first discharge for the mass of the positive active material, and "
        "that 80 % are left in the end.", 4.0, 250, "C/2", "1 C", "3 mAh",
        {"active_mass": "12 mg", "nominal_capacity": "1.4 mAh"}, above=0.1)

    def cell(capacity):
        return {"like": "anode-free-nncfm", "title": "Al || NNCFM: 369 Wh/kg, 250 cycles",
                "notes": "Derived from the published specific energy and number of cycles. README.md says how; the rest is "
                "anode-free-nncfm.json's and not the paper's.", "nominal_capacity_mAh": 1.4,
                "positive_electrode": {"capacity_mAh": rounded(capacity)},
                "side_reactions": {"lasting_fraction": lasting_for(0.80, 249), "early_fraction": [0, 0]}}

    capacity = bisect(
        lambda trial: simulate(cell(trial), course, 1)["cycles"][0]["discharge_energy_Wh"] / mass_g, 369e0 / 1000, 1.0, 2.0)
    return {"s-17": cell(capacity)}, {"s-17": course}


ROWS = {name: function for name, function in globals().items() if name.startswith("s_")}


def text(content):
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def main():
    wanted = [name.replace("-", "_") for name in sys.argv[1:]] or list(ROWS)
    for name in wanted:
        cells, protocols = ROWS[name]()
        for identifier, content in cells.items():
            (CELLS / f"{identifier}.json").write_text(text(content))
        for identifier, content in protocols.items():
            (PROTOCOLS / f"{identifier}.json").write_text(text(content))
        print(name.replace("_", "-"))


if __name__ == "__main__":
    main()
