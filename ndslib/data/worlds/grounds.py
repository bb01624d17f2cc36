"""The kinds of ground that a stream's camera moves over: what stands and moves there, and where the camera may be."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from ndslib.data.worlds.staging import library
from ndslib.data.worlds.traffic import Row
from ndslib.sim.mesh import Mesh
from ndslib.sim.solids import assemble, box

# The real length of the largest side of a thing's bounding box, metres; what a stream shows besides `PLATES`.
METRES: Mapping[str, float] = {
    "person": 1.75, "dog": 1.0, "horse": 2.4, "cow": 2.4, "sheep": 1.3, "elephant": 5.5, "giraffe": 5.2, "bird": 0.35,
    "car": 4.4, "van": 5.0, "pickup": 5.2, "truck": 7.5, "bus": 11.0, "motorcycle": 2.1, "bicycle": 1.8, "tractor": 4.0,
    "football": 0.35, "tree": 7.0, "pine_tree": 9.0, "palm_tree": 7.0, "bush": 1.6, "flower": 0.7, "cactus": 2.2,
    "house": 11.0, "apartment_block": 17.0, "skyscraper": 38.0, "church": 15.0, "barn": 13.0, "windmill": 15.0,
    "street_lamp": 5.5, "traffic_light": 3.4, "road_sign": 2.6, "bench": 1.8, "litter_bin": 1.0, "mailbox": 1.3,
    "fire_hydrant": 0.8, "phone_booth": 2.4, "tent": 3.0,
}  # fmt: skip
# Flat pieces of ground: width, height and length in metres, and the material.
PLATES: Mapping[str, tuple[float, float, float, str]] = {
    "pavement": (4.0, 0.12, 4.0, "paving"), "dash": (0.16, 0.02, 3.0, "plastic_white"),
    "line": (0.14, 0.02, 10.0, "plastic_white"), "cross_line": (22.0, 0.02, 0.14, "plastic_white"),
    "path": (4.5, 0.03, 6.0, "sand"), "track": (3.4, 0.03, 6.0, "mud"),
}  # fmt: skip
# The class that a thing is labelled as; what is not named here is background.
LABELS: Mapping[str, str] = {
    "person": "person", "bicycle": "bicycle", "motorcycle": "motorcycle", "car": "car", "van": "car", "pickup": "truck",
    "truck": "truck", "tractor": "truck", "bus": "bus", "dog": "dog", "horse": "horse", "cow": "cow", "sheep": "sheep",
    "elephant": "elephant", "giraffe": "giraffe", "bird": "bird", "football": "ball",
}  # fmt: skip
CLASSES: tuple[str, ...] = tuple(dict.fromkeys(LABELS.values()))  # class i has the label i + 1; 0 is the background


@dataclass(frozen=True)
class Ground:
    """A kind of place along z.

    Attributes:
        rows: what is there.
        ride: the row (its place in `rows`) in whose slot 0 an ego camera rides.
        eye: height of that camera above the floor, metres.
        walk: x of the way that a hand-held camera takes.
        tripod, height: ranges of |x| where a tripod stands and of the camera's height on it, metres.
        lens: the vertical field of view of that camera, degrees.
        backgrounds: names of `backgrounds.NAMES`.
    """

    rows: tuple[Row, ...]
    ride: int
    eye: float
    walk: float
    tripod: tuple[float, float]
    height: tuple[float, float]
    lens: float
    backgrounds: tuple[str, ...]


def _both(*rows: Row) -> tuple[Row, ...]:
    """Each row and its mirror image on the other side of x = 0, which moves the other way."""
    turned = (None if row.facing is None else -row.facing for row in rows)
    mirrored = [
        replace(row, x=-row.x, speed=-row.speed, facing=facing) for row, facing in zip(rows, turned, strict=True)
    ]
    return (*rows, *mirrored)


_CARS = ("car", "car", "car", "van", "pickup")
_STREET = (
    Row(("dash",), x=0, gap=8, jitter=0, facing=0),
    *_both(
        Row((*_CARS, "truck", "bus", "motorcycle"), x=-1.75, gap=21, chance=0.65, speed=9, pause=0.6, roam=(0.15, 2.0)),
        Row((*_CARS, "bicycle", "bicycle", "bus"), x=-5.1, gap=19, chance=0.5, speed=5.5, pause=0.3, roam=(0.2, 1.5)),
        Row(_CARS, x=-7.7, gap=7, chance=0.5, jitter=0.05, facing=0),
        Row(("pavement",), x=-10.9, gap=4, jitter=0, facing=0),
        Row(("person",) * 5 + ("dog",), x=-10.3, gap=6, chance=0.6, speed=1.3, spread=0.3, roam=(0.2, 0.8), level=0.12),
        Row(("person",) * 4, x=-11.9, gap=8, chance=0.6, speed=-1.1, spread=0.3, roam=(0.2, 0.8), level=0.12),
        Row(("tree", "tree", "street_lamp", "traffic_light", "road_sign", "litter_bin", "mailbox", "fire_hydrant"),
            x=-9.3, gap=9, chance=0.85, jitter=0.2, facing=90, level=0.12),
        Row(("bench", "phone_booth", "bush", "litter_bin"), x=-12.6, gap=13, chance=0.6, facing=90, level=0.12),
        Row(("apartment_block", "apartment_block", "house", "skyscraper", "church"),
            x=-21, gap=16, jitter=0.03, facing=90),
        Row(("dash",), x=-3.4, gap=8, jitter=0, facing=0),
    ),
)  # fmt: skip

_PARK = (
    Row(("bicycle",), x=-0.5, gap=20, chance=0.6, speed=4, roam=(0.3, 2)),
    Row(("path",), x=0, gap=6, jitter=0, facing=0),
    *_both(
        Row(("person",) * 4 + ("dog",), x=-1.5, gap=6, chance=0.6, speed=1.2, spread=0.3, roam=(0.3, 1)),
        Row(("person", "person", "dog", "dog", "football", "bird"), x=-7, gap=5, chance=0.7, speed=0.3, spread=2,
            roam=(4, 4), period=12),
        Row(("bench", "street_lamp", "litter_bin", "flower"), x=-2.9, gap=7, chance=0.8, facing=90),
        Row(("tree", "bush", "bush", "flower"), x=-12, gap=6, chance=0.7, spread=2),
        Row(("tree", "tree", "pine_tree"), x=-20, gap=7, spread=4),
        Row(("tree", "pine_tree"), x=-30, gap=8, spread=4),
    ),
)  # fmt: skip

_FARM = (
    Row(("tractor", "pickup", "bicycle"), x=-0.2, gap=30, chance=0.6, speed=4.5, pause=0.5, roam=(0.2, 2)),
    Row(("track",), x=0, gap=6, jitter=0, facing=0),
    *_both(
        Row(("cow", "cow", "horse"), x=-7, gap=7, chance=0.6, speed=0.35, spread=2, roam=(3, 3), period=40),
        Row(("sheep", "sheep", "sheep", "dog"), x=-12, gap=3.5, chance=0.6, speed=0.6, spread=3, roam=(2, 2)),
        Row(("horse", "person"), x=-4, gap=14, chance=0.6, speed=1.5, spread=1, roam=(1, 3)),
        Row(("bush", "flower", "flower"), x=-3.2, gap=5, chance=0.5, spread=1),
        Row(("barn", "house", "windmill", "tree", "tree"), x=-24, gap=16, chance=0.8, spread=3, facing=90),
        Row(("tree", "pine_tree", "tree"), x=-38, gap=9, spread=5),
    ),
)  # fmt: skip

_SAVANNA = (
    Row(("pickup",), x=-0.2, gap=35, chance=0.6, speed=5, pause=0.8, roam=(0.3, 3)),
    *_both(
        Row(("elephant",), x=-13, gap=8, chance=0.55, speed=0.9, spread=3, roam=(2, 2), period=40),
        Row(("giraffe",), x=-20, gap=11, chance=0.5, speed=-0.7, spread=4, roam=(3, 3), period=40),
        Row(("bird", "bird", "person"), x=-5.5, gap=5, chance=0.5, speed=0.4, spread=2, roam=(1, 2)),
        Row(("bush", "cactus", "bush"), x=-8, gap=6, chance=0.6, spread=4),
        Row(("palm_tree", "tree", "tent"), x=-27, gap=10, chance=0.7, spread=5),
    ),
)  # fmt: skip

_PITCH = (
    Row(("football",), x=0, gap=24, speed=0.1, roam=(9, 11), period=7),
    Row(("cross_line",), x=0, gap=20, jitter=0, facing=0),
    *_both(
        Row(("person",), x=-3, gap=7, chance=0.9, speed=0.4, spread=1, roam=(3, 6), period=9),
        Row(("person",), x=-8, gap=9, chance=0.9, speed=-0.3, spread=1, roam=(3, 6), period=9),
        Row(("line",), x=-11, gap=10, jitter=0, facing=0),
        Row(("person", "person", "bench"), x=-15, gap=1.8, chance=0.5, spread=0.4, facing=90),
        Row(("tree", "tent", "street_lamp", "tree"), x=-20, gap=7, spread=2),
    ),
)

GROUNDS: Mapping[str, Ground] = {
    "street": Ground(_STREET, 1, 1.5, 11.1, (10.6, 11.4), (2.5, 5), 38,
                     ("street", "street", "street", "old_town", "night_street")),
    "park": Ground(_PARK, 0, 1.6, 2.3, (3, 5), (2.2, 4), 30, ("lawn", "meadow", "dawn_meadow", "birch_grove")),
    "farm": Ground(_FARM, 0, 2.2, 2.4, (1, 3), (2.5, 5), 26, ("meadow", "stubble_field", "dawn_meadow", "lawn")),
    "savanna": Ground(_SAVANNA, 0, 2.2, 2.5, (1, 4), (2.5, 5), 36, ("desert", "red_desert", "stubble_field", "beach")),
    "pitch": Ground(_PITCH, 0, 1.7, 12.5, (12, 14), (3, 5), 24, ("sports_field", "lawn", "tennis_court", "snow_field")),
}  # fmt: skip


class Props:
    """The meshes that streams show, as a library: the catalogue's and the plates. The parts share no catalogue mesh."""

    def __init__(self, part: str) -> None:
        self._catalogue = library(part)
        self.classes = (*METRES, *PLATES)

    def meshes(self, name: str) -> tuple[Mesh, ...]:
        """The meshes of a kind of thing."""
        return (_plate(name),) if name in PLATES else self._catalogue.meshes(name)

    def fingerprint(self) -> str:
        """Names the catalogue's part; the plates are code."""
        return self._catalogue.fingerprint()


@lru_cache
def props(part: str) -> Props:
    """The one library of a part, so that its meshes are packed for rendering only once."""
    return Props(part)


@lru_cache
def _plate(name: str) -> Mesh:
    *sides, material = PLATES[name]
    return assemble({"plate": (material, box(*sides))}).normalised()


def half_diagonal(name: str, mesh: Mesh) -> float:
    """Half the real diagonal of a thing, metres: the factor on its normalised mesh."""
    longest = max(PLATES[name][:3]) if name in PLATES else METRES[name]
    return longest / float(np.ptp(mesh.vertices, axis=0).max())
