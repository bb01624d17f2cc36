"""KITTI: object detection (`training/image_2`, `training/label_2`) and instance segmentation (`training/instance`).

Source: https://www.cvlibs.net/datasets/kitti, the development kits' readme.txt.
"""

from pathlib import Path
from typing import Any

import pyarrow as pa

from ndslib.core.errors import InputError
from ndslib.data.loaders.image_files import (
    FETCH_AGAIN,
    ImageFile,
    choose,
    read_lines,
    require_file,
    require_images,
    table_of_files,
)

FOLDERS = {"train": "training", "val": "training", "test": "testing"}
_COLUMNS = 15


def kitti(
    root: Path | str,
    dataset: str,
    split: str,
    licence: str | None = None,
    *,
    task: str = "detection",
    list_file: str | None = None,
    on_corrupt: str = "raise",
) -> pa.Table:
    """Sample table of KITTI, sorted by frame. `label` is null; frames of `testing` have no annotation.

    `annotation` for detection: a list of objects in the file's order: `category`, `bbox` [x, y, width, height] in
    pixels, `iscrowd` (1 for DontCare regions), `truncated` (0 to 1, -1 unknown) and `occluded` (0 to 3, -1 unknown).
    For instances: `{"instances": path}` of a 16-bit PNG, class id * 256 + instance number.

    Args:
        root: the folder of `training` and `testing`.
        task: `detection` (`label_2/*.txt`) or `instances` (`instance/*.png`).
        list_file: file below `root` with one frame name a line: only these. KITTI publishes no validation split, so
            `val` needs one.
        on_corrupt: what to do with files whose header cannot be read: `raise` or `skip` with a warning.

    Raises:
        InputError: a tree, list, or a frame's annotation is absent; a label file's line has not 15 columns or a
            column is no number; `val` without a list; a header cannot be read.
    """
    if task not in ("detection", "instances"):
        raise InputError(f"{dataset}: task is {task!r}; choose 'detection' or 'instances'")
    if split == "val" and list_file is None:
        raise InputError(f"{dataset}: KITTI publishes no split 'val'; pass list_file with the frames that form it")
    place = Path(root) / choose(split, FOLDERS, dataset)
    images = require_images(place / "image_2")
    if list_file is not None:
        images = _listed(images, Path(root) / list_file)
    files = []
    for path in images:
        annotation = None if split == "test" else _annotation(place.expanduser().absolute(), path.stem, task)
        files.append(ImageFile(path.stem, path, annotation=annotation))
    return table_of_files(files, dataset, split, licence, on_corrupt)


def _listed(images: list[Path], listing: Path) -> list[Path]:
    by_name = {path.stem: path for path in images}
    names = sorted({line for _, line in read_lines(listing)})
    missing = [name for name in names if name not in by_name]
    if missing or not names:
        problem = f"the frame {missing[0]!r} has no image" if missing else "it lists no frame"
        raise InputError(f"{listing}: {problem}; correct the list or fetch the images")
    return [by_name[name] for name in names]


def _annotation(place: Path, name: str, task: str) -> Any:
    if task == "instances":
        return {"instances": str(require_file(place / "instance" / f"{name}.png"))}
    path = place / "label_2" / f"{name}.txt"
    return [_object(line, path, number) for number, line in read_lines(path)]


def _object(line: str, path: Path, number: int) -> dict[str, Any]:
    fields = line.split()
    if len(fields) != _COLUMNS:
        raise InputError(f"{path}: line {number} has {len(fields)} columns; wanted {_COLUMNS}; {FETCH_AGAIN}")
    try:
        values = [float(field) for field in fields[1:]]
    except ValueError as error:
        raise InputError(f"{path}: line {number}: {error}; {FETCH_AGAIN}") from error
    left, top, right, bottom = values[3:7]
    return {
        "category": fields[0],
        "bbox": [left, top, round(right - left, 2), round(bottom - top, 2)],
        "iscrowd": int(fields[0] == "DontCare"),
        "truncated": values[0],
        "occluded": int(values[1]),
    }
