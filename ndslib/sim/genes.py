"""Named randomness for generators: what makes one mesh of a class differ from the next, and one class from another."""

from collections.abc import Sequence

import numpy as np

from ndslib.core.seeding import rng


class Genes:
    """The random choices that make one mesh of a class; draw k of a generator is always gene k.

    A gene is a number in [0, 1): `centre + spread * (own draw - 1/2)`, where the centre belongs to a class and the own
    draw to the mesh. With `spread` 1 and the centre 1/2 every gene is uniform; a small spread about a centre of its own
    makes a fine-grained class (`ndslib.data.worlds.groups`).

    Args:
        mesh: names the stream of the mesh's own draws.
        variety: names the stream of the class's centres; None puts all centres at 1/2.
        separation: how far apart centres lie, 0 to 1 (all of the range); -1 mirrors them in the middle of the range.
        spread: how far meshes vary about the centre, 0 to 1.
    """

    def __init__(
        self, mesh: Sequence, variety: Sequence | None = None, separation: float = 1.0, spread: float = 1.0
    ) -> None:
        self._own = rng("sim", "mesh", *mesh)
        self._centres = None if variety is None else rng("sim", "variety", *variety)
        self._separation, self._spread = separation, spread

    def _next(self) -> float:
        centre = 0.5 if self._centres is None else 0.5 + self._separation * (self._centres.random() - 0.5)
        gene = centre + self._spread * (self._own.random() - 0.5)
        gene = abs(gene)  # beyond an end a gene is reflected, so that no value gathers there
        return min(gene if gene < 1 else 2 - gene, np.nextafter(1, 0))

    def uniform(self, low: float, high: float) -> float:
        """A number between low and high."""
        return low + (high - low) * self._next()

    def integer(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + int((high - low + 1) * self._next())

    def choice(self, options: Sequence):
        """One of the options."""
        return options[int(len(options) * self._next())]

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self._next() < probability
