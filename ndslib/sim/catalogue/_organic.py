"""Shapes that living things share: round-ended limbs, leaf blades and lumpy masses."""

from collections.abc import Sequence

import numpy as np

from ndslib.sim.genes import Genes
from ndslib.sim.solids import Solid, circle, smooth, tube

_CAP = np.array([(0.55, 0.84), (0.88, 0.48), (1.0, 0.0)])  # (advance, radius) of a round end's rings, in end radii


def limb(
    points: Sequence[Sequence[float]], width: float = 1.0, sides: int = 10, steps: int = 3, ribs: float = 0.0
) -> Solid:
    """A smooth round-ended bar through (x, y, z, radius) points [P, 4].

    Where the path keeps its x, the bar is `width` times as wide (along x) as it is thick. `ribs` cuts grooves along it,
    as deep as that share of its radius, at every second one of its `sides`.
    """
    stations = smooth(points, steps)
    stations[:, 3] = np.maximum(stations[:, 3], 1e-3)
    stations = np.concatenate([_cap(stations[0], stations[1])[::-1], stations, _cap(stations[-1], stations[-2])])
    section = circle(1.0, sides) * [1, width]
    section[::2] *= 1 - ribs
    return tube(stations[:, :3], stations[:, 3], section=section)


def _cap(end: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """Stations [3, 4] that round off the end of a limb, going outwards."""
    outwards = (end - inner)[:3] / np.linalg.norm((end - inner)[:3])
    advance, shrink = _CAP.T
    return np.c_[end[:3] + end[3] * advance[:, None] * outwards, end[3] * shrink]


def blade(length: float, width: float, thickness: float = 0.1, curl: float = 0.0, widest: float = 0.5) -> Solid:
    """A leaf, petal or feather from the origin up along y, facing z.

    `width` is its greatest half width, reached at the share `widest` of its length; `thickness` is a share of the
    width; `curl` is how far its tip bends towards +z, as a share of the length.
    """
    share = np.linspace(0, 1, 8)
    radius = width * np.sin(np.pi * share ** (np.log(0.5) / np.log(widest)))
    path = length * np.c_[0 * share, share, curl * share**2]
    radius[[0, -1]] = 0.04 * width
    return tube(path, radius, section=[(thickness, 0), (0, 1), (-thickness, 0), (0, -1)])


def lumpy(genes: Genes, solid: Solid, depth: float, waves: int = 4) -> Solid:
    """The solid, centred at the origin, with its surface pushed in and out by up to the share `depth` of its radius."""
    unit = solid.vertices / np.abs(solid.vertices).max()
    swell = np.ones(len(unit))
    for _ in range(waves):
        direction = [genes.uniform(-6, 6) for _ in range(3)]
        swell += depth / waves * np.sin(unit @ direction + genes.uniform(0, 2 * np.pi))
    return Solid(solid.vertices * swell[:, None], solid.faces)
