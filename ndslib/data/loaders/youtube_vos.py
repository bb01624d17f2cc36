"""YouTube-VOS: `<split>/JPEGImages/<video>/*.jpg` and `<split>/Annotations/<video>/*.png`.

Source: https://youtube-vos.org/dataset/vos/.
"""

from pathlib import Path

import pyarrow as pa

from ndslib.core.errors import InputError
from ndslib.data.loaders.image_files import (
    FETCH_AGAIN,
    ImageFile,
    choose,
    require_folder,
    require_images,
    table_of_files,
)

FOLDERS = {"train": "train", "val": "valid", "test": "test"}


def youtube_vos(
    root: Path | str, dataset: str, split: str, licence: str | None = None, *, on_corrupt: str = "raise"
) -> pa.Table:
    """Sample table of YouTube-VOS's frames, sorted by video and frame.

    `label` is null. `annotation` is `{"mask": path or null, "sequence": video, "frame": number}`; the mask is a PNG
    whose palette numbers are the objects' ids. In `val` and `test` only frames where an object first appears have one.

    Args:
        root: the folder of `train`, `valid` and `test`.
        on_corrupt: what to do with files whose header cannot be read: `raise` or `skip` with a warning.

    Raises:
        InputError: a tree is absent, a frame's name is no number, a mask has no frame, a frame of `train` has no mask,
            or a header cannot be read.
    """
    place = require_folder(Path(root) / choose(split, FOLDERS, dataset))
    frames = {_key(path): path for path in require_images(place / "JPEGImages")}
    masks = {_key(path): path for path in require_images(place / "Annotations")}
    for lone in sorted(masks.keys() - frames.keys())[:1]:
        raise InputError(f"{masks[lone]}: its frame is absent from {place / 'JPEGImages'}; {FETCH_AGAIN}")
    files = []
    for (video, frame), path in frames.items():
        mask = masks.get((video, frame))
        if mask is None and split == "train":
            raise InputError(f"{path}: its mask is absent from {place / 'Annotations' / video}; {FETCH_AGAIN}")
        annotation = {"mask": mask and str(mask), "sequence": video, "frame": int(frame)}
        files.append(ImageFile(f"{video}/{frame}", path, annotation=annotation))
    return table_of_files(files, dataset, split, licence, on_corrupt)


def _key(path: Path) -> tuple[str, str]:
    if not path.stem.isdigit():
        raise InputError(f"{path}: a frame's name must be its number, as 00005; {FETCH_AGAIN}")
    return path.parent.name, path.stem
