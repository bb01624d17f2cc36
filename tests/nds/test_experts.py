"""Experts: eq. 4, that they learn, and that interruptions and workers leave no trace in the weights."""

import dataclasses
import json
import math
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from ndslib.core import paths
from ndslib.core.classification import classification_loss
from ndslib.core.errors import InputError
from ndslib.core.models import ResNet18
from ndslib.core.training import NonFiniteLoss, TrainConfig
from ndslib.data import images
from ndslib.data.worlds import domains
from ndslib.nds import experts
from ndslib.nds.client import rotation_accuracy
from ndslib.nds.experts import ExpertConfig, ExpertJob, load_expert, read_metadata, train_expert, train_experts


def forget_experts() -> None:
    for path in (paths.cache_root() / "experts").iterdir():
        path.unlink()


# Rotations and losses


def test_rotations_turn_counter_clockwise():
    corner = torch.zeros(1, 3, 4, 4, dtype=torch.uint8)
    corner[0, :, 0, 3] = 9  # top right
    turned, targets = experts.rotate_four(corner)
    assert turned.dtype == torch.uint8
    assert targets.tolist() == [0, 1, 2, 3]
    places = [tuple(image[0].nonzero()[0].tolist()) for image in turned]
    assert places == [(0, 3), (0, 0), (3, 0), (3, 3)], "top right, top left, bottom left, bottom right"


def test_rotations_come_as_blocks_of_the_batch():
    batch = torch.arange(2 * 3 * 2 * 2).reshape(2, 3, 2, 2)
    turned, targets = experts.rotate_four(batch)
    assert targets.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    for j in range(4):
        assert torch.equal(turned[2 * j : 2 * j + 2], torch.rot90(batch, j, (2, 3)))
    assert torch.equal(turned[2, 0], torch.tensor([[1, 3], [0, 2]]))


def test_rotation_needs_square_images():
    with pytest.raises(InputError, match="8 x 6"):
        experts.rotate_four(torch.zeros(2, 3, 8, 6))


