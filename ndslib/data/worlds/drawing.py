"""Lines, colours and grain for pictures that are not photographs; the picture is [-1, 1]^2, x right and y down."""

import colorsys

import cv2
import numpy as np
from numpy import ndarray as Array
from numpy.random import Generator as Random


def arc(x: float, y: float, rx: float, ry: float, start: float = 0, end: float = 360) -> Array:
    """Points of an elliptic arc; degrees, 0 = right, 90 = down."""
    angle = np.radians(np.linspace(start, end, 24))
    return np.stack([x + rx * np.cos(angle), y + ry * np.sin(angle)], 1)


def wobble(points: Array, random: Random, amount: float) -> Array:
    """Resample a line densely and move it by smooth noise, as an unsteady hand would."""
    ends = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    along = np.linspace(0, ends[-1], 40)
    waves = random.normal(0, amount, (3, 2))[:, None] * np.sin(
        along[:, None] * random.uniform(2, 9, (3, 1, 2)) + random.uniform(0, 6.3, (3, 1, 2))
    )
    return np.stack([np.interp(along, ends, axis) for axis in points.T], 1) + waves.sum(0)


def colour(random: Random, hue: float, saturation: float, value: float, spread: float = 0.06) -> Array:
    """An RGB colour in [0, 1] near the given HSV."""
    hue, saturation, value = np.array([hue, saturation, value]) + random.normal(0, spread, 3) * [0.5, 1.5, 1.5]
    return np.array(colorsys.hsv_to_rgb(hue % 1, np.clip(saturation, 0, 1), np.clip(value, 0.05, 1)), np.float32)


def clouds(random: Random, side: int, cells: tuple[int, int]) -> Array:
    """Smooth noise float32 [side, side], about unit variance; `cells` (down, across) sets its grain."""
    return cv2.resize(random.normal(size=cells).astype(np.float32), (side, side), interpolation=cv2.INTER_CUBIC)


def finish(canvas: Array, size: int, random: Random, noise: float) -> Array:
    """Average the canvas (values 0..1) down, add sensor noise: uint8 [size, size, 3]."""
    image = cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA)
    image = image + random.normal(0, noise, image.shape)
    return (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)
