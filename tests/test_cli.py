import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import ndslib
from ndslib.cli import _time, app
from ndslib.core import paths


@pytest.fixture(autouse=True)
def _wide_terminal(monkeypatch):
    """Tables are laid out for the terminal's width."""
    monkeypatch.setenv("COLUMNS", "250")
    monkeypatch.setattr("ndslib.cli.console._width", 250)


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_version_and_help():
    assert call("--version").output == f"ndslib {ndslib.__version__}\n"
    for command in ("list", "run", "batch", "scorecard", "record", "data", "refresh"):
        assert command in call("--help").output
        assert call(command, "--help").exit_code == 0


def test_help_loads_no_heavy_package():
    code = (
        "import sys, ndslib.cli; print(*{'torch', 'pandas', 'papermill', 'matplotlib', 'sklearn'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_list_shows_rows_presets_and_times(write_notebook):
    write_notebook("demo/01_a", presets={"laptop": "SEED: 1", "gpu": "SEED: 2"}, seconds={"smoke": 20, "laptop": 300})
    output = call("list").output
    for text in ("demo/01_a", "Small", "nds-t4", "smoke (20 s), laptop (5 min), gpu (?)"):
        assert text in output


def test_names_are_whole_in_a_narrow_terminal(write_notebook, monkeypatch):
    monkeypatch.setattr("ndslib.cli.console._width", 80)
    write_notebook("demo/01_a_notebook_of_some_name", title="A title of many words, " * 4, ledger=["nds-t4"] * 9)
    (paths.repo_root() / "data_manifests").symlink_to(Path(ndslib.__file__).parents[1] / "data_manifests")
    assert "demo/01_a_notebook_of_some_name" in call("list").output
    output = call("data", "list").output
    assert {path.stem for path in paths.manifests_root().glob("*.yaml")} <= set(output.split())


def test_run_says_where_the_results_are(write_notebook, tmp_path):
    code = "import os, pathlib\npathlib.Path(os.environ['NDSLIB_RUN_DIR'], f'seed{SEED}.png').touch()"
    write_notebook("demo/01_a", code)
    done = call("run", "demo", "-p", "SEED=3", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    for name in ("notebook.ipynb", "seed3.png", "run.json"):
        assert str(tmp_path / "out" / name) in done.output
        assert (tmp_path / "out" / name).is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "demo", "-p", "SEDE=3"], "unknown parameter 'SEDE' (did you mean SEED?)"),
        (["run", "demo", "-p", "SEED=three"], "SEED is 'three'"),
        (["run", "demo", "-p", "SEED"], "'SEED' is not NAME=VALUE"),
        (["run", "demo", "-p", "PRESET=paper"], "choose the preset itself: --preset paper"),
        (["run", "demo", "--preset", "labtop"], "it has: smoke"),
        (["run", "dmo"], "there are: demo/01_a"),
        (["batch", "absent.yaml"], "absent.yaml"),
        (["refresh", "dmo"], "no notebook 'dmo'"),
        (["record", "dmo"], "no notebook 'dmo'"),
        (["record", "demo"], "no finished run of demo/01_a at preset 'laptop'"),
        (["record", "demo", "--preset", "gpu"], "no finished run of demo/01_a at preset 'gpu'"),
    ],
)
def test_bad_input_is_a_message_and_status_2(write_notebook, arguments, message):
    write_notebook("demo/01_a")
    done = call(*arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert "Traceback" not in done.output
    assert not paths.runs_root().exists()


def test_a_failed_run_has_status_1(write_notebook):
    write_notebook("demo/01_a", "raise ValueError('[bad] luck')")
    done = call("run", "demo")
    assert done.exit_code == 1
    assert "raised ValueError: [bad] luck" in done.stderr


def test_batch_sums_up_and_has_status_1_when_a_run_failed(write_notebook, tmp_path):
    write_notebook("demo/01_a", "if SEED == 1:\n    raise ValueError('bad')")
    grid = tmp_path / "grid.yaml"
    grid.write_text("notebooks: [demo]\nseeds: [0, 1]")
    first = call("batch", grid)
    assert first.exit_code == 1
    assert "1 done, 0 kept, 1 failed" in first.output
    assert "raised ValueError: bad" in first.stderr
    grid.write_text("notebooks: [demo]\nseeds: [0]")
    second = call("batch", grid)
    assert second.exit_code == 0
    assert "0 done, 1 kept, 0 failed" in second.output


def test_scorecard_as_table_and_markdown():
    table, markdown = call("scorecard"), call("scorecard", "--markdown")
    assert "nds-t4" in table.output
    assert "0 of " in table.output
    assert markdown.output.startswith("| id | chapter | what | kind | notebook | regenerated | verdict |\n| --- |")


RECORDED = """
import matplotlib.pyplot as plt
import pandas as pd
from ndslib.core.records import RunRecord

record = RunRecord.start("nds/09_small", globals())
record.figure("nds-f2", plt.figure(), pd.DataFrame({"seed": [SEED]}))
record.finish()
"""


def test_record_writes_what_the_scorecard_counts(write_notebook):
    path = write_notebook("nds/09_small", RECORDED, presets={"laptop": "PRESET: laptop"}, ledger=["nds-f2"])
    notebook = json.loads(path.read_text())
    del notebook["cells"][-1]  # RECORDED finishes the run
    path.write_text(json.dumps(notebook))
    (paths.repo_root() / "data_manifests").symlink_to(Path(ndslib.__file__).parents[1] / "data_manifests")
    assert call("run", "nds/09", "--preset", "laptop").exit_code == 0
    done = call("record", "nds/09")
    assert done.exit_code == 0, done.output
    assert done.output == f"{paths.figures_root() / 'nds' / 'nds-f2.json'}\n"
    assert sorted(path.name for path in (paths.figures_root() / "nds").iterdir()) == [
        "nds-f2.csv",
        "nds-f2.json",
        "nds-f2.png",
    ]
    assert "laptop, 1 seed" in call("scorecard").output


MANIFEST = """
name: tiny
title: Tiny
home_page: https://example.org
licence: CC0-1.0
terms: none
citation: none
task: classification
metric: top-1
classes: 2
splits: {train: {images: 2}}
access: login
steps: [Ask for it]
files: [{path: a.bin, sha256: %s}]
checksums_from: the test
loader: "torchvision:ImageFolder"
stand_in: digits
used_by: [NDS]
"""


@pytest.fixture
def tiny_dataset(tmp_path, monkeypatch):
    manifests = tmp_path / "root" / "data_manifests"
    manifests.mkdir(parents=True)
    (manifests / "tiny.yaml").write_text(MANIFEST % hashlib.sha256(b"whole").hexdigest())
    monkeypatch.setenv("NDSLIB_ROOT", str(tmp_path / "root"))
    monkeypatch.setenv("NDSLIB_DATA", str(tmp_path / "data"))
    return tmp_path / "data" / "tiny"


def test_data_list_says_what_lies_here(tiny_dataset):
    assert "yes" not in call("data", "list").output
    tiny_dataset.mkdir(parents=True)
    output = call("data", "list").output
    for text in ("tiny", "CC0-1.0", "login", "yes", str(tiny_dataset.parent)):
        assert text in output


def test_data_verify_and_fetch(tiny_dataset):
    missing = call("data", "verify", "tiny")
    assert missing.exit_code == 1
    assert "ndslib data fetch tiny" in missing.stderr
    steps = call("data", "fetch", "tiny")
    assert steps.exit_code == 2
    assert "Ask for it" in steps.stderr
    tiny_dataset.mkdir(parents=True)
    (tiny_dataset / "a.bin").write_bytes(b"broken")
    assert call("data", "verify", "tiny").exit_code == 1
    (tiny_dataset / "a.bin").write_bytes(b"whole")
    assert call("data", "verify", "tiny").exit_code == 0
    done = call("data", "fetch", "tiny")
    assert done.exit_code == 0
    assert "1 files verified" in done.output


def test_data_fetch_of_a_dataset_without_files_says_where_it_comes_from(monkeypatch, tmp_path):
    monkeypatch.setenv("NDSLIB_DATA", str(tmp_path))
    done = call("data", "fetch", "digits")
    assert done.exit_code == 0
    assert "digits: nothing to download. It comes with scikit-learn" in done.output
    assert "verified" not in done.output


def test_data_fetch_shows_the_steps_with_the_real_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("NDSLIB_DATA", str(tmp_path))
    done = call("data", "fetch", "imagenet")
    assert done.exit_code == 2
    assert f"ImageNet('{tmp_path / 'imagenet'}', 'train')" in done.stderr
    assert "DIR" not in done.stderr


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, "?"), (0.4, "0 s"), (119, "119 s"), (150, "2 min"), (7200, "2.0 h"), (86400, "24.0 h")]
)
def test_times_are_for_reading(seconds, text):
    assert _time(seconds) == text
