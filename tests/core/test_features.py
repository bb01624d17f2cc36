import pytest
import torch
from torch import nn
from torchvision import models

from ndslib.core import paths
from ndslib.core.errors import InputError
from ndslib.core.features import (
    IMAGENET,
    FeaturesOf,
    Preprocessing,
    cached_features,
    extract,
    fingerprint,
    imagenet_extractor,
)
from ndslib.core.models import ResNet18, to_float


def extractor(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )


@pytest.fixture
def images():
    return torch.randint(256, (7, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def cache_files():
    return sorted((paths.cache_root() / "features").glob("*"))


def test_extract_is_the_model_in_evaluation_mode(images):
    model = extractor()
    model[0].requires_grad_(False).eval()
    state = {name: value.clone() for name, value in model.state_dict().items()}
    features = extract(model, images, batch_size=3)
    assert features.shape == (7, 4)
    assert features.dtype == torch.float32
    assert not features.requires_grad
    assert [part.training for part in model[:4]] == [False, True, True, True]
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    torch.testing.assert_close(features, model.eval()(to_float(images)))


def test_the_features_of_a_network_are_what_its_own_method_gives(images):
    network = ResNet18(classes=2, width=2)
    found = extract(FeaturesOf(network), images)
    assert found.shape == (7, network.feature_size)
    assert network.training
    with torch.no_grad():
        assert torch.equal(found, network.eval().features(images)), "whether scaled here or there"
    assert torch.equal(found, extract(FeaturesOf(network), images, nn.Identity()))


def test_batch_size_does_not_matter(images):
    model = extractor()
    torch.testing.assert_close(extract(model, images, batch_size=1), extract(model, images, batch_size=100))


def test_preprocessing_resizes_and_normalises():
    white = torch.full((2, 3, 4, 4), 255, dtype=torch.uint8)
    ready = IMAGENET(white)
    assert ready.shape == (2, 3, 224, 224)
    expected = (1 - torch.tensor(IMAGENET.mean)) / torch.tensor(IMAGENET.std)
    torch.testing.assert_close(ready[0, :, 100, 100], expected)
    halves = Preprocessing(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
    assert halves(white).unique().tolist() == [1.0]
    assert halves(torch.zeros_like(white)).unique().tolist() == [-1.0]


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (torch.zeros(2, 3, 4, 4), "float32"),
        (torch.zeros(3, 4, 4, dtype=torch.uint8), r"\(3, 4, 4\)"),
        (torch.zeros(2, 4, 4, 3, dtype=torch.uint8), r"\(2, 4, 4, 3\)"),
        ([[1]], "list"),
    ],
)
@pytest.mark.parametrize("function", [extract, cached_features])
def test_bad_images_are_refused(function, bad, problem):
    with pytest.raises(InputError, match=problem):
        function(extractor(), bad)


def test_bad_features_are_refused(images):
    with pytest.raises(InputError, match=r"\(7, 3, 8, 8\)"):
        extract(nn.Identity(), images)
    with pytest.raises(InputError, match="batch_size=0"):
        extract(extractor(), images, batch_size=0)

    class Broken(nn.Module):
        def forward(self, x):
            return torch.where(x[:, 0, 0, :2] < 0.0, torch.nan, 1.0)

    images[:, 0, 0, :2] = 255
    images[5, 0, 0, 0] = 0
    with pytest.raises(InputError, match="image 5 are not finite"):
        extract(Broken(), images, batch_size=3)


def test_cached_features_are_computed_once(images):
    model = extractor()
    calls = []
    model.register_forward_hook(lambda *_: calls.append(1))
    first = cached_features(model, images, batch_size=100)
    assert torch.equal(first, extract(model, images, batch_size=100))
    assert len(calls) == 2
    assert torch.equal(cached_features(extractor(), images.clone()), first)
    assert torch.equal(cached_features(model, images), first)
    assert len(calls) == 2
    assert len(cache_files()) == 1


def test_everything_that_matters_is_in_the_key(images):
    model = extractor()
    cached_features(model, images)
    cached_features(extractor(seed=1), images)
    cached_features(model, images.flip(0))
    cached_features(model, images, Preprocessing(mean=(0.4, 0.5, 0.5)))
    cached_features(model, images, Preprocessing(size=6))
    model[2] = nn.Tanh()
    cached_features(model, images)
    assert len(cache_files()) == 6


def test_fingerprint_sees_names_types_shapes_and_values():
    base = fingerprint(nn.Linear(2, 3))
    assert len(base) == 64
    layer = nn.Linear(2, 3)
    known = fingerprint(layer)
    assert known == fingerprint(layer) != base
    assert fingerprint(nn.Sequential(layer)) != known
    assert fingerprint(nn.Linear(2, 3).to(torch.bfloat16)) != fingerprint(nn.Linear(2, 3))
    zeros = [nn.Linear(2, 3, bias=False), nn.Linear(3, 2, bias=False)]
    for each in zeros:
        nn.init.zeros_(each.weight)
    assert fingerprint(zeros[0]) != fingerprint(zeros[1])
    with torch.no_grad():
        layer.bias[2] += 1e-6
    assert fingerprint(layer) != known
    assert len(fingerprint(nn.BatchNorm2d(3))) == 64  # its batch counter has no dimension


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    return tmp_path / "checkpoints"


def test_imagenet_extractor_says_how_to_get_absent_weights(hub):
    with pytest.raises(
        InputError, match=r"curl --create-dirs -Lo .*resnet18-f37072fd\.pth https://download\.pytorch\.org"
    ):
        imagenet_extractor()
    with pytest.raises(InputError, match="resnet19"):
        imagenet_extractor("resnet19")
    assert list(hub.iterdir()) == []


def test_imagenet_extractor_refuses_a_damaged_file(hub):
    (hub / "resnet18-f37072fd.pth").write_bytes(b"half a downl")
    with pytest.raises(InputError, match="is not f37072fd"):
        imagenet_extractor()


@pytest.mark.parametrize(("name", "width"), [("resnet18", 512), ("mobilenet_v2", 1280)])
def test_imagenet_extractor_gives_penultimate_features(hub, monkeypatch, name, width):
    model = models.get_model(name)
    path = hub / models.get_model_weights(name).DEFAULT.url.rpartition("/")[2]
    torch.save(model.state_dict(), path)
    # The file written here cannot have the published SHA-256.
    monkeypatch.setattr("ndslib.core.features._check_hash", lambda path: None)
    loaded = imagenet_extractor(name)
    assert not loaded.training
    images = torch.randint(256, (2, 3, 32, 32), dtype=torch.uint8)
    features = extract(loaded, images, Preprocessing(size=64))
    assert features.shape == (2, width)
    head = model.fc if name == "resnet18" else model.classifier
    expected = model.eval()(Preprocessing(size=64)(images))
    torch.testing.assert_close(head.eval()(features), expected)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_gives_the_same_features_and_the_model_comes_back(images):
    model = extractor()
    found = cached_features(model, images, device="cuda")
    torch.testing.assert_close(found, extract(model, images), rtol=1e-3, atol=1e-3)
    assert model[0].weight.device.type == "cpu"
    cached_features(model, images)
    assert len(cache_files()) == 2
