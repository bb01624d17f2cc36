"""An experiment's settings, its dataserver, and what the experts say of each client; `transfer` builds on it.

Experts, features and decoded images are cached under their content, so a rerun, another notebook or a killed run
computes only what is missing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa

from ndslib.core import paths
from ndslib.core.errors import InputError
from ndslib.core.files import digest
from ndslib.core.presets import settings_of
from ndslib.core.training import TrainConfig
from ndslib.data import images, sample_table
from ndslib.data.labelled import Labelled
from ndslib.nds import extractor
from ndslib.nds.client import fast_adapt
from ndslib.nds.domain_confusion import domain_classifier
from ndslib.nds.experts import EXPERT_VERSION, ExpertConfig
from ndslib.nds.extractor import Extractor
from ndslib.nds.index import FORMAT, Index
from ndslib.nds.recommend import Recommendation, recommend
from ndslib.nds.scenarios import Client, Scenario, load_scenario

VARIANTS = {  # name in NDS Table 4: gating, expert task, fast-adapt
    "NDS (SP+TS)": ("superclass", "classification", "linear"),
    "NDS (SP+SS)": ("superclass", "rotation", "rotation"),
    "NDS (UP+SS)": ("unsupervised", "rotation", "rotation"),
}


@dataclass(frozen=True)
class Settings:
    """What an experiment depends on beside its method; the notebooks' parameters, one to one.

    Steps are optimizer steps; batch sizes count images. `extractor` is `trained` (a network of `width` trained here on
    the server's labels), or `imagenet` (torchvision's ResNet-18 weights, which must be on this machine). `temperature`
    and `normalisation` are those of the selection (`selection.importance_weights`). `on_corrupt` is `raise` (an
    unreadable image stops the run), or `skip` (such images are left out, with a warning that names and counts them).
    """

    scenario: str
    seed: int = 0
    width: int = 64
    k: dict[str, int] | None = None
    extractor: str = "trained"
    extractor_steps: int = 200
    expert_steps: int = 150
    expert_batch: int = 32
    pretrain_steps: int = 250
    finetune_steps: int = 100
    batch_size: int = 64
    expert_lr: float = 0.1
    pretrain_lr: float = 0.1
    finetune_lr: float = 0.05
    temperature: float = 0.1
    normalisation: str = "minmax"
    on_corrupt: str = "raise"
    device: str = "cpu"
    precision: str = "fp32"
    workers: int = 1
    engine: str = "processes"

    @classmethod
    def of(cls, parameters: Mapping[str, object]) -> "Settings":
        """From a notebook's parameters (`presets.settings_of`)."""
        return settings_of(cls, parameters)

    def load(self) -> Scenario:
        """The scenario's sources and clients, less unreadable images where `on_corrupt` says so."""
        scenario = load_scenario(self.scenario, self.seed, self.k)
        return scenario.readable() if self.on_corrupt == "skip" else scenario

    def train(self, steps: int, batch_size: int, lr: float, **changes: object) -> TrainConfig:
        """SGD with a short warm-up and a cosine schedule, on the settings' device."""
        config = TrainConfig(
            steps, batch_size, lr, warmup=0.05, device=self.device, precision=self.precision, seed=self.seed
        )
        return replace(config, **changes)

    def recommend(self, index: Index, scores: np.ndarray, budget: int) -> Recommendation:
        """The server's answer to K scores under a budget in images (`recommend.recommend`)."""
        return recommend(index, scores, budget, None, self.temperature, self.normalisation, self.seed)

    def experts(self, task: str) -> ExpertConfig:
        """How this experiment trains experts."""
        return ExpertConfig(self.train(self.expert_steps, self.expert_batch, self.expert_lr), task, self.width)


def server_extractor(scenario: Scenario, settings: Settings) -> Extractor:
    """The network whose features are clustered, as the settings name it."""
    if settings.extractor == "imagenet":
        return extractor.imagenet()
    if settings.extractor != "trained":
        raise InputError(f"extractor is {settings.extractor!r}; choose 'trained' or 'imagenet'")
    train = settings.train(settings.extractor_steps, settings.batch_size, settings.expert_lr)
    config = ExpertConfig(train, "classification", settings.width)
    table = scenario.table if scenario.labelled is None else scenario.labelled
    return extractor.trained(table, scenario.size, config)


