"""Four small procedural image domains, each with 16 classes and a clear upright orientation.

`glyphs` are invented characters, `sketches` line drawings and `photos` shaded colour pictures of the same 16 objects,
`textures` material patches lit from above. Images of a class vary in position, scale, tilt (up to 12 degrees),
proportions, colours, line width, clutter and noise.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from ndslib.core.cache import cached
from ndslib.core.errors import InputError
from ndslib.core.files import digest
from ndslib.core.seeding import rng
from ndslib.data import sample_table as tables
from ndslib.data.worlds import glyphs, objects, textures

GENERATOR_VERSION = 1  # raise it with every change that moves a pixel: it names the cache entries
LICENCE = "CC0-1.0"  # nobody's photographs: anyone may use the pictures for anything

_CLASSES = {
    "glyphs": tuple(glyphs.CLASSES),
    "sketches": tuple(objects.CLASSES),
    "photos": tuple(objects.CLASSES),
    "textures": tuple(textures.CLASSES),
}
_DRAW: dict[str, Callable[[str, int, np.random.Generator], np.ndarray]] = {
    "glyphs": glyphs.draw,
    "sketches": objects.draw_sketch,
    "photos": objects.draw_photo,
    "textures": textures.draw,
}
DOMAINS: tuple[str, ...] = tuple(_CLASSES)


def class_names(domain: str) -> tuple[str, ...]:
    """The domain's class names, in a fixed order.

    Raises:
        InputError: no such domain.
    """
    if domain not in _CLASSES:
        raise InputError(f"no procedural domain {domain!r}: choose from {', '.join(DOMAINS)}")
    return _CLASSES[domain]


def draw(domain: str, class_name: str, index: int, size: int = 32, seed: int = 0) -> np.ndarray:
    """Picture `index` of a class: RGB uint8 [size, size, 3]; the same in every process.

    A class looks the same under every `seed`; the seed only moves the pictures.

    Raises:
        InputError: no such domain or class, a negative index, or a size below 8.
    """
    if class_name not in class_names(domain):
        raise InputError(f"{domain} has no class {class_name!r}: choose from {', '.join(_CLASSES[domain])}")
    if index < 0 or size < 8:
        raise InputError(f"index {index} and size {size}: need an index of at least 0 and a size of at least 8 pixels")
    return _DRAW[domain](class_name, size, rng("worlds", seed, domain, class_name, index))


def sample_table(
    domain: str,
    classes: Sequence[str],
    images_per_class: int,
    split: str,
    size: int = 32,
    seed: int = 0,
) -> pa.Table:
    """Render `images_per_class` pictures of each class once into a cached array file, and list them.

    The splits draw disjoint indices, however many pictures are asked for; asking for more keeps the first ones.

    Returns:
        a sample table of len(classes) * images_per_class rows, grouped by class in the given order, whose uris are rows
        of a .npy file uint8 [N, size, size, 3] (RGB).

    Raises:
        InputError: no such domain, class or split, a class named twice, or fewer than one image or class.
    """
    unknown = [name for name in classes if name not in class_names(domain)]
    if unknown:
        raise InputError(f"{domain} has no class {unknown[0]!r}: choose from {', '.join(_CLASSES[domain])}")
    if not classes or len(set(classes)) < len(classes):
        raise InputError(f"classes {list(classes)}: name at least one class, and each only once")
    if split not in tables.SPLITS:
        raise InputError(f"split {split!r}: choose from {', '.join(tables.SPLITS)}")
    if images_per_class < 1:
        raise InputError(f"images_per_class is {images_per_class}: it must be at least 1")
    first = tables.SPLITS.index(split)
    pictures = [(name, first + len(tables.SPLITS) * i) for name in classes for i in range(images_per_class)]

    def build(path: Path) -> None:
        images = np.stack([draw(domain, name, index, size, seed) for name, index in pictures])
        with path.open("wb") as stream:  # np.save given a path would add a suffix of its own
            np.save(stream, images, allow_pickle=False)

    key = digest(GENERATOR_VERSION, domain, list(classes), images_per_class, split, size, seed)
    container = cached("worlds", key, build, ".npy")
    return tables.from_rows(
        {
            "id": f"{domain}/{name}/{index:06}",
            "dataset": domain,
            "uri": f"{container}#row={row}",
            "split": split,
            "label": name,
            "width": size,
            "height": size,
            "bytes": size * size * 3,
            "licence": LICENCE,
        }
        for row, (name, index) in enumerate(pictures)
    )
