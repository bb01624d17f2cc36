"""Hand tools, upright with their handle down and their face towards +z. Lengths are in decimetres."""

import numpy as np

from ndslib.sim.catalogue._common import Parts, disc, each, upright
from ndslib.sim.genes import Genes
from ndslib.sim.mesh import Mesh
from ndslib.sim.solids import Solid, assemble, ball, bar, both, box, cylinder, extrude, lathe, loft, smooth, torus, tube

WOODS = ("oak", "pine", "birch", "walnut", "cherry_wood")
PLASTICS = ("plastic_red", "plastic_yellow", "plastic_blue", "plastic_orange", "plastic_green", "plastic_black")


def _shaft(length: float, radius: float, swell: float, flat: float = 1.0) -> Solid:
    """A wooden handle hanging from the origin, thicker by the share `swell` near its end."""
    points = [(0.8, -1), (1 + swell, -0.96), (1 + 0.7 * swell, -0.75), (0.85, -0.35), (1, 0)]
    return lathe(smooth(points, 3) * [radius, length], 12).scale(1, 1, flat)


def _grip(length: float, radius: float, ridges: int) -> Solid:
    """A moulded handle hanging from the origin, waisted below its collar."""
    waist = smooth([(0.75, -1), (1, -0.9), (0.95, -0.4), (0.7, -0.16), (0.9, -0.05), (0.8, 0)], 4)
    return lathe(waist * [radius, length], 2 * ridges, power=2.6)


def hammer(genes: Genes) -> Mesh:
    length = genes.uniform(2.2, 3.2)
    radius = genes.uniform(0.13, 0.18)
    style = genes.choice(("claw", "claw", "ball", "mallet", "sledge"))
    size = genes.uniform(0.85, 1.15)
    swell = genes.uniform(0.1, 0.45)
    steel = genes.choice(("steel", "iron", "brushed_steel"))
    handle = genes.choice((*WOODS, "plastic_red", "plastic_yellow", "rubber_black"))
    grip, flat = genes.chance(0.5), genes.uniform(0.75, 1.0)
    head = each(_HAMMER_HEADS[style](steel), lambda solid: solid.scale(size, size, size))
    parts = {"handle": (handle, _shaft(length, radius, swell, flat).at(0, 0.2))} | head
    if grip:
        cover = _grip(0.4 * length, (1.3 + 0.8 * swell) * radius, 6)
        parts["grip"] = ("rubber_black", cover.at(0, 0.22 - 0.62 * length))
    return assemble(parts)


def _face(radius: float, start: float, end: float) -> Solid:
    """The striking end of a hammer along x."""
    neck, lip = 0.8 * radius, end - 0.03
    profile = [(neck, start), (neck, end - 0.2), (radius, end - 0.15), (radius, lip), (0.9 * radius, end)]
    return lathe(profile, 16).turn("z", -90)


def _claw_head(steel: str) -> Parts:
    path = smooth([(0.1, 0, 0), (-0.4, 0.06, 0), (-0.85, -0.06, 0), (-1.15, -0.38, 0)], 4)
    prong = tube(path, np.linspace(0.2, 0.05, len(path)), 8).scale(1, 1, 0.5)
    claw = [prong.turn("y", 7).at(z=0.1), prong.turn("y", -7).at(z=-0.1)]
    return {"head": (steel, box(0.5, 0.42, 0.42, 0.09)), "face": (steel, _face(0.26, 0.2, 0.85)), "claw": (steel, claw)}


def _ball_head(steel: str) -> Parts:
    return {"head": (steel, [box(0.5, 0.36, 0.36, 0.08), bar((-0.45, 0, 0), (0, 0, 0), 0.15)]),
            "face": (steel, _face(0.25, 0.2, 0.8)), "peen": (steel, ball(0.24, segments=14).at(-0.58))}  # fmt: skip


def _mallet_head(steel: str) -> Parts:
    block = lathe([(0.42, -0.85), (0.46, -0.75), (0.46, 0.75), (0.42, 0.85)], 20).turn("z", 90)
    rings = [cylinder(0.475, 0.1, segments=20).turn("z", 90).at(x) for x in (-0.6, 0.6)]
    return {"head": ("oak", block), "ring": (steel, rings)}


def _sledge_head(steel: str) -> Parts:
    octagon = lathe([(0.3, -0.85), (0.38, -0.75), (0.38, 0.75), (0.3, 0.85)], 8).turn("y", 22.5).turn("z", 90)
    return {"head": (steel, octagon), "collar": (steel, box(0.5, 0.82, 0.8, 0.08))}


_HAMMER_HEADS = {"claw": _claw_head, "ball": _ball_head, "mallet": _mallet_head, "sledge": _sledge_head}