def test_rotation_loss_is_eq_4_by_hand():
    batch = torch.randn(3, 3, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    weights = torch.randn(48, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64) / 7

    def expert(x: torch.Tensor) -> torch.Tensor:
        return x.flatten(1) @ weights

    total = 0.0
    for image in batch.numpy():
        for j in range(4):
            scores = np.rot90(image, j, (1, 2)).reshape(-1) @ weights.numpy()
            total -= math.log(math.exp(scores[j]) / np.exp(scores).sum())
    assert float(experts.rotation_loss(expert, batch)) == pytest.approx(total / 12, rel=1e-12)


def test_classification_loss_by_hand():
    scores = torch.tensor([[2.0, 0.0], [1.0, 3.0]])
    loss = classification_loss(lambda x: x, (scores, torch.tensor([0, 0])))
    assert float(loss) == pytest.approx((math.log(1 + math.exp(-2)) + math.log(1 + math.exp(2))) / 2)


# Training


def test_an_expert_learns_rotation_and_another_domain_less(tiny):
    trained_on, held_out = (
        images.decode(domains.sample_table("photos", domains.class_names("photos")[:6], count, split, 16), 16).pixels
        for count, split in ((30, "train"), (10, "test"))
    )
    textures = images.decode(domains.sample_table("textures", domains.class_names("textures")[:6], 10, "test", 16), 16)
    place = paths.cache_root() / "photos.npy"
    np.save(place, trained_on)
    config = tiny(100, width=4, batch_size=24, lr=0.05, warmup=0.1)
    expert = load_expert(train_expert(ExpertJob(place, np.arange(len(trained_on)), "photos"), config))
    own = rotation_accuracy(expert, held_out)
    assert own > 0.4, "a quarter is chance"
    assert own > rotation_accuracy(expert, textures.pixels)


def test_a_task_specific_expert_learns_its_classes(tmp_path, tiny):
    labels = np.arange(40) % 2
    pixels = (np.random.default_rng(0).integers(0, 60, (40, 3, 8, 8)) + 190 * labels[:, None, None, None]).astype(
        "uint8"
    )
    np.save(tmp_path / "pixels.npy", pixels)
    job = ExpertJob(tmp_path / "pixels.npy", np.arange(40), "dots", labels, ("dark", "bright"))
    expert = load_expert(train_expert(job, tiny(30, "classification")))
    with torch.inference_mode():
        assert (expert(torch.from_numpy(pixels)).argmax(1).numpy() == labels).mean() > 0.95


def test_one_class_alone_trains_without_a_loss(noise_job, tiny):
    job = noise_job(labels=np.zeros(24, np.int64), classes=("only",))
    path = train_expert(job, tiny(task="classification"))
    assert float(read_metadata(path)["final_loss"]) == 0.0
    assert load_expert(path).fc.out_features == 1


def test_a_cached_expert_is_not_trained_again(noise_job, tiny, monkeypatch):
    job, config = noise_job(), tiny()
    path = train_expert(job, config)
    assert [file.name for file in path.parent.iterdir()] == [path.name], "no checkpoint stays"

    def never(*_: object, **__: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(experts, "fit", never)
    assert train_expert(job, config) == path
    elsewhere = job.pixels.with_name("copy.npy")
    elsewhere.write_bytes(job.pixels.read_bytes())
    assert train_expert(dataclasses.replace(job, pixels=elsewhere), config) == path, "the images count, not their place"


def test_whatever_matters_names_another_expert(noise_job, tiny):
    job, config = noise_job(), tiny(task="classification")
    variants = [
        (job, config),
        (noise_job(seed=1), config),
        (dataclasses.replace(job, rows=job.rows[::-1].copy()), config),
        (dataclasses.replace(job, labels=1 - job.labels), config),
        (dataclasses.replace(job, classes=("a", "b")), config),
        (dataclasses.replace(job, metadata=(("dataset", "other"),)), config),
        (job, tiny(task="classification", seed=1)),
        (job, tiny(task="classification", width=3)),
        (job, tiny(5, task="classification")),
        (job, tiny()),
    ]
    assert len({train_expert(*variant) for variant in variants}) == len(variants)


def test_all_parts_start_from_the_same_weights(noise_job, tiny):
    config = tiny()
    one, other = (experts.new_expert(noise_job(seed=seed), config).state_dict() for seed in (0, 1))
    assert all(torch.equal(one[name], other[name]) for name in one)
    again = experts.new_expert(noise_job(), tiny(seed=1)).state_dict()
    assert not torch.equal(one["conv1.weight"], again["conv1.weight"])


KILLER = """
import os, random, signal, sys, time
from pathlib import Path
import numpy as np, torch
from ndslib.core.training import TrainConfig
from ndslib.nds.experts import ExpertConfig, ExpertJob, train_expert

job = ExpertJob(Path(sys.argv[1]), np.arange(24), "noise/0")
config = ExpertConfig(TrainConfig(300, batch_size=8, lr=0.05, warmup=0.1), "rotation", 2)
hits = 0
for attempt in range(40):
    child = os.fork()
    if child == 0:
        train_expert(job, config, checkpoint_every=2)
        os._exit(0)
    time.sleep(random.uniform(0.05, 0.3 + 0.1 * attempt))  # another moment every time: none may matter
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    for checkpoint in Path(sys.argv[2]).glob("[!.]*.checkpoint"):
        print(torch.load(checkpoint, weights_only=True)["step"])
        hits += 1
    if hits == 4 or any(Path(sys.argv[2]).glob("[!.]*.safetensors")):
        break
"""


def test_killed_at_random_moments_the_file_is_the_same_byte_for_byte(noise_job, tiny):
    job = dataclasses.replace(noise_job(), labels=None, classes=())
    config = tiny(300, warmup=0.1)
    path = train_expert(job, config)
    undisturbed = path.read_bytes()
    path.unlink()
    command = [sys.executable, "-c", KILLER, str(job.pixels), str(path.parent)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    steps = [int(step) for step in done.stdout.split()]
    assert steps, "no kill hit the training: nothing was shown"
    assert steps == sorted(steps), "each attempt went on where the last was killed"
    assert train_expert(job, config, checkpoint_every=7) == path
    assert path.read_bytes() == undisturbed


@pytest.mark.parametrize("stop", [1, 3, 4, 9])
def test_an_interruption_at_any_step_leaves_no_trace(noise_job, tiny, monkeypatch, stop):
    job, config = noise_job(), tiny(10)
    path = train_expert(job, config)
    undisturbed = path.read_bytes()
    path.unlink()
    real, calls = experts.crop_and_flip, []

    def interrupted(*arguments: object, **named: object) -> torch.Tensor:
        calls.append(1)
        if len(calls) == stop + 1:
            raise KeyboardInterrupt
        return real(*arguments, **named)

    monkeypatch.setattr(experts, "crop_and_flip", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train_expert(job, config, checkpoint_every=2)
    assert not path.exists()
    train_expert(job, config, checkpoint_every=2)
    assert path.read_bytes() == undisturbed
    assert len(calls) == 10 + 1 + stop % 2, "only the steps since the last checkpoint were repeated"


def test_workers_do_not_change_the_files(noise_job, tiny):
    jobs, config = [noise_job(seed=seed, name=f"noise/{seed}") for seed in range(3)], tiny(3)
    alone = train_experts(jobs, config)
    contents = [path.read_bytes() for path in alone]
    assert len(set(contents)) == 3
    forget_experts()
    assert train_experts(jobs, config, workers=2) == alone, "in the order of the jobs"
    assert [path.read_bytes() for path in alone] == contents


def test_threads_do_not_change_the_file(noise_job, tiny):
    job, config = noise_job(64, 16), tiny(4, width=8, batch_size=32)
    threads, contents = torch.get_num_threads(), []
    try:
        for count in (1, 3):
            torch.set_num_threads(count)
            contents.append(train_expert(job, config).read_bytes())
            assert torch.get_num_threads() == count
            forget_experts()
    finally:
        torch.set_num_threads(threads)
    assert contents[0] == contents[1]


def test_a_loss_that_is_not_finite_surfaces(noise_job, tiny):
    with pytest.raises(NonFiniteLoss, match="lower lr"):
        train_expert(noise_job(), tiny(30, lr=1e30))
    with pytest.raises(ExceptionGroup) as caught:
        train_experts([noise_job(), noise_job(seed=1)], tiny(30, lr=1e30))
    assert caught.group_contains(NonFiniteLoss)
    assert not list((paths.cache_root() / "experts").glob("*.safetensors"))


@pytest.mark.parametrize(
    ("changes", "task", "named"),
    [
        ({"rows": np.arange(0)}, "rotation", "noise/0: there are no images"),
        ({"labels": None}, "classification", "noise/0: .*label for every image; use task='rotation'"),
        ({"labels": np.full(24, -1)}, "classification", "label for every image"),
        ({"labels": np.zeros(3, np.int64)}, "classification", "label for every image"),
        ({"labels": np.arange(24)}, "classification", "label 23 for the 2 classes"),
    ],
)
def test_bad_jobs_are_refused_before_anything_is_trained(noise_job, tiny, changes, task, named):
    bad = dataclasses.replace(noise_job(), **changes)
    with pytest.raises(InputError, match=named):
        train_expert(bad, tiny(task=task))
    with pytest.raises(InputError, match=named):
        train_experts([noise_job(seed=1), bad], tiny(task=task), workers=2)
    assert not (paths.cache_root() / "experts").exists()


@pytest.mark.parametrize("changes", [{"task": "jigsaw"}, {"width": 0}, {"stem": "vit"}])
def test_bad_configurations_are_named(noise_job, changes):
    with pytest.raises(InputError, match=next(iter(changes))):
        train_expert(noise_job(), ExpertConfig(TrainConfig(1, 8, 0.1), **changes))


# Files


def test_metadata_is_complete(noise_job, tiny):
    job, config = (
        noise_job(metadata=(("dataset", "noise"), ("cluster", "0"), ("task", "mine"))),
        tiny(3, "classification"),
    )
    found = read_metadata(train_expert(job, config))
    assert found.pop("final_loss") == f"{float(found_loss(job, config)):.4f}"
    assert TrainConfig(**json.loads(found.pop("train")) | {"milestones": config.train.milestones}) == config.train
    assert json.loads(found.pop("classes")) == ["even", "odd"]
    assert found == {
        "format": "ndslib-expert-1",
        "task": "classification",
        "width": "2",
        "stem": "cifar",
        "images": "24",
        "dataset": "noise",
        "cluster": "0",
    }


def found_loss(job: ExpertJob, config: ExpertConfig) -> float:
    """The mean loss of a short training, step by step."""
    model = experts.new_expert(job, config)
    return np.mean(experts.fit(model, classification_loss, experts._batches(job, config), config.train))


def test_load_gives_the_weights_in_evaluation_mode(tmp_path):
    model = ResNet18(4, 2)
    metadata = {"format": "ndslib-expert-1", "task": "rotation", "width": "2", "stem": "cifar", "classes": "[]"}
    experts.save_expert(tmp_path / "a.safetensors", model, metadata)
    loaded = load_expert(tmp_path / "a.safetensors")
    assert not loaded.training
    assert all(torch.equal(value, loaded.state_dict()[name]) for name, value in model.state_dict().items())


def test_the_same_content_gives_the_same_bytes(tmp_path):
    model, metadata = ResNet18(4, 1), {name: name for name in "abcdefghij"}
    contents = []
    for order in (1, -1, 1):
        experts.save_expert(tmp_path / "a.safetensors", model, dict(list(metadata.items())[::order]))
        contents.append((tmp_path / "a.safetensors").read_bytes())
    assert contents[0] == contents[1] == contents[2]


@pytest.mark.parametrize("size", [0, 5, 100, 5000])
def test_truncated_files_are_named(noise_job, tiny, size):
    path = train_expert(noise_job(), tiny(1))
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(InputError, match=rf"{path.name}: not a readable safetensors file.*again"):
        load_expert(path)


def test_absent_foreign_and_misfit_files_are_named(tmp_path):
    with pytest.raises(InputError, match=r"absent\.safetensors: not a readable"):
        load_expert(tmp_path / "absent.safetensors")
    save_file({"a": torch.zeros(2)}, tmp_path / "foreign.safetensors")
    with pytest.raises(InputError, match=r"foreign\.safetensors: safetensors without an expert's metadata"):
        load_expert(tmp_path / "foreign.safetensors")
    metadata = {"format": "ndslib-expert-1", "task": "rotation", "width": "3", "stem": "cifar", "classes": "[]"}
    experts.save_expert(tmp_path / "misfit.safetensors", ResNet18(4, 2), metadata)
    with pytest.raises(InputError, match=r"misfit\.safetensors: the weights do not fit"):
        load_expert(tmp_path / "misfit.safetensors")
    experts.save_expert(tmp_path / "poor.safetensors", ResNet18(4, 2), {"format": "ndslib-expert-1"})
    with pytest.raises(InputError, match=r"poor\.safetensors: the weights do not fit"):
        load_expert(tmp_path / "poor.safetensors")


def test_weights_are_stored_in_the_usual_order(noise_job, tiny):
    weights = load_file(train_expert(noise_job(), tiny(1)))
    assert weights["conv1.weight"].is_contiguous()
    assert weights["conv1.weight"].shape == (2, 3, 3, 3)
