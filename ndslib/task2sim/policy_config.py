"""How a policy is trained: the options of `Policy`, checked, and their schedules over the epochs."""

import math
from dataclasses import dataclass

from ndslib.core.errors import InputError

WARMUP_START = 1e-6  # the learning rate at the first epoch


@dataclass(frozen=True)
class PolicyConfig:
    """How a policy is trained. The default values are the authors' (T2S section 4.1 and their code).

    `reinforce` says where the algorithm that uses them is the paper's and not that of their code.

    Attributes:
        hidden: width of the two shared layers.
        epochs: passes over the seen tasks.
        batch_size: tasks a minibatch, n.
        lr: peak learning rate of SGD, with `momentum` and `weight_decay`.
        warmup: epochs over which the rate rises to `lr`; 0 starts with it.
        drop: part of the epochs after which the rate is a tenth.
        exploration: epsilon_0, added to every probability (then scaled to sum 1) when settings are sampled.
        exploration_epochs: the noise of epoch t (0-based) is exploration / ceil((t + 1) / exploration_epochs).
        imitation_steps: T_si, self-imitation updates after every update.
        imitation_from: the epoch with which these begin.
        gradient: `sampled` (eq. 4) or `exact`: the gradient of eq. 1 itself, the sum over all settings. It needs every
            reward, and neither exploration nor self-imitation.
        entropy: weight of the entropy of a task's distributions (nats, summed over the parameters) in the objective; it
            falls to 0 with the last epoch. Without it the exact gradient keeps the first good setting that it meets.
        length: to which task vectors are scaled. With 1, as the authors have it, the first layer's output is a
            hundredth of the others', and what tells tasks apart is learned late.
        sharing: temperature, in Task2Vec distance, with which near tasks share rewards (`priors`); 0: not at all.
        members: networks trained side by side from different seeds; their probabilities are averaged.
        seed: names the weights, the order of the tasks and the samples.

    Raises:
        InputError: a value out of range.
    """

    hidden: int = 400
    epochs: int = 1000
    batch_size: int = 4
    lr: float = 1e-3
    momentum: float = 0.9
    weight_decay: float = 1e-5
    warmup: int = 50
    drop: float = 0.5
    exploration: float = 0.4
    exploration_epochs: int = 5
    imitation_steps: int = 5
    imitation_from: int = 50
    gradient: str = "sampled"
    entropy: float = 0.0
    length: float = 1.0
    sharing: float = 0.0
    members: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        least = {"hidden": 1, "epochs": 1, "batch_size": 1, "exploration_epochs": 1, "members": 1}
        least |= {"warmup": 0, "imitation_steps": 0, "imitation_from": 0, "seed": 0}
        for name, bound in least.items():
            if type(value := getattr(self, name)) is not int or value < bound:
                raise InputError(f"{name} is {value!r}; it must be an int of at least {bound}")
        for name in ("lr", "length", "weight_decay", "exploration", "entropy", "sharing", "momentum", "drop"):
            if not isinstance(getattr(self, name), int | float):
                raise InputError(f"{name} is {getattr(self, name)!r}; it must be a number")
        for name in ("lr", "length"):
            if not 0 < getattr(self, name) < math.inf:
                raise InputError(f"{name} is {getattr(self, name)!r}; it must be a positive number")
        for name in ("weight_decay", "exploration", "entropy", "sharing"):
            if not 0 <= getattr(self, name) < math.inf:
                raise InputError(f"{name} is {getattr(self, name)!r}; it must be a number of at least 0")
        if not (0 <= self.momentum < 1 and 0 < self.drop <= 1):
            raise InputError(f"momentum is {self.momentum!r} and drop {self.drop!r}; wanted [0, 1) and (0, 1]")
        if self.gradient not in ("sampled", "exact"):
            raise InputError(f"gradient is {self.gradient!r}; choose 'sampled' or 'exact'")

    @property
    def seeds(self) -> list[int]:
        """The members' seeds: member i of a policy with seed s is the only member of one with seed s + i."""
        return [self.seed + member for member in range(self.members)]

    def learning_rate(self, epoch: int) -> float:
        """The rate of an epoch (0-based)."""
        if epoch < self.warmup:
            return WARMUP_START + (self.lr - WARMUP_START) * epoch / self.warmup
        return self.lr if epoch < self.drop * self.epochs else 0.1 * self.lr

    def noise(self, epoch: int) -> float:
        """Epsilon of an epoch (0-based), line 5 of Algorithm 1."""
        return self.exploration / math.ceil((epoch + 1) / self.exploration_epochs)

    def entropy_weight(self, epoch: int) -> float:
        """The weight of the entropy in an epoch (0-based)."""
        return self.entropy * (1 - (epoch + 1) / self.epochs)
