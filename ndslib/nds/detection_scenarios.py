"""The dataservers and clients of the detection experiments (NDS section 4.1): sample tables with boxes and masks.

`procedural` needs nothing: its images are the worlds' scenes. `real` puts CamVid in the place of its driving client.
`coco_openimages` is the paper's own experiment and needs all six datasets. Datasets are called what they are;
`PUBLISHED` says beside whose published numbers they stand.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ndslib.core import paths
from ndslib.core.errors import InputError
from ndslib.core.parallel import run_jobs
from ndslib.core.seeding import rng
from ndslib.data import loaders, sample_table
from ndslib.data.subsets import keep_distribution
from ndslib.data.worlds import domains, scenes
from ndslib.nds.dataset import Source
from ndslib.nds.scenarios import Client, Scenario

Kinds = Mapping[str, tuple[str, ...]]  # kind of place: classes of the objects in it

PAPER = {  # manifest: the source's name
    "coco": "COCO",
    "openimages": "OpenImages",
    "voc2007": "PASCAL VOC 2007",
    "modanet": "miniModaNet",
    "cityscapes": "Cityscapes",
    "kitti_instances": "KITTI",
}
PUBLISHED = PAPER | {  # and what stands for them
    "scenes_a": "COCO",
    "scenes_b": "OpenImages",
    "mixed": "PASCAL VOC 2007",
    "room": "miniModaNet",
    "street": "Cityscapes",
    "camvid": "Cityscapes",
    "avenue": "KITTI",
}
SERVERS: Mapping[str, Kinds] = {
    "scenes_a": {
        "street": ("car", "truck", "bus", "motorcycle", "bicycle", "person", "traffic_light", "bench"),
        "table_top": ("mug", "bottle", "bowl", "apple", "banana", "cake"),
        "room": ("chair", "sofa", "bed", "table", "potted_plant", "teddy_bear"),
        "farm": ("horse", "cow", "sheep", "dog", "person", "tree"),
    },
    "scenes_b": {
        "street": ("car", "van", "bus", "bicycle", "person", "street_lamp", "road_sign", "litter_bin"),
        "table_top": ("mug", "teapot", "vase", "wine_glass", "pear", "doughnut"),
        "room": ("chair", "armchair", "desk", "bookshelf", "wardrobe", "floor_lamp"),
        "farm": ("pig", "sheep", "duck", "tractor", "horse", "pumpkin"),
        "desert": ("elephant", "giraffe", "camel", "cactus", "tent", "palm_tree"),
        "aerial": ("house", "church", "barn", "airplane", "tree", "truck"),
    },
}
CLIENTS: Mapping[str, Kinds] = {
    "street": {"street": ("car", "truck", "bicycle", "person", "bus", "motorcycle")},
    "room": {"room": ("chair", "sofa", "bed", "table", "potted_plant", "bookshelf")},
    "mixed": {"street": ("car", "bicycle"), "room": ("chair", "sofa"), "farm": ("horse", "sheep")},
    "avenue": {"street": ("car", "van", "person", "bicycle")},
}
EXPERTS = {"scenes_a": 8, "scenes_b": 10, "coco": 6, "openimages": 50}  # K; of the last two the paper's
OBJECTS = (2, 5)  # in a drawn picture
LABELLED_SIDE = 64  # pixels of the pictures of single objects
POOL = ("photos", "streets")  # domains of single objects whose labels stand for ImageNet's
MINI_MODANET = (1000, 1000)  # training and test images (NDS section 4.1)
KITTI_TRAIN = 0.8  # of its images; KITTI publishes no labels of its test images, and NDS-ICLR says of no split


@dataclass(frozen=True)
class Extent:
    """How much of a scenario there is.

    Attributes:
        server: images of each of the dataserver's datasets; 0 is all that there are, which drawn ones have no end of.
        train, test: the same for each client.
        side: of drawn scenes, in pixels.
        expert_side: of the images that experts and gating see.
        labelled: drawn pictures of each class of single objects, which stand for ImageNet.
        workers: processes that draw scenes.
        masks: whether Open Images has its objects with masks in place of all boxes: it publishes the two apart.
    """

    server: int = 120
    train: int = 24
    test: int = 24
    side: int = 96
    expert_side: int = 32
    labelled: int = 40
    workers: int = 1
    masks: bool = False

    def __post_init__(self) -> None:
        for name in ("server", "train", "test"):
            if getattr(self, name) < 0:
                raise InputError(f"{name} is {getattr(self, name)} images; give a number, or 0 for all that there are")


def load_scenario(name: str, extent: Extent, seed: int = 0, k: Mapping[str, int] | None = None) -> Scenario:
    """Build a scenario: two datasets on the server (COCO and Open Images, or what stands for them) and four clients.

    Args:
        name: `procedural`, `real` or `coco_openimages`.
        seed: decides which images a client trains on. The server's images and the test images do not depend on it.
        k: experts of each dataset of the server, instead of `EXPERTS`.

    Raises:
        InputError: an unknown scenario or dataset; no number of images for drawn ones, or fewer than kinds of places;
            data are absent (the message says where they are looked for).
    """
    if name not in SCENARIOS:
        raise InputError(f"detection scenario is {name!r}; choose one of {sorted(SCENARIOS)}")
    tables, clients = SCENARIOS[name](extent, seed)
    # In the paper the server is clustered by, and detectors start from, ImageNet's weights; beside drawn images, those
    # of networks trained on labelled pictures.
    labelled = None if name == "coco_openimages" else single_objects(extent.labelled, extent.workers)
    experts = EXPERTS | dict(k or {})
    if unknown := sorted(set(k or {}) - set(tables)):
        raise InputError(f"K is given for {unknown}, but scenario {name!r} indexes {sorted(tables)}")
    sources = tuple(Source(table, experts[dataset], dataset) for dataset, table in tables.items())
    return Scenario(name, extent.expert_side, sources, tuple(clients), labelled)


def single_objects(images_per_class: int, workers: int = 1) -> pa.Table:
    """Labelled pictures of single objects of 32 classes, to stand for ImageNet: of meshes that no client shows."""
    return sample_table.concat(
        domains.sample_table(
            domain, domains.class_names(domain), images_per_class, "train", LABELLED_SIDE, workers=workers
        )
        for domain in POOL
    )


@dataclass(frozen=True)
class _Part:
    """Scenes of one kind of place: a part of a drawn dataset."""

    dataset: str
    kind: str
    classes: tuple[str, ...]
    images: int
    split: str
    seed: int
    side: int


def _parts(dataset: str, kinds: Kinds, images: int, split: str, seed: int, side: int) -> list[_Part]:
    """A drawn dataset: as many scenes of each kind of place."""
    if images < len(kinds):
        raise InputError(f"{images} images of {dataset}: drawn scenes need a number, {len(kinds)} at least")
    counts = [len(part) for part in np.array_split(np.arange(images), len(kinds))]
    return [
        _Part(dataset, kind, classes, count, split, seed, side)
        for (kind, classes), count in zip(kinds.items(), counts, strict=True)
    ]


def _procedural(
    extent: Extent, seed: int, clients: Mapping[str, Kinds] = CLIENTS
) -> tuple[dict[str, pa.Table], list[Client]]:
    """Servers, training and test pictures of clients each show meshes of their own (train, val and test)."""
    parts = []
    for number, (name, kinds) in enumerate(SERVERS.items()):
        parts += _parts(name, kinds, extent.server, "train", number, extent.side)
    for name, kinds in clients.items():
        number = list(CLIENTS).index(name)  # so that a client is the same whichever others there are
        parts += _parts(name, kinds, extent.train, "val", 100 * seed + number, extent.side)
        parts += _parts(name, kinds, extent.test, "test", number, extent.side)
    drawn = run_jobs(_draw, parts, extent.workers, description="drawing scenes")

    def table(name: str, split: str) -> pa.Table:
        own = [each for part, each in zip(parts, drawn, strict=True) if (part.dataset, part.split) == (name, split)]
        return sample_table.concat(own)

    servers = {name: table(name, "train") for name in SERVERS}
    return servers, [Client(name, table(name, "val"), table(name, "test"), None) for name in clients]


def _draw(part: _Part) -> pa.Table:
    """The rows of a part under the name of its dataset; their ids keep the kind of place."""
    table = scenes.sample_table(
        part.kind, part.classes, part.images, part.split, part.side, part.seed, OBJECTS, workers=1
    )
    columns = {
        "id": pc.binary_join_element_wise(part.dataset, table["id"], "/"),
        "dataset": pa.array([part.dataset] * table.num_rows),
    }
    for name, values in columns.items():
        table = table.set_column(table.schema.get_field_index(name), name, values)
    return sample_table.validate(table)


def _real(extent: Extent, seed: int) -> tuple[dict[str, pa.Table], list[Client]]:
    root = paths.data_root() / "camvid"
    for part in ("train", "trainannot", "val", "valannot"):
        if not (root / part).is_dir():
            raise InputError(
                f"the detection scenario 'real' reads {root / part}, which is absent: set NDSLIB_DATA to a folder laid "
                "out as CONTRIBUTING.md says, or use the scenario 'procedural'"
            )
    servers, clients = _procedural(extent, seed, {name: CLIENTS[name] for name in CLIENTS if name != "street"})
    train, test = (loaders.camvid(root, "camvid", split) for split in ("train", "val"))
    train = train.filter(pa.array(~np.isin(_drives(train), _drives(test))))
    camvid = Client("camvid", _some(train, extent.train, "camvid", seed), _some(test, extent.test, "camvid"), None)
    return servers, [camvid, *clients]


def _drives(frames: pa.Table) -> list[str]:
    """The drive of each of CamVid's frames: the beginning of its name."""
    return [Path(uri).name.split("_")[0] for uri in frames["uri"].to_pylist()]


