"""The eight switches, without a browser."""

import pytest

from ndslib.sim import widgets
from ndslib.sim.library import ProceduralLibrary
from ndslib.sim.parameters import PARAMETERS
from ndslib.sim.simulator import TorchSimulator
from ndslib.sim.widgets import ParameterSwitches


@pytest.fixture
def switches(monkeypatch) -> ParameterSwitches:
    monkeypatch.setattr(ParameterSwitches, "IMAGES", 2)
    return ParameterSwitches(TorchSimulator(16, library=ProceduralLibrary(["mug", "pear"], meshes_per_class=1)))


def test_a_switch_a_parameter(switches):
    assert [switch.description for switch in switches.switches] == [parameter.name for parameter in PARAMETERS]
    switches.switches[3].value = 1
    assert switches.settings() == [0, 0, 0, 1, 0, 0, 0, 0]


def test_the_figure_shows_the_class_and_follows_the_switches(switches):
    switches.object_class.value = "pear"
    fixed = switches.figure()
    assert len(fixed.axes) == 2
    assert fixed.get_suptitle().startswith("pear")
    switches.switches[6].value = 1
    shown, before = (each.axes[0].images[0].get_array() for each in (switches.figure(), fixed))
    assert (shown != before).any()


def test_every_change_redraws(switches, monkeypatch):
    drawn = []
    monkeypatch.setattr(widgets, "display", drawn.append)
    switches.show()
    switches.seed.value = 3
    switches.switches[0].value = 1
    assert len(drawn) == 1 + 3  # the controls, and the pictures thrice
