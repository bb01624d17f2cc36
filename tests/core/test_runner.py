import io
import json
import os
import sys

import nbformat
import pytest
from rich.console import Console

from ndslib.core import kernels, notebooks, paths, records, runner
from ndslib.core.cell_progress import CellProgress
from ndslib.core.errors import InputError


def test_a_run_leaves_the_executed_notebook_in_its_folder(write_notebook):
    write_notebook("demo/01_small", "print(SEED, RATE, PRESET)", presets={"laptop": "PRESET: laptop\nSEED: 3"})
    result = runner.run("demo", "laptop", {"RATE": 0.5}, progress=False)
    folder = result.notebook.parent
    assert folder.parent == paths.runs_root() / "demo" / "01_small"
    assert folder.name.startswith("laptop-")
    assert sorted(path.name for path in folder.iterdir()) == ["notebook.ipynb", "run.json"]
    assert result.run.is_complete
    executed = nbformat.read(result.notebook, as_version=4)
    assert [o.text for c in executed.cells for o in c.get("outputs", [])] == ["3 0.5 laptop\n"]


def test_the_folder_is_named_by_parameters_and_code(write_notebook):
    write_notebook("demo/01_small", "x = 1", presets={"laptop": "SEED: 3"})
    first = runner.plan("demo", "laptop").folder
    assert runner.plan("demo", "laptop", {"SEED": 3}).folder == first
    assert runner.plan("demo", "laptop", {"SEED": 4}).folder != first
    write_notebook("demo/01_small", "x = 2", presets={"laptop": "SEED: 3"})
    assert runner.plan("demo", "laptop").folder != first


def test_bad_input_is_found_before_anything_is_made(write_notebook):
    write_notebook("demo/01_small")
    for arguments in (("demo", "labtop"), ("demo", "smoke", {"SEEED": 1}), ("demo", "smoke", {"SEED": "x"}), ("x",)):
        with pytest.raises(InputError):
            runner.run(*arguments)
    assert not paths.runs_root().exists()


def test_a_failed_run_has_no_final_name_and_says_why(write_notebook, tmp_path):
    write_notebook("demo/01_small", "print('before')", "if SEED == 13:\n    raise ValueError('bad luck')")
    with pytest.raises(runner.RunFailed, match=r"demo/01_small \(smoke\) failed: cell \d raised ValueError: bad luck"):
        runner.run("demo", parameters={"SEED": 13}, run_dir=tmp_path / "out", progress=False)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["error.txt", "notebook.failed.ipynb"]
    assert "bad luck" in (tmp_path / "out" / "error.txt").read_text()
    assert "before" in (tmp_path / "out" / "notebook.failed.ipynb").read_text()
    result = runner.run("demo", run_dir=tmp_path / "out", progress=False)
    assert sorted(path.name for path in result.notebook.parent.iterdir()) == ["notebook.ipynb", "run.json"]


def test_a_record_finished_before_the_failure_does_not_count(write_notebook, tmp_path):
    record = "import os, pathlib\npathlib.Path(os.environ['NDSLIB_RUN_DIR'], 'run.json').write_text('{}')"
    write_notebook("demo/01_small", record, "1 / 0")
    with pytest.raises(runner.RunFailed, match="ZeroDivisionError"):
        runner.run("demo", run_dir=tmp_path / "out", progress=False)
    assert not (tmp_path / "out" / "run.json").exists()


def test_a_failed_rerun_takes_the_completeness_away(write_notebook, tmp_path):
    write_notebook("demo/01_small", "import os\nif 'NDSLIB_TEST_FAIL' in os.environ:\n    raise ValueError")
    run = runner.plan("demo", run_dir=tmp_path / "out")
    runner.execute(run, progress=False)
    assert run.is_complete
    with pytest.raises(runner.RunFailed):
        runner.execute(run, progress=False, environment={"NDSLIB_TEST_FAIL": "1"})
    assert not run.is_complete


def test_a_notebook_without_a_record_has_failed(write_notebook, tmp_path):
    write_notebook("demo/01_small", "import sys\nimport os\nos.environ['NDSLIB_RUN_DIR'] = '" + str(tmp_path) + "'")
    with pytest.raises(runner.RunFailed, match="wrote no run record"):
        runner.run("demo", progress=False)


def test_a_hung_cell_and_a_dead_kernel_are_failures(write_notebook):
    write_notebook("demo/01_hung", "import time\ntime.sleep(60)")
    write_notebook("demo/02_dead", "import os\nos._exit(1)")
    with pytest.raises(runner.RunFailed, match="CellTimeoutError"):
        runner.run("demo/01", progress=False, cell_timeout=1)
    with pytest.raises(runner.RunFailed, match="DeadKernelError"):
        runner.run("demo/02", progress=False)


def test_the_kernel_is_this_python_with_variables_of_its_own(write_notebook, monkeypatch):
    path = write_notebook("demo/01_small", "import os, sys\nprint(os.environ['A'], sys.executable)")
    monkeypatch.chdir(path.parent)
    result = runner.execute(runner.plan("demo"), progress=False, environment={"A": "b"})
    (output,) = json.loads(result.notebook.read_text())["cells"][2]["outputs"]
    assert output["text"] == [f"b {sys.executable}\n"]
    assert not {"A", "NDSLIB_RUN_DIR"} & set(os.environ)
    assert not list(path.parent.glob("*kernel*")), "jupyter_client's default puts its sockets here"


def test_two_kernels_never_share_sockets(monkeypatch):
    first, second = kernels.transport(), kernels.transport()
    assert first["transport"] == "ipc"
    assert first["connection_file"] != second["connection_file"]
    monkeypatch.setattr(kernels, "_LONGEST_SOCKET", 10)
    assert kernels.transport() == {}


def test_the_cell_timeout_follows_the_expected_time(write_notebook):
    write_notebook(
        "demo/01_small", seconds={"smoke": 2, "laptop": 500}, presets={"laptop": "SEED: 1", "gpu": "SEED: 2"}
    )
    expected = {"smoke": 300, "laptop": 5000, "gpu": 24 * 3600}
    assert {preset: runner._cell_seconds(runner.plan("demo", preset)) for preset in expected} == expected


def test_the_record_has_one_name():
    assert runner.RECORD == records.RUN


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_names_each_executed_cell(write_notebook, terminal):
    write_notebook("demo/01_small", "x = 1")
    notebook = notebooks.find("demo")
    text = io.StringIO()
    console = Console(file=text, force_terminal=terminal, width=100)
    with CellProgress(notebook, console=console) as shown:
        hooks = shown.hooks()
        injected = {"cell_type": "code", "source": "SEED = 1", "metadata": {"tags": ["injected-parameters"]}}
        for index, cell in enumerate([*notebook.cells[:2], injected, *notebook.cells[2:]]):
            hooks["on_cell_start"](cell=cell, cell_index=index)
            if cell["cell_type"] == "code":
                hooks["on_cell_executed"](cell=cell, cell_index=index, execute_reply={})
    assert "3/3" in text.getvalue()
    assert "4/3" not in text.getvalue()
    assert "Small" in text.getvalue()
