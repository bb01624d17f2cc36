"""Figures of the chapter's ledger: cost against accuracy, deviations of counts, sweeps of one setting, strategies.

A measured accuracy is a row `mean`, `low`, `high` (top-1 in percent); the bounds are NaN where one seed gives none, and
are then not drawn.
"""

import re
from collections.abc import Collection

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

from ndslib.core.plots import INK, PALETTE, bars_with_reported

RED, ORANGE = PALETTE[3], PALETTE[1]
FAMILY_COLOURS = [(PALETTE[0], PALETTE[9]), (PALETTE[3], PALETTE[1])]  # of a family's HydraNets and static networks
HALO = [withStroke(linewidth=2.5, foreground="white")]  # keeps small text readable across lines
BOUNDS = {"params": 1.0, "madds": 2.0}  # percent, within which a count reproduces a printed number
PRINTED_STEP = {"params": 0.01, "madds": 1.0}  # the unit of the last printed digit, in M
COSTS = {"madds": "chosen branches", "total_madds": "all branches"}


def line_of(network: str) -> str:
    """The line a network belongs to: "Hydra-Res" for "Hydra-Res-d1", "ResNet" for "ResNet-14"."""
    return re.match(r"(?:Hydra-)?[A-Za-z]+", network)[0]


def family_of(network: str) -> str:
    """What a HydraNet has in common with the static networks it is made from: "Res" for "Hydra-Res-d1", "ResNet-14"."""
    return line_of(network).removeprefix("Hydra-").removesuffix("Net")


def cost_accuracy(published: pd.DataFrame, ours: pd.DataFrame) -> Figure:
    """Cost against accuracy in two panels, the published curves and ours; a line a family, HydraNets solid.

    Args:
        published, ours: a row a network (index), columns `madds` (M), `mean`, `low` and `high` (%).
    """
    figure, panels = plt.subplots(1, 2, figsize=(10, 4.8), layout="constrained")
    lines = dict.fromkeys(map(line_of, [*published.index, *ours.index]))
    families = list(dict.fromkeys(map(family_of, lines)))
    for axes, points, title in zip(panels, (published, ours), ("published", "trained here"), strict=True):
        for line in lines:
            own = points[points.index.map(line_of) == line].sort_values("madds")
            if not own.empty:
                _draw_line(axes, own, line, families.index(family_of(line)))
        axes.margins(x=0.08, y=0.1)
        _log_axis(axes)
        axes.set(title=title, xlabel="multiply-adds of one image (M)", ylabel="top-1 (%)")
    # a panel may lack a line that the other has
    handles = {name: each for axes in panels for each, name in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=len(handles))
    plt.close(figure)
    return figure


def _draw_line(axes: Axes, points: pd.DataFrame, line: str, family: int) -> None:
    """Networks joined by rising cost, each with its depth or variant beside it; `family` counts from 0."""
    hydra = line.startswith("Hydra-")
    colour = FAMILY_COLOURS[family % len(FAMILY_COLOURS)][0 if hydra else 1]
    style = {"fmt": "o-"} if hydra else {"fmt": "s--", "markerfacecolor": "white"}
    axes.errorbar(points["madds"], points["mean"], _bars(points), color=colour, capsize=3, label=line, **style)
    # the uppermost curve has its labels above, the others below
    above = {"xytext": (-4, 5), "ha": "right"}
    place = above if hydra and family == 0 else {"xytext": (5, -10), "ha": "left"}
    for name, point in points.iterrows():
        style = {"fontsize": 8, "color": INK, "path_effects": HALO, **place}
        axes.annotate(name.removeprefix(f"{line}-"), point[["madds", "mean"]], textcoords="offset points", **style)


def _bars(points: pd.DataFrame) -> np.ndarray:
    """The distances from the means to their bounds, as `errorbar` takes them."""
    return np.array([points["mean"] - points["low"], points["high"] - points["mean"]])


def _log_axis(axes: Axes) -> None:
    """Costs differ by factors; the ticks are plain numbers."""
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high > 10 * low else (1, 1.5, 2, 3, 4, 5, 6, 8)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def deviations(ours: pd.DataFrame, published: pd.DataFrame, noted: Collection[str]) -> Figure:
    """How far each count is from the printed one, in percent: a dot a row, parameters left, multiply-adds right.

    Args:
        ours, published: a row a network, columns `params` and `madds`, in the same unit (M).
        noted: rows that the table has a note on; named in orange. A row beyond the bound is named
            in red.
    """
    figure, panels = plt.subplots(1, 2, figsize=(10, 1.6 + 0.24 * len(published)), sharey=True, layout="constrained")
    titles = {"params": "parameters", "madds": "multiply-adds"}
    for axes, (metric, bound) in zip(panels, BOUNDS.items(), strict=True):
        deviation = 100 * (ours[metric] / published[metric] - 1).reindex(published.index)
        # a printed number may be rounded or cut off: it stands for all within one unit of its last digit
        slack = 100 * PRINTED_STEP[metric] / published[metric]
        beyond = deviation.abs() - slack > bound
        axes.axvspan(-bound, bound, color=PALETTE[2], alpha=0.15)
        _draw_deviations(axes, deviation, slack, _flags(beyond, noted))
        limit = 1.15 * max(2 * bound, deviation.abs().max())
        axes.set(title=f"{titles[metric]} (shaded: within {bound:g} %)", xlim=(-limit, limit))
    panels[0].set_yticks(range(len(published)), published.index)
    panels[0].set_ylim(len(published) - 0.5, -0.5)
    figure.supxlabel(
        "counted minus printed (% of printed); grey: one unit of the last printed digit", fontsize="medium"
    )
    plt.close(figure)
    return figure


