"""An experiment's settings: from a notebook's parameters, and what follows from them."""

from dataclasses import fields, replace

import pytest

from ndslib.core import notebooks, presets
from ndslib.core.errors import InputError
from ndslib.core.training import TrainConfig, learning_rate
from ndslib.data.worlds import photos, streetside
from ndslib.sim.catalogue import CLASSES
from ndslib.task2sim import experiments
from ndslib.task2sim.experiments import Settings

SMALL = Settings(size=16, classes=3, images_per_class=4, meshes_per_class=2, steps=6, batch_size=4, width=2)


def test_a_notebooks_parameters_one_to_one():
    found = Settings.of({"SIZE": 24, "BACKBONE": "resnet50", "FREE": ["blur"], "POLICY_SEEDS": 3, "size": 99})
    assert found == Settings(size=24, backbone="resnet50", free=("blur",))
    assert hash(found) == hash(replace(found))
    parameters = {each.name.upper(): getattr(SMALL, each.name) for each in fields(Settings)}
    assert Settings.of(parameters) == SMALL


def test_the_tasks_are_loaded_once_with_the_data_seed(monkeypatch):
    asked = []

    def load(*arguments: object, names: tuple[str, ...]) -> list:
        asked.append((*arguments, names))
        return []

    monkeypatch.setattr(experiments, "load_tasks", load)
    settings = Settings("real", 20, 3, 5, data_seed=7, workers=2, free=["blur"])
    assert settings.load() is replace(settings).load()
    assert asked == [("real", 20, 3, 5, 7, ())]
    assert settings.rewards.tasks is settings.load()
    assert [parameter.name for parameter in settings.rewards.parameters] == ["blur"]


def test_pretraining_and_fine_tuning_follow_the_settings():
    settings = replace(SMALL, lr=0.3, optimizer="adamw", weight_decay=0.1, stem="cifar", recipe="paper", data_seed=5)
    wanted, tuning = settings.pretraining, settings.fine_tuning
    assert (wanted.classes, wanted.images_per_class, wanted.size, wanted.seed) == (3, 4, 16, 5)
    assert (wanted.backbone, wanted.width, wanted.stem, wanted.recipe) == ("resnet18", 2, "cifar", "paper")
    train = wanted.train
    assert (train.steps, train.batch_size, train.lr, train.seed) == (6, 4, 0.3, 5)
    assert (train.optimizer, train.weight_decay, train.schedule) == ("adamw", 0.1, "cosine")
    assert (tuning.steps, tuning.seed, tuning.device, tuning.precision) == (60, 5, "cpu", "fp32")


def test_fine_tuning_follows_the_recipe():
    assert SMALL.fine_tuning == TrainConfig(60, 32, 0.02, warmup=0.1)
    tuning = replace(SMALL, recipe="paper", fine_tuning_steps=50, fine_tuning_lr=0.1, fine_tuning_batch=64).fine_tuning
    assert (tuning.optimizer, tuning.batch_size) == ("sgd", 64)
    rates = [learning_rate(tuning, step) for step in (0, 24, 25, 37, 38, 49)]
    assert rates == pytest.approx([0.1, 0.1, 0.01, 0.01, 0.001, 0.001]), "drops at half and at three quarters"


def test_no_object_of_pretraining_is_a_class_of_a_task():
    objects = set(SMALL.simulator.classes)
    assert objects.isdisjoint(photos.CLASSES)
    assert objects.isdisjoint(streetside.CLASSES)
    assert objects < set(CLASSES)
    assert len(objects) >= max(Settings().classes, Settings().large_classes)


def test_the_simulator_follows_size_and_meshes():
    assert SMALL.simulator.size == 16
    ours = SMALL.simulator.fingerprint()
    assert ours == replace(SMALL, classes=5, steps=1).simulator.fingerprint()
    assert ours != replace(SMALL, meshes_per_class=3).simulator.fingerprint()


@pytest.mark.parametrize(
    ("changes", "steps"),
    [({}, 6), ({"classes": 6}, 12), ({"images_per_class": 2}, 3), ({"classes": 4, "images_per_class": 8}, 16)],
)
def test_larger_sets_are_trained_on_for_as_many_epochs(changes, steps):
    sized = SMALL.sized(**changes)
    assert sized == replace(SMALL, **changes, steps=steps)


def test_the_larger_sets_have_their_own_sizes():
    settings = replace(SMALL, large_classes=6, large_images_per_class=8)
    assert settings.large == replace(settings, classes=6, images_per_class=8, steps=24)


def test_the_smallest_set_is_trained_on_at_all():
    assert replace(SMALL, steps=1).sized(images_per_class=1).steps == 1


def test_an_unknown_probe_is_named():
    with pytest.raises(InputError, match="probe is 'moco'; choose 'pretrained' or 'imagenet'"):
        replace(SMALL, probe="moco").probe_network()


NOTEBOOKS = [each for each in notebooks.load_all() if each.chapter == "task2sim"]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda each: each.name)
def test_at_the_papers_size_the_probe_is_imagenets_and_the_catalogue_has_all_classes(notebook, monkeypatch):
    probe = object()
    monkeypatch.setattr(experiments, "ImagenetProbe", lambda: probe)
    parameters = presets.resolve(notebook, "paper")
    settings = Settings.of(parameters)
    assert settings.probe_network() is probe
    wanted = (settings.classes, settings.large_classes, *parameters.get("CLASS_COUNTS", ()))
    assert max(wanted) <= len(experiments.OBJECTS)
