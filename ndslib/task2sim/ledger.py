"""The chapter's tables and figures, laid out from tidy results: published value beside ours, the picture, the claims.

The seeds of one record share their rewards: only the policy and the draws of Random differ between them, so that an
interval over seeds would be too narrow. Each task is therefore averaged over the seeds first, and an interval is over
the tasks. What we pretrain on stands in the printed column of the smaller or larger sets, whatever its size here.
"""

import math
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import product

import pandas as pd

from ndslib.core import records
from ndslib.core.errors import InputError
from ndslib.core.plots import paper_beside_ours
from ndslib.core.publish import Rendered, claim
from ndslib.core.scorecard import Claim
from ndslib.core.stats import Interval, mean_interval, paired_difference
from ndslib.data import reported
from ndslib.sim.parameters import PARAMETERS
from ndslib.task2sim import curves
from ndslib.task2sim.authors import AUTHORS, LEFT_OUT
from ndslib.task2sim.curves import COLOURS
from ndslib.task2sim.evaluation import EVALUATIONS, REWARD
from ndslib.task2sim.methods import IMPROVED, OPTIMUM, RANDOM, RANDOMISED, REAL, SINGLE, TASK2SIM
from ndslib.task2sim.reinforce import PolicyConfig
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
    LEFT_OUT: "authors' rewards, task left out",
}
COMPARED = (  # better first
    *((TASK2SIM, other) for other in (RANDOMISED, RANDOM, SINGLE, REAL)),
    *((IMPROVED, other) for other in (TASK2SIM, SINGLE, RANDOM)),
)
BEHAVIOUR = {"object_rotation": "less", "light_intensity": "greater", "materials": "less"}  # section 4.3, against 0.5
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


def _require(found: pd.DataFrame, ledger_id: str, experiment: str) -> pd.DataFrame:
    if found.empty:
        raise InputError(f"{ledger_id}: the results hold no rows of the experiment {experiment} for it")
    return found


def _rows_of(rows: pd.DataFrame, ledger_id: str, experiment: str) -> pd.DataFrame:
    return _require(rows[rows["experiment"] == experiment], ledger_id, repr(experiment))


def _by_seed(found: pd.DataFrame) -> pd.DataFrame:
    """The values of one metric: a row a seed and task, a column a method, as the tables order them."""
    cells = found.pivot_table(index=["seed", "task"], columns="method", values="value", sort=False)
    if cells.isna().any(axis=None):
        seed, task = cells.index[cells.isna().any(axis=1)][0]
        method = cells.columns[cells.loc[(seed, task)].isna()][0]
        about = f"{found['experiment'].iloc[0]}: no {found['metric'].iloc[0]}"
        raise InputError(f"{about} of {method!r} for task {task!r} with seed {seed}; run that seed again")
    return cells[_in_order(cells)]


def _in_order(methods: Iterable[str]) -> list[str]:
    """Methods as the tables order them, those that no table has last."""
    known = [*COLOURS, *VARIATIONS]
    return sorted(methods, key=lambda name: known.index(name) if name in known else len(known))


def _by_task(found: pd.DataFrame) -> pd.DataFrame:
    """The values of one metric, means over the seeds: a row a task, a column a method."""
    return _by_seed(found).groupby("task", sort=False).mean()


def _points(text: str, above: pd.Series, below: pd.Series, headline: bool = False) -> Claim:
    """The claim that one accuracy is above another, paired by task."""
    return claim(f"{text}, points, over tasks", paired_difference(above, below), headline=headline)


def _variations(ledger_id: str, rows: pd.DataFrame) -> Rendered:
    """Table 1: linear probing as more and more parameters vary."""
    by_seed = _by_seed(_rows_of(rows, ledger_id, ledger_id))
    by_task = by_seed.groupby("task", sort=False).mean()
    printed = reported.as_table(ledger_id)
    names = {stand_in: f"{name} ({stand_in})" for name, stand_in in STAND_INS.items() if stand_in in by_task.index}
    printed = printed.rename(columns={name: names.get(stand_in, name) for name, stand_in in STAND_INS.items()})
    ours = by_task.T.rename(columns=names)
    ours = ours[[*(name for name in printed if name in ours), *(name for name in ours if name not in printed)]]
    table = paper_beside_ours(ours, printed, DECIMALS)
    return Rendered(table, curves.variations(ours, printed), tuple(_variation_claims(by_seed)))


def _variation_claims(by_seed: pd.DataFrame) -> Iterator[Claim]:
    """Section 1: what more variation does depends on the task. Seeds redraw all images here, so they are the units."""
    (first, *_), (*fewer, most) = by_seed, by_seed
    for task, cells in by_seed.groupby("task", sort=False) if fewer else ():
        text = f"{first} above {most} for {task}, linear probing points"
        yield claim(text, paired_difference(cells[first], cells[most]), headline=True)
    if fewer:
        means = by_seed.groupby("task", sort=False).mean()
        yield _points(f"mean of the rows with fewer variations above {most}", means[fewer].mean(axis=1), means[most])


