"""Pictures of the chapter: which classes share a branch and why, and which branches the images run."""

import itertools
import math
import textwrap
from collections.abc import Iterator, Sequence

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from numpy.typing import ArrayLike
from sklearn.decomposition import PCA

from ndslib.core.errors import InputError
from ndslib.core.plots import INK, PALETTE
from ndslib.hydranet.tasks import Task

WIDTH = 9.5  # inches, a notebook's width
TILE = 0.82  # inches; LETTERS of a class name fit below
LETTERS = 13
GAP = 0.1  # between classes, in tiles; twice as much between branches
ANNOTATED = 12  # branches up to which a confusion's numbers fit into its cells
NAMED = 100  # classes up to which points have names
_AROUND = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))


def branches_figure(task: Task, subtasks: ArrayLike, images: int = 1, most: int = 60) -> Figure:
    """Which classes share a branch: a block a branch, with training images of its classes over their names.

    Where the task knows the visual groups, the colour of a frame tells the group of the class: a branch of one colour
    specialises in one group.

    Args:
        subtasks: int [classes], the branch of each class.
        images: images of each class, side by side (the first ones of the training split).
        most: classes to draw, but one branch at least; the branches beyond it are left out, and the title says so.

    Raises:
        InputError: `subtasks` do not fit the task, `images` is below 1, or a class has fewer training images.
    """
    members = _members(task, subtasks)
    shown = _first(members, most)
    pictures = {number: _picture(task, number, images) for number in itertools.chain(*shown.values())}
    names = {number: textwrap.fill(_plain(task.classes[number]), LETTERS * images) for number in pictures}
    colours = _group_colours(task)
    width, height = images + GAP, 1.3 + 0.2 * max(name.count("\n") for name in names.values())
    figure, blocks, columns = _blocks(max(map(len, shown.values())), len(shown), width, height)
    for axes, (branch, classes) in zip(blocks, shown.items(), strict=False):
        axes.set_title(f"branch {branch}", loc="left", fontsize="medium")
        for position, number in enumerate(classes):
            left, top = position % columns * width, position // columns * height
            axes.imshow(pictures[number], extent=(left, left + images, top + 1, top), interpolation="nearest")
            axes.text(left + images / 2, top + 1.08, names[number], ha="center", va="top", fontsize=8)
            if task.groups:
                axes.add_patch(_frame(left, top, images, 1, colours[task.groups[number]], linewidth=3))
    more = f" (the first {len(shown)} of {len(members)} branches)" if len(shown) < len(members) else ""
    figure.suptitle(f"Classes that share a branch{more}")
    if task.groups:
        _group_legend(figure, colours)
    plt.close(figure)
    return figure


def confusion_figure(confusion: ArrayLike, names: Sequence[str] | None = None) -> Figure:
    """The gate's confusion as a heat map: which branches the images of a subtask run; the own one is outlined.

    Up to 12 branches the cells hold their numbers.

    Args:
        confusion: float [n_b, n_b] in 0..1, share of the images of subtask i (row) that run branch j (column); NaN in
            the row of a subtask without images.
        names: of the subtasks, such as their classes, beside their numbers; shortened where they are long.

    Raises:
        InputError: not a square matrix of shares (a static network has none), or another number of names.
    """
    shares = np.asarray(confusion, dtype=float)
    n_b = len(shares) if shares.ndim else 0
    if not n_b or shares.shape != (n_b, n_b):
        raise InputError(f"confusion has shape {shares.shape}: give the [n_b, n_b] of a network with a supervised gate")
    if (shares < 0).any() or (shares > 1).any():
        raise InputError(f"confusion has values from {np.nanmin(shares)} to {np.nanmax(shares)}: give shares in 0..1")
    if names is not None and len(names) != n_b:
        raise InputError(f"{len(names)} names for {n_b} branches: give one for each, or none")
    rows = [f"{textwrap.shorten(_plain(name), 45, placeholder=' …')}  {own}" for own, name in enumerate(names or ())]
    side = min(max(0.55 * n_b, 3.5), 7)
    width = side + 1.6 + 0.075 * max(map(len, rows), default=0)
    figure, axes = plt.subplots(figsize=(width, side + 0.7), layout="constrained")
    sns.heatmap(
        shares, vmin=0, vmax=1, cmap="Blues", square=True, annot=n_b <= ANNOTATED, fmt=".2f", annot_kws={"size": 9},
        yticklabels=rows or "auto", cbar_kws={"label": "share of the subtask's images"}, ax=axes,
    )  # fmt: skip
    for own in range(n_b):
        axes.add_patch(_frame(own + 0.04, own + 0.04, 0.92, 0.92, PALETTE[1], linewidth=2))
    axes.tick_params(axis="y", rotation=0, labelsize=min(8.5, 55 * side / n_b))  # rows are 72 * side / n_b points high
    axes.set(xlabel="branch that runs (outlined: the own one)", ylabel="subtask of the image")
    figure.suptitle("The gate's confusion: branches that the images run")
    plt.close(figure)
    return figure


