"""MoCo, momentum contrast (He et al. 2019), as a pretext task for the client (NDS-S Table 1).

Written here rather than taken from a library: the kept ones bring a training framework of their own, and this is the
algorithm of a table that the chapter regenerates.
"""

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional

from ndslib.core.models import ResNet18
from ndslib.core.seeding import derive_seed, generator


class MoCo(nn.Module):
    """A query network, its slowly following key network and a queue of past keys.

    Args:
        query: the network to pretrain; its linear head is replaced by one of `dimensions` outputs.
        queue_size: keys remembered, 65,536 in the source.
        momentum: of the key network, 0.999 in the source.
        temperature: of the contrastive loss, 0.07 in the source.

    The head, the key network and the queue start from `seed` alone. A batch larger than the queue leaves its last keys.

    The source shuffles keys between GPUs, because a query and its key that are normalised over the same small part of a
    batch give themselves away. One device normalises over the whole batch, where shuffling changes nothing: it is left
    out, and what whole-batch statistics give away stays.
    """

    def __init__(
        self,
        query: ResNet18,
        queue_size: int = 65_536,
        dimensions: int = 128,
        momentum: float = 0.999,
        temperature: float = 0.07,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.momentum, self.temperature = momentum, temperature
        self.query = query
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed("moco head", seed))
            self.query.replace_head(dimensions)
        self.key = copy.deepcopy(query).requires_grad_(False)
        start = torch.randn(queue_size, dimensions, generator=generator("moco queue", seed))
        self.register_buffer("queue", functional.normalize(start, dim=1))
        self.register_buffer("place", torch.zeros((), dtype=torch.int64))

    def forward(self, views: tuple[Tensor, Tensor]) -> Tensor:
        """Similarities [B, 1 + queue_size] of two views [B, 3, S, S]; the first column is the positive pair.

        In training mode the key network moves towards the query network, and the keys enter the queue.
        """
        queries = functional.normalize(self.query(views[0]), dim=1)
        with torch.no_grad():
            self._follow()
            keys = functional.normalize(self.key(views[1]), dim=1)
        positive = (queries * keys).sum(1, keepdim=True)
        negative = queries @ self.queue.clone().T  # Shape: (b, queue_size)
        self._remember(keys)
        return torch.cat([positive, negative], dim=1) / self.temperature

    def _follow(self) -> None:
        if self.training:
            for slow, fast in zip(self.key.parameters(), self.query.parameters(), strict=True):
                slow.lerp_(fast, 1 - self.momentum)

    def _remember(self, keys: Tensor) -> None:
        if self.training:
            size = len(self.queue)
            rows = (self.place + torch.arange(len(keys), device=keys.device)) % size
            self.queue[rows[-size:]] = keys[-size:].to(self.queue.dtype)  # two keys for one row would race on a GPU
            self.place.copy_((self.place + len(keys)) % size)


def moco_loss(model: MoCo, views: tuple[Tensor, Tensor]) -> Tensor:
    """InfoNCE: cross-entropy of finding each query's own key among the queue."""
    similarities = model(views)
    positives = torch.zeros(len(similarities), dtype=torch.int64, device=similarities.device)
    return functional.cross_entropy(similarities, positives)
