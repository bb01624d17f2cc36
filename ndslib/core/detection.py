"""Detectors: Faster R-CNN and Mask R-CNN on a feature pyramid (torchvision's), as NDS section 4.1 transfers them.

Label 0 is the background; classes count from 1. A target holds `boxes` float [n, 4] (x0, y0, x1, y1 in pixels) and
`labels` int64 [n], for Mask R-CNN `masks` uint8 or bool [n, H, W], and for evaluation perhaps `iscrowd` [n].
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from operator import attrgetter
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN

from ndslib.core import weights
from ndslib.core.errors import InputError
from ndslib.core.metrics import DetectionScore
from ndslib.core.models import evaluating
from ndslib.core.rcnn import DetectorConfig, build, count_classes, replace_predictors
from ndslib.core.seeding import isolated, preserved

FORMAT = "ndslib-detector-1"
_ENTRY = "ndslib-detector"  # of the safetensors metadata
SHARED = ("backbone", "rpn", "roi_heads.box_head", "roi_heads.mask_head")  # what does not depend on the classes


def detector(
    classes: int, config: DetectorConfig, seed: int, backbone: nn.Module | Mapping[str, Tensor] | None = None
) -> GeneralizedRCNN:
    """A detector of `classes` classes beside the background, in training mode.

    Args:
        seed: of the initialisation, which neither reads nor moves the global generators.
        backbone: what to start from. A `ResNet18`, torchvision's ResNet-50 (`imagenet_extractor("resnet50")`, say) or
            the state dict of either gives its body; a detector gives all but its predictors, and a Mask R-CNN may start
            from a Faster R-CNN.

    Called by itself it is torchvision's: lists of float [3, H, W] in 0..1, losses and predictions. `model.config` is
    its configuration.

    Raises:
        InputError: no classes, a frozen normalisation without a backbone, or weights of another architecture or width.
    """
    if config.frozen_norm and backbone is None:
        raise InputError("a detector with frozen_norm needs a backbone: frozen and untrained, it would not normalise")
    with isolated("detector", seed):
        model = build(classes, config)
    if isinstance(backbone, GeneralizedRCNN):
        for name in SHARED:
            _take(model, name, backbone)
    elif backbone is not None:
        state = backbone.state_dict() if isinstance(backbone, nn.Module) else backbone
        _load(model.backbone.body, state, "the body")
    return model


def replace_heads(model: GeneralizedRCNN, classes: int, seed: int) -> None:
    """Put fresh predictors of `classes` classes on a detector, in place; all else is kept (NDS section 4.1: pretrained
    with a head of 681 classes, fine-tuned with the client's).

    Raises:
        InputError: no classes.
    """
    with isolated("detector", seed):
        replace_predictors(model, classes)


def detection_loss(model: GeneralizedRCNN, batch: tuple[Sequence[Tensor], Sequence[Mapping[str, Tensor]]]) -> Tensor:
    """Sum of the losses of the proposals, the boxes and the masks, for `core.training.fit`.

    Args:
        batch: images uint8 (or float in 0..1) [3, H, W] of any sizes, and their targets; an image without objects is
            all background. Which proposals are learnt from is drawn from torch's global generator.

    Raises:
        InputError: a box without area, a label that the model has no output for, or no masks for a Mask R-CNN.
    """
    images, targets = batch
    _check_targets(targets, model)
    return torch.stack(list(model(_scaled(images, model), list(targets)).values())).sum()


@torch.no_grad()
def predict(
    model: GeneralizedRCNN, images: Sequence[Tensor], batch_size: int = 8, score_threshold: float = 0.05
) -> list[dict[str, Tensor]]:
    """Objects found in each image, on the CPU, best first, in pixels of the image as given.

    Args:
        images: uint8 (or float in 0..1) [3, H, W], of any sizes.
        score_threshold: objects below it are left out.

    Returns:
        A mapping an image: `boxes` float32 [n, 4], `labels` int64 [n], `scores` float32 [n] and, of a Mask R-CNN,
        `masks` bool [n, H, W].

    Raises:
        InputError: a batch size below 1, or images of another kind.
    """
    _check_batch_size(batch_size)
    threshold = model.roi_heads.score_thresh
    model.roi_heads.score_thresh = score_threshold
    try:
        with evaluating(model):
            batches = [images[start : start + batch_size] for start in range(0, len(images), batch_size)]
            return [_on_cpu(found) for batch in batches for found in model(_scaled(batch, model))]
    finally:
        model.roi_heads.score_thresh = threshold


def evaluate(
    model: GeneralizedRCNN,
    data: Sequence[tuple[Tensor, Mapping[str, Tensor]]],
    batch_size: int = 8,
    score_threshold: float = 0.05,
) -> dict[str, dict[str, float]]:
    """COCO's average precision over a data set (NDS section 4.1, "Evaluation").

    Args:
        data: `data[i]` is an image as for `predict` and its target; crowds count neither for nor against.

    Returns:
        `bbox` and, of a Mask R-CNN, `segm`: each what `core.metrics.detection_ap` returns with `per_class`. In memory
        is a batch of images, and of all others the boxes and the run lengths of masks.

    Raises:
        InputError: as `predict` and `detection_ap`.
    """
    _check_batch_size(batch_size)
    kinds = ("bbox", "segm") if model.roi_heads.has_mask() else ("bbox",)
    scores = {kind: DetectionScore(kind, per_class=True) for kind in kinds}
    for start in range(0, len(data), batch_size):
        batch = [data[position] for position in range(start, min(start + batch_size, len(data)))]
        predictions = predict(model, [image for image, _ in batch], batch_size, score_threshold)
        for score in scores.values():
            score.update(predictions, [target for _, target in batch])
    return {name: score.compute() for name, score in scores.items()}


def save_detector(path: Path | str, model: GeneralizedRCNN, classes: Sequence[str] = ()) -> None:
    """Write weights and configuration as safetensors, atomically; the same content gives the same bytes.

    Args:
        model: of `detector` or `load_detector`.
        classes: names of the classes, from label 1, to keep with the weights; none when left out.

    Raises:
        InputError: another number of names than the model has classes.
    """
    if classes and len(classes) != count_classes(model):
        raise InputError(f"{path}: {len(classes)} names of classes for a detector of {count_classes(model)}")
    metadata = {"format": FORMAT, "config": asdict(model.config), "outputs": count_classes(model), "classes": classes}
    weights.save(path, model, _ENTRY, metadata)


def load_detector(path: Path | str, device: str = "cpu") -> GeneralizedRCNN:
    """A detector of `save_detector`, in evaluation mode.

    Raises:
        InputError: the file is absent, damaged, of another kind, or its weights do not fit its configuration.
    """
    metadata = read_metadata(path)
    try:
        with preserved():  # the initial weights, at once overwritten, are no reason to move the global generators
            model = build(metadata["outputs"], DetectorConfig(**metadata["config"]))
        model.load_state_dict(load_file(path))
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"{path}: the weights do not fit the detector of their metadata: {error}") from error
    return model.to(device).eval()


def read_metadata(path: Path | str) -> dict[str, Any]:
    """What a detector's file says of it: `config` (the fields of `DetectorConfig`), `outputs` (the number of classes)
    and `classes` (their names, or none).

    Raises:
        InputError: the file is absent or is not a detector of this package.
    """
    return weights.read_metadata(path, _ENTRY, FORMAT, "a detector", "train the detector again")


def _take(model: GeneralizedRCNN, name: str, source: GeneralizedRCNN) -> None:
    """Copy the weights of one part from another detector, where both have it."""
    part, other = attrgetter(name)(model), attrgetter(name)(source)  # a Faster R-CNN's mask head is None
    if part is not None and other is not None:
        _load(part, other.state_dict(), name)


def _load(part: nn.Module, source: Mapping[str, Tensor], name: str) -> None:
    wanted = {key: source[key] for key in part.state_dict() if key in source}
    # A frozen normalisation does not count its batches, so one that trains starts to count anew.
    absent = [key for key in part.state_dict() if key not in wanted and not key.endswith("num_batches_tracked")]
    if absent:
        raise InputError(f"the weights for {name} lack {absent[0]} and {len(absent) - 1} more: give those of its kind")
    try:
        part.load_state_dict(wanted, strict=False)
    except RuntimeError as error:
        raise InputError(f"the weights for {name} are of another width, stem or architecture: {error}") from error


def _scaled(images: Sequence[Tensor], model: GeneralizedRCNN) -> list[Tensor]:
    """Images on the model's device, of uint8 ones 0..255 as 0..1."""
    device = next(model.parameters()).device
    for position, image in enumerate(images):
        if image.ndim != 3 or image.shape[0] != 3 or not (image.dtype == torch.uint8 or image.is_floating_point()):
            raise InputError(
                f"image {position} is {image.dtype} {tuple(image.shape)}: expected uint8 or float [3, H, W]"
            )
    moved = [image.to(device) for image in images]
    return [image if image.is_floating_point() else image / 255 for image in moved]


def _check_targets(targets: Sequence[Mapping[str, Tensor]], model: GeneralizedRCNN) -> None:
    """Refuse what torchvision would assert on, or index out of its range."""
    most = count_classes(model)
    for position, target in enumerate(targets):
        boxes, labels = target["boxes"], target["labels"]
        if (boxes[:, 2:] <= boxes[:, :2]).any():
            raise InputError(f"image {position} of the batch has a box without area: {boxes.tolist()}")
        if ((labels < 1) | (labels > most)).any():
            raise InputError(f"image {position} of the batch has labels {labels.tolist()} outside 1..{most}")
        if model.roi_heads.has_mask() and "masks" not in target:
            raise InputError(f"image {position} of the batch has no masks: a Mask R-CNN learns from nothing less")


def _check_batch_size(batch_size: int) -> None:
    if batch_size < 1:
        raise InputError(f"batch_size is {batch_size}; it must be at least 1")


def _on_cpu(found: Mapping[str, Tensor]) -> dict[str, Tensor]:
    objects = {name: values.cpu() for name, values in found.items()}
    if "masks" in objects:
        objects["masks"] = objects["masks"][:, 0] > 0.5  # Shape: (n, H, W)
    return objects
