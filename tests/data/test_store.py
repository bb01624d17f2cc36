"""The store of drawn arrays: whole or absent, whatever is killed, cut short or drawn by other processes."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ndslib.core import paths
from ndslib.core.errors import InputError
from ndslib.data.worlds import store
from ndslib.data.worlds.store import Column, picture_table, stored

COLUMNS = {"images": Column("uint8", (4, 4, 3)), "values": Column("float32", ())}
# Draws 200 items in jobs of 64, and kills itself within the third job.
KILLED = """
import os, signal, sys
from tests.data.test_store import COLUMNS, items
from ndslib.data.worlds.store import stored
def draw(first, last):
    if first >= 128:
        os.kill(os.getpid(), signal.SIGKILL)
    return items(first, last)
stored("squares", {"seed": 0}, COLUMNS, 200, draw, 1)
"""


def items(first: int, last: int) -> dict[str, np.ndarray]:
    numbers = np.arange(first, last)
    images = np.tile(numbers.astype(np.uint8)[:, None, None, None], (1, 4, 4, 3))
    return {"images": images, "values": numbers.astype(np.float32) ** 2}


def never(first: int, last: int) -> dict[str, np.ndarray]:
    raise AssertionError(f"drew {first} to {last} again")


def squares(count: int = 200, draw: Callable = items, workers: int | None = 1, **parameters: Any) -> Path:
    return stored("squares", {"seed": 0} | parameters, COLUMNS, count, draw, workers)


def assert_whole(folder: Path, count: int = 200) -> None:
    wanted = items(0, count)
    assert {path.name for path in folder.iterdir()} == {"images.npy", "values.npy", "lengths.json"}
    for name in COLUMNS:
        values = np.load(folder / f"{name}.npy", allow_pickle=False)
        assert values.dtype == wanted[name].dtype
        assert (values == wanted[name]).all()


def test_every_column_is_drawn_once() -> None:
    folder = squares()
    assert_whole(folder)
    assert squares(draw=never) == folder


@pytest.mark.parametrize("items_per_job", [1, 7, 1000])
def test_items_do_not_depend_on_the_jobs(items_per_job: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "ITEMS_PER_JOB", items_per_job)
    assert_whole(squares(20), 20)


def test_the_number_of_workers_changes_no_bit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    alone = squares(workers=1)
    monkeypatch.setenv("NDSLIB_CACHE", str(tmp_path))
    together = squares(workers=2)
    assert alone != together
    for name in COLUMNS:
        assert (alone / f"{name}.npy").read_bytes() == (together / f"{name}.npy").read_bytes()


def test_what_a_killed_build_left_is_not_read() -> None:
    command = [sys.executable, "-c", KILLED]
    environment = os.environ | {"PYTHONPATH": str(paths.repo_root())}
    killed = subprocess.run(command, cwd=paths.repo_root(), env=environment, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    left = list((paths.cache_root() / "worlds").iterdir())
    assert left
    assert all(path.name.startswith(".building-") for path in left)
    assert_whole(squares())


@pytest.mark.parametrize("kept", [0, 40, 128, 500])
def test_a_file_that_was_cut_short_is_drawn_again(kept: int) -> None:
    folder = squares()
    with open(folder / "images.npy", "r+b") as file:
        file.truncate(kept)
    assert_whole(squares())


@pytest.mark.parametrize("name", ["images.npy", "lengths.json"])
def test_a_file_with_something_behind_it_is_drawn_again(name: str) -> None:
    with open(squares() / name, "ab") as file:
        file.write(b"junk")
    assert_whole(squares())


def test_a_file_that_is_gone_is_drawn_again() -> None:
    (squares() / "values.npy").unlink()
    assert_whole(squares())


def test_all_that_the_content_depends_on_is_in_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    base = squares(2)
    smaller = {"images": Column("uint8", (4, 4, 3))}
    others = [
        squares(3),
        squares(2, seed=1),
        squares(2, more=1),
        stored("cubes", {"seed": 0}, COLUMNS, 2, items, 1),
        stored("squares", {"seed": 0}, smaller, 2, items, 1),
    ]
    monkeypatch.setattr(store, "code_digest", lambda package: "edited")
    others.append(squares(2))
    assert len({base, *others}) == 7


@pytest.mark.parametrize(
    "wrong",
    [
        {"values": np.zeros(2, np.float64)},
        {"values": np.zeros(3, np.float32)},
        {"images": np.zeros((2, 4, 3, 3), np.uint8)},
    ],
)
def test_arrays_of_the_wrong_type_or_shape_are_an_error(wrong: dict[str, np.ndarray]) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        squares(2, draw=lambda first, last: items(first, last) | wrong)
    assert caught.group_contains(ValueError, match=f"{next(iter(wrong))}: drew .* wanted")
    assert list((paths.cache_root() / "worlds").iterdir()) == []


def test_no_items_are_refused() -> None:
    with pytest.raises(InputError, match="0 items"):
        squares(0)


def greys(some: list[tuple[str, int]]) -> list[np.ndarray]:
    return [np.full((8, 8, 3), 10 * number + len(label), np.uint8) for label, number in some]


def test_a_picture_table_lists_what_was_drawn() -> None:
    table = picture_table("greys", {}, [("b", 0), ("aa", 0), ("b", 1)], "val", 8, greys)
    assert table["id"].to_pylist() == ["greys/val/b/000000", "greys/val/aa/000000", "greys/val/b/000001"]
    assert table["label"].to_pylist() == ["b", "aa", "b"]
    assert set(table["licence"].to_pylist()) == {"CC0-1.0"}
    images = np.load(table["uri"][0].as_py().split("#")[0])
    assert images[:, 0, 0, 0].tolist() == [1, 2, 11]


@pytest.mark.parametrize(
    ("split", "size", "named"), [("dev", 8, "split 'dev'"), ("val", 7, "size 7"), ("val", 0, "size 0")]
)
def test_a_picture_table_of_no_such_part_or_size_is_refused(split: str, size: int, named: str) -> None:
    with pytest.raises(InputError, match=named):
        picture_table("greys", {}, [("b", 0)], split, size, greys)
