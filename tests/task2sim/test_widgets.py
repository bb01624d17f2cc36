"""The explorer's switches and what they show; how it looks in a browser is not tested here."""

import numpy as np
import pytest

from ndslib.core.errors import InputError
from ndslib.sim import PARAMETERS, Parameter, ProceduralLibrary, TorchSimulator, widgets
from ndslib.task2sim.rewards import RewardTable
from ndslib.task2sim.widgets import SettingsExplorer


@pytest.fixture(autouse=True)
def _few_pictures(monkeypatch) -> None:
    monkeypatch.setattr(SettingsExplorer, "IMAGES", 2)


@pytest.fixture
def simulator() -> TorchSimulator:
    return TorchSimulator(8, library=ProceduralLibrary(["mug", "pear"], meshes_per_class=1))


def rewards(*names: str) -> RewardTable:
    """Of two tasks; blur gains the first 10 points and costs the second 20, the other parameters are worth 1 each."""
    levels = np.indices([2] * len(names))
    others = sum(level for name, level in zip(names, levels, strict=True) if name != "blur")
    blur = levels[names.index("blur")]
    values = np.stack([30 + 10 * blur + others, 60 - 20 * blur + others]).astype(float)
    return RewardTable(("digits", "leaves"), tuple(Parameter(name, 2) for name in names), values)


def drawn(explorer: SettingsExplorer) -> dict[str, list[list[float]]]:
    """The points of the rewards' panel."""
    axes = explorer.figure().axes[-1]
    return {each.get_label(): each.get_offsets().tolist() for each in axes.collections if len(each.get_offsets()) > 1}


def test_without_rewards_there_are_pictures_alone(simulator):
    explorer = SettingsExplorer(simulator)
    assert len(explorer.figure().axes) == SettingsExplorer.IMAGES
    assert not any(switch.disabled for switch in explorer.switches)


def test_the_rewards_follow_the_switches(simulator):
    explorer = SettingsExplorer(simulator, rewards(*(parameter.name for parameter in PARAMETERS)))
    assert drawn(explorer)["this setting"] == [[30, 0], [60, 1]]
    explorer.switches[5].value = 1
    explorer.switches[0].value = 1
    points = drawn(explorer)
    assert points["this setting"] == [[41, 0], [41, 1]]
    assert points["mean of all settings"] == [[38.5, 0], [53.5, 1]]
    axes = explorer.figure().axes[-1]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["digits", "leaves"]
    spans = axes.collections[0].get_segments()
    assert [span[:, 0].tolist() for span in spans] == [[30, 47], [40, 67]], "from the worst to the best setting"


def test_the_pictures_are_those_of_the_switches(simulator):
    explorer = SettingsExplorer(simulator, rewards("blur"))
    plain = SettingsExplorer(simulator)
    for each in (explorer, plain):
        each.switches[5].value, each.object_class.value = 1, "pear"
    for own, other in zip(explorer.figure().axes, plain.figure().axes, strict=False):
        assert (own.images[0].get_array() == other.images[0].get_array()).all()


def test_parameters_that_the_table_lacks_stay_fixed(simulator):
    explorer = SettingsExplorer(simulator, rewards("background", "blur"))  # another order than the simulator's
    free = [switch.description for switch in explorer.switches if not switch.disabled]
    assert free == ["blur", "background"]
    explorer.switches[6].value = 1
    assert drawn(explorer)["this setting"] == [[31, 0], [61, 1]]
    explorer.switches[5].value, explorer.switches[6].value = 1, 0
    assert drawn(explorer)["this setting"] == [[40, 0], [40, 1]]


def test_a_table_of_other_parameters_is_refused(simulator):
    with pytest.raises(InputError, match=r"the rewards have the parameters \[\('fog', 2\)\], the simulator has"):
        SettingsExplorer(simulator, rewards("blur", "fog"))


def test_every_change_redraws(simulator, monkeypatch):
    shown = []
    monkeypatch.setattr(widgets, "display", shown.append)
    explorer = SettingsExplorer(simulator, rewards("blur"))
    explorer.show()
    explorer.switches[5].value = 1
    assert len(shown) == 1 + 2  # the controls, and the picture twice
    assert len(shown[-1].axes) == SettingsExplorer.IMAGES + 1
