"""Figures of the ledger: what is drawn is what was given, and no text covers another."""

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import same_color
from matplotlib.figure import Figure
from matplotlib.text import Text

from ndslib.core.plots import INK, use_style
from ndslib.core.stats import Interval
from ndslib.sim.parameters import PARAMETERS
from ndslib.task2sim import curves
from ndslib.task2sim.curves import COLOURS

LONG = [f"ChestXPneumonia {number}" for number in range(20)]


@pytest.fixture(autouse=True)
def _style():
    with plt.rc_context():
        use_style()
        yield


def overlapping(figure: Figure) -> list[tuple[str, str]]:
    """Upright texts of a figure that cover each other."""
    figure.draw_without_rendering()
    texts = [
        text
        for text in figure.findobj(Text)
        if text.get_text() and text.get_visible() and text.get_rotation() in (0, 90)
    ]
    boxes = [(text.get_text(), Text.get_window_extent(text)) for text in texts]
    return [(a, b) for (a, first), (b, second) in itertools.combinations(boxes, 2) if first.overlaps(second)]


def test_the_learning_curve_counts_epochs_from_one():
    (axes,) = curves.learning([10.0, 12.0, 11.0]).axes
    assert axes.lines[0].get_xydata().tolist() == [[1, 10], [2, 12], [3, 11]]
    assert "most probable settings" in axes.get_ylabel()
    assert not plt.get_fignums()


def steps(**columns: tuple[float, ...]) -> pd.DataFrame:
    return pd.DataFrame(columns, index=["Pose", "+Lighting", "+Blur", "+Materials", "+Background"])


def test_variations_fill_the_best_row_of_each_side():
    ours, published = steps(a=(1, 2, 5, 3, 0), c=(1, 2, 3, 4, 5)), steps(a=(50, 40, 30, 20, 10), b=(1, 1, 1, 1, 1))
    halves = steps(a=(1, 1, 1, 1, 2), c=(np.inf,) * 5)
    figure = curves.variations(ours, published, halves)
    first, second = figure.axes
    assert [axes.get_title() for axes in figure.axes] == ["a", "c"], "b is not ours"
    paper, paper_best, own, own_best, *_ = first.lines  # then the ends of the bars
    assert own.get_ydata().tolist() == [1, 2, 5, 3, 0]
    assert (own_best.get_xdata()[0], own_best.get_ydata()[0]) == ("+Blur", 5)
    assert (paper_best.get_xdata()[0], paper.get_ydata()[0]) == ("Pose", 50)
    assert "published" not in {line.get_label() for line in second.lines}, "of c nothing is"
    ((_, _, (bars,)),) = first.containers
    assert bars.get_segments()[4][:, 1].tolist() == [-2, 2]
    ((_, _, (none,)),) = second.containers
    assert not any(len(segment) for segment in none.get_segments()), "one seed bounds nothing"
    (legend,) = figure.legends
    assert "95 % intervals over seeds" in legend.get_title().get_text()
    assert not overlapping(figure)
    assert not plt.get_fignums()


def compared(evaluations: list[str]) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    methods = list(COLOURS)
    ours = pd.DataFrame(
        np.arange(1.0 * len(methods) * len(evaluations)).reshape(len(methods), -1) + 10,
        index=methods,
        columns=evaluations,
    )
    ours.loc["Scratch", evaluations[0]] = np.nan
    rows = [
        (evaluation, method, Interval(number, number - 2, number + 1, 3))
        for evaluation in evaluations
        for number, method in enumerate(methods)
        if method != "Task2Sim" and np.isfinite(ours.loc[method, evaluation])
    ]
    return ours, ours.loc[["Random", "Task2Sim"]] + 5, pd.DataFrame(rows, columns=["evaluation", "method", "interval"])


def test_a_difference_stands_below_its_bar_in_its_colour():
    ours, published, differences = compared(["5NN", "Finetuning"])
    figure = curves.comparison(ours, published, differences)
    above, below = figure.axes
    bars = {
        (evaluation, container.get_label()): bar
        for container in above.containers
        for evaluation, bar in zip(ours, container, strict=True)
    }
    assert bars["Finetuning", "Random"].get_height() == ours.loc["Random", "Finetuning"]
    assert np.isnan(bars["5NN", "Scratch"].get_height())
    assert len(below.containers) == len(differences) == 15
    for row, container in zip(differences.itertuples(), below.containers, strict=True):
        (dot, _, (bounds,)) = container
        bar = bars[row.evaluation, row.method]
        assert dot.get_xdata()[0] == pytest.approx(bar.get_x() + bar.get_width() / 2)
        assert dot.get_ydata()[0] == row.interval.mean
        assert bounds.get_segments()[0][:, 1].tolist() == [row.interval.low, row.interval.high]
        assert same_color(dot.get_color(), COLOURS[row.method])
        assert same_color(bar.get_facecolor(), COLOURS[row.method])
    (legend,) = figure.legends
    colours = {text.get_text(): patch for text, patch in zip(legend.get_texts()[1:], legend.get_patches(), strict=True)}
    assert all(same_color(patch.get_facecolor(), COLOURS[name]) for name, patch in colours.items())
    assert not plt.get_fignums()


