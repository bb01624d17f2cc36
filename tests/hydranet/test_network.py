"""A HydraNet as a whole: which branches run for whom, in evaluation and in training."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ndslib.core.cost import count
from ndslib.core.errors import InputError
from ndslib.core.models import to_float
from ndslib.hydranet import HydraNet
from ndslib.hydranet.networks import NetworkConfig, build

CLASSES = 7  # a prime number: no 2 to 6 branches divide it
SPLITS = [("resnet", 1), ("resnet", 2), ("densenet", 1), ("densenet", 2), ("ressep", 1), ("ressep", 3)]
GATINGS = ["supervised", "learned", "none"]
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")


def pictures(count: int, seed: int = 0) -> Tensor:
    return torch.randn(count, 3, 8, 8, generator=torch.Generator().manual_seed(seed))


def small(family: str = "resnet", branch_point: int = 2, n_b: int = 5, k: int = 2, **changes: object) -> HydraNet:
    """A narrow network in evaluation mode, whose gate scores branches at random: every image chooses differently."""
    config = NetworkConfig(
        family, 1, n_b=n_b, k=k, branch_point=branch_point, **{"scale": 0.125, "stem": "cifar", **changes}
    )
    network = build(config, CLASSES)
    with torch.no_grad():
        for _ in range(3):
            network.forward_masked(pictures(16, seed=1))  # batch normalisation sees images
    scores = torch.rand(64, n_b, generator=torch.Generator().manual_seed(2)).softmax(dim=1)
    network.gate_scores = lambda gate_logits: scores[: len(gate_logits)].to(gate_logits)
    return network.eval()


def agree(network: HydraNet, images: Tensor) -> None:
    with torch.no_grad():
        torch.testing.assert_close(network(images), network.forward_masked(images), rtol=1e-4, atol=1e-5)


@contextmanager
def watched(network: HydraNet) -> Iterator[dict[int, Tensor]]:
    """What each branch that runs inside the block is given, by its number."""
    seen: dict[int, Tensor] = {}
    handles = [
        branch.register_forward_pre_hook(lambda _, args, number=number: seen.update({number: args[0]}))
        for number, branch in enumerate(network.branches)
    ]
    yield seen
    for handle in handles:
        handle.remove()


@pytest.mark.parametrize("gating", GATINGS)
@pytest.mark.parametrize(("family", "branch_point"), SPLITS)
@pytest.mark.parametrize(("n_b", "k"), [(1, 1), (2, 1), (5, 3), (7, 7)])
def test_conditional_execution_equals_the_masked_reference(family, branch_point, n_b, k, gating):
    network = small(family, branch_point, n_b, k, gating=gating)
    for size in (0, 1, 2, 7, 64):
        agree(network, pictures(size))


@pytest.mark.parametrize("gating", GATINGS)
def test_the_reference_is_equation_3_1(gating):
    network, images = small(k=3, gating=gating).double(), pictures(6).double()
    found = network.outputs(images)
    for image, logits, scores in zip(images, found.logits, network.gate_scores(images), strict=True):
        features = network.stem(image[None])
        best = range(5) if gating == "none" else scores.topk(3).indices.tolist()
        weights = scores if gating == "learned" else torch.ones(5)
        total = sum(weights[number] * network.branches[number](features) for number in best)
        torch.testing.assert_close(network.combiner(total)[0], logits)
    torch.testing.assert_close(network.forward_masked(images), found.logits)


def test_another_choice_gives_another_prediction():
    """Else the tests of agreement would agree on anything."""
    network, images = small(k=1), pictures(7)
    before, scores = network(images), network.gate_scores
    network.gate_scores = lambda gate_logits: 1 - scores(gate_logits)
    assert (network(images) - before).abs().amax(dim=1).gt(1e-2).all()


@pytest.mark.parametrize("family", ["resnet", "densenet", "ressep"])
def test_k_may_change_between_calls(family):
    """Table 3.6, and accuracy against k: a multiply-add for every branch that runs and for no other."""
    network, images = small(family, k=1), pictures(3)
    features = network.stem(images[:1])
    branch = count(network.branches[0], features).madds
    rest = [count(network.stem, images[:1]), count(network.gate, features)]
    rest.append(count(network.combiner, network.branches[0](features)))
    for k in range(1, 6):
        network.k = k
        agree(network, images)
        for size in (1, 3):
            assert count(network, images[:size]).madds == size * (sum(part.madds for part in rest) + k * branch)
    assert (
        count(network, images).params
        == sum(part.params for part in rest) + 5 * count(network.branches[0], features).params
    )


@pytest.mark.parametrize("gating", GATINGS)
@pytest.mark.parametrize(("family", "branch_point"), SPLITS)
def test_branches_see_only_the_images_that_chose_them(family, branch_point, gating):
    network, images = small(family, branch_point, k=1, gating=gating), pictures(4)
    with torch.no_grad(), watched(network) as seen:
        chosen = network.outputs(images).chosen
        features = network.stem(images)
    assert chosen.sum(dim=1).tolist() == [5 if gating == "none" else 1] * 4
    assert set(seen) == set(chosen.any(dim=0).nonzero()[:, 0].tolist())
    assert gating == "none" or 1 < len(seen) < 5
    for number, given in seen.items():
        assert torch.equal(given, features[chosen[:, number]])


@pytest.mark.parametrize("gating", ["supervised", "learned"])
def test_branches_that_nobody_chose_do_not_disturb(gating):
    network, images = small(k=1, gating=gating), pictures(2)
    expected = network(images)
    for number in (~network.outputs(images).chosen.any(dim=0)).nonzero()[:, 0].tolist():
        for parameter in network.branches[number].parameters():
            nn.init.constant_(parameter, float("nan"))
    assert torch.equal(network(images), expected)
    agree(network, images)


@pytest.mark.parametrize("gating", GATINGS)
@pytest.mark.parametrize("training", [True, False])
def test_outputs_tell_what_the_gate_said(gating, training):
    network, images = small(gating=gating).train(training), pictures(6)
    del network.gate_scores  # the network's own again
    found = network.outputs(images)
    assert found.logits.shape == (6, CLASSES)
    assert found.chosen.dtype == torch.bool
    if gating == "none":
        assert found.gate_logits is None
        assert found.scores is None
        assert found.chosen.all()
        return
    assert found.gate_logits.shape == (6, CLASSES if gating == "supervised" else 5)
    torch.testing.assert_close(found.scores.sum(dim=1), torch.ones(6))
    assert torch.equal(found.scores, network.gate_scores(found.gate_logits))
    assert torch.equal(found.chosen, torch.zeros(6, 5).scatter(1, found.scores.topk(2).indices, 1).bool())


def test_subtasks_direct_the_images():
    """The gate scores classes; which branch runs is a matter of the partition."""
    network, images = small(k=1), pictures(6)
    del network.gate_scores
    for first in (0, 4):
        network.assign([(first + label) % 5 for label in range(CLASSES)])
        probabilities = network.outputs(images).gate_logits.softmax(dim=1)
        expected = [[row[network.subtasks == number].sum().item() for number in range(5)] for row in probabilities]
        assert torch.equal(network.outputs(images).chosen.int().argmax(dim=1), torch.tensor(expected).argmax(dim=1))


@pytest.mark.parametrize("gating", GATINGS)
@pytest.mark.parametrize("family", ["resnet", "densenet", "ressep"])
def test_no_images(family, gating):
    network = small(family, gating=gating)
    for found in (network(pictures(0)), network.forward_masked(pictures(0))):
        assert (found.shape, found.dtype) == ((0, CLASSES), torch.float32)
    assert network.outputs(pictures(0).to(torch.uint8)).chosen.shape == (0, 5)
    for skip_idle in (False, True):
        network.train().skip_idle = skip_idle
        with pytest.raises(InputError, match="a batch of zero images cannot be trained on"):
            network(pictures(0))


def backward(network: HydraNet, images: Tensor, labels: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss of one training step and its gradients."""
    loss = cross_entropy(network(images), labels)
    loss.backward()
    return loss.detach(), {name: p.grad for name, p in network.named_parameters() if p.grad is not None}


