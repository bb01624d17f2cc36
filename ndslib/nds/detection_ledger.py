"""The detection rows of the chapter's ledger, laid out from tidy results as in `ledger`.

A result is a row a method, budget, client and metric, recorded under the experiment `detection` (boxes alone) or
`segmentation` (boxes and masks), with the names of the server's datasets. `detection_scenarios.PUBLISHED` says beside
whose published numbers a dataset or client stands.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ndslib.core.errors import InputError
from ndslib.core.plots import INK, PALETTE, bars_with_reported, paper_beside_ours
from ndslib.core.publish import Rendered, claim
from ndslib.core.scorecard import Claim
from ndslib.core.stats import mean_interval
from ndslib.data.reported import as_table
from ndslib.nds.detection_scenarios import PAPER, PUBLISHED
from ndslib.nds.detection_transfer import ENTIRE, INIT, NDS, UNIFORM
from ndslib.nds.gains import ALL_CLIENTS, gains

AS_PRINTED = {ENTIRE: "Full COCO"}
CLASS_AP = "mask AP | "
MAIN = ("box AP", "box AP50", "mask AP", "mask AP50")


@dataclass(frozen=True)
class Setting:
    """Which results a table shows.

    Attributes:
        experiment: `detection` or `segmentation`.
        server: the published names of the server's datasets, joined by " + ".
        clients: the published names of the clients.
        metrics: those whose differences are claims.
    """

    experiment: str
    server: str
    clients: tuple[str, ...]
    metrics: tuple[str, ...]


DETECTION = Setting("detection", "COCO + OpenImages", ("PASCAL VOC 2007", "miniModaNet", "Cityscapes"), ("box AP",))
FROM_COCO = Setting("segmentation", "COCO", ("Cityscapes",), ("box AP", "mask AP"))
FROM_OPENIMAGES = Setting("segmentation", "OpenImages", ("Cityscapes",), ("box AP", "mask AP"))
SHARES = Setting("segmentation", "COCO", ("Cityscapes", "KITTI"), ("box AP", "mask AP"))


def results_of(setting: Setting, rows: pd.DataFrame) -> pd.DataFrame:
    """The results of a setting, AP in percent.

    Returns:
        A row a seed, server, client, method, budget and metric: these columns, `value` (0 to 100) and `published` (the
        published name of the client), clients in the setting's order.

    Raises:
        InputError: there is none.
    """
    found = rows[rows["experiment"] == setting.experiment]
    if not found.empty:  # without such rows there is no column server
        servers = found["server"].map(
            lambda names: " + ".join(PUBLISHED.get(each, each) for each in names.split(" + "))
        )
        found = found[servers == setting.server]
    if not found.empty:
        found = found.assign(value=100 * found["value"], published=found["client"].map(PUBLISHED))
        found = found[found["published"].isin(setting.clients)]
    if found.empty:
        raise InputError(
            f"the results hold no {setting.experiment} of {' or '.join(setting.clients)} from {setting.server}"
        )
    order = {name: number for number, name in enumerate(setting.clients)}
    columns = ["seed", "server", "client", "published", "method", "budget", "metric", "value"]
    return found[columns].sort_values("published", key=lambda names: names.map(order), kind="stable")


def titled(name: str) -> str:
    """A dataset or client of ours under the source's name for it, or for what it stands for."""
    return PAPER[name] if name in PAPER else f"{PUBLISHED[name]} (ours: {name})"


def percent(share: float) -> str:
    """A share of the server as text, e.g. 0.068 as "6.8%"."""
    return f"{100 * share:.3g}%"


def _row_names(results: pd.DataFrame, sizes: Mapping[float, str]) -> pd.Series:
    """Rows as printed, e.g. "23K | NDS"; a share of the server that is not printed stands as it is."""
    methods = results["method"].map(lambda name: AS_PRINTED.get(name, name))
    printed = results["budget"].map(lambda budget: sizes.get(budget, percent(budget)))
    return printed + " | " + methods


def _claims(setting: Setting, results: pd.DataFrame, repeated: bool = False) -> tuple[Claim, ...]:
    """NDS above uniform sampling and above no pretraining: a claim a metric, budget and client, and for their mean.

    Those above uniform sampling are headlines, unless another table has them (`repeated`).
    """
    found, server = [], results["server"].iloc[0]
    for metric in setting.metrics:
        chosen = results[results["metric"] == metric]
        for budget in sorted(set(chosen["budget"]) - {0.0, 1.0}):
            for over in (UNIFORM, INIT):
                measured = gains(chosen, NDS, over, budget, "value")
                if len(setting.clients) == 1:
                    measured.pop(ALL_CLIENTS, None)  # it would say the same again
                for client, interval in measured.items():
                    text = f"{NDS} at {percent(budget)} of {server} above {over}, {client}, {metric} points"
                    main = over == UNIFORM and (client == ALL_CLIENTS or len(setting.clients) == 1)
                    found.append(claim(text, interval, headline=main and not repeated))
    return tuple(found)


