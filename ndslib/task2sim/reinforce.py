"""Algorithm 1 of T2S: REINFORCE with a self-critical baseline (eq. 4), exploration and self-imitation.

Two things are as the authors' code has them: an epoch shows every task once, so an iteration of Algorithm 1 is one of
its minibatches, and the noise falls in steps of epochs (line 5 has epsilon_0 / t). Where else the two differ, this is
the paper's algorithm:

- The noise is added to every level's probability, which is then scaled to sum 1 (line 8). The code moves it from the
  most probable level to the others: 0.4 makes 0.1 and 0.9 of 0.5 and 0.5.
- The log-probability is the policy's own (eq. 4). The code takes that of the distribution with noise.
- a_max is the best setting that was sampled (line 10). The code remembers the most probable ones too.
- The log-probability is taken per task. The code adds up those of all tasks of the minibatch under every task's action,
  which pushes each task to the others' actions.
"""

import math
import warnings
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from ndslib.core.errors import InputError
from ndslib.core.parallel import one_thread
from ndslib.core.progress import track
from ndslib.core.seeding import generator
from ndslib.sim.parameters import Parameter
from ndslib.task2sim.policy_config import PolicyConfig
from ndslib.task2sim.rewards import Rewards, every_setting

MOST_SETTINGS = 65_536  # that the exact gradient enumerates


@dataclass
class History:
    """What training did.

    Attributes:
        greedy: [epochs], the mean reward of the most probable settings, R(nu), over tasks and members, as they were
            when their minibatch was shown.
        evaluations: distinct pairs of task and setting whose reward was asked for.
        settings: distinct settings among them: the pretrainings that were needed.
    """

    greedy: list[float] = field(default_factory=list)
    evaluations: int = 0
    settings: int = 0


class Memory:
    """Rewards that were asked for, so that none is asked for twice."""

    def __init__(self, rewards: Rewards) -> None:
        self.rewards = rewards
        self.known: dict[tuple[int, ...], float] = {}

    def __call__(self, tasks: Tensor, settings: Tensor) -> Tensor:
        """Rewards float32 [...] of tasks int64 [...] under settings int64 [..., M].

        Raises:
            InputError: the source gave another number of rewards, or one that is not finite.
        """
        pairs = _pairs(tasks, settings)
        if new := list(dict.fromkeys(pair for pair in pairs if pair not in self.known)):
            asked = np.array(new, np.int64)
            found = np.asarray(self.rewards(asked[:, 0], asked[:, 1:]), np.float64)
            if found.shape != (len(new),) or not np.isfinite(found).all():
                raise InputError(f"rewards of {len(new)} settings are {found}: wanted one finite number each")
            self.known |= dict(zip(new, found.tolist(), strict=True))
        return torch.tensor([self.known[pair] for pair in pairs]).view(tasks.shape)

    def recalled(self, tasks: Tensor, settings: Tensor) -> Tensor:
        """As a call, but nothing is asked for: not a number where a reward is not known."""
        found = [self.known.get(pair, math.nan) for pair in _pairs(tasks, settings)]
        return torch.tensor(found).view(tasks.shape)

    @property
    def settings(self) -> int:
        """Distinct settings that were asked for."""
        return len({pair[1:] for pair in self.known})


def _pairs(tasks: Tensor, settings: Tensor) -> list[tuple[int, ...]]:
    rows = torch.cat([tasks[..., None], settings], dim=-1)
    return list(map(tuple, rows.flatten(0, -2).tolist()))


def train(
    network: nn.Module,
    inputs: Tensor,
    rewards: Rewards,
    parameters: tuple[Parameter, ...],
    config: PolicyConfig,
    description: str = "",
) -> History:
    """Train a policy network in place (Algorithm 1).

    Args:
        network: float [members, B, D] to log-probabilities [members, B, M, max k]: `PolicyNetwork` or `InSpan`.
        inputs: float [N, D], the seen tasks.
        rewards: as in `Policy.fit`.
        parameters: what the levels of a setting stand for.
        description: name of the progress bar; no bar when empty.

    Raises:
        InputError: rewards that are not finite, more settings than the exact gradient can enumerate, or training that
            diverges.
        UserWarning: a member collapsed (`collapsed`), as happens where rewards differ by tens of points; it is left as
            it was after its best epoch.
    """
    training = _Training(network, inputs, rewards, parameters, config)
    epochs = range(config.epochs)
    for epoch in track(epochs, description) if description else epochs:
        training.epoch(epoch)
    training.restore_collapsed()
    memory = training.memory
    return History(training.greedy, len(memory.known), memory.settings)


