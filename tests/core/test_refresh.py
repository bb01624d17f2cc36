import json

import nbformat
import pytest

from ndslib.core import notebooks, runner
from ndslib.core.refresh import normalised, refresh


def test_stores_the_outputs_in_place(write_notebook):
    path = write_notebook("demo/01_small", "print('a')\nprint('b')", "SEED + 1")
    refresh(notebooks.find("demo"), progress=False)
    content = json.loads(path.read_text())
    code = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == [1, 2, 3, 4]
    assert code[1]["outputs"] == [{"name": "stdout", "output_type": "stream", "text": ["a\n", "b\n"]}]
    assert code[2]["outputs"][0]["data"] == {"text/plain": ["1"]}
    assert code[2]["outputs"][0]["execution_count"] == 3
    assert code[0]["metadata"] == {"tags": ["parameters"]}
    assert set(content["metadata"]) == {"kernelspec", "language_info", "ndslib"}


def test_a_second_refresh_changes_nothing(write_notebook):
    path = write_notebook("demo/01_small", "import sys\nprint('a', flush=True)\nprint('b', file=sys.stderr)")
    refresh(notebooks.find("demo"), progress=False)
    before = path.read_bytes()
    refresh(notebooks.find("demo"), progress=False)
    assert path.read_bytes() == before


def test_a_failure_leaves_the_notebook_as_it_was(write_notebook):
    path = write_notebook("demo/01_small", "1 / 0")
    before = path.read_bytes()
    with pytest.raises(runner.RunFailed, match="ZeroDivisionError"):
        refresh(notebooks.find("demo"), progress=False)
    assert path.read_bytes() == before


def test_skipped_cells_have_no_outputs_and_streams_are_joined():
    v = nbformat.v4
    text = [
        v.new_output("stream", name=name, text=part)
        for name, part in (("stdout", "a"), ("stdout", "b"), ("stderr", "c"))
    ]
    cells = [
        v.new_code_cell("x", outputs=text, execution_count=7),
        v.new_code_cell("widget()", outputs=text[:1], execution_count=8, metadata={"tags": ["skip-execution"]}),
        v.new_code_cell("y", execution_count=9),
    ]
    before = v.new_notebook(cells=cells, metadata={"widgets": {"state": 1}, "papermill": {"duration": 1.0}})
    after = normalised(before)
    assert [cell.execution_count for cell in after.cells] == [1, None, 2]
    assert [(output.name, output.text) for output in after.cells[0].outputs] == [("stdout", "ab"), ("stderr", "c")]
    assert after.cells[1].outputs == []
    assert set(after.metadata) == {"kernelspec", "language_info"}
    assert before.cells[0].outputs[0].text == "a", "the input is not changed"
