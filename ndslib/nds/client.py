"""The client's side: FASTADAPT, Algorithm 3 of NDS. It rates experts on private images; only K numbers leave it."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import numpy as np
import torch
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from torch.nn import functional

from ndslib.core.errors import InputError
from ndslib.core.models import ResNet18, evaluating, to_float
from ndslib.core.seeding import derive_seed
from ndslib.core.training import ShuffledIndices, TrainConfig, fit
from ndslib.nds.experts import ROTATIONS, rotate_four

Images = Tensor | np.ndarray


def rotation_accuracy(expert: Callable[[Tensor], Tensor], images: Images, batch_size: int = 64) -> float:
    """Share of the four rotations of every image that an expert tells right: z_i of NDS eq. 5, without adaptation.

    Args:
        expert: network with 4 outputs, [B, 3, S, S] -> [B, 4]; evaluated in `eval` mode, its mode is restored.
        images: [N, 3, S, S], uint8 (0..255; a network gets them normalised as `core.models.to_float` does) or already
            normalised float (computed in float32).

    Returns:
        An accuracy in [0, 1]; one in four is chance.

    Raises:
        InputError: no images, images that are not square RGB, an expert without four outputs or with NaN among them.
    """
    return float(rate_by_rotation([expert], images, batch_size)[0])


def rate_by_rotation(experts: Sequence[Callable[[Tensor], Tensor]], images: Images, batch_size: int = 64) -> np.ndarray:
    """Rotation accuracies of K experts, float64[K] in [0, 1] (NDS eq. 5).

    Each batch is read and rotated once for all experts. On a CPU, batches whose activations fit its cache are fastest.
    """
    correct = np.zeros(len(experts), dtype=np.int64)
    total = 0
    with evaluating(*_networks(experts)), torch.inference_mode():
        for batch in _batches(images, batch_size):
            turned, targets = rotate_four(batch)
            total += len(targets)
            for number, expert in enumerate(experts):
                correct[number] += _rotation_hits(expert, turned, targets)
    return correct / total


def _rotation_hits(expert: Callable[[Tensor], Tensor], turned: Tensor, targets: Tensor) -> int:
    scores = expert(_on_its_device(expert, turned))
    if scores.shape != (len(targets), ROTATIONS):
        raise InputError(
            f"the expert gives scores of shape {tuple(scores.shape)}, wanted ({len(targets)}, {ROTATIONS}): "
            "is it a rotation expert?"
        )
    if scores.isnan().any():
        raise InputError(
            "the expert's scores are NaN: its weights or the images are damaged; download or train it again"
        )
    return int((scores.argmax(1) == targets.to(scores.device)).sum())


def rate_by_linear_head(
    experts: Sequence[ResNet18],
    images: Images,
    labels: np.ndarray,
    holdout: float = 0.3,
    epochs: int = 20,
    seed: int = 0,
    batch_size: int = 256,
) -> np.ndarray:
    """Held-out accuracies of a linear layer on each expert's penultimate features (NDS section 3.3.1, single task).

    Args:
        images: [N, 3, S, S], uint8 or normalised float.
        labels: whole numbers [N], classes 0..C-1.
        holdout: share of the images in (0, 1), stratified by class, on which the accuracy is measured; as many images
            as there are classes, at least, are held out, and as many trained on.
        epochs: passes of the linear layer over the other images.

    Returns:
        float64[K] in [0, 1].

    Raises:
        InputError: labels that are no class numbers or not one an image, a class with a single image (it cannot be
            split), fewer than two classes, or a `holdout` outside (0, 1).
    """
    labels = np.asarray(labels)
    if labels.shape != (len(images),) or labels.dtype.kind not in "iu" or (labels < 0).any():
        raise InputError(
            f"{len(images)} images but labels of shape {labels.shape} and type {labels.dtype}: give each image its "
            "class, a whole number from 0"
        )
    labels = labels.astype(np.int64)
    train, test = _split(labels, holdout, seed)
    features = _penultimate(experts, images, batch_size)
    return np.array([_probe(each, labels, train, test, epochs, seed) for each in features])


def _split(labels: np.ndarray, holdout: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows to train on and rows held out, stratified by class."""
    counts = np.bincount(labels)
    classes = np.count_nonzero(counts)
    if (counts == 1).any() or classes < 2:
        raise InputError(
            f"a linear head needs at least two classes with two images each; images per class: {counts.tolist()}. "
            "Add images, or rate by rotation"
        )
    if not 0 < holdout < 1:
        raise InputError(f"holdout is {holdout}; it is the share of the images held out, in (0, 1)")
    held_out = min(max(math.ceil(holdout * len(labels)), classes), len(labels) - classes)
    return train_test_split(np.arange(len(labels)), test_size=held_out, stratify=labels, random_state=seed)


