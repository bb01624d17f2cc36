"""Solid patterns: what a material looks like at a place in space, without texture coordinates.

A pattern takes `place` float32 [3, n] (x, y, z in cells of the pattern, any value up to some thousands) and `footprint`
float32 [n] (the size of a pixel in the same unit, at least 0) and returns the tone float32 [n], which `evaluate` limits
to [0, 1]. Like noise, patterns are elementwise and exactly rounded. Blocks are centred at whole numbers, so that the
floor y = 0 and the planes x = 0 and z = 0 show whole bricks and tiles, and no joint lies in them.

`PATTERNS` maps names to functions; `evaluate` is what other modules call.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ndslib.sim.noise import fractal, noise, random, scattered, smooth, visible


@dataclass(frozen=True)
class Pattern:
    """A pattern function with its average tone and its finest detail, in features per cell."""

    function: Callable[[Tensor, Tensor], Tensor]
    mean: float
    detail: float


PATTERNS: dict[str, Pattern] = {}


def _pattern(mean: float, detail: float = 1.0) -> Callable:
    def register(function: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
        PATTERNS[function.__name__] = Pattern(function, mean, detail)
        return function

    return register


def evaluate(name: str, place: Tensor, footprint: Tensor) -> Tensor:
    """The tone float32 [n] in [0, 1] of the pattern `name` at `place` [3, n].

    Where a pixel (`footprint` [n]) covers half a feature or more the tone fades to the pattern's mean, which it reaches
    at a whole one: a far floor is smooth instead of aliased.
    """
    pattern = PATTERNS[name]
    tone = pattern.function(place, footprint)
    return (tone - pattern.mean).mul_(visible(footprint * pattern.detail)).add_(pattern.mean).clamp_(0, 1)


def _centred(x: Tensor) -> Tensor:
    """Distance from the nearest whole number, signed, in [-1/2, 1/2]."""
    return x - x.round()


def _wave(x: Tensor) -> Tensor:
    """A smooth wave of period 1: 1 at whole numbers, 0 half-way."""
    return smooth(1 - 2 * _centred(x).abs())


def _edge(distance: Tensor, footprint: Tensor, softness: float = 0.03) -> Tensor:
    """1 inside (distance > 0), 0 outside, with a ramp as wide as a pixel and at least `softness`."""
    return distance.div(footprint + softness).add_(0.5).clamp_(0, 1)


def _stretch(place: Tensor, x: float, y: float, z: float) -> Tensor:
    return torch.stack([place[0] * x, place[1] * y, place[2] * z])


def _sheet(place: Tensor) -> tuple[Tensor, Tensor]:
    """Two coordinates for what is made of rows, exact on walls and sheared on floors and sides."""
    x, y, z = place
    return x + 0.6 * z, y + 0.8 * z


def _streaks(place: Tensor, footprint: Tensor, x: float, y: float, z: float) -> Tensor:
    return fractal(_stretch(place, x, y, z), footprint * max(x, y, z), 2).mul_(1.3).add_(0.5).clamp_(0, 1)


@_pattern(mean=0.0)
def plain(place: Tensor, footprint: Tensor) -> Tensor:
    """One colour."""
    return torch.zeros_like(footprint)


@_pattern(mean=0.5)
def clouds(place: Tensor, footprint: Tensor) -> Tensor:
    """Soft blotches: plaster, paper, skin."""
    return fractal(place, footprint).mul_(1.2).add_(0.5)


@_pattern(mean=0.5)
def speckle(place: Tensor, footprint: Tensor) -> Tensor:
    """Grains of two sizes: granite, sand, cork."""
    coarse, fine = noise(place) - 0.5, noise(place * 2.7 + 9.1).sub_(0.5)
    return coarse.add_(fine.mul_(visible(footprint * 2.7))).mul_(1.9).add_(0.5)


@_pattern(mean=0.27)
def marble(place: Tensor, footprint: Tensor) -> Tensor:
    """Veins where a warped noise crosses its mean, thick ones and thin ones."""
    warped = place + 0.8 * fractal(place * 1.7, footprint * 1.7, 1)
    thick = 1 - (noise(warped * 0.6) - 0.5).abs_().mul_(9)
    thin = 1 - (noise(warped * 1.3 + 3.7) - 0.5).abs_().mul_(14)
    return torch.maximum(thick.clamp_(0, 1), thin.clamp_(0, 1).mul_(0.6))


@_pattern(mean=0.42)
def wood(place: Tensor, footprint: Tensor) -> Tensor:
    """Year rings around a slightly leaning axis along x, with fine grain."""
    bend = noise(_stretch(place, 0.25, 0.7, 0.7))
    y, z = place[1] + 0.12 * place[0] + bend, place[2] + 0.08 * place[0] + 0.6
    ring = (y * y + z * z).sqrt_()
    ring = ring - ring.floor()
    ring = torch.minimum(ring, (1 - ring).mul_(5))  # slow growth to the dark late wood, then a fresh start
    grain = noise(_stretch(place, 1.0, 9.0, 9.0)).sub_(0.5).mul_(visible(footprint * 9))
    return ring.add_(grain.mul_(0.45))


@_pattern(mean=0.5)
def planks(place: Tensor, footprint: Tensor) -> Tensor:
    """Boards along x with grain, tones of their own and dark joints."""
    x, y, z = place
    x = x / 6 + random(torch.stack([torch.zeros_like(x), y.round(), z.round()]))  # the joints of neighbours stagger
    board = torch.stack([x, y, z])
    tone = random(board.round()).mul_(0.4)
    x, y, z = 0.5 - _centred(board).abs_()
    joint = 1 - _edge(torch.minimum(6 * x, torch.minimum(y, z)) - 0.03, footprint)
    grain = noise(_stretch(place, 0.7, 7.0, 7.0) + board.round()).mul_(0.5)
    return torch.maximum(grain.add_(tone), joint)


def _blocks(x: Tensor, y: Tensor, z: Tensor, joint: float, footprint: Tensor) -> tuple[Tensor, Tensor]:
    """Unit blocks around whole numbers: 1 inside and 0 in the joints, and a random tone of each block."""
    place = torch.stack([x, y, z])
    cell = place.round()
    inside = 0.5 - joint / 2 - (place - cell).abs_().amax(0)
    return _edge(inside, footprint), random(cell)


@_pattern(mean=0.51, detail=4.0)
def bricks(place: Tensor, footprint: Tensor) -> Tensor:
    """Courses along y, one high for three long, staggered; 0 is mortar, 0.5 to 1 the bricks' tones."""
    x, y, z = place
    course = (y * 2.4).round()
    z = z + 0.7 * _centred(course / 2).abs_()  # so that sides are staggered too
    inside, tone = _blocks(x + 0.5 * (course + z.round()), y * 2.4, z, 0.12, footprint)
    rough = noise(place * 5).sub_(0.5).mul_(0.3).mul_(visible(footprint * 5))
    return inside * (0.5 + 0.5 * tone + rough).clamp_(0.5, 1)


