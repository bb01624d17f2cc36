"""ResNet-18 at any width, ResNet-50 with drop path: shapes, parameter counts, inputs."""

import subprocess
import sys

import pytest
import torch
from torch import nn
from torchvision.models import resnet18, resnet50
from torchvision.ops import StochasticDepth

from ndslib.core import models
from ndslib.core.errors import InputError
from ndslib.core.models import ResNet18, ResNet50, evaluating, to_float


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("stem", ["cifar", "imagenet"])
@pytest.mark.parametrize(("width", "classes", "side"), [(1, 4, 32), (3, 10, 8), (8, 1, 40)])
def test_shapes(width, classes, side, stem):
    network = ResNet18(classes, width, stem).eval()
    images = torch.zeros(2, 3, side, side, dtype=torch.uint8)
    assert network(images).shape == (2, classes)
    assert network.features(images).shape == (2, 8 * width)
    assert network.feature_size == 8 * width


def test_width_64_is_the_published_network():
    reference = resnet18(num_classes=10)
    assert parameters(ResNet18(10, 64, "imagenet")) == parameters(reference) == 11_181_642
    # 3 x 3 instead of 7 x 7 on three channels, 64 wide
    assert parameters(ResNet18(10, 64, "cifar")) == 11_181_642 - 64 * 3 * (49 - 9) == 11_173_962


def test_the_imagenet_stem_computes_what_torchvision_computes():
    reference, network = resnet18(num_classes=5).eval(), ResNet18(5, 64, "imagenet").eval()
    network.load_state_dict(reference.state_dict())
    images = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(network(images), reference(images), rtol=1e-4, atol=1e-4)


def test_the_cifar_stem_does_not_shrink_the_image():
    network = ResNet18(4, 2).eval()
    sides = []
    network.layer1.register_forward_hook(lambda module, inputs, output: sides.append(output.shape[-1]))
    network.layer4.register_forward_hook(lambda module, inputs, output: sides.append(output.shape[-1]))
    network(torch.zeros(1, 3, 32, 32))
    assert sides == [32, 4]


def test_uint8_and_normalised_float_agree():
    images = torch.randint(0, 256, (2, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (models.IMAGE_MEAN, models.IMAGE_STD))
    normalised = (images / 255 - mean) / std
    torch.testing.assert_close(to_float(images), normalised)
    assert to_float(normalised) is normalised
    network = ResNet18(4, 2).eval()
    torch.testing.assert_close(network(images), network(normalised))


def test_weights_depend_on_the_seed_alone():
    def weights(seed: int) -> dict[str, torch.Tensor]:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return ResNet18(4, 2).state_dict()

    one, same, other = weights(0), weights(0), weights(1)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["conv1.weight"], other["conv1.weight"])


def test_replace_head():
    network = ResNet18(4, 2)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    network.replace_head(7)
    assert network(torch.zeros(2, 3, 16, 16)).shape == (2, 7)
    assert torch.equal(network.conv1.weight, before["conv1.weight"])


def test_resnet50_computes_what_torchvision_computes():
    reference, network = resnet50(num_classes=5).eval(), ResNet50(5).eval()
    network.load_state_dict(reference.state_dict())
    images = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(network(images), reference(images), rtol=1e-4, atol=1e-4)
        assert network.features(images.byte()).shape == (1, 2048)
    assert network.feature_size == 2048
    network.replace_head(3)
    assert network.fc.weight.shape == (3, 2048)


def test_drop_path_rises_from_block_to_block_and_works_in_training_only():
    network = ResNet50(2, drop_path=0.3)
    depths = [module for module in network.modules() if isinstance(module, StochasticDepth)]
    assert [depth.p for depth in depths] == pytest.approx([0.3 * block / 15 for block in range(16)])
    with torch.device("meta"):
        plain = ResNet50(2)
    assert parameters(network) == parameters(plain)
    assert not any(isinstance(module, StochasticDepth) for module in plain.modules())
    block = network.layer4[2]  # without a projection: what is left of a dropped residual is the input itself
    images = torch.rand(200, 2048, 1, 1, generator=torch.Generator().manual_seed(0))
    with torch.random.fork_rng(devices=[]), torch.inference_mode():
        torch.manual_seed(0)
        kept = block.train()(images).ne(images).flatten(1).any(1)
        assert 0.6 < kept.float().mean() < 0.8
        assert torch.equal(block.eval()(images), block(images))


def test_evaluating_gives_each_module_its_own_mode_back():
    network = ResNet18(4, 2).train()
    network.layer1.eval()
    before = [module.training for module in network.modules()]
    with evaluating(network):
        assert not any(module.training for module in network.modules())
    assert [module.training for module in network.modules()] == before


@pytest.mark.parametrize("changes", [{"classes": 0}, {"drop_path": 1.0}, {"drop_path": -0.1}])
def test_bad_arguments_of_resnet50_are_named(changes):
    (name, value), *_ = changes.items()
    with pytest.raises(InputError, match=rf"{name}( is)? {value}"):
        ResNet50(**{"classes": 2, **changes})


@pytest.mark.parametrize("changes", [{"classes": 0}, {"width": 0}, {"stem": "vit"}])
def test_bad_arguments_are_named(changes):
    with pytest.raises(InputError, match=next(iter(changes))):
        ResNet18(**{"classes": 4, "width": 2, **changes})


def test_subsampling_is_what_a_stride_does():
    ours = models.SubsampledConv(8, 16, 1, bias=False)
    theirs = nn.Conv2d(8, 16, 1, stride=2, bias=False)
    theirs.load_state_dict(ours.state_dict())
    for side in (5, 32):
        images = torch.randn(2, 8, side, side, generator=torch.Generator().manual_seed(0))
        assert torch.equal(ours(images), theirs(images))


@pytest.mark.parametrize(("width", "side", "stem"), [(8, 48, "cifar"), (8, 192, "imagenet"), (2, 64, "cifar")])
def test_narrow_networks_train_on_larger_images(width, side, stem):
    """In a process of its own: with torch's strided convolutions it ends with a segmentation fault."""
    code = f"""
import torch
from ndslib.core.models import ResNet18
torch.set_num_threads(1)
network = ResNet18(4, {width}, {stem!r})
for _ in range(12):
    network(torch.randn(8, 3, {side}, {side})).sum().backward()
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
