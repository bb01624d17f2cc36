"""The authors' measurements: read in the released form, trained on, and validated with tasks left out."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ndslib.core.errors import InputError
from ndslib.task2sim import Policy, PolicyConfig, RewardTable, authors
from ndslib.task2sim.methods import IMPROVED, NEAREST, OPTIMUM, RANDOM, RANDOMISED, SINGLE, TASK2SIM
from ndslib.task2sim.validation import by_task as means_by_task
from ndslib.task2sim.validation import gain, leave_tasks_out

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


@pytest.fixture
def five_tasks(released: RewardTable, tmp_path: Path) -> authors.Authors:
    """Enough tasks to leave three out."""
    values = np.random.default_rng(0).uniform(20, 24, (5, *released.values.shape[1:]))
    release(tmp_path / "task2sim", RewardTable(tuple("abcde"), released.parameters, values), np.eye(5, 7) + 0.1)
    return authors.load()


def test_left_out_tasks_have_a_mean_over_the_splits_that_left_them_out(five_tasks):
    rows = authors.on_left_out_tasks(five_tasks, splits=5, config=CONFIG)
    by_task = rows.pivot(index="task", columns="method", values="value")
    assert set(by_task) == {TASK2SIM, IMPROVED, RANDOM, RANDOMISED, SINGLE, NEAREST, OPTIMUM}
    assert set(by_task.index) == set("abcde"), "five splits hold every one out"
    assert not by_task.isna().any(axis=None)
    assert (by_task.le(by_task[OPTIMUM] + 1e-9, axis=0)).all(axis=None)
    of_improved = leave_tasks_out(five_tasks.seen, five_tasks.table, Policy.improved().fit, splits=5)
    pd.testing.assert_series_equal(
        by_task[IMPROVED], means_by_task(of_improved)[TASK2SIM].sort_index(), check_names=False
    )


def test_variants_are_compared_with_the_single_setting_and_the_papers_own(five_tasks):
    few = {"hidden": 8, "epochs": 3, "warmup": 1, "imitation_from": 1, "seed": 4}
    table = pd.DataFrame(authors.compare_variants(five_tasks, 5, **few)).set_index("variant")
    assert list(table.index) == list(authors.VARIANTS)
    rows = leave_tasks_out(five_tasks.seen, five_tasks.table, Policy(**few).fit, splits=5)
    found, own = gain(rows), table.loc[authors.PAPER]
    assert own["held_out"] == pytest.approx(means_by_task(rows)[TASK2SIM].mean())
    assert own[["over_single", "over_single_low", "over_single_high"]].tolist() == pytest.approx(
        [found.mean, found.low, found.high]
    )
    assert own[["over_paper", "over_paper_low", "over_paper_high"]].tolist() == [0, 0, 0]
    np.testing.assert_allclose(table["over_paper"], table["held_out"] - own["held_out"], atol=1e-9)
    assert (table["over_paper_low"] <= table["over_paper"]).all()
    assert (table["seen"] <= five_tasks.table.flat.max(axis=1).mean()).all()


def test_a_variant_trains_on_standardised_rewards_where_it_says_so(released, vectors):
    config = PolicyConfig(hidden=8, epochs=3, warmup=1)
    asked = [authors.Variant(config, standardised).fit(vectors, released) for standardised in (False, True)]
    for policy, table in zip(asked, (released, released.standardised()), strict=True):
        expected = Policy(config).fit(vectors, table)
        np.testing.assert_array_equal(policy.probabilities(vectors), expected.probabilities(vectors))
        assert policy.history.greedy == expected.history.greedy


def test_the_improved_policy_is_the_last_variant():
    assert list(authors.VARIANTS.values())[-1].config == Policy.improved().config
    assert authors.VARIANTS[authors.PAPER].config == Policy().config
