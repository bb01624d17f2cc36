"""Gating: the two partitions of NDS section 3.2.1."""

import numpy as np
import pytest

from ndslib.core.errors import InputError
from ndslib.nds.gating import partition, superclass_partition, unsupervised_partition


def blobs(per: int = 20, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Six classes in two groups of three: class centres differ little inside a group."""
    rng = np.random.default_rng(seed)
    centres = np.array([[0, 0], [0, 1], [1, 0], [20, 20], [20, 21], [21, 20]], dtype=float)
    labels = np.repeat(np.arange(6), per)
    return centres[labels] + rng.normal(0, 3.0, (len(labels), 2)), labels


def test_unsupervised_partition_finds_the_groups():
    features, labels = blobs()
    found = unsupervised_partition(features, 2)
    assert len(np.unique(found.clusters[labels < 3])) == 1
    assert len(np.unique(found.clusters[labels >= 3])) == 1
    assert found.sizes.tolist() == [60, 60]


def test_superclass_keeps_classes_whole_and_clusters_their_means():
    features, labels = blobs()
    found = superclass_partition(features, labels, 2)
    for label in range(6):
        assert len(np.unique(found.clusters[labels == label])) == 1
    assert {tuple(np.unique(labels[found.clusters == part])) for part in (0, 1)} == {(0, 1, 2), (3, 4, 5)}
    means = np.stack([features[labels == label].mean(0) for label in (0, 1, 2)])
    own = found.centroids[found.clusters[0]]
    np.testing.assert_allclose(own, means.mean(0), rtol=1e-4)


def test_assign_is_the_nearest_centroid():
    features, _ = blobs()
    found = unsupervised_partition(features, 3)
    expected = ((features[:, None] - found.centroids[None]) ** 2).sum(-1).argmin(1)
    np.testing.assert_array_equal(found.assign(features), expected)


def test_partition_is_deterministic_and_seeded():
    features = np.random.default_rng(0).normal(size=(300, 8))
    first, second = (unsupervised_partition(features, 7, seed=4) for _ in range(2))
    np.testing.assert_array_equal(first.clusters, second.clusters)
    assert (first.sizes > 0).all()


def test_k_of_one_and_k_of_all():
    features = np.random.default_rng(0).normal(size=(5, 2))
    assert unsupervised_partition(features, 1).sizes.tolist() == [5]
    assert unsupervised_partition(features, 5).sizes.tolist() == [1] * 5


def test_bad_input():
    features, labels = blobs(per=2)
    with pytest.raises(InputError, match="K = 13 parts of 12 samples"):
        unsupervised_partition(features, 13)
    with pytest.raises(InputError, match="K = 0"):
        unsupervised_partition(features, 0)
    with pytest.raises(InputError, match="K = 7 parts of 6 classes"):
        superclass_partition(features, labels, 7)
    with pytest.raises(InputError, match="class 2 has no sample"):
        superclass_partition(features, np.where(labels == 2, 3, labels), 2)
    with pytest.raises(InputError, match="1 of 12 samples have no label"):
        superclass_partition(features, np.array([-1, *labels[1:]]), 2)
    with pytest.raises(InputError, match="one label a sample"):
        superclass_partition(features, labels[1:], 2)
    with pytest.raises(InputError, match="row 3"):
        unsupervised_partition(np.where(np.arange(12)[:, None] == 3, np.nan, features), 2)
    with pytest.raises(InputError, match="only 1 distinct"):
        unsupervised_partition(np.ones((6, 2)), 2)
    with pytest.raises(InputError, match="choose 'superclass' or 'unsupervised'"):
        partition("kmeans", features, labels, 2)
