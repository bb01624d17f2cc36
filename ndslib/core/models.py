"""Residual networks at any width, with the stem of the 32 x 32 papers or ImageNet's."""

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet
from torchvision.ops import StochasticDepth

from ndslib.core.errors import InputError

IMAGE_MEAN = (0.485, 0.456, 0.406)
IMAGE_STD = (0.229, 0.224, 0.225)


def to_float(images: Tensor) -> Tensor:
    """uint8 [B, 3, H, W] to float32 with ImageNet's mean and deviation taken out; float images pass unchanged."""
    if images.is_floating_point():
        return images
    mean = torch.tensor(IMAGE_MEAN, device=images.device).view(1, 3, 1, 1)
    std = torch.tensor(IMAGE_STD, device=images.device).view(1, 3, 1, 1)
    return (images.float() / 255 - mean) / std


@contextlib.contextmanager
def evaluating(*models: nn.Module) -> Iterator[None]:
    """Networks in evaluation mode for the length of a block; each of their modules gets its own mode back."""
    modes = [(module, module.training) for model in models for module in model.modules()]
    for module, _ in modes:
        module.training = False
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


class SubsampledConv(nn.Conv2d):
    """A 1 x 1 convolution of stride 2 as one of stride 1 on every second pixel: the same numbers, bit for bit.

    On CPUs, torch's backward pass of the strided one writes past its memory where channels lie last, are fewer than 16,
    and the image is larger than about 40 pixels.
    """

    def forward(self, x: Tensor) -> Tensor:
        every_second = x[..., ::2, ::2].contiguous(memory_format=torch.channels_last)
        return nn.functional.conv2d(every_second, self.weight)


class ClassifierResNet(ResNet):
    """What our residual networks add to torchvision's: input as it lies in files, features, and a head to replace.

    Input uint8 or normalised float [B, 3, H, W]; output [B, classes]. `features(x)` is the penultimate layer,
    [B, feature_size].
    """

    feature_size: int

    def features(self, images: Tensor) -> Tensor:
        """Penultimate features, float [B, feature_size]."""
        x = to_float(images).contiguous(memory_format=torch.channels_last)
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(self.maxpool(x)))))
        return self.avgpool(x).flatten(1)  # Shape: (b, feature_size)

    def forward(self, images: Tensor) -> Tensor:
        """Class scores (logits), float [B, classes]."""
        return self.fc(self.features(images))

    def replace_head(self, classes: int) -> None:
        """Put a fresh linear layer of `classes` outputs on the features, in place."""
        self.fc = nn.Linear(self.feature_size, classes).to(self.fc.weight.device)


class ResNet50(ClassifierResNet):
    """ResNet-50 (T2S section 4.1), optionally with stochastic depth.

    Args:
        classes: outputs of the last linear layer.
        drop_path: the chance that the last block's residual is left out in training; it rises linearly from block to
            block, in [0, 1).
    """

    def __init__(self, classes: int, drop_path: float = 0.0) -> None:
        if classes < 1 or not 0 <= drop_path < 1:
            raise InputError(
                f"classes is {classes} and drop_path {drop_path}; wanted at least 1, and a chance in [0, 1)"
            )
        super().__init__(Bottleneck, [3, 4, 6, 3], num_classes=classes)
        self.feature_size = self.fc.in_features
        blocks = [block for stage in (self.layer1, self.layer2, self.layer3, self.layer4) for block in stage]
        for number, block in enumerate(blocks if drop_path else []):
            chance = drop_path * number / (len(blocks) - 1)
            block.bn3 = nn.Sequential(block.bn3, StochasticDepth(chance, "row"))  # before the shortcut is added
        self.to(memory_format=torch.channels_last)


class ResNet18(ClassifierResNet):
    """ResNet-18 whose stages are `width`, 2, 4 and 8 `width` wide (64 is the published network).

    Args:
        classes: outputs of the last linear layer.
        width: channels of the first stage, at least 1.
        stem: `cifar` (3x3 convolution, no pooling; NDS section 4.2, 32 x 32 inputs) or `imagenet` (7x7, stride 2, and
            pooling).
    """

    def __init__(self, classes: int, width: int = 64, stem: str = "cifar") -> None:
        if classes < 1 or width < 1:
            raise InputError(f"classes is {classes} and width is {width}; both must be at least 1")
        if stem not in ("cifar", "imagenet"):
            raise InputError(f"stem is {stem!r}; choose 'cifar' or 'imagenet'")
        nn.Module.__init__(self)
        self._norm_layer = nn.BatchNorm2d
        self.inplanes, self.dilation, self.groups, self.base_width = width, 1, 1, 64
        if stem == "cifar":
            self.conv1 = nn.Conv2d(3, width, 3, padding=1, bias=False)
            self.maxpool = nn.Identity()
        else:
            self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
            self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.layer1 = self._make_layer(BasicBlock, width, 2)
        self.layer2 = self._make_layer(BasicBlock, 2 * width, 2, stride=2)
        self.layer3 = self._make_layer(BasicBlock, 4 * width, 2, stride=2)
        self.layer4 = self._make_layer(BasicBlock, 8 * width, 2, stride=2)
        for stage in (self.layer2, self.layer3, self.layer4):
            shortcut = stage[0].downsample
            if shortcut[0].in_channels < 16:
                # Without weights of its own: all are drawn below, from the same random numbers at any width.
                size = (shortcut[0].in_channels, shortcut[0].out_channels)
                shortcut[0] = nn.utils.skip_init(SubsampledConv, *size, 1, bias=False)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.feature_size = 8 * width
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        # Last, so that one random state starts the convolutions alike whatever the number of classes.
        self.fc = nn.Linear(self.feature_size, classes)
        self.to(memory_format=torch.channels_last)  # a third faster on a CPU
