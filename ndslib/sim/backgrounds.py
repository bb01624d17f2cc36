"""Places to put objects in: a floor, perhaps a wall around it, and a sky (indoors: a ceiling)."""

from dataclasses import dataclass
from functools import lru_cache

import torch

from ndslib.sim import materials
from ndslib.sim.material_table import Colour, linear
from ndslib.sim.noise import noise

DEFAULT = "pavement"  # where a simulator puts everything while backgrounds are fixed: blur shows on its pattern
PLAIN = "studio_grey"  # a backdrop that nothing is learnt from


@dataclass(frozen=True)
class Background:
    """A place. Lengths are in units of half an object's diagonal.

    Attributes:
        name: where it is.
        floor: its material, in the plane y = 0.
        floor_scale: how many times larger than on an object the patterns of floor and wall are.
        wall: its material; None where the view is open to the horizon.
        wall_height: above the floor.
        wall_distance: radius of the upright cylinder that the wall is.
        sky_zenith, sky_horizon: linear RGB, 0 to 1.
        clouds: 0 (none) to 1 (overcast).
    """

    name: str
    floor: str
    floor_scale: float
    wall: str | None
    wall_height: float
    wall_distance: float
    sky_zenith: Colour
    sky_horizon: Colour
    clouds: float


def _background(name: str, floor: str, floor_scale: float, wall: str | None, wall_height: float, wall_distance: float,
                sky: str, clouds: float) -> Background:  # fmt: skip
    """`sky` is one sRGB colour, or zenith and horizon."""
    colours = [linear(colour) for colour in sky.split()]
    return Background(name, floor, floor_scale, wall, wall_height, wall_distance, colours[0], colours[-1], clouds)


