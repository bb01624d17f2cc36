"""Several objects on a floor before a camera: none inside another, each in sight, often one in front of another."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.random import Generator as Random

from ndslib.core.parallel import one_thread
from ndslib.data.worlds.places import LYING, Place
from ndslib.data.worlds.staging import about_y, daylight, library, tilted_up
from ndslib.sim import backgrounds, materials
from ndslib.sim.camera import frame, project
from ndslib.sim.library import MESHES_PER_CLASS, Stage
from ndslib.sim.objects import place as place_faces
from ndslib.sim.raster import rasterise
from ndslib.sim.renderer import Render, render
from ndslib.sim.scene import Placement, Scene, SceneBatch, batch, towards

MIN_PIXELS = 12  # an object shows at least so many pixels
MIN_SHARE = 0.15  # and at least this share of those that it would show on its own
ROUNDS = 12  # times that hidden objects are taken away and others put in
TRIES = 20  # places tried for an object
FIELDS_OF_VIEW = (36.0, 50.0)  # degrees
SCALES = (0.85, 1.18)  # factors on a class's size
APPARENT = (0.1, 0.9)  # an object's diagonal over the picture's height
OPEN = 16.0  # how far from the centre things may stand where no wall ends the place
ON_ITS_BACK = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])  # the front looks up


@dataclass(frozen=True)
class Standing:
    """An object on the floor: its class, its placement, and the radius of a circle about it that holds its outline."""

    name: str
    placement: Placement
    radius: float


@dataclass(frozen=True)
class Arrangement:
    """A picture and what is in it.

    Attributes:
        names: the classes of its N objects.
        scene: a batch of one scene with these objects.
        shown: its picture; instance i + 1 is object i.
    """

    names: tuple[str, ...]
    scene: SceneBatch
    shown: Render


def arrange(
    place: Place, classes: Sequence[str], objects: tuple[int, int], part: str, size: int, random: Random
) -> Arrangement | None:
    """Draw the camera, the light and the background, and then objects until as many as wanted are in sight.

    Args:
        classes: keys of `place.sizes`, all equally likely.
        objects: the fewest and the most.
        part: whose meshes to use: train, val or test.
        size: the picture's side in pixels.

    Returns:
        None when not even the fewest objects found a place in sight.
    """
    stage, view = Stage(library(part)), _view(place, random)
    wanted, standing = int(random.integers(objects[0], objects[1] + 1)), []
    for _ in range(ROUNDS):
        names = random.choice(classes, max(wanted - len(standing), 0)).tolist()
        for name in sorted(names, key=place.sizes.get, reverse=True):  # large ones while there is room
            standing += _find_room(stage, name, place.sizes[name], view, standing, random)
        if len(standing) >= objects[0]:
            alone = batch(stage.geometry(), [replace(view, objects=[each.placement]) for each in standing])
            scene = batch(alone.geometry, [replace(view, objects=[each.placement for each in standing])])
            shown = render(scene, size)
            in_sight = _in_sight(shown, _covered(alone, size))
            if in_sight.all():
                return Arrangement(tuple(each.name for each in standing), scene, shown)
            standing = [each for each, keep in zip(standing, in_sight, strict=True) if keep]
        wanted = max(wanted - 1, objects[0])  # so that it ends, where only so many can be seen
    return None


def _view(place: Place, random: Random) -> Scene:
    """The scene without objects."""
    x, z = random.uniform(-0.8, 0.8, 2)
    target = np.array([x, 0.0, z])
    away = towards(random.uniform(0, 360), random.uniform(*place.pitch))
    return Scene(
        [],
        eye=target + random.uniform(*place.distance) * away,
        target=target,
        up=tilted_up(random, 3),
        field_of_view=random.uniform(*FIELDS_OF_VIEW),
        background=backgrounds.index(str(random.choice(place.backgrounds))),
        background_offset=random.uniform(0, 2 * np.pi, 3),
        **daylight(random, height=place.sun),
    )


def _find_room(
    stage: Stage, name: str, size: float, view: Scene, standing: Sequence[Standing], random: Random
) -> list[Standing]:
    """An object of the class in a free place before the camera; nothing when none of those tried is free."""
    number, scale = int(random.integers(MESHES_PER_CLASS)), size * random.uniform(*SCALES)
    mesh, rotation = stage.library.meshes(name)[number], about_y(random.uniform(0, 360))
    if name in LYING:
        rotation = rotation @ ON_ITS_BACK
    x, y, z = scale * (rotation @ mesh.vertices.T)
    radius, material = np.hypot(x, z).max(), [materials.index(each) for each in mesh.materials]
    for position in _floor_points(view, random) + np.array([0.0, -y.min(), 0.0]):
        near = any(np.hypot(*(position - each.placement.position)[[0, 2]]) < radius + each.radius for each in standing)
        if not near and _fits(view, position, scale, radius):
            placement = Placement(stage.add(name, number), material, rotation, position, scale)
            return [Standing(name, placement, radius)]
    return []


def _floor_points(view: Scene, random: Random) -> np.ndarray:
    """Points float [<= TRIES, 3] of the floor, spread over the picture rather than over the floor, most near its
    middle."""
    forward, up = torch.tensor(np.stack([view.target - view.eye, view.up]))[:, None]
    right, down, forward = (axis[0].numpy() for axis in frame(forward, up))
    across, along = random.triangular(-1, 0, 1, (2, TRIES, 1)) * np.tan(np.radians(view.field_of_view / 2))
    rays = forward + across * right + along * down
    rays = rays[rays[:, 1] < -1e-3]  # the others meet no floor
    return view.eye - rays * (view.eye[1] / rays[:, 1:2])


def _fits(view: Scene, position: np.ndarray, scale: float, radius: float) -> bool:
    """Whether an object stands inside of the walls and looks neither tiny nor larger than the picture."""
    background = backgrounds.BACKGROUNDS[backgrounds.NAMES[view.background]]
    reach = background.wall_distance if background.wall else OPEN
    apparent = scale / np.linalg.norm(position - view.eye) / np.tan(np.radians(view.field_of_view / 2))
    return np.hypot(position[0], position[2]) + radius < reach and APPARENT[0] < apparent < APPARENT[1]


def _covered(alone: SceneBatch, size: int) -> np.ndarray:
    """How many pixels the objects of scenes cover, int [scenes]: their outlines only, without any shading."""
    with one_thread(), torch.inference_mode():
        faces = place_faces(alone)
        corners = project(faces.corners, faces.picture, alone, size)
        seen = rasterise(corners, None, faces.picture, faces.one_sided, (len(alone), size, size))
    return torch.bincount(seen.sample // size**2, minlength=len(alone)).numpy()


def _in_sight(shown: Render, alone: np.ndarray) -> np.ndarray:
    """Which objects show enough of what they would show on their own (`alone`, pixels): bool [N]."""
    visible = np.bincount(shown.instances.flatten().numpy(), minlength=len(alone) + 1)[1:]
    return (visible >= MIN_PIXELS) & (visible >= MIN_SHARE * alone)
