"""The objects of an image: boxes, classes and masks out of every form of annotation that the loaders write."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
from scipy import ndimage

from ndslib.core.errors import InputError
from ndslib.data.coco_masks import mask_of
from ndslib.data.images import read_map
from ndslib.data.instance_maps import (
    CAMVID_CLASSES,
    STREET_CLASSES,
    Regions,
    camvid_regions,
    cityscapes_regions,
    kitti_regions,
)

# The keys of an annotation of maps (Cityscapes, KITTI, CamVid): its classes, which map to read and how.
_MAPS = {
    frozenset({"labels", "instances", "polygons"}): (tuple(STREET_CLASSES.values()), "instances", cityscapes_regions),
    frozenset({"instances"}): (tuple(STREET_CLASSES.values()), "instances", kitti_regions),
    frozenset({"labels"}): (CAMVID_CLASSES, "labels", camvid_regions),
}


@dataclass(frozen=True)
class Objects:
    """N objects of an image.

    Attributes:
        boxes: float32 [N, 4], x0, y0, x1, y1 in pixels, within the image; x1 and y1 are one past the last pixel.
        categories: the class of each.
        crowd: bool [N], regions that are neither taught nor counted: groups of objects, objects marked difficult.
        masks: bool [N, height, width], the visible pixels of each, or None where they were not asked for.
    """

    boxes: np.ndarray
    categories: tuple[str, ...]
    crowd: np.ndarray
    masks: np.ndarray | None

    def take(self, places: Sequence[int] | np.ndarray) -> "Objects":
        """The objects at these places, in this order."""
        places = np.asarray(places, np.int64)
        return Objects(
            self.boxes[places],
            tuple(self.categories[place] for place in places),
            self.crowd[places],
            None if self.masks is None else self.masks[places],
        )


def objects_of(row: Mapping[str, Any], masks: bool = False) -> Objects:
    """The objects of one row of a sample table, in the annotation's order; what is empty within the image is left out.

    Boxes are those of the annotation, or the extents of the regions of a map (`instance_maps`).

    Args:
        row: `id`, `annotation`, `width` and `height` of the row.
        masks: whether to read them, too.

    Raises:
        InputError: the row has no annotation or one of an unknown form; a file is absent, damaged or of another size
            than the image; `masks`, and an object has only a box.
    """
    try:
        annotation = _parse(row["annotation"])
        if isinstance(annotation, list):
            found = _of_list(annotation, row["height"], row["width"], masks)
        else:
            _, key, regions_of = _MAPS[frozenset(annotation)]
            found = _of_regions(regions_of(annotation[key]), annotation[key], (row["height"], row["width"]), masks)
    except InputError as error:
        raise InputError(f"{row['id']}: {error}") from error
    return _within(found, row["height"], row["width"])


def class_names(table: pa.Table) -> list[str]:
    """The classes of a table's objects, sorted: those in the lists (crowds do not count), and all classes of its maps.

    No file is read.

    Raises:
        InputError: as `objects_of`.
    """
    return sorted({name for row in rows_of(table, "id", "annotation") for name in categories_of(row)})


def rows_of(table: pa.Table, *columns: str) -> Iterator[dict[str, Any]]:
    """These columns of each row, some at a time: as Python objects, annotations take several times their memory."""
    for batch in table.select(columns).to_batches(max_chunksize=1024):
        yield from batch.to_pylist()


def categories_of(row: Mapping[str, Any]) -> set[str]:
    """The classes that a row's `annotation` tells without its files: `class_names` of the one row."""
    try:
        annotation = _parse(row["annotation"])
        if isinstance(annotation, list):
            return {_category(entry) for entry in annotation if not entry.get("iscrowd")}
    except InputError as error:
        raise InputError(f"{row['id']}: {error}") from error
    return set(_MAPS[frozenset(annotation)][0])


