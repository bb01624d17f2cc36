"""The baselines of NDS Table 5."""

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from ndslib.core.errors import InputError
from ndslib.nds.baselines import class_means, knn_rows, ngiam_rows, pseudo_label_prior, uniform_rows


def test_uniform_rows_are_distinct_seeded_and_equally_likely():
    rows = uniform_rows(50, 20, seed=1)
    assert len(set(rows.tolist())) == 20
    np.testing.assert_array_equal(rows, uniform_rows(50, 20, seed=1))
    assert rows.tolist() != uniform_rows(50, 20, seed=2).tolist()
    assert sorted(uniform_rows(50, 50, seed=0).tolist()) == list(range(50))
    counts = np.bincount(np.concatenate([uniform_rows(10, 3, seed) for seed in range(2000)]), minlength=10)
    assert stats.chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize("budget", [0, 51])
def test_uniform_budget_errors(budget):
    with pytest.raises(InputError, match="budget"):
        uniform_rows(50, budget, seed=0)


def test_class_means():
    features = np.array([[0.0, 2.0], [5.0, 5.0], [4.0, 6.0]])
    np.testing.assert_array_equal(class_means(features, np.array([0, 1, 0])), [[2.0, 4.0], [5.0, 5.0]])
    with pytest.raises(InputError, match="class 1 has no sample"):
        class_means(features, np.array([0, 2, 0]))
    with pytest.raises(InputError, match="1 of 3 are not"):
        class_means(features, np.array([0, -1, 1]))
    with pytest.raises(InputError, match="need samples"):
        class_means(features[:0], np.array([], dtype=int))


# Server classes 0 to 4 lie at 0, 10, 20, 30 and 40 on a line, four rows each, in a mixed order; one row has no label.
LABELS = np.array([3, 0, 1, 2, 4, -1, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4])
SERVER = np.where(LABELS >= 0, LABELS * 10.0, 21.0)[:, None]


def knn(client: list[float], budget: int, seed: int = 0, server: np.ndarray = SERVER) -> np.ndarray:
    return knn_rows(server, LABELS, np.array(client)[:, None], np.arange(len(client)), budget, seed)


def test_knn_takes_classes_in_the_order_of_their_distance():
    rows = knn([21.0], 20)  # classes at 20, 30, 10, 40, 0
    assert LABELS[rows].tolist() == [2] * 4 + [3] * 4 + [1] * 4 + [4] * 4 + [0] * 4
    assert len(set(rows.tolist())) == 20


def test_knn_serves_every_client_class_before_second_choices():
    # First choices: class 4 is 1 and class 0 is 2 away. Second: class 3 is 11 and class 1 is 12 away.
    rows = knn([-2.0, 41.0], 16)
    assert LABELS[rows].tolist() == [4] * 4 + [0] * 4 + [3] * 4 + [1] * 4


def test_knn_counts_a_class_that_two_client_classes_share_once():
    # Both are nearest to class 2; of the second choices class 3 is 8 away from 22, class 1 is 9 away from 19.
    assert LABELS[knn([19.0, 22.0], 12)].tolist() == [2] * 4 + [3] * 4 + [1] * 4


def test_knn_takes_a_random_part_of_the_last_class():
    parts = [knn([21.0], 6, seed)[4:] for seed in range(200)]
    assert all((LABELS[part] == 3).all() for part in parts)
    counts = np.bincount(np.concatenate(parts), minlength=len(LABELS))[LABELS == 3]
    assert stats.chisquare(counts).pvalue > 1e-3
    np.testing.assert_array_equal(knn([21.0], 6, seed=5), knn([21.0], 6, seed=5))


def test_knn_uses_class_means_and_never_takes_unlabelled_rows():
    spread = SERVER + np.where(np.arange(len(LABELS)) < 11, 1.0, -1.0)[:, None] * (LABELS == 2)[:, None] * 100
    assert set(LABELS[knn([20.0], 4, server=spread)].tolist()) == {2}  # its rows lie 100 away, their mean at 20
    assert -1 not in LABELS[knn([21.0], 20)]


@pytest.mark.parametrize("budget", [0, 21])
def test_knn_budget_errors(budget):
    with pytest.raises(InputError, match=rf"budget is {budget}, but .* 20 labelled rows of 21"):
        knn([21.0], budget)


class Brightness(nn.Module):
    """Three classes: log-odds of black, grey and white images are known exactly."""

    def __init__(self) -> None:
        super().__init__()
        table = torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]]).log()
        self.table = nn.Parameter(table)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.table[(images[:, 0, 0, 0] // 100).long()]


def shades(*numbers: int) -> np.ndarray:
    return np.stack([np.full((3, 2, 2), 100 * number, np.uint8) for number in numbers])


def test_prior_is_the_mean_softmax_whatever_the_batches():
    images = shades(0, 0, 1, 2)
    expected = [(0.7 + 0.7 + 0.1 + 0.2) / 4, (0.2 + 0.2 + 0.8 + 0.2) / 4, (0.1 + 0.1 + 0.1 + 0.6) / 4]
    for batch_size in (1, 3, 256):
        prior = pseudo_label_prior(Brightness(), images, batch_size)
        np.testing.assert_allclose(prior, expected, rtol=1e-6)
        assert prior.sum() == pytest.approx(1.0, abs=1e-9)
    with pytest.raises(InputError, match="no images to pseudo-label"):
        pseudo_label_prior(Brightness(), images[:0])


def test_ngiam_draws_classes_by_the_prior_and_their_samples_equally():
    labels = np.tile([0, 0, 0, 0, 0, 0, 1, 1, 1, 2, -1], 20)  # 120, 60 and 20 images of the classes, 20 unlabelled
    first = [int(ngiam_rows(Brightness(), shades(0, 1), labels, 1, seed)[0]) for seed in range(3000)]
    drawn = np.bincount(labels[first], minlength=3)
    expected = np.array([0.4, 0.5, 0.1])  # the means of the rows for black and grey
    assert stats.chisquare(drawn, expected * 3000).pvalue > 1e-3
    within = np.bincount(first, minlength=len(labels))[labels == 1]
    assert stats.chisquare(within).pvalue > 1e-3


def test_ngiam_never_takes_unlabelled_or_a_row_twice():
    labels = np.array([0, -1, 1, -1, 2, 0, 1])
    rows = ngiam_rows(Brightness(), shades(2), labels, 5, seed=0)
    assert sorted(rows.tolist()) == [0, 2, 4, 5, 6]
    np.testing.assert_array_equal(rows, ngiam_rows(Brightness(), shades(2), labels, 5, seed=0))


@pytest.mark.parametrize("budget", [0, 6])
def test_ngiam_budget_errors(budget):
    with pytest.raises(InputError, match=rf"budget is {budget}, but .* 5 labelled rows of 7"):
        ngiam_rows(Brightness(), shades(2), np.array([0, -1, 1, -1, 2, 0, 1]), budget, seed=0)
