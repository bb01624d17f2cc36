"""Reptiles, insects, molluscs and other animals that crawl, swim or flutter."""

import numpy as np

from ndslib.sim.catalogue._common import each
from ndslib.sim.catalogue._organic import limb, lumpy
from ndslib.sim.catalogue._quadruped import Build, quadruped
from ndslib.sim.genes import Genes
from ndslib.sim.mesh import Mesh
from ndslib.sim.solids import Solid, assemble, ball, bar, both, dome, extrude, lathe, smooth, tube

_SCALES = ("scales_green", "camouflage", "leaf_dark", "scales_orange", "skin_grey")
_WINGS = ("petal_yellow", "petal_red", "feathers_blue", "petal_purple", "paint_orange", "leopard")


def _leg_pair(joints: list[tuple[float, float]], turn: float, root: tuple[float, float], thick: float) -> list[Solid]:
    """Mirrored legs through (reach, height) joints; `turn` swings them to the front, `root` is (y, z) of the hips."""
    points = smooth([(x, y, 0) for x, y in joints], 2)
    leg = tube(points, np.linspace(thick, 0.4 * thick, len(points)), 6)
    return both(leg.turn("y", -turn).at(0, *root))


def turtle(genes: Genes) -> Mesh:
    skin = genes.choice(("scales_green", "leaf_dark", "leather_tan"))
    long, tall = genes.uniform(0.5, 0.62), genes.uniform(0.24, 0.4)
    shell = dome(0.46, tall, 20).scale(z=long / 0.46).at(y=0.02)
    rim = lathe([(0.42, -0.05), (0.53, -0.02), (0.53, 0.03), (0.42, 0.07)], 20).scale(z=long / 0.46)
    reach, rise, skull = genes.uniform(0.12, 0.24), genes.uniform(0.02, 0.2), genes.uniform(0.11, 0.15)
    neck = bar((0, -0.02, long - 0.1), (0, rise, long + reach), 0.08, sides=10)
    look = genes.uniform(-25, 25)
    head = ball(skull, 0.85 * skull, 1.25 * skull, 12).turn("y", look).at(0, rise, long + reach + 0.06)
    swing, size = genes.uniform(-15, 15), genes.uniform(0.85, 1.15)
    flipper = ball(0.22 * size, 0.06, 0.1 * size, 12).turn("z", -22)
    front = flipper.turn("y", 30 + swing).at(0.45, -0.08, 0.55 * long)
    hind = flipper.scale(x=0.8).turn("y", -35 + swing).at(0.42, -0.08, -0.65 * long)
    tail = bar((0, -0.04, -long + 0.05), (0, -0.08, -long - 0.16), 0.06, 0.01, 8)
    return assemble({
        "shell": (genes.choice(("tortoiseshell", "tortoiseshell", "leaf_dark")), shell), "rim": ("leather_brown", rim),
        "neck": (skin, neck), "head": (skin, head), "flipper": (skin, both(front) + both(hind)), "tail": (skin, tail),
        "eye": ("plastic_black", both(ball(0.028, segments=8).at(0.08, rise + 0.06, long + reach + 0.13))),
    })  # fmt: skip


def snail(genes: Genes) -> Mesh:
    turns, size, rise = genes.uniform(2.2, 3.0), genes.uniform(0.34, 0.46), genes.uniform(0.35, 0.6)
    share = np.linspace(0, 1, 40)
    angle, radius = 2 * np.pi * turns * (share - 1) - 0.5 * np.pi, 0.57 * size * 0.06 ** (1 - share)
    out = genes.uniform(0.5, 1.0)  # how far the spire stands out to the right
    path = np.c_[out * (0.57 * size - radius), radius * np.sin(angle), -radius * np.cos(angle)]
    coil = tube(path, 0.75 * radius, 10).at(-0.1, size + 0.05, -0.12)
    foot = limb([(0, 0.02, -0.7, 0.03), (0, 0.06, -0.3, 0.11), (0, 0.08, 0.3, 0.13), (0, 0.16, 0.55, 0.12),
                 (0, 0.3, 0.68, 0.11)], 1.15)  # fmt: skip
    spread, length = genes.uniform(0.06, 0.16), 0.5 * rise
    tip = (0.05 + spread, 0.38 + length, 0.75 + 0.3 * length)
    feeler = bar((0.05, 0.25, 0.75), (0.1, 0.2, 0.9), 0.025, 0.015, 6)
    return assemble({
        "shell": (genes.choice(("shell", "leather_brown", "bread", "striped_cloth")), coil),
        "foot": (genes.choice(("leather_tan", "skin_light", "skin_grey")), foot),
        "stalk": ("leather_tan", both(bar((0.05, 0.32, 0.7), tip, 0.028, 0.02, 7)) + both(feeler)),
        "eye": ("plastic_black", both(ball(0.045, segments=8).at(*tip))),
    })  # fmt: skip