@_pattern(mean=0.58)
def tiles(place: Tensor, footprint: Tensor) -> Tensor:
    """Cubes with joints (0) and a tone of 0.5 to 1 each: tiles, paving, mosaic."""
    inside, tone = _blocks(*place, 0.08, footprint)
    return inside * tone.mul_(0.5).add_(0.5)


@_pattern(mean=0.29)
def delft(place: Tensor, footprint: Tensor) -> Tensor:
    """Tiles with a painted ring and corner dots; 1 is paint, 0.5 the joint."""
    x, y, z = _centred(place).square_()
    centre = (x + y + z).sqrt_()
    away = _centred(place).abs_().sub_(0.5)
    x, y, z = away.square()
    corner = torch.minimum(x + y, torch.minimum(y + z, z + x)).sqrt_()  # an edge of the cube, seen end on
    ring = _edge(0.05 - (centre - 0.3).abs_(), footprint)
    paint = torch.maximum(ring, _edge(0.13 - torch.minimum(centre, corner), footprint))
    return torch.maximum(paint, _edge(away.amax(0).add_(0.02), footprint).mul_(0.5))


@_pattern(mean=0.5)
def checker(place: Tensor, footprint: Tensor) -> Tensor:
    """Cubes of two colours in turn."""
    depth = 0.5 - 2 * _centred(place / 2).abs_()  # in the even cells of an axis, signed
    return _edge(depth.sign().prod(0) * depth.abs().amin(0), footprint)


