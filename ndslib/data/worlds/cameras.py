"""How a stream's camera moves: on a tripod, sweeping, carried by a person, or riding along. Times are in seconds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ndslib.core.seeding import rng
from ndslib.data.worlds.grounds import METRES, PLATES, Ground
from ndslib.data.worlds.traffic import Key, Row, things, travelled, wander
from ndslib.sim.scene import towards

WIDE = 46.0  # degrees: the vertical field of view of a camera that moves
SPOTS = 8  # that are looked at to find one for a tripod
SIGHT = 70.0  # metres: nothing is shown farther away
MIDDLE = 0.25  # half the width of the middle of the view, at a distance of 1
SWEEP = 24.0  # seconds that a panning camera takes from one side to the other and back
_STROLL = Row((), x=0.0, gap=50.0, speed=1.1, pause=0.9)  # how a person walks who films
_STEPS = 1.8  # steps a second


@dataclass(frozen=True)
class Pose:
    """Where a camera is and looks.

    Attributes:
        eye: float64 [3], world, metres.
        yaw: degrees from +z towards +x.
        pitch: degrees upwards.
        roll: degrees that the camera leans to its side.
        field_of_view: degrees, vertical.
    """

    eye: np.ndarray
    yaw: float
    pitch: float
    roll: float = 0.0
    field_of_view: float = WIDE

    @property
    def forward(self) -> np.ndarray:
        """The unit vector along the optical axis, float64 [3]."""
        return towards(self.yaw, self.pitch)

    @property
    def up(self) -> np.ndarray:
        """A unit vector upwards in the picture, float64 [3]; not always at a right angle to `forward`."""
        side = towards(self.yaw + 90, 0)
        return np.cos(np.radians(self.roll)) * np.array([0.0, 1.0, 0.0]) + np.sin(np.radians(self.roll)) * side


def fixed(ground: Ground, key: Key, t: float) -> Pose:
    """On a tripod beside the way, looking along and across it."""
    return _spot(ground, key)


@lru_cache
def _spot(ground: Ground, key: Key) -> Pose:
    """A place for a tripod: of some, the one from which the view is the freest."""
    random = rng("tripod", *key)
    return max((_tripod(ground, random) for _ in range(SPOTS)), key=lambda pose: _clearance(pose, ground, key))


def _tripod(ground: Ground, random: np.random.Generator) -> Pose:
    side, way = random.choice([-1, 1], 2)
    eye = np.array([side * random.uniform(*ground.tripod), random.uniform(*ground.height), random.uniform(-60, 60)])
    aside = random.uniform(25, 60)  # from the way's direction towards its middle
    yaw = -side * aside if way > 0 else side * aside - 180
    return Pose(eye, yaw, -random.uniform(1.5, 2.5) * eye[1], field_of_view=ground.lens)


def _clearance(pose: Pose, ground: Ground, key: Key) -> float:
    """How far it is to the nearest thing that always stands in the middle of the view, metres."""
    free = SIGHT
    for each in things(ground.rows, key, 0.0, pose.eye[2] - SIGHT, pose.eye[2] + SIGHT):
        if each.moving or each.kind in PLATES:
            continue
        relative = np.array([each.x - pose.eye[0], 0.0, each.z - pose.eye[2]])
        depth, reach = float(relative @ pose.forward), METRES[each.kind] / 2
        aside = np.sqrt(max(float(relative @ relative) - depth * depth, 0.0))
        if depth > -reach and aside < MIDDLE * depth + reach:
            free = min(free, depth - reach)
    return free


def panning(ground: Ground, key: Key, t: float) -> Pose:
    """On a tripod, sweeping from side to side and zooming a little."""
    still = fixed(ground, key, t)
    swing = np.sin(2 * np.pi * t / SWEEP + rng("sweep", *key).uniform(0, 2 * np.pi))
    zoom = float(wander(("zoom", *key), t, 30.0)[0])
    return Pose(still.eye, still.yaw + 28 * swing, still.pitch, field_of_view=ground.lens * (1 + 0.25 * zoom))


def hand_held(ground: Ground, key: Key, t: float) -> Pose:
    """Carried by a person who strolls, stops, looks about, and shakes."""
    glance, shake = wander(("glance", *key), t, 9.0, 3), wander(("shake", *key), t, 0.7, 3)
    z = travelled(_STROLL, ("stroll", *key), t)
    pace = (travelled(_STROLL, ("stroll", *key), t + 0.1) - z) / 0.1
    bob = min(pace, 1.0) * np.sin(np.pi * _STEPS * t)
    eye = np.array([ground.walk + 0.25 * glance[2] + 0.03 * bob, 1.62 + 0.035 * bob**2, z])
    yaw = -25 + 30 * glance[0] + 1.5 * shake[0] + 0.8 * bob
    return Pose(eye, yaw, -5 + 5 * glance[1] + 1.2 * shake[1], 2.0 * shake[2] + 0.8 * bob)


def ego(ground: Ground, key: Key, t: float) -> Pose:
    """In a vehicle in its row, looking ahead."""
    row = ground.rows[ground.ride]
    z = travelled(row, (*key, ground.ride), t)
    road = wander(("road", *key), t, 0.5, 3)
    turn = 3.0 * wander(("turn", *key), t, 15.0)[0]
    eye = np.array([row.x, ground.eye + 0.02 * road[0], z])
    return Pose(eye, (0.0 if row.speed > 0 else 180.0) + turn, -4 + 0.5 * road[1], 0.5 * road[2])


CAMERAS: Mapping[str, Callable[[Ground, Key, float], Pose]] = {
    camera.__name__: camera for camera in (fixed, panning, hand_held, ego)
}