def spider(genes: Genes) -> Mesh:
    coat = genes.choice(("fur_black", "fur_brown", "plastic_black", "leopard"))
    size, knee, reach = genes.uniform(0.2, 0.34), genes.uniform(0.2, 0.4), genes.uniform(0.75, 1.0)
    thick, ground = genes.uniform(0.024, 0.045), -genes.uniform(0.15, 0.25)
    joints = [(0.05, 0), (0.3 * reach, knee), (0.55 * reach, 0.75 * knee), (reach, ground)]
    legs = [leg for k, turn in enumerate((52, 18, -16, -48))
            for leg in _leg_pair(joints, turn + genes.uniform(-6, 6), (0, 0.13 - 0.08 * k), thick)]  # fmt: skip
    abdomen = ball(0.9 * size, 0.8 * size, 1.1 * size, 16).at(0, 0.06, -0.1 - size)
    palps = both(bar((0.05, -0.02, 0.22), (0.07, -0.12, 0.3), 0.035, 0.01, 7))
    eyes = [ball(0.03, segments=8).at(x, y, 0.27) for x, y in ((0.04, 0.08), (0.1, 0.06))]
    mark = ball(0.28 * size, 0.1, 0.5 * size, 10).at(0, 0.06 + 0.72 * size, -0.1 - size)
    return assemble({
        "thorax": (coat, ball(0.17, 0.13, 0.22, 14).at(0, 0.01, 0.08)), "abdomen": (coat, abdomen), "leg": (coat, legs),
        "fang": ("rubber_red", palps), "eye": ("petal_red", [solid for eye in eyes for solid in both(eye)]),
        "mark": (genes.choice(("petal_red", "petal_yellow", "bone")), mark),
    })  # fmt: skip


def _wing(outline: list[tuple[float, float]], thickness: float = 0.02) -> Solid:
    """A flat wing with a smooth outline of (x, y) points, facing z."""
    return extrude(smooth([*outline, outline[0]], 4)[:-1], thickness)


def butterfly(genes: Genes) -> Mesh:
    """Head up, with the outer side of its wings to the front."""
    span, rise, low = genes.uniform(0.65, 0.9), genes.uniform(0.45, 0.75), genes.uniform(0.35, 0.65)
    fore = [(0.02, 0.05), (0.35 * span, 0.75 * rise), (span, rise), (0.9 * span, 0.3 * rise), (0.5 * span, -0.03)]
    hind = [(0.02, 0.02), (0.5 * span, 0), (0.75 * span, -0.4 * low), (0.5 * span, -low), (0.2 * span, -0.6 * low)]
    fold, tail = genes.uniform(8, 40), genes.uniform(0.2, 0.32)
    spots = [ball(0.13 * span, 0.13 * span, 0.02, 12).at(0.68 * span, 0.62 * rise, 0.006),
             ball(0.1 * span, 0.1 * span, 0.02, 12).at(0.5 * span, -0.5 * low, -0.024)]  # fmt: skip
    body = limb([(0, -0.38, 0, 0.02), (0, -tail, 0, 0.05), (0, -0.02, 0, 0.04), (0, 0.08, 0, 0.065), (0, 0.2, 0, 0.05)])
    feeler = tube([(0.02, 0.25, 0.02), (0.1, 0.42, 0.05), (0.22, 0.55, 0.05)], [0.012, 0.01, 0.01], 6)
    parts = {
        "fore wing": (genes.choice(_WINGS), [_wing(fore)]),
        "hind wing": (genes.choice(_WINGS), [_wing(hind).at(z=-0.03)]),
        "spot": (genes.choice(("plastic_black", "feathers_white", "petal_red", "feathers_blue")), spots),
        "antenna": ("fur_black", [feeler, ball(0.025, segments=8).at(0.22, 0.55, 0.05)]),
    }  # fmt: skip
    folded = {name: (material, [side for solid in solids for side in both(solid.turn("y", -fold))])
              for name, (material, solids) in parts.items()}  # fmt: skip
    return assemble({"body": ("fur_black", [body, ball(0.07, segments=12).at(0, 0.25)]), **folded})


