"""Sixteen materials as patches lit from above: each pattern is a height and an albedo over (u right, v down)."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy import ndarray as Array
from numpy.random import Generator as Random

from ndslib.data.worlds.drawing import OVERSAMPLING, clouds, colour, finish

# A pattern takes u, v [S, S] and a table of uniform numbers [4, 32, 32] (four a cell, wrapping around) and returns
# height and albedo [S, S], both about 0..1.
Pattern = Callable[[Array, Array, Array], tuple[Array, Array]]


def _cells(u: Array, v: Array, table: Array, stagger: float = 0.0, layer: int = 0) -> tuple[Array, Array, Array]:
    """Cut (u, v) into unit cells: the place x in [0, 1), y in it, and the cell's four numbers.

    Each row is moved by `stagger` against the one above. `layer` looks at the cell so many rows further down (y < 0) or
    up (y >= 1), for tiles that reach beyond their row.
    """
    row = np.floor(v).astype(int) + layer
    u = u + stagger * row
    column = np.floor(u).astype(int)
    return u - column, v - row, table[:, row % 32, column % 32]


def _overlap(layers: Iterator[tuple[Array, Array, Array]], start: float = 0.0) -> tuple[Array, Array]:
    """Lay (inside, height, albedo) layers over one another, back to front."""
    height = albedo = start
    for inside, layer_height, layer_albedo in layers:
        height, albedo = np.where(inside, layer_height, height), np.where(inside, layer_albedo, albedo)
    return height, albedo


def _bricks(u: Array, v: Array, table: Array) -> tuple[Array, Array]:
    x, y, n = _cells(u, v * 2, table, 0.5)
    height = np.clip((np.minimum(np.minimum(x, 1 - x) * 2, np.minimum(y, 1 - y)) - 0.08) * 8, 0, 1)
    return 0.4 * height, height * (0.4 + 0.6 * n[0])


def _scales(u: Array, v: Array, table: Array) -> tuple[Array, Array]:
    def rows() -> Iterator[tuple[Array, Array, Array]]:
        for layer in (1, 0, -1):
            x, y, n = _cells(u * 1.2, v * 1.6, table, 0.5, layer)
            rim = ((x - 0.5) * 2) ** 2 + (np.maximum(y - 0.6, 0) / 0.8) ** 2
            yield rim < 1, 0.45 * y, 0.3 + 0.4 * n[0] + 0.3 * (rim > 0.75)

    return _overlap(rows())


def _shingles(u: Array, v: Array, table: Array) -> tuple[Array, Array]:
    def rows() -> Iterator[tuple[Array, Array, Array]]:
        for layer in (0, -1):
            x, y, n = _cells(u * 1.5, v * 1.6, table, 0.37, layer)
            yield y < 1 + 0.35 * n[1], 0.5 * y - 0.4 * (np.abs(x - 0.5) > 0.45), 0.15 + 0.8 * n[0]

    return _overlap(rows())


def _knit(u: Array, v: Array, table: Array) -> tuple[Array, Array]:
    x, _, _ = _cells(u * 1.4, v, table)
    side = np.abs(x - 0.5)
    strand = np.sin(np.pi * ((v * 2.2 + 1.3 * side) % 1)) ** 0.7 * np.abs(np.sin(2 * np.pi * side)) ** 0.5
    return 0.6 * strand, 0.2 + 0.7 * strand


def _drops(u: Array, v: Array, table: Array) -> tuple[Array, Array]:
    x, y, n = _cells(u * 1.8, v * 0.9, table, 0.5)
    along = np.clip((y - 0.25 * n[1] - 0.03) / (0.55 + 0.17 * n[2]), 0, 1)
    half = (0.24 + 0.14 * n[3]) * np.sin(np.pi * along**2.2) + 1e-3
    dome = np.sqrt(np.clip(1 - ((x - 0.4 - 0.2 * n[0]) / half) ** 2, 0, 1)) * (half > 0.01)
    return 0.5 * dome, (dome > 0) * 0.8 + 0.1


def _wood(u: Array, v: Array, table: Array) -> tuple[Array, Array]:
    x, y, n = _cells(u * 0.8, v * 0.35 + 7.3 * np.floor(u * 0.8), table)
    off, down = x - 0.35 - 0.3 * n[0], y - 0.5
    knot = np.exp(-((off / 0.13) ** 2 + (down / 0.09) ** 2)) * (n[1] < 0.5)
    ring = (1.6 * v - 9 * off**2 + 2 * knot + 5 * n[2]) % 1
    gap = np.minimum(x, 1 - x) < 0.04
    return 0.12 * ring - 0.4 * gap, np.clip(0.25 + 0.7 * ring - 0.8 * knot - gap, 0, 1)


def _grass(u: Array, v: Array, table: Array) -> tuple[Array, Array]:
    def blades() -> Iterator[tuple[Array, Array, Array]]:
        for layer in range(4):
            x, y, n = _cells(u * 1.6 + 0.37 * layer, v * 0.7 - 0.25 * layer, np.roll(table, layer, 2))
            above = np.clip(y - 0.4 * n[0], 0, 1)
            middle = 0.5 + 0.9 * (n[1] - 0.5) * (1 - y) ** 2
            yield np.abs(x - middle) < 0.3 * above**0.7, 0.3 - 0.5 * np.abs(x - middle), 1 - 0.9 * y + 0.2 * n[2]

    return _overlap(blades())


def _fans(u: Array, v: Array, table: Array) -> tuple[Array, Array]:
    def rows() -> Iterator[tuple[Array, Array, Array]]:
        for layer in (0, 1):
            x, y, _ = _cells(u, v * 2.4, table, 0.5, layer)
            far = np.hypot((x - 0.5) * 2, 0.5 * (1 - y))
            yield far < 1, 0.25 * (1 - far), 0.9 * ((far * 2.5) % 1 > 0.5)

    return _overlap(rows())


def _drips(u: Array, v: Array, table: Array) -> tuple[Array, Array]:
    x, y, n = _cells(u * 2.4, v * 0.6, table, 0.21)
    past = np.clip((y - 0.3 - 0.55 * n[0]) / 0.15, 0, 1)
    half = (0.28 + 0.16 * n[1]) * np.sqrt(1 - past**2) + 0.5 * np.clip(1 - y / 0.15, 0, 1) + 1e-3
    dome = np.sqrt(np.clip(1 - ((x - 0.5) / half) ** 2, 0, 1)) * (half > 0.02)
    return 0.4 * dome, 0.1 + 0.8 * (dome > 0)


def _pebbles(u: Array, v: Array, table: Array) -> tuple[Array, Array]:
    nearest, second, tone = np.full(u.shape, 9.0), np.full(u.shape, 9.0), np.zeros(u.shape)
    for right in (-1, 0, 1):
        for layer in (-1, 0, 1):
            x, y, n = _cells(u * 1.6 + right, v * 2, table, 0, layer)
            far = np.hypot(x - right - 0.15 - 0.7 * n[0], y - 0.15 - 0.7 * n[1])
            second = np.minimum(second, np.maximum(far, nearest))
            tone, nearest = np.where(far < nearest, n[2], tone), np.minimum(far, nearest)
    dome = np.sqrt(np.clip((second - nearest) * 1.6, 0, 1))
    return 0.5 * dome, dome * (0.3 + 0.7 * tone)


def _weave(u: Array, v: Array, table: Array) -> tuple[Array, Array]:
    x, y, _ = _cells(u * 1.8, v * 1.8, table)
    upright = (np.floor(u * 1.8) + np.floor(v * 1.8)) % 2 > 0
    over, across = np.where(upright, y, x), np.where(upright, x, y)
    strand = np.sin(np.pi * over) ** 0.6 * (np.abs(across - 0.5) < 0.42)
    return 0.45 * strand, strand * np.where(upright, 0.9, 0.55)


def _leaves(u: Array, v: Array, table: Array) -> tuple[Array, Array]:
    def rows() -> Iterator[tuple[Array, Array, Array]]:
        for layer in (0, -1):
            x, y, n = _cells(u * 1.3, v * 1.2, table, 0.5, layer)
            along = np.clip(y / (1.3 + 0.25 * n[0]), 0, 1)
            off = np.abs(x - 0.5 - 0.25 * (n[1] - 0.5) * along)
            vein = (off < 0.05) | ((along * 5 - off * 6) % 1 < 0.2)
            yield off < 0.62 * np.sin(np.pi * along**0.7), 0.35 * along - 0.3 * off, 0.25 + 0.5 * n[2] + 0.35 * vein

    return _overlap(rows())


def _quilt(u: Array, v: Array, table: Array) -> tuple[Array, Array]:
    one, other = np.sin(np.pi * (u + v)), np.sin(np.pi * (u - v))
    pad = np.sqrt(np.abs(one * other))
    return 0.6 * pad, np.where(np.hypot(one, other) < 0.3, 0.0, 0.6)


def _bamboo(u: Array, v: Array, table: Array) -> tuple[Array, Array]:
    x, y, n = _cells(u * 1.7, v * 0.8 + 0.41 * np.floor(u * 1.7), table)
    round_ = np.sqrt(np.clip(1 - ((x - 0.5) / 0.46) ** 2, 0, 1))
    node = np.exp(-((np.minimum(y, 1 - y) / 0.05) ** 2))
    return (0.3 + 0.12 * node) * (round_ > 0), round_ * (0.35 + 0.5 * y + 0.15 * n[0]) - 0.3 * node


def _cladding(u: Array, v: Array, table: Array) -> tuple[Array, Array]:
    _, y, _ = _cells(u, v * 0.9, table)
    _, _, n = _cells(u * 5, v * 0.9, table)
    ridge = np.sin(2 * np.pi * u * 2.5)
    return 0.35 * y, 0.45 + 0.3 * ridge - 0.5 * (n[0] > 0.5) * np.exp(-y * (2 + 4 * n[1]))


def _chevrons(u: Array, v: Array, table: Array) -> tuple[Array, Array]:
    band = (v * 1.6 - np.abs(u % 1 - 0.5) * 1.8) % 1
    return 0.2 * band, band


_PATTERNS: dict[str, Pattern] = {
    function.__name__[1:]: function
    for function in (
        _bamboo, _bricks, _chevrons, _cladding, _drips, _drops, _fans, _grass,
        _knit, _leaves, _pebbles, _quilt, _scales, _shingles, _weave, _wood,
    )
}  # fmt: skip
CLASSES = tuple(_PATTERNS)


def draw(name: str, size: int, random: Random) -> Array:
    """A picture of one material: uint8 [size, size, 3]."""
    side = size * OVERSAMPLING
    axis = np.linspace(-1, 1, side)
    x, y = np.meshgrid(axis, axis)
    tilt, zoom = np.radians(random.uniform(-12, 12)), random.uniform(0.9, 1.7)
    aspect, warp = np.exp(random.uniform(-0.2, 0.2)), random.uniform(0.02, 0.08)
    u = (np.cos(tilt) * x + np.sin(tilt) * y) * zoom * aspect
    v = (np.cos(tilt) * y - np.sin(tilt) * x) * zoom / aspect
    u, v = (along + random.uniform(0, 30) + warp * clouds(random, side, (4, 4)) for along in (u, v))
    height, albedo = _PATTERNS[name](u, v, random.random((4, 32, 32)))
    # A surface that rises downwards faces the light above and is bright; a drop casts a dark edge.
    slope_down, slope_right = np.gradient(height + 0.02 * clouds(random, side, (24, 24)), axis, axis)
    facing = np.arctan(0.35 * (slope_down + random.uniform(-0.4, 0.4) * slope_right))
    shade = 0.85 + random.uniform(0.3, 0.6) * facing - random.uniform(0, 0.15) * y
    hue, bright = random.random(), random.uniform(0.65, 0.95)
    top = colour(random, hue, random.uniform(0.1, 0.6), bright)
    base = colour(random, hue + random.normal(0, 0.1), random.uniform(0.2, 0.7), bright * random.uniform(0.25, 0.55))
    if random.random() < 0.3:
        top, base = base, top
    mix = np.clip(albedo, 0, 1)[..., None]
    canvas = (base + (top - base) * mix) * shade[..., None] * (1 + 0.06 * clouds(random, side, (16, 16))[..., None])
    return finish(canvas, size, random, 0.03)
