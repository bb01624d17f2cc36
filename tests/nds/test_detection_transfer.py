"""Detectors pretrained on what is selected, fine-tuned on clients, and measured."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import torch

from ndslib.core.detection import load_detector, read_metadata
from ndslib.core.errors import InputError
from ndslib.data.detection_images import union_of_classes
from ndslib.data.objects import class_names
from ndslib.nds import detection_training
from ndslib.nds.detection_training import DetectionSettings, content_of, fine_tuned, pretrained, starting_network
from ndslib.nds.detection_transfer import ENTIRE, INIT, METHODS, NDS, UNIFORM, detections, server_part, transfer
from ndslib.nds.detections import TRUTH

STEPS = {"extractor_steps": 2, "expert_steps": 2, "pretrain_steps": 2, "finetune_steps": 2}
SIZES = {"server_images": 8, "train_images": 4, "test_images": 3, "labelled": 1, "size": 40, "expert_size": 32}


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory):
    """One cache for the module: scenes are drawn and experts trained once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def settings(places, monkeypatch) -> DetectionSettings:
    monkeypatch.setenv("NDSLIB_CACHE", str(places))
    k = {"scenes_a": 2, "scenes_b": 1}
    return DetectionSettings(
        "procedural", k=k, width=4, expert_batch=4, batch_size=8, detector_batch=2, pretrain_lr=0.01, **STEPS, **SIZES
    )


@pytest.fixture
def scenario(settings):
    return settings.load()


def test_a_row_a_client_method_budget_and_metric(settings, scenario, monkeypatch):
    clients, budgets = ["street", "room"], [0.25, 0.5]
    found = transfer(scenario, settings, clients, list(METHODS), budgets)
    assert found.columns.tolist() == ["client", "method", "budget", "images", "server", "metric", "value"]
    cells = found[["client", "method", "budget", "images"]].drop_duplicates().itertuples(index=False)
    per_client = [
        (INIT, 0.0, 0),
        (UNIFORM, 0.25, 4),
        (UNIFORM, 0.5, 8),
        (NDS, 0.25, 4),
        (NDS, 0.5, 8),
        (ENTIRE, 1.0, 16),
    ]
    assert [tuple(cell) for cell in cells] == [(client, *cell) for client in clients for cell in per_client]
    assert set(found["server"]) == {"scenes_a + scenes_b"}
    assert found["value"].between(0, 1).all()
    assert {"box AP", "box AP50", "box AP75"} < set(found["metric"])
    assert not found["metric"].str.startswith("mask").any()
    monkeypatch.setattr(detection_training, "fit", None)  # nothing is trained again
    assert transfer(scenario, settings, clients, list(METHODS), budgets).equals(found)


def test_masks_from_one_dataset(settings, scenario):
    found = transfer(scenario, settings, ["avenue"], [INIT, UNIFORM], [0.5], ["scenes_b"], masks=True)
    assert set(found["server"]) == {"scenes_b"}
    assert found[found["method"] == UNIFORM]["images"].unique().tolist() == [4]
    classes = class_names(scenario.client("avenue").train)
    tested = [name for name in class_names(scenario.client("avenue").test) if name in classes]
    wanted = {f"{kind} AP{level}" for kind in ("box", "mask") for level in ("", "50", "75")}
    assert set(found["metric"]) == wanted | {f"{kind} AP | {name}" for kind in ("box", "mask") for name in tested}


def test_pretraining_has_the_union_of_classes_and_fine_tuning_the_clients(settings, scenario):
    start = starts(settings, scenario, [[0, 1, 2]])[0]
    union = union_of_classes(source.table for source in scenario.sources)
    assert read_metadata(pretrained(start))["classes"] == union
    assert any(name.startswith("scenes_a/") for name in union)
    assert any(name.startswith("scenes_b/") for name in union)
    client = scenario.client("street")
    tuned = load_detector(fine_tuned(start, client, scenario.size))
    assert tuned.roi_heads.box_predictor.cls_score.out_features == 1 + len(class_names(client.train))


def starts(settings, scenario, selections) -> list[detection_training.Pretraining]:
    """Pretrainings on rows of the server."""
    classes = tuple(union_of_classes(source.table for source in scenario.sources))
    body = starting_network(scenario, settings)
    return [
        detection_training.Pretraining(
            scenario.table.take(rows), classes, False, body, content_of(scenario.table.take(rows), 32), settings
        )
        for rows in selections
    ]


