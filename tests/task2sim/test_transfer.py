"""Task2Sim beside its baselines: the settings that methods choose, and the tidy rows of tables and figures."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ndslib.core import paths
from ndslib.core.training import fit
from ndslib.data import loaders
from ndslib.data.labelled import few_per_class, only
from ndslib.sim.parameters import Parameter
from ndslib.task2sim import evaluation, pretraining, real_images, tasks, transfer
from ndslib.task2sim.evaluation import Job
from ndslib.task2sim.experiments import Settings
from ndslib.task2sim.rewards import RewardTable
from ndslib.task2sim.tasks import TaskSource
from ndslib.task2sim.transfer import (
    OPTIMUM,
    RANDOM,
    RANDOMISED,
    REAL,
    SCRATCH,
    SINGLE,
    TASK2SIM,
    accuracies,
    baseline_settings,
    compare,
    successive_variations,
    sweep,
)

SMALL = Settings(
    "digits", 16, 4, 6, 2, 2, 2, steps=2, batch_size=4, width=2, large_classes=3, large_images_per_class=4,
    fine_tuning_steps=2, free=("background", "light_color"),
)  # fmt: skip


def digits(*chosen: str) -> pa.Table:
    return only(loaders.sklearn_digits(paths.cache_root() / "digits"), chosen)


def source(seen: bool, *chosen: str) -> TaskSource:
    def tables(counts: tuple[int, int], seed: int, size: int, workers: int | None) -> list[pa.Table]:
        return few_per_class(digits(*chosen), counts, "test", seed)

    return TaskSource("-".join(chosen), "symbolic", seen, tables)


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Three tasks of two digits each, the last one unseen, and real images of two other digits."""
    group = (source(True, "0", "1"), source(True, "2", "3"), source(False, "4", "5"))
    monkeypatch.setitem(tasks.GROUPS, "digits", group)
    monkeypatch.setitem(
        real_images.TABLES,
        "digits",
        lambda wanted, workers: digits("8", "9").slice(0, wanted.classes * wanted.images_per_class),
    )
    yield SMALL
    Settings.load.cache_clear()


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """All jobs that are asked for. Nothing is trained: task p of job j of a request has the accuracy 10 j + p."""
    made: list[Job] = []

    def scores(asked: list[Job], workers: int, engine: str, description: str) -> list[list[float]]:
        made.extend(asked)
        return [[10.0 * number + place for place in range(len(job.tasks))] for number, job in enumerate(asked)]

    monkeypatch.setattr(evaluation, "scores", scores)
    return made


def table() -> RewardTable:
    """Three tasks and two parameters of 2 and 3 levels; the last task likes what no other likes."""
    values = [[[1, 2, 3], [8, 7, 4]], [[1, 2, 3], [4, 8, 5]], [[50, 1, 1], [1, 1, 1]]]
    return RewardTable(("a", "b", "c"), (Parameter("light", 2), Parameter("blur", 3)), np.array(values, np.float64))


def test_baselines_by_hand():
    chosen = baseline_settings(table(), [True, True, False], seed=0)
    assert list(chosen) == [RANDOM, RANDOMISED, SINGLE, OPTIMUM]
    assert chosen[RANDOMISED].tolist() == [[1, 2]] * 3
    assert chosen[SINGLE].tolist() == [[1, 1]] * 3, "of all three tasks it would be [0, 0]"
    assert chosen[OPTIMUM].tolist() == [[1, 0], [1, 1], [0, 0]]
    assert baseline_settings(table(), [False, False, True], seed=0)[SINGLE].tolist() == [[0, 0]] * 3
    assert baseline_settings(table(), [True, False, False], seed=0)[SINGLE].tolist() == [[1, 0]] * 3
    assert all(each.dtype == np.int64 and each.shape == (3, 2) for each in chosen.values())


def test_random_draws_a_setting_a_task_by_the_seed_and_every_level_alike():
    drawn = [baseline_settings(table(), [True] * 3, seed)[RANDOM] for seed in (0, 0, *range(1, 200))]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    every = np.concatenate(drawn)
    assert any(len(set(map(tuple, each.tolist()))) > 1 for each in drawn), "tasks get settings of their own"
    for column, levels in ((0, 2), (1, 3)):
        counts = np.bincount(every[:, column])
        assert len(counts) == levels
        assert counts.min() > 0.8 * len(every) / levels


def test_table_1_adds_variations_one_after_another(settings, jobs):
    rows = successive_variations(replace(settings, task_names=["4-5", "0-1"]))
    assert list(rows["method"].unique()) == ["Pose", "+Lighting", "+Blur", "+Materials", "+Background"]
    assert [job.source.setting for job in jobs] == [
        # rotation, distance, intensity, color, direction, blur, background, materials
        (1, 1, 0, 0, 0, 0, 0, 0),
        (1, 1, 1, 1, 1, 0, 0, 0),
        (1, 1, 1, 1, 1, 1, 0, 0),
        (1, 1, 1, 1, 1, 1, 0, 1),
        (1, 1, 1, 1, 1, 1, 1, 1),
    ]
    assert set(rows["experiment"]) == {"t2s-t1"}
    assert set(rows["metric"]) == {job.evaluation for job in jobs} == {"Linear Probing"}
    assert rows["task"].tolist() == ["0-1", "4-5"] * 5
    assert rows["group"].tolist() == ["seen", "unseen"] * 5


CHOSEN = {TASK2SIM: np.array([[0, 1], [1, 1], [0, 0]]), RANDOMISED: np.array([[1, 1]] * 3)}


