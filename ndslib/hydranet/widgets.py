"""An explorer of what the HydraNet template's numbers cost, for a person in a notebook."""

from dataclasses import replace
from functools import cache

import ipywidgets
import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import display
from matplotlib.figure import Figure

from ndslib.core.plots import INK, PALETTE
from ndslib.hydranet.architectures import RESSEP
from ndslib.hydranet.costs import IMAGENET, NetworkCost, config_cost, published_costs
from ndslib.hydranet.networks import PUBLISHED

BRANCHES = 100  # the slider's end; Table 3.4 has 50
WIDTHS = [1 / 16, 1 / 8, 3 / 16, 1 / 4, 3 / 8, 1 / 2, 3 / 4, 1.0]  # of w_b; Table 3.4 has 1/8


class CostExplorer:
    """Sliders for n_b, k and w_b and a menu of ResSep variants; draws parameters and multiply-adds of the Hydra-ResSep.

    The numbers are those of networks for ImageNet, counted: the parts once a variant and w_b, so that n_b and k move
    at once.
    """

    def __init__(self) -> None:
        start = PUBLISHED["Hydra-ResSep-A"]
        self.variant = ipywidgets.Dropdown(options=list(RESSEP), description="ResSep")
        self.n_b = ipywidgets.IntSlider(value=start.n_b, min=1, max=BRANCHES, description="n_b")
        self.k = ipywidgets.IntSlider(value=start.k, min=1, max=start.n_b, description="k")
        self.w_b = ipywidgets.SelectionSlider(options=WIDTHS, value=start.w_b, description="w_b")
        self.output = ipywidgets.Output()
        self.n_b.observe(self._limit_k, names="value")
        for control in (self.variant, self.n_b, self.k, self.w_b):
            control.observe(self._redraw, names="value")

    def cost(self) -> NetworkCost:
        """The cost of the network at the controls' present values, for one image of 224 x 224 pixels."""
        published = PUBLISHED[f"Hydra-ResSep-{self.variant.value}"]
        config = replace(published, n_b=self.n_b.value, k=self.k.value, w_b=self.w_b.value)
        return config_cost(config, *IMAGENET)

    def show(self) -> None:
        """Display the controls and the picture."""
        controls = [ipywidgets.HBox([self.variant, self.w_b]), ipywidgets.HBox([self.n_b, self.k])]
        display(ipywidgets.VBox([*controls, self.output]))
        self._redraw()

    def _limit_k(self, _: object) -> None:
        self.k.max = self.n_b.value  # a larger k moves down to it

    def _redraw(self, _: object = None) -> None:
        cost = self.cost()
        figure = cost_figure(f"Hydra-ResSep-{self.variant.value}", cost)
        with self.output:
            self.output.clear_output(wait=True)
            display(figure)
            print(
                f"{cost.params / 1e6:,.2f} M parameters; an image runs {cost.madds / 1e6:,.0f} M of "
                f"{cost.total_madds / 1e6:,.0f} M multiply-adds, {cost.madds / cost.total_madds:.0%}"
            )


def cost_figure(name: str, cost: NetworkCost) -> Figure:
    """A network's multiply-adds for one image, and those of all its branches, among the static ResSep A to E.

    The axes are the same for all networks that `CostExplorer` can set.
    """
    figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
    baselines = _baselines()
    axes.plot(baselines["params"], baselines["madds"], marker="o", color=INK, label="ResSep (static, Table 3.1)")
    for method, row in baselines.iterrows():
        place = (row["params"], row["madds"])
        axes.annotate(method.removeprefix("ResSep-"), place, xytext=(-6, 5), textcoords="offset points", ha="right")
    params, madds, total = (each / 1e6 for each in cost)
    axes.vlines(params, madds, total, color=PALETTE[1], linewidth=1.5)
    axes.scatter(params, madds, s=70, color=PALETTE[1], zorder=3, label=f"{name}, what one image runs")
    axes.scatter(
        params, total, s=70, color="white", edgecolor=PALETTE[1], linewidth=1.5, zorder=3, label=f"{name}, all branches"
    )
    axes.set(xscale="log", yscale="log", xlim=(1, 1000), ylim=(100, 50_000))
    axes.set(xlabel="parameters (M)", ylabel="multiply-adds (M)", title="Cost for one image of 224 x 224 pixels")
    axes.legend(loc="upper left")
    plt.close(figure)
    return figure


@cache
def _baselines() -> pd.DataFrame:
    """Parameters and multiply-adds of the ResSep of Table 3.1, in millions."""
    rows = published_costs("th-t3.1")
    table = rows.pivot(index="method", columns="metric", values="value") / 1e6
    return table[table.index.str.startswith("ResSep")]
