"""Downstream tasks: labelled training and test images, some seen in training the policy and some not.

`worlds` needs nothing; `real` adds images below `paths.data_root()`; `paper` is the 20 data sets of T2S section 4.1.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import joblib
import numpy as np
import pyarrow as pa

from ndslib.core import paths
from ndslib.core.errors import InputError
from ndslib.core.files import digest
from ndslib.core.seeding import rng
from ndslib.data import images, loaders
from ndslib.data.labelled import Labelled, few_per_class
from ndslib.data.worlds import domains, groups

PER_CLASS = (10, 20)  # training and test images of a class, unless told otherwise
TRAIN_SHARE = 0.7  # of data sets without a split, as in the authors' code
CLASSES = 8  # of a drawn domain
CATEGORIES = ("natural", "aerial", "symbolic", "medical", "illustrative", "texture")  # T2S section 4.1


@dataclass(frozen=True)
class Task:
    """A classification task.

    Attributes:
        classes: their names; a label is a place among them, in training as in testing.
        category: one of `CATEGORIES`.
        seen: whether the policy is trained on it.
        key: names all images and labels, for caches.
    """

    name: str
    classes: tuple[str, ...]
    category: str
    seen: bool
    train: Labelled = field(repr=False)
    test: Labelled = field(repr=False)
    key: str

    @property
    def flip(self) -> bool:
        """Whether a mirrored image is still one of its class: not so for characters and chests."""
        return self.category not in ("symbolic", "medical")


@dataclass(frozen=True)
class TaskSource:
    """Where a task's images come from: `tables(root, counts, seed, size, workers)` gives the training and test rows."""

    name: str
    category: str
    seen: bool
    tables: Callable[..., Sequence[pa.Table]]


def load_tasks(
    group: str,
    size: int,
    train_per_class: int = PER_CLASS[0],
    test_per_class: int = PER_CLASS[1],
    seed: int = 0,
    workers: int | None = None,
    names: Sequence[str] = (),
) -> list[Task]:
    """Read or draw the tasks of a group, seen ones first.

    Args:
        group: `worlds` (six seen and three unseen tasks, the digits of scikit-learn among them), `real` (with CIFAR-10,
            Omniglot and PACS) or `paper`.
        size: side of the images in pixels.
        train_per_class, test_per_class: images of a class, drawn at random (fewer where a class runs out); 0 takes all
            (of drawn tasks: `PER_CLASS`).
        seed: draws the images that are taken.
        workers: processes that draw and threads that decode; None: all cores.
        names: only these tasks.

    Raises:
        InputError: an unknown group or task, a negative count, or data that is absent or damaged (the message says
            where it is looked for).
    """
    if group not in GROUPS:
        raise InputError(f"tasks are {group!r}; choose one of {', '.join(GROUPS)}")
    if min(train_per_class, test_per_class) < 0:
        raise InputError(
            f"{train_per_class} training and {test_per_class} test images of a class: give 0 (all) or more"
        )
    sources = {source.name: source for source in GROUPS[group]}
    unknown = sorted(set(names) - set(sources))
    if unknown:
        raise InputError(f"group {group!r} has no tasks {unknown}; it has {list(sources)}")
    chosen = [source for name, source in sources.items() if not names or name in names]
    return [_load(source, size, (train_per_class, test_per_class), seed, workers) for source in chosen]


def _load(source: TaskSource, size: int, counts: tuple[int, int], seed: int, workers: int | None) -> Task:
    tables = source.tables(counts, seed, size, workers)
    return task_of(source.name, *tables, size, source.category, source.seen, workers)


