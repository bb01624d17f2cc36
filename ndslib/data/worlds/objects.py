"""Sixteen objects made of parts, as line drawings (sketches) and as shaded colour pictures (photos)."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy import ndarray as Array
from numpy.random import Generator as Random

from ndslib.data.worlds.drawing import OVERSAMPLING, arc, clouds, colour, finish, fractional, pose, wobble


@dataclass(frozen=True)
class Part:
    """An outline float [P, 2] in the unit frame with its colour tone; optional parts are there in half the images."""

    tone: str
    points: Array
    closed: bool = True
    optional: bool = False


def _poly(tone: str, *xy: float, optional: bool = False) -> Part:
    return Part(tone, np.array(xy, float).reshape(-1, 2), optional=optional)


def _box(tone: str, x0: float, y0: float, x1: float, y1: float, optional: bool = False) -> Part:
    return _poly(tone, x0, y0, x1, y0, x1, y1, x0, y1, optional=optional)


def _oval(tone: str, *ellipse: float, **more: bool) -> Part:
    """`ellipse` is x, y, rx, ry and for an arc its start and end, as in `arc`."""
    return Part(tone, arc(*ellipse), **more)


# Tones: m main and a accent colour (any hue), g green, w wood, y yellow, r red, l light, k dark, b glass.
CLASSES: dict[str, list[Part]] = {
    "bird": [
        _poly("k", -.1, .5, -.15, .95, .1, .95, .05, .5), _poly("a", -.4, .1, -1, -.15, -.9, .3),
        _oval("m", -.05, .15, .6, .42), _oval("m", .5, -.35, .3, .28), _poly("y", .75, -.42, 1.05, -.28, .75, -.2),
        _oval("a", -.15, .1, .35, .2, 0, 180), _oval("k", .55, -.4, .06, .06),
    ],
    "car": [
        _poly("m", -.55, 0, -.3, -.5, .35, -.5, .6, 0), _poly("b", -.38, 0, -.22, -.38, .02, -.38, .02, 0),
        _poly("b", .1, 0, .1, -.38, .3, -.38, .45, 0), _poly("m", -1, 0, .9, 0, 1, .2, 1, .5, -1, .5),
        _oval("k", -.55, .5, .27, .27), _oval("k", .55, .5, .27, .27), _oval("l", -.55, .5, .12, .12),
        _oval("l", .55, .5, .12, .12), _box("y", .82, .1, .98, .25, True),
    ],
    "cat": [
        _poly("m", -.75, -.25, -.65, -1, -.15, -.55), _poly("m", .75, -.25, .65, -1, .15, -.55),
        _oval("m", 0, .1, .8, .72), _oval("g", -.32, -.08, .17, .13), _oval("g", .32, -.08, .17, .13),
        _oval("k", -.32, -.08, .06, .12), _oval("k", .32, -.08, .06, .12), _poly("r", -.13, .22, .13, .22, 0, .36),
        _oval("k", 0, .38, .28, .16, 20, 160, closed=False),
    ],
    "chair": [
        _box("w", -.5, .2, -.36, 1), _box("w", .4, .2, .54, 1), _box("w", -.6, -1, -.44, .2),
        _box("w", .1, -1, .26, .1, True), _box("m", -.6, -.95, .25, -.35),
        _poly("m", -.6, .1, .4, .1, .65, .3, -.5, .3),
    ],
    "cup": [
        _oval("l", 0, .75, .95, .2), _oval("m", .55, .05, .4, .38, -100, 100, closed=False),
        _poly("m", -.65, -.45, .6, -.45, .4, .75, -.45, .75), _oval("w", -.02, -.45, .63, .16),
        _poly("a", -.6, -.1, .55, -.1, .51, .2, -.56, .2, optional=True),
    ],
    "fir": [
        _box("w", -.12, .5, .12, 1), _poly("g", -.8, .65, .8, .65, 0, -.2), _poly("g", -.62, .15, .62, .15, 0, -.6),
        _poly("g", -.42, -.35, .42, -.35, 0, -1),
    ],
    "fish": [
        _poly("a", -.2, -.3, .1, -.8, .45, -.25), _poly("a", -.6, 0, -1.05, -.45, -.9, 0, -1.05, .4),
        _oval("m", .1, 0, .8, .42), _oval("l", .12, .12, .62, .26, 0, 180),
        _poly("a", .1, .1, -.15, .4, .35, .3, optional=True), _oval("l", .58, -.1, .12, .12),
        _oval("k", .6, -.1, .06, .06),
    ],
    "flower": [
        _poly("g", -.05, 0, .05, 0, .06, 1, -.06, 1), _poly("g", 0, .8, -.6, .35, -.15, .5),
        _poly("g", 0, .85, .6, .4, .15, .55, optional=True),
        *[_oval("m", .36 * np.cos(t), -.4 + .36 * np.sin(t), .25, .25) for t in np.arange(6) * np.pi / 3],
        _oval("y", 0, -.4, .22, .22),
    ],
    "house": [
        _box("r", .35, -.95, .6, -.2, True), _box("m", -.75, -.15, .75, .95),
        _poly("a", -.95, -.15, 0, -.95, .95, -.15), _box("w", -.18, .35, .18, .95), _box("b", -.6, .1, -.3, .45),
        _box("b", .3, .1, .6, .45), _oval("b", 0, -.42, .13, .13, optional=True),
    ],
    "lamp": [
        _oval("k", 0, .9, .45, .12), _box("k", -.06, -.2, .06, .88),
        _poly("y", -.4, -.95, .4, -.95, .8, -.05, -.8, -.05),
        _poly("a", -.73, -.22, .73, -.22, .8, -.05, -.8, -.05, optional=True),
    ],
    "mushroom": [
        _poly("l", -.22, -.1, .22, -.1, .34, .95, -.34, .95), _oval("m", 0, 0, .95, .85, 180, 360),
        _oval("l", -.45, -.28, .14, .11), _oval("l", .05, -.55, .16, .12),
        _oval("l", .5, -.25, .13, .1, optional=True),
    ],
    "rocket": [
        _poly("y", -.22, .6, .22, .6, 0, 1.05, optional=True), _poly("a", -.3, .1, -.7, .7, -.3, .6),
        _poly("a", .3, .1, .7, .7, .3, .6), _box("l", -.32, -.4, .32, .65),
        _poly("m", -.32, -.4, -.2, -.75, 0, -1, .2, -.75, .32, -.4), _oval("b", 0, -.1, .17, .17),
    ],
    "sailboat": [
        _box("w", -.05, -1, .03, .5), _poly("l", .06, -.95, .06, .35, .85, .35),
        _poly("a", -.08, -.75, -.08, .35, -.7, .35), _poly("m", -1, .45, 1, .45, .6, .95, -.65, .95),
    ],
    "snowman": [
        _oval("l", 0, .5, .58, .5), _oval("l", 0, -.2, .38, .36), _box("m", -.4, -.62, .4, -.5),
        _box("m", -.25, -1, .25, -.58), _oval("k", -.14, -.28, .05, .05), _oval("k", .14, -.28, .05, .05),
        _poly("r", 0, -.2, .45, -.1, 0, -.1), _box("a", -.38, .02, .38, .16, True),
    ],
    "tree": [
        _poly("w", -.14, .1, .14, .1, .22, 1, -.22, 1), _oval("g", -.42, -.15, .45, .4),
        _oval("g", .42, -.15, .45, .4), _oval("g", 0, -.5, .55, .48), _oval("r", -.25, -.3, .09, .09, optional=True),
        _oval("r", .3, -.2, .09, .09, optional=True),
    ],
    "umbrella": [
        _box("k", -.04, -.1, .05, .8), _oval("k", .17, .8, .16, .18, 180, 0, closed=False),
        _oval("m", 0, .0, 1, .85, 180, 360), _oval("a", 0, .0, .38, .85, 180, 360),
        _poly("k", -.03, -.83, .03, -.83, 0, -1.02),
    ],
}  # fmt: skip


def _pose_object(name: str, random: Random) -> Iterator[Part]:
    """The object's parts, back to front, each resized and moved a little, in a common pose."""
    place, mirror = pose(random), random.choice([-1, 1])
    for part in CLASSES[name]:
        absent = part.optional and random.random() < 0.5
        jitter, drift, centre = np.exp(random.normal(0, 0.08, 2)), random.normal(0, 0.03, 2), part.points.mean(0)
        if not absent:
            points = centre + (part.points - centre) * jitter + drift
            points = np.concatenate([points, points[:1]]) if part.closed else points
            yield Part(part.tone, place(wobble(points, random, 0.012) * [mirror, 1]), part.closed)


