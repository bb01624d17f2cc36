"""How branches run: on hand-made branches and choices, and as exported and compiled programs."""

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn

from ndslib.hydranet import HydraNet
from ndslib.hydranet.execution import conditional, masked, skipping
from ndslib.hydranet.gating import Choice, choose
from ndslib.hydranet.networks import NetworkConfig, build

EXECUTIONS = [masked, skipping, conditional]  # `traceable` needs a tracer: see the exported networks


class Branch(nn.Module):
    """A convolution that remembers what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.seen = nn.Conv2d(4, 6, 3, stride=2, padding=1), None

    def forward(self, x: Tensor) -> Tensor:
        self.seen = x
        return self.convolution(x)


@pytest.fixture
def branches() -> list[Branch]:
    torch.manual_seed(0)
    return [Branch().double() for _ in range(5)]


def features(count: int) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(count, 4, 5, 7, dtype=torch.float64, generator=generator)


def scattered(count: int, k: int, weighted: bool = False) -> Choice:
    """Every image chooses differently."""
    generator = torch.Generator().manual_seed(2)
    return choose(torch.rand(count, 5, dtype=torch.float64, generator=generator), k, weighted)


def by_hand(branches: list[Branch], x: Tensor, choice: Choice) -> Tensor:
    """Equation 3.1, image by image and branch by branch."""
    total = torch.zeros(len(x), 6, 3, 4, dtype=x.dtype)
    for image, number in choice.chosen.nonzero().tolist():
        weight = 1 if choice.weights is None else choice.weights[image, number]
        total[image] += weight * branches[number](x[image : image + 1])[0]
    return total


@pytest.mark.parametrize("execute", EXECUTIONS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("count", [1, 2, 7, 64])
def test_all_ways_add_up_the_chosen_branches(branches, execute, count, k, weighted):
    x, choice = features(count), scattered(count, k, weighted)
    assert count == 1 or k == 5 or len(choice.chosen.unique(dim=0)) > 1
    torch.testing.assert_close(execute(branches, x, choice), by_hand(branches, x, choice))


@pytest.mark.parametrize("execute", [masked, conditional])
def test_no_image_gives_no_features(branches, execute):
    assert execute(branches, features(0), scattered(0, 2)).shape == (0, 6, 3, 4)


@pytest.mark.parametrize("execute", EXECUTIONS)
def test_images_may_choose_unequal_numbers_of_branches(branches, execute):
    x, chosen = features(3), torch.zeros(3, 5, dtype=torch.bool)
    chosen[0, [1, 3]] = chosen[2, 3] = True
    choice = Choice(chosen, None)
    torch.testing.assert_close(execute(branches, x, choice), by_hand(branches, x, choice))


def test_conditional_branches_get_the_images_that_chose_them(branches):
    x, choice = features(3), scattered(3, 1)
    conditional(branches, x, choice)
    for number, branch in enumerate(branches):
        rows = choice.chosen[:, number]
        assert torch.equal(branch.seen, x[rows]) if rows.any() else branch.seen is None


def test_a_skipped_branch_does_not_run_and_the_others_see_the_whole_batch(branches):
    x, choice = features(2), scattered(2, 1)
    skipping(branches, x, choice)
    ran = [branch.seen is x for branch in branches]
    assert ran == choice.chosen.any(dim=0).tolist()
    assert not all(ran)


@pytest.mark.parametrize("execute", [masked, conditional])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_broken_branches_that_nobody_chose_do_not_disturb(branches, execute, value):
    x, choice = features(2), scattered(2, 1)
    expected = by_hand(branches, x, choice)
    for number in (~choice.chosen.any(dim=0)).nonzero()[:, 0].tolist():
        nn.init.constant_(branches[number].convolution.weight, value)
    torch.testing.assert_close(execute(branches, x, choice), expected)


@pytest.mark.parametrize("execute", EXECUTIONS)
@pytest.mark.parametrize("k", [1, 3])
def test_all_ways_give_the_gradients_of_the_sum(branches, execute, k):
    """Of branches, features and weights; a branch that nobody chose gets none, or zeros."""
    scores = scattered(4, k).chosen.double().mul(0.9).add(torch.rand(4, 5)).requires_grad_()
    x, choice = features(4).requires_grad_(), Choice(scattered(4, k).chosen, scores)
    wanted = [x, scores, *(p for branch in branches for p in branch.parameters())]

    def gradients(total: Tensor) -> list[Tensor]:
        return torch.autograd.grad(total.sin().sum(), wanted, materialize_grads=True)

    found, expected = gradients(execute(branches, x, choice)), gradients(by_hand(branches, x, choice))
    for each, other in zip(found, expected, strict=True):
        torch.testing.assert_close(each, other)


@pytest.mark.parametrize("execute", [masked, skipping])
def test_training_gives_idle_branches_gradients_of_zero(branches, execute):
    choice = scattered(2, 1)
    execute(branches, features(2), choice).sum().backward()
    for branch, used in zip(branches, choice.chosen.any(dim=0).tolist(), strict=True):
        assert bool(branch.convolution.weight.grad.any()) is used


IMAGES = torch.rand(8, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def small(**changes: object) -> HydraNet:
    """A narrow network in evaluation mode whose gate sends the images to different branches."""
    config = NetworkConfig(**{"family": "resnet", "depth": 1, "n_b": 3, "k": 1, "scale": 0.125, **changes})
    network = build(config, 6)
    with torch.no_grad():
        network.forward_masked(IMAGES)  # batch normalisation sees the images
        network.eval()
        last = network.gate[-1][-1]
        last.weight *= 100
        last.bias -= network.outputs(IMAGES).gate_logits.mean(dim=0)
    return network


def convolutions(run: Callable[[Tensor], Tensor], images: Tensor) -> int:
    """How many convolutions ran on at least one image."""
    with torch.profiler.profile(record_shapes=True) as profile, torch.no_grad():
        run(images)
    return sum(event.name == "aten::convolution" and event.input_shapes[0][0] > 0 for event in profile.events())


@pytest.mark.parametrize(
    "changes",
    [{"k": 2}, {"gating": "learned", "family": "ressep", "stem": "cifar", "branch_point": 3, "n_b": 2}],
    ids=["supervised", "learned"],
)
def test_an_exported_network_runs_the_chosen_branches(changes, tmp_path):
    network = small(**changes)
    torch.export.save(torch.export.export(network, (IMAGES[:1],)), tmp_path / "hydra.pt2")
    loaded = torch.export.load(tmp_path / "hydra.pt2").module()
    assert len(network.outputs(IMAGES).chosen.unique(dim=0)) > 1
    for image in IMAGES.split(1):
        torch.testing.assert_close(loaded(image), network.forward_masked(image))
    ran = [convolutions(run, IMAGES[:1]) for run in (loaded, network, network.forward_masked)]
    assert ran[0] == ran[1] < ran[2]


@pytest.fixture
def _fresh_compiler() -> Iterator[None]:
    torch.compiler.reset()
    yield
    torch.compiler.reset()


@pytest.mark.usefixtures("_fresh_compiler")
@pytest.mark.parametrize("count", [1, 8])
def test_a_compiled_network_runs_the_chosen_branches(count):
    network = small(n_b=2)
    compiled = torch.compile(network, backend="aot_eager")
    with torch.no_grad():
        for images in (IMAGES[:count], IMAGES.flip(0)[:count]):  # the second time to other branches
            torch.testing.assert_close(compiled(images), network.forward_masked(images))
    assert convolutions(compiled, IMAGES[:count]) == convolutions(network, IMAGES[:count])
