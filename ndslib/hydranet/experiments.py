"""An experiment's settings, and its trainings: each network trained, measured and cached under its content.

A rerun, another notebook or a killed run trains only what is missing.
"""

import json
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import pandas as pd

from ndslib.core import paths
from ndslib.core.cache import cached
from ndslib.core.errors import InputError
from ndslib.core.files import digest, write_json
from ndslib.core.parallel import run_jobs
from ndslib.core.presets import settings_of
from ndslib.core.training import TrainConfig
from ndslib.hydranet import networks
from ndslib.hydranet.costs import EQUAL_COST, config_cost, network_cost
from ndslib.hydranet.network import HydraNet
from ndslib.hydranet.networks import NetworkConfig, name_of
from ndslib.hydranet.partition import class_features, cluster_classes, random_classes
from ndslib.hydranet.tasks import Task, load_task
from ndslib.hydranet.training import BALANCE, Evaluation, evaluate, predict, train

VERSION = 1  # raise it when training or evaluation changes, so that no old result is taken
STRATEGIES = {  # Table 3.8: gating, and the weight of the balance term
    "RANDOM": ("supervised", 0.0),
    "LEARN": ("learned", 0.0),
    "LEARN-BALANCE": ("learned", BALANCE),
    "CLUSTER": ("supervised", 0.0),
    "NO GATING": ("none", 0.0),
}


@dataclass(frozen=True)
class Settings:
    """What an experiment depends on beside its networks; the notebooks' parameters, one to one.

    Attributes:
        task: of `tasks.load_task`, with `size`, `train_per_class` and `test_per_class` (0 takes all images), `groups`,
            `per_group`, `fineness`.
        seed: of the task's images, the subtasks, the weights and the batches.
        steps, batch_size, lr, weight_decay: of every training; SGD with Nesterov momentum 0.9, a short warm-up, cosine.
        gate_weight: of the gate's loss beside that of the predictions.
        skip_idle: train without the branches that no image of a batch chose (same gradients).
        device, precision, workers, engine: where trainings run, and how many at a time.
    """

    task: str
    seed: int = 0
    size: int | None = None
    train_per_class: int = 0
    test_per_class: int = 0
    groups: int = 5
    per_group: int = 4
    fineness: float = 0.5
    steps: int = 200
    batch_size: int = 64
    lr: float = 0.1
    weight_decay: float = 5e-4
    gate_weight: float = 1.0
    skip_idle: bool = False
    device: str = "cpu"
    precision: str = "fp32"
    workers: int = 1
    engine: str = "processes"

    @classmethod
    def of(cls, parameters: Mapping[str, object]) -> "Settings":
        """From a notebook's parameters (`presets.settings_of`)."""
        return settings_of(cls, parameters)

    @lru_cache(maxsize=2)  # noqa: B019 - the trials of one experiment share the images of equal settings
    def load(self) -> Task:
        """The task's images and labels."""
        sizes = (self.size, self.seed, self.train_per_class or None, self.test_per_class or None)
        return load_task(self.task, *sizes, self.groups, self.per_group, self.fineness, self.workers)

    @property
    def training(self) -> TrainConfig:
        """How every network of the experiment is trained."""
        return TrainConfig(
            self.steps,
            self.batch_size,
            self.lr,
            weight_decay=self.weight_decay,
            warmup=0.05,
            device=self.device,
            precision=self.precision,
            seed=self.seed,
        )


