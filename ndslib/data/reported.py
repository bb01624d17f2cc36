"""The published numbers: `data_manifests/reported/<ledger id>.csv`, and the ledger that says who regenerates them.

Values stand as printed; `data_manifests/reported/README.md` lists what the text extraction garbled and where a source
contradicts itself.
"""

import csv
import difflib
from pathlib import Path

import numpy as np
import pandas as pd

from ndslib.core import paths
from ndslib.core.errors import InputError

COLUMNS = ["table", "row", "column", "value", "unit"]
LEDGER_COLUMNS = ["id", "chapter", "what", "kind", "notebook"]


def ledger() -> pd.DataFrame:
    """Every table and figure of the sources, one row an id, in the ledger's order.

    Returns:
        Columns, all str: `id`; `chapter`, the folder of its notebooks; `what`; `kind`, one or more of S (structural),
        D (directional) and P (picture), joined by ", "; `notebook`, one or more of "<chapter>/NN", joined likewise.

    Raises:
        InputError: the file is absent or has other columns, an empty cell or an id twice.
    """
    path = paths.manifests_root() / "ledger.csv"
    frame = _read(path, LEDGER_COLUMNS)
    _refuse(path, frame[frame["id"].duplicated()], "an id twice")
    return frame


def ids() -> list[str]:
    """The ledger ids whose source prints numbers, in the ledger's order: what `reported` answers to."""
    return [ledger_id for ledger_id in ledger()["id"] if _path(ledger_id).exists()]


def reported(ledger_id: str) -> pd.DataFrame:
    """The published numbers of one ledger id, a row a cell, in printed order.

    Returns:
        Columns `table` (str, where it is printed: "NDS Table 4"), `row` and `column` (str; several printed keys are
        joined by " | "), `value` (float64, finite), `unit` (str: "top-1 %", "M", "x", ...). A file may hold several
        tables: the printed one first, then numbers from its header or from the text about it. Cells printed as "-"
        are absent; (row, column) is unique.

    Raises:
        InputError: an unknown id, an id whose source prints no number, or a malformed file.
    """
    known, path = list(ledger()["id"]), _path(ledger_id)
    if ledger_id not in known:
        near = difflib.get_close_matches(ledger_id, known, n=4, cutoff=0.5)
        hint = f"did you mean {', '.join(near)}?" if near else "see reported.ledger()"
        raise InputError(f"{paths.manifests_root() / 'ledger.csv'}: no ledger id {ledger_id!r}; {hint}")
    if not path.exists():
        raise InputError(f"{path}: no such file, the source prints no number for {ledger_id!r}; see reported.ids()")
    frame = _read(path, COLUMNS)
    values = pd.to_numeric(frame["value"], errors="coerce")
    _refuse(path, frame[~np.isfinite(values)], "a value that is no finite number (dot decimal, no thousands separator)")
    _refuse(path, frame[frame.duplicated(["row", "column"])], "a (row, column) twice")
    return frame.assign(value=values.astype("float64"))


def as_table(ledger_id: str, table: str | None = None) -> pd.DataFrame:
    """The published numbers laid out as printed: float64, index `row`, columns `column`, NaN where nothing is printed.

    Args:
        table: which `table` of the file; None is its first, the printed table itself.

    Raises:
        InputError: as `reported`; or no such table in the file.
    """
    cells = reported(ledger_id)
    table = cells["table"].iloc[0] if table is None else table
    known = list(cells["table"].unique())
    if table not in known:
        raise InputError(f"{_path(ledger_id)}: no table {table!r}; choose one of {known}")
    cells = cells[cells["table"] == table]
    # A row with holes cannot tell the printed column order, so the fullest rows speak first.
    fullness = cells.groupby("row")["column"].transform("size")
    columns = cells.loc[fullness.sort_values(ascending=False, kind="stable").index, "column"].unique()
    wide = cells.pivot(index="row", columns="column", values="value")
    return wide.reindex(index=pd.Index(cells["row"].unique(), name="row"), columns=pd.Index(columns, name="column"))


def _path(ledger_id: str) -> Path:
    return paths.manifests_root() / "reported" / f"{ledger_id}.csv"


def _read(path: Path, columns: list[str]) -> pd.DataFrame:
    """A CSV of text cells, none of them empty, with exactly `columns`."""
    if not path.is_file():
        raise InputError(f"{path}: no such file; restore it from the repository, or point NDSLIB_ROOT at a checkout")
    try:
        header, *lines = list(csv.reader(path.read_text(encoding="utf-8").splitlines(), strict=True)) or [[]]
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a CSV table in UTF-8 ({error}); its columns must be {columns}") from error
    if header != columns:
        raise InputError(f"{path}: columns are {header}; they must be {columns}")
    if not lines:
        raise InputError(f"{path}: no rows; fill it in or delete it")
    for number, cells in enumerate(lines, start=2):
        if len(cells) != len(columns) or not all(cell.strip() for cell in cells):
            raise InputError(f"{path}, line {number}: {cells} must be {len(columns)} cells, none empty; correct it")
    return pd.DataFrame(lines, columns=columns, dtype="str")


def _refuse(path: Path, bad: pd.DataFrame, fault: str) -> None:
    """Raise for the first of the `bad` rows, naming its line in the file (the header is line 1)."""
    if len(bad):
        raise InputError(f"{path}, line {bad.index[0] + 2}: {fault}: {bad.iloc[0].to_dict()}; correct it")
