"""Detectors: what they are made of, what they start from, that they learn, and their files."""

import math
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision import models
from torchvision.models.detection import FasterRCNN, MaskRCNN, maskrcnn_resnet50_fpn
from torchvision.ops import FrozenBatchNorm2d

from ndslib.core import cost
from ndslib.core.detection import (
    DetectorConfig,
    detection_loss,
    detector,
    evaluate,
    load_detector,
    predict,
    read_metadata,
    replace_heads,
    save_detector,
)
from ndslib.core.errors import InputError
from ndslib.core.models import ResNet18
from ndslib.core.seeding import generator, isolated
from ndslib.core.training import NonFiniteLoss, ShuffledIndices, TrainConfig, fit

SMALL = DetectorConfig(width=8, size=64)
MASKS = replace(SMALL, masks=True)


def picture(number: int, side: int = 64):
    """A bright square (label 1) and a dark disc (label 2) on noise, with boxes and masks."""
    draw = generator("picture", number)
    image = torch.randint(90, 160, (3, side, side), generator=draw, dtype=torch.uint8)
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    radius = int(torch.randint(6, 11, (1,), generator=draw))
    y, x = torch.randint(radius, side - radius, (2,), generator=draw).tolist()
    left = x < side // 2  # the other shape goes into the other half
    other = side - 14 if left else 14
    square = ((rows - y).abs() < radius) & ((columns - x).abs() < radius)
    disc = (rows - side // 2) ** 2 + (columns - other) ** 2 < 100
    disc &= ~square
    image[:, square], image[:, disc] = 250, 10
    masks = torch.stack([square, disc])
    boxes = [[m.any(0).nonzero().min(), m.any(1).nonzero().min()] for m in masks]
    ends = [[m.any(0).nonzero().max() + 1, m.any(1).nonzero().max() + 1] for m in masks]
    boxes = torch.cat([torch.tensor(boxes), torch.tensor(ends)], dim=1).float()
    target = {"boxes": boxes, "labels": torch.tensor([1, 2]), "masks": masks.byte(), "iscrowd": torch.zeros(2)}
    return image, target


def batches(data, size=4):
    indices = ShuffledIndices(len(data), size, seed=0)

    def batch_at(step):
        return tuple(zip(*(data[position] for position in indices(step).tolist()), strict=True))

    return batch_at


def train(model, data, steps, **settings):
    config = TrainConfig(**{"steps": steps, "batch_size": 4, "lr": 2e-3, "optimizer": "adamw", "clip": 5.0} | settings)
    with isolated("training"):
        return fit(model, detection_loss, batches(data), config)


def same(left: nn.Module, right: nn.Module, part: str = "") -> bool:
    mine, theirs = left.state_dict(), right.state_dict()
    return all(torch.equal(value, theirs[name]) for name, value in mine.items() if name.startswith(part))


@pytest.fixture(scope="module")
def trained():
    """A Mask R-CNN that has seen eight pictures for a while."""
    data = [picture(number) for number in range(8)]
    model = detector(2, MASKS, seed=0)
    losses = train(model, data, steps=100)
    return model, data, losses


def test_a_mask_rcnn_learns_its_pictures(trained):
    model, data, losses = trained
    assert sum(losses[-10:]) < 0.6 * sum(losses[:10])
    found = evaluate(model, data, batch_size=3)
    assert found["bbox"]["map_50"] > 0.8
    assert found["segm"]["map_50"] > 0.8
    assert found["bbox"]["map"] <= found["bbox"]["map_50"]
    assert found["bbox"]["map | 1"] + found["bbox"]["map | 2"] == pytest.approx(2 * found["bbox"]["map"], abs=1e-6)


def test_predictions_are_in_the_coordinates_of_the_images_as_given(trained):
    model, data, _ = trained
    image, target = data[0]
    double = image.repeat_interleave(2, 1).repeat_interleave(2, 2)
    model.train()
    plain, large = predict(model, [image, double], batch_size=1, score_threshold=0.3)
    assert model.training
    assert model.roi_heads.score_thresh == 0.05
    assert large["masks"].shape[1:] == (128, 128)
    assert large["masks"].dtype == torch.bool
    for found, scale in ((plain, 1), (large, 2)):
        assert (found["scores"] >= 0.3).all()
        assert found["scores"].tolist() == sorted(found["scores"].tolist(), reverse=True)
        for label in (1, 2):
            box = found["boxes"][found["labels"] == label][0] / scale
            assert (box - target["boxes"][label - 1]).abs().max() < 5


def test_float_and_uint8_images_are_the_same(trained):
    model, data, _ = trained
    image = data[0][0]
    bytes_, floats = predict(model, [image]), predict(model, [image / 255])
    assert torch.equal(bytes_[0]["boxes"], floats[0]["boxes"])


def test_prediction_in_batches_is_that_of_single_images(trained):
    model, data, _ = trained
    images = [image for image, _ in data[:5]]
    together, single = predict(model, images, batch_size=5), predict(model, images, batch_size=1)
    for left, right in zip(together, single, strict=True):
        assert torch.equal(left["labels"], right["labels"])
        assert torch.allclose(left["boxes"], right["boxes"], atol=1e-3)
    assert predict(model, []) == []


def test_crowds_count_neither_for_nor_against(trained):
    model, data, _ = trained
    image, target = data[0]
    one_less = {name: values[:1] for name, values in target.items()}
    crowd = target | {"iscrowd": torch.tensor([0, 1])}
    spurious = evaluate(model, [(image, one_less)])["bbox"]
    ignored = evaluate(model, [(image, crowd)])["bbox"]
    assert "map | 2" not in spurious
    assert "map | 2" not in ignored
    assert ignored["map"] == pytest.approx(evaluate(model, [(image, target)])["bbox"]["map | 1"])


@pytest.mark.parametrize("config", [SMALL, MASKS])
def test_images_without_objects_are_learnt_from(config):
    image, target = picture(0)
    empty = {name: values[:0] for name, values in target.items()}
    model = detector(2, config, seed=0)
    for targets in ((target, empty), (empty, empty)):
        loss = detection_loss(model, ((image, image[:, :40]), targets))
        loss.backward()
        assert torch.isfinite(loss)
    found = evaluate(model, [(image, empty)])
    assert found["bbox"]["map"] == -1


def test_seed_decides_the_start_and_nothing_else_does():
    torch.manual_seed(1)
    state = torch.get_rng_state()
    one = detector(3, SMALL, seed=4)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    assert same(one, detector(3, SMALL, seed=4))
    assert not same(one, detector(3, SMALL, seed=5))


def test_training_is_repeatable_and_resumes_exactly(tmp_path):
    data = [picture(number) for number in range(4)]
    config = TrainConfig(steps=4, batch_size=2, lr=1e-3, optimizer="adamw")
    whole, broken, resumed = (detector(2, SMALL, seed=0) for _ in range(3))

    def interrupted(step):
        if step == 3:
            raise KeyboardInterrupt
        return batches(data, 2)(step)

    with isolated("a"):
        expected = fit(whole, detection_loss, batches(data, 2), config)
    with isolated("a"), pytest.raises(KeyboardInterrupt):
        fit(broken, detection_loss, interrupted, config, tmp_path / "run.checkpoint", checkpoint_every=2)
    with isolated("b"):
        losses = fit(resumed, detection_loss, batches(data, 2), config, tmp_path / "run.checkpoint")
    assert losses == expected
    assert same(whole, resumed)


def test_heads_are_replaced_and_all_else_is_kept(trained):
    model = detector(2, MASKS, seed=1, backbone=trained[0])
    before = {name: value.clone() for name, value in model.state_dict().items()}
    replace_heads(model, 5, seed=3)
    after = model.state_dict()
    changed = {name for name, value in after.items() if before[name].shape != value.shape}
    assert all("predictor" in name for name in changed)
    assert all(torch.equal(before[name], value) for name, value in after.items() if "predictor" not in name)
    assert after["roi_heads.box_predictor.cls_score.weight"].shape[0] == 6
    assert after["roi_heads.mask_predictor.mask_fcn_logits.weight"].shape[0] == 6
    again = detector(2, MASKS, seed=9)
    replace_heads(again, 5, seed=3)
    assert same(again.roi_heads.box_predictor, model.roi_heads.box_predictor)
    image, target = picture(0)
    detection_loss(model, ((image,), (target | {"labels": torch.tensor([5, 5])},))).backward()


def test_a_mask_rcnn_starts_from_a_faster_rcnn():
    boxes = detector(7, SMALL, seed=0)
    masks = detector(2, MASKS, seed=1, backbone=boxes)
    assert isinstance(boxes, FasterRCNN)
    assert isinstance(masks, MaskRCNN)
    for part in ("backbone", "rpn", "roi_heads.box_head"):
        assert same(boxes, masks, part)
    assert not same(detector(7, SMALL, seed=1), masks, "rpn")
    back = detector(7, SMALL, seed=2, backbone=masks)
    assert same(back, masks, "backbone")


@pytest.mark.parametrize("frozen", [False, True])
def test_the_body_starts_from_a_classifier(frozen):
    classifier = ResNet18(10, width=8, stem="imagenet")
    classifier.train()(torch.randn(8, 3, 64, 64))  # statistics that are worth keeping
    config = replace(SMALL, frozen_norm=frozen)
    model = detector(2, config, seed=0, backbone=classifier)
    body = model.backbone.body
    assert torch.equal(body.layer4[1].conv2.weight, classifier.layer4[1].conv2.weight)
    assert torch.equal(body.bn1.running_var, classifier.bn1.running_var)
    assert any(isinstance(part, FrozenBatchNorm2d) for part in body.modules()) == frozen
    kept = body.bn1.running_mean.clone()
    train(model, [picture(0), picture(1)], steps=1)
    assert torch.equal(body.bn1.running_mean, kept) == frozen
    assert same(detector(2, config, seed=0, backbone=classifier.state_dict()).rpn, detector(2, SMALL, 0).rpn)


def test_a_start_that_does_not_fit_is_refused():
    with pytest.raises(InputError, match="width"):
        detector(2, SMALL, 0, ResNet18(10, width=16, stem="imagenet"))
    with pytest.raises(InputError, match="stem"):
        detector(2, SMALL, 0, ResNet18(10, width=8, stem="cifar"))
    with pytest.raises(InputError, match=r"lack conv1\.weight"):
        detector(2, SMALL, 0, nn.Linear(3, 3))
    with pytest.raises(InputError, match="lack"):
        detector(2, DetectorConfig("resnet50", size=64), 0, ResNet18(10, width=8, stem="imagenet"))
    with pytest.raises(InputError, match="needs a backbone"):
        detector(2, replace(SMALL, frozen_norm=True), 0)


def test_layers_that_do_not_train():
    model = detector(2, replace(SMALL, trainable_layers=2), seed=0)
    parts = model.backbone.body.named_parameters()
    assert {name.split(".")[0] for name, value in parts if value.requires_grad} == {"layer3", "layer4"}
    assert all(value.requires_grad for value in detector(2, SMALL, seed=0).parameters())


def test_the_published_detector():
    resnet = models.resnet50()
    config = DetectorConfig("resnet50", masks=True, size=800, frozen_norm=True, trainable_layers=3)
    model = detector(90, config, seed=0, backbone=resnet)
    published = maskrcnn_resnet50_fpn(weights=None, weights_backbone=None, num_classes=91)
    norm = {name for name in published.state_dict() if name.endswith("num_batches_tracked")}
    assert set(published.state_dict()) - norm == set(model.state_dict())
    assert (model.transform.min_size, model.transform.max_size) == ((800,), 1333)
    frozen = {name.split(".")[0] for name, value in model.backbone.body.named_parameters() if not value.requires_grad}
    assert frozen == {"conv1", "layer1"}
    assert torch.equal(model.backbone.body.layer2[0].conv1.weight, resnet.layer2[0].conv1.weight)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_mixed_precision_keeps_coordinates_whole(precision):
    image, target = picture(0)
    model = detector(2, replace(MASKS, size=600), seed=0)
    seen = []
    model.rpn.anchor_generator.register_forward_hook(lambda *call: seen.append(call[2][0]))
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
        loss = detection_loss(model, ((image,), (target,)))
    loss.backward()
    assert loss.dtype == seen[0].dtype == torch.float32
    # Anchors of one kind are 4 pixels apart at the finest level: 8 significant bits would leave gaps of 0 and 4.
    assert torch.equal(seen[0][9 : 9 * 150 : 9, 0].diff(), torch.full((148,), 4.0))
    assert torch.isfinite(loss)


def test_training_that_diverges_is_reported():
    with pytest.raises(NonFiniteLoss):
        train(detector(2, MASKS, seed=0), [picture(0), picture(1)], steps=20, lr=1e15, clip=None, optimizer="sgd")


def test_weights_that_are_not_finite_raise_nothing_else():
    model = detector(2, MASKS, seed=0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(math.nan)
    image, target = picture(0)
    assert detection_loss(model, ((image,), (target,))).isnan()  # on a GPU `fit` looks after some steps only


def test_bad_targets_are_named():
    image, target = picture(0)
    model = detector(2, MASKS, seed=0)
    flat = target | {"boxes": torch.tensor([[3.0, 3, 9, 9], [5, 5, 5, 9]])}
    for wrong, problem in (
        (flat, "image 1 .* box without area"),
        (target | {"labels": torch.tensor([1, 3])}, r"labels \[1, 3\] outside 1..2"),
        (target | {"labels": torch.tensor([0, 1])}, "outside 1..2"),
        ({name: target[name] for name in ("boxes", "labels")}, "no masks"),
    ):
        with pytest.raises(InputError, match=problem):
            detection_loss(model, ((image, image), (target, wrong)))


def test_bad_images_and_settings_are_named():
    model = detector(2, SMALL, seed=0)
    for wrong in (torch.zeros(3, 8, 8, dtype=torch.int64), torch.zeros(8, 8), torch.zeros(1, 8, 8)):
        with pytest.raises(InputError, match="image 1 is"):
            predict(model, [picture(0)[0], wrong])
    assert model.training
    with pytest.raises(InputError, match="batch_size"):
        predict(model, [], batch_size=0)
    with pytest.raises(InputError, match="batch_size"):
        evaluate(model, [picture(0)], batch_size=0)
    with pytest.raises(InputError, match="no images"):
        evaluate(model, [])
    with pytest.raises(InputError, match="0 classes"):
        detector(0, SMALL, seed=0)
    with pytest.raises(InputError, match="0 classes"):
        replace_heads(model, 0, seed=0)


@pytest.mark.parametrize(
    "wrong", [{"architecture": "resnet18"}, {"width": 6}, {"width": 0}, {"size": 16}, {"trainable_layers": 6}]
)
def test_bad_configuration_is_named(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        DetectorConfig(**wrong)


def test_a_file_gives_the_detector_back(trained, tmp_path):
    model, data, _ = trained
    path, again = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    save_detector(path, model, ["square", "disc"])
    state = torch.get_rng_state()
    loaded = load_detector(path)
    assert torch.equal(torch.get_rng_state(), state)
    assert not loaded.training
    assert loaded.config == MASKS
    assert read_metadata(path)["classes"] == ["square", "disc"]
    assert same(model, loaded)
    image = data[0][0]
    assert torch.equal(predict(model, [image])[0]["masks"], predict(loaded, [image])[0]["masks"])
    save_detector(again, loaded, ["square", "disc"])
    assert path.read_bytes() == again.read_bytes()


def test_other_files_are_refused(trained, tmp_path):
    good, path = tmp_path / "good.safetensors", tmp_path / "bad.safetensors"
    with pytest.raises(InputError, match="1 names of classes for a detector of 2"):
        save_detector(path, trained[0], ["square"])
    assert not path.exists()
    with pytest.raises(InputError, match=r"bad\.safetensors"):
        load_detector(path)
    save_detector(good, trained[0])
    path.write_bytes(good.read_bytes()[:-1000])
    with pytest.raises(InputError, match=r"bad\.safetensors: not a readable"):
        load_detector(path)
    path.write_bytes(b"GIF89a of nothing")
    with pytest.raises(InputError, match="not a readable"):
        load_detector(path)
    save_file({"a": torch.zeros(2)}, path)
    with pytest.raises(InputError, match="without a detector's metadata"):
        load_detector(path)
    text = good.read_bytes().replace(rb"\"width\": 8", rb"\"width\": 4")
    path.write_bytes(text)
    with pytest.raises(InputError, match="do not fit"):
        load_detector(path)


def test_multiply_adds_of_a_detector_are_counted():
    image = torch.rand(3, 64, 64)
    small, wide = (cost.count(detector(2, replace(SMALL, width=w), seed=0).eval(), [image]) for w in (8, 16))
    assert small.madds > 1e6
    assert wide.madds > 2 * small.madds
