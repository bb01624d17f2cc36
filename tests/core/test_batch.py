import pytest

from ndslib.core import batch, paths
from ndslib.core.errors import InputError


def grid(tmp_path, text):
    path = tmp_path / "grid.yaml"
    path.write_text(text)
    return path


def test_expands_every_combination_once(write_notebook, tmp_path):
    write_notebook("demo/01_a", presets={"laptop": "PRESET: laptop"})
    write_notebook("demo/02_b", presets={"laptop": "PRESET: laptop"})
    axes = "presets: [smoke, laptop]\nseeds: [0, 1, 2]\nparameters: {RATE: [1, 2]}"
    runs = batch.load(grid(tmp_path, "notebooks: [demo/01, demo/02, demo/01_a]\n" + axes))
    wanted = {
        (key, preset, seed, rate)
        for key in ("demo/01_a", "demo/02_b")
        for preset in ("smoke", "laptop")
        for seed in (0, 1, 2)
        for rate in (1.0, 2.0)
    }
    asked = [(r.notebook.key, r.preset, r.parameters["SEED"], r.parameters["RATE"]) for r in runs]
    assert len(asked) == len(wanted)
    assert set(asked) == wanted


def test_seeds_and_parameters_may_be_left_out(write_notebook, tmp_path):
    write_notebook("demo/01_a")
    (run,) = batch.load(grid(tmp_path, "notebooks: [demo]"))
    assert (run.preset, run.parameters["SEED"]) == ("smoke", 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("notebooks: [demo]\nseed: [1]", r"seed: Extra inputs.*keys notebooks, presets, seeds, parameters"),
        ("notebooks: []", "notebooks: List should have at least 1"),
        ("seeds: [1]", "notebooks: Field required"),
        ("notebooks: [demo]\nseeds: [a]", r"seeds\.0"),
        ("notebooks: [demo]\nparameters: {KS: []}", r"parameters\.KS"),
        ("notebooks: [demo]\nseeds: [1]\nparameters: {SEED: [2]}", "SEED under both"),
        ("notebooks: [demo]\nparameters: {SEEED: [2]}", "unknown parameter 'SEEED'"),
        ("notebooks: [demo]\nparameters: {SEED: [x]}", "SEED is 'x'"),
        ("notebooks: [demo, other]", "no notebook 'other'"),
        ("notebooks: [demo]\npresets: [labtop]", "no preset 'labtop'"),
        ("notebooks: [", "not a readable YAML file"),
        ("", r"grid\.yaml: the file is empty; wanted lines such as 'notebooks: \[nds/03\]'"),
        ("# nothing yet", "the file is empty"),
        ("- demo", r"holds \['demo'\]; wanted lines"),
    ],
)
def test_refuses_a_wrong_grid(write_notebook, tmp_path, text, message):
    write_notebook("demo/01_a")
    with pytest.raises(InputError, match=message):
        batch.load(grid(tmp_path, text))


def test_refuses_no_workers_and_no_file(write_notebook, tmp_path):
    write_notebook("demo/01_a")
    with pytest.raises(InputError, match="workers is 0"):
        list(batch.execute(batch.load(grid(tmp_path, "notebooks: [demo]")), workers=0))
    with pytest.raises(InputError, match=r"absent\.yaml"):
        batch.load(tmp_path / "absent.yaml")


def test_a_failure_stops_no_other_and_a_rerun_does_what_is_missing(write_notebook, tmp_path):
    switch = tmp_path / "mended"
    code = f"import pathlib\nif SEED == 1 and not pathlib.Path({str(switch)!r}).exists():\n    raise ValueError('bad')"
    write_notebook("demo/01_a", code)
    runs = batch.load(grid(tmp_path, "notebooks: [demo]\nseeds: [0, 1, 2]"))

    def statuses():
        outcomes = list(batch.execute(runs, workers=2))
        return {outcome.run.parameters["SEED"]: outcome.status for outcome in outcomes}, outcomes

    first, outcomes = statuses()
    assert first == {0: "done", 1: "failed", 2: "done"}
    (failed,) = [outcome for outcome in outcomes if outcome.status == "failed"]
    assert "raised ValueError: bad" in failed.error
    assert (failed.run.folder / "error.txt").is_file()
    kept = {seed: (runs[seed].folder / "notebook.ipynb").stat().st_mtime_ns for seed in (0, 2)}
    switch.touch()
    second, _ = statuses()
    assert second == {0: "kept", 1: "done", 2: "kept"}
    assert kept == {seed: (runs[seed].folder / "notebook.ipynb").stat().st_mtime_ns for seed in (0, 2)}


def test_the_workers_share_the_cores(write_notebook, tmp_path, monkeypatch):
    monkeypatch.setattr(batch, "_cores", lambda: 7)
    write_notebook("demo/01_a", "import os\nprint('threads', os.environ['OMP_NUM_THREADS'])")
    (outcome,) = batch.execute(batch.load(grid(tmp_path, "notebooks: [demo]")), workers=2)
    assert outcome.status == "done"
    assert "threads 3" in (outcome.run.folder / "notebook.ipynb").read_text()
    assert paths.runs_root() in outcome.run.folder.parents
