import json

import numpy as np
import pytest

from ndslib.core.errors import InputError
from ndslib.data.loaders import cityscapes


def add_frame(root, write_image, split, city, frame, mode="gtFine"):
    stem = f"{city}_000000_{frame:06d}"
    write_image(root / "leftImg8bit" / split / city / f"{stem}_leftImg8bit.png", (20, 10))
    maps = root / mode / split / city
    for kind in ("labelIds", "instanceIds", "color"):
        write_image(maps / f"{stem}_{mode}_{kind}.png", pixels=np.zeros((10, 20), np.uint8))
    (maps / f"{stem}_{mode}_polygons.json").write_text(json.dumps({"imgHeight": 10, "imgWidth": 20, "objects": []}))


@pytest.fixture
def tree(tmp_path, write_image):
    for city, frame in (("zurich", 2), ("aachen", 19), ("aachen", 3)):
        add_frame(tmp_path, write_image, "train", city, frame)
    return tmp_path


def test_frames_and_their_annotation_files(tree):
    table = cityscapes(tree, "cityscapes", "train")
    stems = ["aachen/aachen_000000_000003", "aachen/aachen_000000_000019", "zurich/zurich_000000_000002"]
    assert table["id"].to_pylist() == [f"cityscapes/train/{stem}" for stem in stems]
    place = tree / "gtFine" / "train" / "aachen" / "aachen_000000_000003_gtFine"
    assert json.loads(table["annotation"][0].as_py()) == {
        "labels": f"{place}_labelIds.png",
        "instances": f"{place}_instanceIds.png",
        "polygons": f"{place}_polygons.json",
    }
    assert (table["width"][0].as_py(), table["height"][0].as_py(), table["label"].null_count) == (20, 10, 3)


def test_coarse_extra_frames_and_the_test_split(tmp_path, write_image):
    add_frame(tmp_path, write_image, "train_extra", "bonn", 1, "gtCoarse")
    table = cityscapes(tmp_path, "cityscapes", "train", mode="gtCoarse", folder="train_extra")
    assert "gtCoarse_labelIds.png" in table["annotation"][0].as_py()
    write_image(tmp_path / "leftImg8bit" / "test" / "berlin" / "berlin_000000_000000_leftImg8bit.png")
    assert cityscapes(tmp_path, "cityscapes", "test")["annotation"].null_count == 1


def test_missing_parts_are_named(tree):
    with pytest.raises(InputError, match=r"leftImg8bit/val: no such folder"):
        cityscapes(tree, "cityscapes", "val")
    with pytest.raises(InputError, match="mode is 'fine'"):
        cityscapes(tree, "cityscapes", "train", mode="fine")
    absent = tree / "gtFine" / "train" / "zurich" / "zurich_000000_000002_gtFine_instanceIds.png"
    absent.unlink()
    with pytest.raises(InputError, match=rf"{absent.name}: no such file"):
        cityscapes(tree, "cityscapes", "train")


def test_a_tree_of_other_images_is_refused(tmp_path, write_image):
    write_image(tmp_path / "leftImg8bit" / "train" / "aachen" / "blurred.png")
    with pytest.raises(InputError, match=r"no file in it ends in _leftImg8bit\.png"):
        cityscapes(tmp_path, "cityscapes", "train")
