"""A recommendation as a file that is sent while it is made: CSV, JSON Lines or Parquet, block by block.

The same recommendation gives the same bytes. Numbers are written so that they read back exactly, and what is not known
is null (in CSV an empty field without quotation marks), so that the three formats hold the same.
"""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from pydantic import TypeAdapter

from ndslib.nds.recommend import Recommendation

_ROW = TypeAdapter(dict[str, Any])  # several times as fast as the standard library's JSON
FIRST, BLOCK = 256, 4096  # rows: a small first block, so that the first byte does not wait for a large one


def stream(answer: Recommendation, form: str, annotations: bool = False) -> Iterator[bytes]:
    """The samples of a recommendation in the order drawn; each part is read from the index when it is asked for.

    Args:
        form: one of `FORMATS`.
        annotations: whether each row has its `annotation`.

    Returns:
        The parts of the file. Between two of them nothing of the index is held.
    """
    return FORMATS[form].encode(_blocks(answer, annotations))


def _blocks(answer: Recommendation, annotations: bool) -> Iterator[pa.Table]:
    first, rest = (replace(answer, rows=rows) for rows in np.split(answer.rows, [FIRST]))
    yield from first.blocks(FIRST, annotations)
    yield from rest.blocks(BLOCK, annotations)


def _csv(blocks: Iterator[pa.Table]) -> Iterator[bytes]:
    for number, block in enumerate(blocks):
        part = pa.BufferOutputStream()
        pyarrow.csv.write_csv(block, part, pyarrow.csv.WriteOptions(include_header=number == 0))
        yield part.getvalue().to_pybytes()


def _json_lines(blocks: Iterator[pa.Table]) -> Iterator[bytes]:
    for block in blocks:
        yield b"".join(_ROW.dump_json(row) + b"\n" for row in block.to_pylist())


def _parquet(blocks: Iterator[pa.Table]) -> Iterator[bytes]:
    """A row group a block; of what is written, `buffer` holds what has not been handed on."""
    buffer, block = io.BytesIO(), next(blocks)
    with pq.ParquetWriter(buffer, block.schema, compression="zstd") as writer:
        writer.write_table(block)
        yield _drain(buffer)
        for block in blocks:
            writer.write_table(block)
            yield _drain(buffer)
    yield _drain(buffer)


def _drain(buffer: io.BytesIO) -> bytes:
    """What was written since the last time (the writer counts its position itself)."""
    part = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return part


@dataclass(frozen=True)
class Format:
    """A format of lists: its media type, and what turns blocks of rows into the parts of the file."""

    media_type: str
    encode: Callable[[Iterator[pa.Table]], Iterator[bytes]]


FORMATS = {
    "csv": Format("text/csv; charset=utf-8", _csv),
    "jsonl": Format("application/jsonl", _json_lines),
    "parquet": Format("application/vnd.apache.parquet", _parquet),
}
