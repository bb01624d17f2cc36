"""How good a pretrained backbone is for a task: 5-NN (the reward), a linear probe, full fine-tuning (T2S section 4.2).

All give the test accuracy in percent.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, normalize
from torch import nn

from ndslib.core import paths
from ndslib.core.classification import accuracy, fine_tune
from ndslib.core.errors import InputError
from ndslib.core.features import FeaturesOf, extract
from ndslib.core.files import digest, write_json
from ndslib.core.models import ClassifierResNet
from ndslib.core.parallel import run_jobs
from ndslib.core.seeding import isolated
from ndslib.core.training import TrainConfig
from ndslib.task2sim.pretraining import Source
from ndslib.task2sim.tasks import Task

REWARD, LINEAR_PROBING, FINE_TUNING = "5NN", "Linear Probing", "Finetuning"
NEIGHBOURS, TEMPERATURE = 5, 0.07
PROBE_ITERATIONS, PROBE_TOLERANCE = 500, 1e-3
VERSION = 2  # raise it when an evaluation changes, so that no old accuracy is taken


def features(backbone: ClassifierResNet, images: np.ndarray) -> np.ndarray:
    """The backbone's features of images uint8 [N, 3, S, S], float32 [N, D], computed where the backbone lies."""
    device = next(backbone.parameters()).device
    return extract(FeaturesOf(backbone), torch.tensor(images), nn.Identity(), device=device).numpy()


def nearest_neighbours(backbone: ClassifierResNet, task: Task) -> float:
    """Accuracy of a 5-nearest-neighbour classifier by the angle between features: the reward of T2S section 3.3.

    A neighbour votes with exp(cosine / 0.07), as in the authors' code (and Wu et al. 2018), so that ties are rare.
    """
    train, test = (normalize(features(backbone, part.images)) for part in (task.train, task.test))
    neighbours = KNeighborsClassifier(min(NEIGHBOURS, len(train)), weights=_votes).fit(train, task.train.labels)
    return 100 * float(neighbours.score(test, task.test.labels))


def _votes(distances: np.ndarray) -> np.ndarray:
    """Weights of neighbours at Euclidean distances between vectors of length 1."""
    cosines = 1 - distances**2 / 2
    return np.exp(cosines / TEMPERATURE)


def linear_probe(backbone: ClassifierResNet, task: Task) -> float:
    """Accuracy of a linear classifier on frozen features: logistic regression, each feature scaled to deviation 1.

    Scikit-learn minimises the cross-entropy summed over the images plus half the squared weights (C = 1) by L-BFGS, a
    quasi-Newton method. The authors train theirs by SGD for 50 epochs: neither the loss nor the method is theirs.
    """
    train, test = (features(backbone, part.images) for part in (task.train, task.test))
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=PROBE_ITERATIONS, tol=PROBE_TOLERANCE))
    probe.fit(train, task.train.labels)
    return 100 * float(probe.score(test, task.test.labels))


def fine_tuning(backbone: ClassifierResNet, task: Task, config: TrainConfig) -> float:
    """Accuracy after training the whole network with a fresh head on the task (`experiments.Settings.fine_tuning`)."""
    with isolated("fine-tuning", config.seed):  # drop path draws from the global generator
        return 100 * accuracy(fine_tune(backbone, task.train, config, task.flip), task.test)


EVALUATIONS: dict[str, Callable[..., float]] = {
    REWARD: nearest_neighbours,
    LINEAR_PROBING: linear_probe,
    FINE_TUNING: fine_tuning,
}


@dataclass(frozen=True)
class Job:
    """Evaluations of one backbone.

    Attributes:
        evaluation: a name of `EVALUATIONS`.
        config: of fine-tuning, and of nothing else.

    Raises:
        InputError: an unknown evaluation, fine-tuning without a configuration, or another one with it.
    """

    source: Source
    tasks: tuple[Task, ...]
    evaluation: str = REWARD
    config: TrainConfig | None = None

    def __post_init__(self) -> None:
        if self.evaluation not in EVALUATIONS:
            raise InputError(f"evaluation is {self.evaluation!r}; choose one of {', '.join(EVALUATIONS)}")
        if (self.evaluation == FINE_TUNING) != (self.config is not None):
            raise InputError(f"{self.evaluation} with the configuration {self.config}: {FINE_TUNING} alone takes one")


def pair_scores(
    pairs: Sequence[tuple[Source, Task]],
    evaluation: str = REWARD,
    config: TrainConfig | None = None,
    workers: int = 1,
    engine: str = "processes",
    description: str = "",
) -> list[float]:
    """The accuracies of pairs of a source and a task, in percent, in their order; each backbone is one job.

    The other arguments and what is raised: as of `Job` and `scores`.
    """
    wanted: dict[str, tuple[Source, dict[str, Task]]] = {}
    for source, task in pairs:
        wanted.setdefault(source.backbone_key, (source, {}))[1][task.key] = task
    jobs = [Job(source, tuple(tasks.values()), evaluation, config) for source, tasks in wanted.values()]
    measured = scores(jobs, workers, engine, description)
    found = {
        (backbone, task): value
        for (backbone, (_, tasks)), values in zip(wanted.items(), measured, strict=True)
        for task, value in zip(tasks, values, strict=True)
    }
    return [found[source.backbone_key, task.key] for source, task in pairs]


def scores(
    jobs: Sequence[Job], workers: int = 1, engine: str = "processes", description: str = ""
) -> list[list[float]]:
    """The accuracies of each job's tasks, in percent.

    What was measured stays on disk under the backbone's and the task's keys, so that nothing is measured twice and an
    interrupted call goes on where it stopped. A job's backbone is trained only where an accuracy is missing.

    Args:
        description: name of the progress bar; no bar when empty.

    Raises:
        ExceptionGroup: of what failed, once all other jobs are measured and kept.
    """
    missing = []
    for job in jobs:
        tasks = tuple(task for task in job.tasks if not _file(job, task).is_file())
        if tasks:
            missing.append(replace(job, tasks=tasks))
    if missing:
        run_jobs(_measure, missing, workers, engine, description=description)
    return [[json.loads(_file(job, task).read_text())["accuracy"] for task in job.tasks] for job in jobs]


def _measure(job: Job) -> None:
    backbone = job.source.backbone().to(job.source.pretraining.train.device)
    evaluate = EVALUATIONS[job.evaluation]
    if job.config is not None:
        evaluate = partial(evaluate, config=job.config)
    for task in job.tasks:
        value = evaluate(backbone, task)
        write_json(_file(job, task), {"accuracy": value, "evaluation": job.evaluation, "task": task.name})


def _file(job: Job, task: Task) -> Path:
    """Where an accuracy is kept."""
    how = [] if job.config is None else [job.evaluation, asdict(job.config), task.flip]
    key = digest(VERSION, job.evaluation, job.source.backbone_key, task.key, how)
    return paths.cache_root() / "task2sim-accuracies" / f"{key}.json"
