"""People and four-legged animals."""

import numpy as np

from ndslib.sim.catalogue._organic import limb, lumpy
from ndslib.sim.catalogue._quadruped import Build, quadruped
from ndslib.sim.genes import Genes
from ndslib.sim.mesh import Mesh
from ndslib.sim.solids import Solid, assemble, ball, bar, both, box, cylinder, dome, lathe, smooth, tube


def _ear(length: float, width: float) -> Solid:
    """A pointed, flattened ear from the origin up, in the head's frame."""
    profile = [(width, 0), (0.95 * width, 0.35 * length), (0.5 * width, 0.75 * length), (0.05, length)]
    return lathe(profile, 8).scale(z=0.2 / width)


def _flap(width: float, length: float, tilt: float) -> Solid:
    """A flat round ear about its own middle; `tilt` turns its top outwards."""
    return ball(0.16, length, width, 12).turn("z", tilt)


def _nose(build: Build, size: float) -> list[Solid]:
    return [ball(size, 0.75 * size, 0.75 * size, 10).at(0, 0.02, build.muzzle + 0.03)]


def _hanging_tail(length: float, thick: float, root: float) -> Solid:
    """From the height `root` at the rump, out and down."""
    return limb([(0, root, -0.45, thick), (0, root - 0.12 * length, -0.5 - 0.25 * length, 0.9 * thick),
                 (0, root - 0.8 * length, -0.54 - 0.3 * length, 0.7 * thick)], sides=7)  # fmt: skip


def _tuft(length: float, thick: float, root: float) -> Solid:
    """The brush at the end of a hanging tail."""
    return ball(thick, 2.2 * thick, thick, 8).at(0, root - 0.8 * length - thick, -0.54 - 0.3 * length)


def _horn(reach: float, rise: float, thick: float = 0.28) -> Solid:
    """From the right of the brow outwards, then up, in the head's frame."""
    path = smooth([(0.4, 0.6, 0), (0.5 + 0.7 * reach, 0.7 + 0.15 * rise, 0.05), (0.5 + reach, 0.7 + rise, 0.15)], 4)
    return tube(path, np.linspace(thick, 0.04, len(path)), 8)


def dog(genes: Genes) -> Mesh:
    coat = genes.choice(("fur_brown", "fur_black", "fur_ginger", "fur_white", "fur_grey"))
    short_legs, leg = genes.chance(0.25), genes.uniform(0.36, 0.5)
    build = Build(0.23, 0.2 if short_legs else leg, 0.06, 0.3, 0.14, genes.uniform(0.17, 0.21),
                  genes.uniform(1.4, 2.3), 0.48, rise=48, waist=0.75).varied(genes)  # fmt: skip
    ear = _flap(0.42, 0.7, 12).at(0.95, -0.05, -0.05)
    if genes.chance(0.45):
        ear = _ear(1.0, 0.4).turn("z", -12).at(0.55, 0.6, -0.1)
    lift = genes.uniform(0.15, 0.5)
    tail = limb([(0, 0.1, -0.45, 0.06), (0, 0.14 + 0.3 * lift, -0.62, 0.05), (0, 0.15 + lift, -0.66, 0.03)], sides=8)
    face = {"ear": (genes.choice((coat, "fur_brown")), both(ear)), "nose": ("rubber_black", _nose(build, 0.24))}
    return quadruped(genes, build, coat, face, {"tail": (coat, tail)}, "paw")


def cat(genes: Genes) -> Mesh:
    coat = genes.choice(("fur_tabby", "fur_black", "fur_ginger", "fur_white", "fur_grey"))
    build = Build(0.18, genes.uniform(0.26, 0.36), 0.048, 0.16, 0.12, genes.uniform(0.17, 0.2), 1.05, 0.42, rise=50,
                  nod=2, waist=0.9, rump=0.95, crouch=0.2).varied(genes)  # fmt: skip
    ear = _ear(genes.uniform(0.85, 1.15), 0.5).turn("z", -18).at(0.5, 0.55, -0.05)
    lift, curl = genes.uniform(0.45, 0.8), genes.uniform(-0.2, 0.15)
    tail = limb([(0, 0.08, -0.45, 0.04), (0, 0.05, -0.62, 0.04), (0, 0.5 * lift, -0.74, 0.04),
                 (0, lift, -0.74 - curl, 0.032)], sides=8)  # fmt: skip
    whisker = [bar((0.2, -0.2, 1), (1.25, -0.25 + rise, 1.05), 0.022, sides=4) for rise in (-0.15, 0.05, 0.25)]
    face = {"ear": (coat, both(ear)), "nose": ("petal_pink", _nose(build, 0.16)),
            "whisker": ("plastic_white", [solid for hair in whisker for solid in both(hair)])}  # fmt: skip
    return quadruped(genes, build, coat, face, {"tail": (coat, tail)}, "paw")