def task_of(
    name: str,
    train: pa.Table,
    test: pa.Table,
    size: int,
    category: str = "natural",
    seen: bool = False,
    workers: int | None = None,
) -> Task:
    """A task from the sample tables of its training and test images.

    Raises:
        InputError: a row without a label, a class that only one of the two has, fewer than two classes, or an image
            that cannot be decoded.
    """
    found = [sorted(set(table["label"].to_pylist()) - {None}) for table in (train, test)]
    if found[0] != found[1]:
        odd = sorted(set(found[0]) ^ set(found[1]))
        raise InputError(f"task {name!r}: class {odd[0]!r} has images for training or for testing only: give it both")
    if len(found[0]) < 2:
        raise InputError(f"task {name!r} has the classes {found[0]}: give it at least two")
    parts, contents = [], []
    for table in (train, test):
        if table["label"].null_count:
            raise InputError(f"task {name!r}: {table['label'].null_count} of {table.num_rows} images have no label")
        labels = np.searchsorted(found[0], table["label"].to_pylist()).astype(np.int64)
        pixels = images.decode(table, size, workers=workers or joblib.cpu_count()).pixels
        parts.append(Labelled(pixels, labels))
        contents.append([hashlib.sha256(pixels).hexdigest(), labels.tolist()])
    return Task(name, tuple(found[0]), category, seen, *parts, key=digest(found[0], contents))


def _domain(domain: str) -> Callable[..., list[pa.Table]]:
    def tables(counts: tuple[int, int], seed: int, size: int, workers: int | None) -> list[pa.Table]:
        classes = domains.class_names(domain)[:CLASSES]
        return [
            domains.sample_table(domain, classes, count or usual, split, size, seed, workers)
            for count, usual, split in zip(counts, PER_CLASS, ("train", "test"), strict=True)
        ]

    return tables


def _fine_grained(counts: tuple[int, int], seed: int, size: int, workers: int | None) -> list[pa.Table]:
    """Two kinds of objects of four classes each: as fine-grained as birds are to a layman."""
    return [
        groups.sample_table(2, 4, count or usual, split, size=size, seed=seed, workers=workers)
        for count, usual, split in zip(counts, PER_CLASS, ("train", "test"), strict=True)
    ]


def _drawn_split(table: pa.Table, counts: tuple[int, int], stream: object, seed: int) -> list[pa.Table]:
    """Disjoint training and test images of each class; where a count is 0, the authors' 70 % and 30 %."""
    labels = np.array(table["label"].to_pylist())
    parts: list[list[np.ndarray]] = [[], []]
    for label in sorted(set(labels)):
        rows = rng("task2sim", "split", stream, seed, str(label)).permutation(np.flatnonzero(labels == label))
        first = min(counts[0] or round(TRAIN_SHARE * len(rows)), len(rows) - 1)
        parts[0].append(rows[:first])
        parts[1].append(rows[first : first + (counts[1] or len(rows))])
    return [table.take(np.sort(np.concatenate(part))) for part in parts]


def _provided_split(
    train: pa.Table, test: pa.Table, counts: tuple[int, int], stream: object, seed: int
) -> list[pa.Table]:
    """Some images, or all, of each class of a data set that comes with a split."""
    return [
        few_per_class(table, (count,), "task2sim", stream, seed)[0] if count else table
        for table, count in zip((train, test), counts, strict=True)
    ]


def _digits(counts: tuple[int, int], seed: int, size: int, workers: int | None) -> list[pa.Table]:
    return _drawn_split(loaders.sklearn_digits(paths.cache_root() / "digits"), counts, "digits", seed)


def data_folder(*parts: str) -> Path:
    """A folder of real images below `paths.data_root()`, or an InputError that says what to do without it."""
    folder = paths.data_root().joinpath(*parts)
    if not folder.is_dir():
        raise InputError(
            f"the tasks 'real' read {folder}, which is absent: set NDSLIB_DATA to a folder laid out as CONTRIBUTING.md "
            "says, or use the tasks 'worlds'"
        )
    return folder


def _cifar10(counts: tuple[int, int], seed: int, size: int, workers: int | None) -> list[pa.Table]:
    tables = [loaders.image_folder(data_folder("cifar10", split), "cifar10", split) for split in ("train", "test")]
    return _provided_split(*tables, counts, "cifar10", seed)


def _omniglot(counts: tuple[int, int], seed: int, size: int, workers: int | None) -> list[pa.Table]:
    table = loaders.omniglot(data_folder("omniglot", "images_background_small1"))
    return _drawn_split(table, (min(counts[0], 5), min(counts[1], 5)), "omniglot", seed)  # of 20 images a character


