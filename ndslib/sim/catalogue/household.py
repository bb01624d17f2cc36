"""Things about the house; cutlery, keys and the like stand upright and face +z."""

import numpy as np

from ndslib.sim.catalogue._common import disc, each, plan, slab, upright
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
    circle,
    cylinder,
    dome,
    extrude,
    lathe,
    smooth,
    torus,
    tube,
)

_METALS = ("steel", "silver", "gold", "brushed_steel", "copper", "brass")
_WOODS = ("oak", "walnut", "pine", "birch", "cherry_wood")
_COLOURS = ("plastic_red", "plastic_blue", "plastic_green", "plastic_black", "plastic_yellow", "plastic_pink")


def broom(genes: Genes) -> Mesh:
    """A flat broom, or a besom of twigs."""
    length, width, tall = genes.uniform(2.0, 2.8), genes.uniform(1.0, 1.5), genes.uniform(0.7, 1.1)
    flare, girth = genes.uniform(1.1, 1.5), genes.uniform(0.05, 0.08)
    bands, count, stick = genes.integer(1, 3), genes.integer(14, 22), genes.choice((*_WOODS, "paint_red", "paint_blue"))
    cord = genes.choice(("cotton_red", "rope", "paint_green"))
    straw, besom = genes.choice(("straw", "wicker", "plastic_yellow")), genes.chance(0.35)
    depth = width if besom else 0.3
    angle = 2.4 * np.arange(count)  # the golden angle spreads the bristles evenly
    spot = np.sqrt((np.arange(count) + 0.5) / count)
    feet = np.stack([spot * np.cos(angle) * flare * width / 2, 0 * angle, spot * np.sin(angle) * flare * depth / 2], 1)
    roots = feet * [0.55, 0, 0.55] + [0, tall, 0]
    bunch = lathe([(0.43, 0.05), (0.47, 0.1), (0.34, 0.65 * tall), (0.24, tall), (0.1, 1.12 * tall)], 20)
    levels = tall * (0.95 - 0.13 * np.arange(bands))
    hoops = [torus(0.24 + 0.35 * (1 - y / tall), 0.035, 20, 6).at(y=y) for y in levels]
    return assemble({
        "stick": (stick, bar((0, 0.8 * tall, 0), (0, tall + length, 0), girth)),
        "bunch": (straw, bunch.scale(x=flare * width, z=flare * depth)),
        "bristles": (straw, [bar(foot, root, 0.06, sides=6) for foot, root in zip(feet, roots, strict=True)]),
        "bands": (cord, [hoop.scale(x=flare * width * 1.06, z=flare * depth * 1.06) for hoop in hoops]),
        "cap": (cord, ball(1.3 * girth, segments=10).at(y=tall + length)),
    })  # fmt: skip


def _stem(genes: Genes, length: float, width: float, thickness: float) -> Solid:
    """A piece of cutlery's flat stem from y = 0 down, narrow at the top and broad at its end."""
    waist, belly = genes.uniform(0.35, 0.6), genes.uniform(0.8, 1.2)
    widths = smooth([(waist, 0), (waist, -0.3), (0.7 * belly, -0.65), (belly, -0.9), (0.4 * belly, -1)], 3)
    path = np.stack([0 * widths[:, 1], widths[:, 1] * length, thickness * np.sin(3 * widths[:, 1])], 1)
    return tube(path, widths[:, 0] * width, section=circle(1.0, 10) * [thickness / width, 1])


def spoon(genes: Genes) -> Mesh:
    length, width, oval = genes.uniform(1.6, 2.8), genes.uniform(0.14, 0.2), genes.uniform(1.1, 1.6)
    size, depth = genes.uniform(0.38, 0.55), genes.uniform(0.14, 0.24)
    metal, trim = genes.choice((*_METALS[:4], "oak", "plastic_red", "plastic_white")), genes.choice(_METALS)
    angle = np.linspace(0, np.pi / 2, 6)
    shell = np.stack([size * np.sin(angle), -depth * np.cos(angle)], 1)
    dish = lathe([*shell, *(shell[::-1] * 0.88 + [0, 0.02])], 24).turn("x", 90).scale(y=oval)
    return assemble({
        "bowl": (metal, dish.at(y=oval * size)),
        "stem": (metal, _stem(genes, length, width, 0.06).at(y=0.04)),
        "rim": (metal, torus(size, 0.035, 24, 6).turn("x", 90).scale(y=oval).at(y=oval * size)),
        "ornament": (trim, ball(0.5 * width, 0.8 * width, 0.09, 10).at(0, -0.88 * length, 0)),
    })  # fmt: skip


