"""Household electronics. Lengths are in decimetres; screens, dials and lenses face +z."""

import numpy as np

from ndslib.sim.catalogue._common import Parts, disc, each, upright
from ndslib.sim.mesh import Mesh
from ndslib.sim.genes import Genes
from ndslib.sim.solids import (
    Solid,
    around,
    assemble,
    ball,
    bar,
    both,
    box,
    cylinder,
    extrude,
    lathe,
    smooth,
    torus,
    tube,
)

CASES = ("plastic_black", "plastic_white", "plastic_grey", "aluminium")
BRIGHT = ("plastic_red", "plastic_blue", "plastic_yellow", "plastic_green", "plastic_pink", "plastic_orange", "plastic_purple")


def computer_monitor(genes: Genes) -> Mesh:
    wide = genes.uniform(4.2, 6.0)
    tall = wide * genes.uniform(0.52, 0.72)
    thick = genes.uniform(0.25, 0.55)
    rim = genes.uniform(0.12, 0.3)
    chin = genes.uniform(0.0, 0.5)
    neck = genes.uniform(0.8, 1.6)
    tilt = genes.uniform(-10, 2)
    case = genes.choice(CASES)
    foot = genes.choice(("round", "plate", "legs"))
    dial, tube_back = genes.chance(0.5), genes.chance(0.25)
    middle = neck + tall / 2
    panel = [box(wide, tall + chin, thick, 0.2 * thick).at(0, -chin / 2)]
    if tube_back:
        panel.append(box(0.85 * wide, 0.85 * tall, 1.8).taper("z", 0.55, 1.0).at(0, 0, -0.9 - 0.3 * thick))
    head = {
        "case": (case, panel),
        "screen": ("screen", box(wide - 2 * rim, tall - 2 * rim, 0.1).at(0, 0, thick / 2)),
        "button": ("lamp_glow", [box(0.12, 0.07, 0.1).at(0.42 * wide - 0.25 * n, -tall / 2 - 0.25 * chin + 0.06, thick / 2) for n in range(3)]),
    }
    base = {"round": cylinder(0.26 * wide, 0.14, segments=28).scale(1, 1, 0.75).at(0, 0.07),
            "plate": box(0.42 * wide, 0.14, 1.6, 0.03).at(0, 0.07),
            "legs": extrude([(-0.32 * wide, 0), (0, 0.5), (0.32 * wide, 0), (0.26 * wide, 0), (0, 0.3), (-0.26 * wide, 0)], 0.3).turn("x", 90).at(0, 0.15, 0.9)}
    parts = each(head, lambda solid: solid.turn("x", tilt).at(0, middle + 0.1, 0.1))
    parts["neck"] = (case, box(0.5, neck + 0.5 * tall, 0.25, 0.05).at(0, (neck + 0.5 * tall) / 2, -0.35 * thick - 0.15))
    parts["base"] = (case, base[foot])
    return assemble(parts)


CLASSES = {make.__name__: make for make in (computer_monitor,)}
