import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ndslib.sim.camera import project
from ndslib.sim.raster import NEAR, rasterise

HEIGHT, WIDTH = 12, 17
SEEDS = st.integers(0, 10_000)


def samples(height=HEIGHT, width=WIDTH):
    """Sample positions float64 [H * W, 3]: x and y from the picture's centre, and 1."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x - width / 2 + 0.5, y - height / 2 + 0.5, np.ones_like(x)], -1).reshape(-1, 3)


def drawn(triangles, one_sided=False, picture=None, shape=(1, HEIGHT, WIDTH), nearness=None):
    """Rasterise homogeneous corners [T, 3 corners, 3]."""
    count = len(triangles)
    return rasterise(
        torch.as_tensor(np.asarray(triangles), dtype=torch.float32).permute(2, 1, 0).contiguous(),
        None if nearness is None else torch.as_tensor(nearness, dtype=torch.float32),
        torch.zeros(count, dtype=torch.int64) if picture is None else picture,
        torch.full((count,), one_sided),
        shape,
    )


def brute_force(triangles, one_sided=False):
    """In float64: weights [N, T, 3] of every sample in every triangle, 1 / depth [N, T], and whether it is seen there.

    The last result is where that is too close to call in float32.
    """
    a, b, c = (triangles[:, corner].astype(np.float64) for corner in range(3))
    volume = (a * np.cross(b, c)).sum(1)
    planes = np.stack([np.cross(b, c), np.cross(c, a), np.cross(a, b)], 1)  # [T, 3 corners, 3]
    scaled = np.einsum("np,tcp->ntc", samples(), planes) / np.where(volume == 0, 1, volume)[:, None]
    near = scaled.sum(2)
    with np.errstate(divide="ignore", invalid="ignore"):
        weights = scaled / near[..., None]
        margin = np.minimum(np.abs(weights).min(2), np.abs(near * NEAR - 1))
    seen = (scaled >= 0).all(2) & (near > 0) & (near < 1 / NEAR) & (volume < 0 if one_sided else volume != 0)
    return weights, near, seen, ~(margin > 1e-3)


def random_triangles(seed, count, depths):
    random = np.random.default_rng(seed)
    w = random.uniform(*depths, (count, 3, 1))
    flat = random.uniform(-1.2, 1.2, (count, 1, 2)) * (WIDTH / 2, HEIGHT / 2) + random.normal(0, 4, (count, 3, 2))
    return np.concatenate([flat * np.abs(w), w], 2).astype(np.float32)


@given(SEEDS, st.sampled_from([(1, 5), (-3, 4), (0.01, 0.3), (-2, -0.1)]), st.booleans())
@settings(max_examples=40, deadline=None)
@example(0, (-3, 4), False)
@example(1, (1, 5), True)
def test_pictures_are_those_of_a_brute_force_rasteriser(seed, depths, one_sided):
    """In front of the camera, across it, about the near plane, behind it."""
    triangles = random_triangles(seed, 12, depths)
    weights, near, seen, unclear = brute_force(triangles, one_sided)
    front = np.where(seen, near, 0)
    winner, nearest = front.argmax(1), front.max(1)
    second = np.sort(front, 1)[:, -2]
    clear = ~(unclear & (near >= 0.999 * nearest[:, None])).any(1) & (nearest - second > 1e-3 * nearest)
    clear |= ~seen.any(1) & ~unclear.any(1)
    result = drawn(triangles, one_sided)
    found = np.full(HEIGHT * WIDTH, -1)
    place = result.sample.numpy()
    found[place] = result.triangle.numpy()
    expected = np.where(nearest > 0, winner, -1)
    assert np.array_equal(found[clear], expected[clear])
    agreed = np.flatnonzero((found[place] == winner[place]) & clear[place])
    place = place[agreed]
    assert result.nearness.numpy()[agreed] == pytest.approx(nearest[place], rel=1e-3)
    assert result.weights.T.numpy()[agreed] == pytest.approx(weights[place, winner[place]], abs=2e-3)


def test_pictures_of_a_batch_do_not_mix():
    triangles = random_triangles(5, 20, (1, 5))
    picture = torch.arange(20) % 2
    both = drawn(triangles, picture=picture, shape=(2, HEIGHT, WIDTH))
    for number in range(2):
        alone = drawn(triangles[number::2])
        own = both.sample // (HEIGHT * WIDTH) == number
        order, expected = both.sample[own].argsort(), alone.sample.argsort()
        assert torch.equal(both.sample[own][order] % (HEIGHT * WIDTH), alone.sample[expected])
        assert torch.equal(both.triangle[own][order] // 2, alone.triangle[expected])
        assert torch.equal(both.nearness[own][order], alone.nearness[expected])


@given(SEEDS)
@settings(max_examples=15, deadline=None)
def test_the_order_of_the_triangles_does_not_matter(seed):
    triangles = random_triangles(seed, 15, (-1, 5))
    order = np.random.default_rng(seed).permutation(15)
    one, other = drawn(triangles), drawn(triangles[order])
    first, second = one.sample.argsort(), other.sample.argsort()
    assert torch.equal(one.sample[first], other.sample[second])
    assert torch.equal(one.triangle[first], torch.from_numpy(order)[other.triangle[second]])
    assert torch.equal(one.nearness[first], other.nearness[second])
    assert torch.equal(one.weights[:, first], other.weights[:, second])


def test_every_sample_is_given_once_with_weights_that_sum_to_one():
    result = drawn(random_triangles(3, 30, (-1, 5)))
    assert len(result.sample.unique()) == len(result.sample) > 100
    assert (result.weights >= 0).all()
    assert result.weights.sum(0).numpy() == pytest.approx(np.ones(len(result.sample)), abs=1e-5)


def inside(corners):
    """Samples clearly inside the convex polygon [P, 2]."""
    following = np.roll(corners, -1, 0)
    (x, y), (u, v) = corners.T, following.T
    px, py = samples()[:, :2].T
    side = (u - x) * (py[:, None] - y) - (v - y) * (px[:, None] - x)
    return (side > 1e-3).all(1) | (side < -1e-3).all(1)


@given(SEEDS)
@settings(max_examples=30, deadline=None)
def test_the_two_triangles_of_a_quad_leave_no_crack_and_do_not_overlap(seed):
    random = np.random.default_rng(seed)
    angle = np.radians(random.uniform(0, 360) + np.array([0, 80, 180, 260]))
    flat = 7 * np.stack([np.cos(angle), np.sin(angle)], 1) + random.uniform(-2, 2, 2)
    w = random.uniform(0.5, 3, (4, 1))
    corners = np.concatenate([flat * w, w], 1)
    halves = [corners[[0, 1, 2]], corners[[0, 2, 3]]]
    covered = drawn(halves).sample
    assert np.isin(np.flatnonzero(inside(flat)), covered).all()
    one, other = (drawn([half]).sample for half in halves)
    assert len(np.intersect1d(one, other)) <= (covered.numel() > 0) * 2, (
        "only samples right on the diagonal are in both"
    )
    assert len(np.union1d(one, other)) == len(covered)


@given(SEEDS)
@settings(max_examples=40, deadline=None)
def test_edges_through_samples_leave_no_cracks(seed):
    """A fan about a sample, its rim through samples: edges often run exactly through samples."""
    random = np.random.default_rng(seed)
    side = np.arange(-9, 9, 2) + 0.5
    rim = np.concatenate([[(x, -9) for x in side], [(9, y) for y in side],
                          [(-x, 9) for x in side], [(-9, -y) for y in side]])  # fmt: skip
    middle = random.integers(-5, 5, 2) + 0.5
    corners = np.c_[np.concatenate([rim, middle[None]]), np.ones(len(rim) + 1)]
    corners = corners * random.choice([1.0, random.uniform(0.5, 3), 3.0], (len(corners), 1))
    hub, number = len(rim), np.arange(len(rim))
    triangles = corners[np.stack([number, np.roll(number, -1), np.full(len(rim), hub)], 1)]
    assert len(drawn(triangles).sample) == HEIGHT * WIDTH


def test_weights_are_perspective_correct():
    """Half-way across the picture of a slope from depth 1 to 3 lies depth 1.5, a quarter of the way along it."""
    left, right = np.array([-4, 0, 1.0]), np.array([4, 0, 1.0]) * 3
    triangle = np.stack([left, right, np.array([4, 12, 1.0]) * 3])
    result = drawn([triangle], shape=(1, 3, 3))
    centre = (result.sample == 4).nonzero().item()
    assert 1 / result.nearness[centre].item() == pytest.approx(1.5)
    assert result.weights[:, centre].tolist() == pytest.approx([0.75, 0.25, 0], abs=1e-6)


def test_front_faces_turn_counter_clockwise_for_the_viewer(staged):
    scene = staged(([], {"eye": (0, 0, 4), "target": (0, 0, 0)}))
    world = torch.tensor([[-1.0, -1, 0], [1, -1, 0], [0, 1, 0]]).T[:, :, None]
    corners = project(world, torch.zeros(1, dtype=torch.int64), scene, HEIGHT).permute(2, 1, 0).numpy()
    assert len(drawn(corners, one_sided=True).sample) == len(drawn(corners).sample) > 10
    turned = corners[:, [2, 1, 0]]
    assert len(drawn(turned, one_sided=True).sample) == 0
    assert len(drawn(turned).sample) == len(drawn(corners).sample)


def test_the_nearest_of_a_stack_wins_and_an_own_nearness_decides_instead():
    flat = np.array([[-9, -9], [9, -9], [0, 20]])
    stack = [np.c_[flat * w, [w, w, w]] for w in (2.0, 1.0, 3.0)]
    assert (drawn(stack).triangle == 1).all()
    level = [np.c_[flat, [1, 1, 1]]] * 3
    assert (drawn(level, nearness=[[0.5, 0.2, 0.9]] * 3).triangle == 2).all()
    assert (drawn(level).triangle == 2).all(), "of equals the last"


@pytest.mark.parametrize(
    "corners",
    [
        [[-5, 0, 1], [5, 0, 1], [0, 0, 1]],
        [[1, 1, 1], [1, 1, 1], [4, 5, 1]],
        [[2, 2, 2], [2, 2, 2], [2, 2, 2]],
        [[-6, -6, 0], [6, -6, 0], [0, 6, 0]],
        [[-6, -6, -1], [6, -6, -1], [0, 6, -1]],
    ],
    ids=["a line", "a doubled corner", "a point", "at the eye", "behind"],
)
def test_what_has_no_area_in_the_picture_is_not_drawn(corners):
    assert len(drawn([corners]).sample) == 0


@given(SEEDS)
@settings(max_examples=30, deadline=None)
def test_slivers_stay_within_their_own_depths(seed):
    """Of a triangle seen edge-on only rounding errors are left; they must not shine through what is nearer."""
    random = np.random.default_rng(seed)
    ends = random.integers(-10, 10, (40, 2, 2)) / 2  # their lines run through samples
    share = random.uniform(0, 1, (40, 1))
    w = random.uniform(1, 4, (40, 3, 1))
    flat = np.stack([ends[:, 0], ends[:, 1], ends[:, 0] * share + ends[:, 1] * (1 - share)], 1)
    triangles = np.concatenate([flat * w, w], 2).astype(np.float32)
    result = drawn(triangles)
    depths = triangles[result.triangle.numpy(), :, 2]
    depth = 1 / result.nearness.numpy()
    assert (depth > depths.min(1) - 1e-3).all()
    assert (depth < depths.max(1) + 1e-3).all()


def test_no_triangles_give_no_samples():
    result = drawn(np.zeros((0, 3, 3)))
    assert len(result.sample) == len(result.triangle) == len(result.nearness) == 0
    assert result.weights.shape == (3, 0)
