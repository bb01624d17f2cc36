"""The z-buffer: which triangle each sample of a picture sees.

Triangles are rasterised in homogeneous coordinates, so that one that reaches behind the camera needs no clipping. Every
(sample, triangle) pair is one fragment of a ragged list; the nearest fragment of a sample wins by an integer maximum,
which gives the same result in any order.
"""

from typing import NamedTuple

import torch

from ndslib.sim.camera import cross

SLACK = 0.02  # samples beside a box or span that are tested as well, in case its ends were rounded
NEAR = 0.05  # what is closer to the camera than this is not drawn


class Visible(NamedTuple):
    """What the samples of B pictures see.

    Attributes:
        sample: int64 [S], the samples that a triangle covers, as flat indices of [B, H, W].
        triangle: int64 [S], the nearest triangle.
        weights: float32 [3, S], its barycentric weights there (perspective-correct, they sum to 1).
        nearness: float32 [S], interpolated; 1 / depth in a perspective picture.
    """

    sample: torch.Tensor
    triangle: torch.Tensor
    weights: torch.Tensor
    nearness: torch.Tensor


def rasterise(
    corners: torch.Tensor,
    nearness: torch.Tensor | None,
    picture: torch.Tensor,
    one_sided: torch.Tensor,
    shape: tuple[int, int, int],
) -> Visible:
    """Find the nearest triangle of every sample.

    Args:
        corners: float32 [3, 3 corners, T], homogeneous picture coordinates (x w, y w, w) in samples, with the origin at
            the picture's centre and y down; w is the depth, or 1 in a parallel projection.
        nearness: float32 [3 corners, T], positive, larger is nearer; None takes 1 / w.
        picture: int64 [T], the picture a triangle belongs to.
        one_sided: bool [T], whether a triangle seen from behind is skipped.
        shape: (B, H, W), in samples.
    """
    count, height, width = shape
    box, drawn = _bounding_boxes(corners, height, width)
    drawn = torch.nonzero(drawn).squeeze(1)
    planes, facing = _edge_planes(corners.index_select(2, drawn), one_sided[drawn])
    facing = torch.nonzero(facing).squeeze(1)
    drawn = drawn[facing]
    owner, x, y, weights = _fragments(planes.index_select(1, facing), box.index_select(1, drawn), height, width)
    covered = torch.nonzero((weights[0] >= 0) & (weights[1] >= 0) & (weights[2] >= 0)).squeeze(1)
    triangle, weights = drawn[owner[covered]], weights.index_select(1, covered)
    weights = weights / _sum(weights).clamp(min=1e-30)
    if nearness is None:
        near = 1 / _sum(weights * corners[2].index_select(1, triangle))
        near = torch.where(near < 1 / NEAR, near, 0.0)
    else:
        near = _sum(weights * nearness.index_select(1, triangle))
    sample = (picture[triangle] * height + y[covered].long()) * width + x[covered].long()
    # The bits of a positive float grow with it; the triangle's number settles ties the same way every time.
    key = (near.view(torch.int32).long() << 32) | triangle
    nearest = torch.full((count * height * width,), -1, dtype=torch.int64, device=corners.device)
    nearest.scatter_reduce_(0, sample, key, "amax")
    winner = torch.nonzero((nearest[sample] == key) & (near > 0)).squeeze(1)
    return Visible(sample[winner], triangle[winner], weights.index_select(1, winner), near[winner])


def _edge_planes(corners: torch.Tensor, one_sided: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """What turns (x, y, 1) into a triangle's weights, up to a positive factor, float32 [9, T], and whether to draw it.

    An edge's plane is the cross product of its two corners: neighbours get the same numbers with the sign changed, so
    no sample between two triangles is lost. A division by the volume here would round them differently.
    """
    a, b, c = corners.unbind(1)
    planes = torch.stack([cross(*pair) for pair in ((b, c), (c, a), (a, b))], 1)  # [3 (x, y, 1), 3, T]
    volume = a[0] * planes[0, 0] + a[1] * planes[1, 0] + a[2] * planes[2, 0]
    keep = torch.where(one_sided, volume < 0, volume != 0)  # y points down: a front face turns clockwise
    return planes.flatten(0, 1) * torch.sign(volume), keep


def _bounding_boxes(corners: torch.Tensor, height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The samples to test, as (first column, first row, columns, rows) float32 [4, T], and whether there are any."""
    w = corners[2]
    in_front = w > NEAR
    flat = corners[:2] / torch.where(in_front, w, 1.0)
    low = torch.minimum(torch.minimum(flat[:, 0], flat[:, 1]), flat[:, 2])
    high = torch.maximum(torch.maximum(flat[:, 0], flat[:, 1]), flat[:, 2])
    crossing = ~(in_front[0] & in_front[1] & in_front[2])  # it may cover any sample
    half = low.new_tensor([[width / 2 - 0.5], [height / 2 - 0.5]])
    last = low.new_tensor([[width - 1.0], [height - 1.0]])
    low = torch.where(crossing, 0.0, torch.ceil(low + (half - SLACK)).clamp(min=0))
    high = torch.where(crossing, last, torch.minimum(torch.floor(high + (half + SLACK)), last))
    extent = (high - low + 1).clamp(min=0)
    drawn = (extent[0] > 0) & (extent[1] > 0) & (in_front[0] | in_front[1] | in_front[2])
    return torch.cat([low, extent]), drawn


def _fragments(
    planes: torch.Tensor, box: torch.Tensor, height: int, width: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """The samples that may lie inside: triangle int64 [F], column and row float32 [F], scaled weights float32 [3, F].

    Triangles become rows, rows become spans between the edges, spans become samples.
    """
    owner, step = _expand(box[3])
    left, top, columns = box[:3].index_select(1, owner)
    y = top + step
    slope, fall, level = planes.index_select(1, owner).view(3, 3, -1)
    level = fall * (y - (height / 2 - 0.5)) + level
    crossing = -level / torch.where(slope == 0, 1.0, slope) + (width / 2 - 0.5)
    start = torch.where(slope > 0, crossing, torch.where((slope == 0) & (level < 0), torch.inf, -torch.inf))
    end = torch.where(slope < 0, crossing, torch.inf)
    start = torch.maximum(torch.maximum(start[0], start[1]), start[2])
    end = torch.minimum(torch.minimum(end[0], end[1]), end[2])
    first = torch.maximum(torch.ceil(start - SLACK), left)
    last = torch.minimum(torch.floor(end + SLACK), left + columns - 1)
    span, step = _expand((last - first + 1).clamp(min=0))
    x = first.index_select(0, span) + step
    weights = slope.index_select(1, span) * (x - (width / 2 - 0.5)) + level.index_select(1, span)
    return owner.index_select(0, span), x, y.index_select(0, span), weights


def _expand(counts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows of a ragged list, `counts` float32 [N] of each: the owner int64 [R] and the place in it float32 [R]."""
    counts = counts.long()
    owner = torch.repeat_interleave(counts)
    first = torch.cumsum(counts, 0) - counts
    return owner, (torch.arange(len(owner), device=counts.device) - first.index_select(0, owner)).float()


def _sum(weights: torch.Tensor) -> torch.Tensor:
    return weights[0] + weights[1] + weights[2]
