"""Downsampled ImageNet (Chrabaszcz et al. 2017), 32 x 32 by default: `train_data_batch_{1..10}.npz` and `val_data.npz`.

Each file holds `data` uint8[N, 3 * S * S] (red, green, blue planes) and `labels` 1 to 1000. Files are read as streams,
so memory stays at a few megabytes however large they are.
"""

import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa

from ndslib.core.errors import InputError
from ndslib.data.loaders.array_container import container, label_names, table_of_rows, write_container
from ndslib.data.loaders.image_files import FETCH_AGAIN, choose, read_lines, require_file, require_folder

_BLOCK = 4096  # images read at a time


def downsampled_imagenet(
    root: Path | str, dataset: str, split: str, licence: str | None = None, *, class_names: str = "map_clsloc.txt"
) -> pa.Table:
    """Sample table of Downsampled ImageNet; the pixels are written once into the cache as a `.npy`.

    Args:
        root: the folder of the `.npz` files.
        split: `train` (all `train_data_batch_*.npz` that are there) or `val`.
        class_names: file below `root` with lines `<wnid> <number> <name>`; labels are the wnids (names are not unique:
            there are two cranes). Where it is absent labels are the numbers, four digits.

    Raises:
        InputError: a file is absent, not an `.npz`, lacks `data` or `labels`, has them in another shape or type, holds
            Python objects, is truncated, or a label is not in the class file.
    """
    folder = require_folder(root)
    files = choose(split, {"train": _batches(folder), "val": [folder / "val_data.npz"]}, dataset)
    files = [require_file(path) for path in files]
    path, numbers = container("downsampled_imagenet", files, lambda place: _convert(files, place))
    classes = _class_names(folder / class_names)
    if classes is None:
        labels = [f"{number + 1:04d}" for number in numbers.tolist()]
    else:
        labels = label_names(numbers, classes, files[0])
    return table_of_rows(path, dataset, split, licence, labels)


def _batches(folder: Path) -> list[Path]:
    found = sorted(folder.glob("train_data_batch_*.npz"), key=lambda path: (len(path.name), path.name))
    return found or [folder / "train_data_batch_1.npz"]


def _class_names(path: Path) -> list[str] | None:
    if not path.is_file():
        return None
    names = {}
    for number, line in read_lines(path):
        fields = line.split()
        if len(fields) < 2 or not fields[1].isdigit():
            raise InputError(f"{path}: line {number} is {line!r}; wanted '<wnid> <number> <name>'")
        names[int(fields[1])] = fields[0]
    if sorted(names) != list(range(1, len(names) + 1)):
        raise InputError(f"{path}: class numbers are not 1 to {len(names)}, each once; {FETCH_AGAIN}")
    return [names[number] for number in sorted(names)]


def _convert(files: Sequence[Path], place: Path) -> None:
    sizes = [_shape(path) for path in files]
    side = round((sizes[0][1] / 3) ** 0.5)
    for path, (_, values) in zip(files, sizes, strict=True):
        if values != 3 * side * side or values != sizes[0][1]:
            raise InputError(f"{path}: {values} values an image; wanted {sizes[0][1]}, red, green and blue squares")
    labels = np.concatenate([_labels(path, count) for path, (count, _) in zip(files, sizes, strict=True)])
    blocks = (block for path in files for block in _blocks(path, side))
    write_container(place, (len(labels), side, side), blocks, labels)


def _shape(path: Path) -> tuple[int, int]:
    with _opened(path) as archive, _member(archive, "data", path) as stream:
        shape, fortran, dtype = _header(stream)
        if len(shape) != 2 or dtype != np.uint8 or fortran or 0 in shape:
            raise InputError(f"{path}: data is {dtype}{list(shape)}; wanted uint8[N, 3072] in C order; {FETCH_AGAIN}")
        return shape


def _labels(path: Path, count: int) -> np.ndarray:
    try:
        with np.load(path, allow_pickle=False) as members:
            labels = np.asarray(members["labels"])
    except (KeyError, ValueError, OSError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: its labels cannot be read ({error}); {FETCH_AGAIN}") from error
    if labels.shape != (count,) or labels.dtype.kind not in "iu" or labels.min() < 1:
        raise InputError(f"{path}: labels are {labels.dtype}{list(labels.shape)}; wanted {count} whole numbers from 1")
    return labels.astype(np.int64) - 1


def _blocks(path: Path, side: int) -> Iterator[np.ndarray]:
    with _opened(path) as archive, _member(archive, "data", path) as stream:
        (count, values), _, _ = _header(stream)
        for start in range(0, count, _BLOCK):
            rows = min(_BLOCK, count - start)
            try:
                raw = stream.read(rows * values)
            except (zipfile.BadZipFile, EOFError, OSError) as error:
                raise InputError(f"{path}: damaged after {start} images ({error}); {FETCH_AGAIN}") from error
            if len(raw) != rows * values:
                raise InputError(f"{path}: it ends after {start} of {count} images; {FETCH_AGAIN}")
            yield np.frombuffer(raw, np.uint8).reshape(rows, 3, side, side).transpose(0, 2, 3, 1)


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise InputError(f"{path}: not an .npz file ({error}); {FETCH_AGAIN}") from error


def _member(archive: zipfile.ZipFile, name: str, path: Path) -> IO[bytes]:
    members = archive.namelist()
    if f"{name}.npy" not in members:
        raise InputError(f"{path}: it holds {members}; wanted data.npy and labels.npy; {FETCH_AGAIN}")
    return archive.open(f"{name}.npy")


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    return read(stream)
