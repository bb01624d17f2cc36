"""Scenes to pictures: the one function that everything else is drawn with."""

import contextlib
import operator
from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch

from ndslib.core.errors import InputError
from ndslib.core.parallel import one_thread
from ndslib.sim.camera import length, project, rays
from ndslib.sim.film import SAMPLES, Samples, boxes, develop, resolve
from ndslib.sim.objects import Faces, object_points, place
from ndslib.sim.raster import Visible, rasterise
from ndslib.sim.scene import SceneBatch
from ndslib.sim.shading import shade
from ndslib.sim.shadow import cast
from ndslib.sim.surroundings import FLOOR, OBJECT, SKY, WALL, Points, locate, sky, surround

SMALLEST = 8  # side of a picture in pixels
SHADOW_SIZE = 1.5  # side of the shadow map over the picture's larger side, in pixels
CPU_PIXELS = 16 * 64 * 64  # pixels that a CPU draws at once: more do not fit into its cache
GPU_CHUNK = 128  # scenes that a GPU renders at once


@dataclass(frozen=True)
class Render:
    """Pictures of B scenes with N instances in all.

    Attributes:
        images: uint8 [B, 3, H, W], sRGB.
        instances: int32 [B, H, W]; 0 is background, i + 1 the i-th instance of its own scene. A pixel belongs to what
            covers most of its samples.
        parts: int32 [B, H, W]; 0 is background, p + 1 part p of the instance's mesh.
        depth: float32 [B, H, W], along the optical axis in world units; infinite in the sky.
        normals: float32 [B, 3, H, W], world, unit length; 0 in the sky.
        boxes: int64 [N, 4], the visible pixels of each instance, in the order of the scene batch: x0, y0, x1, y1, with
            x1 and y1 one past the last pixel; all 0 where nothing is visible.
    """

    images: torch.Tensor
    instances: torch.Tensor
    parts: torch.Tensor
    depth: torch.Tensor
    normals: torch.Tensor
    boxes: torch.Tensor


