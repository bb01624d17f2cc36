"""Joint training of stem, gate, branches and combiner, and what a trained network does (thesis section 3.2.3).

Not published, and chosen here: the optimiser, and the weight of the gate's loss (1, cross-entropy on the classes).
"""

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ndslib.core.errors import InputError
from ndslib.core.metrics import top1
from ndslib.core.models import evaluating
from ndslib.core.seeding import generator
from ndslib.core.training import ShuffledIndices, TrainConfig, fit
from ndslib.data.augment import crop_and_flip
from ndslib.hydranet.gating import balance_loss
from ndslib.hydranet.network import HydraNet, Outputs
from ndslib.hydranet.tasks import Split

BALANCE = 0.1  # of LEARN-BALANCE; see `joint_loss`
EVALUATION_BATCH = 256


class Evaluation(NamedTuple):
    """How a network does on a split; of a static network only `top1` is known.

    Attributes:
        top1: share of images whose class is right, 0..1.
        gate_top1: share whose class the gate alone has right, 0..1; None without a supervised gate.
        recall: share of images whose own subtask's branch is among those that run, 0..1; None likewise.
        utilisation: float64 [n_b], share of images that run each branch.
        confusion: float64 [n_b, n_b], of the images of subtask i the share that run branch j; None without subtasks.
    """

    top1: float
    gate_top1: float | None = None
    recall: float | None = None
    utilisation: np.ndarray | None = None
    confusion: np.ndarray | None = None


def joint_loss(
    network: nn.Module, images: Tensor, labels: Tensor, gate_weight: float = 1.0, balance: float = 0.0
) -> Tensor:
    """Cross-entropy of the predictions, and what supervises the gate.

    A supervised gate adds `gate_weight` times the cross-entropy of its class scores. A learned gate adds
    LEARN-BALANCE's term (section 3.4.2) with lambda_bal = balance * n_b / B^2: so the term is `balance` where all
    branches are used alike, n_b times as much where one branch is used alone, and its gradient is that of `balance`
    times the squared coefficient of variation of Shazeer et al. (2017), whose default is 0.1. With 0 it is LEARN.

    Args:
        network: a `HydraNet`, or a static network from images to class scores.
        images: uint8 or normalised float [B, 3, H, W].
        labels: int64 [B].

    Raises:
        InputError: a HydraNet inside of another module (data-parallel, compiled), which hides its gate.
    """
    if not isinstance(network, HydraNet):
        if any(isinstance(part, HydraNet) for part in network.modules()):
            raise InputError(
                f"a {type(network).__name__} hides its HydraNet's gate from the loss: wrap JointLoss(network) instead"
            )
        return functional.cross_entropy(network(images), labels)
    outputs = network.outputs(images)
    loss = functional.cross_entropy(outputs.logits, labels)
    if network.gating == "supervised":
        return loss + gate_weight * functional.cross_entropy(outputs.gate_logits, labels)
    if network.gating == "learned" and balance:
        return loss + balance_loss(outputs.scores, balance * network.n_b / len(images) ** 2)
    return loss


class JointLoss(nn.Module):
    """`joint_loss` of a network as a module: what DistributedDataParallel or `torch.compile` may wrap.

    `forward(images, labels)` is the scalar loss; `network` is the network itself.
    """

    def __init__(self, network: nn.Module, gate_weight: float = 1.0, balance: float = 0.0) -> None:
        super().__init__()
        self.network, self.gate_weight, self.balance = network, gate_weight, balance

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        return joint_loss(self.network, images, labels, self.gate_weight, self.balance)


def train(
    network: nn.Module,
    split: Split,
    config: TrainConfig,
    gate_weight: float = 1.0,
    balance: float = 0.0,
    flip: bool = True,
    **options: Any,
) -> list[float]:
    """Train in place on shuffled batches, shifted by up to an eighth of the side and mirrored; the loss of every step.

    Args:
        gate_weight, balance: as in `joint_loss`.
        flip: mirror half of the images (not for digits).
        options: of `core.training.fit`: checkpoint, checkpoint_every, description, identity.

    Raises:
        InputError, NonFiniteLoss: as `core.training.fit`.
    """
    images, labels = split.images, torch.as_tensor(split.labels)
    order = ShuffledIndices(len(labels), config.batch_size, config.seed)
    pad = images.shape[-1] // 8

    def batch_at(step: int) -> tuple[Tensor, Tensor]:
        rows = order(step)
        chosen = torch.as_tensor(images[rows.numpy()])  # a copy: images may be a read-only memory map
        return crop_and_flip(chosen, generator("augment", config.seed, step), pad, flip), labels[rows]

    def loss_of(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        return joint_loss(model, *batch, gate_weight, balance)

    return fit(network, loss_of, batch_at, config, **options)


def predict(network: nn.Module, images: np.ndarray, batch: int = EVALUATION_BATCH) -> Outputs:
    """What a network says of images in evaluation mode, on the CPU; a static network leaves all but `logits` empty.

    Args:
        images: uint8 [N, 3, S, S].
    """
    device = next(network.parameters()).device
    with evaluating(network), torch.inference_mode():
        parts = [
            _outputs(network, torch.as_tensor(np.array(images[start : start + batch])).to(device))
            for start in range(0, max(len(images), 1), batch)
        ]
    return Outputs(*(None if each[0] is None else torch.cat(each).cpu() for each in zip(*parts, strict=True)))


def _outputs(network: nn.Module, images: Tensor) -> Outputs:
    if isinstance(network, HydraNet):
        return network.outputs(images)
    return Outputs(network(images), None, None, None)


def evaluate(network: nn.Module, split: Split) -> Evaluation:
    """Accuracy of a network on a split, and how its gate chose; a HydraNet runs its chosen branches only."""
    outputs, labels = predict(network, split.images), torch.as_tensor(split.labels)
    accuracy = top1(outputs.logits, labels)
    if outputs.chosen is None:
        return Evaluation(accuracy)
    chosen = outputs.chosen.double()
    utilisation = chosen.mean(0).numpy()
    if network.gating != "supervised":
        return Evaluation(accuracy, utilisation=utilisation)
    subtasks = network.subtasks.cpu()[labels]
    recall = float(chosen[torch.arange(len(labels)), subtasks].mean())
    members = functional.one_hot(subtasks, network.n_b).double()
    confusion = members.T @ chosen / members.sum(0)[:, None]
    return Evaluation(accuracy, top1(outputs.gate_logits, labels), recall, utilisation, confusion.numpy())
