"""The cost of a growing dataserver."""

import itertools

import pytest
import torch
from torch import nn

from ndslib.core.errors import InputError
from ndslib.core.models import ResNet18
from ndslib.nds import growth as module
from ndslib.nds.experts import rotation_loss
from ndslib.nds.growth import growth, overtaken_at, seconds_per_image

# One multiply-add an output: 12 inputs times 1 and times 10 outputs.
EXPERT = nn.Sequential(nn.Flatten(), nn.Linear(12, 1))
CLASSIFIER = nn.Sequential(nn.Flatten(), nn.Linear(12, 10))


def small(**changes):
    return growth({"a": 100, "b": 50, "c": 7}, EXPERT, CLASSIFIER, **({"image_shape": (3, 2, 2)} | changes))


def test_totals_by_hand():
    found = small(epochs=2)
    assert found.columns.tolist() == ["step", "dataset", "method", "images_trained_on", "madds", "cumulative_madds"]
    assert found["step"].tolist() == [1, 1, 2, 2, 3, 3]
    assert found["dataset"].tolist() == ["a", "a", "b", "b", "c", "c"]
    nds, ngiam = (found[found["method"] == method] for method in ("NDS", "Ngiam et al."))
    assert nds["images_trained_on"].tolist() == [100, 50, 7]
    assert ngiam["images_trained_on"].tolist() == [100, 150, 157]
    # 12 (120) multiply-adds forward, times 3 for forward and backward, 2 epochs, and 4 rotations for an expert.
    assert nds["madds"].tolist() == [images * 12 * 3 * 2 * 4 for images in (100, 50, 7)]
    assert ngiam["madds"].tolist() == [images * 120 * 3 * 2 for images in (100, 150, 157)]
    assert nds["cumulative_madds"].tolist() == [images * 288 for images in (100, 150, 157)]
    assert ngiam["cumulative_madds"].tolist() == [images * 720 for images in (100, 250, 407)]


def test_adding_equal_datasets_costs_nds_the_same_and_ngiam_more_each_time():
    found = growth(dict.fromkeys("abcdef", 10), EXPERT, EXPERT, (3, 2, 2))
    steps = {method: rows["madds"].tolist() for method, rows in found.groupby("method")}
    assert len(set(steps["NDS"])) == 1
    assert {b - a for a, b in itertools.pairwise(steps["Ngiam et al."])} == {steps["Ngiam et al."][0]}


def test_four_rotations_make_the_first_dataset_four_times_as_dear():
    first = growth({"a": 10}, EXPERT, EXPERT, (3, 2, 2)).set_index("method")["madds"]
    assert first["NDS"] == 4 * first["Ngiam et al."]
    task_specific = growth({"a": 10}, EXPERT, EXPERT, (3, 2, 2), rotations=1).set_index("method")["madds"]
    assert task_specific["NDS"] == task_specific["Ngiam et al."]


def test_real_networks_are_counted_and_left_in_their_mode():
    network = ResNet18(4, width=2)
    found = growth({"a": 1}, network, network, (3, 8, 8))  # too small for batch statistics of one image
    assert network.training
    assert found["madds"].min() > 0


@pytest.mark.parametrize(
    ("sizes", "changes", "complaint"),
    [
        ({}, {}, "at least one dataset"),
        ({"a": 3, "b": 0}, {}, "each with at least one image"),
        ({"a": 3}, {"epochs": 0}, "epochs is 0"),
        ({"a": 3}, {"rotations": 0}, "rotations is 0"),
    ],
)
def test_growth_bad_input(sizes, changes, complaint):
    with pytest.raises(InputError, match=complaint):
        growth(sizes, EXPERT, CLASSIFIER, (3, 2, 2), **changes)


def test_seconds_per_image_is_the_median_step_without_the_first(monkeypatch):
    taken = [100.0, 4.0, 2.0, 90.0]  # the first is not timed; the median of the others is 4
    readings = itertools.chain.from_iterable((0.0, seconds) for seconds in taken)
    monkeypatch.setattr(module, "perf_counter", lambda: next(readings))
    network, images = ResNet18(4, width=2), torch.zeros(8, 3, 8, 8, dtype=torch.uint8)
    assert seconds_per_image(network, images, rotation_loss, steps=3) == 4.0 / 8


def test_seconds_per_image_trains_a_copy():
    seen = []

    def loss(network: nn.Module, images: torch.Tensor) -> torch.Tensor:
        seen.append(network.training and network[1].weight.detach().clone())
        return network(images).square().mean()

    network = nn.Sequential(nn.Flatten(), nn.Linear(12, 1)).eval()
    before = network[1].weight.detach().clone()
    assert seconds_per_image(network, torch.ones(2, 3, 2, 2), loss, steps=2) >= 0
    assert torch.equal(network[1].weight, before)
    assert not network.training
    assert len(seen) == 3  # one step more than is timed
    assert not torch.equal(seen[0], seen[1])  # it did train


def test_seconds_per_image_bad_input():
    with pytest.raises(InputError, match="0 steps on 2 images"):
        seconds_per_image(EXPERT, torch.ones(2, 3, 2, 2), rotation_loss, steps=0)
    with pytest.raises(InputError, match="3 steps on 0 images"):
        seconds_per_image(EXPERT, torch.ones(0, 3, 2, 2), rotation_loss, steps=3)


def test_nds_overtakes_retraining_once_the_old_data_outweighs_the_rotations():
    network = nn.Sequential(nn.Flatten(), nn.Linear(12, 4))
    # With equal networks and datasets NDS pays 4 n after n datasets, retraining n (n + 1) / 2: less from n = 8 on.
    costs = growth({f"d{number}": 10 for number in range(9)}, network, network, (3, 2, 2))
    assert overtaken_at(costs) == 8
    assert overtaken_at(costs[costs["step"] < 8]) is None