# fmt: off
_ROWS = [
    # studios
    ("studio_grey", "paint_grey", 2, "paint_grey", 20, 9, "9a9da0", 0),
    ("studio_white", "paint_white", 2, "paint_white", 20, 9, "f2f2f0", 0),
    ("studio_black", "paint_black", 2, "paint_black", 20, 9, "3a3a3e", 0),
    ("studio_blue", "paint_blue", 2, "paint_blue", 20, 9, "7f9fc4", 0),
    ("green_screen", "plastic_green", 1, "plastic_green", 20, 7, "9fc0a4", 0),
    # meadows, woods and fields
    ("meadow", "grass", 4, None, 0, 0, "3f7fd0 c2dcf0", 0.4),
    ("lawn", "grass", 2.5, "moss", 1.6, 12, "4a8ad8 cfe4f2", 0.2),
    ("forest_edge", "moss", 2, "bark", 9, 8, "5b8fc4 b8d0c8", 0.3),
    ("dark_forest", "soil", 2, "moss", 12, 6, "2f4a3a 5f7a62", 0.5),
    ("autumn_wood", "leaf_autumn", 0.5, "bark", 8, 9, "7fa3c8 e8cfa0", 0.4),
    ("birch_grove", "grass", 4, "bark_birch", 9, 9, "5f9ad6 dbe8ea", 0.3),
    ("stubble_field", "straw", 3, None, 0, 0, "3d78c8 e6dcb8", 0.3),
    ("hedge", "paving", 2.5, "moss", 3, 6, "5a94da d4e4f0", 0.3),
    ("ploughed_field", "soil", 3, None, 0, 0, "8795a6 c9ccc8", 0.9),
    ("flower_bed", "petal_pink", 1.5, "moss", 2, 9, "5590dc d8e6ef", 0.3),
    ("lavender_field", "petal_purple", 1.2, None, 0, 0, "4f7fce f0d2b8", 0.3),
    ("mossy_glade", "moss", 1.5, "leaf_green", 7, 8, "7fb4d8 dcebd0", 0.2),
    # sand, rock, snow and water
    ("beach", "sand", 4, None, 0, 0, "2f7fd6 bfe0ee", 0.25),
    ("desert", "sand", 8, None, 0, 0, "3f74bc ecd6ae", 0.05),
    ("red_desert", "sandstone", 4, "terracotta", 1.5, 16, "4672b4 f0c8a0", 0.1),
    ("canyon", "sandstone", 3, "sandstone", 9, 7, "3a78cc c8dcec", 0.1),
    ("snow_field", "snow", 3, None, 0, 0, "6fa0d8 e6eef6", 0.4),
    ("snowy_dusk", "snow", 3, "bark", 3, 14, "2f3f72 d8a0a8", 0.3),
    ("glacier", "ice", 2, "snow", 3, 13, "4a90dc d6ecf8", 0.2),
    ("frozen_lake", "ice", 3, None, 0, 0, "8fa6bc dde4ea", 0.8),
    ("gravel_pit", "gravel", 2, "limestone", 4, 11, "7d9cc0 d4d8d8", 0.6),
    ("quarry", "limestone", 3, "sandstone", 7, 9, "5c92d2 dce4ea", 0.3),
    ("lava_field", "basalt", 2, None, 0, 0, "5a4a58 e08a58", 0.5),
    ("mud_flat", "mud", 4, None, 0, 0, "6c86a4 c8c4b4", 0.7),
    ("sea", "water", 5, None, 0, 0, "3a80d0 c4e2f0", 0.3),
    ("harbour", "concrete", 3, "water", 1.2, 14, "5c94d0 dce8f0", 0.4),
    ("pond", "water", 2, "grass", 1.5, 10, "5e9ad6 cfe6d8", 0.3),
    ("salt_flat", "marble_white", 4, None, 0, 0, "2f6fc8 e8eef4", 0.1),
    ("coral_reef", "coral", 2, "water", 12, 9, "2f9fc0 6fcfd8", 0.0),
    # town
    ("street", "asphalt", 1.6, "brick_red", 9, 10, "7c9cc4 d6dee4", 0.5),
    ("pavement", "paving", 2.5, "plaster", 7, 8, "6e9ad0 dde6ec", 0.3),
    ("old_town", "cobblestone", 1.6, "stucco", 8, 8, "5c90d0 f0e0c4", 0.2),
    ("brick_yard", "brick_red", 2.2, "brick_yellow", 5, 7, "86a4c8 dadfe2", 0.4),
    ("car_park", "concrete", 3, "concrete", 4, 9, "a4adb6 d0d2d2", 0.9),
    ("playground", "rubber_red", 3, "paint_yellow", 1.4, 9, "4c92e0 d4e8f4", 0.3),
    ("sports_field", "felt_green", 3, "paint_navy", 1.8, 13, "5e9ce2 dbe8f2", 0.3),
    ("tennis_court", "rubber_red", 4, "paint_green", 2.4, 11, "5090de d2e6f4", 0.2),
    ("plaza", "paving", 3, "sandstone", 6, 12, "4f8cd6 dfe8ee", 0.2),
    ("mosque_court", "marble_white", 2, "mosaic", 5, 8, "2f78d4 cfe4f2", 0.05),
    ("roof_top", "gravel", 1.4, "shingles", 1.5, 8, "e08a6a f4c890", 0.4),
    ("building_site", "mud", 3, "plywood", 2.4, 8, "93a2b2 d0d2d0", 0.8),
    ("night_street", "asphalt", 1.6, "brick_red", 8, 9, "161c34 4a4250", 0.2),
    ("sunset_pier", "floorboards", 1.5, None, 0, 0, "3f4f92 f59a58", 0.5),
    ("scrap_yard", "soil", 3, "rusty_iron", 3, 8, "90a0b0 d2cfc6", 0.7),
    ("dawn_meadow", "grass", 4, None, 0, 0, "5a6fae f6b8a0", 0.5),
    # homes
    ("living_room", "floorboards", 1.5, "paint_cream", 9, 6, "efe8d8", 0),
    ("kitchen", "checker_black_white", 2.4, "tiles_white", 8, 5, "f0efe8", 0),
    ("bathroom", "tiles_blue", 1.6, "tiles_white", 8, 5, "e8f0f2", 0),
    ("bedroom", "carpet", 1.5, "paint_pink", 8, 6, "ecdcd8", 0),
    ("nursery", "plastic_yellow", 1, "paint_blue", 8, 6, "e4eef4", 0),
    ("study", "carpet", 1.2, "walnut", 8, 5, "b8a890", 0),
    ("hall", "marble_white", 2, "paint_green", 10, 7, "dfe6dc", 0),
    ("attic", "floorboards", 1.5, "bamboo_wood", 6, 5, "d8c29c", 0),
    ("cellar", "concrete", 2, "brick_red", 6, 5, "6f665c", 0),
    ("garage", "concrete", 3, "paint_grey", 7, 6, "a0a09c", 0),
    ("winter_garden", "terracotta", 2, "leaf_green", 7, 6, "a8d0e8 e4f2f0", 0.1),
    ("dining_table", "walnut", 1.5, "paint_cream", 9, 8, "e8dcc4", 0),
    ("picnic", "tartan", 2, "moss", 2, 11, "4f90de d6e6f0", 0.3),
    ("delft_kitchen", "terracotta", 1.5, "delft", 8, 5, "ece6d8", 0),
    # work and public rooms
    ("office", "carpet", 0.8, "paint_white", 8, 7, "eef0f0", 0),
    ("museum", "oak", 2, "paint_navy", 10, 8, "c8ccd4", 0),
    ("workshop", "plywood", 2, "steel", 7, 6, "b4b4ae", 0),
    ("laboratory", "tiles_white", 2, "aluminium", 8, 6, "e8f2f4", 0),
    ("theatre", "floorboards", 1.5, "velvet_red", 14, 7, "5a3032", 0),
    ("gym", "birch", 2.5, "paint_orange", 9, 9, "efe4d0", 0),
    ("swimming_pool", "tiles_blue", 2, "glazed_blue", 7, 8, "d0ecf6", 0),
    ("library", "carpet", 1.2, "floorboards", 9, 6, "a88c6c", 0),
    ("station", "terrazzo", 2, "tiles_white", 9, 10, "c4ccce", 0),
    ("church", "slate", 2, "limestone", 16, 9, "a8a49c", 0),
    ("stable", "straw", 2, "floorboards", 6, 6, "9c8c70", 0),
    ("greenhouse", "soil", 2, "leaf_green", 6, 7, "bcdcec eef6f2", 0.2),
    ("warehouse", "concrete", 4, "cardboard", 8, 9, "b4aca0", 0),
    ("discotheque", "checker_black_white", 3, "plastic_purple", 9, 7, "5a2a84 c04a98", 0),
    ("market_stall", "burlap", 2, "striped_cloth", 5, 6, "7ab0e4 e4eef2", 0.2),
    ("billiard_table", "felt_green", 1.5, "mahogany", 5, 7, "7a5a40", 0),
    ("casino", "velvet_red", 2, "gold", 9, 8, "d0a860", 0),
    ("poster_wall", "asphalt", 1.6, "spots_rainbow", 6, 6, "8aa0b8 d4d8dc", 0.5),
]
# fmt: on

