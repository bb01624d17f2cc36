"""The sample table: one row an image, of any dataset and any kind of label. All that selects returns rows of one.

Columns: `id` (unique, `<dataset>/<name>`), `dataset`, `uri` (absolute path or http(s) URL, optionally with a W3C media
fragment `#xywh=x,y,w,h` for a crop in pixels or `#row=n` for a row of an array file), `split` (train, val or test),
`label` (class name, null when unlabelled), `annotation` (JSON text: boxes, masks, annotation files), `width` and
`height` in pixels, `bytes` (what a client downloads for it) and `licence`.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ndslib.core.errors import InputError
from ndslib.core.files import atomic_path

SPLITS = ("train", "val", "test")
LABEL_KINDS = ("none", "class", "boxes", "masks")
# Annotations are JSON as `json.dumps` writes it, in which a quotation mark inside of a text has a backslash before it.
_MASKS = r'"segmentation": (\[\[|\{)|"(mask|labels|instances|polygons)": "'
_BOXES = r'"bbox(_relative)?": \['
SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("uri", pa.string(), nullable=False),
        pa.field("split", pa.string(), nullable=False),
        pa.field("label", pa.string()),
        pa.field("annotation", pa.string()),
        pa.field("width", pa.int32(), nullable=False),
        pa.field("height", pa.int32(), nullable=False),
        pa.field("bytes", pa.int64(), nullable=False),
        pa.field("licence", pa.string()),
    ]
)


def from_rows(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Build a valid sample table; nullable columns may be absent, a non-text `annotation` is written as JSON.

    Raises:
        InputError: an unknown or missing column, a doubled id, an unknown split, a size below 1.
    """
    rows = [_with_json(row) for row in rows]
    unknown = {key for row in rows for key in row} - set(SCHEMA.names)
    if unknown:
        raise InputError(f"sample table: unknown columns {sorted(unknown)}; valid ones are {SCHEMA.names}")
    try:
        table = pa.Table.from_pylist(rows, schema=SCHEMA)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise InputError(f"sample table: a value does not fit its column: {error}") from error
    return validate(table)


def _with_json(row: Mapping[str, Any]) -> dict[str, Any]:
    annotation = row.get("annotation")
    if annotation is None or isinstance(annotation, str):
        return dict(row)
    return {**row, "annotation": json.dumps(annotation, sort_keys=True)}


def validate(table: pa.Table, source: Path | str = "sample table") -> pa.Table:
    """Return `table` with the exact schema. `source` names it in errors.

    Raises:
        InputError: columns differ from `SCHEMA` (extra columns are refused), a required value is null, an id occurs
            twice, a split is unknown, or a width, height or byte count is below 1.
    """
    if sorted(table.column_names) != sorted(SCHEMA.names):
        raise InputError(f"{source}: columns are {table.column_names}, wanted {SCHEMA.names}")
    try:
        table = table.select(SCHEMA.names).cast(pa.schema([field.with_nullable(True) for field in SCHEMA]))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InputError(f"{source}: a column has the wrong type: {error}") from error
    for field in SCHEMA:
        if not field.nullable and table[field.name].null_count:
            row = pc.index(pc.is_null(table[field.name]), True).as_py()
            raise InputError(f"{source}: row {row} has no {field.name}")
    _refuse(source, table, pc.invert(pc.is_in(table["split"], pa.array(SPLITS))), "split", f"must be one of {SPLITS}")
    for name in ("width", "height", "bytes"):
        _refuse(source, table, pc.less(table[name], 1), name, "must be at least 1")
    if pc.count_distinct(table["id"]).as_py() != table.num_rows:
        counts = table["id"].value_counts().to_pylist()
        doubled = next(entry["values"] for entry in counts if entry["counts"] > 1)
        raise InputError(f"{source}: the id {doubled!r} occurs more than once; ids must be unique")
    return table.cast(SCHEMA)


def _refuse(source: Path | str, table: pa.Table, bad: pa.ChunkedArray, column: str, rule: str) -> None:
    row = pc.index(bad, True).as_py()
    if row >= 0:
        raise InputError(f"{source}: {table['id'][row]}: {column} is {table[column][row]}; it {rule}")


def concat(tables: Iterable[pa.Table]) -> pa.Table:
    """The rows of several sample tables, in order, as one valid table."""
    tables = list(tables)
    return validate(pa.concat_tables(tables)) if tables else SCHEMA.empty_table()


def write(table: pa.Table, path: Path | str) -> None:
    """Write a sample table as Parquet, atomically."""
    with atomic_path(path) as temporary:
        pq.write_table(validate(table, path), temporary, compression="zstd")


def read(path: Path | str) -> pa.Table:
    """Read a sample table from Parquet.

    Raises:
        InputError: the file is absent, is not Parquet, or does not hold a sample table.
    """
    if not Path(path).is_file():
        raise InputError(f"{path}: no such sample table")
    try:
        table = pq.read_table(path)
    except pa.ArrowInvalid as error:
        raise InputError(f"{path}: not a Parquet file ({error})") from error
    return validate(table, path)


def labels(table: pa.Table) -> tuple[list[int], list[str]]:
    """Class indices and class names, `<dataset>/<label>` so that labels of different datasets stay apart.

    Returns:
        indices: one a row, -1 where the row has no label.
        names: the classes that occur, sorted.
    """
    full = [
        None if label is None else f"{dataset}/{label}"
        for dataset, label in zip(table["dataset"].to_pylist(), table["label"].to_pylist(), strict=True)
    ]
    names = sorted({name for name in full if name is not None})
    number = {name: index for index, name in enumerate(names)}
    return [-1 if name is None else number[name] for name in full], names


def label_kinds(table: pa.Table) -> pa.ChunkedArray:
    """What each row is labelled with, one of `LABEL_KINDS`: masks before boxes before a class, if it has several."""
    annotation = table["annotation"]
    has_masks, has_boxes = (pc.match_substring_regex(annotation, pattern) for pattern in (_MASKS, _BOXES))
    kinds = pc.if_else(pc.is_valid(table["label"]), "class", "none")
    kinds = pc.if_else(pc.fill_null(has_boxes, False), "boxes", kinds)
    return pc.if_else(pc.fill_null(has_masks, False), "masks", kinds)
