"""Musical instruments, sports gear, games and toys."""

import numpy as np

from ndslib.sim.catalogue._organic import limb
from ndslib.sim.mesh import Mesh
from ndslib.sim.solids import (
    Genes, Solid, around, assemble, ball, bar, both, box, circle, cylinder, dome, extrude, lathe, smooth, torus, tube,
)  # fmt: skip

_WOODS = ("oak", "walnut", "cherry_wood", "mahogany", "ebony", "pine")
_COLOURS = ("paint_red", "paint_blue", "paint_green", "paint_yellow", "paint_purple", "paint_orange", "paint_black")


def _posed(parts: dict[str, tuple[str, list[Solid]]], roll: float, lean: float = 0.0) -> Mesh:
    """All parts turned by `roll` degrees about z and then leant back by `lean`."""
    return assemble({
        name: (material, [solid.turn("z", roll).turn("x", -lean) for solid in solids])
        for name, (material, solids) in parts.items()
    })  # fmt: skip


def _sound_box(halves: list[tuple[float, float]], depth: float) -> Solid:
    """A plate, symmetric about y, whose right outline is the smooth curve through (x, y) points."""
    right = smooth(halves, 4)
    left = right[::-1] * [-1, 1]
    return extrude(np.concatenate([right, left[left[:, 0] < -1e-6]]), depth)


def _strings(xs: np.ndarray, low: float, high: float, level: float) -> list[Solid]:
    return [bar((x, low, level), (0.6 * x, high, level), 0.006, sides=4) for x in xs]


def guitar(genes: Genes) -> Mesh:
    """Acoustic with a sound hole, or electric with horns and pick-ups."""
    electric, wood = genes.chance(0.4), genes.choice(_WOODS)
    hip, waist, shoulder = genes.uniform(0.42, 0.5), genes.uniform(0.24, 0.3), genes.uniform(0.32, 0.4)
    depth, length = genes.uniform(0.16, 0.24), genes.uniform(0.75, 0.95)
    curve = [(0, -0.52), (0.8 * hip, -0.45), (hip, -0.15), (waist, 0.17), (shoulder, 0.4), (0.7 * shoulder, 0.56), (0, 0.58)]
    if electric:
        depth, wood = 0.09, genes.choice(("metallic_red", "metallic_blue", "paint_black", "paint_cream", "metallic_green"))
        curve[3:] = [(0.8 * waist, 0.15), (shoulder, 0.5), (0.8 * shoulder, 0.62), (0.35 * shoulder, 0.4), (0, 0.4)]
    body, front = _sound_box(curve, depth), depth / 2
    top = 0.5 + length
    neck = box(0.12, length + 0.2, 0.06, 0.02).at(0, 0.45 + length / 2, front - 0.005)
    frets = [box(0.125, 0.012, 0.02).at(0, 0.45 + length * (1 - 0.92**k), front + 0.022) for k in range(3, 15, 2)]
    head = extrude([(-0.07, 0), (0.07, 0), (0.11, 0.24), (0, 0.28), (-0.11, 0.24)], 0.05).at(0, top, front - 0.01)
    pegs = [bar((0.08, top + y, front), (0.16, top + y + 0.01, front), 0.022, sides=6) for y in (0.06, 0.13, 0.2)]
    parts = {
        "body": (wood, [body]), "neck": (genes.choice(("mahogany", "walnut")), [neck]), "fret": ("brass", frets),
        "headstock": ("ebony", [head]), "peg": ("chrome", [side for peg in pegs for side in both(peg)]),
        "bridge": ("ebony", [box(0.26, 0.045, 0.05).at(0, -0.24, front + 0.01)]),
        "string": ("steel", _strings(np.linspace(-0.045, 0.045, 4), -0.24, top, front + 0.045)),
    }  # fmt: skip
    pickups = [box(0.2, 0.07, 0.03).at(0, y, front + 0.01) for y in (-0.1, 0.1, 0.26)]
    hole = [cylinder(0.12, 0.02).turn("x", 90).at(0, 0.17, front + 0.002)]
    parts |= {"pick-up": ("plastic_black", pickups)} if electric else {"sound hole": ("plastic_black", hole)}
    return _posed(parts, genes.uniform(-35, 15), genes.uniform(0, 15))


