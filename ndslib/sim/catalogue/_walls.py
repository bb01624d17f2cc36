"""Shapes that buildings share: tapering blocks, gables and roofs, rows of windows. Lengths are in metres."""

from collections.abc import Iterable, Sequence

import numpy as np

from ndslib.sim.solids import Solid, around, bar, box, circle, cylinder, extrude, loft, torus


def stack(levels: Sequence[tuple[float, float, float]]) -> Solid:
    """A four-sided block through the levels (y, half width, half depth), from bottom to top."""
    corners = np.array([(1, 1), (1, -1), (-1, -1), (-1, 1)])
    rings = [np.c_[corners[:, 0] * x, np.full(4, y), corners[:, 1] * z] for y, x, z in levels]
    return loft(rings)


def gabled(half: float, height: float, rise: float, depth: float) -> Solid:
    """Walls under a ridge along z."""
    return extrude([(-half, 0), (half, 0), (half, height), (0, height + rise), (-half, height)], depth)


def gable_roof(half: float, height: float, rise: float, depth: float, eaves: float, thickness: float = 0.25) -> Solid:
    """The roof of a `gabled` block, standing over its walls by `eaves`."""
    low = height - eaves * rise / half - 0.03
    side, ridge = half + eaves, height + rise - 0.03
    outline = [(-side, low), (0, ridge), (side, low), (side, low + thickness), (0, ridge + thickness),
               (-side, low + thickness)]  # fmt: skip
    return extrude(outline, depth + 2 * eaves)


def arch(width: float, height: float, depth: float, segments: int = 16) -> Solid:
    """A round-headed door or window standing on y = 0, centred in x and z."""
    head = circle(width / 2, segments)[: segments // 2 + 1] + np.array([0, height - width / 2])
    return extrude([(-width / 2, 0), (width / 2, 0), *head], depth)


def through(
    half_width: float,
    half_depth: float,
    across: Iterable[float],
    along: Iterable[float],
    levels: Iterable[float],
    size: tuple[float, float],
    out: float,
) -> list[Solid]:
    """Windows in all four walls of a block, each a bar that stands out by `out` at both ends.

    `across` are their x in front and back, `along` their z in the side walls, `levels` their y and `size` their (width,
    height).
    """
    width, height = size
    front = box(width, height, 2 * (half_depth + out))
    side = box(2 * (half_width + out), height, width)
    levels = list(levels)
    return [front.at(x, y) for y in levels for x in across] + [side.at(0, y, z) for y in levels for z in along]


def gallery(radius: float, y: float, posts: int = 12) -> list[Solid]:
    """A round walkway at height `y` with a railing."""
    post = bar((0.95 * radius, y, 0), (0.95 * radius, y + 0.7, 0), 0.05, sides=6)
    deck = cylinder(0.85 * radius, 0.2, radius, 24)
    return [deck.at(0, y), torus(0.95 * radius, 0.06, 24, 6).at(0, y + 0.7), *around(post, posts)]


def battlements(radius: float, count: int, size: float) -> list[Solid]:
    """Merlons around the y axis, standing on y = 0."""
    return around(box(size, 1.2 * size, size).at(radius, 0.5 * size), count)
