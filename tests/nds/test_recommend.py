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
        (SCORES, {"budget": 33}, "exceeds the 32 rows to draw from"),
        (SCORES, {"budget": 2.5}, "not an integer"),
        (SCORES, {"budget_bytes": 0}, "selects nothing"),
        (SCORES, {"budget_bytes": 10**6}, "exceeds the 3456 bytes to draw from"),
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


def test_scores_by_name(server):
    named = dict(zip(server.cluster_names, SCORES, strict=True))
    backwards = dict(reversed(named.items()))
    assert recommend(server, backwards, budget=10).rows.tolist() == recommend(server, SCORES, budget=10).rows.tolist()
    with pytest.raises(InputError, match=r"no score for 1 of 3 experts \(second/0\)"):
        recommend(server, {name: named[name] for name in ("first/0", "first/1")}, budget=1)
    with pytest.raises(InputError, match="does not have: third/0"):
        recommend(server, named | {"third/0": 0.5}, budget=1)


def test_blocks_are_the_samples_in_pieces(server):
    answer = recommend(server, SCORES, budget=15)
    blocks = list(answer.blocks(4))
    assert [block.num_rows for block in blocks] == [4, 4, 4, 3]
    assert pa.concat_tables(blocks).equals(answer.samples.drop_columns(["annotation"]))
    assert pa.concat_tables(answer.blocks(4, annotations=True)).equals(answer.samples)


def test_the_list_is_counted_by_cluster_and_dataset(server):
    answer = recommend(server, SCORES, budget=15, seed=2)
    listed = answer.samples.to_pandas().groupby("cluster")["bytes"].agg(["size", "sum"])
    counted = answer.clusters.set_index("cluster").loc[listed.index]
    assert (counted["selected"] == listed["size"]).all()
    assert (counted["bytes"] == listed["sum"]).all()
    assert answer.datasets["dataset"].tolist() == ["first", "second"]
    assert answer.datasets["images"].sum() == 15
    assert answer.datasets["bytes"].sum() == sum(answer.samples["bytes"].to_pylist())


@pytest.fixture
def mixed(tmp_path, colours, mean_colour, tiny) -> Index:
    """Two datasets of two clusters of 20, whose rows differ in licence and labels."""
    index = Index.create(tmp_path / "mixed")
    for name in ("one", "two"):
        table = colours(name, 40)
        licences = ["MIT", "MIT", "CC-BY-2.0", "CC-BY-2.0", None] * 8
        boxes = [None, None, None, '[{"bbox": [0, 0, 2, 2]}]'] * 10
        table = table.set_column(9, "licence", pa.array(licences)).set_column(5, "annotation", pa.array(boxes))
        index.add(table, 2, mean_colour, tiny(1), size=8)
    return index


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({"datasets": ["two"]}, 40),
        ({"labels": ["boxes"]}, 20),
        ({"licences": ["CC-BY-2.0", None]}, 48),
        ({"datasets": ["one"], "labels": ["class"], "licences": ["MIT"]}, 12),
    ],
)
def test_filters_leave_out_and_nothing_else(mixed, filters, count):
    answer = recommend(mixed, [0.2, 0.9, 0.5, 0.4], budget=count, **filters)
    rows = mixed.table.append_column("labels", sample_table.label_kinds(mixed.table)).to_pylist()
    column = {"datasets": "dataset", "labels": "labels", "licences": "licence"}
    passing = [n for n, row in enumerate(rows) if all(row[column[name]] in kept for name, kept in filters.items())]
    assert sorted(answer.rows) == passing
    plain = answer.samples.drop_columns(["cluster", "weight"])
    assert sample_table.validate(plain).equals(mixed.table.take(answer.rows))
    with pytest.raises(InputError, match=f"exceeds the {count} rows to draw from"):
        recommend(mixed, [0.2, 0.9, 0.5, 0.4], budget=count + 1, **filters)
    half = int(mixed.row_bytes(answer.rows).sum()) // 2
    assert mixed.row_bytes(recommend(mixed, [0.2, 0.9, 0.5, 0.4], budget_bytes=half, **filters).rows).sum() <= half


def test_filtered_draws_follow_eq_6_given_that_they_pass(mixed):
    """The first image drawn is x with a probability in proportion to w_i / |S_i|, |S_i| counting all of the cluster."""
    scores, filters = [0.2, 0.9, 0.5, 0.4], {"licences": ["MIT"], "labels": ["class"]}
    passing = np.sort(recommend(mixed, scores, budget=24, **filters).rows)
    each = np.repeat(importance_weights(scores, temperature=0.7) / mixed.cluster_sizes, mixed.cluster_sizes)[passing]
    expected, draws = each / each.sum(), 2000
    first = [recommend(mixed, scores, 1, temperature=0.7, seed=seed, **filters).rows[0] for seed in range(draws)]
    found = np.array([first.count(row) for row in passing])
    assert found.sum() == draws
    chi_square = ((found - draws * expected) ** 2 / (draws * expected)).sum()
    assert chi_square < 53, "23 degrees of freedom: exceeded once in 3,000 honest runs; the seeds are fixed"


def test_a_low_temperature_draws_the_best_of_what_passes(mixed):
    """In the softmax over all experts, the clusters of "two" have weights too small for a float."""
    scores, filters = [0.9, 0.2, 0.5, 0.4], {"datasets": ["two"]}
    answer = recommend(mixed, scores, budget=20, temperature=1e-4, **filters)
    assert set(answer.samples["cluster"].to_pylist()) == {"two/0"}
    assert answer.weights.tolist() == [1, 0, 0, 0], "weights are those of all experts"
    for temperature in (1e-4, 1e-308):
        spent = recommend(mixed, scores, budget_bytes=2000, temperature=temperature, **filters).clusters
        assert spent["selected"].tolist() == [0, 0, spent["selected"].sum(), 0], "all of two/0"


@pytest.mark.parametrize("budget", [{"budget": 11}, {"budget_bytes": 3456}])
def test_a_budget_beyond_the_most_images_is_refused(server, budget):
    with pytest.raises(InputError, match="10 images"):
        recommend(server, SCORES, **budget, most=10)


@pytest.mark.parametrize(
    ("filters", "named"),
    [
        ({"datasets": ["three"]}, r"datasets: the index has no 'three'; it has \['one', 'two'\]"),
        ({"datasets": []}, "with one of"),
        ({"datasets": "one"}, "give a list"),
        ({"labels": ["polygons"]}, "labels: the index has no 'polygons'"),
        ({"labels": ["masks"]}, "no image of the index passes"),
        ({"licences": ["GPL"]}, "licences: the index has no 'GPL'"),
    ],
)
def test_bad_filters_are_named(mixed, filters, named):
    with pytest.raises(InputError, match=named):
        recommend(mixed, [0.2, 0.9, 0.5, 0.4], budget=1, **filters)
