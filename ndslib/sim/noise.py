"""Random numbers tied to places in space, for patterns and clouds: smooth noise and cells around scattered points.

All of it is elementwise and made of operations that IEEE 754 rounds exactly (no sin, pow or fused multiplication), so
that a sample's value depends neither on its neighbours in the batch nor on threads. Places are float32 [3, n]: x, y and
z, up to some thousands, in lattice cells.
"""

from functools import lru_cache

import torch
from torch import Tensor

from ndslib.core.seeding import rng

_SIDE = 32  # the lattice of random numbers repeats after so many cells
_CORNERS = [(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)]
_JITTER = 0.7  # how far a cell's point may stray: with 1 the two nearest could be out of reach of `scattered`


def visible(footprint: Tensor) -> Tensor:
    """1 for features of size 1 that are larger than two pixels, 0 for those smaller than one, linear between."""
    return (2 - 2 * footprint).clamp_(0, 1)


@lru_cache
def _lattice(device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Random float32 numbers: values [8, cells], points [24, cells] (x of 8, y of 8, z of 8) and tones [8 * cells].

    Row c of a column belongs to the neighbour `_CORNERS[c]` of the column's cell, so that one look-up finds all eight.
    """
    uniform = rng("sim", "noise").random((5, _SIDE, _SIDE, _SIDE), dtype="float32")
    corners = torch.stack([torch.from_numpy(uniform).roll([-i for i in corner], (1, 2, 3)) for corner in _CORNERS], 1)
    value, tone, *jitter = corners.flatten(2)
    points = torch.tensor(_CORNERS).T[:, :, None] + _JITTER * (torch.stack(jitter) - 0.5)
    return value.to(device), points.reshape(24, -1).to(device), tone.flatten().to(device)


def _column(cell: Tensor) -> Tensor:
    """The lattice's column int32 [n] of whole-numbered float cells [3, n]."""
    x, y, z = cell.int().bitwise_and_(_SIDE - 1)
    return x.mul_(_SIDE).add_(y).mul_(_SIDE).add_(z)


def random(cell: Tensor) -> Tensor:
    """A random number in [0, 1) for each whole-numbered cell [3, n]."""
    return _lattice(cell.device)[2].index_select(0, _column(cell))


def smooth(t: Tensor) -> Tensor:
    """The S-shaped curve from (0, 0) to (1, 1) with flat ends."""
    return (t * -2).add_(3).mul_(t).mul_(t)


def noise(place: Tensor) -> Tensor:
    """Smooth random numbers float32 [n] in [0, 1), mean 1/2, features of about one cell; `place` float32 [3, n]."""
    cell = place.floor()
    values = _lattice(place.device)[0].index_select(1, _column(cell))
    for weight, half in zip(smooth(place - cell), (4, 2, 1), strict=True):
        low, high = values[:half], values[half:]
        values = (high - low).mul_(weight).add_(low)
    return values[0]


def fractal(place: Tensor, footprint: Tensor, octaves: int = 3) -> Tensor:
    """Noise of several scales about 0, nearly always within ±1/2; scales finer than a pixel fade out."""
    total = torch.zeros_like(footprint)
    for octave in range(octaves):
        frequency = 2.0**octave
        layer = noise((place * frequency).add_(5.3 * octave)).sub_(0.5)
        total += layer.mul_(visible(footprint * frequency)).mul_(0.9 / frequency)
    return total


def scattered(place: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """One point strays in each cell: the distances to the nearest and to the second nearest one, and the nearest one's
    random tone in [0, 1); three float32 [n]."""
    cell = (place - 0.5).floor()  # the nearest points are in this cell or in its upper neighbours
    _, points, tones = _lattice(place.device)
    column = _column(cell)
    offsets = points.index_select(1, column).view(3, 8, -1)
    x, y, z = offsets.sub_((place - cell).sub_(0.5)[:, None])
    squares = x.mul_(x).add_(y.mul_(y)).add_(z.mul_(z))
    first, which = squares.min(0)
    second = squares.scatter_(0, which[None], torch.inf).amin(0)
    tone = tones.index_select(0, which.int().mul_(_SIDE**3).add_(column))
    return first.sqrt_(), second.sqrt_(), tone
