"""Objects out of maps of a frame: the instance maps of Cityscapes and KITTI, and the label maps of CamVid.

Sources: https://github.com/mcordts/cityscapesScripts (README and labels.py); the readme of KITTI's devkit_semantics,
which takes the numbers of its classes from Cityscapes.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from ndslib.data.images import read_map
from ndslib.data.loaders.camvid import CLASSES as CAMVID_LABELS
from ndslib.data.loaders.camvid import label_map

# The classes of which Cityscapes and KITTI tell instances apart, by their number in the maps (NDS section 4.1).
STREET_CLASSES = {
    24: "person",
    25: "rider",
    26: "car",
    27: "truck",
    28: "bus",
    31: "train",
    32: "motorcycle",
    33: "bicycle",
}
CAMVID_CLASSES = ("car", "pedestrian", "bicyclist")
# Pixels of 480 x 360. Smaller pieces of CamVid's training frames are slivers behind posts and specks far away: 26 % of
# the pieces of cars with 0.2 % of their pixels, 31 % of those of pedestrians with 2.6 %.
MIN_CAMVID_AREA = 50


class Regions(NamedTuple):
    """Objects of a frame, none upon another.

    Attributes:
        numbers: int32 [height, width], 0 where there is no object, else the object's place in the lists, from 1.
        categories: the class of each object.
        crowd: whether each is a group whose members are not told apart.
    """

    numbers: np.ndarray
    categories: tuple[str, ...]
    crowd: tuple[bool, ...]


def cityscapes_regions(path: Path | str) -> Regions:
    """Of an `instanceIds.png`: class id * 1000 + number of the instance, or the class id alone for a group.

    Raises:
        InputError: the file cannot be read or has several channels.
    """
    return _of_instances(path, lambda value: (value // 1000, False) if value >= 1000 else (value, True))


def kitti_regions(path: Path | str) -> Regions:
    """Of an `instance/*.png`: class id * 256 + number of the instance, or + 0 where instances are not told apart.

    Raises:
        InputError: the file cannot be read or has several channels.
    """
    return _of_instances(path, lambda value: (value // 256, value % 256 == 0))


def _of_instances(path: Path | str, meaning: Callable[[int], tuple[int, bool]]) -> Regions:
    """`meaning` of a value is the number of its class, and whether it is a group."""
    values = read_map(path)
    present = np.flatnonzero(np.bincount(values.ravel())).tolist()
    objects = {value: meaning(value) for value in present if meaning(value)[0] in STREET_CLASSES}
    place = np.zeros(present[-1] + 1, np.int32)
    place[list(objects)] = np.arange(1, len(objects) + 1)
    categories = tuple(STREET_CLASSES[number] for number, _ in objects.values())
    return Regions(place[values], categories, tuple(group for _, group in objects.values()))


def camvid_regions(path: Path | str) -> Regions:
    """The connected pieces (8 neighbours) of CamVid's cars, pedestrians and bicyclists, `MIN_CAMVID_AREA` and larger.

    CamVid's labels do not tell instances apart: objects of a class that touch are one here, and what a post cuts in two
    is two.

    Raises:
        InputError: the file cannot be read or is no label map.
    """
    labels = label_map(path)
    numbers, categories = np.zeros(labels.shape, np.int32), []
    for name in CAMVID_CLASSES:
        is_class = (labels == CAMVID_LABELS.index(name)).view(np.uint8)
        count, pieces, facts, _ = cv2.connectedComponentsWithStats(is_class, connectivity=8)
        large = [piece for piece in range(1, count) if facts[piece, cv2.CC_STAT_AREA] >= MIN_CAMVID_AREA]
        place = np.zeros(count, np.int32)
        place[large] = len(categories) + np.arange(1, len(large) + 1)
        numbers += place[pieces]
        categories += [name] * len(large)
    return Regions(numbers, tuple(categories), (False,) * len(categories))
