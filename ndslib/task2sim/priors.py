"""Near tasks share their rewards: a prior for few seen tasks.

A policy that sees a dozen tasks can learn the best setting of each by heart, and what it then says of a new task is
chance. Where two tasks are close in Task2Vec distance, though, a setting that is good for one is likely to be good for
the other. So a task's reward is replaced by a mean over all seen tasks that weighs the near ones most: a kernel
regression of the rewards on the tasks. What the policy learns is then what neighbours agree on, and a task far from all
others gets the setting that is good for most.
"""

import numpy as np
import torch

from ndslib.sim.parameters import Parameter
from ndslib.task2sim.distance import distances
from ndslib.task2sim.reinforce import Memory
from ndslib.task2sim.rewards import Rewards


class SharedRewards:
    """A reward source whose rewards are means over tasks.

    A setting is asked of all tasks at once. That is cheap: they share its pretraining.

    Args:
        rewards: the source, for N tasks; it is asked for no pair twice.
        weights: float64 [N, N]; row t are the weights of all tasks in the rewards of task t.
        parameters: the simulation parameters of a setting.
    """

    def __init__(self, rewards: Rewards, weights: np.ndarray, parameters: tuple[Parameter, ...]) -> None:
        self.memory, self.weights, self.parameters = Memory(rewards), weights, parameters

    def __call__(self, tasks: np.ndarray, settings: np.ndarray) -> np.ndarray:
        """Rewards float64 [B] of places among the tasks int64 [B] under settings int64 [B, M]."""
        distinct, places = np.unique(settings, axis=0, return_inverse=True)
        everyone = torch.arange(len(self.weights)).expand(len(distinct), -1)
        repeated = torch.from_numpy(distinct)[:, None].expand(-1, len(self.weights), -1)
        of_all = self.memory(everyone, repeated).double().numpy()  # Shape: (distinct settings, n)
        return (self.weights[tasks] * of_all[places.reshape(-1)]).sum(axis=1)


def nearness(task_vectors: np.ndarray, temperature: float) -> np.ndarray:
    """Weights that fall with the distance between tasks, float64 [N, N]; every row sums to 1.

    Args:
        task_vectors: float [N, D], all of one length, as the policy sees them; `distances` of the vectors as they are
            (the authors' convention) would also tell hard tasks from easy ones.
        temperature: the distance (symmetric normalised cosine, 0 to 1) at which a task weighs 1 / e of the task itself.
    """
    weights = np.exp(-distances(task_vectors) / temperature)
    return weights / weights.sum(axis=1, keepdims=True)
