"""What floats, on the water, under it or in the air. Lengths are in metres; bows point towards +z."""

from collections.abc import Sequence

import numpy as np

from ndslib.sim.catalogue._bodies import GLASS, hull, tower
from ndslib.sim.catalogue._common import Parts
from ndslib.sim.catalogue.craft import spindle, wing
from ndslib.sim.genes import Genes
from ndslib.sim.mesh import Mesh
from ndslib.sim.solids import (
    Solid,
    around,
    assemble,
    bar,
    both,
    box,
    circle,
    cylinder,
    extrude,
    lathe,
    loft,
    smooth,
    torus,
    tube,
)


def boat(stations: Sequence[tuple[float, float, float, float]], power: float = 2.6) -> Solid:
    """A boat's hull through (z, half width, keel y, deck y), given from stern to bow."""
    lower = np.concatenate([circle(1.0, 20, power)[10:], [[1.0, 0.0]]])
    return loft([np.c_[half * lower[:, 0], deck + (deck - keel) * lower[:, 1], np.full(11, z)]
                 for z, half, keel, deck in stations])  # fmt: skip


def sailboat(genes: Genes) -> Mesh:
    half = genes.uniform(2.2, 2.9)
    beam = genes.uniform(0.7, 1.0)
    depth = genes.uniform(0.6, 0.9)
    mast = genes.uniform(4.6, 6.2)
    step = genes.uniform(0.15, 0.5)  # the mast's z
    boom = genes.uniform(1.9, 2.5)
    paint = genes.choice(("paint_white", "paint_white", "paint_navy", "paint_red", "mahogany", "paint_green"))
    cloth = genes.choice(("cotton_white", "cotton_white", "canvas", "cotton_red", "striped_cloth"))
    swing = genes.uniform(-32, -10)
    jib, cabin, flag = genes.chance(0.75), genes.chance(0.6), genes.choice(("cotton_red", "cotton_blue"))
    stations = [(-half, 0.6, -0.5, 0.05), (-0.5 * half, 0.92, -0.85, 0), (0.2 * half, 1, -1, 0),
                (0.7 * half, 0.62, -0.75, 0.12), (half, 0.06, -0.1, 0.25)]  # fmt: skip
    shell = boat(stations).scale(beam, depth, 1)
    rim = boat([(z, 1.05 * x, deck - 0.12, deck + 0.06) for z, x, _, deck in stations], 8).scale(beam, 1, 1)
    side = smooth([(-boom, 0.45), (-0.72 * boom, 0.35 * mast), (-0.05, 0.96 * mast)], 4)
    mainsail = extrude([*side, (-0.04, 0.4)], 0.05)
    luff = half - step - 0.1
    leading = smooth([(0.05, 0.8 * mast), (0.6 * luff, 0.36 * mast), (luff, 0.45)], 3)
    genoa = extrude([*leading, (0.1, 0.5)], 0.05)
    fin = extrude([(-0.35, -0.5), (0.35, -0.5), (0.15, -1.2), (-0.3, -1.2)], 0.1)
    parts = {
        "hull": (paint, shell),
        "deck": ("oak", rim),
        "mast": ("aluminium", bar((0, 0, step), (0, mast, step), 0.06, 0.04, sides=8)),
        "boom": ("aluminium", bar((0, 0.38, 0), (0, 0.38, -boom), 0.05, sides=8).turn("y", swing).at(z=step)),
        "mainsail": (cloth, mainsail.turn("y", -90 + swing).at(z=step)),
        "keel": (paint, fin.turn("y", -90)),
        "rudder": ("oak", box(0.06, 0.9, 0.35).at(0, -0.25, -half - 0.1)),
        "pennant": (flag, extrude([(0, 0), (-0.6, -0.14), (0, -0.28)], 0.03).turn("y", -90).at(0, mast, step)),
    }
    if jib:
        parts["jib"] = (cloth, genoa.turn("y", -90 - 0.6 * swing).at(z=step + 0.05))
    if cabin:
        parts["cabin"] = ("paint_white", tower([(0, 0.55 * beam, -0.9, 0.9), (0.38, 0.45 * beam, -0.8, 0.6)]))
        parts["window"] = (GLASS, both(box(0.3 * beam, 0.14, 0.9).at(0.38 * beam, 0.22, -0.15)))
    return assemble(parts)


