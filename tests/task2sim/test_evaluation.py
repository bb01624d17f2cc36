"""5-NN, linear probe and fine-tuning of a backbone, and accuracies that are measured once."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import torch
from joblib.externals.loky import get_reusable_executor
from sklearn.preprocessing import normalize
from torch import nn
from torchvision.ops import StochasticDepth

from ndslib.core import paths
from ndslib.core.classification import new_network
from ndslib.core.errors import InputError
from ndslib.core.files import digest
from ndslib.core.models import ClassifierResNet
from ndslib.core.training import TrainConfig
from ndslib.data.labelled import Labelled
from ndslib.task2sim import evaluation
from ndslib.task2sim.evaluation import (
    EVALUATIONS,
    FINE_TUNING,
    LINEAR_PROBING,
    REWARD,
    Job,
    features,
    fine_tuning,
    linear_probe,
    nearest_neighbours,
    pair_scores,
    scores,
)
from ndslib.task2sim.pretraining import Pretraining, Scratch
from ndslib.task2sim.tasks import Task

WANTED = Pretraining(2, 4, 16, TrainConfig(2, 4, 0.05), width=2)
TUNING = TrainConfig(30, 8, 0.02)


def task(gap: int, per_class: int = 12, classes: int = 3, name: str = "colours", category: str = "natural") -> Task:
    """Classes of noise, each of which is brighter by `gap` in one of the three channels."""
    parts = []
    for split in (0, 1):
        random = np.random.default_rng([split, gap])
        labels = np.arange(per_class * classes) % classes
        pixels = random.integers(0, 100, (len(labels), 3, 16, 16))
        pixels[np.arange(len(labels)), labels] += gap
        parts.append(Labelled(pixels.astype(np.uint8), labels))
    names = tuple("abcd"[:classes])
    return Task(name, names, category, True, *parts, key=f"{name}-{gap}-{per_class}")


@pytest.fixture
def backbone() -> ClassifierResNet:
    return new_network(2, 4, "cifar", 0).eval()


def test_features_are_the_networks_and_its_mode_comes_back(backbone):
    images = task(0).test.images
    found = features(backbone.train(), images)
    assert (found.dtype, found.shape) == (np.float32, (36, 32))
    assert backbone.training, "its mode is given back"
    with torch.inference_mode():
        np.testing.assert_array_equal(found, backbone.eval().features(torch.from_numpy(images)).numpy())


@pytest.mark.parametrize("gap", [3, 20])
def test_nearest_neighbours_by_hand(backbone, gap):
    hard = task(gap)
    train, test = (features(backbone, part.images).astype(np.float64) for part in (hard.train, hard.test))
    right = 0
    for one, label in zip(test, hard.test.labels, strict=True):
        cosines = train @ one / np.linalg.norm(train, axis=1) / np.linalg.norm(one)
        nearest = np.argsort(-cosines)[:5]
        votes = np.bincount(hard.train.labels[nearest], np.exp(cosines[nearest] / 0.07))
        right += votes.argmax() == label
    assert nearest_neighbours(backbone, hard) == pytest.approx(100 * right / len(test))


def test_neighbours_are_at_most_the_training_images(backbone):
    few = task(100, per_class=1)
    train, test = (normalize(features(backbone, part.images)) for part in (few.train, few.test))
    right = (few.train.labels[(test @ train.T).argmax(1)] == few.test.labels).mean()
    assert nearest_neighbours(backbone, few) == pytest.approx(100 * right), "all three vote, and the nearest wins"


@dataclass
class Plane:
    """Stands for a backbone: its features are the first two pixels, at scales a thousand apart."""

    offset: float = 0.0
    training: bool = False
    weight: torch.Tensor = field(default_factory=lambda: torch.zeros(1))

    def parameters(self) -> Iterator[torch.Tensor]:
        return iter([self.weight])

    def modules(self) -> list[nn.Module]:
        return []

    def features(self, images: torch.Tensor) -> torch.Tensor:
        return images[:, 0, 0, :2].float() * torch.tensor([1.0, 1e-3]) + self.offset


@pytest.mark.parametrize("channel", [0, 1])
def test_a_linear_probe_separates_whatever_the_scale_and_place(channel):
    random = np.random.default_rng(0)
    parts = []
    for _ in range(2):
        pixels = random.integers(0, 256, (80, 3, 16, 16), dtype=np.uint8)
        pixels[:, 0, 0, channel] = np.where(np.arange(80) % 2, 150, 100) + random.integers(-20, 20, 80)
        parts.append(Labelled(pixels, np.arange(80) % 2))
    separable = Task("t", ("a", "b"), "natural", True, *parts, key="k")
    assert linear_probe(Plane(), separable) >= 97.5
    assert linear_probe(Plane(offset=500.0), separable) >= 97.5


def test_all_evaluations_tell_an_easy_task_from_an_impossible_one(backbone):
    easy, impossible = task(100), task(0)
    chance = 100 / 3
    for name, evaluate in EVALUATIONS.items():
        how = (TUNING,) if name == FINE_TUNING else ()
        found = evaluate(backbone, easy, *how)
        assert found > chance + 20, name
        assert found > evaluate(backbone, impossible, *how) + 10, name
    assert found > 85, "the whole network was trained"


def test_fine_tuning_trains_a_copy_and_mirrors_no_characters(backbone, monkeypatch):
    seen = []
    real = evaluation.fine_tune

    def spy(*arguments: object) -> nn.Module:
        seen.append(arguments[3])
        return real(*arguments)

    monkeypatch.setattr(evaluation, "fine_tune", spy)
    before = {name: value.clone() for name, value in backbone.state_dict().items()}
    for category in ("natural", "symbolic", "medical"):
        fine_tuning(backbone, task(100, category=category), replace(TUNING, steps=1))
    assert seen == [True, False, False]
    assert all(torch.equal(value, before[name]) for name, value in backbone.state_dict().items())


def test_fine_tuning_drops_paths_by_its_seed_alone(backbone):
    block = backbone.layer4[1]
    block.bn2 = nn.Sequential(block.bn2, StochasticDepth(0.5, "row"))
    hard, found = task(15), []
    for seed in (1, 2, 3):
        torch.manual_seed(seed)
        found.append(fine_tuning(backbone, hard, replace(TUNING, steps=8)))
    assert len(set(found)) == 1


@dataclass(frozen=True)
class Counted:
    """A source that says which backbones were asked for, and refuses some."""

    name: str
    asked: list[str]
    refused: set[str] = field(default_factory=set)
    pretraining: Pretraining = WANTED

    @property
    def backbone_key(self) -> str:
        return self.name

    def backbone(self) -> ClassifierResNet:
        self.asked.append(self.name)
        if self.name in self.refused:
            raise InputError(f"{self.name} is refused")
        return new_network(2, 2, "cifar", len(self.name)).eval()


def test_only_what_is_missing_is_measured(monkeypatch):
    asked, evaluated = [], []

    def spy(backbone: ClassifierResNet, one: Task) -> float:
        evaluated.append(one.key)
        return nearest_neighbours(backbone, one)

    monkeypatch.setitem(EVALUATIONS, "5NN", spy)
    one, two, three = task(10), task(20), task(30)
    first = scores([Job(Counted("a", asked), (one, two))])
    assert scores([Job(Counted("a", asked), (two, one))]) == [first[0][::-1]]
    assert asked == ["a"]
    more = scores([Job(Counted("a", asked), (one, three)), Job(Counted("bb", asked), (two,))])
    assert more[0][0] == first[0][0]
    assert asked == ["a", "a", "bb"]
    assert evaluated == [each.key for each in (one, two, three, two)]
    assert scores([]) == []


def test_evaluations_and_their_settings_are_kept_apart():
    asked, easy = [], task(40)
    kinds = [("5NN", None), ("Linear Probing", None), ("Finetuning", TUNING), ("Finetuning", replace(TUNING, steps=2))]
    jobs = [Job(Counted("a", asked), (easy,), *kind) for kind in kinds]
    assert scores(jobs) == scores(jobs)
    assert len(asked) == 4
    assert len(list((paths.cache_root() / "task2sim-accuracies").iterdir())) == 4


def test_names_under_which_accuracies_are_kept():
    """Those of 5-NN and linear probing are the names of kept results; only fine-tuning mirrors by the category."""
    source, natural, symbolic = Counted("a", []), task(40), task(40, category="symbolic")
    folder = paths.cache_root() / "task2sim-accuracies"
    for name in (REWARD, LINEAR_PROBING):
        key = digest(evaluation.VERSION, name, "a", natural.key, [])
        files = [evaluation._file(Job(source, (each,), name), each) for each in (natural, symbolic)]
        assert files == [folder / f"{key}.json"] * 2
    jobs = [Job(source, (each,), FINE_TUNING, TUNING) for each in (natural, symbolic)]
    assert len({evaluation._file(job, job.tasks[0]) for job in jobs}) == 2


@pytest.mark.parametrize(
    ("name", "config", "problem"),
    [
        ("5-NN", None, "evaluation is '5-NN'; choose one of 5NN, Linear Probing, Finetuning"),
        (FINE_TUNING, None, "Finetuning with the configuration None: Finetuning alone takes one"),
        (REWARD, TUNING, "5NN with the configuration TrainConfig"),
    ],
)
def test_a_job_that_cannot_be_done_is_named(name, config, problem):
    with pytest.raises(InputError, match=problem):
        Job(Counted("a", []), (task(40),), name, config)


def test_pairs_in_any_order_are_one_job_a_backbone(monkeypatch):
    jobs = []
    real = evaluation.scores

    def spy(asked: list[Job], *arguments: object) -> list[list[float]]:
        jobs.extend(asked)
        return real(asked, *arguments)

    monkeypatch.setattr(evaluation, "scores", spy)
    asked, one, two = [], task(10), task(30)
    sources = [Counted(name, asked) for name in ("a", "bb", "a")]
    pairs = [(sources[0], two), (sources[1], one), (sources[2], one), (sources[0], two), (sources[1], two)]
    found = pair_scores(pairs)
    assert asked == ["a", "bb"]
    assert [[each.key for each in job.tasks] for job in jobs] == [[two.key, one.key], [one.key, two.key]]
    assert found == [scores([Job(source, (each,))])[0][0] for source, each in pairs]
    assert len(set(found)) > 2, "accuracies that could be confused"
    assert pair_scores([]) == []


def test_a_failure_loses_nothing_that_others_measured(monkeypatch):
    asked, refused = [], {"bb"}
    easy, broken = task(40), task(50)
    jobs = [Job(Counted(name, asked, refused), (easy, broken)) for name in ("a", "bb", "ccc")]

    def failing(backbone: ClassifierResNet, one: Task) -> float:
        if one is broken and asked[-1] == "ccc":
            raise RuntimeError("out of memory")
        return nearest_neighbours(backbone, one)

    monkeypatch.setitem(EVALUATIONS, "5NN", failing)
    with pytest.raises(ExceptionGroup, match="2 of 3 jobs failed") as caught:
        scores(jobs)
    assert [str(error) for error in caught.value.exceptions] == ["bb is refused", "out of memory"]
    monkeypatch.setitem(EVALUATIONS, "5NN", nearest_neighbours)
    refused.clear()
    asked.clear()
    found = scores(jobs)
    assert asked == ["bb", "ccc"], "only what had failed is measured again"
    assert len(list((paths.cache_root() / "task2sim-accuracies").iterdir())) == 6
    assert scores(jobs) == found


def test_two_workers_give_the_same_numbers(monkeypatch, tmp_path):
    tasks = (task(10), task(20))
    jobs = [Job(Scratch(replace(WANTED, width=width)), tasks, "Finetuning", TUNING) for width in (1, 2, 3)]
    alone = scores(jobs)
    monkeypatch.setenv("NDSLIB_CACHE", str(tmp_path))
    get_reusable_executor(reuse=True).shutdown(kill_workers=True)  # processes that other tests left know another cache
    assert scores(jobs, workers=2) == alone
    assert len(list((tmp_path / "task2sim-accuracies").iterdir())) == 6
