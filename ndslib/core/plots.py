"""Pictures and tables in one visual style.

Every function returns a figure that pyplot has forgotten: a notebook shows it once, as the last line of its cell or
with `display`, and `RunRecord.figure` saves it.
"""

import itertools
import math
import textwrap
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from ndslib.core.errors import InputError
from ndslib.core.stats import Interval

PALETTE = sns.color_palette("colorblind").as_hex()
INK = "#333333"


def use_style() -> None:
    """Set the style for all further figures: sizes for a notebook's width and a palette safe for colour blindness."""
    sns.set_theme(
        context="notebook",
        style="whitegrid",
        palette=PALETTE,
        font_scale=0.85,
        rc={
            "figure.figsize": (8, 4),
            "figure.dpi": 100,
            "figure.constrained_layout.use": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "legend.frameon": False,
        },
    )


def bars_with_reported(
    table: pd.DataFrame, group: str = "dataset", method: str = "method", label: str = "value", title: str = ""
) -> Figure:
    """Our values as bars, a bar a method in each group, with the published values as diamonds beside them.

    Args:
        table: a row per group and method with the columns `group`, `method`, `mean`, and optionally `low` and `high`
            (our interval) and `reported` (NaN where the source gives none). Groups and methods keep their order.

    Raises:
        InputError: a column is missing, no rows, or two rows for one group and method.
    """
    _check_table(table, group, method)
    groups, methods = list(table[group].unique()), list(table[method].unique())
    table = table.set_index([group, method])
    width = _width(len(groups) * (len(methods) + 1) * 0.35)
    figure, axes = plt.subplots(figsize=(width, 4), layout="constrained")
    step = 0.8 / len(methods)
    for number, name in enumerate(methods):
        rows = table.reindex([(each, name) for each in groups])
        at = np.arange(len(groups)) + (number - (len(methods) - 1) / 2) * step
        hatch = "//" * (number // len(PALETTE))  # tells methods beyond the tenth from those of the same colour
        axes.bar(at, rows["mean"], step * 0.92, color=PALETTE[number % len(PALETTE)], hatch=hatch, label=str(name))
        if {"low", "high"} <= set(rows):
            axes.vlines(at, rows["low"], rows["high"], color=INK, linewidth=1.2)
        if "reported" in table and table["reported"].notna().any():
            published = "published" if number == len(methods) - 1 else None  # one entry in the legend
            axes.scatter(
                at, rows["reported"], marker="D", s=26, color="white", edgecolor=INK, zorder=3, label=published
            )
    axes.set_xticks(np.arange(len(groups)), [str(each) for each in groups])
    axes.set(ylabel=label, title=title)
    axes.grid(axis="x", visible=False)
    figure.legend(loc="outside right upper")
    return _finished(figure, axes)


def interval_plot(
    intervals: Mapping[str, Interval], label: str = "difference", title: str = "", margin: float = 0.0
) -> Figure:
    """Intervals one below the other, with a line at `margin`; those that contain it are drawn in grey.

    An unbounded interval (one value) shows as a hollow point without a bar.

    Raises:
        InputError: no intervals.
    """
    if not intervals:
        raise InputError("no intervals to plot")
    figure, axes = plt.subplots(figsize=(8, 1.2 + 0.35 * len(intervals)), layout="constrained")
    for row, interval in enumerate(intervals.values()):
        clear = interval.low > margin or interval.high < margin
        colour = PALETTE[0] if clear else "#888888"
        bounded = math.isfinite(interval.high - interval.low)
        if bounded:
            axes.hlines(row, interval.low, interval.high, color=colour, linewidth=2)
        axes.scatter(interval.mean, row, s=36, color=colour if bounded else "white", edgecolor=colour, zorder=3)
    axes.axvline(margin, color=INK, linewidth=1, linestyle="--")
    names = [f"{name}  (n={interval.n})" for name, interval in intervals.items()]
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set(xlabel=label, title=title)
    axes.grid(axis="y", visible=False)
    return _finished(figure, axes)


def image_grid(
    images: Tensor | np.ndarray, titles: Sequence[str] | None = None, columns: int | None = None, title: str = ""
) -> Figure:
    """Images in rows of `columns` (8 when left out), each under its title; long titles are broken over lines.

    Args:
        images: uint8 [N, 3, H, W].

    Raises:
        InputError: no images, another type or shape, or a number of titles that is not N.
    """
    pixels = np.asarray(images)
    if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[1] != 3 or not len(pixels):
        raise InputError(f"images are {pixels.dtype} {pixels.shape}: expected uint8 [N, 3, H, W] with N of at least 1")
    if titles is not None and len(titles) != len(pixels):
        raise InputError(f"{len(titles)} titles for {len(pixels)} images")
    columns = min(columns or 8, len(pixels))
    rows = math.ceil(len(pixels) / columns)
    side = min(1.6, 8 / columns)
    broken = [_break(text, characters=int(side * 11)) for text in titles or []]
    above = 0.16 * max((text.count("\n") + 1 for text in broken), default=0) + 0.05
    height = side * pixels.shape[2] / pixels.shape[3] + above
    size = (side * columns, height * rows + 0.35 * bool(title))
    figure, grid = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    for axes in grid.flat:
        axes.set_axis_off()
    for position, (axes, image) in enumerate(zip(grid.flat, pixels, strict=False)):
        axes.imshow(image.transpose(1, 2, 0), interpolation="nearest")
        if broken:
            axes.set_title(broken[position], fontsize=8, pad=3)
    figure.suptitle(title)
    plt.close(figure)
    return figure


def paper_beside_ours(ours: pd.DataFrame, reported: pd.DataFrame, decimals: int = 1) -> pd.DataFrame:
    """The table as the source lays it out, with the published and our value side by side in each column.

    Args:
        ours, reported: rows and columns named as in the source, numbers in the same unit. Rows and columns of the
            source come first and in its order, then what only we have; what one side lacks is NaN.

    Returns:
        Rounded numbers under the two-level columns (source's column, "paper" or "ours").

    Raises:
        InputError: a row or column name occurs twice.
    """
    for name, table in (("ours", ours), ("reported", reported)):
        repeated = [*table.index[table.index.duplicated()], *table.columns[table.columns.duplicated()]]
        if repeated:
            raise InputError(f"table {name}: {repeated[0]!r} occurs twice")
    rows = [*reported.index, *(row for row in ours.index if row not in reported.index)]
    columns = [*reported.columns, *(column for column in ours.columns if column not in reported.columns)]
    sides = {"paper": reported.reindex(index=rows, columns=columns), "ours": ours.reindex(index=rows, columns=columns)}
    pairs = {(column, side): sides[side][column] for column in columns for side in sides}
    return pd.DataFrame(pairs, index=pd.Index(rows, name=reported.index.name)).astype(float).round(decimals)


def _check_table(table: pd.DataFrame, group: str, method: str) -> None:
    missing = {group, method, "mean"} - set(table.columns)
    if missing or table.empty:
        raise InputError(f"bars need rows with the columns {group}, {method} and mean; missing: {sorted(missing)}")
    repeated = table[table.duplicated([group, method])]
    if len(repeated):
        raise InputError(f"two rows for {repeated.iloc[0][group]!r} and {repeated.iloc[0][method]!r}: aggregate first")


def _width(inches: float) -> float:
    return min(max(inches, 6), 10)


def _finished(figure: Figure, axes: Axes) -> Figure:
    """Turn the labels of the x axis until none touches its neighbour, and take the figure from pyplot."""
    labels, height = axes.get_xticklabels(), figure.get_figheight()
    for angle, style in ((30, {"ha": "right", "rotation_mode": "anchor"}), (90, {"ha": "center"})):
        if not _crowded(figure, axes):
            break
        plt.setp(labels, rotation=angle, **style)
        taller = max(label.get_window_extent().height for label in labels) / figure.dpi
        figure.set_figheight(height + taller)
    plt.close(figure)
    return figure


def _crowded(figure: Figure, axes: Axes) -> bool:
    """Whether neighbouring labels touch: upright ones side by side, turned ones across their direction."""
    figure.canvas.draw()
    labels = [label for label in axes.get_xticklabels() if label.get_text()]
    angle = math.radians(labels[0].get_rotation()) if labels else 0
    if angle:
        places = [label.get_transform().transform(label.get_position())[0] for label in labels]
        needed = labels[0].get_fontsize() * figure.dpi / 72 * 1.2
        return any((right - left) * math.sin(angle) < needed for left, right in itertools.pairwise(places))
    boxes = [label.get_window_extent() for label in labels]
    return any(left.x1 + 3 > right.x0 for left, right in itertools.pairwise(boxes))


def _break(text: str, characters: int) -> str:
    return "\n".join(textwrap.wrap(text, max(characters, 6)))
