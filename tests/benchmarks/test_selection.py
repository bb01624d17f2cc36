"""Selection of 180,000 rows from an index of 10 million, against numpy's weighted sampling without replacement.

Both are timed by turns in one run, so that the machine's other work slows them alike, and the ratio of their median
times is stored as `speedup`. Preparing the 10 million probabilities, which numpy alone needs, is left out of its time.
"""

import timeit

import numpy as np
import pytest

from ndslib.nds.selection import importance_weights, sample_rows

ROWS, BUDGET = 10_000_000, 180_000


@pytest.mark.parametrize("clusters", [10, 50])
@pytest.mark.parametrize("weighting", ["mild", "skewed"])
def test_sample_rows_against_numpy(benchmark, clusters, weighting):
    rng = np.random.default_rng(0)
    sizes = rng.multinomial(ROWS, rng.dirichlet(np.full(clusters, 5.0)))
    scores = rng.uniform(0.3, 0.7, clusters)
    weights = importance_weights(scores, temperature={"mild": 1.0, "skewed": 0.1}[weighting])
    p = np.repeat(weights / sizes, sizes)
    p /= p.sum()

    def ours() -> np.ndarray:
        return sample_rows(sizes, weights, BUDGET, 0)

    def numpys() -> np.ndarray:
        return rng.choice(ROWS, BUDGET, replace=False, p=p)

    rows = benchmark.pedantic(ours, rounds=30, warmup_rounds=3)
    assert len(np.unique(rows)) == BUDGET

    turns = [(timeit.timeit(numpys, number=1), timeit.timeit(ours, number=20) / 20) for _ in range(5)]
    numpy_seconds, seconds = np.median(turns, axis=0)
    benchmark.extra_info.update(numpy_seconds=numpy_seconds, seconds=seconds, speedup=numpy_seconds / seconds)
    print(f"\nK = {clusters}, {weighting} weights: {numpy_seconds / seconds:.0f} times as fast as numpy")
