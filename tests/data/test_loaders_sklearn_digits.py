import numpy as np
import pytest
from sklearn.datasets import load_digits

from ndslib.core.errors import InputError
from ndslib.data.images import decode
from ndslib.data.loaders import sklearn_digits


def test_rows_labels_and_pixels(tmp_path):
    table = sklearn_digits(tmp_path)
    digits = load_digits()
    assert table["label"].to_pylist() == [str(label) for label in digits.target]
    assert table["split"].to_pylist() == ["train"] * 1437 + ["test"] * 360
    array = np.load(tmp_path / "digits.npy")
    assert (array.dtype, array.shape) == (np.uint8, (1797, 8, 8, 3))
    assert (array.min(), array.max()) == (0, 255)
    assert np.abs(array[..., 1] / 255 * 16 - digits.images).max() < 0.04  # rounding of one grey level
    pixels = decode(table.slice(1436, 2), 8).pixels
    np.testing.assert_array_equal(pixels[:, 0], array[1436:1438, ..., 0])


def test_it_is_written_once_and_splits_are_parts(tmp_path):
    whole = sklearn_digits(tmp_path)
    stamp = (tmp_path / "digits.npy").stat().st_mtime_ns
    assert sklearn_digits(tmp_path, split="train").equals(whole.slice(0, 1437))
    assert sklearn_digits(tmp_path, split="test").equals(whole.slice(1437))
    assert (tmp_path / "digits.npy").stat().st_mtime_ns == stamp
    with pytest.raises(InputError, match="no split 'val'"):
        sklearn_digits(tmp_path, split="val")
