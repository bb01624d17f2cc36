"""A folder per class, the most common layout of classification sets."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from ndslib.core.errors import InputError
from ndslib.data.loaders.image_files import (
    FETCH_AGAIN,
    SUFFIXES,
    ImageFile,
    choose,
    find_images,
    require_folder,
    subfolders,
    table_of_files,
)


def image_folder(
    root: Path | str,
    dataset: str,
    split: str,
    licence: str | None = None,
    *,
    folders: Mapping[str, str] | None = None,
    allow_empty: bool = False,
    on_corrupt: str = "raise",
    remedy: str = FETCH_AGAIN,
) -> pa.Table:
    """Sample table of `<root>/<class>/.../<image>`; the label is the name of the folder directly below the root.

    Args:
        root: the folder of the classes, or of the splits when `folders` is given.
        dataset: value of the column `dataset`, and the start of every id.
        split: `train`, `val` or `test`.
        licence: SPDX id or short name, for all rows.
        folders: the sub-folder of `root` that holds each split's classes, e.g. `{"train": "train", "test": "test"}`.
        allow_empty: accept class folders without an image (they then give no row).
        on_corrupt: what to do with files whose header cannot be read: `raise` or `skip` with a warning.
        remedy: what an error advises where the folder is absent or not laid out so.

    Raises:
        InputError: the folder is absent or holds no class folder, a class is empty, the split is not in `folders`, or
            a header cannot be read.
    """
    folder = require_folder(Path(root) / choose(split, folders, dataset) if folders else root, remedy)
    classes = subfolders(folder)
    if not classes:
        raise InputError(f"{folder}: it holds no class folder; {remedy}")
    files = []
    for place in classes:
        images = find_images(place)
        if not images and not allow_empty:
            raise InputError(
                f"{place}: the class {place.name!r} has no image ({' '.join(SUFFIXES)}); add some or take the folder "
                "away (allow_empty=True accepts it)"
            )
        files += [ImageFile(path.relative_to(folder).as_posix(), path, place.name) for path in images]
    if not files:
        raise InputError(f"{folder}: none of its {len(classes)} class folders holds an image; {remedy}")
    return table_of_files(files, dataset, split, licence, on_corrupt)
