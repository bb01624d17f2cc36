"""The one array format that images are read from: a `.npy` of uint8[N, height, width, 3], memory-mapped by row.

A dataset in another array format is written once as such a file into the cache, piece by piece, with its labels.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ndslib.core.cache import cached
from ndslib.core.errors import InputError
from ndslib.core.files import digest
from ndslib.data import sample_table

_VERSION = 1  # of the cached container: raise it when what `write_container` writes changes
_BLOCK = 4096  # rows held in memory at a time


def container(
    kind: str, sources: Sequence[Path], write: Callable[[Path], None], *settings: Any
) -> tuple[Path, np.ndarray]:
    """Path of the cached `images.npy` and its int64[N] labels (-1: none), converted from `sources` when not yet there.

    Args:
        kind: names the format; it, the sources' paths, sizes and times of change, and `settings` make the cache's key.
        write: fills a folder by way of `write_container`.
    """
    stamps = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in sources]
    folder = cached("arrays", digest(kind, _VERSION, stamps, *settings), write)
    return folder / "images.npy", open_array(folder / "labels.npy")


def write_container(
    folder: Path, shape: tuple[int, int, int], blocks: Iterable[np.ndarray], labels: np.ndarray
) -> None:
    """Write a container of `shape` (images, height, width).

    Args:
        blocks: uint8[n, height, width] (grey, repeated), [n, height, width, 1] or [n, height, width, 3], in order.
        labels: whole numbers [images]; negative means unlabelled.
    """
    folder.mkdir(parents=True, exist_ok=True)
    out = np.lib.format.open_memmap(folder / "images.npy", "w+", np.uint8, (*shape, 3))
    start = 0
    for block in blocks:
        out[start : start + len(block)] = block[..., None] if block.ndim == 3 else block
        start += len(block)
    if start != shape[0]:
        raise RuntimeError(f"{folder}: {start} rows written where {shape[0]} were announced")
    out.flush()
    np.save(folder / "labels.npy", np.asarray(labels, np.int64))


def blocks_of(array: np.ndarray) -> Iterator[np.ndarray]:
    """Consecutive blocks of an array's rows, small enough to hold in memory."""
    return (array[start : start + _BLOCK] for start in range(0, len(array), _BLOCK))


def open_array(path: Path) -> np.ndarray:
    """Memory-map a `.npy`; InputError when it is damaged, holds Python objects, or is no array file."""
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise InputError(f"{path}: not a readable .npy array ({error}); write it with numpy.save") from error


def table_of_rows(path: Path, dataset: str, split: str, licence: str | None, labels: Sequence[str | None]) -> pa.Table:
    """A sample table with a row (`<path>#row=n`) for each row of the container at `path`, labelled by `labels`.

    Built by columns: Downsampled ImageNet has 1.28 million rows. `bytes` is a row's share of the array.
    """
    count, height, width, channels = open_array(path).shape
    columns = {
        "id": [f"{dataset}/{split}/{row:07d}" for row in range(count)],
        "dataset": pa.repeat(dataset, count),
        "uri": [f"{path}#row={row}" for row in range(count)],
        "split": pa.repeat(split, count),
        "label": pa.array(labels, pa.string()),
        "annotation": pa.nulls(count, pa.string()),
        "width": pa.repeat(pa.scalar(width, pa.int32()), count),
        "height": pa.repeat(pa.scalar(height, pa.int32()), count),
        "bytes": pa.repeat(pa.scalar(height * width * channels, pa.int64()), count),
        "licence": pa.repeat(pa.scalar(licence, pa.string()), count),
    }
    return sample_table.validate(pa.table(columns), path)


def label_names(numbers: np.ndarray, classes: Sequence[str] | None, source: Path) -> list[str | None]:
    """Class names of int[N] labels, None for negative ones; without `classes`, the numbers as text.

    Raises:
        InputError: a number has no class; it names `source` and the row.
    """
    if classes is None:
        return [None if number < 0 else str(number) for number in numbers.tolist()]
    if len(numbers) and numbers.max() >= len(classes):
        row = int(numbers.argmax())
        raise InputError(
            f"{source}: row {row} has the label {numbers[row]} but there are only {len(classes)} classes, counted"
            " from 0; correct the labels or the class names"
        )
    return [None if number < 0 else classes[number] for number in numbers.tolist()]
