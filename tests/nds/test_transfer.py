"""The transfer tables: what is selected, pretrained on, fine-tuned and measured."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ndslib.core import classification, paths
from ndslib.core.errors import InputError
from ndslib.data import sample_table
from ndslib.nds import downstream
from ndslib.nds import transfer as module
from ndslib.nds.experiments import VARIANTS, Settings, build_server, client_images, rate
from ndslib.nds.recommend import recommend
from ndslib.nds.transfer import ALL_METHODS, ENTIRE, KNN, NGIAM, SCRATCH, UNIFORM, select, transfer

COLUMNS = ["client", "method", "budget", "pretext", "top1", "own_domain", "images"]


@pytest.fixture
def settings(tiny_scenario) -> Settings:
    steps = {"extractor_steps": 2, "expert_steps": 2, "pretrain_steps": 2, "finetune_steps": 2}
    return Settings(tiny_scenario, width=2, expert_batch=4, batch_size=8, **steps)


def test_every_method_gives_a_tidy_row_a_client_and_budget(settings, no_training):
    clients, budgets = ["glyphs", "photos"], [0.25, 0.5]
    found = transfer(settings, clients, ALL_METHODS, budgets)
    assert found.columns.tolist() == COLUMNS
    per_client = [(SCRATCH, 0.0), (ENTIRE, 1.0)]
    per_client += [(method, budget) for method in ALL_METHODS[2:] for budget in budgets]
    expected = [(client, method, budget) for client in clients for method, budget in per_client]
    assert list(zip(found["client"], found["method"], found["budget"], strict=True)) == expected
    assert found["images"].tolist() == [round(48 * budget) for budget in found["budget"]]
    assert found["top1"].between(0, 1).all()
    assert (found["pretext"] == "labels").all()
    assert np.isnan(found["own_domain"][(found["client"] == "photos") | (found["method"] == SCRATCH)]).all()
    entire = found[(found["method"] == ENTIRE) & (found["client"] == "glyphs")]
    assert entire["own_domain"].tolist() == [0.5]
    no_training()
    assert transfer(settings, clients, ALL_METHODS, budgets).equals(found)


def test_own_domain_is_the_share_of_the_selected_rows(settings):
    scenario = settings.load()
    datasets = np.array(scenario.table["dataset"].to_pylist())
    for cell in select(scenario, settings, scenario.client("textures"), [UNIFORM, KNN, NGIAM, *VARIANTS], [0.25]):
        assert len(np.unique(cell.rows)) == 12
        assert cell.own_domain == (datasets[cell.rows] == "textures").mean()


@pytest.mark.parametrize("variant", VARIANTS)
def test_rows_of_nds_are_those_that_the_index_recommends(settings, variant):
    scenario = settings.load()
    client = scenario.client("textures")
    (cell,) = select(scenario, settings, client, [variant], [0.25])
    index = build_server(scenario, settings, variant)
    answer = recommend(index, rate(index, client, 16, variant, settings), 12, seed=settings.seed)
    assert scenario.table["id"].take(cell.rows).to_pylist() == answer.samples["id"].to_pylist()


def test_scratch_and_entire(settings):
    scenario = settings.load()
    scratch, entire = select(scenario, settings, scenario.client("glyphs"), [SCRATCH, ENTIRE], [0.1])
    assert scratch.rows is None
    np.testing.assert_array_equal(entire.rows, np.arange(48))


def test_pretraining_gets_the_selected_images_and_labels_and_clients_share_it(settings, monkeypatch):
    selections = []

    def spy(selection, *arguments, **named):
        selections.append(selection)
        return downstream.pretrain(selection, *arguments, **named)

    monkeypatch.setattr(module, "pretrain", spy)
    clients = ["glyphs", "textures", "photos"]
    transfer(settings, clients, [SCRATCH, UNIFORM, ENTIRE], [0.25])
    assert [len(selection.images) for selection in selections] == [12, 48]
    scenario = settings.load()
    everything = client_images(scenario.table, 16)  # the same decoding and numbering, by another way
    (cell,) = select(scenario, settings, scenario.client("glyphs"), [UNIFORM], [0.25])
    np.testing.assert_array_equal(selections[0].images, everything.images[cell.rows])
    np.testing.assert_array_equal(selections[0].labels, everything.labels[cell.rows])
    np.testing.assert_array_equal(selections[1].labels, everything.labels)


def test_accuracy_is_of_the_fine_tuned_network_on_the_test_images(settings):
    found = transfer(settings, ["glyphs"], [SCRATCH], [])
    client = settings.load().client("glyphs")
    network = classification.new_network(1, 2, "cifar", settings.seed)
    config = settings.train(settings.finetune_steps, settings.batch_size, settings.finetune_lr)
    tuned = classification.fine_tune(network, client_images(client.train, 16), config)
    assert found["top1"].tolist() == [classification.accuracy(tuned, client_images(client.test, 16))]


def test_test_images_are_numbered_like_training_images(settings, monkeypatch):
    seen = []
    monkeypatch.setattr(module, "accuracy", lambda network, test: seen.append(test.labels.tolist()) or 0.5)
    scenario = settings.load()
    client = scenario.client("glyphs")
    last = max(client.train["label"].to_pylist())
    test = client.test.filter([label == last for label in client.test["label"].to_pylist()])
    changed = replace(scenario, clients=(replace(client, test=test),))
    monkeypatch.setattr(Settings, "load", lambda self: changed)
    transfer(settings, ["glyphs"], [SCRATCH], [])
    assert seen == [[1] * 6]


@pytest.mark.parametrize("pretext", ["rotation", "moco"])
def test_self_supervised_pretraining(settings, pretext, no_training):
    found = transfer(settings, ["glyphs"], [SCRATCH, UNIFORM], [0.25], pretext)
    assert found["pretext"].tolist() == [pretext] * 2
    assert found["top1"].between(0, 1).all()
    no_training()
    assert transfer(settings, ["glyphs"], [SCRATCH, UNIFORM], [0.25], pretext).equals(found)


@pytest.mark.parametrize("pretext", ["labels", "moco"])
def test_results_do_not_depend_on_workers_or_on_other_cells(settings, pretext, monkeypatch, tmp_path):
    settings = replace(settings, pretrain_steps=6, finetune_steps=6)
    clients, methods = ["glyphs", "photos"], [SCRATCH, UNIFORM, "NDS (UP+SS)"]
    first = transfer(settings, clients, methods, [0.25], pretext)
    weights = {path.read_bytes() for path in (paths.cache_root() / "pretrained").glob("*.safetensors")}
    for other, changed, wanted in (
        ("two workers", replace(settings, workers=2), methods),
        ("fewer cells", settings, methods[2:]),
    ):
        monkeypatch.setenv("NDSLIB_CACHE", str(tmp_path / other))  # nothing is taken from the first run
        second = transfer(changed, clients[::-1], wanted, [0.25], pretext)
        both = pd.merge(first, second, on=["client", "method"], suffixes=("", "_again"))
        assert len(both) == len(second)
        assert both["top1"].equals(both["top1_again"])
    again = [path.read_bytes() for path in (tmp_path / "fewer cells" / "pretrained").glob("*.safetensors")]
    assert len(again) == 2
    assert weights.issuperset(again)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"methods": ["Magic", UNIFORM]}, r"unknown methods \['Magic'\]; choose from"),
        ({"budgets": [0.2, 0.0]}, r"budget is 0.0; give a share of the server in \(0, 1\]"),
        ({"budgets": [1.2]}, "budget is 1.2"),
        ({"pretext": "jigsaw"}, "pretext is 'jigsaw'; choose one of"),
        ({"clients": ["glyphs", "cats"]}, "has no client 'cats'"),
    ],
)
def test_bad_input_stops_before_anything_is_trained(settings, no_training, changes, complaint):
    arguments = {"clients": ["glyphs"], "methods": ["NDS (UP+SS)"], "budgets": [0.25]}
    no_training()
    with pytest.raises(InputError, match=complaint):
        transfer(settings, **(arguments | changes))


def test_baselines_refuse_more_than_the_labelled_rows(settings, monkeypatch):
    scenario = settings.load()
    source = scenario.sources[1]
    column = source.table.schema.get_field_index("label")
    half = [label if row % 2 else None for row, label in enumerate(source.table["label"].to_pylist())]
    unlabelled = sample_table.validate(source.table.set_column(column, "label", [half]))
    changed = replace(scenario, sources=(scenario.sources[0], replace(source, table=unlabelled)))
    labelled = np.array([label is not None for label in changed.table["label"].to_pylist()])
    for method in (KNN, NGIAM):
        (cell,) = select(changed, settings, changed.client("glyphs"), [method], [0.5])
        assert labelled[cell.rows].all()
        with pytest.raises(InputError, match="can choose from 36 labelled rows of 48"):
            select(changed, settings, changed.client("glyphs"), [method], [0.8])
