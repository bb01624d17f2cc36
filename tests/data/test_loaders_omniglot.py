import pyarrow.compute as pc
import pytest

from ndslib.core.errors import InputError
from ndslib.data.loaders import omniglot


@pytest.fixture
def tree(tmp_path, write_image):
    for name in ("Latin/character02/0002_01", "Latin/character01/0001_02", "Greek/character01/0003_01"):
        write_image(tmp_path / "images_background" / f"{name}.png", (105, 105))
    write_image(tmp_path / "images_evaluation" / "Ge_ez" / "character01" / "0965_01.png", (105, 105))
    return tmp_path


def test_alphabets_and_characters_are_labels(tree):
    table = omniglot(tree, "omniglot", "train", "MIT")
    assert table["label"].to_pylist() == ["Greek/character01", "Latin/character01", "Latin/character02"]
    assert table["id"][0].as_py() == "omniglot/train/Greek/character01/0003_01.png"
    assert set(table["width"].to_pylist()) == {105}
    assert omniglot(tree, "omniglot", "test")["label"].to_pylist() == ["Ge_ez/character01"]


def test_the_tree_itself_and_other_trees(tree):
    direct = omniglot(tree / "images_background")
    assert direct.equals(omniglot(tree, "omniglot", "train"))
    other = omniglot(tree, folder="images_evaluation")
    assert other["label"].to_pylist() == ["Ge_ez/character01"]


def test_missing_parts_are_named(tree):
    with pytest.raises(InputError, match="no split 'val'"):
        omniglot(tree, "omniglot", "val")
    with pytest.raises(InputError, match="images_background_small1: no such folder"):
        omniglot(tree, folder="images_background_small1")
    (tree / "images_background" / "Greek" / "character02").mkdir()
    with pytest.raises(InputError, match="Greek/character02: it holds no image"):
        omniglot(tree, "omniglot", "train")
    (tree / "images_background" / "Futurama").mkdir()
    with pytest.raises(InputError, match="Futurama: the alphabet holds no character"):
        omniglot(tree, "omniglot", "train")


def test_a_split_that_is_absent_is_not_read_from_the_other(tree):
    for path in sorted((tree / "images_background").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (tree / "images_background").rmdir()
    with pytest.raises(InputError, match="images_evaluation/Ge_ez: no drawing directly in it"):
        omniglot(tree, "omniglot", "train")


def test_real_omniglot(shared_data):
    table = omniglot(shared_data / "omniglot", folder="images_background_small1")
    assert table.num_rows == 2720
    assert len(pc.unique(table["label"])) == 136
    assert pc.unique(table["height"]).to_pylist() == [105]
