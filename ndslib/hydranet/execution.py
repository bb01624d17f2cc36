"""How a HydraNet's branches run: all of them and masked, only the chosen ones, or in a form that can be traced.

Every function takes the branches, the stem's features float [B, C, H, W] and the gate's `Choice`, and gives the sum of
the chosen branches' features, float [B, C', H', W'] (thesis eq. 3.1). In evaluation mode they agree within float
tolerance; they differ in what they compute.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ndslib.hydranet.gating import Choice


def masked(branches: Sequence[nn.Module], features: Tensor, choice: Choice) -> Tensor:
    """Every branch on every image, what was not chosen masked out: training as in section 3.2.3, and the reference."""
    return sum(_masked(branch(features), choice, number) for number, branch in enumerate(branches))


def skipping(branches: Sequence[nn.Module], features: Tensor, choice: Choice) -> Tensor:
    """`masked`, less the branches that no image of the batch chose: in training the same sum and the same gradients.

    A branch that runs still sees the whole batch, because batch normalisation does. A skipped one gets gradients of
    zero, as masking gives it, so optimizers and data-parallel wrappers see no difference; its running statistics stay
    as they were, where masking would move them by images that it never serves, so the two differ in evaluation mode.
    """
    used = choice.chosen.any(dim=0).nonzero()[:, 0].tolist()
    total = sum(_masked(branches[number](features), choice, number) for number in used)
    idle = (p for number, branch in enumerate(branches) if number not in used for p in branch.parameters())
    return total + sum((p[:0].sum() for p in idle), start=total.new_zeros(()))


def conditional(branches: Sequence[nn.Module], features: Tensor, choice: Choice) -> Tensor:
    """Each branch on the images that chose it and no other: what runs is what eq. 3.1 adds up."""
    chosen = choice.chosen
    # One list of (branch, image) pairs, ordered by branch: a GPU is waited for here and not once a branch.
    images = chosen.T.nonzero()[:, 1].split(chosen.sum(dim=0).tolist())
    total = None
    for number, rows in enumerate(images):
        if not len(rows):
            continue
        out = branches[number](features if len(rows) == len(features) else features[rows])
        total = out.new_zeros(len(features), *out.shape[1:]) if total is None else total
        total.index_add_(0, rows, _weighted(out, choice, number, rows))
    return branches[0](features) if total is None else total  # no image: a branch still knows the shape of its output


def traceable(branches: Sequence[nn.Module], features: Tensor, choice: Choice) -> Tensor:
    """A `torch.cond` a branch: for graphs without Python. At run time a branch that no image chose does not run."""
    shape = branches[0](features[:0]).shape[1:]  # of no image, so that it costs nothing
    return sum(
        _masked(_if_chosen(branch, features, shape, choice, number), choice, number)
        for number, branch in enumerate(branches)
    )


def _if_chosen(branch: nn.Module, features: Tensor, shape: torch.Size, choice: Choice, number: int) -> Tensor:
    # Flat on both ways: `torch.cond` wants them to agree in strides, which branches choose for themselves.
    flat = torch.cond(
        choice.chosen[:, number].any(),
        lambda x: branch(x).flatten(1),
        lambda x: x.new_zeros(len(x), shape.numel()),
        (features,),
    )
    return flat.unflatten(1, shape)


def _masked(out: Tensor, choice: Choice, number: int) -> Tensor:
    """A branch's features, zero for the images that did not choose it."""
    return torch.where(choice.chosen[:, number, None, None, None], _weighted(out, choice, number), 0)


def _weighted(out: Tensor, choice: Choice, number: int, rows: Tensor | None = None) -> Tensor:
    if choice.weights is None:
        return out
    weights = choice.weights[:, number] if rows is None else choice.weights[rows, number]
    return out * weights[:, None, None, None].to(out.dtype)