def _parse(text: str | None) -> list[Any] | dict[str, Any]:
    """An annotation of a known form."""
    if text is None:
        raise InputError("it has no annotation; choose rows with boxes or masks (`sample_table.label_kinds`)")
    try:
        annotation = json.loads(text)
    except ValueError as error:
        raise InputError(f"its annotation {text[:80]!r} is not JSON ({error}); load the dataset again") from error
    listed = isinstance(annotation, list) and all(isinstance(entry, dict) for entry in annotation)
    of_maps = isinstance(annotation, dict) and all(isinstance(path, str) for path in annotation.values())
    if listed or (of_maps and frozenset(annotation) in _MAPS):
        return annotation
    forms = " or ".join(f"{{{', '.join(sorted(keys))}}}" for keys in _MAPS)
    raise InputError(f"its annotation {text[:80]!r} has no known objects; wanted a list of objects, or {forms}")


def _of_regions(regions: Regions, path: str, size: tuple[int, int], masks: bool) -> Objects:
    if regions.numbers.shape != size:
        raise InputError(f"{path}: {regions.numbers.shape} pixels (height, width), but the image has {size}")
    windows = ndimage.find_objects(regions.numbers)
    return Objects(
        np.array([(x.start, y.start, x.stop, y.stop) for y, x in windows], np.float32).reshape(-1, 4),
        regions.categories,
        np.array(regions.crowd, bool),
        _masks_of_regions(regions.numbers, windows) if masks else None,
    )


def _masks_of_regions(numbers: np.ndarray, windows: Sequence[tuple[slice, slice]]) -> np.ndarray:
    masks = np.zeros((len(windows), *numbers.shape), bool)
    for place, window in enumerate(windows):  # a region lies within its window: the rest need not be compared
        masks[place][window] = numbers[window] == place + 1
    return masks


def _of_list(entries: Sequence[Mapping[str, Any]], height: int, width: int, masks: bool) -> Objects:
    drawn = [_mask(entry, height, width) for entry in entries] if masks else []
    return Objects(
        np.array([_box(entry, height, width) for entry in entries], np.float32).reshape(-1, 4),
        tuple(_category(entry) for entry in entries),
        np.array([bool(entry.get("iscrowd")) for entry in entries], bool),
        np.array(drawn, bool).reshape(-1, height, width) if masks else None,
    )


def _category(entry: Mapping[str, Any]) -> str:
    if not isinstance(entry.get("category"), str):
        raise InputError(f"the object {str(entry)[:80]} has no category; load the dataset again")
    return entry["category"]


def _box(entry: Mapping[str, Any], height: int, width: int) -> list[float]:
    """x0, y0, x1, y1 in pixels."""
    box, relative = (entry["bbox"], False) if "bbox" in entry else (entry.get("bbox_relative"), True)
    if not isinstance(box, list) or len(box) != 4 or not all(_is_number(value) for value in box):
        raise InputError(f"the object {str(entry)[:80]} has the box {box!r}; wanted four numbers: x, y, width, height")
    sides = (width, height) * 2 if relative else (1, 1, 1, 1)
    x, y, across, down = (value * side for value, side in zip(box, sides, strict=True))
    return [x, y, x + across, y + down]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _mask(entry: Mapping[str, Any], height: int, width: int) -> np.ndarray:
    """The pixels bool [height, width] of a `mask` file (Open Images) or a COCO `segmentation`."""
    if "mask" in entry:  # Open Images' masks have sizes of their own
        mask = (read_map(entry["mask"]) > 0).view(np.uint8)
        return cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST_EXACT).view(bool)
    if entry.get("segmentation") is None:
        raise InputError(f"the {_category(entry)} has a box and no mask; ask for boxes, or choose rows with masks")
    return mask_of(entry["segmentation"], height, width)


def _within(objects: Objects, height: int, width: int) -> Objects:
    """The boxes cut off at the image's edge, and without objects of which nothing is left."""
    boxes = objects.boxes.clip(0, np.array([width, height] * 2, np.float32))
    left = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
    if objects.masks is not None:
        left &= objects.masks.any(axis=(1, 2))
    clipped = replace(objects, boxes=boxes)
    return clipped if left.all() else clipped.take(np.flatnonzero(left))
