"""From samples to pixels: the majority for numbers, the mean for light; lens blur, exposure and the film's curve."""

from dataclasses import dataclass

import torch

from ndslib.sim.camera import focal_length
from ndslib.sim.lens import defocus
from ndslib.sim.scene import SceneBatch

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
    light = light.clamp(min=0) * 0.6
    film = (light * (2.51 * light + 0.03)) / (light * (2.43 * light + 0.59) + 0.14)
    film = film.clamp(0, 1)
    srgb = torch.where(film <= 0.0031308, 12.92 * film, 1.055 * film.clamp(min=1e-8) ** (1 / 2.4) - 0.055)
    return (srgb * 255 + 0.5).to(torch.uint8)
