"""Reward tables: what is read, what is refused, and the places of rewards among settings."""

import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ndslib.core.errors import InputError
from ndslib.sim.parameters import PARAMETERS, Parameter
from ndslib.task2sim.rewards import RewardTable, every_setting

ROWS = """task,light,blur,accuracy
faces,0,0,10.5
faces,0,1,20
faces,0,2,30
faces,1,0,40
faces,1,1,50
faces,1,2,60
digits,1,2,6
digits,1,1,5
digits,1,0,4
digits,0,2,3
digits,0,1,2
digits,0,0,1
"""


@pytest.fixture
def read(tmp_path):
    """A function: the table of a CSV file's text."""

    def from_text(text):
        path = tmp_path / "rewards.csv"
        path.write_text(text)
        return RewardTable.from_csv(path)

    return from_text


def test_tasks_and_parameters_keep_the_order_of_the_file(read):
    table = read(ROWS)
    assert table.tasks == ("faces", "digits")
    assert table.parameters == (Parameter("light", 2), Parameter("blur", 3))
    assert table.values.dtype == np.float64
    assert table.values.tolist() == [[[10.5, 20, 30], [40, 50, 60]], [[1, 2, 3], [4, 5, 6]]]


def test_the_order_of_rows_says_nothing_about_settings(read):
    head, *rows = ROWS.splitlines()
    shuffled = read("\n".join([head, *reversed(rows)]))
    assert shuffled.tasks == ("digits", "faces")
    assert np.array_equal(shuffled.of(["faces", "digits"]).values, read(ROWS).values)


def test_every_setting_comes_once_the_last_level_changing_fastest(table):
    assert table.settings.dtype == np.int64
    assert table.settings.tolist()[:4] == [[0, 0, 0], [0, 0, 1], [0, 1, 0], [0, 1, 1]]
    assert len(np.unique(table.settings, axis=0)) == len(table.settings) == 2 * 3 * 2
    assert every_setting(PARAMETERS).shape == (256, 8)


def test_the_flat_table_is_in_the_order_of_the_settings(table):
    tasks = np.arange(3)[:, None].repeat(12, axis=1).ravel()
    assert np.array_equal(table(tasks, np.tile(table.settings, (3, 1))), table.flat.ravel())


def test_a_reward_stands_at_its_task_and_setting(table):
    rewards = table(np.array([0, 0, 1, 2]), np.array([[0, 2, 1], [1, 0, 0], [1, 0, 1], [1, 1, 1]]))
    assert rewards.tolist() == [39.0, 20.0, 35.0, 39.0]


tables = st.lists(st.integers(1, 4), min_size=2, max_size=4).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.floats(-1e6, 1e6))
)


@settings(deadline=None)
@given(values=tables)
def test_a_table_comes_back_from_its_file(tmp_path_factory, values):
    names = ("NA", "007", "a, b", 'a "b"', "Größe")
    parameters = tuple(Parameter(f"p{place}", levels) for place, levels in enumerate(values.shape[1:]))
    table = RewardTable(names[: len(values)], parameters, values)
    path = tmp_path_factory.mktemp("tables") / "rewards.csv"
    table.to_csv(path, reward="probe")
    back = RewardTable.from_csv(path)
    assert (back.tasks, back.parameters) == (table.tasks, table.parameters)
    np.testing.assert_allclose(back.values, values, rtol=1e-12)


def test_the_file_names_the_reward(table, tmp_path):
    table.to_csv(tmp_path / "new" / "rewards.csv", reward="accuracy_linear")
    first = (tmp_path / "new" / "rewards.csv").read_text().splitlines()[:2]
    assert first == ["task,light,blur,background,accuracy_linear", "digits,0,0,0,29.0"]


