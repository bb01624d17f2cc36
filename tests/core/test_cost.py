import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torchvision import models

from ndslib.core.cost import Cost, count


def madds(module, *inputs):
    return count(module, *inputs).madds


class Function(nn.Module):
    """A module around a function of its inputs."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (models.resnet18, Cost(11_689_512, 1_814_073_344)),
        (models.mobilenet_v2, Cost(3_504_872, 300_774_272)),
        (models.resnet50, Cost(25_557_032, 4_089_184_256)),
    ],
)
def test_published_costs_at_224(build, expected):
    with torch.device("meta"):  # only shapes matter
        assert count(build().eval(), torch.empty(1, 3, 224, 224)) == expected


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", [(7,), (5, 7), (2, 5, 7), (2, 3, 5, 7)])
def test_linear_of_any_rank(shape, training, bias):
    layer = nn.Linear(7, 11, bias=bias).train(training)
    rows = torch.Size(shape[:-1]).numel()
    assert count(layer, torch.randn(shape)) == (77 + 11 * bias, rows * 77)
    assert madds(layer, torch.randn(7, *shape[:-1]).movedim(0, -1)) == rows * 77  # not contiguous


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (nn.Conv2d(4, 6, 3), (1, 4, 8, 8), 6 * 6 * 6 * 4 * 9),
        (nn.Conv2d(4, 6, 3, stride=2, padding=1), (1, 4, 8, 8), 4 * 4 * 6 * 4 * 9),
        (nn.Conv2d(4, 6, 3, padding="same", bias=False), (1, 4, 8, 8), 8 * 8 * 6 * 4 * 9),
        (nn.Conv2d(4, 6, 3, padding=1, padding_mode="reflect"), (1, 4, 8, 8), 8 * 8 * 6 * 4 * 9),
        (nn.Conv2d(4, 6, 3, dilation=2), (1, 4, 8, 8), 4 * 4 * 6 * 4 * 9),
        (nn.Conv2d(4, 6, (1, 3), groups=2), (1, 4, 8, 8), 8 * 6 * 6 * 2 * 3),
        (nn.Conv2d(4, 4, 3, padding=1, groups=4), (1, 4, 8, 8), 8 * 8 * 4 * 9),
        (nn.Conv2d(4, 6, 3), (4, 8, 8), 6 * 6 * 6 * 4 * 9),
        (nn.Conv1d(4, 6, 3), (1, 4, 8), 6 * 6 * 4 * 3),
        (nn.Conv3d(4, 6, 2), (1, 4, 3, 3, 3), 8 * 6 * 4 * 8),
        (nn.ConvTranspose1d(4, 6, 2, stride=2), (1, 4, 5), 5 * 4 * 6 * 2),
        (nn.ConvTranspose2d(4, 6, 3), (1, 4, 5, 5), 25 * 4 * 6 * 9),
        (nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2), (1, 4, 5, 5), 25 * 4 * 3 * 9),
        (nn.ConvTranspose3d(4, 6, 2), (1, 4, 2, 2, 2), 8 * 4 * 6 * 8),
    ],
)
@pytest.mark.parametrize("batch", [1, 3])
def test_convolutions(layer, shape, expected, batch):
    batch = batch if shape[0] == 1 else 1
    shape = (batch, *shape[1:]) if shape[0] == 1 else shape
    found = count(layer.eval(), torch.randn(shape))
    assert found == (sum(p.numel() for p in layer.parameters()), batch * expected)


def test_functional_calls_count_and_products_do_not():
    weight, kernel = torch.randn(5, 7), torch.randn(5, 3, 2, 2)
    assert madds(Function(lambda x: F.linear(x, weight)), torch.randn(2, 7)) == 70
    assert madds(Function(lambda x: F.conv2d(x, kernel)), torch.randn(1, 3, 4, 4)) == 9 * 5 * 12
    assert madds(Function(lambda x: F.conv2d(input=x, weight=kernel)), torch.randn(1, 3, 4, 4)) == 9 * 5 * 12
    general = Function(lambda x: torch.convolution(x, kernel, None, (1, 1), (0, 0), (1, 1), False, (0, 0), 1))
    assert madds(general, torch.randn(1, 3, 4, 4)) == 9 * 5 * 12
    for product in (torch.matmul, torch.mm, lambda a, b: torch.addmm(torch.zeros(2, 5), a, b), lambda a, b: a @ b):
        assert madds(Function(product), torch.randn(2, 7), torch.randn(7, 5)) == 0


def test_only_the_branch_that_ran_counts():
    class Either(nn.Module):
        def __init__(self):
            super().__init__()
            self.small, self.large = nn.Linear(4, 2), nn.Linear(4, 20)

        def forward(self, x):
            return self.large(x) if x.sum() > 0 else self.small(x)

    module = Either()
    assert count(module, torch.ones(1, 4)) == (10 + 100, 80)
    assert count(module, -torch.ones(1, 4)) == (10 + 100, 8)


def test_shared_weights_count_once_as_parameters_and_each_time_they_run():
    layer = nn.Linear(4, 4, bias=False)
    tied = nn.Linear(4, 4, bias=False)
    tied.weight = layer.weight
    assert count(nn.Sequential(layer, layer, tied), torch.randn(1, 4)) == (16, 48)


def test_frozen_parameters_are_not_counted_but_their_work_is():
    module = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2))
    module[0].requires_grad_(False)
    assert count(module, torch.randn(1, 4)) == (10, 24)


@pytest.mark.parametrize("training", [True, False])
def test_attention_counts_its_linear_layers_in_both_modes(training):
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).train(training)
    projections = 8 * 24 + 8 * 8 + 2 * 8 * 16
    assert madds(layer, torch.randn(2, 5, 8)) == 2 * 5 * projections
    assert torch.backends.mha.get_fastpath_enabled()


@pytest.mark.parametrize("training", [True, False])
def test_nothing_outside_changes(training):
    module = nn.Sequential(
        nn.ReLU(inplace=True), nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(), nn.Flatten(), nn.LazyLinear(2)
    ).train(training)
    module[1].weight.grad = torch.ones_like(module[1].weight)
    inputs = torch.randn(4, 3, 5, 5, requires_grad=True)
    before = {name: value.clone() for name, value in module[:5].state_dict().items()}
    values, state = inputs.detach().clone(), torch.get_rng_state()
    found = count(module, inputs)
    assert found == (3 * 4 * 9 + 4 + 8 + 36 * 2 + 2, 4 * (9 * 4 * 27 + 72))
    assert all(torch.equal(value, before[name]) for name, value in module[:5].state_dict().items())
    assert torch.equal(inputs, values)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(part.training == training for part in module.modules())
    assert torch.equal(module[1].weight.grad, torch.ones_like(module[1].weight))
    assert inputs.grad is None
    assert module[5].has_uninitialized_params()


def test_works_inside_no_grad_and_autocast_and_leaves_gradients_on():
    layer, inputs = nn.Linear(7, 11), torch.randn(2, 7)
    with torch.no_grad():
        assert madds(layer, inputs) == 154
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert madds(nn.Sequential(layer, nn.Linear(11, 1)), inputs) == 154 + 22
    assert torch.is_grad_enabled()
    assert layer(inputs).requires_grad


def test_nested_inputs_and_a_detector():
    class Detector(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Conv2d(3, 2, 1)

        def forward(self, images, scale):
            return [self.layer(image[None] * scale["by"]) for image in images]

    images = [torch.randn(3, 4, 4), torch.randn(3, 2, 2)]
    assert count(Detector(), images, {"by": 2}) == (8, 20 * 6)


def test_a_module_that_keeps_its_activations_can_be_counted_again():
    class Keeping(nn.Linear):
        def forward(self, x):
            self.kept = [super().forward(x)]
            return self.kept[0]

    module = Keeping(7, 3)
    kept = module(torch.randn(2, 7))
    assert count(module, torch.randn(1, 7)) == (24, 21)
    assert module.kept[0] is kept


def test_errors_of_the_module_come_through():
    with pytest.raises(RuntimeError, match="shapes"):
        count(nn.Linear(4, 2), torch.randn(1, 5))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Dropout(), nn.Flatten(), nn.Linear(36, 2)).cuda()
    before = torch.cuda.get_rng_state()
    assert count(module, torch.randn(2, 3, 5, 5, device="cuda")) == (112 + 74, 2 * (9 * 4 * 27 + 72))
    assert torch.equal(torch.cuda.get_rng_state(), before)
