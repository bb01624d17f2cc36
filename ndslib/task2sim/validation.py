"""Leave-tasks-out validation: what are a policy's predictions worth to tasks whose rewards it did not see?

Splits overlap, so that their spread says little: what varies from one study to the next is the choice of tasks. An
interval therefore comes from one number a task, its mean over the splits that held it out (`gain`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Protocol

import numpy as np
import pandas as pd

from ndslib.core.errors import InputError
from ndslib.core.parallel import run_jobs
from ndslib.core.seeding import rng
from ndslib.core.stats import Interval, paired_difference
from ndslib.task2sim.distance import distances
from ndslib.task2sim.methods import NEAREST, OPTIMUM, RANDOM, RANDOMISED, SINGLE, TASK2SIM
from ndslib.task2sim.rewards import RewardTable


class Predictor(Protocol):
    """What was fitted: `Policy`, or anything that predicts like it."""

    def predict(self, task_vectors: np.ndarray) -> np.ndarray:
        """Settings int64 [N, M] of task vectors float [N, D]."""


Fit = Callable[[np.ndarray, RewardTable], Predictor]


def leave_tasks_out(
    task_vectors: np.ndarray,
    table: RewardTable,
    fit: Fit | Mapping[str, Fit],
    held_out: int = 3,
    splits: int | None = None,
    seed: int = 0,
    workers: int = 1,
) -> pd.DataFrame:
    """Fit to some tasks, predict the others, and compare with what needs no policy.

    The methods beside the policy are the mean over all settings (Random), the highest level of every parameter (Domain
    Randomization), the setting with the highest mean reward over the training tasks, the best setting of the nearest
    training task (by the symmetric normalised cosine distance of Task2Vec), and each held-out task's own best.

    Args:
        task_vectors: float [N, D], in the order of the table's tasks.
        table: rewards of all settings, in percent.
        fit: called as `fit(vectors, table)` with the training tasks only, such as `Policy().fit`; several by their
            names as methods, one alone is "Task2Sim".
        held_out: tasks that a split keeps from training.
        splits: how many; all by default. Fewer are drawn so that every task is held out about equally often.
        seed: names the draw.
        workers: splits at a time; they do not depend on one another.

    Returns:
        a row a split, method and held-out task: `split`, `method`, `task`, `reward` (percent). The mean over the rows
        of a split and method is the mean reward of its held-out tasks.

    Raises:
        InputError: another number of vectors than tasks, or `held_out` or `splits` out of range.
        ExceptionGroup: `fit` failed in some splits.
    """
    task_vectors = np.asarray(task_vectors)
    if len(task_vectors) != len(table.tasks):
        raise InputError(f"{len(task_vectors)} task vectors for {len(table.tasks)} tasks: give one vector a task")
    kept_out = tasks_to_hold_out(len(table.tasks), held_out, splits, seed)
    fits = fit if isinstance(fit, Mapping) else {TASK2SIM: fit}
    jobs = [_Split(task_vectors, table, fits, number, tuple(tasks)) for number, tasks in enumerate(kept_out.tolist())]
    return pd.concat(run_jobs(_validate, jobs, workers, description="splits"), ignore_index=True)


def tasks_to_hold_out(tasks: int, held_out: int, splits: int | None = None, seed: int = 0) -> np.ndarray:
    """Distinct sets of tasks to hold out, int64 [splits, held_out]: all of them, or a balanced random choice.

    Raises:
        InputError: nothing is held out or nothing is left to train on, or there are fewer such sets than `splits`.
    """
    if not 1 <= held_out < tasks:
        raise InputError(f"held_out is {held_out!r}; it must be 1 to {tasks - 1} of {tasks} tasks")
    every = np.array(list(combinations(range(tasks), held_out)))
    if splits is None:
        return every
    if not 1 <= splits <= len(every):
        raise InputError(f"splits is {splits!r}; {held_out} of {tasks} tasks can be held out in 1 to {len(every)} ways")
    every = rng("leave tasks out", seed).permutation(every)
    chosen: list[int] = []
    for _ in range(splits):
        times = np.bincount(every[chosen].ravel(), minlength=tasks)
        times_of_sets = times[every].sum(axis=1)
        times_of_sets[chosen] = np.iinfo(np.int64).max
        chosen.append(int(times_of_sets.argmin()))
    return every[chosen]


def by_task(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean reward (percent) of every task, over the splits that held it out, by every method; tasks x methods."""
    return rows.pivot_table(values="reward", index="task", columns="method", sort=False)


def gain(rows: pd.DataFrame, method: str = TASK2SIM, over: str = SINGLE, level: float = 0.95) -> Interval:
    """How much more reward (points) a method brings than another, with an interval over tasks.

    Tasks are resampled (bootstrap), each with its mean difference over the splits that held it out. The interval is
    about further tasks of this kind; that the training sets of different splits share tasks remains outside it.

    Raises:
        InputError: no rows of one of the methods.
    """
    means = by_task(rows)
    if unknown := sorted({method, over} - set(means.columns)):
        raise InputError(f"no rows of {unknown}; there are {sorted(means.columns)}")
    return paired_difference(means[method], means[over], level, method="bootstrap")


@dataclass(frozen=True)
class _Split:
    task_vectors: np.ndarray
    table: RewardTable
    fits: Mapping[str, Fit]
    number: int
    held_out: tuple[int, ...]

    def __repr__(self) -> str:
        return f"split {self.number}, held out: {', '.join(self.names)}"

    @property
    def names(self) -> list[str]:
        return [self.table.tasks[task] for task in self.held_out]


def _validate(split: _Split) -> pd.DataFrame:
    training = [task for task in range(len(split.table.tasks)) if task not in split.held_out]
    seen = split.table.of([split.table.tasks[task] for task in training])
    unseen = split.table.of(split.names)
    vectors = split.task_vectors[list(split.held_out)]
    places = np.arange(len(vectors))
    # Of the vectors as they are, the authors' convention: the distance normalises every value by itself.
    far = distances(split.task_vectors)[np.ix_(split.held_out, training)]
    rewards = {
        name: unseen(places, fit(split.task_vectors[training], seen).predict(vectors))
        for name, fit in split.fits.items()
    }
    rewards |= {
        RANDOM: unseen.flat.mean(axis=1),
        RANDOMISED: unseen.flat[:, -1],
        SINGLE: unseen.flat[:, seen.flat.mean(axis=0).argmax()],
        NEAREST: unseen.flat[places, seen.flat.argmax(axis=1)[far.argmin(axis=1)]],
        OPTIMUM: unseen.flat.max(axis=1),
    }
    rows = pd.DataFrame(rewards, index=pd.Index(unseen.tasks, name="task"))
    rows = rows.rename_axis(columns="method").stack().rename("reward").reset_index()
    return rows.assign(split=split.number)[["split", "method", "task", "reward"]]
