"""Cycles and working machines. Lengths are in metres; all drive towards +z."""

import numpy as np

from ndslib.sim.catalogue._bodies import GLASS, hull, side_plate, tower, wheels
from ndslib.sim.catalogue._common import Parts, each
from ndslib.sim.genes import Genes
from ndslib.sim.mesh import Mesh
from ndslib.sim.solids import Solid, around, assemble, ball, bar, both, box, cylinder, smooth, torus, tube

FRAMES = ("paint_red", "paint_blue", "metallic_silver", "paint_green", "paint_black", "paint_yellow", "paint_pink")


_STRAP = np.array([(0.2, -1), (0.2, 1), (-0.2, 1), (-0.2, -1)])  # the section of a flat bar, for `tube`


def _rods(radius: float, *ends: tuple[tuple, tuple]) -> list[Solid]:
    return [bar(start, end, radius, sides=8) for start, end in ends]


def _mudguard(radius: float, half: float, low: float) -> Solid:
    """Over the top of a wheel at the origin, from `low` degrees above the front to as much above the rear."""
    angle = np.radians(np.linspace(low, 180 - low, 9))
    return tube(radius * np.c_[0 * angle, np.sin(angle), np.cos(angle)], half, section=_STRAP)


def _spokes(radius: float, thickness: float, count: int) -> list[Solid]:
    return around(bar((0, 0, 0), (0, radius, 0), thickness, sides=4), count, "x")


_HANDLEBARS = {  # the right half, from the stem to the grip's end
    "flat": [(0, 0, 0), (0.1, 0.03, 0.02), (0.2, 0.04, 0), (0.31, 0.03, -0.03)],
    "drop": [(0, 0, 0.02), (0.2, 0, 0.04), (0.21, -0.05, 0.14), (0.21, -0.15, 0.05)],
    "swept": [(0, 0, 0.02), (0.14, 0.09, 0.05), (0.27, 0.08, -0.08), (0.29, 0.06, -0.22)],
}


def bicycle(genes: Genes) -> Mesh:
    radius = genes.uniform(0.29, 0.36)
    reach = genes.uniform(0.48, 0.56)  # half the wheelbase
    thick = genes.uniform(0.022, 0.036)
    saddle_y = genes.uniform(0.85, 1.0)
    head_y = genes.uniform(0.8, 0.92)
    frame = genes.choice(FRAMES)
    curve = _HANDLEBARS[genes.choice(tuple(_HANDLEBARS))]
    low_step, basket, guards, rack = genes.chance(0.3), genes.chance(0.35), genes.chance(0.5), genes.chance(0.4)
    spokes = genes.integer(8, 12)
    grip = genes.choice(("rubber_black", "leather_brown"))
    hubs = ((0, radius, -reach), (0, radius, reach))
    crank, seat, head = (0, radius - 0.05, -0.08), (0, saddle_y - 0.16, -0.26), (0, head_y - 0.12, 0.33)
    cross = (0, radius + 0.12, -0.12) if low_step else (0, saddle_y - 0.2, -0.25)
    stem = (0, head_y + 0.05, 0.29)
    tubes = _rods(0.028, (crank, seat), (crank, head), (cross, (0, head_y - 0.08, 0.32)), (head, stem))
    for end in (crank, seat):
        tubes += both(bar((0.06, radius, -reach), (0.02, *end[1:]), 0.016, sides=6))
    tubes += both(bar((0.06, radius, reach), (0.045, head_y - 0.2, 0.355), 0.018, sides=6))
    cushion = hull([(-0.14, 0.09, -0.03, 0.04), (0, 0.06, -0.03, 0.03), (0.14, 0.025, -0.02, 0.02)], 3)
    pedal_y, pedal = crank[1] - 0.16, box(0.1, 0.025, 0.08)
    left, right = (-0.07, crank[1] + 0.16, -0.16), (0.07, pedal_y, 0.0)
    arms = _rods(0.014, ((0.07, *crank[1:]), right), ((-0.07, *crank[1:]), left))
    parts = {
        "frame": (frame, tubes),
        "tyre": ("rubber_black", [torus(radius - thick, thick, 28, 8).turn("z", 90).at(*hub) for hub in hubs]),
        "spoke": ("chrome", [spoke.at(*hub) for hub in hubs for spoke in _spokes(radius - thick, 0.006, spokes)]),
        "saddle": (grip, [cushion.at(0, saddle_y, -0.29), *_rods(0.02, (seat, (0, saddle_y, -0.28)))]),
        "handlebar": ("chrome", both(tube(smooth(curve), 0.016, 6).at(*stem))),
        "grip": (grip, both(bar(curve[-2], curve[-1], 0.024, sides=8).at(*stem))),
        "crank": ("steel", [cylinder(0.1, 0.02, segments=16).turn("z", 90).at(0.05, *crank[1:]), *arms]),
        "pedal": ("plastic_black", [pedal.at(*right).at(x=0.06), pedal.at(*left).at(x=-0.06)]),
    }
    if basket:
        pannier = tower([(0, 0.14, -0.11, 0.11), (0.22, 0.19, -0.15, 0.15)])
        parts["basket"] = ("wicker", pannier.at(0, head_y - 0.15, 0.52))
    if guards:
        parts["mudguard"] = (frame, [_mudguard(radius + 0.025, 0.035, 20).at(*hub) for hub in hubs])
    if rack:
        struts = both(bar((0.06, radius, -reach), (0.06, 2 * radius + 0.07, -reach - 0.05), 0.01, sides=6))
        parts["rack"] = ("steel", [box(0.14, 0.02, 0.34).at(0, 2 * radius + 0.08, -reach - 0.03), *struts])
    return assemble(parts)


