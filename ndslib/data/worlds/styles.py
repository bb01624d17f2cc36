"""From a render's buffers to a picture by another hand: a pencil drawing, a cartoon, ink on paper.

All work on picture `number` of a render of twice the picture's size and return uint8 [S, S, 3] (RGB).
"""

import cv2
import numpy as np
from numpy import ndarray as Array
from numpy.random import Generator as Random

from ndslib.data.worlds.drawing import clouds, colour, finish
from ndslib.data.worlds.staging import picture
from ndslib.sim.renderer import Render

FINER = 2  # a render's size over the picture's
_CREASE = 0.75  # cosine between the normals of neighbouring pixels below which there is a line


def sketch(render: Render, number: int, random: Random) -> Array:
    """A line drawing: outlines, part borders and creases of the objects, by an unsteady pencil on paper."""
    lines = _lines(render, number)
    size = lines.shape[0] // FINER
    ink = cv2.dilate(lines, np.ones((2, 2))) if random.random() < 0.5 else lines
    ink = _shaken(ink.astype(np.float32), random, random.uniform(0.3, 1.0))
    ink *= np.clip(random.uniform(0.7, 1.1) + 0.25 * clouds(random, len(ink), (5, 5)), 0, 1)
    paper = random.uniform(0.88, 1.0)
    page = paper - (paper - random.uniform(0.0, 0.35)) * np.clip(ink, 0, 1)
    return finish(np.repeat(page[..., None], 3, 2).astype(np.float32), size, random, 0.02)


def cartoon(render: Render, number: int, random: Random) -> Array:
    """Flat, strong colours in a few steps of light, with dark outlines, before a plain backdrop."""
    image = np.ascontiguousarray(picture(render, number))
    hue, saturation, value = cv2.split(cv2.cvtColor(image, cv2.COLOR_RGB2HSV).astype(np.float32) / 255)
    steps = random.integers(3, 5)
    value = (np.floor(value * steps * 0.999) + 0.7) / steps
    saturation = np.clip(saturation * random.uniform(1.2, 1.6), 0, 1)
    flat = (np.stack([hue, saturation, np.clip(value, 0, 1)], 2) * 255).astype(np.uint8)
    canvas = cv2.cvtColor(flat, cv2.COLOR_HSV2RGB).astype(np.float32) / 255
    backdrop = colour(random, random.random(), random.uniform(0.1, 0.6), 0.9)
    canvas = np.where(render.instances[number].numpy()[..., None] > 0, canvas, backdrop)
    canvas = canvas * (1 - 0.9 * cv2.dilate(_lines(render, number), np.ones((2, 2)))[..., None])
    return finish(canvas.astype(np.float32), len(image) // FINER, random, 0.01)


def ink(render: Render, number: int, random: Random) -> Array:
    """The objects' silhouette in one ink on uneven paper, light on dark or dark on light."""
    mask = (render.instances[number] > 0).numpy().astype(np.float32)
    side = len(mask)
    light = 0.8 + 0.12 * clouds(random, side, (3, 3))[..., None] * colour(random, random.random(), 0.2, 1)
    dark = random.uniform(0.02, 0.3) * colour(random, random.random(), 0.3, 1)
    paper, pen = (light, dark) if random.random() < 0.5 else (dark, light)
    return finish((paper + (pen - paper) * mask[..., None]).astype(np.float32), side // FINER, random, 0.04)


def _lines(render: Render, number: int) -> Array:
    """Where a line is drawn, uint8 [H, W]: a border between parts or to the background, or a crease."""
    owner = render.instances[number].numpy() * 1000 + render.parts[number].numpy()
    normal = render.normals[number].numpy()
    lines = np.zeros(owner.shape, np.uint8)
    on_object = render.instances[number].numpy() > 0
    for axis in (0, 1):
        one, other = (np.take(owner, _inner(owner, axis, side), axis) for side in (0, 1))
        first, second = (np.take(normal, _inner(owner, axis, side), axis + 1) for side in (0, 1))
        both = np.logical_and(*(np.take(on_object, _inner(owner, axis, side), axis) for side in (0, 1)))
        border = (one != other) | (both & ((first * second).sum(0) < _CREASE))
        target = lines[:-1] if axis == 0 else lines[:, :-1]
        target |= border.astype(np.uint8)
    return lines


def _inner(array: Array, axis: int, side: int) -> Array:
    return np.arange(array.shape[axis] - 1) + side


def _shaken(ink: Array, random: Random, amount: float) -> Array:
    """Move the lines by smooth noise of about `amount` pixels."""
    side = len(ink)
    down, right = np.mgrid[:side, :side].astype(np.float32)
    right, down = (axis + amount * clouds(random, side, (6, 6)) for axis in (right, down))
    return cv2.remap(ink, right, down, cv2.INTER_LINEAR)
