"""The procedural object classes: a generator each, from named random choices (`Genes`) to a mesh of named parts."""

from collections.abc import Callable
from importlib import import_module

from ndslib.sim.mesh import Mesh
from ndslib.sim.solids import Genes

_MODULES = ("vessels", "furniture", "household", "vehicles", "craft", "buildings", "street", "tools", "electronics",
            "mammals", "animals", "plants", "food", "leisure", "symbols")  # fmt: skip
CLASSES: dict[str, Callable[[Genes], Mesh]] = {
    name: generator
    for module in _MODULES
    for name, generator in import_module(f"ndslib.sim.catalogue.{module}").CLASSES.items()
}