def fork(genes: Genes) -> Mesh:
    length, width, tines = genes.uniform(1.5, 2.6), genes.uniform(0.14, 0.2), genes.choice((3, 4, 4, 2))
    half, reach = genes.uniform(0.26, 0.38), genes.uniform(0.6, 0.95)
    palm, curve = genes.uniform(0.35, 0.5), genes.uniform(0.1, 0.3)
    metal, trim = genes.choice((*_METALS[:4], "plastic_white", "oak")), genes.choice(_METALS)
    side = smooth([(0.07, -0.1), (0.12, 0.05), (half, 0.6 * palm), (half, palm)], 4)
    plate = extrude(np.concatenate([side, side[::-1] * [-1, 1]]), 0.09)
    girth = 0.6 * half / tines
    climb = palm + reach * np.linspace(-0.05, 1, 5)
    prong = tube(np.stack([0 * climb, climb, 0 * climb], 1), np.array([1, 1, 1, 0.9, 0.3]) * girth, 8)
    places = np.linspace(-1, 1, tines) * (half - girth)
    return assemble({
        "palm": (metal, plate.bend("y", "z", curve)),
        "tines": (metal, [prong.at(x=x).bend("y", "z", curve) for x in places]),
        "stem": (metal, _stem(genes, length, width, 0.06)),
        "ornament": (trim, ball(0.5 * width, 0.8 * width, 0.09, 10).at(0, -0.88 * length, 0)),
    })  # fmt: skip


_BLADES = {  # (x, y) in widths and lengths of the blade, from the edge's heel to the back of the tip
    "pointed": smooth([(-1, 0), (-1, 0.6), (-0.6, 0.87), (0.3, 1)], 5),
    "round": smooth([(-1, 0), (-1, 0.6), (-0.8, 0.9), (-0.3, 1), (0.3, 0.92)], 5),
    "cleaver": np.array([(-1, 0), (-1, 0.78), (-0.95, 0.82), (0.3, 0.82)]),
}


def knife(genes: Genes) -> Mesh:
    """A kitchen knife, its edge towards -x."""
    blade, width, tip = genes.uniform(1.5, 2.6), genes.uniform(0.3, 0.6), genes.choice(tuple(_BLADES))
    grip, girth = genes.uniform(0.9, 1.3), genes.uniform(0.11, 0.15)
    slack, studs = genes.uniform(0.7, 1.4), genes.integer(2, 3)
    handle, metal = genes.choice((*_WOODS, *_COLOURS)), genes.choice(("steel", "brushed_steel", "chrome"))
    edge = _BLADES[tip] ** [1, slack] * [width, blade]
    haft = smooth([(0.9, 0.05), (1, -0.2), (0.85, -0.5), (1.1, -0.85), (0.7, -1)], 3) * [girth, grip]
    path = np.stack([0 * haft[:, 0], haft[:, 1], 0 * haft[:, 0]], 1)
    stud = disc(0.035, 1.5 * girth, 10)
    return assemble({
        "blade": (metal, extrude([*edge, (edge[-1, 0], 0)], 0.05)),
        "bolster": (metal, slab(2.4 * girth, 0.14, 1.6 * girth)),
        "handle": (handle, tube(path, haft[:, 0], section=circle(1.0, 12, 3) * [0.6, 1])),
        "rivets": ("brass", [stud.at(y=y) for y in -grip * np.linspace(0.25, 0.8, studs)]),
    })  # fmt: skip


