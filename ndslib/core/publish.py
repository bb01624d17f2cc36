"""From run records to `figures/`: the picture, the data and the provenance of each ledger row of a notebook.

A chapter's module `ledger` lays a row out from tidy results: `ndslib.<chapter>.ledger.render(ledger_id, rows)`. The
notebook calls it with the rows of its one run, and `publish` with those of all seeds. Rows that are pictures for a
person to look at have no layout of their own: their picture and data are taken from the first run.
"""

import importlib
import math
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from ndslib.core import notebooks, paths, plots, presets, records
from ndslib.core.errors import InputError
from ndslib.core.files import atomic_path, write_json
from ndslib.core.notebooks import Notebook
from ndslib.core.scorecard import Claim, provenance, provenance_file
from ndslib.core.stats import Interval, verdict

_CLAIM_TYPES = {"claim": "str", "estimate": "float64", "95 % interval": "str", "n": "int64", "verdict": "str"}
_FREE = {"SEED", "WORKERS", "ENGINE", "DEVICE"}  # where and how often a preset runs, not what it measures


@dataclass(frozen=True)
class Rendered:
    """A ledger row from results: the table as the source lays it out, the picture, the data, and the claims decided."""

    table: pd.DataFrame
    figure: Figure
    claims: tuple[Claim, ...] = ()


class ClaimsTable(pd.DataFrame):
    """A table that a notebook shows with its whole text, also after `pd.concat`; pandas cuts it after 50 letters."""

    @property
    def _constructor(self) -> type["ClaimsTable"]:
        return ClaimsTable

    def _repr_html_(self) -> str | None:
        with pd.option_context("display.max_colwidth", None):
            return super()._repr_html_()


def claim(
    text: str, interval: Interval, direction: str = "greater", margin: float = 0.0, headline: bool = False
) -> Claim:
    """A claim "the quantity is greater (less) than `margin`", decided by its interval."""
    return Claim(
        claim=text,
        estimate=interval.mean,
        low=interval.low,
        high=interval.high,
        n=interval.n,
        verdict=verdict(interval, direction, margin),
        headline=headline,
    )


def claims_table(claims: tuple[Claim, ...], headlines: bool = False) -> pd.DataFrame:
    """Claims as a table for a reader: claim, estimate, 95 % interval ("-" where one value has none), n, verdict.

    Args:
        headlines: only the headline claims, where a row of the ledger decides too many to be read. Without any, the
            table has no row.
    """
    rows = [
        (each.claim, round(each.estimate, 3), _bounds(each), each.n, each.verdict)
        for each in claims
        if each.headline or not headlines
    ]
    return ClaimsTable(rows, columns=list(_CLAIM_TYPES)).astype(_CLAIM_TYPES)


def _bounds(each: Claim) -> str:
    return "-" if math.isinf(each.low) and math.isinf(each.high) else f"{each.low:.3g} to {each.high:.3g}"


def recorded_claims(chapter: str, ledger_id: str, headlines: bool = False) -> pd.DataFrame:
    """The claims of a ledger row as `figures/` holds them: decided over the seeds of its recorded runs.

    Of a row that is not recorded, the table has no row: a notebook also runs where `figures/` is still empty.

    Args:
        headlines: as in `claims_table`.
    """
    found = provenance(chapter, ledger_id)
    return claims_table(tuple(found.claims) if found else (), headlines)


def publish(notebook: str, preset: str) -> list[Path]:
    """Write `figures/<chapter>/<id>.{png,csv,json}` for every ledger row of a notebook, from its finished runs.

    Args:
        notebook: a name that `notebooks.find` knows.
        preset: whose runs to take; all seeds that are there.

    Returns:
        The provenance files written.

    Raises:
        InputError: the notebook has no ledger row, there is no finished run, the runs differ in more than their seed
            (parameters or commit), a run differs from the preset in more than its seed, workers, engine and device, has
            no seed, was made from a checkout with uncommitted changes, lacks the picture of a row or does not hold what
            the row's layout needs. Nothing is written then.
    """
    plots.use_style()
    found = notebooks.find(notebook)
    if not found.ledger:
        raise InputError(f"{found.path}: it regenerates no row of the ledger, so it has nothing to record")
    runs = records.finished(found.key, preset)
    if not runs:
        raise InputError(f"{paths.runs_root()}: no finished run of {found.key} at preset {preset!r}; run it first")
    _check(runs)
    _check_preset(found, preset, runs)
    rows = records.collect(found.key, preset)
    chapter = importlib.import_module(f"ndslib.{found.chapter}.ledger")
    # All rows are laid out before one is put in place: an error in the last must not leave the first renewed.
    with tempfile.TemporaryDirectory() as staging:
        for ledger_id in found.ledger:
            staged = Path(staging, f"{ledger_id}.json")
            claims = _lay_out(chapter, ledger_id, rows, runs[0][0], staged)
            write_json(staged, _provenance(ledger_id, found.key, preset, [run for _, run in runs], claims))
        return [_put(Path(staging), provenance_file(found.chapter, ledger_id)) for ledger_id in found.ledger]


