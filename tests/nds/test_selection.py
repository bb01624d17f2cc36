"""Selection: the weights, the distribution of the draws against numpy's, budgets in bytes, cost, and bad input."""

import math
import tracemalloc
from collections.abc import Callable
from itertools import combinations, permutations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ndslib.core.errors import InputError
from ndslib.nds import selection
from ndslib.nds.selection import importance_weights, sample_rows, sample_rows_by_bytes

Sampler = Callable[[list[int], list[float], int, int], np.ndarray]
DRAWS = 1200
SIGNIFICANCE = 1e-4  # of each test below; the seeds are fixed, so a test that passes keeps passing

SHAPES = {
    "even": ([3, 2, 2], [0.4, 0.3, 0.3], 3),
    "small cluster exhausted": ([1, 4, 3], [0.9, 0.06, 0.04], 3),
    "pair exhausted": ([2, 5], [0.95, 0.05], 4),
    "budget near the index": ([2, 3, 2], [0.6, 0.3, 0.1], 6),
    "single rows": ([1, 1, 1, 1, 1], [0.5, 0.2, 0.15, 0.1, 0.05], 3),
    "with an empty cluster": ([3, 0, 3], [0.3, 0.5, 0.2], 2),
    "one draw": ([4, 2], [0.5, 0.5], 1),
}


# Weights -----------------------------------------------------------------------------------------------------------


def test_weights_are_the_softmax_of_the_normalised_accuracies():
    weights = importance_weights([0.2, 0.5, 0.8])
    np.testing.assert_allclose(weights, np.exp([0, 5, 10]) / np.exp([0, 5, 10]).sum(), rtol=1e-12)
    assert weights.dtype == np.float64


def test_without_normalisation_the_fractions_are_used():
    weights = importance_weights([0.2, 0.5, 0.8], temperature=0.3, normalisation="none")
    np.testing.assert_allclose(weights, np.exp([0, 1, 2]) / np.exp([0, 1, 2]).sum(), rtol=1e-12)


@pytest.mark.parametrize("normalisation", ["minmax", "none"])
@pytest.mark.parametrize("score", [0.0, 0.37, 1.0])
def test_equal_scores_give_equal_weights(normalisation, score):
    np.testing.assert_array_equal(importance_weights([score] * 4, normalisation=normalisation), [0.25] * 4)


@pytest.mark.parametrize(
    "scores",
    [
        (0.25, 0.5, 1.0),
        np.array([0.25, 0.5, 1.0], np.float16),
        torch.tensor([0.25, 0.5, 1.0], requires_grad=True),
        torch.tensor([0.25, 0.5, 1.0], dtype=torch.bfloat16),
        [torch.tensor(0.25), torch.tensor(0.5), torch.tensor(1.0)],
    ],
)
def test_any_sequence_array_or_tensor_is_taken(scores):
    np.testing.assert_array_equal(importance_weights(scores), importance_weights([0.25, 0.5, 1.0]))


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=30),
    st.floats(1e-310, 1e300),
    st.sampled_from(["minmax", "none"]),
)
def test_weights_are_a_distribution_that_keeps_the_order_of_the_scores(scores, temperature, normalisation):
    weights = importance_weights(scores, temperature, normalisation)
    assert (weights >= 0).all()
    assert weights.sum() == pytest.approx(1, abs=1e-12)
    assert (np.diff(weights[np.argsort(scores, kind="stable")]) >= 0).all()


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ([0.5, math.nan], r"scores\[1\] = nan is not finite"),
        ([math.inf, 0.5], r"scores\[0\] = inf"),
        ([0.1, 0.2, 62.5], r"scores\[2\] = 62.5 .*divide percentages by 100"),
        ([0.1, -0.01], r"scores\[1\] = -0.01"),
        (np.array([1.0000001], dtype=np.float32), r"scores\[0\] = 1\.00000011\d* is not an accuracy"),
        ([], r"shape \[0\]"),
        (0.5, r"shape \[\]"),
        ([[0.1, 0.2]], r"shape \[1, 2\]"),
        (["good", "bad"], "not numbers"),
        ([0.1, None, "x"], "not numbers"),
    ],
)
def test_bad_scores_are_refused(scores, message):
    with pytest.raises(InputError, match=message):
        importance_weights(scores)


