"""OUTPUTDATA, NDS Algorithm 1: a client's K scores and a budget become a list of images."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa

from ndslib.core.errors import InputError
from ndslib.data.sample_table import LABEL_KINDS
from ndslib.nds.index import Index
from ndslib.nds.selection import importance_weights, sample_rows, sample_rows_by_bytes


@dataclass(frozen=True)
class Recommendation:
    """What the dataserver answers.

    Attributes:
        index: what the rows are of.
        rows: int64[n], rows of the index in the order in which they were drawn (a prefix is itself a sample).
        scores, weights: float64[K], the experts' scores z and the weights w of eq. 6.
    """

    index: Index
    rows: np.ndarray
    scores: np.ndarray
    weights: np.ndarray

    @cached_property
    def samples(self) -> pa.Table:
        """The sample table of the rows, with the columns `cluster` (name) and `weight` (w_i of eq. 6) added."""
        return pa.concat_tables(self.blocks(annotations=True)).combine_chunks()

    def blocks(self, rows: int = 4096, annotations: bool = False) -> Iterator[pa.Table]:
        """`samples`, `rows` at a time, read when they are asked for; without `annotation` unless it is asked for."""
        names = np.array(self.index.cluster_names)
        for start in range(0, len(self.rows), rows):
            chosen = slice(start, start + rows)
            block = self.index.read(self.rows[chosen], annotations)
            clusters = self._drawn_from[chosen]
            block = block.append_column("cluster", pa.array(names[clusters]))
            yield block.append_column("weight", pa.array(self.weights[clusters]))

    @cached_property
    def clusters(self) -> pd.DataFrame:
        """A row a cluster, best first: cluster, dataset, images, score, weight, and of the list: selected, bytes."""
        index, count = self.index, len(self.weights)
        spent = np.bincount(self._drawn_from, weights=index.row_bytes(self.rows), minlength=count)
        table = pd.DataFrame(
            {
                "cluster": index.cluster_names,
                "dataset": index.cluster_datasets,
                "images": index.cluster_sizes,
                "score": self.scores,
                "weight": self.weights,
                "selected": np.bincount(self._drawn_from, minlength=count),
                "bytes": spent.astype(np.int64),
            }
        )
        return table.sort_values("weight", ascending=False, ignore_index=True, kind="stable")

    @cached_property
    def datasets(self) -> pd.DataFrame:
        """A row a dataset, in the index's order: dataset, title, and of the list: images, bytes."""
        found = self.clusters.groupby("dataset")[["selected", "bytes"]].sum()
        found = found.reindex([each.name for each in self.index.datasets]).reset_index(names="dataset")
        found.insert(1, "title", [each.title for each in self.index.datasets])
        return found.rename(columns={"selected": "images"})

    @cached_property
    def _drawn_from(self) -> np.ndarray:
        """int64[n], the cluster of each row."""
        return np.searchsorted(np.cumsum(self.index.cluster_sizes), self.rows, side="right")


def recommend(
    index: Index,
    scores: Sequence[float] | np.ndarray | Mapping[str, float],
    budget: int | None = None,
    budget_bytes: int | None = None,
    temperature: float = 0.1,
    normalisation: str = "minmax",
    seed: int = 0,
    datasets: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
    licences: Sequence[str | None] | None = None,
    most: int | None = None,
) -> Recommendation:
    """Recommend images to the client whose experts' scores are `scores` (NDS section 3.3.2, eq. 6).

    Time and memory grow with the budget, not with the index. Filters change which images may be drawn, not how likely
    one is against another: eq. 6, given that an image passes them.

    Args:
        scores: float[K] in [0, 1], one an expert, in the order of `index.cluster_names`; or by those names.
        budget: images; or `budget_bytes`: bytes to download. Exactly one of the two.
        temperature: T of the softmax.
        datasets: names of the datasets to draw from; all when left out.
        labels: kinds of labels to draw from, of `sample_table.LABEL_KINDS`; all when left out.
        licences: licences to draw from, as in the sample table (None: not stated); all when left out.
        most: images that the list may have; a budget worth more is refused, before more are drawn.

    Raises:
        InputError: the number of scores is not K, a score is not finite or not in [0, 1], or an expert has none; both
            or no budget is given, or it is 0 or exceeds what may be drawn, or `most`; a filter names what the index
            does not have, or leaves nothing.
    """
    if not index.datasets:
        raise InputError(f"{index.place}: the index is empty; add a dataset first")
    scores = _in_order(scores, index.cluster_names) if isinstance(scores, Mapping) else scores
    weights = importance_weights(scores, temperature, normalisation)
    if len(weights) != len(index.cluster_sizes):
        raise InputError(
            f"{len(weights)} scores for {len(index.cluster_sizes)} experts: give one for each of {index.cluster_names}"
        )
    if (budget is None) == (budget_bytes is None):
        raise InputError("give either budget (images) or budget_bytes (bytes)")
    if budget is not None and most is not None and budget > most:
        raise InputError(f"budget = {budget}: a list has at most {most} images here; lower it")
    pool = _Pool(index, datasets, labels, licences)
    # Of the clusters that have rows to draw alone: beside a better one that has none, their own weights may all be 0.
    rates = importance_weights(scores, temperature, normalisation, pool.sizes > 0) * pool.shares
    if budget is not None:
        drawn = sample_rows(pool.sizes, rates, budget, seed)
    else:
        means = pool.bytes / np.maximum(pool.sizes, 1)
        drawn = sample_rows_by_bytes(
            pool.sizes,
            rates,
            budget_bytes,
            lambda chosen: index.row_bytes(pool.rows(chosen)),
            means,
            seed,
            most,
        )
    return Recommendation(index, pool.rows(drawn), np.asarray(scores, dtype=np.float64), weights)


