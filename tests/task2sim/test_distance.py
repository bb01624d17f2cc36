import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex
from sklearn.metrics import roc_auc_score

from ndslib.core.errors import InputError
from ndslib.task2sim.distance import (
    cluster_order,
    cosine_distance,
    distance_picture,
    distances,
)


def test_cosine_distance_by_hand():
    # Shares are (1/4, 1/2) and (3/4, 1/2); their cosine is (3/16 + 4/16) / sqrt(5/16 * 13/16).
    assert cosine_distance([1, 2], [3, 2]) == pytest.approx(1 - 7 / np.sqrt(65))


def test_multiples_are_at_distance_0_and_disjoint_vectors_at_1():
    vector = np.array([0.1, 0, 3, 7])
    assert cosine_distance(vector, 500 * vector) == pytest.approx(0)
    assert cosine_distance([1, 0, 0], [0, 2, 0]) == pytest.approx(1)


def test_values_that_both_lack_do_not_count():
    assert cosine_distance([1, 2, 0, 0], [3, 2, 0, 0]) == pytest.approx(cosine_distance([1, 2], [3, 2]))


def test_small_values_count_as_much_as_large_ones():
    a, b = np.array([1, 1, 1.0]), np.array([1, 2, 3.0])
    scale = np.array([1, 1e-6, 1e3])
    assert cosine_distance(a * scale, b * scale) == pytest.approx(cosine_distance(a, b))


def test_distances_hold_every_pair():
    vectors = np.random.default_rng(0).uniform(size=(4, 50)).astype(np.float32)
    apart = distances(vectors)
    assert apart.dtype == np.float64
    assert apart.tolist() == apart.T.tolist()
    assert not apart.diagonal().any()
    assert apart[1, 3] == cosine_distance(vectors[1], vectors[3])
    assert ((apart >= 0) & (apart <= 1)).all()
    assert distances(vectors[:1]).tolist() == [[0]]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.0])
def test_bad_values_are_refused(bad):
    vectors = np.ones((3, 4))
    vectors[2, 1] = bad
    with pytest.raises(InputError, match="task vector 2 is zero, or has values that are negative or not finite"):
        distances(vectors)


def test_bad_shapes_are_refused():
    with pytest.raises(InputError, match="task vector 0 is zero"):
        distances([[0, 0], [1, 2]])
    with pytest.raises(InputError, match=r"shape \(3,\)"):
        distances([1, 2, 3])
    with pytest.raises(InputError, match=r"shapes \(2,\) and \(3,\)"):
        cosine_distance([1, 2], [1, 2, 3])


@pytest.fixture
def two_clusters():
    """Six tasks of two kinds in turn; near ones at 0.1, others at 0.5 and more."""
    kinds = np.arange(6) % 2
    apart = np.where(kinds[:, None] == kinds, 0.1, 0.5 + 0.01 * np.add.outer(np.arange(6), np.arange(6)))
    np.fill_diagonal(apart, 0)
    return apart


CATEGORIES = {
    "natural": "CropDisease Flowers102 DeepWeeds CUB",
    "aerial": "EuroSAT Resisc45 AID CactusAerial",
    "symbolic": "SVHN Omniglot USPS",
    "medical": "ISIC ChestX ChestXPneumonia",
    "illustrative": "Kaokore Sketch PacsC PacsS",
    "texture": "DTD FMD",
}


def test_the_authors_tasks_group_by_category(task2sim_data):
    with np.load(task2sim_data / "task2vec_resnet18.npz", allow_pickle=False) as file:
        vectors = {name: file[name] for name in file}
    category = np.array([next(kind for kind, names in CATEGORIES.items() if name in names.split()) for name in vectors])
    apart = distances(list(vectors.values()))
    nearest = (apart + 9 * np.eye(len(apart))).argmin(1)
    assert (category[nearest] == category).sum() == 10
    rows, columns = np.triu_indices(len(apart), 1)
    assert roc_auc_score(category[rows] == category[columns], -apart[rows, columns]) == pytest.approx(0.71, abs=0.005)


def test_cluster_order_puts_similar_tasks_together(two_clusters):
    order = cluster_order(two_clusters)
    assert sorted(order.tolist()) == list(range(6))
    assert {frozenset((order[:3] % 2).tolist()), frozenset((order[3:] % 2).tolist())} == {
        frozenset([0]),
        frozenset([1]),
    }


def test_picture_shows_names_groups_and_values(two_clusters):
    names, groups = list("abcdef"), ["even", "odd"] * 3
    figure = distance_picture(two_clusters, names, groups)
    assert not plt.get_fignums()
    tree, heat = figure.axes[:2]
    order = cluster_order(two_clusters)
    assert [label.get_text() for label in heat.get_yticklabels()] == [names[place] for place in order]
    assert [float(text.get_text()) for text in heat.texts] == np.round(
        two_clusters[np.ix_(order, order)], 2
    ).ravel().tolist()
    legend = dict(
        zip([text.get_text() for text in figure.legends[0].get_texts()], figure.legends[0].get_patches(), strict=True)
    )
    for label in heat.get_yticklabels():
        group = groups[names.index(label.get_text())]
        assert to_hex(label.get_color()) == to_hex(legend[group].get_facecolor())
    figure.canvas.draw()
    assert tree.get_window_extent().y0 == pytest.approx(heat.get_window_extent().y0)
    assert tree.get_ylim() == (60, 0), "the tree's first leaf, at 5, is on top as the map's first row"


def test_pictures_of_other_sizes(two_clusters):
    assert not distance_picture(two_clusters, list("abcdef")).legends
    assert distance_picture(two_clusters[:2, :2], ["a", "b"]).axes
    many = distances(np.random.default_rng(0).uniform(size=(40, 5)))
    assert not distance_picture(many, [str(task) for task in range(40)]).axes[1].texts


def test_pictures_refuse_what_does_not_fit(two_clusters):
    with pytest.raises(InputError, match=r"shape \(6, 6\) for 5 names"):
        distance_picture(two_clusters, list("abcde"))
    with pytest.raises(InputError, match="two at least"):
        distance_picture(np.zeros((1, 1)), ["a"])
    with pytest.raises(InputError, match="2 groups for 6 tasks"):
        distance_picture(two_clusters, list("abcdef"), ["even", "odd"])
