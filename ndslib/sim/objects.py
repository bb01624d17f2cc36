"""The objects of a batch of scenes: their triangles in the world, and the surface points that samples see of them."""

from dataclasses import dataclass

import torch

from ndslib.sim.camera import dot, each, focal_length, length, turn
from ndslib.sim.raster import Visible
from ndslib.sim.scene import SceneBatch
from ndslib.sim.surroundings import Points, footprint


@dataclass(frozen=True)
class Faces:
    """The T triangles of a batch in the world, and where each comes from.

    Attributes:
        corners: float32 [3, 3 corners, T].
        triangle: int64 [T], rows of the scenes' geometry.
        instance, picture: int64 [T].
        one_sided: bool [T].
    """

    corners: torch.Tensor
    triangle: torch.Tensor
    instance: torch.Tensor
    picture: torch.Tensor
    one_sided: torch.Tensor


def place(scene: SceneBatch) -> Faces:
    """Put the instances' triangles into the world."""
    geometry = scene.geometry
    first, count = geometry.start[scene.mesh], geometry.start[scene.mesh + 1] - geometry.start[scene.mesh]
    instance = torch.repeat_interleave(count)
    triangle = torch.arange(len(instance), device=count.device) + (first - (torch.cumsum(count, 0) - count))[instance]
    matrix = each(scene.rotation * scene.scale[:, None, None], instance)
    corners = turn(matrix, geometry.corners.index_select(2, triangle)) + each(scene.position, instance)[:, None]
    return Faces(corners, triangle, instance, scene.image[instance], geometry.one_sided[scene.mesh][instance])


def object_points(scene: SceneBatch, faces: Faces, seen: Visible, directions: torch.Tensor, height: int) -> Points:
    """What the covered samples see, of pictures `height` samples high; `directions` float32 [3, all samples]: rays."""
    triangle, instance, picture = (owner[seen.triangle] for owner in (faces.triangle, faces.instance, faces.picture))
    depth, direction = 1 / seen.nearness, directions.index_select(1, seen.sample)
    position = each(scene.eye, picture) + depth * direction
    a, b, c = (scene.geometry.normals.index_select(2, triangle) * seen.weights).unbind(1)
    rotation, scale = each(scene.rotation, instance), each(scene.scale, instance)
    normal = turn(rotation, a + b + c)
    normal = normal / length(normal).clamp(min=1e-6)
    normal = torch.where(dot(normal, direction) > 0, -normal, normal)  # seen from behind
    local = turn(rotation.transpose(0, 1), position - each(scene.position, instance)) / scale
    size = footprint(depth, each(focal_length(scene, height), picture), normal, direction) / scale
    material = scene.material[instance, scene.geometry.part[triangle]]
    texture = local + each(scene.offset, instance)
    return Points(seen.sample, picture, position, normal, depth, material, texture, size)