def _some(table: pa.Table, images: int, *stream: object) -> pa.Table:
    """`images` random rows in the table's order; all with 0, or where there are no more."""
    if images == 0 or images >= table.num_rows:
        return table
    return table.take(np.sort(rng("detection scenario", *stream).permutation(table.num_rows)[:images]))


def _coco_openimages(extent: Extent, seed: int) -> tuple[dict[str, pa.Table], list[Client]]:
    loaded = {"coco": _loaded("coco", "train"), "openimages": _loaded("openimages", "train", masks=extent.masks)}
    servers = {name: _some(table, extent.server, name) for name, table in loaded.items()}
    pairs = {
        "cityscapes": (_loaded("cityscapes", "train"), _loaded("cityscapes", "val")),
        "modanet": tuple(keep_distribution(_loaded("modanet", "train"), MINI_MODANET, seed)),
        "voc2007": (_loaded("voc2007", "trainval"), _loaded("voc2007", "test")),
        "kitti_instances": _halves(_loaded("kitti_instances", "train"), KITTI_TRAIN, seed),
    }
    clients = [
        Client(name, _some(train, extent.train, name, seed), _some(test, extent.test, name), None)
        for name, (train, test) in pairs.items()
    ]
    return servers, clients


def _loaded(name: str, split: str, **options: bool) -> pa.Table:
    return loaders.load(name, paths.data_root() / name, split, **options)


def _halves(table: pa.Table, share: float, seed: int) -> tuple[pa.Table, pa.Table]:
    """A random `share` of the rows, and the others, both in the table's order."""
    order, count = rng("detection scenario", "halves", seed).permutation(table.num_rows), round(share * table.num_rows)
    return table.take(np.sort(order[:count])), table.take(np.sort(order[count:]))


SCENARIOS: dict[str, Callable[[Extent, int], tuple[dict[str, pa.Table], list[Client]]]] = {
    "procedural": _procedural,
    "real": _real,
    "coco_openimages": _coco_openimages,
}
