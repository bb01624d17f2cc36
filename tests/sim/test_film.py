import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ndslib.sim.film import SAMPLES, Samples, boxes, develop, resolve


def samples(instance):
    """Samples [1, H, W] whose other buffers follow from the instance and the place."""
    instance = torch.tensor(instance, dtype=torch.int32)[None]
    place = torch.arange(instance.numel(), dtype=torch.float32).view(instance.shape)
    return Samples(place.expand(3, *instance.shape), instance, instance * 10, place + 1, place.expand(3, *place.shape))


def resolved(staged, instance):
    return resolve(staged(([], {})), samples(instance), len(instance) // SAMPLES)


@pytest.mark.parametrize(
    ("pixel", "first"),
    [
        ([[1, 1], [1, 1]], 0),
        ([[1, 2], [2, 2]], 1),
        ([[0, 1], [1, 0]], 0),
        ([[3, 2], [1, 0]], 0),
        ([[3, 0], [1, 0]], 1),
        ([[0, 0], [0, 5]], 0),
        ([[2, 1], [0, 1]], 1),
    ],
)
def test_a_pixel_shows_what_most_of_its_samples_show_and_the_first_of_equals(staged, pixel, first):
    pixels = resolved(staged, pixel)
    shown = pixel[first // 2][first % 2]
    assert pixels.instance.tolist() == [[[shown]]]
    assert pixels.part.tolist() == [[[10 * shown]]]
    assert pixels.depth.tolist() == [[[first + 1]]], "depth and normal are those of the same sample"
    assert pixels.normal.flatten().tolist() == [first] * 3
    assert pixels.light.flatten().tolist() == [1.5] * 3, "light is the mean"


def test_pixels_lie_where_their_samples_lie(staged):
    labels = torch.arange(12).view(3, 4)
    pixels = resolved(staged, labels.repeat_interleave(SAMPLES, 0).repeat_interleave(SAMPLES, 1).tolist())
    assert torch.equal(pixels.instance[0], labels.int())
    assert pixels.light.shape == (1, 3, 3, 4)
    assert pixels.depth.shape == (1, 3, 4)


def brute_force_box(mask):
    y, x = torch.nonzero(mask, as_tuple=True)
    return [x.min().item(), y.min().item(), x.max().item() + 1, y.max().item() + 1] if len(x) else [0, 0, 0, 0]


@given(st.lists(st.integers(0, 4), min_size=1, max_size=4), st.integers(0, 1000), st.floats(0, 1))
@settings(max_examples=30, deadline=None)
def test_boxes_are_those_of_the_masks(counts, seed, share):
    """Scenes of 0 to 4 instances, some of them hidden."""
    generator = torch.Generator().manual_seed(seed)
    masks = []
    for count in counts:
        mask = torch.randint(0, count + 1, (7, 9), generator=generator)
        masks.append(mask * (torch.rand(7, 9, generator=generator) < share))
    image = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    expected = [brute_force_box(mask == i + 1) for mask, count in zip(masks, counts, strict=True) for i in range(count)]
    found = boxes(torch.stack(masks).int(), image)
    assert found.dtype == torch.int64
    assert found.shape == (sum(counts), 4)
    assert found.tolist() == expected


def test_the_film_curve_rises_from_black_to_white():
    light = torch.cat([torch.linspace(0, 1, 2000), torch.logspace(0, 4, 500)])
    picture = develop(light)
    assert picture.dtype == torch.uint8
    assert (picture.int().diff() >= 0).all()
    assert picture[0] == 0
    assert picture[-1] == 255
    assert len(picture.unique()) == 256, "every level is used"
    assert develop(torch.tensor([-1.0])).item() == 0
