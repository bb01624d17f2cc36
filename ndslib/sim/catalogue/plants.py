"""Trees, bushes, flowers and mushrooms."""

import numpy as np

from ndslib.sim.catalogue._organic import blade, limb, lumpy
from ndslib.sim.genes import Genes
from ndslib.sim.mesh import Mesh
from ndslib.sim.solids import Solid, around, assemble, ball, bar, cylinder, dome, lathe, smooth, tube

_LEAVES = ("leaf_green", "leaf_dark", "leaf_green", "leaf_autumn")
_PETALS = ("petal_red", "petal_yellow", "petal_white", "petal_pink", "petal_purple")


def _crown(genes: Genes, count: int, across: float, up: float, size: float) -> list[Solid]:
    """A mass of `count` leafy lumps of about the radius `size`, placed over an ellipsoid about the origin."""
    lumps = [lumpy(genes, ball(0.9 * across, 0.9 * up, segments=14), 0.3)]
    for step in range(count):
        turn, rise = 2.4 * step, -0.8 + 1.7 * (step + 0.5) / count  # the golden angle spreads them evenly
        reach = across * np.sqrt(1 - rise**2) * genes.uniform(0.75, 1.1)
        place = reach * np.cos(turn), up * rise, reach * np.sin(turn)
        lumps.append(lumpy(genes, ball(size * genes.uniform(0.75, 1.15), segments=12), 0.35).at(*place))
    return lumps


def tree(genes: Genes) -> Mesh:
    """Broad-leaved: round, wide or slender."""
    height, thick = genes.uniform(0.4, 1.05), genes.uniform(0.05, 0.1)
    across, up = genes.uniform(0.28, 0.66), genes.uniform(0.34, 0.66)
    lean = genes.uniform(-0.12, 0.12)
    trunk = limb([(0, 0, 0, 1.5 * thick), (0.2 * lean, 0.12, 0, thick), (0.7 * lean, 0.5 * height, 0, 0.9 * thick),
                  (lean, height + 0.5 * up, 0, 0.5 * thick)], sides=9)  # fmt: skip
    branch = bar((0, 0.75 * height, 0), (0.75 * across, height + 0.45 * up, 0), 0.5 * thick, 0.2 * thick, 7)
    branches = around(branch.at(lean * 0.7), genes.integer(3, 5), start=genes.uniform(0, 90))
    bark, leaves = genes.choice(("bark", "bark", "bark_birch")), genes.choice(_LEAVES)
    crown = _crown(genes, genes.integer(6, 11), across, up, 0.42 * (across + up) * genes.uniform(0.75, 1.1))
    return assemble({
        "trunk": (bark, trunk),
        "branch": (bark, branches),
        "crown": (leaves, [lump.at(lean, height + 0.85 * up) for lump in crown]),
    })  # fmt: skip


def bush(genes: Genes) -> Mesh:
    across, up, leaves = genes.uniform(0.5, 0.8), genes.uniform(0.32, 0.5), genes.choice(_LEAVES)
    blossom, petals, stems = genes.chance(0.4), genes.choice(_PETALS), genes.integer(3, 5)
    crown = _crown(genes, genes.integer(7, 10), 0.75 * across, 0.85 * up, genes.uniform(0.28, 0.36))
    shoot = blade(genes.uniform(0.28, 0.42), genes.uniform(0.06, 0.1), 0.3, 0.2)
    shoots = []
    for step in range(genes.integer(12, 16)):
        turn, steep = 2.4 * step, genes.uniform(-5, 80)
        spoke = shoot.at(y=0.75 * across).turn("x", 90 - steep).scale(y=1.15 * up / across)
        shoots.append(spoke.turn("y", np.degrees(turn)).at(y=0.1))
    stem = bar((0.05, -up - 0.12, 0), (0.3 * across, 0, 0), 0.035, 0.025, 7)
    parts = {"stem": ("bark", around(stem, stems)), "foliage": (leaves, crown), "leaf": (leaves, shoots)}
    if blossom:
        bud = ball(0.06, segments=8).at(0, 0, 1.12 * across)
        rings = [around(bud.turn("x", -tilt), 5, start=3 * tilt) for tilt in (15, 45)]
        parts["blossom"] = (petals, [solid.scale(y=1.25 * up / across) for ring in rings for solid in ring])
    return assemble(parts)


