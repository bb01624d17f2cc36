"""Trains, aircraft and ships. Lengths are in metres; all move towards +z."""

from collections.abc import Sequence

import numpy as np

from ndslib.sim.catalogue._bodies import Parts, hull, tower
from ndslib.sim.mesh import Mesh
from ndslib.sim.solids import (
    Genes,
    Solid,
    around,
    assemble,
    ball,
    bar,
    both,
    box,
    circle,
    cylinder,
    extrude,
    lathe,
    loft,
    smooth,
    torus,
    tube,
)

BRIGHT = ("paint_red", "paint_blue", "paint_yellow", "paint_green", "paint_orange", "paint_navy")


def _spindle(profile: Sequence[tuple[float, float]], segments: int = 20) -> Solid:
    """A round body along z through (z, radius) points, given from rear to front."""
    return lathe([(radius, z) for z, radius in profile], segments).turn("x", 90)


def _wing(span: float, root: float, tip: float, sweep: float, rise: float = 0.0, thickness: float = 0.1) -> Solid:
    """A wing from x = 0 to `span`: its chords there, and how far the tip lies behind and above the root's middle."""
    ring = circle(1.0, 10) * np.array([0.5, 0.5 * thickness])
    stations = ((0.0, root, 0.0, 0.0), (span, tip, -sweep, rise))
    return loft([np.c_[np.full(10, x), y + chord * ring[:, 1], z - chord * ring[:, 0]] for x, chord, z, y in stations])


def _boat(stations: Sequence[tuple[float, float, float, float]], power: float = 2.6) -> Solid:
    """A boat's hull through (z, half width, keel y, deck y), given from stern to bow."""
    lower = circle(1.0, 20, power)[10:]
    lower = np.concatenate([lower, [[1.0, 0.0]]])
    return loft([np.c_[half * lower[:, 0], deck + (deck - keel) * lower[:, 1], np.full(11, z)]
                 for z, half, keel, deck in stations])  # fmt: skip


def locomotive(genes: Genes) -> Mesh:
    """A steam engine."""
    boiler = genes.uniform(0.62, 0.8)
    length = genes.uniform(3.2, 4.4)
    driver = genes.uniform(0.5, 0.72)
    drivers = genes.integer(2, 4)
    stack = genes.choice(((0.16, 0.16), (0.17, 0.24), (0.15, 0.42)))  # lower and upper radius of the chimney
    domes = genes.integer(1, 2)
    cab_height = genes.uniform(1.5, 1.9)
    paint = genes.choice(("paint_green", "paint_black", "paint_red", "paint_navy"))
    trim = genes.choice(("brass", "paint_red", "gold"))
    catcher, tender, bands = genes.chance(0.6), genes.chance(0.5), genes.integer(3, 5)
    axle, deck = driver, 1.1 * driver + 0.35
    middle, front = deck + boiler, length / 2
    zs = np.linspace(-front, 0.35 * front, drivers)
    drum = cylinder(driver, 0.14, segments=20).turn("z", 90)
    small = cylinder(0.3, 0.14, segments=16).turn("z", 90)
    rod = box(0.06, 0.1, zs[-1] - zs[0] + 0.2).at(0.88, axle - 0.15, (zs[0] + zs[-1]) / 2)
    funnel = lathe([(stack[0], 0), (stack[1], 0.65), (stack[1] + 0.07, 0.68), (stack[1] + 0.07, 0.78)], 16)
    bells = [ball(0.24, 0.34, 0.24, 14).at(0, middle + boiler, z) for z in np.linspace(-0.1, 0.35, domes) * front]
    rear = -front - 0.6
    cab = [box(1.8, cab_height, 1.3).at(0, deck + cab_height / 2, rear),
           box(2.1, 0.14, 1.8, 0.03).at(0, deck + cab_height + 0.05, rear)]  # fmt: skip
    parts = {
        "boiler": (paint, _spindle([(-front, boiler), (front, boiler)], 24).at(0, middle)),
        "band": (trim, [_spindle([(z, 1.03 * boiler), (z + 0.08, 1.03 * boiler)]).at(0, middle)
                        for z in np.linspace(-0.7, 0.6, bands) * front]),
        "smokebox": ("iron", _spindle([(front, 1.06 * boiler), (front + 0.5, 1.06 * boiler), (front + 0.6, 0.5)]).at(0, middle)),
        "chimney": ("iron", funnel.at(0, middle + 0.95 * boiler, front + 0.2)),
        "dome": (trim, bells),
        "cab": (paint, cab),
        "window": ("glass_clear", box(1.86, 0.5, 0.7).at(0, deck + 0.72 * cab_height, rear)),
        "wheel": ("paint_red", [side.at(z=z) for z in zs for side in both(drum.at(0.78, axle))]
                  + [side.at(z=z) for z in (0.75 * front, front + 0.4) for side in both(small.at(0.78, 0.3))]),
        "rod": ("steel", both(rod)),
        "frame": ("paint_black", [box(1.5, 0.25, 2 * front + 2.0).at(0, deck - 0.15, -0.3),
                                  *both(box(0.36, 0.5, 0.8).at(0.78, 0.75, front + 0.05))]),
        "buffer beam": ("paint_red", box(1.9, 0.35, 0.2).at(0, deck - 0.2, front + 0.72)),
        "headlamp": ("lamp_glow", _spindle([(0, 0.17), (0.25, 0.2)], 14).at(0, middle + boiler + 0.12, front + 0.5)),
    }  # fmt: skip
    if catcher:
        wedge = [(-0.85, 0), (0.85, 0), (0.85, 0.06), (-0.85, 0.06)]
        tips = ((-0.85, 0.05), (-0.42, 0.05), (0, 0.05), (0.42, 0.05), (0.85, 0.05))
        parts["cowcatcher"] = (
            trim,
            [
                bar((0.9 * x, deck - 0.3, front + 0.75), (x, y, front + 1.5 - 0.5 * abs(x)), 0.06, sides=6)
                for x, y in tips
            ],
        )
    if tender:
        parts["tender"] = (paint, box(1.7, 1.1, 1.9).at(0, deck + 0.45, rear - 1.9))
        parts["coal"] = (
            "basalt",
            hull([(-0.8, 0.5, 0, 0.2), (0, 0.7, 0, 0.5), (0.8, 0.5, 0, 0.3)], 2.5).at(0, deck + 0.9, rear - 1.9),
        )
        parts["wheel"][1].extend(
            side.at(z=rear - 1.9 + z) for z in (-0.5, 0.5) for side in both(small.scale(1, 1.3, 1.3).at(0.78, 0.39))
        )
    return assemble(parts)


