"""Experiments: what is trained, under which key it is kept, and the rows that come of it."""

import json
from dataclasses import replace

import numpy as np
import pytest

from ndslib.core import paths
from ndslib.core.errors import InputError
from ndslib.core.training import NonFiniteLoss
from ndslib.hydranet import experiments, networks
from ndslib.hydranet.costs import network_cost
from ndslib.hydranet.experiments import (
    STRATEGIES,
    Settings,
    Trial,
    accuracy_by_k,
    equal_cost,
    reference_features,
    result,
    results,
    static_twin,
    train_all,
    trained,
    utilisation,
    with_static,
)
from ndslib.hydranet.networks import NetworkConfig

SETTINGS = Settings("digits", size=8, train_per_class=6, test_per_class=4, steps=3, batch_size=16, lr=0.1)
HYDRA = NetworkConfig("resnet", 1, n_b=4, k=2, scale=0.25)


@pytest.fixture(autouse=True)
def forget_tasks():
    """Each test has a cache of its own, so no images of another test may be remembered."""
    Settings.load.cache_clear()


def test_settings_take_the_notebooks_parameters():
    found = Settings.of({"TASK": "digits", "SIZE": 8, "STEPS": 7, "LR": 0.3, "PRESET": "smoke", "other": 1})
    assert found == Settings("digits", size=8, steps=7, lr=0.3)
    assert (found.training.steps, found.training.lr, found.training.seed) == (7, 0.3, 0)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_trains_the_network_that_it_means(strategy):
    trial = Trial(SETTINGS, HYDRA, strategy)
    network, classes = networks.load(trained(trial) / "network.safetensors")
    assert classes == trial.task.classes
    assert network.gating == STRATEGIES[strategy][0]
    if strategy == "CLUSTER":
        expected = experiments.cluster_classes(reference_features(trial), 4, SETTINGS.seed)
        np.testing.assert_array_equal(network.subtasks, expected)
    if strategy == "RANDOM":
        np.testing.assert_array_equal(network.subtasks, experiments.random_classes(10, 4, SETTINGS.seed))
    found = result(trial)
    assert 0 <= found["top1"] <= 1
    assert found["madds"] == network_cost(network, 8).madds
    assert (found["recall"] is None) == (network.gating != "supervised")


def test_a_network_is_trained_once(monkeypatch):
    trial = Trial(SETTINGS, HYDRA)
    first = trained(trial)
    monkeypatch.setattr(experiments, "train", lambda *_, **__: pytest.fail("trained again"))
    assert trained(trial) == first
    assert result(trial) == json.loads((first / "result.json").read_text())


@pytest.mark.parametrize(
    "change",
    [
        {"steps": 4},
        {"lr": 0.2},
        {"seed": 1},
        {"gate_weight": 0.5},
        {"size": 10},
        {"train_per_class": 5},
        {"precision": "bf16"},
        {"skip_idle": True},
    ],
)
def test_the_key_names_what_the_network_depends_on(change):
    assert Trial(replace(SETTINGS, **change), HYDRA).key != Trial(SETTINGS, HYDRA).key


def test_the_key_names_network_and_strategy_but_not_the_workers():
    keys = {Trial(SETTINGS, HYDRA, strategy).key for strategy in STRATEGIES}
    keys |= {Trial(SETTINGS, replace(HYDRA, k=1)).key, Trial(SETTINGS, static_twin(HYDRA)).key}
    assert len(keys) == len(STRATEGIES) + 2
    assert Trial(replace(SETTINGS, workers=2), HYDRA).key == Trial(SETTINGS, HYDRA).key
    static = static_twin(HYDRA)
    assert Trial(SETTINGS, static, "RANDOM").key == Trial(SETTINGS, static, "CLUSTER").key


