"""iNaturalist 2017: one folder of images and, per split, a JSON in COCO's manner with one category an image.

Source: https://github.com/visipedia/inat_comp/tree/master/2017. (torchvision's class lists both splits together.)
"""

from pathlib import Path

import pyarrow as pa

from ndslib.core.errors import InputError
from ndslib.data.loaders.coco import get_field, read_document
from ndslib.data.loaders.image_files import FETCH_AGAIN, ImageFile, require_file, require_folder, table_of_files


def inaturalist(
    root: Path | str,
    dataset: str,
    split: str,
    licence: str | None = None,
    *,
    annotations: str = "{split}2017.json",
    images: str = "",
    on_corrupt: str = "raise",
) -> pa.Table:
    """Sample table of a split of iNaturalist, sorted by path; labels are `<supercategory>/<species>`.

    Args:
        root: the dataset's folder.
        annotations: the split's JSON below `root`, `{split}` filled in.
        images: the folder below `root` in which the JSON's file names (`train_val_images/Aves/...`) lie.
        on_corrupt: what to do with files whose header cannot be read: `raise` or `skip` with a warning.

    Raises:
        InputError: the JSON is absent, truncated or lacks a key; an image has no category; a header cannot be read.
    """
    source = require_file(Path(root) / annotations.format(split=split))
    folder = require_folder(Path(root) / images)
    document = read_document(source)
    names = {
        get_field(entry, "id", "category", source): (
            f"{get_field(entry, 'supercategory', 'category', source)}/{get_field(entry, 'name', 'category', source)}"
        )
        for entry in document.get("categories", [])
    }
    labels = {
        get_field(entry, "image_id", "annotation", source): get_field(entry, "category_id", "annotation", source)
        for entry in document.get("annotations", [])
    }
    files = []
    for entry in document["images"]:
        name = get_field(entry, "file_name", "image", source)
        number = labels.get(get_field(entry, "id", "image", source))
        if number not in names:
            raise InputError(f"{source}: the image {name} has no known category ({number}); {FETCH_AGAIN}")
        files.append(ImageFile(name, folder / name, names[number]))
    return table_of_files(sorted(files), dataset, split, licence, on_corrupt)
