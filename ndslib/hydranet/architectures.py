"""The static networks of thesis chapter 3, each as an architecture (what the HydraNet template takes apart) and built.

An architecture says how its init block, its blocks and its end look at a width; `static` puts them together into an
ordinary network, `template.hydranet` splits them at a branch point into stem, branches, gate and combiner.
"""

from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

import torch
from torch import Tensor, nn

from ndslib.core.errors import InputError
from ndslib.core.models import to_float
from ndslib.hydranet import checks
from ndslib.hydranet.units import DenseLayer, ResidualUnit, SeparableUnit, conv3x3, norm_relu, transition

RESSEP = {"A": (2, 0.5), "B": (3, 0.5), "C": (2, 0.75), "D": (3, 0.75), "E": (3, 1.0)}  # d, w (Table 3.1)
RESNET_CHANNELS, RESSEP_CHANNELS = (16, 32, 64), (128, 256, 512, 1024)  # of the blocks, at width 1


class Architecture(Protocol):
    """A static network in parts.

    Attributes:
        blocks: number of blocks, counted from 1.
        pooled: a HydraNet's branches pool their features before projecting them (the CIFAR networks of Table 3.3); if
            not, branches and combiner keep the image plane (ResSep).
    """

    blocks: int
    pooled: bool

    def init(self) -> tuple[nn.Module, int]:
        """The init block, which no width scales, and its channels."""

    def channels(self, block: int, channels: int, width: float) -> int:
        """The channels that a block gives for its input's `channels`."""

    def block(self, block: int, channels: int, width: float) -> nn.Module:
        """A block, its filters scaled by `width`, for an input of `channels`."""


@dataclass(frozen=True)
class ResSep:
    """ResSep: residual units of depthwise-separable convolutions (thesis section 3.3.1, Fig. 3.2).

    The stride stands in the last unit of blocks 1 to 3 and block 4 has none: this reproduces Table 3.1 to 0.5 %.
    Strides in the first units of all four blocks, as the text has it, give 54 to 65 % fewer multiply-adds than printed.

    Attributes:
        d: units a block.
        stem: `imagenet` (stride 2 and pooling, the published one) or `cifar` (neither, for small images).
        init_channels, base: channels of the init block, and of the blocks at width 1 (the defaults are the published).
    """

    d: int
    stem: str = "imagenet"
    init_channels: int = 64
    base: tuple[int, ...] = RESSEP_CHANNELS
    pooled = False

    def __post_init__(self) -> None:
        checks.whole_number("d", self.d)
        if self.stem not in ("cifar", "imagenet"):
            raise InputError(f"stem is {self.stem!r}; choose 'cifar' or 'imagenet'")

    @property
    def blocks(self) -> int:
        return len(self.base)

    def init(self) -> tuple[nn.Module, int]:
        large = self.stem == "imagenet"
        layers = [conv3x3(3, self.init_channels, stride=2 if large else 1), *norm_relu(self.init_channels)]
        return nn.Sequential(*layers, *[nn.MaxPool2d(3, 2, padding=1)] * large), self.init_channels

    def channels(self, block: int, channels: int, width: float) -> int:
        del channels
        return scaled(self.base[block - 1], width)

    def block(self, block: int, channels: int, width: float) -> nn.Module:
        out = self.channels(block, channels, width)
        strides = [1] * (self.d - 1) + [2 if block < self.blocks else 1]
        inputs = [channels] + [out] * (self.d - 1)
        return nn.Sequential(*(SeparableUnit(each, out, stride) for each, stride in zip(inputs, strides, strict=True)))


@dataclass(frozen=True)
class ResNetCifar:
    """ResNet-(6d+2) for 32 x 32 images, pre-activation, three blocks of d units (Table 3.3).

    Attributes:
        d: units a block.
        base: channels of the blocks at width 1; the first is also that of the init convolution.
    """

    d: int
    base: tuple[int, ...] = RESNET_CHANNELS
    pooled = True

    def __post_init__(self) -> None:
        checks.whole_number("d", self.d)

    @property
    def blocks(self) -> int:
        return len(self.base)

    def init(self) -> tuple[nn.Module, int]:
        return conv3x3(3, self.base[0]), self.base[0]

    def channels(self, block: int, channels: int, width: float) -> int:
        return max(channels, scaled(self.base[block - 1], width))  # a shortcut without weights cannot drop channels

    def block(self, block: int, channels: int, width: float) -> nn.Module:
        out = self.channels(block, channels, width)
        first = ResidualUnit(channels, out, stride=1 if block == 1 else 2)
        return nn.Sequential(first, *(ResidualUnit(out, out) for _ in range(self.d - 1)))


@dataclass(frozen=True)
class DenseNetCifar:
    """DenseNet for 32 x 32 images: three blocks of plain 3 x 3 layers, no bottleneck, no compression (Table 3.3).

    The transition to a block counts as its first layer.

    Attributes:
        layers: layers a block.
        growth: channels that a layer adds at width 1; the init convolution has twice as many.
    """

    layers: int
    growth: int = 24
    blocks = 3
    pooled = True

    def __post_init__(self) -> None:
        checks.whole_number("layers", self.layers)

    def init(self) -> tuple[nn.Module, int]:
        return conv3x3(3, 2 * self.growth), 2 * self.growth

    def channels(self, block: int, channels: int, width: float) -> int:
        return channels + self.layers * scaled(self.growth, width)

    def block(self, block: int, channels: int, width: float) -> nn.Module:
        growth = scaled(self.growth, width)
        parts = [] if block == 1 else [transition(channels)]
        return nn.Sequential(*parts, *(DenseLayer(channels + n * growth, growth) for n in range(self.layers)))


