"""What the client does with the recommended images: pretrain on them, fine-tune on its own data, measure top-1.

Pretraining uses the labels of the selection (NDS section 4.2), RotNet (NDS-S Table 2) or MoCo (`moco`, NDS-S Table 1).
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from ndslib.core.errors import InputError
from ndslib.core.metrics import top1
from ndslib.core.models import ResNet18
from ndslib.core.seeding import derive_seed, generator
from ndslib.core.training import ShuffledIndices, TrainConfig, fit
from ndslib.data.augment import contrastive_view, crop_and_flip
from ndslib.nds.experts import ROTATIONS, classification_loss, rotation_loss
from ndslib.nds.moco import MoCo, moco_loss

Pretext = Literal["labels", "rotation", "moco"]


@dataclass(frozen=True)
class Labelled:
    """Images in memory with their labels.

    Attributes:
        images: uint8[N, 3, S, S].
        labels: int64[N]; -1 where there is none (allowed for self-supervised pretraining only).
    """

    images: np.ndarray
    labels: np.ndarray

    def __post_init__(self) -> None:
        if len(self.images) != len(self.labels):
            raise InputError(f"{len(self.images)} images but {len(self.labels)} labels: give one label an image")
        if len(self.images) == 0:
            raise InputError("there are no images")

    @property
    def classes(self) -> int:
        """Number of classes: the largest label plus one."""
        return int(self.labels.max()) + 1


def new_network(classes: int, width: int, stem: str, seed: int) -> ResNet18:
    """A randomly initialised ResNet-18, the client's network ("Random Init." of NDS Table 4)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed("client network", seed))
        return ResNet18(classes, width, stem)


def pretrain(
    selection: Labelled,
    config: TrainConfig,
    width: int = 64,
    stem: str = "cifar",
    pretext: Pretext = "labels",
    checkpoint: Path | None = None,
) -> ResNet18:
    """Pretrain the client's network from random initialisation on a selection.

    Args:
        pretext: `labels` (images without one are left out; classes of all datasets together), `rotation` (a quarter of
            the batch, at its four rotations: the same compute as a batch of labels) or `moco`.
        checkpoint: file to resume from after an interruption; name it after the selection and the configuration.

    Raises:
        InputError: `labels` with fewer than two labelled classes, or an unknown pretext.
    """
    if pretext == "labels":
        return _pretrain_on_labels(selection, config, width, stem, checkpoint)
    if pretext == "rotation":
        model = new_network(ROTATIONS, width, stem, config.seed)
        config = replace(config, batch_size=max(1, config.batch_size // ROTATIONS))
        fit(model, rotation_loss, _image_batches(selection.images, config), config, checkpoint)
        return model
    if pretext == "moco":
        return _pretrain_by_moco(selection, config, width, stem, checkpoint)
    raise InputError(f"pretext is {pretext!r}; choose 'labels', 'rotation' or 'moco'")


def _pretrain_on_labels(
    selection: Labelled, config: TrainConfig, width: int, stem: str, checkpoint: Path | None
) -> ResNet18:
    labelled = selection.labels >= 0
    if len(np.unique(selection.labels[labelled])) < 2:
        raise InputError("the selection holds fewer than two labelled classes: pretrain with pretext='rotation'")
    names, labels = np.unique(selection.labels[labelled], return_inverse=True)
    model = new_network(len(names), width, stem, config.seed)
    data = Labelled(selection.images[labelled], labels)
    fit(model, classification_loss, _labelled_batches(data, config), config, checkpoint)
    return model


def _pretrain_by_moco(
    selection: Labelled, config: TrainConfig, width: int, stem: str, checkpoint: Path | None
) -> ResNet18:
    """MoCo with the source's settings where the run is long enough for them: a short one needs a smaller queue than its
    selection, and a key network that can follow within its steps."""
    queue_size = min(65_536, max(config.batch_size, len(selection.images) // 2))
    momentum = min(0.999, 1 - 5 / max(config.steps, 10))
    moco = MoCo(new_network(1, width, stem, config.seed), queue_size, momentum=momentum, seed=config.seed)
    fit(moco, moco_loss, _pair_batches(selection.images, config), config, checkpoint)
    return moco.query


def fine_tune(pretrained: ResNet18, client: Labelled, config: TrainConfig) -> ResNet18:
    """Give a copy of a network a fresh head for the client's classes and train all of it on the client's images."""
    if (client.labels < 0).any():
        raise InputError(f"{int((client.labels < 0).sum())} of the client's training images have no label")
    model = copy.deepcopy(pretrained)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed("client head", config.seed))
        model.replace_head(client.classes)
    fit(model, classification_loss, _labelled_batches(client, config), config)
    return model


def accuracy(model: nn.Module, test: Labelled, batch_size: int = 256) -> float:
    """Top-1 accuracy in [0, 1] on test images, without augmentation."""
    device = next(model.parameters()).device
    model.eval()
    with torch.inference_mode():
        parts = [
            model(torch.from_numpy(np.array(test.images[start : start + batch_size])).to(device)).float().cpu()
            for start in range(0, len(test.images), batch_size)
        ]
    return top1(torch.cat(parts), torch.from_numpy(test.labels))


def _augmented(images: np.ndarray, chosen: Tensor, config: TrainConfig, step: int) -> Tensor:
    batch = torch.from_numpy(images[chosen.numpy()])
    return crop_and_flip(batch, generator("augment", config.seed, step, 0), pad=batch.shape[-1] // 8)


def _labelled_batches(data: Labelled, config: TrainConfig) -> Callable[[int], tuple[Tensor, Tensor]]:
    order = ShuffledIndices(len(data.images), config.batch_size, config.seed)
    labels = torch.from_numpy(np.ascontiguousarray(data.labels))

    def batch_at(step: int) -> tuple[Tensor, Tensor]:
        chosen = order(step)
        return _augmented(data.images, chosen, config, step), labels[chosen]

    return batch_at


def _image_batches(images: np.ndarray, config: TrainConfig) -> Callable[[int], Tensor]:
    order = ShuffledIndices(len(images), config.batch_size, config.seed)
    return lambda step: _augmented(images, order(step), config, step)


def _pair_batches(images: np.ndarray, config: TrainConfig) -> Callable[[int], tuple[Tensor, Tensor]]:
    """Two augmented views of each image, as MoCo wants them."""
    order = ShuffledIndices(len(images), config.batch_size, config.seed)

    def batch_at(step: int) -> tuple[Tensor, Tensor]:
        batch = torch.from_numpy(images[order(step).numpy()])
        first, second = (contrastive_view(batch, generator("view", config.seed, step, view)) for view in (0, 1))
        return first, second

    return batch_at
