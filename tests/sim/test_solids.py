import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ndslib.core.errors import InputError
from ndslib.sim.mesh import Mesh, face_volumes, faces_outwards, is_closed
from ndslib.sim.solids import (
    Solid,
    around,
    assemble,
    ball,
    bar,
    both,
    box,
    circle,
    cylinder,
    dome,
    extrude,
    lathe,
    loft,
    smooth,
    torus,
    tube,
)

ELL = [(0, 0), (2, 0), (2, 1), (1, 1), (1, 3), (0, 3)]  # an L of area 4


def polygon_area(sides, radius=1.0):
    return sides / 2 * np.sin(2 * np.pi / sides) * radius**2


def as_mesh(solid):
    return Mesh(solid.vertices, solid.faces, np.zeros(len(solid.faces), int), ("body",), ("paint_grey",))


def volume(solid):
    return face_volumes(as_mesh(solid)).sum() / 6


def extents(solid):
    return np.ptp(solid.vertices, axis=0)


def assert_sound(solid):
    assert is_closed(as_mesh(solid))
    assert faces_outwards(as_mesh(solid))


# name: (solid, volume, extents); the volumes are those of the polyhedra, where a formula exists
EXACT = {
    "box": (box(2, 3, 4), 24, (2, 3, 4)),
    "cylinder": (cylinder(1, 3, segments=24), 3 * polygon_area(24), (2, 3, 2)),
    "cone": (cylinder(1, 3, top=0, segments=24), polygon_area(24), (2, 3, 2)),
    "cone upside down": (cylinder(0, 3, top=1, segments=24), polygon_area(24), (2, 3, 2)),
    "frustum": (cylinder(1, 3, top=0.5, segments=24), polygon_area(24) * 1.75, (2, 3, 2)),
    "torus": (torus(2, 0.5, 32, 12), polygon_area(12, 0.5) * 2 * 32 * np.sin(2 * np.pi / 32), (5, 1, 5)),
    "bar": (bar((0, 0, 0), (0, 0, 3), 0.5), 3 * polygon_area(10, 0.5), None),
    "slanted bar": (bar((1, 2, 3), (2, 4, 5), 0.5), 3 * polygon_area(10, 0.5), None),
    "L": (extrude(ELL, 0.5), 2, (2, 3, 0.5)),
    "L the other way": (extrude(ELL[::-1], 0.5), 2, (2, 3, 0.5)),
    "cup": (lathe([(0, 0), (1, 0), (1, 2), (0.5, 2), (0.5, 1), (0, 1)], 20), 1.75 * polygon_area(20), (2, 2, 2)),
    "square bar": (tube([(0, 0, 0), (0, 2, 0)], 1, section=[(-1, -1), (1, -1), (1, 1), (-1, 1)]), 8, None),
    "double cone": (lathe([(0, -1), (1, 0), (0, 1)], 16), polygon_area(16) * 2 / 3, (2, 2, 2)),
}
ROUGH = {
    "rounded box": (box(2, 3, 4, 0.2), 24, (2, 3, 4)),
    "ball": (ball(1.5), 4 / 3 * np.pi * 1.5**3, (3, 3, 3)),
    "ellipsoid": (ball(1, 2, 3), 4 / 3 * np.pi * 6, (2, 4, 6)),
    "dome": (dome(1, 2), 2 / 3 * np.pi * 2, (2, 2, 2)),
    "squared lathe": (lathe([(1, 0), (1, 1)], 64, power=8), 3.914, (2, 1, 2)),
}
ALL = EXACT | ROUGH


@pytest.mark.parametrize("name", ALL)
def test_every_solid_is_closed_and_looks_out(name):
    solid, _, size = ALL[name]
    assert_sound(solid)
    assert len(np.unique(solid.faces)) == len(solid.vertices), "no vertex without a face"
    if size is not None:
        assert extents(solid) == pytest.approx(size)


@pytest.mark.parametrize("name", EXACT)
def test_volumes_of_polyhedra(name):
    solid, expected, _ = EXACT[name]
    assert volume(solid) == pytest.approx(expected)


@pytest.mark.parametrize("name", ROUGH)
def test_volumes_of_rounded_solids_are_a_little_below_the_formula(name):
    solid, expected, _ = ROUGH[name]
    assert 0.93 * expected < volume(solid) < expected