LABELS = torch.arange(8) % CLASSES


def shun(network: HydraNet, *numbers: int) -> None:
    """Have no image choose these branches."""
    scores = network.gate_scores

    def shunning(gate_logits: Tensor) -> Tensor:
        return scores(gate_logits).index_fill(1, torch.tensor(numbers), 0)

    network.gate_scores = shunning


@pytest.mark.parametrize("skip_idle", [False, True])
@pytest.mark.parametrize("gating", ["supervised", "learned"])
def test_training_leaves_the_weights_of_idle_branches(gating, skip_idle):
    """Section 3.2.3: "weights of the branches not chosen by the gating remain unchanged"."""
    network = small(gating=gating).train()
    network.skip_idle = skip_idle
    shun(network, 0, 3)
    backward(network, pictures(8), LABELS)
    for number, branch in enumerate(network.branches):
        gradients = [parameter.grad for parameter in branch.parameters()]
        assert any(gradient.any() for gradient in gradients) is (number not in (0, 3))


@pytest.mark.parametrize("gating", ["supervised", "learned"])
@pytest.mark.parametrize("family", ["resnet", "densenet", "ressep"])
def test_skipping_idle_branches_gives_the_same_loss_and_gradients(family, gating):
    masked = small(family, gating=gating).train()
    shun(masked, 0, 3)
    skipping = deepcopy(masked)
    skipping.skip_idle = True
    with watched(masked) as all_ran, watched(skipping) as ran:
        loss, gradients = backward(masked, pictures(8), LABELS)
        same_loss, same_gradients = backward(skipping, pictures(8), LABELS)
    assert (set(all_ran), set(ran)) == ({0, 1, 2, 3, 4}, {1, 2, 4})
    assert {len(given) for given in ran.values()} == {8}  # batch normalisation sees the whole batch
    torch.testing.assert_close(same_loss, loss)
    assert same_gradients.keys() == gradients.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(same_gradients[name], gradient, msg=lambda text, name=name: f"{name}: {text}")


