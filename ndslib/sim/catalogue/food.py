"""Fruit, vegetables, and things from the bakery."""

import numpy as np

from ndslib.sim.catalogue._common import each
from ndslib.sim.catalogue._organic import blade, lumpy
from ndslib.sim.genes import Genes
from ndslib.sim.mesh import Mesh
from ndslib.sim.solids import Solid, around, assemble, ball, bar, cylinder, extrude, lathe, smooth, torus, tube


def _ribbed(solid: Solid, count: int, depth: float) -> Solid:
    """The solid with `count` furrows running from pole to pole of the y axis."""
    turn = np.arctan2(solid.vertices[:, 2], solid.vertices[:, 0])
    swell = 1 - depth * np.abs(np.cos(0.5 * count * turn)) ** 8
    return Solid(solid.vertices * np.stack([swell, np.ones_like(swell), swell], 1), solid.faces)


def _stalk(height: float, length: float, lean: float, thick: float) -> Solid:
    path = smooth([(0, height - 0.08, 0), (0.2 * lean, height + 0.6 * length, 0), (lean, height + length, 0)], 3)
    return tube(path, np.linspace(0.8, 1.3, len(path)) * thick, 7)


def _leaf(genes: Genes, height: float) -> Solid:
    """A single leaf at the top of a fruit."""
    leaf = blade(genes.uniform(0.55, 0.8), genes.uniform(0.14, 0.22), 0.15, 0.3).turn("x", genes.uniform(35, 60))
    return leaf.turn("y", genes.uniform(-110, 60)).at(y=height)


def apple(genes: Genes) -> Mesh:
    tall, foot = genes.uniform(0.9, 1.15), genes.uniform(0.5, 0.75)
    profile = [(0, 0.12), (0.25, 0.0), (foot, 0.12), (1.0, 0.95), (0.75, 1.5), (0.35, 1.62), (0.12, 1.5), (0, 1.38)]
    body = lathe(smooth(profile, 3).clip(0), 24).scale(y=tall).bend("y", "x", genes.uniform(-0.06, 0.06))
    stalk = _stalk(1.42 * tall, genes.uniform(0.3, 0.5), genes.uniform(-0.15, 0.15), 0.045)
    leaf = _leaf(genes, 1.55 * tall)
    parts = {"body": (genes.choice(("apple_skin", "apple_skin", "plastic_green", "petal_yellow")), body),
             "stalk": ("bark", stalk), "eye": ("soil", ball(0.16, 0.06, segments=8).at(y=0.08 * tall))}  # fmt: skip
    if genes.chance(0.7):
        parts["leaf"] = ("leaf_green", leaf)
    return assemble(parts)


def pear(genes: Genes) -> Mesh:
    tall, neck, lean = genes.uniform(1.7, 2.3), genes.uniform(0.32, 0.5), genes.uniform(-0.06, 0.06)
    profile = [(0, 0.06), (0.3, 0.0), (0.75, 0.12), (0.95, 0.55), (0.8, 0.5 * tall), (neck, 0.78 * tall),
               (0.8 * neck, 0.94 * tall), (0.3 * neck, tall), (0, 0.97 * tall)]  # fmt: skip
    body = lathe(smooth(profile, 3).clip(0), 24).bend("y", "x", lean)
    stalk = _stalk(tall, genes.uniform(0.3, 0.5), genes.uniform(-0.2, 0.2), 0.05).at(x=lean * tall**2)
    leaf = _leaf(genes, tall).at(x=lean * tall**2)
    parts = {"body": (genes.choice(("plastic_green", "petal_yellow", "banana_skin", "apple_skin")), body),
             "stalk": ("bark", stalk), "eye": ("soil", ball(0.14, 0.05, segments=8).at(y=0.03))}  # fmt: skip
    if genes.chance(0.6):
        parts["leaf"] = ("leaf_green", leaf)
    return assemble(parts)


