"""Cycles and working machines. Lengths are in metres; all drive towards +z."""

import numpy as np

from ndslib.sim.catalogue._bodies import arches, hull, lamps, side_plate, tower, wheel, wheels
from ndslib.sim.mesh import Mesh
from ndslib.sim.solids import Genes, Solid, around, assemble, ball, bar, both, box, cylinder, lathe, smooth, torus, tube

FRAMES = ("paint_red", "paint_blue", "metallic_silver", "paint_green", "paint_black", "paint_yellow", "paint_pink")


def _rods(radius: float, *ends: tuple[tuple, tuple]) -> list[Solid]:
    return [bar(start, end, radius, sides=8) for start, end in ends]


def bicycle(genes: Genes) -> Mesh:
    radius = genes.uniform(0.29, 0.36)
    reach = genes.uniform(0.48, 0.56)  # half the wheelbase
    thick = genes.uniform(0.02, 0.034)
    saddle_y = genes.uniform(0.85, 1.0)
    head_y = genes.uniform(0.8, 0.92)
    frame = genes.choice(FRAMES)
    bars = genes.choice(("flat", "drop", "swept"))
    low_step, basket, guards, rack = genes.chance(0.3), genes.chance(0.35), genes.chance(0.5), genes.chance(0.4)
    spokes = genes.integer(8, 12)
    grip = genes.choice(("rubber_black", "leather_brown"))
    rear, front = (0, radius, -reach), (0, radius, reach)
    crank, seat, head = (0, radius - 0.05, -0.08), (0, saddle_y - 0.16, -0.26), (0, head_y - 0.12, 0.33)
    cross = (0, radius + 0.12, -0.12) if low_step else (0, saddle_y - 0.2, -0.25)
    stays = [
        stay for end in (crank, seat) for stay in both(bar((0.06, radius, -reach), (0.02, *end[1:]), 0.016, sides=6))
    ]
    top = (0, head_y + 0.05, 0.29)
    fork = both(bar((0.06, radius, reach), (0.045, head_y - 0.2, 0.355), 0.018, sides=6))
    parts = {
        "frame": (frame, _rods(0.026, (crank, seat), (crank, head), (cross, (0, head_y - 0.08, 0.32)), (head, top)) + stays + fork),
        "tyre": ("rubber_black", [torus(radius - thick, thick, 28, 8).turn("z", 90).at(*hub) for hub in (rear, front)]),
        "spoke": ("chrome", [spoke.at(*hub) for hub in (rear, front)
                             for spoke in around(bar((0, 0, 0), (0, radius - thick, 0), 0.006, sides=4), spokes, "x")]),
        "saddle": (grip, [hull([(-0.14, 0.09, -0.03, 0.04), (0, 0.06, -0.03, 0.03), (0.14, 0.025, -0.02, 0.02)], 3).at(0, saddle_y, -0.29),
                          *_rods(0.02, (seat, (0, saddle_y, -0.28)))]),
        "handlebar": ("chrome", [*both(tube(smooth(_HANDLEBARS[bars]), 0.016, 6).at(*top)), *_rods(0.02, (head, top))]),
        "grip": (grip, both(bar(_HANDLEBARS[bars][-2], _HANDLEBARS[bars][-1], 0.024, sides=8).at(*top))),
        "crank": ("steel", [cylinder(0.1, 0.02, segments=16).turn("z", 90).at(0.05, *crank[1:]),
                            *_rods(0.014, ((0.07, *crank[1:]), (0.07, crank[1] - 0.16, 0.0)), ((-0.07, *crank[1:]), (-0.07, crank[1] + 0.16, -0.16)))]),
        "pedal": ("plastic_black", [box(0.1, 0.025, 0.08).at(0.13, crank[1] - 0.16), box(0.1, 0.025, 0.08).at(-0.13, crank[1] + 0.16, -0.16)]),
    }  # fmt: skip
    if basket:
        parts["basket"] = (
            "wicker",
            tower([(0, 0.14, -0.11, 0.11), (0.22, 0.19, -0.15, 0.15)]).at(0, head_y - 0.15, 0.52),
        )
    if guards:
        angle = np.radians(np.linspace(20, 160, 9))
        arc = (radius + 0.025) * np.c_[0 * angle, np.sin(angle), np.cos(angle)]
        parts["mudguard"] = (frame, [tube(arc, 0.03, 6).at(*hub) for hub in (rear, front)])
    if rack:
        parts["rack"] = ("steel", [box(0.14, 0.02, 0.34).at(0, 2 * radius + 0.08, -reach - 0.03),
                                   *both(bar((0.06, radius, -reach), (0.06, 2 * radius + 0.07, -reach - 0.05), 0.01, sides=6))])  # fmt: skip
    return assemble(parts)


