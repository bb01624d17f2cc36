import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ndslib.sim.camera import each, focal_length, frame, project, rays, turn

HEIGHT, WIDTH = 6, 9
PLACES = st.tuples(*[st.floats(-20, 20, width=32)] * 3)


@given(eye=PLACES, target=PLACES, up=PLACES, field_of_view=st.floats(10, 100))
@settings(max_examples=40, deadline=None)
def test_points_along_the_rays_project_to_their_samples(staged, eye, target, up, field_of_view):
    assume(np.linalg.norm(np.subtract(eye, target)) > 0.1)
    view = {"eye": eye, "target": target, "up": up, "field_of_view": field_of_view}
    scene = staged(([], view), ([], {}))
    depth = torch.linspace(0.5, 8, 2 * HEIGHT * WIDTH)
    picture = torch.arange(2).repeat_interleave(HEIGHT * WIDTH)
    points = scene.eye[picture].T + depth * rays(scene, HEIGHT, WIDTH)
    x, y, w = project(points[:, None], picture, scene, HEIGHT)[:, 0]
    row, column = torch.meshgrid(torch.arange(HEIGHT), torch.arange(WIDTH), indexing="ij")
    assert w.numpy() == pytest.approx(depth.numpy(), rel=1e-3, abs=1e-3)
    assert (x / w).view(2, -1).numpy() == pytest.approx((column - WIDTH / 2 + 0.5).flatten().expand(2, -1), abs=0.02)
    assert (y / w).view(2, -1).numpy() == pytest.approx((row - HEIGHT / 2 + 0.5).flatten().expand(2, -1), abs=0.02)


@given(PLACES, PLACES)
@settings(max_examples=40, deadline=None)
def test_frames_are_orthonormal_and_right_handed(forward, up):
    assume(np.linalg.norm(forward) > 0.1)
    axes = torch.stack(frame(torch.tensor([forward]), torch.tensor([up])), 1)[0]
    assert (axes @ axes.T).numpy() == pytest.approx(np.eye(3), abs=1e-4)
    assert torch.linalg.det(axes).item() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("direction", [(0.0, -1, 0), (0.0, 1, 0), (1.0, 1, 1), (-2.0, -2, -2)])
def test_a_view_straight_along_up_has_a_frame_all_the_same(direction):
    axes = torch.stack(frame(torch.tensor([direction]), torch.tensor([direction])), 1)[0]
    assert (axes @ axes.T).numpy() == pytest.approx(np.eye(3), abs=1e-5)


def test_up_is_up_and_right_is_right_in_the_picture(staged):
    scene = staged(([], {"eye": (0, 1, 5), "target": (0, 1, 0)}))
    above_right = torch.tensor([0.5, 1.5, 0.0])[:, None, None]
    x, y, w = project(above_right, torch.zeros(1, dtype=torch.int64), scene, HEIGHT).flatten()
    assert x > 0
    assert y < 0
    assert w == 5


def test_the_field_of_view_is_the_pictures_height(staged):
    scene = staged(*(([], {"field_of_view": degrees}) for degrees in (30, 90)))
    top = 100 / 2 / focal_length(scene, 100)
    assert np.degrees(2 * np.arctan(top.numpy())) == pytest.approx([30, 90])


def test_each_gives_every_sample_its_scenes_value():
    values, picture = torch.arange(24.0).view(2, 3, 4), torch.tensor([1, 0, 1])
    assert torch.equal(each(values, picture), values[picture].movedim(0, -1))
    assert torch.equal(each(values[:1], picture * 0), values[[0, 0, 0]].movedim(0, -1))


def test_turn_is_the_matrix_product():
    matrix, vectors = torch.randn(3, 3, 5), torch.randn(3, 2, 5)
    assert torch.allclose(turn(matrix, vectors), torch.einsum("ijs,jks->iks", matrix, vectors), atol=1e-5)
