"""The places around the objects: a floor at y = 0, a round wall in some of them, and the sky."""

from typing import NamedTuple

import torch

from ndslib.sim import backgrounds
from ndslib.sim.camera import dot, each, focal_length, length
from ndslib.sim.scene import SceneBatch

SKY, FLOOR, WALL, OBJECT = range(4)  # what a ray ends on


class Points(NamedTuple):
    """Surface points that S samples see.

    Attributes:
        sample: int64 [S], flat index of [B, H, W].
        picture: int64 [S], the scene.
        position, normal: float32 [3, S], world; the normal looks towards the camera.
        depth: float32 [S], along the optical axis.
        material: int64 [S], a row of `materials.NAMES`.
        texture: float32 [3, S], where the material's pattern is read.
        footprint: float32 [S], the size of a sample there, in units of `texture`.
    """

    sample: torch.Tensor
    picture: torch.Tensor
    position: torch.Tensor
    normal: torch.Tensor
    depth: torch.Tensor
    material: torch.Tensor
    texture: torch.Tensor
    footprint: torch.Tensor


def footprint(depth: torch.Tensor, focal: torch.Tensor, normal: torch.Tensor, direction: torch.Tensor) -> torch.Tensor:
    """The size in the world of a sample on a surface, float32 [S]; larger where it is seen at a grazing angle."""
    facing = dot(normal, direction).abs() / length(direction)
    return depth / focal / torch.sqrt(facing.clamp(min=0.02))


def locate(scene: SceneBatch, picture: torch.Tensor, direction: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Where rays past all objects end: their depth float32 [S] (infinite in the sky) and kind int8 [S].

    Args:
        picture: int64 [S], the scenes of the rays.
        direction: float32 [3, S], rays of depth 1.
    """
    place, eye = _place(scene, picture), each(scene.eye, picture)
    floor_depth = _floor_depth(eye, direction)
    wall_depth = _wall_depth(eye, direction, place[backgrounds.COLUMNS["wall_distance"]])
    has_wall = place[backgrounds.COLUMNS["wall"]] >= 0
    top = place[backgrounds.COLUMNS["wall_height"]]
    wall_depth = torch.where(has_wall & (eye[1] + wall_depth * direction[1] <= top), wall_depth, torch.inf)
    depth = torch.minimum(floor_depth, wall_depth)
    kind = torch.where(floor_depth <= wall_depth, FLOOR, WALL).to(torch.int8)
    return depth, torch.where(torch.isinf(depth), SKY, kind)


def surround(
    scene: SceneBatch,
    sample: torch.Tensor,
    direction: torch.Tensor,
    depth: torch.Tensor,
    kind: torch.Tensor,
    shape: tuple[int, int, int],
) -> Points:
    """The floor and wall points at the end of rays (kind FLOOR or WALL) found by `locate`."""
    picture = sample // (shape[1] * shape[2])
    place, on_floor = _place(scene, picture), kind == FLOOR
    position = each(scene.eye, picture) + depth * direction
    inwards = torch.stack([-position[0], torch.zeros_like(depth), -position[2]])
    inwards = inwards / length(inwards).clamp(min=1e-6)
    normal = torch.where(on_floor, inwards.new_tensor([[0.0], [1.0], [0.0]]), inwards)
    material = torch.where(on_floor, place[backgrounds.COLUMNS["floor"]], place[backgrounds.COLUMNS["wall"]])
    scale = place[backgrounds.COLUMNS["floor_scale"]]
    size = footprint(depth, each(focal_length(scene, shape[1]), picture), normal, direction) / scale
    offset = each(scene.background_offset, picture)
    around = torch.atan2(position[2].double(), position[0].double()).float() - offset[1]
    around = around * place[backgrounds.COLUMNS["wall_distance"]]
    moved = _turned(scene, position, picture) + torch.stack([offset[0], torch.zeros_like(depth), offset[2]])
    texture = torch.where(on_floor, moved, torch.stack([around, position[1], torch.zeros_like(depth)])) / scale
    return Points(sample, picture, position, normal, depth, material.long(), texture, size)


def sky(scene: SceneBatch, picture: torch.Tensor, direction: torch.Tensor) -> torch.Tensor:
    """Linear RGB float32 [3, S] of the sky of the scenes `picture` int64 [S] in the directions float32 [3, S]."""
    return backgrounds.sky(_place(scene, picture).T, _turned(scene, direction, picture).T).T


def _place(scene: SceneBatch, picture: torch.Tensor) -> torch.Tensor:
    return each(backgrounds.table(picture.device)[scene.background], picture)


def _floor_depth(eye: torch.Tensor, direction: torch.Tensor) -> torch.Tensor:
    """Where rays meet the plane y = 0; infinite where they do not."""
    fall = direction[1]
    depth = -eye[1] / torch.where(fall == 0, 1e-9, fall)
    return torch.where(depth > 0, depth, torch.inf)


def _wall_depth(eye: torch.Tensor, direction: torch.Tensor, radius: torch.Tensor) -> torch.Tensor:
    """Where rays leave the upright cylinder of a radius about the y axis; infinite where they miss it."""
    (ex, _, ez), (dx, _, dz) = eye, direction
    a = (dx * dx + dz * dz).clamp(min=1e-9)
    half_b, c = ex * dx + ez * dz, ex * ex + ez * ez - radius * radius
    square = half_b * half_b - a * c
    depth = (torch.sqrt(square.clamp(min=0)) - half_b) / a
    return torch.where((square > 0) & (depth > 0), depth, torch.inf)


def _turned(scene: SceneBatch, vectors: torch.Tensor, picture: torch.Tensor) -> torch.Tensor:
    """Vectors [3, S] turned about the y axis with the surroundings of the scenes `picture`."""
    angle = scene.background_offset[:, 1].double()  # in double precision: see `render`
    cosine, sine = each(torch.cos(angle).float(), picture), each(torch.sin(angle).float(), picture)
    x, y, z = vectors
    return torch.stack([cosine * x + sine * z, y, cosine * z - sine * x])
