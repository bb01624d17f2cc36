"""The README says what is true: its links lead somewhere, its code runs, its results are the recorded ones."""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from ndslib.core import scorecard
from ndslib.data import images, sample_table
from ndslib.task2sim import Policy, RewardTable, one_shot

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text()


def test_links_and_pictures_exist():
    targets = [target for target in re.findall(r"\]\(([^)#]+)\)", TEXT) if not target.startswith("http")]
    assert len(targets) >= 5
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_the_results_are_the_recorded_ones(monkeypatch):
    monkeypatch.setenv("NDSLIB_FIGURES", str(ROOT / "figures"))
    table = scorecard.headlines_markdown()
    assert table.count("\n") > 10
    assert table in TEXT, "run `ndslib scorecard --headlines` and put it into the README"


def run_example(number: int, smaller: dict[str, str]) -> dict:
    """Run one of the README's examples with numbers that a test can afford; the names it leaves."""
    code = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)[number]
    for large, small in smaller.items():
        assert large in code
        code = code.replace(large, small)
    names: dict = {}
    exec(compile(code, "README.md", "exec"), names)
    return names


def test_the_simulators_example_runs():
    names = run_example(
        1,
        {
            "size=64": "size=16",
            "range(10), images_per_class=400": "range(2), images_per_class=2",
            '100, "train"': '1, "train"',
            "20, 5000": "2, 30",
            "background=0.9": "background=0.9, rarest=0.04, size=16",
            '500, "train"': '2, "train", size=32',
            'Stream("ego", "street")': 'Stream("ego", "street", size=(16, 24))',
        },
    )
    assert names["images"].shape == (4, 3, 16, 16)
    assert names["class_ids"].tolist() == [0, 0, 1, 1]
    assert names["table"].num_rows == 30
    assert (names["folder"] / "annotations" / "instances_train.json").is_file()
    assert names["frame"].image.shape == (3, 16, 24)


def test_the_example_runs(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    for folder, count in (("photos/a", 8), ("photos/b", 8), ("mine/c", 3)):
        (tmp_path / folder).mkdir(parents=True)
        for number in range(count):
            Image.fromarray(rng.integers(0, 255, (40, 48, 3), np.uint8)).save(tmp_path / folder / f"{number}.png")
    monkeypatch.chdir(tmp_path)
    names = run_example(0, {"steps=2000": "steps=2", "width=32": "width=2", "k=8": "k=3", "budget=1000": "budget=5"})
    assert names["answer"].samples.num_rows == 5
    assert len(names["scores"]) == 3


def test_the_hydranets_example_runs():
    names = run_example(
        2,
        {"groups=5, per_group=4": "groups=3, per_group=2, train_per_class=2, test_per_class=2", "steps=300": "steps=2"}
        | {"n_b=5": "n_b=3"},
    )
    assert names["network"].subtasks.bincount().tolist() == [2, 2, 2]
    assert names["found"].utilisation.sum() == pytest.approx(2)
    images = torch.rand(1, 3, 32, 32)
    torch.testing.assert_close(names["program"].module()(images), names["network"].forward_masked(images))


def test_task2sims_example_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    smaller = {"classes=40, images_per_class=20, size=32": "classes=2, images_per_class=2, size=16, width=2"}
    smaller |= {"steps=160, batch_size=64": "steps=1, batch_size=4", "workers=2": "free=('blur',)"}
    smaller |= {'load_tasks("worlds", size=32)': 'load_tasks("worlds", 16, 2, 2)', "epochs=300": "epochs=3"}
    smaller |= {"task_vectors(probe, tasks)": "task_vectors(probe, tasks, samples=8)"}
    names = run_example(3, smaller | {"Recipe(probe, size=32)": "Recipe(probe, 16, options={'samples': 8})"})
    predicted = names["policy"].predict(names["vectors"])
    assert predicted.shape == (9, 1)
    assert names["policy"].history.settings == 2
    task = names["tasks"][-1]
    found = one_shot.predict(Policy.load("policy.safetensors"), task.train)
    assert list(found.levels) == predicted[-1].tolist()
    assert RewardTable.from_csv("rewards.csv").values.shape == (6, 2)


def command(line: str) -> list[str]:
    """One of the README's command lines as a process of this environment."""
    program, *arguments = shlex.split(line, comments=True)
    assert program == "ndslib"
    return [sys.executable, "-m", "ndslib", *arguments]


def test_the_commands_run_as_they_are_written(tmp_path):
    """Two folders are indexed and served, a third is adapted to, the list is fetched: with fewer steps of training."""
    rng = np.random.default_rng(0)
    for folder, count in (("photos", 40), ("sketches", 30), ("my-images", 5)):
        (tmp_path / folder).mkdir()
        for number in range(count):
            Image.fromarray(rng.integers(0, 255, (20, 24, 3), np.uint8)).save(tmp_path / folder / f"{number}.png")
    section = TEXT.split("### A dataserver of your own")[1].split("```")[0]
    lines = re.findall(r"^    (ndslib .*)$", section, re.MULTILINE)
    assert [line.split()[1] for line in lines] == ["index", "index", "serve", "adapt", "data"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "NDSLIB_PROGRESS": "off"}

    def run(line: str, *more: str) -> None:
        subprocess.run([*command(line), *more], cwd=tmp_path, env=environment, check=True, capture_output=True)

    for line in lines[:2]:
        run(line, "--steps", "2", "--width", "2")
    serving = [*command(lines[2]), "--port", str(port)]
    with subprocess.Popen(serving, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) as server:
        said = server.stdout.readline()
        assert f"served at http://127.0.0.1:{port} " in said
        for line in lines[3:]:
            run(line.replace(":8000", f":{port}"))
        server.send_signal(signal.SIGINT)
        assert server.wait(30) == 0
    assert pq.read_metadata(tmp_path / "picks.parquet").num_rows == 50
    fetched = sample_table.read(tmp_path / "pretraining" / "samples.parquet")
    assert fetched.num_rows == 50
    assert set(fetched["dataset"].to_pylist()) == {"photos", "sketches"}
    assert images.decode(fetched, 16).pixels.shape == (50, 3, 16, 16)