def airplane(genes: Genes) -> Mesh:
    jet = genes.chance(0.6)
    half = genes.uniform(4.2, 5.6)
    radius = genes.uniform(0.5, 0.68)
    span = genes.uniform(4.4, 5.6)
    sweep = genes.uniform(1.4, 2.4) if jet else genes.uniform(0.0, 0.3)
    chord = genes.uniform(1.5, 2.1)
    fin = genes.uniform(1.3, 1.8)
    engines = genes.choice((1, 1, 2))  # a side
    high_tail, high_wing = genes.chance(0.3), genes.chance(0.5)
    trim = genes.choice(BRIGHT)
    body = genes.choice(("paint_white", "paint_white", "aluminium", "paint_yellow", "paint_red"))
    blades = genes.integer(2, 4)
    parts = (_airliner if jet else _light_aircraft)(half, radius, span, sweep, chord, engines, high_wing, blades)
    rear = -half + 0.5
    tail_y = fin + 0.5 * radius if high_tail else 0.35 * radius
    upright = _wing(fin, 1.4, 0.75, 0.8).turn("z", 90).at(0, 0.5 * radius, rear + 0.35)
    tail = both(_wing(0.36 * span, 1.1, 0.6, 0.3 + 0.25 * sweep, 0.1).at(0, tail_y, rear + (0.3 - 0.6 * high_tail)))
    parts |= {"tailplane": ("", tail), "fin": (trim, upright)}
    return assemble({name: (material or body, solids) for name, (material, solids) in parts.items()})


def _airliner(
    half: float, radius: float, span: float, sweep: float, chord: float, engines: int, high_wing: bool, blades: int
) -> Parts:
    """A jet; parts without a material are of the body's."""
    profile = smooth([(-half, 0.12 * radius), (-0.45 * half, 0.9 * radius), (0, radius), (0.7 * half, radius),
                      (0.92 * half, 0.68 * radius), (half, 0.02)], 4)  # fmt: skip
    places = [(span * (0.35 + 0.28 * n), -sweep * (0.35 + 0.28 * n) + 0.5) for n in range(engines)]
    nacelle = _spindle([(-0.75, 0.2), (-0.3, 0.32), (0.5, 0.36), (0.65, 0.3), (0.5, 0.24)], 16)
    hole = _spindle([(0.4, 0.25), (0.6, 0.25)], 16)
    pylon = box(0.1, 0.4, 0.8)
    low = -0.35 * radius
    window = box(2.04 * radius, 0.16, 0.16)
    parts = {
        "fuselage": ("", _spindle(profile, 20)),
        "wing": ("", both(_wing(span, 1.2 * chord, 0.4 * chord, sweep, 0.45).at(0, low, 0.6))),
        "engine": ("aluminium", [side for x, z in places for part in (nacelle, pylon.at(0, 0.35, -0.2))
                                 for side in both(part.at(x, low - 0.35, z + 0.3))]),
        "intake": ("paint_black", [side for x, z in places for side in both(hole.at(x, low - 0.35, z + 0.3))]),
        "window": ("screen", [window.at(0, 0.18 * radius, z) for z in np.linspace(-0.4, 0.62, 11) * half]),
        "windscreen": ("screen", hull([(0.8 * half, 0.6 * radius, 0.25, 0.55), (0.93 * half, 0.5 * radius, 0.2, 0.36)], 4)),
    }  # fmt: skip
    return parts


