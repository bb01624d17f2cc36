"""The one training loop: device, mixed precision, optimizer, schedule, checkpoint and exact resume.

A batch is a pure function of the step number, so a resumed run sees the batches that the undisturbed run would have
seen, and on a CPU ends with the same bits.
"""

import dataclasses
import math
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from ndslib.core.errors import InputError
from ndslib.core.files import atomic_path
from ndslib.core.progress import track
from ndslib.core.seeding import generator

PRECISIONS = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}
LOSS_CHECK_EVERY = {"cpu": 1, "cuda": 25}  # reading a loss from a GPU waits for it


class NonFiniteLoss(RuntimeError):
    """The loss became NaN or infinite. The message names the step and the remedy; no checkpoint holds the bad state."""


@dataclass(frozen=True)
class TrainConfig:
    """How to train. Every field is part of the run: a checkpoint resumes only under the same configuration.

    Attributes:
        steps: optimizer steps, at least 0.
        batch_size: samples a step, at least 1.
        lr: peak learning rate.
        optimizer: `sgd` (with `momentum`, Nesterov when it is above 0), `adam` or `adamw`.
        weight_decay: L2 penalty (decoupled for `adamw`).
        schedule: `constant`, `cosine` (to zero) or `step` (times `gamma` at each of `milestones`).
        milestones: steps at which a `step` schedule drops, as fractions of `steps` in (0, 1).
        warmup: fraction of the steps over which the rate rises linearly from 0.
        clip: largest gradient norm, or None.
        device: `cpu`, `cuda` or `cuda:n`.
        precision: `fp32`, `bf16` or `fp16` (the latter two under autocast; fp16 with loss scaling, CUDA only).
        seed: names every random stream of the run.
    """

    steps: int
    batch_size: int
    lr: float
    optimizer: str = "sgd"
    momentum: float = 0.9
    weight_decay: float = 5e-4
    schedule: str = "cosine"
    milestones: tuple[float, ...] = (0.3, 0.6, 0.9)
    gamma: float = 0.1
    warmup: float = 0.0
    clip: float | None = None
    device: str = "cpu"
    precision: str = "fp32"
    seed: int = 0

    def __post_init__(self) -> None:
        rules = [
            ("steps", self.steps >= 0, "at least 0"),
            ("batch_size", self.batch_size >= 1, "at least 1"),
            ("lr", self.lr > 0 and math.isfinite(self.lr), "a positive number"),
            ("optimizer", self.optimizer in ("sgd", "adam", "adamw"), "'sgd', 'adam' or 'adamw'"),
            ("schedule", self.schedule in ("constant", "cosine", "step"), "'constant', 'cosine' or 'step'"),
            ("precision", self.precision in PRECISIONS, f"one of {sorted(PRECISIONS)}"),
            ("warmup", 0 <= self.warmup < 1, "a fraction of the steps in [0, 1)"),
            ("milestones", all(0 < point < 1 for point in self.milestones), "fractions of the steps in (0, 1)"),
        ]
        for name, holds, rule in rules:
            if not holds:
                raise InputError(f"TrainConfig.{name} is {getattr(self, name)!r}; it must be {rule}")
        if self.precision == "fp16" and not self.device.startswith("cuda"):
            raise InputError("precision 'fp16' needs a CUDA device; use 'bf16' or 'fp32' on a CPU")
        if self.device.startswith("cuda") and not torch.cuda.is_available():
            raise InputError(f"device is {self.device!r}, but torch finds no CUDA device; use device='cpu'")


class ShuffledIndices:
    """Sample numbers of each step: one endless stream of permutations of `count`, cut into batches.

    A pure function of the step: `indices(step)` is int64[batch_size], whatever was asked before.
    """

    def __init__(self, count: int, batch_size: int, seed: int) -> None:
        if count < 1:
            raise InputError("there are no samples to train on")
        self.count, self.batch_size, self.seed = count, batch_size, seed
        self._epoch, self._order = -1, torch.empty(0, dtype=torch.int64)

    def __call__(self, step: int) -> Tensor:
        start, taken, parts = step * self.batch_size, 0, []
        while taken < self.batch_size:
            epoch, offset = divmod(start + taken, self.count)
            part = self._permutation(epoch)[offset : offset + self.batch_size - taken]
            parts.append(part)
            taken += len(part)
        return torch.cat(parts)

    def _permutation(self, epoch: int) -> Tensor:
        if epoch != self._epoch:
            self._order = torch.randperm(self.count, generator=generator("epoch", self.seed, epoch))
            self._epoch = epoch
        return self._order


