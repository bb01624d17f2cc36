"""Single objects seen by a camera: as photographs, and the same kinds of objects drawn by hand or as cartoons."""

from numpy.random import Generator as Random

from ndslib.core.errors import InputError
from ndslib.data.worlds import styles
from ndslib.data.worlds.staging import Shot, daylight, library, picture, stand, tilted_up
from ndslib.sim import backgrounds
from ndslib.sim.library import Library, Stage
from ndslib.sim.scene import Scene, towards

CLASSES = ("airplane", "apple", "bird", "car", "cat", "chair", "dog", "fish", "flower", "guitar", "house", "mug",
           "table_lamp", "teapot", "tree", "umbrella")  # fmt: skip
PLACES = ("anywhere", "studio")
FRONTS = 60.0  # degrees: how far from the front an object is seen


def photo(name: str, part: str, size: int, random: Random) -> Shot:
    """An object in some place and light."""
    return photograph(library(part), name, size, random)


def sketch(name: str, part: str, size: int, random: Random) -> Shot:
    """A line drawing of an object."""
    shot = photograph(library(part), name, size * styles.FINER, random)
    return shot._replace(finish=lambda shown, number: styles.sketch(shown, number, random))


def cartoon(name: str, part: str, size: int, random: Random) -> Shot:
    """A cartoon of an object."""
    shot = photograph(library(part), name, size * styles.FINER, random)
    return shot._replace(finish=lambda shown, number: styles.cartoon(shown, number, random))


def photograph(meshes: Library, name: str, size: int, random: Random, place: str = "anywhere") -> Shot:
    """One of a class's meshes, upright, from the front or side, in any light.

    `place`: "anywhere" (any background) or "studio" (a plain one).

    Raises:
        InputError: no such class or place; a size below 8.
    """
    check_place(place)
    stage = Stage(meshes)
    thing = stand(stage, name, random, yaw=random.uniform(-FRONTS, FRONTS))
    target = thing.position + random.uniform(-0.2, 0.2, 3) * [1, 0.5, 0]
    anywhere = random.integers(len(backgrounds.NAMES))  # drawn in a studio as well: all else stays the same
    scene = Scene(
        [thing],
        eye=target + random.uniform(3.1, 4.6) * towards(0, random.uniform(5, 35)),
        target=target,
        up=tilted_up(random, 8),
        background=backgrounds.index(backgrounds.PLAIN) if place == "studio" else anywhere,
        background_offset=random.uniform(0, 6.28, 3),
        **daylight(random),
    )
    return Shot(stage.geometry(), scene, size, picture)


def check_place(place: str) -> None:
    """Refuse a place that is not one of `PLACES`, with an InputError."""
    if place not in PLACES:
        raise InputError(f"place {place!r}: choose from {', '.join(PLACES)}")
