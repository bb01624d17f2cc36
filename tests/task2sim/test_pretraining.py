"""Synthetic sets and their backbones: drawn and trained once, the same bits again, resumed after a kill."""

import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.ops import StochasticDepth

from ndslib.core import paths
from ndslib.core.errors import InputError
from ndslib.core.models import ResNet18, ResNet50
from ndslib.core.training import TrainConfig, fit
from ndslib.data.labelled import Labelled
from ndslib.sim import Simulator
from ndslib.sim.parameters import Parameter
from ndslib.task2sim import pretraining
from ndslib.task2sim.pretraining import GivenImages, Pretraining, Scratch, SyntheticSet, recipe

Batches = Iterator[tuple[torch.Tensor, torch.Tensor]]


class Noise:
    """A simulator of coloured noise: a class has a colour of its own, which a level of `light` makes brighter."""

    parameters = (Parameter("light", 3), Parameter("blur", 2))
    classes = ("ball", "cube", "cone", "disc")

    def __init__(self, name: str = "noise") -> None:
        self.name, self.calls = name, 0

    def fingerprint(self) -> str:
        return self.name

    def generate(self, settings, class_ids, images_per_class, size=None, seed=0) -> Batches:
        self.calls += 1
        for number in class_ids:
            random = np.random.default_rng([seed, number, *settings])
            pixels = random.integers(0, 64, (images_per_class, 3, size, size))
            pixels[:, number % 3] += 60 * (1 + settings[0])
            yield torch.from_numpy(pixels.astype(np.uint8)), torch.full((images_per_class,), number)


def small(steps: int = 4, seed: int = 0, **changes: object) -> Pretraining:
    """Two classes of four images of 16 pixels, and a network that trains in a blink."""
    usual = {"classes": 2, "images_per_class": 4, "size": 16, "train": TrainConfig(steps, 4, 0.05), "width": 2}
    return Pretraining(**{**usual, "seed": seed, **changes})


