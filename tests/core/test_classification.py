"""Training on labelled images: fine-tuning, batches, top-1."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from ndslib.core.classification import accuracy, fine_tune, labelled_batches, new_network, train_on_labels
from ndslib.core.errors import InputError
from ndslib.core.models import ResNet18
from ndslib.core.training import TrainConfig
from ndslib.data.labelled import Labelled


def config(steps: int = 2, batch_size: int = 8, lr: float = 0.05, **changes: object) -> TrainConfig:
    return TrainConfig(steps, batch_size, lr, **changes)


def noise(labels: list[int], size: int = 16) -> Labelled:
    pixels = np.random.default_rng(0).integers(0, 256, (len(labels), 3, size, size), dtype=np.uint8)
    return Labelled(pixels, np.array(labels))


def same(first: nn.Module, second: nn.Module) -> bool:
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_fine_tuning_leaves_the_given_network_as_it_is_and_replaces_the_head():
    pretrained = new_network(9, 2, "cifar", 0)
    before = copy.deepcopy(pretrained)
    tuned = fine_tune(pretrained, noise([0, 1, 2] * 4), config())
    assert same(pretrained, before)
    assert tuned.fc.out_features == 3
    # Everything is trained, not the head alone.
    trained = dict(tuned.named_parameters())
    unchanged = [
        name
        for name, value in pretrained.named_parameters()
        if not name.startswith("fc") and torch.equal(value, trained[name])
    ]
    assert unchanged == []


def test_fine_tuning_starts_from_the_given_weights_and_a_head_of_the_seed():
    client, pretrained = noise([0, 1, 2] * 4), new_network(9, 2, "cifar", 5)
    start = fine_tune(pretrained, client, config(steps=0))
    assert torch.equal(start.layer4[1].conv2.weight, pretrained.layer4[1].conv2.weight)
    torch.manual_seed(99)
    assert same(fine_tune(pretrained, client, config()), fine_tune(pretrained, client, config()))
    assert not torch.equal(start.fc.weight, fine_tune(pretrained, client, config(steps=0, seed=1)).fc.weight)


def test_the_random_network_depends_on_its_seed_alone():
    torch.manual_seed(1)
    first = new_network(4, 2, "cifar", 0)
    torch.manual_seed(2)
    assert same(first, new_network(4, 2, "cifar", 0))
    assert not same(first, new_network(4, 2, "cifar", 1))


def test_an_interrupted_training_goes_on_from_its_checkpoint(tmp_path):
    data, place = noise([0, 1] * 6), tmp_path / "training.checkpoint"
    whole = train_on_labels(data, config(steps=3), width=2, checkpoint=place)
    assert place.is_file()
    assert same(train_on_labels(noise([1, 0] * 6), config(steps=3), width=2, checkpoint=place), whole), (
        "nothing is left to train"
    )
    with pytest.raises(InputError, match="belongs to another run"):
        train_on_labels(data, config(steps=4), width=2, checkpoint=place)


def numbered(count: int, size: int = 16) -> Labelled:
    """Image i is of the value i + 1 on the left and 0 on the right; its label is i."""
    pixels = np.zeros((count, 3, size, size), np.uint8)
    pixels[..., : size // 2] = np.arange(1, count + 1)[:, None, None, None]
    return Labelled(pixels, np.arange(count))


def test_batches_are_a_function_of_the_step_and_labels_stay_with_their_images():
    data = numbered(10)
    batches, again = (labelled_batches(data, config(batch_size=5)) for _ in range(2))
    seen = []
    for step in (0, 1):
        images, labels = batches(step)
        assert (images.dtype, images.shape, labels.dtype) == (torch.uint8, (5, 3, 16, 16), torch.int64)
        assert images.amax(dim=(1, 2, 3)).tolist() == (labels + 1).tolist()
        seen += labels.tolist()
    assert sorted(seen) == list(range(10)), "an epoch shows each image once"
    later, sooner = again(1), again(0)
    assert all(torch.equal(a, b) for a, b in zip(later, batches(1), strict=True))
    assert not torch.equal(sooner[0], later[0])


def test_characters_are_never_mirrored():
    def brighter_on_the_right(flip: bool) -> list[bool]:
        batch_at = labelled_batches(numbered(20), config(batch_size=20), flip)
        return [bool(image[..., -1:].any()) for step in range(5) for image in batch_at(step)[0]]

    assert not any(brighter_on_the_right(flip=False))
    assert 25 < sum(brighter_on_the_right(flip=True)) < 75


def test_accuracy_by_hand_whatever_the_batches():
    class Shade(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(()))

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return nn.functional.one_hot(images[:, 0, 0, 0].long(), 3).float() + self.weight

    pixels = np.stack([np.full((3, 4, 4), shade, np.uint8) for shade in (0, 1, 2, 2, 1)])
    test = Labelled(pixels, np.array([0, 1, 1, 2, 0]))
    assert accuracy(Shade(), test) == accuracy(Shade(), test, batch_size=2) == pytest.approx(0.6)


def test_bad_input():
    with pytest.raises(InputError, match="2 of 4 training images have no label"):
        fine_tune(ResNet18(2, 2), noise([0, -1, 1, -1]), config())
    with pytest.raises(InputError, match="fewer than two labelled classes"):
        train_on_labels(noise([4, 4, -1]), config(), width=2)
