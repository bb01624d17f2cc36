"""The simulator's switches beside what each setting is worth to the tasks, for a person in a notebook."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ndslib.core.errors import InputError
from ndslib.core.plots import INK, PALETTE
from ndslib.sim.simulator import Simulator
from ndslib.sim.widgets import ParameterSwitches
from ndslib.task2sim.rewards import RewardTable


class SettingsExplorer(ParameterSwitches):
    """A switch a parameter, a menu of classes and a slider for the seed: pictures of the setting and its rewards.

    Args:
        simulator: draws the pictures.
        rewards: of all settings of its parameters. A parameter that the table lacks was fixed when the rewards were
            measured: its switch stays at 0.

    Raises:
        InputError: the table has a parameter, or a level of one, that the simulator lacks.
    """

    def __init__(self, simulator: Simulator, rewards: RewardTable | None = None) -> None:
        super().__init__(simulator)
        self.rewards = rewards
        if rewards is not None:
            if odd := [tuple(each) for each in rewards.parameters if each not in simulator.parameters]:
                known = [tuple(each) for each in simulator.parameters]
                raise InputError(
                    f"the rewards have the parameters {odd}, the simulator has {known}: give its own table"
                )
            names = [parameter.name for parameter in rewards.parameters]
            for switch in self.switches:
                switch.disabled = switch.description not in names

    def figure(self) -> Figure:
        """The pictures at the controls' present values, above the setting's rewards where these are known."""
        figure = super().figure()
        if self.rewards is None:
            return figure
        pictures, above = list(figure.axes), figure.get_figheight()
        below = 1.1 + 0.22 * len(self.rewards.tasks)
        figure.set_figheight(above + below)
        places = figure.add_gridspec(2, 1, height_ratios=(above, below))
        for axes, place in zip(pictures, places[0].subgridspec(1, len(pictures)), strict=True):
            axes.set_subplotspec(place)
        draw_rewards(figure.add_subplot(places[1]), self.rewards, self._known_levels())
        return figure

    def _known_levels(self) -> list[int]:
        """The switches' levels in the order of the table's parameters."""
        levels = {switch.description: switch.value for switch in self.switches}
        return [levels[parameter.name] for parameter in self.rewards.parameters]


def draw_rewards(axes: Axes, rewards: RewardTable, setting: list[int]) -> None:
    """A setting's reward for each task (dot), between the worst and best of all settings, with their mean (tick).

    Args:
        setting: one level a parameter of the table.

    Raises:
        InputError: not a setting of the table.
    """
    rows = np.arange(len(rewards.tasks))
    own = rewards(rows, np.tile(setting, (len(rows), 1)))
    axes.hlines(rows, rewards.flat.min(axis=1), rewards.flat.max(axis=1), color="#bbbbbb", linewidth=5)
    axes.scatter(rewards.flat.mean(axis=1), rows, marker="|", s=90, color=INK, zorder=2, label="mean of all settings")
    axes.scatter(own, rows, s=40, color=PALETTE[0], zorder=3, label="this setting")
    axes.set_yticks(rows, rewards.tasks)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel("5-NN accuracy (%); grey: from the worst to the best setting")
    axes.grid(axis="y", visible=False)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
