import json
import math

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from ndslib.core import paths, records
from ndslib.core.errors import InputError
from ndslib.core.records import RunRecord, collect, load


@pytest.fixture(autouse=True)
def _no_places(monkeypatch):
    monkeypatch.delenv("NDSLIB_RUN_DIR", raising=False)
    monkeypatch.delenv("PAPERMILL_OUTPUT_PATH", raising=False)


@pytest.fixture
def recorded(tmp_path, monkeypatch):
    """An open record in a folder of its own, as papermill runs have."""
    monkeypatch.setenv("NDSLIB_RUN_DIR", str(tmp_path / "run"))
    return RunRecord.start("nds/03_transfer", {"PRESET": "laptop", "SEED": 3})


def finished(monkeypatch, name, parameters, value=1.0):
    monkeypatch.setenv("NDSLIB_RUN_DIR", str(paths.runs_root() / name))
    with RunRecord.start("nds/03_transfer", parameters) as record:
        record.add("transfer", "nds", "top1", value)
    return record


def test_keeps_only_upper_case_json_of_the_parameters(recorded):
    given = {"PRESET": "smoke", "SEED": 1, "K": 4, "RATES": (0.1, 0.2), "NAME": None, "DEEP": {"a": [True]}}
    noise = {"lower": 1, "Mixed": 2, "_X": 3, "PATH_LIKE": paths.repo_root(), "PAPERMILL_OUTPUT_PATH": "", "CLS": int}
    record = RunRecord.start("nds/03_transfer", given | noise)
    assert record.parameters == given | {"RATES": [0.1, 0.2]}


def test_a_parameter_that_is_not_finite_is_refused():
    with pytest.raises(InputError, match="TEMPERATURE = inf"):
        RunRecord.start("nds/01", {"TEMPERATURE": math.inf})


@pytest.mark.parametrize("name", ["", "../x", "/nds/01", "nds//01", "nds/01.ipynb"])
def test_a_bad_notebook_name_is_refused(name):
    with pytest.raises(InputError, match="chapter"):
        RunRecord.start(name, {})


def test_the_run_directory(monkeypatch, tmp_path):
    assert RunRecord.start("nds/01_x", {}).directory.parent == paths.runs_root() / "nds/01_x/interactive"
    injected = {"PAPERMILL_OUTPUT_PATH": str(tmp_path / "in.ipynb")}
    assert RunRecord.start("nds/01_x", injected).directory == tmp_path / "in_record"
    monkeypatch.setenv("PAPERMILL_OUTPUT_PATH", str(tmp_path / "out.v1.ipynb"))
    assert RunRecord.start("nds/01_x", injected).directory == tmp_path / "out.v1_record"
    monkeypatch.setenv("NDSLIB_RUN_DIR", str(tmp_path / "mine"))
    assert RunRecord.start("nds/01_x", injected).directory == tmp_path / "mine"


def test_interactive_runs_have_a_folder_for_each_setting():
    def name(**parameters):
        return RunRecord.start("nds/01_x", parameters).directory.name

    assert name(PRESET="laptop", SEED=1) == name(SEED=1, PRESET="laptop", noise=2)
    names = [name(PRESET="laptop", SEED=1), name(PRESET="laptop", SEED=2), name(PRESET="smoke", SEED=1), name(SEED=1)]
    assert len(set(names)) == 4
    assert [each.rpartition("-")[0] for each in names] == ["laptop", "laptop", "smoke", "run"]
    assert name(PRESET="../../x").startswith("run-")


def test_an_interactive_run_is_kept_but_never_collected(monkeypatch):
    with RunRecord.start("nds/03_transfer", {"PRESET": "laptop", "SEED": 1}) as record:
        record.add("e", "a", "m", 1)
    assert load(record.directory)[0].value.tolist() == [1]
    assert records.finished("nds/03_transfer", "laptop") == []
    recorded = finished(monkeypatch, "nds/03_transfer/laptop-0", {"PRESET": "laptop", "SEED": 1}, value=2)
    assert [folder for folder, _ in records.finished("nds/03_transfer", "laptop")] == [recorded.directory]
    assert collect("nds/03_transfer", "laptop").value.tolist() == [2]


def test_round_trip(recorded):
    recorded.add("transfer", "nds", "top1", np.float32(0.5), client="pets", budget=np.int64(20))
    recorded.add("transfer", "uniform", "top1", 0.25, seed=9, step=100)
    directory = recorded.finish()
    rows, run = load(directory)
    assert list(rows.columns) == [*records.COLUMNS, "client", "budget"]
    assert rows.seed.tolist() == [3, 9]
    assert rows.step.isna().tolist() == [True, False]
    assert rows.value.tolist() == [0.5, 0.25]
    assert rows.client[0] == "pets"
    assert run["parameters"] == {"PRESET": "laptop", "SEED": 3}
    assert (run["notebook"], run["preset"], run["seed"]) == ("nds/03_transfer", "laptop", 3)
    needed = {"git_commit", "git_dirty", "packages", "python", "platform", "device", "cpu_count", "torch_threads"}
    assert needed | {"seconds", "peak_memory_mb", "finished"} <= set(run)
    assert sorted(path.name for path in directory.iterdir()) == ["results.parquet", "run.json"]