def _check(runs: list[tuple[Path, dict[str, Any]]]) -> None:
    """Refuse runs that one provenance cannot speak for."""
    first_folder, first = runs[0]
    for folder, run in runs:
        if run["git_dirty"]:
            raise InputError(f"{folder}: it ran from a checkout with uncommitted changes; commit, then run it again")
        if run["seed"] is None:
            raise InputError(f"{folder}: it has no SEED; give the notebook that parameter and run it again")
        own, firsts = ({**each["parameters"], "git_commit": each["git_commit"]} for each in (run, first))
        for name in sorted((own.keys() | firsts.keys()) - {"SEED"}):
            if own.get(name) != firsts.get(name):
                raise InputError(
                    f"{folder} has {name} = {own.get(name)!r}, {first_folder} has {firsts.get(name)!r}: seeds of one "
                    "result must not differ in it; remove the runs that do not belong to it"
                )


def _check_preset(notebook: Notebook, preset: str, runs: list[tuple[Path, dict[str, Any]]]) -> None:
    """Refuse runs that bear the preset's name with other values than its own."""
    wanted = {name: value for name, value in presets.resolve(notebook, preset).items() if name not in _FREE}
    for folder, run in runs:
        for name, value in wanted.items():
            own = run["parameters"].get(name)
            if own != value:
                raise InputError(
                    f"{folder} has {name} = {own!r}, the preset {preset!r} of {notebook.key} has {value!r}: remove the "
                    "run and run the preset as it is, or make a preset of these values"
                )


def _lay_out(chapter: Any, ledger_id: str, rows: pd.DataFrame, first_run: Path, target: Path) -> tuple[Claim, ...]:
    """The picture and the data of a row beside `target`."""
    if ledger_id in chapter.LAYOUTS:
        rendered = chapter.render(ledger_id, rows)
        rendered.figure.savefig(target.with_suffix(".png"), dpi=150, bbox_inches="tight")
        table = rendered.table.reset_index() if any(rendered.table.index.names) else rendered.table
        table.to_csv(target.with_suffix(".csv"), index=False)
        return rendered.claims
    for suffix in (".png", ".csv"):
        source = first_run / f"{ledger_id}{suffix}"
        if not source.is_file():
            raise InputError(
                f"{source}: the run saved no such file; its notebook must call record.figure({ledger_id!r}, ...)"
            )
        shutil.copyfile(source, target.with_suffix(suffix))
    return ()


def _put(staging: Path, target: Path) -> Path:
    """Copy a row's files from `staging`; the provenance comes last, because it says that the row is regenerated."""
    for suffix in (".png", ".csv", ".json"):
        with atomic_path(target.with_suffix(suffix)) as copy:
            shutil.copyfile(staging / target.with_suffix(suffix).name, copy)
    return target


def _provenance(
    ledger_id: str, notebook: str, preset: str, runs: list[dict[str, Any]], claims: tuple[Claim, ...]
) -> dict[str, Any]:
    first = runs[0]
    return {
        "ledger_id": ledger_id,
        "notebook": notebook,
        "preset": preset,
        "seeds": [run["seed"] for run in runs],
        "git_commit": first["git_commit"],
        "device": first["device"],
        "seconds": round(sum(run["seconds"] for run in runs), 1),
        "versions": {"python": first["python"], **first["packages"]},
        "parameters": {name: value for name, value in first["parameters"].items() if name != "SEED"},
        "claims": [each.model_dump() for each in claims],
    }
