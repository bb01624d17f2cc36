"""Joint training and evaluation."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import distributed, nn
from torch.nn import functional

from ndslib.core.errors import InputError
from ndslib.core.seeding import rng
from ndslib.core.training import TrainConfig
from ndslib.hydranet.networks import NetworkConfig, build
from ndslib.hydranet.tasks import Split
from ndslib.hydranet.training import JointLoss, evaluate, joint_loss, predict, train

HYDRA = NetworkConfig("resnet", 1, n_b=3, k=2, scale=0.25)
CLASSES, SIZE = 6, 16
QUICK = TrainConfig(steps=40, batch_size=24, lr=0.1)


def coloured(per_class: int = 20, seed: int = 0) -> Split:
    """Images whose class is their colour, with noise: red, green, blue, each bright or dark."""
    random = rng("coloured", seed)
    labels = np.repeat(np.arange(CLASSES), per_class)
    images = random.integers(0, 60, (len(labels), 3, SIZE, SIZE))
    images[np.arange(len(labels)), labels // 2] += np.where(labels % 2, 180, 90)[:, None, None]
    return Split(images.astype(np.uint8), labels)


def batch_of(split: Split) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.as_tensor(split.images), torch.as_tensor(split.labels)


def test_supervised_loss_adds_the_gates_cross_entropy():
    network, (images, labels) = build(HYDRA, CLASSES).train(), batch_of(coloured(4))
    outputs = network.outputs(images)
    each = [functional.cross_entropy(logits, labels) for logits in (outputs.logits, outputs.gate_logits)]
    torch.testing.assert_close(joint_loss(network, images, labels, gate_weight=0.5), each[0] + 0.5 * each[1])
    assert each[1] > 0


def test_learned_gates_have_no_supervision_but_may_be_balanced():
    network, (images, labels) = build(replace(HYDRA, gating="learned"), CLASSES).train(), batch_of(coloured(4))
    outputs = network.outputs(images)
    plain = functional.cross_entropy(outputs.logits, labels)
    torch.testing.assert_close(joint_loss(network, images, labels), plain)
    use = outputs.scores.sum(0)  # of each branch over the batch
    term = 0.1 * network.n_b / len(images) ** 2 * (use**2).sum()
    torch.testing.assert_close(joint_loss(network, images, labels, balance=0.1), plain + term)
    assert 0.1 - 1e-6 <= term <= 0.3  # 0.1 where all branches are used alike, n_b times as much where one is alone


@pytest.mark.parametrize("config", [replace(HYDRA, gating="none"), NetworkConfig("resnet", 1, scale=0.25)])
def test_without_a_gate_the_loss_is_that_of_the_predictions(config):
    network, (images, labels) = build(config, CLASSES).train(), batch_of(coloured(4))
    expected = functional.cross_entropy(network(images), labels)
    torch.testing.assert_close(joint_loss(network, images, labels, gate_weight=7.0, balance=7.0), expected)


def test_a_wrapper_that_hides_the_gate_is_refused():
    images, labels = batch_of(coloured(2))
    with pytest.raises(InputError, match="JointLoss"):
        joint_loss(nn.Sequential(build(HYDRA, CLASSES)), images, labels)


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("gating", ["supervised", "learned", "none"])
def test_data_parallel_training_gives_the_same_gradients(tmp_path, gating, skip):
    """Two steps: the second would fail if a parameter had been left without a gradient in the first."""
    images, labels = batch_of(coloured(1))
    plain, wrapped = (build(replace(HYDRA, gating=gating), CLASSES).train() for _ in range(2))
    plain.skip_idle = wrapped.skip_idle = skip
    distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    try:
        parallel = nn.parallel.DistributedDataParallel(JointLoss(wrapped))
        for _ in range(2):
            joint_loss(plain, images, labels).backward()
            parallel(images, labels).backward()
    finally:
        distributed.destroy_process_group()
    for (name, one), other in zip(plain.named_parameters(), wrapped.parameters(), strict=True):
        torch.testing.assert_close(other.grad, one.grad, msg=name)


@pytest.mark.parametrize("gating", ["supervised", "learned", "none"])
def test_training_learns_and_skipping_idle_branches_follows_the_same_path(gating):
    losses = {}
    for skip in (False, True):
        network = build(replace(HYDRA, gating=gating), CLASSES)
        network.skip_idle = skip
        losses[skip] = train(network, coloured(), QUICK)
    assert np.mean(losses[False][-5:]) < 0.5 * losses[False][0]
    np.testing.assert_allclose(losses[True][:10], losses[False][:10], rtol=1e-3)


def test_a_trained_network_beats_chance_and_its_gate_finds_the_branch():
    network = build(HYDRA, CLASSES, subtasks=[0, 0, 1, 1, 2, 2])
    train(network, coloured(40), replace(QUICK, steps=80))
    found = evaluate(network, coloured(seed=1))
    assert found.top1 > 0.6
    assert found.recall > 0.9
    assert found.confusion.diagonal().min() > 0.7


class Stopped(Exception):
    """Stands for whatever ends a run in the middle."""


def test_training_resumes_to_the_same_bits(tmp_path):
    config = replace(QUICK, steps=6)
    whole, stopped, resumed = (build(HYDRA, CLASSES) for _ in range(3))
    train(whole, coloured(), config)
    calls = itertools.count()

    def stop_at_the_fifth_step(*_):
        if next(calls) == 4:
            raise Stopped

    stopped.stem.register_forward_pre_hook(stop_at_the_fifth_step)
    with pytest.raises(Stopped):
        train(stopped, coloured(), config, checkpoint=tmp_path / "checkpoint", checkpoint_every=2)
    train(resumed, coloured(), config, checkpoint=tmp_path / "checkpoint")
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_evaluation_counts_what_happened():
    """A gate that always sends an image to the branches 0 and 1."""
    network = build(HYDRA, CLASSES, subtasks=[0, 0, 1, 1, 2, 2]).eval()
    network.gate_scores = lambda logits: torch.tensor([3.0, 2.0, 1.0]).expand(len(logits), 3)
    found = evaluate(network, coloured(5))
    np.testing.assert_array_equal(found.utilisation, [1, 1, 0])
    np.testing.assert_array_equal(found.confusion, [[1, 1, 0]] * 3)
    assert found.recall == pytest.approx(2 / 3)
    hits = predict(network, coloured(5).images).logits.argmax(1).numpy() == coloured(5).labels
    assert found.top1 == pytest.approx(hits.mean())


def test_evaluation_of_networks_without_a_supervised_gate():
    static = evaluate(build(NetworkConfig("resnet", 1, scale=0.25), CLASSES), coloured(2))
    assert static[1:] == (None, None, None, None)
    learned = evaluate(build(replace(HYDRA, gating="learned"), CLASSES), coloured(2))
    assert learned.recall is None
    assert learned.utilisation.sum() == pytest.approx(HYDRA.k)
    everything = evaluate(build(replace(HYDRA, gating="none"), CLASSES), coloured(2))
    np.testing.assert_array_equal(everything.utilisation, np.ones(HYDRA.n_b))


@pytest.mark.parametrize("batch", [1, 5, 100])
def test_prediction_does_not_depend_on_the_batch_and_keeps_the_mode(batch):
    network, images = build(HYDRA, CLASSES).train(), coloured(2).images
    whole = predict(network, images)
    parts = predict(network, images, batch)
    assert network.training
    torch.testing.assert_close(parts.logits, whole.logits, rtol=1e-4, atol=1e-5)
    assert torch.equal(parts.chosen, whole.chosen)


def test_read_only_images_are_enough():
    split = coloured(4)
    split.images.setflags(write=False)
    network = build(HYDRA, CLASSES)
    train(network, split, replace(QUICK, steps=1))
    assert 0 <= evaluate(network, split).top1 <= 1
