"""The eight simulation parameters of Task2Sim (T2S section 4.1) and how a picture's scene is drawn from them.

Each parameter is fixed (0) or varied from picture to picture (1). Every (seed, class, image, parameter) draws from a
random stream of its own, so that flipping one parameter leaves all other draws as they were.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ndslib.core.errors import InputError
from ndslib.core.seeding import rng
from ndslib.sim import backgrounds, materials
from ndslib.sim.library import Stage
from ndslib.sim.scene import Placement, Scene, towards


class Parameter(NamedTuple):
    """A simulation parameter and its number of levels."""

    name: str
    levels: int


# In the order of T2S section 4.1; the names are those of the authors' reward table.
PARAMETERS = tuple(
    Parameter(name, 2)
    for name in (
        "object_rotation",
        "object_distance",
        "light_intensity",
        "light_color",
        "light_direction",
        "blur",
        "background",
        "materials",
    )
)
YAW, PITCH = 35.0, 20.0  # degrees: the camera's canonical view of an object's front
DISTANCE = 3.6  # from the camera to the object's centre, in half diagonals: the object just fills the picture
DISTANCES = (0.55, 1.7)  # the range of factors, drawn evenly in the logarithm
INTENSITIES = (0.4, 1.6)
COLORS = (0.05, 1.0)  # of each of red, green and blue
SUN_HEIGHTS = (15.0, 80.0)  # degrees above the horizon
BLUR_CHANCE = 0.75
APERTURES = (0.3, 0.65)  # the lens's radius, in half diagonals
FOCUS = (0.5, 2.2)  # the distance in focus over the object's distance
CANONICAL_SUN = (0.0, 0.7071, 0.7071)  # from the camera's left, so that the fixed background's wall is lit as well


def check_settings(settings: Sequence[int], parameters: Sequence[Parameter] = PARAMETERS) -> dict[str, int]:
    """Settings by parameter name.

    Raises:
        InputError: not one level for each parameter, or a level that does not exist.
    """
    names = [parameter.name for parameter in parameters]
    if len(settings) != len(parameters):
        raise InputError(f"settings {list(settings)} have {len(settings)} values; wanted {len(names)}: {names}")
    for value, parameter in zip(settings, parameters, strict=True):
        if value not in range(parameter.levels):
            raise InputError(f"{parameter.name} is {value!r}: choose a whole number from 0 to {parameter.levels - 1}")
    return {name: int(value) for name, value in zip(names, settings, strict=True)}


def sample_scene(stage: Stage, settings: dict[str, int], class_name: str, image: int, seed: int) -> Scene:
    """Draw the scene of picture `image` of a class: one object on the floor.

    Args:
        stage: gathers the mesh that the picture shows, one of its library's meshes of the class.
        settings: level by parameter name (`check_settings`).
    """

    def stream(name: str) -> np.random.Generator:
        return rng("sim", seed, class_name, image, name)

    meshes = stage.library.meshes(class_name)
    number = int(stream("mesh").integers(len(meshes)))
    mesh, varied = meshes[number], {name for name, level in settings.items() if level}
    rotation = _any_rotation(stream("object_rotation")) if "object_rotation" in varied else np.eye(3)
    height = -float((mesh.vertices @ rotation[1].astype(np.float32)).min())  # its lowest point touches the floor
    distance = DISTANCE
    if "object_distance" in varied:
        distance *= np.exp(stream("object_distance").uniform(*np.log(DISTANCES)))
    material, offset = [materials.index(name) for name in mesh.materials], np.zeros(3)
    if "materials" in varied:
        draw = stream("materials")
        material, offset = draw.integers(len(materials.NAMES), size=len(mesh.parts)), draw.uniform(0, 50, 3)
    target = np.array([0.0, height, 0.0])
    placement = Placement(stage.add(class_name, number), material, rotation, tuple(target), offset=tuple(offset))
    aperture, focus = _lens(stream("blur"), distance) if "blur" in varied else (0.0, distance)
    background, turned = backgrounds.index(backgrounds.DEFAULT), (0.0, 0.0, 0.0)
    if "background" in varied:
        draw = stream("background")
        background, turned = draw.integers(len(backgrounds.NAMES)), (*draw.uniform(0, 6.28, 3),)
    return Scene(
        [placement],
        eye=target + distance * towards(YAW, PITCH),
        target=target,
        background=background,
        aperture=aperture,
        focus=focus,
        light_direction=_sun(stream("light_direction")) if "light_direction" in varied else CANONICAL_SUN,
        light_color=stream("light_color").uniform(*COLORS, 3) if "light_color" in varied else np.ones(3),
        light_intensity=stream("light_intensity").uniform(*INTENSITIES) if "light_intensity" in varied else 1.0,
        background_offset=turned,
    )


def _any_rotation(random: np.random.Generator) -> np.ndarray:
    """A rotation matrix [3, 3], all rotations equally likely."""
    w, x, y, z = (q := random.normal(size=4)) / np.linalg.norm(q)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def _lens(random: np.random.Generator, distance: float) -> tuple[float, float]:
    """Aperture and distance in focus; one picture in four stays sharp all over."""
    blurred, aperture = random.random() < BLUR_CHANCE, random.uniform(*APERTURES)
    return (aperture if blurred else 0.0), distance * random.uniform(*FOCUS)


def _sun(random: np.random.Generator) -> np.ndarray:
    turn, height = random.uniform(0, 2 * np.pi), np.radians(random.uniform(*SUN_HEIGHTS))
    return np.array([np.cos(turn) * np.cos(height), np.sin(height), np.sin(turn) * np.cos(height)])
