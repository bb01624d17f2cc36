"""The authors' measurements: read in the released form, trained on, and validated with tasks left out."""

from pathlib import Path

import numpy as np
import pytest

from ndslib.core.errors import InputError
from ndslib.task2sim import PolicyConfig, RewardTable, authors
from ndslib.task2sim.methods import IMPROVED, NEAREST, OPTIMUM, RANDOM, RANDOMISED, SINGLE, TASK2SIM

CONFIG = PolicyConfig(hidden=16, epochs=40, warmup=2, lr=0.01, imitation_from=2)


@pytest.fixture
def released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: RewardTable, vectors: np.ndarray) -> RewardTable:
    """The two files in the authors' form: vectors by name in an order of their own, one task without rewards."""
    monkeypatch.setenv("NDSLIB_DATA", str(tmp_path))
    release(tmp_path / "task2sim", table, vectors)
    return table


def release(folder: Path, table: RewardTable, vectors: np.ndarray) -> None:
    table.to_csv(folder / "rewards_seen.csv")
    named = dict(zip(table.tasks, vectors, strict=True))
    np.savez(folder / "task2vec_resnet18.npz", new=vectors[0] + vectors[1], **dict(reversed(named.items())))


def test_vectors_come_in_the_order_of_the_table(released, vectors):
    found = authors.load()
    assert found.names == (*released.tasks, "new")
    np.testing.assert_allclose(found.seen, vectors)
    np.testing.assert_allclose(found.vectors[-1], vectors[0] + vectors[1])
    np.testing.assert_allclose(found.table.values, released.values)


def test_without_the_files_there_is_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("NDSLIB_DATA", str(tmp_path))
    assert authors.load() is None


def test_a_damaged_table_is_refused(released, tmp_path):
    path = tmp_path / "task2sim" / "rewards_seen.csv"
    path.write_text("\n".join(path.read_text().splitlines()[:-1]))
    with pytest.raises(InputError, match=r"rewards_seen.csv: 1 settings are missing"):
        authors.load()


def test_on_the_seen_tasks_every_method_lies_between_the_mean_and_the_best(released):
    rows = authors.on_seen_tasks(authors.load(), CONFIG)
    by_task = rows.pivot(index="task", columns="method", values="value").loc[list(released.tasks)]
    assert set(by_task) == {TASK2SIM, IMPROVED, RANDOM, RANDOMISED, SINGLE, OPTIMUM}
    np.testing.assert_allclose(by_task[OPTIMUM], released.flat.max(axis=1))
    np.testing.assert_allclose(by_task[RANDOM], released.flat.mean(axis=1))
    np.testing.assert_allclose(by_task[RANDOMISED], released.flat[:, -1])
    assert (by_task.le(by_task[OPTIMUM] + 1e-9, axis=0)).all(axis=None)
    assert by_task[SINGLE].mean() == pytest.approx(released.flat.mean(axis=0).max())
    assert by_task[TASK2SIM].mean() > by_task[RANDOM].mean()
    assert set(rows["experiment"]) == {"authors' rewards"}


def test_left_out_tasks_have_a_mean_over_the_splits_that_left_them_out(released, vectors, tmp_path):
    names = tuple("abcde")
    values = np.random.default_rng(0).uniform(20, 24, (5, *released.values.shape[1:]))
    release(tmp_path / "task2sim", RewardTable(names, released.parameters, values), np.eye(5, 7) + 0.1)
    rows = authors.on_left_out_tasks(authors.load(), splits=5, config=CONFIG)
    by_task = rows.pivot(index="task", columns="method", values="value")
    assert set(by_task) == {TASK2SIM, IMPROVED, RANDOM, RANDOMISED, SINGLE, NEAREST, OPTIMUM}
    assert set(by_task.index) == set(names), "five splits hold every one out"
    assert not by_task.isna().any(axis=None)
    assert (by_task.le(by_task[OPTIMUM] + 1e-9, axis=0)).all(axis=None)