def banana(genes: Genes) -> Mesh:
    """One banana or a hand of several."""
    count, thick, spread = genes.integer(1, 4), genes.uniform(0.15, 0.2), genes.uniform(70, 110)
    angle = np.radians(np.linspace(-spread / 2, spread / 2, 13))
    radii = thick * np.array([0.3, 0.3, 0.45, 0.8, 0.95, 1, 1, 1, 0.97, 0.85, 0.6, 0.3, 0.22])
    path = np.c_[np.sin(angle), -np.cos(angle), 0 * angle] * genes.uniform(0.9, 1.2)
    section = np.array([(np.cos(a), np.sin(a)) for a in np.radians(np.arange(5) * 72)])
    fruit = tube(path, radii, section=section).at(-path[0, 0], -path[0, 1])
    tip = ball(0.28 * thick, segments=10).at(*(path[-1] - path[0]))
    roll = genes.uniform(10, 45)
    turns = [18 * (k - (count - 1) / 2) for k in range(count)]
    fruits, tips = (
        [solid.turn("y", 1.3 * turn).turn("x", turn).turn("z", roll - 20) for turn in turns] for solid in (fruit, tip)
    )
    return assemble({
        "fruit": (genes.choice(("banana_skin", "banana_skin", "plastic_green")), fruits),
        "tip": ("soil", tips),
        "stalk": ("soil" if count == 1 else "bark", ball(0.35 * thick, 0.45 * thick, 0.15 * thick * (1 + count), 12)),
    })  # fmt: skip


def pineapple(genes: Genes) -> Mesh:
    tall, rows = genes.uniform(0.62, 0.85), genes.integer(6, 7)
    body = ball(0.48, tall, 0.48, 20)
    eyes, knob = [], ball(0.1, 0.1, 0.06, 6)
    for row in range(rows):
        tilt = -68 + 136 * row / (rows - 1)
        number = max(5, round(11 * np.cos(np.radians(tilt))))
        eyes += around(knob.at(z=0.47).turn("x", -tilt).scale(y=tall / 0.47), number, start=row * 180 / number)
    crown, length = [], genes.uniform(0.5, 0.8)
    for tilt, count, size in ((58, 6, 0.75), (32, 6, 0.95), (10, 4, 1.1)):
        leaf = blade(length * size, genes.uniform(0.06, 0.09), 0.2, 0.25, 0.35).turn("x", tilt)
        crown += around(leaf.at(y=0.92 * tall), count, start=tilt)
    return assemble({"body": (genes.choice(("orange_peel", "pumpkin_skin", "leather_tan")), body),
                     "eye": (genes.choice(("leather_tan", "petal_yellow", "cactus_green")), eyes),
                     "crown": (genes.choice(("leaf_green", "cactus_green")), crown)})  # fmt: skip


def carrot(genes: Genes) -> Mesh:
    length, thick, count = genes.uniform(1.5, 2.3), genes.uniform(0.24, 0.34), genes.integer(5, 9)
    blunt, lean = genes.uniform(0.05, 0.35), genes.uniform(20, 60)
    path = smooth([(0, 0, 0), (genes.uniform(-0.06, 0.06), -0.5 * length, 0), (0, -length, 0)], 8)
    radii = thick * (1 - (1 - blunt) * np.linspace(0, 1, 17) ** 1.3) * np.where(np.arange(17) % 3, 1, 0.95)
    root = tube(path, radii, 16)
    shoulder = ball(thick, 0.35 * thick, segments=16)
    tip = tube([(0, -length, 0), (0.02, -1.15 * length, 0)], [blunt * thick, 0.01], 8)
    leaf = blade(genes.uniform(0.7, 1.1), genes.uniform(0.07, 0.13), 0.3, 0.3, 0.65)
    leaves = [leaf.turn("x", genes.uniform(5, 35)).turn("y", 137.5 * k) for k in range(count)]
    parts = {"root": ("orange_peel", [root, shoulder, tip]), "leaf": ("leaf_green", leaves),
             "collar": ("leaf_dark", [ball(0.4 * thick, 0.3 * thick, segments=10).at(y=0.3 * thick)])}  # fmt: skip
    return assemble(each(parts, lambda solid: solid.turn("z", lean)))


