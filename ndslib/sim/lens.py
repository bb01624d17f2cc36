"""Depth of field: a thin lens's blur, in layers of equal circle of confusion, composed from far to near."""

import math
from functools import lru_cache

import torch
from torch.nn import functional

LARGEST = 0.125  # the largest circle's radius, as a share of the picture's height
COARSE = 3.0  # pixels: discs of this radius and more are drawn at half the resolution
LAYERS = 3  # on either side of the plane of focus


def defocus(
    image: torch.Tensor, depth: torch.Tensor, aperture: torch.Tensor, focus: torch.Tensor, focal: torch.Tensor
) -> torch.Tensor:
    """Blur float32 [B, 3, H, W] (linear) by what is out of focus.

    A point at depth d spreads over a disc of radius `aperture * focal * |1 / focus - 1 / d|` pixels.

    Args:
        depth: float32 [B, H, W], along the optical axis; may be infinite.
        aperture, focus: float32 [B], in world units.
        focal: float32 [B], the focal length in pixels.
    """
    blurred = torch.nonzero(aperture > 0).squeeze(1)
    if len(blurred) == 0:
        return image
    image = image.clone()
    sharp, depth = image[blurred], depth[blurred]
    strength, focus = (aperture * focal)[blurred][:, None, None], focus[blurred][:, None, None]
    largest = LARGEST * image.shape[2]
    radius = (strength * (1 / focus - 1 / depth)).clamp(-largest, largest)  # negative: nearer than the plane of focus
    color, cover = torch.zeros_like(sharp), torch.zeros_like(sharp[:, :1])
    for level in reversed(_levels(largest)):
        share = _share(radius, level, largest)[:, None]
        if not share.any():
            continue
        layer = _disc_blur(torch.cat([sharp * share, share], 1), abs(level))
        color = color * (1 - layer[:, 3:]) + layer[:, :3]
        cover = cover * (1 - layer[:, 3:]) + layer[:, 3:]
    image[blurred] = color / cover.clamp(min=1e-4)
    return image


def _levels(largest: float) -> list[float]:
    """Signed radii of the layers: doubling away from the plane of focus."""
    sides = [largest / 2**step for step in range(LAYERS)]
    return sorted([-radius for radius in sides] + [0.0] + sides)


def _share(radius: torch.Tensor, level: float, largest: float) -> torch.Tensor:
    """How much of each pixel lies in the layer of radius `level`: linear between neighbouring layers."""
    levels = _levels(largest)
    place = levels.index(level)
    share = torch.ones_like(radius)
    if place > 0:
        share = torch.minimum(share, (radius - levels[place - 1]) / (level - levels[place - 1]))
    if place + 1 < len(levels):
        share = torch.minimum(share, (levels[place + 1] - radius) / (levels[place + 1] - level))
    return share.clamp(min=0)


def _disc_blur(layer: torch.Tensor, radius: float) -> torch.Tensor:
    """Convolve float32 [B, C, H, W] with a soft-edged disc; the border is repeated."""
    if radius < 0.5:
        return layer
    if radius >= COARSE and min(layer.shape[2:]) >= 4:  # a wide blur needs no fine pixels
        return _doubled(_doubled(_disc_blur(_halved(layer), radius / 2), 2), 3)[..., : layer.shape[2], : layer.shape[3]]
    taps, (height, width) = _taps(radius), layer.shape[2:]
    reach = max(x for x, _, _ in taps)
    padded = functional.pad(layer, (reach,) * 4, mode="replicate")
    total = torch.zeros_like(layer)
    for x, y, share in taps:  # for so few taps faster than a convolution
        total += share * padded[..., reach + y : reach + y + height, reach + x : reach + x + width]
    return total


def _halved(layer: torch.Tensor) -> torch.Tensor:
    """Means of 2 x 2 pixels."""
    layer = functional.pad(layer, (0, layer.shape[3] % 2, 0, layer.shape[2] % 2), mode="replicate")
    upper, lower = layer[..., ::2, :], layer[..., 1::2, :]
    return (upper[..., ::2] + upper[..., 1::2] + lower[..., ::2] + lower[..., 1::2]) / 4


def _doubled(layer: torch.Tensor, axis: int) -> torch.Tensor:
    """Twice as many pixels along an axis, linearly between those there are."""
    last = layer.shape[axis] - 1
    before = torch.cat([layer.narrow(axis, 0, 1), layer.narrow(axis, 0, last)], axis)
    after = torch.cat([layer.narrow(axis, 1, last), layer.narrow(axis, last, 1)], axis)
    return torch.stack([0.25 * before + 0.75 * layer, 0.75 * layer + 0.25 * after], axis + 1).flatten(axis, axis + 1)


@lru_cache
def _taps(radius: float) -> list[tuple[int, int, float]]:
    """Offsets and shares of a disc's pixels."""
    reach = int(radius + 0.5)
    cover = {
        (x, y): min(max(radius + 0.5 - math.hypot(x, y), 0.0), 1.0)
        for x in range(-reach, reach + 1)
        for y in range(-reach, reach + 1)
    }
    total = sum(cover.values())
    return [(x, y, share / total) for (x, y), share in cover.items() if share]
