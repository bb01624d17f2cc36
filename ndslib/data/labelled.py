"""Labelled images in memory, and small parts of labelled tables."""

import mmap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ndslib.core.errors import InputError
from ndslib.core.seeding import rng


@dataclass(frozen=True)
class Labelled:
    """Images in memory with their labels.

    Attributes:
        images: uint8[N, 3, S, S].
        labels: int64[N]; -1 where there is none (allowed for self-supervised pretraining only).
    """

    images: np.ndarray
    labels: np.ndarray

    def __post_init__(self) -> None:
        if len(self.images) != len(self.labels):
            raise InputError(f"{len(self.images)} images but {len(self.labels)} labels: give one label an image")
        if len(self.images) == 0:
            raise InputError("there are no images")

    def __reduce__(self) -> tuple:
        """A memory-mapped array goes to another process as its file's name, and not as gigabytes."""
        if isinstance(self.images, np.memmap) and isinstance(self.images.base, mmap.mmap):
            return _reopened, (type(self), str(self.images.filename), self.labels)
        return type(self), (self.images, self.labels)

    @property
    def classes(self) -> int:
        """Number of classes: the largest label plus one."""
        return int(self.labels.max()) + 1


def _reopened(kind: type[Labelled], path: str, labels: np.ndarray) -> Labelled:
    return kind(np.load(path, mmap_mode="r", allow_pickle=False), labels)


def few_per_class(table: pa.Table, counts: Sequence[int], *stream: object) -> list[pa.Table]:
    """Disjoint random parts of a labelled table, `counts[i]` images a class in part i (fewer where a class runs out).

    The first part is served first, so a training set is full before the test set takes the rest.
    """
    labels = np.array(table["label"].to_pylist())
    parts: list[list[np.ndarray]] = [[] for _ in counts]
    for label in sorted(set(labels)):
        rows = rng("few per class", *stream, str(label)).permutation(np.flatnonzero(labels == label))
        for number, part in enumerate(np.split(rows, np.cumsum(counts))[: len(counts)]):
            parts[number].append(part)
    return [table.take(np.sort(np.concatenate(part))) for part in parts]


def only(table: pa.Table, classes: Sequence[str]) -> pa.Table:
    """The rows of the given classes; a class without a row is an error."""
    missing = sorted(set(classes) - set(table["label"].unique().to_pylist()))
    if missing:
        raise InputError(f"classes {missing} have no image among the {table.num_rows} rows of the table")
    return table.filter(pc.is_in(table["label"], pa.array(list(classes))))