def ice_cream(genes: Genes) -> Mesh:
    """A cone with one to three scoops or a soft swirl."""
    tall, wide = genes.uniform(1.0, 1.5), genes.uniform(0.4, 0.5)
    scoops, swirl = genes.integer(1, 3), genes.chance(0.3)
    cone = lathe([(0.03, 0), (wide, tall), (0.9 * wide, tall), (0, tall - 0.1)], 20)
    rim = torus(wide, 0.05, 20, 8).at(y=tall)
    flavours = [genes.choice(("icing", "chocolate", "petal_pink", "petal_yellow", "paint_green")) for _ in range(3)]
    size, wafer, topping = wide * genes.uniform(1.0, 1.2), genes.chance(0.4), genes.uniform(-25, 25)
    parts = {"cone": ("wicker", cone), "rim": ("bread", rim)}
    if swirl:
        share = np.linspace(0, 1, 48)
        turn, reach = 7 * np.pi * share, 0.62 * wide * (1 - share) + 0.01
        path = np.c_[reach * np.cos(turn), tall + 0.15 * wide + 2.1 * wide * share, reach * np.sin(turn)]
        parts["swirl"] = (flavours[0], tube(path, wide * (0.5 - 0.42 * share), 10))
    for k in range(0 if swirl else scoops):
        scoop = lumpy(genes, ball(size * (1 - 0.1 * k), segments=16), 0.12)
        parts[f"scoop {k + 1}"] = (flavours[k], scoop.at(y=tall + size * (0.45 + 1.15 * k)))
    if wafer:
        stick = cylinder(0.05, 1.0, segments=8).turn("z", topping).at(0.4 * size, tall + 1.2 * size, -0.1)
        parts["wafer"] = ("chocolate", stick)
    return assemble(parts)


def _round(radius: float, height: float, bevel: float = 0.4) -> Solid:
    """A flat disc about the origin with a rounded edge; `bevel` is a share of the height."""
    edge = bevel * height
    return lathe([(radius - edge, -height / 2), (radius, edge - height / 2), (radius, height / 2 - edge),
                  (radius - edge, height / 2)], 24)  # fmt: skip


def hamburger(genes: Genes) -> Mesh:
    patties, bun, wide = genes.integer(1, 2), genes.uniform(0.45, 0.7), genes.uniform(0.95, 1.08)
    patty, seeds = genes.uniform(0.2, 0.3), genes.integer(2, 3)
    frill = _ribbed(_round(1.2, 0.09), genes.integer(11, 17), genes.uniform(0.06, 0.14))
    level, parts = 0.16, {"bottom bun": ("bread", _round(wide, 0.3, 0.45))}
    meat, cheese, sheet = [], [], extrude([(-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8)], 0.06).turn("x", 90)
    for _ in range(patties):
        level += patty
        meat.append(lumpy(genes, _round(1.06, patty), 0.05).at(y=level - patty / 2))
        cheese.append(sheet.turn("y", genes.uniform(0, 90)).at(y=level + 0.03))
        level += 0.07
    slices = [_round(0.5, 0.1).at(0.5 * np.cos(a), level + 0.13, 0.5 * np.sin(a)) for a in (0.5, 2.6, 4.7)]
    crown = lathe(smooth([(0.85 * wide, 0), (1.03 * wide, 0.12), (0.8 * wide, 0.75 * bun), (0, bun)], 4), 24)
    seed = ball(0.05, 0.03, 0.08, 6).at(y=1.0)
    rings = [around(seed.turn("x", 15 + 20 * ring), 4 + 4 * ring, start=25 * ring) for ring in range(seeds)]
    sesame = [copy.scale(0.97 * wide, bun, 0.97 * wide).at(y=level + 0.2) for ring in rings for copy in ring]
    return assemble(parts | {
        "patty": ("chocolate", meat), "cheese": ("cheese", cheese), "lettuce": ("leaf_green", frill.at(y=level + 0.06)),
        "tomato": ("tomato", slices), "top bun": ("bread", crown.at(y=level + 0.18)), "seed": ("bone", sesame),
    })  # fmt: skip


