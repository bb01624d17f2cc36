"""A grid of runs: notebooks x presets x seeds x parameters, checked before the first kernel starts.

    notebooks: [nds/03, nds/05]
    presets: [laptop]            # default [smoke]
    seeds: [0, 1, 2, 3, 4]       # values of SEED; default: the preset's
    parameters: {K: [4, 10]}     # default: the preset's

Each run is one folder (`runner`), so a second batch does only what is missing.
"""

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import joblib
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ndslib.core import notebooks, presets, runner
from ndslib.core.errors import InputError
from ndslib.core.runner import Run


class Grid(BaseModel):
    """What a grid file may say."""

    model_config = ConfigDict(extra="forbid", strict=True)

    notebooks: Annotated[list[str], Field(min_length=1)]
    presets: Annotated[list[str], Field(min_length=1)] = [presets.SMOKE]
    seeds: list[int] = []
    parameters: dict[str, Annotated[list[Any], Field(min_length=1)]] = {}


@dataclass(frozen=True)
class Outcome:
    """What became of one run: done now, kept from an earlier batch, or failed (`error` says why)."""

    run: Run
    status: Literal["done", "kept", "failed"]
    seconds: float | None = None
    error: str = ""


def load(path: Path | str) -> list[Run]:
    """The runs of a grid file, each once, in the order of the file.

    Raises:
        InputError: the file is absent, not YAML, or has an unknown key; a notebook, preset or parameter is unknown, or
            a value is of the wrong type.
    """
    path = Path(path)
    try:
        content = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise InputError(f"{path}: not a readable YAML file ({error})") from error
    if not isinstance(content, dict):
        found = "the file is empty" if content is None else f"holds {content!r}"
        keys = ", ".join(Grid.model_fields)
        raise InputError(f"{path}: {found}; wanted lines such as 'notebooks: [nds/03]'. A grid has the keys {keys}")
    try:
        grid = Grid.model_validate(content)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise InputError(f"{path}: {problems}. A grid has the keys {', '.join(Grid.model_fields)}") from error
    return expand(grid)


def expand(grid: Grid) -> list[Run]:
    """Every combination of a grid as a checked run; two that come out the same count once.

    Raises:
        InputError: as `runner.plan`, and for SEED both under `seeds` and under `parameters`.
    """
    if grid.seeds and "SEED" in grid.parameters:
        raise InputError("the grid gives SEED under both seeds and parameters; keep one")
    axes = {**grid.parameters, **({"SEED": grid.seeds} if grid.seeds else {})}
    runs = {}
    for name, preset, *values in itertools.product(grid.notebooks, grid.presets, *axes.values()):
        run = runner.plan(notebooks.find(name), preset, dict(zip(axes, values, strict=True)))
        runs.setdefault(run.folder, run)
    return list(runs.values())


def execute(runs: list[Run], workers: int = 1) -> Iterator[Outcome]:
    """Execute what is not complete, `workers` at a time, and yield each outcome as it is known (the kept first).

    A run that fails stops no other. The machine's cores are shared out among the workers by `OMP_NUM_THREADS`.

    Raises:
        InputError: `workers` is below 1.
    """
    if workers < 1:
        raise InputError(f"workers is {workers}; at least 1 is needed")
    missing = []
    for run in runs:
        if run.is_complete:
            yield Outcome(run, "kept")
        else:
            missing.append(run)
    threads = {"OMP_NUM_THREADS": str(max(1, _cores() // workers))}
    pool = joblib.Parallel(n_jobs=workers, return_as="generator_unordered")
    yield from pool(joblib.delayed(_attempt)(run, threads) for run in missing)


def _attempt(run: Run, environment: dict[str, str]) -> Outcome:
    try:
        result = runner.execute(run, progress=False, environment=environment)
    except Exception as error:  # any failure is this run's alone; its outcome carries it to the summary
        return Outcome(run, "failed", error=str(error) or repr(error))
    return Outcome(run, "done", result.seconds)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