def _engine(pipes: int, rear: float) -> Parts:
    """A motorcycle's motor and its exhaust pipes, which end at the z `rear`."""
    path = smooth([(0.14, 0.55, 0.15), (0.2, 0.3, 0.2), (0.2, 0.26, -0.2), (0.22, 0.34, rear)], 4)
    fins = [box(0.3, 0.02, 0.26).at(0, y, 0.1) for y in (0.52, 0.57, 0.62)]
    case = cylinder(0.16, 0.32, segments=14).turn("z", 90).at(0, 0.4, -0.08)
    return {
        "engine": ("aluminium", [case, box(0.24, 0.3, 0.2, 0.04).at(0, 0.5, 0.1), *fins]),
        "exhaust": ("chrome", both(tube(path, [0.035] * 9 + [0.055] * 4, 8))[:pipes]),
    }


def motorcycle(genes: Genes) -> Mesh:
    radius = genes.uniform(0.29, 0.34)
    reach = genes.uniform(0.66, 0.8)
    width = genes.uniform(0.05, 0.08)  # of the tyres, halved
    rake = genes.uniform(0.12, 0.42)
    bars = genes.uniform(0.95, 1.2)
    tank = genes.uniform(0.13, 0.19)
    paint = genes.choice(FRAMES)
    leather = genes.choice(("leather_black", "leather_brown", "leather_red"))
    screen, bags, pipes = genes.chance(0.4), genes.chance(0.35), genes.integer(1, 2)
    spokes = genes.choice((5, 6, 14))
    back = genes.uniform(0.0, 0.16)
    stem = reach - rake
    crown, hubs = (0, bars - 0.1, stem), ((0, radius, -reach), (0, radius, reach))
    tubes = _rods(0.035, ((0, 0.72, -0.5), crown), ((0, 0.3, -0.2), (0, 0.3, 0.25)), ((0, 0.3, 0.25), crown))
    for end in ((0.1, 0.4, -0.1), (0.1, 0.7, -0.55)):
        tubes += both(bar((0.1, radius, -reach), end, 0.03, sides=6))
    wheel = [*_spokes(radius - width, 0.016, spokes), cylinder(0.3 * radius, 0.12, segments=14).turn("z", 90)]
    bench = smooth([(-0.78, 0.78 + back), (-0.5, 0.76), (-0.2, 0.72), (0.05, 0.78)], 2)
    drop = hull([(-0.2, 0.05, 0.02, 0.1), (-0.05, tank - 0.03, 0, 0.2), (0.15, tank, 0, 0.26),
                 (0.3, tank - 0.05, 0.04, 0.2)], 2.6)  # fmt: skip
    curve = smooth([(0, bars - 0.08, stem), (0.2, bars, stem - 0.03), (0.38, bars - 0.02, stem - 0.14)], 4)
    parts = {
        "frame": ("paint_black", tubes),
        "fork": ("chrome", both(bar((0.09, radius, reach), (0.09, *crown[1:]), 0.028, sides=8))),
        "tyre": ("rubber_black", [torus(radius - width, width, 22, 8).turn("z", 90).at(*hub) for hub in hubs]),
        "wheel": ("aluminium", [solid.at(*hub) for hub in hubs for solid in wheel]),
        "tank": (paint, drop.at(0, 0.7, 0.1)),
        "seat": (leather, hull([(z, 0.13, y - 0.06, y + 0.05) for z, y in bench], 3)),
        "mudguard": (paint, [_mudguard(radius + 0.05, width + 0.03, 25).at(*hub) for hub in hubs]),
        "handlebar": ("chrome", both(tube(curve, 0.02, 6))),
        "headlight": ("lamp_glow", ball(0.1, 0.1, 0.08, 14).at(0, bars - 0.14, stem + 0.14)),
        "tail light": ("plastic_red", box(0.14, 0.07, 0.06).at(0, 0.78, -0.85)),
    }
    if screen:
        parts["windscreen"] = ("glass_clear", box(0.34, 0.36, 0.02).turn("x", -30).at(0, bars + 0.12, stem + 0.1))
    if bags:
        parts["pannier"] = (leather, both(box(0.16, 0.28, 0.4, 0.03).at(0.21, 0.6, -reach + 0.02)))
    return assemble(parts | _engine(pipes, -reach - 0.3))


