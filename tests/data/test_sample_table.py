"""The sample table: what it accepts, what it refuses and how it names it."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ndslib.core.errors import InputError
from ndslib.data import sample_table


def row(number: int = 0, **changes: object) -> dict:
    plain = {
        "id": f"pets/{number}",
        "dataset": "pets",
        "uri": f"/images/{number}.jpg",
        "split": "train",
        "width": 8,
        "height": 6,
        "bytes": 100,
    }
    return plain | changes


def test_from_rows_has_the_exact_schema_and_fills_what_may_be_absent():
    table = sample_table.from_rows([row(0), row(1, label="cat", licence="CC0-1.0")])
    assert table.schema == sample_table.SCHEMA
    assert table["label"].to_pylist() == [None, "cat"]
    assert table["annotation"].to_pylist() == [None, None]


def test_annotation_is_stored_as_json():
    boxes = {"boxes": [[1, 2, 3, 4]]}
    table = sample_table.from_rows([row(0, annotation=boxes), row(1, annotation='{"as": "text"}')])
    assert json.loads(table["annotation"][0].as_py()) == boxes
    assert table["annotation"][1].as_py() == '{"as": "text"}'


@pytest.mark.parametrize(
    ("rows", "named"),
    [
        ([row(0, colour="red")], r"unknown columns \['colour'\].*valid ones"),
        ([row(0), row(1, uri=None)], "row 1 has no uri"),
        ([{key: value for key, value in row(0).items() if key != "width"}], "row 0 has no width"),
        ([row(0), row(0)], r"'pets/0' occurs more than once"),
        ([row(0, split="training")], r"pets/0: split is training; it must be one of"),
        ([row(0), row(1, width=0)], r"pets/1: width is 0; it must be at least 1"),
        ([row(0, height=-3)], "pets/0: height is -3"),
        ([row(0, bytes=0)], "pets/0: bytes is 0"),
        ([row(0, width="wide")], "does not fit"),
        ([row(0, width=2**40)], "does not fit"),
        ([row(0, label=3)], "does not fit"),
    ],
)
def test_bad_rows_are_named(rows, named):
    with pytest.raises(InputError, match=named):
        sample_table.from_rows(rows)


def test_validate_puts_columns_in_order_and_casts():
    table = sample_table.from_rows([row(0), row(1)])
    shuffled = table.select(table.column_names[::-1])
    wider = shuffled.set_column(shuffled.column_names.index("width"), "width", pa.array([8, 8], pa.int64()))
    assert sample_table.validate(wider).equals(table)


@pytest.mark.parametrize("column", [pa.array([{"a": 1}]), pa.array([[1]])])
def test_validate_refuses_a_column_of_another_type(column):
    table = sample_table.from_rows([row(0)])
    with pytest.raises(InputError, match="my file: a column has the wrong type"):
        sample_table.validate(table.set_column(4, "label", column), "my file")


def test_validate_refuses_missing_and_extra_columns():
    table = sample_table.from_rows([row(0)])
    with pytest.raises(InputError, match="columns are"):
        sample_table.validate(table.drop_columns(["licence"]))
    with pytest.raises(InputError, match="columns are"):
        sample_table.validate(table.append_column("cluster", pa.array([1])))


def test_parquet_round_trip(tmp_path):
    table = sample_table.from_rows([row(0, label="cat"), row(1, annotation={"a": 1}, licence="MIT")])
    sample_table.write(table, tmp_path / "new" / "samples.parquet")
    again = sample_table.read(tmp_path / "new" / "samples.parquet")
    assert again.equals(table)
    assert again.schema == sample_table.SCHEMA
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["samples.parquet"]


def test_nothing_is_written_of_an_invalid_table(tmp_path):
    table = sample_table.from_rows([row(0), row(1)])
    doubled = table.set_column(0, "id", pa.array(["pets/0", "pets/0"]))
    with pytest.raises(InputError, match="more than once"):
        sample_table.write(doubled, tmp_path / "samples.parquet")
    assert list(tmp_path.iterdir()) == []


def test_read_names_absent_damaged_and_foreign_files(tmp_path):
    with pytest.raises(InputError, match=r"absent\.parquet: no such"):
        sample_table.read(tmp_path / "absent.parquet")
    (tmp_path / "text.parquet").write_text("not parquet")
    with pytest.raises(InputError, match=r"text\.parquet: not a Parquet file"):
        sample_table.read(tmp_path / "text.parquet")
    pq.write_table(pa.table({"a": [1]}), tmp_path / "other.parquet")
    with pytest.raises(InputError, match=r"other\.parquet: columns are"):
        sample_table.read(tmp_path / "other.parquet")


def test_concat_keeps_order_and_refuses_doubled_ids():
    first, second = sample_table.from_rows([row(0), row(1)]), sample_table.from_rows([row(2)])
    assert sample_table.concat([second, first])["id"].to_pylist() == ["pets/2", "pets/0", "pets/1"]
    with pytest.raises(InputError, match=r"'pets/1' occurs more than once"):
        sample_table.concat([first, sample_table.from_rows([row(1)])])
    assert sample_table.concat(iter([])).schema == sample_table.SCHEMA


def test_labels_of_different_datasets_stay_apart():
    table = sample_table.from_rows(
        [
            row(0, label="dog"),
            row(1),
            row(2, label="cat"),
            row(3, label="cat", dataset="toys"),
            row(4, label="dog"),
        ]
    )
    indices, names = sample_table.labels(table)
    assert names == ["pets/cat", "pets/dog", "toys/cat"]
    assert indices == [1, -1, 0, 2, 1]