def book(genes: Genes) -> Mesh:
    """A closed book that stands upright, or an open one that leans back."""
    width, height, thick = genes.uniform(1.0, 1.4), genes.uniform(1.5, 1.9), genes.uniform(0.25, 0.6)
    cover = genes.choice(("leather_red", "leather_brown", "cotton_blue", "felt_green", "paint_navy", "leather_black"))
    title, ribbon = genes.choice(("gold", "paint_cream", "silver")), genes.uniform(-0.3, 0.3)
    bands, lean, swell = genes.integer(2, 4), genes.uniform(25, 50), genes.uniform(0.1, 0.22)
    if genes.chance(0.6):
        back = cylinder(thick / 2 + 0.04, height + 0.08, segments=16).at(-width / 2)
        band = cylinder(thick / 2 + 0.07, 0.07, segments=16).at(-width / 2)
        return assemble({
            "cover": (cover, both(box(width + 0.08, height + 0.08, 0.06).at(0.04, 0, thick / 2), "z")),
            "pages": ("paper", slab(width, height, thick)),
            "spine": (cover, back),
            "bands": (title, [band.at(y=y) for y in height * np.linspace(-0.35, 0.35, bands)]),
            "title": (title, slab(0.6 * width, 0.22, 0.04).at(0.04, 0.25 * height, thick / 2 + 0.03)),
            "emblem": (title, disc(0.16 * width, 0.04, 16).at(0.04, -0.15 * height, thick / 2 + 0.03)),
            "ribbon": ("silk", slab(0.1, 0.35, 0.03).at(ribbon * width, -height / 2 - 0.1, 0.02)),
        })  # fmt: skip
    top = smooth([(0.01, 0.05), (0.2 * width, swell + 0.12), (0.6 * width, swell), (width, 0.06)], 4)
    leaf = extrude([*top, (width, 0), (0.01, 0)], height)
    line = box(0.6 * width, 0.02, 0.04).at(0.52 * width, swell + 0.1)
    parts = {
        "cover": (cover, both(box(width + 0.08, 0.06, height + 0.1).at(width / 2 + 0.04, -0.04))),
        "pages": ("paper", both(leaf)),
        "lines": ("newsprint", [side.at(z=z) for z in height * np.linspace(-0.35, 0.35, 6) for side in both(line)]),
        "spine": (cover, bar((0, -0.05, -height / 2), (0, -0.05, height / 2), 0.08)),
        "ribbon": (title, slab(0.08, 0.03, 0.5).at(0.02, 0.06, height / 2 + 0.1)),
    }
    return assemble(each(parts, lambda solid: solid.turn("x", lean)))


def key(genes: Genes) -> Mesh:
    length, girth, size = genes.uniform(1.4, 2.2), genes.uniform(0.07, 0.11), genes.uniform(0.32, 0.5)
    bow, teeth = genes.choice(("ring", "heart", "clover", "square")), genes.integer(2, 4)
    reach, pitch = genes.uniform(0.3, 0.5), genes.uniform(0.13, 0.18)
    metal = genes.choice(("brass", "gold", "silver", "iron", "rusty_iron", "bronze"))
    curve = circle(1.1, 28, 5) if bow == "square" else circle(1.0, 28)
    if bow == "heart":  # drawn in at the top
        curve = curve * [1.1, 1] + np.abs(curve[:, :1]) * [0, 0.6] - [0, 0.2]
    leaves = ((-0.6, 0), (0.6, 0), (0, 0.75))
    rings = [0.62 * curve + leaf for leaf in leaves] if bow == "clover" else [curve]
    depths = [genes.uniform(0.5, 1) * reach for _ in range(4)][:teeth]
    bits = [box(depth, 0.75 * pitch, 1.1 * girth).at(depth / 2, pitch * row) for row, depth in enumerate(depths)]
    return assemble({
        "bow": (metal, [tube(upright(size * ring), girth, 8, closed=True).at(y=size) for ring in rings]),
        "shaft": (metal, lathe([(0.9 * girth, -length), (girth, -length + 0.05), (girth, 0.05)], 12)),
        "collars": (metal, [torus(girth, 0.06, 14, 6).at(y=y) for y in (-0.08, -0.22)]),
        "teeth": (metal, [bit.at(y=0.14 - length) for bit in bits]),
    })  # fmt: skip


def padlock(genes: Genes) -> Mesh:
    width, height, depth = genes.uniform(1.2, 1.5), genes.uniform(0.9, 1.4), genes.uniform(0.45, 0.65)
    rise, girth, lift = genes.uniform(0.45, 0.9), genes.uniform(0.09, 0.14), genes.uniform(0.2, 0.35)
    metal = genes.choice(("brass", "gold", "brushed_steel", "paint_red", "paint_blue", "rusty_iron"))
    steel = genes.choice(("steel", "chrome", "iron"))
    shape, opened = genes.choice(("block", "block", "round", "shield")), genes.chance(0.35)
    power = {"block": 8.0, "round": 2.0, "shield": 3.0}[shape]
    outline = circle(1.0, 28, power) * [width / 2, height / 2]
    if shape == "shield":
        outline = outline * (1 - 0.25 * np.clip(-outline[:, 1:] / height, 0, 1) * [1, 0])
    span, keyhole = 0.34 * width, (disc(0.09, 0.06, 14).at(y=0.05), box(0.08, 0.2, 0.06).at(y=-0.06))
    arc = np.linspace(0, np.pi, 11)
    top = np.stack([span * np.cos(arc), span * np.sin(arc) + height / 2 + rise], 1)
    shackle = tube(upright([(span, 0.2 * height), *top, (-span, -0.2 * height)]), girth)
    if opened:
        shackle = shackle.at(x=span).turn("y", 40).at(x=-span, y=lift)
    return assemble({
        "body": (metal, [extrude(outline, depth), extrude(0.93 * outline, depth + 0.08)]),
        "shackle": (steel, shackle),
        "plate": (steel, disc(0.2 * width, 0.06).at(z=depth / 2 + 0.05)),
        "keyhole": ("paint_black", [hole.at(z=depth / 2 + 0.08) for hole in keyhole]),
        "collars": (steel, both(torus(girth, 0.05, 14, 6).at(span, height / 2 * 0.95))),
    })  # fmt: skip


