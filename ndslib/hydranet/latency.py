"""Wall-clock time of conditional execution against running all branches: the thesis counts multiply-adds only.

What is compared is timed by turns in one process, so that the machine's other work slows all of it alike.
"""

import copy
import time
import timeit
from collections.abc import Callable, Mapping, Sequence

import pandas as pd
import torch
from torch import Tensor

from ndslib.core.errors import InputError
from ndslib.core.seeding import generator
from ndslib.hydranet.costs import network_cost
from ndslib.hydranet.network import HydraNet

WARM_UP = 2  # turns that do not count: first calls allocate, and choose algorithms on a GPU


def latencies(
    network: HydraNet,
    size: int,
    batches: Sequence[int] = (1, 64),
    repeats: int = 11,
    device: str = "cpu",
    seed: int = 0,
    scattered: bool = True,
) -> pd.DataFrame:
    """Time `forward` (only the chosen branches) and `forward_masked` (all of them) of a copy in evaluation mode.

    Args:
        network: it stays as it is and where it is.
        size: pixels a side of the images, which are random.
        batches: numbers of images at once.
        repeats: timed turns of the two.
        device: `cpu`, `cuda` or `cuda:n`.
        seed: of images and choices.
        scattered: as in `scatter`. If not, the network's own gate decides; an untrained one sends nearly every image to
            the same branches, which is faster than what a trained one gives.

    Returns:
        A row a batch: `batch`; `conditional` and `masked`, median seconds; `measured`, the ratio of the two; `ideal`,
        that of the counted multiply-adds; `over`, measured over ideal, at best 1; `branches`, how many of them ran.

    Raises:
        InputError: no batch or an empty one, a size or number of repeats below 1, or a CUDA device that is not there.
    """
    if not batches or min(batches) < 1:
        raise InputError(f"batches is {list(batches)}; give at least one number of images, each at least 1")
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise InputError(f"device is {device!r}, but torch finds no CUDA device; use device='cpu'")
    cost = network_cost(network, size)
    network = copy.deepcopy(network).to(device).eval()
    if scattered:
        scatter(network, max(batches), seed)
    rows = [_row(network, _images(batch, size, seed).to(device), repeats) for batch in batches]
    table = pd.DataFrame(rows).assign(measured=lambda rows: rows["conditional"] / rows["masked"])
    table = table.assign(ideal=cost.madds / cost.total_madds, over=lambda rows: rows["measured"] / rows["ideal"])
    return table[["batch", "conditional", "masked", "measured", "ideal", "over", "branches"]]


def scatter(network: HydraNet, images: int, seed: int) -> None:
    """Make every image choose k branches of its own at random, always the same ones for its place in the batch.

    The gate still runs, but numbers drawn for `seed` take the place of its answer from now on. A network without a gate
    stays as it is.

    Args:
        images: of the largest batch that the network will see.
    """
    if network.gate is None:
        return
    width = network.classes if network.gating == "supervised" else network.n_b
    answers = torch.randn(images, width, generator=generator(seed, "gate")).to(network.subtasks.device)
    network.gate.register_forward_hook(lambda _gate, _features, answer: answers[: len(answer)])


def medians(runs: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median seconds of each run; they take turns, and work on a GPU is waited for.

    Raises:
        InputError: fewer than 1 repeat.
    """
    if repeats < 1:
        raise InputError(f"repeats is {repeats}; a median needs at least 1")
    turns = [
        {name: timeit.timeit(run, number=1, timer=clock) for name, run in runs.items()}
        for _ in range(WARM_UP + repeats)
    ]
    return pd.DataFrame(turns[WARM_UP:]).median().to_dict()


def clock() -> float:
    """Seconds, when all work on a GPU is done; `torch.utils.benchmark` has the same, and looks for a compiler first."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def _images(count: int, size: int, seed: int) -> Tensor:
    return torch.randn(count, 3, size, size, generator=generator(seed, "images"))


@torch.inference_mode()
def _row(network: HydraNet, images: Tensor, repeats: int) -> dict[str, float]:
    ran = int(network.outputs(images).chosen.any(dim=0).sum())
    runs = {"conditional": lambda: network(images), "masked": lambda: network.forward_masked(images)}
    return {"batch": len(images), **medians(runs, repeats), "branches": ran}
