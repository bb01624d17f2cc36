"""Buildings that stand alone: castles, towers and mills; and tents. Lengths are in metres; fronts face +z."""

import numpy as np

from ndslib.sim.catalogue._bodies import GLASS
from ndslib.sim.catalogue._walls import arch, battlements, gallery, stack
from ndslib.sim.genes import Genes
from ndslib.sim.mesh import Mesh
from ndslib.sim.solids import Solid, around, assemble, ball, bar, both, box, cylinder, dome, extrude, lathe, tube


def castle(genes: Genes) -> Mesh:
    half = genes.uniform(4.0, 5.5)
    wall = genes.uniform(2.6, 3.6)
    tower = wall + genes.uniform(1.2, 2.8)
    radius = genes.uniform(1.0, 1.4)
    roofs = genes.choice(("cones", "battlements"))
    keep = tower + genes.uniform(0.5, 2.5)
    stone = genes.choice(("limestone", "sandstone", "concrete", "travertine"))
    tiles = genes.choice(("slate", "roof_tiles", "paint_blue"))
    flag = genes.choice(("cotton_red", "cotton_blue", "paint_yellow"))
    sides = genes.choice((8, 16))
    keep_half = genes.uniform(1.2, 1.7)
    round_keep = genes.chance(0.4)
    rim = 1.18 * radius
    turret = lathe([(1.08 * radius, 0), (radius, 0.8), (radius, tower - 0.4), (rim, tower), (rim, tower + 0.3)], sides)
    crowned = [merlon.at(0, tower + 0.3) for merlon in battlements(1.02 * radius, 8, 0.36)]
    top = [lathe([(1.35 * radius, tower + 0.3), (0.05, tower + 2.7)], sides)] if roofs == "cones" else crowned
    curtain = box(2 * half, wall, 0.7).at(0, wall / 2, half)
    teeth = [box(0.45, 0.5, 0.5).at(x, wall + 0.25, half + 0.08) for x in np.linspace(-0.8, 0.8, 9) * half]
    core = cylinder(keep_half, keep, segments=16) if round_keep else box(2 * keep_half, keep, 2 * keep_half)
    keep_top = [merlon.at(0, keep) for merlon in battlements(0.85 * keep_half, 8, 0.45)]
    gate = box(2.6, wall + 0.9, 1.6).at(0, (wall + 0.9) / 2, half)
    gate_teeth = [box(0.45, 0.5, 0.45).at(x, wall + 1.1, half + 0.55) for x in (-1.05, 0, 1.05)]
    slit = box(0.22, 0.8, 2.05 * radius).at(0, 0.6 * tower)
    corners = [(x, z) for x in (-half, half) for z in (-half, half)]
    pole = keep + 1.9
    return assemble({
        "curtain wall": (stone, around(curtain, 4)),
        "merlon": (stone, [turned for tooth in teeth for turned in around(tooth, 4)] + gate_teeth),
        "tower": (stone, [turret.at(x, 0, z) for x, z in corners]),
        "tower top": (tiles if roofs == "cones" else stone, [solid.at(x, 0, z) for x, z in corners for solid in top]),
        "arrow slit": ("paint_black", [slit.at(x, 0, z) for x, z in corners]),
        "keep": (stone, [core.at(0, keep / 2), *keep_top]),
        "gatehouse": (stone, gate),
        "gate": ("walnut", arch(1.5, 2.2, 0.3).at(0, 0, half + 0.8)),
        "flagpole": ("iron", bar((0, keep - 0.2, 0), (0, pole, 0), 0.08, sides=6)),
        "flag": (flag, extrude([(0, 0), (1.3, -0.4), (0, -0.8)], 0.08).at(0.05, pole)),
    })  # fmt: skip


