import os
import pickle
import shutil

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image
from trimesh.visual import TextureVisuals
from trimesh.visual.material import PBRMaterial, SimpleMaterial

from ndslib.core.errors import InputError
from ndslib.sim import folder
from ndslib.sim.folder import FolderLibrary
from ndslib.sim.mesh import corner_normals, faces_outwards, is_closed
from ndslib.sim.scene import Geometry

FORMATS = ("glb", "gltf", "obj", "ply", "stl")
CORNERS = "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\n"
TETRAHEDRON = CORNERS + "f 1 3 2\nf 1 2 4\nf 2 3 4\nf 1 4 3\n"


def box(extents=(1, 2, 3)):
    return trimesh.creation.box(extents)


def cylinder():
    return trimesh.creation.cylinder(0.5, 2, 24)


def sphere():
    return trimesh.creation.icosphere(3)


def coloured(solid, *colour):
    solid.visual = TextureVisuals(material=PBRMaterial(baseColorFactor=colour))
    return solid


def table():
    """A top and one leg that stands in two places, once as its mirror image."""
    scene = trimesh.Scene()
    scene.add_geometry(box((4, 0.2, 2)), geom_name="top", transform=moved(0, 1, 0))
    leg = trimesh.creation.box((0.2, 1, 0.2))
    leg.vertices[leg.vertices[:, 1] < 0, 0] += 0.3
    scene.add_geometry(leg, geom_name="leg", node_name="right", transform=moved(1, 0.4, 0))
    scene.graph.update("left", geometry="leg", matrix=moved(-1, 0.4, 0) @ np.diag([-1, 1, 1, 1]))
    return scene


def moved(*shift):
    return trimesh.transformations.translation_matrix(shift)


def write(root, files):
    """Solids are exported, text and bytes are written."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str | bytes):
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        elif path.suffix == ".gltf":
            content.export(path, embed_buffers=True)
        else:
            content.export(path)
    return root


def only(root, content, suffix="obj", **options):
    """The mesh of a library of one file."""
    (mesh,) = FolderLibrary(write(root, {f"thing/it.{suffix}": content}), **options).meshes("thing")
    return mesh


def refusal(root, **options):
    with pytest.raises(InputError) as caught:
        FolderLibrary(root, **options)
    return str(caught.value)


def exported(solid, suffix):
    data = solid.export(file_type=suffix)
    return data.encode() if isinstance(data, str) else data


def soup(mesh):
    """A mesh's triangles as a set of their corners."""
    return {frozenset(map(tuple, corners.round(5).tolist())) for corners in mesh.vertices[mesh.faces]}


# ---------------------------------------------------------------- reading


@pytest.mark.parametrize("make", [box, cylinder, sphere])
def test_all_formats_give_the_same_mesh(tmp_path, make):
    write(tmp_path, {f"thing/{suffix}.{suffix}": make() for suffix in FORMATS})
    meshes = list(FolderLibrary(tmp_path).meshes("thing"))
    assert len(meshes) == len(FORMATS)
    for mesh in meshes:
        assert soup(mesh) == soup(meshes[0])
        assert len(mesh.vertices) == len(make().vertices), "also STL, which repeats every corner"
        assert (mesh.vertices.dtype, mesh.faces.dtype, mesh.part.dtype) == (np.float32, np.int32, np.int16)
        assert np.linalg.norm(np.ptp(mesh.vertices, axis=0)) == pytest.approx(2)
        assert is_closed(mesh)
        assert faces_outwards(mesh)
        assert mesh.materials == ("paint_grey",)


def test_classes_and_meshes_come_in_sorted_order_and_at_any_depth(tmp_path):
    write(tmp_path, {"b/2.obj": sphere(), "b/1/model.OBJ": TETRAHEDRON, "a/x.ply": box(), "b/10.stl": cylinder()})
    library = FolderLibrary(tmp_path)
    assert library.classes == ("a", "b")
    assert [mesh.triangles for mesh in library.meshes("b")] == [4, len(cylinder().faces), len(sphere().faces)]


def test_a_scene_becomes_named_parts_where_its_nodes_stand(tmp_path):
    mesh = only(tmp_path, table(), "glb")
    assert mesh.parts == ("leg", "top")
    assert np.bincount(mesh.part).tolist() == [24, 12]
    across = {part: mesh.vertices[mesh.faces[mesh.part == number], 0] for number, part in enumerate(mesh.parts)}
    assert across["leg"].min() == pytest.approx(-1.4 / 2 * across["top"].max()), "its mirrored foot points to the left"
    assert is_closed(mesh)
    assert faces_outwards(mesh)


