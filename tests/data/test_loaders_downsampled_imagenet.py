import sys

import numpy as np
import pytest

from ndslib.core import paths
from ndslib.core.errors import InputError
from ndslib.data.images import decode
from ndslib.data.loaders import downsampled_imagenet


def flat(images):
    return images.transpose(0, 3, 1, 2).reshape(len(images), -1)


@pytest.fixture
def images():
    return np.random.default_rng(1).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)


@pytest.fixture
def tree(tmp_path, images):
    mean = np.zeros(3072)
    np.savez(tmp_path / "train_data_batch_1.npz", data=flat(images[:2]), labels=[1, 3], mean=mean)
    np.savez_compressed(tmp_path / "train_data_batch_2.npz", data=flat(images[2:3]), labels=[2], mean=mean)
    np.savez(tmp_path / "train_data_batch_10.npz", data=flat(images[3:4]), labels=[2], mean=mean)
    np.savez(tmp_path / "val_data.npz", data=flat(images[4:]), labels=[3])
    (tmp_path / "map_clsloc.txt").write_text("n02119789 1 kit_fox\nn02100735 2 crane\nn02110185 3 crane\n")
    return tmp_path


def test_batches_are_joined_in_numerical_order(tree, images):
    table = downsampled_imagenet(tree, "imagenet32", "train")
    assert table["label"].to_pylist() == ["n02119789", "n02110185", "n02100735", "n02100735"]
    assert set(table["width"].to_pylist()) == {32}
    np.testing.assert_array_equal(decode(table, 32).pixels, images[:4].transpose(0, 3, 1, 2))
    assert downsampled_imagenet(tree, "imagenet32", "val")["label"].to_pylist() == ["n02110185"]


def test_labels_are_numbers_without_the_class_file(tree):
    (tree / "map_clsloc.txt").unlink()
    assert downsampled_imagenet(tree, "imagenet32", "val")["label"].to_pylist() == ["0003"]


def test_other_sides_are_read_from_the_width(tmp_path):
    np.savez(tmp_path / "val_data.npz", data=np.zeros((2, 3 * 16 * 16), np.uint8), labels=[1, 2])
    assert downsampled_imagenet(tmp_path, "imagenet16", "val")["height"].to_pylist() == [16, 16]


def test_blocks_are_stitched(tree, images, monkeypatch):
    monkeypatch.setattr(sys.modules["ndslib.data.loaders.downsampled_imagenet"], "_BLOCK", 1)
    np.testing.assert_array_equal(
        decode(downsampled_imagenet(tree, "imagenet32", "train"), 32).pixels, images[:4].transpose(0, 3, 1, 2)
    )


@pytest.mark.parametrize(
    ("members", "complaint"),
    [
        ({"labels": [1]}, r"it holds \['labels\.npy'\]; wanted data\.npy"),
        ({"data": np.zeros((1, 3072), np.uint8)}, "its labels cannot be read"),
        ({"data": np.zeros((1, 3072), np.float32), "labels": [1]}, r"data is float32\[1, 3072\]"),
        ({"data": np.zeros((1, 3000), np.uint8), "labels": [1]}, "3000 values an image"),
        ({"data": np.zeros((2, 3072), np.uint8), "labels": [1]}, r"labels are int64\[1\]; wanted 2"),
        ({"data": np.zeros((1, 3072), np.uint8), "labels": [0]}, "whole numbers from 1"),
        ({"data": np.zeros((1, 3072), np.uint8), "labels": np.array([{}], dtype=object)}, "labels cannot be read"),
        ({"data": np.array([[{}] * 3], dtype=object), "labels": [1]}, "data is object"),
        ({"data": np.zeros((1, 3072), np.uint8), "labels": [4]}, "label 3 but there are only 3 classes"),
    ],
)
def test_wrong_members_are_named(tree, members, complaint):
    np.savez(tree / "val_data.npz", **members)
    with pytest.raises(InputError, match=rf"val_data\.npz: .*{complaint}"):
        downsampled_imagenet(tree, "imagenet32", "val")


def test_damaged_and_missing_files_are_named(tree):
    path = tree / "train_data_batch_2.npz"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match=r"train_data_batch_2\.npz: not an \.npz"):
        downsampled_imagenet(tree, "imagenet32", "train")
    assert list((paths.cache_root() / "arrays").iterdir()) == []
    (tree / "val_data.npz").unlink()
    with pytest.raises(InputError, match=r"val_data\.npz: no such file"):
        downsampled_imagenet(tree, "imagenet32", "val")
    with pytest.raises(InputError, match="no split 'test'"):
        downsampled_imagenet(tree, "imagenet32", "test")


def test_flipped_bytes_are_found(tree):
    path = tree / "train_data_batch_1.npz"
    content = bytearray(path.read_bytes())
    content[2000] ^= 0xFF  # inside the pixels: the archive's checksum no longer fits
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"train_data_batch_1\.npz: damaged"):
        downsampled_imagenet(tree, "imagenet32", "train")


def test_a_wrong_class_file_is_named(tree):
    (tree / "map_clsloc.txt").write_text("n02119789 kit_fox\n")
    with pytest.raises(InputError, match=r"map_clsloc\.txt: line 1 is 'n02119789 kit_fox'"):
        downsampled_imagenet(tree, "imagenet32", "val")
    (tree / "map_clsloc.txt").write_text("n1 1 a\nn3 3 c\n")
    with pytest.raises(InputError, match=r"map_clsloc\.txt: class numbers are not 1 to 2"):
        downsampled_imagenet(tree, "imagenet32", "val")