def dragonfly(genes: Genes) -> Mesh:
    """Nose down, so that its wings show from the front."""
    colour = genes.choice(("metallic_blue", "metallic_green", "metallic_red", "scales_green"))
    length, span, slim = genes.uniform(0.8, 1.15), genes.uniform(0.75, 0.95), genes.uniform(0.08, 0.13)
    share = np.arange(15) / 14
    rings = 0.045 * np.where(np.arange(15) % 2, 1.0, 0.75) * (1.1 - 0.4 * share)
    droop = genes.uniform(-0.1, 0.25)
    abdomen = tube(np.c_[0 * share, -droop * share**2, -0.1 - length * share], rings, 8)
    outline = [(0, -0.03), (0.5, -0.8 * slim), (0.95, -0.6 * slim), (1, 0.3 * slim), (0.6, 0.6 * slim), (0, 0.04)]
    wing = _wing([(span * x, y) for x, y in outline], 0.015).turn("x", -90)
    lift, sweep = genes.uniform(0, 18), genes.uniform(4, 18)
    wings = both(wing.turn("z", lift).turn("y", -sweep).at(0, 0.09, 0.12))
    wings += both(wing.scale(0.95, 1, 1.2).turn("z", lift - 5).turn("y", sweep).at(0, 0.08, -0.06))
    legs = [leg for turn in (50, 10, -30)
            for leg in _leg_pair([(0.02, 0), (0.14, 0), (0.2, -0.18)], turn, (-0.04, 0.08), 0.014)]  # fmt: skip
    eye, lens = genes.uniform(0.08, 0.11), genes.choice(("metallic_red", "plastic_black", "metallic_green"))
    level = {
        "abdomen": (colour, [abdomen]), "thorax": (colour, [ball(0.1, 0.11, 0.19, 14).at(0, 0, 0.03)]),
        "head": (colour, [ball(0.07, segments=10).at(0, 0, 0.24)]),
        "eye": (lens, both(ball(eye, segments=12).at(0.07, 0.02, 0.26))),
        "wing": (genes.choice(("ice", "glass_clear", "silk")), wings), "leg": ("fur_black", legs),
    }  # fmt: skip
    dive = genes.uniform(25, 55)
    return assemble(each(level, lambda solid: solid.turn("x", dive)))


def crab(genes: Genes) -> Mesh:
    shell = genes.choice(("paint_red", "paint_orange", "coral", "scales_green", "feathers_blue"))
    wide, tall, claw = genes.uniform(0.38, 0.52), genes.uniform(0.14, 0.22), genes.uniform(0.26, 0.38)
    body = ball(wide, tall, 0.3, 18).taper("z", 0.75, 1.05)
    joints = [(0.8 * wide, 0), (wide + 0.15, 0.12), (wide + genes.uniform(0.25, 0.4), -0.24)]
    legs = [leg for k, turn in enumerate((12, -14, -38, -60))
            for leg in _leg_pair(joints, turn + genes.uniform(-4, 4), (0, 0.05 - 0.04 * k), 0.045)]  # fmt: skip
    hand, lift = np.array([0.75 * wide + 0.1, genes.uniform(0.02, 0.3), 0.62]), genes.uniform(30, 70)
    arm = limb([(0.7 * wide, 0, 0.12, 0.06), (wide + 0.15, 0.5 * hand[1] + 0.05, 0.32, 0.065), (*hand, 0.06)], sides=8)
    gape = genes.uniform(12, 32)
    outer = ball(0.5 * claw, 0.55 * claw, claw, 12).at(z=0.7 * claw).taper("z", 1, 0.3).turn("y", gape)
    inner = ball(0.4 * claw, 0.35 * claw, 0.8 * claw, 12).at(z=0.6 * claw).taper("z", 1, 0.3).turn("y", -gape)
    pincers = [part.turn("x", -lift).turn("y", -25).at(*hand) for part in (outer, inner)]
    spread = genes.uniform(0.08, 0.16)
    stalk = bar((spread, 0.6 * tall, 0.22), (1.1 * spread, tall + 0.1, 0.28), 0.025, sides=7)
    return assemble({
        "shell": (shell, body), "leg": (shell, legs), "arm": (shell, both(arm)),
        "claw": (shell, [part for pincer in pincers for part in both(pincer)]), "stalk": (shell, both(stalk)),
        "eye": ("plastic_black", both(ball(0.045, segments=10).at(1.1 * spread, tall + 0.12, 0.28))),
    })  # fmt: skip


