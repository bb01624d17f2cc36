"""What each simulation parameter does to the pictures: the same pictures with one parameter varied and with none."""

from collections.abc import Sequence

import pandas as pd
import torch

from ndslib.sim.simulator import Simulator


def pictures(
    simulator: Simulator, settings: Sequence[int], class_ids: Sequence[int], images_per_class: int, seed: int = 0
) -> torch.Tensor:
    """All pictures of one setting, uint8 [N, 3, S, S], class by class."""
    return torch.cat([images for images, _ in simulator.generate(settings, class_ids, images_per_class, seed=seed)])


def one_varied(simulator: Simulator, number: int) -> list[int]:
    """Settings with all parameters fixed but the one of that number, at its highest level; -1 fixes all."""
    return [parameter.levels - 1 if place == number else 0 for place, parameter in enumerate(simulator.parameters)]


def effects(
    simulator: Simulator, class_ids: Sequence[int], images_per_class: int = 4, seed: int = 0
) -> tuple[pd.DataFrame, dict[str, torch.Tensor]]:
    """How much each parameter changes the pictures.

    Returns:
        one row a parameter, with the mean absolute difference of pixel values (0 to 255) between the pictures where it
        alone is varied and those where everything is fixed; and the pictures by parameter, `fixed` being those with
        none varied: uint8 [N, 3, S, S] each.
    """
    sheets = {"fixed": pictures(simulator, one_varied(simulator, -1), class_ids, images_per_class, seed)}
    fixed = sheets["fixed"].float()
    for number, parameter in enumerate(simulator.parameters):
        sheets[parameter.name] = pictures(simulator, one_varied(simulator, number), class_ids, images_per_class, seed)
    rows = [
        {"parameter": name, "difference": (images.float() - fixed).abs().mean().item()}
        for name, images in sheets.items()
        if name != "fixed"
    ]
    return pd.DataFrame(rows), sheets
