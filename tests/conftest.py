"""Fixtures that every test folder shares."""

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from ndslib.core import paths


@pytest.fixture
def shared_data() -> Path:
    """The folder of real images and video, or a skip that says how to get one."""
    root = paths.data_root()
    if not (root / "cifar10").is_dir():
        pytest.skip(f"no real data at {root}: set NDSLIB_DATA to a folder laid out as CONTRIBUTING.md says")
    return root


@pytest.fixture(autouse=True)
def _private_places(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's cache, runs or figures."""
    place = tmp_path_factory.mktemp("places")
    monkeypatch.setenv("NDSLIB_CACHE", str(place / "cache"))
    monkeypatch.setenv("NDSLIB_RUNS", str(place / "runs"))
    monkeypatch.setenv("NDSLIB_FIGURES", str(place / "figures"))


@pytest.fixture
def write_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """A function that writes a small notebook by the contract under a root of its own, where the library then looks.

    `write_notebook("demo/01_small", "print(SEED)", presets={"laptop": "SEED: 3"})`. Its parameters: PRESET, SEED = 0,
    RATE = 0.1, NAME = "a" and KS = [1, 2]; its last cell writes `run.json` as a record would, but without torch.
    """
    monkeypatch.setenv("NDSLIB_ROOT", str(tmp_path / "root"))
    monkeypatch.delenv("NDSLIB_RUN_DIR", raising=False)
    code = nbformat.v4.new_code_cell
    defaults = {"PRESET": "smoke", "SEED": 0, "RATE": 0.1, "NAME": "a", "KS": [1, 2]}
    literals = "\n".join(f"{name} = {value!r}  # of the test" for name, value in defaults.items())
    record = "import os, pathlib\n_ = pathlib.Path(os.environ['NDSLIB_RUN_DIR'], 'run.json').write_text('{}')"

    def write(key: str, *sources: str, presets: dict[str, str] | None = None, **about: object) -> Path:
        cells = [nbformat.v4.new_markdown_cell("# Small"), code(literals, metadata={"tags": ["parameters"]})]
        cells += [code(source) for source in (*sources, record)]
        metadata = {
            "kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"},
            "ndslib": {"title": "Small", "ledger": ["nds-t4"], "seconds": {"smoke": 2}, **about},
        }
        path = tmp_path / "root" / "notebooks" / f"{key}.ipynb"
        (path.parent / "presets").mkdir(parents=True, exist_ok=True)
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), path)
        for preset, text in (presets or {}).items():
            (path.parent / "presets" / f"{path.stem}.{preset}.yaml").write_text(text)
        return path

    return write