_HANDLEBARS = {  # the right half, from the stem to the grip's end
    "flat": [(0, 0, 0), (0.1, 0.03, 0.02), (0.2, 0.04, 0), (0.31, 0.03, -0.03)],
    "drop": [(0, 0, 0.02), (0.2, 0, 0.04), (0.21, -0.05, 0.14), (0.21, -0.15, 0.05)],
    "swept": [(0, 0, 0.02), (0.14, 0.09, 0.05), (0.27, 0.08, -0.08), (0.29, 0.06, -0.22)],
}


def motorcycle(genes: Genes) -> Mesh:
    radius = genes.uniform(0.29, 0.34)
    reach = genes.uniform(0.66, 0.8)
    width = genes.uniform(0.05, 0.08)  # of the tyres, halved
    rake = genes.uniform(0.12, 0.42)
    bars = genes.uniform(0.95, 1.2)
    tank = genes.uniform(0.13, 0.19)
    paint = genes.choice(FRAMES)
    seat = genes.choice(("leather_black", "leather_brown", "leather_red"))
    screen, bags, pipes = genes.chance(0.4), genes.chance(0.35), genes.integer(1, 2)
    spokes = genes.choice((5, 6, 14))
    back = genes.uniform(0.0, 0.16)
    crown = (0, bars - 0.1, reach - rake)
    hubs = [(0, radius, -reach), (0, radius, reach)]
    angle = np.radians(np.linspace(25, 155, 9))
    arc = (radius + 0.05) * np.c_[0 * angle, np.sin(angle), np.cos(angle)]
    guard = tube(arc, width + 0.03, 8, section=[(0.25, -1), (0.25, 1), (-0.25, 1), (-0.25, -1)])
    bench = smooth([(-0.78, 0.78 + back), (-0.5, 0.76), (-0.2, 0.72), (0.05, 0.78)], 4)
    exhaust = tube(
        smooth([(0.14, 0.55, 0.15), (0.2, 0.3, 0.2), (0.2, 0.26, -0.2), (0.22, 0.34, -reach - 0.3)]),
        [0.035] * 13 + [0.055] * 6,
        8,
    )
    fins = [box(0.3, 0.02, 0.26).at(0, y, 0.1) for y in (0.52, 0.57, 0.62)]
    parts = {
        "frame": ("paint_black", _rods(0.035, ((0, 0.72, -0.5), crown), ((0, 0.3, -0.2), (0, 0.3, 0.25)), ((0, 0.3, 0.25), crown), ((0, 0.35, -0.15), (0, 0.7, -0.4)))
                  + both(bar((0.1, radius, -reach), (0.1, 0.4, -0.1), 0.03, sides=6)) + both(bar((0.1, radius, -reach), (0.1, 0.7, -0.55), 0.025, sides=6))),
        "fork": ("chrome", both(bar((0.09, radius, reach), (0.09, *crown[1:]), 0.028, sides=8))),
        "tyre": ("rubber_black", [torus(radius - width, width, 24, 10).turn("z", 90).at(*hub) for hub in hubs]),
        "wheel": ("aluminium", [spoke.at(*hub) for hub in hubs for spoke in around(bar((0, 0, 0), (0, radius - width, 0), 0.016, sides=4), spokes, "x")]
                  + [cylinder(0.3 * radius, 0.12, segments=14).turn("z", 90).at(*hub) for hub in hubs]),
        "engine": ("aluminium", [cylinder(0.16, 0.32, segments=14).turn("z", 90).at(0, 0.4, -0.08), box(0.24, 0.3, 0.2, 0.04).at(0, 0.5, 0.1), *fins]),
        "tank": (paint, hull([(-0.2, 0.05, 0.02, 0.1), (-0.05, tank - 0.03, 0, 0.2), (0.15, tank, 0, 0.26), (0.3, tank - 0.05, 0.04, 0.2)], 2.6).at(0, 0.7, 0.1)),
        "seat": (seat, hull([(z, 0.13, y - 0.06, y + 0.05) for z, y in bench], 3)),
        "mudguard": (paint, [guard.at(*hub) for hub in hubs]),
        "handlebar": ("chrome", both(tube(smooth([(0, bars - 0.08, crown[2]), (0.2, bars, crown[2] - 0.03), (0.38, bars - 0.02, crown[2] - 0.14)]), 0.02, 6))),
        "headlight": ("lamp_glow", ball(0.1, 0.1, 0.08, 14).at(0, bars - 0.14, crown[2] + 0.14)),
        "exhaust": ("chrome", both(exhaust)[:pipes]),
        "tail light": ("plastic_red", box(0.14, 0.07, 0.06).at(0, 0.78, -0.85)),
    }  # fmt: skip
    if screen:
        parts["windscreen"] = ("glass_clear", box(0.34, 0.36, 0.02).turn("x", -30).at(0, bars + 0.12, crown[2] + 0.1))
    if bags:
        parts["pannier"] = (seat, both(box(0.16, 0.28, 0.4, 0.05).at(0.21, 0.6, -reach + 0.02)))
    return assemble(parts)


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
    rear = wheels(big, 0.42, 2 * track, [-0.75])
    front = wheels(small, 0.28, 1.5, [reach])
    fender = tube(np.array([(0, (big + 0.12) * np.sin(a), (big + 0.12) * np.cos(a)) for a in np.radians(np.linspace(25, 150, 9))]),
                  1.0, section=np.array([(0.05, -0.25), (0.05, 0.25), (-0.05, 0.25), (-0.05, -0.25)]))  # fmt: skip
    parts = {
        "bonnet": (paint, hull([(-0.1, half, 0.75, hood), (0.9, half, 0.75, hood - 0.03), (reach + 0.35, 0.92 * half, 0.72, hood - 0.12),
                                (reach + 0.45, 0.8 * half, 0.8, hood - 0.25)], 5)),
        "grille": ("plastic_black", box(1.2 * half, 0.38, 0.1).at(0, 0.98, reach + 0.43)),
        "chassis": ("cast_iron", [box(0.5, 0.4, 2.4).at(0, 0.75, 0), box(1.4, 0.14, 0.14).at(0, small, reach), box(1.6, 0.2, 0.25).at(0, big, -0.75)]),
        "fender": (paint, both(fender.at(track - 0.05, big, -0.75))),
        "exhaust": ("iron", bar((stack_x, hood - 0.1, 0.8), (stack_x, hood + 0.75, 0.8), 0.05, sides=8)),
        "seat": ("leather_black", [box(0.5, 0.12, 0.45, 0.02).at(0, 1.2, -0.75), box(0.5, 0.5, 0.1, 0.02).at(0, 1.5, -1.0)]),
        "steering wheel": ("plastic_black", [torus(0.2, 0.025, 16, 6).turn("x", 30).at(0, 1.62, -0.25), *_rods(0.025, ((0, 1.62, -0.25), (0, 1.2, 0)))]),
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
        parts["window"] = ("glass_clear", box(1.04, roof - 1.25, 1.06).at(0, (roof + 1.2) / 2, -0.64))
    if weight:
        parts["weight"] = (rim, box(0.7, 0.3, 0.25, 0.05).at(0, 0.72, reach + 0.6))
    return assemble(parts)


def excavator(genes: Genes) -> Mesh:
    track = genes.uniform(0.95, 1.15)
    length = genes.uniform(1.6, 1.95)
    tall = genes.uniform(0.7, 0.85)
    house = genes.uniform(1.0, 1.25)
    swing = genes.uniform(-35, 25)
    raised = genes.uniform(35, 58)
    bent = genes.uniform(75, 115)
    scoop = genes.uniform(0.5, 0.7)
    paint = genes.choice(("paint_yellow", "paint_yellow", "paint_orange", "paint_red", "paint_blue"))
    rollers = genes.integer(4, 6)
    blade, beacon = genes.chance(0.4), genes.chance(0.5)
    end = tall / 2
    loop = [
        (z + np.copysign(end, z) * np.cos(a) * 1.0, end + end * np.sin(a) * np.sign(z))
        for z in (length - end, end - length)
        for a in np.radians(np.linspace(-90, 90, 7))
    ]
    pads = [box(0.5, 0.07, 0.12).at(0, y, z) for y in (0.0, tall) for z in np.linspace(end - length, length - end, 9)]
    deck = tall + 0.12
    parts = {
        "track": ("rubber_black", [side for solid in (side_plate(loop, 0.44), *pads) for side in both(solid.at(track))]),
        "roller": ("steel", [side for z in np.linspace(end - length, length - end, rollers) for side in both(cylinder(0.6 * end, 0.5, segments=12).turn("z", 90).at(track, end, z))]),
        "undercarriage": ("plastic_black", [box(2 * track - 0.2, 0.35, 1.4).at(0, end), cylinder(0.7, 0.5, segments=16).at(0, tall - 0.1)]),
    }  # fmt: skip
    shoulder = np.array([0.25, deck + 0.5, 0.8])
    elbow = shoulder + 2.7 * np.array([0, np.sin(np.radians(raised)), np.cos(np.radians(raised))])
    knee = (shoulder + elbow) / 2 + [0, 0.45, -0.1]
    down = np.radians(raised - bent)
    wrist = elbow + 1.7 * np.array([0, np.sin(down), np.cos(down)])
    section = np.array([(0.6, -1), (0.6, 1), (-0.6, 1), (-0.6, -1)])
    bucket = side_plate([(0.15, 0.15), (0.4, -0.1), (0.3, -0.55), (-0.15, -0.75), (-0.6, -0.5), (-0.45, -0.45), (-0.15, -0.55),
                         (0.1, -0.35), (0.05, 0)], 2 * scoop)  # fmt: skip
    ram = [
        bar(shoulder + [0, -0.2, 0.35], knee + [0, -0.15, 0.1], 0.07, sides=8),
        bar(knee + [0, 0.25, 0.2], elbow + [0, 0.25, 0], 0.06, sides=8),
    ]
    upper = {
        "house": (paint, [box(2 * house, 0.75, 2.2, 0.12).at(0, deck + 0.45, -0.45)]),
        "counterweight": ("paint_grey", tower([(deck, 0.98 * house, -1.95, -1.4), (deck + 0.95, 0.98 * house, -1.9, -1.4)], 4)),
        "cab": (paint, tower([(deck, 0.42, -0.5, 0.75), (deck + 0.7, 0.42, -0.5, 0.75), (deck + 1.55, 0.38, -0.5, 0.45)]).at(0.42 - house)),
        "window": ("glass_clear", [tower([(deck + 0.5, 0.34, 0, 0.78), (deck + 1.4, 0.3, 0, 0.53)]).at(0.42 - house),
                                   tower([(deck + 0.5, 0.44, -0.35, 0.6), (deck + 1.4, 0.41, -0.35, 0.38)]).at(0.42 - house)]),
        "boom": (paint, [tube([shoulder, knee, elbow], [0.24, 0.27, 0.18], section=section)]),
        "stick": (paint, tube([elbow - 0.25 * (wrist - elbow), elbow, wrist], [0.14, 0.2, 0.13], section=section)),
        "ram": ("chrome", ram),
        "bucket": ("cast_iron", bucket.at(*wrist)),
    }  # fmt: skip
    if beacon:
        upper["beacon"] = ("plastic_orange", cylinder(0.1, 0.16, segments=10).at(0.42 - house, deck + 1.62))
    parts |= {name: (material, [solid.turn("y", swing) for solid in ([solids] if isinstance(solids, Solid) else solids)])
              for name, (material, solids) in upper.items()}  # fmt: skip
    if blade:
        parts["blade"] = (paint, box(2 * track + 0.5, 0.5, 0.12).turn("x", -12).at(0, 0.3, length + 0.35))
    return assemble(parts)


CLASSES = {make.__name__: make for make in (bicycle, motorcycle, tractor, excavator)}
