"""Domain confusion: how well a classifier tells a subset of the server from a client's images (NDS section 3.4, eq. 9).

It needs the images of both sides in one place, which NDS avoids: there the experts' proxy accuracy stands in. The
experiment of NDS Figure 4 compares the two.
"""

from typing import NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from ndslib.core.errors import InputError
from ndslib.core.seeding import rng


class DomainClassifier(NamedTuple):
    """What a domain classifier does on held-out samples; the more it errs, the more the domains are alike.

    Attributes:
        error: epsilon of eq. 9, share of wrong answers in [0, 1]; 0.5 where the domains cannot be told apart.
        loss: mean log loss in nats, at least 0; log(2) = 0.69 for a classifier that knows nothing.
        a_distance: proxy A-distance 2 (1 - 2 epsilon), eq. 9; 2 for domains that are told apart without error, 0 at
            chance, and negative where the error happens to exceed one half.
    """

    error: float
    loss: float
    a_distance: float


def domain_classifier(
    source_features: np.ndarray, target_features: np.ndarray, seed: int = 0, folds: int = 5
) -> DomainClassifier:
    """Cross-validate a logistic regression between two sets of features.

    Of the larger side a random part is taken, so that both have min(N, M) samples and chance is one half. Features are
    standardised by the training folds. The held-out predictions of all folds count together.

    Args:
        source_features: float[N, D], features of a subset of the server.
        target_features: float[M, D], features of the client's images by the same extractor. A sample that is on both
            sides makes the error too high: its twin in the training folds has the other answer.
        seed: decides the part of the larger side and the folds.

    Raises:
        InputError: features that are not [N, D] with one D or not finite, fewer than 2 folds, or a side with fewer
            samples than folds.
    """
    source, target = _checked("source", source_features, folds), _checked("target", target_features, folds)
    if source.shape[1] != target.shape[1]:
        raise InputError(
            f"source has {source.shape[1]} features and target {target.shape[1]}: use one extractor for both"
        )
    count = min(len(source), len(target))
    parts = [_sample(side, count, name, seed) for name, side in (("source", source), ("target", target))]
    features, domains = np.concatenate(parts), np.repeat([0, 1], count)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    splits = StratifiedKFold(folds, shuffle=True, random_state=int(rng("domain folds", seed).integers(2**32)))
    with threadpool_limits(1):  # sums over threads depend on their order
        chances = cross_val_predict(model, features, domains, cv=splits, method="predict_proba")
    error = float((chances.argmax(1) != domains).mean())
    right = np.maximum(chances[np.arange(len(domains)), domains], np.finfo(float).tiny)
    return DomainClassifier(error, float(-np.log(right).mean()), 2 * (1 - 2 * error))


def _checked(name: str, features: np.ndarray, folds: int) -> np.ndarray:
    features = np.asarray(features, dtype=np.float64)
    if features.ndim != 2 or features.shape[1] == 0:
        raise InputError(f"{name} features have shape {features.shape}, wanted [N, D]")
    if folds < 2 or len(features) < folds:
        raise InputError(f"{folds} folds of {len(features)} {name} samples: give 2 folds or more, each with a sample")
    if not np.isfinite(features).all():
        row = int(np.flatnonzero(~np.isfinite(features).all(axis=1))[0])
        raise InputError(f"{name} features of row {row} are not finite")
    return features


def _sample(features: np.ndarray, count: int, name: str, seed: int) -> np.ndarray:
    return features[rng("domain sample", name, seed).choice(len(features), count, replace=False)]