def test_a_record_without_rows_keeps_its_columns(recorded):
    rows, _ = load(recorded.finish())
    assert list(rows.columns) == list(records.COLUMNS)
    assert rows.empty


def test_add_rows_fills_absent_seed_and_step(recorded):
    frame = pd.DataFrame(
        {
            "experiment": "e",
            "method": ["a", "b"],
            "metric": "m",
            "value": [1, 2],
            "step": [5, None],
            "client": ["x", None],
        }
    )
    recorded.add_rows(frame)
    rows = recorded.rows()
    assert rows.seed.tolist() == [3, 3]
    assert rows.step.tolist() == [5, pd.NA]
    assert rows.client.isna().tolist() == [False, True]


def test_add_rows_refuses_missing_columns_and_values(recorded):
    with pytest.raises(InputError, match="lack the columns method, value"):
        recorded.add_rows(pd.DataFrame({"experiment": ["e"], "metric": ["m"]}))
    with pytest.raises(InputError, match="nan"):
        recorded.add_rows(pd.DataFrame({"experiment": ["e"], "method": ["a"], "metric": ["m"], "value": [np.nan]}))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_non_finite_values_need_permission(recorded, value):
    with pytest.raises(InputError, match="allow_nan"):
        recorded.add("e", "a", "m", value)
    permissive = RunRecord.start("nds/03_transfer", {}, allow_nan=True)
    permissive.add("e", "a", "m", value)
    assert len(permissive.rows()) == 1


@pytest.mark.parametrize("value", ["high", None, [1, 2]])
def test_a_value_that_is_no_number_is_refused(recorded, value):
    with pytest.raises(InputError, match="not a number"):
        recorded.add("e", "a", "m", value)


def test_an_extra_column_must_be_plain(recorded):
    with pytest.raises(InputError, match="extra column scores"):
        recorded.add("e", "a", "m", 1, scores=[1, 2])


def test_a_repeated_row_is_refused_in_a_recorded_run(recorded):
    recorded.add("e", "a", "m", 1, client="x")
    recorded.add("e", "a", "m", 2, client="y")
    with pytest.raises(InputError, match="already recorded"):
        recorded.add("e", "a", "m", 2, client="x")


def test_a_repeated_row_replaces_in_an_interactive_session():
    record = RunRecord.start("nds/03_transfer", {"SEED": 1})
    record.add("e", "a", "m", 1)
    record.add("e", "a", "m", 2)
    assert record.rows().value.tolist() == [2]


def test_an_error_leaves_the_run_unfinished_even_over_an_older_one(monkeypatch):
    directory = finished(monkeypatch, "one", {"PRESET": "smoke"}).directory
    assert len(load(directory)[0]) == 1
    with pytest.raises(ZeroDivisionError), RunRecord.start("nds/03_transfer", {}) as record:
        record.add("e", "a", "m", 1 / 0)
    with pytest.raises(InputError, match=r"lacks run\.json"):
        load(directory)


def test_figure_saves_picture_and_numbers(recorded):
    figure, axes = plt.subplots()
    axes.plot([1, 2])
    data = pd.DataFrame({"x": [1, 2], "y": [0.5, 0.25]})
    picture = recorded.figure("nds-f4", figure, data)
    plt.close(figure)
    assert picture.read_bytes().startswith(b"\x89PNG")
    pd.testing.assert_frame_equal(pd.read_csv(picture.with_suffix(".csv")), data)
    with pytest.raises(InputError, match="ledger id"):
        recorded.figure("../x", figure, data)
    with pytest.raises(InputError, match="no data"):
        recorded.figure("nds-f4", figure, data.head(0))


def test_collect_joins_seeds_and_shows_differing_parameters(monkeypatch):
    for seed in (11, 2):
        finished(monkeypatch, f"a{seed}", {"PRESET": "laptop", "SEED": seed, "K": 4, "BUDGETS": [1, 2]}, value=seed)
    finished(monkeypatch, "b", {"PRESET": "laptop", "SEED": 2, "K": 8, "BUDGETS": [1]}, value=0)
    finished(monkeypatch, "other", {"PRESET": "smoke", "SEED": 2, "K": 8})
    rows = collect("nds/03_transfer", "laptop")
    assert rows.seed.tolist() == [2, 2, 11]
    assert sorted(zip(rows.K, rows.BUDGETS, rows.value, strict=True)) == [
        (4, "[1, 2]", 2),
        (4, "[1, 2]", 11),
        (8, "[1]", 0),
    ]
    assert not {"SEED", "PRESET"} & set(rows.columns)


def test_collect_counts_a_repeated_run_once_and_takes_the_latest(monkeypatch):
    for name, value, day in (("x", 1, "02"), ("y", 2, "01")):
        record = finished(monkeypatch, name, {"PRESET": "laptop", "SEED": 1}, value=value)
        path = record.directory / "run.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"finished": f"2026-01-{day}T00:00:00+00:00"}))
    assert collect("nds/03_transfer", "laptop").value.tolist() == [1]


def test_collect_of_nothing_is_an_empty_frame():
    rows = collect("nds/03_transfer", "paper")
    assert rows.empty
    assert list(rows.columns) == list(records.COLUMNS)
