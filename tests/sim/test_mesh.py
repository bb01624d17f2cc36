from dataclasses import replace

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from ndslib.core.errors import InputError
from ndslib.sim.mesh import (
    Mesh,
    check,
    corner_normals,
    crowded_edges,
    face_volumes,
    faces_outwards,
    is_closed,
    refine,
)


def mesh(vertices, faces, part=None, parts=("body",)):
    return Mesh(
        np.asarray(vertices, np.float32),
        np.asarray(faces, np.int32),
        np.zeros(len(faces), np.int16) if part is None else np.asarray(part, np.int16),
        parts,
        ("paint_grey",) * len(parts),
    )


def of(solid):
    return mesh(solid.vertices, solid.faces)


def box():
    return of(trimesh.creation.box())


def sphere(subdivisions=3):
    return of(trimesh.creation.icosphere(subdivisions))


def area(solid):
    a, b, c = np.moveaxis(solid.vertices[solid.faces].astype(float), 1, 0)
    return np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2


def with_vertex(value):
    solid = box()
    vertices = solid.vertices.copy()
    vertices[3, 1] = value
    return replace(solid, vertices=vertices)


def with_index(value):
    solid = box()
    faces = solid.faces.copy()
    faces[5, 2] = value
    return replace(solid, faces=faces)


def fan():
    """Three triangles at one edge."""
    return mesh([[0, 0, 0], [0, 1, 0], [1, 0, 0], [-1, 0, 0], [0, 0, 1]], [[0, 1, 2], [1, 0, 3], [0, 1, 4]])


