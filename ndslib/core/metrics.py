"""Metrics, through torchmetrics and scikit-learn. All results lie in 0..1 unless said otherwise."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.metrics import average_precision_score, f1_score
from torch import Tensor

from ndslib.core.errors import InputError


def top1(logits: ArrayLike | Tensor, targets: ArrayLike | Tensor) -> float:
    """The share of samples whose largest score is at their label.

    Args:
        logits: [N, C] scores; of equal ones the first class counts.
        targets: [N] integer labels in 0..C-1.

    Raises:
        InputError: shapes that do not fit, no samples, scores that are not finite or labels out of range.
    """
    scores, labels = _scores(logits), _labels(targets)
    _check_labels(scores, labels, lowest=0)
    return float((scores.argmax(axis=1) == labels).mean())


def average_precisions(scores: ArrayLike | Tensor, targets: ArrayLike | Tensor) -> np.ndarray:
    """Average precision of each class, as scikit-learn defines it: float64 [C], NaN for a class without positives.

    Args:
        scores: [N, C], higher is more likely.
        targets: [N, C] of 0 and 1 (several labels a sample), or [N] integer labels in -1..C-1, where -1 is a sample of
            none of the classes (background).

    Raises:
        InputError: as for `top1`, or targets that are neither of the two.
    """
    scores, truth = _scores(scores), _array(targets)
    if truth.ndim == 1:
        labels = _labels(truth)
        _check_labels(scores, labels, lowest=-1)
        truth = labels[:, None] == np.arange(scores.shape[1])
    elif truth.shape != scores.shape or not np.isin(truth, (0, 1)).all():
        raise InputError(f"targets {truth.shape}: expected 0 and 1 in shape {scores.shape}, or {len(scores)} labels")
    return np.array(
        [average_precision_score(t, s) if t.any() else np.nan for t, s in zip(truth.T, scores.T, strict=True)]
    )


def mean_average_precision(scores: ArrayLike | Tensor, targets: ArrayLike | Tensor) -> float:
    """The mean of `average_precisions` over the classes that have positives; the others are left out.

    Raises:
        InputError: as for `average_precisions`, or no class has a positive.
    """
    each = average_precisions(scores, targets)
    if np.isnan(each).all():
        raise InputError("no class has a positive sample, so there is no average precision")
    return float(np.nanmean(each))


def f1(
    predictions: ArrayLike | Tensor,
    targets: ArrayLike | Tensor,
    average: Literal["macro", "micro", "weighted"] = "macro",
    labels: Sequence[int] | None = None,
) -> float:
    """F1 of predicted labels: the harmonic mean of precision and recall.

    Args:
        predictions, targets: [N] integer labels.
        labels: the classes that count (all that occur when left out; give the foreground classes to leave the
            background out). A class that occurs on neither side scores 0.

    Raises:
        InputError: lengths that differ, or no samples.
    """
    predicted, truth = _labels(predictions), _labels(targets)
    if len(predicted) != len(truth) or not len(truth):
        raise InputError(f"{len(predicted)} predictions for {len(truth)} targets")
    return float(f1_score(truth, predicted, average=average, labels=labels, zero_division=0))


def detection_ap(
    predictions: Sequence[Mapping[str, Tensor]],
    targets: Sequence[Mapping[str, Tensor]],
    iou_type: Literal["bbox", "segm"] = "bbox",
    per_class: bool = False,
) -> dict[str, float]:
    """COCO's average precision and recall over a data set.

    Args:
        predictions: a mapping per image: `boxes` float [n, 4] (x1, y1, x2, y2 in pixels) and, for "segm", `masks` bool
            [n, H, W]; `scores` [n] in 0..1; `labels` int [n].
        targets: the same without `scores`; `iscrowd` [n] of 0 and 1, where given, marks regions of many objects, in
            which predictions count neither for nor against.
        per_class: add the precision of each label.

    Returns:
        COCO's names: `map` (IoU 0.50 to 0.95), `map_50`, `map_75`, `map_small`, `map_medium`, `map_large`, `mar_1`,
        `mar_10`, `mar_100`, `mar_small`, ...; -1 where no target is of that size. With `per_class` also `map | 3`,
        `map_50 | 3` and `map_75 | 3` of label 3, and so on for each label that has targets; their means are `map` etc.

    Raises:
        InputError: lists of different lengths or without images, or an image without what `iou_type` needs.
    """
    if len(predictions) != len(targets) or not targets:
        raise InputError(f"predictions for {len(predictions)} images and targets for {len(targets)}")
    score = DetectionScore(iou_type, per_class)
    score.update(predictions, targets)
    return score.compute()


class DetectionScore:
    """`detection_ap`, fed some images at a time; of a mask its run lengths are kept, never its pixels.

    Raises:
        InputError: `iou_type` is neither "bbox" nor "segm".
    """

    def __init__(self, iou_type: Literal["bbox", "segm"] = "bbox", per_class: bool = False) -> None:
        # Imported here: it takes seconds, and most processes that use this module only need `top1`.
        from torchmetrics.detection import MeanAveragePrecision

        if iou_type not in ("bbox", "segm"):
            raise InputError(f"iou_type {iou_type!r}: expected 'bbox' or 'segm'")
        self._geometry = {"bbox": "boxes", "segm": "masks"}[iou_type]
        self._metric = MeanAveragePrecision(iou_type=iou_type, extended_summary=per_class, backend="faster_coco_eval")
        self._metric.warn_on_many_detections = False  # COCO counts the best 100; that is the definition and no accident
        self._images = 0

    def update(self, predictions: Sequence[Mapping[str, Tensor]], targets: Sequence[Mapping[str, Tensor]]) -> None:
        """Count some images.

        Raises:
            InputError: as `detection_ap`; nothing of the call is counted then.
        """
        if len(predictions) != len(targets):
            raise InputError(f"predictions for {len(predictions)} images and targets for {len(targets)}")
        for kind, images, needed in (
            ("prediction", predictions, (self._geometry, "scores", "labels")),
            ("target", targets, (self._geometry, "labels")),
        ):
            for position, image in enumerate(images, self._images):
                _check_detections(f"{kind} of image {position}", image, needed)
        self._metric.update([dict(image) for image in predictions], [dict(image) for image in targets])
        self._images += len(targets)

    def compute(self) -> dict[str, float]:
        """The result of `detection_ap` for the images so far.

        Raises:
            InputError: there were no images.
        """
        if not self._images:
            raise InputError("no images were given, so there is no average precision")
        found = self._metric.compute()
        names = [name for name in found if name.startswith("ma") and not name.endswith("_per_class")]
        summary = {name: float(found[name]) for name in names}
        # The table of precisions is there where it was asked for and some image has a target.
        return summary | _of_each_class(found) if "precision" in found else summary


def _of_each_class(found: Mapping[str, Tensor]) -> dict[str, float]:
    """Average precision by label from COCO's table of precisions [threshold, recall, class, size, detections]."""
    tables = found["precision"][:, :, :, 0, -1].mean(dim=1)  # all sizes, at most 100 detections
    each = {}
    for label, precision in zip(found["classes"].reshape(-1).tolist(), tables.T, strict=True):
        if precision[0] >= 0:  # -1 marks a class without targets
            of = {"map": precision.mean(), "map_50": precision[0], "map_75": precision[5]}
            each |= {f"{name} | {label}": float(value) for name, value in of.items()}
    return each


