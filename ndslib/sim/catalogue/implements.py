"""Cutting, digging, drilling and painting tools. Lengths are in decimetres; their faces look towards +z."""

import numpy as np

from ndslib.sim.catalogue._bodies import tower, wheel
from ndslib.sim.catalogue._common import disc, upright
from ndslib.sim.genes import Genes
from ndslib.sim.mesh import Mesh
from ndslib.sim.solids import (
    Solid,
    assemble,
    ball,
    bar,
    both,
    box,
    extrude,
    lathe,
    smooth,
    torus,
    tube,
)

PLASTICS = ("plastic_red", "plastic_yellow", "plastic_blue", "plastic_orange", "plastic_green", "plastic_black")


def shovel(genes: Genes) -> Mesh:
    length = genes.uniform(4.2, 6.5)
    wide = genes.uniform(1.1, 1.5)
    tall = genes.uniform(2.3, 3.0)
    radius = genes.uniform(0.14, 0.19)
    shape = genes.choice(("pointed", "pointed", "square", "round"))
    dish = genes.uniform(0.12, 0.3)
    wood = genes.choice(("oak", "pine", "birch", "plastic_yellow", "paint_red"))
    metal = genes.choice(("steel", "iron", "paint_green", "paint_red", "rusty_iron"))
    top = genes.choice(("d", "d", "t", "plain"))
    treads, socket = genes.chance(0.5), genes.uniform(0.8, 1.4)
    lower = {"pointed": [(-0.85, 0.35), (-0.5, 0.12), (0, 0), (0.5, 0.12), (0.85, 0.35)],
             "square": [(-0.95, 0.02), (-0.5, 0), (0, 0), (0.5, 0), (0.95, 0.02)],
             "round": [(-0.95, 0.3), (-0.6, 0.07), (0, 0), (0.6, 0.07), (0.95, 0.3)]}[shape]  # fmt: skip
    outline = np.array([*lower, (1, 0.8), (0.85, 0.96), (0.4, 1), (0, 1), (-0.4, 1), (-0.85, 0.96), (-1, 0.8)])
    blade = extrude(outline * [wide, tall], 0.09).bend("x", "z", dish).bend("y", "z", 0.02)
    end = tall + length
    loop = upright(smooth([(0, 0), (0.5, 0.3), (0.48, 0.85), (-0.48, 0.85), (-0.5, 0.3), (0, 0)], 3)[:-1])
    handle = {"d": tube(loop, 0.13, 8, closed=True), "t": bar((-0.65, 0.1, 0), (0.65, 0.1, 0), 0.2),
              "plain": ball(1.25 * radius, segments=12)}[top]  # fmt: skip
    parts = {
        "blade": (metal, blade),
        "socket": (
            metal,
            lathe([(1.0 * radius, -0.9), (1.6 * radius, 0), (1.25 * radius, socket)], 12).at(0, tall, 0.1),
        ),
        "shaft": (wood, bar((0, tall, 0.1), (0, end, 0.1), radius)),
        "handle": (genes.choice((wood, "plastic_black")), handle.at(0, end - 0.05, 0.1)),
    }
    if treads:
        parts["tread"] = (metal, both(box(0.6 * wide, 0.12, 0.32).at(0.62 * wide, tall - 0.03, 0.12)))
    return assemble(parts)


def scissors(genes: Genes) -> Mesh:
    length = genes.uniform(1.2, 1.9)
    wide = genes.uniform(0.13, 0.2)
    spread = genes.uniform(9, 24)
    bow = genes.uniform(0.27, 0.36)
    oval = genes.uniform(1.0, 1.5)
    thick = genes.uniform(0.07, 0.1)
    drop = genes.uniform(0.75, 1.05)
    handle = genes.choice((*PLASTICS, "chrome"))
    metal = genes.choice(("aluminium", "steel", "brushed_steel"))
    blunt, second = genes.uniform(0.1, 0.5), genes.uniform(0.9, 1.3)
    tip = (0.3 + 0.5 * blunt) * wide
    blade = extrude([(0.12, -0.15), (-wide, -0.15), (-wide, 0.5 * length), (-tip, length), (0.02, length)], 0.06)
    shank = extrude([(-0.13, 0.1), (0.13, 0.1), (0.42, -drop - 0.12), (0.16, -drop - 0.12)], 0.065)
    levers = []
    for size in (1.0, second):  # a lever's blade lies across from its ring
        ring = torus(bow, thick, 24, 8).turn("x", 90).scale(size, size * oval, 0.9)
        lever = (blade.at(z=0.035), shank.at(z=0.035), ring.at(0.16 + bow * size, -drop - bow * oval * size))
        levers.append([solid.turn("z", spread / 2) for solid in lever])
    first, other = levers
    pairs = [[solid, twin.turn("y", 180)] for solid, twin in zip(first, other, strict=True)]
    return assemble({
        "blade": (metal, pairs[0]),
        "shank": (metal, pairs[1]),
        "handle": (handle, pairs[2]),
        "screw": ("brass", disc(0.09, 0.24, 12)),
    })  # fmt: skip