def class_features_figure(class_features: ArrayLike, subtasks: ArrayLike, task: Task) -> Figure:
    """The classes' mean features in the plane of most variance, each class tied to the middle of its branch.

    It shows what k-means grouped (thesis section 3.2.1); the plane is that of a principal component analysis, and both
    of its axes have one scale. Names for which there is no room are left out, and all names of more than 100 classes.

    Args:
        class_features: float [classes, D], D of at least 2.
        subtasks: int [classes], the branch of each class.

    Raises:
        InputError: features or `subtasks` do not fit the task, or features are not finite or all the same.
    """
    members = _members(task, subtasks)
    points, shares = _plane(np.asarray(class_features, dtype=float), task)
    figure, axes = plt.subplots(figsize=(WIDTH, 6.5), layout="constrained")
    for (branch, classes), colour in zip(members.items(), _colours(len(members)), strict=True):
        middle = points[classes].mean(axis=0)
        for x, y in points[classes]:
            axes.plot([middle[0], x], [middle[1], y], color=colour, linewidth=1.2, alpha=0.6, zorder=1)
        axes.scatter(*points[classes].T, color=colour, s=40, zorder=3)
        circle = {"boxstyle": "circle,pad=0.2", "facecolor": "white", "edgecolor": colour, "linewidth": 2}
        axes.text(*middle, str(branch), fontsize="small", ha="center", va="center", bbox=circle, zorder=4)
    axes.set(
        xlabel=f"1st principal component ({shares[0]:.0%} of the variance)",
        ylabel=f"2nd principal component ({shares[1]:.0%})",
        title="Mean features of the classes, tied to the number of their branch",
    )
    axes.margins(0.1)
    axes.set_aspect("equal", adjustable="datalim")
    if len(points) <= NAMED:
        _write_names(axes, points, [_plain(name) for name in task.classes])
    plt.close(figure)
    return figure


def choices_figure(images: ArrayLike, chosen: ArrayLike, own: ArrayLike, titles: Sequence[str] | None = None) -> Figure:
    """Images and the branches that each of them ran: a cell a branch, filled where it ran, the own one outlined.

    Args:
        images: uint8 [N, 3, S, S].
        chosen: bool [N, n_b], as `HydraNet.outputs` gives it.
        own: int [N], the branch of each image's class: `subtasks[labels]`.
        titles: a line for each image, such as its class.

    Raises:
        InputError: no images, or lengths or branches that do not fit.
    """
    pixels, chosen, own = np.asarray(images), np.asarray(chosen), np.asarray(own)
    titles = [""] * len(pixels) if titles is None else titles
    if pixels.ndim != 4 or pixels.shape[1] != 3 or not len(pixels):
        raise InputError(f"images have shape {pixels.shape}: expected [N, 3, S, S] with N of at least 1")
    if chosen.ndim != 2 or chosen.dtype != bool or not len(chosen) == len(own) == len(titles) == len(pixels):
        raise InputError(
            f"{len(pixels)} images, but chosen is {chosen.dtype} {chosen.shape}, own {own.shape}, and there are "
            f"{len(titles)} titles: give bool [N, n_b], a branch for each image, and a title for each or none"
        )
    n_b = chosen.shape[1]
    if own.min() < 0 or own.max() >= n_b:
        raise InputError(f"own branches go from {own.min()} to {own.max()}, but chosen has {n_b}: count from 0")
    return _draw_choices(pixels, chosen, own, titles)


