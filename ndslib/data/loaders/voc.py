"""Pascal VOC: `JPEGImages/*.jpg`, `Annotations/*.xml` and `ImageSets/Main/<split>.txt`.

Source: http://host.robots.ox.ac.uk/pascal/VOC/voc2012/htmldoc/devkit_doc.html.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pyarrow as pa

from ndslib.core.errors import InputError
from ndslib.data import sample_table
from ndslib.data.loaders.image_files import FETCH_AGAIN, read_lines, require_file, require_folder


def voc(
    root: Path | str,
    dataset: str,
    split: str,
    licence: str | None = None,
    *,
    folder: str = "",
    image_set: str | None = None,
) -> pa.Table:
    """Sample table of a VOC image set, sorted by name; sizes come from the XML, pixels are not read.

    `label` is null. `annotation` is a list of objects in the XML's order: `category`, `bbox` [x, y, width, height] in
    pixels counted from 0 (VOC counts corners from 1, both inclusive), `iscrowd` (1 for objects marked difficult, which
    VOC does not count) and `truncated`.

    Args:
        root: the folder of `Annotations`, `ImageSets` and `JPEGImages`.
        folder: where they lie below `root` instead, e.g. `VOCdevkit/VOC2012`.
        image_set: the list in `ImageSets/Main`, e.g. `trainval`; default: the split's name.

    Raises:
        InputError: a list, an image or an XML is absent; an XML is damaged or lacks a tag; a list is empty.
    """
    place = require_folder(Path(root) / folder)
    listing = place / "ImageSets" / "Main" / f"{image_set or split}.txt"
    names = sorted({line.split()[0] for _, line in read_lines(listing)})
    if not names:
        raise InputError(f"{listing}: it lists no image; {FETCH_AGAIN}")
    rows = []
    for name in names:
        image = require_file(place / "JPEGImages" / f"{name}.jpg")
        width, height, objects = _parse(require_file(place / "Annotations" / f"{name}.xml"))
        rows.append(
            {
                "id": f"{dataset}/{split}/{name}",
                "dataset": dataset,
                "uri": str(image),
                "split": split,
                "annotation": objects,
                "width": width,
                "height": height,
                "bytes": image.stat().st_size,
                "licence": licence,
            }
        )
    return sample_table.from_rows(rows)


def _parse(path: Path) -> tuple[int, int, Sequence[dict[str, Any]]]:
    try:
        tree = ElementTree.parse(path).getroot()
    except ElementTree.ParseError as error:
        raise InputError(f"{path}: not whole XML ({error}); {FETCH_AGAIN}") from error
    size = [int(_number(tree, f"size/{tag}", path)) for tag in ("width", "height")]
    return size[0], size[1], [_object(entry, path) for entry in tree.findall("object")]


def _object(entry: ElementTree.Element, path: Path) -> dict[str, Any]:
    left, top, right, bottom = (_number(entry, f"bndbox/{tag}", path) for tag in ("xmin", "ymin", "xmax", "ymax"))
    if right < left or bottom < top:
        raise InputError(f"{path}: the bndbox {left}, {top}, {right}, {bottom} is turned around; correct it")
    return {
        "category": _text(entry, "name", path),
        "bbox": [left - 1, top - 1, right - left + 1, bottom - top + 1],
        "iscrowd": int(entry.findtext("difficult") or 0),
        "truncated": int(entry.findtext("truncated") or 0),
    }


def _number(entry: ElementTree.Element, tag: str, path: Path) -> float:
    text = _text(entry, tag, path)
    try:
        return float(text)
    except ValueError as error:
        raise InputError(f"{path}: {tag} is {text!r}; wanted a number") from error


def _text(entry: ElementTree.Element, tag: str, path: Path) -> str:
    text = (entry.findtext(tag) or "").strip()
    if not text:
        raise InputError(f"{path}: <{entry.tag}> has no <{tag.replace('/', '><')}>; {FETCH_AGAIN}")
    return text
