import struct

import numpy as np
import pytest
from scipy.io import savemat

from ndslib.core.errors import InputError
from ndslib.data.images import decode
from ndslib.data.loaders import torchvision_dataset


def test_samples_of_a_folder_class(tmp_path, write_image):
    write_image(tmp_path / "eurosat" / "2750" / "River" / "River_1.jpg", (64, 64))
    write_image(tmp_path / "eurosat" / "2750" / "Forest" / "Forest_1.jpg", (64, 64))
    table = torchvision_dataset("EuroSAT", tmp_path, "eurosat", "train", "MIT")
    assert table["label"].to_pylist() == ["Forest", "River"]
    assert table["id"][0].as_py() == "eurosat/train/eurosat/2750/Forest/Forest_1.jpg"
    assert (table["width"][0].as_py(), table["licence"][0].as_py()) == (64, "MIT")


@pytest.fixture
def dtd(tmp_path, write_image):
    place = tmp_path / "dtd" / "dtd"
    for name in ("banded/banded_2.jpg", "banded/banded_1.jpg", "dotted/dotted_1.jpg"):
        write_image(place / "images" / name, (7, 9))
    (place / "labels").mkdir()
    (place / "labels" / "train1.txt").write_text("dotted/dotted_1.jpg\nbanded/banded_2.jpg\n")
    (place / "labels" / "test2.txt").write_text("banded/banded_1.jpg\n")
    return tmp_path


def test_image_files_splits_and_arguments(dtd):
    table = torchvision_dataset("DTD", dtd, "dtd", "train")
    assert table["label"].to_pylist() == ["banded", "dotted"]
    assert table["uri"][0].as_py() == str(dtd / "dtd/dtd/images/banded/banded_2.jpg")
    table = torchvision_dataset("DTD", dtd, "dtd", "val", arguments={"partition": 2, "split": "test"})
    assert table["id"].to_pylist() == ["dtd/val/dtd/dtd/images/banded/banded_1.jpg"]


def test_a_listed_image_that_is_absent_is_named(dtd):
    (dtd / "dtd/dtd/images/dotted/dotted_1.jpg").unlink()
    with pytest.raises(InputError, match=r"dotted_1\.jpg: no such file"):
        torchvision_dataset("DTD", dtd, "dtd", "train")
    with pytest.warns(UserWarning, match=r"dotted_1\.jpg"):
        assert torchvision_dataset("DTD", dtd, "dtd", "train", on_corrupt="skip").num_rows == 1


def test_paths_of_classes_that_compute_them(tmp_path, write_image):
    for name in ("2017/Aves/Pica pica/x.jpg", "2017/Aves/Corvus corax/y.jpg"):
        write_image(tmp_path / name)
    table = torchvision_dataset("INaturalist", tmp_path, "inat", "train", arguments={"version": "2017"})
    assert table["label"].to_pylist() == ["Aves/Corvus corax", "Aves/Pica pica"]
    for number in (1, 2):
        write_image(tmp_path / "caltech101" / "101_ObjectCategories" / "ant" / f"image_{number:04d}.jpg")
    (tmp_path / "caltech101" / "101_ObjectCategories" / "BACKGROUND_Google").mkdir()
    (tmp_path / "caltech101" / "Annotations").mkdir()
    table = torchvision_dataset("Caltech101", tmp_path, "caltech101", "train")
    assert table["label"].to_pylist() == ["ant", "ant"]
    assert table["id"][1].as_py().endswith("ant/image_0002.jpg")
    write_image(tmp_path / "caltech256" / "256_ObjectCategories" / "001.ak47" / "001_0001.jpg")
    table = torchvision_dataset("Caltech256", tmp_path, "caltech256", "train")
    assert table["label"].to_pylist() == ["001.ak47"]


def test_channels_first_arrays(tmp_path):
    pixels = np.random.default_rng(4).integers(0, 256, (32, 32, 3, 2), dtype=np.uint8)
    savemat(tmp_path / "test_32x32.mat", {"X": pixels, "y": np.array([[10], [3]], np.uint8)})
    with pytest.MonkeyPatch.context() as patch:
        # The class compares the file with the published one; a tree written here cannot have that checksum.
        patch.setattr("torchvision.datasets.svhn.check_integrity", lambda *_: True)
        table = torchvision_dataset("SVHN", tmp_path, "svhn", "test")
    assert table["label"].to_pylist() == ["0", "3"]
    np.testing.assert_array_equal(decode(table, 32).pixels, pixels.transpose(3, 2, 0, 1))


def test_a_damaged_download_is_named(tmp_path):
    savemat(tmp_path / "test_32x32.mat", {"X": np.zeros((32, 32, 3, 1), np.uint8), "y": [[1]]})
    with pytest.raises(InputError, match=r"torchvision's SVHN cannot read it .*corrupted"):
        torchvision_dataset("SVHN", tmp_path, "svhn", "test")


def test_grey_arrays_and_the_train_argument(tmp_path):
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    pixels = np.arange(2 * 28 * 28, dtype=np.uint32).astype(np.uint8).reshape(2, 28, 28)
    (raw / "t10k-images-idx3-ubyte").write_bytes(struct.pack(">IIII", 2051, 2, 28, 28) + pixels.tobytes())
    (raw / "t10k-labels-idx1-ubyte").write_bytes(struct.pack(">II", 2049, 2) + bytes([7, 2]))
    for name in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"):
        (raw / name).write_bytes((raw / name.replace("train", "t10k")).read_bytes())
    table = torchvision_dataset("MNIST", tmp_path, "mnist", "test")
    assert table["label"].to_pylist() == ["7 - seven", "2 - two"]
    np.testing.assert_array_equal(decode(table, 28).pixels, np.repeat(pixels[:, None], 3, axis=1))
    with pytest.raises(InputError, match="MNIST has no split 'val'"):
        torchvision_dataset("MNIST", tmp_path, "mnist", "val")
    (tmp_path / "MNIST" / "processed").mkdir()
    (tmp_path / "MNIST" / "processed" / "test.pt").write_bytes(b"\x80\x04.")
    with pytest.raises(InputError, match=r"processed/test\.pt: torchvision would unpickle it; remove it"):
        torchvision_dataset("MNIST", tmp_path, "mnist", "test")


@pytest.mark.parametrize("name", ["CIFAR10", "CIFAR100", "LSUN", "PhotoTour"])
def test_classes_that_unpickle_are_refused(tmp_path, name):
    with pytest.raises(InputError, match=f"torchvision's {name} is not used; use the loader"):
        torchvision_dataset(name, tmp_path, "x", "train")


def test_unknown_classes_arguments_and_absent_data(tmp_path):
    with pytest.raises(InputError, match="no class 'Cifar'"):
        torchvision_dataset("Cifar", tmp_path, "x", "train")
    with pytest.raises(InputError, match=r"DTD cannot read it .*Dataset not found"):
        torchvision_dataset("DTD", tmp_path, "x", "train")
    with pytest.raises(InputError, match=r"DTD cannot read it .*colour"):
        torchvision_dataset("DTD", tmp_path, "x", "train", arguments={"colour": 1})
    with pytest.raises(InputError, match="nowhere: no such folder"):
        torchvision_dataset("DTD", tmp_path / "nowhere", "x", "train")


def test_classes_without_images_here_are_refused(tmp_path):
    (tmp_path / "fer2013").mkdir()
    with pytest.raises(InputError, match="FER2013"):
        torchvision_dataset("FER2013", tmp_path, "x", "train")
    with pytest.raises(InputError, match="neither the paths nor an array"):
        torchvision_dataset("FakeData", tmp_path, "x", "train")
