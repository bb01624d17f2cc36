"""Tiny expert jobs, sample tables and extractors for the tests of the Neural Data Server."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from torch import nn

from ndslib.core.training import TrainConfig
from ndslib.data import sample_table
from ndslib.data.labelled import few_per_class
from ndslib.data.worlds import domains
from ndslib.nds import Index, downstream, experts, scenarios
from ndslib.nds.experts import ExpertConfig, ExpertJob
from ndslib.nds.extractor import Extractor
from ndslib.nds.index import Source
from ndslib.nds.scenarios import Client, Scenario


def expert_config(steps: int = 4, task: str = "rotation", width: int = 2, **train: object) -> ExpertConfig:
    """A network that trains in a blink."""
    return ExpertConfig(TrainConfig(steps, **{"batch_size": 8, "lr": 0.05, **train}), task, width)


@pytest.fixture
def tiny() -> Callable[..., ExpertConfig]:
    """`expert_config`."""
    return expert_config


@pytest.fixture
def noise_job(tmp_path: Path) -> Callable[..., ExpertJob]:
    """Writes random images uint8[count, 3, size, size]; returns a job on all of them with classes 0 and 1 in turn."""

    def make(count: int = 24, size: int = 8, seed: int = 0, **changes: object) -> ExpertJob:
        place = tmp_path / f"pixels-{count}-{size}-{seed}.npy"
        pixels = np.random.default_rng(seed).integers(0, 256, (count, 3, size, size), dtype=np.uint8)
        np.save(place, pixels)
        usual = {"name": "noise/0", "labels": np.arange(count) % 2, "classes": ("even", "odd")}
        return ExpertJob(place, np.arange(count), **{**usual, **changes})

    return make


@pytest.fixture
def colours(tmp_path: Path) -> Callable[..., pa.Table]:
    """Sample tables of 8 x 8 images whose two classes, dark and bright, are far apart; sizes in bytes differ."""

    def make(dataset: str, count: int = 12, labelled: bool = True, seed: int = 0) -> pa.Table:
        rng = np.random.default_rng([seed, *dataset.encode()])
        bright = np.arange(count) % 2
        pixels = rng.integers(0, 60, (count, 8, 8, 3)) + 180 * bright[:, None, None, None]
        place = tmp_path / f"{dataset}.npy"
        np.save(place, pixels.astype(np.uint8))
        return sample_table.from_rows(
            {
                "id": f"{dataset}/{i}",
                "dataset": dataset,
                "uri": f"{place}#row={i}",
                "split": "train",
                "label": ("dark", "bright")[bright[i]] if labelled else None,
                "width": 8,
                "height": 8,
                "bytes": 100 + i,
                "licence": "MIT",
            }
            for i in range(count)
        )

    return make


@pytest.fixture(scope="session")
def mean_colour() -> Extractor:
    """An extractor whose features are the means of the three channels: enough to tell dark from bright."""
    return Extractor(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()))


@pytest.fixture
def tiny_scenario(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a scenario of 48 server images and three clients, which `load_scenario` knows during the test."""
    monkeypatch.setitem(scenarios.SCENARIOS, "tiny", _tiny_scenario)
    return "tiny"


def _tiny_scenario(seed: int) -> Scenario:
    """Two domains of three classes with eight images each; a client of each domain, and one of a third."""
    sources, clients = [], []
    for domain in ("glyphs", "textures", "photos"):
        classes = domains.class_names(domain)
        if domain != "photos":
            sources.append(Source(domains.sample_table(domain, classes[:3], 8, "train", size=16), 2, domain))
        pool = domains.sample_table(domain, classes[-2:], 12, "test", size=16)
        train, test = few_per_class(pool, (6, 6), domain, seed)
        clients.append(Client(domain, train, test, None if domain == "photos" else domain))
    return Scenario("tiny", 16, tuple(sources), tuple(clients))


@pytest.fixture
def no_training(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """A function; once it is called, training an expert or a client's network is an error."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("nothing was to be trained")

    def start() -> None:
        monkeypatch.setattr(experts, "fit", refuse)
        monkeypatch.setattr(downstream, "fit", refuse)

    return start


@pytest.fixture
def server(tmp_path, colours, mean_colour, tiny) -> Index:
    """Two datasets of 12 and 20 images, clusters of 6, 6 and 20."""
    index = Index.create(tmp_path / "server")
    index.add(colours("first"), 2, mean_colour, tiny(1), size=8)
    index.add(colours("second", 20), 1, mean_colour, tiny(1), size=8)
    return index


@pytest.fixture(scope="module")
def _module_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def drawn_once(_module_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One cache for all tests of a module that ask for it, so that pictures are drawn once."""
    monkeypatch.setenv("NDSLIB_CACHE", str(_module_cache))
