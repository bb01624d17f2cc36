"""Claims decided over seeds with an interval, never from one run."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from scipy import stats

from ndslib.core.errors import InputError
from ndslib.core.seeding import rng

Verdict = Literal["holds", "does not hold", "undecided"]
RESAMPLES = 10_000


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence interval; `low` and `high` are infinite when one value cannot bound it."""

    mean: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.mean:.3g} [{self.low:.3g}, {self.high:.3g}] (n={self.n})"


class Correlation(NamedTuple):
    """Pearson's and Spearman's coefficient in -1..1; `mean` holds the coefficient of the data itself."""

    pearson: Interval
    spearman: Interval


def mean_interval(
    values: Sequence[float] | np.ndarray, level: float = 0.95, method: Literal["t", "bootstrap"] = "t", seed: int = 0
) -> Interval:
    """The mean of `values` with an interval of confidence `level`.

    Args:
        method: "t" (Student; right for few seeds) or "bootstrap" (percentile; too narrow below some ten values).

    Raises:
        InputError: no values, values that are not finite, `level` outside (0, 1), or an unknown method.
    """
    values = _finite("values", values)
    _check_level(level)
    if method not in ("t", "bootstrap"):
        raise InputError(f"method {method!r}: expected 't' or 'bootstrap'")
    mean, n = float(values.mean()), len(values)
    if n == 1:
        return Interval(mean, -np.inf, np.inf, 1)
    if method == "t":
        half = float(stats.t.ppf((1 + level) / 2, n - 1) * values.std(ddof=1) / np.sqrt(n))
        return Interval(mean, mean - half, mean + half, n)
    picks = rng("mean_interval", seed).integers(n, size=(RESAMPLES, n))
    return Interval(mean, *_percentiles(values[picks].mean(axis=1), level), n)


def paired_difference(
    a: Sequence[float] | np.ndarray,
    b: Sequence[float] | np.ndarray,
    level: float = 0.95,
    method: Literal["t", "bootstrap"] = "t",
    seed: int = 0,
) -> Interval:
    """The mean of a - b over pairs (the same seed in both) with its interval.

    Raises:
        InputError: the lengths differ, or as for `mean_interval`.
    """
    a, b = _finite("a", a), _finite("b", b)
    if len(a) != len(b):
        raise InputError(f"{len(a)} and {len(b)} values cannot be paired: give one value per seed on both sides")
    return mean_interval(a - b, level, method, seed)


def correlation_interval(
    x: Sequence[float] | np.ndarray,
    y: Sequence[float] | np.ndarray,
    groups: Sequence | np.ndarray | None = None,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Correlation:
    """Pearson's and Spearman's correlation with percentile bootstrap intervals.

    Args:
        x, y: n values each.
        groups: n labels. When given, whole groups are resampled (cluster bootstrap), because the pairs of one group (a
            client, a seed) are not independent; `n` is then the number of groups. Resamples in which x or y is constant
            have no correlation and do not count.

    Raises:
        InputError: fewer than 3 pairs or 2 groups, lengths that differ, values that are not finite or all equal.
    """
    x, y = _finite("x", x), _finite("y", y)
    _check_level(level)
    units = np.arange(len(x)) if groups is None else np.asarray(groups)
    if not len(x) == len(y) == len(units):
        raise InputError(f"x, y and groups have {len(x)}, {len(y)} and {len(units)} values")
    _check_varied(x, y)
    members = [np.flatnonzero(units == unit) for unit in np.unique(units)]
    if len(members) < 2:
        raise InputError("a cluster bootstrap needs at least 2 groups")
    picks = rng("correlation_interval", seed).integers(len(members), size=(resamples, len(members)))
    samples = (np.concatenate([members[pick] for pick in drawn]) for drawn in picks)
    return _bootstrapped(_coefficients(x, y), ((x[rows], y[rows]) for rows in samples), len(members), level)


def matrix_correlation_interval(
    a: np.ndarray, b: np.ndarray, level: float = 0.95, resamples: int = 2000, seed: int = 0
) -> Correlation:
    """Correlation of two symmetric matrices over the pairs of their items, with percentile bootstrap intervals.

    Pairs that share an item are not independent, so that items are resampled, each with its row and column; a pair of
    an item with itself does not count.

    Args:
        a, b: [N, N], such as the distances and the likenesses of N items; `n` of the intervals is N. The diagonals are
            not looked at.

    Raises:
        InputError: not two square matrices of one size with at least 3 rows, or as for `correlation_interval`.
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    n = len(a)
    if a.shape != (n, n) or b.shape != (n, n) or n < 3:
        raise InputError(f"matrices of shapes {a.shape} and {b.shape}: wanted two [N, N] of at least 3 items")
    _check_level(level)
    first, second = np.triu_indices(n, 1)
    x, y = _finite("a", a[first, second]), _finite("b", b[first, second])
    _check_varied(x, y)
    picks = rng("matrix_correlation_interval", seed).integers(n, size=(resamples, n))
    pairs = ((drawn[first], drawn[second]) for drawn in picks)
    distinct = ((i[i != j], j[i != j]) for i, j in pairs)
    return _bootstrapped(_coefficients(x, y), ((a[rows], b[rows]) for rows in distinct), n, level)


def verdict(interval: Interval, direction: Literal["greater", "less"] = "greater", margin: float = 0.0) -> Verdict:
    """Decide the claim "the quantity is greater (less) than `margin`" from its interval.

    "holds" when the whole interval is beyond `margin`, "does not hold" when the whole interval is on the other side,
    "undecided" when it contains `margin`.

    Raises:
        InputError: an unknown direction.
    """
    if direction not in ("greater", "less"):
        raise InputError(f"direction {direction!r}: expected 'greater' or 'less'")
    above, below = interval.low > margin, interval.high < margin
    if not above and not below:
        return "undecided"
    return "holds" if above == (direction == "greater") else "does not hold"


def _bootstrapped(
    estimates: tuple[float, float], samples: Iterable[tuple[np.ndarray, np.ndarray]], n: int, level: float
) -> Correlation:
    """The coefficients with the percentiles of those of the samples; samples without a correlation do not count."""
    drawn = [_coefficients(x, y) for x, y in samples if _varied(x, y)]
    return Correlation(
        *(
            Interval(estimate, *_percentiles(np.array(draws), level), n)
            for estimate, draws in zip(estimates, zip(*drawn, strict=True), strict=True)
        )
    )


def _varied(x: np.ndarray, y: np.ndarray) -> bool:
    return len(x) > 0 and np.ptp(x) > 0 and np.ptp(y) > 0


def _check_varied(x: np.ndarray, y: np.ndarray) -> None:
    if len(x) < 3 or not _varied(x, y):
        raise InputError("a correlation needs at least 3 pairs, and values that are not all equal in both x and y")


def _coefficients(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    ranks = stats.rankdata(x), stats.rankdata(y)
    return float(np.corrcoef(x, y)[0, 1]), float(np.corrcoef(*ranks)[0, 1])


def _percentiles(draws: np.ndarray, level: float) -> tuple[float, float]:
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _finite(name: str, values: Sequence[float] | np.ndarray) -> np.ndarray:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size == 0:
        raise InputError(f"{name}: expected a list of at least one number, got shape {array.shape}")
    if not np.isfinite(array).all():
        raise InputError(f"{name}: not finite at positions {np.flatnonzero(~np.isfinite(array)).tolist()}")
    return array


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise InputError(f"level {level}: expected a confidence between 0 and 1, such as 0.95")
