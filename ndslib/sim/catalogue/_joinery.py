"""Shapes that furniture shares: boards, legs, the fillings of backs, and drawers."""

import numpy as np

from ndslib.sim.catalogue._common import slab
from ndslib.sim.solids import Solid, ball, both, cylinder, lathe

WOODS = ("oak", "walnut", "pine", "cherry_wood", "mahogany", "birch", "ebony", "paint_white", "paint_cream")
METALS = ("iron", "brass", "brushed_steel", "chrome", "paint_black")
COVERS = ("linen", "denim", "velvet_red", "velvet_green", "leather_brown", "leather_black", "leather_tan", "tartan",
          "wool_grey", "striped_cloth")  # fmt: skip
LEGS = ("square", "turned", "tapered")
FILLINGS = ("panel", "slats", "spindles", "ladder")


def leg(height: float, girth: float, style: str) -> Solid:
    """A leg of half width `girth` that stands on the ground."""
    if style == "square":
        return slab(2 * girth, height, 2 * girth).at(y=height / 2)
    if style == "tapered":
        return cylinder(0.55 * girth, height, 1.1 * girth, 10).at(y=height / 2)
    radii, shares = (0.6, 0.9, 0.6, 1.2, 0.7, 1.25, 1.25), (0, 0.08, 0.16, 0.5, 0.72, 0.78, 1)
    return lathe(np.stack([radii, shares], 1) * [girth, height], 10)


def legs(x: float, z: float, height: float, girth: float, style: str, splay: float = 0.0) -> list[Solid]:
    """Four legs whose tops are at (±x, ±z); `splay` in degrees spreads their feet."""
    corner = leg(height, girth, style).at(y=-height).turn("z", splay).turn("x", -splay).at(x, height, z)
    return [support for side in both(corner) for support in both(side, "z")]


def spread(width: float, count: int) -> np.ndarray:
    """The middles of `count` equal parts of a width about 0."""
    return width * ((np.arange(count) + 0.5) / count - 0.5)


def infill(style: str, width: float, height: float, count: int) -> list[Solid]:
    """What fills a back or a bed's end from y = 0 to `height`: `count` bars, or a panel, by one of the `FILLINGS`."""
    if style == "panel":
        return [slab(width, 0.7 * height, 0.05).at(y=0.55 * height)]
    if style == "ladder":
        return [slab(width, 0.45 * height / count, 0.06).at(y=y + 0.6 * height) for y in spread(0.75 * height, count)]
    upright = cylinder(0.03, height, segments=8) if style == "spindles" else slab(0.5 * width / count, height, 0.05)
    return [upright.at(x, height / 2) for x in spread(width, count)]


def drawers(
    width: float, low: float, high: float, z: float, rows: int, columns: int = 1
) -> tuple[list[Solid], list[Solid]]:
    """Drawer fronts on the face at `z`, from y = `low` to `high`, and their knobs."""
    fronts, knobs = [], []
    for y in spread(high - low, rows) + (low + high) / 2:
        for x in spread(width, columns):
            fronts.append(slab(0.9 * width / columns, 0.85 * (high - low) / rows, 0.06).at(x, y, z))
            places = (0,) if width / columns < 0.8 else (-0.25, 0.25)
            knobs += [ball(0.05, segments=8).at(x + place * width / columns, y, z + 0.06) for place in places]
    return fronts, knobs