def screwdriver(genes: Genes) -> Mesh:
    shank = genes.uniform(0.9, 2.0)
    thick = genes.uniform(0.06, 0.1)
    length = genes.uniform(1.0, 1.4)
    radius = genes.uniform(0.2, 0.28)
    ridges = genes.integer(4, 7)
    plastic = genes.choice(PLASTICS)
    trim = genes.choice(("plastic_black", "plastic_yellow", "rubber_grey", "plastic_red"))
    cross, bolster, bands = genes.chance(0.5), genes.chance(0.5), genes.integer(1, 3)
    blade = box(2.6 * thick, 0.5, 0.7 * thick).taper("y", 1.0, 0.55).at(0, shank)
    if cross:
        blade = lathe([(1.1 * thick, -0.25), (0.02, 0.25)], 4).at(0, shank)
    rings = [cylinder(1.05 * radius, 0.06, segments=16).at(0, -length * (0.92 - 0.1 * n)) for n in range(bands)]
    parts = {
        "handle": (plastic, _grip(length, radius, ridges)),
        "band": (trim, rings),
        "cap": (trim, ball(0.8 * radius, 0.4 * radius, 0.8 * radius, 14).at(0, -length)),
        "collar": (trim, lathe([(0.85 * radius, -0.06), (0.6 * radius, 0.1), (1.3 * thick, 0.16)], 14)),
        "shank": ("chrome", bar((0, -0.1, 0), (0, shank, 0), thick)),
        "tip": ("steel", blade),
    }
    if bolster:
        parts["bolster"] = ("chrome", cylinder(1.9 * thick, 0.22, segments=6).at(0, 0.2))
    return assemble(parts)


def wrench(genes: Genes) -> Mesh:
    """A spanner: open at the top; a ring, an opening or a hole for hanging at the bottom."""
    length = genes.uniform(1.8, 2.8)
    size = genes.uniform(0.32, 0.46)
    wide = genes.uniform(0.13, 0.19)
    thick = genes.uniform(0.12, 0.18)
    tilt = genes.uniform(-22, 22)
    jaw = genes.uniform(0.42, 0.55) * size
    other = genes.choice(("ring", "open", "hang"))
    metal = genes.choice(("aluminium", "steel", "brushed_steel", "iron"))
    label = genes.choice(("paint_red", "paint_blue", "paint_black"))
    grip = genes.chance(0.3)
    small = genes.uniform(0.72, 0.95)
    lower = {"ring": torus(0.75 * size, 0.27 * size, 24, 8).turn("x", 90).scale(small, small, 0.55),
             "open": _open_jaw(size, jaw, thick).turn("z", 180 + tilt).scale(small, small, 0.95),
             "hang": torus(0.5 * size, 0.2 * size, 20, 8).turn("x", 90).scale(1, 1, 0.7)}[other]  # fmt: skip
    top, reach = 0.35 * size, length - (0.6 * size if other == "ring" else 0.4 * size)
    parts = {
        "jaw": (metal, _open_jaw(size, jaw, thick).turn("z", tilt)),
        "shank": (metal, box(2 * wide, reach - top, 0.75 * thick, 0.1 * thick).at(0, -(reach + top) / 2)),
        "lower end": (metal, lower.at(0, -length)),
        "label": (label, box(0.9 * wide, 0.45 * length, 0.84 * thick).at(0, -0.5 * length)),
    }
    if grip:
        parts["grip"] = ("rubber_black", box(2.5 * wide, 0.4 * length, 1.2 * thick, 0.2 * thick).at(0, -0.68 * length))
    return assemble(parts)


def _open_jaw(size: float, jaw: float, thick: float) -> Solid:
    """A disc with a slot from its top, `jaw` half wide."""
    start = np.arcsin(jaw / size)
    angle = np.linspace(np.pi / 2 + start, 2.5 * np.pi - start, 21)
    rim = size * np.c_[np.cos(angle), 1.1 * np.sin(angle)]
    slot = [(jaw, -0.1 * size), (0.5 * jaw, -0.35 * size), (-0.5 * jaw, -0.35 * size), (-jaw, -0.1 * size)]
    return extrude([*rim, *slot], thick)


def saw(genes: Genes) -> Mesh:
    length = genes.uniform(3.2, 4.6)
    heel = genes.uniform(0.95, 1.25)
    toe = genes.uniform(0.35, 0.6)
    teeth = genes.integer(14, 22)
    bite = genes.uniform(0.1, 0.17)
    handle = genes.choice((*WOODS, "plastic_orange", "plastic_red", "plastic_yellow"))
    screws = genes.integer(2, 3)
    back, metal = genes.chance(0.35), genes.choice(("aluminium", "steel", "tin"))
    drop = genes.uniform(0.0, 0.2)
    line = np.linspace(0, length, 2 * teeth + 1)
    edge = np.c_[line, -np.where(np.arange(len(line)) % 2, bite, 0.0)]
    blade = extrude([*edge, (length, toe), (0.55 * length, 0.9 * heel if not back else heel - drop), (0, heel)], 0.06)
    ring = [(-0.05, 0.95), (-0.5, 1.05), (-0.95, 0.75), (-0.85, 0.1), (-0.5, -0.18), (-0.1, 0.05), (-0.2, 0.5)]
    loop = tube(upright(smooth(ring, 4) * [1, heel]), 0.17, 8, closed=True)
    rivet = disc(0.07, 0.36, 10)
    parts = {
        "blade": (metal, blade),
        "handle": (handle, [loop, box(0.55, 0.75 * heel, 0.26, 0.06).at(0.02, 0.48 * heel)]),
        "screw": ("brass", [rivet.at(0.1, y * heel) for y in np.linspace(0.25, 0.72, screws)]),
    }
    if back:
        spine = bar((0, heel, 0), (length, toe, 0), 0.09, sides=6)
        parts["back"] = ("brass", spine)
    return assemble(each(parts, lambda solid: solid.turn("z", 35)))


