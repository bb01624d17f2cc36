"""Invented characters of one script: strokes as bent bars, seen from the front and printed in one ink."""

import itertools
from collections.abc import Callable

import numpy as np
from numpy import ndarray as Array
from numpy.random import Generator as Random

from ndslib.core.seeding import rng
from ndslib.data.worlds import styles
from ndslib.data.worlds.drawing import arc, wobble
from ndslib.data.worlds.staging import Shot, tilted_up
from ndslib.sim import backgrounds
from ndslib.sim.scene import Geometry, Placement, Scene
from ndslib.sim.solids import Solid, assemble, tube

# The script's habits give it an up: stems stand on a foot that turns right, bars hang at the top, marks float above,
# bowls and arms leave the stem. A class is a stem with its own subset of these, its sizes from the class's stream.
# Strokes are points (x right, y down) in [-1, 1]^2.
_STROKES: dict[str, Callable[[Random, float], Array]] = {
    "bar": lambda r, x: np.array([[x - r.uniform(0.1, 0.5), -0.6], [x + r.uniform(0.4, 0.9), -0.68]]),
    "bowl": lambda r, x: arc(x, r.uniform(-0.2, 0.25), r.uniform(0.4, 0.75), r.uniform(0.25, 0.42), -90, 90),
    "arch": lambda r, x: np.concatenate([arc(x + 0.33, -0.1, 0.33, 0.35, 180, 360), [[x + 0.66, r.uniform(0.4, 0.8)]]]),
    "arm": lambda r, x: np.array([[x, r.uniform(-0.3, 0.1)], [x - r.uniform(0.4, 0.7), r.uniform(0.3, 0.75)]]),
    "loop": lambda r, x: arc(x - 0.28, r.uniform(0.1, 0.5), 0.28, r.uniform(0.2, 0.32), -20, 320),
    "dot": lambda r, x: arc(x + r.uniform(-0.2, 0.4), -0.98, 0.06, 0.06, 0, 360),
    "roof": lambda r, x: np.array([[x - 0.45, -0.65], [x + r.uniform(-0.1, 0.2), -1.0], [x + 0.5, -0.62]]),
}
_PAIRS = itertools.islice(itertools.combinations(_STROKES, 2), 16)
_KINDS = {f"glyph-{number:02}": pair for number, pair in enumerate(_PAIRS, 1)}
CLASSES = tuple(_KINDS)


def draw(name: str, part: str, size: int, random: Random) -> Shot:
    """One copy of a character, written anew. The parts differ by their random numbers."""
    del part
    width, slant = random.uniform(0.05, 0.1), random.uniform(-0.2, 0.2)
    strokes = [_written(points, width, slant, random) for points in _strokes(name)]
    geometry = Geometry.of([assemble({"ink": ("plastic_black", strokes)}, name)])
    eye = np.array([*random.uniform(-1.1, 1.1, 2), 3.9])
    scene = Scene(
        [Placement(0, [0], np.eye(3), (0.0, 0.0, 0.0), random.uniform(0.75, 1.05))],
        eye=eye,
        target=(*random.uniform(-0.15, 0.15, 2), 0.0),
        up=tilted_up(random, 12),
        background=backgrounds.index(backgrounds.PLAIN),
    )
    return Shot(geometry, scene, size * styles.FINER, lambda shown, number: styles.ink(shown, number, random))


def _strokes(name: str) -> list[Array]:
    """The class's fixed strokes; the first is the stem."""
    random = rng("worlds", "glyphs", name)
    x, lean, foot = random.uniform(-0.35, 0.05), random.uniform(-0.15, 0.15), random.uniform(0.15, 0.45)
    stem = np.concatenate([[[x + lean, -0.65], [x, 0.0]], arc(x + foot, 0.55, foot, 0.3, 180, 60)])
    return [stem] + [_STROKES[kind](random, x) for kind in _KINDS[name]]


def _written(stroke: Array, width: float, slant: float, random: Random) -> Solid:
    """A bar along the stroke, by an unsteady hand, with a pen pressed at the start and lifted towards the end."""
    points = wobble(stroke + random.normal(0, 0.05, 2), random, 0.025)
    points = points + points[:, ::-1] * [-slant, 0]
    radii = width * random.uniform(0.85, 1.15) * np.linspace(1.25, 0.6, len(points))
    return tube(np.c_[points * [1, -1], np.zeros(len(points))], radii, sides=6)
