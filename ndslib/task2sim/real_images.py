"""The real-image set of equal size that T2S section 4.2 compares with: ImageNet, or what stands for it here."""

from collections.abc import Callable

import joblib
import numpy as np
import pyarrow as pa

from ndslib.core import paths
from ndslib.core.files import digest
from ndslib.data import images, loaders
from ndslib.data.labelled import Labelled, few_per_class, only
from ndslib.data.worlds import domains
from ndslib.task2sim.pretraining import GivenImages, Pretraining, spread
from ndslib.task2sim.tasks import CLASSES, data_folder


def real_images(group: str, pretraining: Pretraining, workers: int | None = None) -> GivenImages:
    """Pretraining on as many images as a simulator would draw (fewer where the classes run out).

    Args:
        group: of `tasks.load_tasks`. For `paper` it is ImageNet, with as many classes; for `real`, PACS' photos (seven
            classes); for `worlds`, drawn photographs of classes that are in no task.

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
    count = _per_class(pretraining, len(classes))
    return domains.sample_table("photos", classes, count, "train", pretraining.size, pretraining.seed, workers)


def _pacs(pretraining: Pretraining, workers: int | None) -> pa.Table:
    table = loaders.image_folder(data_folder("pacs", "photo"), "pacs_photo", "train")
    count = _per_class(pretraining, len(table["label"].unique()))
    return few_per_class(table, (count,), "task2sim", "real", pretraining.seed)[0]


def _imagenet(pretraining: Pretraining, workers: int | None) -> pa.Table:
    table = loaders.load("imagenet", paths.data_root() / "imagenet", "train")
    names = sorted(table["label"].unique().to_pylist())
    chosen = [names[place] for place in spread(pretraining.classes, len(names))]
    return few_per_class(only(table, chosen), (pretraining.images_per_class,), "task2sim", "real", pretraining.seed)[0]


def _per_class(pretraining: Pretraining, classes: int) -> int:
    return -(-pretraining.classes * pretraining.images_per_class // classes)


TABLES: dict[str, Callable[[Pretraining, int | None], pa.Table]] = {
    "worlds": _drawn,
    "real": _pacs,
    "paper": _imagenet,
}
