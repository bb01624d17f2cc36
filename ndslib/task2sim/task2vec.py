"""Task2Vec: a task as the Fisher information of a probe network's filters (T2S section 3.1; Achille et al., ICCV 2019).

A linear head is fitted to the probe's fixed features of the task. The diagonal of the Fisher information of the
probe's weights, averaged over each filter, then tells which filters the task depends on, whatever its classes are.
"""

import contextlib
import copy
import math
import numbers
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ndslib.core.errors import InputError
from ndslib.core.features import FeaturesOf, extract
from ndslib.core.seeding import generator, isolated
from ndslib.core.training import TrainConfig, fit
from ndslib.data.labelled import Labelled
from ndslib.task2sim.fisher import diagonal_fisher
from ndslib.task2sim.probe import embedded_layers, layout
from ndslib.task2sim.variational import weight_precision

METHODS = ("montecarlo", "variational")


@contextlib.contextmanager
def _usual_torch() -> Iterator[None]:
    """Gradients, and float32 as the default type, for the length of a block, whatever the caller has switched."""
    dtype = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        with torch.inference_mode(False):  # which switches gradients on too
            yield
    finally:
        torch.set_default_dtype(dtype)


@_usual_torch()
def task2vec(
    probe: nn.Module,
    dataset: Any,
    method: str = "montecarlo",
    *,
    samples: int = 10_000,
    head_epochs: int = 10,
    batch_size: int = 64,
    seed: int = 0,
    device: str = "cpu",
    chunk: int = 64,
    beta: float = 1e-7,
    epochs: int = 2,
) -> np.ndarray:
    """The vector of a task.

    An epoch is `samples` images drawn with replacement so that each class is equally frequent, here and in the
    authors' public code. The head trains with Adam (4e-4, weight decay 1e-4) on features that are computed once.

    `montecarlo` draws as many images again, a label for each from the network's own predictions, and averages the
    squared gradients of the labels' log-likelihood. `variational` learns how much noise each filter and batch-norm
    weight bears (Adam, 1e-2; head 5e-4) and gives its precision. The two differ in scale: compare vectors of one
    method and probe.

    What differs from the authors' code: there, batch norms use the batch's own statistics, and the gradient of a
    batch's mean is squared, which on average is the squared gradient of an image divided by the batch's size. Here
    they use the probe's statistics and images count one by one, so a vector does not depend on how images fall into
    batches. There, the variational estimate leaves the batch norms out (4800 values for ResNet-18).

    Args:
        probe: see `probe`. It stays as it is; a copy in float32 is looked through.
        dataset: at least two classes of at least two images, labels 0 to C - 1: a pair (images, labels), a dataset of
            pairs (image, label) or a `DataLoader` of one, as `Labelled.of` takes it. Its images are not normalised:
            uint8, floats from 0 to 1 or PIL images, all of one size.
        method: `montecarlo` or `variational`.
        samples: images an epoch. Equal draws are computed once, so thousands of a small dataset cost little.
        head_epochs: of the head.
        batch_size: of the head's and the variational training.
        seed: of the draws, the head's start and the noise.
        device: `cpu`, `cuda` or `cuda:n`.
        chunk: images in memory at a time; it bounds the memory and changes nothing else.
        beta: weight of the Kullback-Leibler divergence in the variational training. The divergence grows with the
            number of weights, so a probe much smaller than ResNet-18 wants more (1e-5).
        epochs: of the variational training.

    Returns:
        float32 [D], none below 0; `probe.layout` names the values. D is 9600 for ResNet-18 (4800 filters and 4800
        batch-norm weights).

    Raises:
        InputError: a probe, dataset or option as not described here, or features or information that are not finite.
    """
    if method not in METHODS:
        raise InputError(f"method is {method!r}; choose one of {METHODS}")
    parts = layout(probe)
    _check_counts(samples=samples, head_epochs=head_epochs, batch_size=batch_size, chunk=chunk, epochs=epochs)
    device = _usable(device)
    dataset = Labelled.of(dataset)
    steps = math.ceil(samples / batch_size)
    config = TrainConfig(
        head_epochs * steps, batch_size, 4e-4, "adam", weight_decay=1e-4, schedule="constant", device=device, seed=seed
    )
    # Contiguous first: torch takes no negative strides.
    images, labels = torch.tensor(np.ascontiguousarray(dataset.images)), _checked_labels(dataset)
    probe = copy.deepcopy(probe).to(device, torch.float32).eval()
    features = extract(FeaturesOf(probe), images, batch_size=chunk, device=device).to(device)
    head = _fit_head(features, labels, config)
    if method == "variational":
        batches = _balanced(labels, epochs * steps * batch_size, "variational", seed).view(-1, batch_size)
        with isolated("task2vec", "noise", seed):
            vector = weight_precision(probe, head, [name for name, _ in parts], images, labels, batches, beta)
    else:
        pairs, weights = _predicted_pairs(head, features, labels, samples, seed)
        vector = diagonal_fisher(probe, head, embedded_layers(probe), images, pairs, weights, chunk)
    _check_finite(vector, parts)
    return vector.cpu().numpy()


