"""Caltech-UCSD Birds-200-2011: `images/<class>/*.jpg` and lists `images.txt`, `image_class_labels.txt` and others.

Source: the README of https://data.caltech.edu/records/65de6-vp158.
"""

from pathlib import Path

import pyarrow as pa

from ndslib.core.errors import InputError
from ndslib.data.loaders.image_files import FETCH_AGAIN, ImageFile, choose, read_lines, require_folder, table_of_files


def cub200(
    root: Path | str,
    dataset: str,
    split: str,
    licence: str | None = None,
    *,
    folder: str = "CUB_200_2011",
    on_corrupt: str = "raise",
) -> pa.Table:
    """Sample table of CUB-200-2011, sorted by path; labels are the class folders' names (`001.Black_footed_Albatross`).

    Args:
        root: the dataset's folder.
        split: `train` or `test`, the provider's own.
        folder: where `images.txt` lies below `root`.
        on_corrupt: what to do with files whose header cannot be read: `raise` or `skip` with a warning.

    Raises:
        InputError: a list or an image is absent, a line has not two fields, an image is in one list but not in
            another, or a header cannot be read.
    """
    place = require_folder(Path(root) / folder)
    wanted = choose(split, {"train": "1", "test": "0"}, dataset)
    paths, classes = _list(place / "images.txt"), _list(place / "classes.txt")
    numbers, in_train = _list(place / "image_class_labels.txt"), _list(place / "train_test_split.txt")
    files = []
    for image, path in paths.items():
        for listing, values in (("image_class_labels.txt", numbers), ("train_test_split.txt", in_train)):
            if image not in values:
                raise InputError(f"{place / listing}: no line for image {image} ({path}); {FETCH_AGAIN}")
        if numbers[image] not in classes:
            raise InputError(f"{place / 'classes.txt'}: no class {numbers[image]}, which {path} has; {FETCH_AGAIN}")
        if in_train[image] == wanted:
            files.append(ImageFile(path, place / "images" / path, classes[numbers[image]]))
    return table_of_files(sorted(files), dataset, split, licence, on_corrupt)


def _list(path: Path) -> dict[str, str]:
    """A file with lines `<number> <value>`."""
    entries = {}
    for number, line in read_lines(path):
        fields = line.split()
        if len(fields) != 2:
            raise InputError(f"{path}: line {number} is {line!r}; wanted two fields; {FETCH_AGAIN}")
        entries[fields[0]] = fields[1]
    return entries
