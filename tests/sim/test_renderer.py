from dataclasses import fields
from functools import partial
from importlib import import_module

import numpy as np
import pytest
import torch

from ndslib.core.errors import InputError
from ndslib.core.parallel import run_jobs
from ndslib.sim import backgrounds
from ndslib.sim.camera import rays
from ndslib.sim.film import SAMPLES
from ndslib.sim.library import ProceduralLibrary
from ndslib.sim.mesh import Mesh
from ndslib.sim.renderer import Render, render
from ndslib.sim.simulator import TorchSimulator
from ndslib.sim.solids import assemble, ball, box

HALF = 1 / np.sqrt(3)  # half the side of a normalised cube, the radius of a normalised ball
OPEN_AIR = backgrounds.index("meadow")
SIZE = 24


@pytest.fixture(scope="module")
def cube(mesh_of):
    return mesh_of(box(1, 1, 1))


@pytest.fixture(scope="module")
def globe(mesh_of):
    return mesh_of(ball(1, segments=48))


@pytest.fixture(scope="module")
def varied():
    """Six scenes of six classes with everything varied."""
    names = ("mug", "chair", "sheep", "sunflower", "fan", "house")
    simulator = TorchSimulator(library=ProceduralLibrary(names, meshes_per_class=2))
    return simulator.scenes([1] * 8, [(number, 3) for number in range(len(names))])


@pytest.fixture(scope="module")
def pictures(varied):
    return render(varied, SIZE)


def assert_same(one: Render, other: Render, count: slice = slice(None), instances: slice = slice(None)) -> None:
    """Bit for bit."""
    for field in fields(Render):
        part = instances if field.name == "boxes" else count
        assert torch.equal(getattr(one, field.name), getattr(other, field.name)[part]), field.name


def spots(scene, result):
    """World points [3, H, W] of the first picture: its depth along the rays of each pixel's first sample."""
    height, width = result.depth.shape[1:]
    grid = rays(scene.part(0, 1), height * SAMPLES, width * SAMPLES).view(3, height * SAMPLES, width * SAMPLES)
    return scene.eye[0][:, None, None] + grid[:, ::SAMPLES, ::SAMPLES] * result.depth[0]


def test_results_have_the_shapes_and_types_they_say(varied, pictures):
    count = len(varied)
    shapes = {"images": (count, 3, SIZE, SIZE), "instances": (count, SIZE, SIZE), "parts": (count, SIZE, SIZE),
              "depth": (count, SIZE, SIZE), "normals": (count, 3, SIZE, SIZE), "boxes": (count, 4)}  # fmt: skip
    kinds = (torch.uint8, torch.int32, torch.int32, torch.float32, torch.float32, torch.int64)
    assert {field.name: tuple(getattr(pictures, field.name).shape) for field in fields(Render)} == shapes
    assert tuple(getattr(pictures, name).dtype for name in shapes) == kinds
    assert not any(getattr(pictures, name).is_inference() for name in shapes), "results can be trained on and changed"


def test_a_cube_seen_straight_on_is_the_square_that_the_lens_makes_of_it(staged, cube):
    scene = staged(([(cube, {"position": (0, 1, 0)})], {"eye": (0, 1, 4.5)}))
    result = render(scene, 64)
    half = 32 / np.tan(np.radians(35 / 2)) * HALF / (4.5 - HALF)
    place = np.abs(np.arange(64) - 31.5) < half
    assert np.array_equal(result.instances[0].numpy(), np.outer(place, place).astype(int))
    low, high = np.flatnonzero(place)[[0, -1]]
    assert result.boxes.tolist() == [[low, low, high + 1, high + 1]]
    mask = result.instances[0] == 1
    assert result.depth[0][mask].numpy() == pytest.approx(4.5 - HALF, rel=1e-5)
    assert result.normals[0][:, mask].T.numpy() == pytest.approx(np.tile([0, 0, 1], (mask.sum(), 1)), abs=1e-6)


def test_depth_and_normals_are_those_of_the_ball_the_floor_and_the_sky(staged, globe):
    view = {"eye": (1, 2.5, 4), "target": (0, 1.2, 0), "background": OPEN_AIR, "field_of_view": 60}
    scene = staged(([(globe, {"position": (0, 1, 0), "scale": 1.5})], view))
    result = render(scene, 48)
    points, objects, sky = spots(scene, result), result.instances[0] == 1, torch.isinf(result.depth[0])
    floor = ~objects & ~sky
    assert min(objects.sum(), floor.sum(), sky.sum()) > 200
    from_centre = (points - torch.tensor([0.0, 1, 0])[:, None, None])[:, objects].T.numpy()
    radius = np.linalg.norm(from_centre, axis=1)
    assert np.quantile(np.abs(radius - 1.5 * HALF), 0.9) < 0.01
    cosine = (from_centre / radius[:, None] * result.normals[0][:, objects].T.numpy()).sum(1)
    assert np.quantile(cosine, 0.1) > 0.99
    assert torch.quantile(points[1][floor].abs(), 0.95) < 1e-4
    assert (result.normals[0][:, floor] == torch.tensor([0.0, 1, 0])[:, None]).all()
    assert (result.normals[0][:, sky] == 0).all()


