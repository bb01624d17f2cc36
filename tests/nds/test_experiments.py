"""Settings, the dataserver of an experiment, and the ratings of its clients."""

from dataclasses import replace

import numpy as np
import pytest

from ndslib.core.errors import InputError
from ndslib.data.images import decode
from ndslib.nds import experiments
from ndslib.nds.domain_confusion import domain_classifier
from ndslib.nds.experiments import (
    VARIANTS,
    Settings,
    build_server,
    client_images,
    confusion,
    content,
    rate,
    ratings,
    server_extractor,
    variant_of,
)
from ndslib.nds.index import Source
from ndslib.nds.scenarios import Scenario


@pytest.fixture
def settings(tiny_scenario) -> Settings:
    return Settings(tiny_scenario, width=2, extractor_steps=2, expert_steps=2, expert_batch=4, batch_size=8)


def test_settings_of_a_notebooks_parameters():
    found = Settings.of({"SCENARIO": "real", "WIDTH": 16, "SEED": 3, "BUDGETS": [0.2], "PRESET": "laptop"})
    assert found == Settings("real", seed=3, width=16)


def test_settings_train_on_their_device_seed_and_precision():
    config = Settings("real", seed=3, precision="bf16").train(10, 4, 0.2, optimizer="adam")
    assert (config.steps, config.batch_size, config.lr, config.optimizer) == (10, 4, 0.2, "adam")
    assert (config.seed, config.precision, config.device) == (3, "bf16", "cpu")


def test_extractors_by_name(settings):
    scenario = settings.load()
    assert server_extractor(scenario, settings).features(np.zeros((3, 3, 16, 16), np.uint8)).shape == (3, 16)
    with pytest.raises(InputError, match="extractor is 'clip'; choose 'trained' or 'imagenet'"):
        server_extractor(scenario, replace(settings, extractor="clip"))


def test_the_server_is_built_once(settings, no_training):
    scenario = settings.load()
    index = build_server(scenario, settings)
    assert [dataset.name for dataset in index.datasets] == ["glyphs", "textures"]
    assert len(index.expert_paths()) == 4
    assert sorted(index.table["id"].to_pylist()) == sorted(scenario.table["id"].to_pylist())
    no_training()
    assert build_server(scenario, settings).place == index.place
    with pytest.raises(ExceptionGroup, match="jobs failed"):
        build_server(scenario, replace(settings, expert_steps=3))


def test_each_variant_has_an_index_of_its_own(settings):
    scenario = settings.load()
    built = {variant: build_server(scenario, settings, variant) for variant in VARIANTS}
    assert len({index.place for index in built.values()}) == 3
    for variant, (gating, task, _) in VARIANTS.items():
        assert {(each.gating, each.task) for each in built[variant].datasets} == {(gating, task)}
    with pytest.raises(InputError, match="'NDS' is no variant of NDS; choose one of"):
        variant_of("NDS")


def test_another_server_gets_another_index(settings, monkeypatch):
    scenario = settings.load()
    places = [build_server(scenario, settings).place, build_server(scenario, replace(settings, seed=1)).place]
    places.append(build_server(replace(settings, k={"glyphs": 1}).load(), replace(settings, k={"glyphs": 1})).place)
    fewer = Source(scenario.sources[0].table.slice(1), 2, "fewer")
    places.append(build_server(Scenario("tiny", 16, (fewer, *scenario.sources[1:]), ()), settings).place)
    monkeypatch.setattr(experiments, "EXPERT_VERSION", 99)  # the way in which experts are trained has changed
    places.append(build_server(scenario, settings).place)
    assert len(set(places)) == 5


def test_content_names_ids_labels_and_pixels(settings):
    table = settings.load().clients[0].train
    relabelled = table.set_column(table.schema.get_field_index("label"), "label", [["x"] * table.num_rows])
    assert content(table, 16) == content(table, 16)
    assert len({content(table, 16), content(table, 8), content(table.slice(1), 16), content(relabelled, 16)}) == 4