@pytest.mark.parametrize("temperature", [0, -0.1, math.nan, math.inf, "0.1", None])
def test_bad_temperatures_are_refused(temperature):
    with pytest.raises(InputError, match="temperature"):
        importance_weights([0.1, 0.2], temperature)


def test_an_unknown_normalisation_is_refused():
    with pytest.raises(InputError, match="normalisation = 'zscore'"):
        importance_weights([0.1, 0.2], normalisation="zscore")


@pytest.mark.parametrize("normalisation", ["minmax", "none"])
def test_weights_among_some_clusters_are_those_of_all_given_that_it_is_one_of_them(normalisation):
    scores, drawable = [0.9, 0.3, 0.5, 0.4], np.array([False, True, True, False])
    weights = importance_weights(scores, 0.1, normalisation)
    given = np.where(drawable, weights, 0) / weights[drawable].sum()
    np.testing.assert_allclose(importance_weights(scores, 0.1, normalisation, drawable), given, rtol=1e-12)
    np.testing.assert_array_equal(importance_weights(scores, 0.1, normalisation, np.ones(4, bool)), weights)
    assert importance_weights(scores, 1e-308, normalisation, drawable).tolist() == [0, 0, 1, 0]


# Distribution ------------------------------------------------------------------------------------------------------


def pi(sizes: list[int], weights: list[float]) -> np.ndarray:
    """Eq. 6, row by row."""
    sizes, weights = np.array(sizes), np.array(weights)
    rows = np.repeat(weights / np.maximum(sizes, 1), sizes)
    return rows / rows.sum()


def numpys(sizes: list[int], weights: list[float], budget: int, seed: int) -> np.ndarray:
    rows = pi(sizes, weights)
    return np.random.default_rng(seed).choice(len(rows), budget, replace=False, p=rows)


def proportional(sizes: list[int], weights: list[float], budget: int, seed: int) -> np.ndarray:
    """A wrong sampler: draws all clusters first, with no regard to what they have left, then tops up uniformly."""
    rng = np.random.default_rng(seed)
    start = np.cumsum(sizes) - sizes
    wanted = np.minimum(rng.multinomial(budget, np.array(weights) * (np.array(sizes) > 0) / sum(weights)), sizes)
    rows = np.concatenate([s + rng.permutation(m)[:n] for s, m, n in zip(start, sizes, wanted, strict=True)])
    rest = np.setdiff1d(np.arange(sum(sizes)), rows)
    return rng.permutation(np.concatenate([rows, rng.choice(rest, budget - len(rows), replace=False)]))


def systematic(sizes: list[int], weights: list[float], budget: int, seed: int) -> np.ndarray:
    """A wrong sampler: the right draws, ordered by cluster rather than in turn."""
    return np.sort(numpys(sizes, weights, budget, seed))


def samples(sampler: Sampler, shape: str, seed: int) -> np.ndarray:
    """int64 [DRAWS, budget]."""
    return np.stack([sampler(*SHAPES[shape], seed=seed + i) for i in range(DRAWS)])


def same_frequencies(found: np.ndarray, expected: np.ndarray) -> float:
    """p-value of the chi-square test of two count vectors over the same categories, rare ones pooled."""
    table = np.stack([found, expected])
    rare = table.sum(axis=0) < 10
    table = np.column_stack([table[:, ~rare], table[:, rare].sum(axis=1)])
    table = table[:, table.sum(axis=0) > 0]
    return 1.0 if table.shape[1] < 2 else stats.chi2_contingency(table).pvalue


def least(p_values: list[float]) -> float:
    """The least of several p-values, with Bonferroni's correction."""
    return min(1.0, min(p_values) * len(p_values))


def compare(found: np.ndarray, expected: np.ndarray, rows: int) -> dict[str, float]:
    """p-values of two sets of samples, by what they compare."""

    def tallies(items: list[tuple[int, ...]], test: Callable[[np.ndarray, tuple[int, ...]], np.ndarray]) -> float:
        """Each sample holds an item or not: one 2 x 2 test per item."""
        n = len(found)
        counts = [(test(found, item).sum(), test(expected, item).sum()) for item in items]
        return least([same_frequencies(np.array([a, n - a]), np.array([b, n - b])) for a, b in counts])

    def holds(samples: np.ndarray, item: tuple[int, ...]) -> np.ndarray:
        return np.all([(samples == row).any(axis=1) for row in item], axis=0)

    def categories(samples: np.ndarray) -> np.ndarray:
        return samples @ rows ** np.arange(samples.shape[1])

    def whole(a: np.ndarray, b: np.ndarray) -> float:
        size = rows ** a.shape[1]
        return same_frequencies(np.bincount(categories(a), minlength=size), np.bincount(categories(b), minlength=size))

    return {
        "inclusion": tallies([(i,) for i in range(rows)], holds),
        "pairs": tallies(list(combinations(range(rows), 2)), holds),
        "first": whole(found[:, :1], expected[:, :1]),
        "last": whole(found[:, -1:], expected[:, -1:]),
        "sets": whole(np.sort(found), np.sort(expected)),
        "order": whole(found[:, :3], expected[:, :3]),
    }