@_pattern(mean=0.5, detail=1.5)
def stripes(place: Tensor, footprint: Tensor) -> Tensor:
    """Upright stripes of two colours."""
    return _edge(_centred(place[0] + 0.7 * place[2]).abs_().sub_(0.25), footprint)


@_pattern(mean=0.5, detail=1.5)
def hazard(place: Tensor, footprint: Tensor) -> Tensor:
    """Slanting stripes of two colours."""
    x, y, z = place
    return _edge(_centred((x + y + z) * 0.7).abs_().sub_(0.25), footprint)


@_pattern(mean=0.5)
def zebra(place: Tensor, footprint: Tensor) -> Tensor:
    """Upright stripes that swerve, swell and end."""
    warp = fractal(place * 0.6, footprint * 0.6, 2)
    across = place[0] + 0.5 * place[2] + 0.25 * place[1] + 2.2 * warp
    return _edge(_centred(across).abs_().sub_(0.25).add_(0.3 * warp), footprint, 0.08)


@_pattern(mean=0.39)
def polka(place: Tensor, footprint: Tensor) -> Tensor:
    """Equal dots in a regular grid."""
    x, y, z = _centred(place).square_()
    even = x + y + z
    x, y, z = _centred(place + 0.5).square_()
    return _edge(0.36 - torch.minimum(even, x + y + z).sqrt_(), footprint)


@_pattern(mean=0.19)
def spots(place: Tensor, footprint: Tensor) -> Tensor:
    """Scattered spots of all sizes, of tones 0.5 to 1: pores, holes, chips."""
    distance, _, tone = scattered(place)
    return _edge(0.15 + 0.4 * tone - distance, footprint, 0.06).mul_(tone.mul_(0.5).add_(0.5))


@_pattern(mean=0.27)
def rosettes(place: Tensor, footprint: Tensor) -> Tensor:
    """Broken dark rings (1) around a darker middle (0.5): a leopard's coat."""
    distance, _, tone = scattered(place)
    distance += 0.25 * fractal(place * 3, footprint * 3, 1)
    radius = 0.28 + 0.1 * tone
    ring = _edge(0.09 - (distance - radius).abs_(), footprint, 0.08)
    return torch.maximum(ring, _edge(radius - distance, footprint).mul_(0.5))


@_pattern(mean=0.51)
def cells(place: Tensor, footprint: Tensor) -> Tensor:
    """Irregular plates of tones 0.5 to 1 with gaps (0) between: cobbles, giraffe, leather."""
    nearest, second, tone = scattered(place)
    return _edge(second - nearest - 0.1, footprint, 0.1).mul_(tone.mul_(0.5).add_(0.5))


@_pattern(mean=0.38)
def patches(place: Tensor, footprint: Tensor) -> Tensor:
    """Ragged areas of two colours with a seam of tones between: rust, a cow's coat, leaves in autumn."""
    return _edge(fractal(place, footprint) - 0.06, footprint, 0.12)


@_pattern(mean=0.55)
def camouflage(place: Tensor, footprint: Tensor) -> Tensor:
    """Two layers of blobs: tones 0, 0.5 and 1."""
    over = _edge(fractal(place, footprint, 2) - 0.05, footprint)
    under = _edge(fractal(place + 11.7, footprint, 2) + 0.02, footprint)
    return torch.maximum(over, under.mul_(0.5))


