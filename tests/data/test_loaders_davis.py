import json

import numpy as np
import pytest

from ndslib.core.errors import InputError
from ndslib.data.loaders import davis, youtube_vos


@pytest.fixture
def tree(tmp_path, write_image):
    lines = []
    for sequence, frame in (("dog", 0), ("bear", 1), ("bear", 0)):
        image, mask = (f"{kind}/480p/{sequence}/{frame:05d}" for kind in ("JPEGImages", "Annotations"))
        write_image(tmp_path / f"{image}.jpg", (85, 48))
        write_image(tmp_path / f"{mask}.png", pixels=np.zeros((48, 85), np.uint8))
        lines.append(f"/{image}.jpg /{mask}.png \n")
    (tmp_path / "ImageSets" / "480p").mkdir(parents=True)
    (tmp_path / "ImageSets" / "480p" / "train.txt").write_text("".join(lines))
    return tmp_path


def test_frames_in_order_with_their_masks(tree):
    table = davis(tree, "davis2016", "train")
    assert table["id"].to_pylist() == [f"davis2016/train/{name}" for name in ("bear/00000", "bear/00001", "dog/00000")]
    assert json.loads(table["annotation"][1].as_py()) == {
        "mask": str(tree / "Annotations/480p/bear/00001.png"),
        "sequence": "bear",
        "frame": 1,
    }
    assert (table["width"][0].as_py(), table["height"][0].as_py()) == (85, 48)
    assert davis(tree.parent, "davis2016", "train", folder=tree.name).num_rows == 3


def test_missing_parts_and_wrong_lines_are_named(tree):
    with pytest.raises(InputError, match=r"480p/val\.txt: no such file"):
        davis(tree, "davis2016", "val")
    listing = tree / "ImageSets" / "480p" / "train.txt"
    (tree / "Annotations" / "480p" / "dog" / "00000.png").unlink()
    with pytest.raises(InputError, match=r"Annotations/480p/dog/00000\.png: no such file"):
        davis(tree, "davis2016", "train")
    listing.write_text("bear\n")
    with pytest.raises(InputError, match=r"train\.txt: line 1 is 'bear'; wanted"):
        davis(tree, "davis2016", "train")
    listing.write_text("")
    with pytest.raises(InputError, match=r"train\.txt: it lists no frame"):
        davis(tree, "davis2016", "train")


@pytest.fixture
def videos(tmp_path, write_image):
    for split in ("train", "valid"):
        for frame in ("00005", "00000"):
            write_image(tmp_path / split / "JPEGImages" / "003234408d" / f"{frame}.jpg", (64, 36))
        write_image(tmp_path / split / "Annotations" / "003234408d" / "00000.png", pixels=np.zeros((36, 64), np.uint8))
    return tmp_path


def test_youtube_vos_masks_only_first_frames_in_val(videos):
    table = youtube_vos(videos, "youtube_vos", "val")
    assert table["id"].to_pylist() == ["youtube_vos/val/003234408d/00000", "youtube_vos/val/003234408d/00005"]
    masks = [json.loads(text)["mask"] for text in table["annotation"].to_pylist()]
    assert masks == [str(videos / "valid/Annotations/003234408d/00000.png"), None]


def test_youtube_vos_missing_masks_and_frames_are_named(videos, write_image):
    with pytest.raises(InputError, match=r"train/JPEGImages/003234408d/00005\.jpg: its mask is absent"):
        youtube_vos(videos, "youtube_vos", "train")
    lone = write_image(videos / "valid" / "Annotations" / "003234408d" / "00010.png")
    with pytest.raises(InputError, match=r"00010\.png: its frame is absent"):
        youtube_vos(videos, "youtube_vos", "val")
    lone.rename(lone.with_name("last.png"))
    with pytest.raises(InputError, match=r"last\.png: a frame's name must be its number"):
        youtube_vos(videos, "youtube_vos", "val")