def _pacs(domain: str) -> Callable[..., list[pa.Table]]:
    def tables(counts: tuple[int, int], seed: int, size: int, workers: int | None) -> list[pa.Table]:
        table = loaders.image_folder(data_folder("pacs", domain), f"pacs_{domain}", "train")
        return _drawn_split(table, counts, domain, seed)

    return tables


def _manifest(name: str, *splits: str) -> Callable[..., list[pa.Table]]:
    """A data set of the paper by its manifest: training and test split, or the one split that both are drawn from."""

    def tables(counts: tuple[int, int], seed: int, size: int, workers: int | None) -> list[pa.Table]:
        found = [loaders.load(name, paths.data_root() / name, split) for split in splits]
        if len(found) == 1:
            return _drawn_split(found[0], counts, name, seed)
        return _provided_split(*found, counts, name, seed)

    return tables


_WORLDS = {
    "photos": TaskSource("photos", "natural", True, _domain("photos")),
    "sketches": TaskSource("sketches", "illustrative", True, _domain("sketches")),
    "glyphs": TaskSource("glyphs", "symbolic", True, _domain("glyphs")),
    "aerials": TaskSource("aerials", "aerial", True, _domain("aerials")),
    "textures": TaskSource("textures", "texture", True, _domain("textures")),
    "streets": TaskSource("streets", "natural", True, _domain("streets")),
    "digits": TaskSource("digits", "symbolic", False, _digits),
    "cartoons": TaskSource("cartoons", "illustrative", False, _domain("cartoons")),
    "fine-grained": TaskSource("fine-grained", "natural", False, _fine_grained),
}
GROUPS: dict[str, tuple[TaskSource, ...]] = {
    "worlds": tuple(_WORLDS.values()),
    "real": (
        *(_WORLDS[name] for name in ("photos", "sketches", "glyphs", "aerials", "textures", "streets")),
        TaskSource("cifar10", "natural", True, _cifar10),
        TaskSource("omniglot", "symbolic", True, _omniglot),
        *(_WORLDS[name] for name in ("digits", "fine-grained")),
        TaskSource("pacs_cartoon", "illustrative", False, _pacs("cartoon")),
        TaskSource("pacs_sketch", "illustrative", False, _pacs("sketch")),
    ),
    "paper": (  # T2S section 4.1; the names are those of the reward table and the Task2Vec file
        TaskSource("CropDisease", "natural", True, _manifest("cropdisease", "train", "test")),
        TaskSource("Flowers102", "natural", True, _manifest("flowers102", "train", "test")),
        TaskSource("DeepWeeds", "natural", True, _manifest("deepweeds", "all")),
        TaskSource("EuroSAT", "aerial", True, _manifest("eurosat", "all")),
        TaskSource("Resisc45", "aerial", True, _manifest("resisc45", "all")),
        TaskSource("Omniglot", "symbolic", True, _manifest("omniglot", "train")),
        TaskSource("SVHN", "symbolic", True, _manifest("svhn", "train", "test")),
        TaskSource("ISIC", "medical", True, _manifest("isic2018", "all")),
        TaskSource("ChestX", "medical", True, _manifest("chestx", "all")),
        TaskSource("Kaokore", "illustrative", True, _manifest("kaokore", "all")),
        TaskSource("Sketch", "illustrative", True, _manifest("imagenet_sketch", "all")),
        TaskSource("DTD", "texture", True, _manifest("dtd", "train", "test")),
        TaskSource("CUB", "natural", False, _manifest("cub200", "train", "test")),
        TaskSource("PacsC", "illustrative", False, _manifest("pacs", "cartoon")),
        TaskSource("PacsS", "illustrative", False, _manifest("pacs", "sketch")),
        TaskSource("AID", "aerial", False, _manifest("aid", "all")),
        TaskSource("USPS", "symbolic", False, _manifest("usps", "train", "test")),
        TaskSource("FMD", "texture", False, _manifest("fmd", "all")),
        TaskSource("CactusAerial", "aerial", False, _manifest("cactus_aerial", "train", "val")),
        TaskSource("ChestXPneumonia", "medical", False, _manifest("chestx_pneumonia", "train", "test")),
    ),
}
