"""Scenes translated for Mitsuba 3: meshes that carry their materials at the vertices, a panorama around them, a camera.

Import it only where Mitsuba is installed, and call it while a variant of Mitsuba is set.
"""

import math
from typing import Any

import mitsuba as mi
import torch

from ndslib.sim import materials
from ndslib.sim.camera import each, focal_length, frame, length, turn
from ndslib.sim.objects import place
from ndslib.sim.raster import NEAR
from ndslib.sim.scene import SceneBatch
from ndslib.sim.shading import SKYLIGHT, SUN, shade
from ndslib.sim.shadow import ShadowMap
from ndslib.sim.surroundings import FLOOR, SKY, WALL, Points, locate, sky, surround

EDGE = 1.5  # pixels: triangles with longer edges are cut, since colours are kept at the vertices
NEAREST = 0.3  # world units: what is nearer to the camera is cut no finer
ROWS = 4  # of the panorama a pixel's row: it spans 180 degrees, a picture 35
FAR = 1e4  # farther than the floor reaches
LEGS = 4  # of a path of light, from the camera to the sun or sky
BLOCK = 16  # pixels a thread takes at a time, each block with a random stream of its own; by default threads decide
SUN_SHARE = 3.0  # samples of the sun for each of the panorama: measured, the least noise
SMOOTHEST = 0.2  # roughness: smoother surfaces would throw sunlight about in single bright dots


def describe(scene: SceneBatch, height: int, width: int) -> dict[str, Any]:
    """What `mitsuba.load_dict` makes a scene of.

    The wall is painted on the panorama, as the camera sees it, with the sky: as a mesh it would keep the sun out, which
    this simulator's suns shine through. The floor is a mesh, so that it takes shadows and bounces light back.

    Args:
        scene: a batch of 1, on the CPU.
        height, width: of the picture, in pixels.
    """
    light, floor = _surroundings(scene, height)
    return {
        "type": "scene",
        "integrator": {"type": "path", "max_depth": LEGS, "block_size": BLOCK},
        "camera": _camera(scene, height, width),
        "sun": _sun(scene),
        "panorama": {"type": "envmap", "bitmap": mi.Bitmap(light.numpy())},
        "floor": floor,
    } | _objects(scene, height)


def _camera(scene: SceneBatch, height: int, width: int) -> dict[str, Any]:
    _, down, forward = (axis[0] for axis in frame(scene.target - scene.eye, scene.up))
    eye, aperture = scene.eye[0], float(scene.aperture)
    lens = {"type": "thinlens", "aperture_radius": aperture, "focus_distance": float(scene.focus)}
    return (lens if aperture > 0 else {"type": "perspective"}) | {
        "fov": float(scene.field_of_view),
        "fov_axis": "y",
        "near_clip": NEAR,
        "far_clip": FAR,
        "to_world": mi.ScalarTransform4f().look_at(eye.tolist(), (eye + forward).tolist(), (-down).tolist()),
        # The box filter keeps the pixels apart: their sums do not depend on the order in which threads finish.
        "film": {"type": "hdrfilm", "height": height, "width": width, "pixel_format": "rgb",
                 "component_format": "float32", "rfilter": {"type": "box"}},
        "sampler": {"type": "multijitter"},
    }  # fmt: skip


def _sun(scene: SceneBatch) -> dict[str, Any]:
    # SUN is an irradiance over pi: white paper then has a radiance of SUN, here as there.
    irradiance = scene.light_color[0] * scene.light_intensity[0] * (SUN * math.pi)
    return {
        "type": "directional",
        "direction": (-scene.light_direction[0]).tolist(),
        "irradiance": _rgb(irradiance),
        "sampling_weight": SUN_SHARE,
    }


def _rgb(color: torch.Tensor) -> dict[str, Any]:
    return {"type": "rgb", "value": color.tolist()}


