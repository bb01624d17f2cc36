"""What NDS is compared with: uniform sampling, KNN + Cui et al., Ngiam et al. (NDS section 4.2, Table 5).

Each returns rows of the server's sample table, as `recommend` does. The last two need labelled servers and retrain or
recompute over every dataset when one is added; that is NDS's point of departure.
"""

import numpy as np
import torch
from sklearn.metrics import pairwise_distances
from torch import nn

from ndslib.core.errors import InputError
from ndslib.nds.selection import sample_rows


def uniform_rows(total: int, budget: int, seed: int) -> np.ndarray:
    """int64[budget] distinct rows of `total`, all equally likely."""
    return sample_rows(np.array([total]), np.array([1.0]), budget, seed)


def class_means(features: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Mean feature of each class, float64[C, D], from float[N, D] and int64[N] in 0..C-1.

    Raises:
        InputError: there is no sample, one has no label (-1), or a class between 0 and the largest label has no sample.
    """
    if len(labels) == 0 or labels.min() < 0:
        raise InputError(f"class means need samples, all labelled; {int((labels < 0).sum())} of {len(labels)} are not")
    counts = np.bincount(labels)
    if (counts == 0).any():
        raise InputError(f"class {int(np.flatnonzero(counts == 0)[0])} has no sample: its mean feature is undefined")
    sums = np.zeros((len(counts), features.shape[1]))
    np.add.at(sums, labels, features)
    return sums / counts[:, None]


def knn_rows(
    server_features: np.ndarray,
    server_labels: np.ndarray,
    client_features: np.ndarray,
    client_labels: np.ndarray,
    budget: int,
    seed: int,
) -> np.ndarray:
    """KNN + Cui et al.: rows of the server classes whose mean features are nearest to the client's classes.

    Every client class takes its nearest server class, then its second nearest, and so on, until the budget is full; in
    each round the closest pair comes first. Of the last class that is needed a random part is taken. Rows without a
    label (-1) cannot be chosen.

    Args:
        server_features, client_features: float[N, D], float[M, D].
        server_labels, client_labels: int64[N] (-1 = unlabelled), int64[M].

    Raises:
        InputError: the budget exceeds the labelled rows.
    """
    labelled = np.flatnonzero(server_labels >= 0)
    _check_budget(budget, len(labelled), len(server_labels))
    means = class_means(server_features[labelled], server_labels[labelled])
    distances = pairwise_distances(class_means(client_features, client_labels), means)
    nearest = np.argsort(distances, axis=1, kind="stable")  # Shape: (client classes, server classes)
    closest_pair_first = np.argsort(np.take_along_axis(distances, nearest, 1), axis=0, kind="stable")
    rounds = np.take_along_axis(nearest, closest_pair_first, 0).T  # Shape: (server classes, client classes)
    ranked = dict.fromkeys(rounds.ravel().tolist())
    rng = np.random.default_rng(seed)
    chosen = np.concatenate([rng.permutation(np.flatnonzero(server_labels == one)) for one in ranked])
    return chosen[:budget]


def ngiam_rows(
    classifier: nn.Module, client_images: np.ndarray, server_labels: np.ndarray, budget: int, seed: int
) -> np.ndarray:
    """Ngiam et al.: server classes weighted by how often a server classifier finds them in the client's images.

    A sample of class y is drawn with probability proportional to P_client(y) / P_server(y); P_client is the mean of the
    classifier's softmax over the client's images (pseudo-labels), so a class is drawn in proportion to P_client(y)
    and its samples are equally likely.

    Args:
        classifier: trained on all labelled server classes 0..C-1; uint8[B, 3, S, S] -> logits [B, C].
        client_images: uint8[M, 3, S, S].
        server_labels: int64[N], -1 = unlabelled (cannot be chosen).

    Raises:
        InputError: the budget exceeds the labelled rows.
    """
    labelled = np.flatnonzero(server_labels >= 0)
    _check_budget(budget, len(labelled), len(server_labels))
    by_class = labelled[np.argsort(server_labels[labelled], kind="stable")]
    prior = pseudo_label_prior(classifier, client_images)
    return by_class[sample_rows(np.bincount(server_labels[labelled], minlength=len(prior)), prior, budget, seed)]


def pseudo_label_prior(classifier: nn.Module, images: np.ndarray, batch_size: int = 256) -> np.ndarray:
    """P_client: mean softmax of a classifier over images uint8[M, 3, S, S], float64[C], sums to 1."""
    if len(images) == 0:
        raise InputError("the client has no images to pseudo-label")
    device = next(classifier.parameters()).device
    classifier.eval()
    total: np.ndarray | float = 0.0
    with torch.inference_mode():
        for start in range(0, len(images), batch_size):
            batch = torch.from_numpy(np.array(images[start : start + batch_size])).to(device)
            total = total + classifier(batch).double().softmax(1).sum(0).cpu().numpy()
    return np.asarray(total) / len(images)


def _check_budget(budget: int, labelled: int, rows: int) -> None:
    if not 1 <= budget <= labelled:
        raise InputError(f"budget is {budget}, but this baseline can choose from {labelled} labelled rows of {rows}")
