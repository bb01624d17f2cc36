"""The chapter's tables and figures, laid out from tidy results: published value beside ours, the picture, the claims.

Of the results, the experiment `cost` holds the counts of the networks at the published size, and the experiment named
as a table's id what was trained for it. Used by the notebooks with the rows of one run, and by `ndslib record` with
those of all seeds.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from ndslib.core.errors import InputError
from ndslib.core.plots import paper_beside_ours
from ndslib.core.publish import Rendered, claim
from ndslib.core.scorecard import Claim
from ndslib.core.stats import mean_interval, paired_difference
from ndslib.data.reported import as_table
from ndslib.hydranet import curves
from ndslib.hydranet.costs import EQUAL_COST
from ndslib.hydranet.curves import family_of
from ndslib.hydranet.networks import PUBLISHED

COST, BY_K, UTILISATION = "cost", "accuracy by k", "utilisation"  # experiments beside those named as a table
METRICS = {  # what the printed columns hold
    "Params": "params",
    "MADDs": "madds",
    "Inference MADDs": "madds",
    "Conditional MADDs": "madds",
    "Total MADDs": "total_madds",
    "Accuracy": "top1",
}
UNITS = {"params": 1e-6, "madds": 1e-6, "total_madds": 1e-6, "top1": 100, "gate_top1": 100, "recall": 100}
COUNTS = ["params", "madds", "total_madds"]
COLUMNS = {  # of our tables, in this order: name (the printed one goes before it), unit, decimals
    "params": ("Params", "M", 3),
    "madds": ("MADDs", "M", 1),
    "total_madds": ("Total MADDs", "M", 1),
    "top1": ("Accuracy", "%", 2),
    "half_width": ("95 % interval ±", "points", 2),
    "gate_top1": ("Gate top-1", "%", 1),
    "recall": ("Own subtask's branch ran", "%", 1),
    "trained params": ("Params as trained", "M", 3),
    "trained madds": ("MADDs as trained", "M", 2),
    "trained total_madds": ("Total MADDs as trained", "M", 2),
}
METHODS_ACROSS = ("th-t3.5", "th-t3.6")  # tables with a column a network
DOUBLED = "th-t3.3"  # its printed MADDs are 2 x multiply-adds
NOTES = {  # rows on which the source contradicts itself, or that it prints otherwise than the rest
    "th-t3.3": {
        "ResNet-14": "printed params are cut after two decimals: .17 for .178",
        "Hydra-Res-d6": "printed params are rounded, not cut as in the other rows",
        "DenseNet-d8": "1080 is printed for 1084.2; the other rows are cut to whole numbers",
    },
    "th-t3.4": {"Hydra-ResSep-E": "w_g is printed .50; the printed counts are those of .75, which is counted here"},
    "th-t3.7": {"Block 3": "params printed are those of Block 2; Tables 3.4 and 3.5 print 10.89 for this network"},
    "th-f3.4": {
        "Hydra-ResSep-D": "printed params ratio and gain are E's (Tables 3.1, 3.4); the MADDs ratio is neither's"
    },
}
CURVES = {"th-f3.3": ["th-t3.3"], "th-f3.4": ["th-t3.4", "th-t3.1"]}  # the tables that a figure plots
COMPARED = [  # of Table 3.8, better first
    *(("CLUSTER", other) for other in ("RANDOM", "LEARN", "LEARN-BALANCE")),
    ("NO GATING", "CLUSTER"),
    ("LEARN-BALANCE", "LEARN"),
]


def render(ledger_id: str, rows: pd.DataFrame) -> Rendered:
    """Lay out one ledger row of this chapter.

    Args:
        rows: tidy results of one run or of several seeds (`core.records`).

    Raises:
        InputError: the id has no layout here, `rows` holds nothing for it, or a method lacks the accuracy of a seed.
    """
    if ledger_id not in LAYOUTS:
        raise InputError(f"no layout for {ledger_id!r}; this chapter lays out {sorted(LAYOUTS)}")
    return LAYOUTS[ledger_id](ledger_id, rows)


def _printed(table_id: str) -> pd.DataFrame:
    """A published table: a row a network, columns named by metric; numbers as printed, counts in M."""
    table = as_table(table_id)
    return (table.T if table_id in METHODS_ACROSS else table).rename(columns=METRICS)


def _results(rows: pd.DataFrame, experiment: str) -> pd.DataFrame:
    """Means over the seeds: a row a method, a column a metric of `UNITS` in M or %, NaN where it has none."""
    found = rows[rows["experiment"] == experiment]
    wide = found.pivot_table(index="method", columns="metric", values="value", sort=False)
    return wide.reindex(columns=list(UNITS)).mul(pd.Series(UNITS))


def _counts(rows: pd.DataFrame, table_id: str, printed: pd.DataFrame) -> pd.DataFrame:
    """Our counts of the networks that are printed, in their order, in M and as the table counts."""
    found = _results(rows, COST)[COUNTS]
    if table_id == DOUBLED:
        found = found.assign(madds=2 * found["madds"])
    return found.loc[[name for name in printed.index if name in found.index]]


def _top1(rows: pd.DataFrame, experiment: str, columns: str = "method") -> pd.DataFrame:
    """Top-1 in percent: a row a seed, a column a method (or a value of `columns`)."""
    found = rows[(rows["experiment"] == experiment) & (rows["metric"] == "top1")]
    wide = 100 * found.pivot(index="seed", columns=columns, values="value")
    for name, values in wide.items():
        if values.isna().any():
            seed = values.index[values.isna()][0]
            raise InputError(f"{experiment}: no top1 of {name!r} with seed {seed}; run that seed again")
    return wide[found[columns].unique()]


def _intervals(top1: pd.DataFrame) -> pd.DataFrame:
    """`mean`, `low` and `high` of each column over its seeds; the bounds are NaN where one seed cannot give them."""
    found = {name: mean_interval(values) for name, values in top1.items()}
    bounds = {name: (each.mean, each.low, each.high) for name, each in found.items()}
    frame = pd.DataFrame.from_dict(bounds, orient="index", columns=["mean", "low", "high"], dtype=float)
    return frame.replace([-np.inf, np.inf], np.nan)


def _trained(rows: pd.DataFrame, table_id: str) -> pd.DataFrame:
    """What was trained for a table: `_results`, with `mean`, `low` and `high` of its top-1 in percent."""
    return _results(rows, table_id).join(_intervals(_top1(rows, table_id)))


def _require(found: pd.DataFrame, ledger_id: str, experiment: str) -> None:
    if found.empty:
        raise InputError(f"{ledger_id}: the results hold no rows of the experiment {experiment!r} for it")


def _titles(table_id: str) -> dict[str, str]:
    """The names of our columns, with units: as the table prints them, where it does."""
    table = as_table(table_id)
    names = table.index if table_id in METHODS_ACROSS else table.columns
    printed = {METRICS[name]: name for name in names if name in METRICS}
    titles = {column: f"{printed.get(column, name)} ({unit})" for column, (name, unit, _) in COLUMNS.items()}
    if table_id == DOUBLED:
        titles["madds"] = f"{printed['madds']} (M, 2 x multiply-adds)"
    return titles


def _other_widths(printed: pd.DataFrame) -> pd.DataFrame:
    """The multipliers that we counted with, of those that are not as printed in every row."""
    configs = {name: PUBLISHED[name] for name in printed.index if name in PUBLISHED}
    widths = {width: [getattr(each, width) for each in configs.values()] for width in ("w_s", "w_b", "w_g")}
    ours = pd.DataFrame(widths, index=list(configs))
    return ours[[width for width in ours if width in printed and (ours[width] != printed[width]).any()]]


def _beside(table_id: str, printed: pd.DataFrame, counts: pd.DataFrame, trained: pd.DataFrame) -> pd.DataFrame:
    """A table as printed, ours beside it: counts of the published size, accuracies of what was trained here."""
    counted = counts[[column for column in COUNTS if column in printed]]
    measured = trained[["top1", "gate_top1", "recall"]].assign(half_width=trained["high"] - trained["mean"])
    widths = _other_widths(printed)
    ours = pd.concat([widths, counted, measured, trained[COUNTS].add_prefix("trained ")], axis=1)
    ours = ours.round({name: decimals for name, (_, _, decimals) in COLUMNS.items()})
    ours = ours[[*widths, *(column for column in COLUMNS if column in ours)]]
    sides = [side.rename(columns=_titles(table_id)) for side in (ours, printed)]
    if table_id in METHODS_ACROSS:
        sides = [side.T for side in sides]
    return paper_beside_ours(*sides, decimals=3).dropna(axis=0, how="all").dropna(axis=1, how="all")


def _with_notes(ledger_id: str, table: pd.DataFrame) -> pd.DataFrame:
    """A last column that says where the source contradicts itself or prints otherwise than elsewhere."""
    if ledger_id not in NOTES:
        return table
    notes = pd.Series(NOTES[ledger_id]).reindex(table.index, fill_value="")
    return table.join(pd.DataFrame({("note", ""): notes}))


def _points(text: str, above: pd.Series, below: pd.Series, headline: bool = False) -> Claim:
    """The claim that one top-1 is above another, paired by seed."""
    return claim(f"{text}, top-1 points", paired_difference(above, below), headline=headline)


def _networks(ledger_id: str, rows: pd.DataFrame) -> Rendered:
    """Tables 3.1, 3.3 and 3.4: what networks cost, and how accurate they are."""
    printed, trained = _printed(ledger_id), _trained(rows, ledger_id)
    counts = _counts(rows, ledger_id, printed)
    _require(counts, ledger_id, COST)
    table = _with_notes(ledger_id, _beside(ledger_id, printed, counts, trained))
    figure = curves.deviations(counts, printed, NOTES.get(ledger_id, ()))
    return Rendered(table, figure, _above_static(_top1(rows, ledger_id), trained["madds"]))


def _above_static(top1: pd.DataFrame, madds: pd.Series) -> tuple[Claim, ...]:
    """Each HydraNet above the static network of equal or next higher cost, and the mean over these pairs."""
    pairs = _pairs(madds)
    claims = []
    for hydra, static in pairs:
        costs = f"({madds[hydra]:.3g} against {madds[static]:.3g} M multiply-adds)"
        claims.append(_points(f"{hydra} above {static} {costs}", top1[hydra], top1[static], headline=len(pairs) == 1))
    if len(pairs) > 1:
        hydras, statics = (top1[list(names)].mean(axis=1) for names in zip(*pairs, strict=True))
        text = f"HydraNets above static networks of equal or higher cost, mean of {len(pairs)} pairs"
        claims.append(_points(text, hydras, statics, headline=True))
    return tuple(claims)


def _pairs(madds: pd.Series) -> list[tuple[str, str]]:
    """Each HydraNet with the cheapest static network of its family that costs as much or more, where there is one."""
    hydra = madds.index.str.startswith("Hydra-")
    rising = madds[~hydra].sort_values(kind="stable")
    found = []
    for name, cost in madds[hydra].items():
        enough = rising[rising >= (1 - EQUAL_COST) * cost].index
        rivals = [each for each in enough if family_of(each) == family_of(name)]
        found += [(name, rival) for rival in rivals[:1]]
    return found


def _cost_accuracy(ledger_id: str, rows: pd.DataFrame) -> Rendered:
    """Figures 3.3 and 3.4: cost against accuracy, of the families that have HydraNets."""
    table_id = CURVES[ledger_id][0]
    trained = _trained(rows, table_id)
    _require(trained, ledger_id, table_id)
    printed = pd.concat([_printed(each) for each in CURVES[ledger_id]])[["madds", "top1"]]
    families = {family_of(name) for name in printed.index if name.startswith("Hydra-")}
    printed = printed[[family_of(name) in families for name in printed.index]]
    counts = _counts(rows, table_id, printed)
    points = printed.assign(mean=printed["top1"], low=np.nan, high=np.nan)
    if table_id == DOUBLED:
        points["madds"] /= 2
    table = _beside(table_id, printed, counts, trained)
    if ledger_id == "th-f3.4":
        table = table.join(_ratios(counts, trained))
    return Rendered(_with_notes(ledger_id, table), curves.cost_accuracy(points, trained))


def _ratios(counts: pd.DataFrame, trained: pd.DataFrame) -> pd.DataFrame:
    """Section 3.4.2: a HydraNet's parameters, multiply-adds of all branches, and accuracy over its static network's."""
    printed = as_table("th-f3.4")
    pairs = [pair.split(" / ") for pair in printed.index]
    hydras, statics = (counts.join(trained["top1"]).reindex(list(names)) for names in zip(*pairs, strict=True))
    statics.index = printed.index = hydras.index
    ours = {
        "Params ratio": hydras["params"] / statics["params"],
        "Total MADDs ratio": hydras["total_madds"] / statics["total_madds"],
        "Accuracy gain": hydras["top1"] - statics["top1"],
    }
    return paper_beside_ours(pd.DataFrame(ours), printed, decimals=2)


def _setting(name: str) -> int:
    """The number in a method's name: 10 of "n_b = 10", 3 of "Block 3"."""
    return int(name.split()[-1])