def test_groups_and_objects_of_an_obj_become_parts(tmp_path):
    lines = TETRAHEDRON.splitlines()
    text = "\n".join([*lines[:4], "o lid", *lines[4:6], "o pot.001", *lines[6:]])
    mesh = only(tmp_path / "o", text)
    assert mesh.parts == ("lid", "pot.001")
    assert np.bincount(mesh.part).tolist() == [2, 2]
    assert is_closed(mesh), "parts share the vertices at their border"
    assert only(tmp_path / "g", text.replace("o ", "g ")).parts == ("lid", "pot.001")
    assert only(tmp_path / "plain", TETRAHEDRON).parts == ("body",)


def test_z_up_files_are_turned(tmp_path):
    arrow = trimesh.util.concatenate([box((1, 1, 4)), box((0.1, 0.1, 0.1)).apply_translation([0, -3, 0])])
    as_is, turned = only(tmp_path / "y", arrow), only(tmp_path / "z", arrow, up="z")
    assert np.ptp(as_is.vertices, axis=0).argmax() == 2
    assert np.ptp(turned.vertices, axis=0).argmax() == 1
    assert turned.vertices[:, 2].max() == pytest.approx(-as_is.vertices[:, 1].min()), "-y is the front"
    assert faces_outwards(turned)


def test_small_meshes_are_refined(tmp_path):
    assert only(tmp_path, box(), min_triangles=100).triangles == 192


def test_far_away_coordinates_lose_nothing(tmp_path):
    near, far = only(tmp_path / "a", box()), only(tmp_path / "b", box().apply_translation([5e6, 0, -3e6]))
    assert far.vertices == pytest.approx(near.vertices, abs=1e-6)


# --------------------------------------------------------------- materials


def test_a_material_of_our_name_is_taken(tmp_path):
    solid = box()
    solid.visual = TextureVisuals(material=PBRMaterial(name="walnut", baseColorFactor=[0, 0, 255, 255]))
    assert only(tmp_path / "glb", solid, "glb").materials == ("walnut",)
    write(tmp_path, {"obj/thing/m.mtl": "newmtl gold\nKd 0 0 1\n"})
    assert only(tmp_path / "obj", "mtllib m.mtl\nusemtl gold\n" + TETRAHEDRON).materials == ("gold",)


def test_a_changed_companion_is_read_again(tmp_path):
    write(tmp_path, {"thing/m.mtl": "newmtl skin\nKd 0 0 1\n"})
    blue = only(tmp_path, "mtllib m.mtl\nusemtl skin\n" + TETRAHEDRON)
    write(tmp_path, {"thing/m.mtl": "newmtl skin\nKd 1 1 1\n"})
    (white,) = FolderLibrary(tmp_path).meshes("thing")
    assert (blue.materials, white.materials) == (("plastic_blue",), ("plastic_white",))


PRIMARIES = {(255, 0, 0): "red", (0, 0, 255): "blue", (255, 255, 255): "white", (0, 0, 0): "black"}


@pytest.mark.parametrize(("colour", "name"), PRIMARIES.items())
def test_the_nearest_plain_material_stands_for_a_colour(tmp_path, colour, name):
    by_vertex, by_face = box(), box()
    by_vertex.visual.vertex_colors = [*colour, 255]
    by_face.visual.face_colors = [*colour, 255]
    write(tmp_path, {"c/m.mtl": "newmtl skin\nKd {} {} {}\n".format(*(value / 255 for value in colour))})
    files = {"c/mtl.obj": "mtllib m.mtl\nusemtl skin\n" + TETRAHEDRON, "c/factor.glb": coloured(box(), *colour, 255)}
    files |= {f"c/vertex.{suffix}": by_vertex for suffix in ("obj", "ply", "glb")} | {"c/face.ply": by_face}
    (chosen,) = {mesh.materials for mesh in FolderLibrary(write(tmp_path, files)).meshes("c")}
    assert chosen[0] in (f"plastic_{name}", f"paint_{name}")


def test_a_texture_gives_its_average_colour(tmp_path):
    image = Image.new("RGB", (4, 4), (30, 90, 190))
    for material in (SimpleMaterial(image=image), PBRMaterial(baseColorTexture=image)):
        solid = box()
        solid.visual = TextureVisuals(uv=np.full((8, 2), 0.5), material=material)
        assert only(tmp_path / type(material).__name__, solid, "glb").materials == ("plastic_blue",)


def test_gltf_colours_are_linear(tmp_path):
    grey = coloured(box(), 55, 55, 55, 255)  # sRGB 127
    assert only(tmp_path, grey, "glb").materials == ("plastic_grey",)


