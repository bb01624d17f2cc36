"""What it costs to add datasets to a server one by one: NDS beside Ngiam et al. (NDS section 4.3, Figure 7).

Ngiam et al. represent the server by a classifier of all its classes, which every added dataset makes them train again
on everything. NDS trains experts on the added dataset alone. NDS is not cheaper on the first dataset: an expert sees
each image at four rotations, four passes where the classifier needs one. It pays each image once, whatever comes later.
"""

import copy
import statistics
from collections.abc import Callable, Mapping
from time import perf_counter

import pandas as pd
import torch
from torch import Tensor, nn

from ndslib.core.cost import count
from ndslib.core.errors import InputError
from ndslib.core.training import TrainConfig, make_optimizer
from ndslib.nds.experts import ROTATIONS

TRAIN_PER_FORWARD = 3  # backward computes two products, for inputs and for weights, each as large as the forward one


def growth(
    sizes: Mapping[str, int],
    expert: nn.Module,
    classifier: nn.Module,
    image_shape: tuple[int, int, int] = (3, 32, 32),
    epochs: int = 1,
    rotations: int = ROTATIONS,
) -> pd.DataFrame:
    """Training cost of a server that grows by a dataset a step (NDS Figure 7).

    Multiply-adds are those of one forward pass of one image, counted by running the network (`core.cost.count`), times
    images, epochs and, for experts, rotations; times 3 for forward and backward. The number of experts does not matter:
    each image trains exactly one. The classifier is taken as given; that its last layer grows with the classes, and
    that more images need no fewer epochs, is left out.

    Args:
        sizes: dataset -> images, in the order of adding.
        expert: network of one expert (NDS).
        classifier: network of Ngiam et al.'s server classifier.
        image_shape: channels, height and width of an image.
        epochs: passes over the images, the same for both methods.
        rotations: rotations at which an expert sees each image; 1 for task-specific experts.

    Returns:
        A row a step and method: step (from 1), dataset (added in this step), method ("NDS" or "Ngiam et al."),
        images_trained_on, madds (of this step), cumulative_madds (of all steps so far).

    Raises:
        InputError: no dataset, a dataset without images, or epochs or rotations below 1.
    """
    if not sizes or min(sizes.values()) < 1:
        raise InputError(f"sizes are {dict(sizes)}: give at least one dataset, each with at least one image")
    if epochs < 1 or rotations < 1:
        raise InputError(f"epochs is {epochs} and rotations is {rotations}; both must be at least 1")
    per_image = {
        "NDS": _training_madds(expert, image_shape) * epochs * rotations,
        "Ngiam et al.": _training_madds(classifier, image_shape) * epochs,
    }
    rows, total, spent = [], 0, dict.fromkeys(per_image, 0)
    for step, (dataset, images) in enumerate(sizes.items(), 1):
        total += images
        for method, trained_on in (("NDS", images), ("Ngiam et al.", total)):
            madds = trained_on * per_image[method]
            spent[method] += madds
            rows.append((step, dataset, method, trained_on, madds, spent[method]))
    columns = ["step", "dataset", "method", "images_trained_on", "madds", "cumulative_madds"]
    return pd.DataFrame(rows, columns=columns)


def _training_madds(network: nn.Module, image_shape: tuple[int, int, int]) -> int:
    """Multiply-adds of training on one image. In evaluation mode, since batch statistics need more than one."""
    return TRAIN_PER_FORWARD * count(copy.deepcopy(network).eval(), torch.zeros(1, *image_shape)).madds


def overtaken_at(costs: pd.DataFrame) -> int | None:
    """The first step of `growth` at which NDS has cost less in all than retraining; None where it never has."""
    total = costs.pivot(index="step", columns="method", values="cumulative_madds")
    cheaper = total.index[total["NDS"] < total["Ngiam et al."]]
    return int(cheaper[0]) if len(cheaper) else None


def seconds_per_image(
    network: nn.Module, images: Tensor, loss: Callable[[nn.Module, Tensor], Tensor], steps: int = 10
) -> float:
    """Measured seconds of training per image on this machine: forward, backward and an SGD step.

    The median over steps, after one that is not timed, divided by the images of a step. With `rotation_loss` an image's
    four rotations are all in it. A copy is trained; the network stays as it is.

    Args:
        images: uint8 or normalised float [B, 3, S, S] on the network's device; the batch of every step.
        loss: `(network, images) -> scalar`.
        steps: timed steps, at least 1.

    Raises:
        InputError: no images, or steps below 1.
    """
    if steps < 1 or len(images) == 0:
        raise InputError(f"{steps} steps on {len(images)} images: give at least one of each")
    network = copy.deepcopy(network).train()
    optimizer = make_optimizer(network, TrainConfig(steps, len(images), lr=1e-3))
    seconds = [_timed_step(network, images, loss, optimizer) for _ in range(steps + 1)]
    return statistics.median(seconds[1:]) / len(images)


def _timed_step(
    network: nn.Module, images: Tensor, loss: Callable[[nn.Module, Tensor], Tensor], optimizer: torch.optim.Optimizer
) -> float:
    _finish(images.device)
    start = perf_counter()
    optimizer.zero_grad(set_to_none=True)
    loss(network, images).backward()
    optimizer.step()
    _finish(images.device)
    return perf_counter() - start


def _finish(device: torch.device) -> None:
    """Wait for what a GPU has still to do."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
