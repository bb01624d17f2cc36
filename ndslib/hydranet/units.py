"""The units that the chapter's blocks are stacks of. All are pre-activation: normalise, rectify, convolve.

Layer lists: thesis Fig. 3.2 for ResSep; for the CIFAR networks of Table 3.3 ResNet in its pre-activation form and
DenseNet without bottleneck or compression, as the published parameter counts require.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional


def conv3x3(channels: int, out: int, stride: int = 1) -> nn.Conv2d:
    """A 3 x 3 convolution that keeps the size at stride 1, without bias."""
    return nn.Conv2d(channels, out, 3, stride, padding=1, bias=False)


def conv1x1(channels: int, out: int, bias: bool = False) -> nn.Conv2d:
    """A 1 x 1 (pointwise) convolution."""
    return nn.Conv2d(channels, out, 1, bias=bias)


def depthwise3x3(channels: int, stride: int = 1) -> nn.Conv2d:
    """A 3 x 3 convolution of each channel by itself that keeps the size at stride 1, without bias."""
    return nn.Conv2d(channels, channels, 3, stride, padding=1, groups=channels, bias=False)


def norm_relu(channels: int) -> nn.Sequential:
    """Batch normalisation, then ReLU."""
    return nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU(inplace=True))


def every_second(x: Tensor) -> Tensor:
    """Every second row and column. Taken before a 1 x 1 convolution it does a stride's work."""
    return x[..., ::2, ::2]


class SeparableUnit(nn.Module):
    """ResSep's unit: two depthwise-separable 3 x 3 convolutions beside a shortcut (thesis section 3.3.1).

    Where the channels change, the shortcut is a 1 x 1 convolution of the rectified input. A stride of 2 is carried by
    the first pointwise convolution and by the shortcut.

    float [B, channels, H, W] to [B, out, ceil(H / stride), ceil(W / stride)].
    """

    def __init__(self, channels: int, out: int, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride
        self.first = norm_relu(channels)
        self.shortcut = conv1x1(channels, out, bias=True) if channels != out else None
        self.spatial = nn.Sequential(depthwise3x3(channels), *norm_relu(channels))
        self.pointwise = nn.Sequential(conv1x1(channels, out), *norm_relu(out))
        self.second = nn.Sequential(depthwise3x3(out), *norm_relu(out), conv1x1(out, out, bias=True))

    def forward(self, x: Tensor) -> Tensor:
        rectified = self.first(x)
        shortcut = x if self.shortcut is None else rectified
        residual = self.spatial(rectified)
        if self.stride == 2:
            shortcut, residual = every_second(shortcut), every_second(residual)
        if self.shortcut is not None:
            shortcut = self.shortcut(shortcut)
        return shortcut + self.second(self.pointwise(residual))


class ResidualUnit(nn.Module):
    """ResNet's basic unit for CIFAR, pre-activation; where the channels grow, the shortcut is padded with zeros.

    float [B, channels, H, W] to [B, out, ceil(H / stride), ceil(W / stride)]; `out` is at least `channels`.
    """

    def __init__(self, channels: int, out: int, stride: int = 1) -> None:
        super().__init__()
        self.stride, self.added = stride, out - channels
        self.residual = nn.Sequential(
            *norm_relu(channels), conv3x3(channels, out, stride), *norm_relu(out), conv3x3(out, out)
        )

    def forward(self, x: Tensor) -> Tensor:
        shortcut = every_second(x) if self.stride == 2 else x
        if self.added:
            shortcut = functional.pad(shortcut, (0, 0, 0, 0, 0, self.added))
        return shortcut + self.residual(x)


class DenseLayer(nn.Module):
    """DenseNet's layer: appends `growth` channels computed from all earlier ones.

    float [B, channels, H, W] to [B, channels + growth, H, W].
    """

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.new = nn.Sequential(*norm_relu(channels), conv3x3(channels, growth))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.new(x)], dim=1)


def transition(channels: int) -> nn.Sequential:
    """Between two dense blocks: batch normalisation, 1 x 1 convolution, mean over 2 x 2 pixels."""
    return nn.Sequential(nn.BatchNorm2d(channels), conv1x1(channels, channels), nn.AvgPool2d(2))