def fast_adapt(
    experts: Sequence[ResNet18],
    images: Images,
    labels: np.ndarray | None = None,
    method: Literal["rotation", "linear"] = "rotation",
    seed: int = 0,
) -> np.ndarray:
    """FASTADAPT (NDS Algorithm 3): the scores z, float64[K] in [0, 1].

    `rotation` needs no labels and adapts nothing; `linear` fits a linear head on a part of the client's labelled
    images.
    """
    if method == "rotation":
        return rate_by_rotation(experts, images)
    if method == "linear":
        if labels is None:
            raise InputError("method 'linear' needs the client's labels; without labels use method='rotation'")
        return rate_by_linear_head(experts, images, labels, seed=seed)
    raise InputError(f"fast-adapt method is {method!r}; choose 'rotation' or 'linear'")


def _penultimate(experts: Sequence[ResNet18], images: Images, batch_size: int) -> list[Tensor]:
    """Penultimate features float32[N, D] of each expert, every batch of images read once."""
    parts: list[list[Tensor]] = [[] for _ in experts]
    with evaluating(*_networks(experts)), torch.inference_mode():
        for batch in _batches(images, batch_size):
            for number, expert in enumerate(experts):
                parts[number].append(expert.features(_on_its_device(expert, batch)).float().cpu())
    return [torch.cat(part).clone() for part in parts]


def _probe(features: Tensor, labels: np.ndarray, train: np.ndarray, test: np.ndarray, epochs: int, seed: int) -> float:
    """Train a linear layer on standardised features and return its held-out accuracy."""
    centre, spread = features[train].mean(0), features[train].std(0) + 1e-6
    features, targets = (features - centre) / spread, torch.from_numpy(labels)
    batch_size = min(64, len(train))
    config = TrainConfig(
        steps=epochs * -(-len(train) // batch_size), batch_size=batch_size, lr=1e-2, optimizer="adam", seed=seed
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed("linear head", seed))
        head = nn.Linear(features.shape[1], int(labels.max()) + 1)
    order = ShuffledIndices(len(train), batch_size, seed)

    def batch_at(step: int) -> tuple[Tensor, Tensor]:
        chosen = train[order(step).numpy()]
        return features[chosen], targets[chosen]

    fit(head, lambda model, batch: functional.cross_entropy(model(batch[0]), batch[1]), batch_at, config)
    with torch.inference_mode():
        return float((head(features[test]).argmax(1) == targets[test]).double().mean())


def _batches(images: Images, batch_size: int) -> Iterator[Tensor]:
    if batch_size < 1:
        raise InputError(f"batch_size is {batch_size}; at least 1 is needed")
    if len(images) == 0:
        raise InputError("the client has no images: the experts cannot be rated")
    if images.ndim != 4 or images.shape[1] != 3:
        raise InputError(f"images have shape {tuple(images.shape)}, wanted [N, 3, S, S]")
    for start in range(0, len(images), batch_size):
        batch = images[start : start + batch_size]
        batch = batch if isinstance(batch, Tensor) else torch.from_numpy(np.array(batch))
        yield batch.float() if batch.is_floating_point() else batch


def _on_its_device(expert: Callable[[Tensor], Tensor], batch: Tensor) -> Tensor:
    """A batch where the expert's weights lie, normalised; as it is for a function or a module without weights."""
    weight = next(expert.parameters(), None) if isinstance(expert, nn.Module) else None
    return batch if weight is None else to_float(batch.to(weight.device))


def _networks(experts: Sequence[Callable[[Tensor], Tensor]]) -> list[nn.Module]:
    """Those of the experts that have a mode."""
    return [expert for expert in experts if isinstance(expert, nn.Module)]
