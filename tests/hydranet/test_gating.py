"""The gate's decision: scores of branches, the k best of them, and the balance term."""

import pytest
import torch

from ndslib.hydranet.gating import balance_loss, choose, subtask_scores


def test_a_subtask_scores_the_probability_of_its_classes():
    logits = torch.tensor([[0.1, 0.2, 0.3, 0.4], [0.7, 0.1, 0.1, 0.1]]).log()
    scores = subtask_scores(logits, torch.tensor([1, 0, 1, 2]), 3)
    torch.testing.assert_close(scores, torch.tensor([[0.2, 0.4, 0.4], [0.1, 0.8, 0.1]]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("count", [0, 1, 5])
def test_scores_are_shares(count, dtype):
    subtasks = torch.arange(7) % 3
    scores = subtask_scores((100 * torch.randn(count, 7)).to(dtype), subtasks, 3)
    precision = torch.promote_types(dtype, torch.float32)  # half of it could decide between branches by rounding
    assert (scores.shape, scores.dtype) == ((count, 3), precision)
    assert scores.ge(0).all()
    torch.testing.assert_close(scores.sum(dim=1), torch.ones(count, dtype=precision))


def test_many_small_probabilities_outweigh_the_best_class():
    logits = torch.tensor([[0.4, 0.3, 0.3]]).log()
    assert subtask_scores(logits, torch.tensor([0, 1, 1]), 2).argmax() == 1


def test_the_classes_of_a_subtask_share_the_blame():
    logits = torch.randn(1, 4, requires_grad=True)
    subtask_scores(logits, torch.tensor([0, 0, 1, 1]), 2)[0, 0].backward()
    assert (logits.grad[0, :2] > 0).all()
    assert (logits.grad[0, 2:] < 0).all()


@pytest.mark.parametrize("k", [1, 2, 4])
def test_the_k_best_are_chosen(k):
    scores = torch.tensor([[0.1, 0.4, 0.3, 0.2], [0.4, 0.1, 0.2, 0.3]])
    ranks = torch.tensor([[3, 0, 1, 2], [0, 3, 2, 1]])
    choice = choose(scores, k)
    assert torch.equal(choice.chosen, ranks < k)
    assert choice.weights is None


@pytest.mark.parametrize("k", [1, 3, 5])
def test_equal_scores_choose_k_all_the_same(k):
    assert choose(torch.full((6, 5), 0.2), k).chosen.sum(dim=1).tolist() == [k] * 6


def test_no_image_chooses_nothing():
    assert choose(torch.empty(0, 5), 2).chosen.shape == (0, 5)


def test_learned_gating_keeps_the_scores_as_weights():
    scores = torch.rand(3, 4, requires_grad=True)
    choice = choose(scores, 2, weighted=True)
    assert choice.weights is scores
    assert torch.equal(choice.chosen, choose(scores, 2).chosen)


def test_balance_is_the_sum_of_squared_utilisations():
    scores = torch.tensor([[0.5, 0.5, 0.0], [0.25, 0.25, 0.5]])
    assert balance_loss(scores, 2.0).item() == pytest.approx(2 * (0.75**2 + 0.75**2 + 0.5**2))
    assert balance_loss(scores, 0.0) == 0
    assert balance_loss(scores[:0], 1.0) == 0


def test_balance_is_least_where_all_branches_are_used_alike():
    even, uneven = torch.full((8, 4), 0.25), torch.eye(4)[torch.tensor([0, 0, 0, 1, 1, 2, 2, 3])]
    assert balance_loss(even, 0.1) == balance_loss(torch.eye(4).repeat(2, 1), 0.1) < balance_loss(uneven, 0.1)
    scores = uneven.requires_grad_()
    balance_loss(scores, 0.1).backward()
    assert scores.grad[0].tolist() == sorted(scores.grad[0].tolist(), reverse=True)  # the most used is pushed down most
