"""Scenes of several objects: the annotations are the renderer's own pixels, and the data set reads as COCO's do."""

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faster_coco_eval import COCO, COCOeval_faster
from faster_coco_eval.core import mask as coco_mask
from PIL import Image

from ndslib.core.errors import InputError
from ndslib.data.worlds import coco_json, layout, scenes
from ndslib.data.worlds.places import LYING
from ndslib.sim import backgrounds
from ndslib.sim.camera import turn
from ndslib.sim.catalogue import CLASSES

STREET = ("car", "person", "traffic_cone")
FRUIT = ("apple", "banana", "knife")


def annotated(folder, split="train") -> tuple[dict[str, Any], COCO]:
    path = folder / "annotations" / f"instances_{split}.json"
    return json.loads(path.read_text()), COCO(str(path))


@pytest.mark.parametrize("domain", scenes.DOMAINS)
def test_every_domain_has_classes_of_the_catalogue_and_known_backgrounds(domain: str) -> None:
    assert len(scenes.DOMAINS[domain]) >= 12
    assert set(scenes.DOMAINS[domain]) <= set(CLASSES)
    assert all(background in backgrounds.NAMES for background in scenes.PLACES[domain].backgrounds)
    assert set(CLASSES) >= LYING


@pytest.mark.parametrize("domain", scenes.DOMAINS)
def test_a_picture_shows_its_objects(domain: str) -> None:
    classes = scenes.DOMAINS[domain][:4]
    picture = scenes.draw(domain, classes, 0, size=40, objects=(2, 3))
    count = len(picture.labels)
    assert 2 <= count <= 3
    assert picture.image.shape == (40, 40, 3)
    assert picture.image.dtype == np.uint8
    assert np.ptp(picture.image) > 40
    assert picture.masks.shape == (count, 40, 40)
    assert picture.masks.sum(0).max() == 1  # no pixel belongs to two objects
    assert picture.masks.sum((1, 2)).min() >= layout.MIN_PIXELS
    assert set(picture.labels) <= set(range(4))


def test_boxes_are_the_extents_of_the_masks() -> None:
    picture = scenes.draw("street", STREET, 3, size=48)
    for mask, box in zip(picture.masks, picture.boxes, strict=True):
        y, x = np.nonzero(mask)
        assert box.tolist() == [x.min(), y.min(), x.max() + 1, y.max() + 1]


@pytest.mark.parametrize(("domain", "classes"), [("street", STREET), ("table_top", FRUIT)])
def test_objects_stand_on_the_floor_without_touching(domain: str, classes: tuple[str, ...]) -> None:
    scene = scenes.draw(domain, classes, 1, size=48, objects=(4, 8)).scene
    circles = []
    for number, mesh in enumerate(scene.mesh.tolist()):
        own = slice(scene.geometry.start[mesh], scene.geometry.start[mesh + 1])
        corners = scene.geometry.corners[:, :, own].flatten(1)
        rotation = scene.rotation[number][:, :, None].expand(-1, -1, corners.shape[1])
        x, y, z = scene.scale[number] * turn(rotation, corners)
        assert abs(y.min() + scene.position[number, 1]) < 1e-4
        circles.append((scene.position[number, [0, 2]], (x * x + z * z).max().sqrt()))
    for (one, radius), (other, other_radius) in combinations(circles, 2):
        assert (one - other).norm() > 0.999 * (radius + other_radius)


def test_objects_hide_one_another() -> None:
    for index in range(8):
        boxes = scenes.draw("street", STREET, index, size=32, objects=(5, 8)).boxes
        for one, other in combinations(boxes, 2):
            if (np.maximum(one, other)[:2] < np.minimum(one, other)[2:]).all():
                return
    pytest.fail("no two boxes overlap in eight crowded pictures")


def test_a_picture_does_not_depend_on_how_many_are_drawn() -> None:
    few = scenes.folder("street", STREET, 2, "val", size=32)
    more = scenes.folder("street", STREET, 3, "val", size=32)
    assert few != more
    assert scenes.folder("street", STREET, 2, "val", size=32) == few
    for name in ("000000.png", "000001.png"):
        assert (few / "val" / name).read_bytes() == (more / "val" / name).read_bytes()
    shorter, longer = (annotated(folder, "val")[0]["annotations"] for folder in (few, more))
    assert longer[: len(shorter)] == shorter


def test_index_seed_and_split_each_change_the_picture() -> None:
    base = scenes.draw("room", ("chair", "sofa"), 0, size=32).image
    others = [{"index": 1}, {"seed": 1}, {"split": "test"}]
    for change in others:
        other = scenes.draw("room", ("chair", "sofa"), **({"index": 0, "size": 32} | change)).image
        assert (base != other).any()


def test_splits_share_no_mesh() -> None:
    meshes = {split: layout.library(split).meshes("car") for split in ("train", "val", "test")}
    shapes = {split: {mesh.vertices.tobytes() for mesh in meshes[split]} for split in meshes}
    for one, other in combinations(shapes, 2):
        assert not shapes[one] & shapes[other]


