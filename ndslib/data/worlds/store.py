"""Rendered data sets on disk: arrays in a folder of the cache, whole or absent, drawn in parallel."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pyarrow as pa
import torch

from ndslib.core.cache import cached
from ndslib.core.errors import InputError
from ndslib.core.files import code_digest, digest, write_json
from ndslib.core.parallel import run_jobs
from ndslib.data import sample_table
from ndslib.sim.renderer import SMALLEST

LICENCE = "CC0-1.0"  # nobody's photographs: anyone may use the pictures for anything
LENGTHS = "lengths.json"
ITEMS_PER_JOB = 64
FEW = 400  # items that are drawn sooner in this process than other processes start


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

    A folder whose files were cut short (by a full disk, a broken copy) is drawn again.

    Args:
        name: what is drawn, e.g. "scenes".
        parameters: all that the content depends on besides this package's, the simulator's and torch's version; JSON.
        draw: `draw(first, last)` returns the items first to last - 1 of every column; they must not depend on how the
            items are cut into jobs.
        workers: local processes; None takes all cores for many items, else this process.

    Raises:
        InputError: no items.
        ExceptionGroup: of what `draw` raised, or of a ValueError where it returned arrays of another type or shape than
            `columns` says.
    """
    if count < 1:
        raise InputError(f"{name}: {count} items are asked for; it must be at least 1")
    workers = default_workers(count, FEW) if workers is None else workers

    def build(folder: Path) -> None:
        folder.mkdir()
        for column, entry in columns.items():
            shape = (count, *entry.shape)
            np.lib.format.open_memmap(folder / f"{column}.npy", mode="w+", dtype=entry.dtype, shape=shape)
        jobs = [
            (folder, columns, draw, first, min(first + ITEMS_PER_JOB, count))
            for first in range(0, count, ITEMS_PER_JOB)
        ]
        run_jobs(_draw_into, jobs, workers, description=f"drawing {name}" if count >= FEW else "")

    key = digest(name, dict(parameters), count, {column: vars(entry) for column, entry in columns.items()}, code_key())
    return kept("worlds", key, build)


def kept(kind: str, key: str, build: Callable[[Path], None]) -> Path:
    """`core.cache.cached` for a folder, made again when one of its files has not the length that it was made with.

    A full disk or a broken copy may cut files short; a list of lengths, written last, tells.
    """

    def build_and_measure(folder: Path) -> None:
        build(folder)
        write_json(folder / LENGTHS, _lengths(folder))

    folder = cached(kind, key, build_and_measure)
    if not _as_made(folder):
        shutil.rmtree(folder)
        folder = cached(kind, key, build_and_measure)
    return folder


def _lengths(folder: Path) -> dict[str, int]:
    """Bytes of each file of a folder, by its path in it."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != LENGTHS)
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}


def _as_made(folder: Path) -> bool:
    try:
        return json.loads((folder / LENGTHS).read_text()) == _lengths(folder)
    except (OSError, ValueError):
        return False


def code_key() -> str:
    """Names the code that draws: the simulator's, the worlds' and torch's version. Worlds are drawn on the CPU."""
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


def default_workers(count: int, few: int) -> int:
    """All cores for `few` items and more, else this process."""
    return joblib.cpu_count() if count >= few else 1


def check_classes(domain: str, classes: Sequence[str], known: Sequence[str]) -> None:
    """Refuse a list of classes with one that is not `known`, a doubled one, or none, with an InputError."""
    unknown = [name for name in classes if name not in known]
    if unknown:
        raise InputError(f"{domain} has no class {unknown[0]!r}: choose from {', '.join(known)}")
    if not classes or len(set(classes)) < len(classes):
        raise InputError(f"classes {list(classes)}: name at least one class, and each only once")


def check_split(split: str) -> None:
    """Refuse another split than train, val or test, with an InputError."""
    if split not in sample_table.SPLITS:
        raise InputError(f"split {split!r}: choose from {', '.join(sample_table.SPLITS)}")


def check(split: str, size: int) -> None:
    """Refuse a part or a picture size that there cannot be.

    Raises:
        InputError: another split than train, val or test; a size below 8 pixels.
    """
    check_split(split)
    if size < SMALLEST:
        raise InputError(f"size {size}: pictures have a side of at least {SMALLEST} pixels")


def picture_table(
    dataset: str,
    parameters: Mapping[str, Any],
    pictures: Sequence[tuple[str, int]],
    split: str,
    size: int,
    draw: Callable[[Sequence[tuple[str, int]]], Sequence[np.ndarray]],
    workers: int | None = None,
) -> pa.Table:
    """A sample table of labelled pictures, drawn once into the cache.

    Args:
        parameters: what the pictures depend on besides the arguments here; JSON.
        pictures: the label of each, and its number within the label.
        draw: `draw(some of them)` are the pictures, RGB uint8 [size, size, 3] each.
        workers: as in `stored`.

    Returns:
        a row for each of `pictures`, whose uris are rows of a .npy file uint8 [N, size, size, 3].

    Raises:
        InputError: as `check`; no pictures.
    """
    check(split, size)

    def draw_some(first: int, last: int) -> dict[str, np.ndarray]:
        return {"images": np.stack(draw(pictures[first:last]))}

    named = {**parameters, "pictures": digest(pictures), "split": split}
    columns = {"images": Column("uint8", (size, size, 3))}
    images = stored(dataset, named, columns, len(pictures), draw_some, workers) / "images.npy"
    return sample_table.from_rows(
        {
            "id": f"{dataset}/{split}/{label}/{number:06}",
            "dataset": dataset,
            "uri": f"{images}#row={row}",
            "split": split,
            "label": label,
            "width": size,
            "height": size,
            "bytes": size * size * 3,
            "licence": LICENCE,
        }
        for row, (label, number) in enumerate(pictures)
    )
