"""The task vectors of an experiment: Task2Vec of each task through one probe network, kept on disk."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from torch import nn

from ndslib.core.cache import cached
from ndslib.core.features import fingerprint
from ndslib.core.files import digest
from ndslib.core.parallel import run_jobs
from ndslib.task2sim.task2vec import task2vec
from ndslib.task2sim.tasks import Task

VERSION = 2  # raise it when Task2Vec changes, so that no old vector is taken


def task_vectors(
    probe: nn.Module, tasks: Sequence[Task], workers: int = 1, engine: str = "processes", **options: object
) -> np.ndarray:
    """Task2Vec of the tasks' training images, float32 [N, D]; each is computed once.

    Args:
        probe: as `task2vec` takes it.
        options: of `task2vec`.

    Raises:
        ExceptionGroup: of the InputErrors of `task2vec`.
    """
    name = digest(VERSION, fingerprint(probe), repr(probe), options)
    jobs = [(f"{name}-{task.key}", task) for task in tasks]
    files = run_jobs(partial(_kept, probe, options), jobs, workers, engine, description="Task2Vec")
    return np.stack([np.load(file, allow_pickle=False) for file in files])


def _kept(probe: nn.Module, options: dict[str, object], job: tuple[str, Task]) -> Path:
    key, task = job
    return cached("task2vec", key, lambda path: np.save(path, task2vec(probe, task.train, **options)), ".npy")
