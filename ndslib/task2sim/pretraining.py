"""Pretraining on synthetic images: a data set of a setting, and the backbone that learns its classes (T2S section 3.1).

A backbone is kept under a name that tells all it depends on, so none is trained twice: the authors' run would pretrain
some thousand times, while only 256 different data sets exist.
"""

import contextlib
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional
from torchvision.transforms import v2

from ndslib.core import paths, weights
from ndslib.core.cache import cached
from ndslib.core.classification import classification_loss, labelled_batches
from ndslib.core.errors import InputError
from ndslib.core.files import digest
from ndslib.core.models import ClassifierResNet, ResNet18, ResNet50, to_float
from ndslib.core.seeding import isolated
from ndslib.core.training import ShuffledIndices, TrainConfig, fit
from ndslib.data.labelled import Labelled
from ndslib.sim.parameters import check_settings
from ndslib.sim.simulator import Simulator

VERSION = 1  # raise it when pretraining changes, so that no old backbone is taken
RECIPES = ("light", "paper")
DROP_PATH, SMOOTHING, MAGNITUDE = 0.1, 0.1, 9  # of the recipe `paper`
MIXES = ((v2.MixUp, 0.8), (v2.CutMix, 1.0))  # likewise; each batch takes one of them
FORMAT = "ndslib task2sim backbone 1"


@dataclass(frozen=True)
class Pretraining:
    """How a backbone is pretrained on synthetic images.

    Attributes:
        classes: object classes, spread evenly over the simulator's.
        images_per_class: at least 1.
        size: side of the images in pixels.
        train: optimiser, steps and seed.
        backbone: `resnet18` (with `width` and `stem` as in `core.models.ResNet18`) or `resnet50`.
        recipe: `light` (shifts and mirroring) or `paper`: RandAugment (magnitude 9), mixup 0.8 or cutmix 1, label
            smoothing 0.1 and, in ResNet-50, drop path 0.1, as in the authors' code.
        seed: draws the images.

    Raises:
        InputError: an unknown backbone or recipe, or fewer than two classes or one image.
    """

    classes: int
    images_per_class: int
    size: int
    train: TrainConfig
    backbone: str = "resnet18"
    width: int = 16
    stem: str = "imagenet"
    recipe: str = "light"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.classes < 2 or self.images_per_class < 1:
            raise InputError(
                f"pretraining on {self.classes} classes of {self.images_per_class} images: give at least 2 of 1"
            )
        if self.backbone not in ("resnet18", "resnet50") or self.recipe not in RECIPES:
            raise InputError(
                f"backbone is {self.backbone!r} and recipe {self.recipe!r}; choose resnet18 or resnet50, and one of "
                f"{', '.join(RECIPES)}"
            )

    def class_ids(self, simulator: Simulator) -> list[int]:
        """The classes to render, as places among the simulator's.

        Raises:
            InputError: the simulator has fewer classes.
        """
        total = len(simulator.classes)
        if self.classes > total:
            raise InputError(f"{self.classes} classes are asked for, the simulator has {total}; ask for fewer")
        return spread(self.classes, total)

    def new_backbone(self, classes: int | None = None) -> ClassifierResNet:
        """A randomly initialised network; the same for every setting."""
        with isolated("backbone", self.train.seed):
            if self.backbone == "resnet50":
                return ResNet50(classes or self.classes, DROP_PATH if self.recipe == "paper" else 0.0)
            return ResNet18(classes or self.classes, self.width, self.stem)


