import numpy as np
import pytest
from scipy.io import savemat

from ndslib.core.errors import InputError
from ndslib.data.loaders import stanford_dogs

NAMES = ["n02085782-Japanese_spaniel/n02085782_2.jpg", "n02085620-Chihuahua/n02085620_1.jpg"]


def write_list(path, names):
    """A MATLAB cell column, as the provider's lists have."""
    cells = np.empty((len(names), 1), dtype=object)
    cells[:, 0] = names
    savemat(path, {"file_list": cells})


@pytest.fixture
def tree(tmp_path, write_image):
    for name in NAMES:
        write_image(tmp_path / "Images" / name)
    write_list(tmp_path / "train_list.mat", NAMES)
    write_list(tmp_path / "test_list.mat", NAMES[:1])
    return tmp_path


def test_labels_are_breeds(tree):
    table = stanford_dogs(tree, "stanford_dogs", "train")
    assert table["label"].to_pylist() == ["Chihuahua", "Japanese_spaniel"]
    assert table["id"][0].as_py() == "stanford_dogs/train/n02085620-Chihuahua/n02085620_1.jpg"
    assert stanford_dogs(tree, "stanford_dogs", "test")["label"].to_pylist() == ["Japanese_spaniel"]


def test_missing_and_damaged_parts_are_named(tree):
    (tree / "Images" / NAMES[1]).unlink()
    with pytest.raises(InputError, match=r"n02085620_1\.jpg: no such file"):
        stanford_dogs(tree, "stanford_dogs", "train")
    write_list(tree / "train_list.mat", ["loose.jpg"])
    with pytest.raises(InputError, match=r"train_list\.mat: it lists \['loose\.jpg'\]"):
        stanford_dogs(tree, "stanford_dogs", "train")
    savemat(tree / "train_list.mat", {"labels": [1, 2]})
    with pytest.raises(InputError, match=r"train_list\.mat: not a MATLAB file with 'file_list'"):
        stanford_dogs(tree, "stanford_dogs", "train")
    for content in (b"", b"<html>not found</html>" * 20, (tree / "test_list.mat").read_bytes()[:150]):
        (tree / "train_list.mat").write_bytes(content)
        with pytest.raises(InputError, match=r"train_list\.mat: not a MATLAB file"):
            stanford_dogs(tree, "stanford_dogs", "train")
    (tree / "train_list.mat").unlink()
    with pytest.raises(InputError, match=r"train_list\.mat: no such file"):
        stanford_dogs(tree, "stanford_dogs", "train")
