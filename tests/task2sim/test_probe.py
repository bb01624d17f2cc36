import pytest
import torch
from torch import nn
from torchvision import models

from ndslib.core.errors import InputError
from ndslib.core.models import ResNet18
from ndslib.task2sim.probe import ImagenetProbe, layout


class Tiny(nn.Module):
    """A probe of the given layers; `features` averages over positions."""

    def __init__(self, *layers):
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def features(self, images):
        return self.layers(images).mean((2, 3))


def test_resnet18_has_the_papers_9600_values_in_module_order():
    parts = layout(ResNet18(1, stem="imagenet"))
    names = [name for name, _ in parts]
    assert names[:6] == ["conv1", "bn1", "layer1.0.conv1", "layer1.0.bn1", "layer1.0.conv2", "layer1.0.bn2"]
    second = names.index("layer2.0.conv1")
    assert names[second : second + 6] == [
        "layer2.0.conv1", "layer2.0.bn1", "layer2.0.conv2", "layer2.0.bn2", "layer2.0.downsample.0",
        "layer2.0.downsample.1",
    ]  # fmt: skip
    assert names[-2:] == ["layer4.1.conv2", "layer4.1.bn2"]
    assert sum(values for _, values in parts) == 9600
    assert sum(values for name, values in parts if "conv" in name or name.endswith("downsample.0")) == 4800


def test_layout_is_torchvisions():
    network = models.resnet18()
    network.features = network.forward
    assert layout(network) == layout(ResNet18(1, stem="imagenet"))


def test_batch_norms_without_a_weight_have_no_values():
    assert layout(Tiny(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, affine=False))) == [("layers.0", 4)]


def test_imagenet_probe_scales_images_to_its_size(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(InputError, match=r"weights of resnet18 are not at .*curl"):
        ImagenetProbe()
    torch.manual_seed(0)
    network = models.resnet18().eval()
    network.fc = nn.Identity()
    monkeypatch.setattr("ndslib.task2sim.probe.imagenet_extractor", lambda name: network)
    probe = ImagenetProbe(size=64)
    images = torch.rand(2, 3, 64, 64)
    assert torch.equal(probe.features(images), network(images))
    assert probe.features(images[..., :32, :32]).shape == (2, 512)
    assert sum(values for _, values in layout(probe)) == 9600


@pytest.mark.parametrize(
    ("probe", "message"),
    [
        ("resnet18", "the probe is a str"),
        (models.resnet18(), r"the probe is a ResNet; wanted .* a method features"),
        (Tiny(nn.Identity()), "no convolution"),
        (Tiny(nn.BatchNorm2d(3)), "no convolution"),
        (Tiny(nn.Conv2d(3, 4, 3, padding=1, padding_mode="reflect")), r"layers.0 of the probe pads with 'reflect'"),
        (Tiny(nn.Conv2d(3, 4, 3, padding="same")), r"layers.0 of the probe pads .* by 'same'"),
        (Tiny(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, track_running_stats=False)), r"layers.1 .* no running statistics"),
    ],
)
def test_probes_without_what_is_needed_are_refused(probe, message):
    with pytest.raises(InputError, match=message):
        layout(probe)