def without(line):
    return ROWS.replace(line, "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (without("digits,1,0,4\n"), r"1 settings are missing, first \[1, 0\] of 'digits'; measure"),
        (without("faces,1,1,50\n").replace("digits,0,0,1\n", ""), r"2 settings are missing, first \[1, 1\] of 'faces'"),
        (ROWS + "faces,0,1,20\n", r"\[0, 1\] of 'faces' is doubled \(2 rows\); keep one"),
        (ROWS + "faces,0,1,99\n" * 2, r"\[0, 1\] of 'faces' is doubled \(3 rows\)"),
        (ROWS + "leaves,0,0,1\n", r"5 settings are missing, first \[0, 1\] of 'leaves'"),
        (ROWS.replace("faces,1,1", "faces,1,0.5"), r"row 6: blur is 0.5; wanted a level, 0 to at most 11"),
        (ROWS.replace("faces,1,1", "faces,-1,1"), r"row 6: light is -1; wanted"),
        (ROWS.replace("faces,1,1", "faces,on,1"), r"row 6: light is on; wanted"),
        (ROWS.replace("faces,1,1", "faces,,1"), r"row 6: light is nan; wanted"),
        (ROWS.replace("faces,1,1", "faces,inf,1"), r"row 6: light is inf; wanted"),
        (ROWS.replace("faces,1,1", "faces,1000000000000,1"), r"row 6: light is 1000000000000; wanted"),
        (ROWS.replace("60", ""), r"row 7: accuracy is nan; wanted a finite number"),
        (ROWS.replace("60", "nan"), r"row 7: accuracy is nan; wanted a finite number"),
        (ROWS.replace("60", "inf"), r"row 7: accuracy is inf; wanted a finite number"),
        (ROWS.replace("60", "n/a"), r"row 7: accuracy is n/a; wanted a finite number"),
        (ROWS.replace("60", "60%"), r"row 7: accuracy is 60%; wanted a finite number"),
        (ROWS.replace("digits,1,1", ",1,1"), r"row 9: no task"),
        (ROWS.replace("task,", "name,"), r"wanted 'task', parameters, reward"),
        (ROWS.replace(",", ";"), r"wanted 'task', parameters, reward"),
        ("task,accuracy\nfaces,3\n", r"columns \['task', 'accuracy'\] and 1 rows; wanted"),
        ("task,light,accuracy\n", r"0 rows; wanted"),
        ("", "not a CSV file"),
        ("task,light,accuracy\nfaces,0,1\nfaces,1,2,3,4\n", "not a CSV file"),
        ("task,light,accuracy\n" + "faces,0,10,\nfaces,1,20,\n", r"row 2: "),  # a comma too many on every line
        (ROWS.replace("\nfaces,1,1,50", "\n\n\nfaces,1,x,50"), r"row 8: blur is x; wanted"),
        (ROWS.replace("\nfaces,1,2,60", "\n\nfaces,1,2,"), r"row 8: accuracy is nan"),
        (ROWS.replace("light,blur", "blur,blur"), r"the column 'blur' is doubled; keep one"),
        ("task,background,accuracy\nfaces,0,10\n", r"no row has background 1; measure"),
        ("task,background,accuracy\nfaces,1,10\ndigits,1,10\n", r"no row has background 0; measure"),
        (f"task{',a' * 64},accuracy\nfaces{',0' * 64},1\n", "'a' is doubled"),
        (f"task,{','.join(map(str, range(64)))},accuracy\nfaces{',0' * 64},1\n", "64 parameters, wanted at most 62"),
    ],
)
def test_a_file_that_is_no_complete_table_is_refused_by_name(read, text, message):
    with pytest.raises(InputError, match=rf"rewards\.csv.*{message}"):
        read(text)


def test_blank_lines_say_nothing(read):
    spaced = read(ROWS.replace("\nfaces", "\n\nfaces") + "\n\n")
    assert spaced.tasks == ("faces", "digits")
    assert np.array_equal(spaced.values, read(ROWS).values)


def test_as_many_parameters_as_numpy_has_axes(read):
    table = read(f"task,{','.join(map(str, range(62)))},accuracy\nfaces{',0' * 62},1.5\n")
    assert table(np.array([0]), np.zeros((1, 62), int)).tolist() == [1.5]


@pytest.mark.parametrize("suffix", ["gz", "bz2", "xz", "zip"])
def test_a_compressed_table_is_read_and_a_damaged_one_refused(table, tmp_path, suffix):
    path = tmp_path / f"rewards.csv.{suffix}"
    table.to_csv(path)
    np.testing.assert_allclose(RewardTable.from_csv(path).values, table.values)
    whole = path.read_bytes()
    broken = whole[: len(whole) // 2] + b"\0" * 20 + whole[len(whole) // 2 + 20 :]
    for damaged in (whole[: len(whole) // 2], broken, b"no archive at all", whole[:20] + b"\xff" * 20):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=rf"rewards\.csv\.{suffix}: "):
            RewardTable.from_csv(path)


def test_a_damaged_archive_is_refused(tmp_path):
    (tmp_path / "rewards.csv.tar").write_bytes(b"no archive at all")
    with pytest.raises(InputError, match=r"rewards\.csv\.tar: not a CSV file"):
        RewardTable.from_csv(tmp_path / "rewards.csv.tar")


def test_a_compression_that_cannot_be_undone_is_refused(table, tmp_path, monkeypatch):
    """pandas has a package of its own do it, which may be absent."""
    monkeypatch.setitem(sys.modules, "zstandard", None)
    path = tmp_path / "rewards.csv.zst"
    path.write_bytes(b"\x28\xb5\x2f\xfd")
    with pytest.raises(InputError, match=r"rewards\.csv\.zst: not a CSV file of rewards \(.*zstandard"):
        RewardTable.from_csv(path)


def test_a_column_that_is_no_parameter_costs_no_memory(read):
    """Six columns of large whole numbers would ask for 10**24 places."""
    names = ",".join(f"seconds{number}" for number in range(6))
    lines = [f"faces,{','.join(['9999'] * 6)},{row}" for row in range(10_000)]
    with pytest.raises(InputError, match="doubled"):
        read("\n".join([f"task,{names},accuracy", *lines]))
    lines = [f"faces,{','.join([str(row)] * 6)},{row}" for row in range(10_000)]
    with pytest.raises(InputError, match=r"first \[0, 0, 0, 0, 0, 1\] of 'faces'"):
        read("\n".join([f"task,{names},accuracy", *lines]))


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n\x00\x00\xff\xfe", b"\xff\xd8\xff\xe0\x00\x10"])
def test_a_file_of_another_kind_is_refused(tmp_path, content):
    (tmp_path / "rewards.csv").write_bytes(content)
    with pytest.raises(InputError, match=r"rewards\.csv: not a CSV file"):
        RewardTable.from_csv(tmp_path / "rewards.csv")


def test_a_place_without_a_file_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"absent\.csv: no such reward table"):
        RewardTable.from_csv(tmp_path / "absent.csv")
    with pytest.raises(InputError, match="not a CSV file"):
        RewardTable.from_csv(tmp_path)


def test_rows_may_be_part_of_a_frame():
    """Row labels are not row numbers."""
    rows = pd.DataFrame({"task": ["x", "x"], "light": [0, 1], "accuracy": [1.0, np.nan]}, index=[70, 30])
    with pytest.raises(InputError, match="reward table, row 3: accuracy is nan"):
        RewardTable.from_rows(rows)
    assert RewardTable.from_rows(rows.fillna(4.0)).values.tolist() == [[1.0, 4.0]]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ([0, 0], "have 2 values; wanted 3"),
        ([0, 0, 0, 0], "have 4 values; wanted 3"),
        ([0, 3, 0], "blur is 3: choose a whole number from 0 to 2"),
        ([0, 0, -1], "background is -1"),
        ([0.5, 0, 0], "light is 0.5"),
        ([np.nan, 0, 0], "light is nan"),
    ],
)
def test_a_setting_that_does_not_exist_has_no_reward(table, setting, message):
    with pytest.raises(InputError, match=message):
        table(np.array([0, 1]), np.array([setting, setting]))
    with pytest.raises(InputError, match=message):
        table(np.array([0]), np.array(setting))


