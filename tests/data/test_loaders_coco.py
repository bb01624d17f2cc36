import copy
import json

import pytest

from ndslib.core.errors import InputError
from ndslib.data.loaders import coco, inaturalist

DOCUMENT = {
    "licenses": [
        {"id": 1, "name": "Attribution-NonCommercial", "url": "http://creativecommons.org/licenses/by-nc/2.0/"},
        {"id": 7, "name": "No known restrictions", "url": "http://flickr.com/commons/usage/"},
    ],
    "images": [
        {
            "id": 9,
            "file_name": "000000000009.jpg",
            "width": 64,
            "height": 48,
            "license": 1,
            "coco_url": "http://x/9.jpg",
        },
        {
            "id": 4,
            "file_name": "000000000004.jpg",
            "width": 30,
            "height": 20,
            "license": 7,
            "coco_url": "http://x/4.jpg",
        },
        {"id": 5, "file_name": "000000000005.jpg", "width": 100, "height": 100, "coco_url": "http://x/5.jpg"},
    ],
    "annotations": [
        {"id": 2, "image_id": 9, "category_id": 18, "bbox": [1, 2, 3.5, 4], "segmentation": [[1, 2, 4, 2, 4, 6]]}
        | {"iscrowd": 0, "area": 7.0},
        {
            "id": 1,
            "image_id": 9,
            "category_id": 1,
            "bbox": [0, 0, 9, 9],
            "segmentation": {"counts": [3], "size": [1, 3]},
        }
        | {"iscrowd": 1, "area": 3.0},
        {"id": 3, "image_id": 4, "category_id": 1, "bbox": [5, 5, 2, 2], "area": 4.0},
    ],
    "categories": [{"id": 1, "name": "person"}, {"id": 18, "name": "dog"}],
}


@pytest.fixture
def document():
    return copy.deepcopy(DOCUMENT)


def write(root, document, name="instances_train2017.json"):
    path = root / "annotations" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document))
    return root


def test_rows_objects_and_licences(tmp_path, document, write_image):
    image = write_image(tmp_path / "train2017" / "000000000009.jpg", (64, 48))
    table = coco(write(tmp_path, document), "coco", "train", "CC-BY-4.0")
    assert table["id"].to_pylist() == [f"coco/train/00000000000{number}.jpg" for number in (4, 5, 9)]
    assert table["uri"].to_pylist() == ["http://x/4.jpg", "http://x/5.jpg", str(image)]
    assert table["licence"].to_pylist() == ["No known restrictions", "CC-BY-4.0", "CC-BY-NC-2.0"]
    assert table["label"].null_count == 3
    assert table["width"].to_pylist() == [30, 100, 64]
    assert table["bytes"][2].as_py() == image.stat().st_size
    assert table["bytes"][1].as_py() == 5900  # estimated from the pixels of a URL
    assert json.loads(table["annotation"][1].as_py()) == []
    assert json.loads(table["annotation"][2].as_py()) == [
        {"category": "person", "bbox": [0, 0, 9, 9], "segmentation": {"counts": [3], "size": [1, 3]}, "iscrowd": 1},
        {"category": "dog", "bbox": [1, 2, 3.5, 4], "segmentation": [[1, 2, 4, 2, 4, 6]], "iscrowd": 0},
    ]


def test_other_layouts_and_test_sets(tmp_path, document):
    del document["annotations"]
    write(tmp_path, document, "image_info.json")
    table = coco(tmp_path, "modanet", "test", annotations="annotations/image_info.json", images="images")
    assert table["annotation"].null_count == 3


def test_truncated_json_is_named(tmp_path, document):
    path = write(tmp_path, document) / "annotations" / "instances_train2017.json"
    path.write_text(path.read_text()[:-40])
    with pytest.raises(InputError, match=r"instances_train2017\.json: not whole JSON .*fetch"):
        coco(tmp_path, "coco", "train")
    path.write_text("[]")
    with pytest.raises(InputError, match="no list 'images'"):
        coco(tmp_path, "coco", "train")
    with pytest.raises(InputError, match=r"instances_val2017\.json: no such file"):
        coco(tmp_path, "coco", "val")


@pytest.mark.parametrize(
    ("part", "changes", "complaint"),
    [
        ("annotations", {"image_id": 77}, "annotation 2 is of the unlisted image 77"),
        ("annotations", {"category_id": 77}, "annotation 2 has the unknown category 77"),
        ("annotations", {"bbox": [1, 2, 3]}, r"annotation 2 has the bbox \[1, 2, 3\]"),
        ("annotations", {"bbox": None}, "annotation 2 has the bbox None"),
        ("annotations", {"image_id": ...}, "has no 'image_id'"),
        ("images", {"width": ...}, "has no 'width'"),
        ("images", {"file_name": ...}, "has no 'file_name'"),
        ("categories", {"name": ...}, "the category .* has no 'name'"),
    ],
)
def test_wrong_entries_are_named(tmp_path, document, part, changes, complaint):
    for key, value in changes.items():
        if value is ...:
            del document[part][0][key]
        else:
            document[part][0][key] = value
    with pytest.raises(InputError, match=rf"instances_train2017\.json: .*{complaint}"):
        coco(write(tmp_path, document), "coco", "train")


def test_an_image_without_file_and_url_is_named(tmp_path, document):
    del document["images"][1]["coco_url"]
    with pytest.raises(InputError, match=r"000000000004\.jpg: no such file, and .*instances_train2017\.json"):
        coco(write(tmp_path, document), "coco", "train")


@pytest.fixture
def species(tmp_path, write_image):
    document = {
        "images": [{"id": number, "file_name": f"train_val_images/Aves/b{number}.jpg"} for number in (2, 1)],
        "annotations": [{"id": 5, "image_id": 1, "category_id": 0}, {"id": 6, "image_id": 2, "category_id": 3}],
        "categories": [
            {"id": 0, "name": "Pica pica", "supercategory": "Aves"},
            {"id": 3, "name": "Vulpes vulpes", "supercategory": "Mammalia"},
        ],
    }
    for number in (1, 2):
        write_image(tmp_path / "train_val_images" / "Aves" / f"b{number}.jpg", (number, 7))
    return document


def test_inaturalist_labels(tmp_path, species):
    (tmp_path / "val2017.json").write_text(json.dumps(species))
    table = inaturalist(tmp_path, "inaturalist2017", "val")
    assert table["label"].to_pylist() == ["Aves/Pica pica", "Mammalia/Vulpes vulpes"]
    assert table["width"].to_pylist() == [1, 2]
    assert table["id"][0].as_py() == "inaturalist2017/val/train_val_images/Aves/b1.jpg"


def test_inaturalist_image_without_category_or_file(tmp_path, species):
    species["images"].append({"id": 3, "file_name": "train_val_images/Aves/b3.jpg"})
    (tmp_path / "val2017.json").write_text(json.dumps(species))
    with pytest.raises(
        InputError, match=r"val2017\.json: the image train_val_images/Aves/b3\.jpg has no known category"
    ):
        inaturalist(tmp_path, "inaturalist2017", "val")
    species["annotations"].append({"id": 7, "image_id": 3, "category_id": 3})
    (tmp_path / "val2017.json").write_text(json.dumps(species))
    with pytest.raises(InputError, match=r"b3\.jpg: no such file"):
        inaturalist(tmp_path, "inaturalist2017", "val")
