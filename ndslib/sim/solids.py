"""The vocabulary that the object generators are written in: closed solids, moves, and assembly into named parts.

Frame: x right, y up, z towards the viewer (the object's front). Lengths are in the generator's own unit; the finished
mesh is normalised.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import mapbox_earcut
import numpy as np

from ndslib.core.errors import InputError
from ndslib.sim.mesh import Mesh, check

_AXES = {"x": 0, "y": 1, "z": 2}


@dataclass(frozen=True)
class Solid:
    """A closed surface: vertices float64 [V, 3] and faces int [F, 3], counter-clockwise from outside.

    All moves return a new solid.
    """

    vertices: np.ndarray
    faces: np.ndarray

    def at(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> "Solid":
        """Moved by (x, y, z)."""
        return Solid(self.vertices + np.array([x, y, z]), self.faces)

    def turn(self, axis: str, degrees: float) -> "Solid":
        """Turned about the x, y or z axis through the origin (counter-clockwise, seen from the axis' tip)."""
        first, second = [(1, 2), (2, 0), (0, 1)][_AXES[axis]]
        cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        vertices = self.vertices.copy()
        vertices[:, first] = cosine * self.vertices[:, first] - sine * self.vertices[:, second]
        vertices[:, second] = sine * self.vertices[:, first] + cosine * self.vertices[:, second]
        return Solid(vertices, self.faces)

    def scale(self, x: float = 1.0, y: float = 1.0, z: float = 1.0) -> "Solid":
        """Stretched along the axes about the origin; factors are positive."""
        return Solid(self.vertices * np.array([x, y, z]), self.faces)

    def mirror(self, axis: str) -> "Solid":
        """Its mirror image in the plane through the origin across the axis."""
        sign = np.ones(3)
        sign[_AXES[axis]] = -1
        return Solid(self.vertices * sign, self.faces[:, ::-1])

    def taper(self, axis: str, low: float, high: float) -> "Solid":
        """Scaled across `axis` by `low` at its lower end and `high` at its upper end, linearly between."""
        along = _AXES[axis]
        place = self.vertices[:, along]
        share = (place - place.min()) / np.ptp(place)
        factor = np.repeat((low + (high - low) * share)[:, None], 3, 1)
        factor[:, along] = 1
        return Solid(self.vertices * factor, self.faces)

    def bend(self, axis: str, towards: str, amount: float) -> "Solid":
        """Shifted along `towards` by `amount` times the square of the place along `axis` (a gentle bow)."""
        vertices = self.vertices.copy()
        vertices[:, _AXES[towards]] += amount * vertices[:, _AXES[axis]] ** 2
        return Solid(vertices, self.faces)


def loft(rings: np.ndarray | Sequence[np.ndarray], capped: bool = True, closed: bool = False) -> Solid:
    """Skin rings of equal numbers of points, [S, P, 3]; each ring counter-clockwise seen against the way of the rings.

    `closed` joins the last ring to the first (a torus); else `capped` closes both ends with flat (fan) caps. A ring
    whose points coincide is a tip.
    """
    rings = np.asarray(rings, float)
    stations, points = rings.shape[:2]
    index = np.arange(stations * points).reshape(stations, points)
    tips = np.ptp(rings, axis=1).max(1) < 1e-9 * max(np.ptp(rings), 1e-30)
    index[tips] = index[tips, :1]
    below = index if closed else index[:-1]
    above = np.roll(index, -1, 0) if closed else index[1:]
    a, b = below, np.roll(below, -1, 1)
    d, c = above, np.roll(above, -1, 1)
    faces = [np.stack([a, b, c, a, c, d], -1).reshape(-1, 3)]
    vertices = [rings.reshape(-1, 3)]
    if capped and not closed:
        vertices.append(rings[[0, -1]].mean(1))
        first, low, high = stations * points, index[0], index[-1]
        faces.append(np.stack([np.full(points, first), np.roll(low, -1), low], 1)[: 0 if tips[0] else None])
        faces.append(np.stack([np.full(points, first + 1), high, np.roll(high, -1)], 1)[: 0 if tips[-1] else None])
    return _compact(np.concatenate(vertices), np.concatenate(faces))


def _compact(vertices: np.ndarray, faces: np.ndarray) -> Solid:
    """Without the faces that name a vertex twice and the vertices that no face names."""
    faces = faces[(faces != np.roll(faces, 1, 1)).all(1)]
    used, faces = np.unique(faces, return_inverse=True)
    return Solid(vertices[used], faces.reshape(-1, 3))


def circle(radius: float, segments: int = 24, power: float = 2.0) -> np.ndarray:
    """Ring [segments, 2], counter-clockwise; `power` above 2 squares it off (a superellipse)."""
    angle = np.linspace(0, 2 * np.pi, segments, endpoint=False)
    ring = np.stack([np.cos(angle), np.sin(angle)], 1)
    return radius * np.sign(ring) * np.abs(ring) ** (2 / power)


def lathe(profile: Sequence[tuple[float, float]], segments: int = 32, power: float = 2.0) -> Solid:
    """Revolve (radius, y) points about the y axis, from bottom to top outside; ends off the axis are capped flat.

    To make a hollow vessel, go up outside and down again inside, ending on the axis.
    """
    profile = np.asarray(profile, float)
    ring = circle(1.0, segments, power)
    rings = np.zeros((len(profile), segments, 3))
    rings[..., 0] = profile[:, :1] * ring[:, 0]
    rings[..., 1] = profile[:, 1:]
    rings[..., 2] = -profile[:, :1] * ring[:, 1]
    return loft(rings)


def smooth(points: Sequence[Sequence[float]], steps: int = 6) -> np.ndarray:
    """A Catmull-Rom curve through the points [P, D], `steps` points a piece: for profiles and paths."""
    points = np.asarray(points, float)
    padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    pieces = []
    for p0, p1, p2, p3 in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        pieces.append(0.5 * (2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2
                             + (3 * p1 - p0 - 3 * p2 + p3) * t**3))  # fmt: skip
    return np.concatenate([*pieces, points[-1:]])


def cylinder(radius: float, height: float, top: float | None = None, segments: int = 24) -> Solid:
    """Along y, centred; `top` is the upper radius (0 makes a cone)."""
    top = radius if top is None else top
    return lathe([(radius, -height / 2), (top, height / 2)], segments)


def ball(rx: float, ry: float | None = None, rz: float | None = None, segments: int = 24) -> Solid:
    """An ellipsoid with the given radii (missing ones equal rx), centred."""
    angle = np.linspace(-np.pi / 2, np.pi / 2, segments // 2 + 1)
    unit = lathe(np.stack([np.cos(angle), np.sin(angle)], 1), segments)
    return unit.scale(rx, rx if ry is None else ry, rx if rz is None else rz)


def dome(radius: float, height: float, segments: int = 24) -> Solid:
    """The upper half of an ellipsoid, standing on y = 0."""
    angle = np.linspace(0, np.pi / 2, segments // 4 + 1)
    return lathe(np.stack([radius * np.cos(angle), height * np.sin(angle)], 1), segments)


def box(width: float, height: float, depth: float, round_: float = 0.0) -> Solid:
    """Centred box along x, y, z; `round_` bevels its edges by that length, at most a
    quarter of the shortest side."""
    if round_ == 0:
        outline = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [width / 2, height / 2]
        return extrude(outline, depth)
    x, y, z = width / 2, height / 2, depth / 2
    inset = min(round_, 0.24 * min(width, height, depth))  # more would make the outline cross itself
    rings = []
    for level, shrink in ((-z, inset), (-z + inset, 0.0), (z - inset, 0.0), (z, inset)):
        a, b = x - shrink, y - shrink
        corner = [(a, -b + inset), (a, b - inset), (a - inset, b), (-a + inset, b), (-a, b - inset), (-a, -b + inset),
                  (-a + inset, -b), (a - inset, -b)]  # fmt: skip
        rings.append([(px, py, level) for px, py in corner])
    return loft(np.array(rings))


def torus(radius: float, thickness: float, segments: int = 32, sides: int = 12) -> Solid:
    """A ring about the y axis; `thickness` is the radius of its tube."""
    angle = np.linspace(0, 2 * np.pi, segments, endpoint=False)
    path = radius * np.stack([np.cos(angle), np.zeros(segments), np.sin(angle)], 1)
    return tube(path, thickness, sides, closed=True)


def tube(
    path: Sequence[Sequence[float]],
    radius: float | Sequence[float],
    sides: int = 10,
    closed: bool = False,
    section: np.ndarray | None = None,
) -> Solid:
    """A round bar along the path [P, 3] with one radius or one a point; `section` [K, 2] replaces the unit circle."""
    path = np.asarray(path, float)
    radii = np.broadcast_to(np.asarray(radius, float), len(path))
    ahead = np.roll(path, -1, 0) - np.roll(path, 1, 0) if closed else np.gradient(path, axis=0)
    ahead = ahead / np.linalg.norm(ahead, axis=1, keepdims=True)
    ring = circle(1.0, sides) if section is None else np.asarray(section, float)
    side, up = _carried(ahead, closed)
    place = radii[:, None, None] * (ring[:, :1] * side[:, None] + ring[:, 1:] * up[:, None])
    return loft(path[:, None] + place, closed=closed)


def _carried(ahead: np.ndarray, closed: bool) -> tuple[np.ndarray, np.ndarray]:
    """Two axes [P, 3] across the directions [P, 3] of a path, carried along so that a bar does not twist.

    What they have turned by on the way round a closed path is given back evenly, so that its ends meet.
    """
    side = [np.cross(ahead[0], np.eye(3)[np.abs(ahead[0]).argmin()])]
    for direction in [*ahead, ahead[0]]:
        across = side[-1] - direction * (side[-1] @ direction)
        side.append(across / np.linalg.norm(across))
    side, last = np.array(side[1:-1]), side[-1]
    up = np.cross(ahead, side)
    turned = np.arctan2(last @ up[0], last @ side[0]) if closed else 0.0
    angle = np.linspace(0, -turned, len(ahead), endpoint=False)[:, None]
    return np.cos(angle) * side + np.sin(angle) * up, np.cos(angle) * up - np.sin(angle) * side


def extrude(outline: Sequence[Sequence[float]], depth: float) -> Solid:
    """A plate: the simple polygon [P, 2] (x, y; need not be convex), `depth` thick along z, centred.

    The outline must not cross itself or hold three points in one line; it may turn either way.
    """
    outline = np.asarray(outline, float)
    x, y = outline.T
    if (x * np.roll(y, -1) - np.roll(x, -1) * y).sum() < 0:
        outline = outline[::-1]
    points = len(outline)
    cap = mapbox_earcut.triangulate_float64(outline, np.array([points], np.uint32)).reshape(-1, 3).astype(int)
    a, b, c = (outline[cap[:, corner]] for corner in range(3))
    (ux, uy), (vx, vy) = (b - a).T, (c - a).T
    turned = ux * vy - uy * vx < 0
    cap[turned] = cap[turned][:, ::-1]
    rings = np.stack([np.c_[outline, np.full(points, -depth / 2)], np.c_[outline, np.full(points, depth / 2)]])
    side = loft(rings, capped=False)
    return Solid(side.vertices, np.concatenate([side.faces, cap[:, ::-1], cap + points]))


def around(solid: Solid, count: int, axis: str = "y", start: float = 0.0) -> list[Solid]:
    """`count` copies evenly turned about an axis, e.g. legs or petals."""
    return [solid.turn(axis, start + 360 * step / count) for step in range(count)]


def both(solid: Solid, axis: str = "x") -> list[Solid]:
    """The solid and its mirror image: pairs of legs, eyes, wheels."""
    return [solid, solid.mirror(axis)]


def bar(
    start: Sequence[float], end: Sequence[float], radius: float, top: float | None = None, sides: int = 10
) -> Solid:
    """A straight round bar between two points; `top` is its radius at the end."""
    return tube(np.array([start, end], float), [radius, radius if top is None else top], sides)


def assemble(parts: Mapping[str, tuple[str, Solid | Iterable[Solid]]], source: str = "assemble()") -> Mesh:
    """Join solids into a normalised mesh: part name -> (default material, solid or solids).

    Raises:
        InputError: there are no parts, a part has no solid, or the result fails `mesh.check`.
    """
    if not parts:
        raise InputError(f"{source}: no parts; give at least one")
    vertices, faces, part, offset = [], [], [], 0
    for number, (name, (_, solids)) in enumerate(parts.items()):
        solids = [solids] if isinstance(solids, Solid) else list(solids)
        if not solids:
            raise InputError(f"{source}: part {name!r} has no solid")
        for solid in solids:
            vertices.append(solid.vertices)
            faces.append(solid.faces + offset)
            part.append(np.full(len(solid.faces), number))
            offset += len(solid.vertices)
    mesh = Mesh(
        np.concatenate(vertices).astype(np.float32),
        np.concatenate(faces).astype(np.int32),
        np.concatenate(part).astype(np.int16),
        tuple(parts),
        tuple(material for material, _ in parts.values()),
    )
    return check(mesh, source).normalised()
