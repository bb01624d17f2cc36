"""Images of a sample table as one uint8 array: each file is decoded once, whoever asks for it afterwards.

The decoded array lies on disk as a memory-mapped `.npy` under a key that names its content, so memory stays bounded
and every expert, notebook and seed shares one decoding.
"""

import hashlib
import os
import re
import struct
import tokenize
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
from PIL import Image

from ndslib.core.cache import cached
from ndslib.core.errors import InputError
from ndslib.core.files import digest

DECODER_VERSION = 2  # raise it when a pixel changes, so that nothing decoded the old way is taken from the cache
_FRAGMENT = re.compile(r"(?P<path>.*?)(?:#xywh=(?P<xywh>\d+,\d+,\d+,\d+)|#row=(?P<row>\d+))?", re.DOTALL)
_FILES_A_TASK = 256  # files that one task of a thread decodes; a task a file would cost memory by the million
# What Pillow's and numpy's readers raise on damaged files, besides OSError.
_DAMAGED = (OSError, ValueError, SyntaxError, EOFError, struct.error, tokenize.TokenError, Image.DecompressionBombError)


@dataclass(frozen=True)
class Corrupt:
    """A row whose image could not be decoded, and why."""

    row: int
    uri: str
    reason: str


@dataclass(frozen=True)
class DecodedImages:
    """Decoded images of a sample table.

    Attributes:
        path: the `.npy` in the cache, uint8[rows of the table, 3, S, S], RGB (corrupt rows are black).
        rows: int64[N], the table's row of each image (all rows unless corrupt ones were skipped).
        corrupt: the rows that were skipped.
    """

    path: Path
    rows: np.ndarray
    corrupt: tuple[Corrupt, ...]

    @cached_property
    def pixels(self) -> np.ndarray:
        """uint8[N, 3, S, S], RGB; a read-only memory map unless corrupt rows were skipped."""
        pixels = np.load(self.path, mmap_mode="r", allow_pickle=False)
        return pixels[self.rows] if self.corrupt else pixels


def split_uri(uri: str) -> tuple[str, str | None, tuple[int, ...]]:
    """Split a uri into path, fragment kind (`xywh`, `row` or None) and the fragment's integers."""
    match = _FRAGMENT.fullmatch(uri)
    kind = next((kind for kind in ("xywh", "row") if match[kind]), None)
    return match["path"], kind, tuple(int(part) for part in match[kind].split(",")) if kind else ()


def read_image(uri: str) -> Image.Image:
    """One image of a sample table at its own size, RGB; as in `decode`, EXIF orientation is not applied.

    Raises:
        InputError: it is absent, truncated, not an image, a URL, or its fragment does not fit.
    """
    try:
        return _part(_open(split_uri(uri)[0]), uri)
    except (*_DAMAGED, IndexError) as error:
        raise InputError(f"{uri}: it cannot be decoded ({_reason(error)}); repair or remove it") from error


def read_map(path: Path | str) -> np.ndarray:
    """The numbers of a label map, instance map or mask, as they are stored: integers or bool [height, width].

    Raises:
        InputError: the file is absent, truncated or not an image, or has more than one channel.
    """
    try:
        with Image.open(path) as image:
            numbers = np.asarray(image)
    except _DAMAGED as error:
        raise InputError(f"{path}: its pixels cannot be read ({_reason(error)}); fetch the dataset again") from error
    if numbers.ndim != 2 or numbers.dtype.kind not in "biu":
        raise InputError(f"{path}: the shape {numbers.shape} of {numbers.dtype}; wanted one channel of whole numbers")
    return numbers


def decode(table: pa.Table, size: int, on_corrupt: str = "raise", workers: int = 2) -> DecodedImages:
    """Decode all images of a table at `size` x `size`, from the cache when they were decoded before.

    The shorter side is scaled to `size` and the centre is cropped (deterministic; the official NDS client crops at
    random even when it evaluates). As in torchvision's ImageFolder, EXIF orientation is not applied and transparency is
    dropped. Of 16-bit greys the high byte is kept.

    Args:
        size: side in pixels, at least 1.
        on_corrupt: `raise` stops at the first image that does not decode; `skip` leaves such rows out and reports them.

    Raises:
        InputError: an image is absent, truncated or not an image (with `raise`), all are (with `skip`), or `on_corrupt`
            is neither.
    """
    if on_corrupt not in ("raise", "skip"):
        raise InputError(f"on_corrupt is {on_corrupt!r}; choose 'raise' or 'skip'")
    if size < 1:
        raise InputError(f"size is {size}; images need a side of at least 1 pixel")
    uris = table["uri"].to_pylist()
    if not uris:
        raise InputError("there is no image to decode: the sample table is empty")
    folder = cached("decoded", _key(uris, size), lambda place: _build(place, uris, size, workers))
    pixels = folder / "pixels.npy"
    bad = tuple(_read_corrupt(folder, uris))
    if not bad:
        return DecodedImages(pixels, np.arange(len(uris)), ())
    if on_corrupt == "raise":
        raise InputError(_complaint(bad))
    keep = np.setdiff1d(np.arange(len(uris)), [entry.row for entry in bad])
    if keep.size == 0:
        raise InputError(f"every one of the {len(uris)} images is unreadable; {_complaint(bad)}")
    return DecodedImages(pixels, keep, bad)


