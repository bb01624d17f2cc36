"""Transfer: pretrain on what each method selects, fine-tune on each client, measure top-1 (NDS Tables 4 and 5).

The same with self-supervised pretraining gives NDS-S Tables 1 and 2. Pretrained networks and single accuracies are
cached under their content: clients that pretrain on the same rows (uniform sampling, everything) share one network, and
a killed run computes only what is missing.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd

from ndslib.core import paths
from ndslib.core.cache import cached
from ndslib.core.classification import accuracy, fine_tune, new_network
from ndslib.core.errors import InputError
from ndslib.core.files import digest
from ndslib.core.models import ResNet18
from ndslib.core.parallel import run_jobs
from ndslib.data import images, sample_table
from ndslib.data.labelled import Labelled
from ndslib.nds import baselines, extractor
from ndslib.nds.downstream import Pretext, pretrain
from ndslib.nds.experiments import VARIANTS, Settings, build_server, client_images, content, rate, server_extractor
from ndslib.nds.experts import FORMAT, ExpertConfig, load_expert, save_expert
from ndslib.nds.scenarios import Client, Scenario

VERSION = 2  # raise it when pretraining or fine-tuning changes, so that no old result is taken
UNIFORM, KNN, NGIAM = "Uniform Sampling", "KNN + Cui et al.", "Ngiam et al."
SCRATCH, ENTIRE = "Random Initialization", "Entire Dataset"
SELECTIONS = (UNIFORM, *VARIANTS, KNN, NGIAM)
ALL_METHODS = (SCRATCH, ENTIRE, *SELECTIONS)
SELF_SUPERVISED_METHODS = (SCRATCH, ENTIRE, UNIFORM, "NDS (SP+SS)")  # the rows of NDS-S Tables 1 and 2
MOCO_VERSION = 2  # as VERSION, for what only MoCo uses
MOCO_LR, MOCO_WEIGHT_DECAY = 0.03, 1e-4  # the MoCo paper's


@dataclass(frozen=True)
class Cell:
    """One cell of a transfer table.

    Attributes:
        rows: int64, rows of the scenario's table to pretrain on; None for no pretraining.
        own_domain: share of those rows from the client's own domain on the server, NaN where there is none.
    """

    client: str
    method: str
    budget: float
    rows: np.ndarray | None
    own_domain: float


@dataclass(frozen=True)
class Pretraining:
    """A network to pretrain on rows of the scenario's table (None: not at all); `server` names that table's content."""

    scenario: Scenario
    settings: Settings
    rows: np.ndarray | None
    pretext: str
    server: str

    @cached_property
    def key(self) -> str:
        """Names the network: its images, labels and training; only the initial weights without pretraining."""
        settings = self.settings
        if self.rows is None:
            return digest(VERSION, "scratch", settings.width, settings.seed, self.scenario.size)
        rows = [self.server, self.rows.tolist()]
        run = [settings.pretrain_steps, settings.pretrain_lr, settings.batch_size, settings.width, settings.seed]
        pretext = [self.pretext, MOCO_VERSION] if self.pretext == "moco" else self.pretext
        return digest(VERSION, rows, self.scenario.size, run, settings.device, settings.precision, pretext)


def transfer(
    settings: Settings,
    clients: Sequence[str],
    methods: Sequence[str],
    budgets: Sequence[float],
    pretext: str = "labels",
) -> pd.DataFrame:
    """Top-1 accuracy of clients after pretraining on what each method selects.

    Args:
        clients: names of the scenario's clients.
        methods: of `ALL_METHODS`; `Random Initialization` and `Entire Dataset` take no budget.
        budgets: shares of the server's images in (0, 1].
        pretext: `labels`, `rotation` or `moco`.

    All pretrainings take the same number of optimizer steps, so that methods differ in the data alone.

    Returns:
        A row a client, method and budget: client, method, budget (0 for no pretraining, 1 for everything), pretext,
        top1 in [0, 1], own_domain (see `Cell`), images.

    Raises:
        InputError: an unknown client, method or pretext, a budget outside (0, 1], or a baseline's budget above the
            labelled images.
    """
    _check(methods, budgets, pretext)
    scenario = settings.load()
    chosen = [scenario.client(name) for name in clients]  # an unknown name stops here, before anything is trained
    cells = [cell for client in chosen for cell in select(scenario, settings, client, methods, budgets)]
    run = {"workers": settings.workers, "engine": settings.engine}
    server = content(scenario.table, scenario.size)
    starts = [Pretraining(scenario, settings, cell.rows, pretext, server) for cell in cells]
    run_jobs(
        _pretrain, list({start.key: start for start in starts}.values()), description=f"pretraining ({pretext})", **run
    )
    calls = [(start, cell.client) for start, cell in zip(starts, cells, strict=True)]
    scores = run_jobs(_fine_tune, calls, description=f"fine-tuning ({pretext})", **run)
    rows = [
        {
            "client": cell.client,
            "method": cell.method,
            "budget": cell.budget,
            "pretext": pretext,
            "top1": score,
            "own_domain": cell.own_domain,
            "images": 0 if cell.rows is None else len(cell.rows),
        }
        for cell, score in zip(cells, scores, strict=True)
    ]
    return pd.DataFrame(rows)


def _check(methods: Sequence[str], budgets: Sequence[float], pretext: str) -> None:
    if pretext not in get_args(Pretext):
        raise InputError(f"pretext is {pretext!r}; choose one of {list(get_args(Pretext))}")
    unknown = set(methods) - set(ALL_METHODS)
    if unknown:
        raise InputError(f"unknown methods {sorted(unknown)}; choose from {list(ALL_METHODS)}")
    for budget in budgets:
        if not 0 < budget <= 1:
            raise InputError(f"budget is {budget}; give a share of the server in (0, 1]")


def select(
    scenario: Scenario, settings: Settings, client: Client, methods: Sequence[str], budgets: Sequence[float]
) -> list[Cell]:
    """What each method selects for one client, at each budget."""
    datasets = scenario.table["dataset"].to_numpy(zero_copy_only=False)
    cells = []
    for method in methods:
        choose = _chooser(scenario, settings, client, method)
        for budget in {SCRATCH: (0.0,), ENTIRE: (1.0,)}.get(method, budgets):
            rows = choose(round(budget * len(datasets)))
            unknown = rows is None or client.domain is None
            own = np.nan if unknown else float((datasets[rows] == client.domain).mean())
            cells.append(Cell(client.name, method, budget, rows, own))
    return cells


def _chooser(scenario: Scenario, settings: Settings, client: Client, method: str) -> Callable[[int], np.ndarray | None]:
    """The rows that a method selects at a budget (images); what does not depend on the budget is done here, once."""
    total, seed = scenario.table.num_rows, settings.seed
    if method == SCRATCH:
        return lambda budget: None
    if method == ENTIRE:
        return lambda budget: np.arange(total)
    if method == UNIFORM:
        return lambda budget: baselines.uniform_rows(total, budget, seed)
    if method in VARIANTS:
        index = build_server(scenario, settings, method)
        scores = rate(index, client, scenario.size, method, settings)
        row_of = pd.Index(scenario.table["id"].to_pylist())
        return lambda budget: row_of.get_indexer(settings.recommend(index, scores, budget).samples["id"].to_pylist())
    return _classification_baseline(scenario, settings, client, method)


def _classification_baseline(
    scenario: Scenario, settings: Settings, client: Client, method: str
) -> Callable[[int], np.ndarray]:
    """The two earlier methods, which see the labels of the whole server and of the client."""
    labels, seed = np.array(sample_table.labels(scenario.table)[0]), settings.seed
    own = client_images(client.train, scenario.size)
    if method == NGIAM:
        classifier = source_classifier(scenario, settings)
        return lambda budget: baselines.ngiam_rows(classifier, own.images, labels, budget, seed)
    network = server_extractor(scenario, settings)
    pixels = images.decode(scenario.table, scenario.size).pixels
    server_features, client_features = (network.features(each, settings.device) for each in (pixels, own.images))
    return lambda budget: baselines.knn_rows(server_features, labels, client_features, own.labels, budget, seed)


def source_classifier(scenario: Scenario, settings: Settings) -> ResNet18:
    """A classifier of all labelled classes of the server (Ngiam et al.), trained once and cached."""
    train = settings.train(settings.pretrain_steps, settings.batch_size, settings.pretrain_lr)
    config = ExpertConfig(train, "classification", settings.width)
    path = extractor.train_on_all(scenario.table, scenario.size, config, "source classifier")
    return load_expert(path, settings.device)


def _pretrain(start: Pretraining) -> Path | None:
    """The file of a pretrained network; None without pretraining."""
    scenario, settings, rows = start.scenario, start.settings, start.rows
    if rows is None:
        return None

    def build(place: Path) -> None:
        labels = np.array(sample_table.labels(scenario.table)[0])[rows]
        selection = Labelled(images.decode(scenario.table, scenario.size).pixels[rows], labels)
        config = settings.train(settings.pretrain_steps, settings.batch_size, settings.pretrain_lr)
        if start.pretext == "moco":
            config = replace(config, lr=MOCO_LR, weight_decay=MOCO_WEIGHT_DECAY)
        network = pretrain(selection, config, settings.width, pretext=start.pretext, checkpoint=checkpoint)
        save_expert(place, network, _description(network, settings, start.pretext))

    checkpoint = paths.cache_root() / "pretrained" / f"{start.key}.checkpoint"
    place = cached("pretrained", start.key, build, ".safetensors")
    checkpoint.unlink(missing_ok=True)
    return place


def _description(network: ResNet18, settings: Settings, pretext: str) -> dict[str, str]:
    classes = [str(number) for number in range(network.fc.out_features)]
    return {
        "format": FORMAT,
        "task": "classification",
        "pretext": pretext,
        "width": str(settings.width),
        "stem": "cifar",
        "classes": json.dumps(classes),
    }


def _fine_tune(call: tuple[Pretraining, str]) -> float:
    """Top-1 of a client after fine-tuning the network pretrained on some rows, from the cache when measured before."""
    start, name = call
    settings, size = start.settings, start.scenario.size
    client = start.scenario.client(name)
    data = [content(client.train, size), content(client.test, size)]
    run = [settings.finetune_steps, settings.finetune_lr, settings.batch_size, settings.device, settings.precision]
    key = digest(start.key, data, run)

    def build(place: Path) -> None:
        file = _pretrain(start)
        network = new_network(1, settings.width, "cifar", settings.seed) if file is None else load_expert(file)
        config = settings.train(settings.finetune_steps, settings.batch_size, settings.finetune_lr)
        tuned = fine_tune(network, client_images(client.train, size), config)
        _, classes = sample_table.labels(client.train)
        top1 = accuracy(tuned, client_images(client.test, size, classes))
        place.write_text(json.dumps({"top1": top1}))

    return json.loads(cached("transfers", key, build, ".json").read_text())["top1"]
