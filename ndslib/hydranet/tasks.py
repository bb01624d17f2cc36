"""The chapter's data: labelled training and test images of one task, by its name.

`digits` and `groups` need nothing. `cifar10`, `cifar100` and `imagenet` (the data of thesis sections 3.3 and 3.4) are
read from their folder below `paths.data_root()`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import joblib
import numpy as np
import pyarrow as pa

from ndslib.core import paths
from ndslib.core.errors import InputError
from ndslib.core.files import digest
from ndslib.core.seeding import rng
from ndslib.data import images, loaders, manifests, sample_table
from ndslib.data.worlds import groups as similar
from ndslib.sim.renderer import SMALLEST

SIZES = {"digits": 16, "groups": 32, "cifar10": 32, "cifar100": 32, "imagenet": 224}  # sides in pixels
GROUPS_PER_CLASS = (100, 40)  # training and test images of `groups`, which has no end of them


@dataclass(frozen=True)
class Split:
    """Images with their classes.

    Attributes:
        images: uint8 [N, 3, S, S], RGB; of a task a read-only memory map, so that ImageNet needs no memory of its size.
        labels: int64 [N], each in 0..classes-1.

    Raises:
        InputError: no images, or not one label an image.
    """

    images: np.ndarray
    labels: np.ndarray

    def __post_init__(self) -> None:
        if len(self.images) != len(self.labels) or len(self.images) == 0:
            raise InputError(
                f"{len(self.images)} images and {len(self.labels)} labels: give at least one image, each with a label"
            )


@dataclass(frozen=True)
class Task:
    """What a network learns to tell apart.

    Attributes:
        classes: their names; a label is a place among them, in training as in testing.
        groups: the visual group of each class, where it is known.
        key: names all images and labels, for caches; empty where a task is made by hand.
    """

    name: str
    classes: tuple[str, ...]
    groups: tuple[str, ...] | None
    train: Split
    test: Split
    key: str = ""

    @property
    def size(self) -> int:
        """Side of the images in pixels."""
        return self.train.images.shape[-1]

    @property
    def flip(self) -> bool:
        """Whether a mirrored image is still one of its class: not so for digits."""
        return self.name != "digits"


def load_task(
    name: str,
    size: int | None = None,
    seed: int = 0,
    train_per_class: int | None = None,
    test_per_class: int | None = None,
    groups: int = 5,
    per_group: int = 4,
    fineness: float = 0.5,
    workers: int | None = None,
) -> Task:
    """Read a task, or draw it.

    Args:
        name: `digits` (scikit-learn's), `groups` (`ndslib.data.worlds.groups`: procedural classes in visually similar
            groups), `cifar10` (class folders as in CONTRIBUTING.md, or the provider's binary files), `cifar100`, or
            `imagenet` (its validation images are the test; its test labels are not public).
        size: side of the images in pixels, at least 8; left out, that of `SIZES`.
        seed: draws the images of a subset, and the classes and pictures of `groups`.
        train_per_class, test_per_class: images of each class, drawn at random, a smaller subset from a larger one;
            None takes all (of `groups`: `GROUPS_PER_CLASS`).
        groups, per_group, fineness: of `groups` alone: groups, classes in each, and how alike these are, from 0 (as far
            apart as their kind allows) to 1 (the same).
        workers: processes that draw (None: as in `worlds.store.stored`), threads that decode (None: all cores).

    Raises:
        InputError: an unknown task; a size, a number of images or of workers that is too small; a class with fewer
            images than asked for, or none; absent or damaged data (the message names the file and the remedy); or what
            `worlds.groups.sample_table` refuses.
    """
    if name not in SIZES:
        raise InputError(f"task is {name!r}; choose one of {', '.join(SIZES)}")
    _check("size", size, SMALLEST)
    _check("train_per_class", train_per_class, 1)
    _check("test_per_class", test_per_class, 1)
    _check("workers", workers, 1)
    size, per_class = size or SIZES[name], (train_per_class, test_per_class)
    if name == "groups":
        per_class = tuple(given or usual for given, usual in zip(per_class, GROUPS_PER_CLASS, strict=True))
        tables = [
            similar.sample_table(groups, per_group, count, split, fineness, size, seed, workers=workers)
            for split, count in zip(("train", "test"), per_class, strict=True)
        ]
    else:
        tables = _read(name)
    labels, classes = _number(tables)
    splits, contents = [], []
    for table, numbers, count in zip(tables, labels, per_class, strict=True):
        rows = _subset(table, numbers, classes, count, seed)
        decoded = images.decode(table.take(rows), size, workers=workers or joblib.cpu_count())
        splits.append(Split(decoded.pixels, numbers[rows]))
        contents.append([decoded.path.parent.name, numbers[rows].tolist()])
    visual = tuple(similar.group_of(each) for each in classes) if name == "groups" else None
    return Task(name, classes, visual, *splits, key=digest(name, classes, contents))


def _check(argument: str, value: int | None, least: int) -> None:
    if value is not None and value < least:
        raise InputError(f"{argument} is {value}; it must be at least {least}")


def _read(name: str) -> list[pa.Table]:
    """The sample tables of all training and of all test images of a dataset that is not drawn."""
    # The digits come with scikit-learn: their loader writes its array where it is told.
    root = (paths.cache_root() if name == "digits" else paths.data_root()) / name
    if name == "cifar10" and (root / "train").is_dir():  # the class folders of CONTRIBUTING.md
        return [loaders.image_folder(root / split, name, split) for split in ("train", "test")]
    held_out = "test" if "test" in manifests.load(name).splits else "val"
    return [loaders.load(name, root, split) for split in ("train", held_out)]


def _number(tables: Sequence[pa.Table]) -> tuple[list[np.ndarray], tuple[str, ...]]:
    """The labels of each table, int64 [rows], as places among the classes of all tables in the order of their names."""
    numbers, names = sample_table.labels(pa.concat_tables(tables))
    classes = tuple(name.partition("/")[2] for name in names)  # of `<dataset>/<class>`: here all are of one dataset
    ends = np.cumsum([table.num_rows for table in tables])[:-1]
    return np.split(np.array(numbers), ends), classes


def _subset(
    table: pa.Table, labels: np.ndarray, classes: Sequence[str], per_class: int | None, seed: int
) -> np.ndarray:
    """Rows of `per_class` random images of each class, or of all, in the table's order."""
    dataset, split = table["dataset"][0].as_py(), table["split"][0].as_py()
    counts = np.bincount(labels, minlength=len(classes))
    if counts.min() < (per_class or 1):
        raise InputError(
            f"{dataset}, split {split!r}: the class {classes[counts.argmin()]!r} has {counts.min()} images, "
            f"{per_class or 'at least 1'} are asked for; ask for fewer a class, or complete the data"
        )
    random = rng("hydranet", "task", dataset, split, seed)
    chosen = [random.permutation(np.flatnonzero(labels == number))[:per_class] for number in range(len(classes))]
    return np.sort(np.concatenate(chosen))
