"""Where an index gets its datasets from: a folder of images, or a dataset with a manifest."""

import inspect
from pathlib import Path

import pyarrow as pa

from ndslib.core import paths
from ndslib.core.errors import InputError
from ndslib.core.training import TrainConfig
from ndslib.data import loaders, manifests
from ndslib.nds import extractor
from ndslib.nds.dataset import Source
from ndslib.nds.experts import ExpertConfig
from ndslib.nds.extractor import Extractor


def of_folder(
    folder: Path,
    k: int,
    name: str | None = None,
    title: str | None = None,
    link: str | None = None,
    licence: str | None = None,
    base_url: str | None = None,
    on_corrupt: str = "raise",
) -> Source:
    """The images below a folder (`loaders.images_below`) as a dataset of k clusters, called as the folder by default.

    Raises:
        InputError: there is no such folder, or it holds no image or unreadable ones.
    """
    table = loaders.images_below(folder, name or folder.absolute().name, "train", licence, on_corrupt=on_corrupt)
    return Source(table, k, title, link, base_url, folder if base_url else None)


def of_manifest(
    name: str,
    split: str,
    k: int,
    folder: Path | None = None,
    title: str | None = None,
    link: str | None = None,
    base_url: str | None = None,
    on_corrupt: str = "raise",
) -> Source:
    """A split of a dataset of `data_manifests`, with its annotations.

    Args:
        folder: where it lies, if not below `paths.data_root()`.
        title, link: the manifest's if left out.

    Raises:
        InputError: there is no such manifest or split, or what the loader finds wrong.
    """
    manifest = manifests.load(name)
    folder = folder or paths.data_root() / manifest.name
    options = {"on_corrupt": on_corrupt} if _opens_images(manifest) else {}
    table = loaders.load(manifest, folder, split, **options)
    return Source(table, k, title or manifest.title, link or manifest.home_page, base_url, folder if base_url else None)


def _opens_images(manifest: manifests.Manifest) -> bool:
    """Whether the manifest's loader reads the headers of images: others know the sizes from the annotations."""
    loader = getattr(loaders, manifest.loader, None)
    return loader is None or "on_corrupt" in inspect.signature(loader).parameters


def features_for(
    kind: str, table: pa.Table, size: int, train: TrainConfig, width: int, on_corrupt: str = "raise"
) -> Extractor:
    """The extractor whose features are clustered.

    Args:
        kind: `rotation`, a network trained here to tell the rotations of the table's images, which needs no labels;
            `labels`, one trained to tell their classes; or `imagenet`, as in the paper (NDS section 3.2.1).

    Raises:
        InputError: another kind; no labels; torchvision's weights are not on this machine.
    """
    if kind == "imagenet":
        return extractor.imagenet()
    tasks = {"rotation": "rotation", "labels": "classification"}
    if kind not in tasks:
        raise InputError(f"extractor is {kind!r}; choose rotation, labels or imagenet")
    return extractor.trained(table, size, ExpertConfig(train, tasks[kind], width), on_corrupt)