@pytest.mark.parametrize("skip_idle", [False, True])
def test_statistics_move_where_a_branch_runs(skip_idle):
    network = small().train()
    network.skip_idle = skip_idle
    shun(network, 0, 3)
    before = deepcopy(network)
    network(pictures(8))
    moved = [
        not any(map(torch.equal, (b for b in new.buffers() if b.ndim), (b for b in old.buffers() if b.ndim)))
        for new, old in zip(network.branches, before.branches, strict=True)
    ]
    assert moved == ([False, True, True, False, True] if skip_idle else [True] * 5)


@pytest.mark.parametrize("gating", GATINGS)
def test_training_learns_alike_with_and_without_idle_branches(gating):
    losses = {}
    for skip_idle in (False, True):
        network = small(gating=gating, scale=0.5).train()
        network.skip_idle = skip_idle
        if gating != "none":
            shun(network, 0, 3)
        optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
        losses[skip_idle] = []
        for _ in range(12):
            optimizer.zero_grad()
            losses[skip_idle].append(backward(network, pictures(8), LABELS)[0])
            optimizer.step()
    torch.testing.assert_close(losses[False], losses[True], rtol=1e-3, atol=1e-3)
    assert losses[True][-1] < 0.5 * losses[True][0]


@pytest.mark.parametrize(("gating", "learns"), [("supervised", False), ("learned", True)])
def test_only_a_learned_gate_learns_from_the_predictions(gating, learns):
    """A supervised one has a loss of its own."""
    network = small(gating=gating).train()
    del network.gate_scores
    _, gradients = backward(network, pictures(8), LABELS)
    assert any(name.startswith("gate.") and gradient.any() for name, gradient in gradients.items()) is learns


