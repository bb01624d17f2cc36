"""Figures of the chapter's ledger: successive variations, methods side by side, the policy's outputs, sizes of data.

Accuracies are in percent. A method has one colour in all of them. Intervals are over tasks: a mean of accuracies would
have one as wide as tasks differ, so intervals are drawn of the differences between methods, which pair the tasks.
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, NullLocator

from ndslib.core.plots import INK, PALETTE, bars_with_reported
from ndslib.core.stats import Interval
from ndslib.task2sim.methods import ORDER, TASK2SIM

COLOURS = {method: PALETTE[place] for method, place in zip(ORDER, (7, 1, 3, 2, 0, 4, 9, 8, 5), strict=True)}
WIDTH = 9.5  # inches, a notebook's width
DIFFERENCE = f"{TASK2SIM} minus the other (points)"


def _colour(method: str) -> str:
    return COLOURS.get(method, INK)


def learning(greedy: Sequence[float]) -> Figure:
    """The mean reward of the most probable settings, epoch by epoch (`reinforce.History`)."""
    figure, axes = plt.subplots(figsize=(WIDTH / 1.5, 3.5), layout="constrained")
    axes.plot(range(1, len(greedy) + 1), greedy, color=COLOURS[TASK2SIM], linewidth=1.2)
    axes.set(xlabel="epoch", ylabel="reward of the most probable settings,\nmean of seen tasks (%)")
    plt.close(figure)
    return figure


def variations(ours: pd.DataFrame, published: pd.DataFrame, halves: pd.DataFrame) -> Figure:
    """Accuracy as more and more parameters vary: a panel a task, the best row filled (T2S Table 1).

    Args:
        ours, published: a row a step of variation, a column a task of the same name in both.
        halves: as `ours`, from our mean to either end of its 95 % interval over seeds (points); infinite for one seed.
    """
    tasks = [name for name in ours if ours[name].notna().any()]
    size = (max(4.5, min(WIDTH, 2.6 * len(tasks))), 3.4)
    figure, panels = plt.subplots(1, len(tasks), figsize=size, squeeze=False, layout="constrained")
    for axes, task in zip(panels.flat, tasks, strict=True):
        if task in published:
            _draw_steps(axes, published[task], INK, "D", "published")
        _draw_steps(axes, ours[task], PALETTE[0], "o", "ours")
        bounds = _finite(halves[task].to_numpy())
        axes.errorbar(ours.index, ours[task], bounds, color=PALETTE[0], fmt="none", capsize=3)
        axes.set_title(task, fontsize="medium")
        axes.tick_params(axis="x", rotation=90)
        axes.margins(x=0.12, y=0.12)
    panels[0, 0].set_ylabel("linear probing (%)")
    handles = {name: each for axes in panels.flat for each, name in zip(*axes.get_legend_handles_labels(), strict=True)}
    title = "filled: the best row" + "; bars: 95 % intervals over seeds" * bool(np.isfinite(halves).any(axis=None))
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=2, title=title)
    plt.close(figure)
    return figure


def _draw_steps(axes: Axes, values: pd.Series, colour: str, marker: str, label: str) -> None:
    axes.plot(values.index, values, color=colour, marker=marker, markerfacecolor="white", label=label)
    axes.plot([values.idxmax()], [values.max()], color=colour, marker=marker, markersize=8)


def comparison(ours: pd.DataFrame, published: pd.DataFrame, differences: pd.DataFrame, title: str = "") -> Figure:
    """Mean accuracy of each method (above) and Task2Sim's lead over it (below), in the same place (T2S Tables 2, 3).

    Args:
        ours, published: a row a method, a column an evaluation; NaN where there is none.
        differences: columns `evaluation`, `method`, and `interval` (of Task2Sim minus the method, over tasks).
    """
    bars = ours.melt(var_name="evaluation", value_name="mean", ignore_index=False)
    bars["reported"] = published.reindex_like(ours).melt()["value"].to_numpy()
    bars = bars.rename_axis("method").reset_index()
    figure = _method_bars(bars, "evaluation", "mean accuracy over tasks (%)")
    above, ticks = figure.axes[0], len(ours.columns)
    figure.set_size_inches(WIDTH, 6.4)
    places = figure.add_gridspec(2, 1, height_ratios=(3, 2))
    above.set_subplotspec(places[0])
    above.set_title(title, fontsize="small")
    below = figure.add_subplot(places[1], sharex=above)
    middles = {
        (evaluation, container.get_label()): bar.get_x() + bar.get_width() / 2
        for container in above.containers
        for evaluation, bar in zip(ours.columns, container, strict=True)
    }
    for row in differences.itertuples():
        _draw_interval(below, middles[row.evaluation, row.method], row.interval, _colour(row.method))
    below.axhline(0, color=INK, linewidth=1, linestyle="--")
    below.set(ylabel=DIFFERENCE.replace(" (", "\n("), xlim=(-0.5, ticks - 0.5))
    below.tick_params(axis="x", labelbottom=False)
    below.grid(axis="x", visible=False)
    return figure


def _draw_interval(axes: Axes, at: float, interval: Interval, colour: str) -> None:
    """A dot with its bounds, which one task cannot give."""
    bounds = np.array([[interval.mean - interval.low], [interval.high - interval.mean]])
    axes.errorbar(at, interval.mean, _finite(bounds), color=colour, fmt="o", capsize=3)


def _finite(bounds: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(bounds), bounds, np.nan)


def task_bars(accuracies: pd.DataFrame, title: str) -> Figure:
    """Every method on every task (T2S Figures 3 and 4); the lines span the seeds.

    Args:
        accuracies: columns `task`, `method`, `mean`, `low` and `high` (least and most over the seeds).
    """
    figure = _method_bars(accuracies, "task", "accuracy (%)", f"{title}; lines: from the lowest to the highest seed")
    figure.set_figwidth(WIDTH)
    return figure


def _method_bars(table: pd.DataFrame, group: str, label: str, title: str = "") -> Figure:
    """`bars_with_reported` in the methods' own colours."""
    figure = bars_with_reported(table, group, label=label, title=title)
    patches = figure.legends[0].get_patches()
    for container, patch in zip(figure.axes[0].containers, patches, strict=True):
        for bar in (*container, patch):
            bar.set_facecolor(_colour(container.get_label()))
    return figure


