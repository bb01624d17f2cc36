"""The gate's decision: from its outputs to the branches that run for each image (thesis section 3.2.2, Table 3.8)."""

from typing import Literal, NamedTuple

import torch
from torch import Tensor

Gating = Literal["supervised", "learned", "none"]
GATINGS = ("supervised", "learned", "none")


class Choice(NamedTuple):
    """Which branches run, and with what weight their features are added.

    Attributes:
        chosen: bool [B, n_b].
        weights: float [B, n_b] in 0..1, or None for a plain sum (eq. 3.1).
    """

    chosen: Tensor
    weights: Tensor | None


def subtask_scores(gate_logits: Tensor, subtasks: Tensor, n_b: int) -> Tensor:
    """The gate's g(I) of eq. 3.1: the probability of each subtask, the sum of those of its classes.

    The source's gate ends in class scores (only so do its parameter counts come out) and does not say how they become
    scores of branches; the sum is the probability that the image is of one of the subtask's classes.

    Args:
        gate_logits: float [B, classes].
        subtasks: int64 [classes], the branch of each class.

    Returns:
        float [B, n_b], rows that sum to 1.
    """
    # In at least single precision, so that rounding does not decide between branches.
    precision = torch.promote_types(gate_logits.dtype, torch.float32)
    probabilities = gate_logits.softmax(dim=1, dtype=precision)
    return probabilities.new_zeros(len(gate_logits), n_b).index_add(1, subtasks, probabilities)


def choose(scores: Tensor, k: int, weighted: bool = False) -> Choice:
    """The k branches of the highest scores; `weighted` keeps the scores as weights (LEARN of Table 3.8)."""
    best = scores.topk(k, dim=1).indices
    chosen = torch.zeros_like(scores, dtype=torch.bool).scatter(1, best, True)
    return Choice(chosen, scores if weighted else None)


def balance_loss(scores: Tensor, weight: float) -> Tensor:
    """LEARN-BALANCE's term: weight times the sum over branches of (sum over the batch of g(i, b)) squared.

    Args:
        scores: float [B, n_b], the gate's scores of all branches.
        weight: lambda_bal, whose value the source does not give.
    """
    return weight * scores.sum(dim=0).square().sum()
