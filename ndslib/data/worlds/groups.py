"""Classes in visually similar groups, with a dial for how fine-grained they are: what HydraNet's branches learn.

A group is one kind of object of the catalogue; its classes are ranges of that kind's proportions, parts and materials
(`ndslib.sim.genes.Genes`). Within a class meshes vary as well, and the parts train, val and test share none.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import pyarrow as pa

from ndslib.core.errors import InputError
from ndslib.core.seeding import rng
from ndslib.data.worlds.photos import check_place, photograph
from ndslib.data.worlds.staging import take
from ndslib.data.worlds.store import picture_table
from ndslib.sim.catalogue import CLASSES as SHAPES
from ndslib.sim.library import ProceduralLibrary, Variety

SPREAD = 0.25  # how far a class's meshes vary, as a share of the kind's whole range


def class_names(groups: int, per_group: int, seed: int = 0) -> tuple[str, ...]:
    """The classes, `<kind>-<number>`, group by group. The seed draws the kinds.

    Raises:
        InputError: more groups than the catalogue has kinds of objects, or fewer than one group or class.
    """
    if not 1 <= groups <= len(SHAPES) or per_group < 1:
        raise InputError(
            f"{groups} groups of {per_group} classes: choose 1 to {len(SHAPES)} groups of at least 1 class"
        )
    shapes = rng("worlds", "groups", seed).permutation(list(SHAPES))[:groups]
    return tuple(f"{shape}-{number + 1}" for shape in shapes for number in range(per_group))


def group_of(class_name: str) -> str:
    """The group of a class."""
    return class_name.rpartition("-")[0]


@lru_cache(maxsize=16)
def library(class_names: tuple[str, ...], fineness: float, part: str, seed: int = 0) -> ProceduralLibrary:
    """The meshes of such classes: 0 lets the classes of a group differ as far as their kind allows, 1 not at all.

    Raises:
        InputError: a fineness outside 0 to 1, an unknown part, or a class of another form than `<kind>-<number>`.
    """
    if not 0 <= fineness <= 1:
        raise InputError(f"fineness {fineness}: choose a number from 0 (classes differ widely) to 1 (not at all)")
    varieties = {
        name: Variety(group_of(name), ("groups", seed, name), separation=1 - fineness, spread=SPREAD)
        for name in class_names
    }
    return ProceduralLibrary(varieties, part)


def sample_table(
    groups: int,
    per_group: int,
    images_per_class: int,
    split: str,
    fineness: float = 0.5,
    size: int = 32,
    seed: int = 0,
    place: str = "anywhere",
    workers: int | None = None,
) -> pa.Table:
    """Photograph `groups * per_group` classes once into the cache, and list the pictures, class by class.

    Args:
        fineness: 0 (the classes of a group differ as far as their kind allows) to 1 (not at all).
        size: the pictures' side in pixels, at least 8.
        place: "anywhere" (before any background) or "studio" (before a plain one).
        workers: as in `store.stored`.

    Raises:
        InputError: as `class_names` and `library`; no images; a size below 8; an unknown place.
    """
    names = class_names(groups, per_group, seed)
    check_place(place)
    library(names, fineness, split, seed)  # refuses what cannot be before other processes start
    pictures = [(name, index) for name in names for index in range(images_per_class)]

    def draw_some(some: Sequence[tuple[str, int]]) -> list[np.ndarray]:
        meshes = library(names, fineness, split, seed)
        streams = [rng("worlds", "groups", seed, name, split, index) for name, index in some]
        return take([photograph(meshes, each[0], size, r, place) for each, r in zip(some, streams, strict=True)])

    parameters = {"fineness": fineness, "seed": seed, "place": place}
    return picture_table("groups", parameters, pictures, split, size, draw_some, workers)
