"""An experiment's settings: its tasks, simulator, pretraining and policy; the notebooks' parameters, one to one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from torch import nn

from ndslib.core.errors import InputError
from ndslib.core.presets import settings_of
from ndslib.core.training import TrainConfig
from ndslib.data.worlds import photos, streetside
from ndslib.sim import ProceduralLibrary, TorchSimulator
from ndslib.sim.catalogue import CLASSES
from ndslib.task2sim.embedding import task_vectors
from ndslib.task2sim.live import LiveRewards
from ndslib.task2sim.pretraining import Pretraining
from ndslib.task2sim.probe import ImagenetProbe
from ndslib.task2sim.real_images import real_images
from ndslib.task2sim.tasks import Task, load_tasks

# No object of pretraining is a class of a downstream task.
OBJECTS = tuple(name for name in CLASSES if name not in {*photos.CLASSES, *streetside.CLASSES})
FINE_TUNING_DROPS = (0.5, 0.75)  # epochs 25 and 37 of 50


@dataclass(frozen=True)
class Settings:
    """What an experiment depends on beside the settings of the simulator.

    Attributes:
        tasks: a group of `tasks.load_tasks`, with `train_per_class` and `test_per_class`.
        task_names: of the group only these, all if none is named.
        size: side of the images in pixels, of tasks and of pretraining.
        classes, images_per_class, meshes_per_class: of the pretraining data.
        steps, batch_size, lr, optimizer, weight_decay: of pretraining; a short warm-up, then a cosine.
        backbone, width, stem, recipe: as in `pretraining.Pretraining`.
        large_classes, large_images_per_class: of the larger pretraining sets of Tables 2 and 3; with as many epochs.
        fine_tuning_steps, fine_tuning_batch, fine_tuning_lr: of full fine-tuning on a task (`fine_tuning`).
        probe: of Task2Vec, `pretrained` or `imagenet`; if none is named, the latter for the tasks `paper` alone. The
            first is the backbone that `backbone` names, pretrained on the real images, a ResNet-50 where all backbones
            are: no weights from elsewhere, but not the paper's 9600 values. The second is ImageNet's ResNet-18 (T2S
            section 4.1). It looks at `task2vec_samples` images.
        free: the simulation parameters that settings choose, all if none is named (`live.LiveRewards`).
        data_seed: of the tasks' and the pretraining images and the backbone's start: rewards of one data seed are
            shared by all seeds of the policy.
        device, precision, workers, engine: where pretraining runs, and how many settings at a time.
    """

    tasks: str = "worlds"
    size: int = 32
    train_per_class: int = 10
    test_per_class: int = 20
    classes: int = 12
    images_per_class: int = 8
    meshes_per_class: int = 8
    steps: int = 40
    batch_size: int = 32
    lr: float = 0.05
    optimizer: str = "sgd"
    weight_decay: float = 5e-4
    backbone: str = "resnet18"
    width: int = 16
    stem: str = "imagenet"
    recipe: str = "light"
    large_classes: int = 16
    large_images_per_class: int = 12
    fine_tuning_steps: int = 60
    fine_tuning_batch: int = 32
    fine_tuning_lr: float = 0.02
    probe: str = ""
    task2vec_samples: int = 1000
    free: tuple[str, ...] = ()
    task_names: tuple[str, ...] = ()
    data_seed: int = 0
    device: str = "cpu"
    precision: str = "fp32"
    workers: int = 1
    engine: str = "processes"

    def __post_init__(self) -> None:
        for name in ("free", "task_names"):
            object.__setattr__(self, name, tuple(getattr(self, name)))  # of a notebook, a list

    @classmethod
    def of(cls, parameters: Mapping[str, object]) -> "Settings":
        """From a notebook's parameters (`presets.settings_of`)."""
        return settings_of(cls, parameters)

    @lru_cache(maxsize=2)  # noqa: B019 - the steps of one experiment share the images of equal settings
    def load(self) -> list[Task]:
        """The tasks' images and labels, seen tasks first."""
        counts = (self.train_per_class, self.test_per_class)
        return load_tasks(self.tasks, self.size, *counts, self.data_seed, names=self.task_names)

    @property
    def simulator(self) -> TorchSimulator:
        """What draws the pretraining images."""
        library = ProceduralLibrary(OBJECTS, meshes_per_class=self.meshes_per_class)
        return TorchSimulator(self.size, self.device, library)

    @property
    def pretraining(self) -> Pretraining:
        """How every backbone is pretrained."""
        train = TrainConfig(
            self.steps,
            self.batch_size,
            self.lr,
            self.optimizer,
            weight_decay=self.weight_decay,
            warmup=0.1,
            device=self.device,
            precision=self.precision,
            seed=self.data_seed,
        )
        network = (self.backbone, self.width, self.stem, self.recipe)
        return Pretraining(self.classes, self.images_per_class, self.size, train, *network, seed=self.data_seed)

    @property
    def fine_tuning(self) -> TrainConfig:
        """How a network is fine-tuned on a task: SGD, with a short warm-up and a cosine.

        With the recipe `paper` the rate drops to a tenth at half and at three quarters instead, as in the authors'
        code. What differs from it: so many steps for every task instead of 50 epochs, one rate and batch for all tasks
        instead of each task's own, and no dropout before the head.
        """
        schedule = {"warmup": 0.1}
        if self.recipe == "paper":
            schedule = {"schedule": "step", "milestones": FINE_TUNING_DROPS}
        where = {"device": self.device, "precision": self.precision, "seed": self.data_seed}
        return TrainConfig(self.fine_tuning_steps, self.fine_tuning_batch, self.fine_tuning_lr, **schedule, **where)

    def sized(self, **changes: int) -> "Settings":
        """The settings with pretraining sets of another size: as many epochs, so more steps of more images."""
        changed = replace(self, **changes)
        growth = changed.classes * changed.images_per_class / (self.classes * self.images_per_class)
        return replace(changed, steps=max(1, round(self.steps * growth)))

    @property
    def large(self) -> "Settings":
        """The settings with the larger pretraining sets."""
        return self.sized(classes=self.large_classes, images_per_class=self.large_images_per_class)

    def probe_network(self) -> nn.Module:
        """What looks at the tasks: a network pretrained on real images, at its own size or ImageNet's ResNet-18."""
        probe = self.probe or ("imagenet" if self.tasks == "paper" else "pretrained")
        if probe == "imagenet":
            return ImagenetProbe()
        if probe != "pretrained":
            raise InputError(f"probe is {probe!r}; choose 'pretrained' or 'imagenet'")
        return real_images(self.tasks, self.pretraining).backbone()

    def task_vectors(self) -> np.ndarray:
        """Task2Vec of the tasks, float32 [N, D]."""
        options = {"samples": self.task2vec_samples, "device": self.device}
        return task_vectors(self.probe_network(), self.load(), self.workers, self.engine, **options)

    @property
    def rewards(self) -> LiveRewards:
        """The live loop over all tasks."""
        return LiveRewards(self.simulator, self.load(), self.pretraining, self.free, self.workers, self.engine)