def test_the_folder_is_a_coco_data_set() -> None:
    folder = scenes.folder("farm", ("cow", "sheep"), 2, "train", size=40)
    document, coco = annotated(folder)
    assert [entry["file_name"] for entry in document["images"]] == ["000000.png", "000001.png"]
    assert [entry["name"] for entry in document["categories"]] == ["cow", "sheep"]
    for image in document["images"]:
        picture = scenes.draw("farm", ("cow", "sheep"), image["id"], size=40)
        assert (np.asarray(Image.open(folder / "train" / image["file_name"])) == picture.image).all()
        found = coco.load_anns(coco.get_ann_ids(img_ids=[image["id"]]))
        assert [entry["category_id"] - 1 for entry in found] == picture.labels.tolist()
        for entry, mask, box in zip(found, picture.masks, picture.boxes, strict=True):
            assert (coco.annToMask(entry) == mask).all()
            assert entry["area"] == mask.sum()
            assert entry["bbox"] == [*box[:2], *(box[2:] - box[:2])]


@pytest.mark.parametrize("fill", [0.0, 0.3, 1.0])
def test_run_lengths_give_the_mask_back(fill: float) -> None:
    mask = np.random.default_rng(0).random((7, 5)) < fill
    encoded = coco_json.run_lengths(mask)
    assert (coco_mask.decode(coco_mask.frPyObjects(encoded, 7, 5)) == mask).all()


def test_the_sample_table_has_the_boxes_of_the_pictures() -> None:
    table = scenes.sample_table("street", STREET, 2, "test", size=32)
    assert table["split"].to_pylist() == ["test", "test"]
    assert set(table["licence"].to_pylist()) == {"CC0-1.0"}
    for index, row in enumerate(table.to_pylist()):
        picture = scenes.draw("street", STREET, index, "test", 32)
        objects = json.loads(row["annotation"])
        assert [entry["category"] for entry in objects] == [STREET[label] for label in picture.labels]
        for entry, mask, (x0, y0, x1, y1) in zip(objects, picture.masks, picture.boxes.tolist(), strict=True):
            assert entry["bbox"] == [x0, y0, x1 - x0, y1 - y0]
            assert entry["segmentation"] == coco_json.run_lengths(mask)


def test_masks_can_be_left_out() -> None:
    table = scenes.sample_table("street", STREET, 1, "train", size=32, masks=False)
    objects = json.loads(table["annotation"][0].as_py())
    assert objects
    assert all(entry["segmentation"] is None for entry in objects)


@pytest.mark.parametrize("kind", ["bbox", "segm"])
def test_the_truth_scores_full_marks_against_itself(kind: str) -> None:
    document, truth = annotated(scenes.folder("desert", ("camel", "cactus"), 3, "train", size=48))
    keys = ("image_id", "category_id", "bbox" if kind == "bbox" else "segmentation")
    guesses = [{key: entry[key] for key in keys} | {"score": 0.9} for entry in document["annotations"]]
    if kind == "segm":
        guesses = [entry | {"segmentation": truth.annToRLE(entry)} for entry in guesses]
    evaluation = COCOeval_faster(truth, truth.loadRes(guesses), kind)
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    assert evaluation.stats[0] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"domain": "moon"}, "no scenes of 'moon': choose from street"),
        ({"classes": ("car", "camel")}, "street has no class 'camel'"),
        ({"classes": ()}, "at least one class"),
        ({"classes": ("car", "car")}, "only once"),
        ({"split": "dev"}, "split 'dev'"),
        ({"size": 8}, "at least 24 pixels"),
        ({"objects": (3, 2)}, "the fewest and the most"),
        ({"objects": (0, 2)}, "from 1 to 16"),
        ({"objects": (2, 99)}, "from 1 to 16"),
        ({"images": 0}, "images is 0"),
    ],
)
def test_bad_input_is_refused(change: dict[str, Any], message: str) -> None:
    settings = {"domain": "street", "classes": STREET, "images": 1, "split": "train", "size": 32} | change
    with pytest.raises(InputError, match=message):
        scenes.folder(**settings)


def test_more_objects_than_find_room_and_a_negative_index_are_refused() -> None:
    with pytest.raises(InputError, match="no room for 16 objects of the classes bus"):
        scenes.draw("street", ("bus",), 0, size=24, objects=(16, 16))
    with pytest.raises(InputError, match="index -1"):
        scenes.draw("street", STREET, -1)


@pytest.mark.parametrize("name", ["annotations/instances_val.json", "val/000001.png"])
def test_a_file_that_was_cut_short_is_drawn_again(name: str) -> None:
    def folder() -> Path:
        return scenes.folder("room", ["chair", "table"], 2, "val", size=32, objects=(1, 2))

    whole = (folder() / name).read_bytes()
    (folder() / name).write_bytes(whole[: len(whole) // 2])
    assert (folder() / name).read_bytes() == whole