def _complaint(bad: tuple[Corrupt, ...]) -> str:
    named = "; ".join(f"{entry.uri}: {entry.reason}" for entry in bad[:5])
    more = f" and {len(bad) - 5} more" if len(bad) > 5 else ""
    return (
        f"{len(bad)} image(s) cannot be decoded: {named}{more}. Repair or remove them, or leave them out: "
        "on_corrupt='skip' (--skip-corrupt)"
    )


def _key(uris: list[str], size: int) -> str:
    """Name the decoded content: every uri with its file's size and time of change, and the decoder's own version."""
    state = hashlib.sha256()
    stamps: dict[str, str] = {}
    for uri in uris:
        path = split_uri(uri)[0]
        if path not in stamps:
            file = Path(path)
            readable = file.is_file() and os.access(file, os.R_OK)
            stamps[path] = f"{file.stat().st_size},{file.stat().st_mtime_ns}" if readable else "absent"
        state.update(f"{uri}\0{stamps[path]}\n".encode())
    return digest(state.hexdigest(), size, DECODER_VERSION)


def _build(place: Path, uris: list[str], size: int, workers: int) -> None:
    place.mkdir(parents=True, exist_ok=True)
    out = np.lib.format.open_memmap(place / "pixels.npy", "w+", np.uint8, (len(uris), 3, size, size))
    by_file: dict[str, list[int]] = {}
    for row, uri in enumerate(uris):
        by_file.setdefault(split_uri(uri)[0], []).append(row)
    bad: list[Corrupt] = []
    paths = list(by_file)

    def decode_files(start: int) -> list[Corrupt]:
        block = paths[start : start + _FILES_A_TASK]
        return [entry for path in block for entry in _decode_rows(path, by_file[path], uris, size, out)]

    Image.init()  # all formats now: threads that race to register them fail to recognise some files
    with ThreadPoolExecutor(workers) as pool:  # Pillow releases the lock while it decodes and resizes
        for found in pool.map(decode_files, range(0, len(paths), _FILES_A_TASK)):
            bad.extend(found)
    out.flush()
    lines = [f"{entry.row}\t{entry.reason}" for entry in sorted(bad, key=lambda entry: entry.row)]
    (place / "corrupt.tsv").write_text("\n".join(lines))


def _read_corrupt(folder: Path, uris: list[str]) -> Iterator[Corrupt]:
    for line in (folder / "corrupt.tsv").read_text().splitlines():
        row, reason = line.split("\t", 1)
        yield Corrupt(int(row), uris[int(row)], reason)


def _decode_rows(path: str, rows: list[int], uris: list[str], size: int, out: np.ndarray) -> Iterator[Corrupt]:
    """Decode every row that lives in one file, opening the file once."""
    try:
        source = _open(path)
    except _DAMAGED as error:
        yield from (Corrupt(row, uris[row], _reason(error)) for row in rows)
        return
    for row in rows:
        try:
            out[row] = to_square(_part(source, uris[row]), size)
        except (ValueError, IndexError) as error:
            yield Corrupt(row, uris[row], _reason(error))


def _reason(error: Exception) -> str:
    """The error's text on one line."""
    return " ".join(str(error).split()) or type(error).__name__


def _open(path: str) -> Image.Image | np.ndarray:
    if path.startswith(("http://", "https://")):
        raise ValueError("a URL: download the images first")
    if path.endswith(".npy"):
        return np.lib.format.open_memmap(path, mode="r")
    with Image.open(path) as image:
        return _to_rgb(image)


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # Pillow would clip 16-bit greys at 255: all white
        levels = np.asarray(image)
        if levels.min() < 0 or levels.max() > 0xFFFF:
            raise ValueError("whole numbers of more than 16 bits: convert the image to 8 or 16 bits")
        image = Image.fromarray((levels >> 8).astype(np.uint8))
    if image.mode == "F":
        raise ValueError("floating-point pixels, whose range is not known: convert the image to 8 or 16 bits")
    return image.convert("RGB")


def _part(source: Image.Image | np.ndarray, uri: str) -> Image.Image:
    _, kind, numbers = split_uri(uri)
    if isinstance(source, np.ndarray):
        if kind != "row":
            raise ValueError("an array file needs a fragment #row=n")
        pixels = np.asarray(source[numbers[0]])
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
            raise ValueError(f"rows are {pixels.dtype}{list(pixels.shape)}, wanted uint8[height, width, 3]")
        return Image.fromarray(pixels)
    if kind == "row":
        raise ValueError("#row=n is for array files (.npy); this is an image file")
    if kind == "xywh":
        x, y, width, height = numbers
        if width < 1 or height < 1 or x + width > source.width or y + height > source.height:
            raise ValueError(f"the crop {numbers} is outside the image of {source.width} x {source.height}")
        return source.crop((x, y, x + width, y + height))
    return source


def to_square(image: Image.Image, size: int) -> np.ndarray:
    """Scale the shorter side to `size` and crop the centre: uint8[3, size, size]."""
    width, height = image.size
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    if (width, height) != (size, size):
        box = (left, top, left + side, top + side)
        image = image.resize((size, size), Image.Resampling.BILINEAR, box=box, reducing_gap=2.0)
    return np.asarray(image, dtype=np.uint8).transpose(2, 0, 1)
