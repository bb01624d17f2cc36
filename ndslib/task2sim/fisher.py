"""The diagonal of a probe's Fisher information, averaged over each filter: Task2Vec by Monte Carlo."""

import itertools
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.hooks import RemovableHandle

from ndslib.core.errors import InputError
from ndslib.core.models import SubsampledConv, to_float


def diagonal_fisher(
    probe: nn.Module,
    head: nn.Module,
    layers: dict[str, nn.Conv2d | nn.BatchNorm2d],
    images: Tensor,
    pairs: Tensor,
    weights: Tensor,
    chunk: int = 64,
) -> Tensor:
    """Weighted mean over (image, label) of the squared gradient of log p(label | image), each pair by itself.

    Args:
        probe: in evaluation mode, with `features`; the network is `head(probe.features(image))`. Neither changes.
        layers: of the probe, by name; the gradients are those of their `weight`.
        images: uint8 [N, 3, S, S].
        pairs: int64 [P, 2], place among the images and label.
        weights: float [P], of each pair; they sum to 1.
        chunk: pairs at a time; bounds the memory and changes nothing else.

    Returns:
        float32 [D] on the probe's device: layer after layer, a value a filter (the mean over its weights) or
        batch-norm weight; 0 for a layer that the features do not depend on.

    Raises:
        InputError: features without a gradient, or a layer that runs more than once in a pass.
    """
    device = next(probe.parameters()).device
    totals = {name: torch.zeros(len(layer.weight), device=device) for name, layer in layers.items()}
    for part, shares in zip(pairs.split(chunk), weights.split(chunk), strict=True):
        squares = _squared_gradients(probe, head, layers, images[part[:, 0]].to(device), part[:, 1].to(device))
        for name, values in squares.items():
            totals[name] += shares.to(device) @ values
    return torch.cat(list(totals.values()))


def _squared_gradients(
    probe: nn.Module, head: nn.Module, layers: dict[str, nn.Module], images: Tensor, labels: Tensor
) -> dict[str, Tensor]:
    """Squared gradients of each sample, [B, values] a layer, from one backward pass.

    A layer's input and the gradient at its output give the gradient of its weight sample by sample, where autograd
    would only give the sum over the batch.
    """
    inputs: dict[str, Tensor] = {}
    squares: dict[str, Tensor] = {}
    handles = [_watch(name, layer, inputs, squares) for name, layer in layers.items()]
    try:
        pixels = to_float(images).requires_grad_()
        scores = head(probe.features(pixels))
    finally:
        for handle in handles:
            handle.remove()
    loss = F.cross_entropy(scores, labels, reduction="sum")
    # With respect to the pixels: the pass then crosses every layer and computes no gradient of a weight.
    (reached,) = torch.autograd.grad(loss, pixels, allow_unused=True)
    if reached is None:
        raise InputError("the probe's features have no gradient: compute them without no_grad, detach and rounding")
    return squares


def _watch(name: str, layer: nn.Module, inputs: dict[str, Tensor], squares: dict[str, Tensor]) -> RemovableHandle:
    """Have the squared gradients of a layer put into `squares` when the backward pass reaches its output."""
    of_layer = filter_squares if isinstance(layer, nn.Conv2d) else scale_squares

    def passed(_: nn.Module, arguments: tuple[Tensor, ...], output: Tensor) -> None:
        if name in inputs:
            raise InputError(f"{name} of the probe runs more than once in a pass; take a probe that shares no layer")
        inputs[name] = arguments[0].detach()
        if output.requires_grad:
            output.register_hook(reached)

    def reached(gradient: Tensor) -> None:
        squares[name] = of_layer(layer, inputs[name], gradient)

    return layer.register_forward_hook(passed)


def filter_squares(layer: nn.Conv2d, inputs: Tensor, gradient: Tensor) -> Tensor:
    """Squared gradients of a convolution's weight, averaged over each filter, float [B, filters].

    The gradient of a filter at one place of the kernel is a product over positions: of the gradient at the output, G,
    and of the input seen from there, X. Where positions are few, the sum of squares |G X|^2 over all places is cheaper
    as G (X X^T) G^T, which needs no filter's gradient (Goodfellow 2015).

    Args:
        inputs: float [B, C, H, W], what went in.
        gradient: float [B, filters, H', W'], of the loss with respect to what came out.
    """
    fan, filters = layer.weight[0].numel(), len(layer.weight) // layer.groups
    rows = _by_group(gradient, layer.groups)  # Shape: (b, groups, positions, filters / groups)
    seen = _seen(layer, inputs, gradient.shape[2:])
    if rows.shape[2] * (fan + filters) < fan * filters:
        gram = sum(part @ part.mT for part in seen)
        total = (rows * (gram @ rows)).sum(2).clamp(min=0)  # rounding may leave a little below 0
    else:
        total = sum((rows.mT @ part).square().sum(-1) for part in seen)
    return total.flatten(1) / fan


def scale_squares(layer: nn.BatchNorm2d, inputs: Tensor, gradient: Tensor) -> Tensor:
    """Squared gradients of the weight of a batch norm in evaluation mode, float [B, C]; arguments as above."""
    normalised = F.batch_norm(inputs, layer.running_mean, layer.running_var, eps=layer.eps)
    return (gradient * normalised).sum((2, 3)).square()


def _seen(layer: nn.Conv2d, inputs: Tensor, size: torch.Size) -> Iterator[Tensor]:
    """What each place of the kernel sees at the positions of the output, [B, groups, positions, C / groups] a place.

    Place by place needs an input's memory at a time; `unfold` needs that times the kernel's size, and is slower.
    """
    if isinstance(layer, SubsampledConv):  # it subsamples by itself, and its own stride is 1
        inputs = inputs[..., ::2, ::2]
    padded = F.pad(inputs, [side for pixels in reversed(layer.padding) for side in (pixels, pixels)])
    for place in itertools.product(*map(range, layer.kernel_size)):
        down, across = (
            slice(start * dilation, start * dilation + (count - 1) * stride + 1, stride)
            for start, dilation, count, stride in zip(place, layer.dilation, size, layer.stride, strict=True)
        )
        yield _by_group(padded[..., down, across], layer.groups)


def _by_group(maps: Tensor, groups: int) -> Tensor:
    """Maps [B, C, H, W] as [B, groups, H * W, C / groups], as convolutions group channels."""
    batch, channels, height, width = maps.shape
    rows = maps.permute(0, 2, 3, 1).reshape(batch, height * width, groups, channels // groups)
    return rows.transpose(1, 2)
