import os

import pytest

from ndslib.core.errors import InputError
from ndslib.data.images import decode
from ndslib.data.loaders import images_below


def test_class_folders_give_labels_at_any_depth(tmp_path, write_image):
    write_image(tmp_path / "dog" / "2020" / "b.jpg", (10, 20))
    write_image(tmp_path / "cat" / "a.PNG", (5, 4))
    write_image(tmp_path / "loose.webp")
    (tmp_path / "cat" / "notes.txt").write_text("no image")
    table = images_below(tmp_path, "pets", "val", "CC0-1.0")
    assert table["id"].to_pylist() == ["pets/val/cat/a.PNG", "pets/val/dog/2020/b.jpg", "pets/val/loose.webp"]
    assert table["label"].to_pylist() == ["cat", "dog", None]
    assert table["width"].to_pylist() == [5, 10, 8]
    assert table["uri"][1].as_py() == str(tmp_path / "dog" / "2020" / "b.jpg")
    assert set(table["licence"].to_pylist()) == {"CC0-1.0"}
    assert decode(table, 8).pixels.shape == (3, 3, 8, 8)


@pytest.mark.parametrize("places", [["a.png", "b.png"], ["images/a.png", "images/deep/b.png"], ["a.png", "rest/b.png"]])
def test_flat_folders_give_no_labels(tmp_path, write_image, places):
    for place in places:
        write_image(tmp_path / place)
    assert images_below(tmp_path, "mine", "train")["label"].to_pylist() == [None, None]


def test_what_is_hidden_is_left_out(tmp_path, write_image):
    for place in (".trash/a.png", "holidays/.thumbnails/b.png", "holidays/c.png", "holidays/._c.png"):
        write_image(tmp_path / place)
    assert images_below(tmp_path, "mine", "train")["id"].to_pylist() == ["mine/train/holidays/c.png"]


def test_a_hidden_folder_can_be_the_root(tmp_path, write_image):
    write_image(tmp_path / ".hidden" / "a.png")
    assert images_below(tmp_path / ".hidden", "mine", "train").num_rows == 1


def test_faults_name_the_folder_or_the_file(tmp_path, write_image):
    with pytest.raises(InputError, match=r"absent: no such folder; give the folder of the images"):
        images_below(tmp_path / "absent", "mine", "train")
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(InputError, match=r"it holds no image \(\.jpg"):
        images_below(tmp_path, "mine", "train")
    write_image(tmp_path / "good.png")
    (tmp_path / "bad.png").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"1 of 2 images are unreadable: .*bad\.png"):
        images_below(tmp_path, "mine", "train")
    with pytest.warns(UserWarning, match=r"bad\.png.*left out"):
        assert images_below(tmp_path, "mine", "train", on_corrupt="skip").num_rows == 1


def test_a_name_that_no_table_can_hold_is_refused(tmp_path, write_image):
    write_image(tmp_path / "a.png")
    try:
        os.rename(tmp_path / "a.png", os.fsencode(tmp_path) + b"/\xff.png")
    except OSError:
        pytest.skip("this file system takes UTF-8 names alone")
    with pytest.raises(InputError, match=r"'\\udcff\.png': the file's name is not UTF-8; rename it"):
        images_below(tmp_path, "mine", "train")
