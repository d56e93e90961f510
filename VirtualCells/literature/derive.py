#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: NaCycler contributors
"""Derives the virtual cells of this folder from what was published of the real ones, and writes them with the protocols
that cycle them. README.md explains each step. Neither the daemon nor its metrics see a published number: they see the
protocol, and a cell behind a serial line.

    python3 VirtualCells/literature/derive.py          # writes the files
    python3 VirtualCells/literature/derive.py --check  # says which files differ from what would be written
"""

import json
import math
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
CELLS = ROOT / "VirtualCells" / "literature"
PROTOCOLS = ROOT / "Protocols" / "literature"
BASE = json.loads((ROOT / "VirtualCells" / "hard-carbon.json").read_text())

MASS_MG = BASE["active_mass_mg"]
CAPACITY_MAH = BASE["positive_electrode"]["capacity_mAh"]
HYSTERESIS_V = BASE["hysteresis_V"]
LASTING = BASE["side_reactions"]["lasting_fraction"]
FORMATION_CYCLES = 3
FORMATION_A_PER_G = 0.05
LOWER_V, UPPER_V = 0.010, 2.0
# The polarisation at the published current; the papers state none. Its parts: series, fast and slow diffusion.
POLARISATION_V = 0.008
PARTS = (0.25, 0.25, 0.5)

# Table 1 of the review: identifier, what the anode is, A/g, cycles, decay in per cent a cycle.
DECAYS = [
    ("t1-01", "zeolite-film-modified hard carbon", 0.2, 1900, 0.0068),
    ("t1-02", "zeolite-film-modified hard carbon", 0.5, 4000, 0.0015),
    ("t1-03", "zeolite-film-modified hard carbon", 1, 4500, 0.002),
    ("t1-04", "ZnO-etched hard-carbon microspheres, HCM-1300-ZBE", 2, 3000, 0.002),
    ("t1-05", "CMS", 0.1, 300, 0.0372),
    ("t1-06", "expanded biomass hard carbon, CPs", 0.5, 500, 0.02),
    ("t1-07", "BPC-11", 2, 3000, 0.0133),
    ("t1-08", "S-doped hard carbon, S-HC-p", 1, 4000, 0.005),
    ("t1-09", "HCNS in ether", 1, 3000, 0.0094),
    ("t1-10", "defective hard carbon, MV-HC", 0.2, 1100, 0.015),
    ("t1-11", "hard carbon in ether", 1, 2000, 0.005),
    ("t1-12", "hard-carbon paper, HCP", 0.2, 1000, 0.007),
    ("t1-13", "hard carbon in DME with 0.5 % VC", 1, 2000, 0.0022),
    ("t1-14", "hard carbon in 0.5 M NaBPh4/DME", 1, 1500, 0.012),
    ("t1-15", "hard carbon with Al2O3", 1, 2000, 0.00655),
    ("t1-16", "HTCS-1000", 1, 1000, 0.0197),
]


def filling(volts):
    """The sodium fraction at which the base's equilibrium potential is `volts`, on the straight line between knots."""
    knots = BASE["positive_electrode"]["potential_V"]
    for (left, high), (right, low) in zip(knots, knots[1:]):
        if low <= volts <= high:
            return left + (right - left) * (high - volts) / (high - low)
    raise ValueError(volts)


def usable_charge_mah():
    """What one sodiation at the published current moves in the fresh electrode, between the two cut-offs."""
    full = filling(LOWER_V + HYSTERESIS_V + POLARISATION_V)
    empty = filling(UPPER_V - HYSTERESIS_V - POLARISATION_V)
    return (full - empty) * CAPACITY_MAH


def retention(reach_mah, cycles):
    """The reversible capacity of the last of `cycles` life cycles over that of the first, after the formation."""
    left, first = 1.0, None
    for cycle in range(1, FORMATION_CYCLES + cycles + 1):
        left *= math.exp(-left * usable_charge_mah() / (1 - LASTING) / reach_mah)
        if cycle == FORMATION_CYCLES + 1:
            first = left
    return left / first


