"""Crop and flip: what it may move, and that it is a pure function of its generator."""

import pytest
import torch

from ndslib.core.seeding import generator
from ndslib.data.augment import crop_and_flip


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
