"""Furniture: to sit, lie, work and store things at, and lamps. Drawers and doors open towards +z."""

import numpy as np

from ndslib.sim.catalogue._common import disc, slab
from ndslib.sim.catalogue._joinery import (
    COVERS,
    FILLINGS,
    LEGS,
    METALS,
    WOODS,
    drawers,
    infill,
    leg,
    legs,
    spread,
)
from ndslib.sim.genes import Genes
from ndslib.sim.mesh import Mesh
from ndslib.sim.solids import Solid, around, assemble, ball, bar, both, box, cylinder, extrude, lathe, smooth, tube

_TOPS = (*WOODS, "marble_white", "glass_clear")
_SHADES = ("linen", "paint_cream", "silk", "cotton_red", "cotton_blue", "paper")
_ARC = np.radians(np.linspace(0, 180, 13))
_PEDIMENTS = (  # arched, gabled and flat; (x, y) in widths of the clock's hood
    np.stack([0.5 * np.cos(_ARC), 0.4 * np.sin(_ARC)], 1),
    [(-0.6, 0), (0.6, 0), (0, 0.45)],
    [(-0.6, 0), (0.6, 0), (0.6, 0.08), (-0.6, 0.08)],
)


def table(genes: Genes) -> Mesh:
    width, depth, height = genes.uniform(1.8, 3.2), genes.uniform(1.1, 1.5), genes.uniform(0.9, 1.3)
    girth, style, splay = genes.uniform(0.06, 0.12), genes.choice(LEGS), genes.uniform(0, 6)
    wood, top = genes.choice(WOODS), genes.choice(_TOPS)
    thick, apron = genes.uniform(0.06, 0.14), genes.uniform(0.1, 0.22)
    x, z, rail = width / 2 - 0.15, depth / 2 - 0.15, height - apron / 2
    rails = both(slab(2 * x, apron, 0.06).at(0, rail, z), "z") + both(slab(0.06, apron, 2 * z).at(x, rail))
    parts = {
        "top": (top, slab(width, thick, depth).at(y=height + thick / 2)),
        "apron": (wood, rails),
        "legs": (wood, legs(x, z, height, girth, style, splay)),
    }
    if genes.chance(0.3):
        parts["stretcher"] = (wood, [slab(2 * x, 0.07, 0.07).at(y=0.25), *both(slab(0.06, 0.06, 2 * z).at(x, 0.25))])
    return assemble(parts)


def round_table(genes: Genes) -> Mesh:
    radius, height, thick = genes.uniform(0.75, 1.3), genes.uniform(0.9, 1.4), genes.uniform(0.06, 0.12)
    wood, top, feet = genes.choice(WOODS), genes.choice(_TOPS), genes.integer(3, 5)
    girth, reach, style = genes.uniform(0.07, 0.14), genes.uniform(0.5, 0.75) * radius, genes.choice(LEGS)
    cloth = genes.choice(("checker_red", "linen", "cotton_blue", "polka_cloth"))
    foot = tube(smooth([(0, 0.35, 0), (0.5 * reach, 0.25, 0), (reach, 0.05, 0)], 4), np.linspace(0.09, 0.05, 9), 8)
    if genes.chance(0.6):
        column = leg(height - 0.2, 1.2 * girth, "turned").at(y=0.2)
        support = {"column": (wood, column), "feet": (wood, around(foot, feet))}
    else:
        slanted = leg(height, 0.8 * girth, style).at(y=-height).turn("z", 6).at(0.7 * radius, height)
        support = {"legs": (wood, around(slanted, feet, start=15))}
    edge = [(0.97 * radius, 0), (radius, 0.3 * thick), (radius, thick), (0.98 * radius, 1.1 * thick)]
    parts = {
        "top": (top, lathe(edge).at(y=height)),
        "apron": (wood, cylinder(0.8 * radius, 0.14, segments=20).at(y=height - 0.06)),
        **support,
    }
    if genes.chance(0.25):
        parts["cloth"] = (cloth, lathe([(1.03 * radius, -0.25), (1.02 * radius, 1.1 * thick + 0.02)]).at(y=height))
    return assemble(parts)


