import io
import itertools

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch

from ndslib.core import plots
from ndslib.core.errors import InputError
from ndslib.core.stats import Interval


@pytest.fixture(autouse=True)
def _style():
    with plt.rc_context():
        plots.use_style()
        yield


def table(groups, methods=("uniform", "NDS"), reported=True):
    rows = pd.DataFrame([{"dataset": group, "method": method} for group in groups for method in methods])
    rows["mean"] = np.arange(len(rows)) + 10.0
    rows["low"], rows["high"] = rows["mean"] - 1, rows["mean"] + 2
    if reported:
        rows["reported"] = rows["mean"] + 5
        rows.loc[0, "reported"] = np.nan
    return rows


def label_boxes(figure):
    figure.canvas.draw()
    return [label.get_window_extent() for label in figure.axes[0].get_xticklabels()]


def legend(figure):
    return {text.get_text() for text in figure.legends[0].get_texts()}


def test_bars_show_our_values_intervals_and_the_published_ones():
    rows = table(["Pets", "CUB", "Cars"])
    figure = plots.bars_with_reported(rows)
    axes = figure.axes[0]
    heights = {bar.get_height() for bar in axes.patches}
    assert heights == set(rows["mean"])
    points = np.concatenate([c.get_offsets().data for c in axes.collections if len(c.get_offsets()) == 3])
    assert sorted(y for _, y in points if np.isfinite(y)) == sorted(rows["reported"].dropna())
    segments = np.concatenate([line.get_segments() for line in axes.collections if hasattr(line, "get_segments")])
    assert sorted(segments[:, 0, 1]) == sorted(rows["low"])
    assert sorted(segments[:, 1, 1]) == sorted(rows["high"])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["Pets", "CUB", "Cars"]
    assert legend(figure) == {"uniform", "NDS", "published"}


def test_bars_without_published_values_do_not_mention_them():
    rows = table(["Pets"])
    assert legend(plots.bars_with_reported(rows.drop(columns=["reported", "low", "high"]))) == {"uniform", "NDS"}
    assert legend(plots.bars_with_reported(rows.assign(reported=np.nan))) == {"uniform", "NDS"}


def test_a_group_that_lacks_a_method_is_drawn_without_it():
    rows = table(["Pets", "CUB"], reported=False).iloc[:-1]
    heights = [bar.get_height() for bar in plots.bars_with_reported(rows).axes[0].patches]
    assert np.isfinite(heights).sum() == 3


@pytest.mark.parametrize(("count", "angle"), [(3, 0), (14, 30), (45, 90)])
def test_labels_turn_until_they_do_not_overlap(count, angle):
    figure = plots.bars_with_reported(table([f"a dataset {i}" for i in range(count)]))
    labels = figure.axes[0].get_xticklabels()
    assert {label.get_rotation() for label in labels} == {angle}
    if angle in (0, 90):
        boxes = label_boxes(figure)
        assert all(left.x1 <= right.x0 + 0.5 for left, right in itertools.pairwise(boxes))


def test_bars_refuse_bad_tables():
    with pytest.raises(InputError, match="mean"):
        plots.bars_with_reported(table(["Pets"]).drop(columns="mean"))
    with pytest.raises(InputError, match="rows"):
        plots.bars_with_reported(table(["Pets"]).head(0))
    with pytest.raises(InputError, match="two rows for 'Pets' and 'NDS'"):
        plots.bars_with_reported(table(["Pets"], methods=["NDS", "NDS"]))