def spread(count: int, total: int) -> list[int]:
    """`count` places among `total`, evenly apart."""
    return [number * total // count for number in range(count)]


class Source(Protocol):
    """What a backbone is pretrained on."""

    @property
    def pretraining(self) -> Pretraining:
        """How."""

    @property
    def backbone_key(self) -> str:
        """Names the backbone: its images, network, and how it was trained."""

    def backbone(self) -> ClassifierResNet:
        """The backbone in evaluation mode, from the cache when it was trained before."""


@dataclass(frozen=True)
class SyntheticSet:
    """The pretraining data of a setting: what a simulator draws with it.

    Attributes:
        setting: levels in the order of the simulator's parameters.

    Raises:
        InputError: not a setting of the simulator.
    """

    simulator: Simulator = field(repr=False)
    setting: tuple[int, ...]
    pretraining: Pretraining

    def __post_init__(self) -> None:
        check_settings(self.setting, self.simulator.parameters)

    @cached_property
    def key(self) -> str:
        """Names the images."""
        wanted = self.pretraining
        ids = wanted.class_ids(self.simulator)
        return digest(
            self.simulator.fingerprint(), self.setting, ids, wanted.images_per_class, wanted.size, wanted.seed
        )

    @cached_property
    def backbone_key(self) -> str:
        """Names the backbone."""
        return _backbone_key(self.key, self.pretraining)

    def images(self) -> Labelled:
        """The images and their classes 0, 1, ...; drawn into the cache when they are not there."""
        folder = cached("task2sim-pictures", self.key, self._draw)
        try:
            images = np.load(folder / "images.npy", mmap_mode="r", allow_pickle=False)
            return Labelled(images, np.load(folder / "labels.npy", allow_pickle=False))
        except FileNotFoundError:  # another process with the same images was done with them just now
            return self.images()

    def backbone(self) -> ClassifierResNet:
        """The backbone; an interrupted training resumes. The images go once it stands: they can be drawn again.

        Raises:
            InputError: what the simulator or `core.training.fit` refuses, pictures that were not asked for, or a
                training that diverges.
        """
        network = _kept(self.backbone_key, self.pretraining, self.images)
        folder = paths.cache_root() / "task2sim-pictures" / self.key
        if folder.is_dir():
            aside = tempfile.TemporaryDirectory(prefix=".removing-", dir=folder.parent)
            with aside as place, contextlib.suppress(FileNotFoundError):  # another process was faster
                folder.rename(Path(place, self.key))  # at once: what a kill left of it would be taken for the whole
        return network

    def _draw(self, folder: Path) -> None:
        wanted = self.pretraining
        ids = wanted.class_ids(self.simulator)
        count, side = wanted.classes * wanted.images_per_class, wanted.size
        folder.mkdir()
        images = np.lib.format.open_memmap(folder / "images.npy", "w+", np.uint8, (count, 3, side, side))
        given: list[int] = []
        for pictures, numbers in self.simulator.generate(self.setting, ids, wanted.images_per_class, side, wanted.seed):
            place = images[len(given) : len(given) + len(numbers)]
            if pictures.shape != place.shape or pictures.dtype != torch.uint8:
                raise InputError(
                    f"the simulator gave {pictures.dtype} {tuple(pictures.shape)} after {len(given)} of {count} "
                    f"pictures, wanted uint8 [B, 3, {side}, {side}]: see its output"
                )
            place[:] = pictures.numpy()
            given += numbers.tolist()
        if Counter(given) != Counter(dict.fromkeys(ids, wanted.images_per_class)):
            raise InputError(
                f"the simulator gave {len(given)} pictures, {dict(Counter(given))} by class; wanted "
                f"{wanted.images_per_class} of each of {ids}: see its output"
            )
        images.flush()
        np.save(folder / "labels.npy", np.searchsorted(ids, given))


@dataclass(frozen=True)
class GivenImages:
    """Pretraining on images that are there: the real ones of T2S section 4.2's baseline.

    Attributes:
        key: names the images.
    """

    data: Labelled = field(repr=False)
    key: str
    pretraining: Pretraining

    @cached_property
    def backbone_key(self) -> str:
        """Names the backbone."""
        return _backbone_key(self.key, self.pretraining)

    def backbone(self) -> ClassifierResNet:
        """The backbone."""
        return _kept(self.backbone_key, self.pretraining, lambda: self.data)


@dataclass(frozen=True)
class Scratch:
    """No pretraining: the network as every other one starts."""

    pretraining: Pretraining

    @property
    def backbone_key(self) -> str:
        """Names the backbone."""
        return _backbone_key("scratch", self.pretraining)

    def backbone(self) -> ClassifierResNet:
        """The network without training, in evaluation mode."""
        return self.pretraining.new_backbone().eval()


def _backbone_key(data_key: str, pretraining: Pretraining) -> str:
    how = {
        name: value for name, value in asdict(pretraining).items() if name not in ("size", "seed", "images_per_class")
    }
    return digest(VERSION, data_key, how)


def _kept(key: str, pretraining: Pretraining, load: Callable[[], Labelled]) -> ClassifierResNet:
    checkpoint = paths.cache_root() / "task2sim-backbones" / f"{key}.checkpoint"

    def build(path: Path) -> None:
        data = load()
        network = pretraining.new_backbone(data.classes)
        batches, loss = recipe(data, pretraining)
        with isolated("pretraining", pretraining.train.seed):  # drop path draws from the global generator
            fit(network, loss, batches, pretraining.train, checkpoint, identity=key)
        _check_sound(network, data, pretraining.train)
        weights.save(path, network, "backbone", {"format": FORMAT, "classes": data.classes})

    path = cached("task2sim-backbones", key, build, ".safetensors")
    checkpoint.unlink(missing_ok=True)
    metadata = weights.read_metadata(path, "backbone", FORMAT, "a backbone", "delete it to have it trained again")
    network = pretraining.new_backbone(metadata["classes"])
    network.load_state_dict(load_file(path))
    return network.eval()


def _check_sound(network: ClassifierResNet, data: Labelled, config: TrainConfig) -> None:
    """Refuse a network that has diverged: no accuracy could ever be measured with it."""
    images = torch.tensor(data.images[: config.batch_size], device=config.device)
    with torch.no_grad():
        features = network.eval().features(images)
    if not torch.isfinite(features).all():
        raise InputError(
            f"the features of images are not finite after pretraining with lr {config.lr:g} ({config.steps} steps): "
            "it has diverged; lower lr, or add warmup or clip"
        )


def recipe(data: Labelled, pretraining: Pretraining) -> tuple[Callable[[int], Any], Callable[[nn.Module, Any], Tensor]]:
    """The batch of a step and the loss of a batch, as `core.training.fit` wants them."""
    config = pretraining.train
    if pretraining.recipe == "light":
        return labelled_batches(data, config), classification_loss
    order = ShuffledIndices(len(data.images), config.batch_size, config.seed)
    labels, change = torch.from_numpy(data.labels), v2.RandAugment(magnitude=MAGNITUDE)
    mix = v2.RandomChoice([each(alpha=alpha, num_classes=data.classes) for each, alpha in MIXES])

    def batch_at(step: int) -> tuple[Tensor, Tensor]:
        chosen = order(step)
        with isolated("augment", config.seed, step):
            images = torch.stack([change(image) for image in torch.from_numpy(data.images[chosen.numpy()])])
            return mix(to_float(images), labels[chosen])  # labels become shares of the classes, float [B, C]

    def loss_of(network: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        return functional.cross_entropy(network(batch[0]), batch[1], label_smoothing=SMOOTHING)

    return batch_at, loss_of