def _tier(radius: float, height: float, points: int, depth: float) -> Solid:
    """A drooping skirt of boughs about the y axis with `points` tips, from y = 0 (hem) to `height`."""
    solid = lathe([(0, 0.18 * height), (radius, 0), (0.45 * radius, 0.45 * height), (0, height)], 2 * points)
    turn = np.arctan2(solid.vertices[:, 2], solid.vertices[:, 0])
    jag = 1 + depth * np.cos(points * turn)
    return Solid(solid.vertices * np.stack([jag, np.ones_like(jag), jag], 1), solid.faces)


def pine_tree(genes: Genes) -> Mesh:
    tiers, radius = genes.integer(4, 7), genes.uniform(0.3, 0.5)
    stem, height, depth = genes.uniform(0.12, 0.3), genes.uniform(1.3, 1.7), genes.uniform(0.08, 0.25)
    step = height / (tiers + 0.6)
    boughs = [
        _tier(radius * (1 - 0.85 * k / tiers), 1.7 * step, 14 - k, depth).turn("y", 37 * k).at(y=stem + k * step)
        for k in range(tiers)
    ]
    trunk = cylinder(genes.uniform(0.05, 0.08), stem + height, 0.02, 10).at(y=(stem + height) / 2)
    cone = ball(0.035, 0.06, segments=8).at(0.55 * radius, stem + 0.9 * step)
    parts = {"trunk": ("bark", trunk), "needles": (genes.choice(("leaf_dark", "leaf_dark", "leaf_green")), boughs),
             "cone": ("walnut", around(cone, genes.integer(4, 7)))}  # fmt: skip
    if genes.chance(0.3):
        caps = [bough.scale(0.75, 0.75, 0.75).at(y=0.28 * stem + (0.25 * k + 0.62) * step)
                for k, bough in enumerate(boughs)]  # fmt: skip
        parts["snow"] = ("snow", caps)
    return assemble(parts)


def palm_tree(genes: Genes) -> Mesh:
    height, lean, thick = genes.uniform(1.0, 1.6), genes.uniform(0, 0.5), genes.uniform(0.04, 0.065)
    rings = smooth([(0, 0), (0.35 * lean, 0.4 * height), (lean, height)], 10)
    notches = thick * (1.3 - 0.4 * np.linspace(0, 1, len(rings))) * np.where(np.arange(len(rings)) % 2, 1.0, 0.8)
    trunk = tube(np.c_[rings, 0 * rings[:, 0]], notches, 9)
    count, length, droop = genes.integer(7, 11), genes.uniform(0.6, 0.85), genes.uniform(0.35, 0.9)
    share = np.linspace(0, 1, 15)
    jagged = 0.16 * np.sin(np.pi * share**0.7) * np.where(np.arange(15) % 2, 1.0, 0.35) + 0.005
    path = np.c_[0 * share, length * (0.35 * share - droop * share**2), length * share]
    frond = tube(path, jagged, section=[(0.12, 0), (0, 1), (-0.12, 0), (0, -1)])
    fronds = around(frond, count) + around(frond.turn("x", -28).scale(0.8, 0.8, 0.8), count - 3, start=20)
    nuts = around(ball(0.06, segments=10).at(0.09, -0.05), 3, start=60)
    return assemble({
        "trunk": ("bark", trunk),
        "frond": (genes.choice(("leaf_green", "leaf_dark")), [leaf.at(lean, height) for leaf in fronds]),
        "coconut": ("walnut", [nut.at(lean, height) for nut in nuts]),
    })  # fmt: skip


def cactus(genes: Genes) -> Mesh:
    """A ribbed column with arms."""
    height, thick, ribs = genes.uniform(0.9, 1.5), genes.uniform(0.13, 0.2), genes.uniform(0.12, 0.22)
    column = limb(
        [(0, 0, 0, 0.85 * thick), (0, 0.5 * height, 0, thick), (0, height, 0, 0.85 * thick)], sides=20, ribs=ribs
    )
    potted, flowering, petals = genes.chance(0.35), genes.chance(0.5), genes.choice(_PETALS)
    arms = []
    for turn in (genes.uniform(-40, 20), genes.uniform(150, 210), genes.uniform(60, 120))[: genes.integer(1, 3)]:
        root, rise, reach = genes.uniform(0.3, 0.6) * height, genes.uniform(0.25, 0.5), 1.1 * thick + 0.2
        arm = limb([(0.3 * thick, root, 0, 0.6 * thick), (0.8 * reach, root + 0.02, 0, 0.62 * thick),
                    (1.05 * reach, root + 0.18, 0, 0.62 * thick), (1.08 * reach, root + rise, 0, 0.55 * thick)],
                   sides=16, steps=4, ribs=ribs)  # fmt: skip
        arms.append(arm.turn("y", turn))
    parts = {"stem": ("cactus_green", column), "arm": ("cactus_green", arms)}
    if potted:
        parts["pot"] = ("terracotta", lathe([(0.17, -0.35), (0.25, -0.02), (0.28, -0.02), (0.28, 0.1)], 20))
    else:
        parts["ground"] = ("sand", ball(2.5 * thick, 0.08, segments=16).at(y=-0.6 * thick))
    if flowering:
        bloom = [petal.at(y=height + 0.7 * thick) for petal in around(blade(0.2, 0.05, 0.3).turn("x", 45), 7)]
        parts["flower"] = (petals, bloom)
    return assemble(parts)


