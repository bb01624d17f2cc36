"""The dataservers and clients of the chapter's experiments, each a set of sample tables.

`procedural` needs nothing; `real` needs the folder of real images that CONTRIBUTING.md describes; `imagenet32` is the
paper's own classification experiment (NDS section 4.2) and needs Downsampled ImageNet and the five client datasets.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ndslib.core import paths
from ndslib.core.errors import InputError
from ndslib.data import images, loaders, manifests, sample_table
from ndslib.data.labelled import few_per_class, only
from ndslib.data.worlds import domains
from ndslib.nds.dataset import Source

PROCEDURAL_DOMAINS = ("glyphs", "sketches", "photos", "textures")
DIGIT_SPLIT = (10, 60)  # training and test images of a digit
PACS_SERVER, PACS_CLIENT = ("dog", "giraffe", "guitar", "house"), ("elephant", "horse", "person")
CIFAR_SERVER = ("airplane", "bird", "cat", "deer", "horse", "ship")
CIFAR_CLIENT = ("automobile", "dog", "frog", "truck")
PAPER_CLIENTS = {  # name in our tables: manifest
    "Stanford Dogs": "stanford_dogs",
    "Stanford Cars": "stanford_cars",
    "Oxford-IIIT Pets": "oxford_pets",
    "Flowers 102": "flowers102",
    "CUB200 Birds": "cub200",
}


@dataclass(frozen=True)
class Client:
    """A client: labelled training images, test images, and the server's dataset of the same visual domain, if any."""

    name: str
    train: pa.Table
    test: pa.Table
    domain: str | None


@dataclass(frozen=True)
class Scenario:
    """A dataserver's sources and its clients.

    Attributes:
        size: side in pixels of the images that experts and gating see.
        labelled: pictures to train the feature extractor on, where the server's own have no class labels.
    """

    name: str
    size: int
    sources: tuple[Source, ...]
    clients: tuple[Client, ...]
    labelled: pa.Table | None = None

    @cached_property
    def table(self) -> pa.Table:
        """The sample tables of all sources, one after the other."""
        return sample_table.concat(source.table for source in self.sources)

    def readable(self) -> "Scenario":
        """The scenario without the images that do not decode; a warning names and counts them.

        Raises:
            InputError: a table would be left without an image.
        """
        sources = tuple(replace(each, table=_readable(each.table, self.size)) for each in self.sources)
        clients = tuple(
            replace(each, train=_readable(each.train, self.size), test=_readable(each.test, self.size))
            for each in self.clients
        )
        return replace(self, sources=sources, clients=clients)

    def client(self, name: str) -> Client:
        """A client by its name."""
        for each in self.clients:
            if each.name == name:
                return each
        raise InputError(
            f"scenario {self.name!r} has no client {name!r}; it has {[each.name for each in self.clients]}"
        )


def _readable(table: pa.Table, size: int) -> pa.Table:
    decoded = images.decode(table, size, on_corrupt="skip")
    if not decoded.corrupt:
        return table
    named = "; ".join(f"{entry.uri}: {entry.reason}" for entry in decoded.corrupt[:5])
    warnings.warn(
        f"{len(decoded.corrupt)} of {table.num_rows} images are left out, they cannot be decoded: {named}", stacklevel=2
    )
    return table.take(decoded.rows)


def load_scenario(name: str, seed: int = 0, k: Mapping[str, int] | None = None) -> Scenario:
    """Build a scenario.

    Args:
        name: `procedural`, `real` or `imagenet32`.
        seed: decides which of a client's images are for training. The server's images do not depend on it.
        k: experts of each dataset of the server, instead of the scenario's own numbers.

    Raises:
        InputError: an unknown scenario or dataset, or the data is absent (the message says where it is looked for).
    """
    if name not in SCENARIOS:
        raise InputError(f"scenario is {name!r}; choose one of {sorted(SCENARIOS)}")
    scenario = SCENARIOS[name](seed)
    if not k:
        return scenario
    unknown = set(k) - {source.name for source in scenario.sources}
    if unknown:
        known = sorted(source.name for source in scenario.sources)
        raise InputError(f"K is given for {sorted(unknown)}, but scenario {name!r} indexes {known}")
    sources = tuple(Source(each.table, k.get(each.name, each.k), each.title) for each in scenario.sources)
    return Scenario(scenario.name, scenario.size, sources, scenario.clients)


def _procedural(seed: int) -> Scenario:
    sources, clients = [], []
    for domain in PROCEDURAL_DOMAINS:
        classes = domains.class_names(domain)
        server, client = classes[:-4], classes[-4:]
        sources.append(Source(domains.sample_table(domain, server, 40, "train"), 2, f"procedural {domain}"))
        pool = domains.sample_table(domain, client, 60, "test")
        train, test = few_per_class(pool, (20, 40), domain, seed)
        clients.append(Client(domain, train, test, domain))
    return Scenario("procedural", 32, tuple(sources), (*clients, _digits_client(seed)))


