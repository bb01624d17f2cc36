"""Street scenes: something that stands or drives in a street, with other things of the street behind and beside it."""

from numpy.random import Generator as Random

from ndslib.data.worlds.staging import Shot, daylight, library, picture, stand, tilted_up
from ndslib.sim import backgrounds
from ndslib.sim.library import Stage
from ndslib.sim.scene import Scene, towards

CLASSES = ("bench", "bicycle", "bus", "car", "fire_hydrant", "house", "litter_bin", "mailbox", "motorcycle", "person",
           "phone_booth", "road_sign", "street_lamp", "traffic_light", "truck", "van")  # fmt: skip
PLACES = ("street", "pavement", "old_town", "brick_yard", "car_park", "plaza", "building_site")
BEHIND = ("apartment_block", "house", "tree", "street_lamp", "car", "van", "person", "bush")


def draw(name: str, part: str, size: int, random: Random) -> Shot:
    """A picture of the street around one thing."""
    stage = Stage(library(part))
    thing = stand(stage, name, random, yaw=random.uniform(-75, 75))
    others = [
        stand(stage, str(random.choice(BEHIND)), random, x, z, random.uniform(-90, 90), random.uniform(0.8, 1.8))
        for x, z in zip(random.uniform(-2.5, 2.5, 3), random.uniform(-5.5, -2.2, 3), strict=True)
    ]
    target = thing.position + random.uniform(-0.3, 0.3, 3) * [1, 0.4, 0]
    scene = Scene(
        [thing, *others[: random.integers(1, 4)]],
        eye=target + random.uniform(3.6, 5.2) * towards(random.uniform(-20, 20), random.uniform(4, 14)),
        target=target,
        up=tilted_up(random, 3),
        background=backgrounds.index(str(random.choice(PLACES))),
        background_offset=random.uniform(0, 6.28, 3),
        **daylight(random),
    )
    return Shot(stage.geometry(), scene, size, picture)