def snake(genes: Genes) -> Mesh:
    """Winding over the ground or coiled up, with a raised head."""
    scales = genes.choice((*_SCALES, "tortoiseshell", "leopard"))
    coiled, thick, rise = genes.chance(0.5), genes.uniform(0.06, 0.095), genes.uniform(0.2, 0.45)
    share, waves, swing = np.linspace(0, 1, 36), genes.uniform(1.3, 2.4), genes.uniform(0.25, 0.42)
    path = np.c_[swing * np.sin(2 * np.pi * waves * (share - 1)), 0 * share, 1.7 * (share - 1)]
    if coiled:
        angle, radius = 2 * np.pi * (waves + 0.8) * (share - 1) - 0.5 * np.pi, 0.42 - 0.26 * share
        path = np.c_[radius * np.cos(angle), 3.2 * thick * (waves + 0.8) * share**1.2 * 0.55, -radius * np.sin(angle)]
        path = path - [0, 0, path[-1, 2]]
    x, y, _ = path[-1]
    neck = smooth([path[-1], (x, y + 0.4 * rise, 0.14), (0.7 * x, y + rise, 0.12), (0.5 * x, y + rise + 0.08, 0.24)], 4)
    path = np.concatenate([path, neck[1:]])
    taper = np.ones(len(path))
    taper[: len(share)] = np.sin(0.5 * np.pi * np.minimum(2.2 * share + 0.03, 1))
    head = path[-1] + [0, 0, 0.06]
    eye = ball(0.3 * thick, segments=8).at(0.9 * thick, 0.5 * thick, 0.07)
    tongue = [bar((0, -0.02, 0.1), (0, -0.02, 0.24), 0.012, sides=5)]
    tongue += both(bar((0, -0.02, 0.23), (0.05, 0, 0.32), 0.011, 0.006, 5))
    return assemble({
        "body": (scales, tube(path, thick * taper, 10)),
        "head": (scales, ball(1.3 * thick, 0.9 * thick, 2.1 * thick, 12).at(*head)),
        "eye": ("petal_yellow", [part.at(*head) for part in both(eye)]),
        "tongue": ("petal_red", [part.at(*head) for part in tongue]),
    })  # fmt: skip


def dinosaur(genes: Genes) -> Mesh:
    """A two-legged hunter or a four-legged browser with a long neck."""
    hunter = genes.chance(0.55)
    return _hunter(genes) if hunter else _browser(genes)


def _crest(size: float, stations: list[tuple[float, float]]) -> list[Solid]:
    """Upright plates on the back, at (y, z)."""
    plate = extrude([(-0.8, -0.4), (0.8, -0.4), (0.5, 0.8), (-0.1, 1.4), (-0.7, 0.6)], 0.3).turn("y", 90)
    return [plate.scale(size, size, size).at(0, y, z) for y, z in stations]