def desk(genes: Genes) -> Mesh:
    width, depth, height = genes.uniform(2.0, 2.8), genes.uniform(0.95, 1.2), genes.uniform(1.0, 1.2)
    wood, face, metal = genes.choice(WOODS), genes.choice(WOODS), genes.choice(METALS)
    rows, cabinet, lift = genes.integer(2, 4), genes.uniform(0.5, 0.65), genes.uniform(0.05, 0.3)
    block = slab(cabinet, height - lift, depth - 0.1).at(y=(height + lift) / 2)
    fronts, knobs = drawers(cabinet, lift + 0.04, height - 0.06, depth / 2 - 0.04, rows)
    side, twin = width / 2 - cabinet / 2 - 0.06, genes.chance(0.4)
    places = (side, -side) if twin else (side,)
    style = genes.choice(LEGS)
    return assemble({
        "top": (wood, slab(width, 0.1, depth).at(y=height + 0.05)),
        "legs": (wood, legs(width / 2 - 0.12, depth / 2 - 0.12, height, 0.06, style)),
        "cabinet": (wood, [block.at(x=x) for x in places]),
        "drawers": (face, [front.at(x=x) for x in places for front in fronts]),
        "knobs": (metal, [knob.at(x=x) for x in places for knob in knobs]),
        "back panel": (wood, slab(width - 0.2, 0.5 * height, 0.06).at(0, 0.7 * height, -depth / 2 + 0.12)),
    })  # fmt: skip


def bed(genes: Genes) -> Mesh:
    """The head is at the back, the foot towards +z."""
    width, length, height = genes.uniform(1.1, 2.0), genes.uniform(2.2, 2.5), genes.uniform(0.3, 0.5)
    head, foot, girth = genes.uniform(0.6, 1.2), genes.uniform(0.1, 0.5), genes.uniform(0.05, 0.09)
    wood, style, count = genes.choice((*WOODS, "iron", "brass")), genes.choice(FILLINGS), genes.integer(4, 7)
    blanket, sheet = genes.choice(COVERS), genes.choice(("cotton_white", "linen", "cotton_blue"))
    cover = genes.uniform(0.6, 0.75) * length

    def end(rise: float, z: float) -> list[Solid]:
        """A head- or footboard between two posts."""
        posts = both(leg(height + rise + 0.12, girth, "turned").at(width / 2))
        filling = [solid.at(y=height) for solid in infill(style, width - 0.1, rise, count)]
        return [solid.at(z=z) for solid in (*posts, slab(width, 0.1, 0.1).at(y=height + rise), *filling)]

    pillow = ball(0.34 * min(width / 1.5, 1), 0.13, 0.22, 14).at(0, height + 0.42, -0.36 * length)
    return assemble({
        "frame": (wood, slab(width, 0.2, length).at(y=height)),
        "headboard": (wood, end(head, -length / 2)),
        "footboard": (wood, end(foot, length / 2)),
        "mattress": (sheet, slab(width - 0.06, 0.26, length - 0.1).at(y=height + 0.2)),
        "blanket": (blanket, slab(width + 0.04, 0.28, cover).at(0, height + 0.22, length / 2 - cover / 2 - 0.06)),
        "pillows": ("cotton_white", [pillow.at(x=x) for x in spread(width, 2 if width > 1.5 else 1)]),
    })  # fmt: skip


