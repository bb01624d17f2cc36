"""The authors' released measurements (`../shared/data/task2sim`): training on them, and validation with tasks left out.

The folder holds the Task2Vecs of all 20 tasks and the 5-NN accuracies of all 256 settings on the 12 seen ones.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from ndslib.core import paths
from ndslib.task2sim.evaluation import REWARD
from ndslib.task2sim.methods import IMPROVED, OPTIMUM, RANDOM, RANDOMISED, SINGLE, TASK2SIM
from ndslib.task2sim.policy import Policy
from ndslib.task2sim.reinforce import PolicyConfig
from ndslib.task2sim.rewards import RewardTable
from ndslib.task2sim.validation import by_task, leave_tasks_out
from ndslib.task2sim.vectors import TaskVectors

AUTHORS, LEFT_OUT = "authors' rewards", "leave tasks out"  # the experiments


class Authors(NamedTuple):
    """What the authors measured.

    Attributes:
        vectors: float32 [20, 9600], the tasks' Task2Vecs: the seen ones in the table's order, then the unseen ones.
        names: the 20 tasks' names, likewise.
        table: the rewards of the 12 seen tasks.
    """

    vectors: np.ndarray
    names: tuple[str, ...]
    table: RewardTable

    @property
    def seen(self) -> np.ndarray:
        """The vectors of the 12 seen tasks."""
        return self.vectors[: len(self.table.tasks)]


def load() -> Authors | None:
    """Read the authors' files below `paths.data_root()`; None where they are absent.

    Raises:
        InputError: what `RewardTable.from_csv` or `TaskVectors.load` refuses.
    """
    folder = paths.data_root() / "task2sim"
    if not (folder / "task2vec_resnet18.npz").is_file():
        return None
    table = RewardTable.from_csv(folder / "rewards_seen.csv")
    stored = TaskVectors.load(folder / "task2vec_resnet18.npz")
    names = (*table.tasks, *(name for name in stored.names if name not in table.tasks))
    return Authors(stored.of(names).values, names, table)


def policies(config: PolicyConfig) -> dict[str, Policy]:
    """The two policies that are compared: the paper's own, trained as `config` says, and the improved one."""
    return {TASK2SIM: Policy(config), IMPROVED: Policy.improved(seed=config.seed)}


def on_seen_tasks(authors: Authors, config: PolicyConfig) -> pd.DataFrame:
    """Train on all 12 seen tasks: tidy rows, the reward (percent) of what each method chooses for each task."""
    table, places = authors.table, np.arange(len(authors.table.tasks))
    found = {
        name: table(places, policy.fit(authors.seen, table).predict(authors.seen))
        for name, policy in policies(config).items()
    }
    found |= {
        RANDOM: table.flat.mean(axis=1),
        RANDOMISED: table.flat[:, -1],
        SINGLE: table.flat[:, table.flat.mean(axis=0).argmax()],
        OPTIMUM: table.flat.max(axis=1),
    }
    return _rows(AUTHORS, pd.DataFrame(found, index=list(table.tasks)))


def on_left_out_tasks(authors: Authors, splits: int, config: PolicyConfig, workers: int = 1) -> pd.DataFrame:
    """Train on nine tasks and predict three, `splits` times: tidy rows, each task's mean over the splits without it."""
    found = {
        name: by_task(leave_tasks_out(authors.seen, authors.table, policy.fit, splits=splits, workers=workers))
        for name, policy in policies(config).items()
    }
    return _rows(LEFT_OUT, found[TASK2SIM].assign(**{IMPROVED: found[IMPROVED][TASK2SIM]}))


def _rows(experiment: str, values: pd.DataFrame) -> pd.DataFrame:
    """Tidy rows of a table with a row a task and a column a method."""
    rows = values.rename_axis("task").reset_index().melt("task", var_name="method")
    return rows.assign(experiment=experiment, group="seen", metric=REWARD)
