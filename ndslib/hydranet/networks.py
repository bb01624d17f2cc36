"""The chapter's networks by the names of its tables, at the published scale or a smaller one."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ndslib.core import weights
from ndslib.core.errors import InputError
from ndslib.core.seeding import isolated
from ndslib.hydranet.architectures import (
    RESNET_CHANNELS,
    RESSEP,
    RESSEP_CHANNELS,
    Architecture,
    DenseNetCifar,
    ResNetCifar,
    ResSep,
    StaticNet,
    scaled,
)
from ndslib.hydranet.gating import Gating
from ndslib.hydranet.template import RESSEP_BRANCH_WIDTH, RESSEP_GATE_WIDTHS, hydranet

FORMAT = "ndslib-hydranet-1"


@dataclass(frozen=True)
class NetworkConfig:
    """A static network, or the HydraNet that the template makes of it.

    Attributes:
        family: `resnet`, `densenet` or `ressep`.
        depth: units (ResNet, ResSep: d) or layers (DenseNet) a block.
        w_s, w_b, w_g: multipliers of the filters of stem, branches and gate; a static network is `w_s` wide.
        n_b, k, branch_point, gating: as in `template.hydranet`; `n_b` of 0 makes the static network.
        scale: multiplier of every width of the family: 1 is the published size.
        stem: of ResSep: `imagenet` or `cifar` (small images).
    """

    family: str
    depth: int
    w_s: float = 1.0
    w_b: float = 1.0
    w_g: float = 1.0
    n_b: int = 0
    k: int = 0
    branch_point: int = 2
    gating: Gating = "supervised"
    scale: float = 1.0
    stem: str = "imagenet"

    @property
    def architecture(self) -> Architecture:
        """The static architecture.

        Raises:
            InputError: an unknown family, or a depth below 1.
        """
        if self.family == "resnet":
            return ResNetCifar(self.depth, _scaled(RESNET_CHANNELS, self.scale))
        if self.family == "densenet":
            return DenseNetCifar(self.depth, scaled(24, self.scale))
        if self.family == "ressep":
            return ResSep(self.depth, self.stem, scaled(64, self.scale), _scaled(RESSEP_CHANNELS, self.scale))
        raise InputError(f"family is {self.family!r}; choose 'resnet', 'densenet' or 'ressep'")


def _scaled(channels: tuple[int, ...], scale: float) -> tuple[int, ...]:
    return tuple(scaled(each, scale) for each in channels)


def build(
    config: NetworkConfig, classes: int, subtasks: Tensor | Sequence[int] | None = None, seed: int = 0
) -> nn.Module:
    """The network, its weights drawn for `seed`: a `StaticNet` or a `HydraNet`.

    Raises:
        InputError: as `NetworkConfig.architecture` and `template.hydranet`.
    """
    with isolated("hydranet", "weights", seed):
        if not config.n_b:
            return StaticNet(config.architecture, config.w_s, classes)
        widths = (config.w_s, config.w_b, config.w_g)
        counts = (config.n_b, config.k)
        return hydranet(config.architecture, config.branch_point, *counts, *widths, classes, config.gating, subtasks)


def _ressep(variant: str) -> NetworkConfig:
    depth, w = RESSEP[variant]
    return NetworkConfig("ressep", depth, w)


def _hydra_ressep(variant: str) -> NetworkConfig:
    depth, w = RESSEP[variant]
    w_g = RESSEP_GATE_WIDTHS[variant]
    return NetworkConfig("ressep", depth, w, RESSEP_BRANCH_WIDTH, w_g, n_b=50, k=5, branch_point=3)


PUBLISHED: dict[str, NetworkConfig] = {  # every row of Tables 3.1, 3.3 and 3.4 but ResNet-18 and MobileNet
    **{f"ResSep-{variant}": _ressep(variant) for variant in RESSEP},
    **{f"Hydra-Res-d{d}": NetworkConfig("resnet", d, n_b=20, k=4) for d in (1, 2, 3, 4, 5, 6, 7, 9)},
    **{f"ResNet-{6 * d + 2}": NetworkConfig("resnet", d) for d in (2, 3, 4, 5, 9, 18, 27)},
    **{f"Hydra-Dense-d{layers}": NetworkConfig("densenet", layers, n_b=20, k=4) for layers in (2, 3, 4, 6)},
    **{f"DenseNet-d{layers}": NetworkConfig("densenet", layers) for layers in (3, 4, 6, 8, 10, 12, 14)},
    **{f"Hydra-ResSep-{variant}": _hydra_ressep(variant) for variant in RESSEP},
}


def name_of(config: NetworkConfig) -> str:
    """The name that the tables give a network of this family, depth and width: "Hydra-Res-d1", "ResNet-14", "ResSep-A".

    What stands in no table is named by its numbers: "ResSep-d1-w0.5", "ResNet-14-w0.75".
    """
    if config.family == "ressep":
        letters = {design: variant for variant, design in RESSEP.items()}
        design = letters.get((config.depth, config.w_s), f"d{config.depth}-w{config.w_s:.3g}")
        return f"{'Hydra-' if config.n_b else ''}ResSep-{design}"
    width = "" if config.w_s == 1 else f"-w{config.w_s:.3g}"
    if config.family == "resnet":
        name = f"Hydra-Res-d{config.depth}" if config.n_b else f"ResNet-{6 * config.depth + 2}"
    else:
        name = f"{'Hydra-Dense' if config.n_b else 'DenseNet'}-d{config.depth}"
    return name + width


def save(path: Path | str, network: nn.Module, config: NetworkConfig, classes: Sequence[str]) -> None:
    """Write a network as safetensors, atomically; its subtasks are among the weights."""
    metadata = {"format": FORMAT, "config": asdict(config), "classes": list(classes)}
    weights.save(path, network, "network", metadata)


def load(path: Path | str, device: str = "cpu") -> tuple[nn.Module, tuple[str, ...]]:
    """A network that `save` wrote, in evaluation mode, and the names of its classes.

    Raises:
        InputError: the file is absent, damaged or of another format.
    """
    remedy = "train and save the network again"
    metadata = weights.read_metadata(path, "network", FORMAT, "a network of this chapter", remedy)
    network = build(NetworkConfig(**metadata["config"]), len(metadata["classes"]))
    try:
        network.load_state_dict(load_file(path))
    except (RuntimeError, SafetensorError) as error:
        raise InputError(f"{path}: its weights do not fit its description ({error}); {remedy}") from error
    return network.to(device).eval(), tuple(metadata["classes"])
