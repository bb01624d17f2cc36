"""Rewards: the downstream accuracy of a task after pretraining with a setting (T2S section 3.3).

A reward source is anything callable as `rewards(tasks, settings)`: `RewardTable` holds what was measured before,
`live.LiveRewards` measures when it is asked.
"""

import lzma
import math
import tarfile
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import product
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd

from ndslib.core.errors import InputError
from ndslib.core.files import atomic_path
from ndslib.sim.parameters import PARAMETERS, Parameter, check_settings

TASK = "task"
MOST_PARAMETERS = 62  # numpy looks values up along at most 63 axes, one of which is the tasks'
# What pandas lets through when it reads a file that is absent, damaged, or packed in a way that it cannot undo.
UNREADABLE = (
    *(OSError, ValueError, EOFError, ImportError),
    *(zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError),
)


class Rewards(Protocol):
    """What Algorithm 1 asks for its rewards."""

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The simulation parameters, in the order of a setting's levels."""

    def __call__(self, tasks: np.ndarray, settings: np.ndarray) -> np.ndarray:
        """Rewards float64 [B] (percent) of places among the tasks int64 [B] under settings int64 [B, M]."""


@dataclass(frozen=True)
class RewardTable:
    """The reward of every setting for every task.

    Attributes:
        tasks: their names.
        parameters: name and number of levels of each, in the order of a setting's levels.
        values: float64 [N, k_1, ..., k_M], percent: a task, then the level of each parameter.

    Raises:
        InputError: no tasks, a task named twice, values of another shape, or one that is not finite.
    """

    tasks: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    values: np.ndarray = field(repr=False)

    def __post_init__(self) -> None:
        shape = (len(self.tasks), *(parameter.levels for parameter in self.parameters))
        if not self.tasks or len(set(self.tasks)) < len(self.tasks):
            raise InputError(f"tasks are {list(self.tasks)}: name at least one, and each only once")
        if self.values.shape != shape:
            raise InputError(f"rewards have the shape {self.values.shape}; these tasks and levels want {shape}")
        if not np.isfinite(self.values).all():
            task, *setting = np.argwhere(~np.isfinite(self.values))[0].tolist()
            raise InputError(f"the reward of {self.tasks[task]!r} under {setting} is not finite; measure it again")

    @classmethod
    def from_csv(cls, path: Path | str) -> "RewardTable":
        """Read a table: columns `task`, one a parameter (levels 0, 1, ...), and last the reward in percent.

        Tasks and parameters keep the file's order. The file may be compressed, as its suffix says (`.csv.gz`).

        Raises:
            InputError: the file is absent, damaged or no such table, a column, or a setting of a task, is there twice,
                a level or reward is no number, a setting of a task or a level of one of `ndslib.sim.PARAMETERS` is
                missing, or there are more than 62 parameters.
        """
        # A task is called what is written there, "NA" and "007" too. Blank lines count as rows until all are numbered.
        read = partial(pd.read_csv, path, keep_default_na=False, na_values=[""], skip_blank_lines=False)
        try:
            rows = read(dtype={TASK: str})
            header = read(header=None, nrows=1, dtype=str).iloc[0].dropna()  # in `rows`, doubled names are changed
        except FileNotFoundError as error:
            raise InputError(f"{path}: no such reward table") from error
        except UNREADABLE as error:
            raise InputError(f"{path}: not a CSV file of rewards ({error})") from error
        if header.duplicated().any():
            raise InputError(f"{path}: the column {header[header.duplicated()].iloc[0]!r} is doubled; keep one of it")
        return cls.from_rows(rows, str(path))

    @classmethod
    def from_rows(cls, rows: pd.DataFrame, source: str = "reward table") -> "RewardTable":
        """The table of rows as `from_csv` describes them; `source` names them in errors. Empty rows are passed over.

        Raises:
            InputError: as `from_csv`.
        """
        rows = rows.set_axis(range(2, len(rows) + 2)).dropna(how="all")  # numbered as the lines of a file
        names, reward = _columns(rows, source)
        settings = _levels(rows, names, source)
        rewards = pd.to_numeric(rows[reward], errors="coerce").to_numpy(np.float64)
        if not np.isfinite(rewards).all():
            row = rows.index[~np.isfinite(rewards)][0]
            raise InputError(f"{source}, row {row}: {reward} is {rows.at[row, reward]}; wanted a finite number")
        numbers, tasks = pd.factorize(rows[TASK])
        if (numbers < 0).any():
            raise InputError(f"{source}, row {rows.index[numbers < 0][0]}: no {TASK}")
        parameters = tuple(map(Parameter, names, (settings.max(axis=0) + 1).tolist()))
        shape = (len(tasks), *(parameter.levels for parameter in parameters))
        _check_complete(shape, np.column_stack([numbers, settings]), tasks, source)
        values = np.empty(shape)
        values[(numbers, *settings.T)] = rewards
        return cls(tuple(map(str, tasks)), parameters, values)

    def to_csv(self, path: Path | str, reward: str = "accuracy_5nn") -> None:
        """Write the table as `from_csv` reads it, atomically."""
        names = [parameter.name for parameter in self.parameters]
        rows = pd.DataFrame(np.tile(self.settings, (len(self.tasks), 1)), columns=names)
        rows.insert(0, TASK, np.repeat(self.tasks, len(self.settings)))
        with atomic_path(path) as temporary:
            rows.assign(**{reward: self.flat.ravel()}).to_csv(temporary, index=False)

    @cached_property
    def settings(self) -> np.ndarray:
        """All K settings, int64 [K, M], the last parameter's level changing fastest."""
        return every_setting(self.parameters)

    @property
    def flat(self) -> np.ndarray:
        """Rewards float64 [N, K] in the order of `settings`."""
        return self.values.reshape(len(self.tasks), -1)

    def __call__(self, tasks: np.ndarray, settings: np.ndarray) -> np.ndarray:
        """Look rewards up: places among the tasks int64 [B] and settings int64 [B, M] to float64 [B].

        Raises:
            InputError: a task that is not there, settings of the wrong length or with a level that does not exist, or
                not as many settings as tasks.
        """
        for place in set(np.asarray(tasks).ravel().tolist()) - set(range(len(self.tasks))):
            raise InputError(f"there is no task {place}: the tasks are 0 to {len(self.tasks) - 1}")
        for setting in np.unique(np.atleast_2d(settings), axis=0):
            check_settings(setting.tolist(), self.parameters)
        try:
            return self.values[(np.asarray(tasks), *np.asarray(settings, np.int64).T)]
        except IndexError as error:
            raise InputError(f"{len(tasks)} tasks and {len(settings)} settings: give each task a setting") from error

    def of(self, tasks: tuple[str, ...] | list[str]) -> "RewardTable":
        """The table of some tasks, in this order.

        Raises:
            InputError: a task that is not in the table.
        """
        unknown = sorted(set(tasks) - set(self.tasks))
        if unknown:
            raise InputError(f"no rewards of {unknown}; the table has {list(self.tasks)}")
        places = [self.tasks.index(task) for task in tasks]
        return replace(self, tasks=tuple(tasks), values=self.values[places])

    def standardised(self) -> "RewardTable":
        """The table with mean 0 and deviation 1 in each task, so that none weighs more than another in training."""
        constant = np.ptp(self.flat, axis=1) == 0  # the deviation of equal numbers is not exactly 0
        if constant.any():
            task = self.tasks[int(np.flatnonzero(constant)[0])]
            raise InputError(f"all settings have the same reward for {task!r}: there is nothing to learn; leave it out")
        flat = (self.flat - self.flat.mean(axis=1, keepdims=True)) / self.flat.std(axis=1, keepdims=True)
        return replace(self, values=flat.reshape(self.values.shape))