@dataclass(frozen=True)
class Trial:
    """One training: a network, and for a HydraNet how its classes are divided and its gate learns (Table 3.8).

    Raises:
        InputError: an unknown strategy.
    """

    settings: Settings
    config: NetworkConfig
    strategy: str = "CLUSTER"

    def __post_init__(self) -> None:
        if self.strategy not in STRATEGIES:
            raise InputError(f"strategy is {self.strategy!r}; choose one of {list(STRATEGIES)}")

    @property
    def network_config(self) -> NetworkConfig:
        """The network's configuration with the strategy's gating."""
        gating, _ = STRATEGIES[self.strategy]
        return replace(self.config, gating=gating) if self.config.n_b else self.config

    @property
    def reference(self) -> "Trial | None":
        """The static network whose class scores group the classes; only CLUSTER needs one."""
        if not self.config.n_b or self.strategy != "CLUSTER":
            return None
        return Trial(self.settings, static_twin(self.config))

    @property
    def task(self) -> Task:
        """The images and labels."""
        return self.settings.load()

    @property
    def key(self) -> str:
        """Names the trained network: its images, its design, and how it was trained."""
        settings = self.settings
        strategy = [self.strategy, STRATEGIES[self.strategy], self.reference.key if self.reference else None]
        run = [asdict(settings.training), settings.gate_weight, settings.skip_idle]
        return digest(VERSION, self.task.key, asdict(self.network_config), strategy if self.config.n_b else None, run)


def static_twin(config: NetworkConfig) -> NetworkConfig:
    """The static network that the template took apart, at the width of the stem."""
    return NetworkConfig(config.family, config.depth, config.w_s, scale=config.scale, stem=config.stem)


def equal_cost(config: NetworkConfig, size: int, classes: int) -> NetworkConfig:
    """The static network of a HydraNet's family that costs what one of its images costs.

    ResNet and DenseNet grow in depth: one as wide as the stem is taken if it is within 2 %. If none is, the width of
    these depths is changed too; ResSep keeps its depth and changes its width. Of these the nearest is taken, which may
    cost up to 2 % less than the HydraNet.
    """

    def static(depth: int, width: float) -> NetworkConfig:
        return replace(static_twin(config), depth=depth, w_s=width)

    def cost(depth: int, width: float) -> int:
        return config_cost(static(depth, width), classes, size).madds

    wanted = config_cost(config, classes, size).madds
    depths = [config.depth]
    while config.family != "ressep" and cost(depths[-1], config.w_s) < (1 - EQUAL_COST) * wanted:
        depths.append(depths[-1] + 1)
    if cost(depths[-1], config.w_s) <= (1 + EQUAL_COST) * wanted and config.family != "ressep":
        return static(depths[-1], config.w_s)
    widths = [config.w_s * step / 64 for step in range(32, 129)]
    found = {}
    for depth in depths:
        enough = bisect_left(widths, (1 - EQUAL_COST) * wanted, key=partial(cost, depth))
        found |= {(depth, width): cost(depth, width) for width in widths[enough : enough + 4]}
    return static(*min(found, key=lambda each: abs(found[each] - wanted)))


def trained(trial: Trial) -> Path:
    """The folder of a trained network, from the cache when it was trained before.

    It holds `network.safetensors` (`networks.load`) and `result.json`: the evaluation on the test images and the cost
    of one image.
    """

    def build(place: Path) -> None:
        place.mkdir()
        network = _train(trial, checkpoint)
        networks.save(place / "network.safetensors", network, trial.network_config, trial.task.classes)
        cost = network_cost(network, trial.task.size)
        write_json(place / "result.json", {**_plain(evaluate(network, trial.task.test)), **cost._asdict()})

    checkpoint = paths.cache_root() / "hydranet" / f"{trial.key}.checkpoint"
    place = cached("hydranet", trial.key, build)
    checkpoint.unlink(missing_ok=True)
    return place


def _train(trial: Trial, checkpoint: Path) -> HydraNet:
    settings, config = trial.settings, trial.network_config
    network = networks.build(config, len(trial.task.classes), _subtasks(trial), settings.seed)
    if config.n_b:
        network.skip_idle = settings.skip_idle
    _, balance = STRATEGIES[trial.strategy]
    options = {"gate_weight": settings.gate_weight, "balance": balance, "flip": trial.task.flip}
    train(network, trial.task.train, settings.training, **options, checkpoint=checkpoint, identity=trial.key)
    return network


def _subtasks(trial: Trial) -> np.ndarray | None:
    """The branch of each class; learned gating and none have no subtasks."""
    classes, n_b, seed = len(trial.task.classes), trial.config.n_b, trial.settings.seed
    if trial.reference is not None:
        return cluster_classes(reference_features(trial), n_b, seed)
    return random_classes(classes, n_b, seed) if n_b and trial.strategy == "RANDOM" else None


