"""The live loop: the reward of a setting is measured when it is asked for (lines 9 and 10 of Algorithm 1).

Generate, pretrain, 5-NN. What was measured stays on disk under (setting, classes, images, size, seed, the simulator's
fingerprint, the pretraining, the task's images): a killed run, another policy seed and another notebook ask again and
are answered at once.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ndslib.core import paths
from ndslib.core.errors import InputError
from ndslib.core.files import digest, write_json
from ndslib.core.parallel import run_jobs
from ndslib.sim.parameters import Parameter
from ndslib.sim.simulator import Simulator
from ndslib.task2sim.evaluation import nearest_neighbours
from ndslib.task2sim.pretraining import Pretraining, SyntheticSet, backbone_key, pretrained
from ndslib.task2sim.rewards import RewardTable, every_setting
from ndslib.task2sim.tasks import Task

REWARD = "accuracy_5nn"
VERSION = 1  # raise it when the 5-NN accuracy changes, so that no old one is taken


@dataclass(frozen=True)
class LiveRewards:
    """Rewards by generating, pretraining and 5-NN: a source for `Policy.fit`.

    Attributes:
        simulator: any `ndslib.sim.Simulator`, one that runs as its own program included (`external`).
        tasks: in the order of the policy's task vectors.
        pretraining: images, network and training.
        workers: settings measured at a time; a minibatch of Algorithm 1 asks for up to twice its size.
        engine: `processes`, `serial` or `ray`, as in `core.parallel.run_jobs`.
    """

    simulator: Simulator
    tasks: Sequence[Task]
    pretraining: Pretraining
    workers: int = 1
    engine: str = "processes"

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The simulator's parameters."""
        return self.simulator.parameters

    def __call__(self, tasks: np.ndarray, settings: np.ndarray) -> np.ndarray:
        """Rewards float64 [B] (percent) of places among the tasks int64 [B] under settings int64 [B, M].

        Raises:
            InputError: a task that is not there, or a setting that the simulator does not have or cannot do.
            ExceptionGroup: of what failed in measuring, once all other settings of the request are measured and kept.
        """
        wanted: dict[tuple[int, ...], list[Task]] = {}
        files = []
        for place, setting in zip(np.asarray(tasks).tolist(), np.asarray(settings).tolist(), strict=True):
            if place not in range(len(self.tasks)):
                raise InputError(f"there is no task {place}: the tasks are 0 to {len(self.tasks) - 1}")
            files.append(reward_file(self.data(setting), self.tasks[place]))
            if not files[-1].is_file():
                wanted.setdefault(tuple(setting), []).append(self.tasks[place])
        if wanted:
            jobs = [(self.data(setting), missing) for setting, missing in wanted.items()]
            run_jobs(measure, jobs, self.workers, self.engine, description="pretraining")
        return np.array([json.loads(file.read_text())[REWARD] for file in files])

    def data(self, setting: Sequence[int]) -> SyntheticSet:
        """The pretraining data of a setting."""
        return SyntheticSet(self.simulator, tuple(setting), self.pretraining)

    def table(self) -> RewardTable:
        """The rewards of all settings for all tasks."""
        settings = every_setting(self.parameters)
        places = np.repeat(np.arange(len(self.tasks)), len(settings))
        values = self(places, np.tile(settings, (len(self.tasks), 1)))
        levels = [parameter.levels for parameter in self.parameters]
        names = tuple(task.name for task in self.tasks)
        return RewardTable(names, self.parameters, values.reshape(len(names), *levels))


def measure(job: tuple[SyntheticSet, Sequence[Task]]) -> None:
    """Pretrain on the data of a setting and keep its reward for each task."""
    data, tasks = job
    backbone = pretrained(data)
    for task in tasks:
        reward = nearest_neighbours(backbone, task, data.pretraining.train.device)
        write_json(reward_file(data, task), {REWARD: reward, "task": task.name, "setting": list(data.setting)})


def reward_file(data: SyntheticSet, task: Task) -> Path:
    """Where the reward of a setting for a task is kept."""
    key = digest(VERSION, backbone_key(data.key, data.pretraining), task.key)
    return paths.cache_root() / "task2sim-rewards" / f"{key}.json"
