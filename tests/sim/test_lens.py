from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ndslib.sim.lens import LARGEST, defocus

SIZE, FOCAL = 32, 40.0


def blurred(image, depth, aperture=0.1, focus=2.0):
    values = [torch.full((len(image),), float(value)) for value in (aperture, focus, FOCAL)]
    return defocus(image, depth, *values)


def dot():
    image = torch.zeros(1, 3, SIZE, SIZE)
    image[:, :, 16, 16] = 100
    return image


def at(depth):
    return torch.full((1, SIZE, SIZE), float(depth))


def width(image):
    """Root mean square distance in pixels of the light from its centre."""
    y, x = torch.meshgrid(torch.arange(SIZE) - 16.0, torch.arange(SIZE) - 16.0, indexing="ij")
    light = image[0, 0] / image[0, 0].sum()
    return ((x**2 + y**2) * light).sum().sqrt().item()


def test_what_is_in_focus_and_what_a_pinhole_sees_is_sharp():
    assert torch.allclose(blurred(dot(), at(2.0)), dot())
    assert torch.equal(blurred(dot(), at(9.0), aperture=0), dot())


def test_blur_grows_with_the_aperture():
    widths = [width(blurred(dot(), at(4.0), aperture=aperture)) for aperture in (0, 0.05, 0.1, 0.2, 0.4)]
    assert all(wider > 1.2 * narrower for narrower, wider in pairwise(widths))


@pytest.mark.parametrize("depths", [(2, 2.5, 3, 5, 50), (2, 1.7, 1.4, 1.1)], ids=["behind", "in front"])
def test_blur_grows_with_the_distance_from_the_plane_of_focus(depths):
    widths = [width(blurred(dot(), at(depth), aperture=0.2)) for depth in depths]
    assert widths == sorted(widths)
    assert widths[0] == 0
    assert widths[-1] > 2


def test_a_discs_size_is_that_of_the_thin_lens():
    """Radius aperture x focal x |1 / focus - 1 / depth|; an even disc's light lies radius / sqrt(2) from its centre."""
    for depth, aperture in ((4.0, 0.3), (8.0, 0.2)):
        radius = aperture * FOCAL * abs(1 / 2 - 1 / depth)
        assert width(blurred(dot(), at(depth), aperture)) == pytest.approx(radius / 2**0.5, rel=0.25)


def test_blur_ends_at_the_largest_circle_even_in_the_sky():
    far = blurred(dot(), at(torch.inf), aperture=50)
    assert torch.isfinite(far).all()
    assert width(far) < 1.3 * LARGEST * SIZE


@given(st.integers(0, 1000), st.floats(0, 1), st.floats(0.5, 10))
@settings(max_examples=15, deadline=None)
def test_an_even_picture_stays_even_whatever_the_depths(seed, aperture, focus):
    depth = torch.rand(1, SIZE, SIZE, generator=torch.Generator().manual_seed(seed)) * 9 + 0.5
    depth[:, :8] = torch.inf
    even = torch.tensor([0.2, 1.0, 3.0])[None, :, None, None].expand(1, 3, SIZE, SIZE)
    assert torch.allclose(blurred(even, depth, aperture, focus), even, rtol=1e-4)


def test_light_is_kept():
    assert blurred(dot(), at(5.0), aperture=0.2).sum().item() == pytest.approx(300, rel=1e-3)


def halves(left, right):
    depth = at(left)
    depth[:, :, 16:] = right
    image = torch.zeros(1, 3, SIZE, SIZE)
    image[:, :, :, :16] = 1
    return blurred(image, depth, aperture=0.3)[0, 0, 16]


def test_what_is_near_and_blurred_spreads_over_what_is_in_focus():
    row = halves(left=1.2, right=2.0)
    assert row[17] > 0.2
    assert row[-1] == 0


def test_what_is_far_and_blurred_does_not_spread_over_what_is_in_focus():
    row = halves(left=20.0, right=2.0)
    assert torch.allclose(row[16:], torch.zeros(16))
    row = halves(left=2.0, right=20.0)
    assert torch.allclose(row[:16], torch.ones(16))


def test_pictures_of_a_batch_have_their_own_lenses():
    image, depth = dot().repeat(3, 1, 1, 1), at(4.0).repeat(3, 1, 1)
    apertures = torch.tensor([0.0, 0.1, 0.4])
    result = defocus(image, depth, apertures, torch.full((3,), 2.0), torch.full((3,), FOCAL))
    for number, aperture in enumerate(apertures.tolist()):
        assert torch.allclose(result[number], blurred(dot(), at(4.0), aperture)[0], atol=1e-5)
    assert torch.equal(image, dot().repeat(3, 1, 1, 1)), "the picture handed in is left as it was"


@pytest.mark.parametrize("shape", [(9, 9), (8, 31), (33, 8)])
def test_odd_shapes(shape):
    image, depth = torch.rand(1, 3, *shape), torch.full((1, *shape), 9.0)
    assert blurred(image, depth, aperture=0.5).shape == image.shape
