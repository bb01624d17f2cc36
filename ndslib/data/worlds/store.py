"""Rendered data sets on disk: arrays in a folder of the cache, whole or absent, drawn in parallel."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from ndslib.core.cache import cached
from ndslib.core.errors import InputError
from ndslib.core.files import code_digest, digest
from ndslib.core.parallel import run_jobs
from ndslib.data import sample_table

LICENCE = "CC0-1.0"  # nobody's photographs: anyone may use the pictures for anything
ITEMS_PER_JOB = 64
FEW = 1000  # items that are drawn sooner in this process than other processes start


@dataclass(frozen=True)
class Column:
    """An array of a data set: the type and shape of one item's entry, e.g. ("uint8", (64, 64, 3))."""

    dtype: str
    shape: tuple[int, ...]


def stored(
    name: str,
    parameters: Mapping[str, Any],
    columns: Mapping[str, Column],
    count: int,
    draw: Callable[[int, int], Mapping[str, np.ndarray]],
    workers: int | None = None,
) -> Path:
    """The folder with one `<column>.npy` [count, *shape] each, drawn when it is not in the cache.

    Args:
        name: what is drawn, e.g. "scenes".
        parameters: all that the content depends on besides this package's, the simulator's and torch's version; JSON.
        draw: `draw(first, last)` returns the items first to last - 1 of every column; they must not depend on how the
            items are cut into jobs.
        workers: local processes; None takes all cores for 1,000 items and more, else this process.

    Raises:
        InputError: no items.
        ValueError: `draw` returned arrays of another type or shape than `columns` says.
    """
    if count < 1:
        raise InputError(f"{name}: {count} items are asked for; it must be at least 1")
    if workers is None:
        workers = len(os.sched_getaffinity(0)) if count >= FEW else 1

    def build(folder: Path) -> None:
        folder.mkdir()
        for column, entry in columns.items():
            shape = (count, *entry.shape)
            np.lib.format.open_memmap(folder / f"{column}.npy", mode="w+", dtype=entry.dtype, shape=shape)
        jobs = [
            (folder, columns, draw, first, min(first + ITEMS_PER_JOB, count))
            for first in range(0, count, ITEMS_PER_JOB)
        ]
        run_jobs(_draw_into, jobs, workers, description=f"drawing {name}")

    key = digest(name, dict(parameters), count, {column: vars(entry) for column, entry in columns.items()}, _code())
    return cached("worlds", key, build)


def _code() -> str:
    return digest(code_digest("ndslib.sim"), code_digest("ndslib.data.worlds"), torch.__version__)


def _draw_into(job: tuple[Path, Mapping[str, Column], Callable, int, int]) -> None:
    folder, columns, draw, first, last = job
    items = draw(first, last)
    for column, entry in columns.items():
        values, shape = items[column], (last - first, *entry.shape)
        if values.shape != shape or values.dtype != np.dtype(entry.dtype):
            raise ValueError(f"{column}: drew {values.dtype}{values.shape}, wanted {entry.dtype}{shape}")
        array = np.load(folder / f"{column}.npy", mmap_mode="r+", allow_pickle=False)
        array[first:last] = values
        array.flush()


def listed(images: Path, dataset: str, split: str, pictures: Sequence[tuple[str, str]]) -> pa.Table:
    """A sample table of an array of pictures uint8 [N, H, W, 3]; `pictures`: the label and the name of each."""
    height, width, channels = np.load(images, mmap_mode="r", allow_pickle=False).shape[1:]
    return sample_table.from_rows(
        {
            "id": f"{dataset}/{split}/{name}",
            "dataset": dataset,
            "uri": f"{images}#row={row}",
            "split": split,
            "label": label,
            "width": width,
            "height": height,
            "bytes": height * width * channels,
            "licence": LICENCE,
        }
        for row, (label, name) in enumerate(pictures)
    )