def axe(genes: Genes) -> Mesh:
    length = genes.uniform(2.8, 4.2)
    radius = genes.uniform(0.15, 0.2)
    edge = genes.uniform(0.6, 0.95)
    reach = genes.uniform(0.9, 1.25)
    beard = genes.uniform(0.0, 0.5)
    poll = genes.uniform(0.25, 0.45)
    double, grip = genes.chance(0.25), genes.chance(0.35)
    handle = genes.choice((*WOODS, "plastic_yellow", "plastic_orange"))
    paint = genes.choice(("iron", "paint_red", "cast_iron", "rusty_iron", "paint_black"))
    swell = genes.uniform(0.15, 0.5)
    curve = genes.uniform(0.1, 0.3)
    bit = _blade([(0.1, -0.34, 0.34, 0.24), (0.55 * reach, -0.4 - 0.3 * beard, 0.42, 0.15),
                  (0.85 * reach, -0.8 * edge - 0.8 * beard, 0.8 * edge, 0.08)])  # fmt: skip
    steel = _blade([(0.84 * reach, -0.8 * edge - 0.8 * beard, 0.8 * edge, 0.07), (reach, -edge - beard, edge, 0.012)])
    back = box(poll + 0.25, 0.6, 0.46, 0.06).at(-poll / 2)
    sides = 2 if double else 1
    parts = {
        "handle": (handle, _shaft(length, radius, swell, 0.75).at(0, 0.45)),
        "head": (paint, [*both(bit.bend("y", "x", -curve))[:sides], box(0.5, 0.62, 0.48, 0.06) if double else back]),
        "edge": ("aluminium", both(steel.bend("y", "x", -curve))[:sides]),
        "wedge": ("steel", box(0.06, 0.1, 0.2).at(0, 0.46)),
    }
    if grip:
        cover = _grip(0.3 * length, (1.3 + 0.8 * swell) * radius, 6)
        parts["grip"] = ("rubber_black", cover.at(0, 0.47 - 0.72 * length))
    return assemble(parts)


def _blade(stations: list[tuple[float, float, float, float]]) -> Solid:
    """A wedge along x through (x, lowest y, highest y, half thickness), fine enough in y to be bent."""
    up, down = np.linspace(0, 1, 7), np.linspace(1, 0, 7)
    rings = []
    for x, low, high, half in stations:
        ring = np.full((14, 3), x)
        ring[:, 1] = low + (high - low) * np.concatenate([up, down])
        ring[:, 2] = np.repeat([-half, half], 7)
        rings.append(ring)
    return loft(rings)


def pliers(genes: Genes) -> Mesh:
    length = genes.uniform(1.2, 1.7)
    jaw = genes.uniform(0.5, 1.0)
    wide = genes.uniform(0.2, 0.28)
    tip = genes.uniform(0.05, 0.16)
    spread = genes.uniform(7, 18)
    bulge = genes.uniform(0.14, 0.28)
    grip = genes.choice(PLASTICS)
    metal = genes.choice(("steel", "chrome", "iron"))
    thick = genes.uniform(0.075, 0.1)
    teeth, guard = genes.integer(4, 7), genes.chance(0.5)
    handle = smooth([(0.02, -0.1), (0.1 + bulge, -0.3 * length), (0.12 + bulge, -0.65 * length), (0.2, -length)], 4)
    snout = extrude([(0.015, -0.1), (wide, -0.05), (0.85 * wide, 0.35 * jaw), (tip, jaw), (0.015, jaw)], 0.2)
    ridge = box(0.07, 0.3 * jaw / teeth, 0.16)
    halves = {
        "jaw": (metal, [snout]),
        "tooth": (metal, [ridge.at(0.04, y) for y in np.linspace(0.4, 0.9, teeth) * jaw]),
        "arm": (metal, [tube(upright(handle), thick, 8)]),
        "handle": (grip, [tube(upright(handle[4:]), 1.5 * thick, 8)]),
    }
    if guard:
        halves["handle"][1].append(ball(1.9 * thick, segments=10).at(*handle[4]))
    right = each(halves, lambda solid: solid.turn("z", -spread / 4))
    parts = {name: (material, [side for solid in solids for side in both(solid)])
             for name, (material, solids) in right.items()}  # fmt: skip
    parts["joint"] = (metal, disc(1.15 * wide, 0.26, 20))
    parts["rivet"] = ("brass", disc(0.09, 0.34, 12))
    return assemble(parts)


CLASSES = {make.__name__: make for make in (hammer, screwdriver, wrench, saw, axe, pliers)}
