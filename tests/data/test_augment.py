"""Crop and flip: what it may move, and that it is a pure function of its generator."""

import pytest
import torch

from ndslib.core.seeding import generator
from ndslib.data.augment import contrastive_view, crop_and_flip


def batch(count: int = 6, side: int = 8) -> torch.Tensor:
    return torch.randint(0, 256, (count, 3, side, side), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_it_is_a_pure_function_of_its_generator():
    images = batch()
    before = images.clone()
    one, same, other = (crop_and_flip(images, generator("crop", step), pad=2) for step in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(images, before)
    assert one.dtype == torch.uint8
    assert one.shape == images.shape


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_each_result_is_one_of_the_shifts_of_its_image(dtype):
    images = batch(40).to(dtype)
    found = crop_and_flip(images, generator("crop"), pad=1)
    shifts, mirrored = set(), 0
    for image, result in zip(images, found, strict=True):
        padded = torch.nn.functional.pad(image[None].float(), (1, 1, 1, 1), mode="reflect")[0].to(dtype)
        options = {
            (y, x, flip): crop.flip(2) if flip else crop
            for y in range(3)
            for x in range(3)
            for crop in [padded[:, y : y + 8, x : x + 8]]
            for flip in (False, True)
        }
        matches = [key for key, option in options.items() if torch.equal(option, result)]
        assert len(matches) == 1
        shifts.add(matches[0][:2])
        mirrored += matches[0][2]
    assert len(shifts) == 9
    assert 8 <= mirrored <= 32, "half of 40 in the mean"


def test_without_padding_and_flip_nothing_changes():
    images = batch()
    assert torch.equal(crop_and_flip(images, generator("crop"), pad=0, flip=False), images)


def test_the_crops_do_not_depend_on_whether_images_are_flipped():
    images = torch.arange(8).repeat(20, 3, 8, 1).transpose(2, 3)  # rows differ, columns do not
    flipped, plain = (crop_and_flip(images, generator("crop"), pad=2, flip=flip) for flip in (True, False))
    assert torch.equal(flipped, plain)


def test_contrastive_views_keep_shape_and_type_and_follow_the_generator():
    images = torch.randint(0, 256, (6, 3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    first, again = (contrastive_view(images, torch.Generator().manual_seed(1)) for _ in range(2))
    other = contrastive_view(images, torch.Generator().manual_seed(2))
    assert first.shape == images.shape
    assert first.dtype == torch.uint8
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_contrastive_views_of_a_uniform_image_are_uniform_and_a_fifth_is_grey():
    images = torch.zeros(400, 3, 8, 8, dtype=torch.uint8)
    images[:, 0] = 120  # red
    views = contrastive_view(images, torch.Generator().manual_seed(0)).float()
    assert (views.amax((2, 3)) - views.amin((2, 3))).max() <= 1, (
        "crops, mirroring and jitter leave one colour one colour"
    )
    grey = (views.amax(1) - views.amin(1)).amax((1, 2)) <= 1
    assert 0.14 < grey.double().mean() < 0.26
    red = views[~grey][:, 0].mean((1, 2))
    assert red.min() >= 0.6 * 120 * 0.6 * 0.6
    assert red.std() > 5, "brightness varies"


def test_contrastive_views_crop():
    ramp = torch.arange(32).mul(8).to(torch.uint8).expand(200, 3, 32, 32)  # brightness tells the column
    views = contrastive_view(ramp, torch.Generator().manual_seed(0)).float()
    rising = (views[:, :, :, 31] > views[:, :, :, 0]).all(2).all(1).double().mean()
    assert 0.4 < rising < 0.6, "half are mirrored"
    spread = (views[:, 0, 0, 31] - views[:, 0, 0, 0]).abs()
    assert spread.min() < 150 < spread.max(), "crops of different sizes"
