"""Images that a provider lists by URL: what their rows say while the files are not on this disk."""

import re
from pathlib import Path
from typing import NamedTuple

# COCO's train2017.zip holds 118,287 photographs of 0.28 megapixels on average in 19.3 GB.
JPEG_BYTES_PER_PIXEL = 0.59
_CREATIVE_COMMONS = re.compile(r"creativecommons\.org/licenses/([a-z-]+)/([\d.]+)")


class Place(NamedTuple):
    """Where an image is (path or URL) and its size in bytes, None when only the provider knows it."""

    uri: str
    size: int | None


def local_or_remote(path: Path, url: str | None) -> Place | None:
    """The file when it is there, else the URL; None when there is neither."""
    try:
        return Place(str(path), path.stat().st_size)
    except FileNotFoundError:
        return Place(url, None) if url else None


def estimate_bytes(width: int, height: int) -> int:
    """Bytes of a JPEG photograph of this size, for URLs without a published byte count (within a factor of 2)."""
    return max(1, round(JPEG_BYTES_PER_PIXEL * width * height))


def licence_id(url: str, name: str | None = None) -> str:
    """SPDX id of a Creative Commons URL (`.../licenses/by-nc/2.0/` is `CC-BY-NC-2.0`), else `name`, else the URL."""
    match = _CREATIVE_COMMONS.search(url)
    return f"CC-{match[1].upper()}-{match[2]}" if match else (name or url)
