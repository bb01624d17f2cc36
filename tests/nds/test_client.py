"""FASTADAPT: eq. 5 by hand, the linear head on a held-out split, and one decoding for all experts."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from ndslib.core.errors import InputError
from ndslib.core.models import IMAGE_MEAN, IMAGE_STD, ResNet18, to_float
from ndslib.data import images, sample_table
from ndslib.nds import client
from ndslib.nds.client import fast_adapt, rate_by_linear_head, rate_by_rotation, rotation_accuracy


def upright(count: int = 5, side: int = 8) -> np.ndarray:
    """Dark noise with a white pixel at the top left."""
    pixels = np.random.default_rng(0).integers(0, 100, (count, 3, side, side)).astype(np.uint8)
    pixels[:, :, 0, 0] = 255
    return pixels


def knowing(x: Tensor) -> Tensor:
    """Finds the white pixel; turned counter-clockwise it goes down, right, up."""
    return torch.stack([x[:, 0, 0, 0], x[:, 0, -1, 0], x[:, 0, -1, -1], x[:, 0, 0, -1]], 1).float()


def guessing(x: Tensor) -> Tensor:
    """Always says 180 degrees."""
    return torch.tensor([0.0, 0.0, 1.0, 0.0]).expand(len(x), 4)


class RandomLinear(nn.Module):
    def __init__(self, side: int, seed: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3 * side * side, 4, generator=torch.Generator().manual_seed(seed)))

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1) @ self.weight


def resnets(count: int) -> list[ResNet18]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return [ResNet18(4, 2) for _ in range(count)]


# Rotation


def test_perfect_and_constant_experts():
    assert rotation_accuracy(knowing, upright()) == 1.0
    assert rotation_accuracy(guessing, upright()) == 0.25
    assert rotation_accuracy(lambda x: knowing(x).roll(1, 1), upright()) == 0.0


@pytest.mark.parametrize("seed", range(3))
def test_it_is_eq_5_by_hand(seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (7, 3, 6, 6), dtype=np.uint8)
    expert = RandomLinear(6, seed)
    mean, std = (np.array(each)[:, None, None] for each in (IMAGE_MEAN, IMAGE_STD))
    hits = 0
    for image in pixels:
        for j in range(4):
            turned = (np.rot90(image, j, (1, 2)) / 255 - mean) / std
            scores = turned.reshape(-1) @ expert.weight.detach().numpy()
            hits += int(scores.argmax() == j)
    assert rotation_accuracy(expert, pixels) == hits / (4 * 7)
    assert 0 < hits < 28


@pytest.mark.parametrize("batch_size", [1, 2, 5, 1000])
def test_the_batch_size_does_not_matter(batch_size):
    pixels = np.random.default_rng(0).integers(0, 256, (7, 3, 6, 6), dtype=np.uint8)
    experts = [RandomLinear(6, seed) for seed in range(3)]
    scores = rate_by_rotation(experts, pixels, batch_size)
    assert scores.dtype == np.float64
    np.testing.assert_array_equal(scores, [rotation_accuracy(expert, pixels) for expert in experts])


def test_arrays_maps_and_tensors_give_the_same_score(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (6, 3, 8, 8), dtype=np.uint8)
    np.save(tmp_path / "pixels.npy", pixels)
    (expert,) = resnets(1)
    expected = rotation_accuracy(expert, pixels)
    for same in (
        np.load(tmp_path / "pixels.npy", mmap_mode="r"),
        torch.from_numpy(pixels),
        np.asfortranarray(pixels),
    ):
        assert rotation_accuracy(expert, same) == expected
    floats = to_float(torch.from_numpy(pixels))
    assert rotation_accuracy(expert, floats) == expected
    assert rotation_accuracy(expert, floats.double()) == expected
    assert rotation_accuracy(expert, floats.numpy()) == expected


def test_modes_and_weights_are_as_before():
    expert, frozen = resnets(2)
    frozen.eval()
    expert.bn1.eval()
    state = {name: value.clone() for name, value in expert.state_dict().items()}
    modes = {name: module.training for name, module in expert.named_modules()}
    rate_by_rotation([expert, frozen, expert], upright())
    assert {name: module.training for name, module in expert.named_modules()} == modes
    assert not frozen.training
    assert all(torch.equal(value, state[name]) for name, value in expert.state_dict().items())
    with pytest.raises(InputError):
        rate_by_rotation([expert], upright()[:, :1])
    assert expert.training, "also after an error"


def test_scores_are_taken_in_evaluation_mode():
    seen = []

    class Watched(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            seen.append((self.training, torch.is_grad_enabled()))
            return knowing(x)

    assert rotation_accuracy(Watched(), upright()) == 1.0
    assert seen == [(False, False)]


@pytest.mark.parametrize(
    ("pixels", "named"),
    [
        (np.zeros((0, 3, 8, 8), np.uint8), "no images"),
        (np.zeros((2, 3, 8, 6), np.uint8), "square"),
        (np.zeros((2, 1, 8, 8), np.uint8), r"\(2, 1, 8, 8\)"),
        (np.zeros((2, 8, 8, 3), np.uint8), r"wanted \[N, 3, S, S\]"),
        (np.zeros((3, 8, 8), np.uint8), r"wanted \[N, 3, S, S\]"),
    ],
)
def test_bad_images_are_named(pixels, named):
    with pytest.raises(InputError, match=named):
        rotation_accuracy(guessing, pixels)


def test_bad_experts_are_named():
    with pytest.raises(InputError, match=r"\(20, 5\), wanted \(20, 4\)"):
        rotation_accuracy(lambda x: torch.zeros(len(x), 5), upright())
    with pytest.raises(InputError, match="wanted"):
        rotation_accuracy(lambda x: torch.zeros(4), upright())
    with pytest.raises(InputError, match="NaN"):
        rotation_accuracy(lambda x: torch.full((len(x), 4), torch.nan), upright())
    with pytest.raises(InputError, match="batch_size is 0"):
        rotation_accuracy(guessing, upright(), batch_size=0)


class Counted:
    """Images that count how often a batch is read."""

    def __init__(self, pixels: np.ndarray) -> None:
        self.pixels, self.shape, self.ndim, self.reads = pixels, pixels.shape, pixels.ndim, 0

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, part: slice) -> np.ndarray:
        self.reads += 1
        return self.pixels[part]


@pytest.mark.parametrize("method", ["rotation", "linear"])
def test_every_batch_is_read_once_for_all_experts(method):
    counted = Counted(np.random.default_rng(0).integers(0, 256, (12, 3, 8, 8), dtype=np.uint8))
    rate = {
        "rotation": lambda: rate_by_rotation(resnets(10), counted, batch_size=4),
        "linear": lambda: rate_by_linear_head(resnets(10), counted, np.arange(12) % 2, epochs=1, batch_size=4),
    }[method]
    assert rate().shape == (10,)
    assert counted.reads == 3


def test_files_are_decoded_once_for_all_experts(tmp_path, monkeypatch):
    opened = []
    real = images._open
    monkeypatch.setattr(images, "_open", lambda path: opened.append(path) or real(path))
    about = {"dataset": "mine", "split": "train", "width": 8, "height": 8, "bytes": 1}
    for number, pixels in enumerate(upright(6)):
        Image.fromarray(pixels.transpose(1, 2, 0)).save(tmp_path / f"{number}.png")
    table = sample_table.from_rows({"id": f"mine/{i}", "uri": str(tmp_path / f"{i}.png"), **about} for i in range(6))
    first = fast_adapt(resnets(10), images.decode(table, 8).pixels)
    second = fast_adapt(resnets(10), images.decode(table, 8).pixels)
    assert len(opened) == 6
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first, rate_by_rotation(resnets(10), upright(6)))


# Linear head


class Pass(nn.Module):
    """An expert whose features are the first pixels, so that a test decides what they tell."""

    def features(self, x: Tensor) -> Tensor:
        return x.float()[:, :, 0, :].flatten(1) / 255


def separable(count: int = 60) -> tuple[np.ndarray, np.ndarray]:
    labels = np.arange(count) % 3
    pixels = np.random.default_rng(0).integers(0, 80, (count, 3, 8, 8)).astype(np.uint8)
    pixels[np.arange(count), labels, 0, :] += 150
    return pixels, labels


def test_separable_features_are_rated_near_one_and_noise_near_chance():
    pixels, labels = separable()
    (informed,) = rate_by_linear_head([Pass()], pixels, labels)
    assert informed > 0.95
    (blind,) = rate_by_linear_head([Pass()], pixels, np.random.default_rng(1).permutation(labels))
    assert blind < 0.7


def test_accuracy_is_measured_on_images_held_out(monkeypatch):
    """Features that name each image let a head learn its training images by heart, and tell nothing of others."""
    labels = np.random.default_rng(0).integers(0, 2, 40)

    class OneHot(nn.Module):
        def features(self, x: Tensor) -> Tensor:
            return nn.functional.one_hot(x[:, 0, 0, 0].long(), 40).float()

    pixels = np.zeros((40, 3, 8, 8), np.uint8)
    pixels[:, :, 0, 0] = np.arange(40)[:, None]
    splits = []
    real = client._split
    monkeypatch.setattr(client, "_split", lambda *arguments: splits.append(real(*arguments)) or splits[-1])
    (score,) = rate_by_linear_head([OneHot()], pixels, labels, epochs=60)
    ((train, test),) = splits
    assert sorted([*train, *test]) == list(range(40))
    assert len(test) == 12
    assert score < 0.85
    share = labels.mean()
    assert abs(labels[test].mean() - share) < 0.1, "stratified"


def test_the_linear_head_is_deterministic_and_leaves_the_global_stream_alone():
    pixels, labels = separable(30)
    torch.manual_seed(1)
    state = torch.get_rng_state()
    one, same = (rate_by_linear_head(resnets(2), pixels, labels, epochs=3, seed=4) for _ in range(2))
    np.testing.assert_array_equal(one, same)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("dtype", [np.int32, np.uint8, np.int64])
def test_labels_of_any_whole_type(dtype):
    pixels, labels = separable(30)
    assert rate_by_linear_head([Pass()], pixels, labels.astype(dtype), epochs=1).shape == (1,)


@pytest.mark.parametrize("holdout", [0.01, 0.3, 0.99])
def test_two_images_a_class_are_enough(holdout):
    pixels, labels = separable(20)
    labels = np.arange(20) // 2
    (score,) = rate_by_linear_head([Pass()], pixels, labels, holdout, epochs=1)
    assert 0 <= score <= 1


@pytest.mark.parametrize(
    ("labels", "options", "named"),
    [
        ([0, 0, 0, 1], {}, r"two images each; images per class: \[3, 1\]"),
        ([0, 0, 0, 0], {}, r"two classes.*\[4\]"),
        ([1, 1, 1, 1], {}, r"two classes.*\[0, 4\]"),
        ([0, 0, 1], {}, r"4 images but labels of shape \(3,\)"),
        ([0, 0, 1, -1], {}, "whole number from 0"),
        ([0.0, 0.0, 1.0, 1.0], {}, "whole number from 0"),
        (["a", "a", "b", "b"], {}, "whole number from 0"),
        ([0, 0, 1, 1], {"holdout": 0.0}, "holdout is 0.0"),
        ([0, 0, 1, 1], {"holdout": 1.5}, "holdout is 1.5"),
    ],
)
def test_bad_labels_are_named(labels, options, named):
    with pytest.raises(InputError, match=named):
        rate_by_linear_head([Pass()], np.zeros((4, 3, 8, 8), np.uint8), np.array(labels), **options)


def test_fast_adapt_chooses_the_method():
    pixels, labels = separable(30)
    experts = resnets(2)
    np.testing.assert_array_equal(fast_adapt(experts, pixels), rate_by_rotation(experts, pixels))
    np.testing.assert_array_equal(
        fast_adapt(experts, pixels, labels, "linear", seed=3), rate_by_linear_head(experts, pixels, labels, seed=3)
    )
    with pytest.raises(InputError, match="needs the client's labels"):
        fast_adapt(experts, pixels, method="linear")
    with pytest.raises(InputError, match="'jigsaw'"):
        fast_adapt(experts, pixels, method="jigsaw")


def test_an_ordinary_network_takes_uint8_images():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    images = torch.randint(0, 256, (10, 3, 8, 8), dtype=torch.uint8)
    assert rotation_accuracy(network, images) == rotation_accuracy(network, to_float(images))
    assert rotation_accuracy(network, images.numpy()) == rotation_accuracy(network, images)
