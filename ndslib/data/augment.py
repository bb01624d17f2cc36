"""Augmentations of a batch that is a pure function of its generator, so that training resumes exactly."""

import math

import torch
from torch import Tensor
from torch.nn import functional


def crop_and_flip(images: Tensor, source: torch.Generator, pad: int = 4, flip: bool = True) -> Tensor:
    """Shift each image by up to `pad` pixels (edges reflected) and mirror half of them.

    Args:
        images: [B, C, H, W], any dtype, on the CPU.
        source: the random stream; one batch uses it up in a fixed order.
        pad: below both H and W.
        flip: mirror left to right with probability one half.
    """
    count, _, height, width = images.shape
    shifts = torch.randint(0, 2 * pad + 1, (count, 2), generator=source)
    mirrored = torch.rand(count, generator=source) < 0.5
    padded = functional.pad(images.float(), (pad, pad, pad, pad), mode="reflect").to(images.dtype)
    rows = shifts[:, 0, None] + torch.arange(height)  # Shape: (b, height)
    columns = shifts[:, 1, None] + torch.arange(width)  # Shape: (b, width)
    if flip:
        columns = torch.where(mirrored[:, None], columns.flip(1), columns)
    batch = torch.arange(count)[:, None, None, None]
    channel = torch.arange(images.shape[1])[None, :, None, None]
    return padded[batch, channel, rows[:, None, :, None], columns[:, None, None, :]]


def contrastive_view(images: Tensor, source: torch.Generator) -> Tensor:
    """One view of each image for instance discrimination, as MoCo draws it (He et al. 2019, section 3.3; hue stays).

    A crop of 20 to 100 % of the area at an aspect of 3:4 to 4:3, scaled back to the image's size; half are mirrored;
    brightness, contrast and saturation each times 0.6 to 1.4; grey with probability 0.2.

    Args:
        images: uint8[B, 3, H, W] on the CPU.
        source: the random stream; one batch uses it up in a fixed order.
    """
    count = len(images)
    draws = torch.rand(9, count, generator=source)
    area, aspect = 0.2 + 0.8 * draws[0], torch.exp((2 * draws[1] - 1) * math.log(4 / 3))
    width, height = (area * aspect).sqrt().clamp(max=1), (area / aspect).sqrt().clamp(max=1)
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0] = torch.where(draws[2] < 0.5, -width, width)
    theta[:, 1, 1] = height
    theta[:, 0, 2], theta[:, 1, 2] = (2 * draws[3] - 1) * (1 - width), (2 * draws[4] - 1) * (1 - height)
    grid = functional.affine_grid(theta, list(images.shape), align_corners=False)
    view = functional.grid_sample(images.float() / 255, grid, padding_mode="reflection", align_corners=False)
    brightness, contrast, saturation = (0.6 + 0.8 * draws[5:8])[:, :, None, None, None]  # Shape: (b, 1, 1, 1) each
    saturation = saturation * (draws[8] >= 0.2)[:, None, None, None]  # 0: grey
    view = view * brightness
    mean = _grey(view).mean((2, 3), keepdim=True)
    view = mean + (view - mean) * contrast
    grey = _grey(view)
    view = grey + (view - grey) * saturation
    return (view.clamp(0, 1) * 255).round().to(torch.uint8)


def _grey(images: Tensor) -> Tensor:
    """Luminance [B, 1, H, W] of RGB images (ITU-R BT.601)."""
    return (images * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)