def test_each_task_wants_a_setting(table):
    with pytest.raises(InputError, match="3 tasks and 2 settings: give each task a setting"):
        table(np.arange(3), np.zeros((2, 3), np.int64))
    assert table(np.arange(3), np.zeros((1, 3), np.int64)).shape == (3,)


def test_levels_may_be_whole_numbers_of_any_type(table):
    for dtype in (bool, np.uint8, np.float32):
        assert table(np.array([1]), np.array([[1, 0, 0]], dtype)).tolist() == [39.0]


def test_some_tasks_in_another_order(table):
    some = table.of(["leaves", "digits"])
    assert some.tasks == ("leaves", "digits")
    assert some.parameters == table.parameters
    assert np.array_equal(some.values, table.values[[2, 0]])


@pytest.mark.parametrize(
    ("tasks", "message"),
    [(["faces", "cars"], r"no rewards of \['cars'\]"), ([], "at least one"), (["faces", "faces"], "only once")],
)
def test_tasks_that_no_table_can_have_are_refused(table, tasks, message):
    with pytest.raises(InputError, match=message):
        table.of(tasks)


def test_standardised_rewards_rank_settings_as_before(table):
    table = RewardTable(table.tasks, table.parameters, table.values * np.array([1, 5, 0.01])[:, None, None, None])
    standard = table.standardised()
    np.testing.assert_allclose(standard.flat.mean(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(standard.flat.std(axis=1), 1)
    slopes = [np.corrcoef(before, after)[0, 1] for before, after in zip(table.flat, standard.flat, strict=True)]
    np.testing.assert_allclose(slopes, 1)


@pytest.mark.parametrize("reward", [0.0, 20.0, 18.7298])  # the deviation of twelve times 18.7298 is not exactly 0
def test_a_task_that_every_setting_serves_alike_cannot_be_standardised(table, reward):
    values = table.values.copy()
    values[1] = reward
    with pytest.raises(InputError, match="same reward for 'faces'"):
        RewardTable(table.tasks, table.parameters, values).standardised()


def test_a_table_of_another_shape_or_with_gaps_is_refused(table):
    with pytest.raises(InputError, match=r"shape \(3, 2, 3\); .* want \(3, 2, 3, 2\)"):
        RewardTable(table.tasks, table.parameters, table.values[..., 0])
    values = table.values.copy()
    values[2, 1, 0, 1] = np.nan
    with pytest.raises(InputError, match=r"'leaves' under \[1, 0, 1\] is not finite"):
        RewardTable(table.tasks, table.parameters, values)


def test_the_authors_table(task2sim_data):
    """The numbers that methods.md gives for it."""
    table = RewardTable.from_csv(task2sim_data / "rewards_seen.csv")
    assert (len(table.tasks), table.settings.shape) == (12, (256, 8))
    assert {parameter.name for parameter in table.parameters} == {parameter.name for parameter in PARAMETERS}
    assert table.flat.max(axis=1).mean() == pytest.approx(32.60, abs=0.005)
    assert table.flat.mean() == pytest.approx(25.12, abs=0.005)
    assert table.flat.mean(axis=0).max() == pytest.approx(29.89, abs=0.005)
    assert table(np.arange(12), np.ones((12, 8), np.int64)).mean() == pytest.approx(24.07, abs=0.005)
