"""Scikit-learn's handwritten digits: 1,797 real grey images of 8 x 8 pixels, in the package itself, so always there."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from ndslib.core.errors import InputError
from ndslib.core.files import atomic_path
from ndslib.data import sample_table
from ndslib.data.loaders.array_container import table_of_rows

TRAIN_ROWS = 1437  # 80 %; the writers come one after another, so test digits are mostly by other hands


def sklearn_digits(
    root: Path | str, dataset: str = "digits", split: str = "all", licence: str | None = "CC-BY-4.0"
) -> pa.Table:
    """Sample table of the digits; labels "0" to "9". Writes `<root>/digits.npy` (uint8[1797, 8, 8, 3]) when absent.

    The grey levels 0 to 16 are scaled to 0 to 255. The first 1,437 rows are `train`, the last 360 `test` (the source,
    UCI's optical digits, is ordered by writer).

    Args:
        root: where the array lies or is written.
        split: `train` or `test`, or `all` for the rows of both.

    Raises:
        InputError: the split is another.
    """
    from sklearn.datasets import load_digits  # takes a second; the other loaders do not need it

    if split not in ("all", "train", "test"):
        raise InputError(f"{dataset}: it has no split {split!r}; choose 'train', 'test' or 'all'")
    digits = load_digits()
    path = Path(root).expanduser().absolute() / "digits.npy"
    if not path.is_file():
        grey = np.rint(digits.images * (255 / 16)).astype(np.uint8)
        with atomic_path(path) as temporary:
            np.save(temporary, np.repeat(grey[..., None], 3, axis=3))
    labels = [str(label) for label in digits.target.tolist()]
    train = table_of_rows(path, dataset, "train", licence, labels).slice(0, TRAIN_ROWS)
    test = table_of_rows(path, dataset, "test", licence, labels).slice(TRAIN_ROWS)
    return {"train": train, "test": test, "all": sample_table.concat([train, test])}[split]
