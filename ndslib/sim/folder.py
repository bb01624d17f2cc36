"""A user's own meshes: a folder a class, a file a mesh, read through trimesh."""

import os
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ndslib.core.errors import InputError
from ndslib.core.files import digest, sha256_file
from ndslib.core.progress import track
from ndslib.core.seeding import rng
from ndslib.data.loaders.image_files import require_folder, subfolders
from ndslib.data.sample_table import SPLITS
from ndslib.sim import materials
from ndslib.sim.mesh import Mesh, check, check_arrays, crowded_edges, face_volumes, pieces, refine

if TYPE_CHECKING:
    import trimesh  # slow to import: the functions that need it import it

MESHES = (".glb", ".gltf", ".obj", ".ply", ".stl")
COMPANIONS = (".bin", ".jpeg", ".jpg", ".mtl", ".png")  # what meshes refer to
NOTES = (".md", ".txt")
HELD_OUT = 0.15  # of a class's meshes, for each of val and test
SHOWN = 10  # problems that one error lists
DISPLAY = 1 / 2.2  # linear RGB to this power is about sRGB, in which equal steps look equal
_PLAIN = tuple(name for name in materials.NAMES if name.startswith(("paint_", "plastic_")))


class FolderLibrary:
    """Object classes from `<root>/<class>/.../<mesh>`: OBJ, PLY, GLB, glTF or STL.

    Making the library reads and checks every file, so that nothing fails later. Meshes are then read when they are
    taken, and the latest few hundred stay in memory. Hidden files, textures and notes (.txt, .md) are passed over.

    A file's objects, groups and materials become the mesh's parts. A part's default material is ours of the name that
    the file gives it (`ndslib.sim.materials.NAMES`), else the paint or plastic nearest to its colour, else grey paint.
    Vertices in the same place become one, so that shading is smooth over the seams of textures; where an edge would
    then belong to more than two faces they stay as the file has them. Pieces that are inside out are turned.

    Args:
        root: the folder of the class folders.
        part: train, val or test take about 70, 15 and 15 % of each class's meshes and share none; None takes all.
        min_triangles: meshes with fewer triangles are refined (the shape stays the same).
        up: the axis that points up in the files, "y" (their front is +z) or "z" (their front is -y).

    Raises:
        InputError: no such folder, or no class folder in it; an unknown part or axis; a class with fewer than 3 meshes
            where it is split. All that is wrong with the files comes in one message: classes without a mesh, classes
            whose names differ only in case, files that are not meshes or lie outside of the class folders, unreadable
            files, and meshes that `mesh.check` refuses.
    """

    def __init__(self, root: Path | str, part: str | None = None, min_triangles: int = 0, up: str = "y") -> None:
        if part not in (None, *SPLITS):
            raise InputError(f"part {part!r}: choose one of {', '.join(SPLITS)}, or None for all meshes")
        if up not in ("y", "z"):
            raise InputError(f"up is {up!r}: choose 'y' or 'z', the axis that points up in the files")
        root = require_folder(root, "give the folder that holds a folder of meshes for each class")
        self.classes = tuple(folder.name for folder in subfolders(root))
        if not self.classes:
            raise InputError(f"{root}: it holds no class folder; put the meshes of each class into a folder of its own")
        self._options = {"part": part, "min_triangles": min_triangles, "up": up}
        files = _visible_files(root)
        self._contents = digest([(each.name, each.checksum) for each in files if each.suffix not in NOTES])
        self._load = partial(_mesh, contents=self._contents, min_triangles=min_triangles, up=up)
        by_class = {name: [each for each in files if each.class_name == name and each.is_mesh] for name in self.classes}
        _refuse_problems(root, files, by_class, self._load)
        self._meshes = {name: _share(root / name, own, part) for name, own in by_class.items()}

    def meshes(self, name: str) -> Sequence[Mesh]:
        """The meshes of a class in the order of their files' names, normalised to a half diagonal of 1.

        Raises:
            InputError: no such class; (when a mesh is taken) its file changed after the library was made.
        """
        if name not in self._meshes:
            raise InputError(f"the library has no class {name!r}; it has {', '.join(self.classes)}")
        return _Meshes(self._meshes[name], self._load)

    def fingerprint(self) -> str:
        """Names the files' names and bytes, wherever the folder is, the options and trimesh's version."""
        import trimesh

        return digest(self._contents, self._options, trimesh.__version__)


