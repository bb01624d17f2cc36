"""Progress of a notebook's execution, cell by cell: a bar in a terminal, a line a cell elsewhere."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from ndslib.core.notebooks import Notebook, is_skipped


class CellProgress:
    """Shows the executed cells of one notebook; a context manager. Hand `hooks()` to nbclient or papermill."""

    def __init__(self, notebook: Notebook, visible: bool = True, console: Console | None = None) -> None:
        self._title = notebook.key
        self._visible = visible
        self._console = console or Console(stderr=True)
        self._heading = notebook.title
        self._total = len(notebook.code_cells)
        self._done = 0
        self._started = time.monotonic()
        self._bar: Progress | None = None

    def __enter__(self) -> Self:
        if self._visible and self._console.is_terminal:
            columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
            self._bar = Progress(*columns, TimeElapsedColumn(), console=self._console)
            self._task = self._bar.add_task(self._title, total=self._total)
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        if self._bar is not None:
            self._bar.stop()

    def hooks(self) -> dict[str, Callable[..., None]]:
        """The callbacks of `nbclient.NotebookClient`."""
        return {"on_cell_start": self._start, "on_cell_executed": self._finish}

    def _start(self, cell: dict[str, Any], cell_index: int) -> None:
        if cell["cell_type"] == "markdown":
            headings = [line for line in cell["source"].splitlines() if line.startswith("#")]
            self._heading = headings[-1].lstrip("# ") if headings else self._heading
        elif not is_skipped(cell) and self._bar is not None:
            self._bar.update(self._task, description=f"{self._title}: {self._heading}")

    def _finish(self, cell: dict[str, Any], cell_index: int, execute_reply: dict[str, Any]) -> None:
        if "injected-parameters" in cell["metadata"].get("tags", []):
            return  # papermill's own cell
        self._done += 1
        if self._bar is not None:
            self._bar.update(self._task, completed=self._done)
        elif self._visible:
            seconds = time.monotonic() - self._started
            self._console.print(f"{self._title} {self._done}/{self._total} {self._heading} ({seconds:.0f} s)")
