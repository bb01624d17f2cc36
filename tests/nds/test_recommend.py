"""OUTPUTDATA: the answer to a client, its shares by eq. 6, and what is refused."""

import numpy as np
import pyarrow as pa
import pytest
import torch

from ndslib.core.errors import InputError
from ndslib.data import sample_table
from ndslib.nds.index import Index
from ndslib.nds.recommend import recommend
from ndslib.nds.selection import importance_weights

SCORES = np.array([0.4, 0.9, 0.6])


def test_samples_carry_their_cluster_and_weight(server):
    answer = recommend(server, SCORES, budget=15, seed=1)
    weights = dict(zip(server.cluster_names, importance_weights(SCORES), strict=True))
    assert len(set(answer.rows.tolist())) == answer.samples.num_rows == 15
    plain = answer.samples.drop_columns(["cluster", "weight"])
    assert sample_table.validate(plain).equals(server.table.take(answer.rows))
    names = np.array(server.cluster_names)[server.cluster_of_row[answer.rows]]
    assert answer.samples["cluster"].to_pylist() == names.tolist()
    assert answer.samples["weight"].to_pylist() == [weights[name] for name in names]


def test_clusters_are_listed_best_first(server):
    clusters = recommend(server, SCORES, budget=15).clusters
    assert clusters["cluster"].tolist() == ["first/1", "second/0", "first/0"]
    assert clusters["dataset"].tolist() == ["first", "second", "first"]
    assert clusters["score"].tolist() == [0.9, 0.6, 0.4]
    assert clusters["images"].tolist() == [6, 20, 6]
    assert clusters["weight"].is_monotonic_decreasing
    assert clusters["weight"].sum() == pytest.approx(1)
    assert clusters["selected"].sum() == 15
    level = recommend(server, [0.5, 0.5, 0.5], budget=3).clusters
    assert level["cluster"].tolist() == server.cluster_names, "ties in the order of the index"


def test_the_same_seed_gives_the_same_list(server):
    one, same, other = (recommend(server, SCORES, budget=10, seed=seed) for seed in (3, 3, 4))
    assert one.samples.equals(same.samples)
    assert one.rows.tolist() != other.rows.tolist()


def test_scores_may_be_a_list_or_a_tensor(server):
    expected = recommend(server, SCORES, budget=10).rows.tolist()
    assert recommend(server, SCORES.tolist(), budget=10).rows.tolist() == expected
    assert recommend(server, torch.tensor(SCORES), budget=10).rows.tolist() == expected


def test_the_whole_index(server):
    assert sorted(recommend(server, SCORES, budget=32).rows) == list(range(32))
    everything = int(server.cluster_bytes.sum())
    assert sorted(recommend(server, SCORES, budget_bytes=everything).rows) == list(range(32))


@pytest.mark.parametrize("budget", [130, 500, 1111, 3000])
def test_a_budget_in_bytes_is_never_exceeded_and_used_up(server, budget):
    sizes = server.table["bytes"].to_numpy()
    for seed in range(20):
        answer = recommend(server, SCORES, budget_bytes=budget, temperature=0.5, seed=seed)
        spent = sum(answer.samples["bytes"].to_pylist())
        assert spent == sizes[answer.rows].sum() <= budget
        assert budget - spent < sizes.max(), "no other image would have fitted"


def test_draws_follow_eq_6(server):
    """The first image drawn is of cluster i with probability w_i, and any of its |S_i| images equally likely."""
    weights = importance_weights(SCORES, temperature=0.7)
    expected = np.repeat(weights / server.cluster_sizes, server.cluster_sizes)
    draws = 2000
    first = [recommend(server, SCORES, budget=1, temperature=0.7, seed=seed).rows[0] for seed in range(draws)]
    found = np.bincount(first, minlength=32)
    chi_square = ((found - draws * expected) ** 2 / (draws * expected)).sum()
    assert chi_square < 66, "31 degrees of freedom: exceeded once in 4,000 honest runs; the seeds are fixed"


def test_a_low_temperature_takes_the_best_cluster(server):
    answer = recommend(server, SCORES, budget=6, temperature=0.01)
    assert set(answer.samples["cluster"].to_pylist()) == {"first/1"}


@pytest.mark.parametrize(
    ("scores", "options", "named"),
    [
        (SCORES[:2], {"budget": 3}, "2 scores for 3 experts"),
        (np.append(SCORES, 0.1), {"budget": 3}, "4 scores for 3 experts.*first/0"),
        (SCORES[:, None], {"budget": 3}, r"shape \[3, 1\]"),
        ([], {"budget": 3}, r"shape \[0\]"),
        ([0.1, np.nan, 0.3], {"budget": 3}, r"scores\[1\] = nan"),
        ([0.1, np.inf, 0.3], {"budget": 3}, r"scores\[1\] = inf"),
        ([0.1, 1.2, 0.3], {"budget": 3}, r"scores\[1\] = 1.2 is not an accuracy in \[0, 1\]"),
        ([-0.1, 0.2, 0.3], {"budget": 3}, r"scores\[0\] = -0.1"),
        (["a", "b", "c"], {"budget": 3}, "are not numbers"),
        (SCORES, {}, "either budget .* or budget_bytes"),
        (SCORES, {"budget": 3, "budget_bytes": 500}, "either budget .* or budget_bytes"),
        (SCORES, {"budget": 0}, "budget = 0 selects nothing"),
        (SCORES, {"budget": -1}, "budget = -1"),
        (SCORES, {"budget": 33}, "exceeds the index, which has 32 rows"),
        (SCORES, {"budget": 2.5}, "not an integer"),
        (SCORES, {"budget_bytes": 0}, "selects nothing"),
        (SCORES, {"budget_bytes": 10**6}, "exceeds the index, which has 3456 bytes"),
        (SCORES, {"budget_bytes": 99}, "smaller than row"),
        (SCORES, {"budget": 3, "temperature": 0.0}, "temperature"),
        (SCORES, {"budget": 3, "normalisation": "zscore"}, "normalisation"),
    ],
)
def test_bad_requests_are_named(server, scores, options, named):
    with pytest.raises(InputError, match=named):
        recommend(server, scores, **options)


def test_an_empty_index_recommends_nothing(tmp_path):
    with pytest.raises(InputError, match="is empty; add a dataset"):
        recommend(Index.create(tmp_path / "empty"), [], budget=1)


def test_a_large_index_is_in_one_piece(server):
    assert all(isinstance(column, pa.ChunkedArray) and column.num_chunks == 1 for column in server.table.columns)
