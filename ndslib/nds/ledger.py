"""The chapter's tables and figures, laid out from tidy results: published value beside ours, the picture, the claims.

Used by the notebooks with the rows of one run, and by `ndslib record` with those of all seeds.
"""

from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ndslib.core.errors import InputError
from ndslib.core.plots import PALETTE, bars_with_reported, interval_plot, paper_beside_ours
from ndslib.core.publish import Rendered, claim
from ndslib.core.scorecard import Claim
from ndslib.core.stats import Interval, correlation_interval, mean_interval
from ndslib.data import manifests
from ndslib.data.reported import as_table, reported
from ndslib.nds import detection_ledger
from ndslib.nds.experiments import VARIANTS
from ndslib.nds.gains import ALL_CLIENTS, gains
from ndslib.nds.transfer import ENTIRE, KNN, NGIAM, SCRATCH, UNIFORM

PAPER_NDS = "NDS (SP+SS)"  # the variant behind the rows that Table 5 and ICLR Table 1 call just "NDS" (equal numbers)
OWN = "NDS (UP+SS)"  # the variant that needs no labels: the one behind the data search of the paper's section 4.1
FIGURE_CLIENTS = ("ndss-f2", "ndss-f3", "ndss-f4")  # one figure a client, three clients


def render(ledger_id: str, rows: pd.DataFrame) -> Rendered:
    """Lay out one ledger row of this chapter.

    Args:
        rows: tidy results of one run or of several seeds (`core.records`).

    Raises:
        InputError: the id has no layout here, or `rows` holds nothing for it.
    """
    if ledger_id not in LAYOUTS:
        raise InputError(f"no layout for {ledger_id!r}; this chapter lays out {sorted(LAYOUTS)}")
    return LAYOUTS[ledger_id](ledger_id, rows)


def seed_means(rows: pd.DataFrame, pretext: str) -> pd.DataFrame:
    """Top-1 in percent of each seed, client, method and budget, for one pretext task."""
    chosen = rows[(rows["experiment"] == "transfer") & (rows["metric"] == "top1")]
    if not chosen.empty:  # without such rows there is no column pretext
        chosen = chosen[chosen["pretext"] == pretext]
    if chosen.empty:
        raise InputError(f"the results hold no transfer with pretext {pretext!r}")
    return chosen.assign(top1=100 * chosen["value"])[["seed", "client", "method", "budget", "top1"]]


def _table(results: pd.DataFrame, published: pd.DataFrame, rename: dict[str, str]) -> pd.DataFrame:
    """Paper beside ours, rows as printed ("20% | NDS (SP+SS)"), a column a client."""
    names = results["method"].map(lambda name: rename.get(name, name))
    labels = [f"{budget:.0%} | {name}" for budget, name in zip(results["budget"], names, strict=True)]
    ours = results.assign(row=labels).pivot_table(index="row", columns="client", values="top1", sort=False)
    return paper_beside_ours(ours, published)


def _bars(results: pd.DataFrame, published: pd.DataFrame, rename: dict[str, str], title: str) -> Figure:
    """Top-1 of every client and method at the smallest budget, with the interval over seeds."""
    budget = results.loc[~results["method"].isin((SCRATCH, ENTIRE)), "budget"].min()
    shown = results[results["method"].isin((SCRATCH, ENTIRE)) | np.isclose(results["budget"], budget)]
    bars = []
    for (client, method), part in shown.groupby(["client", "method"], sort=False):
        interval = mean_interval(part["top1"])
        bounded = np.isfinite(interval.low)
        row = f"{part['budget'].iloc[0]:.0%} | {rename.get(method, method)}"
        printed = published[client].get(row, np.nan) if client in published else np.nan
        low, high = (interval.low, interval.high) if bounded else (interval.mean, interval.mean)
        bars.append((client, method, interval.mean, low, high, printed))
    table = pd.DataFrame(bars, columns=["dataset", "method", "mean", "low", "high", "reported"])
    share = f", {budget:.0%} of the server" if np.isfinite(budget) else ""
    return bars_with_reported(table, label="top-1 (%)", title=title + share)


