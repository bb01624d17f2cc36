"""Shadow maps: what the sun sees, one parallel projection a scene that just holds its objects."""

from typing import NamedTuple

import torch

from ndslib.sim.camera import Frame, dot, each, frame, length
from ndslib.sim.raster import rasterise
from ndslib.sim.scene import SceneBatch

SOFT_EDGE = 1.5  # texels that a lit point may lie below the map before it counts as shaded


class ShadowMap(NamedTuple):
    """Depth maps of B suns.

    Attributes:
        nearness: float32 [B, R, R], how far towards the sun the first surface is; -infinity where there is none.
        axes: the suns' frames.
        centre: float32 [B, 3] and `radius` float32 [B]: the sphere around the scene's objects.
    """

    nearness: torch.Tensor
    axes: Frame
    centre: torch.Tensor
    radius: torch.Tensor


def cast(
    scene: SceneBatch, corners: torch.Tensor, picture: torch.Tensor, one_sided: torch.Tensor, size: int
) -> ShadowMap:
    """Render the shadow maps of the scenes' suns.

    Args:
        corners: float32 [3, 3 corners, T], the scenes' triangles in the world.
        picture: int64 [T], the scene of each triangle.
        one_sided: bool [T].
        size: the maps' side R in texels.
    """
    count = len(scene)
    axes = frame(-scene.light_direction, corners.new_tensor([0.0, 0.0, 1.0]).expand(count, 3))
    centre, radius = _bounds(scene)
    relative = corners - each(centre, picture)[:, None]
    x, y, depth = (dot(each(axis, picture), relative) for axis in axes)
    scale = each((size / 2 - 1) / radius, picture)
    flat = torch.stack([x * scale, y * scale, torch.ones_like(x)])
    nearness = each(radius, picture) * 1.01 - depth  # positive on the whole sphere
    seen = rasterise(flat, nearness, picture, one_sided, (count, size, size))
    values = torch.full((count * size * size,), -torch.inf, device=corners.device)
    values[seen.sample] = seen.nearness
    return ShadowMap(values.view(count, size, size), axes, centre, radius)


def _bounds(scene: SceneBatch) -> tuple[torch.Tensor, torch.Tensor]:
    """Centre [B, 3] and radius [B] of a sphere around each scene's objects, whose meshes have a radius of at most 1."""
    index = scene.image[:, None].expand(-1, 3)
    low, high = torch.zeros(2, len(scene), 3, device=scene.eye.device)  # stays where a scene has no objects
    low.scatter_reduce_(0, index, scene.position, "amin", include_self=False)
    high.scatter_reduce_(0, index, scene.position, "amax", include_self=False)
    centre = (low + high) / 2
    reach = length((scene.position - centre[scene.image]).T) + scene.scale
    return centre, torch.ones_like(low[:, 0]).scatter_reduce_(0, scene.image, reach, "amax", include_self=False)


def sunlight(shadows: ShadowMap, position: torch.Tensor, normal: torch.Tensor, picture: torch.Tensor) -> torch.Tensor:
    """The share of sunlight that reaches points float32 [S]: 0 in shadow, 1 lit, between at a shadow's edge.

    Args:
        position, normal: float32 [3, S], world.
        picture: int64 [S].
    """
    size = shadows.nearness.shape[-1]
    radius = each(shadows.radius, picture)
    texel = 2 * radius / size
    relative = position + normal * (SOFT_EDGE * texel) - each(shadows.centre, picture)
    x, y, depth = (dot(relative, each(axis, picture)) for axis in shadows.axes)
    scale = (size / 2 - 1) / radius
    column, row = x * scale + (size / 2 - 0.5), y * scale + (size / 2 - 0.5)
    nearness = (radius * 1.01 - depth + texel).clamp(min=0)  # beyond the sphere an empty map still gives light
    left, top = torch.floor(column), torch.floor(row)
    right_share, low_share = column - left, row - top
    left, top = left.long(), top.long()
    flat, base = shadows.nearness.view(-1), picture * (size * size)
    total = torch.zeros_like(nearness)
    for down, across, share in (
        (0, 0, (1 - low_share) * (1 - right_share)),
        (0, 1, (1 - low_share) * right_share),
        (1, 0, low_share * (1 - right_share)),
        (1, 1, low_share * right_share),
    ):
        place = base + (top + down).clamp(0, size - 1) * size + (left + across).clamp(0, size - 1)
        total += share * (flat[place] <= nearness)
    outside = (column < 0) | (row < 0) | (column > size - 1) | (row > size - 1)
    return torch.where(outside, 1.0, total)
