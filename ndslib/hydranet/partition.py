"""Subtasks: a balanced partition of the classes into visually similar groups, one a branch (thesis section 3.2.1)."""

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans

from ndslib.core.errors import InputError
from ndslib.core.seeding import derive_seed, rng
from ndslib.hydranet import checks


def class_features(features: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """The mean feature of each class.

    The source averages "features from the final fully connected layer of an image classification network": the class
    scores of a static network trained on the same images are what the experiments take.

    Args:
        features: float [N, D], one row an image.
        labels: int [N], each in 0..classes-1.

    Returns:
        float64 [classes, D].

    Raises:
        InputError: lengths that differ, labels out of range, a class without an image, or features that are not finite.
    """
    features, labels = np.asarray(features, dtype=np.float64), np.asarray(labels)
    if features.ndim != 2 or labels.shape != (len(features),):
        raise InputError(f"features have shape {features.shape}, labels {labels.shape}: expected [N, D] and [N]")
    if len(labels) and not (labels.min() >= 0 and labels.max() < classes):
        raise InputError(f"labels go from {labels.min()} to {labels.max()}; they must lie in 0..{classes - 1}")
    counts = np.bincount(labels, minlength=classes)
    if not counts.all():
        raise InputError(f"class {counts.argmin()} has no image: its mean feature needs at least one")
    if not np.isfinite(features).all():
        raise InputError("features are not all finite numbers: did the network's training diverge?")
    sums = np.zeros((classes, features.shape[1]))
    np.add.at(sums, labels, features)
    return sums / counts[:, None]


def cluster_classes(class_features: np.ndarray, n_b: int, seed: int = 0) -> np.ndarray:
    """CLUSTER of Table 3.8: k-means on the classes' mean features, made balanced.

    Every centre takes the class nearest to it, then every centre takes a second one, and so on (section 3.2.1). Where
    two centres want one class the nearer has it. Where n_b does not divide the number of classes, the last round has a
    class only for the centres nearest to the classes that are left: sizes differ by one at most.

    Args:
        class_features: float [classes, D].

    Returns:
        int64 [classes], the branch of each class.

    Raises:
        InputError: n_b below 1 or above the number of classes, or features that are not finite numbers.
    """
    features = np.asarray(class_features, dtype=np.float64)
    if features.ndim != 2 or not np.isfinite(features).all():
        raise InputError(f"class features have shape {features.shape}: give finite numbers, [classes, D]")
    checks.branches(n_b, len(features))
    means = KMeans(n_b, n_init=10, random_state=derive_seed("subtasks", seed) % 2**32).fit(features)
    return _balanced(cdist(means.cluster_centers_, features))


def _balanced(distances: np.ndarray) -> np.ndarray:
    """The branch of each class from distances [n_b, classes], in rounds of one class a branch."""
    n_b, classes = distances.shape
    subtasks = np.full(classes, -1)
    while (left := np.count_nonzero(subtasks < 0)) > 0:
        open_pairs = np.where(subtasks < 0, distances, np.inf)
        for _ in range(min(n_b, left)):
            branch, taken = np.unravel_index(open_pairs.argmin(), distances.shape)
            subtasks[taken] = branch
            open_pairs[branch], open_pairs[:, taken] = np.inf, np.inf
    return subtasks


def random_classes(classes: int, n_b: int, seed: int = 0) -> np.ndarray:
    """RANDOM of Table 3.8: classes dealt to the branches in random order; sizes differ by one at most.

    Returns:
        int64 [classes], the branch of each class.

    Raises:
        InputError: n_b below 1 or above the number of classes.
    """
    checks.branches(n_b, classes)
    return rng("random subtasks", seed).permutation(np.arange(classes) % n_b)