def tractor(genes: Genes) -> Mesh:
    big = genes.uniform(0.75, 0.95)
    small = big * genes.uniform(0.5, 0.72)
    reach = genes.uniform(1.05, 1.3)
    half = genes.uniform(0.32, 0.4)
    hood = genes.uniform(1.3, 1.5)
    roof = genes.uniform(2.3, 2.7)
    paint = genes.choice(("paint_green", "paint_red", "paint_blue", "paint_orange"))
    rim = genes.choice(("paint_yellow", "paint_white", "paint_grey", "paint_red"))
    style = genes.choice(("cab", "cab", "canopy", "open"))
    lugs = genes.integer(14, 20)
    weight, stack_x = genes.chance(0.5), genes.choice((0.0, 0.25))
    track = 0.85
    lug = box(0.46, 0.1, 0.09).turn("y", 22).at(0, big, 0)
    treads = [side.at(0, big, -0.75) for solid in around(lug, lugs, "x") for side in both(solid.at(track))]
    rear, front = wheels(big, 0.42, 2 * track, [-0.75]), wheels(small, 0.28, 1.5, [reach])
    front_end = reach + 0.45
    bonnet = hull([(-0.1, half, 0.75, hood), (0.9, half, 0.75, hood - 0.03),
                   (front_end - 0.1, 0.92 * half, 0.72, hood - 0.12),
                   (front_end, 0.8 * half, 0.8, hood - 0.25)], 5)  # fmt: skip
    axles = [box(1.4, 0.14, 0.14).at(0, small, reach), box(1.6, 0.2, 0.25).at(0, big, -0.75)]
    wheel = [torus(0.2, 0.025, 16, 6).turn("x", 30).at(0, 1.62, -0.25)]
    wheel += _rods(0.025, ((0, 1.62, -0.25), (0, 1.2, 0)))
    chair = [box(0.5, 0.12, 0.45, 0.02).at(0, 1.2, -0.75), box(0.5, 0.5, 0.1, 0.02).at(0, 1.5, -1.0)]
    parts = {
        "bonnet": (paint, bonnet),
        "grille": ("plastic_black", box(1.2 * half, 0.38, 0.1).at(0, 0.98, reach + 0.43)),
        "chassis": ("cast_iron", [box(0.5, 0.4, 2.4).at(0, 0.75, 0), *axles]),
        "fender": (paint, both(_mudguard(big + 0.12, 0.25, 30).at(track - 0.05, big, -0.75))),
        "exhaust": ("iron", bar((stack_x, hood - 0.1, 0.8), (stack_x, hood + 0.75, 0.8), 0.05, sides=8)),
        "seat": ("leather_black", chair),
        "steering wheel": ("plastic_black", wheel),
        "headlight": ("lamp_glow", both(ball(0.09, segments=10).at(0.75 * half, hood - 0.3, reach + 0.42))),
        "tyre": ("rubber_black", rear["tyre"][1] + front["tyre"][1] + treads),
        "rim": (rim, rear["rim"][1] + front["rim"][1]),
    }  # fmt: skip
    if style != "open":
        posts = [
            post for z in (-1.2, -0.1) for post in both(bar((0.55, 1.15, z), (0.52, roof, 0.95 * z), 0.05, sides=6))
        ]
        parts["cab"] = (paint, [*posts, box(1.3, 0.14, 1.5, 0.03).at(0, roof, -0.62)])
    if style == "cab":
        parts["window"] = (GLASS, box(1.04, roof - 1.25, 1.06).at(0, (roof + 1.2) / 2, -0.64))
    if weight:
        parts["weight"] = (rim, box(0.7, 0.3, 0.25, 0.05).at(0, 0.72, reach + 0.6))
    return assemble(parts)


