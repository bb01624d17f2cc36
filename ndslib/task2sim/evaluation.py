"""How good a pretrained backbone is for a task: 5-NN (the reward), a linear probe, full fine-tuning (T2S section 4.2).

All give the test accuracy in percent.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, normalize

from ndslib.core import paths
from ndslib.core.classification import accuracy, fine_tune
from ndslib.core.files import digest, write_json
from ndslib.core.models import ClassifierResNet, evaluating
from ndslib.core.parallel import run_jobs
from ndslib.core.seeding import isolated
from ndslib.core.training import TrainConfig
from ndslib.task2sim.pretraining import Source
from ndslib.task2sim.tasks import Task

REWARD = "5NN"
NEIGHBOURS, TEMPERATURE = 5, 0.07
PROBE_ITERATIONS, PROBE_TOLERANCE = 500, 1e-3
BATCH = 256
VERSION = 2  # raise it when an evaluation changes, so that no old accuracy is taken


def features(backbone: ClassifierResNet, images: np.ndarray) -> np.ndarray:
    """The backbone's features of images uint8 [N, 3, S, S], float32 [N, D], computed where the backbone lies."""
    device = next(backbone.parameters()).device
    with evaluating(backbone), torch.inference_mode():
        parts = [
            backbone.features(torch.from_numpy(np.array(images[start : start + BATCH])).to(device)).float().cpu()
            for start in range(0, len(images), BATCH)
        ]
    return torch.cat(parts).numpy()


def nearest_neighbours(backbone: ClassifierResNet, task: Task, config: None = None) -> float:
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


def linear_probe(backbone: ClassifierResNet, task: Task, config: None = None) -> float:
    """Accuracy of a linear classifier on frozen features: logistic regression, each feature scaled to deviation 1.

    The authors train theirs with SGD for 50 epochs; a second-order method comes closer to the same convex loss's least.
    """
    train, test = (features(backbone, part.images) for part in (task.train, task.test))
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=PROBE_ITERATIONS, tol=PROBE_TOLERANCE))
    probe.fit(train, task.train.labels)
    return 100 * float(probe.score(test, task.test.labels))


def fine_tuning(backbone: ClassifierResNet, task: Task, config: TrainConfig) -> float:
    """Accuracy after training the whole network with a fresh head on the task."""
    with isolated("fine-tuning", config.seed):  # drop path draws from the global generator
        return 100 * accuracy(fine_tune(backbone, task.train, config, task.flip), task.test)


EVALUATIONS: dict[str, Callable[..., float]] = {
    REWARD: nearest_neighbours,
    "Linear Probing": linear_probe,
    "Finetuning": fine_tuning,
}


@dataclass(frozen=True)
class Job:
    """Evaluations of one backbone: `evaluation` is a name of `EVALUATIONS`, `config` only of fine-tuning."""

    source: Source
    tasks: tuple[Task, ...]
    evaluation: str = REWARD
    config: TrainConfig | None = None


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
    for task in job.tasks:
        value = EVALUATIONS[job.evaluation](backbone, task, job.config)
        write_json(_file(job, task), {"accuracy": value, "evaluation": job.evaluation, "task": task.name})


def _file(job: Job, task: Task) -> Path:
    """Where an accuracy is kept."""
    how = [] if job.config is None else [job.evaluation, asdict(job.config)]
    key = digest(VERSION, job.evaluation, job.source.backbone_key, task.key, how)
    return paths.cache_root() / "task2sim-accuracies" / f"{key}.json"
