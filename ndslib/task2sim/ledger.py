"""The chapter's tables and figures, laid out from tidy results: published value beside ours, the picture, the claims.

What we pretrain on stands beside the paper's smaller sets (100 classes, 40k images) or larger ones (237 classes, 100k
images), whatever its size here. Figures 3 to 8 print no values. Intervals are over tasks (`tidy` says why); those of
Table 1 are over seeds, because its seeds redraw the images.
"""

import itertools
import math
import textwrap
from collections.abc import Callable, Iterator, Mapping

import pandas as pd
from matplotlib.figure import Figure

from ndslib.core import records
from ndslib.core.errors import InputError
from ndslib.core.plots import paper_beside_ours
from ndslib.core.publish import Rendered, claim
from ndslib.core.scorecard import Claim
from ndslib.core.stats import mean_interval, paired_difference
from ndslib.data import reported
from ndslib.sim.parameters import PARAMETERS
from ndslib.task2sim import curves, sizes
from ndslib.task2sim.authors import AUTHORS, LEFT_OUT
from ndslib.task2sim.evaluation import EVALUATIONS, LINEAR_PROBING, REWARD
from ndslib.task2sim.methods import IMPROVED, OPTIMUM, RANDOM, RANDOMISED, REAL, SINGLE, TASK2SIM
from ndslib.task2sim.policy_config import PolicyConfig
from ndslib.task2sim.tidy import by_seed, by_task, in_order, leads, points, require, rows_of
from ndslib.task2sim.transfer import LARGE, SMALL, VARIATIONS

COLUMNS = (*records.COLUMNS, "task", "group", "data")
STAND_INS = {"EuroSAT": "aerials", "SVHN": "digits", "Sketch": "sketches", "DTD": "textures"}  # of Table 1
GROUPS = {"t2s-t2": "seen", "t2s-f3": "seen", "t2s-t3": "unseen", "t2s-f4": "unseen"}
TRANSFER = "transfer"  # the experiment of the tables
MEASURED = {"t2s-t2": AUTHORS, "t2s-t3": LEFT_OUT}  # on the authors' measured rewards, shown beside what we pretrained
PRINTED = {SMALL: "100 classes / 40k images", LARGE: "237 classes / 100k images"}
DATA = {
    SMALL: "smaller sets",
    LARGE: "larger sets",
    AUTHORS: "authors' rewards",
    LEFT_OUT: "authors' 12 seen tasks, held out",
}
COMPARED = (  # better first
    *((TASK2SIM, other) for other in (RANDOMISED, RANDOM, SINGLE, REAL)),
    *((IMPROVED, other) for other in (TASK2SIM, SINGLE, RANDOM)),
)
BEHAVIOUR = {"object_rotation": "less", "light_intensity": "greater", "materials": "less"}  # section 4.3, against 0.5
POSE, _, BLUR, MATERIALS, BACKGROUND = VARIATIONS
STEPS = ((MATERIALS, BLUR), (BACKGROUND, POSE))  # of Table 1, more varied first
DECIMALS = 2


def render(ledger_id: str, rows: pd.DataFrame) -> Rendered:
    """Lay out one ledger row of this chapter.

    Args:
        rows: tidy results of one run or of several seeds (`core.records`), with the columns task, group (seen, unseen)
            and data (small, large) where an experiment has them; accuracies in percent.

    Raises:
        InputError: the id has no layout here, `rows` holds nothing for it, or a method lacks a task of a seed.
    """
    if ledger_id not in LAYOUTS:
        raise InputError(f"no layout for {ledger_id!r}; this chapter lays out {sorted(LAYOUTS)}")
    return LAYOUTS[ledger_id](ledger_id, rows.reindex(columns=list(COLUMNS)))


def _variations(ledger_id: str, rows: pd.DataFrame) -> Rendered:
    """Table 1: linear probing as more and more parameters vary, our stand-ins under the paper's tasks."""
    found = rows_of(rows, ledger_id, ledger_id)
    names = {own: f"{name} ({own})" for name, own in STAND_INS.items() if own in set(found["task"])}
    printed = reported.as_table(ledger_id)
    printed = printed.rename(columns={name: names[own] for name, own in STAND_INS.items() if own in names})
    cells = by_seed(found.assign(task=found["task"].replace(names)))
    of_tasks = cells.groupby("task", sort=False)
    means, halves = (of_tasks.agg(measure).T for measure in ("mean", _half_interval))
    table = paper_beside_ours(means, printed, DECIMALS)
    tasks = [task for task in table.columns.unique(0) if task in means]
    figure = curves.variations(means[tasks], printed, halves[tasks])
    return Rendered(table, figure, tuple(_variation_claims(cells, printed)))