def horse(genes: Genes) -> Mesh:
    coat = genes.choice(("fur_brown", "fur_black", "fur_white", "fur_ginger", "fur_grey"))
    hair = genes.choice(("fur_black", "straw", "fur_white"))
    build = Build(0.24, genes.uniform(0.52, 0.66), 0.052, 0.52, 0.12, 0.14, genes.uniform(2.7, 3.3), 0.6,
                  rise=52, nod=38, width=0.8, rump=1.0).varied(genes)  # fmt: skip
    rise, length = np.radians(build.rise), genes.uniform(0.35, 0.65)
    crest = [(0, 0.06 + build.neck * share * np.sin(rise) + 0.1, 0.33 + build.neck * share * np.cos(rise), thick)
             for share, thick in ((0.05, 0.07), (0.5, 0.12), (1.05, 0.1))]  # fmt: skip
    face = {"ear": (coat, both(_ear(0.8, 0.28).at(0.5, 0.7, -0.3))),
            "forelock": (hair, [ball(0.35, 0.3, 0.6, 8).at(0, 0.85, 0.1)])}  # fmt: skip
    rest = {"mane": (hair, limb(crest, 0.3, sides=8)), "tail": (hair, _hanging_tail(length, 0.065, 0.12))}
    saddled, leather = genes.chance(0.3), genes.choice(("leather_brown", "leather_red"))
    if saddled:
        seat = ball(0.8 * build.girth, 0.35 * build.girth, 0.16, 14).at(0, 0.85 * build.girth, 0.02)
        rest["saddle"] = (leather, seat)
    return quadruped(genes, build, coat, face, rest, "hoof")


def cow(genes: Genes) -> Mesh:
    coat = genes.choice(("cow_coat", "cow_coat", "fur_brown", "fur_ginger"))
    build = Build(0.3, genes.uniform(0.32, 0.44), 0.062, 0.24, 0.18, 0.15, 2.2, 0.72, rise=22, nod=30, width=0.8,
                  waist=1.0, rump=0.95).varied(genes)  # fmt: skip
    horn = _horn(genes.uniform(0.6, 1.3), genes.uniform(0.4, 1.4))
    length = genes.uniform(0.4, 0.6)
    udder = ball(0.13, 0.1, 0.14, 12).at(0, -0.95 * build.girth, -0.2)
    face = {"ear": (coat, both(_flap(0.3, 0.6, 70).at(1.2, 0.35, -0.1))), "horn": ("ivory", both(horn)),
            "muzzle": ("petal_pink", [ball(0.82, 0.68, 0.5, 12).at(0, -0.22, build.muzzle - 0.4)])}  # fmt: skip
    rest = {
        "tail": (coat, [_hanging_tail(length, 0.028, 0.2), _tuft(length, 0.05, 0.2)]),
        "udder": ("petal_pink", udder),
    }
    return quadruped(genes, build, coat, face, rest, "hoof")


def elephant(genes: Genes) -> Mesh:
    build = Build(0.37, genes.uniform(0.34, 0.46), 0.115, 0.14, 0.24, genes.uniform(0.24, 0.28), 1.0, 0.5, rise=35,
                  nod=0, width=0.85, waist=1.02, rump=0.95, crouch=0.03).varied(genes)  # fmt: skip
    reach, curl = genes.uniform(0.2, 0.9), genes.uniform(0, 1)
    trunk = limb([(0, -0.2, 0.6, 0.48), (0, -0.9, 1.15, 0.36), (0, -1.8, 1.25 + 0.4 * reach, 0.26),
                  (0, -2.3 + 0.6 * curl, 1.4 + reach, 0.2),
                  (0, -2.2 + 1.6 * curl, 1.55 + 1.3 * reach, 0.15)], sides=8, steps=2)  # fmt: skip
    size, length = genes.uniform(0.85, 1.2), genes.uniform(0.4, 1.0)
    ear = ball(0.9 * size, 1.15 * size, 0.1, 16).taper("y", 0.7, 1.1).turn("y", -25).at(1.45, -0.15, -0.25)
    curve = smooth([(0.4, -0.5, 0.6), (0.55, -0.95, 1.1), (0.6, -0.9, 1.2 + length)], 4)
    tusk = tube(curve, np.linspace(0.15, 0.03, len(curve)), 8)
    face = {"ear": ("skin_grey", both(ear)), "trunk": ("skin_grey", [trunk]), "tusk": ("ivory", both(tusk))}
    rest = {"tail": ("skin_grey", _hanging_tail(0.4, 0.025, 0.15))}
    return quadruped(genes, build, "skin_grey", face, rest, "paw")


