"""Image files on disk: find them, read their sizes from their headers, and list them as a sample table.

Pixels are never decoded here: Pillow reads only the header of a file that it opens.
"""

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
from PIL import Image

from ndslib.core.errors import InputError
from ndslib.data import sample_table

SUFFIXES = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp", ".gif")
FETCH_AGAIN = "fetch the dataset again (`ndslib data fetch`) or correct the folder given"


class ImageFile(NamedTuple):
    """One image on disk that becomes one row: `name` is unique within the dataset's split."""

    name: str
    path: Path
    label: str | None = None
    annotation: Any = None


class Header(NamedTuple):
    """What a file's header tells: pixels across, pixels down, bytes on disk; or why it cannot be read."""

    width: int
    height: int
    size: int
    reason: str | None = None


def require_folder(path: Path | str, remedy: str = FETCH_AGAIN) -> Path:
    """Return `path` as an absolute folder; InputError with the remedy when there is none."""
    path = Path(path).expanduser().absolute()
    if not path.is_dir():
        raise InputError(f"{path}: no such folder; {remedy}")
    return path


def require_file(path: Path | str, remedy: str = FETCH_AGAIN) -> Path:
    """Return `path` as an absolute file; InputError with the remedy when there is none."""
    path = Path(path).expanduser().absolute()
    if not path.is_file():
        raise InputError(f"{path}: no such file; {remedy}")
    return path


def read_lines(path: Path | str, remedy: str = FETCH_AGAIN) -> list[tuple[int, str]]:
    """The lines of a UTF-8 text file that are not blank, stripped, each with its number from 1.

    Raises:
        InputError: there is no such file, or it is not text.
    """
    path = require_file(path, remedy)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text file ({error}); {remedy}") from error
    return [(number, line.strip()) for number, line in enumerate(lines, 1) if line.strip()]


def choose(split: str, choices: Mapping[str, Any], dataset: str) -> Any:
    """Return what `choices` holds for `split`; InputError that names the dataset's splits otherwise."""
    if split not in choices:
        raise InputError(f"{dataset}: it has no split {split!r}; choose one of {sorted(choices)}")
    return choices[split]


def find_images(folder: Path) -> list[Path]:
    """All image files below `folder` by suffix, sorted by path; names that start with a dot are skipped.

    Links are followed, but not back to a folder that they lie in.
    """
    found: list[Path] = []
    for parent, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not _leads_back(Path(parent, name), folder)]
        images = (name for name in names if name.lower().endswith(SUFFIXES) and not name.startswith("."))
        found += [Path(parent, name) for name in images]
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def _leads_back(path: Path, root: Path) -> bool:
    """Whether a folder below `root` is one of those on the way to it, by way of links."""
    return any(path.samefile(above) for above in path.parents if above.is_relative_to(root))


def require_images(folder: Path) -> list[Path]:
    """`find_images` of a folder that must exist and hold at least one."""
    images = find_images(require_folder(folder))
    if not images:
        raise InputError(f"{folder}: it holds no image ({' '.join(SUFFIXES)}); {FETCH_AGAIN}")
    return images


def subfolders(folder: Path) -> list[Path]:
    """The visible folders directly in `folder`, sorted by name."""
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def read_headers(paths: Sequence[Path], workers: int = 8) -> list[Header]:
    """Size of each image from its header, in order; an unreadable one has a `reason` instead of failing.

    Threads, because on disks that answer slowly the wait dominates.
    """
    Image.preinit()  # registers Pillow's formats once, before threads would race to do it
    if len(paths) <= 64:
        return [_read_header(path) for path in paths]
    with ThreadPoolExecutor(workers) as pool:  # in blocks: a future a file would cost more than the header
        starts = range(0, len(paths), 256)
        blocks = pool.map(lambda start: [_read_header(path) for path in paths[start : start + 256]], starts)
        return list(chain.from_iterable(blocks))


def _read_header(path: Path) -> Header:
    try:
        with Image.open(path) as image:
            return Header(*image.size, path.stat().st_size)
    except FileNotFoundError:
        return Header(0, 0, 0, "no such file")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        return Header(0, 0, 0, "not a readable image header" if "cannot identify" in str(error) else str(error))


def table_of_files(
    files: Sequence[ImageFile], dataset: str, split: str, licence: str | None, on_corrupt: str = "raise"
) -> pa.Table:
    """A sample table with one row a file, in the order given; ids are `<dataset>/<split>/<name>`.

    Args:
        on_corrupt: `raise` refuses a file whose header cannot be read; `skip` leaves it out with a warning that names
            it. A file that is damaged further in is found by `ndslib.data.images.decode`, which has the same policy.

    Raises:
        InputError: a header cannot be read (with `raise`), or none can.
    """
    if on_corrupt not in ("raise", "skip"):
        raise InputError(f"{dataset}: on_corrupt is {on_corrupt!r}; choose 'raise' or 'skip'")
    headers = read_headers([file.path for file in files])
    bad = [f"{file.path}: {header.reason}" for file, header in zip(files, headers, strict=True) if header.reason]
    if bad:
        more = f" and {len(bad) - 5} more" if len(bad) > 5 else ""
        message = f"{dataset}: {len(bad)} of {len(files)} images are unreadable: {'; '.join(bad[:5])}{more}"
        if on_corrupt == "raise" or len(bad) == len(files):
            raise InputError(f"{message}. Repair or remove them, or leave them out: on_corrupt='skip' (--skip-corrupt)")
        warnings.warn(f"{message}. They are left out", stacklevel=2)
    return sample_table.from_rows(_rows(files, headers, dataset, split, licence))


def _rows(
    files: Sequence[ImageFile], headers: Sequence[Header], dataset: str, split: str, licence: str | None
) -> Iterator[dict[str, Any]]:
    for file, header in zip(files, headers, strict=True):
        if header.reason is None:
            yield {
                "id": f"{dataset}/{split}/{file.name}",
                "dataset": dataset,
                "uri": str(file.path),
                "split": split,
                "label": file.label,
                "annotation": file.annotation,
                "width": header.width,
                "height": header.height,
                "bytes": header.size,
                "licence": licence,
            }
