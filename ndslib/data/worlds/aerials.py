"""Aerial views: land use seen from straight above, known by what stands on the ground and how it is laid out."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.random import Generator as Random

from ndslib.data.worlds.staging import Shot, daylight, library, picture, stand
from ndslib.sim import backgrounds
from ndslib.sim.library import Stage
from ndslib.sim.scene import Scene

HALF_WIDTH = 6.0  # of the ground in view, in units


class LandUse(NamedTuple):
    """What is on the ground.

    Attributes:
        things: classes of the catalogue.
        scale: half their diagonal, in units.
        spacing: between them; laid out in rows, or `scattered`.
        grounds: backgrounds whose floor it may be.
    """

    things: tuple[str, ...]
    scale: float
    spacing: float
    scattered: bool
    grounds: tuple[str, ...]


LAND_USES = {
    "airport": LandUse(("airplane",), 1.9, 4.2, False, ("car_park", "harbour", "street")),
    "bus_depot": LandUse(("bus",), 1.5, 2.2, False, ("car_park", "street", "gravel_pit")),
    "campsite": LandUse(("tent",), 1.0, 2.8, True, ("meadow", "lawn", "mossy_glade")),
    "car_park": LandUse(("car", "van"), 1.0, 1.9, False, ("car_park", "street", "pavement")),
    "castle": LandUse(("castle",), 3.2, 9.0, True, ("meadow", "canyon", "snow_field")),
    "city": LandUse(("skyscraper", "apartment_block"), 2.0, 3.6, False, ("street", "plaza", "pavement")),
    "farm": LandUse(("barn", "tree", "cow", "tractor"), 1.3, 3.0, True, ("stubble_field", "meadow", "mud_flat")),
    "forest": LandUse(("pine_tree",), 1.2, 1.9, True, ("forest_edge", "dark_forest", "snow_field")),
    "freight_yard": LandUse(("locomotive", "truck"), 1.4, 2.4, False, ("gravel_pit", "lava_field", "quarry")),
    "harbour": LandUse(("ship",), 2.0, 4.4, True, ("sea", "pond")),
    "marina": LandUse(("sailboat",), 1.2, 2.4, False, ("sea", "pond")),
    "oasis": LandUse(("palm_tree", "camel"), 1.3, 2.6, True, ("desert", "beach", "red_desert")),
    "orchard": LandUse(("tree",), 1.1, 2.3, False, ("meadow", "lawn", "ploughed_field")),
    "parkland": LandUse(("bush", "flower", "bench"), 0.9, 2.4, True, ("lawn", "mossy_glade", "meadow")),
    "village": LandUse(("house", "church"), 1.5, 3.6, True, ("meadow", "old_town", "stubble_field")),
    "wind_farm": LandUse(("windmill",), 1.7, 4.6, False, ("meadow", "stubble_field", "salt_flat")),
}
CLASSES = tuple(LAND_USES)


def draw(name: str, part: str, size: int, random: Random) -> Shot:
    """A picture of some ground from above, the sun towards the picture's upper edge."""
    use, stage = LAND_USES[name], Stage(library(part))
    turn, zoom = random.uniform(0, 360), random.uniform(0.85, 1.2)
    things = [
        stand(stage, str(random.choice(use.things)), random, x, z, yaw, use.scale * random.uniform(0.85, 1.15))
        for x, z, yaw in _layout(use, turn, random)
    ]
    slant = random.uniform(-2, 2, 2)
    scene = Scene(
        things,
        eye=(slant[0], 19.0 / zoom, slant[1]),
        target=(0.0, 0.0, 0.0),
        up=(0.0, 0.0, -1.0),
        background=backgrounds.index(str(random.choice(use.grounds))),
        background_offset=random.uniform(0, 6.28, 3),
        **daylight(random, turn=(150, 210), height=(30, 60)),
    )
    return Shot(stage.geometry(), scene, size, picture)


def _layout(use: LandUse, turn: float, random: Random) -> Iterator[tuple[float, float, float]]:
    """Places (x, z) and headings in degrees: rows turned by `turn`, or a jittered grid with any heading."""
    steps = np.arange(-HALF_WIDTH * 1.3, HALF_WIDTH * 1.3, use.spacing)
    shift = random.uniform(0, use.spacing, 2)
    cosine, sine = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    for across in steps + shift[0]:
        for along in steps + shift[1]:
            gap, jitter, heading = random.random(), random.uniform(-0.3, 0.3, 2) * use.spacing, random.uniform(0, 360)
            if gap < 0.2:
                continue
            if not use.scattered:
                jitter, heading = np.zeros(2), turn
            u, v = across + jitter[0], along + jitter[1]
            x, z = cosine * u + sine * v, -sine * u + cosine * v
            if max(abs(x), abs(z)) < HALF_WIDTH * 1.3:
                yield x, z, heading