def test_a_detector_does_not_depend_on_what_ran_before(settings, scenario, tmp_path, monkeypatch):
    start, client = starts(settings, scenario, [[3, 4]])[0], scenario.client("street")
    bodies = []
    for seed in (1, 2):
        monkeypatch.setenv("NDSLIB_CACHE", str(tmp_path / str(seed)))
        torch.manual_seed(seed)
        bodies.append(fine_tuned(start, client, scenario.size).read_bytes())
    assert bodies[0] == bodies[1]


def test_names_of_detectors_hold_what_they_depend_on(settings, scenario):
    (one,), (other,) = (starts(settings, scenario, [rows]) for rows in ([0, 1], [1, 2]))
    changes = [
        {"pretrain_steps": 3},
        {"pretrain_lr": 0.02},
        {"width": 8},
        {"seed": 1},
        {"extractor": "imagenet"},
        {"size": 48},
    ]
    keys = {one.key, other.key, replace(one, masks=True).key, replace(one, selection=None).key}
    keys |= {replace(one, settings=replace(settings, **change)).key for change in changes}
    assert len(keys) == 4 + len(changes)
    assert replace(one, settings=replace(settings, finetune_steps=9)).key == one.key


def test_content_changes_with_the_objects(scenario):
    table = scenario.table
    moved = table.set_column(
        table.schema.get_field_index("annotation"), "annotation", pa.array(["[]"] * table.num_rows, pa.string())
    )
    assert content_of(table, 32) != content_of(moved, 32)


def test_only_images_with_objects_of_the_kind_are_on_the_server(scenario):
    source = scenario.sources[0]
    boxes = [
        text if place % 2 else '[{"category": "car", "bbox": [1, 1, 9, 9], "iscrowd": 0}]'
        for place, text in enumerate(source.table["annotation"].to_pylist())
    ]
    boxes[0] = "[]"
    column = source.table.schema.get_field_index("annotation")
    table = source.table.set_column(column, "annotation", pa.array(boxes, pa.string()))
    mixed = replace(scenario, sources=(replace(source, table=table), scenario.sources[1]))
    assert server_part(mixed, (), masks=False).table.num_rows == 7 + 8
    part = server_part(mixed, ["scenes_a"], masks=True)
    assert part.table["id"].to_pylist() == table["id"].to_pylist()[1::2]
    assert [each.name for each in part.clients] == [each.name for each in scenario.clients]
    none = table.set_column(column, "annotation", pa.array([boxes[2]] * 8, pa.string()))
    with pytest.raises(InputError, match="scenes_a has no image with masks"):
        server_part(replace(mixed, sources=(replace(source, table=none),)), (), masks=True)


def test_what_cannot_be_run_is_named_before_anything_is_trained(settings, scenario, monkeypatch):
    monkeypatch.setattr(detection_training, "fit", None)
    with pytest.raises(InputError, match=r"unknown methods \['KNN'\]; choose from"):
        transfer(scenario, settings, ["street"], ["KNN"], [0.5])
    with pytest.raises(InputError, match="has no client 'cats'"):
        transfer(scenario, settings, ["cats"], [UNIFORM], [0.5])
    with pytest.raises(InputError, match=r"indexes no \['coco'\]; choose from \['scenes_a', 'scenes_b'\]"):
        transfer(scenario, settings, ["street"], [UNIFORM], [0.5], ["coco"])
    with pytest.raises(InputError, match=r"budget is 1\.5; give a share of the server in \(0, 1\]"):
        transfer(scenario, settings, ["street"], [UNIFORM], [1.5])


def test_the_papers_detectors_start_from_imagenet(settings, scenario, monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    published = replace(settings, extractor="imagenet")
    assert published.detector(masks=True).architecture == "resnet50"
    assert published.train_detector(1, 0.02).optimizer == "sgd"
    with pytest.raises(InputError, match="the ImageNet weights of resnet50 are not at"):
        starting_network(scenario, published)
    with pytest.raises(InputError, match="extractor is 'moco'; choose 'trained' or 'imagenet'"):
        starting_network(scenario, replace(settings, extractor="moco"))


def test_pictures_show_three_starts_and_what_is_there(settings, scenario):
    found = detections(scenario, settings, "street", 0.5, ["scenes_a"], masks=True, images=2)
    assert list(found.columns) == [INIT, UNIFORM, NDS, TRUTH]
    assert all(len(per_image) == 2 for per_image in found.columns.values())
    assert [image.shape for image in found.images] == [(3, 40, 40)] * 2
    assert list(found.classes) == class_names(scenario.client("street").train)
    truth = found.columns[TRUTH][0]
    assert truth["masks"].shape == (len(truth["boxes"]), 40, 40)
    assert np.isin(truth["masks"].unique().numpy(), (0, 1)).all()
    assert len(detections(scenario, settings, "street", 0.5, ["scenes_a"], masks=True, images=9).images) == 3