def _digits_client(seed: int) -> Client:
    """scikit-learn's handwritten digits: real images, of no domain of any server here."""
    table = loaders.sklearn_digits(paths.cache_root() / "digits")
    train, test = few_per_class(table, DIGIT_SPLIT, "digits", seed)
    return Client("digits", train, test, None)


def _real(seed: int) -> Scenario:
    root = paths.data_root()
    for part in ("cifar10/train", "pacs/photo", "omniglot/images_background_small1", "camvid/train"):
        if not (root / part).is_dir():
            raise InputError(
                f"the scenario 'real' reads {root / part}, which is absent: set NDSLIB_DATA to a folder laid out as "
                "CONTRIBUTING.md says, or use the scenario 'procedural'"
            )
    built = [_cifar10(root, seed), *(_pacs(root, domain, seed) for domain in ("photo", "cartoon", "sketch"))]
    built += [_omniglot(root, seed), _camvid(root, seed)]
    return Scenario("real", 32, tuple(source for source, _ in built), (*(c for _, c in built), _digits_client(seed)))


def _cifar10(root: Path, seed: int) -> tuple[Source, Client]:
    train = loaders.image_folder(root / "cifar10" / "train", "cifar10", "train")
    test = loaders.image_folder(root / "cifar10" / "test", "cifar10", "test")
    (server,) = few_per_class(only(train, CIFAR_SERVER), (450,), "cifar10 server")
    (client_train,) = few_per_class(only(train, CIFAR_CLIENT), (20,), "cifar10", seed)
    (client_test,) = few_per_class(only(test, CIFAR_CLIENT), (250,), "cifar10", seed)
    return Source(server, 3, "CIFAR-10, six classes"), Client("cifar10", client_train, client_test, "cifar10")


def _pacs(root: Path, domain: str, seed: int) -> tuple[Source, Client]:
    name = f"pacs_{domain}"
    table = loaders.image_folder(root / "pacs" / domain, name, "train")
    train, test = few_per_class(only(table, PACS_CLIENT), (15, 250), name, seed)
    return Source(only(table, PACS_SERVER), 1, f"PACS {domain}, four classes"), Client(domain, train, test, name)


def _omniglot(root: Path, seed: int) -> tuple[Source, Client]:
    table = loaders.omniglot(root / "omniglot" / "images_background_small1")
    latin = pc.starts_with(table["label"], "Latin")
    train, test = few_per_class(table.filter(latin), (5, 15), "omniglot", seed)
    source = Source(table.filter(pc.invert(latin)), 1, "Omniglot, four alphabets")
    return source, Client("omniglot", train, test, "omniglot")


def _camvid(root: Path, seed: int) -> tuple[Source, Client]:
    """Patches of driving video. The client is a drive of its own, its test patches from the drive's second half."""
    patches = loaders.camvid_patches(root / "camvid", "train", size=120, stride=60)
    patches = patches.filter(pc.is_valid(patches["label"]))
    own_drive = pc.match_substring(patches["uri"], "/0001TP_")
    (server,) = few_per_class(patches.filter(pc.invert(own_drive)), (400,), "camvid server")
    client = patches.filter(own_drive)
    frames = np.array([uri.split("#")[0] for uri in client["uri"].to_pylist()])
    late = pa.array(frames >= np.unique(frames)[len(np.unique(frames)) // 2])
    halves = [client.filter(part)["label"].value_counts().to_pylist() for part in (pc.invert(late), late)]
    often = [{each["values"] for each in half if each["counts"] >= 50} for half in halves]
    classes = sorted(often[0] & often[1])
    (train,) = few_per_class(only(client.filter(pc.invert(late)), classes), (15,), "camvid", seed)
    (test,) = few_per_class(only(client.filter(late), classes), (150,), "camvid", seed)
    return Source(server, 1, "CamVid, patches of two drives"), Client("camvid", train, test, "camvid")


def _imagenet32(seed: int) -> Scenario:
    del seed  # the paper's clients have fixed splits
    root = paths.data_root()
    server = manifests.load("downsampled_imagenet")
    source = Source(loaders.load(server, root / server.name, "train"), 10, server.title)
    clients = []
    for name, manifest_name in PAPER_CLIENTS.items():
        manifest = manifests.load(manifest_name)
        train, test = (loaders.load(manifest, root / manifest.name, split) for split in ("train", "test"))
        clients.append(Client(name, train, test, None))  # of one source, the domain would always be right
    return Scenario("imagenet32", 32, (source,), tuple(clients))


SCENARIOS: dict[str, Callable[[int], Scenario]] = {
    "procedural": _procedural,
    "real": _real,
    "imagenet32": _imagenet32,
}