def reach_for(decay_percent, cycles):
    """The charge over which the electrode fades to 1/e such that the linear decay over cycles - 1 intervals is as
    published; by bisection, as the retention rises with the reach."""
    wanted = 1 - (cycles - 1) * decay_percent / 100
    low, high = 1e-2, 1e9
    for _ in range(200):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if retention(middle, cycles) < wanted else (low, middle)
    return math.sqrt(low * high)


def rounded(value, digits=6):
    return float(f"{value:.{digits}g}")


def cell(identifier, anode, rate, cycles, decay):
    current_a = rate * MASS_MG * 1e-3
    ohms = POLARISATION_V / current_a
    return {
        "like": "hard-carbon",
        "title": f"{anode}: {decay} % a cycle over {cycles} cycles at {rate} A/g",
        "notes": "Derived from the published decay, cycle number and current; README.md says how. Capacity, curve, "
        "first-cycle loss and mass are those of hard-carbon.json and not the paper's.",
        "capacity_reach_mAh": rounded(reach_for(decay, cycles)),
        "resistance_ohm": rounded(PARTS[0] * ohms),
        "diffusion_ohm": [rounded(part * ohms) for part in PARTS[1:]],
    }


def protocol(identifier, anode, rate, cycles, decay):
    hours = math.ceil(2 * CAPACITY_MAH / MASS_MG / rate)
    current = f"{rate} A/g"

    def pair(amperes, limit):
        return [
            {"sodiate": amperes, "until": ["voltage <= 10 mV", f"step_time >= {limit} h"]},
            {"rest": "1 min"},
            {"desodiate": amperes, "until": ["voltage >= 2.0 V", f"step_time >= {limit} h"]},
            {"rest": "1 min"},
        ]

    return {
        "$schema": "../protocol.schema.json",
        "nacycler_protocol": 1,
        "title": f"{identifier.upper()}: {cycles} cycles of {anode} at {current}",
        "notes": "Current and number of cycles as published. Assumed, because the review does not say: the window, the "
        "formation, the rests, the mass, and that the decay counts from the first life cycle on desodiation.",
        "variables": {"cycles": cycles},
        "cell": {
            "role": "anode-half-cell",
            "active_mass": f"{MASS_MG} mg",
            "expect_open_circuit": {"from": "1.2 V", "to": "3.3 V"},
        },
        "limits": {
            "voltage": {"min": "-50 mV", "max": "2.3 V", "for": "2 s"},
            "charge_current": {"max": f"{rounded(max(rate, FORMATION_A_PER_G) * 1.2)} A/g", "for": "1 s"},
            "discharge_current": {"max": f"{rounded(max(rate, FORMATION_A_PER_G) * 1.2)} A/g", "for": "1 s"},
            "half_cycle_charge": {"max": "450 mAh/g"},
            "empty_half_cycle": {"below": "5 mAh/g", "in_a_row": 3},
        },
        "record": {"every": "60 s", "read_every": "1 s"},
        "metrics": {"sodiation_plateau_below": "100 mV", "retention_reference": "life cycle 1"},
        "on_interruption": {"resume_within": "30 min", "otherwise": "hold"},
        "steps": [
            {"rest": "10 min", "label": "wetting"},
            {
                "cycles": FORMATION_CYCLES,
                "purpose": "formation",
                "label": "formation",
                "steps": pair(f"{FORMATION_A_PER_G} A/g", 20),
            },
            {"cycles": "$cycles", "purpose": "life", "label": "life", "steps": pair(current, hours)},
        ],
    }


def files():
    for row in DECAYS:
        yield CELLS / f"{row[0]}.json", cell(*row)
        yield PROTOCOLS / f"{row[0]}.json", protocol(*row)


def main():
    check = "--check" in sys.argv[1:]
    differing = []
    for path, content in files():
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        if check:
            if not path.exists() or path.read_text() != text:
                differing.append(str(path.relative_to(ROOT)))
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    for path in differing:
        print(f"{path} is not what is derived")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
