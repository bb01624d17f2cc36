"""The kinds of places that scenes of several objects show: what stands there, how large, and how it is looked at."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """A kind of place. Lengths are in the backgrounds' unit; pairs are ranges from which each picture draws.

    Attributes:
        sizes: the half diagonal of each class. The real ratios are kept in order but drawn together, so that small
            things still cover some pixels beside large ones.
        backgrounds: names of `backgrounds.NAMES`, one a picture.
        pitch: degrees that the camera looks down.
        distance: from the camera to the point on the floor that it looks at.
        sun: degrees above the horizon.
    """

    sizes: Mapping[str, float]
    backgrounds: tuple[str, ...]
    pitch: tuple[float, float]
    distance: tuple[float, float]
    sun: tuple[float, float]


LYING = frozenset({"spoon", "fork", "knife", "key", "carrot"})  # modelled upright, but found on their backs

# fmt: off
PLACES: dict[str, Place] = {
    "street": Place(
        {"car": 1.5, "van": 1.7, "pickup": 1.6, "truck": 2.2, "bus": 2.5, "motorcycle": 0.8, "bicycle": 0.8,
         "person": 0.8, "dog": 0.5, "traffic_light": 1.3, "street_lamp": 1.8, "road_sign": 1.0, "traffic_cone": 0.45,
         "fire_hydrant": 0.45, "mailbox": 0.6, "litter_bin": 0.55, "phone_booth": 1.1, "bench": 0.8},
        ("street", "pavement", "old_town", "brick_yard", "car_park", "plaza", "building_site", "harbour"),
        (7, 24), (7, 10), (20, 75),
    ),
    "table_top": Place(
        {"mug": 0.5, "teapot": 0.75, "vase": 0.85, "bottle": 0.9, "wine_glass": 0.7, "bowl": 0.65, "saucepan": 0.9,
         "frying_pan": 1.0, "pitcher": 0.8, "jar": 0.6, "kettle": 0.8, "candlestick": 0.65, "spoon": 0.65,
         "fork": 0.65, "knife": 0.7, "apple": 0.4, "pear": 0.42, "banana": 0.55, "carrot": 0.5, "pineapple": 0.8,
         "doughnut": 0.4, "cake": 0.7, "hamburger": 0.5, "watermelon_slice": 0.6, "pumpkin": 0.65},
        ("dining_table", "picnic", "billiard_table", "delft_kitchen", "market_stall", "workshop", "museum"),
        (35, 60), (4, 5.5), (30, 80),
    ),
    "room": Place(
        {"chair": 0.8, "armchair": 0.85, "sofa": 1.25, "stool": 0.55, "table": 1.0, "round_table": 0.9, "desk": 1.0,
         "bed": 1.4, "bookshelf": 1.2, "wardrobe": 1.3, "chest_of_drawers": 0.85, "floor_lamp": 1.05,
         "grandfather_clock": 1.15, "potted_plant": 0.6, "piano": 1.1, "litter_bin": 0.4, "suitcase": 0.5,
         "teddy_bear": 0.4, "cat": 0.4, "ladder": 1.15},
        ("living_room", "bedroom", "nursery", "study", "hall", "attic", "gym", "cellar", "station"),
        (10, 32), (5.5, 7.5), (35, 80),
    ),
    "farm": Place(
        {"horse": 1.3, "cow": 1.3, "pig": 0.85, "sheep": 0.8, "dog": 0.6, "cat": 0.45, "rabbit": 0.4, "duck": 0.4,
         "person": 0.9, "tractor": 1.6, "tree": 1.9, "pine_tree": 1.9, "bush": 0.8, "sunflower": 0.8, "flower": 0.5,
         "mushroom": 0.4, "pumpkin": 0.45, "bucket": 0.4, "barrel": 0.6},
        ("meadow", "lawn", "forest_edge", "hedge", "stubble_field", "ploughed_field", "stable", "dawn_meadow"),
        (8, 28), (6.5, 9), (20, 75),
    ),
    "desert": Place(
        {"elephant": 1.8, "giraffe": 1.9, "camel": 1.4, "bear": 1.1, "horse": 1.3, "person": 0.8, "snake": 0.6,
         "turtle": 0.5, "snail": 0.4, "crab": 0.4, "palm_tree": 1.7, "cactus": 1.0, "tent": 1.4, "pickup": 1.6,
         "motorcycle": 0.8, "barrel": 0.5},
        ("desert", "red_desert", "canyon", "beach", "salt_flat", "lava_field", "gravel_pit", "mud_flat"),
        (8, 28), (7, 10), (15, 75),
    ),
    "aerial": Place(
        {"house": 1.3, "apartment_block": 1.5, "church": 1.5, "barn": 1.4, "castle": 1.8, "water_tower": 0.9,
         "windmill": 1.1, "tent": 0.7, "tree": 0.8, "pine_tree": 0.8, "palm_tree": 0.8, "car": 0.65, "van": 0.75,
         "truck": 0.95, "bus": 1.15, "tractor": 0.7, "airplane": 1.5, "helicopter": 1.1},
        ("meadow", "stubble_field", "desert", "car_park", "plaza", "salt_flat", "mud_flat", "snow_field",
         "sports_field"),
        (76, 89), (7.5, 10), (30, 65),
    ),
}
# fmt: on