def test_without_a_colour_a_part_is_grey(tmp_path):
    unnamed = box()
    unnamed.visual = TextureVisuals(uv=np.zeros((8, 2)), material=PBRMaterial())
    files = {"c/uv.obj": CORNERS + "vt 0 0\nf 1/1 3/1 2/1\n", "c/plain.stl": box(), "c/unnamed.glb": unnamed}
    assert {mesh.materials for mesh in FolderLibrary(write(tmp_path, files)).meshes("c")} == {("paint_grey",)}


# ----------------------------------------------------------------- shading


def test_seams_of_textures_and_normals_are_shaded_smoothly(tmp_path):
    faceted = sphere()
    faceted.unmerge_vertices()
    mesh = only(tmp_path, faceted, "glb")
    assert len(mesh.vertices) == len(sphere().vertices)
    assert is_closed(mesh)
    assert (corner_normals(mesh) * mesh.vertices[mesh.faces]).sum(2).min() > 0.999 / np.sqrt(3)


def test_what_merging_would_make_non_manifold_stays_apart_there_only(tmp_path):
    """Two boxes touch along an edge, and a sphere has seams everywhere."""
    boxes = [box((1, 1, 1)).apply_translation([x, x, 0]) for x in (0, 1)]
    ball = sphere().apply_translation([5, 0, 0])
    ball.unmerge_vertices()
    mesh = only(tmp_path, trimesh.util.concatenate([*boxes, ball]), "glb")
    assert len(mesh.vertices) == 16 + len(sphere().vertices)
    assert is_closed(mesh)


def test_double_sided_sheets_are_accepted(tmp_path):
    sheet = trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], [[0, 1, 2], [0, 2, 3]], process=False)
    back = sheet.copy()
    back.invert()
    mesh = only(tmp_path, trimesh.util.concatenate([sheet, back]), "glb")
    assert mesh.triangles == 4
    assert not is_closed(mesh)


def inverted(solid):
    solid.invert()
    return solid


def test_meshes_that_look_inwards_are_turned(tmp_path):
    assert faces_outwards(only(tmp_path / "whole", inverted(box())))
    pieces = trimesh.util.concatenate([box(), inverted(sphere().apply_translation([5, 0, 0]))])
    mesh = only(tmp_path / "piece", pieces)
    assert is_closed(mesh)
    rightmost = mesh.vertices[mesh.faces][..., 0].mean(1).argmax()  # on the sphere
    assert corner_normals(mesh)[rightmost, 0, 0] > 0.9


def test_meshes_that_look_both_ways_are_drawn_from_both_sides(tmp_path):
    solid = box()
    solid.faces[3] = solid.faces[3][::-1]
    assert not Geometry.of([only(tmp_path, solid)]).one_sided.item()


# ------------------------------------------------------------- broken input


def scene_with(vertices=None, faces=None):
    """A GLB whose first part is broken, and a sound part with many vertices."""
    good, bad = box().vertices, box().faces.copy()
    broken = trimesh.Trimesh(good if vertices is None else vertices, bad if faces is None else faces, process=False)
    return trimesh.Scene({"bad": broken, "good": sphere()})


