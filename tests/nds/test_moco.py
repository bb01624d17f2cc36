"""MoCo: queue, momentum, loss, and that it learns."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from ndslib.core.models import ResNet18
from ndslib.core.training import TrainConfig, fit
from ndslib.nds.moco import MoCo, moco_loss


class Identity(nn.Module):
    """The smallest network with a replaceable head: the mean colour of an image."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(3, 3)

    def replace_head(self, outputs: int) -> None:
        self.fc = nn.Linear(3, outputs)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.fc(images.mean((2, 3)))


def images(count: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, 3, 2, 2, generator=torch.Generator().manual_seed(seed))


def keys_of(moco: MoCo, batch: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return functional.normalize(moco.key(batch), dim=1)


def test_queue_is_first_in_first_out_and_wraps_around():
    moco = MoCo(Identity(), queue_size=5, dimensions=4, momentum=1.0)
    start = moco.queue.clone()
    batches = [images(3, seed) for seed in range(3)]
    moco((batches[0], batches[0]))
    torch.testing.assert_close(moco.queue, torch.cat([keys_of(moco, batches[0]), start[3:]]))
    moco((batches[1], batches[1]))
    second = keys_of(moco, batches[1])
    torch.testing.assert_close(moco.queue, torch.cat([second[2:], keys_of(moco, batches[0])[1:], second[:2]]))
    moco((batches[2], batches[2]))
    third = keys_of(moco, batches[2])
    torch.testing.assert_close(moco.queue, torch.cat([second[2:], third, second[1:2]]))
    assert int(moco.place) == 4


def test_a_batch_larger_than_the_queue_leaves_its_last_keys():
    moco = MoCo(Identity(), queue_size=3, dimensions=4, momentum=1.0)
    moco((images(2), images(2)))
    batch = images(7, seed=1)
    moco((batch, batch))
    keys = keys_of(moco, batch)
    assert int(moco.place) == (2 + 7) % 3
    # Key number i lies at (2 + i) mod 3: 4 at 0, 5 at 1, 6 at 2.
    torch.testing.assert_close(moco.queue, keys[4:])


def test_evaluation_changes_nothing():
    moco = MoCo(Identity(), queue_size=5, dimensions=4, momentum=0.5).eval()
    with torch.no_grad():
        moco.query.fc.weight += 1
    before = copy.deepcopy(moco.state_dict())
    moco((images(3), images(3)))
    for name, value in moco.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_key_network_follows_with_momentum():
    moco = MoCo(Identity(), queue_size=5, dimensions=4, momentum=0.9)
    start = moco.key.fc.weight.clone()
    assert torch.equal(start, moco.query.fc.weight)
    with torch.no_grad():
        moco.query.fc.weight += 1
    moco((images(3), images(3)))
    torch.testing.assert_close(moco.key.fc.weight, 0.9 * start + 0.1 * (start + 1))
    moco((images(3), images(3)))
    torch.testing.assert_close(moco.key.fc.weight, 0.81 * start + 0.19 * (start + 1))


def test_loss_is_infonce_by_hand():
    moco = MoCo(Identity(), queue_size=4, dimensions=2, temperature=0.5)
    queue = moco.queue.clone()
    views = images(3, 1), images(3, 2)
    with torch.no_grad():
        queries = functional.normalize(moco.query(views[0]), dim=1).double().numpy()
    keys, negatives = keys_of(moco, views[1]).double().numpy(), queue.double().numpy()
    expected = []
    for query, key in zip(queries, keys, strict=True):
        own, others = np.exp(query @ key / 0.5), np.exp(negatives @ query / 0.5)
        expected.append(-np.log(own / (own + others.sum())))
    assert moco_loss(moco, views).item() == pytest.approx(np.mean(expected), rel=1e-5)


def test_only_the_query_network_gets_gradients():
    moco = MoCo(ResNet18(3, width=2), queue_size=8, dimensions=4)
    moco_loss(moco, (images(4), images(4, 1))).backward()
    assert all(parameter.grad is not None for parameter in moco.query.parameters())
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in moco.key.parameters())
    assert moco.queue.grad is None


def test_the_start_depends_on_the_seed_alone():
    network = Identity()
    torch.manual_seed(1)
    first = MoCo(copy.deepcopy(network), 4, dimensions=4, seed=0).state_dict()
    torch.manual_seed(2)
    before = torch.get_rng_state()
    second = MoCo(copy.deepcopy(network), 4, dimensions=4, seed=0).state_dict()
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(first[name], second[name]) for name in first)
    other = MoCo(copy.deepcopy(network), 4, dimensions=4, seed=1).state_dict()
    assert not torch.equal(first["query.fc.weight"], other["query.fc.weight"])
    assert not torch.equal(first["queue"], other["queue"])


def test_learns_to_tell_instances_apart():
    """Two noisy views of each of 64 small pictures: the query must find its key among the other pictures'."""
    pictures = torch.rand(64, 3, 8, 8, generator=torch.Generator().manual_seed(3)) * 4 - 2

    def views(step: int) -> tuple[torch.Tensor, torch.Tensor]:
        noise = torch.Generator().manual_seed(100 + step)
        chosen = torch.randperm(64, generator=noise)[:32]
        return tuple(pictures[chosen] + 0.3 * torch.randn(32, 3, 8, 8, generator=noise) for _ in range(2))

    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = ResNet18(3, width=4)
    moco = MoCo(network, queue_size=64, dimensions=16, momentum=0.9)

    def found() -> float:
        """How often the own key is the nearest of the 64 keys of all pictures; 1 in 64 is chance."""
        noise = torch.Generator().manual_seed(7)
        seen = [pictures + 0.3 * torch.randn(64, 3, 8, 8, generator=noise) for _ in range(2)]
        moco.eval()
        with torch.no_grad():
            queries, keys = (functional.normalize(moco.query(view), dim=1) for view in seen)
        return float(((queries @ keys.T).argmax(1) == torch.arange(64)).float().mean())

    untrained = found()
    fit(moco, moco_loss, views, TrainConfig(200, 32, 0.03))
    assert found() > max(untrained + 0.2, 0.9)
