import pytest
import torch
from torch import nn
from torch.distributions import Normal, kl_divergence

from ndslib.task2sim.variational import FLOOR, INPUT_FLOOR, START, NoisyConv, NoisyNorm

DRAWS = 20_000


def norm():
    layer = nn.BatchNorm2d(3).eval()
    nn.init.normal_(layer.weight)
    nn.init.normal_(layer.running_mean)
    nn.init.uniform_(layer.running_var, 0.5, 2)
    return layer


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


@torch.no_grad()
def test_a_noisy_batch_norm_is_one_with_drawn_weights():
    layer, image = norm(), torch.randn(1, 3, 2, 2)
    noisy = NoisyNorm(layer)
    noisy.log_variance.copy_(torch.tensor([0.1, 0.5, 2.0]).log())
    outputs = noisy(image.expand(DRAWS, -1, -1, -1))
    torch.testing.assert_close(outputs.mean(0), layer(image)[0], atol=0.05, rtol=0)
    weights = layer.weight + (noisy.log_variance / 2).exp() * torch.randn(DRAWS, 3)
    layer.weight.fill_(1)
    layer.bias.zero_()
    expected = weights[:, :, None, None] * layer(image)
    torch.testing.assert_close(outputs.std(0), expected.std(0), atol=0.01, rtol=0.05)


@torch.no_grad()
def test_noise_of_a_batch_norm_is_one_draw_an_image_and_channel():
    noisy = NoisyNorm(norm())
    image = torch.randn(3, 2, 2)
    away = noisy(image.expand(4, -1, -1, -1)) - noisy.layer(image[None])
    shares = away / away[:, :, :1, :1]
    torch.testing.assert_close(shares, shares[:1].expand_as(shares), atol=1e-3, rtol=1e-3)
    assert not torch.allclose(away[0], away[1])


@torch.no_grad()
def test_a_noisy_convolution_has_the_variance_of_one_with_drawn_weights():
    conv = nn.Conv2d(2, 3, 3, stride=2, padding=1)
    noisy = NoisyConv(conv)
    noisy.log_variance.copy_(torch.tensor([0.1, 0.5, 2.0]).log())
    image = torch.randn(1, 2, 4, 4)
    outputs = noisy(image.expand(DRAWS, -1, -1, -1))
    torch.testing.assert_close(outputs.mean(0), conv(image)[0], atol=0.1, rtol=0)
    ones = torch.ones(1, 2, 3, 3)
    sums = nn.functional.conv2d(image.square() + INPUT_FLOOR, ones, stride=2, padding=1)
    expected = (noisy.log_variance.exp()[:, None, None] * sums[0]).sqrt()
    torch.testing.assert_close(outputs.std(0), expected, atol=0.01, rtol=0.05)


@pytest.mark.parametrize(("make", "layer"), [(NoisyConv, nn.Conv2d(2, 3, 3)), (NoisyNorm, norm())])
@torch.no_grad()
def test_divergence_is_twice_the_gaussians(make, layer):
    noisy = make(layer)
    variance = noisy.log_variance.exp().view(-1, *[1] * (layer.weight.ndim - 1)).expand_as(layer.weight)
    own, prior = Normal(layer.weight, variance.sqrt()), Normal(0.0, (noisy.log_prior / 2).exp())
    torch.testing.assert_close(noisy.divergence(), 2 * kl_divergence(own, prior).sum())


def test_noise_starts_as_a_share_of_the_weights_own_variance():
    conv, layer = nn.Conv2d(2, 3, 3), norm()
    spread = conv.weight.flatten(1).var(1, correction=0)
    torch.testing.assert_close(NoisyConv(conv).log_variance.exp(), START * spread + FLOOR)
    start = (START * layer.weight.square().mean() + FLOOR).expand(3)
    torch.testing.assert_close(NoisyNorm(layer).log_variance.exp(), start)