def _half_interval(values: pd.Series) -> float:
    """From the mean to an end of its interval; infinite for one seed."""
    return mean_interval(values).high - values.mean()


def _variation_claims(cells: pd.DataFrame, printed: pd.DataFrame) -> Iterator[Claim]:
    """Section 1: what a variation does differs between tasks. For each, in the direction of the printed values."""
    if not set(VARIATIONS) <= set(cells):
        return
    for task in printed.columns.intersection(cells.index.unique("task"), sort=False):
        values = cells.xs(task, level="task")
        for more, less in STEPS:
            up = printed.loc[more, task] > printed.loc[less, task]
            text = f"{more} {'above' if up else 'below'} {less} for {task}, linear probing (points, over seeds)"
            difference = paired_difference(values[more], values[less])
            yield claim(text, difference, "greater" if up else "less", headline=True)


def _evaluations(ledger_id: str, rows: pd.DataFrame) -> dict[tuple[str, str], pd.DataFrame]:
    """The rows of a ledger row by (data, metric) as printed; those on the authors' rewards come last."""
    group = GROUPS[ledger_id]
    found = rows[(rows["experiment"] == TRANSFER) & (rows["group"] == group)]
    measured = rows[rows["experiment"] == MEASURED.get(ledger_id)]
    found = pd.concat([found, measured.assign(data=measured["experiment"])])
    require(found, ledger_id, f"{TRANSFER!r} with {group} tasks")
    parts = dict(list(found.groupby(["data", "metric"])))
    return {key: parts[key] for key in itertools.product(DATA, EVALUATIONS) if key in parts}


def _column(data: str, metric: str) -> str:
    return f"{DATA[data]} | {metric}"


def _published(ledger_id: str) -> pd.DataFrame:
    """Table 2 or 3 as printed, under the names of our columns."""
    names = {f"{PRINTED[data]} | {metric}": _column(data, metric) for data in PRINTED for metric in EVALUATIONS}
    return reported.as_table(ledger_id).rename(columns=names)


def _averages(ledger_id: str, rows: pd.DataFrame) -> Rendered:
    """Tables 2 and 3: means over the tasks.

    The printed 5-NN of Table 2 also stands beside the policy's on the authors' own rewards. Domain Randomization has no
    value there: its printed row (19.42) is not what the rewards hold for the setting that varies everything (24.07).
    """
    found = {key: by_task(part) for key, part in _evaluations(ledger_id, rows).items()}
    ours = pd.DataFrame({_column(*key): of_tasks.mean() for key, of_tasks in found.items()})
    ours = ours.loc[in_order(ours.index)]
    printed = _published(ledger_id)
    if (AUTHORS, REWARD) in found:
        printed[_column(AUTHORS, REWARD)] = printed[_column(SMALL, REWARD)].drop(RANDOMISED)
    tasks = len(next(iter(found.values())))
    counts = _cost(rows, tasks) if ledger_id == "t2s-t2" else []
    table = paper_beside_ours(ours.join(counts), printed, DECIMALS).dropna(axis=1, how="all")
    figure = _comparison(found, ours, printed)
    return Rendered(table, figure, (*_comparisons(found), *_regret(found), *_above_published(ledger_id, rows)))


def _comparison(found: Mapping[tuple[str, str], pd.DataFrame], ours: pd.DataFrame, printed: pd.DataFrame) -> Figure:
    """The picture of a table, with Task2Sim's lead over each method."""
    labels = {_column(data, metric): f"{metric}\n{textwrap.fill(DATA[data], 17)}" for data, metric in found}
    differences = [
        {"evaluation": labels[_column(*key)], "method": method, "interval": interval}
        for key, of_tasks in found.items()
        for method, interval in leads(of_tasks).items()
    ]
    sides = (side.reindex(columns=list(labels)).rename(columns=labels) for side in (ours, printed))
    note = f"published: {', '.join(f'{DATA[data]} of {size}' for data, size in PRINTED.items())}"
    return curves.comparison(*sides, pd.DataFrame(differences, columns=["evaluation", "method", "interval"]), note)


def _cost(rows: pd.DataFrame, tasks: int) -> pd.DataFrame:
    """What training the policy on so many tasks asked for, means over the seeds, and what it would without a memory.

    Counted is one pretraining a sample, line 9 of Algorithm 1: T x n in the paper, where T = 1000 and n = 4. The
    rewards of the most probable settings, which eq. 4 needs as well, would come on top.
    """
    found = rows[rows["experiment"] == "cost"]
    counts = found.pivot_table(index="method", columns="metric", values="value")
    table = counts.reindex(columns=["pretrainings", "evaluations", "settings", "updates"])
    of_a_minibatch = tasks / math.ceil(tasks / PolicyConfig().batch_size)  # the last one of an epoch may be smaller
    table["updates"] *= of_a_minibatch
    table["T x n of the paper"] = PolicyConfig().epochs * PolicyConfig().batch_size
    return table.rename(columns={"settings": "settings that exist", "updates": "samples"})