def drill(genes: Genes) -> Mesh:
    length = genes.uniform(1.3, 1.7)
    radius = genes.uniform(0.36, 0.46)
    rake = genes.uniform(4, 16)
    grip = genes.uniform(1.2, 1.5)
    paint = genes.choice(PLASTICS[:5])
    trim = genes.choice(("plastic_black", "rubber_grey"))
    battery = genes.chance(0.65)
    bit = genes.uniform(0.6, 1.2)
    pack, vents = genes.uniform(0.35, 0.5), genes.integer(3, 5)
    side_handle = genes.chance(0.3)
    barrel = lathe([(0.55, -0.75), (1, -0.6), (1, 0.3), (0.75, 0.5)], 20).scale(radius, length, radius)
    cap = lathe([(0.4, -0.86), (0.9, -0.76), (0.9, -0.64)], 20).scale(radius, length, radius)
    handle = box(0.62, grip, 0.5, 0.11).turn("z", -rake).at(-0.3, -0.5 * grip - 0.15)
    x, y = -0.3 - np.sin(np.radians(rake)) * grip / 2, -grip - 0.12  # of the handle's foot
    chuck = lathe([(0.3, 0), (0.34, 0.15), (0.34, 0.42), (0.16, 0.62)], 12).turn("z", -90).at(0.48 * length)
    slot = box(0.07, 0.3 * radius, 2.04 * radius)
    end = 0.48 * length + 0.6
    parts = {
        "body": (paint, [barrel.turn("z", -90), handle]),
        "rear cap": (trim, cap.turn("z", -90)),
        "chuck": ("plastic_black", chuck),
        "bit": ("steel", [bar((end - 0.1, 0, 0), (end + bit, 0, 0), 0.06, sides=8), *_flutes(end, bit)]),
        "trigger": (genes.choice(("plastic_red", "plastic_black")), box(0.2, 0.4, 0.24, 0.04).at(0.08, -radius - 0.2)),
        "vent": ("plastic_black", [slot.at(x) for x in np.linspace(-0.55, -0.2, vents)]),
    }
    if battery:
        parts["battery"] = (trim, box(1.15, pack, 0.75, 0.09).at(x + 0.12, y))
    else:
        cord = smooth([(x, y, 0), (x - 0.1, y - 0.5, 0), (x - 0.6, y - 0.7, 0), (x - 1.1, y - 0.5, 0)], 4)
        parts["cord"] = ("rubber_black", tube(cord, 0.07, 8))
    if side_handle:
        collar, rod = torus(0.32, 0.08, 16, 6).turn("z", 90), bar((0, 0, 0), (0, 0, 1.2), 0.14)
        parts["side handle"] = (trim, [solid.at(0.42 * length) for solid in (collar, rod)])
    return assemble(parts)


def _flutes(start: float, length: float) -> list[Solid]:
    """The two ridges that wind around a twist drill along x."""
    turn = np.linspace(0, 5 * np.pi, 25)
    ridge = np.c_[start + np.linspace(0.15, 1, 25) * length, 0.055 * np.cos(turn), 0.055 * np.sin(turn)]
    flute = tube(ridge, 0.035, 5)
    return [flute, flute.turn("x", 180)]