def reference_features(trial: Trial) -> np.ndarray:
    """The classes' mean scores under the trial's reference network, float64 [classes, classes]: what CLUSTER groups."""
    network, _ = networks.load(trained(trial.reference) / "network.safetensors", trial.settings.device)
    split = trial.task.train
    return class_features(predict(network, split.images).logits.numpy(), split.labels, len(trial.task.classes))


def _plain(evaluation: Evaluation) -> dict[str, object]:
    return {
        name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in evaluation._asdict().items()
    }


def result(trial: Trial) -> dict[str, object]:
    """The evaluation and the cost of a trained network, by the names in `Evaluation` and `NetworkCost`."""
    return json.loads((trained(trial) / "result.json").read_text())


def train_all(trials: Iterable[Trial]) -> None:
    """Train what is not in the cache, `workers` networks at a time.

    Static networks come first, because clustering the classes needs them.

    Raises:
        InputError: no trials.
        ExceptionGroup: as `core.parallel.run_jobs`.
    """
    chosen = {trial.key: trial for trial in trials}
    if not chosen:
        raise InputError("there is nothing to train; name at least one network")
    settings = next(iter(chosen.values())).settings
    references = {trial.reference.key: trial.reference for trial in chosen.values() if trial.reference is not None}
    rest = [trial for key, trial in chosen.items() if key not in references]
    run = {"workers": settings.workers, "engine": settings.engine}
    run_jobs(trained, list(references.values()), description="training reference networks", **run)
    run_jobs(trained, rest, description="training networks", **run)


def results(trials: Mapping[str, Trial], experiment: str) -> pd.DataFrame:
    """What was measured of trained networks, as tidy rows; a network that is not in the cache is trained.

    Args:
        trials: by the name of the method.

    Returns:
        Columns experiment, method, metric, value: top1, gate_top1 and recall (0..1, where the network has them), and
        params, madds, total_madds (plain numbers, of one image).
    """
    metrics = ("top1", "gate_top1", "recall", "params", "madds", "total_madds")
    found = {method: result(trial) for method, trial in trials.items()}
    return pd.DataFrame(
        [
            {"experiment": experiment, "method": method, "metric": metric, "value": values[metric]}
            for method, values in found.items()
            for metric in metrics
            if values[metric] is not None
        ]
    )


def with_static(
    settings: Settings, configs: Iterable[NetworkConfig], statics: Iterable[NetworkConfig] = ()
) -> dict[str, Trial]:
    """Trials of HydraNets, of the static networks of equal cost, and of further static ones, by their tables' names."""
    task = settings.load()
    configs = list(configs)
    rivals = [equal_cost(config, task.size, len(task.classes)) for config in configs]
    return {name_of(config): Trial(settings, config) for config in (*configs, *rivals, *statics)}


def accuracy_by_k(trial: Trial, ks: list[int]) -> pd.DataFrame:
    """One trained network, run with other k than it was trained with: tidy rows, top-1 at each k (as step).

    Raises:
        InputError: a k outside 1..n_b.
    """
    network, _ = networks.load(trained(trial) / "network.safetensors", trial.settings.device)
    rows = []
    for k in ks:
        network.k = k
        top1 = evaluate(network, trial.task.test).top1
        rows.append(
            {"experiment": "accuracy by k", "method": trial.strategy, "step": k, "metric": "top1", "value": top1}
        )
    return pd.DataFrame(rows)


def utilisation(trials: Mapping[str, Trial]) -> pd.DataFrame:
    """How many of the test images run each branch: tidy rows, the share of each branch (as step), most used first."""
    return pd.DataFrame(
        [
            {"experiment": "utilisation", "method": method, "step": place, "metric": "share", "value": share}
            for method, trial in trials.items()
            for place, share in enumerate(sorted(result(trial)["utilisation"], reverse=True))
        ]
    )
