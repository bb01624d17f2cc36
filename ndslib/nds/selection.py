"""Data selection on the dataserver: from accuracies to row numbers (NDS section 3.3.2, eq. 6, Algorithm 1).

The client reports one accuracy for each of the K experts. Normalised to [0, 1] and put through a softmax at T = 0.1
they become the weights w_i. Row x of cluster S_i, of m_i = |S_i| rows, then has the sampling weight

    pi(x) = w_i / m_i                                                                            (eq. 6)

and the selection is a weighted sample without replacement: every draw takes one of the rows that are left, with a
probability in proportion to its pi. This is the distribution of numpy's
`Generator.choice(N, budget, replace=False, p=pi)`, which spends its time on arrays as long as the index. Here the cost
depends on the budget and K alone.

Exponential clocks. Give each row a clock that rings once, after a time drawn from Exp(r_i) with r_i = w_i / m_i. The
row to ring first is x with probability pi(x) / sum(pi). Clocks have no memory, so the same holds for the next one
among the rows that are left: the rows in the order of their rings are the draws, and the first `budget` of them are
the sample.

Windows. Only the rows that ring early have to be found. Watch the rows of cluster i one after another, each from its
time 0 to t or to its ring. As the clocks have no memory and are alike, the time spent watching until the next ring is
E / r_i with E from Exp(1). Divided by t it gives two things: the quotient is the number of rows passed in silence,
the remainder the time at which the next row rings. So one E a ring finds the rows that ring by time t, and when.

t is chosen so that a few more rings than the budget are expected. Should fewer come, all are kept and the clocks of
the remaining rows run on from t, once more as if new. Every choice of t gives the same distribution, provided that it
depends on nothing later than the start of its window; the choice only decides how much work is done.

Rows of weight zero never ring. Where the budget exceeds the rows of positive weight, they follow at the end, all
equally likely. (numpy refuses that case.)
"""

import math
import numbers
import operator
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from ndslib.core.errors import InputError

_SLACK = 4.0  # standard deviations by which draws exceed what is expected to be needed
_NEGLIGIBLE = 1e-200  # rates below this share of the largest count as zero, so that no time overflows


