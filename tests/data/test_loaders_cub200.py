import pytest

from ndslib.core.errors import InputError
from ndslib.data.loaders import cub200

LISTS = {
    "images.txt": "1 002.Laysan/b.jpg\n2 001.Black/a.jpg\n3 001.Black/c.jpg\n",
    "classes.txt": "1 001.Black\n2 002.Laysan\n",
    "image_class_labels.txt": "1 2\n2 1\n3 1\n",
    "train_test_split.txt": "1 1\n2 1\n3 0\n",
}


@pytest.fixture
def tree(tmp_path, write_image):
    folder = tmp_path / "CUB_200_2011"
    for name in ("002.Laysan/b.jpg", "001.Black/a.jpg", "001.Black/c.jpg"):
        write_image(folder / "images" / name)
    for name, text in LISTS.items():
        (folder / name).write_text(text)
    return tmp_path


def test_the_providers_split_and_labels(tree):
    table = cub200(tree, "cub200", "train")
    assert table["id"].to_pylist() == ["cub200/train/001.Black/a.jpg", "cub200/train/002.Laysan/b.jpg"]
    assert table["label"].to_pylist() == ["001.Black", "002.Laysan"]
    assert cub200(tree / "CUB_200_2011", "cub200", "test", folder="")["label"].to_pylist() == ["001.Black"]


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("image_class_labels.txt", "1 2\n2 1\n", "no line for image 3"),
        ("train_test_split.txt", "1 1\n", "no line for image 2"),
        ("classes.txt", "1 001.Black\n", "no class 2, which 002.Laysan/b.jpg has"),
        ("images.txt", "1\n", "line 1 is '1'; wanted two fields"),
    ],
)
def test_wrong_lists_are_named(tree, name, text, complaint):
    (tree / "CUB_200_2011" / name).write_text(text)
    with pytest.raises(InputError, match=f"{name}: {complaint}"):
        cub200(tree, "cub200", "train")


def test_missing_parts_are_named(tree):
    with pytest.raises(InputError, match="no split 'val'"):
        cub200(tree, "cub200", "val")
    (tree / "CUB_200_2011" / "images" / "001.Black" / "a.jpg").unlink()
    with pytest.raises(InputError, match=r"001\.Black/a\.jpg: no such file"):
        cub200(tree, "cub200", "train")
    (tree / "CUB_200_2011" / "classes.txt").unlink()
    with pytest.raises(InputError, match=r"classes\.txt: no such file"):
        cub200(tree, "cub200", "train")
