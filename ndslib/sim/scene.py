"""What is rendered: batches of scenes made of placed meshes, a camera, a sun and a background each."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import torch

from ndslib.core.errors import InputError
from ndslib.sim import backgrounds, materials
from ndslib.sim.mesh import Mesh, corner_normals, faces_outwards, is_closed

FIELD_OF_VIEW = 35.0  # degrees, vertical


@dataclass(frozen=True)
class Geometry:
    """Meshes ready to render, one after the other.

    Attributes:
        corners: float32 [3, 3 corners, T], object space; coordinates first.
        normals: float32 [3, 3 corners, T], shading normals.
        part: int64 [T], the part of a triangle.
        start: int64 [M + 1], mesh m owns the triangles start[m] to start[m + 1].
        one_sided: bool [M], a closed mesh whose faces look out: its back faces are never seen and are skipped.
    """

    corners: torch.Tensor
    normals: torch.Tensor
    part: torch.Tensor
    start: torch.Tensor
    one_sided: torch.Tensor

    @classmethod
    def of(cls, meshes: Sequence[Mesh]) -> "Geometry":
        """Pack meshes, or none (on the CPU)."""
        counts = [mesh.triangles for mesh in meshes]
        return cls(
            _columns([mesh.vertices[mesh.faces] for mesh in meshes]),
            _columns([corner_normals(mesh) for mesh in meshes]),
            torch.from_numpy(np.concatenate([np.zeros(0), *(mesh.part for mesh in meshes)]).astype(np.int64)),
            torch.from_numpy(np.cumsum([0, *counts])),
            torch.tensor([is_closed(mesh) and faces_outwards(mesh) for mesh in meshes], dtype=torch.bool),
        )

    @classmethod
    def join(cls, parts: Sequence["Geometry"]) -> "Geometry":
        """Several geometries, one after the other; none make an empty one."""
        parts = parts or [cls.of([])]
        offsets = np.cumsum([0, *(len(part.part) for part in parts)])[:-1].tolist()
        start = [part.start[1:] + offset for part, offset in zip(parts, offsets, strict=True)]
        return cls(
            torch.cat([part.corners for part in parts], 2),
            torch.cat([part.normals for part in parts], 2),
            torch.cat([part.part for part in parts]),
            torch.cat([parts[0].start[:1], *start]),
            torch.cat([part.one_sided for part in parts]),
        )

    def to(self, device: str | torch.device) -> "Geometry":
        """The same on another device."""
        return Geometry(*(getattr(self, field.name).to(device) for field in fields(self)))


def _columns(rows: Sequence[np.ndarray]) -> torch.Tensor:
    """Arrays [T, 3 corners, 3] -> one tensor [3, 3 corners, all T]."""
    joined = np.concatenate([np.zeros((0, 3, 3)), *rows])
    return torch.from_numpy(np.ascontiguousarray(joined.transpose(2, 1, 0), np.float32))


@dataclass(frozen=True)
class SceneBatch:
    """B scenes with N placed objects (instances) in all. World frame: y up, the floor is the plane y = 0.

    Attributes:
        geometry: the meshes.
        image: int64 [N], the scene of an instance; ascending.
        mesh: int64 [N].
        rotation: float32 [N, 3, 3], object to world.
        scale: float32 [N].
        position: float32 [N, 3], where the object's origin stands.
        material: int64 [N, P], the material of each part (rows of `materials.NAMES`; unused parts are 0).
        offset: float32 [N, 3], moves the material's pattern in object space.
        eye, target, up: float32 [B, 3], the camera.
        field_of_view: float32 [B], vertical, degrees.
        aperture: float32 [B], the lens's radius; 0 is a pinhole, everything is sharp.
        focus: float32 [B], the distance along the optical axis that is sharp.
        light_direction: float32 [B, 3], unit vector towards the sun.
        light_color: float32 [B, 3], linear RGB, 0 to 1.
        light_intensity: float32 [B], 1 is a bright day.
        background: int64 [B], a row of `backgrounds.NAMES`.
        background_offset: float32 [B, 3], moves the background's patterns; its y turns the surroundings (radians).
    """

    geometry: Geometry
    image: torch.Tensor
    mesh: torch.Tensor
    rotation: torch.Tensor
    scale: torch.Tensor
    position: torch.Tensor
    material: torch.Tensor
    offset: torch.Tensor
    eye: torch.Tensor
    target: torch.Tensor
    up: torch.Tensor
    field_of_view: torch.Tensor
    aperture: torch.Tensor
    focus: torch.Tensor
    light_direction: torch.Tensor
    light_color: torch.Tensor
    light_intensity: torch.Tensor
    background: torch.Tensor
    background_offset: torch.Tensor

    def __len__(self) -> int:
        return len(self.eye)

    def to(self, device: str | torch.device) -> "SceneBatch":
        """The same on another device."""
        return SceneBatch(*(getattr(self, field.name).to(device) for field in fields(self)))

    def part(self, first: int, last: int) -> "SceneBatch":
        """Scenes first to last - 1."""
        low, high = torch.searchsorted(self.image, torch.tensor([first, last], device=self.image.device)).tolist()
        changes = {name: getattr(self, name)[low:high] for name in _PER_INSTANCE}
        changes |= {name: getattr(self, name)[first:last] for name in _PER_SCENE}
        return replace(self, **changes, image=self.image[low:high] - first)


_PER_INSTANCE = ("mesh", "rotation", "scale", "position", "material", "offset")
_PER_SCENE = ("eye", "target", "up", "field_of_view", "aperture", "focus", "light_direction", "light_color",
              "light_intensity", "background", "background_offset")  # fmt: skip


@dataclass(frozen=True)
class Placement:
    """One object in a scene: see `SceneBatch` for the fields. `material` has one row of `materials.NAMES` a part."""

    mesh: int
    material: Sequence[int]
    rotation: np.ndarray
    position: Sequence[float] = (0.0, 0.0, 0.0)
    scale: float = 1.0
    offset: Sequence[float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Scene:
    """One scene: see `SceneBatch` for the fields."""

    objects: Sequence[Placement]
    eye: Sequence[float]
    target: Sequence[float]
    background: int
    up: Sequence[float] = (0.0, 1.0, 0.0)
    field_of_view: float = FIELD_OF_VIEW
    aperture: float = 0.0
    focus: float = 1.0
    light_direction: Sequence[float] = (0.0, 1.0, 0.0)
    light_color: Sequence[float] = (1.0, 1.0, 1.0)
    light_intensity: float = 1.0
    background_offset: Sequence[float] = (0.0, 0.0, 0.0)


def batch(geometry: Geometry, scenes: Sequence[Scene]) -> SceneBatch:
    """Stack scenes that show meshes of `geometry`.

    Raises:
        InputError: no scenes, a value that is not finite, a mesh, material or background that does not exist, a part
            without a material, or a camera that stands at its target.
    """
    if not scenes:
        raise InputError("batch() got no scenes: give at least one")
    placed = [(number, each) for number, scene in enumerate(scenes) for each in scene.objects]
    for _, each in placed:
        _check_placement(geometry, each)
    parts = max((len(each.material) for _, each in placed), default=1)
    material = np.zeros((len(placed), parts), np.int64)
    for row, (_, each) in zip(material, placed, strict=True):
        row[: len(each.material)] = each.material
    columns = {
        name: _floats([getattr(each, name) for _, each in placed], shape, name) for name, shape in _OBJECT_SHAPES
    }
    columns |= {name: _floats([getattr(scene, name) for scene in scenes], shape, name) for name, shape in _SCENE_SHAPES}
    _check_views(scenes, columns)
    return SceneBatch(
        geometry=geometry,
        image=torch.tensor([number for number, _ in placed], dtype=torch.int64),
        mesh=torch.tensor([each.mesh for _, each in placed], dtype=torch.int64),
        material=torch.from_numpy(material),
        background=torch.tensor([scene.background for scene in scenes], dtype=torch.int64),
        **columns,
    )


def towards(yaw: float, pitch: float) -> np.ndarray:
    """The unit vector float64 [3] that looks `yaw` degrees aside from +z (to +x) and `pitch` degrees up."""
    yaw, pitch = np.radians([yaw, pitch])
    return np.array([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)])


_OBJECT_SHAPES = (("rotation", (3, 3)), ("scale", ()), ("position", (3,)), ("offset", (3,)))
_SCENE_SHAPES = (("eye", (3,)), ("target", (3,)), ("up", (3,)), ("field_of_view", ()), ("aperture", ()), ("focus", ()),
                 ("light_direction", (3,)), ("light_color", (3,)), ("light_intensity", ()),
                 ("background_offset", (3,)))  # fmt: skip


def _check_placement(geometry: Geometry, placement: Placement) -> None:
    meshes = len(geometry.start) - 1
    if placement.mesh not in range(meshes):
        raise InputError(f"an object shows mesh {placement.mesh}: the geometry has {meshes}, counted from 0")
    first, last = geometry.start[placement.mesh : placement.mesh + 2].tolist()
    parts = int(geometry.part[first:last].max()) + 1
    if len(placement.material) < parts:
        raise InputError(f"an object has {len(placement.material)} materials: give one to each of its {parts} parts")
    if not placement.scale > 0:
        raise InputError(f"an object's scale is {placement.scale}: it must be positive")
    for row in placement.material:
        if row not in range(len(materials.NAMES)):
            raise InputError(f"material {row}: give rows of materials.NAMES, 0 to {len(materials.NAMES) - 1}")


def _check_views(scenes: Sequence[Scene], columns: dict[str, torch.Tensor]) -> None:
    for scene in scenes:
        if scene.background not in range(len(backgrounds.NAMES)):
            last = len(backgrounds.NAMES) - 1
            raise InputError(f"background {scene.background}: give a row of backgrounds.NAMES, 0 to {last}")
        if not 0 < scene.field_of_view < 180 or scene.aperture < 0 or not scene.focus > 0:
            raise InputError(
                f"field_of_view {scene.field_of_view} must lie between 0 and 180 degrees, aperture {scene.aperture} "
                f"must not be negative, focus {scene.focus} must be positive"
            )
        if abs(np.linalg.norm(scene.light_direction) - 1) > 0.01:
            raise InputError(f"light_direction {scene.light_direction} is no unit vector: divide it by its length")
    if (columns["eye"] == columns["target"]).all(1).any():
        raise InputError("a scene's eye and target are the same point: move one, the camera looks from eye to target")


def _floats(values: list, shape: tuple[int, ...], name: str) -> torch.Tensor:
    array = np.array(values, np.float32).reshape(len(values), *shape)
    if not np.isfinite(array).all():
        raise InputError(f"a scene's {name} holds a value that is not finite: {array[~np.isfinite(array)][0]}")
    return torch.from_numpy(array)