def _nodding(solids: list[Solid], degrees: float, height: float) -> list[Solid]:
    """A flower head, made about the origin facing up, tilted to the front on top of a stem."""
    return [solid.turn("x", degrees).at(y=height) for solid in solids]


def _stem(height: float, thick: float) -> Solid:
    return limb([(0, 0, 0, thick), (0.04, 0.5 * height, -0.02, thick), (0, height, 0, thick)], sides=8)


def flower(genes: Genes) -> Mesh:
    """One bloom with an open ring of petals."""
    height, count, tilt = genes.uniform(0.6, 1.1), genes.integer(5, 9), genes.uniform(35, 65)
    length = genes.uniform(0.26, 0.36)
    petal = blade(length, 1.9 * length / count * genes.uniform(0.9, 1.2), 0.15, genes.uniform(-0.3, 0.1), 0.62)
    bloom = _nodding(around(petal.turn("x", 80), count), tilt, height)
    eye = ball(genes.uniform(0.07, 0.12), 0.06, segments=12)
    leaf = blade(0.4, genes.uniform(0.07, 0.13), 0.15, 0.3).turn("x", genes.uniform(25, 55))
    leaves = [leaf.turn("y", 70 + 160 * k).at(y=height * (0.2 + 0.15 * k)) for k in range(genes.integer(1, 3))]
    return assemble({
        "stem": ("leaf_green", _stem(height, 0.025)),
        "leaf": ("leaf_green", leaves),
        "petal": (genes.choice(("petal_red", "petal_white", "petal_pink", "petal_purple")), bloom),
        "eye": (genes.choice(("petal_yellow", "orange_peel")), _nodding([eye.at(y=0.02)], tilt, height)),
    })  # fmt: skip


def tulip(genes: Genes) -> Mesh:
    """A cup of six upright petals on a stem with long leaves."""
    height, size = genes.uniform(0.7, 1.1), genes.uniform(0.26, 0.36)
    wide, flare = genes.uniform(0.38, 0.5), genes.uniform(-0.1, 0.25)
    petal = blade(size * 1.25, 0.55 * wide * size * 1.6, 0.15, flare - 0.35, 0.5).turn("x", 22).at(z=0.1 * size)
    cup = lathe(smooth([(0.03, 0), (0.42 * wide * size * 1.6, 0.3 * size), (0.3 * wide * size, 0.95 * size)], 4), 12)
    leaf = blade(genes.uniform(0.55, 0.85), genes.uniform(0.06, 0.1), 0.12, 0.35, 0.4).turn("x", 8)
    leaves = around(leaf.at(z=0.02), genes.integer(2, 3), start=genes.uniform(0, 120))
    head = around(petal, 3) + around(petal.scale(0.93, 1.05, 0.93), 3, start=60)
    return assemble({
        "stem": ("leaf_green", _stem(height, 0.028)),
        "leaf": ("leaf_green", leaves),
        "petal": (genes.choice(_PETALS), _nodding([*head, cup], genes.uniform(0, 12), height)),
    })  # fmt: skip


def sunflower(genes: Genes) -> Mesh:
    """A tall stem with heart-shaped leaves and a dark disc in two rows of yellow petals."""
    height, disc, tilt = genes.uniform(1.0, 1.4), genes.uniform(0.16, 0.24), genes.uniform(60, 88)
    count, length = genes.integer(13, 18), genes.uniform(0.16, 0.24)
    petal = blade(length, 3.4 * disc / count, 0.15, genes.uniform(-0.2, 0.2)).at(y=0.8 * disc)
    row = around(petal, count, "z")
    rows = row + [solid.scale(0.9, 0.9, 1).turn("z", 180 / count).at(z=0.02) for solid in row]
    head = [solid.turn("x", -90) for solid in rows]
    leaf = blade(0.4, genes.uniform(0.12, 0.17), 0.1, 0.1, 0.33).turn("x", genes.uniform(50, 80))
    leaves = [leaf.turn("y", 90 + 170 * k).at(y=(0.3 + 0.17 * k) * height) for k in range(genes.integer(2, 4))]
    return assemble({
        "stem": ("leaf_green", _stem(height, 0.03)),
        "leaf": ("leaf_green", leaves),
        "petal": ("petal_yellow", _nodding(head, tilt, height)),
        "disc": ("soil", _nodding([ball(disc, 0.3 * disc, segments=20)], tilt, height)),
    })  # fmt: skip


