"""From samples to pixels: the majority for numbers, the mean for light; lens blur, exposure and the film's curve."""

from dataclasses import dataclass
from functools import lru_cache

import torch

from ndslib.sim.camera import focal_length
from ndslib.sim.lens import defocus
from ndslib.sim.scene import SceneBatch

EXPOSURE = 0.6  # of the film to the light
SAMPLES = 2  # along each axis of a pixel: 2 x 2 anti-aliasing


@dataclass(frozen=True)
class Samples:
    """What each sample shows.

    Attributes:
        light: float32 [3, B, H, W], linear RGB.
        instance, part: int32 [B, H, W], 0 for the background.
        depth: float32 [B, H, W].
        normal: float32 [3, B, H, W].
    """

    light: torch.Tensor
    instance: torch.Tensor
    part: torch.Tensor
    depth: torch.Tensor
    normal: torch.Tensor


@dataclass(frozen=True)
class Pixels:
    """The same for pixels: numbers int32, depth float32 [B, H, W]; light and normals float32 [B, 3, H, W]."""

    light: torch.Tensor
    instance: torch.Tensor
    part: torch.Tensor
    depth: torch.Tensor
    normal: torch.Tensor


def resolve(scene: SceneBatch, samples: Samples, height: int) -> Pixels:
    """Join the samples of each pixel and blur what the lens has out of focus; `height` is the picture's, in pixels."""
    instance = _split(samples.instance)
    best = _majority(instance)[None]
    part, depth = (_split(buffer).gather(0, best)[0] for buffer in (samples.part, samples.depth))
    normal = _split(samples.normal).gather(0, best[:, None].expand(1, 3, *best.shape[1:]))[0]
    light = _split(samples.light)
    light = (sum(light[1:], light[0]) / len(light)).transpose(0, 1)
    light = defocus(light, depth, scene.aperture, scene.focus, focal_length(scene, height))
    return Pixels(light, instance.gather(0, best)[0], part, depth, normal.transpose(0, 1))


def _split(buffer: torch.Tensor) -> torch.Tensor:
    """[..., H * s, W * s] -> [s * s, ..., H, W]: the samples of each pixel."""
    return torch.stack([buffer[..., y::SAMPLES, x::SAMPLES] for y in range(SAMPLES) for x in range(SAMPLES)])


def _majority(instance: torch.Tensor) -> torch.Tensor:
    """int64 [B, H, W]: the first of a pixel's samples that shows what most of them show."""
    votes = (instance[:, None] == instance[None]).sum(1, dtype=torch.int32)
    best, most = torch.zeros_like(votes[0], dtype=torch.int64), votes[0]
    for number in range(1, len(votes)):
        best = torch.where(votes[number] > most, number, best)
        most = torch.maximum(votes[number], most)
    return best


def boxes(instances: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
    """Boxes int64 [N, 4] of the instances whose scenes are `image` int64 [N]."""
    count, height, width = instances.shape
    first = torch.searchsorted(image, torch.arange(count, device=image.device))
    picture, y, x = torch.nonzero(instances, as_tuple=True)
    own = first[picture] + instances[picture, y, x] - 1
    boxes = torch.tensor([width, height, 0, 0], device=image.device).repeat(len(image), 1)
    for column, values, reduce in ((0, x, "amin"), (1, y, "amin"), (2, x + 1, "amax"), (3, y + 1, "amax")):
        boxes[:, column] = boxes[:, column].scatter_reduce(0, own, values, reduce)
    return torch.where(boxes[:, 2:3] > 0, boxes, 0)


def develop(light: torch.Tensor) -> torch.Tensor:
    """Linear light float32 (any shape) -> sRGB uint8: a film curve (Narkowicz's fit of ACES), then the sRGB curve."""
    return torch.bucketize(light.contiguous(), _steps(light.device), right=True).to(torch.uint8)


@lru_cache
def _steps(device: torch.device) -> torch.Tensor:
    """The light float32 [255] from which on a pixel has the value 1, 2, ... 255: the inverse of both curves."""
    srgb = (torch.arange(1, 256, dtype=torch.float64) - 0.5) / 255
    film = torch.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    # film = x (2.51 x + 0.03) / (x (2.43 x + 0.59) + 0.14), solved for x
    a, b, c = 2.51 - 2.43 * film, 0.03 - 0.59 * film, -0.14 * film
    return ((torch.sqrt(b * b - 4 * a * c) - b) / (2 * a) / EXPOSURE).float().to(device)
