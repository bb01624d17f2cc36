"""The detectors of the transfer experiments: pretrained on a selection, fine-tuned on a client, measured on its test
images.

Each is cached under its content: a killed run computes only what is missing, and clients share what they can.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa
from torch import nn
from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN

from ndslib.core import paths
from ndslib.core.cache import cached
from ndslib.core.detection import (
    DetectorConfig,
    detection_loss,
    detector,
    evaluate,
    load_detector,
    replace_heads,
    save_detector,
)
from ndslib.core.errors import InputError
from ndslib.core.features import fingerprint, imagenet_extractor
from ndslib.core.files import digest
from ndslib.core.seeding import isolated
from ndslib.core.training import TrainConfig, fit
from ndslib.data.detection_images import DetectionImages, training_batches
from ndslib.data.objects import class_names
from ndslib.nds import extractor
from ndslib.nds.detection_scenarios import LABELLED_SIDE, Extent, load_scenario
from ndslib.nds.experiments import Settings, content
from ndslib.nds.experts import ExpertConfig
from ndslib.nds.scenarios import Client, Scenario

VERSION = 1  # raise it when pretraining or fine-tuning changes, so that no old result is taken
CLIP = 5.0  # largest gradient norm


@dataclass(frozen=True)
class DetectionSettings(Settings):
    """What a detection experiment depends on beside its method; the notebook's parameters, one to one.

    `scenario` is one of `detection_scenarios`; `width` is that of experts and of the small detector's body. ImageNet's
    weights have two roles: their features are clustered, and detectors start from them. `extractor` (see `Settings`)
    says for both whether a network trained here stands for them, and with it which detectors: `imagenet` the published
    ones with a ResNet-50, by SGD, `trained` small ones, by AdamW, which gets further in few steps. `server_images`,
    `train_images`, `test_images` and `labelled`: see `detection_scenarios.Extent`.

    Attributes:
        detector_batch: images in a step of a detector; `batch_size` is that of the networks that stand for ImageNet's.
        size: side in pixels of drawn scenes, and to which detectors scale an image's shorter side.
        expert_size: side in pixels of the images that experts see.
    """

    detector_batch: int = 4
    size: int = 96
    expert_size: int = 32
    server_images: int = 120
    train_images: int = 24
    test_images: int = 24
    labelled: int = 40

    def load(self, masks: bool = False) -> Scenario:
        """The scenario's sources and clients, less unreadable images where `on_corrupt` says so.

        Args:
            masks: whether Open Images has its objects with masks (`detection_scenarios.Extent`).
        """
        extent = Extent(
            self.server_images,
            self.train_images,
            self.test_images,
            self.size,
            self.expert_size,
            self.labelled,
            self.workers,
            masks,
        )
        scenario = load_scenario(self.scenario, extent, self.seed, self.k)
        return scenario.readable() if self.on_corrupt == "skip" else scenario

    @property
    def published(self) -> bool:
        """Whether detectors are those of the paper."""
        return self.extractor == "imagenet"

    def train_detector(self, steps: int, lr: float) -> TrainConfig:
        """Detectors are trained with clipped gradients: the first steps of fresh heads diverge without."""
        optimizer = "sgd" if self.published else "adamw"
        return self.train(steps, self.detector_batch, lr, optimizer=optimizer, clip=CLIP)

    def detector(self, masks: bool) -> DetectorConfig:
        """The detector's architecture: Mask R-CNN with masks, else Faster R-CNN."""
        if self.published:  # torchvision's choices for a body with ImageNet's weights
            return DetectorConfig("resnet50", masks, size=self.size, frozen_norm=True, trainable_layers=3)
        return DetectorConfig("small", masks, self.width, self.size)


@dataclass(frozen=True)
class Pretraining:
    """A detector to pretrain on a selection of the server's images.

    Attributes:
        selection: the selected rows; None for no pretraining.
        classes: of the head for pretraining, the union over the server's datasets.
        masks: Mask R-CNN on boxes and masks, else Faster R-CNN on boxes.
        body: the network whose layers the detector's body starts from.
        content: names the selected images and their objects.
    """

    selection: pa.Table | None
    classes: tuple[str, ...]
    masks: bool
    body: nn.Module
    content: str
    settings: DetectionSettings

    @cached_property
    def key(self) -> str:
        """Names the detector: its start, images, objects and training."""
        settings = self.settings
        start = [asdict(settings.detector(self.masks)), fingerprint(self.body), settings.seed]
        if self.selection is None:
            return digest(VERSION, start)
        run = asdict(settings.train_detector(settings.pretrain_steps, settings.pretrain_lr))
        return digest(VERSION, start, self.content, self.classes, run)


