"""Scenes as a COCO JSON for detection and instance segmentation (https://cocodataset.org/#format-data)."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

LICENCE_URL = "https://creativecommons.org/publicdomain/zero/1.0/"


def run_lengths(mask: np.ndarray) -> dict[str, list[int]]:
    """A mask bool [H, W] as COCO's uncompressed run-length encoding: columns one after the other, background first.

    pycocotools and its kin read it through `annToMask`, torchvision through `frPyObjects`, which refuses the
    compressed form; and it is legible.
    """
    flat = np.concatenate([[False], mask.T.ravel(), [not mask[-1, -1]]])
    ends = np.flatnonzero(flat[1:] != flat[:-1])
    return {"size": list(mask.shape), "counts": np.diff(ends, prepend=0).tolist()}


def annotations(masks: np.ndarray, boxes: np.ndarray, labels: np.ndarray, with_masks: bool) -> list[dict[str, Any]]:
    """What the JSON says of a picture's objects, but for ids.

    Args:
        masks: bool [N, H, W].
        boxes: int64 [N, 4], x0, y0, x1, y1.
        labels: int64 [N], places in the list of classes; categories count from 1.
        with_masks: whether there is a `segmentation`.
    """
    corners = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], 1).tolist()
    found = [
        {"category_id": label + 1, "bbox": box, "area": area, "iscrowd": 0}
        for label, box, area in zip(labels.tolist(), corners, masks.sum((1, 2)).tolist(), strict=True)
    ]
    if with_masks:
        found = [each | {"segmentation": run_lengths(mask)} for each, mask in zip(found, masks, strict=True)]
    return found


def document(
    description: str,
    licence: str,
    supercategory: str,
    classes: Sequence[str],
    pictures: Iterable[tuple[str, list[dict[str, Any]]]],
    size: int,
) -> dict[str, Any]:
    """The JSON of square pictures of `size` pixels: (file name, `annotations`) each.

    Ids of images are their places in the list; those of annotations start at 1, because pycocotools takes 0 for "no
    match".
    """
    pictures = list(pictures)
    objects = [(image, each) for image, (_, found) in enumerate(pictures) for each in found]
    return {
        "info": {"description": description},
        "licenses": [{"id": 1, "name": licence, "url": LICENCE_URL}],
        "images": [
            {"id": image, "file_name": name, "width": size, "height": size, "license": 1}
            for image, (name, _) in enumerate(pictures)
        ],
        "categories": [
            {"id": number, "name": name, "supercategory": supercategory} for number, name in enumerate(classes, 1)
        ],
        "annotations": [{"id": number, "image_id": image} | each for number, (image, each) in enumerate(objects, 1)],
    }