def _hunter(genes: Genes) -> Mesh:
    scales, tail, skull = genes.choice(_SCALES), genes.uniform(0.9, 1.3), genes.uniform(0.85, 1.15)
    body = limb([(0, 0.3, -tail, 0.02), (0, 0.36, -0.5, 0.11), (0, 0.42, 0, 0.23), (0, 0.55, 0.32, 0.19),
                 (0, 0.85, 0.48, 0.13)], 0.85, sides=12)  # fmt: skip
    gape, look = genes.uniform(10, 30), genes.uniform(-30, 30)
    upper = limb([(0, 0.02, -0.1, 0.14), (0, 0.03, 0.12, 0.13), (0, 0, 0.36, 0.09)], 0.85).turn("x", -0.3 * gape)
    lower = limb([(0, -0.04, -0.05, 0.1), (0, -0.1, 0.34, 0.055)]).turn("x", 0.7 * gape)
    fang = bar((0.06, -0.05, 0), (0.06, -0.13, 0), 0.022, 0.003, 6)
    teeth = [tooth.turn("x", -0.3 * gape) for z in (0.18, 0.26, 0.34) for tooth in both(fang.at(z=z))]
    face = {"head": (scales, [upper]), "jaw": (scales, [lower]), "tooth": ("ivory", teeth),
            "eye": ("petal_yellow", both(ball(0.035, segments=8).at(0.095, 0.11, 0.08)))}  # fmt: skip
    head = each(face, lambda solid: solid.scale(skull, skull, skull).turn("y", look).at(0, 0.95, 0.55))
    stride, legs = genes.uniform(-0.15, 0.15), []
    for x in (-0.17, 0.17):
        step = stride * np.sign(x)
        legs.append(limb([(x, 0.38, -0.02, 0.15), (x, 0.12, 0.1 + 0.5 * step, 0.09), (x, -0.12, -0.1 + step, 0.055),
                          (x, -0.3, step, 0.05)], sides=8))  # fmt: skip
        legs.append(ball(0.08, 0.04, 0.14, 8).at(x, -0.32, step + 0.07))
    arm = limb([(0.15, 0.5, 0.4, 0.045), (0.18, 0.42, 0.52, 0.035), (0.15, 0.42, 0.62, 0.02)], sides=7)
    crested, size = genes.chance(0.5), genes.uniform(0.04, 0.08)
    spines = _crest(size, [(0.72, 0.2), (0.66, 0.02), (0.58, -0.2), (0.5, -0.42)])
    parts = {"body": (scales, body), **head, "leg": (scales, legs), "arm": (scales, both(arm))}
    return assemble(parts | {"crest": (genes.choice(("rubber_red", "scales_green")), spines)} if crested else parts)


def _browser(genes: Genes) -> Mesh:
    scales, tail = genes.choice(_SCALES), genes.uniform(1.1, 1.6)
    build = Build(0.29, genes.uniform(0.28, 0.4), 0.09, genes.uniform(0.9, 1.2), 0.085, 0.11, 1.8, 0.6, rise=55, nod=30,
                  waist=1.0, rump=0.95, crouch=0.04, dip=0.12).varied(genes)  # fmt: skip
    whip = limb([(0, 0.02, -0.35, 0.8 * build.girth), (0, -0.05, -0.8, 0.12), (0, -0.15, -0.4 - 0.6 * tail, 0.06),
                 (0, genes.uniform(-0.2, 0.15), -0.4 - tail, 0.02)])  # fmt: skip
    crested, size = genes.chance(0.3), genes.uniform(0.06, 0.1)
    spines = _crest(size, [(0.97 * build.girth, z) for z in (0.3, 0.12, -0.06, -0.24)])
    parts = {"tail": (scales, whip)}
    parts |= {"crest": ("rubber_red", spines)} if crested else {}
    return quadruped(genes, build, scales, {}, parts, "paw")


def octopus(genes: Genes) -> Mesh:
    skin = genes.choice(("coral", "petal_purple", "paint_orange", "petal_pink", "skin_grey"))
    bulb, tall, reach = genes.uniform(0.28, 0.38), genes.uniform(0.38, 0.58), genes.uniform(0.65, 0.95)
    mantle = lumpy(genes, ball(bulb, tall, 0.95 * bulb, 18), 0.08)
    mantle = mantle.turn("x", genes.uniform(-25, 5)).at(y=0.3 + 0.7 * tall)
    arms = []
    for step in range(8):
        curl, twist = genes.uniform(0.05, 0.4), genes.uniform(-0.25, 0.25)
        arm = limb([(0.1, 0.28, 0, 0.13), (0.35 * reach, 0.12, 0.3 * twist, 0.1), (0.7 * reach, 0.03, twist, 0.07),
                    (reach, 0.06 + 0.3 * curl, 0.7 * twist, 0.045), (0.9 * reach, 0.1 + curl, 0, 0.02)],
                   sides=7, steps=3)  # fmt: skip
        arms.append(arm.turn("y", 22.5 + 45 * step))
    place = 0.62 * bulb, 0.42, 0.66 * bulb
    eye, pupil = ball(0.09, segments=12), ball(0.04, 0.055, 0.04, 8).at(0.03, 0.01, 0.06)
    return assemble({
        "mantle": (skin, mantle), "arm": (skin, arms),
        "head": (skin, ball(0.8 * bulb, 0.22, 0.8 * bulb, 14).at(y=0.32)),
        "eye": ("petal_yellow", both(eye.at(*place))), "pupil": ("plastic_black", both(pupil.at(*place))),
    })  # fmt: skip


CLASSES = {
    make.__name__: make for make in (turtle, snail, spider, butterfly, crab, snake, dinosaur, dragonfly, octopus)
}