def fit(
    model: nn.Module,
    loss_of: Callable[[nn.Module, Any], Tensor],
    batch_at: Callable[[int], Any],
    config: TrainConfig,
    checkpoint: Path | None = None,
    checkpoint_every: int = 100,
    description: str = "",
    identity: str = "",
) -> list[float]:
    """Train `model` in place and return the loss of every step.

    Args:
        loss_of: `(model, batch) -> scalar loss`.
        batch_at: the batch of a step, a pure function of the step number; tensors (in tuples, lists, mappings).
        checkpoint: file to resume from when it exists and to save to every `checkpoint_every` steps and at the end.
        description: name of the progress bar; no bar when empty.
        identity: names the data and the model; a checkpoint of another identity is refused.

    Raises:
        NonFiniteLoss: the loss is NaN or infinite.
        InputError: the checkpoint is unreadable or belongs to another run.
    """
    model.to(config.device).train()
    run = _Run(model, config, identity)
    if checkpoint is not None:
        run.load(checkpoint)
    steps = range(run.step, config.steps)
    check_every = LOSS_CHECK_EVERY[torch.device(config.device).type]
    for step in track(steps, description) if description else steps:
        run.advance(loss_of, to_device(batch_at(step), config.device))
        last = run.step == config.steps
        save = checkpoint is not None and (last or run.step % checkpoint_every == 0)
        if save or last or run.step % check_every == 0:
            run.check()
        if save:
            run.save(checkpoint)
    return run.losses


def to_device(batch: Any, device: str) -> Any:
    """Move every tensor of a batch (in tuples, lists or mappings) to a device; other values pass."""
    return pytree.tree_map_only(Tensor, lambda tensor: tensor.to(device, non_blocking=True), batch)


def learning_rate(config: TrainConfig, step: int) -> float:
    """The learning rate of a step (0-based)."""
    done = step / max(config.steps, 1)
    rise = min(1.0, (step + 1) / (config.warmup * config.steps)) if config.warmup else 1.0
    if config.schedule == "cosine":
        rest = max(0.0, done - config.warmup) / (1 - config.warmup)
        return config.lr * rise * 0.5 * (1 + math.cos(math.pi * rest))
    if config.schedule == "step":
        return config.lr * rise * config.gamma ** sum(done >= point for point in config.milestones)
    return config.lr * rise


def make_optimizer(model: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """The optimizer that `config` names, over the parameters that require gradients."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not parameters:
        raise InputError("the model has no parameter that requires a gradient: nothing to train")
    if config.optimizer == "sgd":
        return torch.optim.SGD(
            parameters,
            config.lr,
            momentum=config.momentum,
            weight_decay=config.weight_decay,
            nesterov=config.momentum > 0,
        )
    kind = torch.optim.Adam if config.optimizer == "adam" else torch.optim.AdamW
    return kind(parameters, config.lr, weight_decay=config.weight_decay)


class _Run:
    """The state of a training run: all that a checkpoint holds."""

    def __init__(self, model: nn.Module, config: TrainConfig, identity: str) -> None:
        self.model, self.config, self.identity = model, config, identity
        self.optimizer = make_optimizer(model, config)
        self.scaler = torch.amp.GradScaler("cuda", enabled=config.precision == "fp16")
        self.losses: list[float] = []
        self._pending: list[Tensor] = []
        self.step = 0

    def advance(self, loss_of: Callable[[nn.Module, Any], Tensor], batch: Any) -> None:
        config = self.config
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(config, self.step)
        dtype = PRECISIONS[config.precision]
        with torch.autocast(torch.device(config.device).type, dtype, enabled=dtype is not None):
            loss = loss_of(self.model, batch)
        self.optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        if config.clip is not None:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.model.parameters(), config.clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self._pending.append(loss.detach())
        self.step += 1

    def check(self) -> None:
        """Read the losses of the last steps; stop at one that is not finite."""
        for loss in torch.stack(self._pending).tolist():
            if not math.isfinite(loss):
                step = len(self.losses)
                rate = learning_rate(self.config, step)
                raise NonFiniteLoss(
                    f"the loss is {loss} at step {step} of {self.config.steps} (learning rate {rate:g}): lower lr, "
                    "add warmup or clip, or look for non-finite values in the images"
                )
            self.losses.append(loss)
        self._pending.clear()

    def _fingerprint(self) -> str:
        return f"{self.identity}|{dataclasses.asdict(self.config)}"

    def save(self, path: Path) -> None:
        state = {
            "fingerprint": self._fingerprint(),
            "step": self.step,
            "losses": self.losses,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "rng": torch.get_rng_state(),
            "cuda_rng": torch.cuda.get_rng_state_all() if self.config.device.startswith("cuda") else [],
        }
        # To an open file: by name, torch refuses one whose stem is empty, as that of a temporary ".name" is.
        with atomic_path(path) as temporary, open(temporary, "wb") as stream:
            torch.save(state, stream)

    def load(self, path: Path) -> None:
        """Take the state from a checkpoint; without one, start from the beginning."""
        try:
            state = torch.load(path, map_location=self.config.device, weights_only=True)
        except FileNotFoundError:  # asked for directly: another process may finish, and remove it, at any moment
            return
        except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
            raise InputError(f"{path}: damaged, or not a checkpoint; delete it to train from the start") from error
        if state["fingerprint"] != self._fingerprint():
            raise InputError(
                f"{path}: the checkpoint belongs to another run\n  saved: {state['fingerprint']}\n"
                f"  wanted: {self._fingerprint()}\nUse the saved settings, or delete it to train from the start"
            )
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        self.step, self.losses = state["step"], state["losses"]
        torch.set_rng_state(state["rng"].cpu())
        if state["cuda_rng"]:
            torch.cuda.set_rng_state_all([state.cpu() for state in state["cuda_rng"]])
