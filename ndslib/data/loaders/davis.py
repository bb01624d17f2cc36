"""DAVIS 2016: `JPEGImages/480p/<sequence>/*.jpg`, `Annotations/480p/<sequence>/*.png`, `ImageSets/480p/<split>.txt`.

Source: https://davischallenge.org/davis2016/code.html.
"""

from pathlib import Path

import pyarrow as pa

from ndslib.core.errors import InputError
from ndslib.data.loaders.image_files import (
    FETCH_AGAIN,
    ImageFile,
    read_lines,
    require_file,
    require_folder,
    table_of_files,
)


def davis(
    root: Path | str,
    dataset: str,
    split: str,
    licence: str | None = None,
    *,
    folder: str = "",
    resolution: str = "480p",
    on_corrupt: str = "raise",
) -> pa.Table:
    """Sample table of DAVIS 2016's frames, sorted by sequence and frame.

    `label` is null; `annotation` is `{"mask": path, "sequence": name, "frame": number}`, the mask a PNG that is 255 on
    the object and 0 elsewhere.

    Args:
        root: the folder of `JPEGImages`, `Annotations` and `ImageSets`.
        folder: where they lie below `root` instead, e.g. `DAVIS`.
        resolution: `480p` or `1080p`.
        on_corrupt: what to do with files whose header cannot be read: `raise` or `skip` with a warning.

    Raises:
        InputError: a list, frame or mask is absent; a list's line is not an image and a mask; a header cannot be read.
    """
    place = require_folder(Path(root) / folder)
    listing = place / "ImageSets" / resolution / f"{split}.txt"
    files = sorted(_frame(line, number, listing, place) for number, line in read_lines(listing))
    if not files:
        raise InputError(f"{listing}: it lists no frame; {FETCH_AGAIN}")
    return table_of_files(files, dataset, split, licence, on_corrupt)


def _frame(line: str, number: int, listing: Path, place: Path) -> ImageFile:
    paths = [Path(field.lstrip("/")) for field in line.split()]
    if len(paths) != 2 or not paths[0].stem.isdigit():
        raise InputError(
            f"{listing}: line {number} is {line!r}; wanted '/JPEGImages/480p/bear/00000.jpg"
            f" /Annotations/480p/bear/00000.png'; {FETCH_AGAIN}"
        )
    image, mask = (require_file(place / path) for path in paths)
    sequence = image.parent.name
    annotation = {"mask": str(mask), "sequence": sequence, "frame": int(image.stem)}
    return ImageFile(f"{sequence}/{image.stem}", image, annotation=annotation)