class _File(NamedTuple):
    path: Path
    name: str  # below the root, with "/"
    checksum: str

    @property
    def class_name(self) -> str:
        return self.name.rpartition("/")[0].partition("/")[0]

    @property
    def suffix(self) -> str:
        return self.path.suffix.lower()

    @property
    def is_mesh(self) -> bool:
        return self.suffix in MESHES


class _Meshes(Sequence):
    """Meshes that are read when they are taken."""

    def __init__(self, files: Sequence[_File], load: Callable[[_File], Mesh]) -> None:
        self._files, self._load = files, load

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, number: int) -> Mesh:
        return self._load(self._files[number])


def _visible_files(root: Path) -> list[_File]:
    """All files below `root` by name, without those whose name, or folder's name, starts with a dot."""
    paths = (Path(parent, name) for parent, _, names in os.walk(root, followlinks=True) for name in names)
    names = sorted(path.relative_to(root).as_posix() for path in paths)
    return [_File(root / name, name, sha256_file(root / name)) for name in names if "/." not in f"/{name}"]


def _refuse_problems(
    root: Path, files: list[_File], by_class: dict[str, list[_File]], load: Callable[[_File], Mesh]
) -> None:
    problems = list(_misplaced(root, files, by_class))
    meshes = [each for own in by_class.values() for each in own]
    for each in track(meshes, "checking meshes"):
        try:
            load(each)
        except InputError as error:
            problems.append(str(error))
    if problems:
        more = len(problems) - SHOWN
        shown = problems[:SHOWN] + ([f"and {more} more"] if more > 0 else [])
        raise InputError(f"{root}: {len(problems)} problem(s) with its files:\n" + "\n".join(shown))


def _misplaced(root: Path, files: list[_File], by_class: dict[str, list[_File]]) -> Iterator[str]:
    for each in files:
        if each.suffix not in MESHES + COMPANIONS + NOTES:
            yield f"{each.path}: not a mesh ({' '.join(MESHES)}); convert it or take it away"
        if each.is_mesh and not each.class_name:
            yield f"{each.path}: it lies outside of the class folders; move it into one"
    folded: dict[str, str] = {}
    for name, own in by_class.items():
        if not own:
            yield f"{root / name}: the class has no mesh ({' '.join(MESHES)}); add some or take the folder away"
        twin = folded.setdefault(name.casefold(), name)
        if twin != name:
            yield f"{root / name}: the class differs from {twin!r} only in case; rename or join them"


def _share(folder: Path, files: list[_File], part: str | None) -> list[_File]:
    """A part's meshes of a class. Each has its own place in a random order, whatever other files there are."""
    if part is None:
        return files
    if len(files) < len(SPLITS):
        raise InputError(
            f"{folder}: the class has {len(files)} mesh(es), too few to split; add meshes until it has at least "
            f"{len(SPLITS)}, or take all with part=None"
        )
    order = sorted(files, key=lambda each: rng("sim", "folder", each.name).random())
    held_out = max(1, round(HELD_OUT * len(files)))
    train, val = len(files) - 2 * held_out, len(files) - held_out
    chosen = {"train": order[:train], "val": order[train:val], "test": order[val:]}[part]
    return [each for each in files if each in chosen]


@lru_cache(maxsize=512)  # of 4,000 triangles each: 40 MB
def _mesh(file: _File, contents: str, min_triangles: int, up: str) -> Mesh:
    """Read a file. `contents` names all of the folder's files, so that a new material or buffer is not missed."""
    if sha256_file(file.path) != file.checksum:
        raise InputError(f"{file.path}: it changed after the library was made; make the library again")
    mesh = _outwards(_welded(check(_read(file.path), str(file.path))).normalised())
    if up == "z":
        mesh = replace(mesh, vertices=mesh.vertices[:, [0, 2, 1]] * np.float32([1, 1, -1]))
    return refine(mesh, min_triangles)


def _read(path: Path) -> Mesh:
    """The file's triangles as they stand in it, in float64: far-away coordinates lose nothing before `normalised`."""
    import trimesh

    options = {"split_objects": True, "split_groups": True} if path.suffix.lower() == ".obj" else {}
    try:
        scene = trimesh.load_scene(path, process=False, **options)
        return _flat(scene, path)
    except InputError:
        raise
    except Exception as error:  # the readers raise whatever a garbled file leads them to
        reason = textwrap.shorten(f"{type(error).__name__}: {error}", 200)
        raise InputError(f"{path}: trimesh cannot read it ({reason}); export the mesh again") from error


