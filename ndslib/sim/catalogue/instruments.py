"""Musical instruments."""

import numpy as np

from ndslib.sim.catalogue._common import Parts, disc, each
from ndslib.sim.genes import Genes
from ndslib.sim.mesh import Mesh
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

_WOODS = ("oak", "walnut", "cherry_wood", "mahogany", "ebony", "pine")
_COLOURS = ("paint_red", "paint_blue", "paint_green", "paint_yellow", "paint_cream", "chrome", "oak")


def _leant(parts: Parts, roll: float, back: float = 0.0) -> Mesh:
    """Assembled after turning all parts by `roll` degrees about z and leaning them back."""
    return assemble(each(parts, lambda solid: solid.turn("z", roll).turn("x", -back)))


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
    paint = genes.choice(("metallic_red", "metallic_blue", "paint_black", "paint_cream"))
    hip, waist, shoulder = genes.uniform(0.42, 0.5), genes.uniform(0.24, 0.3), genes.uniform(0.32, 0.4)
    depth, length = genes.uniform(0.16, 0.24), genes.uniform(0.75, 0.95)
    curve = [(0, -0.52), (0.8 * hip, -0.45), (hip, -0.15), (waist, 0.17), (shoulder, 0.4), (0.7 * shoulder, 0.56),
             (0, 0.58)]  # fmt: skip
    if electric:
        depth, wood = 0.09, paint
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
    hole = [disc(0.12, 0.02).at(0, 0.17, front + 0.002)]
    parts |= {"pick-up": ("plastic_black", pickups)} if electric else {"sound hole": ("plastic_black", hole)}
    return _leant(parts, genes.uniform(-35, 15), genes.uniform(0, 15))


def violin(genes: Genes) -> Mesh:
    """With its bow beside it."""
    wood = genes.choice(("cherry_wood", "mahogany", "oak", "ebony"))
    depth, length = genes.uniform(0.1, 0.15), genes.uniform(0.5, 0.62)
    hip, waist, shoulder = genes.uniform(0.3, 0.34), genes.uniform(0.16, 0.2), genes.uniform(0.24, 0.28)
    curve = [(0, -0.5), (0.75 * hip, -0.45), (hip, -0.25), (0.85 * hip, -0.1), (waist, 0.02), (0.9 * shoulder, 0.17),
             (shoulder, 0.28), (0.65 * shoulder, 0.42), (0, 0.46)]  # fmt: skip
    front, top = depth / 2, 0.42 + length
    turn = np.linspace(0, 3.2 * np.pi, 18)
    coil = 0.075 - 0.006 * turn
    scroll = tube(np.c_[0 * turn, top + 0.07 + coil * np.sin(turn), front - coil * np.cos(turn)], 0.028, 7)
    neck = box(0.06, length, 0.06, 0.01).at(0, 0.42 + length / 2, front - 0.01)
    board = box(0.07, length + 0.35, 0.04).taper("y", 1.3, 0.9).at(0, 0.25 + length / 2, front + 0.035)
    hole = tube(
        smooth([(0.17, -0.2, front), (0.14, -0.14, front), (0.13, -0.05, front), (0.1, 0.01, front)], 3), 0.013, 5
    )
    pegs = [bar((-0.12, top - 0.03 - y, front), (0.12, top - 0.03 - y, front), 0.018, 0.03, 7) for y in (0, 0.07)]
    reach = genes.uniform(0.5, 0.7)
    stick = tube([(reach, -0.55, front), (reach + 0.02, 0.1, front + 0.01), (reach, 0.8, front)], 0.016, 6)
    hair = box(0.012, 1.3, 0.025).at(reach - 0.05, 0.12, front)
    frog = box(0.08, 0.09, 0.04).at(reach - 0.025, -0.48, front)
    return _leant({
        "body": (wood, [_sound_box(curve, depth)]), "neck": (wood, [neck, scroll]),
        "fingerboard": ("ebony", [board]), "f-hole": ("plastic_black", both(hole)), "peg": ("ebony", pegs),
        "tailpiece": ("ebony", [box(0.11, 0.24, 0.03).taper("y", 0.6, 1.1).at(0, -0.33, front + 0.025)]),
        "bridge": ("pine", [box(0.15, 0.02, 0.1).at(0, -0.1, front + 0.03)]),
        "chin rest": ("ebony", [ball(0.11, 0.07, 0.03, 10).at(-0.13, -0.42, front + 0.02)]),
        "bow": ("mahogany", [stick, frog]), "bow hair": ("bone", [hair]),
    }, genes.uniform(-30, 15), genes.uniform(0, 15))  # fmt: skip