def _surroundings(scene: SceneBatch, height: int) -> tuple[torch.Tensor, "mi.Mesh"]:
    """Wall and sky as light float32 [rows, columns, 3] from all around, and the floor as a mesh.

    The floor's vertices are where the camera's rays to the texels of the panorama meet it: as fine as the picture
    needs, near and far.
    """
    shape = ROWS * height, 2 * ROWS * height
    direction = _directions(*shape)
    depth, kind = locate(scene, torch.zeros(direction.shape[1], dtype=torch.int64), direction)
    light = _panorama(scene, direction, depth, kind, height).T.reshape(*shape, 3).contiguous()
    grid = kind.view(shape)
    ground, hidden = grid == FLOOR, grid == FLOOR
    for _ in range(2):  # floor and wall go on for two rows, so that no gap shows between them
        ground[:-1] |= ground[1:] & (grid == WALL)[:-1]
        foot = hidden[1:] & ~hidden[:-1]
        light[1:][foot], hidden[1:][foot] = light[:-1][foot], False
    vertices = torch.nonzero(ground.view(-1)).squeeze(1)
    seen = _seen(scene, direction, depth, torch.full_like(kind, FLOOR), vertices, height)
    surface = materials.surface(seen.material, seen.texture.T, seen.footprint)
    position = seen.position * seen.position.new_tensor([[1.0], [0.0], [1.0]])  # those on the wall: at its foot
    return light, _mesh("floor", position, None, _quads(ground), surface)


def _panorama(
    scene: SceneBatch, direction: torch.Tensor, depth: torch.Tensor, kind: torch.Tensor, height: int
) -> torch.Tensor:
    """Linear RGB float32 [3, n] from the directions [3, n]; 0 from the floor, which hides the panorama."""
    light = torch.zeros_like(direction)
    open_sky, wall = (torch.nonzero(kind == wanted).squeeze(1) for wanted in (SKY, WALL))
    light[:, open_sky] = SKYLIGHT * sky(scene, torch.zeros_like(open_sky), direction[:, open_sky])
    seen = _seen(scene, direction, depth, kind, wall, height)
    light[:, wall] = shade(scene, seen, -direction[:, wall], _no_shadows(scene))
    return light


def _directions(rows: int, columns: int) -> torch.Tensor:
    """Unit vectors float32 [3, rows * columns] to the texels of Mitsuba's panoramas, from the zenith downwards."""
    down = (torch.arange(rows) * (math.pi / (rows - 1)))[:, None]
    around = ((torch.arange(columns) + 0.5) * (2 * math.pi / columns))[None]
    x, z = torch.sin(down) * torch.sin(around), -torch.sin(down) * torch.cos(around)
    return torch.stack([x, torch.cos(down).expand(rows, columns), z]).flatten(1)


def _seen(
    scene: SceneBatch, direction: torch.Tensor, depth: torch.Tensor, kind: torch.Tensor, some: torch.Tensor, height: int
) -> Points:
    """The points of floor or wall in some of the directions, for a picture of `height` pixels."""
    return surround(scene, some, direction[:, some], depth[some], kind[some], (1, height, len(kind)))


def _no_shadows(scene: SceneBatch) -> ShadowMap:
    axes = frame(-scene.light_direction, scene.light_direction.new_tensor([[0.0, 0.0, 1.0]]))
    return ShadowMap(torch.zeros(1, 2, 2), axes, scene.eye, torch.full((1,), FAR))


def _quads(valid: torch.Tensor) -> torch.Tensor:
    """Triangles int64 [T, 3]: two a cell of a grid bool [rows, columns], closed around, whose corners are all valid."""
    corner = torch.arange(valid.numel()).view(valid.shape)
    number = torch.cumsum(valid.view(-1), 0).sub_(1)  # of a vertex, once the others are gone
    right = torch.roll(corner, -1, 1)
    cells = torch.stack([corner[:-1], corner[1:], right[1:], right[:-1]], -1).view(-1, 4)
    cells = number[cells[valid.view(-1)[cells].all(1)]]
    return torch.cat([cells[:, [0, 1, 2]], cells[:, [0, 2, 3]]])