def test_one_task_has_a_dot_without_bounds():
    ours, published, differences = compared(["5NN"])
    differences["interval"] = [Interval(1.0, -np.inf, np.inf, 1)] * len(differences)
    _, below = curves.comparison(ours, published, differences).axes
    assert [each[0].get_ydata()[0] for each in below.containers] == [1] * len(differences)
    assert not any(len(segment) for each in below.containers for segment in each[2][0].get_segments())


@pytest.mark.parametrize("count", [1, 6])
def test_names_of_evaluations_do_not_touch(count):
    names = [
        "5NN\nsmaller sets", "Linear Probing\nsmaller sets", "Finetuning\nsmaller sets", "Linear Probing\nlarger sets",
        "Finetuning\nlarger sets", "5NN\nauthors' 12 seen\ntasks, held out",
    ]  # fmt: skip
    title = "published: smaller sets of 100 classes / 40k images, larger sets of 237 classes / 100k images"
    assert not overlapping(curves.comparison(*compared(names[:count]), title))


@pytest.mark.parametrize("tasks", [LONG[:1], LONG[:9], LONG[:12]])
def test_bars_of_tasks_span_the_seeds(tasks):
    rows = [(task, method, 50.0, 48.0, 53.0) for task in tasks for method in ("Random", "Task2Sim")]
    figure = curves.task_bars(pd.DataFrame(rows, columns=["task", "method", "mean", "low", "high"]), "5NN, seen tasks")
    (axes,) = figure.axes
    assert [each.get_label() for each in axes.containers] == ["Random", "Task2Sim"]
    assert same_color(axes.containers[1][0].get_facecolor(), COLOURS["Task2Sim"])
    spans = np.concatenate([each.get_segments() for each in axes.collections])
    assert (spans[:, :, 1] == [48, 53]).all()
    assert len(spans) == 2 * len(tasks)
    assert not overlapping(figure)


def test_a_method_of_its_own_is_drawn_in_ink():
    rows = pd.DataFrame([("a", "Something new", 50.0, 48.0, 53.0)], columns=["task", "method", "mean", "low", "high"])
    (axes,) = curves.task_bars(rows, "5NN").axes
    assert same_color(axes.containers[0][0].get_facecolor(), INK)


@pytest.mark.parametrize(("seen", "unseen"), [(6, 3), (12, 8), (1, 0), (2, 1)])
def test_probabilities_are_written_into_their_cells(seen, unseen):
    names = [parameter.name for parameter in PARAMETERS]
    index = pd.MultiIndex.from_tuples(
        [("seen" if number < seen else "unseen", LONG[number]) for number in range(seen + unseen)],
        names=["group", "task"],
    )
    values = np.random.default_rng(0).uniform(size=(len(index), 8))
    figure = curves.probabilities(pd.DataFrame(values, index, names))
    panels = figure.axes[:-1]
    assert [axes.get_ylabel() for axes in panels] == ["seen tasks", "unseen tasks"][: len(panels)]
    assert len(panels) == 1 + (unseen > 0)
    texts = [text.get_text() for axes in panels for text in axes.texts]
    assert texts == [f"{value:.2f}" for value in values.ravel()]
    assert {axes.collections[0].get_clim() for axes in panels} == {(0, 1)}
    assert [label.get_text() for axes in panels for label in axes.get_yticklabels()] == LONG[: seen + unseen]
    assert [label.get_text() for label in panels[-1].get_xticklabels()][:2] == ["object\nrotation", "object\ndistance"]
    assert not overlapping(figure)
    assert not plt.get_fignums()


def test_sizes_are_ticks_of_a_log_axis_and_leads_have_intervals():
    means = pd.DataFrame({"Domain Randomization": [40.0, 45, 50], "Task2Sim": [50.0, 52, 53]}, index=[2, 8, 32])
    leads = {
        size: {"Domain Randomization": Interval(lead, lead - 1, lead + 2, 4)}
        for size, lead in ((2, 10.0), (8, 7.0), (32, 3.0))
    }
    figure = curves.sizes(means, leads, "pretraining images", "Finetuning")
    left, right = figure.axes
    assert {line.get_label(): line.get_ydata().tolist() for line in left.lines} == means.to_dict("list")
    for axes in (left, right):
        assert axes.get_xscale() == "log"
        assert [label.get_text() for label in axes.get_xticklabels()] == ["2", "8", "32"]
        assert not len(axes.xaxis.get_minorticklocs())
    ((dots, _, (bounds,)),) = right.containers
    assert dots.get_xdata().tolist() == pytest.approx([2, 8, 32])
    assert [segment[:, 1].tolist() for segment in bounds.get_segments()] == [[9, 12], [6, 9], [2, 5]]
    assert [axes.get_title() for axes in figure.axes] == [
        "Finetuning, seen tasks",
        "lead of Task2Sim, 95 % intervals over tasks",
    ]
    assert not overlapping(figure)
    assert not plt.get_fignums()


def test_leads_over_several_methods_stand_side_by_side():
    means = pd.DataFrame({"Scratch": [1.0], "Imagenet*": [2.0], "Task2Sim": [3.0]}, index=[4])
    leads = {4: {name: Interval(1.0, -np.inf, np.inf, 1) for name in ("Scratch", "Imagenet*")}}
    _, right = curves.sizes(means, leads, "classes", "5NN").axes
    first, second = (container[0].get_xdata()[0] for container in right.containers)
    assert first < 4 < second
    assert first * second == pytest.approx(16)