def test_bodies_stand_where_the_words_say():
    for solid in (box(2, 3, 4), cylinder(1, 2), ball(1, 2, 3), torus(2, 0.5), extrude([(-1, -1), (1, -1), (0, 1)], 1)):
        assert solid.vertices.min(0) == pytest.approx(-solid.vertices.max(0))
    assert dome(1, 2).vertices[:, 1].min() == 0


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    ("move", "factor"),
    [
        (lambda solid: solid.at(3, -4, 5), 1),
        (lambda solid: solid.turn("x", 40), 1),
        (lambda solid: solid.turn("y", -130), 1),
        (lambda solid: solid.turn("z", 250), 1),
        (lambda solid: solid.scale(2, 3, 0.5), 3),
        (lambda solid: solid.mirror("x"), 1),
        (lambda solid: solid.mirror("y"), 1),
        (lambda solid: solid.mirror("z"), 1),
        (lambda solid: solid.bend("y", "x", 0.3), None),
        (lambda solid: solid.taper("y", 1, 0.4), None),
    ],
    ids=["at", "turn x", "turn y", "turn z", "scale", "mirror x", "mirror y", "mirror z", "bend", "taper"],
)
def test_moves_keep_solids_sound(name, move, factor):
    solid = ALL[name][0]
    before = solid.vertices.copy()
    moved = move(solid)
    assert_sound(moved)
    if factor is not None:
        assert volume(moved) == pytest.approx(factor * volume(solid))
    assert np.array_equal(solid.vertices, before), "moves return a new solid"


@pytest.mark.parametrize(("axis", "start", "end"), [("x", 1, 2), ("y", 2, 0), ("z", 0, 1)])
def test_turns_are_counter_clockwise_seen_from_the_axis_tip(axis, start, end):
    unit = Solid(np.eye(3), np.array([[0, 1, 2]]))
    assert unit.turn(axis, 90).vertices[start] == pytest.approx(np.eye(3)[end])


@given(st.sampled_from("xyz"), st.floats(-360, 360), st.floats(-360, 360))
@settings(max_examples=20, deadline=None)
def test_turns_add_up_and_keep_distances(axis, first, second):
    solid = box(1, 2, 3).at(1, 1, 1)
    twice = solid.turn(axis, first).turn(axis, second)
    assert twice.vertices == pytest.approx(solid.turn(axis, first + second).vertices)
    assert np.linalg.norm(twice.vertices, axis=1) == pytest.approx(np.linalg.norm(solid.vertices, axis=1))


def test_a_tapered_box_is_a_frustum():
    solid = box(2, 3, 2).taper("y", 1, 0.5)
    assert volume(solid) == pytest.approx(3 / 3 * (4 + 1 + 2))
    low, high = solid.vertices[solid.vertices[:, 1] < 0], solid.vertices[solid.vertices[:, 1] > 0]
    assert np.abs(low[:, [0, 2]]) == pytest.approx(np.ones((4, 2)))
    assert np.abs(high[:, [0, 2]]) == pytest.approx(np.full((4, 2), 0.5))


def test_a_bend_shifts_by_the_square_of_the_place():
    straight = tube(np.linspace([0, -1, 0], [0, 1, 0], 9), 0.1)
    shift = straight.bend("y", "x", 0.5).vertices - straight.vertices
    assert shift[:, 0] == pytest.approx(0.5 * straight.vertices[:, 1] ** 2)
    assert not shift[:, 1:].any()


def test_around_and_both_copy_evenly():
    petal = box(1, 0.1, 0.2).at(x=2)
    ring = around(petal, 4, start=45)
    angles = [np.degrees(np.arctan2(-each.vertices[:, 2].mean(), each.vertices[:, 0].mean())) % 360 for each in ring]
    assert angles == pytest.approx([45, 135, 225, 315])
    left, right = both(petal)
    assert left.vertices[:, 0] == pytest.approx(-right.vertices[:, 0])


def test_circles_run_counter_clockwise_and_square_off():
    ring = circle(2.0, 16)
    x, y = ring.T
    assert (x * np.roll(y, -1) - np.roll(x, -1) * y > 0).all()
    assert np.hypot(x, y) == pytest.approx(np.full(16, 2.0))
    assert np.hypot(*circle(2.0, 16, power=6).T).max() > 2.4


def test_smooth_curves_pass_through_their_points():
    points = [(0, 0), (1, 2), (3, 2), (4, -1)]
    curve = smooth(points, steps=5)
    assert curve.shape == (16, 2)
    assert curve[::5] == pytest.approx(np.array(points, float))
    assert smooth([(0, 0), (1, 1), (2, 2)], 4) == pytest.approx(np.linspace((0, 0), (2, 2), 9)), "a line stays one"


