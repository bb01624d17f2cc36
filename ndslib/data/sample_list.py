"""A list of recommended samples as a dataserver hands it out: Parquet, CSV or JSON Lines.

Such a list is a sample table with more columns (`cluster`, `weight`) or fewer: it needs `id` and `uri` alone.
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv, json

from ndslib.core.errors import InputError
from ndslib.data.sample_table import SCHEMA, validate

FORMATS = {".parquet": "parquet", ".csv": "csv", ".jsonl": "jsonl"}  # by the suffix of the file
SIZES = ("width", "height", "bytes")
_BLOCK_BYTES = 32 * 2**20  # a line has to fit in it: annotations of crowded images are long


def form(path: Path | str) -> str:
    """The format of a list by the suffix of its file, one of `FORMATS`.

    Raises:
        InputError: another suffix.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise InputError(f"{path}: a list's name ends in {', '.join(FORMATS)}")
    return FORMATS[suffix]


def read(path: Path | str) -> pa.Table:
    """Read a list by its suffix: the columns of the sample table, in its order; others are dropped.

    What the list does not say is null, except `dataset` (the id up to its first "/") and `split` ("train").

    Raises:
        InputError: the file is absent, of another format than its suffix says, or of none of the three; it lacks `id`
            or `uri`, lists nothing, or holds what no sample table may (see `sample_table.validate`).
    """
    path = Path(path)
    reader = {"parquet": _parquet, "csv": _csv, "jsonl": _json}[form(path)]
    if not path.is_file():
        raise InputError(f"{path}: no such list")
    try:
        listed = reader(path)
        table = pa.table({field.name: _column(listed, field) for field in SCHEMA})
        table.validate(full=True)  # text that is no UTF-8 would be found only where it is used
    except (pa.ArrowException, OSError, UnicodeError, KeyError) as error:
        raise InputError(f"{path}: not a list of samples in the format of its suffix ({error})") from error
    for name in ("id", "uri"):
        if name not in listed.column_names:
            raise InputError(f"{path}: it has no column {name!r}, only {listed.column_names}")
    if not table.num_rows:
        raise InputError(f"{path}: it lists no sample")
    datasets = pc.replace_substring_regex(table["id"], "/.*", "")
    table = _filled(_filled(table, "dataset", datasets), "split", "train")
    _validate(table, path)
    return table


def _validate(table: pa.Table, path: Path) -> None:
    """Refuse now what would be no sample table once all is downloaded; sizes may still be unknown."""
    for name in SIZES:
        table = _filled(table, name, 1)
    validate(table, path)


def _filled(table: pa.Table, name: str, values: pa.ChunkedArray | str | int) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), name, pc.fill_null(table[name], values))


def _column(listed: pa.Table, field: pa.Field) -> pa.ChunkedArray:
    if field.name not in listed.column_names:
        return pa.chunked_array([pa.nulls(listed.num_rows, field.type)])
    return listed[field.name].cast(field.type)


def _parquet(path: Path) -> pa.Table:
    with pq.ParquetFile(path) as file:
        return file.read(columns=[name for name in SCHEMA.names if name in file.schema_arrow.names])


def _csv(path: Path) -> pa.Table:
    return csv.read_csv(
        path,
        read_options=csv.ReadOptions(block_size=_BLOCK_BYTES),
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            column_types={field.name: field.type for field in SCHEMA}, null_values=[""], strings_can_be_null=True
        ),
    )


def _json(path: Path) -> pa.Table:
    schema = pa.schema([field.with_nullable(True) for field in SCHEMA])
    return json.read_json(
        path,
        read_options=json.ReadOptions(block_size=_BLOCK_BYTES),
        parse_options=json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
    )
