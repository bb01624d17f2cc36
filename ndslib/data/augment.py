"""Augmentations of a batch that is a pure function of its generator, so that training resumes exactly."""

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