def ship(genes: Genes) -> Mesh:
    """A cargo ship, a liner or a tug."""
    cargo = genes.choice((_containers, _decks, _wheelhouse))
    half = genes.uniform(5.0, 6.5) * (0.6 if cargo is _wheelhouse else 1)
    beam = genes.uniform(1.1, 1.4)
    depth = genes.uniform(1.1, 1.5)
    flare = genes.uniform(0.15, 0.45)
    paint = genes.choice(("paint_black", "paint_red", "paint_navy", "paint_green", "paint_white"))
    trim = genes.choice(("paint_red", "paint_yellow", "paint_blue", "paint_black"))
    funnels = genes.integer(1, 3)
    rows = genes.integer(2, 3)
    masts = genes.integer(1, 2)
    stations = [(-half, 0.72, -0.5, 0.15), (-0.8 * half, 0.95, -0.95, 0.02), (0.4 * half, 1, -1, 0),
                (0.75 * half, 0.75, -1, 0.15), (half + flare, 0.05, -0.6, flare + 0.15)]  # fmt: skip
    shell = boat(stations, 4).scale(beam, depth, 1)
    below = boat([(z, 1.01 * x, 1.02 * keel, -0.62) for z, x, keel, _ in stations], 4).scale(beam, depth, 1)
    rim = boat([(z, 1.03 * x, deck - 0.1, deck + 0.06) for z, x, _, deck in stations], 12).scale(beam, depth, 1)
    parts = {"hull": (paint, shell), "waterline": ("paint_red", below), "rail": ("paint_white", rim)}
    parts |= cargo(half, beam, rows, funnels, trim)
    spots = ((0.72 * half, 1.6), (-0.3 * half, 2.6))[:masts]
    parts["mast"] = ("paint_cream", [bar((0, 0, z), (0, y, z), 0.07, sides=6) for z, y in spots]
                     + [box(1.0, 0.07, 0.07).at(0, 0.8 * y, z) for z, y in spots])  # fmt: skip
    return assemble(parts)


def _funnel(y: float, z: float, height: float) -> tuple[Solid, Solid]:
    """A leaning chimney and its band."""
    pipe = cylinder(0.34, height, 0.3, 16).scale(1, 1, 1.3).turn("x", -8).at(0, y + height / 2, z)
    return pipe, cylinder(0.35, 0.3 * height, segments=16).scale(1, 1, 1.3).turn("x", -8).at(0, y + 0.62 * height, z)


def _containers(half: float, beam: float, rows: int, funnels: int, trim: str) -> Parts:
    bridge, chimney = -0.7 * half, _funnel(0.4, -0.9 * half, 1.6)
    paints = ("paint_orange", "paint_blue", "paint_green")
    boxes = {paint: [] for paint in paints}
    for column, z in enumerate(np.linspace(-0.42, 0.55, 6) * half):
        for place, x in enumerate((-0.66, 0, 0.66)):
            for row in range(rows - column % 2):
                block = box(0.62 * beam, 0.5, 0.17 * half).at(x * beam, 0.28 + 0.53 * row, z)
                boxes[paints[(column + place + row) % 3]].append(block)
    house, wings = box(1.7 * beam, 2.2, 1.0).at(0, 1.1, bridge), box(2.1 * beam, 0.45, 0.7).at(0, 2.1, bridge + 0.2)
    panes = [box(2.14 * beam, 0.2, 0.74).at(0, 2.15, bridge + 0.2), box(1.74 * beam, 0.16, 0.7).at(0, 1.3, bridge)]
    return {
        "bridge": ("paint_white", [house, wings]),
        "window": (GLASS, panes),
        "funnel": (trim, chimney[0]),
        "funnel band": ("paint_white", chimney[1]),
        **{f"{paint.removeprefix('paint_')} container": (paint, blocks) for paint, blocks in boxes.items()},
    }  # fmt: skip


