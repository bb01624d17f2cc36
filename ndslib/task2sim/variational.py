"""Task2Vec by the variational estimate: how much noise each weight bears (Achille et al., Task2Vec, ICCV 2019)."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from ndslib.core.models import to_float

START = 0.05  # variance of the noise at first, as a share of that of the weights (the authors' code)
FLOOR = 1e-8
INPUT_FLOOR = 1e-2  # added to squared inputs, so that noise never vanishes (the authors' code)
NOISE_RATE, HEAD_RATE = 1e-2, 5e-4


class Noisy(nn.Module):
    """A layer whose weights carry Gaussian noise, of one learnt variance a filter or batch-norm weight.

    Args:
        layer: with a `weight`, which stays as it is.
        spread: float [values], the variance of the weights that the noise starts from.
    """

    def __init__(self, layer: nn.Module, spread: Tensor) -> None:
        super().__init__()
        self.layer = layer
        self.log_variance = nn.Parameter((START * spread + FLOOR).log())
        self.log_prior = nn.Parameter((layer.weight.detach().square().mean() + FLOOR).log())

    def divergence(self) -> Tensor:
        """Twice the Kullback-Leibler divergence from N(0, prior), one prior variance a layer; the factor is theirs."""
        weight = self.layer.weight.detach()
        fan = weight[0].numel()
        spread = (weight.square().sum() + fan * self.log_variance.exp().sum()) / self.log_prior.exp()
        return spread + weight.numel() * (self.log_prior - 1) - fan * self.log_variance.sum()


class NoisyConv(Noisy):
    """A convolution with noise, drawn at its output: the same in distribution at every position of the output.

    See Kingma et al. 2015, local reparametrisation.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__(conv, conv.weight.detach().flatten(1).var(1, correction=0))

    def forward(self, inputs: Tensor) -> Tensor:
        """Shapes as of the convolution it stands for."""
        conv = self.layer
        shape = (-1, *[1] * (conv.weight.ndim - 1))
        weights = {"weight": self.log_variance.exp().view(shape).expand_as(conv.weight)}
        if conv.bias is not None:
            weights["bias"] = torch.zeros_like(conv.bias)
        variance = functional_call(conv, weights, inputs.square() + INPUT_FLOOR)
        return conv(inputs) + variance.sqrt() * torch.randn_like(variance)


class NoisyNorm(Noisy):
    """A batch norm in evaluation mode with noise, drawn for each image and weight.

    Not in the authors' code, whose batch norms bear no noise. A weight has no variance of its own to start from: it is
    the mean square of the layer's weights.
    """

    def __init__(self, norm: nn.BatchNorm2d) -> None:
        super().__init__(norm, norm.weight.detach().square().mean().expand(len(norm.weight)))

    def forward(self, inputs: Tensor) -> Tensor:
        """Shapes as of the batch norm it stands for."""
        norm = self.layer
        normalised = F.batch_norm(inputs, norm.running_mean, norm.running_var, eps=norm.eps)
        noise = (
            torch.randn(*inputs.shape[:2], 1, 1, device=inputs.device) * (self.log_variance / 2).exp()[:, None, None]
        )
        return norm(inputs) + noise * normalised


def weight_precision(
    probe: nn.Module,
    head: nn.Module,
    names: Iterable[str],
    images: Tensor,
    labels: Tensor,
    batches: Tensor,
    beta: float,
) -> Tensor:
    """Precision of the noise that each filter and batch-norm weight bears: large where the task depends on it.

    The variances, the priors and the head train; all else is fixed, batch norms in evaluation mode.

    Args:
        probe: in evaluation mode, with `features`; its layers `names` are replaced in place.
        head: from features to class scores; it trains in place.
        images, labels: uint8 [N, 3, S, S] and int64 [N].
        batches: int64 [steps, B], places among the images for each step.
        beta: weight of the divergence against the cross-entropy.

    Returns:
        float32 [D] on the probe's device, a value a filter or batch-norm weight.
    """
    probe.requires_grad_(False)
    noisy = []
    for name in names:
        layer = probe.get_submodule(name)
        noisy.append(NoisyConv(layer) if isinstance(layer, nn.Conv2d) else NoisyNorm(layer))
        probe.set_submodule(name, noisy[-1])
    learnt = [parameter for layer in noisy for parameter in (layer.log_variance, layer.log_prior)]
    optimiser = torch.optim.Adam(
        [{"params": learnt}, {"params": list(head.parameters()), "lr": HEAD_RATE}], lr=NOISE_RATE
    )
    device = next(head.parameters()).device
    for rows in batches:
        scores = head(probe.features(to_float(images[rows].to(device))))
        loss = F.cross_entropy(scores, labels[rows].to(device)) + beta * sum(layer.divergence() for layer in noisy)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return torch.cat([(-layer.log_variance.detach()).exp() for layer in noisy])
