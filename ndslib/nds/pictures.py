"""Pictures of the chapter: what the clusters hold, what is recommended to whom, and the web page."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import PlaceHolderLayoutEngine

from ndslib.core.browser import screenshot
from ndslib.core.plots import PALETTE
from ndslib.core.seeding import rng
from ndslib.data import images
from ndslib.nds.index import Index
from ndslib.nds.recommend import Recommendation
from ndslib.nds.scenarios import Client

if TYPE_CHECKING:
    from playwright.sync_api import Page

WIDTH = 6.2  # inches; pictures of noisy images do not compress, and a notebook must stay below a megabyte


def mosaic(pixels: np.ndarray, columns: int, gap: int = 1) -> np.ndarray:
    """Tile images uint8[N, 3, S, S] row by row into one picture uint8[H, W, 3] with white gaps."""
    count, _, side, _ = pixels.shape
    lines = -(-count // columns)
    step = side + gap
    canvas = np.full((lines * step - gap, columns * step - gap, 3), 255, np.uint8)
    for number, image in enumerate(pixels):
        top, left = (number // columns) * step, (number % columns) * step
        canvas[top : top + side, left : left + side] = image.transpose(1, 2, 0)
    return canvas


def cluster_tiles(index: Index, cluster: int, count: int, size: int, seed: int = 0) -> np.ndarray:
    """Up to `count` images of a cluster, drawn at random: uint8[n, 3, size, size]."""
    rows = rng("tiles", seed, cluster).permutation(index.rows_of_cluster(cluster))[:count]
    return np.array(images.decode(index.table.take(rows), size).pixels)


def clusters_figure(index: Index, size: int, count: int = 9, seed: int = 0) -> Figure:
    """Every cluster of the dataserver with `count` of its images."""
    panels = [
        (f"{name}\n{images_in:,} images", cluster_tiles(index, number, count, size, seed))
        for number, (name, images_in) in enumerate(zip(index.cluster_names, index.cluster_sizes, strict=True))
    ]
    return _panels(panels, "The dataserver's clusters, one expert each")


def top_clusters_figure(
    index: Index, answer: Recommendation, client: str, size: int, top: int = 8, count: int = 9, seed: int = 0
) -> Figure:
    """The `top` clusters of a client, best first, with `count` random images each (NDS-S Figs. 2 to 4)."""
    number_of = {name: number for number, name in enumerate(index.cluster_names)}
    panels = [
        (
            f"{row.cluster}\nscore {row.score:.2f}, weight {row.weight:.2f}",
            cluster_tiles(index, number_of[row.cluster], count, size, seed),
        )
        for row in answer.clusters.head(top).itertuples()
    ]
    return _panels(panels, f"Clusters of client {client}, best expert first")


def recommended_figure(
    clients: Mapping[str, Client], answers: Mapping[str, Recommendation], size: int, count: int = 12
) -> Figure:
    """Each client's own images beside those recommended to it (NDS Fig. 2, NDS-ICLR Fig. 1)."""
    figure, grid = plt.subplots(
        len(clients), 2, figsize=(WIDTH, 1.2 * len(clients) + 0.4), squeeze=False, layout="tight"
    )
    for line, (name, client) in zip(grid, clients.items(), strict=True):
        own = client.train.take(rng("own images", name).permutation(client.train.num_rows)[:count])
        first = answers[name].samples.drop_columns(["cluster", "weight"]).slice(0, count)
        _show(line[0], mosaic(images.decode(own, size).pixels, count // 2), f"client {name}")
        _show(line[1], mosaic(images.decode(first, size).pixels, count // 2), f"recommended to {name}")
    plt.close(figure)
    return figure


def weights_figure(scores: Mapping[str, pd.DataFrame], title: str = "") -> Figure:
    """Scores of all clusters (dots) and their weights (bars) for several clients or normalisations, a panel each.

    Args:
        scores: panel title to the `clusters` table of a recommendation.
    """
    columns = min(2, len(scores))
    lines = -(-len(scores) // columns)
    height = 0.24 * len(next(iter(scores.values()))) + 0.9
    figure, grid = plt.subplots(
        lines, columns, figsize=(4.4 * columns, height * lines), squeeze=False, layout="constrained", sharex=True
    )
    for axes, (name, table) in zip(grid.flat, scores.items(), strict=False):
        axes.barh(table["cluster"], table["weight"], color=PALETTE[0], label="weight $w_i$")
        axes.plot(table["score"], table["cluster"], "o", color=PALETTE[1], label="score $z_i$")
        axes.invert_yaxis()
        axes.set(title=name, xlim=(0, 1))
        axes.grid(axis="y", visible=False)
    for axes in grid.flat[len(scores) :]:
        axes.axis("off")
    handles, labels = grid.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2)
    if title:
        figure.suptitle(title)
    plt.close(figure)
    return figure


def tiles_data(panels: Sequence[tuple[str, pd.DataFrame]]) -> pd.DataFrame:
    """What a picture of images shows, as data: one row an image under the panel's name."""
    return pd.concat([table.assign(panel=name) for name, table in panels], ignore_index=True)


def _panels(panels: Sequence[tuple[str, np.ndarray]], title: str, columns: int = 4) -> Figure:
    lines = -(-len(panels) // columns)
    figure, grid = plt.subplots(lines, columns, figsize=(WIDTH, 1.9 * lines + 0.4), squeeze=False, layout="tight")
    for axes, (name, pixels) in zip(grid.flat, panels, strict=False):
        _show(axes, mosaic(pixels, 3), name)
    for axes in grid.flat[len(panels) :]:
        axes.axis("off")
    figure.suptitle(title)
    plt.close(figure)
    return figure


def _show(axes: Axes, picture: np.ndarray, title: str) -> None:
    axes.imshow(picture, interpolation="nearest")
    axes.set_title(title, fontsize="x-small")
    axes.axis("off")


def page_figure(url: str, scores: Path, budget: int, width: int = 1000) -> Figure:
    """The web page of the dataserver at `url` (NDS-S Fig. 1), after a client has dropped its scores file.

    Args:
        scores: a scores file (`remote.write_scores`).
        budget: images that the client asks for.
        width: of the browser's window in pixels.

    Raises:
        InputError: playwright or Chromium is not on this machine, or the page does not open.
    """

    def ask(page: "Page") -> None:
        page.set_input_files("#scores-file", scores)
        page.get_by_label("At most").fill(str(budget))
        page.get_by_role("button", name="Recommend images").click()
        page.locator("#result").wait_for(state="visible")

    with tempfile.TemporaryDirectory() as folder:
        picture = plt.imread(screenshot(url, Path(folder) / "page.png", width, actions=ask))
    height = WIDTH * picture.shape[0] / picture.shape[1]
    figure = plt.figure(figsize=(WIDTH, height), layout=PlaceHolderLayoutEngine(True, False))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(picture, interpolation="antialiased")
    axes.axis("off")
    plt.close(figure)
    return figure
