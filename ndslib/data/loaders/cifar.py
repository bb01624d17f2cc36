"""CIFAR-10 and CIFAR-100 in their binary version (the Python version is a pickle, which ndslib never opens).

Source: https://www.cs.toronto.edu/~kriz/cifar.html. A record is one label byte (CIFAR-100: coarse, then fine) and 3,072
bytes: 32 x 32 red, then green, then blue, row by row.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from ndslib.core.errors import InputError
from ndslib.data.loaders.array_container import container, label_names, table_of_rows, write_container
from ndslib.data.loaders.image_files import FETCH_AGAIN, choose, read_lines, require_file, require_folder

_PIXELS = 3 * 32 * 32
_BINARY_ONLY = "fetch the binary version (cifar-10-binary.tar.gz or cifar-100-binary.tar.gz) and unpack it there"
_FILES_10 = {"train": [f"data_batch_{number}.bin" for number in range(1, 6)], "test": ["test_batch.bin"]}
_FILES_100 = {"train": ["train.bin"], "test": ["test.bin"]}


def cifar(root: Path | str, dataset: str, split: str, licence: str | None = None, *, labels: str = "fine") -> pa.Table:
    """Sample table of CIFAR-10 or CIFAR-100, whichever binary version lies at `root`.

    The pixels are written once into the cache as a `.npy`; uris are its rows.

    Args:
        root: the folder of the `.bin` files, or the one that holds `cifar-10-batches-bin` or `cifar-100-binary`.
        split: `train` or `test`.
        labels: CIFAR-100 only: `fine` (100 classes) or `coarse` (20).

    Raises:
        InputError: a file is absent, its size is not a whole number of records, a label has no class, or `labels` is
            unknown.
    """
    folder = _folder(require_folder(root))
    hundred = (folder / "fine_label_names.txt").is_file()
    if labels not in (("fine", "coarse") if hundred else ("fine",)):
        raise InputError(f"{folder}: labels is {labels!r}; CIFAR-100 has 'fine' and 'coarse', CIFAR-10 only 'fine'")
    names = choose(split, _FILES_100 if hundred else _FILES_10, dataset)
    files = [require_file(folder / name, _BINARY_ONLY) for name in names]
    column, width = (("coarse", "fine").index(labels), 2) if hundred else (0, 1)
    path, numbers = container("cifar", files, lambda place: _convert(files, column, width, place), labels)
    classes = _class_names(folder / (f"{labels}_label_names.txt" if hundred else "batches.meta.txt"))
    return table_of_rows(path, dataset, split, licence, label_names(numbers, classes, files[0]))


def _folder(root: Path) -> Path:
    for folder in (root, root / "cifar-10-batches-bin", root / "cifar-100-binary"):
        if (folder / "batches.meta.txt").is_file() or (folder / "fine_label_names.txt").is_file():
            return folder
    raise InputError(f"{root}: neither batches.meta.txt nor fine_label_names.txt is in it; {_BINARY_ONLY}")


def _class_names(path: Path) -> list[str]:
    return [line for _, line in read_lines(path)]


def _convert(files: Sequence[Path], column: int, width: int, place: Path) -> None:
    records = [_records(path, width) for path in files]
    labels = np.concatenate([part[:, column] for part in records])
    write_container(place, (len(labels), 32, 32), _pixels(records, width), labels)


def _records(path: Path, width: int) -> np.ndarray:
    size = path.stat().st_size
    if size == 0 or size % (width + _PIXELS):
        raise InputError(
            f"{path}: {size} bytes are not a whole number of records of {width + _PIXELS} bytes; {FETCH_AGAIN}"
        )
    return np.memmap(path, np.uint8, "r").reshape(-1, width + _PIXELS)


def _pixels(records: Sequence[np.ndarray], width: int) -> Iterator[np.ndarray]:
    for part in records:
        yield part[:, width:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
