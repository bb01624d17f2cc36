"""Detections drawn on a client's images: no pretraining, uniform sampling and NDS side by side (NDS Figs. 5 and 6)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from ndslib.core.errors import InputError
from ndslib.core.plots import PALETTE

TRUTH = "Ground truth"
WIDTH = 6.6  # inches of the whole figure
OPACITY = 0.55  # of a mask


@dataclass(frozen=True)
class Detections:
    """What several detectors find on the same images.

    Attributes:
        images: uint8 [3, H, W] each, RGB.
        classes: label 1 is `classes[0]`.
        columns: a detector's name to its objects, a mapping an image: `boxes` [n, 4] (x0, y0, x1, y1 in pixels),
            `labels` [n], `scores` [n] (absent from the ground truth) and with masks `masks` [n, H, W], 0 or 1.
    """

    images: Sequence[Tensor]
    classes: Sequence[str]
    columns: Mapping[str, Sequence[Mapping[str, Tensor]]]

    def above(self, threshold: float) -> "Detections":
        """Those with a score of at least `threshold`, the same for every detector; the ground truth stays whole."""
        columns = {
            name: [_some(found, found["scores"] >= threshold) if "scores" in found else found for found in per_image]
            for name, per_image in self.columns.items()
        }
        return Detections(self.images, self.classes, columns)

    def table(self) -> pd.DataFrame:
        """A row an object: column, image (its place), class, score (NaN in the ground truth), x0, y0, x1, y1."""
        rows = []
        for name, per_image in self.columns.items():
            for image, found in enumerate(per_image):
                for place, (label, box) in enumerate(zip(found["labels"], found["boxes"], strict=True)):
                    score = float(found["scores"][place]) if "scores" in found else np.nan
                    rows.append((name, image, self.classes[int(label) - 1], score, *box.tolist()))
        return pd.DataFrame(rows, columns=["column", "image", "class", "score", "x0", "y0", "x1", "y1"])


def _some(found: Mapping[str, Tensor], chosen: Tensor) -> dict[str, Tensor]:
    return {name: values[chosen] for name, values in found.items()}


def detections_figure(detections: Detections, threshold: float, title: str) -> Figure:
    """Objects of score `threshold` and more, a line an image and a column a detector; masks where there are some.

    Raises:
        InputError: no image or no column, or a threshold outside [0, 1].
    """
    if not detections.images or not detections.columns:
        raise InputError("there is nothing to draw: give at least one image and one detector")
    if not 0 <= threshold <= 1:
        raise InputError(f"the score threshold is {threshold}; give a number in [0, 1]")
    shown, columns = detections.above(threshold), len(detections.columns)
    side = WIDTH / columns
    heights = [side * image.shape[1] / image.shape[2] for image in shown.images]
    figure, grid = plt.subplots(
        len(heights),
        columns,
        figsize=(WIDTH, sum(heights) + 0.8),
        squeeze=False,
        layout="constrained",
        height_ratios=heights,
    )
    for axes, (name, per_image) in zip(grid.T, shown.columns.items(), strict=True):
        for each, image, found in zip(axes, shown.images, per_image, strict=True):
            _draw(each, image, found)
        axes[0].set_title(name, fontsize="small")
    figure.suptitle(f"{title}, score threshold {threshold:g}", fontsize="medium")
    handles = [Rectangle((0, 0), 1, 1, color=_colour(number)) for number in range(1, len(shown.classes) + 1)]
    figure.legend(handles, shown.classes, loc="outside lower center", ncols=min(6, len(handles)), fontsize="small")
    plt.close(figure)
    return figure


def _draw(axes: Axes, image: Tensor, found: Mapping[str, Tensor]) -> None:
    axes.imshow(image.permute(1, 2, 0).numpy(), interpolation="nearest")
    axes.set_axis_off()
    for place, (label, box) in enumerate(zip(found["labels"].tolist(), found["boxes"].tolist(), strict=True)):
        colour = _colour(label)
        if "masks" in found:
            mask = found["masks"][place].numpy() > 0
            axes.imshow(mask[..., None] * np.array(to_rgba(colour, OPACITY)), interpolation="nearest")
        x0, y0, x1, y1 = (edge - 0.5 for edge in box)  # a pixel's middle, not its corner, is a whole number
        axes.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, edgecolor=colour, linewidth=1.2))


def _colour(label: int) -> str:
    return PALETTE[(label - 1) % len(PALETTE)]
