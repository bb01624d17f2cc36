"""Any classification set that torchvision reads: its class parses the provider's format, here it becomes a table."""

import inspect
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ndslib.core.errors import InputError
from ndslib.data.loaders.array_container import blocks_of, container, label_names, table_of_rows, write_container
from ndslib.data.loaders.image_files import FETCH_AGAIN, ImageFile, require_folder, table_of_files

# Classes that unpickle what was downloaded, or that drop what a loader here keeps (boxes, masks, the file's own split).
INSTEAD = {
    "CIFAR10": "cifar (binary version)",
    "CIFAR100": "cifar (binary version)",
    "Cityscapes": "cityscapes",
    "CocoDetection": "coco",
    "ImageFolder": "image_folder",
    "ImageNet": "image_folder",
    "Kitti": "kitti",
    "LSUN": "image_folder (exported images)",
    "Omniglot": "omniglot",
    "PhotoTour": "array_file (exported patches)",
    "VOCDetection": "voc",
    "VOCSegmentation": "voc",
}
_PAIRS = ("samples", "_samples", "imgs")  # of (path, class number)
_PATHS = ("_image_files", "_images", "images")
_NUMBERS = ("_labels", "labels", "targets", "y")
_CLASSES = ("classes", "categories", "all_categories")


def torchvision_dataset(
    class_name: str,
    root: Path | str,
    dataset: str,
    split: str,
    licence: str | None = None,
    *,
    arguments: Mapping[str, Any] | None = None,
    on_corrupt: str = "raise",
) -> pa.Table:
    """Sample table of `torchvision.datasets.<class_name>`, sorted by path; images held as arrays go into the cache.

    Args:
        class_name: a class of `torchvision.datasets` with one class label an image.
        root: what the class takes as root; nothing is downloaded.
        split: `train`, `val` or `test`; also handed to the class as `split` or `train`, if it has such an argument and
            `arguments` does not set it.
        arguments: further arguments of the class's constructor, e.g. `{"partition": 1}`.
        on_corrupt: what to do with files whose header cannot be read: `raise` or `skip` with a warning.

    Raises:
        InputError: there is no such class; it would unpickle files or another loader keeps more (the message names
            it); the dataset is absent or damaged; the class gives neither paths nor an array of images.
    """
    source = _build(class_name, require_folder(root), dataset, split, arguments or {})
    paths, numbers = _paths(source), _numbers(source)
    if paths is None:
        return _table_of_array(source, class_name, numbers, dataset, split, licence, arguments or {})
    labels = label_names(np.asarray(numbers), _class_names(source), Path(root)) if numbers else [None] * len(paths)
    top = Path(root).expanduser().absolute()
    absolute = [Path(path).expanduser().absolute() for path in paths]
    files = sorted(
        ImageFile(os.path.relpath(path, top), path, label) for path, label in zip(absolute, labels, strict=True)
    )
    return table_of_files(files, dataset, split, licence, on_corrupt)


def _build(class_name: str, root: Path, dataset: str, split: str, arguments: Mapping[str, Any]) -> Any:
    from torchvision import datasets  # takes seconds; the other loaders do not need it

    if class_name in INSTEAD:
        raise InputError(f"{dataset}: torchvision's {class_name} is not used; use the loader {INSTEAD[class_name]}")
    if class_name not in datasets.__all__:
        raise InputError(f"{dataset}: torchvision.datasets has no class {class_name!r}; correct the manifest's loader")
    if pickled := sorted(root.glob("*/processed/*.pt")):  # MNIST's kind prefer these to the provider's files
        raise InputError(f"{pickled[0]}: torchvision would unpickle it; remove it and keep the provider's raw/")
    cls = getattr(datasets, class_name)
    try:
        return cls(root, **_with_split(cls, split, arguments, dataset))
    except (RuntimeError, OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(f"{root}: torchvision's {class_name} cannot read it ({error}); {FETCH_AGAIN}") from error


def _with_split(cls: type, split: str, arguments: Mapping[str, Any], dataset: str) -> dict[str, Any]:
    """`arguments`, and the split under the name and type that the class's constructor (or its base's) has for it."""
    known = {name for base in cls.__mro__ for name in inspect.signature(base.__init__).parameters}
    if "split" in known:
        return {"split": split, **arguments}
    if "train" in known and "train" not in arguments:
        if split == "val":
            raise InputError(f"{dataset}: torchvision's {cls.__name__} has no split 'val'; choose 'train' or 'test'")
        return {"train": split == "train", **arguments}
    return arguments


def _first(source: Any, names: Sequence[str]) -> Any:
    found = (getattr(source, name) for name in names if getattr(source, name, None) is not None)
    return next(found, None)


def _paths(source: Any) -> list[Any] | None:
    """Path of every image, or None for a class that holds arrays."""
    if (pairs := _first(source, _PAIRS)) is not None:
        return [path for path, *_ in pairs]
    if (paths := _first(source, _PATHS)) is not None:
        return list(paths)
    kind = type(source).__name__
    if kind == "INaturalist":
        return [os.path.join(source.root, source.all_categories[number], name) for number, name in source.index]
    if kind == "CelebA":
        return [os.path.join(source.root, source.base_folder, "img_align_celeba", name) for name in source.filename]
    if kind in ("Caltech101", "Caltech256"):
        return [_caltech_path(source, row) for row in range(len(source))]
    return None


def _caltech_path(source: Any, row: int) -> str:
    number, category = source.index[row], source.y[row]
    if type(source).__name__ == "Caltech101":
        return os.path.join(source.root, "101_ObjectCategories", source.categories[category], f"image_{number:04d}.jpg")
    return os.path.join(
        source.root, "256_ObjectCategories", source.categories[category], f"{category + 1:03d}_{number:04d}.jpg"
    )


def _numbers(source: Any) -> list[int]:
    """Class number of every image; empty for a class without them."""
    if (pairs := _first(source, _PAIRS)) is not None:
        return [int(number) for _, number in pairs]
    if type(source).__name__ == "INaturalist":
        return [number for number, _ in source.index]
    numbers = _first(source, _NUMBERS)
    return [] if numbers is None else [int(number) for number in numbers]


def _class_names(source: Any) -> list[str] | None:
    classes = _first(source, _CLASSES)
    return None if classes is None else [str(name) for name in classes]


def _table_of_array(
    source: Any, class_name: str, numbers: list[int], dataset: str, split: str, licence: str | None, arguments: Mapping
) -> pa.Table:
    images = _images(source, class_name, dataset)
    labels = np.asarray(numbers if numbers else [-1] * len(images), np.int64)
    files = sorted(path for path in Path(source.root).rglob("*") if path.is_file())

    def write(folder: Path) -> None:
        write_container(folder, images.shape[:3], blocks_of(images), labels)

    path, labels = container("torchvision", files, write, class_name, split, arguments)
    names = label_names(labels, _class_names(source), Path(source.root))
    return table_of_rows(path, dataset, split, licence, names)


def _images(source: Any, class_name: str, dataset: str) -> np.ndarray:
    """The class's array `data` as uint8[N, H, W] or [N, H, W, 3]."""
    data = getattr(source, "data", None)
    images = np.asarray(data) if data is not None else np.empty(0)
    if images.ndim == 4 and images.shape[1] == 3 and images.shape[3] != 3:  # SVHN and STL10 keep channels first
        images = images.transpose(0, 2, 3, 1)
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or len(images) == 0:
        raise InputError(
            f"{dataset}: torchvision's {class_name} gives neither the paths nor an array of its images; export them and"
            " use the loader image_folder or array_file"
        )
    return images
