"""From tidy rows to a table of tasks and methods, and from that to differences between methods that pair the tasks.

The seeds of one record share their rewards: only the policy and the draws of Random differ between them, so that an
interval over seeds would be too narrow. Each task is therefore averaged over the seeds first, and an interval is over
the tasks.
"""

from collections.abc import Iterable

import pandas as pd

from ndslib.core.errors import InputError
from ndslib.core.publish import claim
from ndslib.core.scorecard import Claim
from ndslib.core.stats import Interval, paired_difference
from ndslib.task2sim.methods import ORDER, TASK2SIM
from ndslib.task2sim.transfer import VARIATIONS


def rows_of(rows: pd.DataFrame, ledger_id: str, experiment: str) -> pd.DataFrame:
    """The rows of an experiment.

    Raises:
        InputError: there are none.
    """
    return require(rows[rows["experiment"] == experiment], ledger_id, repr(experiment))


def require(found: pd.DataFrame, ledger_id: str, experiment: str) -> pd.DataFrame:
    """The rows found for a ledger row.

    Raises:
        InputError: there are none.
    """
    if found.empty:
        raise InputError(f"{ledger_id}: the results hold no rows of the experiment {experiment} for it")
    return found


def by_seed(found: pd.DataFrame) -> pd.DataFrame:
    """The values of one metric: a row a seed and task, a column a method, as the tables order them.

    Raises:
        InputError: a method lacks a task of a seed.
    """
    cells = found.pivot_table(index=["seed", "task"], columns="method", values="value", sort=False)
    if cells.isna().any(axis=None):
        seed, task = cells.index[cells.isna().any(axis=1)][0]
        method = cells.columns[cells.loc[(seed, task)].isna()][0]
        about = f"{found['experiment'].iloc[0]}: no {found['metric'].iloc[0]}"
        raise InputError(f"{about} of {method!r} for task {task!r} with seed {seed}; run that seed again")
    return cells[in_order(cells)]


def by_task(found: pd.DataFrame) -> pd.DataFrame:
    """The values of one metric, means over the seeds: a row a task, a column a method.

    Raises:
        InputError: as `by_seed`.
    """
    return by_seed(found).groupby("task", sort=False).mean()


def in_order(methods: Iterable[str]) -> list[str]:
    """Methods as the tables order them, those that no table has last."""
    known = [*ORDER, *VARIATIONS]
    return sorted(methods, key=lambda name: known.index(name) if name in known else len(known))


def leads(of_tasks: pd.DataFrame) -> dict[str, Interval]:
    """Task2Sim minus each other method, over tasks; nothing where Task2Sim is not among the columns."""
    others = [method for method in of_tasks if method != TASK2SIM] if TASK2SIM in of_tasks else []
    return {method: paired_difference(of_tasks[TASK2SIM], of_tasks[method]) for method in others}


def points(text: str, above: pd.Series, below: pd.Series, headline: bool = False) -> Claim:
    """The claim that one accuracy is above another, paired by task."""
    return claim(f"{text} (points, over tasks)", paired_difference(above, below), headline=headline)