def _transfer(
    pretext: str, compared: list[tuple[str, str]], rename: dict[str, str], title: str
) -> Callable[[str, pd.DataFrame], Rendered]:
    """The layout of a transfer table: of the results, the methods that the source prints there.

    `compared` are the pairs (method, over) whose difference is a claim, `rename` our names that the source shortens.
    """

    def layout(ledger_id: str, rows: pd.DataFrame) -> Rendered:
        published = as_table(ledger_id)
        if ledger_id == "ndsiclr-t1":  # its other columns are detection and segmentation: nds/04
            published = published.filter(like="Classification | ").rename(columns=lambda name: name.split(" | ")[1])
        printed = {row.split(" | ")[1] for row in published.index}
        results = seed_means(rows, pretext)
        results = results[results["method"].map(lambda name: rename.get(name, name)).isin(printed)]
        if results.empty:
            raise InputError(f"{ledger_id}: the results hold none of its methods: {', '.join(sorted(printed))}")
        claims: list[Claim] = _own_domain_first(rows) if ledger_id == "nds-t4" else []
        for method, over in compared:
            for budget in sorted(set(results["budget"]) - {0.0, 1.0}):
                claims += _claims(results, method, over, budget)
        return Rendered(_table(results, published, rename), _bars(results, published, rename, title), tuple(claims))

    return layout


def _claims(results: pd.DataFrame, method: str, over: str, budget: float) -> list[Claim]:
    """One claim a client and one for all; of the main comparison all are headlines, of the others the last."""
    what = {SCRATCH: "random initialization", ENTIRE: "the entire dataset"}.get(over, over)
    main = (method, over, budget) == (OWN, UNIFORM, 0.2)
    return [
        claim(
            f"{method} at {budget:.0%} above {what}, {client}, top-1 points",
            interval,
            headline=main or client == ALL_CLIENTS,
        )
        for client, interval in gains(results, method, over, budget).items()
    ]


def _own_domain_first(rows: pd.DataFrame) -> list[Claim]:
    """How often the best expert is one of the client's own domain, over the clients that have one on the server."""
    first = rows[rows["metric"] == "own domain first"]
    if first.empty:
        return []
    share = mean_interval(first.groupby("seed")["value"].mean())
    clients = first["client"].nunique()
    text = f"the first expert is of the client's own domain for more than half of {clients} clients (share)"
    return [claim(text, share, margin=0.5, headline=True)]


def gain_figure(rows: pd.DataFrame, method: str = OWN, over: str = UNIFORM, budget: float = 0.2) -> Figure:
    """Gain of one method over another for every client, with its interval over seeds."""
    found = gains(seed_means(rows, "labels"), method, over, budget)
    return interval_plot(found, f"{method} minus {over.lower()} (top-1 points)", f"{budget:.0%} of the server")


def _summary(ledger_id: str, rows: pd.DataFrame) -> Rendered:
    """NDS-S Table 3 from the manifests, with the published counts beside it."""
    del rows
    table = manifests.summary_table()
    printed = reported(ledger_id)
    images = printed[printed["column"].str.startswith("images")].groupby("row", sort=False)["value"].sum()
    ours = table["Images"].str.findall(r"\d+").map(lambda found: sum(map(int, found)))
    published = images.reindex(table["Dataset"]).to_numpy()
    table = table.assign(**{"Images in all": ours, "Images in all, published": published})
    figure, axes = plt.subplots(figsize=(8, 4), layout="constrained")
    server = table["Evaluation Metric"] == "-"
    axes.barh(table["Dataset"], ours, color=np.where(server, PALETTE[0], PALETTE[1]))
    axes.scatter(published, table["Dataset"], marker="D", color="white", edgecolor="black", zorder=3)
    label = "images (bars: our manifests; diamonds: published)"
    axes.set(xscale="log", xlabel=label, title="Servers (first) and clients")
    axes.invert_yaxis()
    plt.close(figure)
    return Rendered(table.set_index("Dataset"), figure)


def confusion_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """A row a seed, client and cluster: proxy accuracy, and the domain classifier's error, loss and A-distance."""
    chosen = rows[rows["experiment"] == "domain confusion"]
    if chosen.empty:
        raise InputError("the results hold no rows of the experiment 'domain confusion'")
    index = ["seed", "client", "cluster", "dataset"]
    wide = chosen.pivot_table(index=index, columns="metric", values="value", sort=False)
    return wide.reset_index().rename_axis(columns=None)


def _confusion(ledger_id: str, rows: pd.DataFrame) -> Rendered:
    """NDS Fig. 4 (every client) and NDS-ICLR Fig. 3 (one client): domain-classifier loss against proxy accuracy."""
    table = confusion_rows(rows)
    if ledger_id == "ndsiclr-f3":
        table = table[table["client"] == table["client"].iloc[0]]
    claims = []
    if ledger_id == "nds-f4":
        claims = [_correlation_claim(table, "loss", "greater"), _correlation_claim(table, "a_distance", "less")]
    claims += [_correlation_of_client(client, part) for client, part in table.groupby("client", sort=False)]
    return Rendered(table, _scatter(table), tuple(claims))