def render(scene: SceneBatch, size: int | tuple[int, int], exposures: int = 1, chunk: int | None = None) -> Render:
    """Render scenes on the device they lie on.

    On a CPU a picture does not depend, bit for bit, on the batch it is in, the process, or the number of threads: only
    operations that treat each element by itself and round exactly (IEEE 754's; sines and tangents are taken in double
    precision, then rounded) lead to a pixel, and one thread draws.

    Args:
        size: the picture's side, or (height, width), in pixels; at least 8.
        exposures: so many successive scenes are averaged (in linear light) into one picture: motion blur. Masks, depth
            and boxes are the middle scene's.
        chunk: pictures drawn at once; None takes as many as a CPU's cache holds, and 128 on a GPU.

    Raises:
        InputError: no scenes, a size below 8, a chunk or number of exposures below 1, or scenes that do not divide into
            exposures.
    """
    height, width = picture_size(size)
    if len(scene) == 0:
        raise InputError("there is no scene to render: give at least one")
    if exposures < 1 or len(scene) % exposures:
        raise InputError(f"{len(scene)} scenes cannot be averaged over {exposures} exposures each")
    on_cpu = scene.eye.device.type == "cpu"
    if chunk is None:
        chunk = max(1, CPU_PIXELS // (height * width)) if on_cpu else GPU_CHUNK
    if chunk < 1:
        raise InputError(f"chunk {chunk} must be at least 1")
    step = chunk * exposures
    with one_thread() if on_cpu else contextlib.nullcontext(), torch.inference_mode():
        parts = [
            _render_chunk(scene.part(first, min(first + step, len(scene))), height, width, exposures)
            for first in range(0, len(scene), step)
        ]
    return Render(*(torch.cat([getattr(part, field.name) for part in parts]) for field in fields(Render)))


def picture_size(size: int | tuple[int, int]) -> tuple[int, int]:
    """Height and width of a picture whose size is its side, or both.

    Raises:
        InputError: no whole numbers, or a side below 8 pixels.
    """
    try:
        height, width = (operator.index(side) for side in (size if isinstance(size, Sequence) else (size, size)))
    except (TypeError, ValueError):
        raise InputError(f"picture size {size!r}: give its side, or (height, width), in whole pixels") from None
    if min(height, width) < SMALLEST:
        raise InputError(f"picture size {size}: both sides must be at least {SMALLEST} pixels")
    return height, width


def _render_chunk(scene: SceneBatch, height: int, width: int, exposures: int) -> Render:
    pixels = resolve(
        scene, _samples(scene, height * SAMPLES, width * SAMPLES, int(SHADOW_SIZE * max(height, width))), height
    )
    light = pixels.light.view(-1, exposures, *pixels.light.shape[1:])
    light = sum(light.unbind(1)[1:], light[:, 0]) / exposures
    middle = slice(exposures // 2, None, exposures)
    in_middle = scene.image % exposures == exposures // 2
    return Render(
        develop(light),
        pixels.instance[middle],
        pixels.part[middle],
        pixels.depth[middle],
        pixels.normal[middle],
        boxes(pixels.instance, scene.image)[in_middle],
    )


def _samples(scene: SceneBatch, height: int, width: int, shadow_size: int) -> Samples:
    shape = (len(scene), height, width)
    faces = place(scene)
    corners = project(faces.corners, faces.picture, scene, height)
    seen = rasterise(corners, None, faces.picture, faces.one_sided, shape)
    shadows = cast(scene, faces.corners, faces.picture, faces.one_sided, shadow_size)
    directions = rays(scene, height, width)
    depth, kind = _depths(scene, seen, directions, shape)
    source = _shared(kind, shape)
    own = source == torch.arange(len(source), device=source.device)
    ground = torch.nonzero(own & ((kind == FLOOR) | (kind == WALL))).squeeze(1)
    open_sky = torch.nonzero(own & (kind == SKY)).squeeze(1)
    objects = object_points(scene, faces, seen, directions, height)
    around = surround(scene, ground, directions[:, ground], depth[ground], kind[ground], shape)
    points = Points(*(torch.cat(pair, -1) for pair in zip(objects, around, strict=True)))
    view = -directions.index_select(1, points.sample)
    light, normal = torch.zeros(2, *directions.shape, device=directions.device)
    light[:, points.sample] = shade(scene, points, view / length(view), shadows)
    light[:, open_sky] = sky(scene, open_sky // (height * width), directions[:, open_sky])
    normal[:, points.sample] = points.normal
    instance, part = _numbers(scene, faces, seen, len(source))
    return Samples(
        light.index_select(1, source).view(3, *shape),
        instance.view(shape),
        part.view(shape),
        depth.view(shape),
        normal.index_select(1, source).view(3, *shape),
    )


def _depths(
    scene: SceneBatch, seen: Visible, directions: torch.Tensor, shape: tuple[int, int, int]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Depth float32 and kind int8 (OBJECT, FLOOR, WALL, SKY) of what each sample sees, flat."""
    depth = torch.zeros(directions.shape[1], device=directions.device)
    depth[seen.sample] = 1 / seen.nearness
    kind = torch.full_like(depth, OBJECT, dtype=torch.int8)
    empty = torch.nonzero(depth == 0).squeeze(1)
    depth[empty], kind[empty] = locate(scene, empty // (shape[1] * shape[2]), directions[:, empty])
    return depth, kind


def _shared(kind: torch.Tensor, shape: tuple[int, int, int]) -> torch.Tensor:
    """The sample int64, flat, whose light each sample shows.

    A pixel that sees nothing but floor, or wall, or sky, needs to be shaded only once.
    """
    count, height, width = shape
    split = (count, height // SAMPLES, SAMPLES, width // SAMPLES, SAMPLES)
    source, kind = torch.arange(len(kind), device=kind.device).view(split), kind.view(split)
    same = (kind == kind[:, :, :1, :, :1]).all(4, keepdim=True).all(2, keepdim=True) & (kind[:, :, :1, :, :1] != OBJECT)
    return torch.where(same, source[:, :, :1, :, :1], source).view(-1)


def _numbers(scene: SceneBatch, faces: Faces, seen: Visible, total: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Instance and part of each sample, int32, flat; 0 is the background, instances count from 1 in each scene."""
    instance, part = torch.zeros(2, total, dtype=torch.int32, device=seen.sample.device)
    first = torch.searchsorted(scene.image, torch.arange(len(scene), device=seen.sample.device))
    own = faces.instance[seen.triangle]
    instance[seen.sample] = (own - first[scene.image[own]] + 1).int()
    part[seen.sample] = (scene.geometry.part[faces.triangle[seen.triangle]] + 1).int()
    return instance, part
