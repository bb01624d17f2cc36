"""Birds and fish."""

import numpy as np

from ndslib.sim.catalogue._common import each
from ndslib.sim.catalogue._organic import blade, limb
from ndslib.sim.genes import Genes
from ndslib.sim.mesh import Mesh
from ndslib.sim.solids import Solid, assemble, ball, bar, both, extrude, lathe, smooth, tube

_PLUMAGE = ("feathers_white", "feathers_yellow", "feathers_blue", "fur_brown", "fur_grey", "petal_red", "fur_black")


def _upright_fin(points: list[tuple[float, float]], thickness: float = 0.03) -> Solid:
    """A plate in the plane of symmetry with an outline of (z, y) points."""
    return extrude(points, thickness).turn("y", -90)


def _beak(length: float, thick: float, droop: float = 0.0) -> Solid:
    """Along +z from the origin."""
    return tube([(0, 0, -0.05), (0, 0, 0), (0, -0.3 * droop, 0.6 * length), (0, -droop, length)],
                np.array([1, 1, 0.6, 0.02]) * thick, 8)  # fmt: skip


def _claws(spread: float, reach: float, height: float, thick: float) -> list[Solid]:
    """Two legs of the given height with three toes each, hanging from y = 0."""
    leg = bar((spread, 0.1, 0), (spread, -height, 0.02), thick, sides=6)
    toes = [bar((spread, -height, 0.02), (spread + side * reach, -height, 0.02 + ahead * reach), thick, 0.3 * thick, 6)
            for side, ahead in ((-0.5, 1), (0, 1.2), (0.5, 1), (0, -0.7))]  # fmt: skip
    return [solid for part in (leg, *toes) for solid in both(part)]


def bird(genes: Genes) -> Mesh:
    """A perching or flying songbird."""
    plumage, plump = genes.choice(_PLUMAGE), genes.uniform(0.2, 0.28)
    body = limb([(0, -0.1, -0.42, 0.08), (0, -0.04, -0.15, 0.9 * plump), (0, 0.06, 0.16, plump), (0, 0.26, 0.34, 0.16)])
    skull = genes.uniform(0.16, 0.2)
    head = ball(skull, segments=14).at(0, 0.38, 0.38)
    beak = _beak(genes.uniform(0.12, 0.3), genes.uniform(0.04, 0.07), 0.02).at(0, 0.37, 0.36 + skull)
    breast = ball(0.8 * plump, 0.85 * plump, 0.8 * plump, 14).at(0, 0.03, 0.24)
    span, flying = genes.uniform(0.75, 1.0), genes.chance(0.35)
    outline = [(0, 0.15), (0.5, 0.24), (1, 0), (0.75, -0.16), (0.4, -0.24), (0, -0.22)]
    feathers = extrude(smooth([*outline, outline[0]], 4)[:-1], 0.03).scale(x=span)
    wing = feathers.turn("x", -90).turn("z", genes.uniform(10, 35)).at(0.12, 0.1, 0.05)
    if not flying:
        wing = ball(0.05, 0.17, 0.42, 12).turn("x", 12).turn("y", -8).at(0.88 * plump, 0.02, -0.1)
    fan = blade(genes.uniform(0.35, 0.6), 0.1, 0.15, 0, 0.7).turn("x", -100)
    tail = [fan.turn("y", turn).at(0, -0.1, -0.4) for turn in (-12, 0, 12)]
    return assemble({
        "body": (plumage, body), "head": (plumage, head),
        "breast": (genes.choice(("petal_red", "feathers_white", plumage)), breast),
        "beak": (genes.choice(("paint_orange", "rubber_black")), beak),
        "eye": ("plastic_black", both(ball(0.035, segments=8).at(0.83 * skull, 0.42, 0.46))),
        "wing": (genes.choice(_PLUMAGE), both(wing)), "tail": (plumage, tail),
        "leg": ("paint_orange", [solid.at(0, -0.12, 0.02) for solid in _claws(0.09, 0.12, 0.28, 0.018)]),
    })  # fmt: skip


