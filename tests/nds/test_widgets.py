"""The explorer's controls and what they recompute; how it looks in a browser is not tested here."""

import ipywidgets
import numpy as np
import pytest

from ndslib.nds import widgets
from ndslib.nds.recommend import recommend
from ndslib.nds.widgets import SelectionExplorer

SCORES = {"mine": np.array([0.4, 0.9, 0.6]), "other": np.array([0.8, 0.2, 0.3])}


@pytest.fixture
def displayed(monkeypatch) -> list:
    """What is shown, instead of showing it."""
    shown = []
    monkeypatch.setattr(widgets, "display", shown.append)
    return shown


def test_starts_at_the_papers_temperature_and_a_fifth_of_the_server(server):
    explorer = SelectionExplorer(server, SCORES)
    assert explorer.temperature.value == pytest.approx(0.1)
    answer, expected = explorer.answer(), recommend(server, SCORES["mine"], budget=6, temperature=0.1)
    assert answer.rows.tolist() == expected.rows.tolist()
    assert answer.clusters.equals(expected.clusters)


def test_every_control_changes_the_answer(server):
    explorer = SelectionExplorer(server, SCORES)
    explorer.client.value = "other"
    explorer.normalisation.value = "none"
    explorer.temperature.value = 1.0
    explorer.budget.value = 0.5
    expected = recommend(server, SCORES["other"], budget=16, temperature=1.0, normalisation="none")
    assert explorer.answer().clusters.equals(expected.clusters)
    assert explorer.answer().clusters["cluster"].iloc[0] == "first/0"


@pytest.mark.parametrize(("share", "images"), [(0.01, 1), (1.0, 32)])
def test_the_ends_of_the_budget_are_allowed(server, share, images):
    explorer = SelectionExplorer(server, SCORES)
    explorer.budget.value = share
    assert len(explorer.answer().rows) == images


def test_showing_and_moving_a_control_redraw(server, displayed, capsys):
    explorer = SelectionExplorer(server, SCORES)
    explorer.show()
    box, figure = displayed
    assert isinstance(box, ipywidgets.VBox)
    assert explorer.output in box.children
    assert figure.axes[0].get_title() == "client mine"
    # T = 0.1 gives nearly all weight to the best cluster, first/1 with 6 images; a fifth of 32 images is 6
    selected = explorer.answer().clusters["selected"].iloc[0]
    assert f"6 of 32 images; {selected} of the 6 in the best cluster, first/1" in capsys.readouterr().out
    explorer.client.value = "other"
    assert displayed[-1].axes[0].get_title() == "client other"
    assert "in the best cluster, first/0" in capsys.readouterr().out
    explorer.budget.value = 1.0
    assert "32 of 32 images; 6 of the 6" in capsys.readouterr().out
    assert len(displayed) == 4