def _by_setting(table: pd.DataFrame) -> pd.DataFrame:
    """Rows named by their setting, in rising order."""
    return table.set_axis([_setting(name) for name in table.index]).sort_index()


def _sweep(label: str, of_k: bool = False) -> Callable[[str, pd.DataFrame], Rendered]:
    """The layout of Tables 3.5 to 3.7: one setting of Hydra-ResSep-A is changed.

    k can also be changed after training: `of_k` shows that too.
    """

    def layout(ledger_id: str, rows: pd.DataFrame) -> Rendered:
        printed, trained = _printed(ledger_id), _trained(rows, ledger_id)
        _require(trained, ledger_id, ledger_id)
        counts = _counts(rows, ledger_id, printed)
        by_k = _intervals(_top1(rows, BY_K, "step") if of_k else pd.DataFrame())
        figure = curves.sweep(*map(_by_setting, (printed, counts, trained)), label, by_k)
        table = _with_notes(ledger_id, _beside(ledger_id, printed, counts, trained))
        return Rendered(table, figure, _sweep_claims(_top1(rows, ledger_id), of_k))

    return layout


def _sweep_claims(top1: pd.DataFrame, of_k: bool) -> tuple[Claim, ...]:
    """The largest setting above the smallest; of k also that the first step gains more than the last."""
    names = sorted(top1, key=_setting)
    claims = []
    if len(names) > 1:
        claims.append(_points(f"{names[-1]} above {names[0]}", top1[names[-1]], top1[names[0]]))
    if of_k and len(names) > 2:
        steps = top1[names].diff(axis=1)
        text = f"{names[0]} to {names[1]} gains more than {names[-2]} to {names[-1]}"
        claims.append(_points(text, steps[names[1]], steps[names[-1]]))
    return tuple(claims)


