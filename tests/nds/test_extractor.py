"""The extractor: features, their names, and the network trained on all labelled images."""

import json

import numpy as np
import pyarrow as pa
import pytest
import torch
from torch import nn

from ndslib.core import features
from ndslib.core.errors import InputError
from ndslib.core.models import ResNet18, to_float
from ndslib.data import images, sample_table
from ndslib.nds import extractor
from ndslib.nds.experts import load_expert, read_metadata
from ndslib.nds.extractor import Extractor


def penultimate(seed: int = 0) -> ResNet18:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = ResNet18(1, 2).eval()
    network.fc = nn.Identity()
    return network


def test_features_are_those_of_the_normalised_images():
    network = penultimate()
    pixels = np.random.default_rng(0).integers(0, 256, (5, 3, 8, 8), dtype=np.uint8)
    found = Extractor(network).features(pixels)
    assert found.dtype == np.float32
    assert found.shape == (5, 16)
    with torch.inference_mode():
        expected = network.features(to_float(torch.from_numpy(pixels)))
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-5, atol=1e-6)


def test_features_of_a_map_are_computed_once(tmp_path, monkeypatch):
    np.save(tmp_path / "pixels.npy", np.random.default_rng(0).integers(0, 256, (5, 3, 8, 8), dtype=np.uint8))
    pixels = np.load(tmp_path / "pixels.npy", mmap_mode="r")
    one = Extractor(penultimate()).features(pixels)

    def never(*_: object, **__: object) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr(features, "extract", never)
    np.testing.assert_array_equal(Extractor(penultimate()).features(pixels), one)


def test_the_fingerprint_names_weights_and_preprocessing():
    same, other = penultimate(), penultimate(1)
    variants = [
        Extractor(same),
        Extractor(other),
        Extractor(same, features.IMAGENET),
        Extractor(same, features.Preprocessing(extractor.OWN.mean, (0.5, 0.5, 0.5))),
    ]
    assert len({each.fingerprint for each in variants}) == 4
    assert Extractor(penultimate()).fingerprint == variants[0].fingerprint


def test_a_network_is_trained_on_all_labelled_images(colours, tiny):
    bare = colours("bare", 6, labelled=False)
    table = sample_table.concat([colours("first"), bare, colours("second")])
    config = tiny(3, "classification")
    path = extractor.train_on_all(table, 8, config)
    about = read_metadata(path)
    assert json.loads(about["classes"]) == ["first/bright", "first/dark", "second/bright", "second/dark"]
    assert about["images"] == "24", "those without a label are left out"
    found = extractor.trained(table, 8, config)
    pixels = images.decode(table, 8).pixels
    with torch.inference_mode():
        expected = load_expert(path).features(torch.from_numpy(np.array(pixels)))
    np.testing.assert_allclose(found.features(pixels), expected.numpy(), rtol=1e-5, atol=1e-6)
    assert found.fingerprint == extractor.trained(table, 8, config).fingerprint


def test_rotation_needs_no_labels(colours, tiny):
    path = extractor.train_on_all(colours("bare", 6, labelled=False), 8, tiny(1))
    assert read_metadata(path)["images"] == "6"
    with pytest.raises(InputError, match="none of the 6 images has a label; use task='rotation'"):
        extractor.trained(colours("bare", 6, labelled=False), 8, tiny(1, "classification"))


def test_corrupt_images_follow_the_policy(tmp_path, colours, tiny):
    table = colours("first")
    uris = table["uri"].to_pylist()
    uris[0] = str(tmp_path / "missing.png")
    table = table.set_column(2, "uri", pa.array(uris))
    with pytest.raises(InputError, match=r"missing\.png"):
        extractor.trained(table, 8, tiny(1, "classification"))
    path = extractor.train_on_all(table, 8, tiny(1, "classification"), on_corrupt="skip")
    assert read_metadata(path)["images"] == "11"


def test_imagenet_weights_that_are_absent(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(InputError, match=r"resnet18 are not at .* curl"):
        extractor.imagenet()
