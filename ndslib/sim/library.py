"""Where a simulator's objects come from: classes of several meshes each, built by generators with parameters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from ndslib.core.errors import InputError
from ndslib.core.files import digest
from ndslib.data.sample_table import SPLITS
from ndslib.sim.catalogue import CLASSES
from ndslib.sim.genes import Genes
from ndslib.sim.mesh import Mesh, check, refine
from ndslib.sim.scene import Geometry

MESHES_PER_CLASS = 8


class Library(Protocol):
    """Named object classes with their meshes."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes' names, in a fixed order."""

    def meshes(self, name: str) -> Sequence[Mesh]:
        """The meshes of a class, normalised to a half diagonal of 1."""

    def fingerprint(self) -> str:
        """Names all that the meshes depend on."""


@dataclass(frozen=True)
class Variety:
    """A class made by a generator of the catalogue, all of its range or a fine-grained part of it (see `Genes`).

    Attributes:
        shape: the generator, a name of `ndslib.sim.catalogue.CLASSES`.
        centre: names the stream of the class's centres; None is the middle of the range.
        separation, spread: as in `Genes`.
    """

    shape: str
    centre: tuple | None = None
    separation: float = 1.0
    spread: float = 1.0


class ProceduralLibrary:
    """Meshes from the catalogue's generators, made when they are first asked for.

    Args:
        classes: names of the catalogue, or own names with a `Variety` each; None takes the whole catalogue.
        part: train, val or test; parts share no mesh.
        meshes_per_class: at least 1.
        min_triangles: meshes with fewer triangles are refined (the shape stays the same).

    Raises:
        InputError: an unknown or doubled class, an unknown part, or no meshes.
    """

    def __init__(
        self,
        classes: Sequence[str] | Mapping[str, Variety] | None = None,
        part: str = "train",
        meshes_per_class: int = MESHES_PER_CLASS,
        min_triangles: int = 0,
    ) -> None:
        names = list(CLASSES if classes is None else classes)
        varieties = classes if isinstance(classes, Mapping) else {name: Variety(name) for name in names}
        unknown = sorted({each.shape for each in varieties.values()} - set(CLASSES))
        if unknown or not names:
            raise InputError(f"classes {unknown or names} are not in the catalogue, which has: {', '.join(CLASSES)}")
        if len(varieties) < len(names):
            raise InputError(f"classes {names}: name each class only once")
        if part not in SPLITS:
            raise InputError(f"part {part!r}: choose one of {', '.join(SPLITS)}")
        if meshes_per_class < 1:
            raise InputError(f"meshes_per_class is {meshes_per_class}: it must be at least 1")
        self.classes = tuple(names)
        self._varieties = dict(varieties)
        self._part, self._count, self._min_triangles = part, meshes_per_class, min_triangles

    def meshes(self, name: str) -> tuple[Mesh, ...]:
        """The meshes of a class.

        Raises:
            InputError: no such class.
        """
        if name not in self._varieties:
            raise InputError(f"the library has no class {name!r}; it has {', '.join(self.classes)}")
        return _procedural(self._varieties[name], self._part, self._count, self._min_triangles)

    def fingerprint(self) -> str:
        """Names the classes, part and counts; the generators' code is part of the simulator's fingerprint."""
        varieties = [[name, vars(self._varieties[name])] for name in self.classes]
        return digest(varieties, self._part, self._count, self._min_triangles)


@lru_cache(maxsize=1024)
def _procedural(variety: Variety, part: str, count: int, min_triangles: int) -> tuple[Mesh, ...]:
    make = CLASSES[variety.shape]
    genes = (
        Genes((variety.shape, part, number), variety.centre, variety.separation, variety.spread)
        for number in range(count)
    )
    return tuple(refine(make(each), min_triangles) for each in genes)


class Stage:
    """Gathers the meshes that a batch of scenes shows into one geometry."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self._places: dict[tuple[str, int], int] = {}

    def add(self, name: str, number: int) -> int:
        """The place in the geometry of mesh `number` of a class."""
        return self._places.setdefault((name, number), len(self._places))

    def geometry(self) -> Geometry:
        """The meshes added so far, in the order of their places."""
        return Geometry.join([_packed(self.library, name, number) for name, number in self._places])


@lru_cache(maxsize=512)  # of 4,000 triangles each: 160 MB
def _packed(library: Library, name: str, number: int) -> Geometry:
    return Geometry.of([check(library.meshes(name)[number], f"mesh {number} of {name}")])
