"""Conditional execution of a HydraNet on the clock, against what the counted multiply-adds promise.

What is compared takes turns in one run, so that the machine's other work slows it alike. Every image of a batch chooses
branches of its own. `over` is the measured ratio over the ideal one, and 1 at best.
"""

import pytest
import torch

from ndslib.hydranet import HydraNet, hydra_resnet, hydra_ressep, resnet_cifar
from ndslib.hydranet.costs import network_cost
from ndslib.hydranet.latency import latencies, medians, scatter
from ndslib.hydranet.training import joint_loss

HYDRAS = {"Hydra-Res-d4": (lambda: hydra_resnet(4), 32), "Hydra-ResSep-A": (lambda: hydra_ressep("A"), 224)}
STATICS = {"ResNet-56": 56, "ResNet-164": 164}  # of as many multiply-adds, and of the same published accuracy
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
DEVICES = ["cpu", pytest.param("cuda", marks=needs_cuda)]


def hydra_res_d4(device: str) -> HydraNet:
    torch.manual_seed(0)
    return hydra_resnet(4).to(device)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("batch", [1, 64])
@pytest.mark.parametrize("name", HYDRAS)
def test_chosen_branches_against_all(benchmark, name, batch, device):
    make, size = HYDRAS[name]
    torch.manual_seed(0)
    repeats = 31 if batch == 1 else 7
    table = benchmark.pedantic(latencies, args=(make(), size, [batch], repeats, device), rounds=1)
    row = table.iloc[0]
    benchmark.extra_info.update(row.to_dict())
    print(
        f"\n{name}, batch {batch}, {device}: {1000 * row.conditional:.1f} ms over {1000 * row.masked:.1f} ms "
        f"({row.branches:.0f} branches ran) is {row.measured:.3f}, ideal {row.ideal:.3f}, over {row.over:.2f}"
    )


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("batch", [1, 64])
@pytest.mark.parametrize("static", STATICS)
def test_hydra_res_d4_against_a_static_network(benchmark, static, batch, device):
    hydra, resnet = hydra_res_d4(device).eval(), resnet_cifar(STATICS[static]).to(device).eval()
    ideal = network_cost(hydra, 32).madds / network_cost(resnet, 32).madds
    scatter(hydra, batch, seed=0)
    images = torch.randn(batch, 3, 32, 32, device=device)
    runs = {"hydra": lambda: hydra(images), "static": lambda: resnet(images)}
    with torch.inference_mode():
        seconds = benchmark.pedantic(medians, args=(runs, 31 if batch == 1 else 7), rounds=1)
    measured = seconds["hydra"] / seconds["static"]
    benchmark.extra_info.update(seconds, measured=measured, ideal=ideal, over=measured / ideal)
    print(f"\nHydra-Res-d4 over {static}, batch {batch}, {device}: {measured:.3f}, ideal {ideal:.3f}")


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("batch", [4, 64])
def test_training_without_idle_branches_against_all(benchmark, batch, device):
    """A step's loss and gradients. The untrained gate chooses: how many branches are idle is printed with the ratio."""
    hydra = hydra_res_d4(device).train()
    images, labels = torch.randn(batch, 3, 32, 32, device=device), torch.arange(batch, device=device)

    def step(skip_idle: bool) -> None:
        hydra.skip_idle = skip_idle
        joint_loss(hydra, images, labels).backward()
        hydra.zero_grad()

    runs = {"skipping": lambda: step(True), "masked": lambda: step(False)}
    seconds = benchmark.pedantic(medians, args=(runs, 5), rounds=1)
    with torch.no_grad():
        branches = int(hydra.outputs(images).chosen.any(dim=0).sum())
    measured = seconds["skipping"] / seconds["masked"]
    benchmark.extra_info.update(seconds, measured=measured, branches=branches)
    print(f"\nTraining step, batch {batch}, {device}: {branches} of {hydra.n_b} branches, {measured:.2f} of the time")
