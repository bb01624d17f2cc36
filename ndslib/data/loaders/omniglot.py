"""Omniglot: 1,623 handwritten characters of 50 alphabets, 20 drawings of 105 x 105 pixels each (Lake et al. 2015)."""

from pathlib import Path

import pyarrow as pa

from ndslib.core.errors import InputError
from ndslib.data.loaders.image_files import (
    FETCH_AGAIN,
    ImageFile,
    choose,
    require_folder,
    require_images,
    subfolders,
    table_of_files,
)

FOLDERS = {"train": "images_background", "test": "images_evaluation"}


def omniglot(
    root: Path | str,
    dataset: str = "omniglot",
    split: str = "train",
    licence: str | None = None,
    *,
    folder: str | None = None,
    on_corrupt: str = "raise",
) -> pa.Table:
    """Sample table of `<root>/images_background/<alphabet>/<character>/*.png`; labels are `<alphabet>/<character>`.

    Args:
        root: the folder that holds `images_background` (train) and `images_evaluation` (test); or, where that of the
            split is absent, itself the folder of the alphabets.
        folder: another tree below `root` to read instead, e.g. `images_background_small1`.
        on_corrupt: what to do with files whose header cannot be read: `raise` or `skip` with a warning.

    Raises:
        InputError: the tree is absent, an alphabet has no character, a character has no image, or a header cannot be
            read.
    """
    place = require_folder(root)
    if folder is not None or (place / choose(split, FOLDERS, dataset)).is_dir():
        place = require_folder(place / (folder or FOLDERS[split]))
    alphabets = subfolders(place)
    if not alphabets:
        raise InputError(f"{place}: it holds no alphabet folder; {FETCH_AGAIN}")
    files = []
    for alphabet in alphabets:
        characters = subfolders(alphabet)
        if not characters:
            raise InputError(f"{alphabet}: the alphabet holds no character folder; {FETCH_AGAIN}")
        for character in characters:
            label = f"{alphabet.name}/{character.name}"
            images = [path for path in require_images(character) if path.parent == character]
            if not images:
                raise InputError(f"{character}: no drawing directly in it; give the folder of the alphabets as root")
            files += [ImageFile(f"{label}/{path.name}", path, label) for path in images]
    return table_of_files(files, dataset, split, licence, on_corrupt)