def _beside(results: pd.DataFrame, published: pd.DataFrame, columns: pd.Series, rows: pd.Series) -> pd.DataFrame:
    """Paper beside ours, both with the rows and columns named as printed."""
    named = results.assign(row=rows, column=columns)
    ours = named.pivot_table(index="row", columns="column", values="value", sort=False)
    return paper_beside_ours(ours, published)


def _bars(table: pd.DataFrame, results: pd.DataFrame, groups: pd.Series, rows: pd.Series, title: str) -> Figure:
    """A bar a row of the table in every group of `groups` (columns of the table), with the interval over seeds."""
    bars = []
    for (group, row), part in results.assign(group=groups, row=rows).groupby(["group", "row"], sort=False):
        interval = mean_interval(part["value"])
        low, high = (interval.low, interval.high) if np.isfinite(interval.low) else (interval.mean, interval.mean)
        bars.append((group, row, interval.mean, low, high, table.loc[row, (group, "paper")]))
    bars = [(group.replace(" (", "\n(").removesuffix(" | box AP"), *rest) for group, *rest in bars]
    frame = pd.DataFrame(bars, columns=["dataset", "method", "mean", "low", "high", "reported"])
    order = {name: number for number, name in enumerate(table.index)}
    frame = frame.sort_values("method", key=lambda names: names.map(order), kind="stable")
    return bars_with_reported(frame, label="AP (%)", title=title)


def _detection(ledger_id: str, rows: pd.DataFrame) -> Rendered:
    """NDS Table 1: boxes of three clients, pretraining on both datasets of the server."""
    results = results_of(DETECTION, rows)
    columns = results["client"].map(titled) + " | " + results["metric"]
    printed = _titled_columns(as_table(ledger_id), results)
    names = _row_names(results, {0.0: "0", 0.05: "90K (5%)", 0.1: "180K (10%)"})
    kept = columns.isin(printed.columns)
    table = _beside(results[kept], printed, columns[kept], names[kept])
    shown = results["metric"] == "box AP"
    figure = _bars(table, results[shown], columns[shown], names[shown], "Detection, box AP")
    return Rendered(table, figure, _claims(DETECTION, results))


def _segmentation(setting: Setting, sizes: Mapping[float, str]) -> Callable[[str, pd.DataFrame], Rendered]:
    """A table of the driving client: boxes and masks, and where the source prints them, the masks of each class."""

    def layout(ledger_id: str, rows: pd.DataFrame) -> Rendered:
        results, published = results_of(setting, rows), as_table(ledger_id)
        results = results.replace({"metric": {f"{CLASS_AP}motorcycle": f"{CLASS_AP}mcycle"}})
        by_class = published.columns.str.startswith(CLASS_AP).any()
        kept = results["metric"].isin(published.columns) | (results["metric"].str.startswith(CLASS_AP) & by_class)
        results = results[kept]
        names = _row_names(results, sizes)
        table = _beside(results, published, results["metric"], names)
        shown = results["metric"].isin(MAIN)
        client, server = (results[column].iloc[0] for column in ("client", "server"))
        title = f"{titled(client)}, pretrained on {titled(server)}"
        figure = _bars(table, results[shown], results["metric"][shown], names[shown], title)
        return Rendered(table, figure, _claims(setting, results, repeated=by_class))

    return layout


def _titled_columns(published: pd.DataFrame, results: pd.DataFrame) -> pd.DataFrame:
    """Columns "<client> | <metric>" under our clients' titles."""
    titles = {PUBLISHED[client]: titled(client) for client in results["client"].unique()}
    return published.rename(columns=lambda column: " | ".join(titles.get(part, part) for part in column.split(" | ")))


PERCENT = {"0": "0%", "23K": "20%", "47K": "40%", "59K": "50%", "118K": "100%"}