def bookshelf(genes: Genes) -> Mesh:
    width, height, depth = genes.uniform(1.3, 2.2), genes.uniform(2.2, 3.4), genes.uniform(0.45, 0.65)
    rows, wood, fill = genes.integer(3, 5), genes.choice(WOODS), genes.uniform(0.5, 1.0)
    crown = genes.uniform(0.02, 0.1)
    levels = np.linspace(0.12, height - 0.05, rows + 1)
    room = levels[1] - levels[0]
    books = {colour: [] for colour in ("leather_red", "cotton_blue", "leather_tan", "felt_green")}
    for level in levels[:-1]:
        x = -width / 2 + 0.08
        while x < width * (min(fill * genes.uniform(0.8, 1.2), 1) - 0.5) - 0.2:
            thick, tall = genes.uniform(0.08, 0.18), genes.uniform(0.55, 0.85) * room
            volume = box(0.94 * thick, tall, 0.75 * depth).at(x + thick / 2, level + tall / 2, 0.04)
            books[genes.choice(tuple(books))].append(volume)
            x += thick
    return assemble({
        "sides": (wood, both(slab(0.08, height, depth).at(width / 2, height / 2))),
        "shelves": (wood, [slab(width, 0.06, depth - 0.02).at(y=y) for y in levels]),
        "back": (wood, slab(width, height - 0.1, 0.04).at(0, height / 2, -depth / 2 + 0.03)),
        "cornice": (wood, slab(width + 0.2, crown + 0.06, depth + crown).at(y=height + 0.02)),
        **{f"{name.split('_')[-1]} books": (name, shelf) for name, shelf in books.items() if shelf},
    })  # fmt: skip


def wardrobe(genes: Genes) -> Mesh:
    width, height, depth = genes.uniform(1.4, 2.2), genes.uniform(2.4, 3.2), genes.uniform(0.7, 1.0)
    doors, feet, base = genes.integer(2, 3), genes.uniform(0.1, 0.3), genes.choice((0.05, 0.45, 0.45))
    wood, face, metal = genes.choice(WOODS), genes.choice(WOODS), genes.choice(METALS)
    door, top, front = width / doors, feet + height, depth / 2
    panel, style, mirrored = genes.integer(1, 2), genes.choice(LEGS), genes.chance(0.4)
    tall = height - base - 0.1
    middle = feet + base + tall / 2
    inlays = [slab(0.65 * door, 0.85 * tall / panel, 0.05).at(x, y + middle, front + 0.03)
              for x in spread(width, doors) for y in spread(tall, panel)]  # fmt: skip
    grip = bar((0, middle - 0.15, front + 0.1), (0, middle + 0.15, front + 0.1), 0.03)
    parts = {
        "body": (wood, slab(width, height, depth).at(y=feet + height / 2)),
        "doors": (face, [slab(0.94 * door, tall, 0.08).at(x, middle, front) for x in spread(width, doors)]),
        "panels": ("chrome" if mirrored else wood, inlays),
        "handles": (metal, [grip.at(x=x + 0.4 * door) for x in spread(width, doors)]),
        "cornice": (wood, slab(width + 0.16, 0.16, depth + 0.16).at(y=top)),
        "feet": (wood, legs(width / 2 - 0.1, depth / 2 - 0.1, feet + 0.02, 0.08, style)),
    }
    if base > 0.1:
        fronts, knobs = drawers(width, feet + 0.05, feet + base, front, 1, 2)
        parts["drawers"] = (face, fronts)
        parts["knobs"] = (metal, knobs)
    return assemble(parts)


def chest_of_drawers(genes: Genes) -> Mesh:
    width, height, depth = genes.uniform(1.2, 2.2), genes.uniform(1.1, 1.9), genes.uniform(0.7, 0.9)
    rows, columns, feet = genes.integer(3, 5), genes.integer(1, 2), genes.uniform(0.12, 0.35)
    wood, face, metal, style = genes.choice(WOODS), genes.choice(WOODS), genes.choice(METALS), genes.choice(LEGS)
    fronts, knobs = drawers(width - 0.1, feet + 0.05, feet + height - 0.05, depth / 2, rows, columns)
    glass = genes.uniform(0.5, 0.7)
    parts = {
        "body": (wood, slab(width, height, depth).at(y=feet + height / 2)),
        "top": (wood, slab(width + 0.14, 0.1, depth + 0.14).at(y=feet + height + 0.03)),
        "drawers": (face, fronts),
        "knobs": (metal, knobs),
        "feet": (wood, legs(width / 2 - 0.1, depth / 2 - 0.1, feet + 0.02, 0.08, style)),
    }
    if genes.chance(0.3):
        oval = disc(1, 0.06).scale(0.6 * glass, 0.8 * glass).at(0, feet + height + 0.8 * glass, -0.2)
        parts["mirror frame"] = (wood, oval.at(z=-0.03).scale(1.1))
        parts["mirror"] = ("chrome", oval)
    return assemble(parts)


