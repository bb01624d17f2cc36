import sys

import pytest

from ndslib.core.errors import InputError
from ndslib.core.progress import track


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch):
    monkeypatch.delenv("NDSLIB_PROGRESS", raising=False)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)


def test_batch_prints_a_line_a_step_to_stderr_only(capsys):
    assert list(track(["a", "b", "c"], "work")) == ["a", "b", "c"]
    captured = capsys.readouterr()
    assert captured.err == "work: 1/3\nwork: 2/3\nwork: 3/3\n"
    assert captured.out == ""


@pytest.mark.parametrize("total", [11, 40, 99, 1000])
def test_long_loops_print_ten_lines_the_last_at_the_end(capsys, total):
    assert sum(1 for _ in track(range(total), "w")) == total
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 10
    assert lines[-1] == f"w: {total}/{total}"


def test_total_can_be_given_for_an_iterator(capsys):
    list(track(iter(range(2)), "w", total=2))
    assert capsys.readouterr().err == "w: 1/2\nw: 2/2\n"


def test_unknown_total_prints_at_decades(capsys):
    list(track((i for i in range(250)), "w"))
    counts = [int(line.removeprefix("w: ")) for line in capsys.readouterr().err.splitlines()]
    assert counts == [*range(1, 10), *range(10, 100, 10), 100, 200]


def test_nothing_to_do_prints_nothing(capsys):
    assert list(track([], "w")) == []
    assert capsys.readouterr().err == ""


def test_off_is_silent(capsys, monkeypatch):
    monkeypatch.setenv("NDSLIB_PROGRESS", "off")
    assert list(track(range(3), "w")) == [0, 1, 2]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("variable", ["NDSLIB_PROGRESS", "JPY_SESSION_NAME", "tty"])
def test_a_person_gets_a_text_bar(capsys, monkeypatch, variable):
    if variable == "tty":
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    else:
        monkeypatch.setenv(variable, "bar")
    assert list(track(range(3), "work")) == [0, 1, 2]
    captured = capsys.readouterr()
    assert "work: 100%" in captured.err
    assert "3/3" in captured.err
    assert captured.out == ""


def test_is_lazy_and_survives_an_early_stop(capsys):
    seen = []
    for item in track((seen.append(i) or i for i in range(100)), "w"):
        if item == 2:
            break
    assert seen == [0, 1, 2]


def test_a_wrong_setting_is_refused_before_the_loop(monkeypatch):
    monkeypatch.setenv("NDSLIB_PROGRESS", "loud")
    with pytest.raises(InputError, match=r"loud.*off, lines, bar"):
        track([], "w")
