"""The manifest: what a program that renders on its own is told of the pictures it has to make (T2S section 4.1).

A manifest is a text file of JSON Lines, one picture a line:

- `file`: the name that the picture must have in the output folder; `size`: its side in pixels.
- `class`: the object's class; `image`: the picture's number in its class; `mesh`: which of the program's N meshes of
  the class to show, a number u in [0, 1): mesh floor(u N).
- one key for each simulation parameter, null where it is fixed: then the program's own default holds. Where it is
  varied, the value is drawn, in the ranges that the authors used:
    - `object_rotation`: unit quaternion [x, y, z, w], after turns about x, y and z by -180 to 180 degrees each.
    - `object_distance`: factor on the camera's distance, 0.4 to 1.5.
    - `light_intensity`: added to the sun's intensity (1 is a usual sun), -0.6 to 0.6.
    - `light_color`: the sun's [red, green, blue], 0.05 to 1 each.
    - `light_direction`: {"yaw", "pitch"}, the degrees by which to turn the sun, 0 to 360 each.
    - `blur`: {"focus", "aperture"}: how far behind the object (negative: before it) the picture is sharp, -1 to 1, and
      the f-number, 0.5 to 1.2, or null in the quarter of the pictures that stays sharp all over. Lengths are in units
      of the object's longest side; the camera stands 2.12 of them away.
    - `background`: {"choice", "direction"}: which of the program's backgrounds, as for `mesh`, and the unit vector
      [x, y, z] along which the camera looks at it, any direction.
    - `materials`: a seed, 0 to 2**32 - 1, to draw a material for each part of the object from.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from ndslib.core.errors import InputError
from ndslib.core.files import atomic_path, digest
from ndslib.core.seeding import rng

Picture = dict[str, Any]  # one line of a manifest

ANGLE = 180.0  # degrees either way, about each axis
DISTANCES = (0.4, 1.5)
INTENSITY = 0.6  # either way
COLORS = (0.05, 1.0)
BLUR_CHANCE = 0.75
FOCUS = 1.0  # either way
APERTURES = (0.5, 1.2)


def _rotation(random: np.random.Generator) -> list[float]:
    return Rotation.from_euler("xyz", random.uniform(-ANGLE, ANGLE, 3), degrees=True).as_quat().tolist()


def _light_direction(random: np.random.Generator) -> dict[str, float]:
    yaw, pitch = random.uniform(0, 360, 2).tolist()
    return {"yaw": yaw, "pitch": pitch}


def _blur(random: np.random.Generator) -> dict[str, float | None]:
    blurred, focus, aperture = random.random() < BLUR_CHANCE, random.uniform(-FOCUS, FOCUS), random.uniform(*APERTURES)
    return {"focus": focus, "aperture": aperture if blurred else None}


def _background(random: np.random.Generator) -> dict[str, Any]:
    choice, direction = random.random(), random.normal(size=3)
    return {"choice": choice, "direction": (direction / np.linalg.norm(direction)).tolist()}


_DRAWS = {
    "object_rotation": _rotation,
    "object_distance": lambda random: random.uniform(*DISTANCES),
    "light_intensity": lambda random: random.uniform(-INTENSITY, INTENSITY),
    "light_color": lambda random: random.uniform(*COLORS, 3).tolist(),
    "light_direction": _light_direction,
    "blur": _blur,
    "background": _background,
    "materials": lambda random: int(random.integers(2**32)),
}


def draw_picture(levels: dict[str, int], class_name: str, image: int, size: int, seed: int) -> Picture:
    """One line of a manifest. Every (seed, class, image, parameter) draws from a random stream of its own.

    So flipping one parameter changes its key and, as the name of the file names the content, `file`; nothing else.

    Args:
        levels: level by parameter name (`ndslib.sim.parameters.check_settings`).
        image: the picture's number in its class.
        size: the picture's side in pixels.
    """

    def stream(name: str) -> np.random.Generator:
        return rng("sim", seed, class_name, image, name)

    picture = {"class": class_name, "image": image, "size": size, "mesh": stream("mesh").random()}
    picture |= {name: draw(stream(name)) if levels[name] else None for name, draw in _DRAWS.items()}
    return {"file": f"{digest(picture)}.png", **picture}


def write_manifest(path: Path, pictures: Iterable[Picture]) -> None:
    """Write pictures as JSON Lines, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text("".join(json.dumps(picture) + "\n" for picture in pictures))


def read_manifest(path: Path) -> list[Picture]:
    """The pictures of a manifest, at least one.

    Raises:
        InputError: the file is absent or empty, or a line is not JSON or lacks a key.
    """
    try:
        lines = path.read_text().splitlines()
    except OSError as error:
        raise InputError(f"{path}: the manifest cannot be read ({error.strerror})") from error
    if not lines:
        raise InputError(f"{path}: the manifest is empty; wanted a line of JSON for each picture")
    return [_parsed(line, f"{path}, line {number}") for number, line in enumerate(lines, start=1)]


def _parsed(line: str, where: str) -> Picture:
    try:
        picture = json.loads(line)
    except ValueError as error:
        raise InputError(f"{where}: not JSON ({error}); let `write_manifest` write the file") from error
    missing = {"file", "class", "image", "size", "mesh", *_DRAWS} - set(picture)
    if missing:
        raise InputError(f"{where}: no {sorted(missing)}; let `write_manifest` write the file")
    return picture
