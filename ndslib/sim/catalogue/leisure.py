"""Sports gear, games and toys."""

import numpy as np

from ndslib.sim.catalogue._common import Parts, each
from ndslib.sim.catalogue._organic import limb
from ndslib.sim.catalogue._quadruped import Build, quadruped
from ndslib.sim.genes import Genes
from ndslib.sim.mesh import Mesh
from ndslib.sim.solids import (  # fmt: skip
    Solid,
    assemble,
    ball,
    bar,
    both,
    box,
    cylinder,
    lathe,
    loft,
    smooth,
    torus,
    tube,
)

_COLOURS = ("paint_red", "paint_blue", "paint_green", "paint_yellow", "paint_purple", "paint_orange", "paint_black")
_SIDES = ("marble_white", "marble_black", "ebony", "birch", "mahogany", "ivory", "onyx", "brass")  # chess men's


def _turned(parts: Parts, roll: float, pitch: float = 0.0, yaw: float = 0.0) -> Mesh:
    """Assembled after turning all parts about z, then x, then y, by degrees."""
    return assemble(each(parts, lambda solid: solid.turn("z", roll).turn("x", pitch).turn("y", yaw)))


def football(genes: Genes) -> Mesh:
    """A ball with twelve pentagons and the seams between them."""
    patch, seam, size = genes.choice(_COLOURS), genes.uniform(0.012, 0.022), genes.uniform(17, 23)
    golden = (1 + 5**0.5) / 2
    corners = np.array([np.roll((0, a, b * golden), shift) for shift in range(3) for a in (-1, 1) for b in (-1, 1)])
    corners = corners / np.linalg.norm(corners[0])
    angle = np.radians([size, 0.5 * size, 0])
    cap = lathe([(0, 0.9), *np.c_[np.sin(angle), np.cos(angle)] * 1.025], 5)
    patches = [_pointing(cap, corner) for corner in corners]
    seams = []
    for k, first in enumerate(corners):
        for second in corners[k + 1 :][corners[k + 1 :] @ first > 0.4]:  # neighbours
            arc = [first * (1 - share) + second * share for share in (0.33, 0.5, 0.67)]
            seams.append(tube([point / np.linalg.norm(point) for point in arc], seam, 5))
    parts = {"skin": (genes.choice(("plastic_white", "leather_tan", "plastic_yellow")), [ball(1.0, segments=24)]),
             "patch": (patch, patches), "seam": ("rubber_black", seams)}  # fmt: skip
    squash = genes.uniform(0.93, 1.0)
    parts = each(parts, lambda solid: solid.scale(y=squash))
    return _turned(parts, genes.uniform(0, 72), genes.uniform(0, 72), genes.uniform(0, 72))


def _pointing(solid: Solid, direction: np.ndarray) -> Solid:
    """The solid, made along +y, turned to the direction."""
    tilt = np.degrees(np.arccos(direction[1]))
    return solid.turn("x", tilt).turn("y", np.degrees(np.arctan2(direction[0], direction[2])))


def dumbbell(genes: Genes) -> Mesh:
    """With hexagonal heads, stacked discs or balls."""
    style, grip, thick = genes.choice(("hexagon", "disc", "ball")), genes.uniform(0.35, 0.5), genes.uniform(0.07, 0.1)
    size, discs, width = genes.uniform(0.32, 0.48), genes.integer(2, 4), genes.uniform(0.3, 0.42)
    metal = genes.choice(("chrome", "iron", "brushed_steel"))
    coat = genes.choice(("rubber_black", "cast_iron", "paint_red", "plastic_blue", "plastic_purple", metal))
    handle = bar((-grip, 0, 0), (grip, 0, 0), thick, sides=12)
    knurl = [torus(1.08 * thick, 0.02, 14, 6).turn("z", 90).at(x) for x in np.linspace(-0.6, 0.6, 5) * grip]
    if style == "hexagon":
        edge = lathe([(0.8 * size, 0), (size, 0.15 * width), (size, 0.85 * width), (0.8 * size, width)], 6)
        heads = [edge.turn("z", -90).turn("x", 30).at(grip)]
    elif style == "ball":
        heads = [ball(size, segments=18).at(grip + 0.8 * size)]
    else:
        heads = [cylinder(size * (1 - 0.17 * k), 0.13, segments=22).turn("z", 90).at(grip + 0.07 + 0.145 * k)
                 for k in range(discs)]  # fmt: skip
        heads.append(bar((grip, 0, 0), (grip + 0.145 * discs + 0.15, 0, 0), thick, sides=10))
    return _turned({"handle": (metal, [handle]), "grip": ("rubber_grey", knurl),
                   "weight": (coat, [side for head in heads for side in both(head)])},
                  0, 0, genes.uniform(-25, 25))  # fmt: skip