def excavator(genes: Genes) -> Mesh:
    track = genes.uniform(0.95, 1.15)
    length = genes.uniform(1.6, 1.95)
    tall = genes.uniform(0.7, 0.85)
    half = genes.uniform(1.0, 1.25)
    swing = genes.uniform(-35, 25)
    raised = genes.uniform(35, 58)
    bent = genes.uniform(75, 115)
    scoop = genes.uniform(0.5, 0.7)
    paint = genes.choice(("paint_yellow", "paint_yellow", "paint_orange", "paint_red", "paint_blue"))
    rollers = genes.integer(4, 6)
    blade, beacon = genes.chance(0.4), genes.chance(0.5)
    deck = tall + 0.12
    upper = _digger_house(half, deck, paint) | _digger_arm(deck, raised, bent, scoop, paint)
    if beacon:
        upper["beacon"] = ("plastic_orange", [cylinder(0.1, 0.16, segments=10).at(0.42 - half, deck + 1.62)])
    parts = _tracks(track, length, tall, rollers) | each(upper, lambda solid: solid.turn("y", swing))
    if blade:
        parts["blade"] = (paint, box(2 * track + 0.5, 0.5, 0.12).turn("x", -12).at(0, 0.3, length + 0.35))
    return assemble(parts)


def _tracks(track: float, length: float, tall: float, rollers: int) -> Parts:
    radius, ends = tall / 2, length - tall / 2
    angle = np.radians(np.linspace(-90, 90, 7))
    nose = np.c_[ends + radius * np.cos(angle), radius + radius * np.sin(angle)]
    loop = np.concatenate([nose, (nose * [-1, 1])[::-1]])
    pads = [box(0.5, 0.07, 0.12).at(0, y, z) for y in (0.0, tall) for z in np.linspace(-ends, ends, 9)]
    roller = cylinder(0.6 * radius, 0.5, segments=12).turn("z", 90).at(track, radius)
    belt = [side_plate(loop, 0.44), *pads]
    turntable = cylinder(0.7, 0.5, segments=16).at(0, tall - 0.1)
    return {
        "track": ("rubber_black", [side for solid in belt for side in both(solid.at(track))]),
        "roller": ("steel", [side.at(z=z) for z in np.linspace(-ends, ends, rollers) for side in both(roller)]),
        "undercarriage": ("plastic_black", [box(2 * track - 0.2, 0.35, 1.4).at(0, radius), turntable]),
    }  # fmt: skip


def _digger_house(half: float, deck: float, paint: str) -> Parts:
    """The body behind the arm with the driver's cab at its side, on a floor at y `deck`."""
    low, high, x = deck + 0.5, deck + 1.4, 0.42 - half
    cab = tower([(deck, 0.42, -0.5, 0.75), (deck + 0.7, 0.42, -0.5, 0.75), (deck + 1.55, 0.38, -0.5, 0.45)])
    front = tower([(low, 0.34, 0, 0.78), (high, 0.3, 0, 0.53)])
    sides = tower([(low, 0.44, -0.35, 0.6), (high, 0.41, -0.35, 0.38)])
    weight = tower([(deck, 0.98 * half, -1.95, -1.4), (deck + 0.95, 0.98 * half, -1.9, -1.4)], 4)
    return {
        "house": (paint, [box(2 * half, 0.75, 2.2, 0.12).at(0, deck + 0.45, -0.45)]),
        "counterweight": ("paint_grey", [weight]),
        "cab": (paint, [cab.at(x)]),
        "window": (GLASS, [front.at(x), sides.at(x)]),
    }


def _digger_arm(deck: float, raised: float, bent: float, scoop: float, paint: str) -> Parts:
    """Boom, stick and bucket: the boom rises by `raised` degrees, the stick bends down from it by `bent`."""
    up, down = np.radians(raised), np.radians(raised - bent)
    shoulder = np.array([0.25, deck + 0.5, 0.8])
    elbow = shoulder + 2.9 * np.array([0, np.sin(up), np.cos(up)])
    wrist = elbow + 1.9 * np.array([0, np.sin(down), np.cos(down)])
    knee = (shoulder + elbow) / 2 + np.array([0, 0.45, -0.1])
    bucket = side_plate([(0.15, 0.15), (0.4, -0.1), (0.3, -0.55), (-0.15, -0.75), (-0.6, -0.5), (-0.45, -0.45),
                         (-0.15, -0.55), (0.1, -0.35), (0.05, 0)], 2 * scoop)  # fmt: skip
    lift = bar(shoulder + np.array([0, -0.2, 0.35]), knee + np.array([0, -0.15, 0.1]), 0.07, sides=8)
    curl = bar(knee + np.array([0, 0.25, 0.2]), elbow + np.array([0, 0.25, 0]), 0.06, sides=8)
    beam = np.array([(0.6, -1), (0.6, 1), (-0.6, 1), (-0.6, -1)])
    return {
        "boom": (paint, [tube([shoulder, knee, elbow], [0.24, 0.27, 0.18], section=beam)]),
        "stick": (paint, [tube([elbow - 0.25 * (wrist - elbow), elbow, wrist], [0.14, 0.2, 0.13], section=beam)]),
        "ram": ("chrome", [lift, curl]),
        "bucket": ("cast_iron", [bucket.at(*wrist)]),
    }


CLASSES = {make.__name__: make for make in (bicycle, motorcycle, tractor, excavator)}
