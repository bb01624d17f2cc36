"""FASTADAPT with K = 10 experts on JPEG files, against the naive pass: each expert with a data loader of its own.

Both run in one process on one thread, in turns, and every round of ours starts without decoded images. The ratio of
their fastest rounds is stored as `speedup`.
"""

import os
import shutil
import timeit
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from ndslib.core import paths
from ndslib.core.models import ResNet18
from ndslib.data import images, sample_table
from ndslib.nds.client import fast_adapt, rotation_accuracy

FILES, EXPERTS, SIDE = 300, 10, 32


class JpegFolder(Dataset):
    """The files of a folder, decoded whenever they are asked for; geometry as in `images`, so that scores can agree."""

    def __init__(self, folder: Path) -> None:
        self.files = sorted(folder.glob("*.jpg"))

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, number: int) -> torch.Tensor:
        with Image.open(self.files[number]) as image:
            return torch.tensor(images.to_square(image.convert("RGB"), SIDE))


def naive(experts: list[ResNet18], folder: Path) -> np.ndarray:
    scores = []
    for expert in experts:
        correct, loader = 0, DataLoader(JpegFolder(folder), batch_size=64)
        for batch in loader:
            correct += rotation_accuracy(expert, batch) * len(batch)
        scores.append(correct / FILES)
    return np.array(scores)


def write_photographs(folder: Path) -> None:
    """640 x 480 JPEGs with smooth regions, edges and grain, of some 150 kB as COCO's photographs are in the mean."""
    rng = np.random.default_rng(0)
    for number in range(FILES):
        coarse = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize((640, 480), Image.BICUBIC)
        pixels = np.asarray(coarse, np.int16) + rng.integers(-12, 13, (480, 640, 1), dtype=np.int16)
        x, y = rng.integers(0, 400), rng.integers(0, 300)
        pixels[y : y + 150, x : x + 200] += 60
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"{number:03d}.jpg", quality=95)


@pytest.fixture
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_fast_adapt_against_a_loader_an_expert(benchmark, tmp_path, one_thread):
    write_photographs(tmp_path)
    torch.manual_seed(0)
    experts = [ResNet18(4, 8).eval() for _ in range(EXPERTS)]
    files = sorted(tmp_path.glob("*.jpg"))
    about = {"dataset": "client", "split": "train", "width": 640, "height": 480}
    table = sample_table.from_rows(
        {"id": f"client/{file.name}", "uri": str(file), "bytes": os.path.getsize(file), **about} for file in files
    )

    def cold() -> None:
        shutil.rmtree(paths.cache_root() / "decoded", ignore_errors=True)

    def ours() -> np.ndarray:
        return fast_adapt(experts, images.decode(table, SIDE, workers=1).pixels)

    scores = benchmark.pedantic(ours, setup=cold, rounds=3, warmup_rounds=1)
    expected: list[np.ndarray] = []
    seconds = min(timeit.repeat(lambda: expected.append(naive(experts, tmp_path)), number=1, repeat=2))

    np.testing.assert_allclose(scores, expected[0], rtol=0, atol=1e-12)
    benchmark.extra_info["naive_seconds"] = seconds
    benchmark.extra_info["speedup"] = seconds / benchmark.stats.stats.min
    print(f"\nK = {EXPERTS}, {FILES} files: {benchmark.extra_info['speedup']:.1f} times as fast as a loader an expert")