BACKGROUNDS: dict[str, Background] = {row[0]: _background(*row) for row in _ROWS}
NAMES: tuple[str, ...] = tuple(BACKGROUNDS)
# The table's columns: floor and wall are rows of the materials' table (-1: no wall).
COLUMNS: dict[str, int] = {
    "floor": 0, "floor_scale": 1, "wall": 2, "wall_height": 3, "wall_distance": 4, "clouds": 5,
}  # fmt: skip
SKY_ZENITH, SKY_HORIZON = slice(6, 9), slice(9, 12)


def index(name: str) -> int:
    """The row of the background in `table`.

    Raises:
        InputError: there is no background of that name.
    """
    return materials.find(name, NAMES, "background")


@lru_cache
def table(device: torch.device | str) -> torch.Tensor:
    """All backgrounds as float32 [N, C]: rows in the order of `NAMES`, laid out as `COLUMNS` and the slices say."""
    rows = [
        [
            materials.index(place.floor), place.floor_scale, -1 if place.wall is None else materials.index(place.wall),
            place.wall_height, place.wall_distance, place.clouds, *place.sky_zenith, *place.sky_horizon,
        ]
        for place in BACKGROUNDS.values()
    ]  # fmt: skip
    return torch.tensor(rows, dtype=torch.float32, device=device)


def sky(rows: torch.Tensor, direction: torch.Tensor) -> torch.Tensor:
    """Linear RGB float32 [n, 3] of the sky: it pales towards the horizon and carries clouds.

    Args:
        rows: float32 [n, C], a row of `table` for each direction.
        direction: float32 [n, 3], of any length but 0; below the horizon the sky goes on with the horizon's colour.
    """
    x, y, z = direction.T.contiguous()
    height = (y / (x * x + y * y + z * z).sqrt()).clamp(min=0)
    away = 1 - height
    zenith, horizon = rows[:, SKY_ZENITH], rows[:, SKY_HORIZON]
    clear = zenith + (away * away * away)[:, None] * (horizon - zenith)
    white = 0.25 * horizon + 0.75 * horizon.amax(1, keepdim=True)
    return clear + _clouds(x, y, z, rows[:, COLUMNS["clouds"]])[:, None] * (white - clear)


def _clouds(x: torch.Tensor, y: torch.Tensor, z: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """How much cloud covers a direction, float32 [n] in [0, 1]: noise on a layer above, denser with `share`."""
    level = y.clamp(min=0)
    depth = 2.5 / (level + 0.25 * (x.abs() + z.abs()) + 1e-6)  # a layer that bends down to the horizon
    place = torch.stack([x * depth, level * 0, z * depth])
    thickness = noise(place) * 0.6 + noise(place * 2.3 + 4.1) * 0.3 + noise(place * 5.1 + 8.7) * 0.1
    return ((thickness - 0.75 + 0.6 * share) * 4).clamp(0, 1) * share.sqrt()