def alarm_clock(genes: Genes) -> Mesh:
    depth, bell, foot = genes.uniform(0.5, 0.8), genes.uniform(0.32, 0.45), genes.uniform(0.2, 0.4)
    hour, minute, spread = genes.uniform(0, 360), genes.uniform(0, 360), genes.uniform(28, 38)
    paint = genes.choice(("paint_red", "paint_blue", "paint_green", "brass", "chrome", "paint_yellow", "copper"))
    metal = genes.choice(("brass", "chrome", "steel"))
    face, marks = genes.choice(("paint_white", "paint_cream", "paint_black")), genes.choice((4, 12, 12))
    ink = "paint_white" if face == "paint_black" else "paint_black"
    front = depth / 2
    cup = dome(bell, 0.8 * bell, 16).at(y=1.08).turn("z", spread)
    leg = bar((0, -0.9, 0), (0, -1.15 - foot, 0), 0.1, 0.06).turn("z", 32)
    hands = [box(0.07, length, 0.03).at(0, length / 2, front + 0.06).turn("z", turn)
             for length, turn in ((0.45, hour), (0.65, minute))]  # fmt: skip
    grip = smooth([(-0.6, 1.2), (-0.45, 1.65), (0.45, 1.65), (0.6, 1.2)], 4)
    tick = box(0.06, 0.14, 0.03).at(y=0.74)
    return assemble({
        "case": (paint, disc(1, depth, 28)),
        "rim": (metal, torus(0.97, 0.08, 28, 8).turn("x", 90).at(z=front)),
        "dial": (face, disc(0.92, 0.06, 28).at(z=front)),
        "ticks": (ink, [one.at(z=front + 0.04) for one in around(tick, marks, "z")]),
        "hands": (ink, hands),
        "bells": (metal, both(cup)),
        "hammer": ("steel", [bar((0, 0.9, 0), (0, 1.4, 0), 0.04), ball(0.12, segments=10).at(y=1.4)]),
        "handle": (metal, tube(upright(grip), 0.05, 8)),
        "feet": (metal, both(leg)),
    })  # fmt: skip


def flat_iron(genes: Genes) -> Mesh:
    """A clothes iron; its point looks towards +z."""
    width, length, height = genes.uniform(0.48, 0.6), genes.uniform(1.1, 1.4), genes.uniform(0.4, 0.65)
    rise, girth, sharp = genes.uniform(0.35, 0.55), genes.uniform(0.09, 0.13), genes.uniform(0.5, 0.8)
    body = genes.choice((*_COLOURS, "plastic_white", "cast_iron"))
    sole, grip = genes.choice(("chrome", "steel")), genes.choice(("plastic_black", "oak", "plastic_grey"))
    tail, top = genes.uniform(0.2, 0.5), height + 0.05
    side = smooth([(0, -0.8), (0.85, -0.78), (1, -0.5), (sharp, 0.45), (0, 1)], 5) * [width, length]
    outline = np.concatenate([side, side[-2:0:-1] * [-1, 1]])
    hull = extrude(outline, height).turn("x", 90).taper("y", 0.97, 0.5).at(y=height / 2 + 0.1)
    arch = smooth([(-0.55, 0), (-0.6, rise), (0, rise + 0.05), (0.35, rise - 0.1), (0.4, 0)], 4) * [length, 1]
    handle = np.stack([0 * arch[:, 0], arch[:, 1] + top, arch[:, 0]], 1)
    cord = smooth([(0, rise, -0.6), (0.1, rise + tail, -0.8), (0.3, 0.5 * tail, -1.2), (0.2, 0.1 - top, -1.5)], 4)
    return assemble({
        "soleplate": (sole, plan(outline, 0.14)),
        "body": (body, hull),
        "handle": (grip, tube(handle, girth)),
        "dial": (grip, cylinder(0.16, 0.1, 0.13, 16).at(y=top + 0.02)),
        "lamp": ("lamp_glow", ball(0.06, segments=8).at(0, top, 0.2 * length)),
        "cord": ("rubber_black", tube(cord * [1, 1, length] + [0, top, 0], 0.045, 6)),
    })  # fmt: skip


CLASSES = {make.__name__: make for make in (broom, spoon, fork, knife, book, key, padlock, alarm_clock, flat_iron)}
