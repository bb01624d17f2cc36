import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from ndslib.core.errors import InputError
from ndslib.core.stats import (
    Interval,
    correlation_interval,
    matrix_correlation_interval,
    mean_interval,
    paired_difference,
    verdict,
)


def test_t_interval_equals_scipys():
    values = [0.61, 0.58, 0.66, 0.60, 0.63]
    found = mean_interval(values, level=0.9)
    expected = scipy_stats.ttest_1samp(values, 0).confidence_interval(0.9)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.mean == pytest.approx(np.mean(values))
    assert found.n == 5


@pytest.mark.parametrize("method", ["t", "bootstrap"])
def test_interval_covers_the_truth_as_often_as_it_says(method):
    random = np.random.default_rng(0)
    intervals = [mean_interval(random.normal(2, 1, size=30), level=0.8, method=method) for _ in range(200)]
    covered = np.mean([interval.low <= 2 <= interval.high for interval in intervals])
    assert 0.72 <= covered <= 0.88  # 0.8 plus or minus some three standard errors


def test_bootstrap_repeats_for_a_seed():
    values = np.arange(12.0) ** 2
    assert mean_interval(values, method="bootstrap", seed=1) == mean_interval(values, method="bootstrap", seed=1)
    assert mean_interval(values, method="bootstrap", seed=1) != mean_interval(values, method="bootstrap", seed=2)


@pytest.mark.parametrize("method", ["t", "bootstrap"])
def test_one_value_bounds_nothing_and_equal_values_give_a_point(method):
    assert mean_interval([0.5], method=method) == Interval(0.5, -math.inf, math.inf, 1)
    assert verdict(mean_interval([0.5], method=method)) == "undecided"
    assert mean_interval([0.5] * 4, method=method) == Interval(0.5, 0.5, 0.5, 4)


def test_paired_difference_uses_the_pairing():
    base = np.array([0.1, 0.5, 0.9, 0.3, 0.7])
    found = paired_difference(base + np.array([0.02, 0.03, 0.02, 0.03, 0.02]), base)
    assert found.mean == pytest.approx(0.024)
    assert 0 < found.low < found.high < 0.04


@pytest.mark.parametrize(
    ("values", "problem"), [([], "at least one"), ([1, math.nan, math.inf], r"\[1, 2\]"), ([[1, 2]], "shape")]
)
def test_bad_values_are_refused(values, problem):
    with pytest.raises(InputError, match=problem):
        mean_interval(values)


def test_bad_settings_are_refused():
    with pytest.raises(InputError, match="level"):
        mean_interval([1, 2], level=95)
    with pytest.raises(InputError, match="method"):
        mean_interval([1, 2], method="normal")
    with pytest.raises(InputError, match="paired"):
        paired_difference([1, 2], [1])


def test_correlation_estimates_equal_scipys():
    random = np.random.default_rng(1)
    x = random.normal(size=40).round(1)  # rounding makes ties
    y = np.exp(x) + random.normal(size=40)
    found = correlation_interval(x, y, resamples=200)
    assert found.pearson.mean == pytest.approx(scipy_stats.pearsonr(x, y).statistic)
    assert found.spearman.mean == pytest.approx(scipy_stats.spearmanr(x, y).statistic)
    for interval in found:
        assert -1 <= interval.low < interval.mean < interval.high <= 1
        assert interval.n == 40


def test_correlation_of_noise_is_undecided_and_of_a_line_holds():
    x = np.arange(20.0)
    noise = np.random.default_rng(2).normal(size=20)
    assert verdict(correlation_interval(x, noise).pearson) == "undecided"
    assert verdict(correlation_interval(x, x + noise).spearman, margin=0.5) == "holds"


def test_cluster_bootstrap_is_wider_when_groups_repeat_themselves():
    random = np.random.default_rng(3)
    centres = random.normal(size=(8, 2))
    x, y = np.repeat(centres, 25, axis=0).T + random.normal(scale=0.01, size=(2, 200))
    groups = np.repeat([f"client {i}" for i in range(8)], 25)
    pairs = correlation_interval(x, y, resamples=500).pearson
    clusters = correlation_interval(x, y, groups, resamples=500).pearson
    assert clusters.n == 8
    assert clusters.mean == pairs.mean
    assert clusters.high - clusters.low > 2 * (pairs.high - pairs.low)


