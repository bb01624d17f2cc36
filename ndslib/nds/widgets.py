"""An explorer of temperature, normalisation and budget for a client's scores, for a person in a notebook."""

import ipywidgets
import numpy as np
from IPython.display import display

from ndslib.nds.index import Index
from ndslib.nds.pictures import weights_figure
from ndslib.nds.recommend import Recommendation, recommend


class SelectionExplorer:
    """Sliders for the temperature T and the budget, a menu of clients and normalisations; redraws the weights.

    Args:
        index: the dataserver.
        scores: client name to its K scores in [0, 1].
    """

    def __init__(self, index: Index, scores: dict[str, np.ndarray]) -> None:
        self.index, self.scores = index, scores
        self.client = ipywidgets.Dropdown(options=list(scores), description="client")
        self.normalisation = ipywidgets.Dropdown(options=["minmax", "none"], description="normalise")
        self.temperature = ipywidgets.FloatLogSlider(value=0.1, base=10, min=-2, max=1, step=0.1, description="T")
        self.budget = ipywidgets.FloatSlider(value=0.2, min=0.01, max=1.0, step=0.01, description="budget")
        self.output = ipywidgets.Output()
        for control in (self.client, self.normalisation, self.temperature, self.budget):
            control.observe(self._redraw, names="value")

    def answer(self) -> Recommendation:
        """The recommendation at the controls' present values."""
        return recommend(
            self.index,
            self.scores[self.client.value],
            budget=max(1, round(self.budget.value * self.index.size)),
            temperature=self.temperature.value,
            normalisation=self.normalisation.value,
        )

    def show(self) -> None:
        """Display the controls and the picture."""
        menus = ipywidgets.HBox([self.client, self.normalisation])
        sliders = ipywidgets.HBox([self.temperature, self.budget])
        display(ipywidgets.VBox([menus, sliders, self.output]))
        self._redraw()

    def _redraw(self, _: object = None) -> None:
        answer = self.answer()
        clusters = answer.clusters
        best = clusters.iloc[0]
        figure = weights_figure({f"client {self.client.value}": clusters})
        with self.output:
            self.output.clear_output(wait=True)
            display(figure)
            print(
                f"{len(answer.rows):,} of {self.index.size:,} images; {best.selected:,} of the "
                f"{best.images:,} in the best cluster, {best.cluster}"
            )
