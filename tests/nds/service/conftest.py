"""An index as awkward as real ones, a service over it, and a client of that service."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
import pyarrow as pa
import pytest
from torch import nn

from ndslib.core.training import TrainConfig
from ndslib.data import sample_table
from ndslib.nds.experts import ExpertConfig
from ndslib.nds.extractor import Extractor
from ndslib.nds.index import Index
from ndslib.nds.service import running

ODD = "my data é"  # a name that addresses must quote


def _rows(folder: Path, dataset: str, count: int) -> Iterator[dict]:
    """Images of 8 x 8 pixels; of every five, one has boxes and one no label, of every three, one has no licence."""
    pixels = np.random.default_rng(count).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    np.save(folder / f"{dataset}.npy", pixels)
    for i in range(count):
        yield {
            "id": f'{dataset}/"{i}", ☃',
            "dataset": dataset,
            "uri": f"{folder / dataset}.npy#row={i}",
            "split": "train",
            "label": ("dark", "bright, or not")[i % 2] if i % 5 else None,
            "annotation": [{"bbox": [1.5, 2, 3, 4]}] if i % 5 == 1 else None,
            "width": 8,
            "height": 8,
            "bytes": 100 + i,
            "licence": "CC BY 4.0" if i % 3 else None,
        }


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    """Two datasets of 12 and 600 images; two clusters and one."""
    folder = tmp_path_factory.mktemp("service")
    extractor = Extractor(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()))
    config = ExpertConfig(TrainConfig(1, batch_size=8, lr=0.05), width=2)
    index = Index.create(folder / "index", "an index")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NDSLIB_CACHE", str(folder / "cache"))
        for name, count, k in (("first", 12, 2), (ODD, 600, 1)):
            table = sample_table.from_rows(_rows(folder, name, count))
            index.add(table, k, extractor, config, size=8, title=name.title(), link="https://example.org")
    return index


@pytest.fixture(scope="session")
def scores(index: Index) -> dict[str, float]:
    """A score for every expert."""
    return dict(zip(index.cluster_names, (0.4, 0.9, 0.6), strict=True))


@pytest.fixture(scope="session")
def client(index: Index) -> Iterator[httpx.Client]:
    """A client of the service, over the loopback network."""
    with running(index) as url, httpx.Client(base_url=url, timeout=20) as client:
        yield client


@pytest.fixture
def client_of(index: Index) -> Iterator[Callable[..., httpx.Client]]:
    """A function: a client of a service with options."""
    with contextlib.ExitStack() as stack:

        def start(**options: object) -> httpx.Client:
            url = stack.enter_context(running(index, **options))
            return stack.enter_context(httpx.Client(base_url=url, timeout=20))

        yield start


class HeldReads:
    """The reads of an index: the first one is served, all later ones wait until they are released."""

    def __init__(self, read: Callable) -> None:
        self.read, self.count, self._released = read, 0, threading.Event()

    def __call__(self, *arguments: object) -> pa.Table:
        self.count += 1
        if self.count > 1 and not self._released.wait(timeout=20):
            raise AssertionError("the reads were never released")
        return self.read(*arguments)

    def release(self) -> None:
        """Serve all reads from now on."""
        self._released.set()


@pytest.fixture
def held_reads(index: Index, monkeypatch: pytest.MonkeyPatch) -> HeldReads:
    """Lists stop after their first block until the reads are released."""
    reads = HeldReads(index.read)
    monkeypatch.setattr(index, "read", reads)
    return reads
