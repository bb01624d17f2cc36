import json
import shutil

import numpy as np
import pytest

from ndslib.core.errors import InputError
from ndslib.data import sample_table
from ndslib.data.loaders import load, openimages

IMAGES = (
    "ImageID,Subset,OriginalURL,OriginalLandingURL,License,AuthorProfileURL,Author,Title,OriginalSize,OriginalMD5,"
    """Thumbnail300KURL,Rotation
000b,validation,https://farm/b.jpg,https://flickr/b,https://creativecommons.org/licenses/by/2.0/,https://p,"A, B","two
lines",4321,md5==,https://t,0.0
0002,validation,https://farm/2.jpg,https://flickr/2,,https://p,A,T,1000,md5==,https://t,
0001,validation,https://farm/1.jpg,https://flickr/1,https://creativecommons.org/licenses/by/2.0/,https://p,A,T,55,m,,0.0
"""
)
BOXES = """ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside
000b,xclick,/m/01g317,1,0.25,0.75,0.5,1.0,0,0,1,0,0
0001,xclick,/m/0bt9lr,1,0.1,0.3,0.0,0.5,0,0,0,0,0
000b,xclick,/m/0bt9lr,1,0.0,0.5,0.0,0.125,0,0,0,0,0
"""
MASKS = """MaskPath,ImageID,LabelName,BoxID,BoxXMin,BoxXMax,BoxYMin,BoxYMax,PredictedIoU,Clicks
000b_m0bt9lr_8423609b.png,000b,/m/0bt9lr,8423609b,0.000000,0.500000,0.0,0.125000,0.86864,0.1 0.1 1;0.4 0.05 0
0001_m01g317_25adb319.png,0001,/m/01g317,25adb319,0.100000,0.300000,0.0,0.500000,,
000b_m01g317_e16d04f9.png,000b,/m/01g317,e16d04f9,0.250000,0.750000,0.5,1.000000,0.5,0.1 0.2 0
"""
CLASSES = "/m/01g317,Person\n/m/0bt9lr,Dog\n"


@pytest.fixture
def tree(tmp_path, write_image):
    (tmp_path / "validation-images-with-rotation.csv").write_text(IMAGES)
    (tmp_path / "validation-annotations-bbox.csv").write_text(BOXES)
    (tmp_path / "class-descriptions-boxable.csv").write_text(CLASSES)
    write_image(tmp_path / "validation" / "000b.jpg", (200, 80))
    return tmp_path


def test_local_and_remote_rows(tree):
    table = openimages(tree, "openimages", "val", "CC-BY-4.0")
    assert table["id"].to_pylist() == ["openimages/val/0001", "openimages/val/0002", "openimages/val/000b"]
    local = tree / "validation" / "000b.jpg"
    assert table["uri"].to_pylist() == ["https://farm/1.jpg", "https://farm/2.jpg", str(local)]
    assert table["bytes"].to_pylist() == [55, 1000, local.stat().st_size]
    assert table["licence"].to_pylist() == ["CC-BY-2.0", "CC-BY-4.0", "CC-BY-2.0"]
    assert table["width"].to_pylist() == [1024, 1024, 200]
    annotations = [json.loads(text) for text in table["annotation"].to_pylist()]
    assert annotations == [
        [{"category": "Dog", "iscrowd": 0, "bbox_relative": [0.1, 0.0, 0.2, 0.5]}],
        [],
        [
            {"category": "Person", "iscrowd": 1, "bbox": [50.0, 40.0, 100.0, 40.0]},
            {"category": "Dog", "iscrowd": 0, "bbox": [0.0, 0.0, 100.0, 10.0]},
        ],
    ]