def build_server(scenario: Scenario, settings: Settings, variant: str = "NDS (UP+SS)") -> Index:
    """The scenario's dataserver, its index in the cache: a dataset at a time, each with its own experts."""
    gating, task, _ = variant_of(variant)
    gate_features = server_extractor(scenario, settings)
    sources = [(each.name, each.k, content(each.table, scenario.size)) for each in scenario.sources]
    config = asdict(settings.experts(task))
    key = digest(
        FORMAT, scenario.name, sources, gating, config, EXPERT_VERSION, gate_features.fingerprint, settings.seed
    )
    index = Index.create(paths.cache_root() / "indexes" / key, scenario.name)
    index.add_all(
        scenario.sources,
        gate_features,
        settings.experts(task),
        gating=gating,
        size=scenario.size,
        seed=settings.seed,
        workers=settings.workers,
        engine=settings.engine,
    )
    return index


def variant_of(name: str) -> tuple[str, str, str]:
    """Gating, expert task and fast-adapt method of an NDS variant, by its name in Table 4."""
    if name not in VARIANTS:
        raise InputError(f"{name!r} is no variant of NDS; choose one of {sorted(VARIANTS)}")
    return VARIANTS[name]


def rate(index: Index, client: Client, size: int, variant: str, settings: Settings) -> np.ndarray:
    """The client's scores z of all experts, float64[K], from its training images alone; rotations need no labels."""
    method = variant_of(variant)[2]
    labels = client_images(client.train, size).labels if method == "linear" else None
    pixels = images.decode(client.train, size).pixels
    return fast_adapt(index.experts(settings.device), pixels, labels, method, settings.seed)


def client_images(table: pa.Table, size: int, classes: Sequence[str] | None = None) -> Labelled:
    """A client's images and integer labels.

    Args:
        classes: `<dataset>/<label>` in label order; left out, those of the table, sorted. Test images take the classes
            of the training images, so that a label means the same in both.

    Raises:
        InputError: a row has no label, or one that is not among the classes.
    """
    labels, names = sample_table.labels(table)
    if -1 in labels:
        raise InputError(f"{table['id'][labels.index(-1)]}: a client's image without a label; remove it from the table")
    numbers = {name: number for number, name in enumerate(names if classes is None else classes)}
    if unknown := sorted(set(names) - set(numbers)):
        raise InputError(f"test classes {unknown[:5]} have no training image: remove them, or add training images")
    return Labelled(images.decode(table, size).pixels, np.array([numbers[names[label]] for label in labels]))


def content(table: pa.Table, size: int) -> str:
    """Names the ids, labels and decoded images of a table; changes with any of its files."""
    decoded = images.decode(table, size).path.parent.name
    return digest(decoded, table["id"].to_pylist(), table["label"].to_pylist())


def ratings(settings: Settings, clients: Sequence[str], variant: str = "NDS (UP+SS)") -> pd.DataFrame:
    """Scores and weights of every expert for every client: a row a client and cluster, best cluster first.

    Columns: client, domain (the client's own dataset on the server, or None), and those of
    `recommend.Recommendation.clusters` for a budget of 20 %.
    """
    scenario = settings.load()
    chosen = [scenario.client(name) for name in clients]  # an unknown name stops here, before anything is trained
    index = build_server(scenario, settings, variant)
    tables = []
    for client in chosen:
        scores = rate(index, client, scenario.size, variant, settings)
        answer = settings.recommend(index, scores, max(1, index.size // 5))
        tables.append(answer.clusters.assign(client=client.name, domain=client.domain))
    return pd.concat(tables, ignore_index=True)


def confusion(settings: Settings, clients: Sequence[str], variant: str = "NDS (UP+SS)") -> pd.DataFrame:
    """Domain confusion beside proxy accuracy, for every expert and client (NDS Fig. 4).

    Returns:
        A row a client and cluster: client, cluster, dataset, accuracy (the score z of eq. 5), and the domain
        classifier's error, loss and a_distance (`domain_confusion.DomainClassifier`) between the cluster's images and
        the client's.
    """
    scenario = settings.load()
    chosen = [scenario.client(name) for name in clients]
    index = build_server(scenario, settings, variant)
    network = server_extractor(scenario, settings)
    server = network.features(images.decode(index.table, scenario.size).pixels, settings.device)
    rows = []
    for client in chosen:
        own = network.features(images.decode(client.train, scenario.size).pixels, settings.device)
        scores = rate(index, client, scenario.size, variant, settings)
        for cluster, (title, score) in enumerate(zip(index.cluster_names, scores, strict=True)):
            images_of = server[index.rows_of_cluster(cluster)]
            found = domain_classifier(images_of, own, settings.seed, folds=min(5, len(images_of), len(own)))
            about = {
                "client": client.name,
                "cluster": title,
                "dataset": index.cluster_datasets[cluster],
                "accuracy": score,
            }
            rows.append(about | found._asdict())
    return pd.DataFrame(rows)