def _check_counts(**options: object) -> None:
    for name, value in options.items():
        if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
            raise InputError(f"{name} is {value!r}; it must be a whole number of at least 1")


def _usable(device: str | torch.device) -> str:
    """The name of a device, once it has proved to be there."""
    try:
        found = torch.empty(0, device=device).device
    except (RuntimeError, AssertionError, TypeError) as error:  # an assertion where torch is built without CUDA
        raise InputError(f"device is {device!r}, which torch cannot use here ({error}); choose 'cpu'") from error
    if found.type not in ("cpu", "cuda"):
        raise InputError(f"device is {device!r}; choose 'cpu', 'cuda' or 'cuda:n'")
    return str(found)


def _fit_head(features: Tensor, labels: Tensor, config: TrainConfig) -> nn.Linear:
    """A linear classifier [B, F] -> [B, C] of the features."""
    with isolated("task2vec", "head", config.seed):
        head = nn.Linear(features.shape[1], int(labels.max()) + 1)
    draws = _balanced(labels, config.steps * config.batch_size, "head", config.seed).view(-1, config.batch_size)

    def batch_at(step: int) -> tuple[Tensor, Tensor]:
        return features[draws[step]], labels[draws[step]]

    fit(head, lambda head, batch: F.cross_entropy(head(batch[0]), batch[1]), batch_at, config)
    return head


def _predicted_pairs(
    head: nn.Linear, features: Tensor, labels: Tensor, samples: int, seed: int
) -> tuple[Tensor, Tensor]:
    """Draws of an image and of a label that the network gives it: distinct pairs int64 [P, 2], their shares [P]."""
    rows = _balanced(labels, samples, "montecarlo", seed)
    with torch.no_grad():
        predicted = head(features).softmax(1).cpu()
    drawn = torch.multinomial(predicted[rows], 1, generator=generator("task2vec", "labels", seed))
    pairs, counts = torch.unique(torch.cat([rows[:, None], drawn], 1), dim=0, return_counts=True)
    return pairs, counts / samples


def _balanced(labels: Tensor, draws: int, stream: str, seed: int) -> Tensor:
    """Places of images, int64 [draws], drawn with replacement so that each class is equally frequent."""
    weights = 1 / torch.bincount(labels)[labels].double()
    return torch.multinomial(weights, draws, replacement=True, generator=generator("task2vec", stream, seed))


def _checked_labels(dataset: Labelled) -> Tensor:
    """Labels int64 [N] of a dataset on which a head can be fitted."""
    labels = np.ascontiguousarray(dataset.labels)
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise InputError(f"labels are {labels.dtype} {labels.shape}: expected one whole number an image")
    if labels.min() < 0:
        raise InputError(f"label {labels.min()} of image {labels.argmin()}: labels must be 0 to C - 1; leave it out")
    counts = np.bincount(labels)
    if len(counts) < 2:
        raise InputError("all images are of class 0; a task needs at least two classes")
    for few, what in ((counts == 0, "no image"), (counts == 1, "one image")):
        if few.any():
            raise InputError(
                f"class {few.argmax()} of 0 to {len(counts) - 1} has {what}; give every class at least two, or leave "
                "it out and number the rest anew"
            )
    return torch.tensor(labels, dtype=torch.int64)


def _check_finite(vector: Tensor, parts: list[tuple[str, int]]) -> None:
    for (name, _), values in zip(parts, vector.split([length for _, length in parts]), strict=True):
        if not values.isfinite().all():
            raise InputError(
                f"the Fisher information of {name} is not finite: look for weights of the probe that are very large, "
                "or normalise its features"
            )
