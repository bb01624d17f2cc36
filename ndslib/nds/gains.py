"""What one selection method gains over another: differences paired by seed, client by client and in the mean."""

import numpy as np
import pandas as pd

from ndslib.core.stats import Interval, mean_interval, paired_difference

ALL_CLIENTS = "all clients"


def gains(results: pd.DataFrame, method: str, over: str, budget: float, value: str = "top1") -> dict[str, Interval]:
    """Difference between two methods, paired by seed: one interval a client, and one for their mean.

    Args:
        results: a row a seed, client, method and budget, with the columns of these names and `value`.
        budget: the share of the server. A method that takes no budget (none of the server's images, or all) is found at
            its own.

    Returns:
        `value`'s unit, by client in the results' order, then `ALL_CLIENTS`; empty without both methods.
    """
    sides = []
    for name in (method, over):
        side = results[results["method"] == name]
        without_budget = set(side["budget"]) <= {0.0, 1.0}
        side = side if without_budget else side[np.isclose(side["budget"], budget)]
        sides.append(side.pivot(index="seed", columns="client", values=value))
    ours, theirs = sides[0].align(sides[1], join="inner")
    if ours.empty:
        return {}
    clients = [client for client in results["client"].unique() if client in ours]
    found = {client: paired_difference(ours[client], theirs[client]) for client in clients}
    return found | {ALL_CLIENTS: mean_interval((ours - theirs)[clients].mean(axis=1))}
