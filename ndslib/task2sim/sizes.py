"""Figures 6 to 8 laid out: accuracy as the pretraining data grow, in classes, in meshes of a class and in images.

The figures print no values; what stands beside ours are the few numbers in the text of section 4.3, after finetuning
and over the paper's 12 seen tasks. Of the lines of Figure 8, Scratch and Imagenet-1K are not drawn here.
"""

from collections.abc import Callable, Iterator, Mapping

import pandas as pd

from ndslib.core.plots import paper_beside_ours
from ndslib.core.publish import Rendered
from ndslib.core.scorecard import Claim
from ndslib.data import reported
from ndslib.task2sim import curves
from ndslib.task2sim.methods import ORDER, RANDOMISED, REAL, TASK2SIM
from ndslib.task2sim.tidy import by_task, in_order, leads, points, rows_of

GROWING = {"t2s-f6": "classes", "t2s-f7": "meshes of a class", "t2s-f8": "pretraining images"}  # the rows' `step`
CATCHING_UP = {"t2s-f7", "t2s-f8"}  # where Domain Randomization improves at a higher rate, says section 4.3
DECIMALS = 2


def layout(ledger_id: str, rows: pd.DataFrame) -> Rendered:
    """Lay out one of the figures.

    Args:
        rows: tidy results; `step` counts what grows, in Figure 8 the images of all classes. A method may be absent at
            a size (too few real images): its line has a gap there.

    Raises:
        InputError: no rows for it, or a method lacks a task of a seed at a size.
    """
    found, growing = rows_of(rows, ledger_id, ledger_id), GROWING[ledger_id]
    by_size = {int(size): by_task(part) for size, part in found.groupby("step")}
    means = pd.DataFrame({size: of_tasks.mean() for size, of_tasks in by_size.items()}).T
    means = means[in_order(means)]
    differences = {size: leads(of_tasks) for size, of_tasks in by_size.items()}
    figure = curves.sizes(means, differences, growing, found["metric"].iloc[0])
    claims = tuple(_claims(by_size, growing, ledger_id in CATCHING_UP))
    return Rendered(_beside_sentences(ledger_id, means), figure, claims)


def _claims(by_size: Mapping[int, pd.DataFrame], growing: str, catching_up: bool) -> Iterator[Claim]:
    """Task2Sim above Domain Randomization at the smallest and the largest size, and how its lead changes."""
    gaps = {
        size: (of_tasks[TASK2SIM], of_tasks[RANDOMISED])
        for size, of_tasks in by_size.items()
        if {TASK2SIM, RANDOMISED} <= set(of_tasks)
    }
    if not gaps:
        return
    few, many = min(gaps), max(gaps)
    above = f"{TASK2SIM} above {RANDOMISED} at the"
    yield points(f"{above} fewest {growing}, {few}", *gaps[few], headline=True)
    if few < many:
        yield points(f"{above} most {growing}, {many}", *gaps[many])
    if few < many and catching_up:
        text = f"lead of {TASK2SIM} over {RANDOMISED} larger at the fewest {growing}, {few}, than at the most, {many}"
        (few_above, few_below), (many_above, many_below) = gaps[few], gaps[many]
        yield points(text, few_above - few_below, many_above - many_below, headline=True)


def _beside_sentences(ledger_id: str, means: pd.DataFrame) -> pd.DataFrame:
    """A row a size; above them, what the paper's text says in numbers, beside the same of ours."""
    said, printed = pd.DataFrame(), pd.DataFrame()
    if ledger_id in SENTENCES:
        header, measures = SENTENCES[ledger_id]
        known = means.reindex(columns=list(ORDER))
        printed = reported.as_table(ledger_id).set_axis([header], axis=1)
        said = pd.DataFrame({header: {name: measure(known) for name, measure in measures.items()}})
    ours = means.set_axis([f"{GROWING[ledger_id]}: {size}" for size in means.index])
    table = paper_beside_ours(pd.concat([said, ours]), printed, DECIMALS)
    return table.drop(columns=[(method, "paper") for method in means]).rename_axis("row")


def _real_minus_task2sim(means: pd.DataFrame) -> float:
    return (means[REAL] - means[TASK2SIM]).mean()


def _above_real(means: pd.DataFrame) -> float:
    return _sizes_where(means[TASK2SIM] > means[REAL]).max()


def _above_randomised_up_to(means: pd.DataFrame) -> float:
    return _sizes_where((means[TASK2SIM] > means[RANDOMISED]).cummin()).max()


def _randomised_catches_up(means: pd.DataFrame) -> float:
    """The first size at which Domain Randomization, behind with less data, is so no more; NaN if it never is."""
    lead = (means[TASK2SIM] - means[RANDOMISED]).dropna()
    return _sizes_where((lead <= 0) & (lead > 0).cummax()).min()


def _sizes_where(holds: pd.Series) -> pd.Series:
    """The sizes at which something holds."""
    return pd.Series(holds.index[holds], dtype=float)


# Of section 4.3, under a header that is true of both sides, from the means of all sizes; named as in `reported`.
SENTENCES: dict[str, tuple[str, dict[str, Callable[[pd.DataFrame], float]]]] = {
    "t2s-f6": ("points, mean of the seen tasks", {"Imagenet subset minus Task2Sim": _real_minus_task2sim}),
    "t2s-f8": (
        GROWING["t2s-f8"],
        {
            "Task2Sim slightly above Imagenet-237": _above_real,
            "Task2Sim above Domain Randomization up to": _above_randomised_up_to,
            "Domain Randomization matches Task2Sim": _randomised_catches_up,
        },
    ),
}
