"""The policy network: two hidden layers that all heads share, and a head a simulation parameter (T2S section 3.2)."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from ndslib.core.seeding import generator


class PolicyNetwork(nn.Module):
    """From task vectors to a distribution over the levels of each parameter; `members` networks side by side.

    A member is a multi-layer perceptron D -> hidden -> hidden -> k_1 + ... + k_M with ReLU, and a softmax a parameter.

    Args:
        features: D.
        levels: k_1, ..., k_M.
        hidden: width of the two hidden layers (400 in the authors' code).
        seeds: one a member; it starts the member as torch starts linear layers.
    """

    def __init__(self, features: int, levels: Sequence[int], hidden: int, seeds: Sequence[int]) -> None:
        super().__init__()
        sizes = [features, hidden, hidden, sum(levels)]
        layers = [
            [_linear(rows, columns, generator("policy", seed, place)) for seed in seeds]
            for place, (rows, columns) in enumerate(pairwise(sizes))
        ]
        self.weights = nn.ParameterList(torch.stack([weight for weight, _ in layer]) for layer in layers)
        self.biases = nn.ParameterList(torch.stack([bias for _, bias in layer]) for layer in layers)
        self.register_buffer("exists", torch.arange(max(levels)) < torch.tensor(list(levels))[:, None], False)

    @property
    def members(self) -> int:
        """Networks side by side."""
        return len(self.weights[0])

    @property
    def features(self) -> int:
        """D, the length of a task vector."""
        return self.weights[0].shape[1]

    def forward(self, inputs: Tensor) -> Tensor:
        """Logarithms of the probabilities pi_i.

        Args:
            inputs: float [members, B, D].

        Returns:
            float [members, B, M, max k_i]; minus infinity where a parameter has no such level.
        """
        return self.heads(torch.baddbmm(self.biases[0], inputs, self.weights[0]))

    def heads(self, first: Tensor) -> Tensor:
        """`forward` from the first layer's output, float [members, B, hidden], on."""
        hidden = torch.baddbmm(self.biases[1], first.relu(), self.weights[1]).relu()
        flat = torch.baddbmm(self.biases[2], hidden, self.weights[2])  # Shape: (members, b, sum of k)
        scores = flat.new_full((*flat.shape[:2], *self.exists.shape), -torch.inf)
        scores[..., self.exists] = flat
        return scores.log_softmax(-1)


class InSpan(nn.Module):
    """A policy network in the coordinates of the span of its training inputs: the same training, whatever D is.

    The gradient of the first layer's weights lies in the span of the inputs. What is orthogonal to it only decays, all
    of it by one factor, which is followed here as a parameter whose gradient is zero. `fold` gives the network back.

    Args:
        network: what is trained; its other layers are shared and train in place.
        inputs: float [N, D], all task vectors that training will see.
    """

    def __init__(self, network: PolicyNetwork, inputs: Tensor) -> None:
        super().__init__()
        self.network, self.basis = network, torch.linalg.qr(inputs.T)[0]  # Shape: (d, rank)
        start = network.weights[0].detach()
        self.first = nn.Parameter(self.basis.T @ start)  # Shape: (members, rank, hidden)
        self.rest = start - self.basis @ self.first.detach()
        self.decay = nn.Parameter(torch.ones(()))
        network.weights[0].requires_grad_(False)

    def forward(self, inputs: Tensor) -> Tensor:
        """As `PolicyNetwork.forward`, of inputs in the basis, float [members, B, rank]."""
        first = torch.baddbmm(self.network.biases[0], inputs, self.first)
        return self.network.heads(first + 0 * self.decay)

    def fold(self) -> None:
        """Put the trained first layer into the network."""
        weight = self.network.weights[0].requires_grad_(True)
        with torch.no_grad():
            weight.copy_(self.basis @ self.first + self.decay * self.rest)


def _linear(rows: int, columns: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Weight [rows, columns] and bias [1, columns], drawn as `nn.Linear` draws them."""
    bound = rows**-0.5
    weight, bias = (torch.empty(shape, columns) for shape in (rows, 1))
    return weight.uniform_(-bound, bound, generator=random), bias.uniform_(-bound, bound, generator=random)