def _bounds(parts: list[Part]) -> tuple[Array, Array]:
    """The (x, y) of the object's top left and bottom right."""
    points = np.concatenate([part.points for part in parts])
    return points.min(0), points.max(0)


def draw_sketch(name: str, size: int, random: Random) -> Array:
    """A black line drawing on white paper: uint8 [size, size, 3]."""
    side = size * OVERSAMPLING
    page = np.ones((side, side), np.float32)
    width = max(1, round(side * random.uniform(0.012, 0.032)))

    def line(points: Array, ink: float) -> None:
        cv2.polylines(page, [fractional(points, side)], False, ink, width, cv2.LINE_AA, 4)

    for _ in range(random.integers(4)):  # stray pencil lines behind the drawing
        start = random.uniform(-1, 1, 2)
        line(wobble(np.stack([start, start + random.normal(0, 0.4, 2)]), random, 0.02), random.uniform(0.4, 0.8))
    parts = list(_pose_object(name, random))
    (left, _), (right, bottom) = _bounds(parts)
    for _ in range(random.choice([0, 0, 1, 2, 3])):  # strokes of ground under the object
        ground = np.stack([random.uniform(left - 0.15, right + 0.15, 2), bottom + random.normal(0, 0.04, 2)], 1)
        line(wobble(ground, random, 0.015), random.uniform(0, 0.5))
    for part in parts:
        if part.closed:
            cv2.fillPoly(page, [fractional(part.points, side)], 1.0, cv2.LINE_AA, 4)  # paper hides what lies behind
        for _ in range(random.integers(1, 3)):
            line(wobble(part.points, random, 0.008), random.uniform(0, 0.25))
    return finish(np.repeat(page[..., None], 3, 2), size, random, 0.02)


