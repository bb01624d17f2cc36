"""Fixtures of the data tests."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def write_image() -> Callable[..., Path]:
    """Writes an image of one colour (or of an array's pixels) at a path, making its folder; returns the path."""

    def write(path: Path, size: tuple[int, int] = (8, 6), pixels: np.ndarray | None = None) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        image = Image.new("RGB", size, (120, 60, 30)) if pixels is None else Image.fromarray(pixels)
        image.save(path)
        return path

    return write