def test_every_backbone_is_one_job_and_its_accuracy_goes_to_all_who_share_it(settings, jobs):
    loaded, rewards = settings.load(), settings.rewards
    sources = {name: [rewards.data(setting) for setting in each.tolist()] for name, each in CHOSEN.items()}
    rows = accuracies(sources, loaded, "5NN", settings).set_index(["method", "task"])["value"]
    assert [len(job.tasks) for job in jobs] == [1, 3, 1]
    assert rows[TASK2SIM].to_dict() == {"0-1": 0, "2-3": 10, "4-5": 20}
    assert rows[RANDOMISED].to_dict() == {"0-1": 11, "2-3": 10, "4-5": 12}
    assert all(job.config is None for job in jobs)


def test_all_methods_are_compared_on_all_tasks(settings, jobs):
    rows = compare(settings, CHOSEN, ["5NN", "Finetuning"])
    for metric, methods in (("5NN", {REAL, *CHOSEN}), ("Finetuning", {SCRATCH, REAL, *CHOSEN})):
        part = rows[rows["metric"] == metric]
        assert set(part["method"]) == methods
        assert (part.groupby("method").size() == 3).all()
    assert dict(zip(rows["task"], rows["group"], strict=True)) == {"0-1": "seen", "2-3": "seen", "4-5": "unseen"}
    assert set(rows["experiment"]) == {"transfer"}
    assert set(rows["data"]) == {"small"}
    assert {job.config for job in jobs if job.evaluation == "Finetuning"} == {settings.fine_tuning}
    assert not rows.duplicated(["method", "task", "metric"]).any()


def test_the_large_sets_have_their_own_sizes_and_as_many_epochs(settings, jobs):
    rows = compare(settings, CHOSEN, ["Linear Probing"], data="large")
    assert set(rows["data"]) == {"large"}
    for job in jobs:
        wanted = job.source.pretraining
        assert (wanted.classes, wanted.images_per_class, wanted.train.steps) == (3, 4, 6)


@pytest.mark.parametrize(
    ("figure", "values", "sizes"),
    [
        ("t2s-f6", (2, 3), [(2, 2, 2, 2), (3, 2, 2, 3)]),
        ("t2s-f7", (1, 2, 4), [(2, 1, 1, 1), (2, 2, 2, 2), (2, 4, 4, 4)]),
        ("t2s-f8", (2, 8), [(2, 2, 2, 2), (2, 8, 2, 8)]),
    ],
)
def test_a_sweep_grows_the_data_and_the_steps(settings, jobs, monkeypatch, figure, values, sizes):
    asked = []
    real = Settings.sized

    def spy(self: Settings, **changes: int) -> Settings:
        sized = real(self, **changes)
        asked.append((sized.classes, sized.images_per_class, sized.meshes_per_class, sized.steps))
        return sized

    monkeypatch.setattr(Settings, "sized", spy)
    rows = sweep(figure, values, settings, CHOSEN, "5NN")
    assert asked == sizes, "classes, images, meshes, steps"
    assert set(rows["experiment"]) == {figure}
    assert set(rows["task"]) == {"0-1", "2-3"}, "the seen ones"
    assert set(rows["method"]) == set(CHOSEN) | ({REAL} if figure != "t2s-f7" else set())
    assert rows.groupby(["step", "method"]).size().eq(2).all()
    steps = [2 * value for value in values] if figure == "t2s-f8" else list(values)
    assert sorted(rows["step"].unique()) == steps, "classes, meshes of a class, or all images"
    assert len({job.source.key for job in jobs if hasattr(job.source, "setting")}) == 2 * len(values)


def test_real_images_stand_where_they_grow_like_the_others(settings, jobs, monkeypatch):
    few = digits("8", "9").slice(0, 8)
    monkeypatch.setitem(
        real_images.TABLES, "digits", lambda wanted, workers: few.slice(0, wanted.classes * wanted.images_per_class)
    )
    assert sizes_with_real(sweep("t2s-f8", (2, 4, 8), settings, CHOSEN, "5NN")) == {4, 8}, "there are no 16"
    monkeypatch.setattr(transfer, "FIXED_CLASSES", ("digits",))
    assert sizes_with_real(sweep("t2s-f6", (2, 3), settings, CHOSEN, "5NN")) == set()
    assert sizes_with_real(sweep("t2s-f8", (2,), settings, CHOSEN, "5NN")) == {4}, "images can grow all the same"


def sizes_with_real(rows: pd.DataFrame) -> set[int]:
    return set(rows.loc[rows["method"] == REAL, "step"])


def test_few_real_images_are_compared_all_the_same(settings, jobs, monkeypatch):
    monkeypatch.setitem(real_images.TABLES, "digits", lambda wanted, workers: digits("8", "9").slice(0, 3))
    assert REAL in set(compare(settings, CHOSEN, ["5NN"])["method"])


def test_few_meshes_leave_at_least_one_image(settings, jobs):
    sweep("t2s-f7", (1,), Settings(**{**vars(settings), "meshes_per_class": 8}), CHOSEN, "5NN")
    assert {job.source.pretraining.images_per_class for job in jobs} == {1}


def test_end_to_end_every_backbone_is_trained_once(settings, monkeypatch):
    begun = []

    def counting(*arguments: object, identity: str) -> list[float]:
        begun.append(identity)
        return fit(*arguments, identity=identity)

    monkeypatch.setattr(pretraining, "fit", counting)
    evaluations = ["5NN", "Linear Probing", "Finetuning"]
    rows = compare(settings, CHOSEN, evaluations)
    assert len(begun) == len(set(begun)) == 4, "three settings and the real images"
    assert rows["value"].between(0, 100).all()
    assert len(rows) == 3 * (3 + 3 + 4)
    pd.testing.assert_frame_equal(compare(settings, CHOSEN, evaluations), rows)
    assert len(begun) == 4
