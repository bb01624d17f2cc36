"""Materials seen close up: a slab of a pattern, in any of its colours, that lies tilted before the camera."""

from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np
from numpy import ndarray as Array
from numpy.random import Generator as Random

from ndslib.data.worlds.staging import Shot, daylight, picture
from ndslib.sim import backgrounds, materials
from ndslib.sim.scene import Geometry, Placement, Scene, towards
from ndslib.sim.solids import assemble, box

CLASSES = ("bricks", "camouflage", "cells", "dashes", "fur", "marble", "patches", "planks", "scales", "speckle",
           "spots", "strata", "tiles", "weave", "wood", "zebra")  # fmt: skip
_REACH = 6.0  # half the slab's diagonal; patterns keep their size on an object


def draw(name: str, part: str, size: int, random: Random) -> Shot:
    """A picture of a pattern. Its far side is up and the light comes from there.

    There are no meshes to tell the parts apart; they differ by their random numbers.
    """
    del part
    choices = [each for each, material in materials.MATERIALS.items() if material.pattern == name]
    material, scale = materials.index(str(random.choice(choices))), random.uniform(1.6, 3.2)
    slab = Placement(0, [material], np.eye(3), (0.0, 0.0, 0.0), offset=random.uniform(0, 50, 3))
    scene = Scene(
        [slab],
        eye=scale * towards(random.uniform(-15, 15), random.uniform(-50, -20)),
        target=random.uniform(-0.2, 0.2, 3) * [1, 1, 0],
        background=backgrounds.index(backgrounds.PLAIN),
        **daylight(random, turn=(-40, 40), height=(40, 70)),
    )
    return Shot(_slab(), scene, size, lambda shown, number: _recoloured(picture(shown, number), random))


@lru_cache
def _slab() -> Geometry:
    """A plate whose front is the plane z = 0."""
    mesh = assemble({"slab": ("oak", box(2.0, 2.0, 0.2))})
    vertices = _REACH * (mesh.vertices - [0, 0, mesh.vertices[:, 2].max()])
    return Geometry.of([replace(mesh, vertices=vertices.astype(np.float32))])


def _recoloured(image: Array, random: Random) -> Array:
    """Another hue, as a pattern is known by its form and not by its colour, under a lamp above that fades downwards."""
    hsv = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2HSV).astype(np.float32)
    hsv[..., 0] = (hsv[..., 0] + random.integers(180)) % 180
    falloff = np.linspace(random.uniform(1.1, 1.4), random.uniform(0.45, 0.8), len(image))
    hsv[..., 2] = np.clip(hsv[..., 2] * falloff[:, None], 0, 255)
    return cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB)