def lighthouse(genes: Genes) -> Mesh:
    tall = genes.uniform(8, 12)
    base = genes.uniform(1.3, 1.8)
    top = base * genes.uniform(0.5, 0.72)
    stripes = genes.choice((1, 3, 5, 7))
    colour = genes.choice(("paint_red", "paint_red", "paint_black", "paint_blue"))
    room = genes.uniform(1.1, 1.6)
    cap = genes.uniform(0.5, 1.1)
    sides = genes.choice((8, 24))
    pointed, hut = genes.chance(0.5), genes.chance(0.5)
    roof = genes.choice((colour, "patina_copper"))
    levels = np.linspace(0, tall, stripes + 1)
    radii = base + (top - base) * (levels / tall) ** 0.8
    bands = [lathe([(radii[n], levels[n]), (radii[n + 1], levels[n + 1])], sides) for n in range(stripes)]
    lamp = 0.72 * top
    astragals = around(bar((lamp, tall, 0), (lamp, tall + room, 0), 0.06, sides=6), 8)
    sill = 0.5 * (base + top)
    cone = lathe([(1.3 * lamp, 0), (1.25 * lamp, 0.12), (0.05, 0.12 + cap)], 20)
    cover = cone if pointed else dome(1.25 * lamp, cap, 20)
    window = box(0.4, 0.6, 0.5)
    windows = [window.at(0, y * tall, base + (top - base) * y**0.8 - 0.15) for y in (0.35, 0.65)]
    parts = {
        "tower": ("paint_white", bands[::2] if stripes > 1 else bands),
        "gallery": (colour, gallery(1.55 * top, tall)),
        "lamp": ("lamp_glow", cylinder(0.95 * lamp, room, segments=16).at(0, tall + room / 2)),
        "lantern": (roof, astragals),
        "roof": (roof, [cover.at(0, tall + room), ball(0.14, segments=10).at(0, tall + room + cap + 0.2)]),
        "door": ("walnut", arch(0.8, 1.6, 0.5).at(0, 0.4, base - 0.15)),
        "window": (GLASS, windows),
        "rock": ("basalt", [lathe([(2.1 * base, -0.5), (1.8 * base, 0.25), (1.3 * base, 0.45)], 9)]),
    }
    if stripes > 1:
        parts["stripe"] = (colour, bands[1::2])
    if hut:
        parts["hut"] = ("paint_white", box(1.8, 1.5, 1.6).at(sill + 0.7, 1.1, 0))
        parts["hut roof"] = (colour, stack([(1.8, 1.1, 1.0), (2.6, 0.6, 0.05)]).at(sill + 0.7))
        parts["rock"][1].append(box(2.8, 1, 2.4).at(sill + 0.8, -0.05, 0))
    return assemble(parts)


def _sail(length: float, width: float, bars: int, share: float) -> tuple[list[Solid], list[Solid]]:
    """A windmill's sail up along y: its lattice, and cloth over a share of it."""
    ys = np.linspace(0.22, 0.98, bars) * length
    lattice = [box(0.18, length, 0.16).at(0, length / 2), box(0.1, 0.78 * length, 0.1).at(width, 0.6 * length)]
    lattice += [box(width, 0.09, 0.09).at(width / 2, y) for y in ys]
    return lattice, [box(0.86 * width, share * length, 0.04).at(width / 2, (0.22 + share / 2) * length, -0.03)]


def windmill(genes: Genes) -> Mesh:
    tall = genes.uniform(6, 8.5)
    base = genes.uniform(1.7, 2.3)
    top = base * genes.uniform(0.5, 0.7)
    sides = genes.choice((6, 8, 24))
    length = genes.uniform(0.55, 0.72) * tall
    width = genes.uniform(0.8, 1.2)
    bars = genes.integer(6, 9)
    count = genes.choice((4, 4, 4, 6))
    turn = genes.uniform(0, 90)
    wall = genes.choice(("paint_white", "brick_red", "shingles", "plaster", "oak"))
    cap = genes.choice(("slate", "shingles", "paint_red", "paint_green"))
    cloth = genes.choice(("canvas", "cotton_white", "cotton_red"))
    share, balcony = genes.choice((0.35, 0.74, 0.74)), genes.chance(0.4)
    axle, hub = tall + 0.3, top + 0.75
    lattice, sheets = (
        [turned.at(0, axle, hub) for solid in solids for turned in around(solid, count, "z", turn)]
        for solids in _sail(length, width, bars, share)
    )
    windows = [box(0.5, 0.7, 2 * (base + (top - base) * y) - 0.1).at(0, y * tall) for y in (0.45, 0.7)]
    parts = {
        "tower": (wall, lathe([(base, 0), (0.72 * base + 0.28 * top, 0.35 * tall), (top, tall)], sides)),
        "cap": (cap, [dome(1.15 * top, 1.2 * top, 20).at(0, tall), cylinder(1.2 * top, 0.2, segments=20).at(0, tall)]),
        "shaft": ("iron", [bar((0, axle, 0), (0, axle, hub), 0.16), ball(0.28, segments=12).at(0, axle, hub + 0.15)]),
        "sail": ("oak", lattice),
        "cloth": (cloth, sheets),
        "door": ("walnut", arch(0.9, 1.8, 0.7).at(0, 0, base - 0.3)),
        "window": (GLASS, windows),
    }  # fmt: skip
    if balcony:
        parts["gallery"] = ("oak", gallery(1.25 * base, 2.2))
    return assemble(parts)