def tennis_racket(genes: Genes) -> Mesh:
    wide, tall, grip = genes.uniform(0.36, 0.46), genes.uniform(0.5, 0.62), genes.uniform(0.5, 0.75)
    frame, turn = genes.uniform(0.03, 0.045), np.linspace(0, 2 * np.pi, 32, endpoint=False)
    head = tube(np.c_[wide * np.cos(turn), tall * np.sin(turn), 0 * turn], frame, 8, closed=True)
    mesh, strings = genes.integer(9, 13), []
    for share in np.linspace(-0.85, 0.85, mesh):
        reach = np.sqrt(1 - share**2)
        strings.append(bar((share * wide, -reach * tall, 0), (share * wide, reach * tall, 0), 0.008, sides=4))
        strings.append(bar((-reach * wide, share * tall, 0.004), (reach * wide, share * tall, 0.004), 0.008, sides=4))
    fork = smooth([(0.62 * wide, -0.78 * tall, 0), (0.3 * wide, -1.2 * tall, 0), (0.03, -1.55 * tall, 0)], 3)
    throat = tube(fork, frame, 7)
    handle = limb([(0, -1.5 * tall, 0, 0.045), (0, -1.6 * tall - grip, 0, 0.055)], sides=8)
    pommel = cylinder(0.075, 0.06, segments=10).at(y=-1.62 * tall - grip - 0.04)
    colour = genes.choice((*_COLOURS, "aluminium", "walnut"))
    ball_place = genes.uniform(-0.2, 0.2)
    return _turned({
        "frame": (colour, [head, *both(throat)]), "string": ("plastic_white", strings),
        "handle": (genes.choice(("leather_brown", "rubber_black", "leather_tan")), [handle, pommel]),
        "ball": ("petal_yellow", [ball(0.13, segments=14).at(ball_place, 0.3 * tall, 0.16)]),
    }, genes.uniform(-50, 30), genes.uniform(-20, 5))  # fmt: skip


def bowling_pin(genes: Genes) -> Mesh:
    belly, neck, crown = genes.uniform(0.44, 0.54), genes.uniform(0.18, 0.25), genes.uniform(0.26, 0.32)
    level, bands = genes.uniform(1.05, 1.2), genes.integer(1, 3)
    curve = [(0.26, 0), (0.32, 0.12), (belly, 0.8), (0.36, 1.35), (neck, 1.85), (crown, 2.25), (0.2, 2.5), (0, 2.56)]
    profile = smooth(curve, 4).clip(0)
    radius, height = profile.T
    stripe = [torus(np.interp(y, height, radius) - 0.008, 0.035, 24, 6).at(y=y) for y in 1.72 + 0.14 * np.arange(bands)]
    badge = ball(0.16, 0.12, 0.04, 10).at(0, level, np.interp(level, height, radius) - 0.015)
    foot = cylinder(0.275, 0.07, 0.29).at(y=0.02)
    return _turned({
        "body": (genes.choice(("plastic_white", "paint_cream", "birch")), [lathe(profile, 28)]),
        "stripe": (genes.choice(_COLOURS[:2] + _COLOURS[6:]), stripe), "badge": (genes.choice(_COLOURS), [badge]),
        "foot": ("rubber_black", [foot]),
    }, genes.uniform(-25, 25), genes.uniform(-10, 10))  # fmt: skip


def _plinth(genes: Genes, width: float) -> list[tuple[float, float]]:
    """The moulded foot of a chess man, as a profile that ends at the height 0.45."""
    step = genes.uniform(0.1, 0.18)
    return [(0.94 * width, 0), (width, 0.05), (width, step), (0.8 * width, step + 0.03), (0.85 * width, step + 0.1),
            (0.6 * width, step + 0.2), (0.5 * width, 0.45)]  # fmt: skip


def _collar(radius: float) -> Solid:
    return lathe([(0, -0.05), (0.8 * radius, -0.05), (radius, 0), (0.8 * radius, 0.05), (0, 0.05)], 28)


