"""Triangle meshes of named parts: the checks that every mesh passes, shading normals and refinement."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ndslib.core.errors import InputError

CREASE_DEGREES = 40.0  # edges sharper than this are shaded hard


@dataclass(frozen=True)
class Mesh:
    """A triangle mesh in a right-handed frame: y up, the object's front towards +z.

    Attributes:
        vertices: float32 [V, 3].
        faces: int32 [F, 3], counter-clockwise seen from outside.
        part: int16 [F], the part that a face belongs to.
        parts: the parts' names, e.g. ("body", "handle").
        materials: the default material of each part (a name of `ndslib.sim.materials.MATERIALS`).
    """

    vertices: np.ndarray
    faces: np.ndarray
    part: np.ndarray
    parts: tuple[str, ...]
    materials: tuple[str, ...]

    @property
    def triangles(self) -> int:
        """Number of faces F."""
        return len(self.faces)

    def normalised(self) -> "Mesh":
        """The same mesh with its bounding box centred at the origin and its half diagonal 1."""
        vertices = self.vertices.astype(np.float64)  # float32 would overflow on large or far-away objects
        low, high = vertices.min(0), vertices.max(0)
        half_diagonal = np.linalg.norm(high - low) / 2
        return replace(self, vertices=((vertices - (low + high) / 2) / half_diagonal).astype(np.float32))


def check(mesh: Mesh, source: str) -> Mesh:
    """Return `mesh` without its faces of zero area. `source` names it in errors.

    Open surfaces are allowed; an edge may belong to at most two faces.

    Raises:
        InputError: no faces, a vertex that is not finite, a face that names a missing vertex or part, no extent (all
            vertices in one place), only faces without area, or an edge of more than two faces (non-manifold).
    """
    if mesh.triangles == 0 or len(mesh.vertices) == 0:
        raise InputError(
            f"{source}: the mesh is empty ({len(mesh.vertices)} vertices, {mesh.triangles} faces); give it triangles"
        )
    check_arrays(mesh.vertices, mesh.faces, source)
    if mesh.part.min() < 0 or mesh.part.max() >= len(mesh.parts) or len(mesh.parts) != len(mesh.materials):
        raise InputError(f"{source}: parts {mesh.parts} with materials {mesh.materials} do not match the faces' parts")
    extent = np.ptp(mesh.vertices.astype(np.float64), axis=0).max()
    if extent == 0:
        raise InputError(f"{source}: all vertices lie in one place, the mesh has no extent; export it again")
    kept = _areas(mesh) > 5e-13 * extent**2
    if not kept.any():
        raise InputError(f"{source}: none of the {mesh.triangles} faces has an area; export it again")
    mesh = replace(mesh, faces=mesh.faces[kept], part=mesh.part[kept])
    _refuse_non_manifold(mesh, source)
    return mesh


def check_arrays(vertices: np.ndarray, faces: np.ndarray, source: str) -> None:
    """Refuse vertices [V, 3] and faces int [F, 3] that no mesh can have.

    Raises:
        InputError: a vertex that is not finite, or a face that names a missing vertex.
    """
    bad = np.flatnonzero(~np.isfinite(vertices).all(1))
    if bad.size:
        value = vertices[bad[0]].tolist()
        raise InputError(f"{source}: vertex {bad[0]} is {value}; export the mesh again without NaN or infinite values")
    wrong = faces[(faces < 0) | (faces >= len(vertices))]
    if wrong.size:
        raise InputError(
            f"{source}: a face names vertex {wrong[0]}, but there are {len(vertices)} vertices; export the mesh again"
        )


def _edges(faces: np.ndarray) -> np.ndarray:
    """Directed edges int [3F, 2], in the order of the faces."""
    return faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)


def crowded_edges(mesh: Mesh) -> tuple[np.ndarray, np.ndarray]:
    """The edges that belong to more than two faces, int [E, 2], and how many faces each has, int [E]."""
    edges, counts = np.unique(np.sort(_edges(mesh.faces), 1), axis=0, return_counts=True)
    return edges[counts > 2], counts[counts > 2]


def _refuse_non_manifold(mesh: Mesh, source: str) -> None:
    edges, counts = crowded_edges(mesh)
    if len(edges):
        edge, count = edges[counts.argmax()].tolist(), counts.max()
        raise InputError(
            f"{source}: the mesh is not a manifold: edge {edge} belongs to {count} faces ({len(edges)} such edges); "
            "remove doubled and inner faces, for example with trimesh's or MeshLab's repair tools"
        )


def is_closed(mesh: Mesh) -> bool:
    """Whether every edge is used once in each direction: no holes, and all faces look out (or all look in)."""
    edges = _edges(mesh.faces).astype(np.int64)
    forward = np.sort(edges[:, 0] * len(mesh.vertices) + edges[:, 1])
    backward = np.sort(edges[:, 1] * len(mesh.vertices) + edges[:, 0])
    return bool((np.diff(forward) > 0).all() and np.array_equal(forward, backward))


def faces_outwards(mesh: Mesh) -> bool:
    """Whether a closed mesh's faces look out: its signed volume is positive."""
    return bool(face_volumes(mesh).sum() > 0)