def test_names_of_later_versions_fit_too(tree):
    (tree / "validation-annotations-bbox.csv").rename(tree / "oidv6-validation-annotations-bbox.csv")
    (tree / "class-descriptions-boxable.csv").unlink()
    (tree / "oidv7-class-descriptions-boxable.csv").write_text("LabelName,DisplayName\n" + CLASSES)
    assert openimages(tree, "openimages", "val").num_rows == 3


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("000b,xclick,/m/01g317", "000c,xclick,/m/01g317", "'000c'.* is of an image that is not listed"),
        ("0001,xclick,/m/0bt9lr", "0001,xclick,/m/none", "'/m/none'.* is of a class without description"),
        ("0.25,0.75", "0.25,1.75", "1.75.* is turned around or outside 0 to 1"),
        ("0.25,0.75", "0.75,0.25", "is turned around or outside 0 to 1"),
        ("XMin", "xmin", "wanted a CSV with the columns ImageID, LabelName, XMin"),
        ("000b,xclick,/m/0bt9lr,1,0.0", "000b,xclick", "wanted a CSV"),
    ],
)
def test_wrong_boxes_are_named(tree, old, new, complaint):
    assert old in BOXES
    (tree / "validation-annotations-bbox.csv").write_text(BOXES.replace(old, new))
    with pytest.raises(InputError, match=rf"validation-annotations-bbox\.csv: .*{complaint}"):
        openimages(tree, "openimages", "val")


def test_missing_and_doubled_files_are_named(tree):
    with pytest.raises(InputError, match=r"no file \*train-images\*\.csv"):
        openimages(tree, "openimages", "train")
    (tree / "old").mkdir()
    (tree / "old" / "class-descriptions-boxable.csv").write_text(CLASSES)
    with pytest.raises(InputError, match=r"old/class-descriptions-boxable\.csv all fit"):
        openimages(tree, "openimages", "val")


def test_an_image_without_file_and_url_is_named(tree):
    (tree / "validation-images-with-rotation.csv").write_text(IMAGES.replace("https://farm/2.jpg", ""))
    with pytest.raises(InputError, match=r"validation/0002\.jpg: no such file, and .*with-rotation\.csv"):
        openimages(tree, "openimages", "val")


def test_a_broken_local_image_is_named(tree):
    (tree / "validation" / "000b.jpg").write_bytes(b"")
    with pytest.raises(InputError, match=r"000b\.jpg: "):
        openimages(tree, "openimages", "val")


@pytest.fixture
def masked(tree, write_image):
    (tree / "validation-annotations-object-segmentation.csv").write_text(MASKS)
    for line in MASKS.splitlines()[1:]:
        write_image(tree / "validation-masks" / line.split(",")[0], pixels=np.ones((4, 5), bool))
    return tree


def test_masks_instead_of_boxes(masked):
    (masked / "validation-annotations-bbox.csv").unlink()  # not needed for masks
    table = openimages(masked, "openimages", "val", masks=True)
    assert table["id"].to_pylist() == ["openimages/val/0001", "openimages/val/0002", "openimages/val/000b"]
    place = f"{masked / 'validation-masks'}/"
    person, dog = ({"category": name, "iscrowd": 0} for name in ("Person", "Dog"))
    assert [json.loads(text) for text in table["annotation"].to_pylist()] == [
        [person | {"mask": f"{place}0001_m01g317_25adb319.png", "bbox_relative": [0.1, 0.0, 0.2, 0.5]}],
        [],
        [
            dog | {"mask": f"{place}000b_m0bt9lr_8423609b.png", "bbox": [0.0, 0.0, 100.0, 10.0]},
            person | {"mask": f"{place}000b_m01g317_e16d04f9.png", "bbox": [50.0, 40.0, 100.0, 40.0]},
        ],
    ]
    assert sample_table.label_kinds(table).to_pylist() == ["masks", "none", "masks"]


def test_masks_through_the_manifest(masked):
    assert load("openimages", masked, "val", masks=True).num_rows == 3
    assert "mask" not in load("openimages", masked, "val")["annotation"][2].as_py()


def test_absent_masks_are_named(masked):
    absent = masked / "validation-masks" / "0001_m01g317_25adb319.png"
    absent.unlink()
    with pytest.raises(InputError, match=rf"{absent.name}: no such file, but .*object-segmentation\.csv lists it"):
        openimages(masked, "openimages", "val", masks=True)
    (masked / "validation-annotations-object-segmentation.csv").unlink()
    with pytest.raises(InputError, match=r"no file \*validation-annotations-object-segmentation\.csv"):
        openimages(masked, "openimages", "val", masks=True)


def test_a_folder_without_masks_is_named(masked):
    shutil.rmtree(masked / "validation-masks")
    with pytest.raises(InputError, match=r"validation-masks: no such folder"):
        openimages(masked, "openimages", "val", masks=True)
