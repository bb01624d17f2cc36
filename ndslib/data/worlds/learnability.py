"""Whether a world is neither trivial nor noise: how well a linear classifier and a small network learn its classes."""

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
from ndslib.core.models import ResNet18
from ndslib.core.seeding import generator, isolated
from ndslib.core.training import ShuffledIndices, TrainConfig, fit
from ndslib.data import sample_table
from ndslib.data.augment import crop_and_flip
from ndslib.data.images import decode

WIDTH = 8  # of the network's first stage: 0.17 million weights in all
BATCH = 32
PENALTIES = np.logspace(1, 6, 11)  # of the linear classifier, which takes the best for left-out training images


class Learnability(NamedTuple):
    """Accuracies on test images, 0 to 1.

    Attributes:
        chance: of always naming the class that is most common in training.
        linear: of ridge regression on standardised pixels.
        cnn: of a narrow ResNet-18.
    """

    chance: float
    linear: float
    cnn: float


def measure(train: pa.Table, test: pa.Table, size: int = 32, steps: int = 300, seed: int = 0) -> Learnability:
    """Learn the labels of a sample table's images, and count the hits among another's.

    Args:
        size: side of the images in pixels.
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
    """A narrow ResNet-18 for uint8 [N, 3, S, S] images of the classes int64 [N]; in evaluation mode."""
    with isolated("learnability", seed):
        model = ResNet18(classes, WIDTH)
    order = ShuffledIndices(len(images), BATCH, seed)

    def batch_at(step: int) -> tuple[Tensor, Tensor]:
        rows = order(step)
        return crop_and_flip(images[rows], generator("learnability", seed, step), pad=2), targets[rows]

    def loss_of(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        return nn.functional.cross_entropy(model(batch[0]), batch[1])

    fit(model, loss_of, batch_at, TrainConfig(steps, BATCH, lr=2e-3, optimizer="adamw", warmup=0.1, seed=seed))
    return model.eval()


@torch.no_grad()
def predicted(model: nn.Module, images: Tensor) -> Tensor:
    """The classes int64 [N] that a model names for uint8 [N, 3, S, S] images."""
    return torch.cat([model(some).argmax(1) for some in images.split(256)])


def _read(table: pa.Table, size: int) -> tuple[Array, Array, list[str]]:
    """Images uint8 [N, 3, S, S], classes int64 [N] and the classes' names."""
    targets, names = sample_table.labels(table)
    if -1 in targets:
        raise InputError(f"row {targets.index(-1)} has no label: leave such rows out")
    return np.array(decode(table, size).pixels), np.array(targets), names


def _flat(images: Array) -> Array:
    return images.reshape(len(images), -1).astype(np.float32)
