"""Shapes that vessels share: hollow bodies of revolution, the bands around them and the handles on them."""

from collections.abc import Sequence

import numpy as np

from ndslib.sim.catalogue._common import upright
from ndslib.sim.solids import Solid, cylinder, lathe, smooth, torus, tube

Profile = Sequence[tuple[float, float]]  # (radius, y) from bottom to top


def hollow(profile: Profile, wall: float, steps: int = 3) -> Solid:
    """An open vessel whose outside is a smooth curve through the profile."""
    outer = smooth(profile, steps)
    floor = outer[0, 1] + wall
    inner = outer[::-1] - [wall, 0]
    inner = inner[inner[:, 1] > floor + wall]
    rim = outer[-1] + [-wall / 2, wall / 2]
    return lathe([*outer, rim, *inner, (inner[-1, 0], floor), (0, floor)], 24)


def radius_at(profile: Profile, y: float) -> float:
    """The outside radius of `hollow` at height y."""
    radii, heights = smooth(profile, 8).T
    return float(np.interp(y, heights, radii))


def hoop(radius: float, y: float, thickness: float, height: float, sides: int = 6) -> Solid:
    """A band around a vessel."""
    return torus(radius, thickness, 24, sides).scale(y=height / (2 * thickness)).at(y=y)


def ear(profile: Profile, low: float, high: float, reach: float, thickness: float) -> Solid:
    """A handle from height `low` to height `high` of a profile, standing out by `reach`."""
    below, above, rise = radius_at(profile, low), radius_at(profile, high), high - low
    outermost = max(below, above) + reach
    path = [(below - 0.04, low), (below + 0.6 * reach, low + 0.06 * rise), (outermost, low + 0.6 * rise),
            (above + 0.6 * reach, high + 0.02 * rise), (above - 0.04, high)]  # fmt: skip
    return tube(upright(smooth(path, 4)), thickness, 8)


def arch(span: float, low: float, high: float, thickness: float, share: float = 1.0) -> Solid:
    """The middle `share` of a handle that arches over a vessel from x = -span to x = span."""
    angle = np.pi * (0.5 + share * np.linspace(0.5, -0.5, 17))
    path = np.stack([span * np.cos(angle), low + (high - low) * np.sin(angle), np.zeros(17)], 1)
    return tube(path, thickness, 8)


def liquid(profile: Profile, y: float, wall: float) -> Solid:
    """The surface of what fills a hollow profile to height y."""
    return cylinder(radius_at(profile, y) - 0.7 * wall, 0.05).at(y=y)