def same(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def forget() -> None:
    for path in (paths.cache_root() / "task2sim-backbones").iterdir():
        path.unlink()


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The identities of the trainings that were begun; a checkpoint is written every second step."""
    begun: list[str] = []

    def counting(*arguments: object, identity: str) -> list[float]:
        begun.append(identity)
        return fit(*arguments, checkpoint_every=2, identity=identity)

    monkeypatch.setattr(pretraining, "fit", counting)
    return begun


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": 1}, "1 classes of 4 images: give at least 2 of 1"),
        ({"images_per_class": 0}, "2 classes of 0 images"),
        ({"backbone": "vgg"}, "backbone is 'vgg'"),
        ({"recipe": "heavy"}, "recipe 'heavy'; .* light, paper"),
    ],
)
def test_bad_pretraining_is_named(changes, message):
    with pytest.raises(InputError, match=message):
        small(**changes)


def test_classes_are_spread_evenly_over_the_simulators():
    assert isinstance(Noise(), Simulator)
    assert [small(classes=count).class_ids(Noise()) for count in (2, 3, 4)] == [[0, 2], [0, 1, 2], [0, 1, 2, 3]]
    with pytest.raises(InputError, match="5 classes are asked for, the simulator has 4"):
        small(classes=5).class_ids(Noise())


def test_images_are_drawn_once_with_their_labels():
    simulator = Noise()
    drawn = [SyntheticSet(simulator, (1, 0), small()).images() for _ in range(2)]
    assert simulator.calls == 1
    for images in drawn:
        assert (images.images.dtype, images.images.shape) == (np.uint8, (8, 3, 16, 16))
        assert images.labels.dtype == np.int64
        assert images.labels.tolist() == [0] * 4 + [1] * 4
        assert images.images.mean(axis=(2, 3)).argmax(axis=1).tolist() == [0] * 4 + [2] * 4


def test_a_key_names_all_that_the_images_depend_on():
    wanted = small()
    ours = SyntheticSet(Noise(), (1, 0), wanted)
    others = [
        SyntheticSet(Noise("other"), (1, 0), wanted),
        SyntheticSet(Noise(), (0, 1), wanted),
        *(
            SyntheticSet(Noise(), (1, 0), dataclasses.replace(wanted, **change))
            for change in ({"classes": 3}, {"images_per_class": 5}, {"size": 8}, {"seed": 1})
        ),
    ]
    assert len({ours.key, *(other.key for other in others)}) == 1 + len(others)
    assert len({ours.backbone_key, *(other.backbone_key for other in others)}) == 1 + len(others)
    trainings = [{"train": TrainConfig(5, 4, 0.05)}, {"width": 3}, {"stem": "cifar"}, {"recipe": "paper"}]
    trainings = [SyntheticSet(Noise(), (1, 0), dataclasses.replace(wanted, **change)) for change in trainings]
    assert {other.key for other in trainings} == {ours.key}
    assert len({ours.backbone_key, *(other.backbone_key for other in trainings)}) == 1 + len(trainings)


@pytest.mark.parametrize(
    ("setting", "message"),
    [((1,), "have 1 values; wanted 2: .*'light', 'blur'"), ((1, 1, 0), "have 3 values"), ((0, 2), "blur is 2")],
)
def test_a_setting_that_the_simulator_cannot_do_is_refused(setting, message):
    with pytest.raises(InputError, match=message):
        SyntheticSet(Noise(), setting, small())


def faulty(change: Callable[[Batches], Batches]) -> SyntheticSet:
    class Faulty(Noise):
        def generate(self, *arguments: object) -> Batches:
            return change(super().generate(*arguments))

    return SyntheticSet(Faulty(), (0, 0), small())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda batches: [next(batches)], r"gave 4 pictures, \{0: 4\} by class; wanted 4 of each of \[0, 2\]"),
        (lambda batches: [*batches, (torch.zeros(1, 3, 16, 16, dtype=torch.uint8), torch.zeros(1))], "after 8 of 8"),
        (lambda batches: [(images, 0 * ids) for images, ids in batches], r"gave 8 pictures, \{0: 8\} by class"),
        (lambda batches: [(images, ids + 1) for images, ids in batches], r"\{1: 4, 3: 4\} by class"),
        (lambda batches: [(images[..., :8], ids) for images, ids in batches], r"gave torch.uint8 \(4, 3, 16, 8\)"),
        (lambda batches: [(images / 255, ids) for images, ids in batches], "gave torch.float32 .* wanted uint8"),
        (lambda batches: [(images[:3], ids) for images, ids in batches], r"\(3, 3, 16, 16\)"),
    ],
    ids=["too few", "too many", "one class", "other classes", "size", "floats", "more labels"],
)
def test_pictures_that_were_not_asked_for_are_refused_and_not_kept(change, message):
    data = faulty(change)
    with pytest.raises(InputError, match=message):
        data.backbone()
    assert not (paths.cache_root() / "task2sim-pictures" / data.key).exists()


def test_a_backbone_is_trained_once_and_its_images_go(trained):
    simulator = Noise()
    first, again = (SyntheticSet(simulator, (1, 0), small()) for _ in range(2))
    network = first.backbone()
    assert not network.training
    assert network.fc.out_features == 2
    assert same(network, again.backbone())
    assert trained == [first.backbone_key]
    assert simulator.calls == 1
    assert list((paths.cache_root() / "task2sim-pictures").iterdir()) == []
    assert [path.suffix for path in (paths.cache_root() / "task2sim-backbones").iterdir()] == [".safetensors"]
    other = SyntheticSet(simulator, (1, 1), small())
    assert not same(network, other.backbone())
    assert trained == [first.backbone_key, other.backbone_key]


@pytest.mark.parametrize("lr", [1e5, 1e25])  # weights that are finite, too, may give features that are not
def test_a_training_that_diverges_leaves_no_backbone(trained, lr):
    data = SyntheticSet(Noise(), (1, 0), small(train=TrainConfig(1, 4, lr)))
    for _ in range(2):
        with pytest.raises(InputError, match=r"features .* not finite .* with lr 1.*; lower lr"):
            data.backbone()
    assert not list((paths.cache_root() / "task2sim-backbones").glob("*.safetensors"))


def test_from_nothing_the_bits_are_the_same(trained):
    data = SyntheticSet(Noise(), (1, 0), small())
    torch.manual_seed(1)
    network = data.backbone()
    forget()
    torch.manual_seed(2)
    assert same(network, data.backbone())
    assert len(trained) == 2
    start = data.pretraining.new_backbone()
    assert same(start, data.pretraining.new_backbone())
    assert not same(start, network)


@pytest.mark.parametrize("stop", [1, 4, 5])
def test_an_interruption_leaves_no_trace(trained, monkeypatch, stop):
    data = SyntheticSet(Noise(), (1, 0), small(steps=6))
    undisturbed = data.backbone()
    forget()
    real, steps = pretraining.recipe, []

    def interrupted(*arguments: object) -> tuple:
        batch_at, loss = real(*arguments)

        def counted(step: int) -> object:
            steps.append(step)
            if len(steps) == stop + 1:
                raise KeyboardInterrupt
            return batch_at(step)

        return counted, loss

    monkeypatch.setattr(pretraining, "recipe", interrupted)
    with pytest.raises(KeyboardInterrupt):
        data.backbone()
    assert same(undisturbed, data.backbone())
    assert steps == [*range(stop + 1), *range(stop - stop % 2, 6)], "only the steps since the last checkpoint again"
    assert [path.suffix for path in (paths.cache_root() / "task2sim-backbones").iterdir()] == [".safetensors"]


KILLED = """
import os, signal, sys
from functools import partial
import torch
from ndslib.core.training import TrainConfig, fit
from ndslib.sim import TorchSimulator
from ndslib.task2sim import pretraining

torch.set_num_threads(1)
wanted = pretraining.Pretraining(2, 2, 16, TrainConfig(6, 4, 0.05), width=2)
real, pretraining.fit = pretraining.recipe, partial(fit, checkpoint_every=2)

def ends(cache, last):
    "How a process ends that is killed at a step, and prints its backbone when it is not."
    if child := os.fork():
        return os.waitpid(child, 0)[1]
    os.environ["NDSLIB_CACHE"] = os.path.join(sys.argv[1], cache)

    def deadly(*arguments):
        batch_at, loss = real(*arguments)
        return lambda step: os.kill(os.getpid(), signal.SIGKILL) if step == last else batch_at(step), loss

    pretraining.recipe = deadly
    network = pretraining.SyntheticSet(TorchSimulator(16), (1,) * 8, wanted).backbone()
    print(*(value.double().sum().item() for value in network.state_dict().values()), flush=True)
    os._exit(0)

assert ends("killed", 5) == signal.SIGKILL
checkpoints = os.path.join(sys.argv[1], "killed", "task2sim-backbones")
(checkpoint,) = (name for name in os.listdir(checkpoints) if name.endswith(".checkpoint"))
assert torch.load(os.path.join(checkpoints, checkpoint), weights_only=True)["step"] == 4
assert ends("killed", 3) == 0, "step 3 was done before the kill"
assert ends("undisturbed", -1) == 0
"""


def test_a_killed_pretraining_goes_on_from_its_checkpoint(tmp_path):
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    resumed, undisturbed = done.stdout.splitlines()
    assert resumed == undisturbed


def test_a_kill_while_images_are_removed_leaves_nothing_that_passes_for_them(monkeypatch):
    data = SyntheticSet(Noise(), (1, 0), small())
    data.backbone()
    data.images()

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("shutil.rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            data.backbone()
    longer = SyntheticSet(data.simulator, (1, 0), small(steps=5))
    assert longer.key == data.key
    longer.backbone()
    assert data.simulator.calls == 3


def test_given_images_and_scratch_have_keys_and_networks_of_their_own(trained):
    wanted = small()
    images = SyntheticSet(Noise(), (1, 0), dataclasses.replace(wanted, classes=3)).images()
    given, scratch = GivenImages(images, "shelf", wanted), Scratch(wanted)
    assert given.backbone().fc.out_features == 3, "as many as the images have"
    assert trained == [given.backbone_key]
    assert same(scratch.backbone(), wanted.new_backbone())
    assert not scratch.backbone().training
    assert trained == [given.backbone_key]
    keys = {given.backbone_key, GivenImages(images, "other", wanted).backbone_key, scratch.backbone_key}
    assert len(keys) == 3


def images(count: int = 12, classes: int = 3) -> Labelled:
    pixels = np.random.default_rng(0).integers(0, 256, (count, 3, 16, 16), dtype=np.uint8)
    return Labelled(pixels, np.arange(count) % classes)


def test_the_papers_recipe_mixes_images_and_labels_the_same_at_every_step():
    wanted = small(recipe="paper", train=TrainConfig(4, 6, 0.05, seed=3))
    (batch_at, loss), (again, _) = (recipe(images(), wanted) for _ in range(2))
    state = torch.get_rng_state()
    mixed = 0
    for step in (0, 1, 2, 3):
        pictures, labels = batch_at(step)
        assert (pictures.dtype, pictures.shape) == (torch.float32, (6, 3, 16, 16))
        assert (labels.dtype, labels.shape) == (torch.float32, (6, 3))
        torch.testing.assert_close(labels.sum(dim=1), torch.ones(6))
        assert (labels >= 0).all()
        mixed += int((labels.amax(dim=1) < 1).sum())
    assert mixed > 0
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(9)
    assert all(torch.equal(a, b) for a, b in zip(again(3), (pictures, labels), strict=True))
    assert not torch.equal(again(2)[0], pictures)
    uniform = nn.Linear(1, 3)
    nn.init.zeros_(uniform.weight), nn.init.zeros_(uniform.bias)
    value = loss(lambda x: uniform(x[:, 0, 0, :1]), (pictures, labels))
    assert value.item() == pytest.approx(np.log(3))


def test_the_papers_recipe_smooths_labels():
    _, loss = recipe(images(), small(recipe="paper"))
    scores = torch.tensor([[2.0, -1.0, 0.0]])
    smooth = torch.tensor([0.9 + 0.1 / 3, 0.1 / 3, 0.1 / 3])
    expected = -(smooth * scores.log_softmax(dim=1)).sum()
    found = loss(lambda _: scores, (torch.zeros(1), torch.tensor([[1.0, 0.0, 0.0]])))
    torch.testing.assert_close(found, expected)


def test_the_papers_recipe_trains(trained):
    data = SyntheticSet(Noise(), (1, 0), small(recipe="paper"))
    network = data.backbone()
    assert all(torch.isfinite(value).all() for value in network.state_dict().values())
    assert not same(network, data.pretraining.new_backbone())


def test_resnet50_drops_paths_in_the_papers_recipe_only():
    for name, chance in (("paper", 0.1), ("light", 0.0)):
        network = small(backbone="resnet50", recipe=name).new_backbone()
        assert isinstance(network, ResNet50)
        depths = [module.p for module in network.modules() if isinstance(module, StochasticDepth)]
        assert max(depths, default=0.0) == pytest.approx(chance)


class Dropping(ResNet18):
    """Stands for ResNet-50, which takes seconds."""

    def __init__(self, classes: int, drop_path: float) -> None:
        super().__init__(classes, 2, "imagenet")
        block = self.layer4[1]
        block.bn2 = nn.Sequential(block.bn2, StochasticDepth(5 * drop_path, "row"))


def test_dropped_paths_depend_on_the_seed_alone(trained, monkeypatch):
    """They are drawn from the global generator, which a caller may have left anywhere."""
    monkeypatch.setattr(pretraining, "ResNet50", Dropping)
    data = SyntheticSet(Noise(), (1, 0), small(backbone="resnet50", recipe="paper"))
    torch.manual_seed(1)
    state = torch.get_rng_state()
    network = data.backbone()
    assert torch.equal(torch.get_rng_state(), state)
    forget()
    torch.manual_seed(2)
    assert same(network, data.backbone())
