"""Bring the committed notebooks up to date: execute at the defaults and store the outputs in place."""

from typing import Any

import nbformat

from ndslib.core import runner
from ndslib.core.files import atomic_path
from ndslib.core.notebooks import Notebook, is_skipped

_KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def refresh(notebook: Notebook, progress: bool = True) -> float:
    """Execute `notebook` at its defaults and replace it by the executed one, normalised; returns the seconds.

    Raises:
        RunFailed: it did not run to its end; the notebook is as it was.
    """
    # What is cached shows no progress: a stored notebook must not tell a warm cache from a cold one.
    result = runner.execute(runner.plan(notebook), progress, environment={"NDSLIB_PROGRESS": "off"})
    content = normalised(nbformat.read(result.notebook, as_version=4))
    with atomic_path(notebook.path) as temporary:
        nbformat.write(content, temporary)
    return result.seconds


def normalised(content: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A copy with what a reader needs and nothing that differs from run to run.

    Execution counts are 1..n over the executed cells, a stream's pieces are one output, and the metadata of papermill,
    widgets, timing and the editor are gone.
    """
    content = nbformat.from_dict(content)
    count = 0
    for cell in content.cells:
        cell.metadata = _only(cell.metadata, ("tags", "jupyter"))
        if cell.cell_type != "code":
            continue
        executed = bool(cell.source.strip()) and not is_skipped(cell)
        count += executed
        cell.execution_count = count if executed else None
        cell.outputs = _joined(cell.outputs) if executed else []
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = cell.execution_count
    content.metadata = {
        **_only(content.metadata, ("ndslib",)),
        "kernelspec": _KERNEL,
        "language_info": {"name": "python"},
    }
    return content


def _only(metadata: dict[str, Any], kept: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in metadata.items() if name in kept}


def _joined(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """Consecutive pieces of the same stream as one output: how they were cut depends on timing."""
    joined: list[nbformat.NotebookNode] = []
    for output in outputs:
        last = joined[-1] if joined else {}
        if output.output_type == "stream" and last.get("name") == output.name:
            last["text"] += output.text
        else:
            joined.append(output)
    return joined
