from dataclasses import fields

import numpy as np
import pytest
import torch

from ndslib.core.errors import InputError
from ndslib.sim.mesh import Mesh
from ndslib.sim.scene import Geometry, Placement, Scene, batch
from ndslib.sim.solids import assemble, ball, box


@pytest.fixture(scope="module")
def geometry():
    table = assemble({"top": ("oak", box(2, 0.1, 1)), "leg": ("gold", box(0.1, 1, 0.1).at(y=-0.5))})
    return Geometry.of([table, assemble({"body": ("paint_grey", ball(1, segments=8))})])


def test_geometry_keeps_the_triangles_of_its_meshes(mesh_of):
    first, second = mesh_of(box(1, 2, 3)), mesh_of(ball(1, segments=8))
    packed = Geometry.of([first, second])
    assert packed.start.tolist() == [0, 12, 12 + second.triangles]
    assert packed.corners[:, 2, 5].tolist() == first.vertices[first.faces[5, 2]].tolist()
    assert packed.corners[:, 1, 12 + 7].tolist() == second.vertices[second.faces[7, 1]].tolist()
    assert packed.normals.norm(dim=0).numpy() == pytest.approx(np.ones((3, 12 + second.triangles)), abs=1e-5)
    assert packed.one_sided.tolist() == [True, True]


def test_joined_geometries_are_those_of_all_meshes(mesh_of):
    meshes = [mesh_of(box(1, 2, 3)), mesh_of(ball(1, segments=8)), mesh_of(box(1, 1, 1))]
    joined = Geometry.join([Geometry.of(meshes[:2]), Geometry.of([]), Geometry.of(meshes[2:])])
    for field in fields(Geometry):
        assert torch.equal(getattr(joined, field.name), getattr(Geometry.of(meshes), field.name)), field.name
    assert Geometry.join([]).start.tolist() == [0]


def test_only_closed_meshes_that_look_out_are_one_sided(mesh_of):
    solid = mesh_of(box(1, 1, 1))
    hole = Mesh(solid.vertices, solid.faces[1:], solid.part[1:], solid.parts, solid.materials)
    inside_out = Mesh(solid.vertices, solid.faces[:, ::-1], solid.part, solid.parts, solid.materials)
    assert Geometry.of([solid, hole, inside_out]).one_sided.tolist() == [True, False, False]


def scene(*objects, **view):
    return Scene(objects, **({"eye": (0, 1, 5), "target": (0, 1, 0), "background": 0} | view))


def test_a_part_of_a_batch_is_the_batch_of_those_scenes(geometry):
    upright = np.eye(3)
    scenes = [
        scene(Placement(1, [4], upright), eye=(0, 1, 6)),
        scene(eye=(0, 1, 7)),
        scene(Placement(0, [1, 2], upright, (1, 2, 3)), Placement(1, [3], upright), eye=(0, 1, 8)),
        scene(Placement(1, [5], upright), eye=(0, 1, 9)),
    ]
    both = batch(geometry, scenes)
    assert len(both) == 4
    assert both.image.tolist() == [0, 2, 2, 3]
    assert both.material.tolist() == [[4, 0], [1, 2], [3, 0], [5, 0]]
    some, alone = both.part(1, 3), batch(geometry, scenes[1:3])
    for field in fields(some):
        if field.name != "geometry":
            assert torch.equal(getattr(some, field.name), getattr(alone, field.name)), field.name


BODY = {"mesh": 1, "material": [0], "rotation": np.eye(3)}


@pytest.mark.parametrize(
    ("placement", "view", "message"),
    [
        ({"mesh": 2}, {}, "shows mesh 2: the geometry has 2"),
        ({"mesh": -1}, {}, "shows mesh -1"),
        ({"mesh": 0}, {}, "has 1 materials: give one to each of its 2 parts"),
        ({"material": [10_000]}, {}, "material 10000: .*materials.NAMES"),
        ({"position": (0, np.nan, 0)}, {}, "position .*not finite: nan"),
        ({"scale": np.inf}, {}, "scale .*not finite: inf"),
        ({}, {"background": -1}, "background -1: .*backgrounds.NAMES"),
        ({}, {"eye": (0, 1, np.nan)}, "eye .*not finite"),
        ({}, {"eye": (0, 1, 0)}, "eye and target are the same point"),
    ],
)
def test_scenes_that_cannot_be_drawn_are_refused(geometry, placement, view, message):
    with pytest.raises(InputError, match=message):
        batch(geometry, [scene(Placement(**(BODY | placement)), **view)])


def test_a_batch_needs_a_scene(geometry):
    with pytest.raises(InputError, match="no scenes"):
        batch(geometry, [])
