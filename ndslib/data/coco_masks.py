"""The three forms of a mask in COCO's format: polygons, run lengths as numbers, and compressed run lengths.

Source: https://cocodataset.org/#format-data. The rasteriser is COCO's own, as faster_coco_eval has it.
"""

from typing import Any

import numpy as np
from faster_coco_eval.core import mask as coco_mask

from ndslib.core.errors import InputError


def mask_of(segmentation: Any, height: int, width: int) -> np.ndarray:
    """The pixels bool [height, width] of a `segmentation`; several polygons are one mask.

    Raises:
        InputError: it is none of the three forms, is of another size, or has corners far outside the image.
    """
    if isinstance(segmentation, list):
        return _of_polygons(segmentation, height, width)
    if not isinstance(segmentation, dict) or segmentation.get("size") != [height, width]:
        raise _damaged(segmentation, f"wanted polygons, or run lengths of size {[height, width]}")
    counts = segmentation.get("counts")
    try:
        runs = coco_mask.frPyObjects(segmentation, height, width) if isinstance(counts, list) else segmentation
        return coco_mask.decode(runs).astype(bool)
    except (ValueError, RuntimeError, TypeError, KeyError) as error:  # what the extension raises on other runs
        raise _damaged(segmentation, " ".join(str(error).split())) from error


def _of_polygons(polygons: list[Any], height: int, width: int) -> np.ndarray:
    if not all(_is_near(polygon, height, width) for polygon in polygons):
        raise _damaged(polygons, f"wanted lists x, y, x, y, ... of corners by an image of {width} x {height}")
    areas = [polygon for polygon in polygons if len(polygon) >= 6]  # of four numbers the rasteriser makes a box
    if not areas:
        return np.zeros((height, width), bool)
    return coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects(areas, height, width))).astype(bool)


def _is_near(polygon: Any, height: int, width: int) -> bool:
    """Whether it is a list of corners within an image's size of the image: memory grows with the length of its edges,
    without bound for a NaN."""
    if not isinstance(polygon, list) or len(polygon) % 2 or not all(isinstance(v, int | float) for v in polygon):
        return False
    pairs = zip(polygon[::2], polygon[1::2], strict=True)
    return all(-width <= x <= 2 * width and -height <= y <= 2 * height for x, y in pairs)


def _damaged(segmentation: Any, why: str) -> InputError:
    return InputError(f"the segmentation {str(segmentation)[:80]} is damaged ({why[:200]}); fetch the dataset again")
