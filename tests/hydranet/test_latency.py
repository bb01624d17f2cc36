"""Latency: what is timed and how; never how long it took."""

import itertools

import pytest
import torch

from ndslib.core.cost import count
from ndslib.core.errors import InputError
from ndslib.hydranet import HydraNet
from ndslib.hydranet.latency import WARM_UP, latencies, medians, scatter
from ndslib.hydranet.networks import NetworkConfig, build

N_B, K = 6, 2


def small(**changes: object) -> HydraNet:
    return build(NetworkConfig("resnet", 1, **{"n_b": N_B, "k": K, "scale": 0.25, **changes}), classes=12)


def choices(network: HydraNet, images: int = 8) -> torch.Tensor:
    with torch.inference_mode():
        return network.outputs(torch.zeros(images, 3, 8, 8)).chosen


def test_a_row_a_batch():
    table = latencies(small(), 8, [1, 5], repeats=1)
    assert list(table.columns) == ["batch", "conditional", "masked", "measured", "ideal", "over", "branches"]
    assert table.batch.tolist() == [1, 5]
    assert (table[["conditional", "masked"]] > 0).all(axis=None)
    assert table.measured.tolist() == (table.conditional / table.masked).tolist()
    assert table.over.tolist() == (table.measured / table.ideal).tolist()


def test_ideal_is_the_ratio_of_multiply_adds():
    network = small().eval()
    chosen = count(network, torch.zeros(1, 3, 8, 8)).madds
    network.k = N_B
    everything = count(network, torch.zeros(1, 3, 8, 8)).madds
    network.k = K
    assert latencies(network, 8, [1, 3], repeats=1).ideal.tolist() == [chosen / everything] * 2


@pytest.mark.parametrize(("changes", "branches"), [({}, [K, N_B]), ({"k": N_B}, [N_B, N_B])])
def test_branches_that_ran_are_counted(changes, branches):
    assert latencies(small(**changes), 8, [1, 64], repeats=1).branches.tolist() == branches


def test_the_gate_decides_when_asked():
    network = small().eval()
    torch.nn.init.zeros_(network.gate[-1][-1].weight)  # its answer is its bias: the same for every image
    assert latencies(network, 8, [16], repeats=1, scattered=False).branches.tolist() == [K]


def test_the_network_stays_as_it_was():
    network = small().train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    latencies(network, 8, [2], repeats=1)
    assert all(module.training for module in network.modules())
    assert not network.gate._forward_hooks
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


@pytest.mark.parametrize("gating", ["supervised", "learned"])
def test_scattered_images_choose_for_themselves(gating):
    network = small(gating=gating).eval()
    scatter(network, 64, seed=0)
    chosen = choices(network, 64)
    assert (chosen.sum(dim=1) == K).all()
    assert len(chosen.unique(dim=0)) > N_B  # 64 draws from 15 pairs of branches
    assert torch.equal(choices(network, 8), chosen[:8])


def test_scattered_choices_depend_on_the_seed_alone():
    found = []
    for seed in (0, 0, 1):
        network = small().eval()
        scatter(network, 8, seed)
        found.append(choices(network))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def test_a_scattered_gate_still_runs():
    network = small().eval()
    scatter(network, 8, seed=0)
    seen = []
    network.gate.register_forward_pre_hook(lambda _gate, args: seen.append(len(args[0])))
    choices(network)
    assert sum(seen) == 8


def test_without_a_gate_all_branches_run():
    table = latencies(small(gating="none"), 8, [2], repeats=1)
    assert table.branches.tolist() == [N_B]
    assert table.ideal.tolist() == [1]


@pytest.fixture
def clock(monkeypatch) -> list[float]:
    """A clock that shows the sum of the seconds put into it."""
    spent: list[float] = []
    monkeypatch.setattr("ndslib.hydranet.latency.clock", lambda: sum(spent))
    return spent


def test_runs_take_turns_and_the_first_do_not_count(clock):
    order = []
    first, second = itertools.chain([99] * WARM_UP, [1, 5, 2]), itertools.chain([99] * WARM_UP, [30, 10, 20])
    runs = {
        "first": lambda: (order.append("first"), clock.append(next(first))),
        "second": lambda: (order.append("second"), clock.append(next(second))),
    }
    assert medians(runs, repeats=3) == {"first": 2, "second": 20}
    assert order == ["first", "second"] * (WARM_UP + 3)


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ({"batches": []}, "batches is"),
        ({"batches": [1, 0]}, "batches is"),
        ({"repeats": 0}, "repeats is 0"),
        ({"size": 0}, "size is 0"),
    ],
)
def test_bad_input_is_refused(arguments, fault):
    with pytest.raises(InputError, match=fault):
        latencies(small(), **{"size": 8, **arguments})


def test_a_missing_gpu_is_named(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="'cuda:0'"):
        latencies(small(), 8, device="cuda:0")