@pytest.fixture(params=[None, 0.0], ids=["one window", "many windows"])
def slack(request, monkeypatch):
    """With no slack a window falls short every other time, so that draws go on with the rows left of every cluster."""
    if request.param is not None:
        monkeypatch.setattr(selection, "_SLACK", request.param)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.usefixtures("slack")
def test_the_draws_are_distributed_as_numpys(shape):
    sizes, _, _ = SHAPES[shape]
    p_values = compare(samples(sample_rows, shape, 0), samples(numpys, shape, 10**6), sum(sizes))
    assert min(p_values.values()) > SIGNIFICANCE, p_values


@pytest.mark.parametrize("shape", ["even", "small cluster exhausted", "pair exhausted", "budget near the index"])
def test_the_comparison_rejects_wrong_samplers(shape):
    sizes, _, _ = SHAPES[shape]
    right = samples(numpys, shape, 10**6)
    wrong = compare(samples(systematic, shape, 0), right, sum(sizes))
    assert min(wrong["first"], wrong["order"]) < SIGNIFICANCE / 1000
    assert wrong["sets"] > SIGNIFICANCE
    wrong = compare(samples(proportional, shape, 0), right, sum(sizes))
    assert min(wrong.values()) < SIGNIFICANCE / 1000, wrong


def exact_order(sizes: list[int], weights: list[float], budget: int) -> dict[tuple[int, ...], float]:
    """The probability of each sequence of draws, from the definition."""
    rows = pi(sizes, weights)
    chances = {}
    for order in permutations(range(len(rows)), budget):
        left, chance = 1.0, 1.0
        for row in order:
            chance *= rows[row] / left
            left -= rows[row]
        chances[order] = chance
    return chances


@pytest.mark.usefixtures("slack")
def test_sequences_have_the_probabilities_of_successive_draws():
    chances = exact_order(*SHAPES["small cluster exhausted"])
    tally = dict.fromkeys(chances, 0)
    for sample in samples(sample_rows, "small cluster exhausted", 0):
        tally[tuple(sample.tolist())] += 1
    found, expected = np.array(list(tally.values())), DRAWS * np.array(list(chances.values()))
    rare = expected < 5
    found, expected = (np.append(x[~rare], x[rare].sum()) for x in (found, expected))
    assert stats.chisquare(found, expected).pvalue > SIGNIFICANCE


@pytest.mark.usefixtures("slack")
def test_windows_that_pass_over_most_rows_are_distributed_as_numpys():
    """In an index large enough for windows to matter: how many rows come from each cluster, and from which places."""
    sizes, weights, budget, draws = [40, 400, 1000, 7], [0.5, 0.25, 0.2, 0.05], 60, 1500
    edges = np.cumsum([0, 20, 20, 200, 200, 500, 500, 7])

    def places(sampler: Sampler, seed: int) -> np.ndarray:
        return np.stack(
            [np.histogram(sampler(sizes, weights, budget, seed + i), edges)[0] for i in range(draws)], axis=1
        )

    p_values = [
        same_frequencies(np.bincount(a, minlength=budget + 1), np.bincount(b, minlength=budget + 1))
        for a, b in zip(places(sample_rows, 0), places(numpys, 10**6), strict=True)
    ]
    assert least(p_values) > SIGNIFICANCE, p_values