def violin(genes: Genes) -> Mesh:
    """With its bow beside it."""
    wood, depth, length = genes.choice(("cherry_wood", "mahogany", "oak", "ebony")), genes.uniform(0.1, 0.15), genes.uniform(0.5, 0.62)
    hip, waist, shoulder = genes.uniform(0.3, 0.34), genes.uniform(0.16, 0.2), genes.uniform(0.24, 0.28)
    curve = [(0, -0.5), (0.75 * hip, -0.45), (hip, -0.25), (0.85 * hip, -0.1), (waist, 0.02), (0.9 * shoulder, 0.17),
             (shoulder, 0.28), (0.65 * shoulder, 0.42), (0, 0.46)]  # fmt: skip
    front, top = depth / 2, 0.42 + length
    turn = np.linspace(0, 3.2 * np.pi, 18)
    scroll = tube(np.c_[0 * turn, top + 0.07 + (0.075 - 0.006 * turn) * np.sin(turn), front - (0.075 - 0.006 * turn) * np.cos(turn)], 0.028, 7)
    board = box(0.07, length + 0.35, 0.04).taper("y", 1.3, 0.9).at(0, 0.25 + length / 2, front + 0.035)
    hole = tube(smooth([(0.17, -0.2, 0), (0.14, -0.14, 0), (0.13, -0.05, 0), (0.1, 0.01, 0)], 3), 0.012, 5).at(z=front + 0.003)
    pegs = [bar((-0.12, top - 0.03 - y, front), (0.12, top - 0.03 - y, front), 0.018, 0.03, 7) for y in (0, 0.07)]
    reach = genes.uniform(0.5, 0.7)
    stick = tube([(reach, -0.55, front), (reach + 0.02, 0.1, front + 0.01), (reach, 0.8, front)], 0.016, 6)
    hair = box(0.012, 1.3, 0.025).at(reach - 0.05, 0.12, front)
    frog = box(0.08, 0.09, 0.04).at(reach - 0.025, -0.48, front)
    return _posed({
        "body": (wood, [_sound_box(curve, depth)]), "neck": (wood, [box(0.06, length, 0.06, 0.01).at(0, 0.42 + length / 2, front - 0.01), scroll]),
        "fingerboard": ("ebony", [board]), "f-hole": ("plastic_black", both(hole)), "peg": ("ebony", pegs),
        "tailpiece": ("ebony", [box(0.11, 0.24, 0.03).taper("y", 0.6, 1.1).at(0, -0.33, front + 0.025)]),
        "bridge": ("pine", [box(0.15, 0.02, 0.1).at(0, -0.1, front + 0.03)]),
        "chin rest": ("ebony", [ball(0.11, 0.07, 0.03, 10).at(-0.13, -0.42, front + 0.02)]),
        "bow": ("mahogany", [stick, frog]), "bow hair": ("bone", [hair]),
    }, genes.uniform(-30, 15), genes.uniform(0, 15))  # fmt: skip


