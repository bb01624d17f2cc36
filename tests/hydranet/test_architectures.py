"""The static networks: their blocks, their sizes, and what they refuse."""

import pytest
import torch
from torch import nn

from ndslib.core.errors import InputError
from ndslib.core.models import to_float
from ndslib.hydranet.architectures import (
    RESSEP,
    DenseNetCifar,
    ResNetCifar,
    ResSep,
    StaticNet,
    densenet_cifar,
    resnet_cifar,
    ressep,
    stack,
    trunk,
)

ARCHITECTURES = [
    ResSep(1, "cifar", 4, (4, 6, 8, 10)),
    ResSep(3, "imagenet", 4, (4, 6, 8, 10)),
    ResNetCifar(2, (4, 8, 16)),
    DenseNetCifar(2, growth=3),
]
SIZES = [(32, 16, 8, 4, 4), (8, 4, 2, 1, 1), (32, 32, 16, 8), (32, 32, 16, 8)]  # behind init and blocks, from 32


def batch(count: int = 2, size: int = 32) -> torch.Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("width", [0.5, 1.0, 1.5])
@pytest.mark.parametrize(("architecture", "sizes"), list(zip(ARCHITECTURES, SIZES, strict=True)))
def test_blocks_give_the_channels_and_sizes_they_say(architecture, sizes, width):
    module, channels = architecture.init()
    x = module(batch())
    assert x.shape == (2, channels, sizes[0], sizes[0])
    for block, size in enumerate(sizes[1:], start=1):
        x = architecture.block(block, channels, width)(x)
        channels = architecture.channels(block, channels, width)
        assert x.shape == (2, channels, size, size)
    assert len(sizes) - 1 == architecture.blocks


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_trunk_and_stack_split_a_network_anywhere(architecture):
    whole, channels = trunk(architecture, architecture.blocks, 1.0)
    for split in range(1, architecture.blocks):
        front, between = trunk(architecture, split, 1.0)
        back, out = stack(architecture, split + 1, architecture.blocks, between, 1.0)
        assert out == channels
        sizes = [parameter.shape for part in (front, back) for parameter in part.parameters()]
        assert sizes == [parameter.shape for parameter in whole.parameters()]


def test_ressep_strides_in_the_last_unit_and_resnet_in_the_first():
    block, x = ResSep(3, base=(4, 6, 8, 10)).block(1, 5, 1.0), torch.randn(1, 5, 16, 16)
    assert [(x := unit(x)).shape[-1] for unit in block] == [16, 16, 8]
    block, x = ResNetCifar(3, (4, 8, 16)).block(2, 4, 1.0), torch.randn(1, 4, 16, 16)
    assert [(x := unit(x)).shape[-1] for unit in block] == [8, 8, 8]


def test_width_scales_the_blocks_and_not_the_init():
    assert ResSep(1).init()[1] == 64
    assert [ResSep(1).channels(block, 64, 0.75) for block in (1, 2, 3, 4)] == [96, 192, 384, 768]
    assert DenseNetCifar(4).channels(1, 48, 0.5) == 48 + 4 * 12
    assert ResNetCifar(1).channels(3, 32, 1.5) == 96
    assert ResNetCifar(1).channels(3, 32, 0.125) == 32  # its shortcuts cannot drop channels
    assert ResSep(1).channels(4, 512, 1e-9) == 1


@pytest.mark.parametrize("depth", [8, 14, 20, 26, 32])
def test_a_resnet_has_the_layers_of_its_name(depth):
    assert sum(isinstance(module, nn.Conv2d | nn.Linear) for module in resnet_cifar(depth).modules()) == depth


@pytest.mark.parametrize("layers", [1, 3])
def test_a_densenet_has_its_layers_and_two_transitions(layers):
    kernels = [module.kernel_size for module in densenet_cifar(layers).modules() if isinstance(module, nn.Conv2d)]
    assert (kernels.count((3, 3)), kernels.count((1, 1))) == (1 + 3 * layers, 2)


def shapes(network: nn.Module) -> list[torch.Size]:
    return [parameter.shape for parameter in network.parameters()]


@pytest.mark.parametrize("variant", RESSEP)
def test_a_variant_of_ressep_is_a_depth_and_a_width(variant):
    named, free = ressep(variant), ressep(d=RESSEP[variant][0], w=RESSEP[variant][1])
    assert shapes(named) == shapes(free)
    assert named.eval()(batch()).shape == (2, 1000)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_static_network_classifies(architecture):
    network = StaticNet(architecture, 1.0, 5).eval()
    images = (255 * batch(3)).to(torch.uint8)
    logits = network(images)
    assert (logits.shape, logits.dtype) == ((3, 5), torch.float32)
    torch.testing.assert_close(logits, network(to_float(images)))
    torch.testing.assert_close(network.double()(batch(3).double())[:1], network(batch(1).double()))
    assert network(batch(0).double()).shape == (0, 5)
    assert network.train()(batch(4).double()).shape == (4, 5)


def test_weights_are_drawn_after_he():
    torch.manual_seed(0)
    first = resnet_cifar(14)
    torch.manual_seed(0)
    second = resnet_cifar(14)
    assert all(map(torch.equal, first.parameters(), second.parameters()))
    last = [module for module in first.modules() if isinstance(module, nn.Conv2d)][-1]
    assert last.weight.std().item() == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.05)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: resnet_cifar(15), "depth is 15; a ResNet for CIFAR has 6d\\+2 layers"),
        (lambda: resnet_cifar(2), "depth is 2"),
        (lambda: resnet_cifar(-4), "depth is -4"),
        (lambda: densenet_cifar(0), "layers is 0; it must be a whole number of at least 1"),
        (lambda: ressep("F"), "variant is 'F'; choose one of"),
        (lambda: ressep("A", d=2, w=0.5), "give a variant, or d and w"),
        (lambda: ressep("A", w=0.5), "give a variant, or d and w"),
        (lambda: ressep(d=2), "d is 2 and w is None: give both"),
        (lambda: ressep(w=0.5), "d is None and w is 0.5: give both"),
        (lambda: ressep(), "give both, or a variant"),
        (lambda: ressep(d=0, w=0.5), "d is 0; it must be a whole number"),
        (lambda: ressep(d=1.5, w=0.5), "d is 1.5"),
        (lambda: ressep(d=True, w=0.5), "d is True"),
        (lambda: ressep(d=1, w=0.0), "width multiplier is 0.0; it must be a number above 0"),
        (lambda: ressep(d=1, w=float("nan")), "width multiplier is nan"),
        (lambda: resnet_cifar(14, classes=0), "classes is 0; it must be a whole number of at least 1"),
        (lambda: densenet_cifar(1, classes=-1), "classes is -1"),
        (lambda: ressep("A", classes=0), "classes is 0"),
        (lambda: ResSep(1, stem="tiny"), "stem is 'tiny'; choose 'cifar' or 'imagenet'"),
        (lambda: ResNetCifar(0), "d is 0"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(InputError, match=message):
        make()