def _flat(scene: "trimesh.Scene", path: Path) -> Mesh:
    """All triangles of a scene in one frame; each geometry is a part, also where it stands in several places."""
    solids = {name: each for name, each in sorted(scene.geometry.items()) if hasattr(each, "faces")}
    numbers = {name: number for number, name in enumerate(solids)}
    vertices, faces, part, offset = [np.zeros((0, 3))], [np.zeros((0, 3), np.int64)], [np.zeros(0, np.int16)], 0
    for node in sorted(scene.graph.nodes_geometry):
        matrix, name = scene.graph[node]
        if name in solids:
            places, triangles = _placed(solids[name], matrix, f"{path}, part {name!r}")
            vertices.append(places)
            faces.append(offset + triangles)
            part.append(np.full(len(triangles), numbers[name], np.int16))
            offset += len(places)
    # Readers call an object without a name as the file.
    parts = tuple("body" if name == path.name else name for name in solids)
    linear = path.suffix.lower() in (".glb", ".gltf")
    defaults = tuple(_material(each.visual, linear) for each in solids.values())
    return Mesh(np.concatenate(vertices), np.concatenate(faces), np.concatenate(part), parts, defaults)


def _placed(solid: "trimesh.Trimesh", matrix: np.ndarray, source: str) -> tuple[np.ndarray, np.ndarray]:
    """A solid's vertices and faces, moved by `matrix` [4, 4]; a mirrored one still faces as it did."""
    vertices, faces = np.asarray(solid.vertices), np.asarray(solid.faces)
    check_arrays(vertices, faces, source)
    # Row by row, as a matrix product may round equal vertices differently.
    vertices = (vertices[:, None] * matrix[:3, :3]).sum(2) + matrix[:3, 3]
    return vertices, faces if np.linalg.det(matrix[:3, :3]) > 0 else faces[:, ::-1]


def _material(visual: "trimesh.visual.base.Visuals", linear: bool) -> str:
    """The default material of a part; `linear` says that the file's plain colours are linear RGB and not sRGB."""
    name = getattr(getattr(visual, "material", None), "name", None)
    if name in materials.NAMES:
        return name
    plain = materials.table("cpu")[[materials.index(each) for each in _PLAIN], materials.AVERAGE].numpy() ** DISPLAY
    return _PLAIN[int(((plain - _colour(visual, linear)) ** 2).sum(1).argmin())]


def _colour(visual: "trimesh.visual.base.Visuals", linear: bool) -> np.ndarray:
    """Average sRGB [3] of a part, 0 to 1. trimesh's own colour, where a part has none, is nearest to grey paint."""
    if visual.kind == "texture":
        colours = visual.material.to_color(visual.uv)
        linear = linear and colours is not None and colours.ndim == 1  # a factor; texels are always sRGB
        colours = visual.material.main_color if colours is None else colours
    elif visual.kind is None:
        colours, linear = visual.main_color, False
    else:
        colours = visual.face_colors if visual.kind == "face" else visual.vertex_colors
    values = np.asarray(colours).reshape(-1, 4)[:, :3] / 255
    return (values**DISPLAY if linear else values).mean(0)


def _welded(mesh: Mesh) -> Mesh:
    """One vertex a place, and none unused. The ends of edges that would get more than two faces stay as they are."""
    corner = mesh.faces.reshape(-1)
    welded = _merged(mesh, np.zeros_like(corner))
    edges, _ = crowded_edges(welded)
    apart = np.isin(welded.faces.reshape(-1), edges)
    return _merged(mesh, np.where(apart, 1 + corner, 0)) if apart.any() else welded


def _merged(mesh: Mesh, label: np.ndarray) -> Mesh:
    """Make one vertex of all corners with the same place and label int [3F]."""
    keys = np.column_stack([label, mesh.vertices[mesh.faces.reshape(-1)]])
    order = np.lexsort(keys.T)
    keys = keys[order]
    first = np.append(True, (keys[1:] != keys[:-1]).any(1))
    faces = np.empty(len(order), np.int32)
    faces[order] = np.cumsum(first) - 1
    return replace(mesh, vertices=keys[first, 1:], faces=faces.reshape(-1, 3))


def _outwards(mesh: Mesh) -> Mesh:
    """Turn the closed pieces whose faces look in. It does not matter how open ones are turned: both sides are drawn."""
    piece = pieces(mesh)
    inside_out = np.bincount(piece, face_volumes(mesh))[piece] < 0
    return replace(mesh, faces=np.where(inside_out[:, None], mesh.faces[:, ::-1], mesh.faces))
