"""What the client does with the recommended images: pretrain on them, fine-tune on its own data, measure top-1.

Pretraining uses the labels of the selection (NDS section 4.2), RotNet (NDS-S Table 2) or MoCo (`moco`, NDS-S Table 1).
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from ndslib.core.classification import augmented, new_network, train_on_labels
from ndslib.core.errors import InputError
from ndslib.core.models import ResNet18
from ndslib.core.seeding import generator
from ndslib.core.training import ShuffledIndices, TrainConfig, fit
from ndslib.data.augment import contrastive_view
from ndslib.data.labelled import Labelled
from ndslib.nds.experts import ROTATIONS, rotation_loss
from ndslib.nds.moco import MoCo, moco_loss

Pretext = Literal["labels", "rotation", "moco"]


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
        if len(np.unique(selection.labels[selection.labels >= 0])) < 2:
            raise InputError("the selection holds fewer than two labelled classes: pretrain with pretext='rotation'")
        return train_on_labels(selection, config, width, stem, checkpoint)
    if pretext == "rotation":
        model = new_network(ROTATIONS, width, stem, config.seed)
        config = replace(config, batch_size=max(1, config.batch_size // ROTATIONS))
        fit(model, rotation_loss, _image_batches(selection.images, config), config, checkpoint)
        return model
    if pretext == "moco":
        return _pretrain_by_moco(selection, config, width, stem, checkpoint)
    raise InputError(f"pretext is {pretext!r}; choose 'labels', 'rotation' or 'moco'")


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


def _image_batches(images: np.ndarray, config: TrainConfig) -> Callable[[int], Tensor]:
    order = ShuffledIndices(len(images), config.batch_size, config.seed)
    return lambda step: augmented(images, order(step), config, step)


def _pair_batches(images: np.ndarray, config: TrainConfig) -> Callable[[int], tuple[Tensor, Tensor]]:
    """Two augmented views of each image, as MoCo wants them."""
    order = ShuffledIndices(len(images), config.batch_size, config.seed)

    def batch_at(step: int) -> tuple[Tensor, Tensor]:
        batch = torch.from_numpy(images[order(step).numpy()])
        first, second = (contrastive_view(batch, generator("view", config.seed, step, view)) for view in (0, 1))
        return first, second

    return batch_at