def paintbrush(genes: Genes) -> Mesh:
    flat = genes.chance(0.6)
    wide = genes.uniform(0.35, 0.6) if flat else genes.uniform(0.14, 0.22)
    thick = 0.16 if flat else wide
    hair = genes.uniform(0.7, 1.1)
    length = genes.uniform(1.6, 2.6)
    colour = genes.choice(("paint_red", "paint_blue", "paint_yellow", "paint_green", "paint_purple"))
    bristle = genes.choice(("fur_black", "fur_brown", "straw", "fur_white"))
    handle = genes.choice(("oak", "pine", "paint_red", "paint_black", "paint_blue", "paint_yellow"))
    ferrule = genes.choice(("aluminium", "brass", "copper", "chrome"))
    dip, splay, hole = genes.uniform(0.25, 0.6), genes.uniform(0.95, 1.25), genes.chance(0.5)
    power = 5.0 if flat else 2.0
    tip = 0.75 if flat else 0.12
    profile = smooth([(0.35, -1), (0.5, -0.9), (0.32, -0.55), (0.9, -0.12), (0.95, 0)], 4) * [1, length]
    hairs, cut = np.array([(1, 0), (splay, 0.55), (tip, 1)]), 1 - dip
    edge = np.interp(cut, hairs[:, 1], hairs[:, 0])
    level = np.array([(edge, cut), (splay, max(0.55, cut + 0.02)), (tip, 1.03)]) * [1.05, hair]
    squeeze = (wide, 1, thick)
    parts = {
        "handle": (handle, lathe(profile, 20, power).scale(*squeeze)),
        "ferrule": (ferrule, lathe([(1, -0.08), (1.06, 0.0), (1.06, 0.42), (1.02, 0.5)], 20, power).scale(*squeeze)),
        "band": (ferrule, lathe([(1.1, 0.1), (1.1, 0.16)], 20, power).scale(*squeeze)),
        "bristles": (bristle, lathe(hairs * [1, hair], 20, power).scale(*squeeze).at(0, 0.48)),
        "paint": (colour, lathe(level, 20, power).scale(*squeeze).at(0, 0.48)),
    }
    if hole:
        parts["hole"] = ("paint_black", disc(0.07, 1.1 * thick, 10).at(0, -0.92 * length))
    return assemble(parts)


def wheelbarrow(genes: Genes) -> Mesh:
    half = genes.uniform(2.6, 3.3)
    wide = genes.uniform(2.4, 3.0)
    deep = genes.uniform(1.6, 2.4)
    radius = genes.uniform(1.5, 2.0)
    slope = genes.uniform(0.55, 0.75)
    tray = genes.choice(("paint_green", "paint_red", "paint_blue", "paint_yellow", "aluminium", "oak"))
    frame = genes.choice(("oak", "steel", "paint_black", "paint_grey"))
    rim = genes.choice(("paint_red", "paint_yellow", "aluminium"))
    grip = genes.choice(("rubber_black", "plastic_red", "plastic_green"))
    load = genes.choice(("none", "soil", "gravel", "straw", "grass"))
    low, front = 1.5 * radius, half + 0.45 * radius
    pan = tower([(low, slope * wide, -0.55 * half, 0.5 * half), (low + deep, wide, -half, 1.1 * half),
                 (low + deep, wide - 0.15, 0.15 - half, 1.1 * half - 0.15),
                 (low + 0.2, slope * wide - 0.1, 0.1 - 0.55 * half, 0.5 * half - 0.1)], 8)  # fmt: skip
    tyre, hub = (solid.at(0, radius, front) for solid in wheel(radius, 0.8))
    end = np.array([wide, low + 0.35 * deep, -half - 3.2])
    beam = [(0.5, radius, front + 0.1), (0.75 * wide, low - 0.15, -0.3 * half), end]
    leg = [(0.72, low, -0.35), (0.75, 0.1, -0.6), (0.75, 0.1, -0.8), (0.78, low, -0.9)]
    parts = {
        "tray": (tray, pan),
        "frame": (frame, [*both(tube(beam, 0.2, 8)), bar((-0.8, radius, front), (0.8, radius, front), 0.15, sides=8)]),
        "grip": (grip, both(bar(end + np.array([-0.02, -0.05, 1.1]), end, 0.3, sides=10))),
        "leg": (frame, both(tube(np.array(leg) * [wide, 1, half], 0.17, 8))),
        "tyre": ("rubber_black", tyre),
        "rim": (rim, hub),
    }
    if load != "none":
        heap = tower([(0.2, 0.7, -0.5, 0.45), (0.88, 0.9, -0.9, 1), (1.3, 0.5, -0.4, 0.5), (1.45, 0.1, -0.1, 0.2)], 3)
        parts["load"] = (load, heap.scale(wide, deep, half).at(0, low))
    return assemble(parts)


CLASSES = {make.__name__: make for make in (shovel, scissors, drill, paintbrush, wheelbarrow)}