def _decks(half: float, beam: float, rows: int, funnels: int, trim: str) -> Parts:
    decks, bands, piers = [], [], []
    for y in 0.5 * np.arange(rows + 1):
        x, rear, front = (0.88 - 0.14 * y) * beam, -(0.72 - 0.2 * y) * half, 0.9 * (0.72 - 0.2 * y) * half
        decks.append(tower([(y, x, rear, front), (y + 0.46, x, rear, front)]))
        bands.append(tower([(level, x + 0.02, 0.98 * rear, 1.01 * front) for level in (y + 0.16, y + 0.34)]))
        piers += [box(2 * x + 0.08, 0.2, 0.16).at(0, y + 0.25, z) for z in np.linspace(0.85 * rear, 0.85 * front, 10)]
    chimneys = [_funnel(0.5 * rows + 0.4, z * half, 1.4) for z in np.linspace(0.2, -0.35, funnels)]
    lifeboat = hull([(-0.35, 0.06, 0, 0.1), (0, 0.13, -0.1, 0.12), (0.35, 0.06, 0, 0.1)], 3).at(0.9 * beam, 0.75)
    return {
        "deckhouse": ("paint_white", decks + piers),
        "window": (GLASS, bands),
        "funnel": (trim, [pipe for pipe, _ in chimneys]),
        "funnel band": ("paint_black", [band for _, band in chimneys]),
        "lifeboat": ("plastic_orange", [side.at(z=z * half) for z in (-0.4, -0.1, 0.2) for side in both(lifeboat)]),
    }


def _wheelhouse(half: float, beam: float, rows: int, funnels: int, trim: str) -> Parts:
    pipe, band = _funnel(0.6, -0.15 * half, 1.3)
    house = tower([(0, 0.7 * beam, -0.45 * half, 0.35 * half), (0.75, 0.66 * beam, -0.42 * half, 0.3 * half)])
    bridge = tower([(0.75, 0.5 * beam, 0, 0.3 * half), (1.55, 0.55 * beam, 0, 0.34 * half),
                    (1.62, 0.6 * beam, -0.1, 0.4 * half)])  # fmt: skip
    glass = tower([(1.05, 0.54 * beam, 0.1, 0.33 * half), (1.4, 0.56 * beam, 0.1, 0.345 * half)])
    tyre = torus(0.24, 0.09, 14, 8).turn("z", 90).at(0.98 * beam, -0.15)
    places = np.linspace(-0.6, 0.4, rows + 1) * half
    return {
        "deckhouse": ("paint_white", house),
        "bridge": ("paint_white", bridge),
        "window": (GLASS, [glass, box(1.43 * beam, 0.25, 0.4 * half).at(0, 0.42, -0.05 * half)]),
        "funnel": (trim, pipe),
        "funnel band": ("paint_black", band),
        "fender": ("rubber_black", [side.at(z=z) for z in places for side in both(tyre)]),
    }


def submarine(genes: Genes) -> Mesh:
    half = genes.uniform(2.6, 3.8)
    radius = genes.uniform(0.6, 0.85)
    sail = genes.uniform(0.5, 0.95)
    place = genes.uniform(0.0, 0.35) * half
    snub = genes.uniform(0.65, 0.9)
    paint = genes.choice(("paint_yellow", "paint_yellow", "paint_grey", "paint_black", "paint_navy", "paint_red"))
    trim = genes.choice(("paint_red", "brass", "paint_white", "paint_black"))
    ports = genes.integer(2, 4)
    blades = genes.integer(3, 6)
    planes, scopes, rail = genes.chance(0.6), genes.integer(1, 3), genes.chance(0.5)
    shape = smooth([(-half, 0.12 * radius), (-0.6 * half, 0.75 * radius), (-0.1 * half, radius),
                    (0.65 * half, 0.96 * radius), (0.92 * half, snub * 0.8 * radius), (half, 0.03)], 3)  # fmt: skip
    y, top = 0.8 * radius, radius + sail
    tail = around(wing(0.95 * radius, 0.6, 0.35, 0.2).at(0.15, 0, -0.8 * half), 4, "z")
    screw = around(box(0.22, 0.5, 0.05).turn("y", 40).at(0, 0.3, -half - 0.12), blades, "z")
    tops = [(0.0, top + 0.75 - 0.2 * n, place + 0.12 * n - 0.1) for n in range(scopes)]
    conning = tower([(y - 0.2, 0.34, place - 0.75, place + 0.7), (top, 0.3, place - 0.65, place + 0.55)], 2.6, 20)
    cap = tower([(y, 0.33, place - 0.7, place + 0.6) for y in (top - 0.02, top + 0.08)], 2.6, 20)
    places = [(0.965 * radius, 0.12 * radius, place + z) for z in np.linspace(-1.3, 1.0, ports)]
    pane, ring = cylinder(0.17, 0.1, segments=14).turn("z", 90), torus(0.19, 0.05, 14, 6).turn("z", 90)
    lens = box(0.12, 0.12, 0.26).at(0, 0, 0.06)
    parts = {
        "hull": (paint, spindle(shape, 22)),
        "conning tower": (paint, conning),
        "cap": (trim, cap),
        "tail fin": (trim, tail),
        "propeller": ("brass", [*screw, cylinder(0.12, 0.35, 0.02, 10).turn("x", -90).at(0, 0, -half - 0.15)]),
        "periscope": ("steel", [lens.at(*at) for at in tops] + [bar((0, 0, z), (0, y, z), 0.06) for _, y, z in tops]),
        "porthole": (GLASS, [side for at in places for side in both(pane.at(*at))]),
        "porthole rim": (trim, [side for at in places for side in both(ring.at(*at))]),
    }  # fmt: skip
    if planes:
        parts["bow plane"] = (trim, both(wing(0.7, 0.5, 0.35, 0.1).at(0.8 * radius, 0.1, 0.68 * half)))
    if rail:
        posts = [
            bar((0.25, radius - 0.1, z), (0.25, radius + 0.22, z), 0.025, sides=6)
            for z in np.linspace(-0.5, -0.1, 3) * half
        ]
        line = tube([(0.25, radius + 0.22, -0.5 * half), (0.25, radius + 0.22, -0.1 * half)], 0.025, 6)
        parts["rail"] = ("steel", [side for solid in (*posts, line) for side in both(solid)])
    return assemble(parts)


