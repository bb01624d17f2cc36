import numpy as np
import pytest

from ndslib.core import paths
from ndslib.core.errors import InputError
from ndslib.data.images import decode
from ndslib.data.loaders import cifar

CLASSES_10 = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def write_records(path, labels, images):
    """CIFAR's binary records: label bytes, then the red, green and blue planes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    planes = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
    path.write_bytes(np.concatenate([np.asarray(labels, np.uint8).reshape(len(images), -1), planes], axis=1).tobytes())


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)


@pytest.fixture
def ten(tmp_path, images):
    folder = tmp_path / "cifar-10-batches-bin"
    for number in range(1, 6):
        write_records(folder / f"data_batch_{number}.bin", [number, 0], images[[number, 0]])
    write_records(folder / "test_batch.bin", [9, 3, 3], images[:3])
    (folder / "batches.meta.txt").write_text("\n".join(CLASSES_10) + "\n\n")
    return tmp_path


@pytest.fixture
def hundred(tmp_path, images):
    folder = tmp_path / "cifar-100-binary"
    write_records(folder / "train.bin", [[1, 5], [0, 99]], images[:2])
    write_records(folder / "test.bin", [[1, 0]], images[2:3])
    (folder / "fine_label_names.txt").write_text("\n".join(f"fine{number}" for number in range(100)))
    (folder / "coarse_label_names.txt").write_text("\n".join(f"coarse{number}" for number in range(20)))
    return tmp_path


def test_cifar10_pixels_and_labels(ten, images):
    table = cifar(ten, "cifar10", "test")
    assert table["label"].to_pylist() == ["truck", "cat", "cat"]
    assert table["id"].to_pylist()[0] == "cifar10/test/0000000"
    assert set(table["width"].to_pylist()) == set(table["height"].to_pylist()) == {32}
    assert set(table["bytes"].to_pylist()) == {3072}
    assert table["uri"][2].as_py().endswith(".npy#row=2")
    np.testing.assert_array_equal(decode(table, 32).pixels, images[:3].transpose(0, 3, 1, 2))


def test_cifar10_train_joins_its_five_files_in_order(ten, images):
    table = cifar(ten / "cifar-10-batches-bin", "cifar10", "train")
    wanted = [CLASSES_10[number] for batch in range(1, 6) for number in (batch, 0)]
    assert table["label"].to_pylist() == wanted
    np.testing.assert_array_equal(decode(table, 32).pixels[4], images[3].transpose(2, 0, 1))


def test_cifar100_fine_and_coarse(hundred):
    assert cifar(hundred, "cifar100", "train")["label"].to_pylist() == ["fine5", "fine99"]
    assert cifar(hundred, "cifar100", "train", labels="coarse")["label"].to_pylist() == ["coarse1", "coarse0"]
    with pytest.raises(InputError, match="labels is 'superclass'"):
        cifar(hundred, "cifar100", "train", labels="superclass")


def test_conversion_happens_once_and_again_when_the_file_changes(ten, images):
    first = cifar(ten, "cifar10", "test")["uri"][0].as_py()
    assert cifar(ten, "cifar10", "test")["uri"][0].as_py() == first
    assert len(list((paths.cache_root() / "arrays").iterdir())) == 1
    write_records(ten / "cifar-10-batches-bin" / "test_batch.bin", [1, 1], images[4:6])
    assert cifar(ten, "cifar10", "test")["label"].to_pylist() == ["automobile", "automobile"]


def test_missing_parts_are_named(ten, tmp_path):
    with pytest.raises(InputError, match=r"no split 'val'"):
        cifar(ten, "cifar10", "val")
    (ten / "cifar-10-batches-bin" / "data_batch_3.bin").unlink()
    with pytest.raises(InputError, match=r"data_batch_3\.bin: no such file; fetch the binary version"):
        cifar(ten, "cifar10", "train")
    python_version = tmp_path / "cifar-10-batches-py"
    python_version.mkdir()
    (python_version / "data_batch_1").write_bytes(b"\x80\x04.")
    with pytest.raises(InputError, match=r"cifar-10-batches-py: neither .*binary version"):
        cifar(python_version, "cifar10", "train")


def test_a_truncated_file_is_named_and_leaves_nothing(ten):
    path = ten / "cifar-10-batches-bin" / "test_batch.bin"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"test_batch\.bin: 9218 bytes are not a whole number of records of 3073"):
        cifar(ten, "cifar10", "test")
    assert list((paths.cache_root() / "arrays").iterdir()) == []


def test_a_label_without_class_is_refused(ten, images):
    write_records(ten / "cifar-10-batches-bin" / "test_batch.bin", [2, 77], images[:2])
    with pytest.raises(InputError, match=r"test_batch\.bin: row 1 has the label 77"):
        cifar(ten, "cifar10", "test")
