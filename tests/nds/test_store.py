"""The serving copy of the samples: any rows, in any order, the same from any thread."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pytest

from ndslib.core.errors import InputError
from ndslib.core.files import sha256_file
from ndslib.data import sample_table
from ndslib.nds import store


@pytest.fixture
def table() -> pa.Table:
    """1,000 rows with every kind of text, and with annotations longer than a page of the file."""
    return sample_table.from_rows(
        {
            "id": f"d/{n}",
            "dataset": "d",
            "uri": f"https://example.org/ä,\"'\n/{n}?a=1&b=#xywh=1,2,3,4",
            "split": "train",
            "label": None if n % 3 else "Löwe, \N{LION FACE}",
            "annotation": None if n % 2 else [{"category": "x" * 6000, "bbox": [n, 0, 1, 1]}],
            "width": 2**31 - 1 if n == 7 else 1 + n,
            "height": 3,
            "bytes": 2**40 + n,
            "licence": None if n % 5 else "MIT",
        }
        for n in range(1000)
    )


def test_rows_come_back_as_they_were(tmp_path, table):
    store.write(table.to_batches(max_chunksize=300), tmp_path / "s.sqlite")
    rows = np.random.default_rng(0).permutation(1000)
    assert store.read(tmp_path / "s.sqlite", rows, annotations=True).equals(table.take(rows))
    assert store.read(tmp_path / "s.sqlite", rows[:7]).equals(table.drop_columns(["annotation"]).take(rows[:7]))
    assert store.read(tmp_path / "s.sqlite", rows[:0]).num_rows == 0


def test_the_same_rows_make_the_same_bytes(tmp_path, table):
    for name, size in (("a", 300), ("b", 1000)):
        store.write(table.to_batches(max_chunksize=size), tmp_path / f"{name}.sqlite")
    assert sha256_file(tmp_path / "a.sqlite") == sha256_file(tmp_path / "b.sqlite")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.sqlite", "b.sqlite"]


def test_many_threads_read_at_once(tmp_path, table):
    store.write(table.to_batches(), tmp_path / "s.sqlite")
    rows = [np.random.default_rng(seed).permutation(1000)[:200] for seed in range(32)]
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda wanted: store.read(tmp_path / "s.sqlite", wanted), rows))
    assert all(each["id"].to_pylist() == [f"d/{n}" for n in wanted] for each, wanted in zip(found, rows, strict=True))


def test_what_cannot_be_read_is_named(tmp_path, table):
    with pytest.raises(InputError, match=r"absent\.sqlite: cannot be read"):
        store.read(tmp_path / "absent.sqlite", np.arange(3))
    (tmp_path / "text.sqlite").write_text("no database" * 100)
    with pytest.raises(InputError, match=r"text\.sqlite: cannot be read .* add the dataset again"):
        store.read(tmp_path / "text.sqlite", np.arange(3))
    store.write(table.to_batches(), tmp_path / "100%.sqlite")
    with pytest.raises(InputError, match=r"it has no rows \[1000\]"):
        store.read(tmp_path / "100%.sqlite", np.array([5, 1000]))


def test_a_failure_while_writing_leaves_nothing(tmp_path, table):
    def broken():
        yield table.to_batches()[0]
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space"):
        store.write(broken(), tmp_path / "s.sqlite")
    assert list(tmp_path.iterdir()) == []