def _draw_choices(pixels: np.ndarray, chosen: np.ndarray, own: np.ndarray, titles: Sequence[str]) -> Figure:
    """A row an image, 1 high: the image left of 0, the cells right of it."""
    n_b = chosen.shape[1]
    cell = min(1, 10 / n_b)
    figure, axes = plt.subplots(figsize=(WIDTH, 0.55 * len(pixels) + 1.2), layout="constrained")
    for row, (image, runs) in enumerate(zip(pixels, chosen, strict=True)):
        axes.imshow(image.transpose(1, 2, 0), extent=(-1.2, -0.3, row + 0.95, row + 0.05), interpolation="nearest")
        for branch, ran in enumerate(runs):
            colour = PALETTE[0] if ran else "#eeeeee"
            axes.add_patch(Rectangle((branch * cell, row + 0.2), cell, 0.6, facecolor=colour, edgecolor="white"))
        axes.add_patch(_frame(own[row] * cell, row + 0.2, cell, 0.6, INK, linewidth=2))
    axes.set(xlim=(-1.3, n_b * cell + 0.1), ylim=(len(pixels), 0), aspect="equal", xlabel="branch")
    ticks = np.arange(0, n_b, 1 if n_b <= 20 else 5)
    axes.set_xticks((ticks + 0.5) * cell, ticks)
    axes.set_yticks(np.arange(len(pixels)) + 0.5, [_plain(title) for title in titles])
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    ran = Patch(color=PALETTE[0], label="runs")
    subtask = Patch(fill=False, edgecolor=INK, linewidth=2, label="the branch of the image's own subtask")
    figure.legend(handles=[ran, subtask], loc="outside lower center", ncols=2)
    figure.suptitle("Branches that each image runs")
    plt.close(figure)
    return figure


def _members(task: Task, subtasks: ArrayLike) -> dict[int, np.ndarray]:
    """The classes of each branch, int [n]; where the groups are known, classes of one group stand together."""
    branch_of = np.asarray(subtasks)
    if branch_of.shape != (len(task.classes),):
        raise InputError(
            f"subtasks have shape {branch_of.shape}: give the branch of each of the {len(task.classes)} classes of "
            f"task {task.name!r}"
        )
    order = np.argsort(task.groups, kind="stable") if task.groups else np.arange(len(branch_of))
    return {int(branch): order[branch_of[order] == branch] for branch in np.unique(branch_of)}


def _first(members: dict[int, np.ndarray], most: int) -> dict[int, np.ndarray]:
    """The first branches, which hold `most` classes together; one at least."""
    fits = np.cumsum([len(classes) for classes in members.values()]) <= most
    return dict(itertools.islice(members.items(), max(1, np.count_nonzero(fits))))


def _picture(task: Task, number: int, count: int) -> np.ndarray:
    """The first `count` training images of a class side by side, uint8 [S, count * S, 3]."""
    rows = np.flatnonzero(task.train.labels == number)
    if not 1 <= count <= len(rows):
        raise InputError(
            f"images is {count}, but task {task.name!r} has {len(rows)} training images of {task.classes[number]!r}: "
            "choose at least 1, and no more than every class has"
        )
    return np.concatenate(task.train.images[rows[:count]], axis=2).transpose(1, 2, 0)