def _evaluations(ledger_id: str, rows: pd.DataFrame) -> dict[tuple[str, str], pd.DataFrame]:
    """The rows of a ledger row by (data, metric) as printed; those on the authors' rewards come last."""
    group = GROUPS[ledger_id]
    found = rows[(rows["experiment"] == TRANSFER) & (rows["group"] == group)]
    measured = rows[rows["experiment"] == MEASURED.get(ledger_id)]
    found = pd.concat([found, measured.assign(data=measured["experiment"])])
    _require(found, ledger_id, f"{TRANSFER!r} with {group} tasks")
    parts = dict(list(found.groupby(["data", "metric"])))
    return {key: parts[key] for key in product(DATA, EVALUATIONS) if key in parts}


def _column(data: str, metric: str) -> str:
    """A column of Tables 2 and 3, as printed where it is."""
    return f"{PRINTED.get(data, data)} | {metric}"


def _averages(ledger_id: str, rows: pd.DataFrame) -> Rendered:
    """Tables 2 and 3: means over the tasks."""
    found = {key: _by_task(part) for key, part in _evaluations(ledger_id, rows).items()}
    ours = pd.DataFrame({_column(*key): by_task.mean() for key, by_task in found.items()})
    ours = ours.loc[_in_order(ours.index)]
    printed = reported.as_table(ledger_id)
    if (AUTHORS, REWARD) in found:  # the very rewards that the printed column is of
        printed[_column(AUTHORS, REWARD)] = printed[_column(SMALL, REWARD)]
    tasks = len(next(iter(found.values())))
    counts = _cost(rows, tasks) if ledger_id == "t2s-t2" else []
    table = paper_beside_ours(ours.join(counts), printed, DECIMALS).dropna(axis=1, how="all")
    labels = {_column(data, metric): f"{metric}\n{textwrap.fill(DATA[data], 17)}" for data, metric in found}
    differences = [
        {"evaluation": labels[_column(*key)], "method": method, "interval": interval}
        for key, by_task in found.items()
        for method, interval in _leads(by_task).items()
    ]
    sides = (side.reindex(columns=list(labels)).rename(columns=labels) for side in (ours, printed))
    figure = curves.comparison(*sides, pd.DataFrame(differences, columns=["evaluation", "method", "interval"]))
    return Rendered(table, figure, (*_comparisons(found), *_regret(found), *_above_published(ledger_id, rows)))


def _leads(by_task: pd.DataFrame) -> dict[str, Interval]:
    """Task2Sim minus each other method, over tasks."""
    others = [method for method in by_task if method != TASK2SIM] if TASK2SIM in by_task else []
    return {method: paired_difference(by_task[TASK2SIM], by_task[method]) for method in others}


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
    for (data, metric), by_task in found.items():
        for above, below in COMPARED:
            if {above, below} <= set(by_task):
                main = below in (RANDOMISED, RANDOM) and metric != "Linear Probing" and data in PRINTED
                yield _points(f"{above} above {below}, {metric}, {DATA[data]}", by_task[above], by_task[below], main)


def _regret(found: Mapping[tuple[str, str], pd.DataFrame]) -> Iterator[Claim]:
    """What Task2Sim loses to the best setting of each task, as a share of what Random loses.

    The interval is that of a ratio of two means over the same tasks, linearised about it.
    """
    by_task = found.get((SMALL, REWARD), pd.DataFrame()).reindex(columns=[OPTIMUM, TASK2SIM, RANDOM])
    chosen, random = (by_task[OPTIMUM] - by_task[method] for method in (TASK2SIM, RANDOM))
    if random.mean() > 0 and chosen.notna().all():
        share = chosen.mean() / random.mean()
        interval = mean_interval(share + (chosen - share * random) / random.mean())
        text = f"regret of {TASK2SIM} below that of {RANDOM}, {REWARD}, as a share of it, over tasks"
        yield claim(text, interval, "less", margin=1)


def _above_published(ledger_id: str, rows: pd.DataFrame) -> Iterator[Claim]:
    """The policy on the authors' own rewards, where the paper prints what theirs reached."""
    published = reported.as_table("t2s-t2").loc[TASK2SIM, _column(SMALL, REWARD)]
    for method in (TASK2SIM, IMPROVED) if MEASURED[ledger_id] == AUTHORS else ():
        found = rows[(rows["experiment"] == AUTHORS) & (rows["method"] == method)]
        if not found.empty:
            means = found.groupby("seed")["value"].mean()
            where = f"mean {REWARD} of the authors' {found['task'].nunique()} seen tasks"
            text = f"{method} above the published {published:g}, {where}, percent, over policy seeds"
            yield claim(text, mean_interval(means), margin=published, headline=True)


def _tasks(ledger_id: str, rows: pd.DataFrame) -> Rendered:
    """Figures 3 and 4: every task, finetuned from the larger sets where there are such results."""
    found = _evaluations(ledger_id, rows)
    data, metric = max(found, key=lambda key: (list(EVALUATIONS).index(key[1]), key[0] == LARGE))
    by_seed = _by_seed(found[data, metric])
    spans = by_seed.groupby("task", sort=False).agg(["mean", "min", "max"]).stack("method", future_stack=True)
    bars = spans.rename(columns={"min": "low", "max": "high"}).reset_index()
    table = by_seed.groupby("task", sort=False).mean().round(DECIMALS)
    return Rendered(table, curves.task_bars(bars, f"{metric}, {GROUPS[ledger_id]} tasks, {DATA[data]}"))