@pytest.mark.parametrize(
    ("x", "y", "groups", "problem"),
    [
        ([1, 2], [1, 2], None, "3 pairs"),
        ([1, 1, 1], [1, 2, 3], None, "all equal"),
        ([1, 2, 3], [1, 2], None, "3, 2 and 3"),
        ([1, 2, 3], [1, 2, 3], ["a"], "3, 3 and 1"),
        ([1, 2, 3], [1, 2, 3], ["a", "a", "a"], "2 groups"),
    ],
)
def test_bad_correlations_are_refused(x, y, groups, problem):
    with pytest.raises(InputError, match=problem):
        correlation_interval(x, y, groups)


@pytest.mark.parametrize(
    ("low", "high", "direction", "margin", "expected"),
    [
        (0.1, 0.3, "greater", 0.0, "holds"),
        (-0.3, -0.1, "greater", 0.0, "does not hold"),
        (-0.1, 0.1, "greater", 0.0, "undecided"),
        (-0.1, 0.3, "greater", -0.2, "holds"),
        (0.1, 0.3, "greater", 0.2, "undecided"),
        (-0.3, -0.1, "less", 0.0, "holds"),
        (0.1, 0.3, "less", 0.0, "does not hold"),
        (0.0, 0.0, "greater", 0.0, "undecided"),
    ],
)
def test_verdicts(low, high, direction, margin, expected):
    assert verdict(Interval((low + high) / 2, low, high, 5), direction, margin) == expected


def test_an_unknown_direction_is_refused():
    with pytest.raises(InputError, match="better"):
        verdict(Interval(0, 0, 0, 1), "better")


def symmetric(items: int, seed: int) -> np.ndarray:
    half = np.triu(np.random.default_rng(seed).normal(size=(items, items)), 1)
    return half + half.T


def test_matrices_correlate_over_their_pairs():
    a, noise = symmetric(20, 0), symmetric(20, 1)
    pairs = np.triu_indices(20, 1)
    found = matrix_correlation_interval(a, a + noise, resamples=300)
    assert found.pearson.mean == pytest.approx(np.corrcoef(a[pairs], (a + noise)[pairs])[0, 1])
    assert found.pearson.n == 20
    assert found.pearson.low < found.pearson.mean < found.pearson.high
    assert verdict(found.spearman) == "holds"
    assert verdict(matrix_correlation_interval(a, noise, resamples=300).pearson) == "undecided"


def test_an_item_that_brings_all_of_a_matrices_correlation_widens_its_interval():
    """One item far from all others in both: its pairs are not so many observations."""
    a, b = symmetric(12, 0), symmetric(12, 1)
    for matrix in (a, b):
        matrix[0, 1:] = matrix[1:, 0] = 10
    pairs = np.triu_indices(12, 1)
    naive = correlation_interval(a[pairs], b[pairs], resamples=300).pearson
    items = matrix_correlation_interval(a, b, resamples=300).pearson
    assert items.mean == naive.mean
    assert items.high - items.low > 3 * (naive.high - naive.low)


def test_diagonals_of_matrices_do_not_count():
    a, b = symmetric(6, 0), symmetric(6, 1)
    found = matrix_correlation_interval(a, b, resamples=50)
    assert matrix_correlation_interval(a + 100 * np.eye(6), b + np.diag([np.nan] * 6), resamples=50) == found


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (np.ones((4, 3)), np.ones((4, 3)), r"shapes \(4, 3\) and \(4, 3\)"),
        (np.ones((4, 4)), np.ones((3, 3)), r"shapes \(4, 4\) and \(3, 3\)"),
        (np.ones((2, 2)), np.ones((2, 2)), "at least 3 items"),
        (np.ones((4, 4)), np.ones((4, 4)), "not all equal"),
        (np.full((4, 4), np.nan), np.ones((4, 4)), "a: not finite"),
    ],
)
def test_matrices_that_cannot_correlate_are_refused(a, b, message):
    with pytest.raises(InputError, match=message):
        matrix_correlation_interval(a, b)