def giraffe(genes: Genes) -> Mesh:
    build = Build(0.27, genes.uniform(0.75, 0.95), 0.052, genes.uniform(1.15, 1.5), 0.085, 0.115, 2.6, 0.55, rise=68,
                  nod=28, width=0.75, rump=0.75, crouch=0.06).varied(genes)  # fmt: skip
    ossicone = bar((0.35, 0.6, -0.1), (0.42, 1.5, -0.3), 0.13, 0.11, 7)
    knob = ball(0.19, segments=8).at(0.42, 1.5, -0.3)
    rise, length = np.radians(build.rise), genes.uniform(0.35, 0.55)
    mane = [(0, 0.06 + build.neck * share * np.sin(rise), 0.3 + build.neck * share * np.cos(rise) + back, 0.05)
            for share, back in ((0.1, -0.05), (0.5, 0), (0.95, 0.02))]  # fmt: skip
    face = {"ear": ("giraffe_coat", both(_flap(0.22, 0.55, 65).at(1.1, 0.5, -0.3))),
            "ossicone": ("fur_brown", both(ossicone) + both(knob))}  # fmt: skip
    rest = {"tail": ("fur_brown", [_hanging_tail(length, 0.022, 0.1), _tuft(length, 0.045, 0.1)]),
            "mane": ("fur_brown", limb(mane, 0.4, sides=8))}  # fmt: skip
    return quadruped(genes, build, "giraffe_coat", face, rest, "hoof")


def rabbit(genes: Genes) -> Mesh:
    coat = genes.choice(("fur_brown", "fur_white", "fur_grey", "fur_black"))
    build = Build(0.28, 0.1, 0.07, 0.16, 0.17, genes.uniform(0.2, 0.24), 1.15, 0.55, rise=55, nod=5, width=0.9,
                  waist=1.15, rump=1.3, crouch=0.5).varied(genes)  # fmt: skip
    lean, spread = genes.uniform(-45, 10), genes.uniform(4, 35)
    ear = ball(0.3, genes.uniform(0.95, 1.35), 0.13, 12).at(y=1.0).turn("x", lean)
    ear = ear.turn("z", -spread).at(0.35, 0.6, -0.2)
    haunch = ball(0.12, 0.24, 0.26, 12).at(0.2, -0.14, -0.26)
    scut = ball(genes.uniform(0.1, 0.14), segments=10).at(0, 0.05, -0.66)
    face = {"ear": (coat, both(ear)), "nose": ("petal_pink", _nose(build, 0.17))}
    rest = {"haunch": (coat, both(haunch)), "tail": ("fur_white", scut)}
    return quadruped(genes, build, coat, face, rest, "paw")


def pig(genes: Genes) -> Mesh:
    coat = genes.choice(("petal_pink", "petal_pink", "skin_light", "fur_black"))
    build = Build(0.31, genes.uniform(0.14, 0.22), 0.06, 0.14, 0.23, 0.22, genes.uniform(1.4, 1.7), 0.5, rise=15,
                  nod=8, width=0.92, waist=1.05, rump=1.0, crouch=0.05).varied(genes)  # fmt: skip
    ear = _ear(genes.uniform(0.6, 0.95), 0.38).turn("x", genes.uniform(20, 75)).turn("z", -20).at(0.5, 0.6, 0)
    disc = cylinder(0.52, 0.25, 0.48, 14).turn("x", 90).at(0, -0.2, build.muzzle)
    turn = np.linspace(0, 3.2 * np.pi, 20)
    tail = tube(np.c_[0.05 * np.sin(turn), 0.12 + 0.05 * np.cos(turn), -0.5 - 0.015 * turn], 0.018, 6)
    face = {
        "ear": (coat, both(ear)),
        "snout": ("petal_pink", [disc]),
        "nostril": ("rubber_black", both(ball(0.1, 0.13, 0.05, 6).at(0.2, -0.2, build.muzzle + 0.12))),
    }
    return quadruped(genes, build, coat, face, {"tail": (coat, tail)}, "hoof")