def cake(genes: Genes) -> Mesh:
    """One to three iced tiers on a plate, with candles or cherries."""
    tiers, sponge = genes.integer(1, 3), genes.choice(("bread", "chocolate", "paint_cream", "petal_pink"))
    icing = genes.choice(("icing", "chocolate", "petal_pink", "feathers_white"))
    candles, count, length = genes.chance(0.7), genes.integer(3, 7), genes.uniform(0.3, 0.5)
    wax = genes.choice(("striped_cloth", "paint_blue", "petal_yellow"))
    china = genes.choice(("porcelain", "silver", "delft"))
    layers, tops, drops, level = [], [], [], 0.0
    for tier in range(tiers):
        radius, height = 1 - 0.3 * tier, genes.uniform(0.38, 0.62)
        layers.append(cylinder(radius, height).at(y=level + height / 2))
        level += height
        tops.append(_round(1.03 * radius, 0.12).at(y=level))
        runs = 13 - 3 * tier
        for drop in around(ball(0.09, 0.2, 0.06, 8).at(0, level - 0.12, radius), runs):
            drops.append(drop.at(y=-genes.uniform(0, 0.12)))
    parts = {
        "sponge": (sponge, layers),
        "icing": (icing, tops + drops),
        "plate": (china, _round(1.3, 0.08).at(y=-0.03)),
    }
    ring = 0.6 * (1.3 - 0.3 * tiers)
    if candles:
        stick = cylinder(0.045, length, segments=8).at(ring, level + 0.04 + length / 2)
        flame = lathe([(0, -0.08), (0.05, 0), (0, 0.14)], 8).at(ring, level + length + 0.12)
        parts |= {"candle": (wax, around(stick, count)), "flame": ("lamp_glow", around(flame, count))}
    else:
        cherry = ball(0.13, segments=8).at(ring, level + 0.14)
        parts["cherry"] = ("petal_red", [*around(cherry, count), cherry.at(x=-ring)])
    return assemble(parts)


def doughnut(genes: Genes) -> Mesh:
    thick, tilt = genes.uniform(0.3, 0.42), genes.uniform(15, 55)
    glaze = torus(0.75, 1.02 * thick, 32, 14)
    wave, runs = genes.uniform(0.0, 0.06), genes.integer(5, 9)
    icing = genes.choice(("petal_pink", "chocolate", "icing", "feathers_blue"))
    turn = np.arctan2(glaze.vertices[:, 2], glaze.vertices[:, 0])
    hem = np.stack([0 * turn, 0.1 + wave * np.sin(runs * turn), 0 * turn], 1)
    glaze = Solid(glaze.vertices * [1, 0.8, 1] + hem, glaze.faces)
    grain, sprinkles = cylinder(0.025, 0.15, segments=6).turn("z", 90), ([], [])
    for k in range(genes.choice((12, 22, 34))):
        angle, out = np.radians(137.5 * k), genes.uniform(-0.6, 0.6)
        height = 0.11 + 0.82 * thick * np.sqrt(1 - out**2) + wave * np.sin(runs * angle)
        reach = 0.75 + out * thick
        spot = grain.turn("y", 97 * k).at(reach * np.cos(angle), height, reach * np.sin(angle))
        sprinkles[k % 2].append(spot)
    parts = {"dough": ("bread", torus(0.75, thick, 32, 14)), "icing": (icing, glaze),
             "yellow sprinkle": ("petal_yellow", sprinkles[0]),
             "red sprinkle": ("petal_red", sprinkles[1])}  # fmt: skip
    return assemble(each(parts, lambda solid: solid.turn("x", tilt)))


def pumpkin(genes: Genes) -> Mesh:
    """Ribbed, sometimes with a carved face."""
    ribs, tall, wide = genes.integer(8, 12), genes.uniform(0.55, 0.95), genes.uniform(0.3, 0.4)
    lobe = ball(wide, tall, 0.5, 14).bend("y", "z", -0.05).at(z=0.52)
    carved, tip = genes.chance(0.4), genes.uniform(-0.25, 0.25)
    parts = {"body": (genes.choice(("pumpkin_skin", "pumpkin_skin", "orange_peel")), around(lobe, ribs)),
             "stalk": ("cactus_green", _stalk(0.85 * tall, genes.uniform(0.3, 0.5), tip, 0.09)),
             "leaf": ("leaf_green", _leaf(genes, 0.85 * tall))}  # fmt: skip
    if carved:
        eye = extrude([(-0.14, 0), (0.14, 0), (0.02, 0.2)], 0.1).at(0.32, 0.25 * tall, 0.94)
        teeth = [(-0.45, 0), (-0.2, -0.1), (0, -0.05), (0.2, -0.1), (0.45, 0), (0.25, -0.25), (-0.25, -0.25)]
        grin = extrude(teeth, 0.12)
        parts["face"] = ("lamp_glow", [eye, eye.mirror("x"), grin.at(0, -0.12 * tall, 0.98)])
    return assemble(parts)


