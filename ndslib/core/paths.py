"""The places ndslib reads and writes, each one overridable by an environment variable.

Paths resolve from the repository root and never from the working directory: nbval runs in the notebook's folder,
papermill in the caller's.
"""

import os
from pathlib import Path


def _place(variable: str, default: Path) -> Path:
    return Path(os.environ.get(variable) or default).expanduser().resolve()


def repo_root() -> Path:
    """The checkout that holds `notebooks/` and `data_manifests/` (`NDSLIB_ROOT` overrides)."""
    return _place("NDSLIB_ROOT", Path(__file__).resolve().parents[2])


def manifests_root() -> Path:
    """`data_manifests/`: one YAML a dataset, and `reported/` with the published numbers."""
    return repo_root() / "data_manifests"


def notebooks_root() -> Path:
    """`notebooks/`, one folder a chapter."""
    return repo_root() / "notebooks"


def figures_root() -> Path:
    """`figures/`: the committed pictures, tables and provenance of recorded runs (`NDSLIB_FIGURES` overrides)."""
    return _place("NDSLIB_FIGURES", repo_root() / "figures")


def data_root() -> Path:
    """Where real datasets lie (`NDSLIB_DATA`; default `../shared/data` beside the checkout). May not exist."""
    return _place("NDSLIB_DATA", repo_root().parent / "shared" / "data")


def cache_root() -> Path:
    """Everything that can be computed again: decoded images, features, experts (`NDSLIB_CACHE`)."""
    return _place("NDSLIB_CACHE", Path("~/.cache/ndslib"))


def runs_root() -> Path:
    """Executed notebooks and their run records, git-ignored (`NDSLIB_RUNS`; default `runs/`)."""
    return _place("NDSLIB_RUNS", repo_root() / "runs")