REFUSED = {
    "no faces": (replace(box(), faces=np.zeros((0, 3), np.int32)), r"empty \(8 vertices, 0 faces\)"),
    "no vertices": (mesh(np.zeros((0, 3)), [[0, 1, 2]]), r"empty \(0 vertices, 1 faces\)"),
    "nan": (with_vertex(np.nan), r"vertex 3 is \[-0.5, nan, 0.5\].*without NaN"),
    "infinite": (with_vertex(np.inf), r"vertex 3 is \[-0.5, inf, 0.5\].*infinite"),
    "index too large": (with_index(8), "names vertex 8, but there are 8 vertices; export"),
    "index negative": (with_index(-1), "names vertex -1, but there are 8 vertices"),
    "unknown part": (replace(box(), part=np.ones(12, np.int16)), r"parts \('body',\).*do not match"),
    "negative part": (replace(box(), part=np.full(12, -1, np.int16)), "do not match"),
    "missing material": (replace(box(), materials=()), r"materials \(\) do not match"),
    "one place": (replace(box(), vertices=np.ones((8, 3), np.float32)), "lie in one place"),
    "a line": (mesh([[0, 0, 0], [1, 1, 1], [2, 2, 2]], [[0, 1, 2]]), "none of the 1 faces has an area"),
    "not a manifold": (fan(), r"edge \[0, 1\] belongs to 3 faces \(1 such edges\).*repair"),
    "a doubled face": (replace(box(), faces=np.tile(box().faces, (2, 1)), part=np.zeros(24, np.int16)), "belongs to 4"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_check_names_what_is_wrong(name):
    broken, message = REFUSED[name]
    with pytest.raises(InputError, match=f"^some.obj: .*{message}"):
        check(broken, "some.obj")


def test_check_leaves_a_sound_mesh_as_it_is_and_drops_faces_without_area():
    solid = replace(box(), part=np.arange(12, dtype=np.int16) % 2, parts=("a", "b"), materials=("oak", "gold"))
    assert np.array_equal(check(solid, "").faces, solid.faces)
    flat = replace(solid, faces=np.insert(solid.faces, 4, [3, 3, 5], 0), part=np.insert(solid.part, 4, 0))
    kept = check(flat, "")
    assert np.array_equal(kept.faces, solid.faces)
    assert np.array_equal(kept.part, solid.part)


def test_check_allows_holes():
    solid = box()
    assert check(replace(solid, faces=solid.faces[1:], part=solid.part[1:]), "").triangles == 11


@pytest.mark.parametrize("scale", [1e-15, 1e15])
def test_tiny_and_huge_meshes_pass_and_are_normalised(scale):
    """Their squared lengths do not fit into float32."""
    solid = replace(box(), vertices=(box().vertices * scale).astype(np.float32))
    assert np.abs(check(solid, "").normalised().vertices) == pytest.approx(np.full((8, 3), 1 / np.sqrt(3)))


@settings(deadline=None)
@given(st.tuples(*[st.floats(-50, 50)] * 3), st.tuples(*[st.floats(0.1, 20)] * 3))
def test_normalised_meshes_are_centred_with_a_half_diagonal_of_one(shift, stretch):
    solid = sphere(1)
    moved = replace(solid, vertices=(solid.vertices * stretch + shift).astype(np.float32)).normalised()
    low, high = moved.vertices.min(0), moved.vertices.max(0)
    assert moved.vertices.dtype == np.float32
    assert low + high == pytest.approx(np.zeros(3), abs=1e-4)
    assert np.linalg.norm(high - low) == pytest.approx(2, abs=1e-4)


def test_closedness_needs_every_edge_once_in_each_direction():
    solid = box()
    assert is_closed(solid)
    assert is_closed(replace(solid, faces=solid.faces[:, ::-1])), "all look in"
    assert not is_closed(replace(solid, faces=solid.faces[1:]))
    one_turned = solid.faces.copy()
    one_turned[4] = one_turned[4, ::-1]
    assert not is_closed(replace(solid, faces=one_turned))
    assert not is_closed(fan())


@settings(deadline=None)
@given(st.tuples(*[st.floats(-5, 5)] * 3))
def test_a_closed_mesh_looks_out_wherever_it_is(shift):
    solid = replace(box(), vertices=(box().vertices + shift).astype(np.float32))
    assert face_volumes(solid).sum() / 6 == pytest.approx(1, rel=1e-4)
    assert faces_outwards(solid)
    assert not faces_outwards(replace(solid, faces=solid.faces[:, ::-1]))


def test_crowded_edges_are_those_of_more_than_two_faces():
    edges, counts = crowded_edges(fan())
    assert edges.tolist() == [[0, 1]]
    assert counts.tolist() == [3]
    assert len(crowded_edges(box())[0]) == 0


def test_a_cube_has_normals_along_the_axes():
    normals = corner_normals(box())
    assert normals.shape == (12, 3, 3)
    assert normals.dtype == np.float32
    assert np.array_equal(np.sort(np.abs(normals), 2), np.broadcast_to(np.float32([0, 0, 1]), (12, 3, 3)))
    outside = box().vertices[box().faces].mean(1)
    assert ((normals * outside[:, None]).sum(2) > 0).all()


def test_a_sphere_has_normals_along_its_radii():
    solid = sphere()
    cosine = (corner_normals(solid) * solid.vertices[solid.faces]).sum(2)
    assert cosine.min() > np.cos(np.radians(1.5))


def test_a_crease_angle_decides_what_is_smooth():
    roof = mesh([[0, 0, 0], [0, 0, 1], [1, 0.3, 0], [-1, 0.3, 0]], [[0, 1, 2], [1, 0, 3]])  # 33.4 degrees
    smooth, sharp = corner_normals(roof), corner_normals(roof, crease=30.0)
    assert np.array_equal(smooth[0, :2], smooth[1, [1, 0]]), "one normal on either side of the edge"
    assert not np.allclose(sharp[0, 0], sharp[1, 0])
    assert np.array_equal(sharp[0, 0], sharp[0, 2]), "flat up to the edge"


def test_faces_turned_against_their_neighbours_keep_their_own_normals():
    solid = sphere(2)
    turned = solid.faces.copy()
    turned[::2] = turned[::2, ::-1]
    normals = corner_normals(replace(solid, faces=turned))
    outside = (normals * solid.vertices[turned]).sum(2)
    assert (outside[::2] < -0.9).all()
    assert (outside[1::2] > 0.9).all()


@pytest.mark.parametrize(("triangles", "reached"), [(0, 12), (12, 12), (13, 48), (1000, 3072)])
def test_refinement_reaches_the_count_and_keeps_the_surface(triangles, reached):
    solid = replace(box(), part=np.arange(12, dtype=np.int16) % 2, parts=("a", "b"), materials=("oak", "gold"))
    fine = refine(solid, triangles)
    assert fine.triangles == reached
    assert (fine.vertices.dtype, fine.faces.dtype, fine.part.dtype) == (np.float32, np.int32, np.int16)
    assert area(fine) == pytest.approx(6)
    assert face_volumes(fine).sum() / 6 == pytest.approx(1)
    assert np.bincount(fine.part).tolist() == [reached // 2, reached // 2]
    assert is_closed(check(fine, ""))


@settings(deadline=None)
@given(st.lists(st.tuples(*[st.floats(-1, 1, width=32)] * 3), min_size=4, max_size=12, unique=True))
def test_refinement_keeps_the_area_of_any_surface(points):
    strip = mesh(points, [[i, i + 1, i + 2] for i in range(len(points) - 2)])
    assert area(refine(strip, 4 * strip.triangles)) == pytest.approx(area(strip), rel=1e-4, abs=1e-5)
