"""Small shapes and moves that many objects use."""

from collections.abc import Callable, Sequence

import numpy as np

from ndslib.sim.solids import Solid, box, cylinder, extrude

Parts = dict[str, tuple[str, Solid | list[Solid]]]  # what `assemble` takes


def each(parts: Parts, move: Callable[[Solid], Solid]) -> Parts:
    """The parts with every solid moved."""
    return {
        name: (material, [move(solid) for solid in ([solids] if isinstance(solids, Solid) else solids)])
        for name, (material, solids) in parts.items()
    }


def slab(width: float, height: float, depth: float) -> Solid:
    """A board, block or cushion with bevelled edges."""
    return box(width, height, depth, 0.15 * min(width, height, depth))


def disc(radius: float, thickness: float, segments: int = 24) -> Solid:
    """A round plate that faces +z."""
    return cylinder(radius, thickness, segments=segments).turn("x", 90)


def plan(outline: Sequence[tuple[float, float]], thickness: float) -> Solid:
    """A plate that lies on y = 0, cut to an outline in (x, z)."""
    return extrude(outline, thickness).turn("x", 90).at(y=thickness / 2)


def upright(path: Sequence[tuple[float, float]]) -> np.ndarray:
    """The (x, y) points as (x, y, 0)."""
    return np.pad(np.asarray(path, float), ((0, 0), (0, 1)))
