"""The real-image set of equal size that T2S section 4.2 compares with: ImageNet, or what stands for it here."""

from collections.abc import Callable

import joblib
import numpy as np
import pyarrow as pa

from ndslib.core import paths
from ndslib.core.files import digest
from ndslib.core.seeding import rng
from ndslib.data import images, loaders
from ndslib.data.labelled import Labelled, few_per_class, only
from ndslib.data.worlds import domains
from ndslib.task2sim.pretraining import GivenImages, Pretraining, spread
from ndslib.task2sim.tasks import CLASSES, data_folder

FIXED_CLASSES = ("worlds", "real")  # groups whose real images are of the same few classes, however many are asked for


def real_images(group: str, pretraining: Pretraining, workers: int | None = None) -> GivenImages:
    """Pretraining on exactly as many images as a simulator would draw, or on all there are where these are fewer.

    The seed draws them, from each class the same number up to a few, or all of a class that has fewer.

    Args:
        group: of `tasks.load_tasks`. For `paper` it is ImageNet, with as many classes; for `real`, PACS' photos (1,670
            of seven classes); for `worlds`, drawn photographs of eight classes that are in no task, without limit.

    Raises:
        InputError: the data is absent.
    """
    table = TABLES[group](pretraining, workers)
    labels = np.unique(table["label"].to_pylist(), return_inverse=True)[1].astype(np.int64)
    decoded = images.decode(table, pretraining.size, workers=workers or joblib.cpu_count())
    data = Labelled(decoded.pixels, labels)
    return GivenImages(data, digest(table["id"].to_pylist(), pretraining.size, pretraining.seed), pretraining)


def _drawn(pretraining: Pretraining, workers: int | None) -> pa.Table:
    classes = domains.class_names("photos")[CLASSES:]
    cap = -(-_wanted(pretraining) // len(classes))
    table = domains.sample_table("photos", classes, cap, "train", pretraining.size, pretraining.seed, workers)
    return _some(table, pretraining)


def _pacs(pretraining: Pretraining, workers: int | None) -> pa.Table:
    table = loaders.image_folder(data_folder("pacs", "photo"), "pacs_photo", "train")
    return _balanced(table, pretraining)


def _imagenet(pretraining: Pretraining, workers: int | None) -> pa.Table:
    table = loaders.load("imagenet", paths.data_root() / "imagenet", "train")
    names = sorted(table["label"].unique().to_pylist())
    chosen = [names[place] for place in spread(pretraining.classes, len(names))]
    return _balanced(only(table, chosen), pretraining)


def _wanted(pretraining: Pretraining) -> int:
    return pretraining.classes * pretraining.images_per_class


def _balanced(table: pa.Table, pretraining: Pretraining) -> pa.Table:
    """The wanted number of rows: large classes give more where small ones run out."""
    sizes = np.unique(table["label"].to_pylist(), return_counts=True)[1]
    taken = np.minimum.outer(sizes, np.arange(sizes.max() + 1)).sum(axis=0)  # by the most that a class may give
    cap = int(np.searchsorted(taken, min(_wanted(pretraining), sizes.sum())))
    return _some(few_per_class(table, (cap,), "task2sim", "real", pretraining.seed)[0], pretraining)


def _some(table: pa.Table, pretraining: Pretraining) -> pa.Table:
    """The wanted number of rows of a table that has a few more, in its order."""
    order = rng("task2sim", "equal size", pretraining.seed).permutation(table.num_rows)
    return table.take(np.sort(order[: _wanted(pretraining)]))


TABLES: dict[str, Callable[[Pretraining, int | None], pa.Table]] = {
    "worlds": _drawn,
    "real": _pacs,
    "paper": _imagenet,
}