def _palette(random: Random) -> dict[str, Array]:
    """One colour a tone: the free ones of any hue, the fixed ones near their own."""
    main = random.random()
    fixed = {"g": (0.3, 0.6, 0.55), "w": (0.08, 0.55, 0.5), "y": (0.14, 0.7, 0.9), "r": (0.01, 0.7, 0.75)}
    fixed |= {"l": (0.1, 0.06, 0.92), "k": (0.6, 0.2, 0.15), "b": (0.55, 0.35, 0.75)}
    free = {"m": (main, 0.6, 0.7), "a": (main + random.uniform(0.2, 0.8), 0.55, 0.65)}
    return {tone: colour(random, *hsv) for tone, hsv in (fixed | free).items()}


def _backdrop(random: Random, side: int) -> Array:
    """A wall or sky, a floor in half the pictures, and out-of-focus clutter: float32 [side, side, 3].

    Neither its light nor the order of its colours tells which way is up, or rotation would be learnt from it alone.
    """
    axis, turn = np.linspace(-1, 1, side, dtype=np.float32), random.uniform(0, 2 * np.pi)
    light = 1 + random.uniform(0, 0.25) * (np.cos(turn) * axis + np.sin(turn) * axis[:, None])
    canvas = light[..., None] * colour(random, random.random(), 0.35, 0.65, 0.12)
    if random.random() < 0.5:
        floor = light[..., None] * colour(random, random.random(), 0.35, 0.65, 0.12)
        horizon = int(side * random.uniform(0.45, 0.8))
        canvas[horizon:] = floor[horizon:]
    for _ in range(random.integers(6)):
        blob = np.zeros((side, side), np.float32)
        outline = arc(*random.uniform(-1.1, 1.1, 2), *random.uniform(0.1, 0.4, 2), 0, 360)
        cv2.fillPoly(blob, [fractional(outline, side)], 1.0, cv2.LINE_AA, 4)
        canvas += blob[..., None] * (colour(random, random.random(), 0.35, random.uniform(0.4, 0.9)) - canvas)
    canvas *= 1 + 0.06 * clouds(random, side, (9, 9))[..., None]
    return cv2.GaussianBlur(canvas.astype(np.float32), (0, 0), side * 0.012)


def _mask(part: Part, side: int, drop: float = 0.0) -> Array:
    """Where the part is, moved down by `drop`: float32 [side, side, 1] in [0, 1]."""
    mask = np.zeros((side, side, 1), np.float32)
    outline = fractional(part.points + np.array([0, drop]), side)
    if part.closed:
        cv2.fillPoly(mask, [outline], 1.0, cv2.LINE_AA, 4)
    else:
        cv2.polylines(mask, [outline], False, 1.0, max(1, side // 24), cv2.LINE_AA, 4)
    return mask


def _darken(canvas: Array, mask: Array, strength: float, softness: float) -> None:
    """Lay a soft shadow of the mask's shape on the canvas, in place."""
    canvas *= 1 - strength * cv2.GaussianBlur(mask, (0, 0), canvas.shape[0] * softness)[..., None]


def draw_photo(name: str, size: int, random: Random) -> Array:
    """A filled, shaded colour picture, lit from above: uint8 [size, size, 3]."""
    side = size * OVERSAMPLING
    down = np.linspace(-1, 1, side, dtype=np.float32)[:, None, None]
    right = down.transpose(1, 0, 2)
    canvas, palette = _backdrop(random, side), _palette(random)
    parts = list(_pose_object(name, random))
    (x0, _), (x1, bottom) = _bounds(parts)
    footprint = Part("k", arc((x0 + x1) / 2, bottom - 0.02, (x1 - x0) / 2, 0.13))
    _darken(canvas, _mask(footprint, side), random.uniform(0.2, 0.5), 0.03)
    side_light, contrast = random.uniform(-0.25, 0.25), random.uniform(0.2, 0.5)
    grain = 0.08 * clouds(random, side, (20, 20))[..., None]
    for part in parts:
        low, high = (corner.tolist() for corner in _bounds([part]))
        depth = np.clip((down - low[1]) / (high[1] - low[1] + 1e-3), 0, 1)
        across = (right - low[0]) / (high[0] - low[0] + 1e-3) - 0.5
        shade = 1.2 - contrast * depth**1.5 + side_light * across + grain
        _darken(canvas, _mask(part, side, drop=0.06), 0.25, 0.02)  # on what lies behind and below the part
        canvas += _mask(part, side) * (palette[part.tone] * shade - canvas)
    canvas = cv2.GaussianBlur(canvas, (0, 0), side * random.uniform(0.006, 0.016))
    return finish(canvas * colour(random, 0.1, 0.05, random.uniform(0.75, 1.05)) ** 0.8, size, random, 0.025)
