"""Cityscapes: `leftImg8bit/<split>/<city>/*_leftImg8bit.png` beside `gtFine/<split>/<city>/`.

Source: https://www.cityscapes-dataset.com and its cityscapesScripts.
"""

from pathlib import Path

import pyarrow as pa

from ndslib.core.errors import InputError
from ndslib.data.loaders.image_files import FETCH_AGAIN, ImageFile, require_file, require_images, table_of_files

_SUFFIX = "_leftImg8bit.png"
_MAPS = {"labels": "labelIds.png", "instances": "instanceIds.png", "polygons": "polygons.json"}


def cityscapes(
    root: Path | str,
    dataset: str,
    split: str,
    licence: str | None = None,
    *,
    mode: str = "gtFine",
    folder: str = "{split}",
    on_corrupt: str = "raise",
) -> pa.Table:
    """Sample table of Cityscapes, sorted by city and frame.

    `label` is null. `annotation` holds the paths of the annotation files: `labels` (labelIds), `instances`
    (instanceIds) and `polygons`. Frames of the test split have none (its published maps are blank).

    Args:
        root: the folder of `leftImg8bit` and `gtFine`.
        mode: `gtFine` or `gtCoarse`.
        folder: the split's folder in both trees, e.g. `train_extra` with `gtCoarse`.
        on_corrupt: what to do with files whose header cannot be read: `raise` or `skip` with a warning.

    Raises:
        InputError: a tree or an annotation file is absent, or a header cannot be read.
    """
    if mode not in ("gtFine", "gtCoarse"):
        raise InputError(f"{dataset}: mode is {mode!r}; choose 'gtFine' or 'gtCoarse'")
    name = folder.format(split=split)
    tree = Path(root) / "leftImg8bit" / name
    images = [path for path in require_images(tree) if path.name.endswith(_SUFFIX)]
    if not images:
        raise InputError(f"{tree}: no file in it ends in {_SUFFIX}; {FETCH_AGAIN}")
    files = []
    for path in images:
        stem = path.name.removesuffix(_SUFFIX)
        annotation = None
        if split != "test":
            maps = Path(root) / mode / name / path.parent.name
            annotation = {kind: str(require_file(maps / f"{stem}_{mode}_{ending}")) for kind, ending in _MAPS.items()}
        files.append(ImageFile(f"{path.parent.name}/{stem}", path, annotation=annotation))
    return table_of_files(files, dataset, split, licence, on_corrupt)
