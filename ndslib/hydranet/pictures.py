"""Pictures of the chapter: which classes share a branch and why, and which branches the images run."""

import itertools
import math
import textwrap
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Bbox
from numpy.typing import ArrayLike
from sklearn.decomposition import PCA

from ndslib.core.errors import InputError
from ndslib.core.plots import INK, PALETTE
from ndslib.hydranet.tasks import Task

WIDTH = 8  # inches, a notebook's width
TILE = 0.8  # inches; a class name of 12 letters fits below
GAP = 0.12  # between tiles, in tiles
ANNOTATED = 12  # branches up to which a confusion's numbers fit into its cells


def branches_figure(task: Task, subtasks: ArrayLike, images: int = 1, most: int = 60) -> Figure:
    """Which classes share a branch: a block a branch, with training images of its classes over their names.

    Where the task knows the visual groups, the colour of a frame tells the group of the class: a branch of one colour
    specialises in one group.

    Args:
        subtasks: int [classes], the branch of each class.
        images: images of each class, side by side (the first ones of the training split).
        most: classes to draw; whole branches beyond it are left out, and the title says so.

    Raises:
        InputError: `subtasks` do not fit the task, `images` is below 1, or a class has fewer training images.
    """
    members = _members(task, subtasks)
    drawn = np.cumsum([len(classes) for classes in members.values()]) <= most
    shown = dict(itertools.islice(members.items(), max(1, int(drawn.sum()))))
    names = [textwrap.fill(name.replace("_", " "), 12 * images) for name in task.classes]
    colours = _group_colours(task)
    width = images + GAP
    height = 1.1 + 0.2 * max(names[number].count("\n") + 1 for number in np.concatenate(list(shown.values())))
    figure, blocks, columns = _blocks(shown, width, height)
    for axes, (branch, classes) in zip(blocks, shown.items(), strict=False):
        axes.set_title(f"branch {branch}", loc="left", fontsize="medium")
        for position, number in enumerate(classes):
            left, top = position % columns * width, position // columns * height
            picture = np.concatenate(_examples(task, number, images), axis=2).transpose(1, 2, 0)
            axes.imshow(picture, extent=(left, left + images, top + 1, top), interpolation="nearest")
            axes.text(left + images / 2, top + 1.08, names[number], ha="center", va="top", fontsize="small")
            if task.groups:
                axes.add_patch(_frame(left, top, images, 1, colours[task.groups[number]], linewidth=3))
    more = f" (the first {len(shown)} of {len(members)} branches)" if len(shown) < len(members) else ""
    figure.suptitle(f"Classes that share a branch{more}")
    if task.groups:
        handles = [Patch(fill=False, edgecolor=colour, linewidth=3, label=group) for group, colour in colours.items()]
        figure.legend(handles=handles, title="visual group", loc="outside lower center", ncols=5)
    plt.close(figure)
    return figure


def confusion_figure(confusion: ArrayLike, names: Sequence[str] | None = None) -> Figure:
    """The gate's confusion as a heat map: which branches the images of a subtask run; the own one is outlined.

    Up to 12 branches the cells hold their numbers.

    Args:
        confusion: float [n_b, n_b] in 0..1, share of the images of subtask i (row) that run branch j (column); NaN in
            the row of a subtask without images.
        names: of the subtasks and their branches; left out, their numbers.

    Raises:
        InputError: not a square matrix of shares (a static network has none), or another number of names.
    """
    shares = np.asarray(confusion, dtype=float)
    if shares.ndim != 2 or shares.shape[0] != shares.shape[1] or (shares < 0).any() or (shares > 1).any():
        raise InputError(
            f"confusion has shape {shares.shape} and values from {np.nanmin(shares)} to {np.nanmax(shares)}: give the "
            "shares in 0..1 [n_b, n_b] that `evaluate` finds for a network with a gate"
        )
    n_b = len(shares)
    if names is not None and len(names) != n_b:
        raise InputError(f"{len(names)} names for {n_b} branches: give one for each, or none")
    side = min(max(0.55 * n_b, 4), WIDTH - 2)
    figure, axes = plt.subplots(figsize=(side + 1.6, side + 0.6), layout="constrained")
    ticks = "auto" if names is None else names
    sns.heatmap(
        shares, vmin=0, vmax=1, cmap="Blues", square=True, annot=n_b <= ANNOTATED, fmt=".2f", annot_kws={"size": 9},
        xticklabels=ticks, yticklabels=ticks, cbar_kws={"label": "share of the subtask's images"}, ax=axes,
    )  # fmt: skip
    for own in range(n_b):
        axes.add_patch(_frame(own, own, 1, 1, INK, linewidth=1.5))
    axes.set(xlabel="branch that runs", ylabel="subtask of the image")
    axes.set_title("The gate's confusion: branches that the images of a subtask run")
    plt.close(figure)
    return figure


def class_features_figure(class_features: ArrayLike, subtasks: ArrayLike, task: Task) -> Figure:
    """The classes' mean features in the plane of most variance, each class tied to the middle of its branch.

    It shows what k-means grouped (thesis section 3.2.1); the plane is that of a principal component analysis. Names
    for which there is no room are left out.

    Args:
        class_features: float [classes, D], D of at least 2.
        subtasks: int [classes], the branch of each class.

    Raises:
        InputError: features or `subtasks` do not fit the task, or features are not finite or all the same.
    """
    members = _members(task, subtasks)
    points, shares = _plane(np.asarray(class_features, dtype=float), task)
    figure, axes = plt.subplots(figsize=(WIDTH, 6), layout="constrained")
    for (branch, classes), colour in zip(members.items(), _colours(len(members)), strict=True):
        middle = points[classes].mean(axis=0)
        for x, y in points[classes]:
            axes.plot([middle[0], x], [middle[1], y], color=colour, linewidth=1.2, alpha=0.6, zorder=1)
        axes.scatter(*points[classes].T, color=colour, s=40, zorder=2)
        axes.text(*middle, str(branch), fontsize="small", ha="center", va="center", color="white",
                  bbox={"boxstyle": "circle,pad=0.2", "color": colour})  # fmt: skip
    axes.set(
        xlabel=f"1st principal component ({shares[0]:.0%} of the variance)",
        ylabel=f"2nd principal component ({shares[1]:.0%})",
        title="Mean features of the classes, tied to the number of their branch",
    )
    axes.margins(0.1)
    _write_names(axes, points, [name.replace("_", " ") for name in task.classes])
    plt.close(figure)
    return figure
