"""The units that the chapter's blocks are stacks of."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from ndslib.hydranet.units import DenseLayer, ResidualUnit, SeparableUnit, every_second, transition

UNITS = [
    (SeparableUnit(4, 4), 4, 1),
    (SeparableUnit(4, 6), 6, 1),
    (SeparableUnit(4, 4, stride=2), 4, 2),
    (SeparableUnit(4, 6, stride=2), 6, 2),
    (SeparableUnit(4, 3), 3, 1),
    (ResidualUnit(4, 4), 4, 1),
    (ResidualUnit(4, 7, stride=2), 7, 2),
    (DenseLayer(4, 3), 7, 1),
]


@pytest.mark.parametrize(("unit", "out", "stride"), UNITS)
@pytest.mark.parametrize("size", [7, 8])
def test_shapes_and_an_untouched_input(unit, out, stride, size):
    """The ReLUs work in place, but gate and branches share what the stem gave."""
    x = torch.randn(2, 4, size, size)
    before = x.clone()
    assert unit(x).shape == (2, out, -(-size // stride), -(-size // stride))
    assert torch.equal(x, before)


def test_a_transition_halves_the_image_and_keeps_the_channels():
    x = torch.randn(2, 4, 8, 8)
    before = x.clone()
    assert transition(4)(x).shape == (2, 4, 4, 4)
    assert torch.equal(x, before)


@pytest.mark.parametrize("size", [7, 8])
def test_every_second_pixel_before_a_pointwise_convolution_is_a_stride_of_two(size):
    x, weight = torch.randn(2, 4, size, size), torch.randn(5, 4, 1, 1)
    torch.testing.assert_close(functional.conv2d(every_second(x), weight), functional.conv2d(x, weight, stride=2))


def silence(convolution: nn.Conv2d) -> None:
    for parameter in convolution.parameters():
        nn.init.zeros_(parameter)


@pytest.mark.parametrize("stride", [1, 2])
def test_a_residual_unit_of_no_residual_is_its_input_padded_with_zeros(stride):
    unit, x = ResidualUnit(4, 6, stride), torch.randn(2, 4, 8, 8)
    silence(unit.residual[-1])
    out = unit(x)
    assert torch.equal(out[:, :4], x[..., ::stride, ::stride])
    assert not out[:, 4:].any()


@pytest.mark.parametrize("stride", [1, 2])
def test_a_separable_unit_of_no_residual_is_its_shortcut(stride):
    x = torch.randn(2, 4, 8, 8)
    same, wider = SeparableUnit(4, 4, stride).eval(), SeparableUnit(4, 6, stride).eval()
    for unit in (same, wider):
        silence(unit.second[-1])
    assert torch.equal(same(x), x[..., ::stride, ::stride])
    projected = functional.conv2d(wider.first(x), wider.shortcut.weight, wider.shortcut.bias, stride)
    torch.testing.assert_close(wider(x), projected)


def test_a_dense_layer_appends_to_what_it_was_given():
    x = torch.randn(2, 4, 8, 8)
    assert torch.equal(DenseLayer(4, 3)(x)[:, :4], x)