def test_bytes_are_normalised():
    network, images = small(), torch.randint(0, 256, (7, 3, 8, 8), dtype=torch.uint8)
    assert torch.equal(network(images), network(to_float(images)))
    agree(network, images)


@pytest.mark.parametrize("gating", GATINGS)
def test_layout_and_size_of_the_images_do_not_matter(gating):
    network = small(gating=gating)
    wide = torch.randn(5, 3, 16, 40)
    agree(network, wide)
    agree(network, wide.to(memory_format=torch.channels_last))
    torch.testing.assert_close(network(wide), network(wide.to(memory_format=torch.channels_last)))


@pytest.mark.parametrize("gating", GATINGS)
def test_a_state_dict_carries_weights_statistics_and_subtasks(gating, tmp_path):
    config = NetworkConfig("resnet", 1, n_b=3, k=1, gating=gating, scale=0.125)
    first, second = build(config, CLASSES, [2, 0, 1, 1, 0, 2, 2]), build(config, CLASSES, seed=1)
    first(pictures(8))
    torch.save(first.state_dict(), tmp_path / "hydra.pt")
    second.load_state_dict(torch.load(tmp_path / "hydra.pt", weights_only=True))
    assert second.subtasks.tolist() == [2, 0, 1, 1, 0, 2, 2]
    assert torch.equal(first.eval()(pictures(8)), second.eval()(pictures(8)))


def test_a_copy_stands_alone():
    network = build(NetworkConfig("resnet", 1, n_b=3, k=1, scale=0.125), CLASSES).eval()
    network.skip_idle = True
    twin, before = deepcopy(network), network(pictures(4))
    assert torch.equal(twin(pictures(4)), before)
    assert (twin.skip_idle, twin.k, twin.gating) == (True, 1, "supervised")
    twin.assign([2, 1, 0, 0, 1, 2, 0])
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.zero_()
    assert torch.equal(network(pictures(4)), before)
    assert network.subtasks.tolist() == [0, 0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize("gating", GATINGS)
def test_double_precision_agrees_to_its_last_digits(gating):
    network, images = small(gating=gating).double(), pictures(7).double()
    found = network(images)
    assert found.dtype == torch.float64
    torch.testing.assert_close(found, network.forward_masked(images), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("gating", GATINGS)
@pytest.mark.parametrize("family", ["resnet", "densenet", "ressep"])
def test_mixed_precision(family, gating):
    network, images = small(family, gating=gating), pictures(8)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        found, reference = network(images), network.forward_masked(images)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found, reference, rtol=0.05, atol=0.02)
    network.train().skip_idle = True
    with torch.autocast("cpu", torch.bfloat16):
        loss, gradients = backward(network, images, LABELS)
    assert loss.isfinite()
    assert all(gradient.isfinite().all() for gradient in gradients.values())


@pytest.mark.parametrize("shape", [(3, 16, 16), (2, 1, 16, 16), (2, 16, 16, 3), (1, 2, 3, 16, 16), (16,)])
@pytest.mark.parametrize("training", [True, False])
def test_images_of_another_shape(shape, training):
    network = small().train(training)
    for run in (network, network.forward_masked, network.outputs):
        with pytest.raises(InputError, match=r"expected \[B, 3, H, W\]"):
            run(torch.rand(shape))


@pytest.mark.parametrize(
    ("subtasks", "message"),
    [
        ([0, 1, 2], "give the branch of each of 7 classes"),
        ([[0, 1, 2, 0, 1, 2, 0]], "give the branch of each of 7 classes"),
        ([0, 1, 2, 3, 0, 1, 2], r"each of 0..2 must occur"),
        ([0, 1, 2, -1, 0, 1, 2], r"each of 0..2 must occur"),
        ([0, 1, 0, 1, 0, 1, 0], r"name the branches \[0, 1\]; each of 0..2 must occur"),
    ],
)
def test_subtasks_that_do_not_fit_change_nothing(subtasks, message):
    network = build(NetworkConfig("resnet", 1, n_b=3, k=1, scale=0.125), CLASSES, [2, 2, 1, 1, 0, 0, 0])
    for wrong in (subtasks, torch.tensor(subtasks)):
        with pytest.raises(InputError, match=message):
            network.assign(wrong)
    assert network.subtasks.tolist() == [2, 2, 1, 1, 0, 0, 0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"branches": []}, "n_b is 0"),
        ({"k": 0}, "k is 0"),
        ({"k": 3}, "k is 3, but there are 2 branches"),
        ({"classes": 1}, "n_b is 2, but there are only 1 classes"),
        ({"gating": "soft"}, "gating is 'soft'; choose one of"),
        ({"gate": None}, "all but 'none' need one"),
        ({"gating": "none"}, "'none' has none"),
        ({"subtasks": [0, 1]}, "give the branch of each of 3 classes"),
    ],
)
def test_parts_that_do_not_fit(changes, message):
    parts = {"stem": nn.Identity(), "branches": [nn.Identity()] * 2, "gate": nn.Identity(), "combiner": nn.Identity()}
    with pytest.raises(InputError, match=message):
        HydraNet(**{**parts, "classes": 3, "k": 1, **changes})