class _Training:
    """The state of Algorithm 1."""

    def __init__(
        self,
        network: nn.Module,
        inputs: Tensor,
        rewards: Rewards,
        parameters: tuple[Parameter, ...],
        config: PolicyConfig,
    ) -> None:
        self.network, self.inputs, self.config, self.memory = network, inputs, config, Memory(rewards)
        self.parameters = parameters
        self.everyone = torch.arange(len(inputs)).expand(config.members, -1)  # all tasks, for each member
        trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
        self.optimizer = torch.optim.SGD(trained, config.lr, config.momentum, weight_decay=config.weight_decay)
        self.orders, self.draws = ([generator(name, seed) for seed in config.seeds] for name in ("tasks", "settings"))
        self.best_reward = torch.full((config.members, len(inputs)), -torch.inf)
        self.best = torch.zeros(config.members, len(inputs), len(self.parameters), dtype=torch.int64)  # a_max
        self.greedy: list[float] = []
        self.of_members = [parameter for parameter in trained if parameter.ndim]  # `InSpan.decay` is of all together
        self.kept = [parameter.detach().clone() for parameter in self.of_members]  # as after each member's best epoch
        self.kept_reward = torch.full((config.members,), -torch.inf)
        if config.gradient == "exact":
            self.settings = torch.from_numpy(_enumerated(self.parameters))  # Shape: (k, m)
            tasks = torch.arange(len(inputs))[:, None].expand(-1, len(self.settings))
            self.rewards = self.memory(tasks, self.settings.expand(len(inputs), -1, -1))  # Shape: (n, k)

    def epoch(self, epoch: int) -> None:
        """Show every task once to every member."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate(epoch)
        order = torch.stack([torch.randperm(len(self.inputs), generator=random) for random in self.orders])
        update = self._exact if self.config.gradient == "exact" else self._sampled
        greedy = sum(update(tasks, epoch) for tasks in order.split(self.config.batch_size, dim=1)) / len(self.inputs)
        self.greedy.append(float(greedy.mean()))
        self._keep_best()

    @torch.no_grad()
    def _keep_best(self) -> None:
        """Remember the weights of the members that were never better, by rewards that are known anyway."""
        log_pi = self._output(self.everyone)
        reward = self.memory.recalled(self.everyone, most_probable(log_pi)).mean(1)
        better = (reward > self.kept_reward) & ~collapsed(log_pi)
        self.kept_reward[better] = reward[better]
        for kept, parameter in zip(self.kept, self.of_members, strict=True):
            kept[better] = parameter[better]

    @torch.no_grad()
    def restore_collapsed(self) -> None:
        """Give the members that collapsed the weights of their best epoch."""
        dead = collapsed(self._output(self.everyone)) & self.kept_reward.isfinite()
        if not dead.any():
            return
        for kept, parameter in zip(self.kept, self.of_members, strict=True):
            parameter[dead] = kept[dead]
        seeds = [seed for seed, one in zip(self.config.seeds, dead.tolist(), strict=True) if one]
        warnings.warn(
            f"training collapsed (seed {', '.join(map(str, seeds))}): all tasks get one distribution. The weights of "
            f"the best epoch are kept; lower lr ({self.config.lr}) or scale rewards down (RewardTable.standardised)",
            stacklevel=6,  # the call of `Policy.fit`
        )

    def _sampled(self, tasks: Tensor, epoch: int) -> Tensor:
        """Lines 7 to 17 of Algorithm 1 for tasks int64 [members, B]; the sum of their rewards R(nu), [members]."""
        log_pi = self._output(tasks)
        greedy, drawn = most_probable(log_pi), sample(log_pi, self.config.noise(epoch), self.draws)
        # One request, so that all that is to be pretrained can be at once.
        baseline, reward = self.memory(torch.stack([tasks, tasks]), torch.stack([greedy, drawn]))
        self._remember_best(tasks, drawn, reward)
        self._step(policy_gradient_loss(log_pi, drawn, reward - baseline) + self._bonus(log_pi, epoch))
        for _ in range(self.config.imitation_steps if epoch >= self.config.imitation_from else 0):
            log_pi = self._output(tasks)
            advantage = self.best_reward.gather(1, tasks) - self.memory(tasks, most_probable(log_pi))
            loss = policy_gradient_loss(log_pi, self._of(self.best, tasks), advantage)
            self._step(loss + self._bonus(log_pi, epoch))
        return baseline.sum(1)

    def _exact(self, tasks: Tensor, epoch: int) -> Tensor:
        """An update by the gradient of eq. 1; returns as `_sampled`."""
        log_pi = self._output(tasks)
        loss = -expected_reward(log_pi, self.settings, self.rewards[tasks]).mean(1).sum()
        self._step(loss + self._bonus(log_pi, epoch))
        return self.memory(tasks, most_probable(log_pi)).sum(1)

    @one_thread()  # on matrices as small as these, more threads mostly wait for each other
    def _output(self, tasks: Tensor) -> Tensor:
        log_pi = self.network(self.inputs[tasks])
        if log_pi.isnan().any():
            raise InputError(f"training diverged: lower lr ({self.config.lr}) or scale the rewards down")
        return log_pi

    def _bonus(self, log_pi: Tensor, epoch: int) -> Tensor | float:
        """What the entropy takes from the loss."""
        if not self.config.entropy:
            return 0.0
        return -self.config.entropy_weight(epoch) * entropy(log_pi).mean(1).sum()

    @one_thread()
    def _step(self, loss: Tensor) -> None:
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()

    def _remember_best(self, tasks: Tensor, settings: Tensor, rewards: Tensor) -> None:
        """Line 10. A minibatch holds a task once, so no two entries meet."""
        better = rewards > self.best_reward.gather(1, tasks)
        kept = torch.where(better[..., None], settings, self._of(self.best, tasks))
        self.best.scatter_(1, tasks[..., None].expand_as(kept), kept)
        self.best_reward.scatter_(1, tasks, torch.maximum(rewards, self.best_reward.gather(1, tasks)))

    @staticmethod
    def _of(settings: Tensor, tasks: Tensor) -> Tensor:
        return settings.gather(1, tasks[..., None].expand(*tasks.shape, settings.shape[-1]))


def collapsed(log_pi: Tensor) -> Tensor:
    """Whether a member gives several tasks one distribution, to the last bit, as where its hidden units are all dead.

    Args:
        log_pi: [members, N, M, k], of all tasks.

    Returns:
        bool [members]; False of a single task, which tells nothing.
    """
    return (log_pi == log_pi[:, :1]).flatten(1).all(1) & (log_pi.shape[1] > 1)


def most_probable(log_pi: Tensor) -> Tensor:
    """nu, int64 [..., M]: the most probable level of each parameter from log-probabilities [..., M, k]."""
    return log_pi.argmax(-1)


def sample(log_pi: Tensor, noise: float, draws: list[torch.Generator]) -> Tensor:
    """Settings a ~ (pi + epsilon), line 8 of Algorithm 1.

    Args:
        log_pi: [members, B, M, k]; epsilon goes to the levels that exist, and the sum is scaled to 1.
        draws: a generator a member.

    Returns:
        int64 [members, B, M].
    """
    pi = log_pi.detach().exp() + noise * log_pi.detach().isfinite()
    reached = (pi / pi.sum(-1, keepdim=True)).cumsum(-1)
    uniform = torch.stack([torch.rand(log_pi.shape[1:-1], generator=random) for random in draws])
    last = log_pi.isfinite().sum(-1) - 1  # rounding may leave the sum a little below 1
    return torch.minimum((uniform[..., None] >= reached).sum(-1), last)


def policy_gradient_loss(log_pi: Tensor, settings: Tensor, advantage: Tensor) -> Tensor:
    """The scalar whose negative gradient is eq. 4, mean over a member's tasks and summed over the members.

    Args:
        log_pi: [members, B, M, k].
        settings: int64 [members, B, M], a.
        advantage: [members, B], R(a) - R(nu).
    """
    log_probability = log_pi.gather(-1, settings[..., None]).squeeze(-1).sum(-1)  # of each task's own a; eq. 3
    return -(log_probability * advantage).mean(1).sum()


def expected_reward(log_pi: Tensor, settings: Tensor, rewards: Tensor) -> Tensor:
    """Eq. 1, the sum of P(a) R(a) over all settings.

    Args:
        log_pi: [..., M, k].
        settings: int64 [K, M], all of them.
        rewards: [..., K], of each setting.

    Returns:
        [...].
    """
    places = settings.T.expand(*log_pi.shape[:-1], -1)  # Shape: (..., m, number of settings)
    return (log_pi.gather(-1, places).sum(-2).exp() * rewards).sum(-1)


def entropy(log_pi: Tensor) -> Tensor:
    """Entropy [...] in nats, summed over the parameters, of log-probabilities [..., M, k]."""
    return -(log_pi.exp() * log_pi.masked_fill(log_pi.isneginf(), 0.0)).sum((-2, -1))


def _enumerated(parameters: tuple[Parameter, ...]) -> np.ndarray:
    count = math.prod(parameter.levels for parameter in parameters)
    if count > MOST_SETTINGS:
        raise InputError(f"{count} settings are too many for gradient='exact' (at most {MOST_SETTINGS}); use 'sampled'")
    return every_setting(parameters)
