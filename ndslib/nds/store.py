"""The samples of a dataset by row number, in an SQLite file: what a recommendation is read from.

A recommendation asks for rows from all over the index. In SQLite the fields of a row lie together, so each costs one
look-up, whatever the size of the index, and memory holds no more than the rows asked for. In Parquet they would cost
the decoding of nearly everything; mapped into memory, Arrow columns would cost a page of every column for every row.
"""

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pyarrow as pa

from ndslib.core.errors import InputError
from ndslib.core.files import atomic_path
from ndslib.data.sample_table import SCHEMA

BATCH = 65_536  # rows turned into Python values at a time
_FIELDS = [field for field in SCHEMA if field.name != "annotation"]
_ANNOTATION = SCHEMA.field("annotation")  # the last column: where it is not asked for, its pages are not read


class IndexDamaged(InputError):
    """A file of the index is absent or damaged. The message names it and the remedy, and nothing that a client sent."""


def write(batches: Iterator[pa.RecordBatch], path: Path) -> None:
    """Write sample-table rows, numbered from 0 in their order. The same rows give the same bytes."""
    columns = [field.name for field in (*_FIELDS, _ANNOTATION)]
    with atomic_path(path) as temporary:
        database = sqlite3.connect(temporary, isolation_level=None)
        database.execute("PRAGMA journal_mode = OFF")  # a file that is not whole is thrown away
        database.execute("PRAGMA synchronous = OFF")
        database.execute(f"CREATE TABLE samples (number INTEGER PRIMARY KEY, {', '.join(columns)})")
        database.execute("BEGIN")
        insert, written = f"INSERT INTO samples VALUES (?, {', '.join('?' * len(columns))})", 0
        for batch in batches:
            numbers = range(written, written + batch.num_rows)
            values = zip(numbers, *(batch.column(name).to_pylist() for name in columns), strict=True)
            database.executemany(insert, values)
            written += batch.num_rows
        database.execute("COMMIT")
        database.close()


def read(path: Path, rows: np.ndarray, annotations: bool = False) -> pa.Table:
    """Rows of a dataset in the order asked for.

    Args:
        rows: int64[n], numbers from 0.
        annotations: whether the column `annotation` is among them.

    Raises:
        IndexDamaged: the file is absent or damaged, or has no such row.
    """
    fields = [*_FIELDS, _ANNOTATION] if annotations else _FIELDS
    columns = ", ".join(f"samples.{field.name}" for field in fields)
    query = f"SELECT number, {columns} FROM json_each(?) AS wanted CROSS JOIN samples ON number = wanted.value"
    with _opened(path) as database:
        found = database.execute(query, [json.dumps(rows.tolist())]).fetchall()
    values = list(zip(*found, strict=True)) or [()] * (len(fields) + 1)
    if list(values[0]) != rows.tolist():
        missing = sorted(set(rows.tolist()) - set(values[0]))
        raise IndexDamaged(f"{path}: it has no rows {missing[:5]}; remove its folder and add the dataset again")
    arrays = [pa.array(column, field.type) for column, field in zip(values[1:], fields, strict=True)]
    table = pa.Table.from_arrays(arrays, schema=pa.schema(fields))
    return table.select([name for name in SCHEMA.names if name in table.column_names])


def count(path: Path) -> int:
    """How many rows there are, by the number of the last one.

    Raises:
        IndexDamaged: the file is absent or damaged.
    """
    with _opened(path) as database:
        (last,) = database.execute("SELECT max(number) FROM samples").fetchone()
    return 0 if last is None else last + 1


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection to a file that nobody writes any more: immutable, so that SQLite needs no locks."""
    try:
        database = sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1", uri=True)
        with contextlib.closing(database):
            yield database
    except sqlite3.Error as error:
        raise IndexDamaged(f"{path}: cannot be read ({error}); remove its folder and add the dataset again") from error