_GORE = np.array([(0.28, 0), (0.2, 0.6), (-0.05, 1), (-0.05, -1), (0.2, -0.6)])  # out, and across

_LIVERIES = (
    ("cotton_red", "cotton_white"),
    ("paint_blue", "paint_yellow"),
    ("paint_orange", "paint_navy"),
    ("paint_green", "paint_yellow"),
    ("paint_purple", "paint_pink"),
)


def hot_air_balloon(genes: Genes) -> Mesh:
    gores = 2 * genes.integer(6, 9)
    radius = genes.uniform(2.0, 2.6)
    tall = genes.uniform(2.1, 2.6) * radius
    mouth = genes.uniform(0.2, 0.3) * radius
    widest = genes.uniform(0.58, 0.68)
    basket = genes.uniform(0.42, 0.6)
    drop = genes.uniform(0.6, 1.1)
    first, second = genes.choice(_LIVERIES)
    pattern = genes.choice(("gores", "gores", "pairs", "plain"))
    belt, bags = genes.chance(0.5), genes.chance(0.5)
    profile = smooth([(mouth, 0), (0.72 * radius, 0.3 * tall), (radius, widest * tall), (0.72 * radius, 0.9 * tall),
                      (0.05, tall)], 3)  # fmt: skip
    widths = np.maximum(1.05 * np.tan(np.pi / gores) * profile[:, 0], 0.02)
    gore = tube(np.c_[profile * [0.97, 1], np.zeros(len(profile))], widths, section=_GORE)
    strips = around(gore, gores)
    period = {"gores": 2, "pairs": 4, "plain": 6}[pattern]
    bright = [strip for number, strip in enumerate(strips) if number % period < period // 2]
    dark = [strip for number, strip in enumerate(strips) if number % period >= period // 2]
    low = -drop
    cords = around(bar((0.85 * basket, low, 0.85 * basket), (0.7 * mouth, 0.05, 0.7 * mouth), 0.03, sides=4), 4)
    wall = tower([(low - 0.75, 0.85 * basket, -0.85 * basket, 0.85 * basket), (low, basket, -basket, basket)])
    lip = 1.07 * basket
    edge = tower([(y, lip, -lip, lip) for y in (low - 0.03, low + 0.09)])
    parts = {
        "envelope": (first, bright),
        "stripe": (second, dark),
        "skirt": (second, lathe([(0.75 * mouth, -0.3), (mouth, 0.1)], 20)),
        "basket": ("wicker", wall),
        "rim": ("leather_brown", edge),
        "rope": ("rope", cords),
        "burner": ("steel", cylinder(0.12, 0.4, 0.18, 10).at(0, low + 0.3)),
    }
    if belt:
        parts["belt"] = (second, cylinder(1.05 * radius, 0.08 * tall, segments=32).at(0, widest * tall))
    if bags:
        bag, spots = cylinder(0.11, 0.28, 0.07, 8), ((-0.5, 1.05), (0.5, 1.05), (1.05, -0.4), (1.05, 0.4))
        parts["sandbag"] = ("burlap", [bag.at(x * basket, low - 0.3, z * basket) for x, z in spots])
    return assemble(parts)


CLASSES = {make.__name__: make for make in (sailboat, ship, submarine, hot_air_balloon)}
