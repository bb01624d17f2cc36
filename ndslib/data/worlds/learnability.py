"""Whether a world is neither trivial nor noise: how well a linear classifier and a small network learn its classes."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import torch
from numpy import ndarray as Array
from sklearn.linear_model import RidgeClassifierCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn

from ndslib.core.errors import InputError
from ndslib.core.models import to_float
from ndslib.core.seeding import generator, isolated
from ndslib.core.training import ShuffledIndices, TrainConfig, fit
from ndslib.data import sample_table
from ndslib.data.augment import crop_and_flip
from ndslib.data.images import decode

WIDTH = 32  # channels of the network's first layer: 0.13 million weights in all at 32 x 32 pixels and 16 classes
BATCH = 32
PENALTIES = np.logspace(1, 6, 11)  # of the linear classifier, which takes the best for left-out training images


class Learnability(NamedTuple):
    """Accuracies on test images, 0 to 1.

    Attributes:
        chance: of always naming the class that is most common in training.
        linear: of ridge regression on standardised pixels.
        cnn: of three convolutions, with batch normalisation and pooling, and a linear layer.
    """

    chance: float
    linear: float
    cnn: float


def measure(train: pa.Table, test: pa.Table, size: int = 32, steps: int = 800, seed: int = 0) -> Learnability:
    """Learn the labels of a sample table's images, and count the hits among another's.

    Args:
        size: side of the images in pixels, at least 8.
        steps: of the network's training, with batches of 32, cropped and mirrored.
        seed: of the network's weights and batches; the linear classifier has no randomness.

    Raises:
        InputError: as `images.decode`; the tables have no labels, fewer than two classes, or not the same ones.
    """
    images, targets, names = _read(train, size)
    test_images, test_targets, test_names = _read(test, size)
    if names != test_names or len(names) < 2:
        raise InputError(f"training has the classes {names}, testing {test_names}: need the same, at least two")
    commonest = np.bincount(targets).argmax()
    linear = make_pipeline(StandardScaler(), RidgeClassifierCV(PENALTIES)).fit(_flat(images), targets)
    model = trained(torch.tensor(images), torch.tensor(targets), len(names), steps, seed)
    return Learnability(
        chance=float((test_targets == commonest).mean()),
        linear=float(linear.score(_flat(test_images), test_targets)),
        cnn=float((predicted(model, torch.tensor(test_images)).numpy() == test_targets).mean()),
    )


def trained(images: Tensor, targets: Tensor, classes: int, steps: int, seed: int = 0) -> nn.Module:
    """A small network for uint8 [N, 3, S, S] images of the classes int64 [N]; in evaluation mode."""
    with isolated("learnability", seed):
        model = _network(classes, images.shape[-1])
    order = ShuffledIndices(len(images), BATCH, seed)

    def batch_at(step: int) -> tuple[Tensor, Tensor]:
        rows = order(step)
        return crop_and_flip(images[rows], generator("learnability", seed, step), pad=3), targets[rows]

    def loss_of(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        return nn.functional.cross_entropy(model(to_float(batch[0])), batch[1])

    fit(model, loss_of, batch_at, TrainConfig(steps, BATCH, lr=2e-3, optimizer="adamw", warmup=0.1, seed=seed))
    return model.eval()


def _network(classes: int, size: int) -> nn.Module:
    layers: list[nn.Module] = []
    for ins, outs in pairwise((3, WIDTH, 2 * WIDTH, 4 * WIDTH)):
        layers += [nn.Conv2d(ins, outs, 3, padding=1, bias=False), nn.BatchNorm2d(outs), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(4 * WIDTH * (size // 8) ** 2, classes))


@torch.no_grad()
def predicted(model: nn.Module, images: Tensor) -> Tensor:
    """The classes int64 [N] that a model names for uint8 [N, 3, S, S] images."""
    return torch.cat([model(to_float(some)).argmax(1) for some in images.split(256)])


def _read(table: pa.Table, size: int) -> tuple[Array, Array, list[str]]:
    """Images uint8 [N, 3, S, S], classes int64 [N] and the classes' names."""
    targets, names = sample_table.labels(table)
    if -1 in targets:
        raise InputError(f"row {targets.index(-1)} has no label: leave such rows out")
    return np.array(decode(table, size).pixels), np.array(targets), names


def _flat(images: Array) -> Array:
    return images.reshape(len(images), -1).astype(np.float32)