def duck(genes: Genes) -> Mesh:
    plumage = genes.choice(("feathers_white", "feathers_yellow", "fur_brown"))
    hood = genes.choice((plumage, "paint_green"))
    fat, rise, skull = genes.uniform(0.24, 0.32), genes.uniform(0.35, 0.6), genes.uniform(0.16, 0.21)
    body = limb([(0, 0.16, -0.6, 0.04), (0, 0.02, -0.35, 0.7 * fat), (0, 0, 0, fat), (0, 0.03, 0.3, 0.8 * fat)], 1.15)
    neck = limb([(0, 0.05, 0.32, 0.16), (0, 0.25, 0.42, 0.11), (0, rise, 0.38, 0.1)])
    head = ball(skull, 0.95 * skull, 1.1 * skull, 14).at(0, rise + 0.08, 0.42)
    length = genes.uniform(0.2, 0.32)
    bill = ball(0.11, 0.035, length, 12).bend("z", "y", 0.8).at(0, rise + 0.02, 0.42 + skull + 0.35 * length)
    wing = ball(0.06, 0.16, 0.36, 12).turn("x", genes.uniform(8, 20)).at(1.05 * fat, 0.07, -0.12)
    web = extrude([(-0.02, 0), (0.02, 0), (0.1, 0.2), (0, 0.17), (-0.1, 0.2)], 0.025).turn("x", 90).turn("y", 12)
    stride = genes.uniform(-0.1, 0.1)
    foot = [web.at(0, -fat - 0.16), bar((0, -0.5 * fat, 0), (0, -fat - 0.16, 0), 0.03, sides=7)]
    feet = [part.at(side * 0.12, 0, side * stride) for side in (-1, 1) for part in foot]
    return assemble({
        "body": (plumage, body), "neck": (hood, neck), "head": (hood, head), "bill": ("paint_orange", bill),
        "eye": ("plastic_black", both(ball(0.032, segments=8).at(0.85 * skull, rise + 0.13, 0.5))),
        "wing": (genes.choice((plumage, "fur_grey")), both(wing)), "foot": ("paint_orange", feet),
    })  # fmt: skip


def penguin(genes: Genes) -> Mesh:
    stout, height, skull = genes.uniform(0.25, 0.34), genes.uniform(0.75, 1.0), genes.uniform(0.16, 0.2)
    body = limb([(0, 0.05, 0, 0.8 * stout), (0, 0.3 * height, 0.02, stout), (0, 0.7 * height, 0, 0.75 * stout),
                 (0, height, 0, skull)], sides=14)  # fmt: skip
    belly = ball(0.86 * stout, 0.46 * height, 0.78 * stout, 16).at(0, 0.38 * height, 0.4 * stout)
    head = ball(skull * 1.05, skull, 1.1 * skull, 14).at(0, height + 0.1, 0.02)
    flipper = ball(0.035, 0.32 * height, 0.11, 12).at(y=-0.28 * height).turn("z", genes.uniform(8, 50))
    beak = _beak(genes.uniform(0.14, 0.24), 0.05, 0.04).at(0, height + 0.09, 0.02 + skull)
    patch = ball(0.05, 0.09, 0.07, 10).at(0.9 * skull, height + 0.08, 0.02)
    foot = ball(0.11, 0.04, 0.18, 10).turn("y", genes.uniform(5, 25)).at(0.13, -0.75 * stout + 0.02, 0.14)
    return assemble({
        "body": ("fur_black", body), "belly": ("feathers_white", belly), "head": ("fur_black", head),
        "beak": ("paint_orange", beak), "flipper": ("fur_black", both(flipper.at(0.85 * stout, 0.72 * height))),
        "cheek": (genes.choice(("feathers_yellow", "feathers_white", "paint_orange")), both(patch)),
        "foot": ("paint_orange", both(foot)),
        "eye": ("plastic_white", both(ball(0.03, segments=8).at(0.62 * skull, height + 0.15, 0.85 * skull))),
    })  # fmt: skip


