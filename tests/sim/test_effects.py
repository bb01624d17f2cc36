"""What each parameter does, measured on any simulator."""

import pytest
import torch

from ndslib.sim.effects import effects, one_varied, pictures
from ndslib.sim.library import ProceduralLibrary
from ndslib.sim.parameters import PARAMETERS
from ndslib.sim.simulator import TorchSimulator


@pytest.fixture(scope="module")
def simulator() -> TorchSimulator:
    return TorchSimulator(32, library=ProceduralLibrary(["mug", "chair", "car", "pear"], meshes_per_class=2))


def test_one_parameter_is_varied_and_minus_one_fixes_all(simulator):
    assert one_varied(simulator, -1) == [0] * 8
    assert one_varied(simulator, 5) == [0, 0, 0, 0, 0, 1, 0, 0]


def test_pictures_come_class_by_class(simulator):
    both = pictures(simulator, [0] * 8, [0, 2], 2)
    assert both.shape == (4, 3, 32, 32)
    assert torch.equal(both[2:], pictures(simulator, [0] * 8, [2], 2))


def test_every_parameter_shows(simulator):
    table, sheets = effects(simulator, [0, 1, 2, 3], images_per_class=4)
    assert table["parameter"].tolist() == [parameter.name for parameter in PARAMETERS]
    assert list(sheets) == ["fixed", *table["parameter"]]
    expected = (sheets["background"].float() - sheets["fixed"].float()).abs().mean().item()
    assert table.set_index("parameter")["difference"]["background"] == pytest.approx(expected)
    assert (table["difference"] > 6).all(), table  # of 255; the weakest must still be seen