def test_instances_and_parts_are_numbered_from_one_in_each_scene(staged, cube, globe):
    pole = assemble({"foot": ("oak", box(1, 1, 1)), "head": ("gold", ball(0.5).at(y=1.5))})
    left, right = {"position": (-1, 1, 0)}, {"position": (1, 1, 0)}
    result = render(staged(([(cube, left), (globe, right)], {}), ([(pole, right)], {})), 32)
    assert result.instances[0, 16, :16].unique().tolist() == [0, 1]
    assert result.instances[0, 16, 16:].unique().tolist() == [0, 2]
    assert result.parts[0].unique().tolist() == [0, 1]
    assert result.instances[1].unique().tolist() == [0, 1]
    foot, head = ((result.parts[1] == number).nonzero()[:, 0].float().mean() for number in (1, 2))
    assert foot > head, "rows count down"
    assert torch.equal(result.parts > 0, result.instances > 0)


def test_boxes_are_those_of_the_masks_and_nearer_objects_hide_farther_ones(staged, cube):
    random = np.random.default_rng(1)
    scattered = [(cube, {"position": random.uniform(-2, 2, 3), "scale": 0.6}) for _ in range(9)]
    wall = (cube, {"position": (0, 1, 2), "scale": 3.0})
    result = render(staged((scattered, {"eye": (0, 1, 8)}), ([*scattered[:3], wall], {"eye": (0, 1, 8)})), 40)
    image = [0] * 9 + [1] * 4
    for number, (scene, found) in enumerate(zip(image, result.boxes.tolist(), strict=True)):
        rows, columns = (result.instances[scene] == number - image.index(scene) + 1).nonzero(as_tuple=True)
        box_of_mask = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1] if len(rows) else [0] * 4
        assert found == [int(value) for value in box_of_mask]
    assert (result.boxes[9:12] == 0).all(), "all behind the wall"
    assert result.instances[1].max() == 4


@pytest.mark.parametrize("batches", [[6], [1] * 6, [4, 2], [2, 3, 1]], ids=str)
def test_pictures_do_not_depend_on_the_batch(varied, pictures, batches):
    ends = np.cumsum(batches).tolist()
    for first, last in zip([0, *ends], ends, strict=False):
        assert_same(render(varied.part(first, last), SIZE), pictures, slice(first, last), slice(first, last))


def test_pictures_do_not_depend_on_what_stands_beside_them(staged, cube, globe):
    one, other = ([(cube, {"position": (0, 1, 0)})], {}), ([(globe, {}), (cube, {})], {"aperture": 0.3, "focus": 3.0})
    forth, back = render(staged(one, other, one), SIZE), render(staged(other, one), SIZE)
    assert torch.equal(forth.images[[1, 0]], back.images)
    assert torch.equal(forth.images[0], forth.images[2])
    assert torch.equal(forth.depth[[1, 0]], back.depth)


def test_pictures_do_not_depend_on_the_number_of_threads(varied, pictures):
    before = torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            assert_same(render(varied, SIZE), pictures)
            assert torch.get_num_threads() == threads, "the caller's setting is as it was"
    finally:
        torch.set_num_threads(before)


def test_pictures_do_not_depend_on_the_process(varied, pictures):
    results = run_jobs(partial(render, size=SIZE), [varied.part(0, 3), varied.part(3, 6)], workers=2)
    for first, result in zip((0, 3), results, strict=True):
        assert_same(result, pictures, slice(first, first + 3), slice(first, first + 3))


@pytest.mark.parametrize("chunk", [1, 4, 5, 6])
def test_chunks_change_nothing(varied, pictures, chunk):
    assert_same(render(varied, SIZE, chunk=chunk), pictures)


def test_chunks_change_nothing_in_many_blurred_pictures():
    simulator = TorchSimulator(library=ProceduralLibrary(["mug", "chair", "car"], meshes_per_class=2))
    scene = simulator.scenes([1] * 8, [(number % 3, number) for number in range(48)])
    assert torch.equal(render(scene, 33, chunk=1).images, render(scene, 33, chunk=48).images)


