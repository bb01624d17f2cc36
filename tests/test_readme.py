"""The README says what is true: its links lead somewhere, its code runs, its results are the recorded ones."""

import re
from pathlib import Path

import numpy as np
from PIL import Image

from ndslib.core import scorecard

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


def test_the_example_runs(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    for folder, count in (("photos/a", 8), ("photos/b", 8), ("mine/c", 3)):
        (tmp_path / folder).mkdir(parents=True)
        for number in range(count):
            Image.fromarray(rng.integers(0, 255, (40, 48, 3), np.uint8)).save(tmp_path / folder / f"{number}.png")
    code = re.search(r"```python\n(.*?)```", TEXT, re.DOTALL)[1]
    for large, small in (
        ("steps=2000", "steps=2"),
        ("width=32", "width=2"),
        ("k=8", "k=3"),
        ("budget=1000", "budget=5"),
    ):
        assert large in code
        code = code.replace(large, small)
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(compile(code, "README.md", "exec"), names)
    assert names["answer"].samples.num_rows == 5
    assert len(names["scores"]) == 3