def _correlation_claim(table: pd.DataFrame, metric: str, direction: str) -> Claim:
    """Over all experts, clients and seeds; whole clients are resampled, because their experts are not independent."""
    found = correlation_interval(table[metric], table["accuracy"], table["client"]).pearson
    if table["seed"].nunique() == 1:  # clients of one run share its experts: no claim is decided from one run
        found = Interval(found.mean, -np.inf, np.inf, 1)
    how = {"greater": "rises with the domain classifier's loss", "less": "falls with the proxy A-distance"}[direction]
    text = f"proxy-task accuracy {how}, over all experts and clients (Pearson; n clients)"
    return claim(text, found, direction, headline=True)


def _correlation_of_client(client: str, table: pd.DataFrame) -> Claim:
    """Over the experts of one client: the mean of the seeds' coefficients."""
    each = [part["loss"].corr(part["accuracy"]) for _, part in table.groupby("seed")]
    return claim(
        f"proxy-task accuracy rises with the domain classifier's loss, {client} (Pearson, mean over seeds)",
        mean_interval(each),
    )


def _scatter(table: pd.DataFrame) -> Figure:
    """A panel a client, accuracy against the domain classifier's loss; with several clients, one of the A-distance."""
    panels = [(f"client {client}", part, "loss") for client, part in table.groupby("client", sort=False)]
    if len(panels) > 1:
        panels.append((ALL_CLIENTS, table, "a_distance"))
    columns = min(3, len(panels))
    lines = -(-len(panels) // columns)
    size = (max(3.2 * columns, 4.5) + 1.6, 2.8 * lines)  # the legend stands to the right of the panels
    figure, grid = plt.subplots(lines, columns, figsize=size, layout="constrained", squeeze=False)
    datasets = list(table["dataset"].unique())
    for axes, (title, part, metric) in zip(grid.flat, panels, strict=False):
        for number, dataset in enumerate(datasets):
            own = part[part["dataset"] == dataset]
            axes.scatter(own[metric], own["accuracy"], s=22, color=PALETTE[number % len(PALETTE)], label=dataset)
        axes.set(title=title, xlabel={"loss": "log loss", "a_distance": "proxy A-distance (eq. 9)"}[metric])
    for axes in grid.flat[len(panels) :]:
        axes.axis("off")
    figure.supylabel("proxy-task accuracy", fontsize="medium")
    figure.suptitle(
        "Domain classifier's held-out log loss (high: domains confused) and the experts' accuracy", fontsize="medium"
    )
    handles, labels = grid.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", title="expert's dataset")
    plt.close(figure)
    return figure


def _growth(ledger_id: str, rows: pd.DataFrame) -> Rendered:
    """NDS Fig. 7: cumulative training cost while datasets are added."""
    del ledger_id
    chosen = rows[(rows["experiment"] == "growth") & (rows["metric"] == "cumulative_madds")]
    if chosen.empty:
        raise InputError("the results hold no rows of the experiment 'growth'")
    table = chosen.groupby(["step", "dataset", "method"], sort=False)["value"].mean().unstack("method")
    figure, axes = plt.subplots(figsize=(8, 4), layout="constrained")
    for number, method in enumerate(table):
        axes.plot(range(1, len(table) + 1), table[method] / 1e12, marker="o", color=PALETTE[number], label=method)
    added = table.index.get_level_values("dataset")
    axes.set_xticks(range(1, len(table) + 1), [f"+ {name}" for name in added], rotation=30, ha="right")
    axes.set(ylabel="training cost (10$^{12}$ multiply-adds)", ylim=(0, None), title="A growing dataserver")
    axes.legend()
    plt.close(figure)
    return Rendered(table, figure)


_AS_NDS = {PAPER_NDS: "NDS"}
_ablation = _transfer("labels", [(each, UNIFORM) for each in VARIANTS], {}, "Ablation of gating and experts")
_comparison = _transfer(
    "labels", [(PAPER_NDS, each) for each in (UNIFORM, KNN, NGIAM, ENTIRE)], _AS_NDS, "Selection methods"
)
LAYOUTS: dict[str, Callable[[str, pd.DataFrame], Rendered]] = {
    "nds-t4": _ablation,
    "ndsiclr-t3": _ablation,
    "nds-t5": _comparison,
    "ndsiclr-t1": _comparison,
    "ndss-t1": _transfer("moco", [(PAPER_NDS, UNIFORM)], _AS_NDS, "MoCo pretraining"),
    "ndss-t2": _transfer("rotation", [(PAPER_NDS, UNIFORM)], _AS_NDS, "RotNet pretraining"),
    "ndss-t3": _summary,
    "nds-f4": _confusion,
    "ndsiclr-f3": _confusion,
    "nds-f7": _growth,
    **detection_ledger.LAYOUTS,
}