def starting_network(scenario: Scenario, settings: DetectionSettings) -> nn.Module:
    """The classifier whose layers detectors start from: ImageNet's weights, or what is trained here in their place.

    Raises:
        InputError: the settings' `extractor` is neither `imagenet` nor `trained`, or the weights are absent.
    """
    if settings.extractor == "imagenet":
        return imagenet_extractor("resnet50")
    if settings.extractor != "trained":
        raise InputError(f"extractor is {settings.extractor!r}; choose 'trained' or 'imagenet'")
    train = settings.train(settings.extractor_steps, settings.batch_size, settings.expert_lr)
    config = ExpertConfig(train, "classification", settings.width, stem="imagenet")
    return extractor.trained(scenario.labelled, LABELLED_SIDE, config).network


def content_of(table: pa.Table, size: int) -> str:
    """Names the images and objects of a table."""
    return digest(content(table, size), table["annotation"].to_pylist())


def pretrained(start: Pretraining) -> Path | None:
    """The file of a pretrained detector; None without pretraining."""
    settings, selection = start.settings, start.selection
    if selection is None:
        return None

    def fresh() -> GeneralizedRCNN:
        return detector(len(start.classes), settings.detector(start.masks), settings.seed, start.body)

    config = settings.train_detector(settings.pretrain_steps, settings.pretrain_lr)
    return _trained("pretraining", start.key, fresh, selection, start.classes, start.masks, config)


def fine_tuned(start: Pretraining, client: Client, size: int) -> Path:
    """The file of a detector that was pretrained and then fine-tuned on a client, with fresh heads for its classes.

    `size` is the side of the images by whose pixels the client's are named.
    """
    settings, classes = start.settings, class_names(client.train)

    def with_fresh_heads() -> GeneralizedRCNN:
        file = pretrained(start)
        if file is None:
            return detector(len(classes), settings.detector(start.masks), settings.seed, start.body)
        model = load_detector(file)
        replace_heads(model, len(classes), settings.seed)
        return model

    config = settings.train_detector(settings.finetune_steps, settings.finetune_lr)
    key = _fine_tuned_key(start, client, size)
    return _trained("fine-tuning", key, with_fresh_heads, client.train, classes, start.masks, config)


def _trained(
    stage: str,
    key: str,
    new_model: Callable[[], GeneralizedRCNN],
    table: pa.Table,
    classes: Sequence[str],
    masks: bool,
    config: TrainConfig,
) -> Path:
    """The file of a detector trained on the objects of a table, from the cache when it was trained before."""
    checkpoint = paths.cache_root() / "detectors" / f"{key}.checkpoint"

    def build(place: Path) -> None:
        model = new_model()
        batches = training_batches(DetectionImages(table, classes, masks), config.batch_size, config.seed)
        with isolated(stage, config.seed):  # which proposals are learnt from is drawn globally
            fit(model, detection_loss, batches, config, checkpoint)
        save_detector(place, model, classes)

    place = cached("detectors", key, build, ".safetensors")
    checkpoint.unlink(missing_ok=True)
    return place


def _fine_tuned_key(start: Pretraining, client: Client, size: int) -> str:
    settings = start.settings
    run = asdict(settings.train_detector(settings.finetune_steps, settings.finetune_lr))
    return digest(start.key, content_of(client.train, size), run)


def measure(call: tuple[Pretraining, Client, int]) -> dict[str, float]:
    """AP of a client after fine-tuning, from the cache when measured before."""
    start, client, size = call

    def build(place: Path) -> None:
        classes = class_names(client.train)
        model = load_detector(fine_tuned(start, client, size), start.settings.device)
        found = evaluate(model, DetectionImages(client.test, classes, start.masks))
        place.write_text(json.dumps(_as_printed(found, classes)))

    key = digest(_fine_tuned_key(start, client, size), content_of(client.test, size))
    return json.loads(cached("detections", key, build, ".json").read_text())


def _as_printed(found: Mapping[str, Mapping[str, float]], classes: Sequence[str]) -> dict[str, float]:
    """COCO's metrics under the tables' names; what no test image can tell (-1) is left out."""
    named = {}
    for kind, metrics in found.items():
        name = {"bbox": "box", "segm": "mask"}[kind]
        named |= {f"{name} AP{level}": metrics[f"map_{level}" if level else "map"] for level in ("", "50", "75")}
        named |= {f"{name} AP | {each}": metrics.get(f"map | {label}", -1) for label, each in enumerate(classes, 1)}
    return {name: value for name, value in named.items() if value >= 0}