def _strategies(ledger_id: str, rows: pd.DataFrame) -> Rendered:
    """Table 3.8: how classes are divided among branches, and who chooses the branches."""
    printed, trained = _printed(ledger_id), _trained(rows, ledger_id)
    _require(trained, ledger_id, ledger_id)
    table = _beside(ledger_id, printed, _counts(rows, ledger_id, printed), trained)
    in_order = trained.loc[[name for name in table.index if name in trained.index]]
    figure = curves.strategies(in_order, printed["top1"], _utilisation(rows))
    top1 = _top1(rows, ledger_id)
    claims = [
        _points(f"{above} above {below}", top1[above], top1[below], headline=above == "CLUSTER")
        for above, below in COMPARED
        if {above, below} <= set(top1)
    ]
    return Rendered(table, figure, (*claims, *_balance_claims(rows)))


def _balance_claims(rows: pd.DataFrame) -> list[Claim]:
    """Section 3.4.2: a gate that is only learned comes to ignore most branches, which the balance term prevents.

    The effective number of branches is the exponential of the entropy of their use: n_b where all are used alike.
    """
    found = rows[rows["experiment"] == UTILISATION]
    shares = found.pivot_table(index=["seed", "method"], columns="step", values="value")
    shares = shares.div(shares.sum(axis=1), axis=0)
    entropy = -(shares * np.log(shares.where(shares > 0))).sum(axis=1)
    effective = np.exp(entropy).unstack("method")
    if not {"LEARN", "LEARN-BALANCE"} <= set(effective):
        return []
    text = "LEARN-BALANCE uses more branches than LEARN, effective number"
    return [claim(text, paired_difference(effective["LEARN-BALANCE"], effective["LEARN"]), headline=True)]


def _utilisation(rows: pd.DataFrame) -> pd.DataFrame:
    """The share of images that run a branch: a row a strategy, a column a branch (1, 2, ...), the most used first.

    Branches are ranked within a seed before the mean over seeds, because their numbers mean nothing across seeds.
    """
    found = rows[rows["experiment"] == UTILISATION].sort_values("value", ascending=False)
    ranked = found.assign(rank=found.groupby(["seed", "method"]).cumcount() + 1)
    return ranked.pivot_table(index="method", columns="rank", values="value", sort=False)


LAYOUTS: dict[str, Callable[[str, pd.DataFrame], Rendered]] = {
    "th-t3.1": _networks,
    "th-t3.3": _networks,
    "th-f3.3": _cost_accuracy,
    "th-t3.4": _networks,
    "th-f3.4": _cost_accuracy,
    "th-t3.5": _sweep("branches (n_b)"),
    "th-t3.6": _sweep("branches that run (k)", of_k=True),
    "th-t3.7": _sweep("block after which the network branches"),
    "th-t3.8": _strategies,
}
