"""Task2Sim: from a task's vector to the simulation parameters of its pretraining data (T2S section 3)."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from ndslib.core import weights
from ndslib.core.errors import InputError
from ndslib.sim.parameters import PARAMETERS, Parameter
from ndslib.task2sim.network import InSpan, PolicyNetwork
from ndslib.task2sim.policy_config import PolicyConfig
from ndslib.task2sim.priors import SharedRewards, nearness
from ndslib.task2sim.reinforce import History, train
from ndslib.task2sim.rewards import Rewards, RewardTable
from ndslib.task2sim.vectors import TaskVectors, below

FORMAT = "ndslib task2sim policy 2"
IMPROVED = PolicyConfig(
    gradient="exact", entropy=2.0, sharing=0.07, length=30.0, epochs=200, warmup=10, lr=0.01, batch_size=64
)


class Policy:
    """Maps task vectors to a distribution over the levels of each simulation parameter.

    Args:
        config: how it is trained; by default as the authors did.
        options: fields of `PolicyConfig`, set over those of `config`: `Policy(seed=1, members=5)`.

    Attributes:
        parameters: the simulation parameters that the columns of `predict` stand for, in this order; those of the
            rewards it was fitted to.
        seen: the tasks it was fitted to and how their vectors were made, kept with the policy so that a new task's can
            be made alike (`one_shot.predict`); None where `fit` got a plain array.
        history: what `fit` did; None of a policy that was loaded.

    Raises:
        InputError: an unknown option, or a value out of range.
    """

    def __init__(self, config: PolicyConfig | None = None, **options: Any) -> None:
        unknown = sorted(options.keys() - PolicyConfig.__dataclass_fields__.keys())
        if unknown:
            raise InputError(f"unknown options {unknown}; a policy has {sorted(PolicyConfig.__dataclass_fields__)}")
        self.config = replace(config or PolicyConfig(), **options)
        self.parameters: tuple[Parameter, ...] = PARAMETERS
        self.network: PolicyNetwork | None = None
        self.seen: TaskVectors | None = None
        self.history: History | None = None

    @classmethod
    def improved(cls, **options: Any) -> "Policy":
        """A policy regularised for tasks that training did not see; not the paper's.

        It follows the gradient of eq. 1 itself over all settings, keeps the policy open with an entropy that fades, and
        lets near tasks share rewards (`priors`). It asks every reward of every seen task, so that a live source
        pretrains with every setting (256 of the paper's eight parameters) and measures each on all tasks.

        On the authors' rewards it gives up about a point of the seen tasks' accuracy for a gain on tasks left out, as
        figures/task2sim/t2s-t2.csv and t2s-t3.csv record. The gain is no proof: the options were compared on splits of
        the same twelve tasks, and its interval over these tasks holds 0. `authors.compare_variants` measures what each
        change brings, and beside it ensembling, weight decay and standardised rewards.

        Args:
            options: set over those of `IMPROVED`.

        Raises:
            InputError: as `Policy`.
        """
        return cls(IMPROVED, **options)

    def fit(
        self, task_vectors: np.ndarray | TaskVectors, rewards: Rewards | RewardTable, description: str = ""
    ) -> "Policy":
        """Train on seen tasks (Algorithm 1); the policy starts anew.

        Args:
            task_vectors: float [N, D], one Task2Vec a task. They are scaled to one length here and in `predict`.
                `TaskVectors` are kept as `seen`.
            rewards: called as `rewards(tasks, settings)` with places among the N tasks, int64 [B], and settings, int64
                [B, M]; gives their rewards in percent, float [B]. No pair is asked for twice. Its `parameters` name the
                columns of a setting; without that attribute they are the eight of T2S section 4.1. A `RewardTable`
                holds its tasks in the order of the vectors; a source with `tasks` (`LiveRewards`) begins with them.
            description: name of the progress bar; no bar when empty.

        Returns:
            the policy itself.

        Raises:
            InputError: vectors that are not [N, D], not finite or zero; rewards of other tasks than these N; rewards
                that are not finite numbers; training that diverges, as with too high a learning rate.
            UserWarning: training collapsed, and the best epoch's policy is kept (`reinforce.train`).
        """
        with torch.inference_mode(False), torch.enable_grad():  # a caller's `no_grad` is not meant for training
            return self._fit(task_vectors, rewards, description)

    def _fit(
        self, task_vectors: np.ndarray | TaskVectors, rewards: Rewards | RewardTable, description: str
    ) -> "Policy":
        inputs = self._scaled(task_vectors)
        parameters = tuple(getattr(rewards, "parameters", PARAMETERS))
        _check_source(rewards, parameters, task_vectors)
        levels = [parameter.levels for parameter in parameters]
        if self.config.sharing:
            rewards = SharedRewards(rewards, nearness(inputs.numpy(), self.config.sharing), parameters)
        network = PolicyNetwork(inputs.shape[1], levels, self.config.hidden, self.config.seeds)
        spanned = InSpan(network, inputs)
        self.history = train(spanned, inputs @ spanned.basis, rewards, parameters, self.config, description)
        spanned.fold()
        self.parameters, self.network = parameters, network
        self.seen = task_vectors if isinstance(task_vectors, TaskVectors) else None
        return self

    def _scaled(self, task_vectors: np.ndarray) -> Tensor:
        return self.config.length * _unit(task_vectors)

    def probabilities(self, task_vectors: np.ndarray) -> np.ndarray:
        """The probability of every level, float64 [N, M, max k] (0 where a parameter has no such level).

        Members' probabilities are averaged.

        Raises:
            InputError: the policy is not fitted, or vectors that `fit` would refuse or of another length.
        """
        if self.network is None:
            raise InputError("the policy is not fitted: call fit, or Policy.load")
        inputs = self._scaled(task_vectors)
        if inputs.shape[1] != self.network.features:
            raise InputError(
                f"task vectors have {inputs.shape[1]} values; the policy was fitted to {self.network.features}: use "
                "the same probe network and method"
            )
        with torch.no_grad():
            log_pi = self.network(inputs.expand(self.network.members, -1, -1))
        return log_pi.double().exp().mean(0).numpy()

    def predict(self, task_vectors: np.ndarray) -> np.ndarray:
        """The most probable level of each parameter, int64 [N, M], in the order of `parameters`.

        Raises:
            InputError: as `probabilities`.
        """
        return self.probabilities(task_vectors).argmax(-1)

    def save(self, path: Path | str) -> None:
        """Write the policy as safetensors, atomically.

        Raises:
            InputError: the policy is not fitted.
        """
        if self.network is None:
            raise InputError("the policy is not fitted: there is nothing to save")
        metadata = {
            "format": FORMAT,
            "config": asdict(self.config),
            "parameters": [list(parameter) for parameter in self.parameters],
            "features": self.network.features,
            "seen": self.seen and self.seen.description,
        }
        content = {"network": self.network} | ({"seen": self.seen.as_module()} if self.seen else {})
        weights.save(path, nn.ModuleDict(content), "policy", metadata)

    @classmethod
    def load(cls, path: Path | str) -> "Policy":
        """Read a policy that `save` wrote.

        Raises:
            InputError: the file is absent, damaged or no policy, or its task vectors would be made otherwise here.
        """
        metadata = weights.read_metadata(path, "policy", FORMAT, "a policy", "train it again and save it")
        try:
            return cls._restored(metadata, load_file(path), path)
        except InputError:
            raise
        except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
            raise InputError(f"{path}: not a whole policy ({error}); train it again and save it") from error

    @classmethod
    def _restored(cls, metadata: dict[str, Any], state: dict[str, Tensor], path: Path | str) -> "Policy":
        policy = cls(PolicyConfig(**metadata["config"]))
        policy.parameters = tuple(Parameter(name, levels) for name, levels in metadata["parameters"])
        levels = [parameter.levels for parameter in policy.parameters]
        policy.network = PolicyNetwork(metadata["features"], levels, policy.config.hidden, policy.config.seeds)
        policy.network.load_state_dict(below(state, "network."))
        if not all(weight.isfinite().all() for weight in policy.network.parameters()):
            raise InputError(f"{path}: the policy has weights that are not finite; train it again and save it")
        if metadata["seen"]:
            policy.seen = TaskVectors.restored(metadata["seen"], below(state, "seen."), path)
        return policy


def _check_source(rewards: Rewards | RewardTable, parameters: tuple[Parameter, ...], task_vectors: object) -> None:
    """Refuse rewards that are not a source for these tasks, where the source names its own (a table, the live loop)."""
    if not callable(rewards):
        raise InputError(
            f"rewards are a {type(rewards).__name__}: give a RewardTable (such as `RewardTable.from_csv(path)`) or a "
            "function of tasks and settings"
        )
    if not parameters or not all(isinstance(each, Parameter) and each.levels >= 1 for each in parameters):
        raise InputError(f"the rewards' parameters are {parameters}: wanted one Parameter(name, levels) at least")
    if (tasks := getattr(rewards, "tasks", None)) is None:
        return
    # A live source may hold further tasks, such as unseen ones, of which nothing is asked.
    if len(tasks) < len(task_vectors) or (isinstance(rewards, RewardTable) and len(tasks) > len(task_vectors)):
        raise InputError(
            f"{len(task_vectors)} task vectors for rewards of {len(tasks)} tasks: give one vector a task, in the order "
            "of the rewards' tasks (`RewardTable.of` takes some of a table's)"
        )
    if isinstance(task_vectors, TaskVectors):
        names = [task if isinstance(task, str) else task.name for task in tasks]
        task_vectors.check_order(names[: len(task_vectors)])


def _unit(task_vectors: np.ndarray) -> Tensor:
    """Task vectors scaled to length 1, float32 [N, D]."""
    if isinstance(task_vectors, Tensor):
        task_vectors = task_vectors.detach().cpu().double()
    try:
        vectors = np.asarray(task_vectors, np.float64)
    except (ValueError, TypeError) as error:
        raise InputError(f"task vectors are no numbers [tasks, values] ({error})") from error
    if vectors.ndim != 2 or 0 in vectors.shape:
        raise InputError(f"task vectors have the shape {vectors.shape}; wanted [tasks, values], at least one of each")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or not lengths.all():
        row = int(np.flatnonzero(~np.isfinite(lengths.ravel()) | (lengths.ravel() == 0))[0])
        raise InputError(f"task vector {row} is zero or has values that are not finite: compute it again")
    return torch.from_numpy((vectors / lengths).astype(np.float32))