def owl(genes: Genes) -> Mesh:
    """Sitting on a branch, with ear tufts or without."""
    plumage = genes.choice(("fur_brown", "fur_grey", "feathers_white", "leopard"))
    stout, eye, height = genes.uniform(0.3, 0.38), genes.uniform(0.1, 0.15), genes.uniform(0.5, 0.68)
    body = limb([(0, 0.05, -0.05, 0.6 * stout), (0, 0.45 * height, 0, stout), (0, height, 0.02, 0.8 * stout)], sides=14)
    look = genes.uniform(-30, 30)
    tufted, tuft = genes.chance(0.6), lathe([(0.09, 0), (0.07, 0.12), (0.01, genes.uniform(0.2, 0.34))], 8)
    discs = both(ball(1.6 * eye, 1.7 * eye, 0.06, 14).turn("y", 18).at(0.13, 0.06, 0.27))
    face = {
        "head": (plumage, [ball(1.05 * stout, 0.85 * stout, 0.9 * stout, 16)]),
        "face": (genes.choice(("bone", "feathers_white", "leather_tan")), discs),
        "eye": ("petal_yellow", both(ball(eye, eye, 0.05, 12).turn("y", 18).at(0.14, 0.07, 0.31))),
        "pupil": ("plastic_black", both(ball(0.5 * eye, 0.5 * eye, 0.04, 8).turn("y", 18).at(0.15, 0.07, 0.345))),
        "beak": ("rubber_grey", [_beak(0.12, 0.05, 0.1).turn("x", 25).at(0, 0, 0.3)]),
    }
    if tufted:
        face["tuft"] = (plumage, both(tuft.turn("z", -20).at(0.2, 0.65 * stout, 0.05)))
    head = each(face, lambda solid: solid.turn("y", look).at(0, height + 0.32))
    wing = ball(0.09, 0.42 * height + 0.12, 0.24, 12).turn("x", 8).at(0.92 * stout, 0.4 * height, -0.05)
    toes = [bar((x, -0.16, 0.02), (1.05 * x, -0.18, 0.2), 0.05, 0.02, 7) for x in (0.07, 0.14, 0.21)]
    return assemble({
        **head, "body": (plumage, body), "wing": (genes.choice(("fur_brown", plumage)), both(wing)),
        "foot": ("leather_tan", [toe for claw in toes for toe in both(claw)]),
        "branch": ("bark", tube([(-0.7, -0.24, 0.05), (0, -0.26, 0.08), (0.7, -0.2, 0.05)], [0.05, 0.07, 0.06], 8)),
    })  # fmt: skip


