"""Loaders: a dataset on disk, in its provider's own format, becomes a sample table. Images are not decoded.

Every loader takes `root`, `dataset`, `split` and `licence` and returns the table of one split, with ids
`<dataset>/<split>/<name>` and in a fixed order. The column `annotation` is, as JSON text,

- a list of objects for detection: `category`, `bbox` [x, y, width, height] in pixels counted from 0, `iscrowd` (1 for
  regions that are not to be counted), and what else the format has;
- an object of absolute paths for dense labels: `labels`, `instances`, `polygons` or `mask`.

What is absent or damaged is an `InputError` that names the file.
"""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa

from ndslib.core.errors import InputError
from ndslib.data import manifests, sample_table
from ndslib.data.loaders.array_file import array_file
from ndslib.data.loaders.camvid import camvid, camvid_patches
from ndslib.data.loaders.cifar import cifar
from ndslib.data.loaders.cityscapes import cityscapes
from ndslib.data.loaders.coco import coco
from ndslib.data.loaders.cub200 import cub200
from ndslib.data.loaders.davis import davis
from ndslib.data.loaders.downsampled_imagenet import downsampled_imagenet
from ndslib.data.loaders.image_folder import image_folder
from ndslib.data.loaders.images_below import images_below
from ndslib.data.loaders.inaturalist import inaturalist
from ndslib.data.loaders.kitti import kitti
from ndslib.data.loaders.omniglot import omniglot
from ndslib.data.loaders.openimages import openimages
from ndslib.data.loaders.sklearn_digits import sklearn_digits
from ndslib.data.loaders.stanford_dogs import stanford_dogs
from ndslib.data.loaders.torchvision_dataset import torchvision_dataset
from ndslib.data.loaders.voc import voc
from ndslib.data.loaders.youtube_vos import youtube_vos

__all__ = [
    "array_file",
    "camvid",
    "camvid_patches",
    "cifar",
    "cityscapes",
    "coco",
    "cub200",
    "davis",
    "downsampled_imagenet",
    "image_folder",
    "images_below",
    "inaturalist",
    "kitti",
    "load",
    "omniglot",
    "openimages",
    "sklearn_digits",
    "stanford_dogs",
    "torchvision_dataset",
    "voc",
    "youtube_vos",
]
_TORCHVISION = "torchvision:"


def load(manifest: manifests.Manifest | str, root: Path | str, split: str, **options: Any) -> pa.Table:
    """The sample table of one split of a dataset, by the loader and arguments that its manifest names.

    Args:
        manifest: a manifest, or its name.
        root: the dataset's folder, as `ndslib data fetch` leaves it.
        split: one of the manifest's splits; parts of a split that is a union follow each other.
        options: further arguments of the loader, over those of the manifest, e.g. `on_corrupt="skip"`.

    Raises:
        InputError: no such dataset, split, loader or argument; or what the loader finds wrong with the files.
    """
    manifest = manifests.load(manifest) if isinstance(manifest, str) else manifest
    tables = [
        _call(manifest, root, split, {**arguments, **options}) for arguments in manifests.loader_calls(manifest, split)
    ]
    return sample_table.concat(tables)


def _call(manifest: manifests.Manifest, root: Path | str, split: str, arguments: dict[str, Any]) -> pa.Table:
    name = manifest.loader
    if name.startswith(_TORCHVISION):
        split_of_rows = _split_of_rows(arguments, split)
        on_corrupt = arguments.pop("on_corrupt", "raise")
        return torchvision_dataset(
            name.removeprefix(_TORCHVISION),
            root,
            manifest.name,
            split_of_rows,
            manifest.licence,
            arguments=arguments,
            on_corrupt=on_corrupt,
        )
    if name not in __all__ or name == "load":
        raise InputError(f"manifest {manifest.name!r}: no loader {name!r}; the loaders are {', '.join(__all__)}")
    loader: Callable[..., pa.Table] = globals()[name]
    try:
        inspect.signature(loader).bind(root=root, **arguments)
    except TypeError as error:
        takes = ", ".join(inspect.signature(loader).parameters)
        raise InputError(f"manifest {manifest.name!r}: loader {name}: {error}; it takes {takes}") from error
    return loader(root=root, **arguments)


def _split_of_rows(arguments: dict[str, Any], split: str) -> str:
    """Which of the sample table's three splits torchvision's name for one (`trainval`, `extra`, ...) counts as."""
    if "train" in arguments:
        return "train" if arguments["train"] else "test"
    name = str(arguments.get("split", split))
    return next((known for known in ("val", "test") if name.startswith(known)), "train")