def _in_order(scores: Mapping[str, float], experts: list[str]) -> list[float]:
    if missing := [name for name in experts if name not in scores]:
        raise InputError(f"no score for {len(missing)} of {len(experts)} experts ({', '.join(missing[:5])}): rate them")
    if unknown := sorted(set(scores) - set(experts)):
        raise InputError(f"scores for experts that the index does not have: {', '.join(unknown[:5])}; rate its own")
    return [scores[name] for name in experts]


class _Pool:
    """The rows of an index that pass a client's filters, numbered without gaps and still sorted by cluster.

    Attributes:
        sizes, bytes: int64[K], rows of each cluster that pass, and their bytes.
        shares: float64[K], the share of the cluster's rows that pass: as eq. 6 gives a row w_i / |S_i|, the cluster's
            rows that pass have w_i times their share together.
    """

    def __init__(
        self,
        index: Index,
        datasets: Sequence[str] | None,
        labels: Sequence[str] | None,
        licences: Sequence[str | None] | None,
    ) -> None:
        _check("datasets", datasets, [each.name for each in index.datasets])
        _check("labels", labels, list(LABEL_KINDS))
        _check("licences", licences, list(dict.fromkeys(cell.licence for _, _, cell in index.cells)))
        passes = np.array(
            [
                (datasets is None or dataset.name in datasets)
                and (labels is None or cell.labels in labels)
                and (licences is None or cell.licence in licences)
                for _, dataset, cell in index.cells
            ]
        )
        if not passes.any():
            raise InputError("no image of the index passes the filters together: drop one of them")
        clusters = np.array([cluster for cluster, _, _ in index.cells])[passes]
        images, sizes = (np.array([getattr(cell, name) for *_, cell in index.cells]) for name in ("images", "bytes"))
        count = len(index.cluster_sizes)
        self._first = (np.cumsum(images) - images)[passes]  # of each cell, the first row in the index
        self._ends = np.cumsum(images[passes])  # of each cell, one past its last row here
        self._images = images[passes]
        self.sizes = np.bincount(clusters, weights=images[passes], minlength=count).astype(np.int64)
        self.bytes = np.bincount(clusters, weights=sizes[passes], minlength=count).astype(np.int64)
        self.shares = self.sizes / np.maximum(index.cluster_sizes, 1)

    def rows(self, numbers: np.ndarray) -> np.ndarray:
        """int64[n], rows of the index for numbers of rows that pass."""
        cell = np.searchsorted(self._ends, numbers, side="right")
        return numbers - (self._ends - self._images)[cell] + self._first[cell]


def _check(name: str, wanted: Sequence[str | None] | None, known: Sequence[str | None]) -> None:
    if wanted is None:
        return
    if isinstance(wanted, str) or not wanted:
        raise InputError(f"{name} = {wanted!r}: give a list with one of {list(known)} at least, or leave it out")
    if unknown := [each for each in wanted if each not in known]:
        raise InputError(f"{name}: the index has no {unknown[0]!r}; it has {list(known)}")