def _check_detections(where: str, image: Mapping[str, Tensor], needed: tuple[str, ...]) -> None:
    missing = [name for name in needed if name not in image]
    if missing:
        raise InputError(f"{where} lacks {', '.join(missing)}")
    lengths = {name: len(image[name]) for name in (*needed, "iscrowd") if name in image}
    if len(set(lengths.values())) != 1:
        raise InputError(f"{where} has different numbers of {lengths}")
    boxes = image.get("boxes")
    if boxes is not None and not (boxes.shape[1:] == (4,) and (boxes[:, 2:] >= boxes[:, :2]).all()):
        raise InputError(f"{where}: boxes must be [n, 4] as x1, y1, x2, y2 with x1 <= x2 and y1 <= y2")


def _array(values: ArrayLike | Tensor) -> np.ndarray:
    return values.detach().cpu().float().numpy() if _is_half(values) else np.asarray(_detached(values))


def _detached(values: ArrayLike | Tensor) -> ArrayLike:
    return values.detach().cpu() if isinstance(values, Tensor) else values


def _is_half(values: ArrayLike | Tensor) -> bool:
    return isinstance(values, Tensor) and values.dtype == torch.bfloat16  # numpy has no bfloat16


def _scores(values: ArrayLike | Tensor) -> np.ndarray:
    scores = _array(values)
    if scores.ndim != 2 or 0 in scores.shape:
        raise InputError(f"scores of shape {scores.shape}: expected [samples, classes], at least one of each")
    if not np.isfinite(scores).all():
        raise InputError(f"{(~np.isfinite(scores)).sum()} of {scores.size} scores are not finite")
    return scores


def _labels(values: ArrayLike | Tensor) -> np.ndarray:
    labels = _array(values)
    if labels.ndim != 1 or not (np.issubdtype(labels.dtype, np.integer) or labels.dtype == bool):
        raise InputError(f"labels of shape {labels.shape} and type {labels.dtype}: expected one integer a sample")
    return labels


def _check_labels(scores: np.ndarray, labels: np.ndarray, lowest: int) -> None:
    if len(scores) != len(labels):
        raise InputError(f"{len(scores)} rows of scores for {len(labels)} labels")
    wrong = labels[(labels < lowest) | (labels >= scores.shape[1])]
    if len(wrong):
        raise InputError(f"label {wrong[0]} is outside {lowest}..{scores.shape[1] - 1}")