def fish(genes: Genes) -> Mesh:
    scales = genes.choice(("scales_green", "scales_silver", "scales_orange", "feathers_blue", "petal_yellow"))
    fins = genes.choice((scales, "scales_orange", "feathers_yellow"))
    deep, width = genes.uniform(0.18, 0.36), genes.uniform(0.35, 0.55)
    body = limb([(0, 0, -0.6, 0.07), (0, 0, -0.25, 0.75 * deep), (0, 0, 0.1, deep), (0, 0, 0.45, 0.6 * deep),
                 (0, -0.02, 0.6, 0.25 * deep)], width, sides=14)  # fmt: skip
    fork, fan, tall = genes.uniform(0.05, 0.25), genes.uniform(0.2, 0.38), genes.uniform(0.12, 0.3)
    tail = _upright_fin([(-0.55, 0.04), (-0.95, fan), (-0.95 + fork, 0), (-0.95, -fan), (-0.55, -0.04)])
    dorsal = _upright_fin([(0.25, 0.85 * deep), (0.05, 0.95 * deep + tall), (-0.35, 0.7 * deep + 0.5 * tall),
                           (-0.4, 0.4 * deep)])  # fmt: skip
    anal = _upright_fin([(-0.05, -0.85 * deep), (-0.3, -0.7 * deep - 0.6 * tall), (-0.4, -0.4 * deep)])
    side = blade(genes.uniform(0.2, 0.35), 0.1, 0.15, 0.1, 0.65).turn("x", -115).turn("y", -40)
    eye = ball(0.03, 0.06, 0.06, 10).at(width * 0.62 * deep, 0.2 * deep, 0.42)
    pupil = ball(0.03, 0.035, 0.035, 8).at(width * 0.62 * deep + 0.02, 0.2 * deep, 0.425)
    return assemble({
        "body": (scales, body), "tail fin": (fins, tail), "dorsal fin": (fins, [dorsal, anal]),
        "pectoral fin": (fins, both(side.at(0.9 * width * deep, -0.2 * deep, 0.2))),
        "eye": ("plastic_white", both(eye)), "pupil": ("plastic_black", both(pupil)),
        "lip": ("petal_pink", ball(0.1 * width * 2 * deep + 0.02, 0.03, 0.05, 10).at(0, -0.04, 0.6 + 0.2 * deep)),
    })  # fmt: skip


def shark(genes: Genes) -> Mesh:
    skin = genes.choice(("skin_grey", "plastic_grey", "slate", "paint_navy"))
    thick, fin, sweep = genes.uniform(0.14, 0.19), genes.uniform(0.22, 0.36), genes.uniform(0.1, 0.25)
    snout = genes.uniform(0.75, 0.95)
    body = limb([(0, 0.02, -0.85, 0.03), (0, 0, -0.45, 0.55 * thick), (0, 0, 0.1, thick), (0, 0, 0.5, 0.85 * thick),
                 (0, 0.03, snout, 0.25 * thick)], 0.95, sides=14)  # fmt: skip
    belly = limb([(0, -0.03, -0.5, 0.4 * thick), (0, -0.05, 0.1, 0.85 * thick), (0, -0.05, 0.55, 0.65 * thick)], 0.9)
    dorsal = _upright_fin([(0.22, 0.8 * thick), (-0.02 - 0.5 * sweep, thick + fin), (-0.08 - sweep, thick + 0.9 * fin),
                           (-0.1, 0.8 * thick)], 0.04)  # fmt: skip
    upper, lower = genes.uniform(0.35, 0.5), genes.uniform(0.15, 0.3)
    tail = _upright_fin([(-0.72, 0.04), (-1.15, upper), (-1.2, 0.95 * upper), (-0.95, 0), (-1.08, -lower),
                         (-0.75, -0.02)], 0.04)  # fmt: skip
    span = genes.uniform(0.4, 0.6)
    pectoral = extrude([(0, 0.3), (span, 0), (span - 0.03, -0.06), (0, 0.05)], 0.04).turn("x", 90).turn("z", -20)
    gills = [ball(0.012, 0.5 * thick, 0.012, 6).at(0.9 * thick, 0, 0.42 + 0.05 * k) for k in range(4)]
    mouth = ball(0.6 * thick, 0.02, 0.08, 10).at(0, -0.35 * thick, 0.9 * snout - 0.02)
    return assemble({
        "body": (skin, body), "belly": ("paint_white", belly), "dorsal fin": (skin, dorsal), "tail fin": (skin, tail),
        "pectoral fin": (skin, both(pectoral.at(0.5 * thick, -0.3 * thick, 0.15))), "mouth": ("petal_red", mouth),
        "gill": ("rubber_black", [slit for gill in gills for slit in both(gill)]),
        "eye": ("plastic_black", both(ball(0.025, segments=8).at(0.5 * thick, 0.4 * thick, 0.65))),
    })  # fmt: skip


CLASSES = {make.__name__: make for make in (bird, duck, penguin, owl, fish, shark)}
