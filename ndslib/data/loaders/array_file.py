"""Images that a user keeps as one array: a `.npy` or `.npz` file."""

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from ndslib.core.errors import InputError
from ndslib.data.loaders.array_container import (
    blocks_of,
    container,
    label_names,
    open_array,
    table_of_rows,
    write_container,
)
from ndslib.data.loaders.image_files import require_file


def array_file(
    root: Path | str,
    dataset: str,
    split: str,
    licence: str | None = None,
    *,
    images: str = "{split}.npz",
    labels: str | None = None,
    classes: Sequence[str] | None = None,
) -> pa.Table:
    """Sample table of an array of images: a `.npy`, or an `.npz` with the members `images` and (if any) `labels`.

    Args:
        root: the folder of the files.
        images: file name below `root`, `{split}` filled in. uint8[N, H, W], [N, H, W, 1] or [N, H, W, 3]; a `.npy` of
            the last kind is used where it lies, all others are converted into the cache.
        labels: file name of a `.npy` with whole numbers [N], for a `.npy` of images; negative means unlabelled.
        classes: class names by number; default: the numbers as text.

    Raises:
        InputError: a file is absent, damaged, of another type or shape, or holds Python objects; a label is no whole
            number or has no class; there is not one label an image.
    """
    source = require_file(Path(root) / images.format(split=split))
    sources = [source]
    if labels is not None:
        sources.append(require_file(Path(root) / labels.format(split=split)))
    if source.suffix == ".npy" and open_array(source).shape[3:] == (3,):
        path, numbers = source, _read(sources)[1]
    else:
        path, numbers = container("array_file", sources, lambda folder: _convert(sources, folder))
    return table_of_rows(path, dataset, split, licence, label_names(numbers, classes, sources[-1]))


def _convert(sources: list[Path], folder: Path) -> None:
    array, numbers = _read(sources)
    write_container(folder, array.shape[:3], blocks_of(array), numbers)


def _read(sources: list[Path]) -> tuple[np.ndarray, np.ndarray]:
    """Checked images and labels of one `.npz`, or of a `.npy` and its labels file if there is one."""
    source = sources[0]
    if source.suffix == ".npz":
        array, numbers = _read_npz(source)
    else:
        array, numbers = open_array(source), (open_array(sources[1]) if len(sources) > 1 else None)
    if array.dtype != np.uint8 or array.size == 0 or (array.ndim != 3 and array.shape[3:] not in ((1,), (3,))):
        raise InputError(
            f"{source}: images are {array.dtype}{list(array.shape)}; wanted uint8 of [N, H, W], [N, H, W, 1] or"
            " [N, H, W, 3], N at least 1"
        )
    if numbers is None:
        return array, np.full(len(array), -1)
    if numbers.dtype.kind not in "iu" or numbers.shape != array.shape[:1]:
        raise InputError(
            f"{sources[-1]}: labels are {numbers.dtype}{list(numbers.shape)}; wanted whole numbers, one for each of the"
            f" {len(array)} images"
        )
    return array, numbers.astype(np.int64)


def _read_npz(source: Path) -> tuple[np.ndarray, np.ndarray | None]:
    try:
        with np.load(source, allow_pickle=False) as members:
            names = sorted(members)
            if "images" in names:
                return members["images"], members["labels"] if "labels" in names else None
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{source}: not a readable .npz ({error}); write it with numpy.savez") from error
    raise InputError(f"{source}: it holds {names}; name the array of images 'images' (and its labels 'labels')")
