"""MobileNet (Howard et al. 2017), the reference row of Table 3.1: torchvision has only its second version."""

from torch import Tensor, nn

from ndslib.hydranet import checks
from ndslib.hydranet.architectures import initialise, to_channels_last
from ndslib.hydranet.units import conv1x1, conv3x3, depthwise3x3, norm_relu

# Channels and stride of each depthwise separable convolution (its Table 1). The last one's printed stride of 2 cannot
# be: its output would be 4 x 4, and the table goes on with 7 x 7.
SEPARABLE = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)]


class MobileNet(nn.Module):
    """MobileNet of width 1 for 224 x 224 images: 4.2 M parameters, 569 M multiply-adds at 1000 classes.

    uint8 or normalised float [B, 3, H, W] to class scores (logits), float [B, classes].

    Raises:
        InputError: fewer than 1 class.
    """

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        checks.whole_number("classes", classes)
        channels = 32
        layers = [conv3x3(3, channels, stride=2), *norm_relu(channels)]
        for out, stride in SEPARABLE:
            layers.append(_separable(channels, out, stride))
            channels = out
        self.features = nn.Sequential(*layers)
        self.prediction = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))
        initialise(self)

    def forward(self, images: Tensor) -> Tensor:
        return self.prediction(self.features(to_channels_last(images, self)))


def _separable(channels: int, out: int, stride: int) -> nn.Sequential:
    """A 3 x 3 convolution of each channel, which carries the stride, and a 1 x 1 convolution, each normalised."""
    return nn.Sequential(depthwise3x3(channels, stride), *norm_relu(channels), conv1x1(channels, out), *norm_relu(out))
