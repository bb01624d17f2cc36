import json

import numpy as np
import pyarrow.compute as pc
import pytest

from ndslib.core.errors import InputError
from ndslib.data.images import decode
from ndslib.data.loaders import camvid, camvid_patches
from ndslib.data.loaders.image_files import find_images

SKY, ROAD, CAR, UNLABELLED = 0, 3, 8, 11


@pytest.fixture
def tree(tmp_path, write_image):
    """One frame of 6 x 4 pixels: sky left, right half road above and unlabelled below, one column of cars between."""
    labels = np.full((4, 6), SKY, np.uint8)
    labels[:2, 3:], labels[2:, 3:], labels[:, 2] = ROAD, UNLABELLED, CAR
    write_image(tmp_path / "train" / "0001TP_006690.png", pixels=np.arange(72, dtype=np.uint8).reshape(4, 6, 3))
    write_image(tmp_path / "trainannot" / "0001TP_006690.png", pixels=labels)
    return tmp_path


def test_whole_frames(tree):
    table = camvid(tree, "camvid", "train", "CC-BY-4.0")
    assert table.num_rows == 1
    assert table["id"][0].as_py() == "camvid/train/0001TP_006690"
    assert table["label"][0].as_py() is None
    assert json.loads(table["annotation"][0].as_py()) == {"labels": str(tree / "trainannot" / "0001TP_006690.png")}
    assert (table["width"][0].as_py(), table["height"][0].as_py()) == (6, 4)


def test_patches_and_their_majority(tree):
    table = camvid_patches(tree, "train", size=2, stride=2)
    frame = tree / "train" / "0001TP_006690.png"
    assert table["uri"].to_pylist() == [f"{frame}#xywh={x},{y},2,2" for y in (0, 2) for x in (0, 2, 4)]
    # Of the second patch each half is one class: exactly half is enough, and the first number wins the tie.
    assert table["label"].to_pylist() == ["sky", "road", "road", "sky", "car", None]
    assert set(table["bytes"].to_pylist()) == {max(1, round(frame.stat().st_size * 4 / 24))}
    assert table["id"][0].as_py() == "camvid/train/0001TP_006690/0,0,2"
    pixels = decode(table, 2).pixels[4].transpose(1, 2, 0)
    np.testing.assert_array_equal(pixels, np.arange(72).reshape(4, 6, 3)[2:4, 2:4])


def test_a_majority_below_half_gives_no_label(tmp_path, write_image):
    labels = np.array([[SKY, SKY, ROAD], [CAR, CAR, ROAD], [4, 5, SKY]], np.uint8)
    write_image(tmp_path / "val" / "a.jpg", (3, 3))
    write_image(tmp_path / "valannot" / "a.png", pixels=labels)
    assert camvid_patches(tmp_path, "val", size=3, stride=1)["label"].to_pylist() == [None]


def test_overlapping_patches_agree_with_counting(tmp_path, write_image):
    labels = np.random.default_rng(3).choice([0, 1, 1, 1, 11], (9, 13)).astype(np.uint8)
    write_image(tmp_path / "val" / "a.png", (13, 9))
    write_image(tmp_path / "valannot" / "a.png", pixels=labels)
    table = camvid_patches(tmp_path, "val", size=4, stride=3)
    wanted = []
    for y in range(0, 9 - 4 + 1, 3):
        for x in range(0, 13 - 4 + 1, 3):
            counts = np.bincount(labels[y : y + 4, x : x + 4].ravel(), minlength=12)
            name = {0: "sky", 1: "building"}.get(int(counts.argmax()))
            wanted.append(name if counts.max() >= 8 else None)
    assert table["label"].to_pylist() == wanted
    assert "building" in wanted
    assert None in wanted


def test_wrong_label_maps_are_named(tree, write_image):
    labels = tree / "trainannot" / "0001TP_006690.png"
    write_image(labels, pixels=np.full((4, 6), 12, np.uint8))
    with pytest.raises(InputError, match=r"0001TP_006690\.png: a value 12; wanted one channel with values 0 to 11"):
        camvid_patches(tree, "train", 2, 2)
    write_image(labels, pixels=np.zeros((4, 6, 3), np.uint8))
    with pytest.raises(InputError, match=r"0001TP_006690\.png: the shape \(4, 6, 3\)"):
        camvid_patches(tree, "train", 2, 2)
    write_image(labels, pixels=np.zeros((4, 5), np.uint8))
    with pytest.raises(InputError, match=r"trainannot/0001TP_006690\.png: \(5, 4\) pixels but .* has \(6, 4\)"):
        camvid(tree, "camvid", "train")
    labels.write_bytes(b"")
    with pytest.raises(InputError, match=r"trainannot/0001TP_006690\.png: not a readable image header"):
        camvid(tree, "camvid", "train")


def test_an_unreadable_frame_is_named(tree):
    (tree / "train" / "0001TP_006690.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"train/0001TP_006690\.png: not a readable"):
        camvid_patches(tree, "train", 2, 2)


def test_a_frame_without_map_and_a_map_without_frame_are_named(tree, write_image):
    frame = write_image(tree / "train" / "b.png", (6, 4))
    with pytest.raises(InputError, match=r"train/b\.png: its label map .*trainannot/b\.png is absent"):
        camvid(tree, "camvid", "train")
    frame.unlink()
    write_image(tree / "trainannot" / "c.png", (6, 4))
    with pytest.raises(InputError, match=r"trainannot/c\.png: its frame is absent"):
        camvid(tree, "camvid", "train")
    with pytest.raises(InputError, match=r"val: no such folder"):
        camvid(tree, "camvid", "val")


def test_patches_that_cannot_be_are_refused(tree):
    with pytest.raises(InputError, match="6 x 4 pixels hold no patch of 5"):
        camvid_patches(tree, "train", 5, 1)
    with pytest.raises(InputError, match="stride 0 must be at least 1"):
        camvid_patches(tree, "train", 2, 0)


def test_real_camvid(shared_data):
    table = camvid(shared_data / "camvid", "camvid", "val")
    assert table.num_rows == len(find_images(shared_data / "camvid" / "val")) == 101
    patches = camvid_patches(shared_data / "camvid", "val", size=120, stride=120)
    assert patches.num_rows == 101 * 12
    assert {"road", "building", "sky"} <= set(pc.unique(patches["label"]).to_pylist())
    assert "unlabelled" not in patches["label"].to_pylist()
