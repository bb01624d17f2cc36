"""The live loop: the reward of a setting is measured when it is asked for (lines 9 and 10 of Algorithm 1).

Generate, pretrain, 5-NN. What was measured stays on disk under (setting, classes, images, size, seed, the simulator's
fingerprint, the pretraining, the task's images): a killed run, another policy seed and another notebook ask again and
are answered at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ndslib.core.errors import InputError
from ndslib.sim.parameters import Parameter, check_settings
from ndslib.sim.simulator import Simulator
from ndslib.task2sim.evaluation import pair_scores
from ndslib.task2sim.pretraining import Pretraining, SyntheticSet
from ndslib.task2sim.rewards import RewardTable, every_setting
from ndslib.task2sim.tasks import Task


@dataclass(frozen=True)
class LiveRewards:
    """Rewards by generating, pretraining and 5-NN: a source for `Policy.fit`.

    Attributes:
        simulator: any `ndslib.sim.Simulator`, one that runs as its own program included (`external`).
        tasks: in the order of the policy's task vectors.
        pretraining: images, network and training.
        free: names of the parameters that a setting chooses, in the simulator's order; the others stay fixed (0). By
            default all of them.
        workers: settings measured at a time; a minibatch of Algorithm 1 asks for up to twice its size.
        engine: `processes`, `serial` or `ray`, as in `core.parallel.run_jobs`.

    Raises:
        InputError: the simulator has no parameter of a name in `free`.
    """

    simulator: Simulator
    tasks: Sequence[Task]
    pretraining: Pretraining
    free: tuple[str, ...] = ()
    workers: int = 1
    engine: str = "processes"

    def __post_init__(self) -> None:
        known = [parameter.name for parameter in self.simulator.parameters]
        if unknown := sorted(set(self.free) - set(known)):
            raise InputError(f"the simulator has no parameters {unknown}; it has {known}")

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters that a setting chooses."""
        known = self.simulator.parameters
        return tuple(parameter for parameter in known if not self.free or parameter.name in self.free)

    def __call__(self, tasks: np.ndarray, settings: np.ndarray) -> np.ndarray:
        """Rewards float64 [B] (percent) of places among the tasks int64 [B] under settings int64 [B, M].

        Raises:
            InputError: a task that is not there, or a setting that the simulator does not have or cannot do.
            ExceptionGroup: of what failed in measuring, once all other settings of the request are measured and kept.
        """
        return self._found(tasks, settings, description="")

    def table(self) -> RewardTable:
        """The rewards of all settings for all tasks."""
        settings = every_setting(self.parameters)
        places = np.repeat(np.arange(len(self.tasks)), len(settings))
        values = self._found(places, np.tile(settings, (len(self.tasks), 1)), description="all settings")
        levels = [parameter.levels for parameter in self.parameters]
        names = tuple(task.name for task in self.tasks)
        return RewardTable(names, self.parameters, values.reshape(len(names), *levels))

    def data(self, setting: Sequence[int]) -> SyntheticSet:
        """The pretraining data of a setting of `parameters`.

        Raises:
            InputError: not one level for each of them, or a level that does not exist.
        """
        levels = check_settings(setting, self.parameters)
        return SyntheticSet(
            self.simulator, tuple(levels.get(each.name, 0) for each in self.simulator.parameters), self.pretraining
        )

    def _found(self, tasks: np.ndarray, settings: np.ndarray, description: str) -> np.ndarray:
        places, levels = np.asarray(tasks).tolist(), [tuple(each) for each in np.asarray(settings).tolist()]
        for place in places:
            if place not in range(len(self.tasks)):
                raise InputError(f"there is no task {place}: the tasks are 0 to {len(self.tasks) - 1}")
        sets = {setting: self.data(setting) for setting in dict.fromkeys(levels)}
        pairs = [(sets[setting], self.tasks[place]) for place, setting in zip(places, levels, strict=True)]
        how = {"workers": self.workers, "engine": self.engine, "description": description}
        return np.array(pair_scores(pairs, **how))
