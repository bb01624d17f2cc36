"""COCO's format for detection and instance segmentation: one JSON with `images`, `annotations` and `categories`.

Source: https://cocodataset.org/#format-data.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from ndslib.core.errors import InputError
from ndslib.data import sample_table
from ndslib.data.loaders.image_files import FETCH_AGAIN, require_file
from ndslib.data.loaders.remote_images import estimate_bytes, licence_id, local_or_remote


def coco(
    root: Path | str,
    dataset: str,
    split: str,
    licence: str | None = None,
    *,
    annotations: str = "annotations/instances_{split}2017.json",
    images: str = "{split}2017",
) -> pa.Table:
    """Sample table of a COCO JSON, sorted by file name; no file but the JSON is read.

    `label` is null. `annotation` is a list of objects, by annotation id: `category` (name), `bbox` [x, y, width,
    height] in pixels, `segmentation` (polygons or RLE as in the file, null where it has none), `iscrowd` (0 or 1).
    A JSON without `annotations` (COCO's test sets) gives null.

    `uri` is the local file where there is one, else `coco_url`; the bytes of a URL are an estimate, as COCO publishes
    none. `licence` is that of each image where the JSON has it.

    Args:
        root: the dataset's folder.
        licence: for images to which the JSON gives none.
        annotations: the JSON below `root`, `{split}` filled in.
        images: the folder of the images below `root`, `{split}` filled in.

    Raises:
        InputError: the JSON is absent, truncated or lacks a key; an annotation names an unknown image or category; an
            image is neither on disk nor has a URL.
    """
    source = require_file(Path(root) / annotations.format(split=split))
    document = read_document(source)
    folder = Path(root).expanduser().absolute() / images.format(split=split)
    objects = _objects(document, source) if "annotations" in document else None
    licences = {
        entry.get("id"): licence_id(entry.get("url", ""), entry.get("name")) for entry in document.get("licenses", [])
    }
    rows = _rows(document, source, folder, objects)
    return sample_table.from_rows(
        {**row, "id": f"{dataset}/{split}/{row['id']}", "dataset": dataset, "split": split}
        | {"licence": licences.get(row["licence"], licence)}
        for row in rows
    )


def read_document(source: Path) -> dict[str, Any]:
    try:
        document = json.loads(source.read_bytes())
    except ValueError as error:  # damaged JSON, or bytes that are no text
        raise InputError(f"{source}: not whole JSON ({error}); {FETCH_AGAIN}") from error
    if not isinstance(document, dict) or not isinstance(document.get("images"), list):
        raise InputError(f"{source}: no list 'images' in it; give a COCO instances file")
    return document


def _objects(document: Mapping[str, Any], source: Path) -> dict[int, list[dict[str, Any]]]:
    """The objects of each image, by image id."""
    names = {
        get_field(entry, "id", "category", source): get_field(entry, "name", "category", source)
        for entry in document.get("categories", [])
    }
    found = {get_field(entry, "id", "image", source): [] for entry in document["images"]}
    for entry in sorted(document["annotations"], key=lambda entry: get_field(entry, "id", "annotation", source)):
        image, category = (get_field(entry, key, "annotation", source) for key in ("image_id", "category_id"))
        if image not in found:
            raise InputError(f"{source}: annotation {entry['id']} is of the unlisted image {image}; {FETCH_AGAIN}")
        if category not in names:
            raise InputError(f"{source}: annotation {entry['id']} has the unknown category {category}; {FETCH_AGAIN}")
        found[image].append(
            {
                "category": names[category],
                "bbox": _box(entry, source),
                "segmentation": entry.get("segmentation"),
                "iscrowd": entry.get("iscrowd", 0),
            }
        )
    return found


def _box(entry: Mapping[str, Any], source: Path) -> list[float]:
    box = get_field(entry, "bbox", "annotation", source)
    if not isinstance(box, list) or len(box) != 4 or not all(isinstance(value, int | float) for value in box):
        raise InputError(f"{source}: annotation {entry['id']} has the bbox {box!r}; wanted [x, y, width, height]")
    return box


def get_field(entry: Mapping[str, Any], key: str, kind: str, source: Path) -> Any:
    if not isinstance(entry, dict) or key not in entry:
        raise InputError(f"{source}: the {kind} {str(entry)[:80]} has no {key!r}; {FETCH_AGAIN}")
    return entry[key]


def _rows(
    document: Mapping[str, Any], source: Path, folder: Path, objects: Mapping[int, list[dict[str, Any]]] | None
) -> Iterator[dict[str, Any]]:
    for entry in sorted(document["images"], key=lambda entry: get_field(entry, "file_name", "image", source)):
        name, width, height = (get_field(entry, key, "image", source) for key in ("file_name", "width", "height"))
        place = local_or_remote(folder / name, entry.get("coco_url"))
        if place is None:
            raise InputError(f"{folder / name}: no such file, and {source} gives no coco_url for it; {FETCH_AGAIN}")
        yield {
            "id": name,
            "uri": place.uri,
            "annotation": None if objects is None else objects[get_field(entry, "id", "image", source)],
            "width": width,
            "height": height,
            "bytes": estimate_bytes(width, height) if place.size is None else place.size,
            "licence": entry.get("license"),
        }
