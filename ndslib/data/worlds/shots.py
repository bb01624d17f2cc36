"""What a camera sees at a moment: the things in sight as a scene for the renderer, in the light of the hour."""

from functools import lru_cache

import numpy as np
from numpy import ndarray as Array

from ndslib.core.seeding import rng
from ndslib.data.worlds.cameras import SIGHT, Pose
from ndslib.data.worlds.grounds import PLATES, Ground, half_diagonal, props
from ndslib.data.worlds.staging import about_y
from ndslib.data.worlds.traffic import Key, Thing, things, wander
from ndslib.sim import backgrounds, materials
from ndslib.sim.library import Stage
from ndslib.sim.scene import Placement, Scene, towards

RISE = 10.0  # metres: over so much of the end of sight things grow to their size, so that none appears at once
SMALLEST = 0.8  # pixels: what has a smaller radius is not drawn
ASIDE = 3.0  # metres: what is so little outside of the picture is drawn as well, for its shadow
BEHIND = 50.0  # metres from the camera back to the middle of the background, whose round wall is thus never in sight
BRIGHTNESS = 0.75  # of the sun, in the middle of its range
LOWEST = 10.0  # degrees: the least height of the sun
CLOUDY, HOURS = 25.0, 400.0  # seconds over which clouds and the sun's place change


def shoot(
    pose: Pose, ground: Ground, key: Key, t: float, light: dict, part: str, stage: Stage, size: tuple[int, int]
) -> tuple[list[Thing], Scene]:
    """The things in sight, and the scene with a placement for each, in the same order.

    Args:
        key: names the world; with the time `t` (seconds) it settles what is where.
        light: a scene's fields of the sun (`sunlight`).
        part: train, val or test: whose meshes `stage` gathers.
        size: the picture's (height, width) in pixels.
    """
    present = list(things(ground.rows, key, t, pose.eye[2] - SIGHT, pose.eye[2] + SIGHT))
    radius = np.array([_looks(part, each.kind, each.seed)[1] for each in present])
    place = np.array([(each.x, each.y, each.z) for each in present])
    radius *= ((SIGHT - _away(place, pose)) / RISE).clip(0, 1)
    kept = np.flatnonzero(_in_sight(place, radius, pose, size))
    seen = [present[each] for each in kept]
    forward = pose.forward * [1, 0, 1]
    origin = pose.eye * [1, 0, 1] - BEHIND * forward / np.linalg.norm(forward)
    background = rng("background", *key).choice(ground.backgrounds)
    return seen, Scene(
        [_placed(each, scale, origin, part, stage) for each, scale in zip(seen, radius[kept], strict=True)],
        eye=pose.eye - origin,
        target=pose.eye - origin + pose.forward,
        up=pose.up,
        field_of_view=pose.field_of_view,
        background=backgrounds.index(str(background)),
        background_offset=origin,
        **light,
    )


def sunlight(key: Key, t: float, drift: float) -> dict:
    """A scene's fields of the sun at time `t`: it moves and reddens slowly, and clouds pass before it."""
    random = rng("sun", *key)
    turn, height, warmth, place = *random.uniform((0, 28, -0.1), (360, 62, 0.1)), wander(("sun", *key), t, HOURS, 3)
    height = max(height - 14 * drift * place[1], LOWEST)  # low and red together
    clouds = wander(("clouds", *key), t, CLOUDY)[0] + 0.6 * place[2]
    warmth += 0.12 * drift * place[1]
    return {
        "light_direction": towards(turn + 40 * drift * place[0], height),
        "light_color": np.clip([0.92 + warmth, 0.92, 0.92 - warmth], 0, 1),
        "light_intensity": BRIGHTNESS * float(np.exp(0.45 * drift * clouds)),
    }


@lru_cache(maxsize=65536)
def _looks(part: str, kind: str, seed: int) -> tuple[int, float, float, tuple[int, ...]]:
    """The number of a thing's mesh, half its diagonal in metres, its mesh's lowest y, and its parts' materials."""
    meshes = props(part).meshes(kind)
    number = seed % len(meshes)
    mesh = meshes[number]
    grown = 1.0 if kind in PLATES else 0.9 + 0.2 * (seed // len(meshes) % 100) / 100
    material = tuple(materials.index(each) for each in mesh.materials)
    return number, grown * half_diagonal(kind, mesh), float(mesh.vertices[:, 1].min()), material


def _away(place: Array, pose: Pose) -> Array:
    return np.linalg.norm((place - pose.eye)[:, [0, 2]], axis=1)


def _in_sight(place: Array, radius: Array, pose: Pose, size: tuple[int, int]) -> Array:
    """Whether spheres that rest at places are in the picture or just beside it, and large enough to be seen."""
    relative = place + radius[:, None] * [0, 0.5, 0] - pose.eye
    depth, distance = relative @ pose.forward, np.linalg.norm(relative, axis=1)
    tangent = np.tan(np.radians(pose.field_of_view / 2))
    corner = np.arctan(tangent * np.hypot(size[0], size[1]) / size[0])
    reach = radius + ASIDE
    beside = np.arctan2(np.sqrt(np.maximum(distance**2 - depth**2, 0)), depth) - corner
    close = distance < reach
    near = close | (beside < np.arcsin(np.minimum(reach / np.maximum(distance, reach), 1)))
    return near & (radius * size[0] / 2 > SMALLEST * tangent * np.maximum(distance, 1e-3))


def _placed(thing: Thing, scale: float, origin: Array, part: str, stage: Stage) -> Placement:
    number, _, lowest, material = _looks(part, thing.kind, thing.seed)
    position = np.array([thing.x, thing.y - scale * lowest, thing.z]) - origin
    offset = [thing.seed % prime for prime in (47, 43, 41)]  # another cut through each material
    rotation = about_y(thing.heading) @ _leaning(thing.lean) if thing.lean else about_y(thing.heading)
    return Placement(stage.add(thing.kind, number), material, rotation, position, scale, offset)


def _leaning(degrees: float) -> Array:
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