def _blocks(classes: int, branches: int, width: float, height: float) -> tuple[Figure, list[Axes], int]:
    """Empty axes in units of tiles, one a branch of so many classes, and the number of classes in a line of it.

    Args:
        width, height: room of a class in tiles.
    """
    room = WIDTH / TILE
    columns = min(classes, max(1, int((room - 2 * GAP) / width)))
    lines = math.ceil(classes / columns)
    block = columns * width + 2 * GAP
    down = math.ceil(branches / max(1, int(room / block)))
    across = math.ceil(branches / down)  # as many as `down` rows need, so that the last is not left short
    size = (max(across * (block * TILE + 0.2), WIDTH / 2), down * (lines * height * TILE + 0.4) + 0.4)
    figure, grid = plt.subplots(down, across, figsize=size, squeeze=False, layout="constrained")
    for axes in grid.flat:
        axes.set_axis_off()
        axes.set(xlim=(0, block), ylim=(lines * height, 0), aspect="equal")
    return figure, list(grid.flat), columns


def _group_legend(figure: Figure, colours: dict[str, str]) -> None:
    """The groups' frames below the picture, which grows by as much."""
    longest = max(map(len, colours))
    columns = min(len(colours), max(1, int(figure.get_figwidth() / (0.085 * longest + 0.6))))
    figure.set_figheight(figure.get_figheight() + 0.22 * math.ceil(len(colours) / columns) + 0.4)
    handles = [
        Patch(fill=False, edgecolor=colour, linewidth=3, label=_plain(group)) for group, colour in colours.items()
    ]
    figure.legend(handles=handles, title="visual group", loc="outside lower center", ncols=columns)


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _frame(left: float, top: float, width: float, height: float, colour: str, linewidth: float) -> Rectangle:
    return Rectangle((left, top), width, height, fill=False, edgecolor=colour, linewidth=linewidth)


def _colours(count: int) -> list[str]:
    return PALETTE[:count] if count <= len(PALETTE) else sns.color_palette("husl", count).as_hex()


def _group_colours(task: Task) -> dict[str, str]:
    """Group to colour, in the order of the classes."""
    groups = list(dict.fromkeys(task.groups or ()))
    return dict(zip(groups, _colours(len(groups)), strict=True))


def _plane(class_features: np.ndarray, task: Task) -> tuple[np.ndarray, np.ndarray]:
    """Points float64 [classes, 2] in the plane of most variance, and the share of it that each axis holds."""
    if class_features.ndim != 2 or len(class_features) != len(task.classes) or min(class_features.shape) < 2:
        raise InputError(
            f"class features have shape {class_features.shape}: give [classes, D] for the {len(task.classes)} classes "
            f"of task {task.name!r}, both of at least 2"
        )
    if not np.isfinite(class_features).all() or not np.ptp(class_features, axis=0).any():
        raise InputError("class features are not finite or all the same: did the network's training diverge?")
    analysis = PCA(2)
    return analysis.fit_transform(class_features), analysis.explained_variance_ratio_


def _write_names(axes: Axes, points: np.ndarray, names: Sequence[str]) -> None:
    """Write each name beside its point, where it covers no point or text and stays inside the axes."""
    figure = axes.figure
    figure.draw_without_rendering()  # settles the layout, so that places in pixels hold
    places = axes.transData.transform(points)
    taken = [Bbox.from_extents(*(place - 5), *(place + 5)) for place in places]
    taken += [text.get_window_extent() for text in axes.texts]
    for name, point, place in zip(names, points, places, strict=True):
        text = axes.annotate(
            name, point, (0, 0), textcoords="offset points", ha="center", va="center", fontsize="small", zorder=2,
            arrowprops={"arrowstyle": "-", "color": INK, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 0},
        )  # fmt: skip
        size = Text.get_window_extent(text).size  # without the arrow
        for offset in _offsets(*size):
            box = Bbox.from_extents(*(place + offset - size / 2), *(place + offset + size / 2)).padded(1)
            if axes.bbox.contains(*box.min) and axes.bbox.contains(*box.max) and not box.count_overlaps(taken):
                text.set_position(offset * 72 / figure.dpi)
                taken.append(box)
                break
        else:
            text.remove()


def _offsets(width: float, height: float) -> Iterator[np.ndarray]:
    """Places for the middle of a text of this size around a point, nearest first, in pixels."""
    for gap, (right, up) in itertools.product((7, 15, 25, 40), _AROUND):
        yield np.array([right * (width / 2 + gap), up * (height / 2 + gap)])
