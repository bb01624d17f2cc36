"""Domain confusion: error, loss and proxy A-distance of a domain classifier."""

import numpy as np
import pytest

from ndslib.core.errors import InputError
from ndslib.nds.domain_confusion import domain_classifier


def two_domains(shift: float, count: int = 400, other: int = 400, size: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Normal features of unit variance whose means lie `shift` apart along the first feature."""
    random = np.random.default_rng(0)
    source, target = random.normal(size=(count, size)), random.normal(size=(other, size))
    target[:, 0] += shift
    return source, target


def test_one_distribution_cannot_be_told_apart():
    found = domain_classifier(*two_domains(0.0, 2000, 2000))
    assert found.error == pytest.approx(0.5, abs=0.04)
    assert found.a_distance == pytest.approx(0.0, abs=0.16)
    assert found.loss == pytest.approx(np.log(2), abs=0.02)


def test_separable_domains_are_told_apart_without_error():
    found = domain_classifier(*two_domains(40.0))
    assert (found.error, found.a_distance) == (0.0, 2.0)
    assert 0 <= found.loss < 0.05


def test_the_error_is_that_of_the_best_linear_rule():
    # Two unit normals two apart overlap by 2 Phi(-1); the best rule errs with Phi(-1) = 0.1587.
    found = domain_classifier(*two_domains(2.0, 4000, 4000))
    assert found.error == pytest.approx(0.1587, abs=0.015)
    assert found.a_distance == pytest.approx(2 * (1 - 2 * found.error))


def test_confusion_falls_as_domains_part():
    found = [domain_classifier(*two_domains(shift)) for shift in (0.0, 0.5, 1.0, 2.0, 4.0)]
    for field in ("error", "loss"):
        values = [getattr(each, field) for each in found]
        assert values == sorted(values, reverse=True)
    distances = [each.a_distance for each in found]
    assert distances == sorted(distances)


def test_the_larger_side_is_cut_to_the_smaller():
    # With 40 times more source samples, always answering "source" would err by 1 in 41 only.
    source, target = two_domains(0.0, 4000, 100)
    assert domain_classifier(source, target).error > 0.35
    assert domain_classifier(target, source).error > 0.35


def test_the_scale_of_a_feature_does_not_matter():
    source, target = two_domains(1.0)
    scale = np.array([1e-6, 1.0, 1e6, 1.0])
    assert domain_classifier(source * scale, target * scale) == pytest.approx(
        domain_classifier(source, target), abs=1e-4
    )


def test_constant_features_are_harmless():
    constant = np.ones((20, 3))
    found = domain_classifier(constant, constant)
    assert found.loss == pytest.approx(np.log(2))
    assert found.error == 0.5


def test_same_seed_same_result():
    source, target = two_domains(0.5, 300, 90)
    assert domain_classifier(source, target, seed=3) == domain_classifier(source, target, seed=3)
    assert domain_classifier(source, target, seed=3) != domain_classifier(source, target, seed=4)


@pytest.mark.parametrize(
    ("source", "target", "folds", "complaint"),
    [
        (np.zeros((4, 2)), np.zeros((9, 2)), 5, "5 folds of 4 source samples"),
        (np.zeros((9, 2)), np.zeros((4, 2)), 5, "5 folds of 4 target samples"),
        (np.zeros((9, 2)), np.zeros((9, 2)), 1, "1 folds"),
        (np.zeros((9, 2)), np.zeros((9, 3)), 5, "source has 2 features and target 3"),
        (np.zeros(9), np.zeros((9, 3)), 5, r"source features have shape \(9,\)"),
        (np.zeros((9, 2)), np.array([[0.0, 0.0]] * 8 + [[0.0, np.nan]]), 5, "target features of row 8 are not finite"),
        (np.full((9, 2), np.inf), np.zeros((9, 2)), 5, "source features of row 0 are not finite"),
    ],
)
def test_bad_input(source, target, folds, complaint):
    with pytest.raises(InputError, match=complaint):
        domain_classifier(source, target, folds=folds)
