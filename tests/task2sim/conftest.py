"""A reward table small enough to know by heart, and the authors' own."""

from pathlib import Path

import numpy as np
import pytest

from ndslib.core import paths
from ndslib.sim.parameters import Parameter
from ndslib.task2sim.rewards import RewardTable

OPTIMA = {"digits": (0, 2, 1), "faces": (1, 0, 0), "leaves": (1, 1, 1)}


@pytest.fixture
def table() -> RewardTable:
    """Three tasks, three parameters of 2, 3 and 2 levels: a task gains by each level that is its own in `OPTIMA`."""
    parameters = (Parameter("light", 2), Parameter("blur", 3), Parameter("background", 2))
    levels = np.indices([2, 3, 2])
    rewards = [
        sum(gain * (level == own) for gain, level, own in zip((9, 6, 4), levels, best, strict=True))
        for best in OPTIMA.values()
    ]
    return RewardTable(tuple(OPTIMA), parameters, 20.0 + np.array(rewards))


@pytest.fixture
def optima() -> np.ndarray:
    """The best setting of each of the table's tasks, int64 [3, 3]."""
    return np.array(list(OPTIMA.values()))


@pytest.fixture
def vectors() -> np.ndarray:
    """Task vectors of the table's tasks, far apart and of other lengths than 1, float32 [3, 7]."""
    random = np.random.default_rng(0)
    return (3 * np.eye(3, 7) + random.uniform(0, 0.3, (3, 7))).astype(np.float32)


@pytest.fixture
def task2sim_data() -> Path:
    """The folder of the authors' Task2Vec and rewards, or a skip that says how to get one."""
    folder = paths.data_root() / "task2sim"
    if not (folder / "rewards_seen.csv").is_file():
        pytest.skip(
            f"no rewards of the authors at {folder}: set NDSLIB_DATA to a folder laid out as CONTRIBUTING.md says"
        )
    return folder