def test_the_thread_setting_survives_an_error(varied, monkeypatch):
    def fail(*_):
        raise RuntimeError("out of light")

    monkeypatch.setattr(import_module("ndslib.sim.renderer"), "shade", fail)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with pytest.raises(RuntimeError, match="out of light"):
            render(varied, SIZE)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_exposures_average_light_and_keep_the_middle_masks(staged, cube):
    scene = staged(*(([(cube, {"position": (x, 1, 0)})], {}) for x in (-0.5, 0.1, 0.6, 1.0, 1.0, 1.0)))
    single, averaged = render(scene, SIZE), render(scene, SIZE, exposures=3)
    for name in ("instances", "parts", "depth", "normals"):
        assert torch.equal(getattr(averaged, name), getattr(single, name)[[1, 4]]), name
    assert torch.equal(averaged.boxes, single.boxes[[1, 4]])
    first, still = single.images[:3].int(), single.images[3].int()
    assert (averaged.images[0] >= first.amin(0) - 1).all()
    assert (averaged.images[0] <= first.amax(0) + 1).all()
    assert not torch.equal(averaged.images[0], single.images[1])
    assert (averaged.images[1].int() - still).abs().max() <= 1, "nothing moved"


@pytest.mark.parametrize("size", [8, 33, (17, 40), (40, 9)])
def test_any_size_can_be_drawn(staged, globe, size):
    height, width = (size, size) if isinstance(size, int) else size
    result = render(staged(([(globe, {"position": (0, 1, 0)})], {"aperture": 0.2, "focus": 9.0})), size)
    assert result.images.shape == (1, 3, height, width)
    left, top, right, bottom = result.boxes[0].tolist()
    assert abs(left + right - width) <= 1
    assert abs(top + bottom - height) <= 1
    assert bottom - top == pytest.approx(height * HALF / np.tan(np.radians(35 / 2)) / np.sqrt(25 - HALF**2), abs=2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 0}, "picture size 0: .*at least 8"),
        ({"size": 7}, "picture size 7"),
        ({"size": (64, 7)}, r"picture size \(64, 7\)"),
        ({"size": 16, "exposures": 4}, "6 scenes cannot be averaged over 4"),
        ({"size": 16, "exposures": 0}, "averaged over 0"),
        ({"size": 16, "chunk": 0}, "chunk 0 must be at least 1"),
    ],
)
def test_what_cannot_be_drawn_is_refused(varied, arguments, message):
    with pytest.raises(InputError, match=message):
        render(varied, **arguments)


def test_a_scene_without_objects_shows_the_place_alone(staged, cube):
    empty, full = ([], {}), ([(cube, {})], {})
    alone, beside = render(staged(empty), SIZE), render(staged(full, empty), SIZE)
    assert not alone.instances.any()
    assert alone.boxes.shape == (0, 4)
    assert alone.images.unique().numel() > 3
    assert torch.equal(alone.images[0], beside.images[1])
    assert beside.boxes.shape == (1, 4)


def sheet(faces):
    corners = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], np.float32) / np.sqrt(2)
    return Mesh(corners, np.array(faces, np.int32), np.zeros(2, np.int16), ("sheet",), ("paint_grey",))


def test_open_surfaces_are_seen_from_both_sides(staged):
    front, back = sheet([[0, 1, 2], [0, 2, 3]]), sheet([[2, 1, 0], [3, 2, 0]])
    result = render(staged(*(([(mesh, {"position": (0, 1, 0)})], {}) for mesh in (front, back))), SIZE)
    assert result.instances[0].sum() > 100
    assert torch.equal(result.instances[0], result.instances[1])
    assert torch.equal(result.images[0], result.images[1]), "lit alike"
    assert (result.normals[:, 2][result.instances > 0] > 0.99).all(), "normals look to the camera"


def test_a_mesh_turned_inside_out_is_drawn_whole(staged, cube):
    turned = Mesh(cube.vertices, cube.faces[:, ::-1], cube.part, cube.parts, cube.materials)
    result = render(staged(*(([(mesh, {"position": (0, 1, 0)})], {}) for mesh in (cube, turned))), SIZE)
    assert torch.equal(result.instances[0], result.instances[1])
    assert torch.allclose(result.depth[0], result.depth[1], rtol=1e-5)


def test_no_seam_shows_the_background_through_a_closed_mesh(staged, globe):
    scene = staged(*(([(globe, {"position": (0, 1, 0)})], {"eye": (x, 1 + x, 3)}) for x in (0, 0.3, 1)))
    for mask in render(scene, 48).instances.numpy():
        for row in mask[mask.any(1)]:
            filled = np.flatnonzero(row)
            assert len(filled) == filled[-1] - filled[0] + 1


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device: torch.cuda.is_available() is False")
def test_a_gpu_draws_the_same_pictures(varied, pictures):
    result = render(varied.to("cuda"), SIZE)
    assert result.images.is_cuda
    difference = (result.images.cpu().int() - pictures.images.int()).abs()
    assert (difference > 3).float().mean() < 0.01
    assert (result.instances.cpu() != pictures.instances).float().mean() < 0.005
    assert (result.boxes.cpu() - pictures.boxes).abs().max() <= 1