def test_interval_plot_greys_the_undecided_and_hides_unbounded_bars():
    intervals = {
        "wins": Interval(0.2, 0.1, 0.3, 5),
        "open": Interval(0.0, -0.1, 0.1, 5),
        "single": Interval(0.1, -np.inf, np.inf, 1),
    }
    figure = plots.interval_plot(intervals, margin=0.05)
    axes = figure.axes[0]
    bars = [line for line in axes.collections if hasattr(line, "get_segments")]
    assert [bar.get_segments()[0][:, 0].tolist() for bar in bars] == [[0.1, 0.3], [-0.1, 0.1]]
    assert bars[0].get_color().tolist() != bars[1].get_color().tolist()
    assert axes.lines[0].get_xdata()[0] == 0.05
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["wins  (n=5)", "open  (n=5)", "single  (n=1)"]
    assert axes.yaxis_inverted()
    with pytest.raises(InputError, match="no intervals"):
        plots.interval_plot({})


def test_image_grid_shows_every_image_under_its_title():
    images = torch.randint(256, (5, 3, 4, 6), dtype=torch.uint8)
    figure = plots.image_grid(images, [f"image {i}" for i in range(5)], columns=3)
    shown = [axes for axes in figure.axes if axes.images]
    assert len(figure.axes) == 6
    assert [axes.get_title() for axes in shown] == [f"image {i}" for i in range(5)]
    for axes, image in zip(shown, images, strict=True):
        assert np.array_equal(axes.images[0].get_array(), image.permute(1, 2, 0).numpy())


@pytest.mark.parametrize("columns", [1, 4, 10])
def test_titles_of_neighbours_do_not_overlap(columns):
    images = np.zeros((10, 3, 4, 4), dtype=np.uint8)
    figure = plots.image_grid(images, ["cluster 12: omniglot alphabet of the Magi, weight 0.123"] * 10, columns)
    figure.savefig(io.BytesIO())
    boxes = [axes.title.get_window_extent() for axes in figure.axes if axes.images]
    pictures = [axes.images[0].get_window_extent() for axes in figure.axes if axes.images]
    everything = [*boxes, *pictures]
    for position, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in everything[position + 1 :])


@pytest.mark.parametrize(
    ("images", "titles", "problem"),
    [
        (torch.zeros(2, 3, 4, 4), None, "float32"),
        (torch.zeros(2, 4, 4, 3, dtype=torch.uint8), None, r"\(2, 4, 4, 3\)"),
        (torch.zeros(0, 3, 4, 4, dtype=torch.uint8), None, "at least 1"),
        (torch.zeros(2, 3, 4, 4, dtype=torch.uint8), ["one"], "1 titles for 2 images"),
    ],
)
def test_image_grid_refuses_bad_input(images, titles, problem):
    with pytest.raises(InputError, match=problem):
        plots.image_grid(images, titles)


def test_figures_are_shown_once_because_pyplot_forgets_them():
    before = plt.get_fignums()
    plots.bars_with_reported(table(["Pets"]))
    plots.interval_plot({"a": Interval(0, -1, 1, 2)})
    plots.image_grid(np.zeros((1, 3, 2, 2), dtype=np.uint8))
    assert plt.get_fignums() == before


def test_paper_beside_ours_keeps_the_papers_layout():
    reported = pd.DataFrame(
        {"Pets": [90.0, 80.04], "CUB": [60.0, np.nan]}, index=pd.Index(["NDS", "uniform"], name="row")
    )
    ours = pd.DataFrame({"CUB": [1.26, 2, 3], "Pets": [4, 5, 6]}, index=["extra", "uniform", "NDS"])
    table = plots.paper_beside_ours(ours, reported)
    assert table.columns.tolist() == [("Pets", "paper"), ("Pets", "ours"), ("CUB", "paper"), ("CUB", "ours")]
    assert table.index.tolist() == ["NDS", "uniform", "extra"]
    assert table.loc["uniform", ("Pets", "paper")] == 80.0
    assert table.loc["NDS", ("CUB", "ours")] == 3
    assert table.loc["extra", ("CUB", "ours")] == 1.3
    assert np.isnan(table.loc["extra", ("Pets", "paper")])
    with pytest.raises(InputError, match="ours: 'a' occurs twice"):
        plots.paper_beside_ours(pd.DataFrame({"x": [1, 2]}, index=["a", "a"]), reported)