@needs_cuda
@pytest.mark.parametrize("gating", GATINGS)
@pytest.mark.parametrize("family", ["resnet", "densenet", "ressep"])
def test_on_a_gpu(family, gating):
    network, images = small(family, gating=gating).double(), pictures(64).double()
    expected = network(images)
    network.cuda().assign([label % 5 for label in range(CLASSES)])
    for size in (0, 1, 2, 7, 64):
        found = network(images[:size].cuda())
        assert found.is_cuda
        torch.testing.assert_close(found, network.forward_masked(images[:size].cuda()))
        torch.testing.assert_close(found.cpu(), expected[:size])


@needs_cuda
@pytest.mark.parametrize("skip_idle", [False, True])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_mixed_precision_on_a_gpu(dtype, skip_idle):
    network, images = small(gating="learned").cuda(), pictures(8).cuda()
    with torch.no_grad(), torch.autocast("cuda", dtype):
        torch.testing.assert_close(network(images), network.forward_masked(images), rtol=0.05, atol=0.02)
    network.train().skip_idle = skip_idle
    with torch.autocast("cuda", dtype):
        loss, gradients = backward(network, images, LABELS.cuda())
    assert loss.isfinite()
    assert all(gradient.isfinite().all() for gradient in gradients.values())


@pytest.mark.parametrize("gating", ["supervised", "learned", "none"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_a_network_of_another_precision_takes_bytes(gating, dtype):
    network = small(gating=gating).to(dtype).eval()
    images = torch.randint(0, 256, (3, 3, 16, 16), dtype=torch.uint8)
    with torch.no_grad():
        found, reference = network(images), network.forward_masked(images)
    assert found.dtype == dtype
    torch.testing.assert_close(found, reference)


def test_scores_of_higher_precision_than_the_features():
    """As under CUDA's autocast, whose softmax is in single precision."""
    network = small(gating="learned").eval()
    network.gate_scores = lambda logits: logits.float().softmax(dim=1)
    images = torch.rand(3, 3, 16, 16)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(network(images), network.forward_masked(images))


def test_a_hook_on_the_stem_sees_a_whole_batch_of_small_images():
    network, seen = small().eval(), []
    network.stem.register_forward_hook(lambda _stem, images, _features: seen.append(len(images[0])))
    with torch.no_grad():
        network(torch.rand(64, 3, 32, 32))
    assert seen == [64]


def test_one_image_of_one_pixel_cannot_be_normalised():
    network = small().train()
    with pytest.raises(InputError, match="batches of at least 2"):
        network(torch.rand(1, 3, 16, 16))
    with pytest.raises(InputError, match="expected"):
        network(torch.rand(2, 3, 0, 16))
