"""Invented characters of one script, light on dark or dark on light."""

import itertools
from collections.abc import Callable

import cv2
import numpy as np
from numpy import ndarray as Array
from numpy.random import Generator as Random

from ndslib.core.seeding import rng
from ndslib.data.worlds.drawing import OVERSAMPLING, arc, clouds, colour, finish, fractional, pose, wobble

# The script's habits give it an up: stems stand on a foot that turns right, bars hang at the top, marks float above,
# bowls and arms leave the stem. A class is a stem with its own subset of these, its sizes from the class's stream.
_STROKES: dict[str, Callable[[Random, float], Array]] = {
    "bar": lambda r, x: np.array([[x - r.uniform(0.1, 0.5), -0.6], [x + r.uniform(0.4, 0.9), -0.68]]),
    "bowl": lambda r, x: arc(x, r.uniform(-0.2, 0.25), r.uniform(0.4, 0.75), r.uniform(0.25, 0.42), -90, 90),
    "arch": lambda r, x: np.concatenate([arc(x + 0.33, -0.1, 0.33, 0.35, 180, 360), [[x + 0.66, r.uniform(0.4, 0.8)]]]),
    "arm": lambda r, x: np.array([[x, r.uniform(-0.3, 0.1)], [x - r.uniform(0.4, 0.7), r.uniform(0.3, 0.75)]]),
    "loop": lambda r, x: arc(x - 0.28, r.uniform(0.1, 0.5), 0.28, r.uniform(0.2, 0.32), -20, 320),
    "dot": lambda r, x: arc(x + r.uniform(-0.2, 0.4), -0.98, 0.06, 0.06, 0, 360),
    "roof": lambda r, x: np.array([[x - 0.45, -0.65], [x + r.uniform(-0.1, 0.2), -1.0], [x + 0.5, -0.62]]),
}
CLASSES = {f"glyph-{i + 1:02}": kinds for i, kinds in enumerate(itertools.combinations(_STROKES, 2)) if i < 16}


def _glyph_strokes(name: str) -> list[Array]:
    """The class's fixed strokes in the unit frame; the first is the stem."""
    random = rng("worlds", "glyphs", name)
    x, lean, foot = random.uniform(-0.35, 0.05), random.uniform(-0.15, 0.15), random.uniform(0.15, 0.45)
    stem = np.concatenate([[[x + lean, -0.65], [x, 0.0]], arc(x + foot, 0.55, foot, 0.3, 180, 60)])
    return [stem] + [_STROKES[kind](random, x) for kind in CLASSES[name]]


def draw(name: str, size: int, random: Random) -> Array:
    """One handwritten copy of a character: uint8 [size, size, 3]."""
    side = size * OVERSAMPLING
    ink = np.zeros((side, side), np.float32)
    place, width, slant = pose(random), random.uniform(0.05, 0.1), random.uniform(-0.2, 0.2)
    beyond = [np.array([0, random.choice([-1.6, 1.6])]) for _ in range(random.integers(3))]
    strays = [random.uniform(-1.2, 1.2, (2, 2)) + shift for shift in beyond]  # of the lines above and below
    for stroke in _glyph_strokes(name) + strays:
        points = wobble(stroke + random.normal(0, 0.05, 2), random, 0.025)
        points = place(points + points[:, ::-1] * [-slant, 0])
        # A pen pressed at the start of the stroke and lifted towards its end.
        radii = width * random.uniform(0.85, 1.15) * np.linspace(1.25, 0.6, len(points))
        for point, radius in zip(fractional(points, side), radii, strict=True):
            cv2.circle(ink, point.tolist(), int(radius * side * 8), 1.0, cv2.FILLED, cv2.LINE_AA, 4)
    light = 0.8 + 0.12 * clouds(random, side, (3, 3))[..., None] * colour(random, random.random(), 0.2, 1)
    dark = random.uniform(0.02, 0.3) * colour(random, random.random(), 0.3, 1)
    paper, pen = (light, dark) if random.random() < 0.5 else (dark, light)
    return finish(paper + (pen - paper) * ink[..., None], size, random, 0.04)
