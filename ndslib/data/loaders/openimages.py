"""Open Images (V4 and later): boxes, masks (V5 and later), class descriptions and image lists as CSV.

Source: https://storage.googleapis.com/openimages/web/download_v7.html.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from pyarrow import csv

from ndslib.core.errors import InputError
from ndslib.data import sample_table
from ndslib.data.loaders.image_files import FETCH_AGAIN, Header, choose, read_headers, require_folder
from ndslib.data.loaders.remote_images import Place, licence_id, local_or_remote

FOLDERS = {"train": "train", "val": "validation", "test": "test"}
# Open Images publishes no sizes. Rows of URLs carry that of its common 1024 x 768 copies; their boxes are fractions.
REMOTE_SIZE = (1024, 768)
_BOXES = ("ImageID", "LabelName", "XMin", "XMax", "YMin", "YMax", "IsGroupOf")
# The segmentation file's columns, under the box file's names of those that both have. Groups have no masks.
_MASKS = {
    "MaskPath": "MaskPath",
    "ImageID": "ImageID",
    "LabelName": "LabelName",
    "BoxXMin": "XMin",
    "BoxXMax": "XMax",
    "BoxYMin": "YMin",
    "BoxYMax": "YMax",
}
_IMAGES = ("ImageID", "OriginalURL", "License", "OriginalSize")


def openimages(
    root: Path | str,
    dataset: str,
    split: str,
    licence: str | None = None,
    *,
    boxes: str = "*{folder}-annotations-bbox.csv",
    images: str = "*{folder}-images*.csv",
    classes: str = "*class-descriptions-boxable.csv",
    masks: bool = False,
    segmentation: str = "*{folder}-annotations-object-segmentation.csv",
) -> pa.Table:
    """Sample table of the images of a split's image list, sorted by image id.

    `label` is null. `annotation` is a list of objects in the file's order: `category`, `iscrowd` (1 for boxes around
    a group) and `bbox` [x, y, width, height] in pixels of the local file, or `bbox_relative` (the same as fractions of
    the image's size, 0 to 1) where the image is only a URL. With `masks` the objects are those of the segmentation file
    (350 of the classes, NDS section 4.1) and have the `mask`, too: the path of a PNG of the object's pixels in
    `<root>/<folder>-masks`, of a size of its own.

    `uri` is `<root>/<folder>/<image id>.jpg` where that file is, else `OriginalURL`; then `bytes` is `OriginalSize` and
    `width` and `height` are nominal (`REMOTE_SIZE`), because none are published.

    Args:
        root: the folder of the CSV files and of `train`, `validation` and `test` (`{folder}`) with the images.
        licence: for images whose list has none.
        boxes: pattern of the one file below `root` with the boxes.
        images: pattern of the one file below `root` with the images.
        classes: pattern of the one file below `root` with `LabelName,DisplayName`, with or without that header.
        masks: whether to list the objects with masks instead of all boxes.
        segmentation: pattern of the one file below `root` with the masks.

    Raises:
        InputError: a file is absent, more than one fits a pattern, a column is absent, a box is of an unknown image or
            class or outside 0 to 1, a mask is not on disk, or an image is neither on disk nor has a URL.
    """
    root, folder = require_folder(root), choose(split, FOLDERS, dataset)
    listing = _only(root, images.format(folder=folder))
    listed = _read(listing, _IMAGES).sort_values("ImageID")
    places = _places(listed, root / folder, listing)
    source = _only(root, (segmentation if masks else boxes).format(folder=folder))
    found = _masks(source, root / f"{folder}-masks") if masks else _read(source, _BOXES)
    objects = _objects(found, source, _class_names(_only(root, classes)), listed)
    return sample_table.from_rows(
        {**row, "id": f"{dataset}/{split}/{row['id']}", "dataset": dataset, "split": split}
        | {"licence": licence_id(row["licence"]) if pd.notna(row["licence"]) else licence}
        for row in _rows(listed, places, objects)
    )


def _rows(listed: pd.DataFrame, places: Sequence[Place], objects: Iterator[list[Any]]) -> Iterator[dict[str, Any]]:
    headers = iter(read_headers([Path(place.uri) for place in places if place.size is not None]))
    for entry, place, boxes in zip(listed.itertuples(), places, objects, strict=True):
        header = None if place.size is None else next(headers)
        if header and header.reason:
            raise InputError(f"{place.uri}: {header.reason}; {FETCH_AGAIN}")
        width, height = header[:2] if header else REMOTE_SIZE
        yield {
            "id": entry.ImageID,
            "uri": place.uri,
            "annotation": json.dumps([_object(box, header) for box in boxes]),  # as text: there are 14.6 million boxes
            "width": width,
            "height": height,
            "bytes": header.size if header else int(entry.OriginalSize),
            "licence": entry.License,
        }


def _only(root: Path, pattern: str) -> Path:
    found = sorted(root.rglob(pattern))
    if not found:
        raise InputError(f"{root}: no file {pattern} in it; {FETCH_AGAIN}")
    if len(found) > 1:
        names = ", ".join(str(path.relative_to(root)) for path in found)
        raise InputError(f"{root}: {names} all fit {pattern}; keep one, or name it in the loader's arguments")
    return found[0]


def _read(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    texts = {name: pa.string() for name in ("ImageID", "LabelName", "MaskPath", "OriginalURL", "License")}
    options = csv.ConvertOptions(include_columns=columns, column_types=texts, strings_can_be_null=True)
    try:
        parsing = csv.ParseOptions(newlines_in_values=True)
        return csv.read_csv(path, convert_options=options, parse_options=parsing).to_pandas()
    except (pa.ArrowInvalid, KeyError) as error:
        raise InputError(f"{path}: {error}; wanted a CSV with the columns {', '.join(columns)}") from error


def _class_names(path: Path) -> dict[str, str]:
    table = pd.read_csv(path, header=None, dtype=str, keep_default_na=False)
    if table.shape[1] != 2:
        raise InputError(f"{path}: {table.shape[1]} columns; wanted two, the class's id and its name")
    return dict(zip(table[0], table[1], strict=True))


def _places(listed: pd.DataFrame, folder: Path, listing: Path) -> list[Place]:
    places = []
    for entry in listed.itertuples():
        url = entry.OriginalURL if pd.notna(entry.OriginalURL) else None
        place = local_or_remote(folder / f"{entry.ImageID}.jpg", url)
        if place is None or (place.size is None and not entry.OriginalSize >= 1):
            raise InputError(
                f"{folder / entry.ImageID}.jpg: no such file, and {listing} has no OriginalURL and OriginalSize for it;"
                f" {FETCH_AGAIN}"
            )
        places.append(place)
    return places


def _masks(path: Path, folder: Path) -> pd.DataFrame:
    """The segmentation file as a box file with `MaskPath`, whole paths of masks that exist."""
    masks = _read(path, list(_MASKS)).rename(columns=_MASKS)
    missing = masks[~masks.MaskPath.isin(os.listdir(require_folder(folder)))]
    if len(missing):
        raise InputError(f"{folder / missing.MaskPath.iloc[0]}: no such file, but {path} lists it; {FETCH_AGAIN}")
    return masks.assign(MaskPath=f"{folder}{os.sep}" + masks.MaskPath, IsGroupOf=0)


def _objects(boxes: pd.DataFrame, path: Path, names: Mapping[str, str], listed: pd.DataFrame) -> Iterator[list[Any]]:
    """The boxes of each listed image, in the list's order, with the class's name as `LabelName`."""
    boxes = boxes.sort_values("ImageID", kind="stable")
    inside = boxes[["XMin", "YMin", "XMax", "YMax"]].apply(lambda column: column.between(0, 1)).all(axis=1)
    for wrong, what in (
        (~boxes.ImageID.isin(listed.ImageID), "is of an image that is not listed"),
        (~boxes.LabelName.isin(names.keys()), "is of a class without description"),
        (~inside | (boxes.XMax < boxes.XMin) | (boxes.YMax < boxes.YMin), "is turned around or outside 0 to 1"),
    ):
        if wrong.any():
            raise InputError(f"{path}: the box {boxes[wrong].iloc[0].to_dict()} {what}; {FETCH_AGAIN}")
    boxes["LabelName"] = boxes.LabelName.map(names)
    return _in_order(boxes, listed)


def _in_order(boxes: pd.DataFrame, listed: pd.DataFrame) -> Iterator[list[Any]]:
    groups = groupby(boxes.itertuples(), key=lambda box: box.ImageID)
    owner, group = next(groups, (None, ()))
    for image in listed.ImageID:
        if image == owner:
            yield list(group)
            owner, group = next(groups, (None, ()))
        else:
            yield []


def _object(box: Any, header: Header | None) -> dict[str, Any]:
    entry = {"category": box.LabelName, "iscrowd": int(box.IsGroupOf == 1)}
    if hasattr(box, "MaskPath"):
        entry["mask"] = box.MaskPath
    fractions = (box.XMin, box.YMin, box.XMax - box.XMin, box.YMax - box.YMin)
    if header is None:
        return entry | {"bbox_relative": [round(value, 6) for value in fractions]}
    sides = (header.width, header.height) * 2
    return entry | {"bbox": [round(value * side, 2) for value, side in zip(fractions, sides, strict=True)]}
