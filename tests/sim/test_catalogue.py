"""What every class of the catalogue promises, on three meshes of each."""

import numpy as np
import pytest

from ndslib.sim import materials
from ndslib.sim.catalogue import CLASSES
from ndslib.sim.genes import Genes
from ndslib.sim.mesh import check, corner_normals, faces_outwards, is_closed

MESHES = 3


@pytest.fixture(scope="module")
def made():
    """A function: the meshes of a class, made once."""
    known = {}

    def meshes(name):
        if name not in known:
            known[name] = [CLASSES[name](Genes((name, "train", number))) for number in range(MESHES)]
        return known[name]

    return meshes


def test_there_are_many_classes_in_the_order_of_their_names():
    assert len(CLASSES) >= 100
    assert list(CLASSES) == sorted(CLASSES)
    assert all(name == name.lower() and name.isidentifier() for name in CLASSES)


@pytest.mark.parametrize("name", CLASSES)
def test_meshes_are_closed_look_out_and_are_normalised(made, name):
    for mesh in made(name):
        assert check(mesh, name).triangles == mesh.triangles, "no face without an area"
        assert is_closed(mesh)
        assert faces_outwards(mesh)
        low, high = mesh.vertices.min(0), mesh.vertices.max(0)
        assert low == pytest.approx(-high, abs=1e-5)
        assert np.linalg.norm(high) == pytest.approx(1, abs=1e-5)
        assert np.isfinite(corner_normals(mesh)).all()


@pytest.mark.parametrize("name", CLASSES)
def test_meshes_have_a_few_parts_of_known_materials_and_a_bounded_number_of_triangles(made, name):
    for mesh in made(name):
        assert 3 <= len(mesh.parts) <= 16
        assert 100 <= mesh.triangles <= 3300
        assert set(mesh.materials) <= set(materials.NAMES)
        assert np.array_equal(np.unique(mesh.part), np.arange(len(mesh.parts))), "every part has faces"
        assert (mesh.vertices.dtype, mesh.faces.dtype, mesh.part.dtype) == (np.float32, np.int32, np.int16)


@pytest.mark.parametrize("name", CLASSES)
def test_meshes_of_a_class_differ_and_can_be_made_again(made, name):
    meshes = made(name)
    assert len({mesh.vertices.tobytes() for mesh in meshes}) == MESHES
    again = CLASSES[name](Genes((name, "train", 1)))
    assert np.array_equal(again.vertices, meshes[1].vertices)
    assert np.array_equal(again.faces, meshes[1].faces)
    assert again.materials == meshes[1].materials


@pytest.mark.parametrize("gene", [0.0, np.nextafter(1, 0)], ids=["lowest", "highest"])
def test_the_ends_of_all_ranges_make_sound_meshes(gene, monkeypatch):
    monkeypatch.setattr(Genes, "_next", lambda self: gene)
    for name, make in CLASSES.items():
        mesh = make(Genes((name,)))
        assert is_closed(mesh), name
        assert faces_outwards(mesh), name