def _shade(genes: Genes, size: float) -> Solid:
    """A lampshade that stands on y = 0."""
    low, high, rise = genes.uniform(0.8, 1.1) * size, genes.uniform(0.4, 0.9) * size, genes.uniform(0.8, 1.3) * size
    sides = genes.choice((6, 24, 24))
    return lathe([(low, 0), (high, rise), (high - 0.04, rise), (0.9 * high, 0.9 * rise), (0, 0.9 * rise)], sides)


def floor_lamp(genes: Genes) -> Mesh:
    height, reach = genes.uniform(3.2, 4.4), genes.choice((0, 0, 1)) * genes.uniform(0.9, 1.4)
    shade, cloth, metal = _shade(genes, genes.uniform(0.5, 0.75)), genes.choice(_SHADES), genes.choice(METALS)
    girth, foot, tripod = genes.uniform(0.04, 0.07), genes.uniform(0.45, 0.65), genes.chance(0.3)
    stem = [(0, 0.05, 0), (0, 0.8 * height, 0), (0.5 * reach, height + 0.35 * reach, 0), (reach, height + 0.1, 0)]
    base = lathe([(foot, 0), (foot, 0.08), (0.2, 0.16), (0.1, 0.25)], 20)
    prong = bar((0, 0.35 * height, 0), (0.9 * foot, 0, 0), girth, sides=8)
    knuckle = ball(2 * girth, segments=10).at(y=genes.uniform(0.3, 0.7) * height)
    return assemble({
        "base": (metal, around(prong, 3) if tripod else base),
        "pole": (metal, tube(smooth(stem, 4) if reach else [(0, 0.05, 0), (0, height + 0.3, 0)], girth, 8)),
        "knuckle": (metal, knuckle),
        "bulb": ("lamp_glow", ball(0.2, segments=12).at(reach, height - 0.1)),
        "shade": (cloth, shade.at(reach, height - 0.1)),
    })  # fmt: skip


def table_lamp(genes: Genes) -> Mesh:
    height, belly, neck = genes.uniform(0.9, 1.7), genes.uniform(0.25, 0.6), genes.uniform(0.08, 0.16)
    place, foot = genes.uniform(0.25, 0.6) * height, genes.uniform(0.35, 0.5)
    shade, cloth = _shade(genes, genes.uniform(0.75, 1.0)), genes.choice(_SHADES)
    clay = genes.choice(("porcelain", "delft", "glazed_green", "terracotta", "brass", "walnut", "marble_white"))
    body = smooth([(0.25, 0.1), (belly, place), (neck, height), (neck, height + 0.15)], 4)
    return assemble({
        "base": (genes.choice(METALS), cylinder(foot, 0.12, 0.9 * foot, 20).at(y=0.06)),
        "body": (clay, lathe(body, 20)),
        "pole": ("brass", cylinder(0.04, 1.2, segments=8).at(y=height + 0.3)),
        "bulb": ("lamp_glow", ball(0.2, segments=12).at(y=height + 0.12)),
        "shade": (cloth, shade.at(y=height + 0.1)),
    })  # fmt: skip