class StaticNet(nn.Module):
    """An ordinary network of an architecture: init block, all blocks, and the prediction.

    uint8 or normalised float [B, 3, H, W] to class scores (logits), float [B, classes].
    """

    def __init__(self, architecture: Architecture, width: float, classes: int) -> None:
        super().__init__()
        checks.whole_number("classes", classes)
        self.architecture, self.classes = architecture, classes
        self.trunk, channels = trunk(architecture, architecture.blocks, width)
        self.prediction = prediction(channels, classes)
        initialise(self)

    def forward(self, images: Tensor) -> Tensor:
        return self.prediction(self.trunk(to_channels_last(images, self)))


def trunk(architecture: Architecture, blocks: int, width: float) -> tuple[nn.Sequential, int]:
    """The init block and the first `blocks` blocks at a width, and the channels they give."""
    init, channels = architecture.init()
    later, out = stack(architecture, 1, blocks, channels, width)
    return nn.Sequential(init, *later), out


def stack(architecture: Architecture, first: int, last: int, channels: int, width: float) -> tuple[nn.Sequential, int]:
    """The blocks from `first` to `last` at a width for an input of `channels`, and the channels they give."""
    numbers = range(first, last + 1)
    sizes = list(accumulate(numbers, lambda size, block: architecture.channels(block, size, width), initial=channels))
    parts = [architecture.block(block, size, width) for block, size in zip(numbers, sizes, strict=False)]
    return nn.Sequential(*parts), sizes[-1]


def prediction(channels: int, classes: int) -> nn.Sequential:
    """The end of static networks and gates: normalise, rectify, mean over the image plane, linear layer."""
    return nn.Sequential(*norm_relu(channels), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))


def initialise(network: nn.Module) -> None:
    """Draw the convolutions' weights after He et al. (2015) from torch's global generator; channels lie last."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    network.to(memory_format=torch.channels_last)  # a quarter faster in training on a CPU, depthwise layers twice


def to_channels_last(images: Tensor, network: nn.Module) -> Tensor:
    """Images [B, 3, H, W] as a network wants them: channels last in memory; bytes normalised, in the weights' type."""
    if not images.is_floating_point():
        images = to_float(images).to(next(network.parameters()).dtype)
    return images.contiguous(memory_format=torch.channels_last)


def scaled(channels: int, width: float) -> int:
    """Channels at a width multiplier, at least 1.

    Raises:
        InputError: the multiplier is not a positive number.
    """
    checks.multiplier("the width multiplier", width)
    return max(1, round(channels * width))


def resnet_cifar(depth: int, classes: int = 100) -> StaticNet:
    """ResNet for 32 x 32 images; `depth` is 6d+2: 14, 20, 26, 32, 56, 110 or 164 in Table 3.3.

    Raises:
        InputError: a depth of another form, or fewer than 1 class.
    """
    checks.whole_number("depth", depth)
    if depth < 8 or (depth - 2) % 6:
        raise InputError(f"depth is {depth}; a ResNet for CIFAR has 6d+2 layers: 8, 14, 20, 26, 32, ...")
    return StaticNet(ResNetCifar((depth - 2) // 6), 1.0, classes)


def densenet_cifar(layers: int, classes: int = 100) -> StaticNet:
    """DenseNet for 32 x 32 images with `layers` layers a block: 3 to 14 in Table 3.3.

    Raises:
        InputError: fewer than 1 layer or class.
    """
    return StaticNet(DenseNetCifar(layers), 1.0, classes)


def ressep(
    variant: str | tuple[int, float] | None = None,
    classes: int = 1000,
    *,
    d: int | None = None,
    w: float | None = None,
) -> StaticNet:
    """ResSep for 224 x 224 images: a variant "A" to "E" of Table 3.1, or any depth `d` and width `w` (or the pair).

    Raises:
        InputError: an unknown variant, both a variant and d or w, d or w alone, or values out of range.
    """
    if variant is not None and (d, w) != (None, None):
        raise InputError(f"variant is {variant!r}, and d = {d}, w = {w}: give a variant, or d and w")
    if variant is not None:
        d, w = variant if isinstance(variant, tuple) and len(variant) == 2 else ressep_variant(variant)
    if d is None or w is None:
        raise InputError(f"d is {d} and w is {w}: give both, or a variant of {list(RESSEP)}")
    return StaticNet(ResSep(d), w, classes)


def ressep_variant(variant: str) -> tuple[int, float]:
    """d and w of a row of Table 3.1."""
    if not isinstance(variant, str) or variant not in RESSEP:
        raise InputError(f"variant is {variant!r}; choose one of {list(RESSEP)}, or give d=... and w=...")
    return RESSEP[variant]
