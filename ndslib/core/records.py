"""Run records: what a notebook measured, as tidy rows beside everything needed to measure it again.

A run directory holds `results.parquet` (a row a number: experiment, method, seed, step, metric, value and free extra
columns), `run.json`, and the pictures of `RunRecord.figure` with their data. `run.json` is written last: its presence
says that the run finished. Figures, tables and the scorecard read only records.
"""

import json
import math
import os
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ndslib.core import paths, provenance
from ndslib.core.errors import InputError
from ndslib.core.files import atomic_path, digest, write_json

COLUMNS = ("experiment", "method", "seed", "step", "metric", "value")
RESULTS, RUN = "results.parquet", "run.json"
INTERACTIVE = "interactive"


class RunRecord:
    """The open record of one run. As a context manager it finishes on success and stays unfinished on an error."""

    def __init__(self, notebook: str, parameters: dict[str, Any], directory: Path, allow_nan: bool = False) -> None:
        self.notebook = notebook
        self.parameters = parameters
        self.directory = directory
        self.allow_nan = allow_nan
        self._rows: dict[tuple, dict[str, Any]] = {}
        self._source = provenance.source()
        self._started = time.time()
        # A rerun into the same folder must not look finished before it is.
        (directory / RUN).unlink(missing_ok=True)

    @classmethod
    def start(cls, notebook: str, parameters: Mapping[str, Any], allow_nan: bool = False) -> Self:
        """Open a record.

        It lies in `NDSLIB_RUN_DIR` if set; else beside papermill's output as `<stem>_record/` when its path is known
        (environment or injected parameter `PAPERMILL_OUTPUT_PATH`); else the run is interactive and lies in
        `runs/<notebook>/interactive/<PRESET>-<digest of the parameters>`, which is never published.

        Args:
            notebook: chapter and file stem, e.g. "nds/03_transfer".
            parameters: usually `globals()`: the UPPER_CASE names whose values are JSON are kept.
            allow_nan: accept values that are not finite.

        Raises:
            InputError: `notebook` is not a relative path of plain names, or a parameter is a number that is not finite.
        """
        if not re.fullmatch(r"[\w-]+(/[\w-]+)*", notebook):
            raise InputError(f"notebook {notebook!r}: expected a chapter and a file stem such as 'nds/03_transfer'")
        kept = _literals(parameters)
        return cls(notebook, kept, _directory(notebook, kept, parameters.get("PAPERMILL_OUTPUT_PATH")), allow_nan)

    def add(
        self,
        experiment: str,
        method: str,
        metric: str,
        value: float,
        seed: int | None = None,
        step: int | None = None,
        **extra: str | int | float | bool | None,
    ) -> None:
        """Add one number; `seed` is the run's own when left out, `extra` names further columns.

        Everything but the value identifies a row. In an interactive session adding it again replaces it (a cell was
        run twice); in a recorded run that is an error, because no cell runs twice there.

        Raises:
            InputError: a value that is no number or not finite, or a row that is already there.
        """
        row = {
            "experiment": str(experiment),
            "method": str(method),
            "seed": self.parameters.get("SEED") if seed is None else int(seed),
            "step": None if step is None else int(step),
            "metric": str(metric),
            "value": _number(value),
            **{name: _plain(name, item) for name, item in extra.items()},
        }
        if not (self.allow_nan or math.isfinite(row["value"])):
            raise InputError(f"{self._where(row)}: the value is {row['value']}; start the record with allow_nan=True")
        key = tuple(sorted((name, item) for name, item in row.items() if name != "value"))
        if key in self._rows and not self._interactive:
            raise InputError(f"{self._where(row)}: this row is already recorded; tell them apart by a further column")
        self._rows[key] = row

    def add_rows(self, rows: pd.DataFrame) -> None:
        """`add` each row of a frame that has at least the columns experiment, method, metric and value.

        Raises:
            InputError: a column is missing, or as for `add`.
        """
        missing = {"experiment", "method", "metric", "value"} - set(rows.columns)
        if missing:
            raise InputError(f"rows for {self.notebook} lack the columns {', '.join(sorted(missing))}")
        for row in rows.to_dict("records"):
            # An absent seed, step or extra is NaN or NA in a frame; an absent value is an error that `add` raises.
            self.add(**{name: None if name != "value" and pd.isna(item) else item for name, item in row.items()})

    def rows(self) -> pd.DataFrame:
        """What is recorded so far: `COLUMNS`, then the extra columns in the order they first came."""
        frame = pd.DataFrame(list(self._rows.values()))
        frame = frame.reindex(columns=[*COLUMNS, *(name for name in frame.columns if name not in COLUMNS)])
        types = {"experiment": "str", "method": "str", "seed": "Int64", "step": "Int64", "metric": "str"}
        return frame.astype({**types, "value": "float64"})

    def figure(self, ledger_id: str, figure: Figure, data: pd.DataFrame) -> Path:
        """Save a picture and the numbers it shows as `<ledger_id>.png` and `.csv`; returns the picture's path.

        Raises:
            InputError: `ledger_id` is not one, or `data` is empty.
        """
        if not re.fullmatch(r"[a-z0-9]+([-.][a-z0-9]+)*", ledger_id):
            raise InputError(f"{ledger_id!r} is not a ledger id such as 'nds-t4'")
        if data.empty:
            raise InputError(f"figure {ledger_id}: no data; a picture is saved with the numbers it shows")
        picture = self.directory / f"{ledger_id}.png"
        with atomic_path(picture.with_suffix(".csv")) as table:
            data.to_csv(table, index=False)
        with atomic_path(picture) as image:
            figure.savefig(image, dpi=150, bbox_inches="tight")
        return picture

    def finish(self) -> Path:
        """Write `results.parquet` and `run.json`, atomically and in this order; returns the run directory."""
        with atomic_path(self.directory / RESULTS) as target:
            self.rows().to_parquet(target, index=False)
        run = {
            "notebook": self.notebook,
            "preset": self.parameters.get("PRESET"),
            "seed": self.parameters.get("SEED"),
            "parameters": self.parameters,
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(time.time() - self._started, 2),
            "peak_memory_mb": provenance.peak_memory_mb(),
            **self._source,
            **provenance.environment(),
        }
        write_json(self.directory / RUN, run)
        return self.directory

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: Any) -> None:
        if kind is None:
            self.finish()

    @property
    def _interactive(self) -> bool:
        return _is_interactive(self.directory)

    def _where(self, row: dict[str, Any]) -> str:
        return f"{self.notebook}: {row['experiment']}, {row['method']}, {row['metric']}"


