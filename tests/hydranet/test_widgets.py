"""The explorer's controls and what they count; how it looks in a browser is not tested here."""

from dataclasses import replace

import ipywidgets
import pytest

from ndslib.hydranet import costs, widgets
from ndslib.hydranet.costs import network_cost
from ndslib.hydranet.networks import PUBLISHED, build
from ndslib.hydranet.widgets import CostExplorer


@pytest.fixture
def displayed(monkeypatch) -> list:
    """What is shown, instead of showing it."""
    shown = []
    monkeypatch.setattr(widgets, "display", shown.append)
    return shown


def millions(explorer: CostExplorer) -> tuple[float, ...]:
    return tuple(each / 1e6 for each in explorer.cost())


def test_starts_at_the_smallest_network_of_table_3_4():
    explorer = CostExplorer()
    assert millions(explorer) == pytest.approx((10.89, 193, 605), rel=0.005)  # Tables 3.4 and 3.5


@pytest.mark.parametrize("variant", "ABCDE")
def test_the_menu_has_every_variant(variant):
    explorer = CostExplorer()
    explorer.variant.value = variant
    published = {"A": (10.89, 193), "B": (13.30, 299), "C": (15.70, 374), "D": (19.51, 630), "E": (26.83, 1075)}
    assert millions(explorer)[:2] == pytest.approx(published[variant], rel=0.005)


def test_what_the_controls_compose_is_what_the_built_network_counts():
    explorer = CostExplorer()
    explorer.variant.value, explorer.w_b.value = "C", 0.25
    explorer.n_b.value, explorer.k.value = 7, 3
    built = build(replace(PUBLISHED["Hydra-ResSep-C"], n_b=7, k=3, w_b=0.25), classes=1000)
    assert explorer.cost() == network_cost(built, 224)


def test_moving_n_b_and_k_counts_nothing_again(monkeypatch):
    explorer = CostExplorer()
    explorer.cost()
    counted = []
    monkeypatch.setattr(costs, "count", lambda *arguments: counted.append(arguments))
    explorer.n_b.value, explorer.k.value = 80, 40
    assert explorer.cost().madds < explorer.cost().total_madds
    assert not counted


def test_k_never_exceeds_n_b():
    explorer = CostExplorer()
    explorer.n_b.value = 3
    assert explorer.k.value == explorer.k.max == 3
    assert explorer.cost().madds == explorer.cost().total_madds
    explorer.k.value = 9
    assert explorer.k.value == 3
    explorer.n_b.value = 20
    explorer.k.value = 9
    assert (explorer.k.value, explorer.k.max) == (9, 20)


def test_every_setting_lies_in_the_picture():
    explorer = CostExplorer()
    for end in (min, max):
        explorer.variant.value = end(explorer.variant.options)
        explorer.w_b.value = end(explorer.w_b.options)
        explorer.n_b.value = end(explorer.n_b.min, explorer.n_b.max)
        cost = explorer.cost()
        (axes,) = widgets.cost_figure("any", cost).axes
        params, madds, total = millions(explorer)
        assert axes.get_xlim()[0] < params < axes.get_xlim()[1]
        assert axes.get_ylim()[0] < madds <= total < axes.get_ylim()[1]


def test_the_picture_holds_the_network_and_the_static_ones():
    explorer = CostExplorer()
    (axes,) = widgets.cost_figure("Hydra-ResSep-A", explorer.cost()).axes
    assert [text.get_text() for text in axes.texts] == list("ABCDE")
    assert list(axes.lines[0].get_ydata()) == pytest.approx([181, 290, 380, 620, 1060], rel=0.01)  # Table 3.1
    chosen, all_branches = (points.get_offsets()[0] for points in axes.collections[1:])
    assert list(chosen) == pytest.approx([10.89, 193], rel=0.005)
    assert list(all_branches) == pytest.approx([10.89, 605], rel=0.005)


def test_showing_and_moving_a_control_redraw(displayed, capsys):
    explorer = CostExplorer()
    explorer.show()
    box, figure = displayed
    assert isinstance(box, ipywidgets.VBox)
    assert explorer.output in box.children
    assert "Hydra-ResSep-A, what one image runs" in figure.axes[0].get_legend_handles_labels()[1]
    assert "10.89 M parameters; an image runs 193 M of 603 M multiply-adds, 32%" in capsys.readouterr().out
    explorer.k.value = 10
    assert "an image runs 238 M of 603 M" in capsys.readouterr().out
    explorer.variant.value = "B"
    assert "Hydra-ResSep-B, all branches" in displayed[-1].axes[0].get_legend_handles_labels()[1]
    assert len(displayed) == 4
