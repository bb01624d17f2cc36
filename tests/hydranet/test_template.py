"""The HydraNet template: what becomes stem, branches, gate and combiner."""

from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import nn

from ndslib.core.cost import Cost, count
from ndslib.core.errors import InputError
from ndslib.hydranet.architectures import DenseNetCifar, ResNetCifar, ResSep, StaticNet
from ndslib.hydranet.networks import PUBLISHED, build
from ndslib.hydranet.template import hydra_densenet, hydra_resnet, hydra_ressep, hydranet

RESNET, DENSENET, RESSEP = ResNetCifar(1, (4, 8, 16)), DenseNetCifar(2, 3), ResSep(1, "cifar", 4, (4, 6, 8, 10))
SPLITS = [(RESNET, 1), (RESNET, 2), (DENSENET, 1), (DENSENET, 2), (RESSEP, 1), (RESSEP, 2), (RESSEP, 3)]
small = partial(hydranet, RESNET, 2, n_b=3, k=2, classes=7)


def parts(network: nn.Module) -> dict[str, Cost]:
    """The cost of each part for one image of 16 x 16 pixels; of the branches one stands for all."""
    network.eval()
    image = torch.zeros(1, 3, 16, 16)
    features = network.stem(image)
    branch = network.branches[0]
    return {
        "stem": count(network.stem, image),
        "branch": count(branch, features),
        "gate": count(network.gate, features),
        "combiner": count(network.combiner, branch(features)),
    }


@pytest.mark.parametrize(("architecture", "branch_point"), SPLITS)
def test_every_split_gives_four_parts_that_fit(architecture, branch_point):
    network = hydranet(architecture, branch_point, 3, 2, w_b=0.5, w_g=0.25, classes=7).eval()
    static = StaticNet(architecture, 1.0, 7).eval()
    images = torch.rand(2, 3, 16, 16)
    features = network.stem(images)
    assert features.shape == static.trunk[: 1 + branch_point](images).shape
    combined = static.trunk(images)
    plane = (1, 1) if architecture.pooled else combined.shape[2:]
    assert [branch(features).shape for branch in network.branches] == [(2, combined.shape[1], *plane)] * 3
    assert network.gate(features).shape == network(images).shape == (2, 7)


@pytest.mark.parametrize(("gating", "outputs"), [("supervised", 7), ("learned", 3)])
def test_the_gate_scores_classes_or_branches(gating, outputs):
    network = small(gating=gating)
    assert network.gate[-1][-1].out_features == outputs


def test_without_gating_there_is_no_gate():
    network = small(gating="none").eval()
    assert network.gate is None
    assert network.outputs(torch.rand(2, 3, 16, 16)).chosen.all()


@pytest.mark.parametrize("architecture", [RESNET, DENSENET, RESSEP])
@pytest.mark.parametrize(
    ("widths", "changed"),
    [
        ({"w_b": 1.5}, {"branch"}),
        ({"w_g": 1.5}, {"gate"}),
        ({"w_s": 1.5}, {"stem", "branch", "gate", "combiner"}),  # all read the stem's channels
    ],
)
def test_a_width_scales_its_own_part(architecture, widths, changed):
    usual = parts(hydranet(architecture, 2, 3, 2, classes=7))
    wider = parts(hydranet(architecture, 2, 3, 2, classes=7, **widths))
    assert {name for name in usual if wider[name] != usual[name]} == changed
    assert all(wider[name].params > usual[name].params for name in changed)


def test_branches_start_apart():
    """Branches of equal weights would get equal gradients from the images that choose both."""
    first, second = (
        [p for p in branch.parameters() if p.ndim == 4 and p.shape[-1] == 3] for branch in small().branches[:2]
    )
    assert not any(map(torch.equal, first, second))


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (partial(hydra_resnet, 1), "Hydra-Res-d1"),
        (partial(hydra_resnet, d=4), "Hydra-Res-d4"),
        (partial(hydra_densenet, 2), "Hydra-Dense-d2"),
        (partial(hydra_densenet, layers=6), "Hydra-Dense-d6"),
        (partial(hydra_ressep, "A"), "Hydra-ResSep-A"),
    ],
)
def test_the_public_functions_build_the_published_rows(make, name):
    """As long as they are asked for nothing else."""
    found, published = make(), build(PUBLISHED[name], 1000 if "Sep" in name else 100)
    assert (found.n_b, found.k, found.classes) == (published.n_b, published.k, published.classes)
    assert shapes(found) == shapes(published)


