"""A few categories, some of them rare, in a sea of background: background splitting's and rare categories' world.

Categories are kinds of objects of the catalogue (varieties of them, when there are more categories than kinds). The
background shows other kinds, and near misses: other varieties of the categories' own kinds.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pyarrow as pa
from scipy.optimize import brentq

from ndslib.core.errors import InputError
from ndslib.core.seeding import rng
from ndslib.data.worlds.groups import group_of
from ndslib.data.worlds.photos import photograph
from ndslib.data.worlds.staging import Shot, take
from ndslib.data.worlds.store import picture_table
from ndslib.sim.catalogue import CLASSES as SHAPES
from ndslib.sim.library import ProceduralLibrary, Variety

BACKGROUND = "background"
NEAR_MISSES = 0.3  # share of the background that shows other varieties of the categories' kinds
SPREAD = 0.4  # how far the meshes of a category vary, as a share of the kind's whole range


def shares(classes: int, background: float = 0.9, rarest: float = 0.001) -> np.ndarray:
    """Each category's share of all images, float64 [classes]: falling evenly on a logarithmic scale to `rarest`.

    Raises:
        InputError: no classes, or shares that cannot sum to 1 - background.
    """
    rest = 1 - background
    if classes < 1 or not 0 <= background < 1 or not 0 < rarest <= rest / classes + 1e-9:
        raise InputError(
            f"{classes} categories of at least {rarest} each do not fit beside a background of {background}: lower the "
            "rarest share, the number of categories or the background"
        )
    if classes == 1:
        return np.array([rest])
    places = np.linspace(1, 0, classes)
    steepness = brentq(
        lambda log_ratio: rarest * np.exp(log_ratio * places).sum() - rest, -1, np.log(rest / rarest) + 1
    )
    return rarest * np.exp(steepness * places)


def counts(images: int, classes: int, background: float = 0.9, rarest: float = 0.001) -> np.ndarray:
    """Images of each category, int64 [classes], rounded so that their sum is right; at least 1.

    Raises:
        InputError: as `shares`; too few images for one of the rarest category.
    """
    wanted = shares(classes, background, rarest) * images + 1e-6  # of an image: what should be whole is not one less
    if wanted.min() < 1:
        raise InputError(f"{images} images hold none of a category of share {rarest}: take at least {1 / rarest:.0f}")
    number = np.floor(wanted).astype(np.int64)
    missing = round(wanted.sum()) - number.sum()
    number[np.argsort(number - wanted, kind="stable")[:missing]] += 1  # those that lost most
    return number


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
    names, number = class_names(classes, seed), counts(images, classes, background, rarest)
    pictures = [(name, index) for name, count in zip(names, number, strict=True) for index in range(count)]
    pictures += [(BACKGROUND, index) for index in range(images - len(pictures))]
    pictures = [pictures[place] for place in rng("worlds", "long tail", seed, split).permutation(len(pictures))]

    def compose(name: str, index: int) -> Shot:
        random = rng("worlds", "long tail", seed, name, split, index)
        shown = _shown_as_background(names, seed, random) if name == BACKGROUND else name
        return photograph(_library(names, split, seed), shown, size, random)

    def draw_some(some: Sequence[tuple[str, int]]) -> list[np.ndarray]:
        return take([compose(*each) for each in some])

    return picture_table("long_tail", {"names": names, "seed": seed}, pictures, split, size, draw_some, workers)


def _shown_as_background(names: tuple[str, ...], seed: int, random: np.random.Generator) -> str:
    others, near = _background_kinds(names, seed)
    return str(random.choice(near if random.random() < NEAR_MISSES else others))


def _kinds(seed: int) -> list[str]:
    return rng("worlds", "long tail", seed).permutation(list(SHAPES)).tolist()


def _background_kinds(names: tuple[str, ...], seed: int) -> tuple[list[str], list[str]]:
    """The kinds that are never categories, and a near miss `<kind>-other` of each category's kind."""
    return _kinds(seed)[len(SHAPES) // 2 :], sorted({f"{group_of(name)}-other" for name in names})


def _variety(name: str, seed: int) -> Variety:
    return Variety(group_of(name), ("long tail", seed, name), spread=SPREAD)


@lru_cache(maxsize=8)
def _library(names: tuple[str, ...], part: str, seed: int) -> ProceduralLibrary:
    others, near = _background_kinds(names, seed)
    varieties = {name: _variety(name, seed) for name in names}
    # The opposite side of every gene from the kind's first category: alike, yet not the same.
    firsts = {miss: _variety(f"{group_of(miss)}-1", seed) for miss in near}
    varieties |= {miss: replace(first, separation=-1.0) for miss, first in firsts.items()}
    return ProceduralLibrary(varieties | {name: Variety(name) for name in others}, part)
