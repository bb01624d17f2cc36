"""What an image file truly holds: read to its last pixel, which a download that merely looks whole does not survive."""

import struct
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, UnidentifiedImageError

from ndslib.core.errors import InputError
from ndslib.data.images import split_uri

# Formats of photographs and drawings, with the suffix to give them. Pillow knows more, some of which start programs
# (EPS runs Ghostscript): nothing to open what strangers send with.
SUFFIXES = {
    "AVIF": ".avif",
    "BMP": ".bmp",
    "GIF": ".gif",
    "JPEG": ".jpg",
    "JPEG2000": ".jp2",
    "MPO": ".jpg",  # JPEG with further pictures behind the first
    "PNG": ".png",
    "PPM": ".ppm",
    "TIFF": ".tif",
    "WEBP": ".webp",
}
_ARRAY = b"\x93NUMPY"
# What Pillow's and numpy's readers raise on damaged files.
_DAMAGED = (OSError, ValueError, SyntaxError, EOFError, struct.error, Image.DecompressionBombError)


class Picture(NamedTuple):
    """A whole file: its size in bytes, its width and height in pixels, and the suffix of its format.

    `rows` is the number of images in an array file (`.npy`, uint8[rows, height, width, 3]), None of an image file.
    """

    bytes: int
    width: int
    height: int
    suffix: str
    rows: int | None = None


def inspect(path: Path) -> Picture:
    """Decode a file completely, whatever its name says that it is.

    Raises:
        InputError: it is no image of a known format and no array of images, or it is damaged or cut short.
    """
    with open(path, "rb") as stream:
        start = stream.read(24)
    try:
        return _array(path) if start.startswith(_ARRAY) else _image(path)
    except UnidentifiedImageError as error:
        raise InputError(f"not an image; it starts with {start!r}") from error
    except _DAMAGED as error:
        raise InputError(f"not a whole image ({error})") from error


def _image(path: Path) -> Picture:
    Image.init()  # all formats: threads that race to register them while they open files do not recognise some
    with Image.open(path, formats=[name for name in SUFFIXES if name in Image.OPEN]) as image:
        image.load()
        return Picture(path.stat().st_size, *image.size, SUFFIXES[image.format])


def _array(path: Path) -> Picture:
    array = np.load(path, mmap_mode="r", allow_pickle=False)  # compares the file's size with the shape in its header
    if array.dtype != np.uint8 or array.ndim != 4 or array.shape[3] != 3 or array.size == 0:
        raise ValueError(f"{array.dtype}{list(array.shape)}, wanted uint8[images, height, width, 3]")
    rows, height, width, _ = array.shape
    return Picture(path.stat().st_size, width, height, ".npy", rows)


def sizes_of(picture: Picture, uri: str) -> tuple[int, int, int]:
    """Width, height and bytes of the part of a file that a uri's fragment names; of all of it without a fragment.

    The bytes of a crop are its share of the file, by area; those of a row of an array are its pixels.

    Raises:
        InputError: there is no such part.
    """
    _, kind, numbers = split_uri(uri)
    if (picture.rows is not None) != (kind == "row"):
        raise InputError("#row=n is for array files (.npy), which hold nothing else; image files have none")
    if kind is None:
        return picture.width, picture.height, picture.bytes
    if kind == "row":
        if numbers[0] >= picture.rows:
            raise InputError(f"there is no row {numbers[0]}; the array has {picture.rows}")
        return picture.width, picture.height, picture.width * picture.height * 3
    x, y, width, height = numbers
    if width < 1 or height < 1 or x + width > picture.width or y + height > picture.height:
        raise InputError(f"the crop {numbers} is outside the image of {picture.width} x {picture.height}")
    share = width * height / (picture.width * picture.height)
    return width, height, max(1, round(picture.bytes * share))