def every_setting(parameters: tuple[Parameter, ...]) -> np.ndarray:
    """All settings of some parameters, int64 [K, M], the last parameter's level changing fastest."""
    levels = [parameter.levels for parameter in parameters]
    return np.indices(levels).reshape(len(levels), -1).T.copy()


def _columns(rows: pd.DataFrame, source: str) -> tuple[list[str], str]:
    """The names of the parameters and of the reward."""
    columns = list(rows.columns)
    if len(columns) < 3 or columns[0] != TASK or rows.empty:
        raise InputError(f"{source}: columns {columns} and {len(rows)} rows; wanted {TASK!r}, parameters, reward")
    _, *names, reward = columns
    if len(names) > MOST_PARAMETERS:
        raise InputError(
            f"{source}: {len(names)} parameters, wanted at most {MOST_PARAMETERS}; leave out those of one level"
        )
    return names, reward


def _levels(rows: pd.DataFrame, names: list[str], source: str) -> np.ndarray:
    """Levels int64 [rows, M]."""
    numbers = rows[names].apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
    # A complete table has at least as many rows as levels, so that a column of other numbers is found out here.
    wrong = ~((numbers >= 0) & (numbers < len(rows)) & (numbers == np.round(numbers)))
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        value = rows[names].iloc[row, column]
        raise InputError(
            f"{source}, row {rows.index[row]}: {names[column]} is {value}; wanted a level, 0 to at most {len(rows) - 1}"
        )
    for name, count in PARAMETERS:
        if name in names and (absent := set(range(count)) - set(numbers[:, names.index(name)])):
            raise InputError(f"{source}: no row has {name} {min(absent)}; measure the settings with it")
    return numbers.astype(np.int64)


def _check_complete(shape: tuple[int, ...], places: np.ndarray, tasks: pd.Index, source: str) -> None:
    """Refuse a table in which a setting of a task is missing or there twice; places int64 [rows, 1 + M]."""
    counts = Counter(map(tuple, places.tolist()))
    for (task, *setting), count in counts.items():
        if count > 1:
            raise InputError(f"{source}: {setting} of {tasks[task]!r} is doubled ({count} rows); keep one row of it")
    if missing := math.prod(shape) - len(counts):
        task, *setting = next(place for place in product(*map(range, shape)) if place not in counts)
        raise InputError(f"{source}: {missing} settings are missing, first {setting} of {tasks[task]!r}; measure them")
