"""The feature extractor whose features are clustered: ImageNet's weights, or a network trained here and cached.

The paper clusters features of a network pretrained on ImageNet (NDS section 3.2.1). Where those weights are not at
hand, a classifier of all labelled classes of the server stands in, trained like one large expert.
"""

from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from torch import nn

from ndslib.core import features
from ndslib.core.errors import InputError
from ndslib.core.files import digest
from ndslib.core.models import IMAGE_MEAN, IMAGE_STD
from ndslib.data import images, sample_table
from ndslib.nds.experts import ExpertConfig, ExpertJob, load_expert, train_experts

OWN = features.Preprocessing(IMAGE_MEAN, IMAGE_STD)


@dataclass(frozen=True)
class Extractor:
    """A network from normalised images [B, 3, S, S] to features [B, D], with the preprocessing that it expects."""

    network: nn.Module
    preprocessing: features.Preprocessing = OWN

    @cached_property
    def fingerprint(self) -> str:
        """Names the weights and the preprocessing."""
        return digest(features.fingerprint(self.network), asdict(self.preprocessing))

    def features(self, pixels: np.ndarray, device: str = "cpu") -> np.ndarray:
        """Features float32[N, D] of images uint8[N, 3, S, S], from the cache when they were computed before."""
        tensor = torch.from_numpy(np.array(pixels))
        return features.cached_features(self.network, tensor, self.preprocessing, device=device).numpy()


def imagenet(name: str = "resnet18") -> Extractor:
    """A torchvision network with its ImageNet weights, images scaled to 224 pixels.

    Raises:
        InputError: the weights are not on this machine (the message says how to fetch them).
    """
    return Extractor(features.imagenet_extractor(name), features.IMAGENET)


def trained(table: pa.Table, size: int, config: ExpertConfig, on_corrupt: str = "raise") -> Extractor:
    """The penultimate layer of a classifier of all labelled classes of a sample table (`train_on_all`)."""
    network = load_expert(train_on_all(table, size, config, on_corrupt=on_corrupt))
    network.fc = nn.Identity()
    return Extractor(network)


def train_on_all(
    table: pa.Table, size: int, config: ExpertConfig, name: str = "feature extractor", on_corrupt: str = "raise"
) -> Path:
    """Train one network on every labelled image of a sample table, or take it from the cache.

    With `config.task` `rotation`, labels are not looked at and every image counts. Returns an expert file.

    Raises:
        InputError: an image is corrupt (with `on_corrupt` `raise`), or no image has a label.
    """
    decoded = images.decode(table, size, on_corrupt)
    labels, classes = sample_table.labels(table)
    labels = np.array(labels)[decoded.rows]
    if config.task == "rotation":
        job = ExpertJob(decoded.path, decoded.rows, name)
    else:
        rows = np.flatnonzero(labels >= 0)
        if rows.size == 0:
            raise InputError(f"{name}: none of the {len(labels)} images has a label; use task='rotation'")
        job = ExpertJob(decoded.path, decoded.rows[rows], name, labels[rows], tuple(classes))
    (path,) = train_experts([job], config, description=name)
    return path
