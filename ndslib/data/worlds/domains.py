"""Seven visual domains over shared and own classes, 16 classes each, all made by the simulator.

`photos`, `sketches` and `cartoons` show the same 16 kinds of objects; `glyphs` are characters of an invented script,
`aerials` land use from above, `textures` materials close up, `streets` things in a street. Every picture has a clear
upright orientation. The parts train, val and test share no mesh.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from ndslib.core.errors import InputError
from ndslib.core.seeding import rng
from ndslib.data.worlds import aerials, glyphs, photos, streetside, textures
from ndslib.data.worlds.staging import Shot, take
from ndslib.data.worlds.store import check, check_classes, picture_table


class Domain(NamedTuple):
    """A domain's classes and `compose(class, part, size, random)`."""

    classes: tuple[str, ...]
    compose: Callable[[str, str, int, np.random.Generator], Shot]


_DOMAINS = {
    "photos": Domain(photos.CLASSES, photos.photo),
    "sketches": Domain(photos.CLASSES, photos.sketch),
    "cartoons": Domain(photos.CLASSES, photos.cartoon),
    "glyphs": Domain(glyphs.CLASSES, glyphs.draw),
    "aerials": Domain(aerials.CLASSES, aerials.draw),
    "textures": Domain(textures.CLASSES, textures.draw),
    "streets": Domain(streetside.CLASSES, streetside.draw),
}
DOMAINS: tuple[str, ...] = tuple(_DOMAINS)


def class_names(domain: str) -> tuple[str, ...]:
    """The domain's class names, in a fixed order.

    Raises:
        InputError: no such domain.
    """
    if domain not in _DOMAINS:
        raise InputError(f"no procedural domain {domain!r}: choose from {', '.join(DOMAINS)}")
    return _DOMAINS[domain].classes


def draw(domain: str, class_name: str, index: int, split: str = "train", size: int = 32, seed: int = 0) -> np.ndarray:
    """Picture `index` of a class: RGB uint8 [size, size, 3]; the same in every process.

    A class looks the same under every `seed`; the seed only moves the pictures.

    Raises:
        InputError: no such domain, class or split, a negative index, or a size below 8.
    """
    check_classes(domain, [class_name], class_names(domain))
    check(split, size)
    if index < 0:
        raise InputError(f"index {index}: pictures count from 0")
    return take([_compose(domain, class_name, index, split, size, seed)])[0]


def sample_table(
    domain: str,
    classes: Sequence[str],
    images_per_class: int,
    split: str,
    size: int = 32,
    seed: int = 0,
    workers: int | None = None,
) -> pa.Table:
    """Draw `images_per_class` pictures of each class once into the cache, and list them.

    Asking for more keeps the first ones.

    Args:
        workers: as in `store.stored`.

    Returns:
        a sample table of len(classes) * images_per_class rows, grouped by class in the given order, whose uris are rows
        of a .npy file uint8 [N, size, size, 3] (RGB).

    Raises:
        InputError: no such domain, class or split, a class named twice, fewer than one image or class, or a size below
            8.
    """
    check_classes(domain, classes, class_names(domain))
    pictures = [(name, index) for name in classes for index in range(images_per_class)]

    def draw_some(some: Sequence[tuple[str, int]]) -> list[np.ndarray]:
        return take([_compose(domain, name, index, split, size, seed) for name, index in some])

    return picture_table(domain, {"seed": seed}, pictures, split, size, draw_some, workers)


def _compose(domain: str, class_name: str, index: int, split: str, size: int, seed: int) -> Shot:
    random = rng("worlds", seed, domain, class_name, split, index)
    return _DOMAINS[domain].compose(class_name, split, size, random)