def probabilities(outputs: pd.DataFrame) -> Figure:
    """The policy's outputs as heat maps, seen tasks above unseen ones (T2S Figure 5).

    Args:
        outputs: the probability (0..1) that a parameter varies: index (group, task), a column a parameter.
    """
    groups = dict(list(outputs.groupby(level="group", sort=False)))
    counts = [len(part) for part in groups.values()]
    size = (WIDTH, 1.3 + 0.3 * sum(counts) + 0.3 * len(counts))
    figure, panels = plt.subplots(
        len(counts), 1, figsize=size, height_ratios=counts, sharex=True, squeeze=False, layout="constrained"
    )
    for axes, (group, part) in zip(panels.flat, groups.items(), strict=True):
        names = [name.replace("_", "\n") for name in part]
        sns.heatmap(
            part, vmin=0, vmax=1, cmap="vlag", annot=True, fmt=".2f", annot_kws={"size": 8}, cbar=False,
            linewidths=0.5, xticklabels=names, yticklabels=part.index.get_level_values("task"), ax=axes,
        )  # fmt: skip
        axes.tick_params(axis="y", rotation=0)
        axes.tick_params(axis="x", rotation=0)
        axes.set(xlabel="", ylabel=f"{group} tasks")
    figure.align_ylabels()
    figure.colorbar(panels[0, 0].collections[0], ax=panels, label="probability that it varies", aspect=30)
    plt.close(figure)
    return figure


def sizes(
    means: pd.DataFrame, differences: Mapping[int, Mapping[str, Interval]], label: str, evaluation: str
) -> Figure:
    """Accuracy as the pretraining data grow (left) and Task2Sim's lead over each method (right; T2S Figures 6 to 8).

    Args:
        means: index the size, a column a method; NaN where there is none.
        differences: of each size, of each method: Task2Sim minus the method, over tasks.
        label: what the size counts.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 4), layout="constrained")
    for method in means:
        left.plot(means.index, means[method], marker="o", color=_colour(method), label=method)
    others = [method for method in means if any(method in each for each in differences.values())]
    for number, method in enumerate(others):
        found = {size: each[method] for size, each in differences.items() if method in each}
        bounds = np.array([[each.mean - each.low, each.high - each.mean] for each in found.values()]).T
        aside = 1.03 ** (number - (len(others) - 1) / 2)  # so that the bars of two methods do not cover each other
        at, leads = [size * aside for size in found], [each.mean for each in found.values()]
        right.errorbar(at, leads, _finite(bounds), color=_colour(method), marker="o", capsize=3)
    right.axhline(0, color=INK, linewidth=1, linestyle="--")
    left.set(ylabel="mean accuracy (%)", title=f"{evaluation}, seen tasks")
    right.set(ylabel=DIFFERENCE, title=f"lead of {TASK2SIM}, 95 % intervals over tasks")
    for axes in (left, right):
        _log_axis(axes, means.index, label)
    figure.legend(loc="outside lower center", ncols=len(means.columns))
    plt.close(figure)
    return figure


def _log_axis(axes: Axes, values: pd.Index, label: str) -> None:
    """Sizes grow by factors; the ticks are the sizes themselves."""
    axes.set(xscale="log", xlabel=label)
    axes.set_xticks(values, [f"{value:g}" for value in values])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.margins(x=0.1)