def _published_shares() -> pd.DataFrame:
    """The values behind the bars of NDS-ICLR Fig. 4, as far as the sources print them as numbers."""
    cityscapes = as_table("ndsiclr-t2")[["box AP", "mask AP", "mask AP50"]]
    box50 = as_table("ndss-t4")["box AP50"]  # the same runs, printed by their number of images
    box50.index = [" | ".join([PERCENT[size], method]) for size, method in box50.index.str.split(" | ", regex=False)]
    cityscapes = cityscapes.assign(**{"box AP50": box50})[list(MAIN)].add_prefix("Cityscapes | ")
    kitti = as_table("ndsiclr-t1").filter(like="KITTI").dropna()
    kitti = kitti.rename(
        index={"0% | Random Initialization": f"0% | {INIT}", "100% | Entire Dataset": "100% | Full COCO"},
        columns={"Detection | KITTI": "KITTI | box AP", "Segmentation | KITTI": "KITTI | mask AP"},
    )
    return cityscapes.join(kitti)


def _shares(ledger_id: str, rows: pd.DataFrame) -> Rendered:
    """NDS-ICLR Fig. 4: AP against the share of COCO that is used, two driving clients."""
    del ledger_id
    results = results_of(SHARES, rows)
    results = results[results["metric"].isin(MAIN)]
    names = _row_names(results, {})
    columns = results["client"].map(titled) + " | " + results["metric"]
    table = _beside(results, _titled_columns(_published_shares(), results), columns, names)
    return Rendered(table, _share_panels(table, results), _claims(SHARES, results))


def _share_panels(table: pd.DataFrame, results: pd.DataFrame) -> Figure:
    """A line of panels a client, a panel a metric; bars for the shares of the server, a colour a method."""
    clients = list(results["client"].unique())
    size = (10, 2.6 * len(clients) + 0.6)
    figure, grid = plt.subplots(len(clients), len(MAIN), figsize=size, squeeze=False, layout="constrained")
    for line, client in zip(grid, clients, strict=True):
        for axes, metric in zip(line, MAIN, strict=True):
            own = results[(results["client"] == client) & (results["metric"] == metric)]
            _share_bars(axes, own, table[f"{titled(client)} | {metric}", "paper"])
            axes.set(title=metric, ylabel=f"{titled(client)}\nAP (%)" if metric == MAIN[0] else "")
    figure.supxlabel("share of the server's images (%)", fontsize="medium")
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=5)
    plt.close(figure)
    return figure


def _share_bars(axes: Axes, results: pd.DataFrame, published: pd.Series) -> None:
    shares = sorted(results["budget"].unique())
    for number, method in enumerate((INIT, UNIFORM, NDS, ENTIRE)):
        part = results[results["method"] == method].groupby("budget")["value"]
        means, intervals = part.mean(), part.apply(mean_interval)
        offset = {UNIFORM: -0.2, NDS: 0.2}.get(method, 0)
        at = [shares.index(share) + offset for share in means.index]
        axes.bar(at, means, 0.38, color=PALETTE[number], label=method)
        bounded = [(x, each) for x, each in zip(at, intervals, strict=True) if np.isfinite(each.low)]
        axes.vlines([x for x, _ in bounded], [i.low for _, i in bounded], [i.high for _, i in bounded], color=INK)
        printed = [
            published.get(f"{percent(share)} | {AS_PRINTED.get(method, method)}", np.nan) for share in means.index
        ]
        label = "published" if method == ENTIRE else None
        axes.scatter(at, printed, marker="D", s=20, color="white", edgecolor=INK, zorder=3, label=label)
    axes.set_xticks(range(len(shares)), [percent(share).rstrip("%") for share in shares])
    axes.set_ylim(bottom=0)
    axes.grid(axis="x", visible=False)


_COCO_SIZES = {0.0: "0", 0.2: "23K", 0.4: "47K", 0.5: "59K", 1.0: "118K"}
_OPENIMAGES_SIZES = {0.0: "0", 0.068: "118K", 0.115: "200K"}  # of the paper's 1,743,042 images
LAYOUTS: dict[str, Callable[[str, pd.DataFrame], Rendered]] = {
    "nds-t1": _detection,
    "nds-t2": _segmentation(FROM_COCO, _COCO_SIZES),
    "ndss-t4": _segmentation(FROM_COCO, _COCO_SIZES),
    "ndsiclr-t2": _segmentation(FROM_COCO, {}),
    "ndsiclr-f4": _shares,
    "nds-t3": _segmentation(FROM_OPENIMAGES, _OPENIMAGES_SIZES),
    "ndss-t5": _segmentation(FROM_OPENIMAGES, _OPENIMAGES_SIZES),
}