@_pattern(mean=0.5, detail=7.0)
def brushed(place: Tensor, footprint: Tensor) -> Tensor:
    """Fine streaks along x."""
    return _streaks(place, footprint, 0.4, 7.0, 7.0)


@_pattern(mean=0.5, detail=6.0)
def fur(place: Tensor, footprint: Tensor) -> Tensor:
    """Hairs along y in tufts."""
    return _streaks(place, footprint, 6.0, 1.0, 6.0)


@_pattern(mean=0.5, detail=2.0)
def strata(place: Tensor, footprint: Tensor) -> Tensor:
    """Wavy layers, nearly level."""
    x, y, z = place
    layers = torch.stack([x * 0.3, y + 0.25 * x + 0.35 * z, z * 0.3])
    return _streaks(layers, footprint, 1.0, 2.0, 1.0)


@_pattern(mean=0.37, detail=2.0)
def ridges(place: Tensor, footprint: Tensor) -> Tensor:
    """Deep furrows (1) along y: bark."""
    furrow = 1 - fractal(_stretch(place, 2.0, 0.5, 2.0), footprint * 2).abs_().mul_(5)
    return furrow.clamp_(0, 1)


@_pattern(mean=0.19, detail=3.0)
def dashes(place: Tensor, footprint: Tensor) -> Tensor:
    """Short level marks (1): birch bark."""
    return _edge(fractal(_stretch(place, 0.8, 4.0, 0.8), footprint * 4, 2) - 0.17, footprint, 0.05)


@_pattern(mean=0.38, detail=4.0)
def print_(place: Tensor, footprint: Tensor) -> Tensor:
    """Lines of words in columns."""
    u, v = _sheet(place)
    line = (v * 2).round()
    letters = torch.stack([(u * 7).floor(), line, torch.zeros_like(u)])
    ink = _edge(0.25 - _centred(v * 2).abs_(), footprint * 2)
    return ink * _edge(random(letters) - 0.25, footprint)


@_pattern(mean=0.6)
def weave(place: Tensor, footprint: Tensor) -> Tensor:
    """Threads over and under each other; 1 is the gap."""
    cell = place.round()
    x, y, z = _wave(place)
    odd = cell.sum(0).int().bitwise_and_(1).bool()
    return 1 - torch.where(odd, x, y * z).mul_(0.8).add_(random(cell).mul_(0.2))


@_pattern(mean=0.67)
def tartan(place: Tensor, footprint: Tensor) -> Tensor:
    """Broad bands and thin lines across all three axes: 0.5 where there is one, 1 where two cross."""
    away = _centred(place).abs_()
    band = _edge(away - 0.3, footprint)
    line = _edge(0.02 - (away - 0.15).abs_(), footprint)
    x, y, z = torch.maximum(band, line)
    return (x + y + z).mul_(0.5).clamp_(0, 1)


@_pattern(mean=0.5)
def knit(place: Tensor, footprint: Tensor) -> Tensor:
    """Columns of V-shaped stitches; 1 is the shade between them."""
    u, v = _sheet(place)
    side = _centred(u).abs_()
    return 1 - _wave(v - side).mul_(0.7).add_(_wave(side * 2 + 0.5).mul_(0.3))


@_pattern(mean=0.37, detail=1.5)
def scales(place: Tensor, footprint: Tensor) -> Tensor:
    """Rows of overlapping rounded plates, dark (1) under the next row's rim: fish, feathers, roof tiles."""
    u, v = _sheet(place)
    row = v.floor()
    side = _centred(u + 0.5 * row).abs_()
    height = v - row
    own = height - 2 * side * side
    below = height + 1 - 2 * (0.5 - side).square_()  # this place is under the rim: it belongs to the row below
    depth = torch.where(own >= 0, own, below).clamp_(0, 1)
    return depth * depth