def drum(genes: Genes) -> Mesh:
    """A snare or side drum with hoops, lacing or rods, and two sticks."""
    tall, colour = genes.uniform(0.45, 1.3), genes.choice(_COLOURS)
    rim = genes.choice(("brass", "paint_white", "chrome", "oak"))
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
    return assemble({
        "shell": (colour, shell), "hoop": (rim, hoops), "skin": (genes.choice(("bone", "paper")), skin),
        "tension rod": ("rope" if laced else "chrome", rods), "stick": ("birch", sticks),
    })  # fmt: skip


def trumpet(genes: Genes) -> Mesh:
    """Its bell to the left."""
    metal, bell, bore = genes.choice(("brass", "gold", "silver")), genes.uniform(0.22, 0.3), genes.uniform(0.022, 0.032)
    low, bend, length = -genes.uniform(0.24, 0.32), genes.uniform(0.42, 0.55), genes.uniform(0.75, 0.95)
    loop = [(0.95, 0, 0), (-0.45, 0, 0), (-0.57, 0.5 * low, 0), (-0.45, low, 0), (bend, low, 0),
            (bend + 0.12, 0.5 * low, 0.04), (bend, -0.02, 0.08), (-0.3, -0.01, 0.08), (-length, 0, 0.08)]  # fmt: skip
    pipe = tube(smooth(loop, 5), bore, 8)
    flare = lathe([(bore, 0), (1.3 * bore, 0.18), (2.2 * bore, 0.34), (0.55 * bell, 0.44), (bell, 0.5),
                   (0.97 * bell, 0.51), (0.5 * bell, 0.45), (0.03, 0.3), (0, 0.3)], 20)  # fmt: skip
    flare = flare.turn("z", 90).at(0.3 - length, 0, 0.08)
    pitch = genes.uniform(0.12, 0.15)
    valves, caps = [], []
    for x in (-pitch, 0, pitch):
        level, lifted = 0.5 * low + 0.02, genes.choice((0.05, 0.1))
        valves.append(cylinder(0.05, 0.42, segments=12).at(x, level, 0.04))
        valves.append(cylinder(0.015, 0.12, segments=6).at(x, level + 0.18 + lifted, 0.04))
        caps.append(cylinder(0.045, 0.025, segments=10).at(x, level + 0.23 + lifted, 0.04))
    cup = lathe([(bore, 0), (0.9 * bore, 0.1), (0.075, 0.17), (0.08, 0.2), (0.05, 0.2), (0.01, 0.14), (0, 0.14)], 12)
    ring = torus(0.06, 0.014, 12, 6).turn("x", 90).at(0.32, 0.06, 0.08)
    return _leant({
        "pipe": (metal, [pipe]), "bell": (metal, [flare]), "valve": ("gold" if metal == "silver" else "silver", valves),
        "button": ("porcelain", caps), "mouthpiece": ("silver", [cup.turn("z", -90).at(0.93)]),
        "finger ring": (metal, [ring]),
    }, genes.uniform(-25, 10))  # fmt: skip


def _keyboard(width: float, octaves: int) -> Parts:
    """Keys over a width along x, their front edge at z = 0 and their top at y = 0."""
    whites = 7 * octaves
    pitch = width / whites
    white = [box(0.86 * pitch, 0.05, 0.3).at((k + 0.5) * pitch - width / 2, -0.025, -0.15) for k in range(whites)]
    black = [box(0.5 * pitch, 0.06, 0.17).at((k + 1) * pitch - width / 2, 0.02, -0.21)
             for k in range(whites - 1) if k % 7 not in (2, 6)]  # fmt: skip
    return {"white key": ("ivory", white), "black key": ("plastic_black", black)}


def _key_bed(width: float) -> list[Solid]:
    """The shelf under the keys and the cheeks beside them."""
    return [box(width, 0.08, 0.36).at(0, 0.64, 0.14), *both(box(0.09, 0.17, 0.34).at(width / 2 - 0.045, 0.74, 0.15))]


def piano(genes: Genes) -> Mesh:
    """Grand or upright, its keys to the front."""
    wood = genes.choice(("paint_black", "paint_black", "mahogany", "walnut", "paint_white"))
    grand, width, octaves = genes.chance(0.55), genes.uniform(1.35, 1.6), genes.integer(3, 4)
    stool_height, stool_width = genes.uniform(0.4, 0.5), genes.uniform(0.4, 0.8)
    parts = (_grand if grand else _upright)(genes, width, wood)
    parts |= each(_keyboard(0.86 * width, octaves), lambda key: key.at(0, 0.73, 0.28))
    seat = box(stool_width, 0.09, 0.32, 0.03).at(0, stool_height, 0.75)
    foot = bar((0.42 * stool_width, stool_height, 0.87), (0.42 * stool_width, 0, 0.87), 0.03, sides=6)
    feet = [leg for front in (foot, foot.at(z=-0.24)) for leg in both(front)]
    return assemble(parts | {"seat": ("leather_black", seat), "stool leg": (wood, feet)})