def load(directory: Path | str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The rows and the `run.json` of a finished run.

    Raises:
        InputError: the run is absent or did not finish.
    """
    directory = Path(directory)
    missing = [name for name in (RESULTS, RUN) if not (directory / name).is_file()]
    if missing:
        raise InputError(f"{directory} lacks {' and '.join(missing)}: the run did not finish; run its notebook again")
    return pd.read_parquet(directory / RESULTS), json.loads((directory / RUN).read_text())


def finished(notebook: str, preset: str) -> list[tuple[Path, dict[str, Any]]]:
    """Folder and `run.json` of all finished runs of a notebook at a preset under `paths.runs_root()`, by seed.

    Of runs with equal parameters the latest counts. Interactive runs do not: their cells may have run in any order.
    """
    latest: dict[str, tuple[Path, dict[str, Any]]] = {}
    for path in paths.runs_root().rglob(RUN):
        if _is_interactive(path.parent):
            continue
        run = json.loads(path.read_text())
        key = json.dumps(run["parameters"], sort_keys=True)
        wanted = (run["notebook"], run["preset"]) == (notebook, preset)
        if wanted and (key not in latest or run["finished"] >= latest[key][1]["finished"]):
            latest[key] = (path.parent, run)
    return [latest[key] for key in sorted(latest, key=lambda key: (latest[key][1]["seed"] or 0, key))]


def collect(notebook: str, preset: str) -> pd.DataFrame:
    """The rows of all `finished` runs of a notebook at a preset, one below the other.

    Parameters whose values differ between the runs come as columns under their own names (SEED does not: it is the
    column `seed`). With no such run the frame is empty.
    """
    runs = finished(notebook, preset)
    return _join([load(folder) for folder, _ in runs]) if runs else pd.DataFrame(columns=list(COLUMNS))


def _join(runs: list[tuple[pd.DataFrame, dict[str, Any]]]) -> pd.DataFrame:
    names = sorted({name for _, run in runs for name in run["parameters"]} - {"SEED"})
    values = [{name: _cell(run["parameters"].get(name)) for name in names} for _, run in runs]
    differing = [name for name in names if any(value[name] != values[0][name] for value in values)]
    frames = [
        rows.assign(**{name: value[name] for name in differing}) for (rows, _), value in zip(runs, values, strict=True)
    ]
    return pd.concat(frames, ignore_index=True)


def _cell(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, list | dict) else value


def _is_interactive(directory: Path) -> bool:
    return directory.parent.name == INTERACTIVE


def _directory(notebook: str, parameters: dict[str, Any], injected_output: str | None) -> Path:
    if given := os.environ.get("NDSLIB_RUN_DIR"):
        return Path(given).resolve()
    if output := os.environ.get("PAPERMILL_OUTPUT_PATH") or injected_output:
        output = Path(output).resolve()
        return output.with_name(f"{output.stem}_record")
    preset = str(parameters.get("PRESET", ""))
    label = preset if re.fullmatch(r"[\w-]+", preset) else "run"  # no part of a path that leaves the folder
    return paths.runs_root() / notebook / INTERACTIVE / f"{label}-{digest(parameters)}"


def _literals(parameters: Mapping[str, Any]) -> dict[str, Any]:
    chosen = {}
    for name, value in parameters.items():
        if not re.fullmatch(r"[A-Z][A-Z0-9_]*", name) or name.startswith("PAPERMILL_"):
            continue
        try:
            chosen[name] = json.loads(json.dumps(value, allow_nan=False))
        except TypeError:  # not JSON: a Path or a class, no parameter
            continue
        except ValueError as error:
            raise InputError(f"parameter {name} = {value!r} cannot be recorded: {error}") from error
    return chosen


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise InputError(f"the value {value!r} is not a number") from error


def _plain(name: str, value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    if value is not None and not isinstance(value, str | int | float | bool):
        raise InputError(f"extra column {name}: {value!r} is neither text, a number nor a truth value")
    return value
