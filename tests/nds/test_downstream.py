"""The client's pretraining, three ways."""

import numpy as np
import pytest
import torch
from torch import nn

from ndslib.core import classification
from ndslib.core.classification import accuracy, fine_tune, new_network
from ndslib.core.errors import InputError
from ndslib.core.training import TrainConfig
from ndslib.data.images import decode
from ndslib.data.labelled import Labelled
from ndslib.data.worlds import domains
from ndslib.nds.client import rotation_accuracy
from ndslib.nds.downstream import pretrain


def config(steps: int = 2, batch_size: int = 8, lr: float = 0.05, **changes: object) -> TrainConfig:
    return TrainConfig(steps, batch_size, lr, **changes)


def noise(labels: list[int], size: int = 16) -> Labelled:
    pixels = np.random.default_rng(0).integers(0, 256, (len(labels), 3, size, size), dtype=np.uint8)
    return Labelled(pixels, np.array(labels))


def same(first: nn.Module, second: nn.Module) -> bool:
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def drawn(domain: str, classes: list[str], count: int, split: str) -> Labelled:
    table = domains.sample_table(domain, classes, count, split, size=16)
    return Labelled(decode(table, 16).pixels, np.repeat(np.arange(len(classes)), count))


def test_label_pretraining_ignores_unlabelled_images_and_numbers_classes_densely(monkeypatch):
    seen = []

    def spy(model: nn.Module, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        seen.append(batch)
        return model(batch[0]).square().mean()

    monkeypatch.setattr(classification, "classification_loss", spy)
    labels = [7, -1, 3, -1, 7, 12]
    pixels = np.stack([np.full((3, 16, 16), 10 * number, np.uint8) for number in range(len(labels))])
    network = pretrain(Labelled(pixels, np.array(labels)), config(steps=4, batch_size=4), width=2)
    assert network.fc.out_features == 3
    trained_on = {
        (int(image[0, 0, 0]) // 10, int(label))
        for images, labels in seen
        for image, label in zip(images, labels, strict=True)
    }
    assert trained_on == {(0, 1), (2, 0), (4, 1), (5, 2)}


def test_self_supervision_needs_no_label():
    selection = noise([-1] * 12)
    assert pretrain(selection, config(), width=2, pretext="rotation").fc.out_features == 4
    assert pretrain(selection, config(), width=2, pretext="moco").fc.out_features == 128
    with pytest.raises(InputError, match="pretext is 'jigsaw'"):
        pretrain(selection, config(), width=2, pretext="jigsaw")


def test_rotation_pretraining_learns_rotation():
    classes = list(domains.class_names("textures")[:4])  # lit from above
    selection, held_out = drawn("textures", classes, 30, "train"), drawn("textures", classes, 20, "test")
    network = pretrain(selection, config(steps=100, batch_size=16, lr=0.1), width=4, pretext="rotation")
    assert rotation_accuracy(new_network(4, 4, "cifar", 0), held_out.images) < 0.4  # chance is one in four
    assert rotation_accuracy(network, held_out.images) > 0.6


def test_moco_pretraining_trains_the_returned_network():
    network = pretrain(noise([-1] * 12), config(steps=3), width=2, pretext="moco")
    start = new_network(1, 2, "cifar", 0)
    assert not torch.equal(network.conv1.weight, start.conv1.weight)
    assert all(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize("pretext", ["labels", "rotation", "moco"])
def test_pretraining_depends_on_the_seed_alone(pretext):
    selection = noise([0, 1, 2] * 4)
    torch.manual_seed(1)
    first = pretrain(selection, config(), width=2, pretext=pretext)
    torch.manual_seed(2)
    before = torch.get_rng_state()
    assert same(first, pretrain(selection, config(), width=2, pretext=pretext))
    assert torch.equal(torch.get_rng_state(), before)
    assert not same(first, pretrain(selection, config(seed=1), width=2, pretext=pretext))


def test_a_batch_larger_than_the_selection():
    for pretext in ("labels", "rotation", "moco"):
        network = pretrain(noise([0, 1, 1]), config(batch_size=8), width=2, pretext=pretext)
        assert all(torch.isfinite(value).all() for value in network.state_dict().values())


def test_pretraining_on_the_clients_domain_helps_it():
    """End to end at a tiny scale: pretraining on other classes of a client's domain beats random initialisation."""
    classes = list(domains.class_names("sketches"))
    selection = drawn("sketches", classes[:12], 40, "train")
    train, test = drawn("sketches", classes[-4:], 10, "train"), drawn("sketches", classes[-4:], 40, "test")
    pretrained = pretrain(selection, config(steps=150, batch_size=32, lr=0.1, warmup=0.05), width=8)
    tuning = config(steps=40, batch_size=20, lr=0.05)
    scratch = accuracy(fine_tune(new_network(1, 8, "cifar", 0), train, tuning), test)
    transferred = accuracy(fine_tune(pretrained, train, tuning), test)
    assert transferred > scratch + 0.05
    assert transferred > 0.75  # one in four is chance
