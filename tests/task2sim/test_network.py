"""The policy network against torch's own layers, and training in the span of the inputs against training all of it."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from ndslib.task2sim.network import InSpan, PolicyNetwork

LEVELS = (2, 4, 1, 3)


def reference(network, member):
    """The same network from torch's layers."""
    layers = []
    for weight, bias in zip(network.weights, network.biases, strict=True):
        linear = nn.Linear(*weight.shape[1:])
        with torch.no_grad():
            linear.weight.copy_(weight[member].T)
            linear.bias.copy_(bias[member, 0])
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


@pytest.mark.parametrize("levels", [LEVELS, (3,), (1, 1), (2,) * 8])
def test_it_is_a_perceptron_with_a_softmax_a_head(levels):
    network, inputs = PolicyNetwork(7, levels, 16, [0, 5]), torch.randn(2, 6, 7)
    log_pi = network(inputs)
    assert log_pi.shape == (2, 6, len(levels), max(levels))
    for member in range(2):
        heads = reference(network, member)(inputs[member]).split(levels, dim=1)
        for place, head in enumerate(heads):
            torch.testing.assert_close(log_pi[member, :, place, : levels[place]], head.log_softmax(-1))


def test_levels_that_do_not_exist_have_probability_zero_and_a_finite_gradient():
    network = PolicyNetwork(7, LEVELS, 16, [0])
    log_pi = network(torch.randn(1, 6, 7))
    exists = torch.arange(4) < torch.tensor(LEVELS)[:, None]
    assert log_pi.isfinite().equal(exists.expand(1, 6, 4, 4))
    pi = log_pi.exp()
    assert (pi[..., ~exists] == 0).all()
    torch.testing.assert_close(pi.sum(-1), torch.ones(1, 6, 4))
    log_pi[..., 1, 3].sum().backward()
    gradients = [weight.grad for weight in network.parameters()]
    assert all(gradient.isfinite().all() for gradient in gradients)
    assert gradients[0].abs().sum() > 0


def test_weights_start_as_those_of_torch_layers():
    network = PolicyNetwork(300, (2, 2), 200, [0])
    for weight, bias in zip(network.weights, network.biases, strict=True):
        spread = (3 * weight.shape[1]) ** -0.5  # deviation of numbers that are uniform within +- fan_in ** -0.5
        for values in (weight, bias):
            assert values.abs().max() <= weight.shape[1] ** -0.5
        assert weight.std().item() == pytest.approx(spread, rel=0.1)
        assert nn.Linear(*weight.shape[1:]).weight.std().item() == pytest.approx(spread, rel=0.1)


def test_a_member_depends_on_its_seed_alone():
    alone, among = PolicyNetwork(5, LEVELS, 8, [3]), PolicyNetwork(5, LEVELS, 8, [2, 3, 4])
    assert (among.members, among.features) == (3, 5)
    for first, second in zip(alone.parameters(), among.parameters(), strict=True):
        assert first[0].equal(second[1])
        assert not second[0].equal(second[2])


def test_starting_weights_do_not_touch_the_global_generator():
    before = torch.get_rng_state()
    PolicyNetwork(5, LEVELS, 8, [3])
    assert torch.get_rng_state().equal(before)


def train(network, inputs, steps=25):
    """Some SGD with momentum and weight decay on minibatches; the loss is some function of the probabilities."""
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimizer = torch.optim.SGD(trained, 0.2, 0.9, weight_decay=0.03)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = 0.2 / (1 + step // 10)
        tasks = (torch.arange(2) + step) % inputs.shape[1]
        log_pi = network(inputs[:, tasks])
        optimizer.zero_grad()
        (log_pi[..., 0].exp() * torch.tensor([1.0, -2.0, 0.0, 0.5])).sum().backward()
        optimizer.step()


def repeated():
    return torch.randn(3, 9)[[0, 1, 0, 2, 2]]


@pytest.mark.parametrize(
    "inputs",
    [torch.eye(3, 9), torch.ones(1, 9), repeated(), torch.eye(9, 4) + 0.1, torch.zeros(2, 9)],
    ids=["fewer tasks than values", "one task", "the same task twice", "more tasks than values", "nothing"],
)
def test_training_in_the_span_is_training_the_whole_network(inputs):
    whole, network = (PolicyNetwork(inputs.shape[1], LEVELS, 16, [0, 1]) for _ in range(2))
    start = [parameter.detach().clone() for parameter in network.parameters()]
    spanned = InSpan(network, inputs)
    train(spanned, (inputs @ spanned.basis).expand(2, -1, -1))
    spanned.fold()
    train(whole, inputs.expand(2, -1, -1))
    for was, one, other in zip(start, network.parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
        assert not torch.allclose(one, was, rtol=1e-2, atol=1e-3)
        assert one.requires_grad


def test_in_the_span_the_first_layer_has_as_many_rows_as_there_are_tasks():
    network = PolicyNetwork(5000, (2, 2), 16, [0])
    spanned = InSpan(network, torch.randn(3, 5000))
    trained = [tuple(parameter.shape) for parameter in spanned.parameters() if parameter.requires_grad]
    assert (1, 3, 16) in trained
    assert all(5000 not in shape for shape in trained)


def test_a_network_in_the_span_that_was_not_trained_is_the_network():
    inputs = torch.randn(4, 50)
    network = PolicyNetwork(50, LEVELS, 16, [0, 1])
    before = network(inputs.expand(2, -1, -1)).detach()
    spanned = InSpan(network, inputs)
    torch.testing.assert_close(spanned((inputs @ spanned.basis).expand(2, -1, -1)), before)
    spanned.fold()
    torch.testing.assert_close(network(inputs.expand(2, -1, -1)), before)


def test_sizes_follow_from_the_levels():
    network = PolicyNetwork(9600, (2,) * 8, 400, [0])
    sizes = [9600, 400, 400, 16]  # T2S section 3.2 with the authors' widths
    assert [tuple(weight.shape) for weight in network.weights] == [(1, *pair) for pair in pairwise(sizes)]
    assert [tuple(bias.shape) for bias in network.biases] == [(1, 1, size) for size in sizes[1:]]
