"""Cameras: world to picture and back. The camera looks along +w; x points right and y down in the picture.

Inside the renderer a list of S vectors is a tensor [3, S], coordinates first: the arithmetic then runs over long rows.
"""

import math
from typing import NamedTuple

import torch
from torch.nn import functional

from ndslib.sim.scene import SceneBatch


class Frame(NamedTuple):
    """The axes of B cameras (or suns): float32 [B, 3] each, orthonormal, right-handed in this order."""

    right: torch.Tensor
    down: torch.Tensor
    forward: torch.Tensor


def frame(forward: torch.Tensor, up: torch.Tensor) -> Frame:
    """Axes of a viewer who looks along `forward` (any length), `up` being up in the picture; float32 [B, 3] each.

    A view straight along `up` has no defined roll; another axis then serves as up.
    """
    forward = (forward.T / length(forward.T)).T
    right = cross(forward.T, up.T)
    spare = cross(forward.T, functional.one_hot(forward.abs().argmin(1), 3).to(forward).T)
    right = torch.where(length(right) > 1e-4, right, spare)
    right = right / length(right)
    return Frame(right.T, cross(forward.T, right).T, forward)


def each(values: torch.Tensor, picture: torch.Tensor) -> torch.Tensor:
    """The values [B, ...] of the scenes `picture` int64 [S], as [..., S]; without a copy when B is 1."""
    values = values.movedim(0, -1)
    if values.shape[-1] == 1:
        return values.expand(*values.shape[:-1], len(picture))
    return values.index_select(-1, picture)


def dot(u: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Inner product over the first axis (of size 3), in a fixed order of additions."""
    return u[0] * v[0] + u[1] * v[1] + u[2] * v[2]


def cross(u: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Cross product over the first axis (of size 3); with the factors exchanged exactly the negative."""
    return torch.stack([u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]])


def length(v: torch.Tensor) -> torch.Tensor:
    """Euclidean length over the first axis (of size 3)."""
    return torch.sqrt(dot(v, v))


def turn(matrix: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
    """Matrices [3, 3, S] times vectors [3, ..., S]."""
    return torch.stack([dot(row, vectors) for row in matrix])


def focal_length(scene: SceneBatch, height: int) -> torch.Tensor:
    """float32 [B]: the focal length in pictures of `height` samples."""
    # In double precision, as its last digit may depend on the place in the batch; see `render`.
    return (height / 2 / torch.tan(scene.field_of_view.double() * (math.pi / 360))).float()


def project(points: torch.Tensor, picture: torch.Tensor, scene: SceneBatch, height: int) -> torch.Tensor:
    """World points float32 [3, K, T] of the scenes `picture` int64 [T] -> homogeneous picture coordinates [3, K, T].

    These are (x w, y w, w) in samples from the picture's centre; w is the depth along the optical axis.
    """
    axes = frame(scene.target - scene.eye, scene.up)
    relative = points - each(scene.eye, picture)[:, None]
    focal = each(focal_length(scene, height), picture)
    x, y, w = (dot(each(axis, picture), relative) for axis in axes)
    return torch.stack([x * focal, y * focal, w])


def rays(scene: SceneBatch, height: int, width: int) -> torch.Tensor:
    """float32 [3, B * height * width]: the world directions through the samples, of depth 1 along the optical axis."""
    axes, device = frame(scene.target - scene.eye, scene.up), scene.eye.device
    focal = focal_length(scene, height)[:, None, None]
    y = (torch.arange(height, device=device) + (0.5 - height / 2))[None, :, None] / focal
    x = (torch.arange(width, device=device) + (0.5 - width / 2))[None, None, :] / focal
    right, down, forward = (axis.T[:, :, None, None] for axis in axes)
    return (forward + x * right + y * down).flatten(1)
