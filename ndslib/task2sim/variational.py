"""Task2Vec by the variational estimate: how much noise each filter bears (Achille et al., Task2Vec, ICCV 2019)."""

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from ndslib.core.models import to_float

START = 0.05  # share of a filter's own variance that its noise has at first (the authors' code)
FLOOR = 1e-8
INPUT_FLOOR = 1e-2  # added to squared inputs, so that noise never vanishes (the authors' code)
NOISE_RATE, HEAD_RATE = 1e-2, 5e-4


class NoisyConv(nn.Module):
    """A convolution whose weights carry Gaussian noise, of one learnt variance a filter.

    The noise is drawn at the output, which is the same in distribution (Kingma et al. 2015, local reparametrisation).
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv
        weight = conv.weight.detach()
        self.log_variance = nn.Parameter((START * weight.flatten(1).var(1, correction=0) + FLOOR).log())
        self.log_prior = nn.Parameter((weight.square().mean() + FLOOR).log())

    def forward(self, inputs: Tensor) -> Tensor:
        """A convolution with noise, shapes as of the one it stands for."""
        shape = (-1, *[1] * (self.conv.weight.ndim - 1))
        weights = {"weight": self.log_variance.exp().view(shape).expand_as(self.conv.weight)}
        if self.conv.bias is not None:
            weights["bias"] = torch.zeros_like(self.conv.bias)
        variance = functional_call(self.conv, weights, inputs.square() + INPUT_FLOOR)
        return self.conv(inputs) + variance.sqrt() * torch.randn_like(variance)

    def divergence(self) -> Tensor:
        """Twice the Kullback-Leibler divergence from N(0, prior), one prior variance a layer; the factor is theirs."""
        weight = self.conv.weight.detach()
        fan = weight[0].numel()
        spread = (weight.square().sum() + fan * self.log_variance.exp().sum()) / self.log_prior.exp()
        return spread + weight.numel() * (self.log_prior - 1) - fan * self.log_variance.sum()


def filter_precision(
    probe: nn.Module,
    head: nn.Module,
    names: list[str],
    images: Tensor,
    labels: Tensor,
    batches: Tensor,
    beta: float,
) -> Tensor:
    """Precision of the noise that each filter bears: large where the task depends on the filter.

    The variances, the priors and the head train; all else is fixed, batch norms in evaluation mode.

    Args:
        probe: in evaluation mode, with `features`; its convolutions `names` are replaced in place.
        head: from features to class scores; it trains in place.
        images, labels: uint8 [N, 3, S, S] and int64 [N].
        batches: int64 [steps, B], places among the images for each step.
        beta: weight of the divergence against the cross-entropy.

    Returns:
        float32 [D] on the probe's device, a value a filter.
    """
    probe.requires_grad_(False)
    noisy = [NoisyConv(probe.get_submodule(name)) for name in names]
    for name, layer in zip(names, noisy, strict=True):
        probe.set_submodule(name, layer)
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
