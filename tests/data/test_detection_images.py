"""Images and targets for detectors: labels, crowds, sizes, mirroring, the memory of decoded images."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from PIL import Image

from ndslib.core.errors import InputError
from ndslib.core.metrics import detection_ap
from ndslib.data import detection_images, sample_table
from ndslib.data.detection_images import DetectionImages, flip, training_batches, union_of_classes, without_crowds
from ndslib.data.loaders import camvid
from ndslib.data.objects import class_names
from ndslib.data.worlds import scenes

CLASSES = ("car", "person")


@pytest.fixture
def street() -> pa.Table:
    return scenes.sample_table("street", CLASSES, 4, "train", size=32, objects=(2, 3))


@pytest.fixture
def make_table(tmp_path, write_image):
    """Writes 12 x 10 images and their table: dataset, objects and what else a row has."""

    def make(*entries: tuple[str, Any], **others: Any) -> pa.Table:
        rows = []
        for number, (dataset, objects) in enumerate(entries):
            path = write_image(tmp_path / f"{number}.png", (12, 10))
            row = {"id": f"{dataset}/{number}", "dataset": dataset, "uri": str(path), "split": "train"}
            rows.append(row | {"annotation": objects, "width": 12, "height": 10, "bytes": 9} | others)
        return sample_table.from_rows(rows)

    return make


def thing(category: str, crowd: int = 0, x: float = 1) -> dict[str, Any]:
    return {"category": category, "bbox": [x, 2, 4, 5], "iscrowd": crowd}


def assert_same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    assert one.keys() == other.keys()
    for name in one:
        torch.testing.assert_close(one[name], other[name], rtol=0, atol=0)


def test_scenes_are_images_and_targets(street) -> None:
    images = DetectionImages(street, class_names(street), masks=True)
    assert len(images) == 4
    for index in range(4):
        image, target = images[index]
        drawn = scenes.draw("street", CLASSES, index, size=32, objects=(2, 3))
        assert (image.dtype, image.shape) == (torch.uint8, (3, 32, 32))
        np.testing.assert_array_equal(image.permute(1, 2, 0), drawn.image)
        np.testing.assert_array_equal(target["boxes"], drawn.boxes.astype(np.float32))
        np.testing.assert_array_equal(target["labels"], drawn.labels + 1)
        np.testing.assert_array_equal(target["masks"], drawn.masks.astype(np.uint8))
        assert target["iscrowd"].tolist() == [0] * len(drawn.labels)
        types = {name: values.dtype for name, values in target.items()}
        assert types == {
            "boxes": torch.float32,
            "labels": torch.int64,
            "masks": torch.uint8,
            "iscrowd": torch.int64,
        }
    assert "masks" not in DetectionImages(street, CLASSES)[0][1]


@pytest.mark.parametrize("kind", ["bbox", "segm"])
def test_targets_score_full_marks_against_themselves(street, kind) -> None:
    targets = [target for _, target in DetectionImages(street, CLASSES, masks=True)]
    guesses = [{**target, "scores": torch.full((len(target["labels"]),), 0.9)} for target in targets]
    assert detection_ap(guesses, targets, kind)["map"] == pytest.approx(1.0)


def test_classes_of_different_datasets_stay_apart(make_table) -> None:
    both = make_table(("coco", [thing("cat"), thing("dog")]), ("openimages", [thing("cat")]))
    assert union_of_classes([both]) == ["coco/cat", "coco/dog", "openimages/cat"]
    assert union_of_classes([both.slice(1), both.slice(0, 1)]) == union_of_classes([both])
    images = DetectionImages(both, union_of_classes([both]))
    assert [images[index][1]["labels"].tolist() for index in range(2)] == [[1, 2], [3]]
    plain = DetectionImages(both, ["dog", "cat"])
    assert [plain[index][1]["labels"].tolist() for index in range(2)] == [[2, 1], [2]]
    mixed = DetectionImages(both, ["cat", "openimages/cat"])
    assert [mixed[index][1]["labels"].tolist() for index in range(2)] == [[1], [2]]


def test_objects_of_other_classes_are_left_out(make_table) -> None:
    images = DetectionImages(make_table(("d", [thing("cat"), thing("dog", x=3)]), ("d", [thing("cat")])), ["dog"])
    assert images[0][1]["boxes"].tolist() == [[3, 2, 7, 7]]
    assert images[1][1]["boxes"].shape == (0, 4)
    assert images[1][1]["labels"].dtype == torch.int64


def test_crowds_are_marked_and_left_out_of_training(make_table) -> None:
    images = DetectionImages(make_table(("d", [thing("cat", crowd=1), thing("cat", x=3)])), ["cat"])
    _, target = images[0]
    assert target["iscrowd"].tolist() == [1, 0]
    assert without_crowds(target)["boxes"].tolist() == [[3, 2, 7, 7]]
    _, (taught,) = training_batches(images, 1)(0)
    assert taught["iscrowd"].tolist() == [0]


def test_regions_of_any_class_are_crowds_of_every_class(make_table) -> None:
    images = DetectionImages(make_table(("kitti", [thing("Car"), thing("DontCare", crowd=1)])), ["Van", "Car"])
    assert images[0][1]["labels"].tolist() == [2, 1, 2]
    assert images[0][1]["iscrowd"].tolist() == [0, 1, 1]


def test_a_crowd_hides_what_is_found_in_it(make_table) -> None:
    crowd = DetectionImages(make_table(("d", [thing("cat", crowd=1), thing("cat", x=7)])), ["cat"])[0][1]
    boxes = torch.tensor([[7.0, 2, 11, 7], [1, 2, 5, 6]])
    guess = {"boxes": boxes, "labels": torch.tensor([1, 1]), "scores": torch.tensor([0.5, 0.9])}
    assert detection_ap([guess], [crowd])["map_50"] == pytest.approx(1.0)
    counted = {**crowd, "iscrowd": torch.zeros(2, dtype=torch.int64)}
    assert detection_ap([{name: values[:1] for name, values in guess.items()}], [counted])["map_50"] < 1


def test_flip_mirrors_pixels_boxes_and_masks(street) -> None:
    image, target = DetectionImages(street, CLASSES, masks=True)[0]
    kept = target["boxes"].clone()
    mirrored, other = flip(image, target)
    np.testing.assert_array_equal(mirrored, image.numpy()[:, :, ::-1])
    for box, mask in zip(other["boxes"], other["masks"], strict=True):
        y, x = torch.nonzero(mask, as_tuple=True)
        assert box.tolist() == [x.min(), y.min(), x.max() + 1, y.max() + 1]
    torch.testing.assert_close(target["boxes"], kept)
    again = flip(mirrored, other)
    torch.testing.assert_close(again[0], image)
    assert_same(again[1], target)


def test_batches_are_a_pure_function_of_seed_and_step(street) -> None:
    first, second = (training_batches(DetectionImages(street, CLASSES), 3, seed=5) for _ in range(2))
    later = [second(step) for step in (2, 0, 1)]
    for step, (images, targets) in zip((2, 0, 1), later, strict=True):
        for image, other in zip(images, first(step)[0], strict=True):
            torch.testing.assert_close(image, other)
        for target, other in zip(targets, first(step)[1], strict=True):
            assert_same(target, other)
    others = training_batches(DetectionImages(street, CLASSES), 3, seed=6)
    assert any((a != b).any() for step in range(3) for a, b in zip(first(step)[0], others(step)[0], strict=True))


def test_a_round_shows_every_image_and_half_are_mirrored(street) -> None:
    images = DetectionImages(street, CLASSES)
    plain = [images[index][0] for index in range(4)]
    shown = [image for step in range(20) for image in training_batches(images, 2)(step)[0]]
    which = [next(n for n in range(4) if (plain[n] == one).all() or (plain[n] == one.flip(-1)).all()) for one in shown]
    assert sorted(which[:4]) == [0, 1, 2, 3]
    mirrored = sum(bool((plain[number] != one).any()) for number, one in zip(which, shown, strict=True))
    assert 8 < mirrored < 32


def test_decoded_images_are_kept_within_the_memory_given(street, monkeypatch) -> None:
    reads = []
    monkeypatch.setattr(detection_images, "read_image", lambda uri: reads.append(uri) or Image.new("RGB", (32, 32)))

    def rounds(memory: int) -> int:
        reads.clear()
        images = DetectionImages(street, CLASSES, memory=memory)
        for index in [0, 1, 2, 3] * 3:
            image, _ = images[index]
            assert image.shape == (3, 32, 32)
        return len(reads)

    size = 3 * 32 * 32 + 3 * (16 + 8 + 8)  # of an image with three objects
    assert rounds(0) == 12
    assert rounds(100 * size) == 4
    assert rounds(2 * size) == 2 + 2 * 3


def test_rows_of_arrays_and_crops_are_read(tmp_path, make_table) -> None:
    pixels = np.arange(2 * 10 * 12 * 3, dtype=np.uint8).reshape(2, 10, 12, 3)
    np.save(tmp_path / "a.npy", pixels)
    table = make_table(("d", [thing("cat")]), uri=f"{tmp_path / 'a.npy'}#row=1")
    np.testing.assert_array_equal(DetectionImages(table, ["cat"])[0][0].permute(1, 2, 0), pixels[1])
    Image.fromarray(pixels[0]).save(tmp_path / "b.png")
    crop = make_table(("d", [thing("cat")]), uri=f"{tmp_path / 'b.png'}#xywh=2,1,6,8", width=6, height=8)
    image, target = DetectionImages(crop, ["cat"])[0]
    np.testing.assert_array_equal(image.permute(1, 2, 0), pixels[0, 1:9, 2:8])
    assert target["boxes"].tolist() == [[1, 2, 5, 7]]


def test_fractions_take_the_size_of_the_image_that_is_there(make_table) -> None:
    dog = {"category": "Dog", "iscrowd": 0, "bbox_relative": [0.25, 0.5, 0.5, 0.5]}
    table = make_table(("openimages", [dog]), ("openimages", []), width=1024, height=768)
    images = DetectionImages(table, ["Dog"])
    assert images[0][1]["boxes"].tolist() == [[3, 5, 9, 10]]
    assert images[1][1]["boxes"].shape == (0, 4)


def test_an_image_of_another_size_than_its_annotation_is_named(make_table) -> None:
    images = DetectionImages(make_table(("d", [thing("cat")]), width=24, height=20), ["cat"])
    with pytest.raises(InputError, match=r"d/0: .*0\.png has 12 x 10 pixels, but its row .* of 24 x 20"):
        images[0]


def test_faults_of_images_are_named(make_table, tmp_path) -> None:
    images = DetectionImages(make_table(("d", [thing("cat")])), ["cat"])
    (tmp_path / "0.png").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"0\.png: it cannot be decoded"):
        images[0]
    remote = DetectionImages(make_table(("d", [thing("cat")]), uri="https://x/0.png"), ["cat"])
    with pytest.raises(InputError, match="a URL: download the images first"):
        remote[0]
    for index in (-1, 1):
        with pytest.raises(IndexError):
            images[index]


@pytest.mark.parametrize(
    ("classes", "complaint"),
    [
        ([], "at least one class"),
        (["cat", "cat"], "only once"),
        (["dog"], "none of the 1 images has an object of dog: give"),
    ],
)
def test_classes_that_fit_nothing_are_refused(make_table, classes, complaint) -> None:
    with pytest.raises(InputError, match=complaint):
        DetectionImages(make_table(("d", [thing("cat")])), classes)


def test_boxes_alone_cannot_teach_masks(make_table) -> None:
    table = make_table(("d", [thing("cat") | {"segmentation": [[0, 0, 3, 0, 3, 3]]}]), ("d", [thing("cat")]))
    with pytest.raises(InputError, match=r"^d/1: it has boxes and no masks"):
        DetectionImages(table, ["cat"], masks=True)


def test_a_row_without_annotation_is_named(make_table) -> None:
    with pytest.raises(InputError, match=r"^d/0: it has no annotation"):
        DetectionImages(make_table(("d", None)), ["cat"])


def test_camvid_s_own_frames(shared_data) -> None:
    table = camvid(shared_data / "camvid", "camvid", "val").slice(0, 2)
    for image, target in DetectionImages(table, class_names(table), masks=True):
        assert image.shape == (3, 360, 480)
        assert target["masks"].shape == (len(target["labels"]), 360, 480)
        assert set(target["labels"].tolist()) <= {1, 2, 3}
        assert len(target["labels"])