@pytest.mark.parametrize("variant", "BCDE")
def test_the_variants_of_ressep_are_the_published_ones(variant):
    config = replace(PUBLISHED[f"Hydra-ResSep-{variant}"], n_b=2, k=1)
    assert shapes(hydra_ressep(variant, n_b=2, k=1)) == shapes(build(config, 1000))


def shapes(network: nn.Module) -> list[tuple[str, torch.Size]]:
    return [(name, parameter.shape) for name, parameter in network.named_parameters()]


def test_the_public_functions_pass_on_what_they_are_asked():
    for make in (partial(hydra_resnet, 1), partial(hydra_densenet, 2)):
        network = make(n_b=3, k=2, classes=9)
        assert (network.n_b, network.k, network.classes) == (3, 2, 9)
    network = hydra_ressep("A", n_b=4, k=3, branch_point=2, classes=9)
    assert (network.n_b, network.k, network.classes, len(network.stem)) == (4, 3, 9, 1 + 2)


@pytest.mark.parametrize(("classes", "n_b"), [(7, 3), (10, 4), (100, 7), (5, 5), (5, 1)])
def test_classes_not_divisible_by_the_branches_are_shared_to_within_one(classes, n_b):
    network = small(n_b=n_b, k=1, classes=classes).eval()
    sizes = network.subtasks.bincount(minlength=n_b)
    assert sizes.sum() == classes
    assert sizes.max() - sizes.min() <= 1
    assert network(torch.rand(2, 3, 16, 16)).shape == (2, classes)


BAD_COUNTS = [
    ({"k": 4}, "k is 4, but there are 3 branches: choose k from 1 to 3"),
    ({"k": 0}, "k is 0"),
    ({"k": -1}, "k is -1"),
    ({"n_b": 8, "k": 2}, "n_b is 8, but there are only 7 classes"),
    ({"n_b": 0}, "n_b is 0; it must be a whole number of at least 1"),
    ({"n_b": -2}, "n_b is -2"),
    ({"classes": 0}, "classes is 0"),
]


@pytest.mark.parametrize(("changes", "message"), BAD_COUNTS)
@pytest.mark.parametrize(
    "make",
    [small, partial(hydra_resnet, 1), partial(hydra_densenet, 1), partial(hydra_ressep, "A")],
    ids=["hydranet", "hydra_resnet", "hydra_densenet", "hydra_ressep"],
)
def test_bad_counts(make, changes, message):
    with pytest.raises(InputError, match=message):
        make(**{"n_b": 3, "k": 2, "classes": 7, **changes})


@pytest.mark.parametrize(
    ("architecture", "point"),
    [(RESNET, 0), (RESNET, 3), (DENSENET, -1), (DENSENET, 3), (RESSEP, 0), (RESSEP, 4), (RESSEP, 5)],
)
def test_a_branch_point_outside_the_blocks(architecture, point):
    """Before the first block there is no stem, behind the last nothing is left to branch."""
    with pytest.raises(InputError, match=f"branch_point is {point}; "):
        hydranet(architecture, point, 3, 2, classes=7)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: small(gating="soft"), "gating is 'soft'; choose one of"),
        (lambda: small(w_b=0.0), "width multiplier is 0.0"),
        (lambda: small(w_g=-1.0), "width multiplier is -1.0"),
        (lambda: small(w_s=0.0), "width multiplier is 0.0"),
        (lambda: small(subtasks=[0, 1, 2]), "give the branch of each of 7 classes"),
        (lambda: hydra_ressep("F"), "variant is 'F'; choose one of"),
        (lambda: hydra_ressep("a"), "variant is 'a'"),
        (lambda: hydra_ressep("A", branch_point=4), "branch_point is 4; choose a block from 1 to 3"),
        (lambda: hydra_resnet(0), "d is 0"),
        (lambda: hydra_densenet(0), "layers is 0"),
    ],
)
def test_other_bad_input(make, message):
    with pytest.raises(InputError, match=message):
        make()
