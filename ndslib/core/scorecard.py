"""The scorecard: which of the sources' tables and figures are regenerated, and which of their claims hold here.

A ledger row is regenerated when `figures/<chapter>/<id>.json` stands beside its picture and data. That file says
with what (preset, seeds, commit) and holds the verdicts:

    {"ledger_id", "notebook", "preset", "seeds": [...], "git_commit", "device", "seconds", "versions": {...},
     "parameters": {...}, "claims": [{"claim", "estimate", "low", "high", "n", "verdict"}, ...]}
"""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.types import StringConstraints

from ndslib.core import paths
from ndslib.core.errors import InputError
from ndslib.data import reported

HOLDS, FAILS, UNDECIDED = "holds", "does not hold", "undecided"
COLUMNS = ("id", "chapter", "what", "kind", "notebook", "regenerated", "verdict")


class Claim(BaseModel):
    """A claim of a source, what was measured for it (`estimate` in [`low`, `high`] over `n` seeds), and the verdict.

    A `headline` claim stands in the README.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    claim: Annotated[str, StringConstraints(min_length=1)]
    estimate: float
    low: float
    high: float
    n: int
    verdict: Literal["holds", "does not hold", "undecided"]
    headline: bool = False


class Provenance(BaseModel):
    """What stands beside a figure: how it came about and the verdicts on its claims."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ledger_id: str
    notebook: str
    preset: str
    seeds: list[int]
    git_commit: str | None
    device: str
    seconds: float
    versions: dict[str, str]
    parameters: dict[str, Any]
    claims: list[Claim]


def provenance_file(chapter: str, ledger_id: str) -> Path:
    """Where the provenance of a ledger row's figure stands."""
    return paths.figures_root() / chapter / f"{ledger_id}.json"


def provenance(chapter: str, ledger_id: str) -> Provenance | None:
    """The provenance of a ledger row's figure, or None while it is not regenerated.

    Raises:
        InputError: the file is not as described above, or is about another row.
    """
    path = provenance_file(chapter, ledger_id)
    if not path.is_file():
        return None
    try:
        found = Provenance.model_validate(json.loads(path.read_text()))
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise InputError(f"{path}: {problems}. Record the figure again") from error
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error}). Record the figure again") from error
    if found.ledger_id != ledger_id:
        raise InputError(f"{path} is about {found.ledger_id!r}; wanted {ledger_id!r}. Record the figure again")
    return found


def scorecard() -> pd.DataFrame:
    """One line a ledger row: `COLUMNS`, then preset (str), seeds (int), commit (str) and the list of `Claim`.

    `regenerated` and `verdict` are for reading: "laptop, 5 seeds, 1a2b3c4" and "2 hold, 1 undecided"; both are empty
    while a row is not regenerated.

    Raises:
        InputError: as `provenance`.
    """
    lines = []
    for row in reported.ledger().to_dict("records"):
        found = provenance(row["chapter"], row["id"])
        lines.append({**row, **_columns(found)})
    return pd.DataFrame(lines)


def to_markdown(card: pd.DataFrame) -> str:
    """The scorecard's readable columns as a table in Markdown."""
    rows = [COLUMNS, ["---"] * len(COLUMNS), *card[list(COLUMNS)].itertuples(index=False)]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows) + "\n"


def headlines_markdown() -> str:
    """The headline claims of all recorded rows, as the README's table: what was measured, over how many, verdict.

    A claim that stands in several rows (a table printed twice by the sources) is listed with the first.
    """
    lines = ["| row | claim | measured [95 % interval] | n | verdict |", "|---|---|---|---|---|"]
    seen: set[Claim] = set()
    for row in scorecard().to_dict("records"):
        for each in row["claims"]:
            if each.headline and each not in seen:
                seen.add(each)
                measured = f"{each.estimate:.3g} [{each.low:.3g}, {each.high:.3g}]"
                lines.append(f"| {row['id']} | {each.claim} | {measured} | {each.n} | {each.verdict} |")
    return "\n".join(lines) + "\n"


def _columns(found: Provenance | None) -> dict[str, Any]:
    if found is None:
        return {"regenerated": "", "verdict": "", "preset": "", "seeds": 0, "commit": "", "claims": []}
    seeds = len(found.seeds)
    commit = (found.git_commit or "")[:7]
    return {
        "regenerated": ", ".join(filter(None, [found.preset, f"{seeds} seed{'s' * (seeds != 1)}", commit])),
        "verdict": _verdicts(found.claims),
        "preset": found.preset,
        "seeds": seeds,
        "commit": commit,
        "claims": found.claims,
    }


def _verdicts(claims: Iterable[Claim]) -> str:
    counts = Counter(claim.verdict for claim in claims)
    words = {HOLDS: ("holds", "hold"), FAILS: ("does not hold", "do not hold"), UNDECIDED: ("undecided", "undecided")}
    return ", ".join(f"{counts[v]} {one if counts[v] == 1 else many}" for v, (one, many) in words.items() if counts[v])