def drum(genes: Genes) -> Mesh:
    """A snare or side drum with hoops, lacing or rods, and two sticks."""
    tall, colour, rim = genes.uniform(0.45, 1.3), genes.choice((*_COLOURS, "oak", "chrome")), genes.choice(("brass", "paint_white", "chrome", "oak"))
    count, laced, cross = genes.integer(6, 10), genes.chance(0.5), genes.uniform(15, 45)
    shell = cylinder(0.7, tall, 0.7 * genes.uniform(0.95, 1.12), 28)
    top = shell.vertices[:, 0].max()
    hoops = [torus(0.72, 0.05, 28, 8).at(y=-tall / 2), torus(max(top, 0.7) + 0.02, 0.05, 28, 8).at(y=tall / 2)]
    step = 180 / count if laced else 0.0
    end = np.radians(step)
    rod = bar((0.75, -tall / 2, 0), (0.75 * np.cos(end), tall / 2, 0.75 * np.sin(end)), 0.022, sides=6)
    back = bar((0.75, -tall / 2, 0), (0.75 * np.cos(end), tall / 2, -0.75 * np.sin(end)), 0.022, sides=6)
    rods = around(rod, count) + (around(back, count) if laced else [])
    stick = tube([(0, 0, -0.75), (0, 0, 0.55), (0, 0, 0.62)], [0.035, 0.028, 0.02], 8)
    sticks = [solid.turn("x", 4).turn("y", turn).at(0, tall / 2 + 0.14)
              for solid in (stick, ball(0.05, 0.05, 0.07, 8).at(z=0.64)) for turn in (cross, -cross - 20)]  # fmt: skip
    skin = cylinder(0.95 * top, 0.06, segments=28).at(y=tall / 2 + 0.02)
    return assemble({"shell": (colour, shell), "hoop": (rim, hoops), "skin": (genes.choice(("bone", "paper")), skin),
                     "cord" if laced else "rod": ("rope" if laced else "chrome", rods), "stick": ("birch", sticks)})  # fmt: skip


def trumpet(genes: Genes) -> Mesh:
    """Its bell to the left."""
    metal, bell, bore = genes.choice(("brass", "gold", "silver")), genes.uniform(0.22, 0.3), genes.uniform(0.022, 0.032)
    low, bend, length = -genes.uniform(0.24, 0.32), genes.uniform(0.42, 0.55), genes.uniform(0.75, 0.95)
    loop = [(0.95, 0, 0), (-0.45, 0, 0), (-0.45 - 0.12, 0.5 * low, 0), (-0.45, low, 0), (bend, low, 0), (bend + 0.12, 0.5 * low, 0.04),
            (bend, -0.02, 0.08), (-0.3, -0.01, 0.08), (-length, 0, 0.08)]  # fmt: skip
    pipe = tube(smooth(loop, 5), bore, 8)
    flare = lathe([(bore, 0), (1.3 * bore, 0.18), (2.2 * bore, 0.34), (0.55 * bell, 0.44), (bell, 0.5), (0.97 * bell, 0.51),
                   (0.5 * bell, 0.45), (0.03, 0.3), (0, 0.3)], 20).turn("z", 90).at(0.3 - length, 0, 0.08)  # fmt: skip
    pitch = genes.uniform(0.12, 0.15)
    valves = [cylinder(0.05, 0.42, segments=12).at(x, 0.5 * low + 0.02, 0.04) for x in (-pitch, 0, pitch)]
    lifted = [genes.choice((0.05, 0.1)) for _ in range(3)]
    stems = [cylinder(0.015, 0.12, segments=6).at(x, 0.5 * low + 0.2 + rise, 0.04) for x, rise in zip((-pitch, 0, pitch), lifted, strict=True)]
    caps = [cylinder(0.045, 0.025, segments=10).at(x, 0.5 * low + 0.25 + rise, 0.04) for x, rise in zip((-pitch, 0, pitch), lifted, strict=True)]
    mouthpiece = lathe([(bore, 0), (0.9 * bore, 0.1), (0.075, 0.17), (0.08, 0.2), (0.05, 0.2), (0.01, 0.14), (0, 0.14)], 12)
    ring = torus(0.06, 0.014, 12, 6).turn("x", 90).at(0.32, 0.06, 0.08)
    return _posed({
        "pipe": (metal, [pipe]), "bell": (metal, [flare]), "valve": ("silver" if metal != "silver" else "gold", valves + stems),
        "button": ("porcelain", caps), "mouthpiece": ("silver", [mouthpiece.turn("z", -90).at(0.93)]), "finger ring": (metal, [ring]),
    }, genes.uniform(-25, 10))  # fmt: skip