def chess_pawn(genes: Genes) -> Mesh:
    side, width, tall = genes.choice(_SIDES), genes.uniform(0.46, 0.56), genes.uniform(0.9, 1.25)
    waist, collar, head = genes.uniform(0.14, 0.2), genes.uniform(0.28, 0.36), genes.uniform(0.25, 0.33)
    body = lathe([*_plinth(genes, width), (waist, tall)], 28)
    return assemble({
        "body": (side, body), "collar": (side, _collar(collar).at(y=tall)),
        "head": (side, ball(head, segments=22).at(y=tall + 0.85 * head)),
        "felt": (genes.choice(("felt_green", "velvet_red")), cylinder(0.9 * width, 0.06)),
    })  # fmt: skip


def chess_king(genes: Genes) -> Mesh:
    """With a flared crown and a cross."""
    side, width, tall = genes.choice(_SIDES), genes.uniform(0.48, 0.58), genes.uniform(1.5, 1.9)
    waist, flare, collar = genes.uniform(0.17, 0.23), genes.uniform(0.3, 0.38), genes.uniform(0.32, 0.4)
    body = lathe([*_plinth(genes, width), (waist, 0.75 * tall), (waist, tall)], 28)
    rings = [_collar(collar).at(y=tall), _collar(0.8 * collar).at(y=tall + 0.1)]
    crown = lathe([(0.7 * flare, tall + 0.1), (flare, tall + 0.5), (0.93 * flare, tall + 0.55),
                   (0.3 * flare, tall + 0.66), (0, tall + 0.68)], 28)  # fmt: skip
    arm, thick = genes.uniform(0.1, 0.15), genes.uniform(0.035, 0.05)
    cross = [box(2 * thick, 0.36, 1.5 * thick).at(y=tall + 0.8), box(2 * arm, 2 * thick, 1.6 * thick).at(y=tall + 0.85)]
    return assemble({
        "body": (side, body), "collar": (side, rings), "crown": (side, crown), "cross": (side, cross),
        "felt": (genes.choice(("felt_green", "velvet_red")), cylinder(0.9 * width, 0.06)),
    })  # fmt: skip


def skateboard(genes: Genes) -> Mesh:
    long, wide, kick = genes.uniform(0.9, 1.15), genes.uniform(0.24, 0.32), genes.uniform(0.1, 0.2)
    share = np.linspace(-1, 1, 17)
    lift = kick * np.maximum(np.abs(share) - 0.68, 0) / 0.32
    taper = np.sqrt(np.maximum(1 - (np.abs(share) / 1.02) ** 6, 0.02))
    rings = [[(wide * s * x, y + level, long * z) for x, level in ((-1, -0.02), (1, -0.02), (1, 0.02), (-1, 0.02))]
             for z, y, s in zip(share, lift, taper, strict=True)]  # fmt: skip
    deck = loft(np.array(rings))
    grip = deck.scale(0.95, 1, 0.98).at(y=0.008)
    wheel = cylinder(0.085 * genes.uniform(0.85, 1.25), 0.1, segments=16).turn("z", 90)
    base = genes.uniform(0.5, 0.6) * long
    wheels = [side for z in (-base, base) for side in both(wheel.at(0.72 * wide, -0.15, z))]
    axles = [bar((-0.78 * wide, -0.15, z), (0.78 * wide, -0.15, z), 0.025, sides=8) for z in (-base, base)]
    trucks = [box(0.14, 0.12, 0.2, 0.02).at(0, -0.08, z) for z in (-base, base)]
    return _turned({
        "deck": (genes.choice((*_COLOURS, "plywood", "birch")), [deck]), "grip tape": ("rubber_black", [grip]),
        "truck": ("aluminium", trucks + axles),
        "wheel": (genes.choice(("plastic_white", "plastic_orange", "plastic_green")), wheels),
    }, genes.uniform(-25, 35), genes.uniform(-10, 15), genes.uniform(20, 75))  # fmt: skip


