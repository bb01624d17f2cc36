"""The eight switches of the simulator, for a person in a notebook: flip one and see the pictures change."""

import ipywidgets
from IPython.display import display
from matplotlib.figure import Figure

from ndslib.core.plots import image_grid
from ndslib.sim.effects import pictures
from ndslib.sim.simulator import Simulator


class ParameterSwitches:
    """A switch a parameter, a menu of classes and a slider for the seed; renders eight pictures at every change.

    Args:
        simulator: any engine.
    """

    IMAGES = 8

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.switches = [
            ipywidgets.ToggleButtons(options=range(parameter.levels), description=parameter.name, style=_STYLE)
            for parameter in simulator.parameters
        ]
        self.object_class = ipywidgets.Dropdown(options=simulator.classes, description="class")
        self.seed = ipywidgets.IntSlider(value=0, min=0, max=20, description="seed")
        self.output = ipywidgets.Output()
        for control in (*self.switches, self.object_class, self.seed):
            control.observe(self._redraw, names="value")

    def settings(self) -> list[int]:
        """The switches' present levels, in the order of the simulator's parameters."""
        return [switch.value for switch in self.switches]

    def figure(self) -> Figure:
        """The pictures at the controls' present values."""
        class_id = self.simulator.classes.index(self.object_class.value)
        images = pictures(self.simulator, self.settings(), [class_id], self.IMAGES, self.seed.value)
        return image_grid(images, columns=self.IMAGES, title=f"{self.object_class.value}, settings {self.settings()}")

    def show(self) -> None:
        """Display the controls and the pictures."""
        switches = ipywidgets.GridBox(self.switches, layout={"grid_template_columns": "repeat(2, 24em)"})
        display(ipywidgets.VBox([ipywidgets.HBox([self.object_class, self.seed]), switches, self.output]))
        self._redraw()

    def _redraw(self, _: object = None) -> None:
        figure = self.figure()
        with self.output:
            self.output.clear_output(wait=True)
            display(figure)


_STYLE = {"description_width": "9em", "button_width": "3em"}