def grandfather_clock(genes: Genes) -> Mesh:
    trunk, hood, waist = genes.uniform(1.5, 2.2), genes.uniform(1.0, 1.25), genes.uniform(0.65, 0.85)
    base, swing, outline = genes.uniform(0.6, 0.9), genes.uniform(-9, 9), genes.choice(_PEDIMENTS)
    wood, hour, minute = genes.choice(WOODS[:7]), genes.uniform(0, 360), genes.uniform(0, 360)
    foot, dial = base + trunk, 0.4 * hood
    centre, top = foot + hood / 2, foot + hood
    pendulum = [box(0.03, 0.7 * trunk, 0.03).at(y=-0.35 * trunk), disc(0.2, 0.05).at(y=-0.72 * trunk)]
    tick = box(0.04, 0.1, 0.03).at(y=0.85 * dial)
    hands = [box(0.05, length * dial, 0.03).at(y=length * dial / 2).turn("z", turn)
             for length, turn in ((0.6, hour), (0.85, minute))]  # fmt: skip
    return assemble({
        "base": (wood, [slab(1.0, base, 0.6).at(y=base / 2), slab(1.12, 0.14, 0.7).at(y=0.07)]),
        "trunk": (wood, slab(waist, trunk, 0.5).at(y=base + trunk / 2)),
        "hood": (wood, [slab(hood, hood, 0.6).at(y=centre), slab(hood + 0.12, 0.1, 0.7).at(y=foot)]),
        "pediment": (wood, extrude(outline, 0.6).scale(x=hood, y=hood).at(y=top - 0.01)),
        "window": ("ebony", slab(0.7 * waist, 0.86 * trunk, 0.06).at(0, base + trunk / 2, 0.25)),
        "pendulum": ("brass", [solid.turn("z", swing).at(0, foot - 0.06, 0.3) for solid in pendulum]),
        "dial": ("paint_cream", disc(dial, 0.06).at(0, centre, 0.3)),
        "ticks": ("paint_black", [solid.at(0, centre, 0.33) for solid in around(tick, 12, "z")]),
        "hands": ("paint_black", [solid.at(0, centre, 0.35) for solid in hands]),
        "finials": ("brass", [ball(0.07, segments=8).at(x, top + 0.08, 0.2) for x in (-0.5 * hood, 0.5 * hood)]),
    })  # fmt: skip


def ladder(genes: Genes) -> Mesh:
    """A leaning ladder with rungs, or a stepladder with treads."""
    height, low, narrow = genes.uniform(3.0, 4.4), genes.uniform(0.45, 0.65), genes.uniform(0.65, 1.0)
    rungs, girth, lean = genes.integer(5, 9), genes.uniform(0.04, 0.07), genes.uniform(8, 18)
    material, folding = genes.choice((*WOODS[:3], "aluminium", "paint_red", "paint_yellow")), genes.chance(0.5)
    grip = genes.choice(("rubber_black", "rubber_red"))
    halves = low * (1 + (narrow - 1) * (np.arange(rungs) + 0.7) / rungs)
    levels = height * (np.arange(rungs) + 0.7) / rungs
    step = slab(2, 0.06, 0.3) if folding else cylinder(girth, 2, segments=8).turn("z", 90)
    steps = [step.scale(x=half).at(y=y) for half, y in zip(halves, levels, strict=True)]

    def placed(solids: list[Solid], degrees: float) -> list[Solid]:
        """Leaning about the top, which stays at z = 0."""
        return [solid.at(y=-height).turn("x", degrees).at(y=height) for solid in solids]

    rails = both(bar((low, 0, 0), (narrow * low, height, 0), 1.3 * girth, sides=8))
    feet = both(cylinder(1.7 * girth, 0.15, segments=10).at(low, 0.05))
    parts = {
        "rails": (material, placed(rails, -lean)),
        "rungs": (material, placed(steps, -lean)),
        "feet": (grip, placed(feet, -lean)),
    }
    if folding:
        brace = bar((-low, 0.35 * height, 0), (low, 0.35 * height, 0), girth, sides=8)
        parts["rear frame"] = (material, placed([*rails, brace], lean))
        parts["platform"] = (grip, [slab(2.3 * narrow * low, 0.1, 0.4).at(y=height)])
    return assemble(parts)


CLASSES = {
    make.__name__: make
    for make in (table, round_table, desk, bed, bookshelf, wardrobe, chest_of_drawers, floor_lamp, table_lamp,
                 grandfather_clock, ladder)
}  # fmt: skip