def test_an_interrupted_training_leaves_nothing_that_looks_finished(monkeypatch):
    trial = Trial(SETTINGS, static_twin(HYDRA))
    whole = experiments.evaluate
    monkeypatch.setattr(experiments, "evaluate", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        trained(trial)
    folder = paths.cache_root() / "hydranet"
    assert [path.name for path in folder.iterdir()] == [f"{trial.key}.checkpoint"]
    monkeypatch.setattr(experiments, "evaluate", whole)
    assert (trained(trial) / "result.json").exists()
    assert not (folder / f"{trial.key}.checkpoint").exists()


@pytest.mark.parametrize(
    "config",
    [
        HYDRA,
        NetworkConfig("densenet", 1, n_b=4, k=2, scale=0.25),
        NetworkConfig("ressep", 1, 0.5, 0.25, 0.25, n_b=4, k=2, branch_point=3, scale=0.25, stem="cifar"),
    ],
)
def test_equal_cost_is_a_static_network_of_the_family(config):
    found = equal_cost(config, 16, 10)
    wanted = network_cost(networks.build(config, 10), 16).madds
    assert (found.family, found.n_b) == (config.family, 0)
    ratio = network_cost(networks.build(found, 10), 16).madds / wanted
    assert 0.98 <= ratio < 1.05


@pytest.mark.parametrize(("hydra", "static"), [("Hydra-Res-d1", "ResNet-14"), ("Hydra-Res-d4", "ResNet-56")])
def test_published_networks_of_equal_cost(hydra, static):
    assert networks.name_of(equal_cost(networks.PUBLISHED[hydra], 32, 100)) == static


def test_results_are_tidy_rows():
    trials = with_static(SETTINGS, [HYDRA], [NetworkConfig("resnet", 3, scale=0.25)])
    names = list(trials)
    assert (names[0], names[2]) == ("Hydra-Res-d1", "ResNet-20")
    assert names[1].startswith("ResNet-8-w1.")
    train_all(trials.values())
    rows = results(trials, "th-t3.3")
    assert list(rows.columns) == ["experiment", "method", "metric", "value"]
    metrics = {method: set(part["metric"]) for method, part in rows.groupby("method")}
    assert metrics[names[1]] == {"top1", "params", "madds", "total_madds"}
    assert metrics["Hydra-Res-d1"] == metrics[names[1]] | {"gate_top1", "recall"}
    assert rows["value"].notna().all()


def test_workers_give_the_same_numbers():
    trials = with_static(SETTINGS, [HYDRA])
    alone = results(trials, "x")
    Settings.load.cache_clear()
    together = replace(SETTINGS, workers=2, seed=0)
    assert results(with_static(together, [HYDRA]), "x").equals(alone)


def test_accuracy_by_k_changes_nothing_at_its_own_k():
    trial = Trial(SETTINGS, HYDRA)
    rows = accuracy_by_k(trial, [1, 2, 4]).set_index("step")["value"]
    assert list(rows.index) == [1, 2, 4]
    assert rows[2] == result(trial)["top1"]
    with pytest.raises(InputError, match="k is 5"):
        accuracy_by_k(trial, [5])


def test_utilisation_is_sorted_and_adds_up_to_k():
    rows = utilisation({strategy: Trial(SETTINGS, HYDRA, strategy) for strategy in ("CLUSTER", "NO GATING")})
    shares = rows.pivot(index="method", columns="step", values="value")
    assert shares.sum(axis=1).tolist() == pytest.approx([2, 4])
    assert (shares.diff(axis=1).iloc[:, 1:] <= 0).all().all()


def test_bad_input():
    with pytest.raises(InputError, match="strategy is 'BEST'"):
        Trial(SETTINGS, HYDRA, "BEST")
    with pytest.raises(InputError, match="nothing to train"):
        train_all([])
    with pytest.raises(InputError, match="n_b is 11, but there are only 10 classes"):
        trained(Trial(SETTINGS, replace(HYDRA, n_b=11)))
    with pytest.raises(NonFiniteLoss, match="learning rate"):
        trained(Trial(replace(SETTINGS, lr=1e30, steps=30), static_twin(HYDRA)))
