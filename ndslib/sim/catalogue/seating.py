"""Furniture to sit on; seats open towards +z."""

import numpy as np

from ndslib.sim.catalogue._common import Parts, slab
from ndslib.sim.catalogue._joinery import COVERS, FILLINGS, LEGS, WOODS, infill, leg, legs, spread
from ndslib.sim.genes import Genes
from ndslib.sim.mesh import Mesh
from ndslib.sim.solids import around, assemble, bar, both, cylinder, lathe, smooth, torus, tube


def chair(genes: Genes) -> Mesh:
    width, depth, back = genes.uniform(0.85, 1.1), genes.uniform(0.85, 1.05), genes.uniform(0.9, 1.6)
    girth, splay, recline = genes.uniform(0.045, 0.075), genes.uniform(0, 7), genes.uniform(2, 14)
    wood, cushion, style = genes.choice(WOODS), genes.choice(COVERS), genes.choice(LEGS)
    filling = infill(genes.choice(FILLINGS), width - 0.2, back, genes.integer(2, 5))
    posts = both(bar((width / 2 - 0.06, -0.05, 0), (width / 2 - 0.06, back, 0), girth, 0.7 * girth))
    rail = slab(width, 0.16 * back, 0.1).at(y=back)
    x, z = width / 2 - 0.08, depth / 2 - 0.08
    parts = {
        "seat": (wood, slab(width, 0.1, depth).at(y=1)),
        "legs": (wood, legs(x, z, 1, girth, style, splay)),
        "back": (wood, [solid.turn("x", -recline).at(0, 1.03, -z) for solid in (*posts, rail, *filling)]),
    }
    stretched, padded = genes.chance(0.5), genes.chance(0.4)
    if stretched:
        side, end = (place + 0.65 * np.tan(np.radians(splay)) for place in (x, z))
        parts["stretchers"] = (wood, both(bar((side, 0.35, end), (side, 0.35, -end), 0.03)))
    if padded:
        parts["cushion"] = (cushion, slab(0.88 * width, 0.12, 0.88 * depth).at(y=1.09))
    return assemble(parts)


def _upholstered(genes: Genes, seats: int) -> Parts:
    """The parts of an armchair (one seat) or a sofa."""
    seat, arm, depth = genes.uniform(0.85, 1.1), genes.uniform(0.2, 0.38), genes.uniform(0.95, 1.2)
    back, rise, recline = genes.uniform(0.8, 1.3), genes.uniform(0.3, 0.5), genes.uniform(4, 14)
    feet, style, rolled = genes.uniform(0.12, 0.35), genes.choice(LEGS), genes.chance(0.5)
    cover, wood, width = genes.choice(COVERS), genes.choice(WOODS), seats * seat
    accent = genes.choice((cover, cover, *COVERS))
    places = spread(width, seats)
    top = feet + 0.38 + rise
    side = slab(arm, top - feet, depth + 0.15).at(width / 2 + arm / 2, (top + feet) / 2)
    arms = both(side)
    if rolled:
        arms += both(cylinder(0.62 * arm, depth + 0.2, segments=14).turn("x", 90).at(width / 2 + 0.55 * arm, top))
    rear = slab(width + arm, back + 0.4, 0.3).at(y=back / 2 + 0.2).turn("x", -recline).at(0, feet + 0.02, -depth / 2)
    pad = slab(0.97 * seat, 0.8 * back, 0.24).turn("x", -recline).at(0, feet + 0.5 + back / 2, -depth / 2 + 0.16)
    return {
        "base": (cover, slab(width + 0.1, 0.32, depth).at(y=feet + 0.16)),
        "cushions": (accent, [slab(0.98 * seat, 0.24, depth - 0.02).at(x, feet + 0.4, 0.05) for x in places]),
        "arms": (cover, arms),
        "back": (cover, rear),
        "back cushions": (accent, [pad.at(x=x) for x in places]),
        "feet": (wood, legs(width / 2 + arm / 2, depth / 2 - 0.1, feet + 0.04, 0.07, style)),
    }


