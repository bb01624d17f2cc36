import numpy as np
import pytest

from ndslib.core.errors import InputError
from ndslib.sim import backgrounds, materials, parameters
from ndslib.sim.library import ProceduralLibrary, Stage
from ndslib.sim.parameters import PARAMETERS, Parameter, check_settings, sample_scene

NAMES = ["object_rotation", "object_distance", "light_intensity", "light_color", "light_direction", "blur",
         "background", "materials"]  # fmt: skip
LIBRARY = ProceduralLibrary(["mug", "chair"], meshes_per_class=3)


def scene(varied=(), class_name="mug", image=0, seed=0, library=LIBRARY):
    """The scene with the named parameters varied."""
    return sample_scene(Stage(library), {name: int(name in varied) for name in NAMES}, class_name, image, seed)


def draws(drawn):
    """What each parameter decides in a scene, apart from what follows from another (the camera's place, say)."""
    placement, way = drawn.objects[0], np.subtract(drawn.eye, drawn.target)
    distance = np.linalg.norm(way)
    found = {
        "object_rotation": placement.rotation,
        "object_distance": distance,
        "light_intensity": drawn.light_intensity,
        "light_color": drawn.light_color,
        "light_direction": drawn.light_direction,
        "blur": [drawn.aperture, drawn.focus / distance],
        "background": [drawn.background, *drawn.background_offset],
        "materials": [*placement.material, *placement.offset],
        "rest": [*way / distance, *drawn.up, drawn.field_of_view, placement.scale, *placement.position[::2]],
    }
    return {name: np.round(np.asarray(value, float), 9).ravel().tolist() for name, value in found.items()}


def changed(one, other):
    one, other = draws(one), draws(other)
    return {name for name in one if one[name] != other[name]}


def test_the_eight_parameters_stand_in_the_papers_order():
    assert [parameter.name for parameter in PARAMETERS] == NAMES
    assert all(parameter.levels == 2 for parameter in PARAMETERS)


@pytest.mark.parametrize("image", [0, 1, 7])
@pytest.mark.parametrize("name", NAMES)
def test_flipping_a_parameter_leaves_all_other_draws_as_they_were(name, image):
    assert changed(scene(image=image), scene([name], image=image)) == {name}
    others = set(NAMES) - {name}
    assert changed(scene(NAMES, image=image), scene(others, image=image)) == {name}


def test_what_is_fixed_is_the_same_in_all_pictures_and_what_is_varied_in_none():
    one_mesh = ProceduralLibrary(["mug"], meshes_per_class=1)
    fixed = [scene(image=image, library=one_mesh) for image in range(5)]
    assert not set.union(*(changed(fixed[0], other) for other in fixed[1:]))
    varied = [scene(NAMES, image=image, library=one_mesh) for image in range(5)]
    for other in varied[1:]:
        assert changed(varied[0], other) >= set(NAMES) - {"background"}, "places may come up twice"
        assert "rest" not in changed(varied[0], other)


@pytest.mark.parametrize("other", [{"seed": 1}, {"class_name": "chair"}, {"image": 1}], ids=str)
def test_every_seed_class_and_image_has_draws_of_its_own(other):
    assert changed(scene(NAMES), scene(NAMES, **other)) >= set(NAMES) - {"background"}
    assert not changed(scene(NAMES, **other), scene(NAMES, **other))


def test_the_mesh_shown_depends_on_no_parameter():
    for image in range(6):
        shown = []
        for varied in ([], NAMES, ["blur"]):
            stage = Stage(LIBRARY)
            sample_scene(stage, {name: int(name in varied) for name in NAMES}, "mug", image, 0)
            shown.append(next(iter(stage._places)))
        assert shown[0] == shown[1] == shown[2]