def teddy_bear(genes: Genes) -> Mesh:
    """Sitting, with a bow."""
    coat = genes.choice(("fur_brown", "fur_ginger", "wool_brown", "fur_white"))
    pale = genes.choice(("bone", "leather_tan"))
    stout, skull = genes.uniform(0.34, 0.44), genes.uniform(0.3, 0.38)
    spread, raise_, ear = genes.uniform(20, 45), genes.uniform(-20, 60), genes.uniform(0.1, 0.15)
    face = {
        "head": (coat, [ball(1.05 * skull, 0.95 * skull, 0.95 * skull, 18)]),
        "ear": (coat, both(ball(ear, ear, 0.06, 12).at(0.75 * skull, 0.8 * skull))),
        "muzzle": (pale, [ball(0.45 * skull, 0.36 * skull, 0.35 * skull, 12).at(0, -0.25 * skull, 0.82 * skull)]),
        "nose": ("leather_black", [ball(0.06, 0.045, 0.04, 8).at(0, -0.12 * skull, 1.14 * skull)]),
        "eye": ("plastic_black", both(ball(0.045, segments=8).at(0.36 * skull, 0.22 * skull, 0.84 * skull))),
    }
    tilt, look, top = genes.uniform(-14, 14), genes.uniform(-25, 25), 1.75 * stout + 0.85 * skull
    head = each(face, lambda solid: solid.turn("z", tilt).turn("y", look).at(y=top))
    arm = limb([(0, 0, 0, 0.12), (0, -0.2, 0.1, 0.13), (0, -0.38, 0.25, 0.11)], sides=9).turn("x", -raise_)
    leg = limb([(0, 0.12, 0.1, 0.16), (0, 0.12, 0.4, 0.16), (0, 0.14, 0.58, 0.15)], sides=10).turn("y", spread)
    pad = ball(0.12, 0.13, 0.05, 10).at(0, 0.16, 0.72).turn("y", spread)
    body = ball(stout, 1.1 * stout, 0.9 * stout, 18).at(y=stout)
    belly = ball(0.7 * stout, 0.75 * stout, 0.4 * stout, 14).at(0, 0.95 * stout, 0.56 * stout)
    loop = lathe([(0.02, 0), (0.09, 0.16), (0.07, 0.19), (0, 0.19)], 8).scale(z=0.6).turn("z", -90)
    bow = [solid.at(0, 1.82 * stout, 0.62 * stout) for solid in (*both(loop), ball(0.045, segments=8))]
    return assemble(head | {
        "body": (coat, body), "belly": (pale, belly), "arm": (coat, both(arm.at(0.85 * stout, 1.55 * stout))),
        "leg": (coat, both(leg.at(0.4 * stout, 0, 0.1))), "pad": (pale, both(pad.at(0.4 * stout, 0, 0.1))),
        "bow": (genes.choice(("velvet_red", "cotton_blue", "polka_cloth", "tartan")), bow),
    })  # fmt: skip


def rocking_horse(genes: Genes) -> Mesh:
    """A painted horse on two bent rockers."""
    coat = genes.choice(("paint_white", "oak", "paint_grey", "pine", "paint_cream"))
    hair = genes.choice(("rope", "fur_black"))
    build = Build(0.22, genes.uniform(0.36, 0.46), 0.06, 0.42, 0.12, 0.14, 2.3, 0.6, rise=55, nod=32, width=0.8,
                  rump=1.0).varied(genes)  # fmt: skip
    ground, side, long = -build.girth - build.leg, 0.6 * build.girth * build.width, genes.uniform(0.85, 1.05)
    bow, colour = genes.uniform(0.16, 0.3), genes.choice(_COLOURS)
    share = np.linspace(-1, 1, 13)
    rocker = tube(np.c_[0 * share + side, ground - 0.02 + bow * share**2, long * share], 0.045, 8)
    rung = bar((-side - 0.05, ground + 0.02, 0), (side + 0.05, ground + 0.02, 0), 0.03, sides=8)
    rungs = [rung.at(z=-0.36), rung.at(z=0.34)]
    saddle = ball(0.9 * build.girth, 0.4 * build.girth, 0.17, 14).at(0, 0.8 * build.girth, 0.02)
    crest = limb([(0, 0.2, 0.4, 0.09), (0, 0.38, 0.48, 0.1), (0, 0.5, 0.58, 0.08)], 0.35, 8)
    tail = limb([(0, 0.1, -0.45, 0.05), (0, 0.05, -0.62, 0.06), (0, -0.25, -0.68, 0.03)], sides=7)
    handle = bar((-1.5, 0.3, 0.2), (1.5, 0.3, 0.2), 0.16, sides=8)
    ears = both(lathe([(0.28, 0), (0.2, 0.5), (0.03, 0.8)], 8).at(0.5, 0.7, -0.3))
    return quadruped(genes, build, coat, {"ear": (coat, ears), "handle": (colour, [handle])}, {
        "rocker": (colour, both(rocker) + rungs), "saddle": (genes.choice(("leather_red", "leather_brown")), saddle),
        "mane": (hair, crest), "tail": (hair, tail),
    }, "hoof")  # fmt: skip


CLASSES = {
    make.__name__: make
    for make in (football, dumbbell, tennis_racket, bowling_pin, chess_pawn, chess_king, skateboard, rocking_horse,
                 teddy_bear)
}  # fmt: skip
