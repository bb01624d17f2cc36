"""The procedural domains: same pictures everywhere, disjoint splits, classes and orientation that can be learnt."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from ndslib.core import paths
from ndslib.core.errors import InputError
from ndslib.core.seeding import isolated
from ndslib.data.worlds.domains import DOMAINS, class_names, draw, sample_table

PRINT_DIGESTS = """
import hashlib
from ndslib.data.worlds.domains import DOMAINS, class_names, draw
for domain in DOMAINS:
    print(hashlib.sha256(b"".join(draw(domain, name, 5).tobytes() for name in class_names(domain))).hexdigest())
"""


def pictures(domain: str, classes: tuple[str, ...], indices: range) -> np.ndarray:
    """uint8 [classes, images, 32, 32, 3]"""
    return np.stack([[draw(domain, name, index) for index in indices] for name in classes])


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_class_draws_a_picture_at_every_size(domain: str) -> None:
    assert len(set(class_names(domain))) >= 12
    for name in class_names(domain):
        for size in (8, 32, 45):
            image = draw(domain, name, 0, size)
            assert image.shape == (size, size, 3)
            assert image.dtype == np.uint8
            assert np.ptp(image) > 40


@pytest.mark.parametrize("domain", DOMAINS)
def test_an_index_shows_the_same_scene_at_another_size(domain: str) -> None:
    def shrunk(index: int, size: int) -> np.ndarray:
        return draw(domain, class_names(domain)[1], index, size).reshape(16, size // 16, 16, -1, 3).mean((1, 3)).ravel()

    own = [np.corrcoef(shrunk(index, 32), shrunk(index, 64))[0, 1] for index in range(8)]
    assert min(own) > 0.8


def test_pictures_are_the_same_in_another_process() -> None:
    here = [
        hashlib.sha256(b"".join(draw(domain, name, 5).tobytes() for name in class_names(domain))).hexdigest()
        for domain in DOMAINS
    ]
    command = [sys.executable, "-c", PRINT_DIGESTS]
    there = subprocess.run(command, capture_output=True, text=True, check=True, cwd=paths.repo_root())
    assert there.stdout.split() == here


def test_index_seed_class_and_domain_each_change_the_picture() -> None:
    base = draw("photos", "house", 3)
    others = [
        draw("photos", "house", 4),
        draw("photos", "house", 3, seed=1),
        draw("photos", "tree", 3),
        draw("sketches", "house", 3),
    ]
    assert all((base != other).any() for other in others)


@pytest.mark.parametrize("domain", DOMAINS)
def test_pictures_of_a_class_differ_yet_have_more_in_common_than_pictures_of_different_classes(domain: str) -> None:
    images = pictures(domain, class_names(domain), range(24)).astype(float).mean(-1)
    images = np.abs(images - np.median(images, (2, 3), keepdims=True))  # either polarity, any brightness
    images /= images.std((2, 3), keepdims=True)
    spectra = np.abs(np.fft.fft2(images))[..., :12, :12].reshape(*images.shape[:2], -1)  # does not depend on position
    within = spectra.std(1).mean()
    between = spectra.mean(1).std(0).mean()
    assert within > 0.2 * spectra.mean()
    assert between > 1.5 * within / np.sqrt(24)  # the spread that class means would have by chance alone


def test_table_lists_the_rows_of_one_plain_array_file() -> None:
    table = sample_table("glyphs", ["glyph-03", "glyph-01"], 4, "val", size=16, seed=7)
    assert table["label"].to_pylist() == ["glyph-03"] * 4 + ["glyph-01"] * 4
    assert set(table["split"].to_pylist()) == {"val"}
    assert set(table["dataset"].to_pylist()) == {"glyphs"}
    assert set(table["bytes"].to_pylist()) == {16 * 16 * 3}
    files, rows = zip(*(uri.split("#row=") for uri in table["uri"].to_pylist()), strict=True)
    images = np.load(files[0], allow_pickle=False)
    assert len(set(files)) == 1
    assert list(map(int, rows)) == list(range(8))
    assert images.shape == (8, 16, 16, 3)
    for image, name, identity in zip(images, table["label"].to_pylist(), table["id"].to_pylist(), strict=True):
        assert (image == draw("glyphs", name, int(identity.rsplit("/")[-1]), 16, 7)).all()


def test_a_second_call_reads_the_cache_and_other_settings_do_not() -> None:
    def container(**settings: int) -> Path:
        return Path(sample_table("textures", ["knit"], 2, "train", **settings)["uri"][0].as_py().split("#")[0])

    first = container()
    written = first.stat().st_mtime_ns
    assert container() == first
    assert first.stat().st_mtime_ns == written
    assert len({first, container(seed=1), container(size=16)}) == 3


def test_splits_share_no_picture() -> None:
    tables = [sample_table("sketches", ["house"], 6, split) for split in ("train", "val", "test")]
    identities = [identity for table in tables for identity in table["id"].to_pylist()]
    images = np.concatenate([np.load(table["uri"][0].as_py().split("#")[0]) for table in tables])
    assert len(set(identities)) == 18
    assert len({image.tobytes() for image in images}) == 18


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("cartoons", ["house"], 1, "train"), "cartoons"),
        (("photos", ["zebra"], 1, "train"), "zebra"),
        (("photos", [], 1, "train"), "at least one class"),
        (("photos", ["house", "house"], 1, "train"), "only once"),
        (("photos", ["house"], 0, "train"), "images_per_class is 0"),
        (("photos", ["house"], 1, "dev"), "dev"),
        (("photos", ["house"], 1, "train", 4), "size 4"),
    ],
)
def test_bad_requests_name_the_value(arguments: tuple, named: str) -> None:
    with pytest.raises(InputError, match=named):
        sample_table(*arguments)


def test_draw_refuses_a_negative_index() -> None:
    with pytest.raises(InputError, match="index -1"):
        draw("photos", "house", -1)


def small_cnn(outputs: int) -> nn.Module:
    def block(ins: int, outs: int) -> list[nn.Module]:
        return [nn.Conv2d(ins, outs, 3, padding=1), nn.BatchNorm2d(outs), nn.ReLU(), nn.MaxPool2d(2)]

    return nn.Sequential(*block(3, 16), *block(16, 32), *block(32, 64), nn.Flatten(), nn.Linear(64 * 16, outputs))


def fitted_accuracy(model: nn.Module, train: tuple, test: tuple, epochs: int) -> float:
    images, targets = train
    optimizer = torch.optim.Adam(model.parameters(), 2e-3, weight_decay=1e-4)
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(32):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images[batch]), targets[batch]).backward()
            optimizer.step()
    with torch.no_grad():
        return (model.eval()(test[0]).argmax(1) == test[1]).float().mean().item()


def as_tensors(images: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    labels = torch.arange(len(images)).repeat_interleave(images.shape[1])
    return torch.from_numpy(images.reshape(-1, 32, 32, 3)).permute(0, 3, 1, 2) / 127.5 - 1, labels


def rotated(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    turns = [torch.rot90(images, quarter, (2, 3)) for quarter in range(4)]
    return torch.cat(turns), torch.arange(4).repeat_interleave(len(images))


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_cnn_learns_classes_that_raw_pixels_hide_and_the_upright_of_unseen_classes(domain: str) -> None:
    seen, unseen = class_names(domain)[::2], class_names(domain)[1::2]
    train, test = (as_tensors(pictures(domain, seen, r)) for r in (range(32), range(32, 48)))
    with isolated("test_worlds", domain):
        linear = fitted_accuracy(nn.Sequential(nn.Flatten(), nn.Linear(3072, 8)), train, test, epochs=10)
        cnn = fitted_accuracy(small_cnn(8), train, test, epochs=8)
        elsewhere, _ = as_tensors(pictures(domain, unseen, range(12)))
        upright = fitted_accuracy(small_cnn(4), rotated(train[0]), rotated(elsewhere), epochs=4)
    assert cnn > 0.5
    assert cnn > linear + 0.15
    assert upright > 0.4
