import numpy as np
import pytest

from ndslib.core.errors import InputError
from ndslib.sim.catalogue import CLASSES
from ndslib.sim.library import MESHES_PER_CLASS, ProceduralLibrary, Stage, Variety
from ndslib.sim.mesh import face_volumes
from ndslib.sim.scene import Geometry


def shapes(library, name):
    """Meshes as something that can be compared."""
    return {mesh.vertices.tobytes() for mesh in library.meshes(name)}


def size(mesh):
    return np.r_[np.ptp(mesh.vertices, axis=0), face_volumes(mesh).sum() / 6]


def test_by_default_it_is_the_whole_catalogue_of_train_meshes():
    library = ProceduralLibrary()
    assert library.classes == tuple(CLASSES)
    assert len(library.meshes("mug")) == MESHES_PER_CLASS
    assert shapes(library, "mug") == shapes(ProceduralLibrary(["mug"], "train"), "mug")


@pytest.mark.parametrize("name", ["mug", "chair", "sheep"])
def test_meshes_differ_and_parts_share_none(name):
    parts = [shapes(ProceduralLibrary([name], part, 4), name) for part in ("train", "val", "test")]
    assert [len(part) for part in parts] == [4, 4, 4]
    assert len(set.union(*parts)) == 12


def test_more_meshes_leave_the_first_as_they_were():
    few, many = (ProceduralLibrary(["mug"], meshes_per_class=count).meshes("mug") for count in (2, 5))
    assert [mesh.vertices.tobytes() for mesh in few] == [mesh.vertices.tobytes() for mesh in many[:2]]


def test_small_meshes_are_refined_without_a_change_of_shape():
    coarse, fine = (ProceduralLibrary(["mug"], meshes_per_class=1, min_triangles=count) for count in (0, 4000))
    (before,), (after,) = coarse.meshes("mug"), fine.meshes("mug")
    assert before.triangles < 4000 <= after.triangles
    assert size(after) == pytest.approx(size(before), rel=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"classes": ["mug", "unicorn"]}, "'unicorn'.* not in the catalogue, which has: .*mug"),
        ({"classes": {"horned": Variety("unicorn")}}, "'unicorn'"),
        ({"classes": []}, r"classes \[\] are not in the catalogue"),
        ({"classes": ["mug", "chair", "mug"]}, "name each class only once"),
        ({"part": "valid"}, "part 'valid': choose one of train, val, test"),
        ({"meshes_per_class": 0}, "meshes_per_class is 0"),
    ],
)
def test_libraries_that_cannot_be_made_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        ProceduralLibrary(**arguments)


def test_a_class_that_the_library_does_not_have_is_refused():
    with pytest.raises(InputError, match="no class 'chair'; it has mug"):
        ProceduralLibrary(["mug"]).meshes("chair")


def varieties(separation, spread):
    """Eight fine-grained kinds of mugs."""
    kinds = {f"mug {kind}": Variety("mug", ("test", kind), separation, spread) for kind in range(8)}
    return ProceduralLibrary(kinds, meshes_per_class=3)


def test_without_a_spread_all_meshes_of_a_variety_are_equal():
    library = varieties(separation=1.0, spread=0.0)
    assert all(len(shapes(library, name)) == 1 for name in library.classes)
    assert len(set.union(*(shapes(library, name) for name in library.classes))) > 1


def test_without_separation_varieties_are_the_same_class():
    library = varieties(separation=0.0, spread=0.0)
    assert len(set.union(*(shapes(library, name) for name in library.classes))) == 1


def test_separation_moves_varieties_apart_and_spread_their_meshes():
    def scatter(separation, spread):
        library = varieties(separation, spread)
        sizes = np.array([[size(mesh) for mesh in library.meshes(name)] for name in library.classes])
        return sizes.mean(1).std(0).mean(), sizes.std(1).mean()

    narrow, wide = scatter(0.1, 0.05), scatter(0.8, 0.05)
    assert wide[0] > 2 * narrow[0]
    assert scatter(0.1, 0.8)[1] > 2 * narrow[1]


def test_varieties_of_different_parts_share_the_centre_but_no_mesh():
    kinds = {"mug": Variety("mug", ("tall",), 1.0, 0.1)}
    train, test = (ProceduralLibrary(kinds, part, 3) for part in ("train", "test"))
    assert not shapes(train, "mug") & shapes(test, "mug")
    ours, theirs = (np.mean([size(mesh) for mesh in library.meshes("mug")], 0) for library in (train, test))
    anyone = np.std([size(mesh) for mesh in ProceduralLibrary(["mug"]).meshes("mug")], 0).mean()
    assert np.abs(ours - theirs).mean() < anyone


@pytest.mark.parametrize(
    "other",
    [
        {"classes": ["chair", "mug"]},
        {"part": "val"},
        {"meshes_per_class": 3},
        {"min_triangles": 1000},
        {"classes": {"mug": Variety("mug"), "chair": Variety("chair", ("a",))}},
    ],
    ids=str,
)
def test_the_fingerprint_names_all_that_meshes_depend_on(other):
    arguments = {"classes": ["mug", "chair"], "meshes_per_class": 2}
    assert ProceduralLibrary(**arguments).fingerprint() == ProceduralLibrary(**arguments).fingerprint()
    assert ProceduralLibrary(**(arguments | other)).fingerprint() != ProceduralLibrary(**arguments).fingerprint()


def test_a_stage_gathers_each_mesh_once():
    library = ProceduralLibrary(["mug", "chair"], meshes_per_class=2)
    stage = Stage(library)
    assert [stage.add(*each) for each in [("mug", 1), ("chair", 0), ("mug", 1), ("mug", 0)]] == [0, 1, 0, 2]
    meshes = [library.meshes("mug")[1], library.meshes("chair")[0], library.meshes("mug")[0]]
    gathered, expected = stage.geometry(), Geometry.of(meshes)
    assert gathered.start.tolist() == expected.start.tolist()
    assert gathered.corners.equal(expected.corners)
    assert gathered.part.equal(expected.part)


def test_an_empty_stage_has_an_empty_geometry():
    assert Stage(ProceduralLibrary(["mug"])).geometry().start.tolist() == [0]