def test_all_draws_are_in_their_ranges():
    many = [scene(NAMES, image=image) for image in range(200)]
    values = {name: np.array([draws(each)[name] for each in many], dtype=object) for name in NAMES}
    distance = values["object_distance"].astype(float) / parameters.DISTANCE
    assert parameters.DISTANCES[0] <= distance.min() < 0.6 < 1.5 < distance.max() <= parameters.DISTANCES[1]
    assert np.median(distance) == pytest.approx(np.sqrt(np.prod(parameters.DISTANCES)), rel=0.15)
    intensity = values["light_intensity"].astype(float)
    assert parameters.INTENSITIES[0] <= intensity.min() < 0.5 < 1.5 < intensity.max() <= parameters.INTENSITIES[1]
    color = values["light_color"].astype(float)
    assert color.shape == (200, 3)
    assert parameters.COLORS[0] <= color.min() < 0.1 < 0.95 < color.max() <= parameters.COLORS[1]
    sun = values["light_direction"].astype(float)
    assert np.linalg.norm(sun, axis=1) == pytest.approx(np.ones(200))
    low, high = parameters.SUN_HEIGHTS
    heights = np.degrees(np.arcsin(sun[:, 1]))
    assert low <= heights.min() < low + 10 < high - 10 < heights.max() <= high
    aperture, focus = values["blur"].astype(float).T
    assert np.mean(aperture > 0) == pytest.approx(parameters.BLUR_CHANCE, abs=0.1)
    assert parameters.APERTURES[0] <= aperture[aperture > 0].min() < aperture.max() <= parameters.APERTURES[1]
    assert parameters.FOCUS[0] <= focus.min() < focus.max() <= parameters.FOCUS[1]
    assert len({each.background for each in many}) > 0.8 * len(backgrounds.NAMES)
    assert {row for each in many for row in each.objects[0].material} <= set(range(len(materials.NAMES)))


def test_rotations_are_rotations_and_look_everywhere():
    turns = np.array([scene(["object_rotation"], image=image).objects[0].rotation for image in range(200)])
    assert turns @ turns.transpose(0, 2, 1) == pytest.approx(np.broadcast_to(np.eye(3), (200, 3, 3)))
    assert np.linalg.det(turns) == pytest.approx(np.ones(200))
    assert np.abs(turns.mean(0)).max() < 0.15
    assert np.cov(turns[:, :, 1].T) == pytest.approx(np.eye(3) / 3, abs=0.1), "evenly over the sphere"


@pytest.mark.parametrize("varied", [(), ("object_rotation",)], ids=["upright", "turned"])
def test_objects_stand_on_the_floor_and_the_camera_looks_at_them_from_above_it(varied):
    for image in range(10):
        stage = Stage(LIBRARY)
        drawn = sample_scene(stage, {name: int(name in varied) for name in NAMES}, "chair", image, 0)
        placement, (name, number) = drawn.objects[0], next(iter(stage._places))
        vertices = LIBRARY.meshes(name)[number].vertices @ placement.rotation.T + placement.position
        assert vertices[:, 1].min() == pytest.approx(0, abs=1e-5)
        assert tuple(drawn.target) == tuple(placement.position)
        assert drawn.eye[1] > drawn.target[1]


def test_without_materials_varied_parts_have_their_own():
    stage = Stage(LIBRARY)
    drawn = sample_scene(stage, dict.fromkeys(NAMES, 0), "chair", 0, 0)
    name, number = next(iter(stage._places))
    own = [materials.index(each) for each in LIBRARY.meshes(name)[number].materials]
    assert list(drawn.objects[0].material) == own


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ([0] * 7, "have 7 values; wanted 8: .*object_rotation.*materials"),
        ([0] * 9, "have 9 values; wanted 8"),
        ([], "have 0 values"),
        ([0, 2, 0, 0, 0, 0, 0, 0], "object_distance is 2: choose a whole number from 0 to 1"),
        ([0, 0, 0, 0, 0, -1, 0, 0], "blur is -1"),
        ([0, 0, 0.5, 0, 0, 0, 0, 0], "light_intensity is 0.5"),
        ([0, 0, 0, "on", 0, 0, 0, 0], "light_color is 'on'"),
        ([float("nan"), 0, 0, 0, 0, 0, 0, 0], "object_rotation is nan"),
    ],
)
def test_settings_that_do_not_exist_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        check_settings(settings)


def test_settings_are_read_by_name_and_for_any_parameters():
    assert check_settings(np.array([1, 0, 1, 0, 0, 1, 0, 1])) == dict(zip(NAMES, [1, 0, 1, 0, 0, 1, 0, 1], strict=True))
    assert check_settings([2, 0], [Parameter("fog", 3), Parameter("rain", 2)]) == {"fog": 2, "rain": 0}