def _grand(genes: Genes, width: float, wood: str) -> Parts:
    half, length = width / 2, genes.uniform(1.2, 1.8)
    curve = smooth([(half, 0.5), (0.75 * half, 0.5 * length), (0.25 * half, 0.75 * length), (-0.2 * half, length),
                    (-0.75 * half, length), (-half, 0.75 * length)], 4)  # fmt: skip
    outline = np.concatenate([[(-half, 0), (half, 0)], curve])
    flat = extrude(outline, 0.26).turn("x", -90).at(y=0.78)
    opening = np.radians(genes.uniform(25, 42))
    lid = extrude(outline + np.array([half, 0]), 0.035).turn("x", -90).turn("z", np.degrees(opening)).at(-half, 0.95)
    reach = 1.5 * half  # where the prop meets the lid
    prop = bar((0.7 * half, 0.85, -0.5), (reach * np.cos(opening) - half, 0.93 + reach * np.sin(opening), -0.5), 0.02)
    strings = extrude(0.85 * outline + np.array([0, 0.1 * length]), 0.03).turn("x", -90).at(y=0.905)
    leg = lathe([(0.05, 0), (0.04, 0.1), (0.08, 0.7)], 10)
    return {
        "case": (wood, [flat]), "lid": (wood, [lid]), "prop": ("brass", [prop]), "strings": ("gold", [strings]),
        "key bed": (wood, _key_bed(width)),
        "leg": (wood, [*both(leg.at(0.8 * half, 0, -0.1)), leg.at(-0.4 * half, 0, 0.1 - length)]),
    }  # fmt: skip


def _upright(genes: Genes, width: float, wood: str) -> Parts:
    height, half = genes.uniform(1.15, 1.4), width / 2
    leg = lathe([(0.06, 0), (0.04, 0.15), (0.06, 0.62)], 10).at(half - 0.09, 0, 0.22)
    sheets = both(box(0.22, 0.3, 0.015).turn("x", -12).at(0.115, 0.98, 0.06))
    return {
        "case": (wood, [box(width, height, 0.4, 0.02).at(0, height / 2, -0.22)]),
        "lid": (wood, [box(width + 0.08, 0.05, 0.48, 0.015).at(0, height, -0.2)]),
        "key bed": (wood, _key_bed(width)),
        "leg": (wood, both(leg)), "sheet music": ("newsprint", sheets),
        "pedal": ("brass", [ball(0.03, 0.02, 0.09, 8).at(x, 0.08, 0.03) for x in (-0.1, 0, 0.1)]),
    }  # fmt: skip


def bell(genes: Genes) -> Mesh:
    """A church bell under its yoke, or a hand bell."""
    metal, hand = genes.choice(("brass", "bronze", "gold", "iron", "patina_copper")), genes.chance(0.45)
    flare, tall, shoulder = genes.uniform(0.6, 0.75), genes.uniform(0.85, 1.15), genes.uniform(0.3, 0.42)
    outer = smooth([(flare, 0), (0.8 * flare, 0.15), (1.15 * shoulder, 0.5 * tall), (shoulder, 0.85 * tall),
                    (0.6 * shoulder, tall)], 4)  # fmt: skip
    body = lathe([(0, 0.7 * tall), (0.8 * shoulder, 0.65 * tall), (0.88 * flare, 0.02), *outer, (0, 1.02 * tall)], 28)
    bands = [torus(radius, 0.02, 28, 6).at(y=level) for radius, level in outer[[3, 13]]]
    swing = genes.uniform(-14, 14)
    clapper = [bar((0, 0.7 * tall, 0), (0, 0, 0), 0.025, sides=6), ball(0.1, 0.12, segments=10).at(y=-0.04)]
    clapper = [part.turn("z", swing) for part in clapper]
    parts = {"body": (metal, body), "band": (metal, bands), "clapper": ("iron", clapper)}
    length = genes.uniform(0.5, 0.8)
    if hand:
        curve = smooth([(0.06, 0), (0.11, 0.3), (0.07, 0.7), (0.12, 0.95), (0.02, 1)], 3) * [1, length]
        grip = lathe(curve, 14)
        parts["handle"] = (genes.choice(_WOODS), [grip.at(y=tall)])
    else:
        loop = torus(0.13, 0.04, 14, 8).turn("x", 90).at(y=1.1 * tall)
        yoke = box(1.5 * flare + 0.3, 0.18, 0.22, 0.04).at(y=1.1 * tall + 0.18)
        parts |= {"loop": ("iron", [loop]), "yoke": (genes.choice(_WOODS), [yoke])}
    return _leant(parts, genes.uniform(-12, 12))


CLASSES = {make.__name__: make for make in (guitar, violin, drum, trumpet, piano, bell)}