def importance_weights(
    scores: ArrayLike,
    temperature: float = 0.1,
    normalisation: Literal["minmax", "none"] = "minmax",
    drawable: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """The experts' importance weights w: the softmax of their normalised accuracies (NDS section 3.3.2, Algorithm 1).

    Args:
        scores: K accuracies on the client's data, fractions in [0, 1] (eq. 5); a sequence, array or tensor.
        temperature: T of the softmax, positive and finite; 0.1 in the paper.
        normalisation: the paper does not define its "normalised to [0, 1]". "minmax" takes the worst expert to 0 and
            the best to 1 (equal scores give equal weights); "none" keeps the fractions, which is what the authors'
            client gets by dividing its percentages by 100.
        drawable: bool [K], the clusters, one at least, that the softmax is over: the others get weight 0, and their
            scores count for the normalisation alone. All when left out.

    Returns:
        float64 [K], in [0, 1], summing to 1.

    Raises:
        InputError: scores that are empty, not one-dimensional, NaN, infinite or outside [0, 1]; a temperature that is
            not positive and finite; an unknown normalisation.
    """
    z = _vector("scores", scores, "give one accuracy per expert")
    outside = np.flatnonzero((z < 0) | (z > 1))
    if outside.size:
        raise InputError(
            f"scores[{outside[0]}] = {float(z[outside[0]])} is not an accuracy in [0, 1]; divide percentages by 100"
        )
    if not isinstance(temperature, numbers.Real) or not 0 < temperature < math.inf:
        raise InputError(f"temperature = {temperature!r} must be a positive, finite number, such as the paper's 0.1")
    if normalisation not in ("minmax", "none"):
        raise InputError(f'normalisation = {normalisation!r} is not known; give "minmax" or "none"')

    z = z - z.max()
    if normalisation == "minmax" and z.min() < 0:
        z = z / -z.min()
    if drawable is not None:  # the softmax is the same, but the best of them keeps a weight at any temperature
        z = np.where(drawable, z - z[drawable].max(), -np.inf)
    with np.errstate(over="ignore", under="ignore"):  # a low temperature may take the worse experts to exactly 0
        unnormalised = np.exp(z / float(temperature))
    return unnormalised / unnormalised.sum()


def sample_rows(
    cluster_sizes: Sequence[int] | NDArray[np.integer], weights: ArrayLike, budget: int, seed: int
) -> NDArray[np.int64]:
    """Sample rows of an index without replacement, each with the probability of eq. 6 (NDS section 3.3.2).

    Time and memory grow with the budget and K, not with the size of the index; the distribution is exact. Selections
    under different budgets are different samples, even with one seed.

    Args:
        cluster_sizes: K row counts m_i >= 0 of the index, whose rows are sorted by cluster: cluster 0 has the rows 0 to
            m_0 - 1, and so on. Empty clusters are skipped and their weights ignored.
        weights: K weights w_i >= 0; only their ratios matter. Rows of weight zero come last, uniformly among
            themselves, and only when the budget exceeds the rows of positive weight.
        budget: number of rows to sample, from 1 to the size of the index.
        seed: non-negative integer; the same arguments give the same rows.

    Returns:
        int64 [budget], distinct row numbers in the order in which they were drawn.

    Raises:
        InputError: a budget that is no integer, not positive or above the size of the index; weights that are negative,
            NaN, infinite, all zero or not one per cluster; negative or fractional cluster sizes; a seed that is no
            non-negative integer.
    """
    draw = _Draw(cluster_sizes, weights, seed)
    budget = _budget("budget", budget, draw.total, "rows")
    rows = draw.advance(budget)
    while len(rows) < budget:
        rows = np.concatenate([rows, draw.advance(budget - len(rows))])
    return rows[:budget]


def sample_rows_by_bytes(
    cluster_sizes: Sequence[int] | NDArray[np.integer],
    weights: ArrayLike,
    budget_bytes: int,
    row_bytes: Callable[[NDArray[np.int64]], NDArray[np.int64]],
    mean_bytes: ArrayLike,
    seed: int,
    most_rows: int | None = None,
) -> NDArray[np.int64]:
    """Sample rows as `sample_rows` does, up to the first one that would exceed a budget in bytes (NDS section 3.3.2).

    The sample is the longest beginning of one sequence of draws that fits. Time and memory grow with the number of rows
    drawn and K, not with the size of the index.

    Args:
        cluster_sizes: K row counts, as for `sample_rows`.
        weights: K weights, as for `sample_rows`.
        budget_bytes: bytes that the sample may take, from 1 to those of the whole index.
        row_bytes: takes distinct row numbers, int64 [n], and returns the size of each in bytes, int64 [n], at least
            1. It is called for a few more rows than are returned.
        mean_bytes: K mean sizes in bytes of the clusters' rows, positive where the cluster is not empty. They give
            the size of the whole index, and say how many rows to draw at a time; the distribution does not depend on
            them otherwise.
        seed: non-negative integer; the same arguments give the same rows.
        most_rows: rows that the sample may have, which bounds time and memory where the budget would not.

    Returns:
        int64 [n], n >= 1, distinct row numbers in the order in which they were drawn.

    Raises:
        InputError: as for `sample_rows`; mean sizes of the wrong length or not positive; row sizes that are no
            integers, of the wrong shape or below 1; a budget below the size of the first row drawn, or above that of
            the first `most_rows` and the next.
    """
    draw = _Draw(cluster_sizes, weights, seed)
    mean_bytes = _mean_bytes(mean_bytes, draw.left)
    budget = _budget("budget_bytes", budget_bytes, round(float(draw.left @ mean_bytes)), "bytes")

    most = draw.total if most_rows is None else most_rows
    rows = ends = np.empty(0, np.int64)
    spent = 0
    while spent < budget and len(rows) < draw.total and len(rows) <= most:
        # With slack, so that a sample within the bound is the one that there would be without it.
        block = draw.advance(min(draw.rows_worth(budget - spent, mean_bytes), _with_slack(most)))
        rows = np.concatenate([rows, block])
        ends = np.concatenate([ends, spent + np.cumsum(_row_bytes(row_bytes, block))])
        spent = int(ends[-1]) if len(ends) else 0

    if ends[0] > budget:
        raise InputError(
            f"budget_bytes = {budget} is smaller than row {rows[0]}, the first one drawn, of {ends[0]} bytes; raise it"
        )
    count = int(np.searchsorted(ends, budget, side="right"))
    if count > most:
        raise InputError(f"budget_bytes = {budget} is worth more than {most} images, the most of a list; lower it")
    return rows[:count]


class _Draw:
    """One sequence of draws without replacement, taken window by window (see the module's docstring).

    Attributes:
        total: rows of the index.
        left: int64 [K], rows not yet drawn.
        rate: float64 [K], r_i up to a common factor; 0 for clusters that cannot be drawn from.
    """

    def __init__(self, cluster_sizes: Sequence[int] | NDArray[np.integer], weights: ArrayLike, seed: int):
        self.left = _sizes(cluster_sizes)
        self.rate = _rates(self.left, weights)
        self.total = int(self.left.sum())
        self._start = np.cumsum(self.left) - self.left
        self._taken: list[list[NDArray[np.int64]]] = [[] for _ in self.left]
        seed = _integer("seed", seed)
        if seed < 0:
            raise InputError(f"seed = {seed} is negative; give an integer from 0")
        self._rng = np.random.default_rng(seed)

    def advance(self, rows: float) -> NDArray[np.int64]:
        """The draws of the next window, in order: most likely at least `rows` and few more, but any number may come."""
        window = self._window(_with_slack(rows))
        rings = [self._rings(i, window) for i in np.flatnonzero((self.left > 0) & (self.rate > 0))]
        drawn, time = (np.concatenate(parts) for parts in zip(*rings, strict=True))
        if not self.left[self.rate > 0].any():
            self.rate = (self.left > 0).astype(np.float64)
        return drawn[_order(time)]

    def rows_worth(self, target: float, value: NDArray[np.float64]) -> float:
        """Rows expected to ring by the time when they are expected to add up to `target`, at value[i] each."""
        return float(self.left @ -np.expm1(-self.rate * self._window(target, value)))

    def _window(self, target: float, value: NDArray[np.float64] | float = 1.0) -> float:
        """The time t by which the rows rung are expected to add up to `target`, at value[i] for a row of cluster i."""
        stock = np.where(self.rate > 0, self.left * value, 0.0)
        rates = self.rate[stock > 0]
        whole = stock.sum()
        if target > 0.99 * whole:  # hardly less work than everything, and no root near the asymptote
            return 1e3 / rates.min()  # every clock has rung: exp(-1000) is 0

        def excess(log_time: float) -> float:
            return stock @ -np.expm1(-self.rate * math.exp(log_time)) - target

        # With one rate r for all rows the root would be t = common / r: the slowest and the fastest cluster enclose it.
        common = -math.log1p(-target / whole)
        return math.exp(brentq(excess, math.log(common / rates.max()) - 1, math.log(common / rates.min()) + 1))

    def _rings(self, cluster: int, window: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Take the rows of `cluster` that ring within `window`: the rows, ascending, and the times of their rings."""
        left, hazard = self.left[cluster], self.rate[cluster] * window
        size = int(_with_slack(left * -math.expm1(-hazard))) + 1
        watched = self._rng.standard_exponential(size)
        while True:
            silent = np.floor(watched / hazard)
            place = np.cumsum(silent + 1) - 1  # among the rows left; in float64, as it may lie far beyond the last
            if place[-1] >= left:
                break
            watched = np.concatenate([watched, self._rng.standard_exponential(size)])
        count = np.searchsorted(place, left)
        time = (watched[:count] - silent[:count] * hazard) / self.rate[cluster]
        return self._take(cluster, place[:count].astype(np.int64)), time

    def _take(self, cluster: int, place: NDArray[np.int64]) -> NDArray[np.int64]:
        """The rows at the given places among those that `cluster` has left, which are then taken."""
        row = self._start[cluster] + place
        if self._taken[cluster]:  # move each past the taken rows that precede it
            taken = np.sort(np.concatenate(self._taken[cluster]))
            row += np.searchsorted(taken - self._start[cluster] - np.arange(taken.size), place, side="right")
        self._taken[cluster].append(row)
        self.left[cluster] -= row.size
        return row


def _order(time: NDArray[np.float64]) -> NDArray[np.int64]:
    """`np.argsort(time)`, sooner: sorts integers that hold the time in their high bits and the position in the low."""
    bits = time.size.bit_length()
    key = (time * (2.0 ** (62 - bits) / time.max(initial=1e-280))).astype(np.int64) << bits
    key |= np.arange(time.size)
    key.sort()
    high = key >> bits
    if (high[1:] == high[:-1]).any():  # times too close together to be told apart by the bits that remain
        return np.argsort(time)
    key &= (1 << bits) - 1
    return key


def _with_slack(expected: float) -> float:
    """A bound on a count, exceeded about once in 30,000 times, from its expectation."""
    return expected + _SLACK * math.sqrt(expected) + _SLACK


def _rates(sizes: NDArray[np.int64], weights: ArrayLike) -> NDArray[np.float64]:
    """r_i = w_i / m_i over the largest of them, float64 [K]; 0 for empty clusters and those of weight zero."""
    weights = _vector("weights", weights, "give one weight per cluster")
    if len(weights) != len(sizes):
        raise InputError(f"weights has {len(weights)} values for {len(sizes)} clusters; give one weight per cluster")
    if (weights < 0).any():
        i = int(np.argmax(weights < 0))
        raise InputError(f"weights[{i}] = {weights[i]:g} is negative; give weights of 0 or more")
    weights = np.where(sizes > 0, weights, 0.0)
    if not weights.any():
        raise InputError(
            "weights are zero for every cluster that has rows; give at least one of them a positive weight"
        )
    rates = weights / weights.max() / np.maximum(sizes, 1)
    rates /= rates.max()
    return np.where(rates < _NEGLIGIBLE, 0.0, rates)


def _sizes(cluster_sizes: Sequence[int] | NDArray[np.integer]) -> NDArray[np.int64]:
    """A copy of the cluster sizes, int64 [K]."""
    sizes = np.asarray(cluster_sizes)
    if sizes.ndim != 1 or sizes.size == 0 or sizes.dtype.kind not in "iu":
        raise InputError(f"cluster_sizes = {cluster_sizes!r} is no list of integers; give one row count per cluster")
    if (sizes < 0).any():
        i = int(np.argmax(sizes < 0))
        raise InputError(f"cluster_sizes[{i}] = {sizes[i]} is negative; give row counts of 0 or more")
    return sizes.astype(np.int64)


def _mean_bytes(values: ArrayLike, sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """The mean row sizes in bytes, float64 [K], checked."""
    means = _vector("mean_bytes", values, "give one mean size in bytes per cluster")
    if len(means) != len(sizes):
        raise InputError(f"mean_bytes has {len(means)} values for {len(sizes)} clusters; give one per cluster")
    wrong = (means <= 0) & (sizes > 0)
    if wrong.any():
        i = int(np.argmax(wrong))
        raise InputError(f"mean_bytes[{i}] = {means[i]:g} is not positive; give the mean size of the cluster's images")
    return means


def _row_bytes(
    row_bytes: Callable[[NDArray[np.int64]], NDArray[np.int64]], rows: NDArray[np.int64]
) -> NDArray[np.int64]:
    """What `row_bytes` says of `rows`, int64 [n], checked."""
    found = np.asarray(row_bytes(rows))
    if found.shape != rows.shape or (found.size and found.dtype.kind not in "iu"):
        raise InputError(
            f"row_bytes returned {found.dtype} {list(found.shape)} for {len(rows)} rows; return one integer per row"
        )
    if (found < 1).any():
        i = int(np.argmax(found < 1))
        raise InputError(
            f"row_bytes gives {found[i]} bytes for row {rows[i]}; an image has at least 1: correct the index"
        )
    return found.astype(np.int64)


def _budget(name: str, value: int, available: int, unit: str) -> int:
    """The budget as an int in [1, available]."""
    budget = _integer(name, value)
    if budget <= 0:
        raise InputError(f"{name} = {budget} selects nothing; give a budget from 1 to {available} {unit}")
    if budget > available:
        raise InputError(f"{name} = {budget} exceeds the {available} {unit} to draw from; lower the budget")
    return budget


def _integer(name: str, value: int) -> int:
    """`value` as an int, if it is an integer of any type."""
    try:
        return operator.index(value)
    except TypeError:
        raise InputError(f"{name} = {value!r} is not an integer; give a whole number") from None


def _vector(name: str, values: ArrayLike, remedy: str) -> NDArray[np.float64]:
    """`values`, a sequence, array or tensor on any device, as finite float64 [K], K >= 1."""
    if hasattr(values, "detach"):
        values = values.detach().cpu().double()
    try:
        vector = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} = {values!r} are not numbers; {remedy}") from None
    if vector.ndim != 1 or vector.size == 0:
        raise InputError(f"{name} has shape {list(vector.shape)}, not [K] with K >= 1; {remedy}")
    if not np.isfinite(vector).all():
        i = int(np.argmin(np.isfinite(vector)))
        raise InputError(f"{name}[{i}] = {vector[i]} is not finite; {remedy}")
    return vector
