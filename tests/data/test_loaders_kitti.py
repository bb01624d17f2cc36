import json

import numpy as np
import pytest

from ndslib.core.errors import InputError
from ndslib.data.loaders import kitti

LABELS = """Car 0.25 1 1.85 387.63 181.54 423.81 203.12 1.67 1.87 3.69 -16.53 2.39 58.49 1.57
DontCare -1 -1 -10 503.89 169.71 590.61 190.13 -1 -1 -1 -1000 -1000 -1000 -10
"""


@pytest.fixture
def tree(tmp_path, write_image):
    for frame in ("000002", "000001", "000000"):
        write_image(tmp_path / "training" / "image_2" / f"{frame}.png", (62, 18))
        label = tmp_path / "training" / "label_2" / f"{frame}.txt"
        label.parent.mkdir(exist_ok=True)
        label.write_text(LABELS)
        instance = tmp_path / "training" / "instance" / f"{frame}.png"
        write_image(instance, pixels=np.zeros((18, 62), np.uint16))
    write_image(tmp_path / "testing" / "image_2" / "000000.png", (62, 18))
    return tmp_path


def test_detection(tree):
    table = kitti(tree, "kitti", "train")
    assert table["id"].to_pylist() == ["kitti/train/000000", "kitti/train/000001", "kitti/train/000002"]
    assert (table["width"][0].as_py(), table["height"][0].as_py()) == (62, 18)
    assert json.loads(table["annotation"][0].as_py()) == [
        {"category": "Car", "bbox": [387.63, 181.54, 36.18, 21.58], "iscrowd": 0, "truncated": 0.25, "occluded": 1},
        {"category": "DontCare", "bbox": [503.89, 169.71, 86.72, 20.42], "iscrowd": 1, "truncated": -1, "occluded": -1},
    ]


def test_instances_test_split_and_list(tree):
    table = kitti(tree, "kitti", "train", task="instances")
    assert json.loads(table["annotation"][1].as_py()) == {"instances": str(tree / "training/instance/000001.png")}
    assert kitti(tree, "kitti", "test")["annotation"].null_count == 1
    (tree / "val.txt").write_text("000002\n000000\n")
    table = kitti(tree, "kitti", "val", list_file="val.txt")
    assert table["id"].to_pylist() == ["kitti/val/000000", "kitti/val/000002"]


def test_a_frame_without_objects_has_an_empty_list(tree):
    (tree / "training" / "label_2" / "000000.txt").write_text("")
    assert kitti(tree, "kitti", "train")["annotation"][0].as_py() == "[]"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (LABELS.replace(" 1.57", ""), "line 1 has 14 columns; wanted 15"),
        (LABELS.replace("503.89", "left"), "line 2: could not convert string to float: 'left'"),
    ],
)
def test_wrong_label_files_are_named(tree, text, complaint):
    (tree / "training" / "label_2" / "000001.txt").write_text(text)
    with pytest.raises(InputError, match=rf"label_2/000001\.txt: {complaint}"):
        kitti(tree, "kitti", "train")


def test_a_label_file_that_is_no_text_is_named(tree):
    (tree / "training" / "label_2" / "000001.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"label_2/000001\.txt: not a text file"):
        kitti(tree, "kitti", "train")


def test_missing_parts_are_named(tree):
    with pytest.raises(InputError, match="no split 'val'; pass list_file"):
        kitti(tree, "kitti", "val")
    (tree / "val.txt").write_text("000007\n")
    with pytest.raises(InputError, match=r"val\.txt: the frame '000007' has no image"):
        kitti(tree, "kitti", "val", list_file="val.txt")
    with pytest.raises(InputError, match="task is 'boxes'"):
        kitti(tree, "kitti", "train", task="boxes")
    (tree / "training" / "label_2" / "000001.txt").unlink()
    with pytest.raises(InputError, match=r"label_2/000001\.txt: no such file"):
        kitti(tree, "kitti", "train")
    with pytest.raises(InputError, match=r"elsewhere/training/image_2: no such folder"):
        kitti(tree / "elsewhere", "kitti", "train")
