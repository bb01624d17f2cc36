"""Images anywhere below a folder: photographs as people keep them, sorted into class folders or not at all."""

from pathlib import Path

import pyarrow as pa

from ndslib.core.errors import InputError
from ndslib.data.loaders.image_files import SUFFIXES, ImageFile, find_images, require_folder, table_of_files


def images_below(
    root: Path | str, dataset: str, split: str, licence: str | None = None, *, on_corrupt: str = "raise"
) -> pa.Table:
    """Sample table of every image below `root`, at any depth, as `files_below` finds and labels them.

    Args:
        dataset: value of the column `dataset`, and the start of every id.
        split: `train`, `val` or `test`.
        licence: SPDX id or short name, for all rows.
        on_corrupt: what to do with files whose header cannot be read: `raise` or `skip` with a warning.

    Raises:
        InputError: as `files_below`; or a header cannot be read.
    """
    return table_of_files(files_below(root), dataset, split, licence, on_corrupt)


def files_below(root: Path | str) -> list[ImageFile]:
    """The image files below `root`, sorted by path; other files, and what is hidden, are left out.

    The label of an image is the name of its folder directly below `root`. Images that lie in `root` itself have none,
    and where all others lie in one folder, neither have they: it tells nothing apart.

    Raises:
        InputError: there is no such folder, it holds no image, or a name is not UTF-8.
    """
    root = require_folder(root, "give the folder of the images")
    found = [(path, path.relative_to(root)) for path in find_images(root)]
    found = [(path, below) for path, below in found if not any(part.startswith(".") for part in below.parts)]
    if not found:
        raise InputError(f"{root}: it holds no image ({' '.join(SUFFIXES)}); give the folder of the images")
    classes = {below.parts[0] for _, below in found if len(below.parts) > 1}
    return [
        ImageFile(_text(below), path, below.parts[0] if len(classes) > 1 and len(below.parts) > 1 else None)
        for path, below in found
    ]


def _text(path: Path) -> str:
    """The path as a table can hold it."""
    name = path.as_posix()
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{name!a}: the file's name is not UTF-8; rename it") from error
    return name