def test_two_clusters_outweighing_a_third_by_far_come_first_and_mixed():
    rows = [sample_rows([2, 2, 10**6], [0.5, 0.5, 1e-12], 10, seed) for seed in range(400)]
    assert all(set(r[:4]) == {0, 1, 2, 3} for r in rows)
    assert {len(r) for r in rows} == {10}
    orders = [tuple(np.asarray(r[:4]) // 2) for r in rows]
    found = np.array([orders.count(order) for order in sorted(set(permutations([0, 0, 1, 1])))])
    assert stats.chisquare(found).pvalue > SIGNIFICANCE  # the four rows are alike: all orders are equally likely


@pytest.mark.usefixtures("slack")
def test_rows_of_weight_zero_come_last_and_uniformly():
    rows = np.stack([sample_rows([2, 3, 4], [0.0, 1.0, 0.0], 5, seed) for seed in range(DRAWS)])
    assert (np.sort(rows[:, :3]) == [2, 3, 4]).all()
    tally = np.bincount(rows[:, 3:].ravel(), minlength=9)
    assert (tally[2:5] == 0).all()
    for i in (3, 4):
        assert stats.chisquare(np.bincount(rows[:, i], minlength=9)[[0, 1, 5, 6, 7, 8]]).pvalue > SIGNIFICANCE


def test_rows_of_weight_zero_are_left_out_where_the_budget_allows():
    rows = sample_rows([50, 100, 50], [0.0, 1.0, 0.0], 100, 0)
    np.testing.assert_array_equal(np.sort(rows), np.arange(50, 150))


# Properties --------------------------------------------------------------------------------------------------------

CLUSTERS = st.lists(
    st.tuples(st.integers(0, 60), st.one_of(st.just(0.0), st.floats(1e-12, 1), st.floats(1e-320, 1e300))),
    min_size=1,
    max_size=8,
).filter(lambda clusters: any(m and w for m, w in clusters))


@given(clusters=CLUSTERS, share=st.floats(0, 1), seed=st.integers(0, 2**64))
@settings(max_examples=150, deadline=None)
def test_a_sample_is_distinct_rows_of_the_index_and_repeats_with_the_seed(clusters, share, seed):
    sizes, weights = zip(*clusters, strict=True)
    total = sum(sizes)
    budget = max(1, round(share * total))
    rows = sample_rows(sizes, weights, budget, seed)
    assert rows.dtype == np.int64
    assert rows.shape == (budget,)
    assert len(set(rows.tolist())) == budget
    assert rows.min() >= 0
    assert rows.max() < total
    np.testing.assert_array_equal(rows, sample_rows(np.array(sizes), np.array(weights), np.int64(budget), seed))
    np.testing.assert_array_equal(np.sort(sample_rows(sizes, weights, total, seed)), np.arange(total))


def test_seeds_differ_and_only_ratios_of_weights_matter():
    rows = sample_rows([500, 500], [0.25, 0.75], 100, 0)
    assert (rows != sample_rows([500, 500], [0.25, 0.75], 100, 1)).any()
    np.testing.assert_array_equal(rows, sample_rows([500, 500], [1, 3], 100, 0))


def test_the_arguments_are_left_as_they_were():
    sizes, weights = np.array([5, 6]), np.array([0.5, 0.5])
    sample_rows(sizes, weights, 8, 0)
    np.testing.assert_array_equal(sizes, [5, 6])
    np.testing.assert_array_equal(weights, [0.5, 0.5])


@given(st.lists(st.floats(0, 1e6), min_size=0, max_size=50))
def test_order_is_argsort(times):
    times = np.array(times)
    np.testing.assert_array_equal(times[selection._order(times)], np.sort(times))


def test_order_tells_times_apart_that_its_integers_cannot():
    times = np.append(np.random.default_rng(0).permutation(np.arange(1000.0)) * 1e-15, 1.0)
    np.testing.assert_array_equal(selection._order(times), np.argsort(times))


# Bytes -------------------------------------------------------------------------------------------------------------


class Images:
    """Sizes in bytes of the rows of an index, and a record of what was asked."""

    def __init__(self, cluster_sizes: list[int], seed: int = 0):
        rng = np.random.default_rng(seed)
        parts = [rng.integers(1, 20 * (i + 1), size=m) for i, m in enumerate(cluster_sizes)]
        self.bytes = np.concatenate(parts)
        self.means = [part.mean() if part.size else 0.0 for part in parts]
        self.asked: list[int] = []

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        self.asked += rows.tolist()
        return self.bytes[rows]


@given(clusters=CLUSTERS, share=st.floats(0, 1), seed=st.integers(0, 1000), slack=st.sampled_from([0.0, 4.0]))
@settings(max_examples=150, deadline=None)
def test_bytes_are_filled_by_the_longest_beginning_of_one_sequence(clusters, share, seed, slack):
    sizes, weights = zip(*clusters, strict=True)
    images = Images(sizes)
    total = int(images.bytes.sum())
    budget = max(int(images.bytes.max()), round(share * total))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(selection, "_SLACK", slack)
        rows = sample_rows_by_bytes(sizes, weights, budget, images, images.means, seed)
    assert rows.dtype == np.int64
    assert images.bytes[rows].sum() <= budget
    sequence = images.asked
    assert len(set(sequence)) == len(sequence)
    assert rows.tolist() == sequence[: len(rows)]
    assert (
        len(rows) == len(images.bytes)
        or images.bytes[sequence[: len(rows) + 1]].sum() > budget
        or (images.bytes[rows].sum() == budget)
    )


def test_the_bytes_of_the_whole_index_buy_the_whole_index():
    images = Images([7, 0, 30, 1000])
    rows = sample_rows_by_bytes(
        [7, 0, 30, 1000], [0.1, 0.2, 0.3, 0.4], int(images.bytes.sum()), images, images.means, 0
    )
    np.testing.assert_array_equal(np.sort(rows), np.arange(1037))


def test_a_bound_on_the_rows_changes_no_sample_within_it():
    sizes, weights = [300, 500, 1000], [0.6, 0.3, 0.1]
    images = Images(sizes)
    for seed in range(20):
        free = sample_rows_by_bytes(sizes, weights, 5000, images, images.means, seed)
        bound = sample_rows_by_bytes(sizes, weights, 5000, images, images.means, seed, len(free))
        np.testing.assert_array_equal(bound, free)
        with pytest.raises(InputError, match=f"budget_bytes = 5000 is worth more than {len(free) - 1} images"):
            sample_rows_by_bytes(sizes, weights, 5000, images, images.means, seed, len(free) - 1)


def test_a_bound_on_the_rows_bounds_the_work():
    images, most = Images([10**6]), 500
    with pytest.raises(InputError, match="more than 500 images"):
        sample_rows_by_bytes([10**6], [1.0], int(images.bytes.sum()), images, images.means, 0, most)
    assert len(images.asked) < 2 * most


@pytest.mark.usefixtures("slack")
def test_bytes_are_distributed_as_by_drawing_one_at_a_time():
    sizes, weights, budget = [2, 3, 3], [0.6, 0.3, 0.1], 75
    images = Images(sizes)
    assert images.bytes.max() <= budget < images.bytes.sum()

    def naive(seed: int) -> np.ndarray:
        order = np.random.default_rng(seed).choice(8, 8, replace=False, p=pi(sizes, weights))
        return order[np.cumsum(images.bytes[order]) <= budget]

    def tally(samples: list[np.ndarray]) -> np.ndarray:
        """By the set of the rows."""
        return np.bincount([int((2**rows).sum()) for rows in samples], minlength=256)

    found = tally([sample_rows_by_bytes(sizes, weights, budget, images, images.means, i) for i in range(DRAWS)])
    expected = tally([naive(10**6 + i) for i in range(DRAWS)])
    assert np.count_nonzero(expected) > 10
    assert same_frequencies(found, expected) > SIGNIFICANCE
    budget -= 10
    assert same_frequencies(found, tally([naive(10**6 + i) for i in range(DRAWS)])) < SIGNIFICANCE / 1000


# Cost --------------------------------------------------------------------------------------------------------------


def peak_bytes(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("weights", [np.ones(50), np.logspace(0, -12, 50)], ids=["even", "skewed"])
@pytest.mark.parametrize("scale", [10**2, 10**6, 10**10])
def test_memory_depends_on_the_budget_and_not_on_the_index(weights, scale):
    budget, sizes = 2000, np.arange(51, 101) * scale
    assert peak_bytes(lambda: sample_rows(sizes, weights, budget, 0)) < 200 * budget
    assert sample_rows(sizes, weights, budget, 0).max() < sizes.sum()


def test_bytes_of_a_vast_index_ask_for_few_rows_more_than_they_buy():
    sizes, asked = [10, 10**6, 10**11, 10**12], []

    def row_bytes(rows: np.ndarray) -> np.ndarray:
        asked.append(rows)
        return np.where(rows < 10, 10**6, np.where(rows < 10**6, 100, 1000 + rows % 1000))

    means = [10**6, 100, 1499.5, 1499.5]
    rows = []
    peak = peak_bytes(
        lambda: rows.append(sample_rows_by_bytes(sizes, [0.9, 0.05, 0.03, 0.02], 5 * 10**7, row_bytes, means, 0))
    )
    (rows,) = rows
    assert len(rows) > 50_000
    assert sum(map(len, asked)) < 1.1 * len(rows)
    assert peak < 200 * len(rows)


def test_a_tiny_cluster_of_nearly_all_the_weight_costs_no_more_than_the_budget(monkeypatch):
    """Clocks of exhausted clusters run out once, however far the window has to reach for the others."""
    drawn = []
    order = selection._order
    monkeypatch.setattr(selection, "_order", lambda time: drawn.append(time.size) or order(time))
    rows = sample_rows([3, 10, 10**9], [1.0, 1e-6, 1e-12], 5000, 0)
    assert set(range(13)) < set(rows.tolist())
    assert sum(drawn) < 1.1 * 5000


# Bad input ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"budget": 0}, "budget = 0 "),
        ({"budget": -3}, "budget = -3 "),
        ({"budget": 31}, "budget = 31 exceeds the 30 rows to draw from"),
        ({"budget": 5.0}, "budget = 5.0 is not an integer"),
        ({"budget": "5"}, "budget = '5' is not an integer"),
        ({"budget": None}, "budget = None"),
        ({"weights": [0.5, -0.5]}, r"weights\[1\] = -0.5 is negative"),
        ({"weights": [math.nan, 0.5]}, r"weights\[0\] = nan"),
        ({"weights": [math.inf, 0.5]}, r"weights\[0\] = inf"),
        ({"weights": [0.0, 0.0]}, "weights are zero"),
        ({"cluster_sizes": [30, 0], "weights": [0.0, 1.0]}, "weights are zero for every cluster that has rows"),
        ({"weights": [1.0]}, "weights has 1 values for 2 clusters"),
        ({"weights": [[0.5, 0.5]]}, r"weights has shape \[1, 2\]"),
        ({"cluster_sizes": [31, -1]}, r"cluster_sizes\[1\] = -1 is negative"),
        ({"cluster_sizes": [10.5, 19.5]}, "cluster_sizes = .*no list of integers"),
        ({"cluster_sizes": []}, "cluster_sizes"),
        ({"cluster_sizes": 30}, "cluster_sizes"),
        ({"seed": -1}, "seed = -1 is negative"),
        ({"seed": None}, "seed = None is not an integer"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    good = {"cluster_sizes": [10, 20], "weights": [0.5, 0.5], "budget": 5, "seed": 0}
    assert len(sample_rows(**good)) == 5
    with pytest.raises(InputError, match=message):
        sample_rows(**(good | arguments))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"budget_bytes": 0}, "budget_bytes = 0 "),
        ({"budget_bytes": 301}, "budget_bytes = 301 exceeds the 300 bytes to draw from"),
        ({"budget_bytes": 9}, "budget_bytes = 9 is smaller than row .*, the first one drawn, of 10 bytes"),
        ({"budget_bytes": 1e2}, "budget_bytes = 100.0 is not an integer"),
        ({"mean_bytes": [10.0]}, "mean_bytes has 1 values for 2 clusters"),
        ({"mean_bytes": [10.0, 0.0]}, r"mean_bytes\[1\] = 0 is not positive"),
        ({"mean_bytes": [math.nan, 10.0]}, r"mean_bytes\[0\] = nan"),
        ({"row_bytes": lambda rows: np.full(len(rows) + 1, 10)}, "row_bytes returned int64"),
        ({"row_bytes": lambda rows: np.full(len(rows), 10.0)}, "row_bytes returned float64"),
        ({"row_bytes": lambda rows: np.zeros(len(rows), int)}, "row_bytes gives 0 bytes for row"),
        ({"weights": [0.5, -0.5]}, r"weights\[1\] = -0.5 is negative"),
    ],
)
def test_bad_arguments_of_a_budget_in_bytes_are_refused(arguments, message):
    good = {
        "cluster_sizes": [10, 20],
        "weights": [0.5, 0.5],
        "budget_bytes": 100,
        "row_bytes": lambda rows: np.full(len(rows), 10),
        "mean_bytes": [10.0, 10.0],
        "seed": 0,
    }
    assert len(sample_rows_by_bytes(**good)) == 10
    with pytest.raises(InputError, match=message):
        sample_rows_by_bytes(**(good | arguments))
