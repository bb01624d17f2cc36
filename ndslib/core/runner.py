"""Run one notebook under papermill, with the checks, the place and the progress that papermill has not.

A run's folder, `runs/<chapter>/<NN_name>/<preset>-<digest>`, is named by everything that the run was asked to do. It
holds `notebook.ipynb` (executed), `run.json` with the rest of the run record, and the figures. A run that failed leaves
`notebook.failed.ipynb` and `error.txt` there instead, never a notebook under the final name.
"""

import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ndslib.core import notebooks, paths, presets
from ndslib.core.errors import InputError
from ndslib.core.files import atomic_path, digest
from ndslib.core.notebooks import Notebook

EXECUTED, FAILED, ERROR = "notebook.ipynb", "notebook.failed.ipynb", "error.txt"
RECORD = "run.json"  # records.RUN, without importing torch into a process that only waits for a kernel
_LEAST_CELL_SECONDS, _UNKNOWN_CELL_SECONDS = 300, 24 * 3600


class RunFailed(Exception):
    """A notebook did not run to its end. The message says in which cell and why, and where the remains are."""


@dataclass(frozen=True)
class Run:
    """One run to do, already checked: a notebook, its preset, the value of every parameter, and the place."""

    notebook: Notebook
    preset: str
    parameters: dict[str, Any]
    folder: Path

    @property
    def is_complete(self) -> bool:
        """Whether it was run to its end: both the notebook and its record have their final names."""
        return all((self.folder / name).is_file() for name in (EXECUTED, RECORD))


@dataclass(frozen=True)
class RunResult:
    """A run that finished: what it was, its wall-clock seconds, the executed notebook and the figures (PNG files)."""

    run: Run
    seconds: float
    notebook: Path
    figures: list[Path]


def plan(
    notebook: Notebook | str,
    preset: str = presets.SMOKE,
    parameters: Mapping[str, Any] | None = None,
    run_dir: Path | str | None = None,
) -> Run:
    """Check what is asked for and name its folder; starts nothing.

    Args:
        notebook: one, or a name that `notebooks.find` knows.
        parameters: values that go over the preset's.
        run_dir: the folder, instead of the one under `runs/`.

    Raises:
        InputError: an unknown notebook, preset or parameter, or a value of the wrong type.
    """
    notebook = notebooks.find(notebook) if isinstance(notebook, str) else notebook
    values = presets.resolve(notebook, preset, parameters)
    if run_dir is None:
        # The code is part of the name: an edited notebook is another run, an edited sentence or output is not.
        code = [cell["source"] for cell in notebook.code_cells]
        run_dir = paths.runs_root() / notebook.key / f"{preset}-{digest(values, code)}"
    return Run(notebook, preset, values, Path(run_dir).resolve())


def run(
    notebook: Notebook | str,
    preset: str = presets.SMOKE,
    parameters: Mapping[str, Any] | None = None,
    run_dir: Path | str | None = None,
    progress: bool = True,
    cell_timeout: float | None = None,
) -> RunResult:
    """Check and execute a notebook; see `plan` for the arguments and `execute` for the rest."""
    return execute(plan(notebook, preset, parameters, run_dir), progress, cell_timeout)


def execute(
    run: Run, progress: bool = True, cell_timeout: float | None = None, environment: Mapping[str, str] | None = None
) -> RunResult:
    """Execute a planned run, again if it is complete already.

    Args:
        progress: show each cell, as a bar in a terminal and as lines elsewhere.
        cell_timeout: seconds after which a cell counts as hung; default ten times what the notebook's metadata expects
            of the whole preset, at least 300, and a day where it says nothing.
        environment: further variables of the kernel.

    Raises:
        RunFailed: a cell raised or hung, the kernel died, or the notebook wrote no run record.
    """
    from ndslib.core.cell_progress import CellProgress

    run.folder.mkdir(parents=True, exist_ok=True)
    for name in (EXECUTED, FAILED, ERROR, RECORD):
        (run.folder / name).unlink(missing_ok=True)
    started = time.monotonic()
    with atomic_path(run.folder / EXECUTED) as temporary, CellProgress(run.notebook, progress) as shown:
        try:
            _papermill(run, temporary, cell_timeout or _cell_seconds(run), environment or {}, shown.hooks())
            if not (run.folder / RECORD).is_file():
                raise InputError(f"{run.notebook.key} wrote no run record: it has to finish an ndslib RunRecord")
        except BaseException as error:
            os.replace(temporary, run.folder / FAILED)
            (run.folder / RECORD).unlink(missing_ok=True)  # a record finished before the failure must not be collected
            (run.folder / ERROR).write_text(_plain(str(error)) or repr(error))
            if not isinstance(error, Exception):  # the user's Ctrl-C stays one
                raise
            raise RunFailed(_summary(run, error)) from error
    return RunResult(run, time.monotonic() - started, run.folder / EXECUTED, sorted(run.folder.glob("*.png")))


def _papermill(run: Run, output: Path, cell_timeout: float, environment: Mapping[str, str], hooks: dict) -> None:
    import papermill  # half a second that `ndslib list` does not need

    from ndslib.core import kernels

    defaults = presets.defaults(run.notebook)
    papermill.execute_notebook(
        run.notebook.path,
        output,
        parameters={name: value for name, value in run.parameters.items() if value != defaults[name]},
        kernel_name="python3",
        progress_bar=False,
        execution_timeout=cell_timeout,
        **kernels.options({**environment, "NDSLIB_RUN_DIR": str(run.folder)}),
        **hooks,
    )


def _cell_seconds(run: Run) -> float:
    expected = run.notebook.seconds.get(run.preset)
    return _UNKNOWN_CELL_SECONDS if expected is None else max(_LEAST_CELL_SECONDS, 10 * expected)


def _summary(run: Run, error: Exception) -> str:
    from papermill.exceptions import PapermillExecutionError

    if isinstance(error, PapermillExecutionError):
        reason = f"cell {error.exec_count} raised {error.ename}: {_plain(error.evalue)}"
    else:
        lines = _plain(str(error)).strip().splitlines() or [repr(error)]
        reason = f"{type(error).__name__}: {lines[0]}"
    return f"{run.notebook.key} ({run.preset}) failed: {reason}\nSee {run.folder / FAILED} and {ERROR} beside it"


def _plain(text: str) -> str:
    """Text without terminal colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)
