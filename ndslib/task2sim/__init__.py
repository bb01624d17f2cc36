"""Task2Sim (Mishra et al., CVPR 2022): from a task to the synthetic data that it needs."""

from ndslib.task2sim.policy import Policy
from ndslib.task2sim.reinforce import PolicyConfig
from ndslib.task2sim.rewards import RewardTable

__all__ = ["Policy", "PolicyConfig", "RewardTable"]