def _trestle(legs: int, tiers: int, low: float, top: float, height: float) -> tuple[list[Solid], list[Solid]]:
    """Legs around the y axis from radius `low` to `top`, and the braces between them."""
    levels = np.linspace(0, 1, tiers + 1)[:, None]
    turn = 2 * np.pi / legs
    first = np.c_[low + (top - low) * levels, height * levels, 0 * levels]
    second = first[:, [0, 1, 0]] * [np.cos(turn), 1, np.sin(turn)]
    braces = []
    for tier in range(tiers):
        ends = ((first[tier], second[tier + 1]), (second[tier], first[tier + 1]), (first[tier + 1], second[tier + 1]))
        braces += [brace for start, end in ends for brace in around(bar(start, end, 0.06, sides=4), legs)]
    return around(bar(first[0], first[-1], 0.13, sides=8), legs), braces


def water_tower(genes: Genes) -> Mesh:
    legs = genes.choice((4, 4, 6, 8))
    high = genes.uniform(4.5, 7.5)
    radius = genes.uniform(1.6, 2.3)
    top = high + genes.uniform(1.6, 3.0)
    spread = genes.uniform(1.0, 1.35)
    belly = genes.uniform(0.2, 1.1)
    cone = genes.uniform(0.5, 1.5)
    tiers = genes.integer(2, 3)
    tank = genes.choice(("aluminium", "paint_white", "oak", "paint_blue", "rusty_iron"))
    frame = genes.choice(("iron", "steel", "rusty_iron", "paint_grey"))
    roof = genes.choice(("paint_red", "slate", tank))
    hoops = genes.integer(0, 4)
    posts, braces = _trestle(legs, tiers, 0.85 * radius * spread, 0.85 * radius, high)
    vessel = lathe([(0.35, high - belly), (0.75 * radius, high - 0.55 * belly), (radius, high), (radius, top)], 24)
    bands = [cylinder(1.015 * radius, 0.1, segments=24).at(0, y) for y in np.linspace(high, top, hoops + 2)[1:-1]]
    ladder = [box(0.5, 0.06, 0.06).at(0, y, radius + 0.12) for y in np.arange(0.3, top, 0.45)]
    ladder += both(box(0.07, top, 0.07).at(0.25, top / 2, radius + 0.12))
    knob = ball(0.16, segments=10).at(0, top + cone)
    return assemble({
        "leg": (frame, posts),
        "brace": (frame, braces),
        "tank": (tank, [vessel, *bands]),
        "roof": (roof, [lathe([(1.08 * radius, top), (0.1, top + cone)], 24), knob]),
        "walkway": (frame, gallery(1.18 * radius, high, 8)),
        "pipe": (frame, cylinder(0.22, high, segments=10).at(0, high / 2)),
        "ladder": (frame, ladder),
    })  # fmt: skip


