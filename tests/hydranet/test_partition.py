"""Subtasks: class features, balanced clustering, random groups."""

import numpy as np
import pytest

from ndslib.core.errors import InputError
from ndslib.core.seeding import rng
from ndslib.hydranet.partition import _balanced, class_features, cluster_classes, random_classes


def groups_of_points(groups: int, per_group: int, spread: float = 0.1) -> np.ndarray:
    """Class features in well-separated groups, neighbouring classes together."""
    random = rng("points")
    centres = np.eye(groups) * 10
    return np.repeat(centres, per_group, axis=0) + spread * random.normal(size=(groups * per_group, groups))


def test_class_features_are_means():
    features = np.array([[1.0, 0.0], [3.0, 2.0], [5.0, 5.0]])
    found = class_features(features, np.array([1, 1, 0]), 2)
    np.testing.assert_allclose(found, [[5.0, 5.0], [2.0, 1.0]])


@pytest.mark.parametrize(
    ("features", "labels", "classes", "message"),
    [
        (np.ones((3, 2)), np.array([0, 1]), 2, "expected"),
        (np.ones(3), np.array([0, 1, 1]), 2, "expected"),
        (np.ones((3, 2)), np.array([0, 1, 2]), 2, "must lie in 0..1"),
        (np.ones((3, 2)), np.array([-1, 1, 0]), 2, "must lie in 0..1"),
        (np.ones((2, 2)), np.array([0, 2]), 3, "class 1 has no image"),
        (np.ones((0, 2)), np.array([], dtype=int), 1, "class 0 has no image"),
        (np.array([[np.nan], [0.0]]), np.array([0, 1]), 2, "not all finite"),
    ],
)
def test_class_features_refuses(features, labels, classes, message):
    with pytest.raises(InputError, match=message):
        class_features(features, labels, classes)


def test_clusters_are_the_groups():
    subtasks = cluster_classes(groups_of_points(5, 4), 5)
    assert subtasks.dtype == np.int64
    for group in np.split(subtasks, 5):
        assert len(set(group)) == 1
    assert len(set(subtasks)) == 5


@pytest.mark.parametrize(("classes", "n_b"), [(10, 3), (10, 4), (7, 7), (5, 1), (100, 20), (23, 10), (11, 10)])
@pytest.mark.parametrize("partition", ["cluster", "random"])
def test_balanced_to_within_one(classes, n_b, partition):
    features = rng("features", classes).normal(size=(classes, 6))
    subtasks = cluster_classes(features, n_b) if partition == "cluster" else random_classes(classes, n_b)
    sizes = np.bincount(subtasks, minlength=n_b)
    assert len(sizes) == n_b
    assert len(subtasks) == classes
    assert sizes.min() >= 1
    assert sizes.max() - sizes.min() <= 1


def test_balance_moves_the_classes_that_lie_farthest():
    """Six classes at one centre and two at another: two of the six must move, the ones nearest to the other centre."""
    distances = np.array([[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 9.0, 9.1], [9.9, 9.8, 9.7, 9.6, 9.5, 9.4, 0.1, 0.2]])
    np.testing.assert_array_equal(_balanced(distances), [0, 0, 0, 0, 1, 1, 1, 1])


def test_the_nearer_centre_has_a_class_that_two_want():
    distances = np.array([[1.0, 5.0], [0.5, 6.0]])
    np.testing.assert_array_equal(_balanced(distances), [1, 0])


def test_the_last_round_goes_to_the_nearest_centres():
    distances = np.array([[0.0, 3.0, 1.0], [4.0, 0.0, 2.0]])
    np.testing.assert_array_equal(_balanced(distances), [0, 1, 0])


def test_seeds():
    features = rng("features").normal(size=(30, 4))
    np.testing.assert_array_equal(cluster_classes(features, 6, seed=3), cluster_classes(features, 6, seed=3))
    np.testing.assert_array_equal(random_classes(30, 6, seed=3), random_classes(30, 6, seed=3))
    assert (random_classes(30, 6, seed=3) != random_classes(30, 6, seed=4)).any()


@pytest.mark.parametrize("n_b", [0, -1, 5, 2.0])
def test_impossible_numbers_of_branches(n_b):
    with pytest.raises(InputError, match=f"n_b is {n_b}"):
        cluster_classes(np.eye(4), n_b)
    with pytest.raises(InputError, match=f"n_b is {n_b}"):
        random_classes(4, n_b)


@pytest.mark.parametrize("features", [np.full((4, 2), np.nan), np.ones(4)])
def test_impossible_features(features):
    with pytest.raises(InputError, match="give finite numbers"):
        cluster_classes(features, 2)
