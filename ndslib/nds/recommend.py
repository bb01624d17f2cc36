"""OUTPUTDATA, NDS Algorithm 1: a client's K scores and a budget become a list of images."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from ndslib.core.errors import InputError
from ndslib.nds.index import Index
from ndslib.nds.selection import importance_weights, sample_rows, sample_rows_by_bytes


@dataclass(frozen=True)
class Recommendation:
    """What the dataserver answers.

    Attributes:
        rows: int64[n], rows of the index's table in the order in which they were drawn (a prefix is itself a sample).
        samples: the sample table of those rows, with the columns `cluster` (name) and `weight` (w_i of eq. 6) added.
        clusters: a row a cluster, best first: cluster, dataset, images, score, weight, selected.
    """

    rows: np.ndarray
    samples: pa.Table
    clusters: pd.DataFrame


def recommend(
    index: Index,
    scores: np.ndarray,
    budget: int | None = None,
    budget_bytes: int | None = None,
    temperature: float = 0.1,
    normalisation: str = "minmax",
    seed: int = 0,
) -> Recommendation:
    """Recommend images to the client whose experts' scores are `scores` (NDS section 3.3.2, eq. 6).

    Args:
        scores: float[K] in [0, 1], one an expert, in the order of `index.cluster_names`.
        budget: images; or `budget_bytes`: bytes to download. Exactly one of the two.
        temperature: T of the softmax.

    Raises:
        InputError: the number of scores is not K, a score is not finite or not in [0, 1], both or no budget is given,
            or it is 0 or exceeds the index.
    """
    table, sizes = index.table, index.cluster_sizes
    weights = importance_weights(scores, temperature, normalisation)
    if len(weights) != len(sizes):
        raise InputError(f"{len(weights)} scores for {len(sizes)} experts: give one for each of {index.cluster_names}")
    if (budget is None) == (budget_bytes is None):
        raise InputError("give either budget (images) or budget_bytes (bytes)")
    if budget is not None:
        rows = sample_rows(sizes, weights, budget, seed)
    else:
        row_bytes = table["bytes"].to_numpy()
        means = index.cluster_bytes / np.maximum(sizes, 1)
        rows = sample_rows_by_bytes(sizes, weights, budget_bytes, lambda chosen: row_bytes[chosen], means, seed)
    drawn_from = np.searchsorted(np.cumsum(sizes), rows, side="right")
    names = np.array(index.cluster_names)
    samples = table.take(rows)
    samples = samples.append_column("cluster", pa.array(names[drawn_from]))
    samples = samples.append_column("weight", pa.array(weights[drawn_from]))
    clusters = pd.DataFrame(
        {
            "cluster": names,
            "dataset": index.cluster_datasets,
            "images": sizes,
            "score": np.asarray(scores, dtype=np.float64),
            "weight": weights,
            "selected": np.bincount(drawn_from, minlength=len(sizes)),
        }
    ).sort_values("weight", ascending=False, ignore_index=True, kind="stable")
    return Recommendation(rows, samples, clusters)
