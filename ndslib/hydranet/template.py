"""The HydraNet template: from a static architecture to a network that runs k of n_b branches (thesis section 3.3.2)."""

from collections.abc import Sequence

from torch import Tensor, nn

from ndslib.core.errors import InputError
from ndslib.hydranet import checks
from ndslib.hydranet.architectures import (
    Architecture,
    DenseNetCifar,
    ResNetCifar,
    ResSep,
    initialise,
    prediction,
    ressep_variant,
    stack,
    trunk,
)
from ndslib.hydranet.gating import Gating
from ndslib.hydranet.network import HydraNet
from ndslib.hydranet.units import conv1x1, depthwise3x3, norm_relu

# w_g of Table 3.4. Variant E is printed with 0.50, but only 0.75 gives its 26.83 M parameters and 1075 M MADDs.
RESSEP_GATE_WIDTHS = {"A": 0.125, "B": 0.25, "C": 0.25, "D": 0.5, "E": 0.75}
RESSEP_BRANCH_WIDTH = 0.125


def hydranet(
    architecture: Architecture,
    branch_point: int,
    n_b: int,
    k: int,
    w_s: float = 1.0,
    w_b: float = 1.0,
    w_g: float = 1.0,
    classes: int = 1000,
    gating: Gating = "supervised",
    subtasks: Tensor | Sequence[int] | None = None,
) -> HydraNet:
    """Split a static architecture behind block `branch_point` into stem, branches, gate and combiner.

    The stem is the init block and the blocks up to the branch point; the rest is copied into each of n_b branches and
    into the gate. A branch ends in a projection to the width of the stem's network, so that the sum over branches has
    the static network's channels; the gate ends in a prediction; the combiner is a separable convolution and a
    prediction (Fig. 3.2).

    Args:
        architecture: of `architectures`.
        branch_point: 1 to one below the number of blocks.
        n_b, k: branches, and how many of them an image runs.
        w_s, w_b, w_g: multipliers of the filters of stem, branches and gate (Table 3.2).
        gating, subtasks: as in `HydraNet`.

    Raises:
        InputError: a branch point outside the blocks, or as for `HydraNet`.
    """
    checks.whole_number("branch_point", branch_point)
    if branch_point >= architecture.blocks:
        raise InputError(
            f"branch_point is {branch_point}; choose a block from 1 to {architecture.blocks - 1} to split behind"
        )
    checks.branches(n_b, classes)
    checks.branches_that_run(k, n_b)
    stem, channels = trunk(architecture, branch_point, w_s)
    first, last = branch_point + 1, architecture.blocks
    _, combined = stack(architecture, first, last, channels, w_s)
    branches = [_branch(architecture, *stack(architecture, first, last, channels, w_b), combined) for _ in range(n_b)]
    gate = None
    if gating != "none":
        blocks, gate_channels = stack(architecture, first, last, channels, w_g)
        gate = nn.Sequential(*blocks, prediction(gate_channels, classes if gating == "supervised" else n_b))
    network = HydraNet(stem, branches, gate, _combiner(architecture, combined, classes), classes, k, gating, subtasks)
    initialise(network)
    return network


def _branch(architecture: Architecture, blocks: nn.Sequential, channels: int, combined: int) -> nn.Sequential:
    """The blocks behind the branch point and the projection to the combiner's channels."""
    end = [nn.AdaptiveAvgPool2d(1)] if architecture.pooled else norm_relu(channels)
    return nn.Sequential(*blocks, *end, conv1x1(channels, combined, bias=True))


def _combiner(architecture: Architecture, channels: int, classes: int) -> nn.Sequential:
    """A separable 3 x 3 convolution of the summed features, and the prediction.

    No ReLU stands in it, as none is printed in Fig. 3.2. With one behind each normalisation, a small Hydra-Res-d1 lost
    15 points of accuracy on handwritten digits (150 steps, mean of 2 seeds).
    """
    spatial = [depthwise3x3(channels), nn.BatchNorm2d(channels)]
    if architecture.pooled:
        mixed = [conv1x1(channels, channels, bias=True)]
    else:
        mixed = [conv1x1(channels, channels), nn.BatchNorm2d(channels)]
    return nn.Sequential(*spatial, *mixed, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))


def hydra_resnet(d: int, n_b: int = 20, k: int = 4, classes: int = 100) -> HydraNet:
    """Hydra-Res-d of Table 3.3: a ResNet for 32 x 32 images, branched behind block 2.

    Raises:
        InputError: as `hydranet`.
    """
    return hydranet(ResNetCifar(d), 2, n_b, k, classes=classes)


def hydra_densenet(layers: int, n_b: int = 20, k: int = 4, classes: int = 100) -> HydraNet:
    """Hydra-Dense-d of Table 3.3: a DenseNet for 32 x 32 images, branched behind block 2.

    Raises:
        InputError: as `hydranet`.
    """
    return hydranet(DenseNetCifar(layers), 2, n_b, k, classes=classes)


def hydra_ressep(variant: str, n_b: int = 50, k: int = 5, branch_point: int = 3, classes: int = 1000) -> HydraNet:
    """Hydra-ResSep "A" to "E" of Table 3.4 for 224 x 224 images; Tables 3.5 to 3.7 change n_b, k and the branch point.

    Raises:
        InputError: an unknown variant, or as `hydranet`.
    """
    d, w_s = ressep_variant(variant)
    w_g = RESSEP_GATE_WIDTHS[variant]
    return hydranet(ResSep(d), branch_point, n_b, k, w_s, RESSEP_BRANCH_WIDTH, w_g, classes)