def _comparisons(found: Mapping[tuple[str, str], pd.DataFrame]) -> Iterator[Claim]:
    """One method above another, a claim an evaluation."""
    for (data, metric), of_tasks in found.items():
        for above, below in COMPARED:
            if {above, below} <= set(of_tasks):
                main = below in (RANDOMISED, RANDOM, SINGLE) and metric != LINEAR_PROBING and data in PRINTED
                text = f"{metric}, {DATA[data]}: {above} above {below}"
                yield points(text, of_tasks[above], of_tasks[below], main)


def _regret(found: Mapping[tuple[str, str], pd.DataFrame]) -> Iterator[Claim]:
    """What Task2Sim loses to the best setting of each task, as a share of what Random loses.

    The interval is that of a ratio of two means over the same tasks, linearised about it.
    """
    of_tasks = found.get((SMALL, REWARD), pd.DataFrame()).reindex(columns=[OPTIMUM, TASK2SIM, RANDOM])
    chosen, random = (of_tasks[OPTIMUM] - of_tasks[method] for method in (TASK2SIM, RANDOM))
    if random.mean() > 0 and chosen.notna().all():
        share = chosen.mean() / random.mean()
        interval = mean_interval(share + (chosen - share * random) / random.mean())
        text = f"{REWARD}, {DATA[SMALL]}: regret of {TASK2SIM} below that of {RANDOM} (share of it, over tasks)"
        yield claim(text, interval, "less", margin=1)


def _above_published(ledger_id: str, rows: pd.DataFrame) -> Iterator[Claim]:
    """The policy on the authors' own rewards, where the paper prints what theirs reached."""
    published = _published("t2s-t2").loc[TASK2SIM, _column(SMALL, REWARD)]
    for method in (TASK2SIM, IMPROVED) if MEASURED[ledger_id] == AUTHORS else ():
        found = rows[(rows["experiment"] == AUTHORS) & (rows["method"] == method)]
        if not found.empty:
            means = found.groupby("seed")["value"].mean()
            where = f"{REWARD}, {DATA[AUTHORS]} of {found['task'].nunique()} seen tasks"
            text = f"{where}: {method} above the published {published:g} (percent, over policy seeds)"
            yield claim(text, mean_interval(means), margin=published, headline=True)


def _tasks(ledger_id: str, rows: pd.DataFrame) -> Rendered:
    """Figures 3 and 4: every task, finetuned from the larger sets where there are such results."""
    found = _evaluations(ledger_id, rows)
    data, metric = max(found, key=lambda key: (list(EVALUATIONS).index(key[1]), key[0] == LARGE))
    of_tasks = by_seed(found[data, metric]).groupby("task", sort=False)
    spans = of_tasks.agg(["mean", "min", "max"]).stack("method", future_stack=True)
    bars = spans.rename(columns={"min": "low", "max": "high"}).reset_index()
    figure = curves.task_bars(bars, f"{metric}, {GROUPS[ledger_id]} tasks, {DATA[data]}")
    return Rendered(of_tasks.mean().round(DECIMALS), figure)


def _probabilities(ledger_id: str, rows: pd.DataFrame) -> Rendered:
    """Figure 5: the policy's outputs, means over the seeds. The intervals are bootstraps: they stay within 0..1."""
    found = rows_of(rows, ledger_id, "probability")
    outputs = found.pivot_table(index=["group", "task"], columns="metric", values="value", sort=False)
    outputs = outputs.sort_index(level="group", sort_remaining=False, kind="stable")  # "seen" before "unseen"
    outputs = outputs[[parameter.name for parameter in PARAMETERS if parameter.name in outputs]]
    claims = (
        claim(
            f"mean probability that {name} varies is {direction} than 0.5 (over tasks)",
            mean_interval(outputs[name], method="bootstrap"),
            direction,
            margin=0.5,
        )
        for name, direction in BEHAVIOUR.items()
        if name in outputs
    )
    return Rendered(outputs.round(DECIMALS), curves.probabilities(outputs), tuple(claims))


LAYOUTS: dict[str, Callable[[str, pd.DataFrame], Rendered]] = {
    "t2s-t1": _variations,
    "t2s-t2": _averages,
    "t2s-f3": _tasks,
    "t2s-t3": _averages,
    "t2s-f4": _tasks,
    "t2s-f5": _probabilities,
    **dict.fromkeys(sizes.GROWING, sizes.layout),
}