def armchair(genes: Genes) -> Mesh:
    return assemble(_upholstered(genes, 1))


def sofa(genes: Genes) -> Mesh:
    seats = genes.integer(3, 4)
    parts = _upholstered(genes, seats)
    place, size, cover = genes.uniform(-0.4, 0.4) * seats, genes.uniform(0.3, 0.42), genes.choice(COVERS)
    if genes.chance(0.5):
        pillow = slab(1.5 * size, 1.5 * size, 0.25).turn("z", 30).turn("x", -20).at(place, 1.1, 0.1)
        parts["pillow"] = (cover, pillow)
    return assemble(parts)


def stool(genes: Genes) -> Mesh:
    height, radius, splay = genes.uniform(1.0, 2.2), genes.uniform(0.42, 0.6), genes.uniform(4, 12)
    count, girth, level = genes.choice((3, 4, 4)), genes.uniform(0.05, 0.08), genes.uniform(0.25, 0.4)
    wood, style, cover = genes.choice((*WOODS, "brushed_steel")), genes.choice(LEGS), genes.choice(COVERS)
    support = leg(height, girth, style).at(y=-height).turn("z", splay).at(0.7 * radius, height)
    ring = 0.7 * radius + np.tan(np.radians(splay)) * (1 - level) * height
    disc = [(0.9 * radius, 0), (radius, 0.04), (radius, 0.1), (0.93 * radius, 0.14)]
    parts = {
        "seat": (wood, lathe(disc, 24).at(y=height)),
        "legs": (wood, around(support, count, start=20)),
        "ring": (genes.choice((wood, "brass")), torus(ring, 0.035, 24, 6).at(y=level * height)),
    }
    if genes.chance(0.5):
        padding = [(0.95 * radius, 0), (radius, 0.1), (0.85 * radius, 0.2), (0, 0.24)]
        parts["cushion"] = (cover, lathe(padding, 24).at(y=height + 0.12))
    return assemble(parts)


def bench(genes: Genes) -> Mesh:
    """A garden bench: slats on two side frames."""
    width, depth, back = genes.uniform(2.2, 3.4), genes.uniform(0.8, 1.0), genes.uniform(0.6, 1.0)
    slats, rails, recline = genes.integer(3, 5), genes.integer(2, 4), genes.uniform(8, 20)
    wood, frame = genes.choice(WOODS), genes.choice(("cast_iron", "concrete", "oak", "paint_green"))
    girth = genes.uniform(0.04, 0.08)
    lean = np.tan(np.radians(recline))
    x, z = 0.42 * width, depth / 2
    rear = [(x, 0, -z - 0.1), (x, 0.9, -z), (x, 0.95 + back, -z - lean * back)]
    front = [(x, 0, z), (x, 0.88, z - 0.06), (x, 0.88, -z)]
    arm = [(x, 0.85, z - 0.1), (x, 1.25, z - 0.05), (x, 1.35, 0), (x, 1.3, -z - 0.1)]
    board = slab(width, 0.75 * back / rails, 0.07).turn("x", -recline)
    levels = spread(back, rails) + back / 2
    parts = {
        "seat": (wood, [slab(width, 0.07, 0.8 * depth / slats).at(0, 0.97, place) for place in spread(depth, slats)]),
        "back": (wood, [board.at(0, 1.05 + rise, 0.08 - z - lean * rise) for rise in levels]),
        "legs": (frame, [side for path in (rear, front) for side in both(tube(path, girth, 8))]),
    }
    if genes.chance(0.6):
        parts["arms"] = (frame, both(tube(smooth(arm, 3), girth, 8)))
    return assemble(parts)


CLASSES = {make.__name__: make for make in (chair, armchair, sofa, stool, bench)}