def _objects(scene: SceneBatch, height: int) -> dict[str, "mi.Mesh"]:
    """The objects' triangles, corners unshared so that parts keep sharp borders; those that glow apart by how much."""
    faces, geometry = place(scene), scene.geometry
    normals = turn(each(scene.rotation, faces.instance), geometry.normals[:, :, faces.triangle])
    texture = geometry.corners[:, :, faces.triangle] + each(scene.offset, faces.instance)[:, None]
    material = scene.material[faces.instance, geometry.part[faces.triangle]]
    pixel = 1 / float(focal_length(scene, height))  # at a distance of 1
    corners, source = _cut(torch.cat([faces.corners, normals, texture]), scene.eye[0], EDGE * pixel)
    emission = materials.table(material.device)[material[source], materials.COLUMNS["emission"]]
    meshes = {}
    for glow in emission.unique().tolist():
        own = emission == glow
        position, normal, place_in_object = corners[:, :, own].transpose(1, 2).flatten(1).split(3)
        triangle = source[own].repeat_interleave(3)
        footprint = length(position - scene.eye.T) * pixel / scene.scale[faces.instance[triangle]]
        surface = materials.surface(material[triangle], place_in_object.T, footprint)
        name = f"objects_{len(meshes)}"
        meshes[name] = _mesh(name, position, normal, torch.arange(len(triangle)).view(-1, 3), surface, glow)
    return meshes


def _cut(corners: torch.Tensor, eye: torch.Tensor, angle: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Halve triangles at their longest edge while the eye sees it under more than `angle` (radians).

    Args:
        corners: float32 [C, 3, T], the first three of the C values being a corner's place in the world.

    Returns:
        The same for more triangles, and int64 the triangle that each is a piece of.
    """
    source = torch.arange(corners.shape[2])
    done = [(corners[:, :, :0], source[:0])]
    while len(source):
        following = corners.roll(-1, 1)  # edge k runs from corner k to corner k + 1
        distance = length((corners + following)[:3] / 2 - eye[:, None, None]).clamp(min=NEAREST)
        longest, edge = (length((following - corners)[:3]) / distance).max(0)
        coarse = longest > angle
        done.append((corners[:, :, ~coarse], source[~coarse]))
        source, edge = source[coarse].repeat(2), edge[coarse]
        a, b, c = (
            corners[:, :, coarse].gather(1, ((edge + k) % 3).expand(len(corners), 1, -1))[:, 0] for k in range(3)
        )
        middle = (a + b) / 2
        corners = torch.cat([torch.stack([a, middle, c], 1), torch.stack([middle, b, c], 1)], 2)
    pieces, sources = zip(*done, strict=True)
    return torch.cat(pieces, 2), torch.cat(sources)


def _mesh(
    name: str,
    position: torch.Tensor,
    normal: torch.Tensor | None,
    faces: torch.Tensor,
    surface: materials.Surface,
    glow: float = 0.0,
) -> "mi.Mesh":
    """A mesh of vertices [3, V] and triangles int64 [T, 3]; one that glows is lit evenly, by its mean colour."""
    properties = mi.Properties()
    properties["bsdf"] = mi.load_dict(_MATERIAL)
    if glow:
        radiance = _rgb(surface.albedo.mean(0) * glow)
        # Left to paths that meet it by chance: samples of a lamp by day are better spent on the sun.
        properties["emitter"] = mi.load_dict({"type": "area", "radiance": radiance, "sampling_weight": 0.0})
    mesh = mi.Mesh(name, position.shape[1], len(faces), properties, has_vertex_normals=normal is not None)
    surface = surface._replace(roughness=surface.roughness.clamp(min=SMOOTHEST))
    values = {"vertex_positions": position.T, "faces": faces}
    if normal is not None:
        values["vertex_normals"] = normal.T
    for name in ("albedo", "roughness", "metallic"):
        values[f"vertex_{name}"] = column = getattr(surface, name)
        mesh.add_attribute(f"vertex_{name}", column[0].numel(), [0.0] * column.numel())
    buffers = mi.traverse(mesh)
    for name, value in values.items():  # in place: handing a whole array over takes a hundred times as long
        buffers[name].numpy()[:] = value.reshape(-1).numpy()
    mesh.recompute_bbox()
    mesh.initialize()
    return mesh


# Seen from either side; Mitsuba's reflectance straight on is 0.04 by default, as in `shading`.
_MATERIAL = {
    "type": "twosided",
    "material": {"type": "principled"}
    | {
        name: {"type": "mesh_attribute", "name": f"vertex_{attribute}"}
        for name, attribute in (("base_color", "albedo"), ("roughness", "roughness"), ("metallic", "metallic"))
    },
}
