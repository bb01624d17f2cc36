"""Training of residual networks on labelled images, from nothing or from pretrained weights, and their accuracy."""

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ndslib.core.errors import InputError
from ndslib.core.metrics import top1
from ndslib.core.models import ClassifierResNet, ResNet18, evaluating
from ndslib.core.seeding import derive_seed, generator
from ndslib.core.training import ShuffledIndices, TrainConfig, fit
from ndslib.data.augment import crop_and_flip
from ndslib.data.labelled import Labelled


def new_network(classes: int, width: int, stem: str, seed: int) -> ResNet18:
    """A randomly initialised ResNet-18."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed("client network", seed))  # a name that recorded runs depend on
        return ResNet18(classes, width, stem)


def train_on_labels(
    data: Labelled, config: TrainConfig, width: int = 64, stem: str = "cifar", checkpoint: Path | None = None
) -> ResNet18:
    """Train a ResNet-18 from random initialisation; images without a label are left out.

    Args:
        checkpoint: file to resume from after an interruption; name it after the data and the configuration.

    Raises:
        InputError: fewer than two classes have an image.
    """
    labelled = data.labels >= 0
    names, labels = np.unique(data.labels[labelled], return_inverse=True)
    if len(names) < 2:
        raise InputError("the images have fewer than two labelled classes: there is nothing to tell apart")
    model = new_network(len(names), width, stem, config.seed)
    batches = labelled_batches(Labelled(data.images[labelled], labels), config)
    fit(model, classification_loss, batches, config, checkpoint)
    return model


def fine_tune(pretrained: ClassifierResNet, data: Labelled, config: TrainConfig, flip: bool = True) -> ClassifierResNet:
    """Give a copy of a network a fresh head for the classes of `data` and train all of it.

    Args:
        flip: mirror half of the images (not for characters).

    Raises:
        InputError: an image without a label.
    """
    if (data.labels < 0).any():
        raise InputError(f"{int((data.labels < 0).sum())} of {len(data.labels)} training images have no label")
    model = copy.deepcopy(pretrained)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed("client head", config.seed))  # a name that recorded runs depend on
        model.replace_head(data.classes)
    fit(model, classification_loss, labelled_batches(data, config, flip), config)
    return model


def accuracy(model: nn.Module, test: Labelled, batch_size: int = 256) -> float:
    """Top-1 accuracy in [0, 1] on test images, without augmentation."""
    device = next(model.parameters()).device
    with evaluating(model), torch.inference_mode():
        parts = [
            model(torch.from_numpy(np.array(test.images[start : start + batch_size])).to(device)).float().cpu()
            for start in range(0, len(test.images), batch_size)
        ]
    return top1(torch.cat(parts), torch.from_numpy(test.labels))


def classification_loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Cross-entropy of (images [B, 3, S, S], labels int64[B])."""
    images, labels = batch
    return functional.cross_entropy(model(images), labels)


def labelled_batches(data: Labelled, config: TrainConfig, flip: bool = True) -> Callable[[int], tuple[Tensor, Tensor]]:
    """The batch of a step, a pure function of its number: images shuffled and `augmented`."""
    order = ShuffledIndices(len(data.images), config.batch_size, config.seed)
    labels = torch.from_numpy(np.ascontiguousarray(data.labels))

    def batch_at(step: int) -> tuple[Tensor, Tensor]:
        chosen = order(step)
        return augmented(data.images, chosen, config, step, flip), labels[chosen]

    return batch_at


def augmented(images: np.ndarray, chosen: Tensor, config: TrainConfig, step: int, flip: bool = True) -> Tensor:
    """The chosen images of a step, uint8 [B, 3, S, S], shifted by up to an eighth of the side and mirrored."""
    batch = torch.from_numpy(images[chosen.numpy()])
    return crop_and_flip(batch, generator("augment", config.seed, step, 0), batch.shape[-1] // 8, flip)
