"""Probe networks: the fixed network through which Task2Vec looks at a task (T2S section 3.1).

A probe is a `torch.nn.Module` with one method more, `features` (see `Probe`). `core.models.ResNet18` of any width is
one as it stands, trained anywhere or not at all; `ImagenetProbe` wraps torchvision's networks.
"""

from typing import Protocol

from torch import Tensor, nn
from torchvision.transforms.v2 import functional as transforms

from ndslib.core.errors import InputError
from ndslib.core.features import imagenet_extractor


class Probe(Protocol):
    """What Task2Vec asks of a probe beside being a module; its own head, if it has one, is not looked at."""

    def features(self, images: Tensor) -> Tensor:
        """Float [B, F] of float images [B, 3, S, S] with ImageNet's mean and deviation taken out.

        Each image's features depend on that image alone when the module is in evaluation mode.
        """


class ImagenetProbe(nn.Module):
    """torchvision's classifier `name` with its ImageNet weights, images scaled to `size` pixels (bilinear).

    ResNet-18 at 224 pixels is the paper's probe (T2S section 4.1).

    Raises:
        InputError: as `core.features.imagenet_extractor`, which looks for the weights in torch hub's cache.
    """

    def __init__(self, name: str = "resnet18", size: int = 224) -> None:
        super().__init__()
        self.network, self.size = imagenet_extractor(name), size

    def features(self, images: Tensor) -> Tensor:
        """Penultimate features, float [B, F]."""
        return self.network(transforms.resize(images, [self.size, self.size], antialias=True))


def layout(probe: nn.Module) -> list[tuple[str, int]]:
    """Name and number of values of every layer in a Task2Vec, in its order, which is the module order.

    There is a value a filter of each convolution and a value a weight of each batch norm: 4800 + 4800 for ResNet-18,
    from conv1 and bn1 on.
    """
    return [(name, len(layer.weight)) for name, layer in embedded_layers(probe).items()]


def embedded_layers(probe: nn.Module) -> dict[str, nn.Conv2d | nn.BatchNorm2d]:
    """The layers of which Task2Vec embeds the weights, by name, in module order.

    Raises:
        InputError: a probe that is no module with `features` and convolutions, or has a layer whose
            gradients cannot be told apart by image.
    """
    if not isinstance(probe, nn.Module) or not callable(getattr(probe, "features", None)):
        raise InputError(
            f"the probe is a {type(probe).__name__}; wanted a torch.nn.Module with a method features(images)"
        )
    layers = {name: layer for name, layer in probe.named_modules() if isinstance(layer, nn.Conv2d | nn.BatchNorm2d)}
    layers = {name: layer for name, layer in layers.items() if layer.weight is not None}
    if not any(isinstance(layer, nn.Conv2d) for layer in layers.values()):
        raise InputError("the probe has no convolution, and Task2Vec has a value a filter: take a convolutional one")
    for name, layer in layers.items():
        _check_layer(name, layer)
    return layers


def _check_layer(name: str, layer: nn.Conv2d | nn.BatchNorm2d) -> None:
    if isinstance(layer, nn.BatchNorm2d) and layer.running_var is None:
        raise InputError(f"{name} of the probe keeps no running statistics, so images of a batch depend on each other")
    if isinstance(layer, nn.Conv2d) and (layer.padding_mode != "zeros" or isinstance(layer.padding, str)):
        raise InputError(
            f"{name} of the probe pads with {layer.padding_mode!r} by {layer.padding!r}; wanted zeros, in pixels"
        )