def _light_aircraft(
    half: float, radius: float, span: float, sweep: float, chord: float, engines: int, high_wing: bool, blades: int
) -> Parts:
    """An aeroplane with a propeller in its nose; parts without a material are of the body's."""
    nose = 0.62 * half
    body = hull([(-half, 0.1, -0.05, 0.3), (-0.2 * half, 0.85 * radius, -0.8 * radius, 0.8 * radius),
                 (0.25 * half, radius, -radius, radius), (0.3 * half, radius, -radius, 0.6 * radius),
                 (0.92 * nose, 0.8 * radius, -0.8 * radius, 0.45 * radius), (nose, 0.4, -0.4, 0.3)], 4)  # fmt: skip
    level = radius if high_wing else -0.7 * radius
    propeller = around(box(0.2, 1.35, 0.06).turn("y", 25).at(0, 0.68, nose + 0.2), blades, "z", 30)
    legs = [bar((0.3, -0.7 * radius, 0.8), (0.9, -1.75 * radius, 0.9), 0.07, sides=6)]
    tyre = cylinder(0.3, 0.2, segments=14).turn("z", 90).at(0.95, -1.75 * radius, 0.9)
    struts = [bar((0.9 * radius, -0.7 * radius, 0.3), (0.5 * span, level, 0.2), 0.06, sides=6)] if high_wing else []
    return {
        "fuselage": ("", body),
        "wing": ("", [*both(_wing(span, chord, 0.75 * chord, sweep, 0.15).at(0, level, 0.3))]),
        "strut": ("aluminium", [side for strut in legs + struts for side in both(strut)]),
        "wheel": ("rubber_black", both(tyre)),
        "propeller": ("paint_black", propeller),
        "spinner": ("chrome", _spindle([(nose - 0.05, 0.24), (nose + 0.2, 0.2), (nose + 0.42, 0.02)], 14)),
        "window": ("screen", hull([(-0.1 * half, 0.9 * radius, 0.1, 0.7 * radius), (0.2 * half, 1.03 * radius, 0.1, 0.85 * radius),
                                   (0.31 * half, 0.9 * radius, 0.1, 0.8 * radius), (0.4 * half, 0.8 * radius, 0.1, 0.3 * radius)], 6)),
    }  # fmt: skip


