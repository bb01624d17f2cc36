"""Labelled images in memory, and small parts of labelled tables."""

import mmap
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from ndslib.core.errors import InputError
from ndslib.core.seeding import rng


@dataclass(frozen=True)
class Labelled:
    """Images in memory with their labels.

    Attributes:
        images: uint8[N, 3, S, S].
        labels: int64[N]; -1 where there is none (allowed for self-supervised pretraining only).

    Raises:
        InputError: no images, images that are not square, or not one label an image.
    """

    images: np.ndarray
    labels: np.ndarray

    def __post_init__(self) -> None:
        if len(self.images) != len(self.labels):
            raise InputError(f"{len(self.images)} images but {len(self.labels)} labels: give one label an image")
        if len(self.images) == 0:
            raise InputError("there are no images")
        if len(set(np.shape(self.images)[2:])) > 1:
            raise InputError(
                f"the images have the shape {np.shape(self.images)}; wanted squares, [N, 3, S, S]: resize or crop them"
            )

    @classmethod
    def of(cls, dataset: Any) -> "Labelled":
        """Labelled images of any usual form, read into memory.

        Args:
            dataset: one of

                - `Labelled`, returned as it is;
                - a pair (images [N, C, S, S], labels [N]) of tensors or arrays;
                - a dataset with `__len__` and `__getitem__` of pairs (image, label), such as a list, torch's
                  `TensorDataset` and `Subset` or torchvision's `ImageFolder`;
                - a `DataLoader` of such a dataset, of which sampling and collation are not looked at.

                An image is a tensor or array, [3, S, S] or [1, S, S] (grey), of uint8 or of floats from 0 to 1 (as
                torchvision's `ToTensor` gives), or a PIL image of 8 bits a channel. A label is a whole number.

        Raises:
            InputError: anything else; floats outside 0 to 1, as after normalisation; images of several sizes.
        """
        if isinstance(dataset, cls):
            return dataset
        if isinstance(dataset, DataLoader):
            dataset = dataset.dataset
        if _is_pair(dataset):
            whole = cls(*dataset)  # refuses what does not go together
            dataset = list(zip(whole.images, whole.labels, strict=True))
        return cls(*_columns(dataset))

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


def _is_pair(dataset: Any) -> bool:
    """Whether it is (images, labels), and not a list of two samples."""
    return isinstance(dataset, tuple | list) and len(dataset) == 2 and isinstance(dataset[0], np.ndarray | Tensor)


def _columns(dataset: Any) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8[N, 3, H, W] and labels int64[N] of a dataset of pairs (image, label)."""
    indexed = hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")
    if not indexed or isinstance(dataset, IterableDataset | Mapping):
        raise InputError(
            f"the dataset is a {type(dataset).__name__}; wanted a pair (images, labels), a DataLoader or a dataset "
            "with __len__ and __getitem__ of pairs (image, label): list(...) makes one of an iterable of pairs"
        )
    images, labels = [], []
    for number in range(len(dataset)):
        sample = dataset[number]
        if not isinstance(sample, tuple | list) or len(sample) != 2:
            raise InputError(f"sample {number} of the dataset is a {type(sample).__name__}; wanted (image, label)")
        images.append(_pixels(sample[0], number))
        labels.append(_number(sample[1], number))
        if images[number].shape != images[0].shape:
            raise InputError(
                f"image {number} is {images[number].shape[1:]} high and wide, but image 0 is {images[0].shape[1:]}: "
                "resize all to one size"
            )
    return np.array(images), np.array(labels, np.int64)


def _pixels(image: Any, number: int) -> np.ndarray:
    """uint8[3, H, W] of an image of any kind that `Labelled.of` takes."""
    if isinstance(image, Image.Image) and not image.mode.startswith(("I", "F")):  # those are not of 8 bits
        image = np.asarray(image.convert("RGB")).transpose(2, 0, 1)
    pixels = image.detach().cpu().numpy() if isinstance(image, Tensor) else np.asarray(image)
    floating = np.issubdtype(pixels.dtype, np.floating)
    if pixels.ndim != 3 or len(pixels) not in (1, 3) or not (floating or pixels.dtype == np.uint8):
        raise InputError(
            f"image {number} is {pixels.dtype} {pixels.shape}: wanted uint8, or floats from 0 to 1, of the shape "
            "[3, S, S] or [1, S, S], or a PIL image of 8 bits a channel"
        )
    if floating:
        if not (pixels.min() >= 0 and pixels.max() <= 1):  # NaN is neither
            raise InputError(
                f"image {number} has floats from {pixels.min():g} to {pixels.max():g}; wanted 0 to 1: leave "
                "normalisation to the network"
            )
        pixels = (pixels * 255).round().astype(np.uint8)
    return np.broadcast_to(pixels, (3, *pixels.shape[1:]))


def _number(label: Any, number: int) -> int:
    try:
        return operator.index(label)
    except TypeError as error:
        raise InputError(
            f"the label of image {number} is {label!r}; wanted a whole number: number the classes 0 to C - 1"
        ) from error


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