def face_volumes(mesh: Mesh) -> np.ndarray:
    """Six times the signed volume between each face and the origin, float64 [F]; positive where the face looks away."""
    a, b, c = np.moveaxis(mesh.vertices[mesh.faces].astype(np.float64), 1, 0)
    return (a * np.cross(b, c)).sum(1)


def corner_normals(mesh: Mesh, crease: float = CREASE_DEGREES) -> np.ndarray:
    """Unit shading normals float32 [F, 3, 3], one a corner.

    A corner's normal averages the faces around its vertex that are within `crease` degrees of its own face, weighted by
    area, so rounded surfaces look smooth and edges sharp.
    """
    corners = mesh.vertices[mesh.faces].astype(np.float64)
    area_normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    unit = area_normals / np.linalg.norm(area_normals, axis=1, keepdims=True)
    vertex = mesh.faces.reshape(-1)
    order = np.argsort(vertex, kind="stable")  # corners grouped by vertex
    degree = np.bincount(vertex, minlength=len(mesh.vertices))
    start = np.cumsum(degree) - degree
    # All pairs (corner, corner at the same vertex).
    count = degree[vertex]
    first = np.repeat(np.arange(len(vertex)), count)
    rank = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    second = order[np.repeat(start[vertex], count) + rank]
    near = (unit[first // 3] * unit[second // 3]).sum(1) >= np.cos(np.radians(crease)) - 1e-9
    total = np.stack(
        [np.bincount(first, area_normals[second // 3, axis] * near, len(vertex)) for axis in range(3)], axis=1
    )
    total /= np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-20)
    return total.reshape(-1, 3, 3).astype(np.float32)


def refine(mesh: Mesh, triangles: int) -> Mesh:
    """Cut faces into four until there are at least `triangles` of them; the surface stays the same.

    Connected pieces are cut as a whole, so that no edge gets a corner on one side only; those with the largest faces
    first.
    """
    while mesh.triangles < triangles:
        piece = pieces(mesh)
        count = np.bincount(piece)
        order = np.argsort(-np.bincount(piece, _areas(mesh)) / count, kind="stable")
        enough = np.searchsorted(np.cumsum(3 * count[order]), triangles - mesh.triangles) + 1
        mesh = _cut(mesh, np.isin(piece, order[:enough]))
    return mesh


def pieces(mesh: Mesh) -> np.ndarray:
    """The connected piece int [F] of each face."""
    first, second = _edges(mesh.faces).T
    links = coo_array((np.ones(len(first)), (first, second)), shape=(len(mesh.vertices),) * 2)
    piece = connected_components(links, directed=False)[1][mesh.faces[:, 0]]
    return np.unique(piece, return_inverse=True)[1]


def _areas(mesh: Mesh) -> np.ndarray:
    corners = mesh.vertices[mesh.faces].astype(np.float64)
    return np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2


def _cut(mesh: Mesh, chosen: np.ndarray) -> Mesh:
    """The chosen faces (bool [F]) in four each, the others as they are."""
    faces = mesh.faces[chosen]
    edges, inverse = np.unique(np.sort(_edges(faces), 1), axis=0, return_inverse=True)
    middle = len(mesh.vertices) + inverse.reshape(-1, 3).astype(np.int32)  # of the edges 01, 12, 20
    (a, b, c), (ab, bc, ca) = faces.T, middle.T
    cut = np.stack([a, ab, ca, ab, b, bc, ca, bc, c, ab, bc, ca], 1).reshape(-1, 3)
    return replace(
        mesh,
        vertices=np.concatenate([mesh.vertices, mesh.vertices[edges].mean(1)]).astype(np.float32),
        faces=np.concatenate([mesh.faces[~chosen], cut]).astype(np.int32),
        part=np.concatenate([mesh.part[~chosen], np.repeat(mesh.part[chosen], 4)]),
    )
