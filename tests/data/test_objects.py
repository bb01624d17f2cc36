"""Objects out of every annotation form, each in its provider's own format on tiny files."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faster_coco_eval.core import mask as coco_mask

from ndslib.core.errors import InputError
from ndslib.data import sample_table
from ndslib.data.instance_maps import MIN_CAMVID_AREA
from ndslib.data.loaders import camvid, cityscapes, coco, kitti, openimages, voc
from ndslib.data.objects import Objects, class_names, objects_of
from ndslib.data.worlds import scenes

WIDTH, HEIGHT = 12, 10


def row_of(annotation: Any, width: int = WIDTH, height: int = HEIGHT) -> dict[str, Any]:
    text = annotation if isinstance(annotation, str | None) else json.dumps(annotation)
    return {"id": "demo/a", "annotation": text, "width": width, "height": height}


def only_row(table) -> dict[str, Any]:
    assert table.num_rows == 1
    return table.to_pylist()[0]


def entry(**fields: Any) -> dict[str, Any]:
    return {"category": "cat", "bbox": [1, 1, 3, 2], "iscrowd": 0} | fields


def rectangle(x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[y0:y1, x0:x1] = True
    return mask


def assert_boxes_are_extents(objects: Objects) -> None:
    for box, mask in zip(objects.boxes, objects.masks, strict=True):
        y, x = np.nonzero(mask)
        assert box.tolist() == [x.min(), y.min(), x.max() + 1, y.max() + 1]


def by_box(objects: Objects) -> dict[tuple[float, ...], tuple[str, bool]]:
    kinds = zip(objects.categories, objects.crowd.tolist(), strict=True)
    return dict(zip(map(tuple, objects.boxes.tolist()), kinds, strict=True))


def test_the_worlds_scenes_give_back_what_was_drawn() -> None:
    classes = ("car", "person")
    table = scenes.sample_table("street", classes, 3, "train", size=48)
    assert class_names(table) == ["car", "person"]
    for index, row in enumerate(table.to_pylist()):
        drawn, objects = scenes.draw("street", classes, index, size=48), objects_of(row, masks=True)
        assert objects.boxes.dtype == np.float32
        np.testing.assert_array_equal(objects.boxes, drawn.boxes)
        np.testing.assert_array_equal(objects.masks, drawn.masks)
        assert list(objects.categories) == [classes[label] for label in drawn.labels]
        assert not objects.crowd.any()
        assert objects_of(row).masks is None


@pytest.fixture
def coco_row(tmp_path, write_image) -> dict[str, Any]:
    """A COCO file with a mask in each of the three forms: polygons in two parts, compressed and plain run lengths."""
    compressed = coco_mask.encode(np.asfortranarray(rectangle(5, 2, 9, 6).view(np.uint8)))["counts"].decode()
    parts = [[0, 0, 3, 0, 3, 2, 0, 2], [0, 6, 2, 6, 2, 8, 0, 8]]
    masks = [parts, {"size": [HEIGHT, WIDTH], "counts": compressed}, {"size": [HEIGHT, WIDTH], "counts": [0, 20, 100]}]
    boxes = [[0, 0, 3, 8], [5, 2, 4, 4], [0, 0, 2, 10]]
    annotations = [
        {"id": number, "image_id": 7, "category_id": category, "bbox": box, "segmentation": mask, "iscrowd": crowd}
        for number, category, box, mask, crowd in zip((1, 2, 3), (1, 2, 1), boxes, masks, (0, 0, 1), strict=True)
    ]
    document = {
        "images": [{"id": 7, "file_name": "7.png", "width": WIDTH, "height": HEIGHT}],
        "annotations": annotations,
        "categories": [{"id": 1, "name": "person"}, {"id": 2, "name": "kite"}],
    }
    write_image(tmp_path / "train2017" / "7.png", (WIDTH, HEIGHT))
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "instances_train2017.json").write_text(json.dumps(document))
    return only_row(coco(tmp_path, "coco", "train"))


def test_coco_polygons_and_run_lengths(coco_row) -> None:
    objects = objects_of(coco_row, masks=True)
    assert objects.boxes.tolist() == [[0, 0, 3, 8], [5, 2, 9, 6], [0, 0, 2, 10]]
    assert objects.categories == ("person", "kite", "person")
    assert objects.crowd.tolist() == [False, False, True]
    assert objects.masks.dtype == bool
    np.testing.assert_array_equal(objects.masks[0], rectangle(0, 0, 3, 2) | rectangle(0, 6, 2, 8))
    np.testing.assert_array_equal(objects.masks[1], rectangle(5, 2, 9, 6))
    np.testing.assert_array_equal(objects.masks[2], rectangle(0, 0, 2, 10))


def test_take_keeps_the_order_asked_for(coco_row) -> None:
    objects = objects_of(coco_row, masks=True)
    two = objects.take([2, 0])
    assert two.categories == ("person", "person")
    assert two.crowd.tolist() == [True, False]
    np.testing.assert_array_equal(two.masks, objects.masks[[2, 0]])
    assert objects.take([]).boxes.shape == (0, 4)
    assert objects.take([]).masks.shape == (0, HEIGHT, WIDTH)


def test_boxes_are_clipped_and_empty_objects_left_out() -> None:
    thin, line = [[1, 1, 3, 1]], [[1, 1, 2, 2, 3, 3]]  # no area: two corners, and three on a line
    entries = [
        entry(bbox=[-2, -3, 5, 6.5], segmentation=[[0, 0, 3, 0, 3, 3, 0, 3]]),
        entry(bbox=[10, 8, 9, 9], segmentation=[[-5, 8, 20, 8, 20, 15, -5, 15]]),
        entry(bbox=[4, 4, 0, 3], segmentation=[[0, 0, 3, 0, 3, 3, 0, 3]]),
        entry(bbox=[12, 0, 4, 4], segmentation=[[0, 0, 3, 0, 3, 3, 0, 3]]),
        entry(segmentation=thin),
        entry(segmentation=line),
        entry(segmentation=[]),
    ]
    boxes = objects_of(row_of(entries))
    assert boxes.boxes.tolist()[:2] == [[0, 0, 3, 3.5], [10, 8, 12, 10]]
    assert len(boxes.categories) == 5  # the boxes of those without pixels are good boxes
    objects = objects_of(row_of(entries), masks=True)
    np.testing.assert_array_equal(objects.boxes, boxes.boxes[:2])
    np.testing.assert_array_equal(objects.masks[1], rectangle(0, 8, 12, 10))


def test_no_objects_is_an_answer() -> None:
    objects = objects_of(row_of([]), masks=True)
    assert objects.boxes.shape == (0, 4)
    assert objects.masks.shape == (0, HEIGHT, WIDTH)
    assert objects.categories == ()
    assert objects.crowd.shape == (0,)


def test_open_images_boxes_without_a_file_are_fractions() -> None:
    objects = objects_of(row_of([{"category": "Dog", "iscrowd": 1, "bbox_relative": [0.25, 0.5, 0.5, 0.25]}]))
    assert objects.boxes.tolist() == [[3, 5, 9, 7.5]]
    assert objects.crowd.tolist() == [True]


def test_open_images_masks_are_scaled_to_the_image(tmp_path, write_image) -> None:
    (tmp_path / "validation-images-with-rotation.csv").write_text(
        "ImageID,Subset,OriginalURL,License,OriginalSize\n0a,validation,https://x/0a.jpg,,10\n"
    )
    (tmp_path / "validation-annotations-object-segmentation.csv").write_text(
        "MaskPath,ImageID,LabelName,BoxID,BoxXMin,BoxXMax,BoxYMin,BoxYMax,PredictedIoU,Clicks\n"
        "0a_m0_1.png,0a,/m/0,1,0.5,1.0,0.0,0.5,0.9,0.1 0.2 1;0.3 0.4 0\n"
    )
    (tmp_path / "class-descriptions-boxable.csv").write_text("/m/0,Dog\n")
    write_image(tmp_path / "validation" / "0a.jpg", (WIDTH, HEIGHT))
    half = np.zeros((5, 6), bool)
    half[:2, 3:] = True
    write_image(tmp_path / "validation-masks" / "0a_m0_1.png", pixels=half)
    objects = objects_of(only_row(openimages(tmp_path, "openimages", "val", masks=True)), masks=True)
    assert objects.boxes.tolist() == [[6, 0, 12, 5]]
    np.testing.assert_array_equal(objects.masks[0], rectangle(6, 0, 12, 4))


def test_voc_boxes_count_from_0_and_difficult_objects_are_crowds(tmp_path, write_image) -> None:
    boxes = "".join(
        f"<object><name>{name}</name><difficult>{difficult}</difficult><bndbox><xmin>1</xmin><ymin>2</ymin>"
        "<xmax>12</xmax><ymax>4</ymax></bndbox></object>"
        for name, difficult in (("dog", 0), ("cat", 1))
    )
    size = f"<size><width>{WIDTH}</width><height>{HEIGHT}</height></size>"
    for folder, name, text in (
        ("Annotations", "000001.xml", f"<annotation>{size}{boxes}</annotation>"),
        ("ImageSets/Main", "train.txt", "000001\n"),
    ):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / name).write_text(text)
    write_image(tmp_path / "JPEGImages" / "000001.jpg", (WIDTH, HEIGHT))
    table = voc(tmp_path, "voc", "train")
    objects = objects_of(only_row(table))
    assert objects.boxes.tolist() == [[0, 1, 12, 4]] * 2
    assert objects.crowd.tolist() == [False, True]
    assert class_names(table) == ["dog"]  # no cat that counts
    with pytest.raises(InputError, match=r"voc/train/000001: the dog has a box and no mask; ask for boxes"):
        objects_of(only_row(table), masks=True)


@pytest.fixture
def kitti_root(tmp_path, write_image) -> Path:
    write_image(tmp_path / "training" / "image_2" / "000000.png", (WIDTH, HEIGHT))
    (tmp_path / "training" / "label_2").mkdir()
    (tmp_path / "training" / "label_2" / "000000.txt").write_text(
        "Car 0.0 0 1.8 1.50 2.00 5.25 6.00 1.6 1.8 3.6 1 1 8 1.5\nDontCare -1 -1 -10 6 0 14 3 -1 -1 -1 -1 -1 -1 -10\n"
    )
    values = np.zeros((HEIGHT, WIDTH), np.uint16)
    values[1:3, 2:6], values[5:9, 0:2], values[5:9, 8:12], values[0] = 26 * 256 + 1, 26 * 256 + 2, 24 * 256, 7 * 256
    write_image(tmp_path / "training" / "instance" / "000000.png", pixels=values)
    return tmp_path


def test_kitti_detection(kitti_root) -> None:
    table = kitti(kitti_root, "kitti", "train")
    objects = objects_of(only_row(table))
    assert objects.boxes.tolist() == [[1.5, 2, 5.25, 6], [6, 0, 12, 3]]
    assert objects.categories == ("Car", "DontCare")
    assert objects.crowd.tolist() == [False, True]
    assert class_names(table) == ["Car"]


def test_kitti_instances(kitti_root) -> None:
    objects = objects_of(only_row(kitti(kitti_root, "kitti", "train", task="instances")), masks=True)
    assert by_box(objects) == {
        (2, 1, 6, 3): ("car", False),
        (0, 5, 2, 9): ("car", False),
        (8, 5, 12, 9): ("person", True),
    }
    assert_boxes_are_extents(objects)


@pytest.fixture
def cityscapes_row(tmp_path, write_image) -> dict[str, Any]:
    """A road with two cars, one in two parts around a pole, a group of persons and a caravan (not one of the eight)."""
    values = np.full((HEIGHT, WIDTH), 7, np.uint16)
    values[2:6, 0:5], values[2:6, 2], values[7:9, 6:9], values[0, :4], values[9, 9:] = 26000, 17, 26001, 24, 29000
    stem = "aachen_000000_000003"
    write_image(tmp_path / "leftImg8bit" / "train" / "aachen" / f"{stem}_leftImg8bit.png", (WIDTH, HEIGHT))
    maps = tmp_path / "gtFine" / "train" / "aachen"
    write_image(maps / f"{stem}_gtFine_labelIds.png", pixels=np.zeros((HEIGHT, WIDTH), np.uint8))
    write_image(maps / f"{stem}_gtFine_instanceIds.png", pixels=values)
    (maps / f"{stem}_gtFine_polygons.json").write_text("{}")
    return only_row(cityscapes(tmp_path, "cityscapes", "train"))


def test_cityscapes_instances_and_groups(cityscapes_row) -> None:
    objects = objects_of(cityscapes_row, masks=True)
    assert by_box(objects) == {
        (0, 0, 4, 1): ("person", True),
        (0, 2, 5, 6): ("car", False),
        (6, 7, 9, 9): ("car", False),
    }
    assert_boxes_are_extents(objects)
    assert objects.masks.sum((1, 2)).tolist() == [4, 16, 6]
    np.testing.assert_array_equal(objects_of(cityscapes_row).boxes, objects.boxes)


def test_maps_have_all_the_classes_of_their_format(cityscapes_row, coco_row) -> None:
    street = ["bicycle", "bus", "car", "motorcycle", "person", "rider", "train", "truck"]
    assert class_names(sample_table.from_rows([cityscapes_row])) == street
    assert class_names(sample_table.from_rows([cityscapes_row, coco_row])) == sorted([*street, "kite"])


def test_camvid_pieces(tmp_path, write_image) -> None:
    """Two cars joined at a corner are one piece, a pedestrian beside them stays apart, a speck is left out."""
    side = 20
    labels = np.full((side, side), 3, np.uint8)
    labels[0:8, 0:8], labels[8:14, 8:14], labels[0:8, 8:16] = 8, 8, 9
    labels[15:20, 0:9] = 10
    assert (labels == 10).sum() < MIN_CAMVID_AREA
    write_image(tmp_path / "train" / "f.jpg", (side, side))
    write_image(tmp_path / "trainannot" / "f.png", pixels=labels)
    table = camvid(tmp_path, "camvid", "train")
    objects = objects_of(only_row(table), masks=True)
    assert objects.boxes.tolist() == [[0, 0, 14, 14], [8, 0, 16, 8]]
    assert objects.categories == ("car", "pedestrian")
    np.testing.assert_array_equal(objects.masks[0], labels == 8)
    assert class_names(table) == ["bicyclist", "car", "pedestrian"]


def test_camvid_s_own_frames(shared_data) -> None:
    table = camvid(shared_data / "camvid", "camvid", "val")
    rows = table.to_pylist()[::20]
    found = [objects_of(row, masks=True) for row in rows]
    assert {name for objects in found for name in objects.categories} <= set(class_names(table))
    assert sum(len(objects.categories) for objects in found) > 20
    for objects in found:
        assert_boxes_are_extents(objects)
        assert objects.masks.sum(0).max() == 1
        assert objects.masks.sum((1, 2)).min() >= MIN_CAMVID_AREA


@pytest.mark.parametrize(
    ("annotation", "complaint"),
    [
        (None, "it has no annotation"),
        ("[{", "is not JSON"),
        ({"mask": "/a.png", "sequence": "bear", "frame": 1}, "has no known objects; wanted a list of objects, or "),
        ({"labels": None}, "has no known objects"),
        ([1], "has no known objects"),
        ([{"bbox": [0, 0, 1, 1]}], "has no category"),
        ([entry(bbox=[0, 0, 1])], r"has the box \[0, 0, 1\]; wanted four numbers"),
        ([{"category": "cat"}], "has the box None; wanted four numbers"),
        ("""[{"category": "cat", "bbox": [0, NaN, 1, 1]}]""", "wanted four numbers"),
        ({"labels": "/none.png"}, r"/none\.png: its pixels cannot be read"),
    ],
)
def test_unknown_and_damaged_annotations_are_named(annotation, complaint) -> None:
    with pytest.raises(InputError, match=f"^demo/a: .*{complaint}"):
        objects_of(row_of(annotation))


@pytest.mark.parametrize(
    "segmentation",
    [
        "text",
        [[0, 0, "a", 1, 1, 1]],
        [[0, 0, 5, 0, 5]],
        [7],
        [[0, 0, 1e9, 0, 5, 5]],
        [[0, 0, float("nan"), 0, 5, 5]],
        {"size": [HEIGHT, WIDTH]},
        {"counts": [120]},
        {"size": [WIDTH, HEIGHT], "counts": [120]},
        {"size": [HEIGHT, WIDTH], "counts": [100]},
        {"size": [HEIGHT, WIDTH], "counts": [-1, 121]},
        {"size": [HEIGHT, WIDTH], "counts": "zzzz"},
    ],
)
def test_damaged_segmentations_are_named(segmentation) -> None:
    with pytest.raises(InputError, match=r"^demo/a: the segmentation .* is damaged .*fetch the dataset again"):
        objects_of(row_of([entry(segmentation=segmentation)]), masks=True)


def test_damaged_maps_are_named(cityscapes_row, write_image) -> None:
    path = Path(json.loads(cityscapes_row["annotation"])["instances"])
    write_image(path, pixels=np.zeros((HEIGHT, WIDTH + 1), np.uint16))
    with pytest.raises(InputError, match=r"aachen_000000_000003: .*instanceIds\.png: \(10, 13\) pixels"):
        objects_of(cityscapes_row)
    write_image(path, (WIDTH, HEIGHT))
    with pytest.raises(InputError, match="wanted one channel of whole numbers"):
        objects_of(cityscapes_row)
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(InputError, match=r"aachen_000000_000003: .*instanceIds\.png: its pixels cannot be read"):
        objects_of(cityscapes_row)
