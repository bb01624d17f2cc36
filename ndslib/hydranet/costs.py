"""What the chapter's networks cost: parameters, and the multiply-adds of one image with and without skipping branches.

Everything is counted by running modules (`ndslib.core.cost.count`); no formula of a layer's cost stands here.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import pandas as pd
import torch
from torch import Tensor, nn
from torchvision.models import resnet18

from ndslib.core.cost import Cost, count
from ndslib.core.errors import InputError
from ndslib.core.models import evaluating
from ndslib.data.reported import as_table
from ndslib.hydranet import checks
from ndslib.hydranet.mobilenet import MobileNet
from ndslib.hydranet.network import HydraNet
from ndslib.hydranet.networks import PUBLISHED, NetworkConfig, build


class NetworkCost(NamedTuple):
    """The cost of a network for one image.

    Attributes:
        params: trainable parameters.
        madds: multiply-adds in evaluation mode: of a HydraNet's branches, those of the k chosen ones.
        total_madds: multiply-adds of all branches ("Total MADDs" of Tables 3.5 and 3.7); `madds` for a static network.
    """

    params: int
    madds: int
    total_madds: int


class _Masked(nn.Module):
    """A HydraNet whose forward pass runs every branch."""

    def __init__(self, network: HydraNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        return self.network.forward_masked(images)


def network_cost(network: nn.Module, size: int) -> NetworkCost:
    """Count a network for one image of `size` x `size` pixels; it stays in the mode it is in.

    Args:
        network: a `HydraNet`, or any classifier of float [1, 3, size, size]. The latter may lie on the device "meta";
            what a HydraNet runs depends on its gate's numbers.

    Raises:
        InputError: a size below 1.
    """
    image = _image(network, size)
    with evaluating(network):
        one = count(network, image)
        total = count(_Masked(network), image).madds if isinstance(network, HydraNet) else one.madds
    return NetworkCost(one.params, one.madds, total)


def _image(network: nn.Module, size: int) -> Tensor:
    if size < 1:
        raise InputError(f"size is {size}; an image has at least 1 x 1 pixels")
    return torch.zeros(1, 3, size, size, device=next(network.parameters()).device)


class PartCosts(NamedTuple):
    """Parameters and multiply-adds of a HydraNet's parts for one image (Fig. 3.1).

    One branch stands for all: the template makes them alike.
    """

    stem: Cost
    gate: Cost
    branch: Cost
    combiner: Cost

    def table(self, n_b: int, k: int) -> pd.DataFrame:
        """The parts of a network of `n_b` branches of which `k` run.

        Returns:
            Columns `params` and `madds`; rows stem, gate, branches that run, combiner, branches left out.

        Raises:
            InputError: no branch, or k outside 1..n_b.
        """
        checks.branches_that_run(k, n_b)
        parts = {
            "stem": (self.stem, 1),
            "gate": (self.gate, 1),
            "branches that run": (self.branch, k),
            "combiner": (self.combiner, 1),
            "branches left out": (self.branch, n_b - k),
        }
        rows = {name: (times * cost.params, times * cost.madds) for name, (cost, times) in parts.items()}
        return pd.DataFrame.from_dict(rows, orient="index", columns=["params", "madds"]).rename_axis("part")

    def network(self, n_b: int, k: int) -> NetworkCost:
        """The cost of a network of `n_b` of these branches of which `k` run: what `network_cost` counts.

        Raises:
            InputError: no branch, or k outside 1..n_b.
        """
        parts = self.table(n_b, k)
        params, total = parts.sum()
        return NetworkCost(int(params), int(total - parts.loc["branches left out", "madds"]), int(total))


def part_costs(network: HydraNet, size: int) -> PartCosts:
    """Count the parts of a HydraNet for one image of `size` x `size` pixels; a gate that is not there costs 0.

    Only shapes matter, so the network may lie on the device "meta".

    Raises:
        InputError: a size below 1.
    """
    image = _image(network, size)
    with evaluating(network), torch.inference_mode():
        features = network.stem(image)
        branch = network.branches[0]
        return PartCosts(
            stem=count(network.stem, image),
            gate=Cost(0, 0) if network.gate is None else count(network.gate, features),
            branch=count(branch, features),
            combiner=count(network.combiner, branch(features)),
        )


@cache
def config_parts(config: NetworkConfig, classes: int, size: int) -> PartCosts:
    """The parts of a HydraNet's configuration, counted on a network whose weights hold no numbers.

    They do not depend on k, nor on n_b but for a learned gate, which has an output a branch.

    Raises:
        InputError: a static network, or as `networks.build` and `part_costs`.
    """
    if not config.n_b:
        raise InputError("n_b is 0: a static network has no stem, gate, branches and combiner; use config_cost")
    one_for_all = replace(config, n_b=config.n_b if config.gating == "learned" else 1, k=1)
    if config != one_for_all:
        return config_parts(one_for_all, classes, size)  # from the cache, when it was counted before
    with torch.device("meta"):
        return part_costs(build(config, classes), size)


@cache
def config_cost(config: NetworkConfig, classes: int, size: int) -> NetworkCost:
    """The cost of the network that `networks.build` makes of a configuration: `network_cost` of it, but faster.

    A HydraNet is put together from its counted parts, and no weight gets a number.

    Raises:
        InputError: as `networks.build` and `network_cost`.
    """
    if not config.n_b:
        with torch.device("meta"):
            return network_cost(build(config, classes), size)
    checks.branches(config.n_b, classes)
    checks.branches_that_run(config.k, config.n_b)
    return config_parts(config, classes, size).network(config.n_b, config.n_b if config.gating == "none" else config.k)


REFERENCES: dict[str, Callable[[], nn.Module]] = {"ResNet-18": resnet18, "MobileNet": MobileNet}  # in Table 3.1
EQUAL_COST = 0.02  # multiply-adds that differ by less than this share count as equal
_A = PUBLISHED["Hydra-ResSep-A"]
ABLATIONS = {  # the rows of Tables 3.5 to 3.7, each a change of Hydra-ResSep-A
    "th-t3.5": {f"n_b = {n_b}": replace(_A, n_b=n_b) for n_b in (10, 25, 50)},
    "th-t3.6": {f"k = {k}": replace(_A, k=k) for k in (1, 3, 5, 10)},
    "th-t3.7": {f"Block {block}": replace(_A, branch_point=block) for block in (2, 3)},
}
CIFAR, IMAGENET = (100, 32), (1000, 224)  # classes, and pixels of an image's side
TABLES = {"th-t3.1": IMAGENET, "th-t3.3": CIFAR, "th-t3.4": IMAGENET, **dict.fromkeys(ABLATIONS, IMAGENET)}


def published_costs(ledger_id: str) -> pd.DataFrame:
    """Count every row of a published table from its network at the published size.

    Args:
        ledger_id: th-t3.1, th-t3.3, th-t3.4, th-t3.5, th-t3.6 or th-t3.7.

    Returns:
        Tidy rows: experiment "cost", method (the row as printed), metric (params, madds or total_madds), value (plain
        numbers, of one image). Table 3.3 prints twice its multiply-adds; the rows here are multiply-adds everywhere.

    Raises:
        InputError: another id.
    """
    if ledger_id not in TABLES:
        raise InputError(f"{ledger_id!r} is no table of networks' costs; choose one of {list(TABLES)}")
    names = ABLATIONS.get(ledger_id) or as_table(ledger_id).index
    rows = [
        {"experiment": "cost", "method": name, "metric": metric, "value": value}
        for name in names
        for metric, value in _row_cost(ledger_id, name)._asdict().items()
    ]
    return pd.DataFrame(rows)


def _row_cost(ledger_id: str, name: str) -> NetworkCost:
    classes, size = TABLES[ledger_id]
    if name in REFERENCES:
        with torch.device("meta"):
            return network_cost(REFERENCES[name](), size)
    configs = ABLATIONS.get(ledger_id, PUBLISHED)
    return config_cost(configs[name], classes, size)
