import numpy as np
import pytest

from ndslib.core.errors import InputError
from ndslib.data.images import decode
from ndslib.data.loaders import array_file


@pytest.fixture
def colour():
    return np.random.default_rng(2).integers(0, 256, (4, 5, 5, 3), dtype=np.uint8)


def test_a_colour_npy_is_used_where_it_lies(tmp_path, colour):
    np.save(tmp_path / "images_train.npy", colour)
    np.save(tmp_path / "labels_train.npy", np.array([1, 0, -1, 1]))
    table = array_file(
        tmp_path, "own", "train", images="images_{split}.npy", labels="labels_{split}.npy", classes=["a", "b"]
    )
    assert table["uri"].to_pylist() == [f"{tmp_path / 'images_train.npy'}#row={row}" for row in range(4)]
    assert table["label"].to_pylist() == ["b", "a", None, "b"]
    assert set(table["bytes"].to_pylist()) == {75}
    np.testing.assert_array_equal(decode(table, 5).pixels, colour.transpose(0, 3, 1, 2))


@pytest.mark.parametrize("extra", [(), (1,)])
def test_grey_arrays_are_converted(tmp_path, extra):
    grey = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
    np.save(tmp_path / "grey.npy", grey.reshape(2, 3, 4, *extra))
    table = array_file(tmp_path, "own", "val", images="grey.npy")
    assert table["label"].to_pylist() == [None, None]
    assert (table["width"][0].as_py(), table["height"][0].as_py()) == (4, 3)
    container = np.load(table["uri"][0].as_py().split("#")[0])
    np.testing.assert_array_equal(container, np.repeat(grey[..., None], 3, axis=3))


def test_npz_with_and_without_labels(tmp_path, colour):
    np.savez(tmp_path / "train.npz", images=colour, labels=[3, 1, 2, 0])
    np.savez(tmp_path / "test.npz", images=colour[..., 0])
    train = array_file(tmp_path, "own", "train")
    assert train["label"].to_pylist() == ["3", "1", "2", "0"]
    np.testing.assert_array_equal(decode(train, 5).pixels, colour.transpose(0, 3, 1, 2))
    assert array_file(tmp_path, "own", "test")["label"].null_count == 4


@pytest.mark.parametrize(
    ("members", "complaint"),
    [
        ({"pixels": np.zeros((1, 2, 2), np.uint8)}, r"it holds \['pixels'\]; name the array of images 'images'"),
        ({"images": np.zeros((1, 2, 2))}, r"images are float64\[1, 2, 2\]; wanted uint8"),
        ({"images": np.zeros((1, 2, 2, 4), np.uint8)}, r"uint8\[1, 2, 2, 4\]"),
        ({"images": np.zeros((0, 2, 2), np.uint8)}, "N at least 1"),
        ({"images": np.zeros((2, 2, 2), np.uint8), "labels": [1]}, "one for each of the 2 images"),
        ({"images": np.zeros((2, 2, 2), np.uint8), "labels": [0.5, 1]}, "labels are float64"),
        ({"images": np.array([{"a": 1}], dtype=object)}, r"not a readable \.npz"),
    ],
)
def test_wrong_npz_are_named(tmp_path, members, complaint):
    np.savez(tmp_path / "train.npz", **members)
    with pytest.raises(InputError, match=rf"train\.npz: .*{complaint}"):
        array_file(tmp_path, "own", "train")


def test_pickled_objects_truncation_and_absence_are_named(tmp_path, colour):
    np.save(tmp_path / "train.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match=r"train\.npy: not a readable \.npy"):
        array_file(tmp_path, "own", "train", images="{split}.npy")
    np.save(tmp_path / "train.npy", colour)
    (tmp_path / "train.npy").write_bytes((tmp_path / "train.npy").read_bytes()[:150])
    with pytest.raises(InputError, match=r"train\.npy: not a readable \.npy"):
        array_file(tmp_path, "own", "train", images="{split}.npy")
    (tmp_path / "train.npz").write_bytes(b"PK no zip")
    with pytest.raises(InputError, match=r"train\.npz: not a readable \.npz"):
        array_file(tmp_path, "own", "train")
    with pytest.raises(InputError, match=r"test\.npz: no such file"):
        array_file(tmp_path, "own", "test")


def test_labels_must_have_a_class(tmp_path, colour):
    np.savez(tmp_path / "train.npz", images=colour, labels=[0, 1, 2, 0])
    with pytest.raises(InputError, match=r"train\.npz: row 2 has the label 2 but there are only 2 classes"):
        array_file(tmp_path, "own", "train", classes=["a", "b"])
