"""Files of weights: what comes back, and places that no file can have."""

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from ndslib.core import weights
from ndslib.core.errors import InputError


def test_weights_and_metadata_come_back(tmp_path):
    path, model = tmp_path / "new" / "model.safetensors", nn.Linear(2, 3)
    weights.save(path, model, "model", {"format": "test 1", "classes": 3})
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in load_file(path).items())
    assert weights.read_metadata(path, "model", "test 1", "a model", "train it")["classes"] == 3


@pytest.mark.parametrize("place", ["folder", "file/model.safetensors", "file/below/model.safetensors"])
def test_a_place_that_no_file_can_have_is_refused(tmp_path, place):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("here first")
    with pytest.raises(InputError, match=rf"{place}: cannot be written \(.*\); give the path of a file"):
        weights.save(tmp_path / place, nn.Linear(1, 1), "model", {"format": "test 1"})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]
