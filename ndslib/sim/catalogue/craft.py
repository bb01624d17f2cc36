"""Trains, aircraft and rockets. Lengths are in metres; all move towards +z."""

from collections.abc import Sequence

import numpy as np

from ndslib.sim.catalogue._bodies import GLASS, hull
from ndslib.sim.catalogue._common import Parts
from ndslib.sim.genes import Genes
from ndslib.sim.mesh import Mesh
from ndslib.sim.solids import (
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


def spindle(profile: Sequence[tuple[float, float]], segments: int = 20) -> Solid:
    """A round body along z through (z, radius) points, given from rear to front."""
    return lathe([(radius, z) for z, radius in profile], segments).turn("x", 90)


def wing(span: float, root: float, tip: float, sweep: float, rise: float = 0.0, thickness: float = 0.1) -> Solid:
    """A wing from x = 0 to `span`: its chords there, and how far the tip lies behind and above the root's middle."""
    ring = circle(1.0, 10) * np.array([0.5, 0.5 * thickness])
    stations = ((0.0, root, 0.0, 0.0), (span, tip, -sweep, rise))
    return loft([np.c_[np.full(10, x), y + chord * ring[:, 1], z - chord * ring[:, 0]] for x, chord, z, y in stations])


def locomotive(genes: Genes) -> Mesh:
    """A steam engine."""
    boiler = genes.uniform(0.62, 0.8)
    length = genes.uniform(3.2, 4.4)
    driver = genes.uniform(0.5, 0.72)
    drivers = genes.integer(2, 4)
    low, high = genes.choice(((0.16, 0.16), (0.17, 0.24), (0.15, 0.42)))  # radii of the chimney
    domes = genes.integer(1, 2)
    cab_height = genes.uniform(1.5, 1.9)
    paint = genes.choice(("paint_green", "paint_black", "paint_red", "paint_navy"))
    trim = genes.choice(("brass", "paint_red", "gold"))
    catcher, tender, bands = genes.chance(0.6), genes.chance(0.5), genes.integer(3, 5)
    deck, front = 1.1 * driver + 0.35, length / 2
    middle, rear = deck + boiler, -front - 0.6
    drum, small = (cylinder(radius, 0.14, segments=18).turn("z", 90).at(0.78, radius) for radius in (driver, 0.3))
    zs = np.linspace(-front, 0.35 * front, drivers)
    wheels = [side.at(z=z) for z in zs for side in both(drum)]
    wheels += [side.at(z=z) for z in (0.75 * front, front + 0.4) for side in both(small)]
    rod = box(0.06, 0.1, zs[-1] - zs[0] + 0.2).at(0.88, driver - 0.15, (zs[0] + zs[-1]) / 2)
    ring = spindle([(0, 1.03 * boiler), (0.08, 1.03 * boiler)])
    smokebox = spindle([(front, 1.06 * boiler), (front + 0.5, 1.06 * boiler), (front + 0.6, 0.5)])
    funnel = lathe([(low, 0), (high, 0.65), (high + 0.07, 0.68), (high + 0.07, 0.78)], 16)
    roof = box(2.1, 0.14, 1.8, 0.03).at(0, deck + cab_height + 0.05, rear)
    parts = {
        "boiler": (paint, spindle([(-front, boiler), (front, boiler)], 24).at(0, middle)),
        "band": (trim, [ring.at(0, middle, z) for z in np.linspace(-0.7, 0.6, bands) * front]),
        "smokebox": ("iron", smokebox.at(0, middle)),
        "chimney": ("iron", funnel.at(0, middle + 0.95 * boiler, front + 0.2)),
        "dome": (trim, [ball(0.24, 0.34, 0.24, 14).at(0, middle + boiler, z)
                        for z in np.linspace(-0.1, 0.35, domes) * front]),
        "cab": (paint, [box(1.8, cab_height, 1.3).at(0, deck + cab_height / 2, rear), roof]),
        "window": (GLASS, box(1.86, 0.5, 0.7).at(0, deck + 0.72 * cab_height, rear)),
        "wheel": ("paint_red", wheels),
        "rod": ("steel", both(rod)),
        "frame": ("paint_black", [box(1.5, 0.25, 2 * front + 2.0).at(0, deck - 0.15, -0.3),
                                  *both(box(0.36, 0.5, 0.8).at(0.78, 0.75, front + 0.05))]),
        "buffer beam": ("paint_red", box(1.9, 0.35, 0.2).at(0, deck - 0.2, front + 0.72)),
        "headlamp": ("lamp_glow", spindle([(0, 0.17), (0.25, 0.2)], 14).at(0, middle + boiler + 0.12, front + 0.5)),
    }  # fmt: skip
    if catcher:
        bars = [bar((0.9 * x, deck - 0.3, front + 0.75), (x, 0.05, front + 1.5 - 0.5 * abs(x)), 0.06, sides=6)
                for x in np.linspace(-0.85, 0.85, 5)]  # fmt: skip
        parts["cowcatcher"] = (trim, bars)
    if tender:
        z = rear - 1.9
        coal = hull([(-0.8, 0.5, 0, 0.2), (0, 0.7, 0, 0.5), (0.8, 0.5, 0, 0.3)], 2.5)
        parts["tender"] = (paint, box(1.7, 1.1, 1.9).at(0, deck + 0.45, z))
        parts["coal"] = ("basalt", coal.at(0, deck + 0.9, z))
        wheels += [side.at(z=z + shift) for shift in (-0.5, 0.5) for side in both(small)]
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
    upright = wing(fin, 1.4, 0.75, 0.8).turn("z", 90).at(0, 0.5 * radius, rear + 0.35)
    tail = both(wing(0.36 * span, 1.1, 0.6, 0.3 + 0.25 * sweep, 0.1).at(0, tail_y, rear + (0.3 - 0.6 * high_tail)))
    parts |= {"tailplane": ("", tail), "fin": (trim, upright)}
    return assemble({name: (material or body, solids) for name, (material, solids) in parts.items()})


def _airliner(
    half: float, radius: float, span: float, sweep: float, chord: float, engines: int, high_wing: bool, blades: int
) -> Parts:
    """A jet; parts without a material are of the body's."""
    profile = smooth([(-half, 0.12 * radius), (-0.45 * half, 0.9 * radius), (0, radius), (0.7 * half, radius),
                      (0.92 * half, 0.68 * radius), (half, 0.02)], 4)  # fmt: skip
    low = -0.35 * radius
    places = [(span * out, low - 0.35, 0.8 - sweep * out) for out in (0.35, 0.63)[:engines]]
    nacelle = spindle([(-0.75, 0.2), (-0.3, 0.32), (0.5, 0.36), (0.65, 0.3), (0.5, 0.24)], 16)
    hole = spindle([(0.4, 0.25), (0.6, 0.25)], 16)
    pylon = box(0.1, 0.4, 0.8).at(0, 0.35, -0.2)
    window = box(2.04 * radius, 0.16, 0.16)
    return {
        "fuselage": ("", spindle(profile, 20)),
        "wing": ("", both(wing(span, 1.2 * chord, 0.4 * chord, sweep, 0.45).at(0, low, 0.6))),
        "engine": ("aluminium", [side for place in places for solid in (nacelle, pylon)
                                 for side in both(solid.at(*place))]),
        "intake": ("paint_black", [side for place in places for side in both(hole.at(*place))]),
        "window": (GLASS, [window.at(0, 0.18 * radius, z) for z in np.linspace(-0.4, 0.62, 11) * half]),
        "windscreen": (GLASS, hull([(0.8 * half, 0.6 * radius, 0.25, 0.55),
                                       (0.93 * half, 0.5 * radius, 0.2, 0.36)], 4)),
    }  # fmt: skip


def _light_aircraft(
    half: float, radius: float, span: float, sweep: float, chord: float, engines: int, high_wing: bool, blades: int
) -> Parts:
    """An aeroplane with a propeller in its nose; parts without a material are of the body's."""
    nose = 0.62 * half
    body = hull([(-half, 0.1, -0.05, 0.3), (-0.2 * half, 0.85 * radius, -0.8 * radius, 0.8 * radius),
                 (0.25 * half, radius, -radius, radius), (0.3 * half, radius, -radius, 0.6 * radius),
                 (0.92 * nose, 0.8 * radius, -0.8 * radius, 0.45 * radius), (nose, 0.4, -0.4, 0.3)], 4)  # fmt: skip
    canopy = hull([(-0.1, 0.9, 0.15, 0.7), (0.2, 1.03, 0.15, 0.85), (0.31, 0.9, 0.15, 0.8), (0.4, 0.8, 0.15, 0.3)])
    level = radius if high_wing else -0.7 * radius
    propeller = around(box(0.2, 1.35, 0.06).turn("y", 25).at(0, 0.68, nose + 0.2), blades, "z", 30)
    legs = [bar((0.3, -0.7 * radius, 0.8), (0.9, -1.75 * radius, 0.9), 0.07, sides=6)]
    tyre = cylinder(0.3, 0.2, segments=14).turn("z", 90).at(0.95, -1.75 * radius, 0.9)
    struts = [bar((0.9 * radius, -0.7 * radius, 0.3), (0.5 * span, level, 0.2), 0.06, sides=6)] if high_wing else []
    return {
        "fuselage": ("", body),
        "wing": ("", [*both(wing(span, chord, 0.75 * chord, sweep, 0.15).at(0, level, 0.3))]),
        "strut": ("aluminium", [side for strut in legs + struts for side in both(strut)]),
        "wheel": ("rubber_black", both(tyre)),
        "propeller": ("paint_black", propeller),
        "spinner": ("chrome", spindle([(nose - 0.05, 0.24), (nose + 0.2, 0.2), (nose + 0.42, 0.02)], 14)),
        "window": (GLASS, canopy.scale(radius, radius, half)),
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
    body = hull([(-1, 0.3, -0.1, 0.6), (-0.5, 0.85, -0.75, 0.85), (0.3, 1, -0.9, 1),
                 (0.75, 0.8, -0.8, 0.55), (1.1, 0.3, -0.5, -0.1)], 3)  # fmt: skip
    glass = hull([(0.15, 1.01, -0.1, 0.85), (0.35, 1, -0.15, 0.97), (0.76, 0.82, -0.3, 0.6), (1.08, 0.36, -0.35, 0)], 3)
    stripe = hull([(-0.55, 0.9, -0.3, -0.12), (0.3, 1.02, -0.32, -0.14)], 20)
    end, top = -length - boom, radius + mast
    rear = [wing(fin, 0.7, 0.4, 0.35).turn("z", 90).at(0, 0.4 * radius, end + 0.1),
            *both(wing(0.75, 0.4, 0.3, 0.1).at(0, 0.4 * radius, end + 0.7))]  # fmt: skip
    tail = around(box(0.04, 0.75, 0.09).at(0, 0.4), 3, "x", 20)
    tail_boom = bar((0, 0.3 * radius, -0.8 * length), (0, 0.45 * radius, end), 0.3 * radius, 0.14, sides=12)
    legs = [bar((0.4, -0.6 * radius, z), (0.8, -1.33 * radius, z), 0.05, sides=6) for z in (-0.6, 0.6)]
    skid = smooth([(0.8, -1.35 * radius, -1.2), (0.8, -1.35 * radius, 0.9), (0.8, -1.2 * radius, 1.25)])
    tyre = cylinder(0.25, 0.18, segments=14).turn("z", 90).at(0.8, -1.3 * radius)
    gear = [tyre.at(z=-0.6), tyre.at(z=0.6)] if wheels else [tube(skid, 0.06, 6)]
    cowl = hull([(-0.8, 0.3, 0, 0.3), (0, 0.45, 0, 0.42), (0.55, 0.25, 0, 0.3)], 3)
    spread = around(box(rotor, 0.05, 0.24).at(rotor / 2), blades, start=turn)
    return assemble({
        "body": (paint, body.scale(radius, radius, length)),
        "canopy": (GLASS, glass.scale(radius, radius, length)),
        "stripe": (trim, stripe.scale(radius, radius, length)),
        "tail boom": (paint, tail_boom),
        "fin": (trim, rear),
        "tail rotor": ("paint_black", [blade.at(0.18, 0.5 * radius + 0.3, end) for blade in tail]),
        "mast": ("steel", [cylinder(0.12, mast + 0.4, segments=10).at(0, radius + mast / 2 - 0.1),
                           cylinder(0.26, 0.16, segments=14).at(0, top + 0.05)]),
        "rotor": ("paint_black", [blade.at(0, top + 0.08) for blade in spread]),
        "engine": (trim, cowl.at(0, 0.8 * radius, -0.15)),
        "leg": ("steel", [side for leg in legs for side in both(leg)]),
        "landing gear": ("rubber_black" if wheels else "steel", [side for solid in gear for side in both(solid)]),
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
    levels = tall * (0.75 - 0.14 * np.arange(ports))
    panes = list(zip(levels, np.interp(levels, shape[:, 1], shape[:, 0]), strict=True))
    rings = tall * np.array((0.9, 0.32))[:bands]
    rings = list(zip(rings, np.interp(rings, shape[:, 1], shape[:, 0]), strict=True))
    parts = {
        "body": (body, lathe(shape, 24)),
        "nose": (trim, lathe(cone, 24)),
        "fin": (trim, around(blade, fins, start=45)),
        "nozzle": ("iron", lathe([(0.7 * radius, -0.5), (0.45 * radius, 0.05)], 20)),
        "band": (trim, [cylinder(edge + 0.04, 0.24, segments=24).at(0, y) for y, edge in rings]),
        "window": (GLASS, [ball(0.2, 0.2, 0.08, 14).at(0, y, edge) for y, edge in panes]),
        "window frame": ("brass", [torus(0.22, 0.05, 16, 6).turn("x", 90).at(0, y, edge - 0.02) for y, edge in panes]),
    }
    if boosters:
        tank = lathe([(0.2, -0.35), (0.3, 0), (0.3, 0.55 * tall), (0.02, 0.55 * tall + 0.6)], 16)
        parts["booster"] = (body, around(tank.at(wide + 0.25), boosters))
    return assemble(parts)


CLASSES = {make.__name__: make for make in (locomotive, airplane, helicopter, rocket)}