def sheep(genes: Genes) -> Mesh:
    wool, skin = genes.choice(("fur_white", "fur_white", "fur_grey")), genes.choice(("fur_black", "bone", "fur_brown"))
    build = Build(0.26, genes.uniform(0.22, 0.34), 0.045, 0.3, 0.13, 0.14, 1.75, 0.55, rise=42, nod=22,
                  crouch=0.05).varied(genes)  # fmt: skip
    fleece = [lumpy(genes, ball(0.36, 0.36, 0.58, 18), genes.uniform(0.1, 0.25), 6)]
    for step in range(12):
        turn, along = 2.4 * step, -0.45 + 0.95 * step / 11
        ring = 0.3 * np.sqrt(1 - (along / 0.62) ** 2)
        fleece.append(ball(genes.uniform(0.12, 0.17), segments=8).at(ring * np.cos(turn), ring * np.sin(turn), along))
    face = {
        "ear": (skin, both(_flap(0.22, 0.5, 75).at(1.1, 0.3, -0.1))),
        "topknot": (wool, [ball(0.8, 0.5, 0.7, 10).at(0, 0.7, -0.2)]),
    }
    horned = genes.chance(0.3)
    if horned:
        turn = np.linspace(0.5, 2.2 * np.pi, 8)
        coil = np.c_[0.8 + 0.06 * turn, 0.3 + 0.5 * np.sin(turn), -0.2 - 0.5 * np.cos(turn)]
        face["horn"] = ("ivory", both(tube(coil, np.linspace(0.25, 0.06, 8), 6)))
    tail = ball(0.1, 0.14, 0.1, 8).at(0, 0.05, -0.58)
    return quadruped(genes, build, wool, face, {"fleece": (wool, fleece), "tail": (wool, tail)}, "hoof", skin)


def camel(genes: Genes) -> Mesh:
    coat = genes.choice(("fur_ginger", "fur_brown", "leather_tan"))
    build = Build(0.25, genes.uniform(0.55, 0.7), 0.055, 0.5, 0.1, 0.12, 2.2, 0.6, rise=38, nod=12, width=0.85,
                  rump=0.8, dip=0.28).varied(genes)  # fmt: skip
    height, length = genes.uniform(0.25, 0.36), genes.uniform(0.3, 0.5)
    places, thick = genes.choice((([0], 0.24), ([-0.22, 0.2], 0.17)))
    humps = [ball(0.15, height, thick, 14).at(0, 0.16, z) for z in places]
    tail = [_hanging_tail(length, 0.025, 0.1), _tuft(length, 0.045, 0.1)]
    face = {"ear": (coat, both(_ear(0.6, 0.25).at(0.5, 0.6, -0.4)))}
    return quadruped(genes, build, coat, face, {"hump": (coat, humps), "tail": (coat, tail)}, "paw")


def bear(genes: Genes) -> Mesh:
    coat = genes.choice(("fur_brown", "fur_black", "fur_white", "fur_brown"))
    build = Build(0.33, genes.uniform(0.22, 0.32), 0.105, 0.2, 0.23, genes.uniform(0.21, 0.25),
                  genes.uniform(1.5, 1.9), 0.45, rise=20, nod=10, width=0.9, waist=1.05, rump=1.02,
                  crouch=0.08).varied(genes)  # fmt: skip
    ear = ball(0.34, 0.36, 0.18, 10).at(0.68, 0.78, -0.15)
    shoulders = ball(0.24, genes.uniform(0.18, 0.3), 0.22, 12).at(0, 0.15, 0.28)
    face = {"ear": (coat, both(ear)), "nose": ("rubber_black", _nose(build, 0.26))}
    rest = {"shoulder": (coat, shoulders), "tail": (coat, ball(0.07, segments=8).at(0, 0.1, -0.66))}
    return quadruped(genes, build, coat, face, rest, "paw")


