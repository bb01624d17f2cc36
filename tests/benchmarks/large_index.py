"""An index of any number of samples, made up, to measure the service with:

    python tests/benchmarks/large_index.py PLACE ROWS

Rows are numbered addresses with sizes; experts are small networks with random weights; there are no pictures.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from safetensors.numpy import save_file

from ndslib.core.files import sha256_file, write_json
from ndslib.core.models import ResNet18
from ndslib.data.sample_table import SCHEMA
from ndslib.nds import store
from ndslib.nds.experts import FORMAT, save_expert
from ndslib.nds.index import Index

CLUSTERS = 50  # as the paper's Open Images (NDS section 4.1)
LICENCES = ("CC-BY-2.0", "CC-BY-NC-2.0", "CC-BY-SA-2.0")
NAME = "made_up"


def make(place: Path, rows: int) -> Index:
    """An index of `rows` samples in 50 clusters of unequal sizes, each of three licences."""
    rng = np.random.default_rng(0)
    sizes = rng.multinomial(rows, rng.dirichlet(np.full(CLUSTERS, 5.0)))
    cell_sizes = np.concatenate([rng.multinomial(size, [0.6, 0.3, 0.1]) for size in sizes])
    row_bytes = rng.integers(100_000, 600_000, rows)
    index = Index.create(place, f"{rows:,} made-up samples")
    folder = place / "datasets" / NAME
    folder.mkdir(parents=True)
    np.save(folder / "bytes.npy", row_bytes)
    store.write(_batches(cell_sizes, row_bytes), folder / "samples.sqlite")
    save_file({"centroids": np.zeros((CLUSTERS, 1), np.float32)}, folder / "gating.safetensors")
    ends = np.cumsum(cell_sizes)
    cell_bytes = np.add.reduceat(row_bytes, ends - cell_sizes)
    cells = [
        {"cluster": n // 3, "labels": "boxes", "licence": LICENCES[n % 3], "images": int(size), "bytes": int(total)}
        for n, (size, total) in enumerate(zip(cell_sizes, cell_bytes, strict=True))
    ]
    about = {"name": NAME, "title": "Made-up samples", "licence": ", ".join(LICENCES), "link": None, "base_url": None}
    about |= {"position": 0, "gating": "unsupervised", "task": "rotation", "size": 32, "extractor": "", "seed": 0}
    about |= {"train": {}, "corrupt": [], "thumbnails": [0] * CLUSTERS, "experts": _experts(folder / "experts")}
    about |= {"cluster_sizes": sizes.tolist(), "cluster_bytes": cell_bytes.reshape(-1, 3).sum(1).tolist()}
    write_json(folder / "dataset.json", about | {"cells": cells})
    return Index.open(index.place)


def _batches(cell_sizes: np.ndarray, row_bytes: np.ndarray) -> Iterator[pa.RecordBatch]:
    """The rows, a batch at a time: memory does not grow with their number."""
    ends = np.cumsum(cell_sizes)
    for start in range(0, len(row_bytes), store.BATCH):
        numbers = np.arange(start, min(start + store.BATCH, len(row_bytes)))
        name = pc.utf8_lpad(pa.array(numbers).cast(pa.string()), 12, "0")
        licence = np.array(LICENCES)[np.searchsorted(ends, numbers, side="right") % 3]
        constants = {"dataset": NAME, "split": "train", "label": None, "annotation": None, "width": 1024, "height": 768}
        columns = {key: pa.array([value] * len(numbers), SCHEMA.field(key).type) for key, value in constants.items()}
        columns["id"] = pc.binary_join_element_wise(NAME, "train", name, "/")
        columns["uri"] = pc.binary_join_element_wise("https://example.org/photographs", name, "original.jpg", "/")
        columns["bytes"] = pa.array(row_bytes[numbers])
        columns["licence"] = pa.array(licence)
        yield pa.RecordBatch.from_arrays([columns[field.name] for field in SCHEMA], schema=SCHEMA)


def _experts(folder: Path) -> list[str]:
    """Rotation experts of random weights; their SHA-256."""
    folder.mkdir()
    hashes = []
    for number in range(CLUSTERS):
        torch.manual_seed(number)
        path = folder / f"{number:03d}.safetensors"
        save_expert(path, ResNet18(4, 2), {"format": FORMAT, "task": "rotation", "width": "2", "stem": "cifar"})
        hashes.append(sha256_file(path))
    return hashes


if __name__ == "__main__":
    print(make(Path(sys.argv[1]), int(sys.argv[2])).place)
