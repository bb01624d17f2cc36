"""The procedural object classes: a generator each, from named random choices (`Genes`) to a mesh of named parts.

Every module here that has no leading underscore has a `CLASSES`; a new one is found by itself.
"""

import pkgutil
from collections.abc import Callable
from importlib import import_module

from ndslib.sim.genes import Genes
from ndslib.sim.mesh import Mesh

_MODULES = [module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")]
_FOUND: dict[str, Callable[[Genes], Mesh]] = {
    name: generator
    for module in _MODULES
    for name, generator in import_module(f"ndslib.sim.catalogue.{module}").CLASSES.items()
}
CLASSES = dict(sorted(_FOUND.items()))
