"""Task2Sim (Mishra et al., CVPR 2022): from a task to the synthetic data that it needs."""

from ndslib.data.labelled import Labelled
from ndslib.task2sim.external import ExternalSimulator
from ndslib.task2sim.live import LiveRewards
from ndslib.task2sim.policy import Policy
from ndslib.task2sim.policy_config import PolicyConfig
from ndslib.task2sim.pretraining import Pretraining
from ndslib.task2sim.rewards import RewardTable
from ndslib.task2sim.task2vec import task2vec
from ndslib.task2sim.tasks import load_tasks

__all__ = [
    "ExternalSimulator",
    "Labelled",
    "LiveRewards",
    "Policy",
    "PolicyConfig",
    "Pretraining",
    "RewardTable",
    "load_tasks",
    "task2vec",
]