def person(genes: Genes) -> Mesh:
    """A clothed adult or child, standing or walking; the unit is the height."""
    stout, tall_head = genes.uniform(0.8, 1.3), genes.uniform(0.062, 0.085)
    stride = genes.uniform(0, 0.16) * genes.choice((-1, 1))
    skin = genes.choice(("skin_light", "skin_dark"))
    top = genes.choice(
        ("cotton_red", "cotton_blue", "cotton_white", "wool_grey", "striped_cloth", "felt_green", "tartan")
    )
    bottom = genes.choice(("denim", "wool_grey", "linen", "leather_black", "wool_brown"))
    skirt, skirt_hem, long_sleeve = genes.chance(0.3), genes.uniform(0.18, 0.36), genes.chance(0.6)
    legs, shoes = _person_legs(stride, stout, genes.uniform(0.035, 0.06))
    arms, hands = _person_arms(stride, stout, genes.uniform(0.0, 0.06), genes.uniform(0, 0.1))
    torso = limb([(0, 0.49, 0, 0.068 * stout), (0, 0.6, 0, 0.062 * stout), (0, 0.74, 0, 0.072 * stout),
                  (0, 0.81, 0, 0.04)], 1.55, sides=12)  # fmt: skip
    chin = 0.995 - 2 * tall_head
    face = [ball(0.74 * tall_head, tall_head, 0.85 * tall_head, 14).at(0, chin + tall_head),
            ball(0.012, segments=6).at(0, chin + 0.9 * tall_head, 0.85 * tall_head),
            bar((0, 0.8, 0), (0, chin + 0.03, 0), 0.03)]  # fmt: skip
    parts = {"torso": (top, torso), "arm": (top if long_sleeve else skin, arms), "hand": (skin, hands),
             "leg": (skin if skirt else bottom, legs), "shoe": (genes.choice(("leather_brown", "rubber_black")), shoes),
             "head": (skin, face)}  # fmt: skip
    if skirt:
        flare = [(0.14, skirt_hem), (0.09 * stout, 0.5), (0.085 * stout, 0.56)]
        parts["skirt"] = (bottom, lathe(flare, 16).scale(z=0.75))
    parts |= _headwear(genes, tall_head, chin + tall_head)
    if genes.chance(0.3):
        parts["backpack"] = ("canvas", box(0.2, 0.24, 0.1, 0.03).at(0, 0.69, -0.11 * stout))
    return assemble(parts)


def _person_legs(stride: float, stout: float, hip: float) -> tuple[list[Solid], list[Solid]]:
    legs, shoes = [], []
    for x, reach in ((-hip, stride), (hip, -stride)):
        lift = 0.15 * max(-reach, 0)  # the heel of the hind foot
        legs.append(limb([(x, 0.5, 0, 0.06 * stout), (x, 0.28, 0.5 * reach + 0.02 + lift, 0.045 * stout),
                          (x, 0.06 + lift, reach, 0.034)], sides=8))  # fmt: skip
        shoes.append(ball(0.036, 0.03, 0.07, 10).at(x, 0.028 + lift, reach + 0.03))
    return legs, shoes


def _person_arms(stride: float, stout: float, spread: float, bent: float) -> tuple[list[Solid], list[Solid]]:
    arms, hands = [], []
    for side in (-1, 1):
        swing = 0.9 * side * stride
        shoulder, elbow = side * 0.115 * stout, side * (0.135 * stout + spread)
        wrist = (elbow + 0.2 * side * spread, 0.48 + bent, 0.03 + swing + bent)
        arms.append(
            limb([(shoulder, 0.785, 0, 0.036), (elbow, 0.63, 0.4 * swing - 0.01, 0.03), (*wrist, 0.022)], sides=8)
        )
        hands.append(ball(0.022, 0.04, 0.026, 8).at(wrist[0], wrist[1] - 0.035, wrist[2]))
    return arms, hands


def _headwear(genes: Genes, size: float, level: float) -> dict:
    """Short hair, long hair or a hat on a head of the half height `size`, whose middle is at `level`."""
    hair = genes.choice(("fur_brown", "fur_black", "fur_ginger", "straw", "fur_grey"))
    style, brim = genes.choice(("short", "long", "hat")), genes.uniform(1.1, 1.6)
    felt = genes.choice(("felt_green", "straw", "cotton_red"))
    crop = ball(0.84 * size, 0.95 * size, 0.92 * size, 14).at(0, level + 0.2 * size, -0.16 * size)
    if style == "short":
        return {"hair": (hair, crop)}
    if style == "long":
        back = limb([(0, level, -0.45 * size, 0.6 * size), (0, level - 2 * size, -0.6 * size, 0.35 * size)], 1.4)
        return {"hair": (hair, [crop, back])}
    hat = [
        dome(0.85 * size, size, 16).at(0, level + 0.35 * size),
        cylinder(brim * size, 0.12 * size).at(0, level + 0.4 * size),
    ]
    return {"hair": (hair, crop.at(y=-0.08 * size)), "hat": (felt, hat)}


CLASSES = {
    make.__name__: make for make in (person, dog, cat, horse, cow, elephant, giraffe, rabbit, pig, sheep, camel, bear)
}