@given(st.lists(st.floats(0.2, 1.0), min_size=3, max_size=24), st.booleans())
@settings(max_examples=30, deadline=None)
def test_extruded_stars_have_their_outlines_area(radii, clockwise):
    """Star-shaped polygons: mostly concave, simple by construction."""
    angle = np.linspace(0, 2 * np.pi, len(radii), endpoint=False) + 0.1
    x, y = np.array(radii) * np.cos(angle), np.array(radii) * np.sin(angle)
    area = (x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2
    outline = np.c_[x, y]
    solid = extrude(outline[::-1] if clockwise else outline, 0.5)
    assert is_closed(as_mesh(solid))
    assert volume(solid) == pytest.approx(area / 2)


def trefoil(points=48):
    t = np.linspace(0, 2 * np.pi, points, endpoint=False)
    return np.c_[np.sin(t) + 2 * np.sin(2 * t), np.cos(t) - 2 * np.cos(2 * t), -np.sin(3 * t)]


@pytest.mark.parametrize("tilt", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("section", [None, [(-1, -0.2), (1, -0.2), (1, 0.2), (-1, 0.2)]], ids=["round", "ribbon"])
def test_closed_tubes_meet_without_a_twist(tilt, section):
    """A frame carried once around a knot comes back turned; the seam must not show it."""
    path = trefoil() * (1, 1, 1 + tilt)
    sides = 10 if section is None else 4
    solid = tube(path, 0.25, sides, closed=True, section=None if section is None else np.array(section))
    assert_sound(solid)
    rings = solid.vertices.reshape(len(path), sides, 3) - path[:, None]
    rings = rings / np.linalg.norm(rings, axis=2, keepdims=True)
    step = np.degrees(np.arccos((rings * np.roll(rings, -1, 0)).sum(2).clip(-1, 1)))
    assert step[-1].max() < 1.5 * step[:-1].max(), "the seam is a joint like all others"
    assert step.max() < 360 / sides, "no joint is turned by a whole side"


def test_open_tubes_follow_their_path_and_radii():
    path = smooth([(0, 0, 0), (0, 1, 0.5), (1, 2, 0), (2, 2, 1)], 6)
    radii = np.linspace(0.3, 0.1, len(path))
    solid = tube(path, radii, sides=8)
    assert_sound(solid)
    rings = solid.vertices[: 8 * len(path)].reshape(len(path), 8, 3)
    assert rings.mean(1) == pytest.approx(path)
    assert np.linalg.norm(rings - path[:, None], axis=2) == pytest.approx(np.repeat(radii[:, None], 8, 1))


def test_loft_caps_or_leaves_open():
    rings = np.stack([np.c_[circle(1.0, 6), np.full(6, z)] for z in (0.0, 1.0)])
    assert_sound(loft(rings))
    assert not is_closed(as_mesh(loft(rings, capped=False)))
    pointed = np.concatenate([rings, np.full((1, 6, 3), 2.0)])
    assert_sound(loft(pointed))


def test_assembled_meshes_have_numbered_parts_and_are_normalised():
    mesh = assemble({"top": ("oak", box(2, 0.1, 1).at(y=1)), "legs": ("gold", both(box(0.1, 1, 0.1).at(x=0.9)))})
    assert mesh.parts == ("top", "legs")
    assert mesh.materials == ("oak", "gold")
    assert np.bincount(mesh.part).tolist() == [12, 24]
    assert (mesh.vertices.dtype, mesh.faces.dtype, mesh.part.dtype) == (np.float32, np.int32, np.int16)
    low, high = mesh.vertices.min(0), mesh.vertices.max(0)
    assert low == pytest.approx(-high, abs=1e-6)
    assert np.linalg.norm(high) == pytest.approx(1)
    assert is_closed(mesh)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({}, "chair: no parts"),
        ({"seat": ("oak", box(1, 1, 1)), "legs": ("oak", [])}, "chair: part 'legs' has no solid"),
        ({"seat": ("oak", box(1, np.nan, 1))}, "chair: vertex .* NaN"),
        ({"seat": ("oak", box(0, 0, 0))}, "chair: the mesh is empty"),
    ],
)
def test_assembling_refuses_what_is_no_mesh(parts, message):
    with pytest.raises(InputError, match=message):
        assemble(parts, "chair")
