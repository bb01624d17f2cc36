"""Small scenes for the simulator's tests."""

from collections.abc import Callable

import numpy as np
import pytest

from ndslib.sim import backgrounds, materials
from ndslib.sim.mesh import Mesh
from ndslib.sim.scene import Geometry, Placement, Scene, SceneBatch, batch
from ndslib.sim.solids import Solid, assemble


@pytest.fixture(scope="session")
def mesh_of() -> Callable[[Solid], Mesh]:
    """A function: a solid as a normalised mesh of one grey part."""
    return lambda solid: assemble({"body": ("paint_grey", solid)})


@pytest.fixture(scope="session")
def staged() -> Callable[..., SceneBatch]:
    """A function that stages scenes, each a pair (objects, view).

    Objects are pairs (mesh, fields of its `Placement`), views are fields of the `Scene`. What is not given: all grey,
    the camera 5 units in front of (0, 1, 0) and level.
    """

    def place(objects: list[tuple[Mesh, dict]], view: dict, first: int) -> Scene:
        grey = materials.index("paint_grey")
        placed = [
            Placement(**{"mesh": first + number, "material": [grey] * len(mesh.parts), "rotation": np.eye(3)} | changes)
            for number, (mesh, changes) in enumerate(objects)
        ]
        camera = {"eye": (0, 1, 5), "target": (0, 1, 0), "background": backgrounds.index(backgrounds.DEFAULT)}
        return Scene(placed, **(camera | view))

    def stage(*scenes: tuple[list[tuple[Mesh, dict]], dict]) -> SceneBatch:
        starts = np.cumsum([0, *(len(objects) for objects, _ in scenes)])
        meshes = [mesh for objects, _ in scenes for mesh, _ in objects]
        drawn = [place(*scene, int(first)) for scene, first in zip(scenes, starts, strict=False)]
        return batch(Geometry.of(meshes), drawn)

    return stage
