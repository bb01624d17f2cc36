"""The training loop: exact resume, schedules, and errors that come early."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from ndslib.core.errors import InputError
from ndslib.core.seeding import generator
from ndslib.core.training import NonFiniteLoss, ShuffledIndices, TrainConfig, fit, learning_rate, to_device


def network() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 3))


def batch_at(step: int) -> tuple[torch.Tensor, torch.Tensor]:
    source = generator("data", step)
    x = torch.randn(12, 8, generator=source)
    return x, x[:, :3].argmax(1)


def loss_of(model: nn.Module, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    return functional.cross_entropy(model(batch[0]), batch[1])


def same(left: nn.Module, right: nn.Module) -> bool:
    other = right.state_dict()
    return all(torch.equal(value, other[name]) for name, value in left.state_dict().items())


def test_every_tensor_of_a_batch_is_moved():
    images, target = (torch.zeros(2), torch.ones(3)), {"boxes": torch.zeros(1, 4), "name": "a.png"}
    moved = to_device((images, [target], 7), "meta")
    assert [image.device.type for image in moved[0]] == ["meta", "meta"]
    assert moved[1][0]["boxes"].device.type == "meta"
    assert moved[1][0]["name"] == "a.png"
    assert moved[2] == 7
    assert to_device(torch.zeros(2), "meta").device.type == "meta"


def test_fit_learns():
    model = network()
    losses = fit(model, loss_of, batch_at, TrainConfig(steps=200, batch_size=12, lr=0.1))
    assert len(losses) == 200
    assert sum(losses[-20:]) / 20 < 0.6 * sum(losses[:20]) / 20


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
@pytest.mark.parametrize("stop", [1, 7, 10, 19])
def test_resume_is_exact_at_any_step(tmp_path, optimizer, stop):
    config = TrainConfig(steps=20, batch_size=12, lr=0.05, optimizer=optimizer, warmup=0.2)
    whole, broken, resumed = network(), network(), network()
    torch.manual_seed(11)  # dropout draws from the global generator, which a checkpoint holds too
    expected = fit(whole, loss_of, batch_at, config)

    def interrupted(step: int):
        if step == stop:
            raise KeyboardInterrupt
        return batch_at(step)

    torch.manual_seed(11)
    with pytest.raises(KeyboardInterrupt):
        fit(broken, loss_of, interrupted, config, tmp_path / "run.checkpoint", checkpoint_every=3)
    torch.manual_seed(11 if stop < 3 else 99)
    losses = fit(resumed, loss_of, batch_at, config, tmp_path / "run.checkpoint", checkpoint_every=3)
    assert losses == expected
    assert same(whole, resumed)


def test_checkpoint_of_another_run_is_refused(tmp_path):
    place = tmp_path / "run.checkpoint"
    fit(network(), loss_of, batch_at, TrainConfig(steps=2, batch_size=12, lr=0.05), place, identity="a")
    with pytest.raises(InputError, match="another run"):
        fit(network(), loss_of, batch_at, TrainConfig(steps=4, batch_size=12, lr=0.05), place, identity="a")
    with pytest.raises(InputError, match="another run"):
        fit(network(), loss_of, batch_at, TrainConfig(steps=2, batch_size=12, lr=0.05), place, identity="b")


def test_damaged_checkpoint_is_named(tmp_path):
    place = tmp_path / "run.checkpoint"
    place.write_bytes(b"not a checkpoint")
    with pytest.raises(InputError, match=r"run\.checkpoint.*delete it"):
        fit(network(), loss_of, batch_at, TrainConfig(steps=2, batch_size=12, lr=0.05), place)


def test_non_finite_loss_stops_at_its_step_and_is_not_saved(tmp_path):
    def poisoned(step: int):
        x, y = batch_at(step)
        return (x * math.nan if step == 4 else x), y

    place = tmp_path / "run.checkpoint"
    config = TrainConfig(steps=10, batch_size=12, lr=0.05)
    with pytest.raises(NonFiniteLoss, match=r"step 4 of 10.*lower lr"):
        fit(network(), loss_of, poisoned, config, place, checkpoint_every=1)
    assert torch.load(place, weights_only=True)["step"] == 4


def test_bf16_on_the_cpu_trains():
    losses = fit(network(), loss_of, batch_at, TrainConfig(steps=60, batch_size=12, lr=0.1, precision="bf16"))
    assert sum(losses[-10:]) < sum(losses[:10])


def test_clip_bounds_the_step():
    model = network()
    before = [parameter.detach().clone() for parameter in model.parameters()]
    config = TrainConfig(steps=1, batch_size=12, lr=1.0, momentum=0.0, weight_decay=0.0, schedule="constant", clip=1e-3)
    fit(model, loss_of, batch_at, config)
    moved = torch.cat([(a - b).flatten() for a, b in zip(model.parameters(), before, strict=True)])
    assert 0 < moved.norm() <= 1.001e-3


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"lr": 0.0}, "lr"),
        ({"lr": math.inf}, "lr"),
        ({"batch_size": 0}, "batch_size"),
        ({"steps": -1}, "steps"),
        ({"optimizer": "lion"}, "optimizer"),
        ({"schedule": "linear"}, "schedule"),
        ({"precision": "fp8"}, "precision"),
        ({"precision": "fp16"}, "CUDA"),
        ({"warmup": 1.0}, "warmup"),
        ({"milestones": (30.0,)}, "milestones"),
    ],
)
def test_bad_configuration_is_named(change, named):
    with pytest.raises(InputError, match=named):
        TrainConfig(**({"steps": 1, "batch_size": 1, "lr": 0.1} | change))


def test_absent_cuda_is_said():
    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    with pytest.raises(InputError, match="no CUDA device"):
        TrainConfig(steps=1, batch_size=1, lr=0.1, device="cuda")


def test_frozen_model_is_refused():
    model = network().requires_grad_(False)
    with pytest.raises(InputError, match="nothing to train"):
        fit(model, loss_of, batch_at, TrainConfig(steps=1, batch_size=12, lr=0.1))


def test_schedules():
    step = TrainConfig(steps=100, batch_size=1, lr=1.0, schedule="step", milestones=(0.3, 0.6), gamma=0.1)
    assert [round(learning_rate(step, at), 6) for at in (0, 29, 30, 59, 60, 99)] == [1, 1, 0.1, 0.1, 0.01, 0.01]
    cosine = TrainConfig(steps=100, batch_size=1, lr=2.0, warmup=0.1)
    rates = [learning_rate(cosine, at) for at in range(100)]
    assert rates[0] == pytest.approx(0.2)
    assert max(rates) == pytest.approx(2.0, rel=0.01)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] < 0.01


@pytest.mark.parametrize(("count", "batch"), [(10, 3), (10, 10), (4, 9), (1, 5)])
def test_shuffled_indices_are_a_stream_of_permutations(count, batch):
    indices = ShuffledIndices(count, batch, seed=1)
    stream = torch.cat([indices(step) for step in range(4 * count)])
    for epoch in range(len(stream) // count):
        part = stream[epoch * count : (epoch + 1) * count]
        assert sorted(part.tolist()) == list(range(count))
    assert torch.equal(ShuffledIndices(count, batch, seed=1)(7), indices(7)), "a batch depends on its step alone"
    with pytest.raises(InputError, match="no samples"):
        ShuffledIndices(0, 3, seed=1)
