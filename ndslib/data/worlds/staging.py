"""What the worlds share when they compose scenes: meshes by part of a data set, and objects that stand on the floor."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.random import Generator as Random

from ndslib.sim import materials
from ndslib.sim.library import ProceduralLibrary, Stage
from ndslib.sim.renderer import Render, render
from ndslib.sim.scene import Geometry, Placement, Scene, batch, towards


@lru_cache
def library(part: str) -> ProceduralLibrary:
    """The whole catalogue; the parts train, val and test share no mesh."""
    return ProceduralLibrary(part=part)


def about_y(degrees: float) -> np.ndarray:
    """The rotation matrix float64 [3, 3] of a turn about the upright axis; an object's front turns from +z to +x."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cosine, 0.0, sine], [0.0, 1.0, 0.0], [-sine, 0.0, cosine]])


def stand(
    stage: Stage, name: str, random: Random, x: float = 0.0, z: float = 0.0, yaw: float = 0.0, scale: float = 1.0
) -> Placement:
    """One of a class's meshes, upright on the floor at (x, z), turned by `yaw` degrees, in its default materials.

    `scale` is half the length of its diagonal.
    """
    meshes = stage.library.meshes(name)
    number = int(random.integers(len(meshes)))
    mesh = meshes[number]
    height = -scale * float(mesh.vertices[:, 1].min())
    material = [materials.index(each) for each in mesh.materials]
    return Placement(stage.add(name, number), material, about_y(yaw), (x, height, z), scale)


def tilted_up(random: Random, degrees: float) -> np.ndarray:
    """An up vector float64 [3] for a camera that is held a little askew, by up to `degrees`."""
    roll = np.radians(random.uniform(-degrees, degrees))
    return np.array([np.sin(roll), np.cos(roll), 0.0])


def daylight(random: Random, turn: Sequence[float] = (0.0, 360.0), height: Sequence[float] = (25.0, 75.0)) -> dict:
    """A `Scene`'s fields for a sun somewhere in the sky, warm or cool, bright or dim."""
    warmth = random.uniform(-0.12, 0.12)
    return {
        "light_direction": towards(random.uniform(*turn), random.uniform(*height)),
        "light_color": np.clip([0.92 + warmth, 0.92, 0.92 - warmth], 0, 1),
        "light_intensity": random.uniform(0.75, 1.25),
    }


class Shot(NamedTuple):
    """A picture that is composed and not yet taken.

    Attributes:
        geometry: the meshes that the scene shows.
        scene: one scene.
        size: the side at which it is rendered, in pixels.
        finish: `finish(render, i)` makes picture i of a render what is asked for: uint8 [S, S, 3], RGB.
    """

    geometry: Geometry
    scene: Scene
    size: int
    finish: Callable[[Render, int], np.ndarray]


def take(shots: Sequence[Shot]) -> list[np.ndarray]:
    """The finished pictures uint8 [S, S, 3] of shots of one size; rendered together they are the same, and cheaper."""
    geometry = Geometry.join([shot.geometry for shot in shots])
    first = np.cumsum([0, *(len(shot.geometry.start) - 1 for shot in shots)]).tolist()
    scenes = [
        replace(shot.scene, objects=[replace(each, mesh=each.mesh + place) for each in shot.scene.objects])
        for shot, place in zip(shots, first, strict=False)
    ]
    shown = render(batch(geometry, scenes), shots[0].size)
    return [shot.finish(shown, number) for number, shot in enumerate(shots)]


def picture(shown: Render, number: int) -> np.ndarray:
    """Picture `number` of a render as it is, uint8 [S, S, 3]."""
    return shown.images[number].permute(1, 2, 0).numpy()
