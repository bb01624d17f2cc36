"""The authors' released measurements (`../shared/data/task2sim`): training on them, and validation with tasks left out.

The folder holds the Task2Vecs of all 20 tasks and the 5-NN accuracies of all 256 settings on the 12 seen ones.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ndslib.core import paths
from ndslib.task2sim.evaluation import REWARD
from ndslib.task2sim.methods import IMPROVED, OPTIMUM, RANDOM, RANDOMISED, SINGLE, TASK2SIM
from ndslib.task2sim.policy import IMPROVED as IMPROVED_CONFIG
from ndslib.task2sim.policy import Policy
from ndslib.task2sim.policy_config import PolicyConfig
from ndslib.task2sim.rewards import RewardTable
from ndslib.task2sim.validation import by_task, gain, leave_tasks_out
from ndslib.task2sim.vectors import TaskVectors

AUTHORS, LEFT_OUT = "authors' rewards", "leave tasks out"  # the experiments
HELD_OUT = 3  # tasks a split


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
    fits = {name: policy.fit for name, policy in policies(config).items()}
    return _rows(
        LEFT_OUT, by_task(leave_tasks_out(authors.seen, authors.table, fits, HELD_OUT, splits, workers=workers))
    )


def _rows(experiment: str, values: pd.DataFrame) -> pd.DataFrame:
    """Tidy rows of a table with a row a task and a column a method."""
    rows = values.rename_axis("task").reset_index().melt("task", var_name="method")
    return rows.assign(experiment=experiment, group="seen", metric=REWARD)


@dataclass(frozen=True)
class Variant:
    """A way to train a policy: its configuration, and whether every task's rewards are standardised first."""

    config: PolicyConfig
    standardised: bool = False

    def fit(self, task_vectors: np.ndarray, table: RewardTable) -> Policy:
        """As `Policy.fit`."""
        return Policy(self.config).fit(task_vectors, table.standardised() if self.standardised else table)


PAPER = "the paper's own"
VARIANTS = {
    PAPER: Variant(PolicyConfig()),
    "five members": Variant(PolicyConfig(members=5)),
    "standardised rewards": Variant(PolicyConfig(), standardised=True),
    "weight decay x 100": Variant(PolicyConfig(weight_decay=100 * PolicyConfig.weight_decay)),
    "sharing": Variant(PolicyConfig(sharing=IMPROVED_CONFIG.sharing)),
    "exact gradient, entropy": Variant(replace(IMPROVED_CONFIG, sharing=0.0, length=1.0)),
    "exact gradient, entropy, sharing": Variant(replace(IMPROVED_CONFIG, length=1.0)),
    "exact gradient, entropy, sharing, length (Policy.improved)": Variant(IMPROVED_CONFIG),
}


def compare_variants(authors: Authors, splits: int, workers: int = 1, **options: Any) -> Iterator[dict[str, Any]]:
    """What each way to improve on the paper's policy (`VARIANTS`) is worth, for seen tasks and for tasks left out.

    Args:
        splits: of leave-tasks-out validation; every task should be in one of them at least.
        workers: splits at a time.
        options: fields of `PolicyConfig`, set over those of every variant, such as `seed`.

    Yields:
        a row a variant, as it is done: `variant`; `seen`, the mean reward (percent) of the seen tasks, trained on all;
        `held_out`, the mean reward of the tasks left out; and by how many points the latter is above that of the best
        single setting of the training tasks (`over_single`) and of the paper's own policy (`over_paper`), each with
        the ends of its 95 % interval over tasks (`_low`, `_high`), a bootstrap.
    """
    table, places = authors.table, np.arange(len(authors.table.tasks))
    rows = pd.DataFrame()
    for name, variant in VARIANTS.items():
        variant = replace(variant, config=replace(variant.config, **options))
        seen = table(places, variant.fit(authors.seen, table).predict(authors.seen))
        fits = {name: variant.fit}
        rows = pd.concat([rows, leave_tasks_out(authors.seen, table, fits, HELD_OUT, splits, workers=workers)])
        row = {"variant": name, "seen": seen.mean(), "held_out": by_task(rows)[name].mean()}
        for column, other in (("over_single", SINGLE), ("over_paper", PAPER)):
            found = gain(rows, name, other)
            row |= {column: found.mean, f"{column}_low": found.low, f"{column}_high": found.high}
        yield row
