import numpy as np
import pytest
import torch

from ndslib.sim.objects import place
from ndslib.sim.shadow import cast, sunlight
from ndslib.sim.solids import ball

RADIUS = 1 / np.sqrt(3)  # of a ball whose bounding box has a half diagonal of 1
HEIGHT = 1.2  # of its centre above the floor


def sun(turn, height):
    turn, height = np.radians([turn, height])
    return np.array([np.cos(turn) * np.cos(height), np.sin(height), np.sin(turn) * np.cos(height)])


@pytest.fixture(scope="module")
def over_the_floor(mesh_of, staged):
    """A function: a scene of a ball over the floor for each sun direction."""
    mesh = mesh_of(ball(1, segments=32))
    return lambda *suns: staged(*(([(mesh, {"position": (0, HEIGHT, 0)})], {"light_direction": each}) for each in suns))


def light_on(scene, points, normal, picture=0):
    faces = place(scene)
    shadows = cast(scene, faces.corners, faces.picture, faces.one_sided, 128)
    points = torch.as_tensor(points, dtype=torch.float32)
    normal = torch.as_tensor(normal, dtype=torch.float32).expand_as(points)
    light = sunlight(shadows, points.T, normal.T, torch.full((len(points),), picture))
    return light.numpy().round(5)


def floor(extent, steps=61):
    x, z = np.meshgrid(*[np.linspace(-extent, extent, steps)] * 2)
    return np.stack([x.ravel(), np.zeros(x.size), z.ravel()], 1)


def miss(points, direction):
    """How far the ray from each point to the sun passes by the ball's centre; infinite where it leads away from it."""
    to_ball = np.array([0, HEIGHT, 0]) - points
    along = to_ball @ direction
    return np.where(along > 0, np.sqrt((to_ball**2).sum(1) - along**2), np.inf)


@pytest.mark.parametrize("direction", [sun(0, 90), sun(30, 60), sun(200, 40), sun(120, 15)], ids=str)
def test_a_ball_shades_the_floor_where_it_hides_the_sun_and_nowhere_else(over_the_floor, direction):
    points = floor(8)
    light = light_on(over_the_floor(direction), points, [0, 1, 0])
    distance = miss(points, direction)
    assert (light[distance < 0.9 * RADIUS] == 0).all()
    assert (light[distance > 1.1 * RADIUS] == 1).all()
    assert (distance < 0.9 * RADIUS).any()


def test_light_fades_across_the_edge_of_a_shadow(over_the_floor):
    points = np.stack([np.linspace(0, 1, 400), np.zeros(400), np.zeros(400)], 1)
    light = light_on(over_the_floor(sun(0, 90)), points, [0, 1, 0])
    assert ((light >= 0) & (light <= 1)).all()
    assert ((light > 0.05) & (light < 0.95)).any()
    assert points[light < 0.5, 0].max() == pytest.approx(RADIUS, abs=0.05)


def test_a_ball_does_not_shade_its_own_lit_side(over_the_floor):
    direction = sun(40, 50)
    normals = np.random.default_rng(0).normal(size=(500, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    light = light_on(over_the_floor(direction), np.array([0, HEIGHT, 0]) + RADIUS * normals, normals)
    assert (light[normals @ direction > 0.3] == 1).all()
    assert (light[normals @ direction < -0.6] == 0).all()


def test_every_scene_has_its_own_sun(over_the_floor):
    directions = sun(0, 60), sun(180, 60)
    scene, points = over_the_floor(*directions), floor(3)
    for picture, direction in enumerate(directions):
        alone = light_on(over_the_floor(direction), points, [0, 1, 0])
        assert light_on(scene, points, [0, 1, 0], picture) == pytest.approx(alone, abs=1e-3)


def test_nothing_is_shaded_where_nothing_stands(staged, mesh_of):
    scene = staged(([], {"light_direction": sun(10, 20)}), ([(mesh_of(ball(1)), {})], {}))
    assert (light_on(scene, floor(8), [0, 1, 0]) == 1).all()
