"""Shapes that vehicles and machines share: bodies, wheels, lamps. Lengths are in metres; vehicles drive towards +z."""

from collections.abc import Iterable, Sequence

import numpy as np

from ndslib.sim.catalogue._common import Parts
from ndslib.sim.solids import Solid, ball, both, circle, cylinder, extrude, lathe, loft

GLASS = "metallic_black"  # by day a pane looks dark and glossy from outside


def hull(stations: Sequence[tuple[float, float, float, float]], power: float = 6.0, sides: int = 16) -> Solid:
    """A body along z through squared-off sections (z, half width, lowest y, highest y), given from rear to front."""
    ring = circle(1.0, sides, power)
    rings = [
        np.c_[half * ring[:, 0], (low + high + (high - low) * ring[:, 1]) / 2, np.full(sides, z)]
        for z, half, low, high in stations
    ]
    return loft(rings)


def tower(levels: Sequence[tuple[float, float, float, float]], power: float = 6.0, sides: int = 16) -> Solid:
    """A body along y through squared-off sections (y, half width, rear z, front z), given from bottom to top."""
    return hull([(y, half, -front, -rear) for y, half, rear, front in levels], power, sides).turn("x", -90)


def side_plate(outline: Sequence[Sequence[float]], width: float) -> Solid:
    """A plate seen from the side: the polygon [P, 2] of (z, y), `width` thick along x, centred."""
    return extrude(outline, width).turn("y", -90)


def wheel(radius: float, width: float, rim: float = 0.6) -> tuple[Solid, Solid]:
    """Tyre and rim, turning about the x axis; the rim takes the share `rim` of the radius."""
    edge = 0.75 * width / 2
    tyre = lathe([(0.9 * radius, -width / 2), (radius, -edge), (radius, edge), (0.9 * radius, width / 2)], 20)
    hub = rim * radius
    disc = lathe([(hub, -0.54 * width), (hub, 0.54 * width), (0.3 * hub, 0.5 * width), (0.2 * hub, 0.62 * width)], 14)
    return tyre.turn("z", -90), disc.turn("z", -90)


def wheels(radius: float, width: float, track: float, places: Iterable[float], rim: str = "aluminium") -> Parts:
    """Pairs of wheels on the ground: `track` is the distance of their middles, `places` the axles' z."""
    tyre, disc = (solid.at(track / 2, radius) for solid in wheel(radius, width))
    return {
        "tyre": ("rubber_black", [side.at(z=z) for z in places for side in both(tyre)]),
        "rim": (rim, [side.at(z=z) for z in places for side in both(disc)]),
    }


def arches(radius: float, half: float, places: Iterable[float]) -> Parts:
    """Dark wheel wells, as discs that stand out a little from the body's sides at x = ±`half`."""
    disc = cylinder(1.2 * radius, 0.1, segments=20).turn("z", 90).at(half - 0.04, radius)
    return {"wheel arch": ("plastic_black", [side.at(z=z) for z in places for side in both(disc)])}


def lamps(half: float, y: float, front: float, rear: float, size: float) -> Parts:
    """Two headlights and two tail lights at x = ±`half`."""
    lamp = ball(1.3 * size, size, 0.6 * size, 10).at(half, y)
    return {
        "headlight": ("lamp_glow", both(lamp.at(z=front))),
        "tail light": ("plastic_red", both(lamp.at(z=rear))),
    }
