"""A few categories, some of them rare, in a sea of background: background splitting's and rare categories' world.

Categories are kinds of objects of the catalogue (varieties of them, when there are more categories than kinds). The
background shows other kinds, and near misses: other varieties of the categories' own kinds.
"""

from functools import lru_cache

import numpy as np
import pyarrow as pa
from scipy.optimize import brentq

from ndslib.core.errors import InputError
from ndslib.core.seeding import rng
from ndslib.data import sample_table as tables
from ndslib.data.worlds.photos import photograph
from ndslib.data.worlds.store import Column, listed, stored
from ndslib.sim.catalogue import CLASSES as SHAPES
from ndslib.sim.library import ProceduralLibrary, Variety

BACKGROUND = "background"
NEAR_MISSES = 0.3  # share of the background that shows other varieties of the categories' kinds
SPREAD = 0.5  # how far the meshes of a category vary, as a share of the kind's whole range


def shares(classes: int, background: float = 0.9, rarest: float = 0.001) -> np.ndarray:
    """Each category's share of all images, float64 [classes]: falling evenly on a logarithmic scale to `rarest`.

    Raises:
        InputError: no classes, or shares that cannot sum to 1 - background.
    """
    rest = 1 - background
    if classes < 1 or not 0 <= background < 1 or not 0 < rarest <= rest / classes:
        raise InputError(
            f"{classes} categories of at least {rarest} each do not fit beside a background of {background}: lower the "
            "rarest share, the number of categories or the background"
        )
    places = np.linspace(1, 0, classes) if classes > 1 else np.zeros(1)
    if classes == 1:
        return np.array([rest])
    steepness = brentq(lambda log_ratio: rarest * np.exp(log_ratio * places).sum() - rest, 0, 50)
    return rarest * np.exp(steepness * places)


def counts(images: int, classes: int, background: float = 0.9, rarest: float = 0.001) -> np.ndarray:
    """Images of each category, int64 [classes], rounded; at least 1.

    Raises:
        InputError: as `shares`; too few images for one of the rarest category.
    """
    wanted = shares(classes, background, rarest) * images
    if images < 1 or wanted.min() < 0.5:
        raise InputError(
            f"{images} images hold none of a category of share {rarest}: ask for at least {0.5 / rarest:.0f}"
        )
    return np.maximum(np.rint(wanted), 1).astype(np.int64)


def class_names(classes: int, seed: int = 0) -> tuple[str, ...]:
    """The categories `<kind>-<number>`, most common first. The seed draws the kinds.

    Half the catalogue's kinds serve as categories, the other half only as background.
    """
    shapes = _kinds(seed)[: len(SHAPES) // 2]
    return tuple(f"{shapes[place % len(shapes)]}-{place // len(shapes) + 1}" for place in range(classes))


def sample_table(
    classes: int,
    images: int,
    split: str,
    background: float = 0.9,
    rarest: float = 0.001,
    size: int = 32,
    seed: int = 0,
    workers: int | None = None,
) -> pa.Table:
    """Photograph a long-tailed set once into the cache, and list the pictures in random order.

    The label is the category's name or `background`. Parts have the same shares and share no mesh.

    Args:
        classes: number of categories.
        background: share of the images that show none of them.
        rarest: share of the rarest category.
        workers: as in `store.stored`.

    Raises:
        InputError: as `counts`; an unknown split; a size below 8.
    """
    if split not in tables.SPLITS:
        raise InputError(f"split {split!r}: choose from {', '.join(tables.SPLITS)}")
    names, number = class_names(classes, seed), counts(images, classes, background, rarest)
    pictures = [(name, index) for name, count in zip(names, number, strict=True) for index in range(count)]
    pictures += [(BACKGROUND, index) for index in range(images - len(pictures))]
    pictures = [pictures[place] for place in rng("worlds", "long tail", seed, split).permutation(len(pictures))]

    def draw_some(first: int, last: int) -> dict[str, np.ndarray]:
        return {"images": np.stack([_draw(names, *each, split, size, seed) for each in pictures[first:last]])}

    parameters = {"pictures": pictures, "split": split, "seed": seed}
    columns = {"images": Column("uint8", (size, size, 3))}
    folder = stored("long-tail", parameters, columns, len(pictures), draw_some, workers)
    return listed(folder / "images.npy", "long_tail", split, [(name, f"{name}/{index:06}") for name, index in pictures])


def _draw(names: tuple[str, ...], name: str, index: int, split: str, size: int, seed: int) -> np.ndarray:
    random = rng("worlds", "long tail", seed, name, split, index)
    if name == BACKGROUND:
        others, near = _background_kinds(names, seed)
        name = str(random.choice(near if random.random() < NEAR_MISSES else others))
    return photograph(_library(names, split, seed), name, size, random).images[0].permute(1, 2, 0).numpy()


def _kinds(seed: int) -> list[str]:
    return rng("worlds", "long tail", seed).permutation(list(SHAPES)).tolist()


def _background_kinds(names: tuple[str, ...], seed: int) -> tuple[list[str], list[str]]:
    """The kinds that are never categories, and a near miss `<kind>-other` of each category's kind."""
    return _kinds(seed)[len(SHAPES) // 2 :], sorted({f"{name.rpartition('-')[0]}-other" for name in names})


@lru_cache(maxsize=8)
def _library(names: tuple[str, ...], part: str, seed: int) -> ProceduralLibrary:
    others, near = _background_kinds(names, seed)
    varieties = {
        name: Variety(name.rpartition("-")[0], ("long tail", seed, name), spread=SPREAD) for name in (*names, *near)
    }
    return ProceduralLibrary(varieties | {name: Variety(name) for name in others}, part)
