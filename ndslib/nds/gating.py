"""Hard gating: k-means partitions of a dataset (NDS section 3.2.1), one part for each expert."""

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import pairwise_distances_argmin
from threadpoolctl import threadpool_limits

from ndslib.core.errors import InputError

FIT_ON_AT_MOST = 200_000  # k-means centres of a larger set are fitted on a random subset, then all rows are assigned

Gating = Literal["superclass", "unsupervised"]


@dataclass(frozen=True)
class Partition:
    """A hard gating g of N samples into K parts: g_i(x) is 1 for exactly one i (NDS eq. 2).

    Attributes:
        clusters: int64[N], the part of each sample, 0..K-1; no part is empty.
        centroids: float32[K, D], in the space of the features.
    """

    clusters: np.ndarray
    centroids: np.ndarray

    @property
    def sizes(self) -> np.ndarray:
        """int64[K], |S_i|."""
        return np.bincount(self.clusters, minlength=len(self.centroids))

    def assign(self, features: np.ndarray) -> np.ndarray:
        """int64[M]: the part with the nearest centroid for new features float[M, D]."""
        return pairwise_distances_argmin(features, self.centroids)


def unsupervised_partition(features: np.ndarray, k: int, seed: int = 0) -> Partition:
    """Partition samples by k-means on their features (NDS section 3.2.1, scheme 2).

    Args:
        features: float[N, D], finite.
        k: parts, 1..N.

    Raises:
        InputError: k is outside 1..N, a feature is not finite, or there are fewer than k distinct features.
    """
    features = _check(features, k, "samples")
    return Partition(*_kmeans(features, k, seed))


def superclass_partition(features: np.ndarray, labels: np.ndarray, k: int, seed: int = 0) -> Partition:
    """Partition classes by k-means on their mean features (NDS section 3.2.1, scheme 1); samples follow their class.

    Args:
        features: float[N, D], finite.
        labels: int64[N], classes 0..C-1, each with at least one sample.
        k: parts, 1..C.

    Raises:
        InputError: as `unsupervised_partition`; a sample has no label (-1); a class has no sample.
    """
    labels = np.asarray(labels)
    if labels.shape != (len(features),):
        raise InputError(f"{len(features)} features but labels of shape {labels.shape}: give one label a sample")
    if (labels < 0).any():
        raise InputError(
            f"{(labels < 0).sum()} of {len(labels)} samples have no label, so no superclass: use gating='unsupervised'"
        )
    counts = np.bincount(labels)
    if (counts == 0).any():
        raise InputError(f"class {int(np.flatnonzero(counts == 0)[0])} has no sample: remove it or add images")
    sums = np.zeros((len(counts), features.shape[1]))
    np.add.at(sums, labels, features)
    class_means = _check(sums / counts[:, None], k, "classes")  # Shape: (classes, d)
    superclass, centroids = _kmeans(class_means, k, seed)
    return Partition(superclass[labels], centroids)


def partition(gating: Gating, features: np.ndarray, labels: np.ndarray, k: int, seed: int = 0) -> Partition:
    """Partition by either scheme, by its name."""
    if gating == "superclass":
        return superclass_partition(features, labels, k, seed)
    if gating == "unsupervised":
        return unsupervised_partition(features, k, seed)
    raise InputError(f"gating is {gating!r}; choose 'superclass' or 'unsupervised'")


def _check(points: np.ndarray, k: int, what: str) -> np.ndarray:
    if points.ndim != 2:
        raise InputError(f"features have shape {points.shape}, wanted [N, D]")
    if not 1 <= k <= len(points):
        raise InputError(f"K = {k} parts of {len(points)} {what}: choose K between 1 and {len(points)}")
    bad = ~np.isfinite(points).all(axis=1)
    if bad.any():
        raise InputError(f"the features of row {int(np.flatnonzero(bad)[0])} (and {bad.sum() - 1} more) are not finite")
    return np.ascontiguousarray(points, dtype=np.float32)


def _kmeans(points: np.ndarray, k: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Clusters int64[N] and centroids float32[K, D]; one thread, since sums over threads depend on their order."""
    rng = np.random.default_rng(seed)
    subset = points if len(points) <= FIT_ON_AT_MOST else points[rng.choice(len(points), FIT_ON_AT_MOST, replace=False)]
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # too few distinct points: refused below, with the remedy
        model = KMeans(k, n_init=4, random_state=seed).fit(subset)
        clusters = model.predict(points).astype(np.int64)
    found = len(np.unique(clusters))
    if found < k:
        raise InputError(f"k-means found only {found} distinct clusters of {len(points)} points: choose K <= {found}")
    return clusters, model.cluster_centers_