def _flags(beyond: pd.Series, noted: Collection[str]) -> pd.Series:
    """The colour of each row's dot."""
    colours = {name: RED if far else ORANGE if name in noted else PALETTE[0] for name, far in beyond.items()}
    return pd.Series(colours)


def _draw_deviations(axes: Axes, deviation: pd.Series, slack: pd.Series, colours: pd.Series) -> None:
    rows = np.arange(len(deviation))
    axes.axvline(0, color=INK, linewidth=1)
    axes.hlines(rows, deviation - slack, deviation + slack, color="#aaaaaa", linewidth=2)
    axes.scatter(deviation, rows, s=30, c=list(colours), zorder=3)
    reasons = {RED: "beyond the bound", ORANGE: "see the note"}
    for row, (name, colour) in enumerate(colours.items()):
        if colour in reasons and np.isfinite(deviation[name]):
            text = f"{name}: {reasons[colour]}"
            place = {"xytext": (0, 5), "textcoords": "offset points", "ha": "center"}
            axes.annotate(text, (deviation[name], row), fontsize=8, color=colour, path_effects=HALO, **place)


def sweep(
    published: pd.DataFrame,
    counted: pd.DataFrame,
    ours: pd.DataFrame,
    label: str,
    by_k: pd.DataFrame,
) -> Figure:
    """Accuracy (above) and multiply-adds (below) against one setting: as published (left) and trained here (right).

    Args:
        published: index the setting (int), columns `top1` (%) and one or both of `madds` and `total_madds` (M).
        counted: our counts of the published networks: index the setting, columns `madds` and `total_madds` (M).
        ours: index the setting, columns `mean`, `low`, `high` (%), `madds` and `total_madds` (M).
        label: the setting's name.
        by_k: index k, columns `mean`, `low`, `high` (%): one network, run with other k than it was trained with.
            Without rows there is no such curve.
    """
    figure, grid = plt.subplots(2, 2, figsize=(9, 6), sharex="col", layout="constrained")
    top, bottom = grid
    top[0].plot(published.index, published["top1"], "D-", color=INK, markerfacecolor="white")
    top[1].errorbar(ours.index, ours["mean"], _bars(ours), fmt="o-", color=PALETTE[0], capsize=4, label="trained each")
    if not by_k.empty:
        style = {"fmt": "^--", "color": PALETTE[1], "capsize": 4}
        top[1].errorbar(by_k.index, by_k["mean"], _bars(by_k), label="one network, k changed after training", **style)
        top[1].legend()
    for number, (metric, meaning) in enumerate(COSTS.items()):
        style = {"color": PALETTE[2 + number], "marker": "o", "label": f"{meaning}, counted"}
        bottom[0].plot(counted.index, counted[metric], **style)
        bottom[1].plot(ours.index, ours[metric], **style)
        if metric in published:
            diamonds = {"marker": "D", "s": 60, "color": "none", "edgecolor": INK, "zorder": 3}
            bottom[0].scatter(published.index, published[metric], **diamonds)
    bottom[0].scatter([], [], marker="D", s=60, color="none", edgecolor=INK, label="published")
    for axes, settings in zip(bottom, (published.index, ours.index), strict=True):
        axes.margins(x=0.1, y=0.1)
        axes.set(xlabel=label, ylim=(0, None), xticks=settings, ylabel="multiply-adds (M)")
        axes.legend()
    for axes, title in zip(top, ("published (ImageNet)", "trained here"), strict=True):
        axes.set(title=title, ylabel="top-1 (%)")
        axes.margins(x=0.1, y=0.15)
    plt.close(figure)
    return figure


def strategies(accuracies: pd.DataFrame, published: pd.Series, shares: pd.DataFrame) -> Figure:
    """Accuracy of each strategy, published values as diamonds; and how evenly it uses its branches.

    Args:
        accuracies: a row a strategy, columns `mean`, `low`, `high` (%).
        published: top-1 (%) by strategy.
        shares: a row a strategy, a column a branch, the most used first: the share of images that run it (0..1).
            Without rows, the second panel is left out.
    """
    bars = accuracies.rename_axis("method").reset_index().assign(dataset="trained here; diamonds: published, ImageNet")
    bars["reported"] = published.reindex(accuracies.index).to_numpy()
    figure = bars_with_reported(bars, label="top-1 (%)", title="Accuracy")
    left = figure.axes[0]
    for container, (_, row) in zip(left.containers, accuracies.iterrows(), strict=True):
        interval = f"\n± {row['high'] - row['mean']:.1f}" if np.isfinite(row["high"]) else ""
        left.bar_label(container, [f"{row['mean']:.1f}{interval}"], label_type="center", path_effects=HALO)
    if not shares.empty:
        figure.set_size_inches(11, 4.4)
        places = figure.add_gridspec(1, 2)
        left.set_subplotspec(places[0])
        _draw_shares(figure.add_subplot(places[1]), shares, list(accuracies.index))
    return figure


def _draw_shares(axes: Axes, shares: pd.DataFrame, strategies: list[str]) -> None:
    """A line a strategy in the colour of its bar."""
    for name, row in shares.iterrows():
        colour = PALETTE[strategies.index(name) % len(PALETTE)]
        axes.plot(shares.columns, row, marker="o", markersize=4, color=colour)
    even = shares.mean(axis=1).min()  # of a gated network: k / n_b
    axes.axhline(even, color=INK, linewidth=1, linestyle="--")
    style = {"textcoords": "offset points", "ha": "right", "color": INK, "path_effects": HALO}
    axes.annotate("even use", (shares.columns[-1], even), (0, 4), **style)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(title="Use of the branches", xlabel="branch, most used first", ylabel="share of images that run it")
    axes.set_ylim(0, 1.05)
