"""Stanford Dogs: `Images/<wnid>-<breed>/*.jpg` and MATLAB lists `train_list.mat` and `test_list.mat`.

Source: http://vision.stanford.edu/aditya86/ImageNetDogs/.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa

from ndslib.core.errors import InputError
from ndslib.data.loaders.image_files import FETCH_AGAIN, ImageFile, choose, require_file, table_of_files

LISTS = {"train": "train_list.mat", "test": "test_list.mat"}


def stanford_dogs(
    root: Path | str, dataset: str, split: str, licence: str | None = None, *, on_corrupt: str = "raise"
) -> pa.Table:
    """Sample table of Stanford Dogs, sorted by path; labels are the breeds (`Chihuahua`).

    Args:
        root: the folder of `Images` and the lists.
        split: `train` or `test`, the provider's own.
        on_corrupt: what to do with files whose header cannot be read: `raise` or `skip` with a warning.

    Raises:
        InputError: a list or an image is absent, a list is damaged or names no images, or a header cannot be read.
    """
    listing = require_file(Path(root) / choose(split, LISTS, dataset))
    images = listing.parent / "Images"
    files = [ImageFile(name, images / name, Path(name).parent.name.partition("-")[2]) for name in _names(listing)]
    return table_of_files(sorted(files), dataset, split, licence, on_corrupt)


def _names(listing: Path) -> list[str]:
    from scipy.io import loadmat  # takes a while; the other loaders do not need it
    from scipy.io.matlab import MatReadError

    try:
        cells = loadmat(listing, squeeze_me=True)["file_list"]
    except (ValueError, TypeError, KeyError, OSError, NotImplementedError, MatReadError) as error:
        raise InputError(f"{listing}: not a MATLAB file with 'file_list' ({error}); {FETCH_AGAIN}") from error
    names = [str(name) for name in np.atleast_1d(cells)]
    wrong = [name for name in names if "-" not in Path(name).parent.name]
    if wrong or not names:
        raise InputError(f"{listing}: it lists {wrong[:1]}; wanted <wnid>-<breed>/<image>.jpg; {FETCH_AGAIN}")
    return names