def grapes(genes: Genes) -> Mesh:
    rows, size, wide = genes.integer(4, 6), genes.uniform(0.15, 0.19), genes.uniform(0.85, 1.15)
    oval = genes.uniform(0.95, 1.3)
    skin = genes.choice(("petal_purple", "plastic_green", "velvet_red", "paint_navy"))
    leaf = blade(genes.uniform(0.5, 0.7), genes.uniform(0.2, 0.3), 0.1, 0.2, 0.4)
    leaf = leaf.turn("x", 60).turn("y", genes.uniform(-60, 60)).at(y=0.36)
    berries = []
    for row in range(rows):
        count = 1 + (rows - 1 - row) * 2 if row else rows
        for k in range(count):
            reach = wide * size * (0.55 * count**0.8) * (0.9 if count > 1 else 0)
            angle = 2 * np.pi * (k + 0.5 * (row % 2)) / count + genes.uniform(-0.15, 0.15)
            berry = ball(size, size * oval, segments=10)
            berries.append(berry.at(reach * np.cos(angle), -1.45 * size * row, reach * np.sin(angle)))
    stem = bar((0, -1.3 * size * rows, 0), (0, 0.4, 0), 0.035, sides=7)
    twig = bar((-0.2, 0.36, 0), (0.2, 0.44, 0), 0.045, sides=7)
    return assemble({"berry": (skin, berries), "stem": ("bark", [stem, twig]), "leaf": ("leaf_green", leaf)})


def _sector(inner: float, outer: float, sweep: float, depth: float) -> Solid:
    """A piece of a ring about z, `sweep` degrees wide and pointing down."""
    angle = np.radians(np.linspace(-90 - sweep / 2, -90 + sweep / 2, 19))
    arc = np.stack([np.cos(angle), np.sin(angle)], 1)
    inside = inner * arc[::-1] if inner else np.zeros((1, 2))
    return extrude(np.concatenate([outer * arc, inside]), depth)


def watermelon_slice(genes: Genes) -> Mesh:
    """A wedge with rind, pith, flesh and seeds, standing on its rind or on its tip."""
    sweep, depth, rind = genes.uniform(80, 175), genes.uniform(0.14, 0.34), genes.uniform(0.05, 0.09)
    flesh, pulp = 0.97 - 1.8 * rind, genes.choice(("petal_red", "tomato", "petal_red", "petal_yellow"))
    roll = genes.choice((0, 180)) + genes.uniform(-20, 20)
    seed = ball(0.028, 0.05, 0.03, 6)
    seeds = []
    for k in range(genes.integer(6, 12)):
        angle = np.radians(-90 + 0.8 * sweep * ((0.618 * k) % 1 - 0.5))
        reach = flesh * genes.uniform(0.35, 0.85)
        pip = seed.turn("z", np.degrees(angle) + 90).at(reach * np.cos(angle), reach * np.sin(angle), 0.53 * depth)
        seeds += [pip, pip.mirror("z")]
    parts = {"rind": ("watermelon", [_sector(1 - rind, 1, sweep, depth)]),
             "pith": ("feathers_white", [_sector(flesh - 0.005, 1.005 - rind, sweep, 0.97 * depth)]),
             "flesh": (pulp, [_sector(0, flesh, sweep, 1.03 * depth)]),
             "seed": ("plastic_black", seeds)}  # fmt: skip
    return assemble(each(parts, lambda solid: solid.turn("z", roll)))


CLASSES = {
    make.__name__: make
    for make in (apple, banana, pear, pineapple, carrot, ice_cream, hamburger, cake, doughnut, pumpkin, grapes,
                 watermelon_slice)
}  # fmt: skip