def test_test_labels_count_in_the_classes_of_training(settings):
    client = settings.load().clients[0]
    first, second = sorted(set(client.train["label"].to_pylist()))
    only_second = client.test.filter([label == second for label in client.test["label"].to_pylist()])
    classes = [f"{client.name}/{first}", f"{client.name}/{second}"]
    assert set(client_images(client.train, 16).labels.tolist()) == {0, 1}
    assert set(client_images(only_second, 16, classes).labels.tolist()) == {1}
    with pytest.raises(InputError, match=rf"test classes \['{client.name}/{second}'\] have no training image"):
        client_images(client.test, 16, classes[:1])


def test_a_clients_images_follow_their_labels(settings):
    client = settings.load().clients[0]
    found = client_images(client.train, 16)
    names = sorted(set(client.train["label"].to_pylist()))
    assert [names[label] for label in found.labels] == client.train["label"].to_pylist()
    assert found.images.shape == (12, 3, 16, 16)


def test_an_unlabelled_client_image_is_named(settings):
    table = settings.load().clients[0].train
    labels = [None if row == 2 else label for row, label in enumerate(table["label"].to_pylist())]
    table = table.set_column(table.schema.get_field_index("label"), "label", [labels])
    with pytest.raises(InputError, match=rf"{table['id'][2]}: a client's image without a label"):
        client_images(table, 16)


@pytest.mark.parametrize("variant", VARIANTS)
def test_ratings_are_tidy(settings, variant):
    found = ratings(settings, ["textures", "photos"], variant)
    columns = {"client", "domain", "cluster", "dataset", "images", "score", "weight", "selected", "bytes"}
    assert set(found.columns) == columns
    assert found["client"].tolist() == ["textures"] * 4 + ["photos"] * 4
    assert found["domain"].tolist()[:4] == ["textures"] * 4
    assert found["domain"].isna().tolist()[4:] == [True] * 4
    assert found["score"].between(0, 1).all()
    for _, rows in found.groupby("client"):
        assert rows["weight"].sum() == pytest.approx(1)
        assert rows["weight"].is_monotonic_decreasing
        assert rows["score"].is_monotonic_decreasing
        assert rows["images"].sum() == 48
        assert rows["selected"].sum() == 48 // 5


def test_ratings_come_from_the_clients_training_images(settings):
    scenario = settings.load()
    index, client = build_server(scenario, settings), scenario.client("textures")
    scores = rate(index, client, 16, "NDS (UP+SS)", settings)
    found = ratings(settings, ["textures"]).set_index("cluster")["score"]
    np.testing.assert_array_equal(found[index.cluster_names], scores)


def test_ratings_twice_train_once(settings, no_training):
    first = ratings(settings, ["glyphs"])
    no_training()
    assert ratings(settings, ["glyphs"]).equals(first)


def test_confusion_is_that_of_a_clusters_images_and_the_clients(settings):
    scenario = settings.load()
    index, network = build_server(scenario, settings), server_extractor(scenario, settings)
    found = confusion(settings, ["textures", "photos"])
    assert found["client"].tolist() == ["textures"] * 4 + ["photos"] * 4
    assert found["cluster"].tolist() == index.cluster_names * 2
    assert found["dataset"].tolist() == index.cluster_datasets * 2
    np.testing.assert_array_equal(
        found["accuracy"][4:], rate(index, scenario.client("photos"), 16, "NDS (UP+SS)", settings)
    )
    cluster = index.table.take(index.rows_of_cluster(2))
    sides = [network.features(decode(table, 16).pixels) for table in (cluster, scenario.client("photos").train)]
    expected = domain_classifier(*sides, seed=settings.seed)
    assert found.loc[6, ["error", "loss", "a_distance"]].tolist() == pytest.approx(list(expected))


@pytest.mark.parametrize("experiment", [ratings, confusion])
def test_an_unknown_client_stops_before_anything_is_trained(settings, no_training, experiment):
    no_training()
    with pytest.raises(InputError, match="has no client 'cats'"):
        experiment(settings, ["glyphs", "cats"])
