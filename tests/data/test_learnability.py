"""How well the classes of a table are learnt: what is easy is learnt, what is noise is not, and a seed repeats."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from ndslib.core.errors import InputError
from ndslib.data import sample_table
from ndslib.data.worlds.learnability import measure, predicted, trained


@pytest.fixture
def table_of(tmp_path: Path):
    """A function that makes a sample table of given pictures uint8 [N, 8, 8, 3]."""

    def make(images: np.ndarray, labels: list[str | None], split: str) -> pa.Table:
        path = tmp_path / f"{split}.npy"
        np.save(path, images)
        common = {"dataset": "d", "split": split, "width": 8, "height": 8, "bytes": 192}
        return sample_table.from_rows(
            common | {"id": f"d/{split}/{row}", "uri": f"{path}#row={row}", "label": label}
            for row, label in enumerate(labels)
        )

    return make


def noise(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 8, 8, 3), np.uint8)


def bright_and_dark(count: int, seed: int) -> np.ndarray:
    return noise(count, seed) // 2 + 120 * (np.arange(count) % 2).astype(np.uint8)[:, None, None, None]


def test_what_is_trivial_is_learnt_by_both(table_of) -> None:
    train, test = (
        table_of(bright_and_dark(40, seed), ["dark", "bright"] * 20, split)
        for seed, split in enumerate(("train", "test"))
    )
    assert measure(train, test, 8, steps=20) == (0.5, 1.0, 1.0)


def test_noise_is_learnt_by_neither(table_of) -> None:
    train, test = (
        table_of(noise(90, seed), ["a", "b", "b"] * 30, split) for seed, split in enumerate(("train", "test"))
    )
    found = measure(train, test, 8, steps=20)
    assert found.chance == pytest.approx(2 / 3)
    assert found.linear < 0.85
    assert found.cnn < 0.85


def test_a_seed_repeats_the_network_and_another_gives_another() -> None:
    images, targets = torch.tensor(noise(12, 0)).permute(0, 3, 1, 2), torch.arange(12) % 3
    weights = [trained(images, targets, 3, steps=2, seed=seed)[0].weight for seed in (0, 0, 1)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


@pytest.mark.parametrize("size", [8, 19])
def test_a_network_names_one_class_for_each_picture(size: int) -> None:
    images = torch.zeros(5, 3, size, size, dtype=torch.uint8)
    classes = predicted(trained(images, torch.arange(5), 5, steps=1), images)
    assert classes.shape == (5,)
    assert classes.dtype == torch.int64


def test_tables_without_common_classes_or_labels_are_refused(table_of) -> None:
    ab = table_of(noise(2, 0), ["a", "b"], "train")
    for labels in (["a", "c"], ["a", "a"]):
        with pytest.raises(InputError, match="need the same, at least two"):
            measure(ab, table_of(noise(2, 0), labels, "test"), 8, 1)
    with pytest.raises(InputError, match="at least two"):
        measure(table_of(noise(2, 0), ["a", "a"], "train"), table_of(noise(2, 0), ["a", "a"], "test"), 8, 1)
    with pytest.raises(InputError, match="row 1 has no label"):
        measure(table_of(noise(2, 0), ["a", None], "train"), ab, 8, 1)