def tent(genes: Genes) -> Mesh:
    style = genes.choice((_ridge_tent, _dome_tent, _tipi))
    half = genes.uniform(1.0, 1.5)
    height = genes.uniform(1.3, 1.9)
    length = genes.uniform(2.4, 3.4)
    cloth = genes.choice(("canvas", "paint_orange", "felt_green", "cotton_blue", "cotton_red", "camouflage"))
    trim = genes.choice(("cotton_white", "paint_yellow", "burlap"))
    opening = genes.uniform(0.3, 0.6)
    return assemble(style(half, height, length, cloth, trim, opening))


def _ridge_tent(half: float, height: float, length: float, cloth: str, trim: str, opening: float) -> dict:
    front, wide, knee = length / 2, opening * half, (0.5 * half, 0.55 * height)
    stay = bar((0.6 * half, 0.4 * height, 0.8 * front), (1.7 * half, 0, 1.1 * front), 0.025, sides=6)
    ropes = [*both(bar((0, height, front), (0, 0, front + 0.9 * height), 0.025, sides=6), "z"),
             *(rope for side in both(stay) for rope in both(side, "z"))]  # fmt: skip
    skin = extrude([(-half, 0), (half, 0), knee, (0, height), (-knee[0], knee[1])], length)
    fly = [(-0.62 * half, 0.5 * height), (0, 1.04 * height), (0.62 * half, 0.5 * height), (0, 0.97 * height)]
    flap = extrude([(wide, 0.02), (1.1 * wide + 0.35, 0.02), (0.02, 0.92 * height)], 0.05)
    pole = bar((0, 0, front + 0.05), (0, height + 0.15, front + 0.05), 0.035, sides=6)
    return {
        "canvas": (cloth, skin),
        "fly": (trim, extrude(fly, 1.08 * length)),
        "doorway": ("paint_black", extrude([(-wide, 0.02), (wide, 0.02), (0, 0.85 * height)], 0.06).at(z=front)),
        "flap": (cloth, both(flap.turn("y", -22).at(0, 0, front + 0.03))),
        "pole": ("aluminium", both(pole, "z")),
        "rope": ("rope", ropes),
    }


def _dome_tent(half: float, height: float, length: float, cloth: str, trim: str, opening: float) -> dict:
    long, tall, porch = length / 2.9, 0.78 * height, 0.62 * half
    angle = np.linspace(0, np.pi, 17)
    hoop = np.c_[1.02 * half * np.cos(angle), 1.03 * tall * np.sin(angle), 0 * angle]
    poles = [tube(hoop, 0.04, 6).turn("y", turn).scale(1, 1, long) for turn in (45, -45)]
    door = dome(porch, 0.75 * tall, 20).scale(0.6 + 0.4 * opening, 0.9, 1.08)  # stands out of the porch in front
    return {
        "canvas": (cloth, dome(half, tall, 24).scale(1, 1, long)),
        "porch": (cloth, dome(porch, 0.75 * tall, 20).at(0, 0, 0.75 * half * long)),
        "doorway": ("paint_black", door.at(0, 0.01, 0.75 * half * long)),
        "groundsheet": (trim, cylinder(1.08 * half, 0.06, segments=24).scale(1, 1, long)),
        "pole": (trim, poles),
    }


def _tipi(half: float, height: float, length: float, cloth: str, trim: str, opening: float) -> dict:
    tall, radius = 1.7 * height, 1.1 * half
    poles = around(bar((0.95 * radius, 0, 0), (-0.25 * radius, 1.22 * tall, 0), 0.04, sides=6), 8, start=10)
    low, high, lean = 0.1 * tall, (0.2 + 0.2 * opening) * tall, 0.9 * radius / tall
    band = lathe([(radius - lean * low + 0.02, low), (radius - lean * high + 0.02, high)], 20)
    wide = 0.5 * opening + 0.1
    door = extrude([(-wide, 0), (wide, 0), (0, 0.2 * length * height)], 0.1).turn("x", -np.degrees(np.arctan(lean)))
    return {
        "canvas": (cloth, lathe([(radius, 0), (0.1 * radius, tall)], 20)),
        "band": (trim, band),
        "doorway": ("paint_black", door.at(0, 0, radius + 0.01)),
        "pole": ("driftwood", poles),
    }


CLASSES = {make.__name__: make for make in (castle, lighthouse, windmill, water_tower, tent)}