FAN = "v 0 0 0\nv 0 1 0\nv 1 0 0\nv -1 0 0\nv 0 0 1\nf 1 2 3\nf 2 1 4\nf 1 2 5\n"
PLY = "ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\n" + (
    "element face 1\nproperty list uchar int vertex_indices\nend_header\n0 0 0\n1 0 0\n0 1 0\n"
)
BROKEN = {
    "garbled.glb": (b"glTF" + bytes(range(200)), "cannot read it .*export the mesh again"),
    "cut.glb": (exported(box(), "glb")[:300], "cannot read it"),
    "cut.ply": (exported(sphere(), "ply")[:900], "cannot read it"),
    "cut.stl": (exported(box(), "stl")[:150], "empty"),
    "no.gltf": ("{", "cannot read it"),
    "lost_buffer.gltf": ('{"asset": {"version": "2.0"}, "buffers": [{"uri": "gone.bin"}]}', "gone.bin"),
    "nothing.obj": ("", r"empty \(0 vertices, 0 faces\); give it triangles"),
    "prose.obj": ("this is no mesh\n", "empty"),
    "points.obj": ("v 0 0 0\nv 1 0 0\n", "empty"),
    "nan.obj": (TETRAHEDRON.replace("v 0 1 0", "v 0 nan 0"), r"vertex \d is .*nan.*without NaN"),
    "infinite.ply": (PLY.replace("1 0 0", "inf 0 0") + "3 0 1 2\n", r"vertex 1 is \[inf, 0.0, 0.0\]"),
    "index.obj": (TETRAHEDRON.replace("f 1 3 2", "f 1 3 9"), "index 8 is out of bounds"),
    "index.ply": (PLY + "3 0 1 7\n", "names vertex 7, but there are 3 vertices"),
    "negative.ply": (PLY + "3 0 1 -1\n", "names vertex -1"),
    "point.ply": (PLY.replace("1 0 0\n0 1 0", "0 0 0\n0 0 0") + "3 0 1 2\n", "one place"),
    "line.ply": (PLY.replace("0 1 0", "2 0 0") + "3 0 1 2\n", "none of the 1 faces has an area"),
    "fan.obj": (FAN, "not a manifold: edge .* belongs to 3 faces"),
    "part_index.glb": (scene_with(faces=[[0, 1, 2], [0, 2, 30]]), "part 'bad': a face names vertex 30"),
    "part_nan.glb": (scene_with(vertices=[[0, 0, np.nan]] + [[1, 2, 3]] * 7), "part 'bad': vertex 0 is"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_named_with_its_reason(tmp_path, name):
    content, reason = BROKEN[name]
    write(tmp_path, {"good/a.obj": box(), f"bad/{name}": content})
    with pytest.raises(InputError, match=rf"1 problem\(s\) with its files:\n.*bad/{name}.*{reason}"):
        FolderLibrary(tmp_path)


def test_one_error_names_all_broken_files_up_to_ten(tmp_path):
    write(tmp_path, {f"a/{number:02}.obj": FAN for number in range(8)} | {"a/good.obj": box()})
    write(tmp_path, {f"b/{number}.obj": "" for number in range(5)})
    message = refusal(tmp_path)
    assert "13 problem(s)" in message
    assert [f"a/{number:02}.obj" in message for number in range(8)] == [True] * 8
    assert [f"b/{number}.obj" in message for number in range(5)] == [True, True, False, False, False]
    assert "good" not in message
    assert message.endswith("\nand 3 more")


def test_hidden_files_and_companions_are_passed_over_and_others_named(tmp_path):
    skipped = ("c/.a.obj", ".git/x.obj", "c/.cache/y.blend", "c/t.png", "c/t.JPG", "c/t.mtl", "c/t.bin", "c/a.txt")
    write(tmp_path, dict.fromkeys((*skipped, "README.md"), "x") | {"c/a.obj": box()})
    assert len(FolderLibrary(tmp_path).meshes("c")) == 1
    write(tmp_path, {"c/model.blend": "x", "loose.obj": box(), "empty/notes.txt": "x"})
    message = refusal(tmp_path)
    assert "c/model.blend: not a mesh (.glb .gltf .obj .ply .stl); convert it" in message
    assert "loose.obj: it lies outside of the class folders; move it" in message
    assert "empty: the class has no mesh" in message
    assert "3 problem(s)" in message


def test_folders_that_hold_no_classes_are_refused(tmp_path):
    assert "no such folder; give" in refusal(tmp_path / "absent")
    assert "holds no class folder; put" in refusal(write(tmp_path, {"a.obj": box(), ".hidden/a.obj": box()}))


def test_classes_that_differ_only_in_case_are_refused(tmp_path):
    (tmp_path / "probe").mkdir()
    if (tmp_path / "PROBE").exists():
        pytest.skip("the file system knows no difference in case")
    (tmp_path / "probe").rmdir()
    assert "cup: the class differs from 'Cup' only in case" in refusal(
        write(tmp_path, {"Cup/a.obj": box(), "cup/a.obj": box()})
    )


@pytest.mark.parametrize("options", [{"part": "all"}, {"up": "x"}])
def test_unknown_options_are_refused(tmp_path, options):
    ((name, value),) = options.items()
    assert refusal(write(tmp_path, {"c/a.obj": box()}), **options).startswith(f"{name} ")
    assert repr(value) in refusal(tmp_path, **options)


def test_an_unknown_class_is_refused(tmp_path):
    with pytest.raises(InputError, match="no class 'cup'; it has c"):
        FolderLibrary(write(tmp_path, {"c/a.obj": box()})).meshes("cup")


def test_a_mesh_that_changes_under_way_is_refused(tmp_path):
    library = FolderLibrary(write(tmp_path, {"c/a.obj": box()}))
    write(tmp_path, {"c/a.obj": TETRAHEDRON})
    folder._mesh.cache_clear()
    with pytest.raises(InputError, match=r"c/a\.obj: it changed after the library was made; make the library again"):
        library.meshes("c")[0]


# ------------------------------------------------------------------- parts


def numbered(root, counts):
    """Classes of boxes; a box's proportions tell which it is."""
    return write(root, {f"{name}/{n}.ply": box((1, 1, 2 + n)) for name, count in counts.items() for n in range(count)})


def numbers(library, name):
    slimness = [np.ptp(mesh.vertices, axis=0) for mesh in library.meshes(name)]
    return [round(float(z / x)) - 2 for x, _, z in slimness]


def test_parts_share_no_mesh_and_hold_all(tmp_path):
    numbered(tmp_path, {"few": 3, "many": 20})
    parts = {part: FolderLibrary(tmp_path, part) for part in ("train", "val", "test")}
    for name, sizes in {"few": [1, 1, 1], "many": [14, 3, 3]}.items():
        shares = [numbers(library, name) for library in parts.values()]
        assert [len(share) for share in shares] == sizes
        assert sorted(number for share in shares for number in share) == list(range(sum(sizes)))
        assert shares == [numbers(FolderLibrary(tmp_path, part), name) for part in parts], "the same every time"


def test_a_mesh_more_moves_few_others(tmp_path):
    numbered(tmp_path, {"c": 20})
    before = set(numbers(FolderLibrary(tmp_path, "train"), "c"))
    write(tmp_path, {"c/20.ply": box((1, 1, 22))})
    assert len(before - set(numbers(FolderLibrary(tmp_path, "train"), "c"))) <= 1


@pytest.mark.parametrize("count", [1, 2])
def test_a_class_too_small_to_split_is_refused(tmp_path, count):
    numbered(tmp_path, {"big": 5, "small": count})
    assert FolderLibrary(tmp_path).classes == ("big", "small")
    message = refusal(tmp_path, part="val")
    assert f"small: the class has {count} mesh(es), too few to split; add meshes" in message
    assert "part=None" in message


# -------------------------------------------------------------- fingerprint


def test_the_fingerprint_follows_files_and_options_and_not_the_place(tmp_path):
    here = numbered(tmp_path / "here", {"c": 3})
    write(here, {"c/skin.mtl": "newmtl a\n"})
    first = FolderLibrary(here).fingerprint()
    there = shutil.copytree(here, tmp_path / "there")
    write(there, {"c/notes.txt": "notes are no part of it", "c/.hidden": "x"})
    assert FolderLibrary(there).fingerprint() == first
    others = [FolderLibrary(here, **options) for options in ({"part": "train"}, {"part": "val"}, {"up": "z"})]
    found = {first, FolderLibrary(here, min_triangles=50).fingerprint(), *(each.fingerprint() for each in others)}
    for change in ({"c/skin.mtl": "newmtl b\n"}, {"c/1.ply": box()}, {"c/3.ply": box()}):
        found.add(FolderLibrary(write(there, change)).fingerprint())
    os.rename(there / "c", there / "d")
    found.add(FolderLibrary(there).fingerprint())
    assert len(found) == 9


# ---------------------------------------------------------------- rendering


def test_a_simulator_renders_the_classes(tmp_path):
    from ndslib.sim.simulator import TorchSimulator

    write(tmp_path, {"ball/a.glb": coloured(sphere(), 255, 0, 0, 255), "table/a.glb": table(), "table/b.ply": box()})
    library = pickle.loads(pickle.dumps(FolderLibrary(tmp_path)))
    simulator = TorchSimulator(size=16, library=library)
    assert simulator.classes == ("ball", "table")
    ((images, classes),) = simulator.generate([0] * 8, [0, 1], 2)
    assert images.shape == (4, 3, 16, 16)
    assert classes.tolist() == [0, 0, 1, 1]
    red, green, _ = images[0, :, 8, 8].tolist()
    assert red > 2 * green
    assert torch.equal(images[0], images[1]), "nothing varies"


def test_inside_out_meshes_look_like_sound_ones(tmp_path):
    from ndslib.sim.simulator import TorchSimulator

    def picture(name, solid):
        library = FolderLibrary(write(tmp_path / name, {"thing/a.ply": solid}))
        ((images, _),) = TorchSimulator(size=16, library=library).generate([0] * 8, [0], 1)
        return images.int()

    mixed = sphere()
    mixed.faces[::2] = mixed.faces[::2, ::-1]
    sound = picture("sound", sphere())
    assert torch.equal(picture("inverted", inverted(sphere())), sound)
    assert (picture("mixed", mixed) - sound).abs().float().mean() < 4