def mushroom(genes: Genes) -> Mesh:
    radius, rise, stem = genes.uniform(0.4, 0.6), genes.uniform(0.3, 0.55), genes.uniform(0.1, 0.18)
    height, spotted, count = genes.uniform(0.55, 1.0), genes.chance(0.6), genes.integer(1, 3)
    cap = dome(radius, rise, 20).at(y=height)
    gills = lathe([(stem, height - 0.08), (0.97 * radius, height - 0.015), (0.9 * radius, height + 0.02)], 20)
    foot = lathe(smooth([(1.5 * stem, 0), (1.3 * stem, 0.12), (stem, 0.4 * height), (stem, height)], 3), 12)
    dot = ball(0.09, 0.035, segments=6)
    spots = [dot.at(y=1)]
    for tilt, number in ((35, 5), (66, 7)):
        spots += around(dot.at(y=1).turn("x", tilt), number, start=tilt)
    spots = [spot.scale(radius, rise, radius).at(y=height) for spot in spots]
    skirt = lathe([(stem * 1.05, 0.62 * height), (stem * 1.45, 0.57 * height), (stem, 0.68 * height)], 12)
    colours = ("petal_red", "paint_orange") if spotted else ("bread", "leather_tan", "fur_brown")
    parts = {"cap": (genes.choice(colours), [cap]), "gills": ("paper", [gills]), "stem": ("bone", [foot, skirt])}
    if spotted:
        parts["spot"] = ("paint_white", spots)
    places = [(0, 0, 1), (0.95 * radius, 0.3, 0.55), (-0.8 * radius, 0.45, 0.4)][:count]
    return assemble({
        name: (material, [solid.scale(k, k, k).at(x=x, z=z) for solid in solids for x, z, k in places])
        for name, (material, solids) in parts.items()
    })  # fmt: skip


def potted_plant(genes: Genes) -> Mesh:
    """Long upright, arching or round leaves out of a flower pot."""
    pot_width, pot_height = genes.uniform(0.24, 0.36), genes.uniform(0.32, 0.5)
    low, rim = genes.uniform(0.6, 0.85) * pot_width, genes.uniform(1.04, 1.15) * pot_width
    pot = lathe([(low, 0), (pot_width, 0.8 * pot_height), (rim, 0.8 * pot_height), (rim, pot_height),
                 (0.88 * pot_width, pot_height), (0.85 * pot_width, 0.85 * pot_height)], 24)  # fmt: skip
    soil = cylinder(0.87 * pot_width, 0.06, segments=20).at(y=0.87 * pot_height)
    glaze = genes.choice(("terracotta", "glazed_blue", "porcelain", "glazed_green", "concrete"))
    foliage, count = genes.choice(("leaf_green", "leaf_dark")), genes.integer(9, 16)
    curl, width, length, stalk, spread = genes.choice((
        (0.1, 0.06, 0.95, 0.06, 28), (0.75, 0.05, 0.9, 0.06, 60), (0.4, 0.15, 0.5, 0.32, 60),
    ))  # fmt: skip
    leaf, stem = blade(length, width, 0.15, curl).at(y=stalk), bar((0, 0, 0), (0, stalk + 0.06, 0), 0.018, sides=6)
    leaves, stems = [], []
    for step in range(count):
        lean, size = genes.uniform(5, spread), genes.uniform(0.75, 1.1)
        for solid, group in ((leaf, leaves), (stem, stems)):
            grown = solid.scale(size, size, size).turn("x", lean).turn("y", 137.5 * step)
            group.append(grown.at(y=0.88 * pot_height))
    return assemble({
        "pot": (glaze, pot),
        "soil": ("soil", soil),
        "stem": ("leaf_green", stems),
        "leaf": (foliage, leaves),
    })  # fmt: skip


CLASSES = {
    make.__name__: make
    for make in (tree, pine_tree, palm_tree, cactus, flower, tulip, mushroom, bush, potted_plant, sunflower)
}