def _probabilities(ledger_id: str, rows: pd.DataFrame) -> Rendered:
    """Figure 5: the policy's outputs, means over the seeds."""
    found = _rows_of(rows, ledger_id, "probability")
    outputs = found.pivot_table(index=["group", "task"], columns="metric", values="value", sort=False)
    outputs = outputs.sort_index(level="group", sort_remaining=False, kind="stable")  # "seen" before "unseen"
    outputs = outputs[[parameter.name for parameter in PARAMETERS if parameter.name in outputs]]
    claims = (
        claim(
            f"mean probability that {name} varies is {direction} than 0.5, over tasks",
            mean_interval(outputs[name]),
            direction,
            margin=0.5,
        )
        for name, direction in BEHAVIOUR.items()
        if name in outputs
    )
    return Rendered(outputs.round(DECIMALS), curves.probabilities(outputs), tuple(claims))


def _sizes(label: str, shrinks: bool = False) -> Callable[[str, pd.DataFrame], Rendered]:
    """The layout of Figures 6 to 8; `shrinks`: Domain Randomization catches up, as the paper says."""

    def layout(ledger_id: str, rows: pd.DataFrame) -> Rendered:
        found = _rows_of(rows, ledger_id, ledger_id)
        by_size = {int(size): _by_task(part) for size, part in found.groupby("step")}
        means = pd.DataFrame({size: by_task.mean() for size, by_task in by_size.items()}).T
        means = means[_in_order(means)]
        leads = {size: _leads(by_task) for size, by_task in by_size.items()}
        figure = curves.sizes(means, leads, label, found["metric"].iloc[0])
        claims = tuple(_size_claims(by_size, label, shrinks))
        return Rendered(_beside_sentences(ledger_id, means, label), figure, claims)

    return layout


def _size_claims(by_size: Mapping[int, pd.DataFrame], label: str, shrinks: bool) -> Iterator[Claim]:
    """Task2Sim above Domain Randomization at the smallest and the largest size, and how its lead changes."""
    compared = {size: each for size, each in by_size.items() if {TASK2SIM, RANDOMISED} <= set(each)}
    ends = sorted({min(compared), max(compared)}) if compared else []
    for size in ends:
        above, below = (compared[size][method] for method in (TASK2SIM, RANDOMISED))
        yield _points(f"{TASK2SIM} above {RANDOMISED} with {size} {label}", above, below, headline=size == ends[0])
    if shrinks and len(ends) == 2:
        few, many = (compared[size][TASK2SIM] - compared[size][RANDOMISED] for size in ends)
        yield _points(f"lead over {RANDOMISED} larger with {ends[0]} than with {ends[1]} {label}", few, many)


def _beside_sentences(ledger_id: str, means: pd.DataFrame, label: str) -> pd.DataFrame:
    """A row a size; above them, what the paper's text says in numbers, beside the same of ours."""
    said, printed = {}, pd.DataFrame()
    if ledger_id in SENTENCES:
        printed, known = reported.as_table(ledger_id), means.reindex(columns=list(COLOURS))
        column = label if ledger_id == "t2s-f8" else printed.columns[0]  # printed are all images, ours those of a class
        said = {column: {name: measure(known) for name, measure in SENTENCES[ledger_id].items()}}
    ours = pd.concat([pd.DataFrame(said), means.set_axis([f"{size} {label}" for size in means.index])])
    return paper_beside_ours(ours, printed, DECIMALS).dropna(axis=1, how="all")


def _sizes_where(holds: pd.Series) -> pd.Series:
    """The sizes at which something holds."""
    return pd.Series(holds.index[holds], dtype=float)


SENTENCES: dict[str, dict[str, Callable[[pd.DataFrame], float]]] = {  # of section 4.3, from the means of all sizes
    "t2s-f6": {"Imagenet subset minus Task2Sim": lambda means: (means[REAL] - means[TASK2SIM]).mean()},
    "t2s-f8": {
        "Task2Sim slightly above Imagenet-237": lambda means: _sizes_where(means[TASK2SIM] > means[REAL]).max(),
        "Task2Sim above Domain Randomization up to": lambda means: _sizes_where(
            (means[TASK2SIM] > means[RANDOMISED]).cummin()
        ).max(),
        "Domain Randomization matches Task2Sim": lambda means: _sizes_where(means[RANDOMISED] >= means[TASK2SIM]).min(),
    },
}
LAYOUTS: dict[str, Callable[[str, pd.DataFrame], Rendered]] = {
    "t2s-t1": _variations,
    "t2s-t2": _averages,
    "t2s-f3": _tasks,
    "t2s-t3": _averages,
    "t2s-f4": _tasks,
    "t2s-f5": _probabilities,
    "t2s-f6": _sizes("classes"),
    "t2s-f7": _sizes("meshes of a class", shrinks=True),
    "t2s-f8": _sizes("images of a class", shrinks=True),
}