def helicopter(genes: Genes) -> Mesh:
    radius = genes.uniform(0.75, 0.95)
    length = genes.uniform(1.3, 1.9)
    boom = genes.uniform(2.6, 3.6)
    rotor = genes.uniform(2.6, 3.4)
    blades = genes.integer(2, 5)
    turn = genes.uniform(0, 90)
    mast = genes.uniform(0.25, 0.5)
    paint = genes.choice(BRIGHT)
    trim = genes.choice(("paint_white", "paint_black", "paint_yellow"))
    wheels, fin = genes.chance(0.3), genes.uniform(0.7, 1.1)
    body = hull([(-length, 0.3 * radius, -0.1, 0.6 * radius), (-0.5 * length, 0.85 * radius, -0.75 * radius, 0.85 * radius),
                 (0.3 * length, radius, -0.9 * radius, radius), (0.75 * length, 0.8 * radius, -0.8 * radius, 0.55 * radius),
                 (1.1 * length, 0.3 * radius, -0.5 * radius, -0.1 * radius)], 3)  # fmt: skip
    glass = hull([(0.15 * length, 1.01 * radius, -0.1 * radius, 0.85 * radius), (0.35 * length, 1.0 * radius, -0.15 * radius, 0.97 * radius),
                  (0.76 * length, 0.82 * radius, -0.3 * radius, 0.6 * radius), (1.08 * length, 0.36 * radius, -0.35 * radius, 0.0)], 3)  # fmt: skip
    end, top = -length - boom, radius + mast
    tail = around(box(0.09, 0.75, 0.04).at(0, 0.4), 3, "z", 20)
    skid = tube(smooth([(0.8, -1.35 * radius, -1.2), (0.8, -1.35 * radius, 0.9), (0.8, -1.2 * radius, 1.25)]), 0.06, 6)
    legs = [bar((0.4, -0.6 * radius, z), (0.8, -1.33 * radius, z), 0.05, sides=6) for z in (-0.6, 0.6)]
    tyre = cylinder(0.25, 0.18, segments=14).turn("z", 90)
    gear = [tyre.at(0.8, -1.3 * radius, z) for z in (-0.6, 0.6)] if wheels else [skid]
    return assemble({
        "body": (paint, body),
        "canopy": ("screen", glass),
        "tail boom": (paint, bar((0, 0.3 * radius, -0.8 * length), (0, 0.45 * radius, end), 0.3 * radius, 0.14, sides=12)),
        "fin": (trim, [_wing(fin, 0.7, 0.4, 0.35).turn("z", 90).at(0, 0.4 * radius, end + 0.1),
                       *both(_wing(0.75, 0.4, 0.3, 0.1).at(0, 0.4 * radius, end + 0.7))]),
        "tail rotor": ("paint_black", [solid.turn("y", 90).at(0.18, 0.5 * radius + 0.3, end) for solid in tail]),
        "mast": ("steel", cylinder(0.12, mast + 0.4, segments=10).at(0, radius + mast / 2 - 0.1)),
        "hub": ("steel", cylinder(0.26, 0.16, segments=14).at(0, top + 0.05)),
        "rotor": ("paint_black", [solid.at(0, top + 0.08) for solid in around(box(rotor, 0.05, 0.24).at(rotor / 2), blades, start=turn)]),
        "engine": (trim, hull([(-0.8, 0.3, 0, 0.3), (0, 0.45, 0, 0.42), (0.55, 0.25, 0, 0.3)], 3).at(0, 0.8 * radius, -0.15)),
        "leg": ("steel", [side for leg in legs for side in both(leg)]),
        "wheel" if wheels else "skid": ("rubber_black" if wheels else "steel", [side for solid in gear for side in both(solid)]),
        "stripe": (trim, hull([(-0.55 * length, 0.9 * radius, -0.3 * radius, -0.12 * radius), (0.3 * length, 1.02 * radius, -0.32 * radius,
                               -0.14 * radius)], 20)),
    })  # fmt: skip


def rocket(genes: Genes) -> Mesh:
    tall = genes.uniform(4.5, 7.0)
    radius = genes.uniform(0.5, 0.85)
    bulge = genes.uniform(0.85, 1.25)
    nose = genes.uniform(1.0, 1.8)
    fins = genes.choice((3, 4, 4, 5))
    reach, height = genes.uniform(0.6, 1.1), genes.uniform(1.2, 2.0)
    body = genes.choice(("paint_white", "paint_white", "aluminium", "paint_cream"))
    trim = genes.choice(("paint_red", "paint_red", "paint_blue", "paint_orange", "paint_black"))
    boosters, ports, bands = genes.choice((0, 0, 2)), genes.integer(1, 3), genes.integer(1, 2)
    wide = radius * bulge
    shape = smooth([(radius, 0), (wide, 0.5 * tall), (0.9 * radius, tall)], 6)
    cone = smooth([(0.9 * radius, tall), (0.62 * radius, tall + 0.5 * nose), (0.03, tall + nose)], 4)
    blade = extrude([(0, 0.3), (reach, -0.5), (reach, 0.1 * height), (0, height)], 0.1).at(0.85 * radius)
    at = lambda y: np.interp(y, shape[:, 1], shape[:, 0])
    parts = {
        "body": (body, lathe(shape, 24)),
        "nose": (trim, lathe(cone, 24)),
        "fin": (trim, around(blade, fins, start=45)),
        "nozzle": ("iron", lathe([(0.7 * radius, -0.5), (0.45 * radius, 0.05)], 20)),
        "band": (
            trim,
            [
                lathe([(at(y - 0.12) + 0.03, y - 0.12), (at(y + 0.12) + 0.03, y + 0.12)], 24)
                for y in tall * np.array((0.9, 0.32))[:bands]
            ],
        ),
        "window": (
            "screen",
            [ball(0.2, 0.2, 0.08, 14).at(0, y, at(y)) for y in tall * (0.75 - 0.14 * np.arange(ports))],
        ),
        "window frame": (
            "brass",
            [
                torus(0.22, 0.05, 16, 6).turn("x", 90).at(0, y, at(y) - 0.02)
                for y in tall * (0.75 - 0.14 * np.arange(ports))
            ],
        ),
    }
    if boosters:
        tank = lathe([(0.2, -0.35), (0.3, 0), (0.3, 0.55 * tall), (0.02, 0.55 * tall + 0.6)], 16)
        parts["booster"] = (body, around(tank.at(wide + 0.25), boosters, start=0))
    return assemble(parts)


CLASSES = {make.__name__: make for make in (locomotive, airplane, helicopter, rocket)}
