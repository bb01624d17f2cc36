"""ThreeDWorld's commands for each parameter, and the controller against a build that speaks the real handshake."""

import io
import json
import platform
import runpy
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import zmq
from PIL import Image
from scipy.spatial.transform import Rotation

from ndslib.core.errors import InputError
from ndslib.task2sim import scenes, threedworld
from ndslib.task2sim.external import NAMES
from ndslib.task2sim.threedworld import CAMERA, Stage, main, setup, simulator
from ndslib.task2sim.threedworld_assets import Assets
from ndslib.task2sim.threedworld_build import RESENDS, connected, first_image

SYSTEM = platform.system()
# `Images` output data as the code that TDW 1.13 generates from its own schema writes it, up to the length of the image.
IMAGES = bytes.fromhex(
    "1400000000000e001800140010000c00080004000e00000030000000080000000800000008000000180000000f00000053656e736f72436f6e74"
    "61696e6572000100000061000000010000000c000000080008000000040008000000040000"
    "00"
)
SKIES = {
    "fish_hoek_beach_4k": ("exterior", 140),
    "room_4k": ("interior", 130),
    "dusk_4k": ("exterior", 90),
    "meadow_4k": ("exterior", 120),
    "square_4k": ("exterior", 150),
}


def png(*color: int, size: int = 8) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (size, size), color).save(file, "PNG")
    return file.getvalue()


def image_data(image: bytes) -> bytes:
    """`Images` output data as a build sends it: the kind of data stands after the place of the table."""
    plain = IMAGES + struct.pack("<I", len(image)) + image
    return struct.pack("<I", struct.unpack_from("<I", plain)[0] + 4) + b"imag" + plain[4:]


def other_data(kind: bytes) -> bytes:
    return struct.pack("<I", 8) + kind + bytes(16)


def model(name: str, wnid: str, parts: dict[str, int], height: float, do_not_use: bool = False) -> dict:
    """A model of 1 x `height` x 1 m that stands on its origin."""
    ends = {"left": (-0.5, 0, 0), "right": (0.5, 0, 0), "front": (0, 0, 0.5), "back": (0, 0, -0.5)}
    ends |= {"bottom": (0, 0, 0), "top": (0, height, 0), "center": (0, height / 2, 0)}
    return {
        "name": name,
        "urls": {SYSTEM: f"https://models/{name}"},
        "wnid": wnid,
        "wcategory": "thing",
        "scale_factor": 1.5,
        "do_not_use": do_not_use,
        "bounds": {end: dict(zip("xyz", place, strict=True)) for end, place in ends.items()},
        "substructure": [{"name": part, "materials": ["own"] * count} for part, count in parts.items()],
    }


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """A folder of records as TDW has them."""
    models = [
        model("chair_a", "n03001627", {"seat": 1, "legs": 2}, 2.0),
        model("chair_b", "n03001627", {"all": 1}, 1.0),
        model("chair_broken", "n03001627", {"all": 1}, 1.0, do_not_use=True),
        model("mug", "n03797390", {"cup": 1}, 0.5),
        model("ghost", "n00000001", {"all": 1}, 1.0, do_not_use=True),
    ]
    names = ("brass", "cotton", "felt", "granite")
    materials = [{"name": name, "type": "any", "urls": {SYSTEM: f"https://materials/{name}"}} for name in names]
    numbers = {"exposure": 0.5, "initial_skybox_rotation": 210, "sun_initial_angle": 185, "sun_intensity": 0.9}
    skies = [
        {"name": name, "urls": {SYSTEM: f"https://skies/{name}"}, "location": place, "sun_elevation": height, **numbers}
        for name, (place, height) in SKIES.items()
    ]
    folder = tmp_path / "records"
    folder.mkdir()
    for name, rows in (("models_core", models), ("materials_low", materials), ("hdri_skyboxes", skies)):
        (folder / f"{name}.json").write_text(json.dumps({"records": {row["name"]: row for row in rows}}))
    return folder


@pytest.fixture
def assets(records: Path) -> Assets:
    return Assets(records)


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def picture(*varied: str, class_name: str = "n03001627", image: int = 0, **changes: object) -> dict:
    levels = {name: int(name in varied) for name in NAMES}
    return scenes.draw_picture(levels, class_name, image, 8, 0) | {"mesh": 0.0} | changes


def kinds(commands: list[dict]) -> list[str]:
    return [command["$type"] for command in commands]


def of_kind(commands: list[dict], kind: str) -> dict:
    (found,) = (command for command in commands if command["$type"] == kind)
    return found


class FakeBuild(threading.Thread):
    """Connects as TDW's build does, and answers with the frame's number and, where asked, an image.

    Attributes:
        messages: the lists of commands received.
        faults: by the number of the message, what to answer in place; None: nothing, and end.
    """

    def __init__(self, port: int, image: Callable[[int], bytes] = lambda _: png(10, 20, 30)) -> None:
        super().__init__(daemon=True)
        self.port, self.image = port, image
        self.messages: list[list[dict]] = []
        self.faults: dict[int, list[bytes] | None] = {}

    def run(self) -> None:
        with zmq.Context() as context, context.socket(zmq.REQ) as link:
            link.linger = 0
            link.connect(f"tcp://127.0.0.1:{self.port}")
            link.send(b"ready")
            while link.poll(20_000):
                self.messages.append(json.loads(link.recv()))
                answer = self.faults.get(len(self.messages) - 1, self.answer())
                if answer is None:
                    return
                link.send_multipart([*answer, len(self.messages).to_bytes(4, "big")])
                if "terminate" in kinds(self.messages[-1]):
                    link.linger = 1000
                    return

    def answer(self) -> list[bytes]:
        if "terminate" in kinds(self.messages[-1]):
            return [other_data(b"quit")]
        if "send_images" in kinds(self.messages[-1]):
            return [other_data(b"tran"), image_data(self.image(len(self.messages)))]
        return []


@pytest.fixture
def build(port: int) -> Iterator[FakeBuild]:
    fake = FakeBuild(port)
    fake.start()
    yield fake
    fake.join(20)
    assert not fake.is_alive()


def test_the_classes_are_those_with_models(assets):
    assert assets.classes == ("n03001627", "n03797390")
    assert [record["name"] for record in assets.models["n03001627"]] == ["chair_a", "chair_b"]
    assert [record["name"] for record in assets.outdoors] == ["fish_hoek_beach_4k", "meadow_4k", "square_4k"]


def test_one_picture_with_everything_fixed(assets):
    assert Stage(assets).commands(picture()) == [
        {
            "$type": "add_hdri_skybox",
            "name": "fish_hoek_beach_4k",
            "url": "https://skies/fish_hoek_beach_4k",
            "exposure": 0.5,
            "initial_skybox_rotation": 210,
            "sun_elevation": 140,
            "sun_initial_angle": 185,
            "sun_intensity": 0.9,
        },
        {
            "$type": "add_object",
            "name": "chair_a",
            "url": "https://models/chair_a",
            "id": 1,
            "scale_factor": 1.5,
            "category": "thing",
        },
        {"$type": "scale_object", "id": 1, "scale_factor": {"x": 0.5, "y": 0.5, "z": 0.5}},
        {"$type": "rotate_object_to", "id": 1, "rotation": {"x": 0.0, "y": 0.0, "z": 0.0, "w": 1.0}},
        {"$type": "teleport_object", "id": 1, "position": {"x": 0.0, "y": 0.5, "z": 0.0}},
        {"$type": "look_at_position", "avatar_id": "a", "position": {"x": 0.0, "y": 1.0, "z": 0.0}},
        {"$type": "send_images", "frequency": "once", "ids": ["a"]},
    ]


ADDED = {
    "object_rotation": [],
    "object_distance": [],
    "light_intensity": ["adjust_directional_light_intensity_by"],
    "light_color": ["set_directional_light_color"],
    "light_direction": ["reset_directional_light_rotation", *["rotate_directional_light_by"] * 2],
    "blur": ["set_focus_distance", "set_aperture"],
    "background": ["parent_object_to_avatar", "look_at_position", "unparent_object"],
    "materials": ["add_material", "set_visual_material"] * 3,
}
CHANGED = {
    "object_rotation": {"rotate_object_to", "teleport_object"},  # it turns about its middle
    "object_distance": {"teleport_object", "set_focus_distance"},  # the lens follows, where it blurs
    "background": {"add_hdri_skybox"},
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("rest", [False, True])
def test_a_parameter_changes_only_its_own_commands(assets, name, rest):
    others = [each for each in NAMES if each != name] if rest else []
    drawn = picture(name, *others)
    if drawn["background"]:
        drawn["background"]["choice"] = 0.9  # another skybox than the fixed one
    fixed = Stage(assets).commands(drawn | {name: None})
    varied = Stage(assets).commands(drawn)
    new = [command for command in varied if command not in fixed]
    gone = [command for command in fixed if command not in varied]
    assert sorted(kinds(varied)) == sorted([*kinds(fixed), *ADDED[name]])
    assert set(kinds(gone)) <= CHANGED.get(name, set())
    assert new
    assert set(kinds(new)) <= set(ADDED[name]) | CHANGED.get(name, set())


def test_an_object_turns_about_its_middle_and_moves_along_the_view(assets):
    drawn = picture("object_rotation", "object_distance")
    commands = Stage(assets).commands(drawn)
    turn = of_kind(commands, "rotate_object_to")["rotation"]
    assert [turn[axis] for axis in "xyzw"] == drawn["object_rotation"]
    origin = np.array([of_kind(commands, "teleport_object")["position"][axis] for axis in "xyz"])
    middle = origin + Rotation.from_quat(drawn["object_rotation"]).apply([0, 0.5, 0])
    np.testing.assert_allclose(middle, CAMERA + (np.array([0, 1, 0]) - CAMERA) * drawn["object_distance"])


def test_the_lens(assets):
    sharp = Stage(assets).commands(picture("blur", blur={"focus": 0.5, "aperture": None}))
    assert of_kind(sharp, "set_aperture")["aperture"] == 70
    blurred = picture("blur", "object_distance", object_distance=2.0, blur={"focus": 0.5, "aperture": 0.7})
    commands = Stage(assets).commands(blurred)
    assert of_kind(commands, "set_aperture")["aperture"] == 0.7
    distance = 2 * np.sqrt(1 + 0.25 + 1.8**2)
    assert of_kind(commands, "set_focus_distance")["focus_distance"] == pytest.approx(distance + 0.5)
    near = picture("blur", "object_distance", object_distance=0.4, blur={"focus": -1.0, "aperture": 0.7})
    assert of_kind(Stage(assets).commands(near), "set_focus_distance")["focus_distance"] == 0.1


def test_the_sun(assets):
    commands = Stage(assets).commands(
        picture(light_direction={"yaw": 30.0, "pitch": 200.0}, light_color=[0.1, 0.2, 0.3], light_intensity=-0.4)
    )
    first = kinds(commands).index("reset_directional_light_rotation")
    assert commands[first : first + 5] == [
        {"$type": "reset_directional_light_rotation"},
        {"$type": "rotate_directional_light_by", "axis": "yaw", "angle": 30.0},
        {"$type": "rotate_directional_light_by", "axis": "pitch", "angle": 200.0},
        {"$type": "set_directional_light_color", "color": {"r": 0.1, "g": 0.2, "b": 0.3, "a": 1.0}},
        {"$type": "adjust_directional_light_intensity_by", "intensity": -0.4},
    ]
    assert first > kinds(commands).index("add_hdri_skybox")  # which brings a sun of its own


def test_pictures_do_not_depend_on_those_before(assets):
    """The intensity is told as a change, so what adds up must be each picture's own; a new skybox starts afresh."""
    stage = Stage(assets)
    skies = [{"choice": choice, "direction": [1.0, 0.0, 0.0]} for choice in (0.4, 0.4, 0.9)]
    changes = [
        of_kind(stage.commands(picture(light_intensity=value, background=sky)), "adjust_directional_light_intensity_by")
        for value, sky in zip((0.5, -0.2, 0.3), skies, strict=True)
    ]
    assert [change["intensity"] for change in changes] == pytest.approx([0.5, -0.7, 0.3])


def test_models_and_skyboxes_are_loaded_when_they_change(assets):
    stage = Stage(assets)
    stage.commands(picture())
    same = kinds(stage.commands(picture(image=1)))
    other = stage.commands(picture(image=2, mesh=0.6))
    assert not {"add_hdri_skybox", "add_object", "destroy_object"} & set(same)
    assert kinds(other)[:3] == ["destroy_object", "unload_asset_bundles", "add_object"]
    assert other[0]["id"] == 1
    assert of_kind(other, "add_object")["name"] == "chair_b"
    assert {command["id"] for command in other[2:] if "id" in command} == {2}


def test_materials_come_from_the_seed_and_from_the_list(records, assets, tmp_path):
    def drawn(source: Assets, seed: int) -> list[tuple]:
        commands = Stage(source).commands(picture(materials=seed))
        chosen = [each for each in commands if each["$type"] == "set_visual_material"]
        return [(each["object_name"], each["material_index"], each["material_name"]) for each in chosen]

    assert [place[:2] for place in drawn(assets, 0)] == [("seat", 0), ("legs", 0), ("legs", 1)]
    assert drawn(assets, 0) == drawn(assets, 0)
    assert len({tuple(drawn(assets, seed)) for seed in range(20)}) > 10
    (tmp_path / "some.txt").write_text("felt\nbrass\n")
    some = Assets(records, materials=tmp_path / "some.txt")
    assert {name for seed in range(20) for _, _, name in drawn(some, seed)} == {"felt", "brass"}


def test_faults_of_the_records(records, assets, tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"models_full\.json.*cannot be read"):
        Assets(records, "models_full.json")
    (tmp_path / "some.txt").write_text("felt\nunobtainium\n")
    with pytest.raises(InputError, match=r"no material 'unobtainium'"):
        Assets(records, materials=tmp_path / "some.txt")
    with pytest.raises(InputError, match=r"none\.txt.*cannot be read"):
        Assets(records, materials=tmp_path / "none.txt")
    with pytest.raises(InputError, match="'n00000001': TDW's records have no model"):
        Stage(assets).commands(picture(class_name="n00000001"))
    (records / "models_core.json").write_text("[]")
    with pytest.raises(InputError, match=r"models_core\.json: not a file of TDW's records"):
        Assets(records)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install tdw, or give --records"):
        Assets()


def test_a_manifest_is_rendered(records, port, build, tmp_path):
    """Message by message: setup, then the pictures, those of one model together, then the end."""
    pictures = [picture(image=number, mesh=[0.1, 0.9, 0.2][number]) for number in range(3)]
    scenes.write_manifest(tmp_path / "manifest.jsonl", pictures)
    build.image = lambda count: png(count, 0, 0)
    main(tmp_path / "manifest.jsonl", tmp_path / "images", None, port, records=records, patience=20)
    build.join(20)
    stage = Stage(Assets(records))
    expected = [stage.commands(pictures[number]) for number in (0, 2, 1)]
    assert build.messages == [setup(8), *expected, [{"$type": "terminate"}]]
    colors = [Image.open(tmp_path / "images" / each["file"]).getpixel((0, 0))[0] for each in pictures]
    assert colors == [2, 4, 3]


def test_as_a_program_of_the_adapter(records, port, build):
    backend = simulator("TDW 1.13", 8, records, options=["--port", str(port), "--patience", "30"])
    assert backend.classes == ("n03001627", "n03797390")
    (images, labels), *more = backend.generate([1] * 8, [1, 0], 2)
    assert not more
    assert labels.tolist() == [1, 1, 0, 0]
    assert torch.equal(images, torch.tensor([10, 20, 30], dtype=torch.uint8).view(1, 3, 1, 1).expand(4, 3, 8, 8))
    assert [message[0]["$type"] for message in (build.messages[0], build.messages[-1])] == [
        "set_error_handling",
        "terminate",
    ]
    assert len(build.messages) == 6


def test_the_program_ends_with_a_fault(records, port, tmp_path, monkeypatch):
    scenes.write_manifest(tmp_path / "manifest.jsonl", [picture()])
    command = [tmp_path / "manifest.jsonl", tmp_path, "--records", records, "--port", port, "--patience", 0.3]
    monkeypatch.setattr(sys, "argv", ["threedworld", *map(str, command)])
    with pytest.raises(SystemExit, match=r"error: the build did not connect for 0\.3 s"):
        runpy.run_path(threedworld.__file__, run_name="__main__")


def test_a_build_that_never_connects(port):
    with (
        pytest.raises(InputError, match=f"did not connect for 0.3 s.*-port={port}"),
        connected(port=port, patience=0.3),
    ):
        pass


@pytest.mark.parametrize("port", [-1, 65536, 99999])
def test_a_port_that_there_is_not(port):
    with pytest.raises(InputError, match=f"port {port}: choose a --port from 1 to 65535"), connected(port=port):
        pass


def test_a_build_that_dies_midway(records, port, build, tmp_path):
    pictures = [picture(image=number) for number in range(3)]
    scenes.write_manifest(tmp_path / "manifest.jsonl", pictures)
    build.faults[2] = None
    with pytest.raises(InputError, match=r"did not answer for 0\.5 s"):
        main(tmp_path / "manifest.jsonl", tmp_path / "images", None, port, records=records, patience=0.5)
    assert [path.name for path in (tmp_path / "images").iterdir()] == [pictures[0]["file"]]


def test_a_build_that_quits_on_an_error(port, build):
    build.faults[0] = [other_data(b"quit")]
    with connected(port=port, patience=20) as tdw, pytest.raises(InputError, match=r"quits on an error.*Player\.log"):
        tdw.communicate(setup(8))


def test_a_lost_message_is_sent_again(port, build):
    build.faults = {0: [other_data(b"ftre")], 1: [other_data(b"ftre")]}
    with connected(port=port, patience=20) as tdw:
        assert tdw.communicate([{"$type": "do_nothing"}]) == []
    build.join(20)
    assert kinds([command for message in build.messages for command in message]) == [*["do_nothing"] * 3, "terminate"]


def test_a_message_that_is_always_lost(port, build):
    build.faults = {number: [other_data(b"ftre")] for number in range(RESENDS)}
    with connected(port=port, patience=20) as tdw, pytest.raises(InputError, match=f"lost one message {RESENDS} times"):
        tdw.communicate([])


def test_an_answer_without_an_image(port, build):
    build.faults[0] = [other_data(b"tran")]
    with connected(port=port, patience=20) as tdw, pytest.raises(InputError, match="without an image"):
        tdw.picture([{"$type": "send_images"}])


def test_a_port_that_is_taken(port):
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        with pytest.raises(InputError, match=f"port {port}: cannot listen there.*--port"), connected(port=port):
            pass


def test_the_build_is_started_and_ends(tmp_path):
    executable = tmp_path / "TDW.x86_64"
    executable.write_text(
        f"#!{sys.executable}\n"
        "import json, sys, zmq\n"
        "link = zmq.Context().socket(zmq.REQ)\n"
        "link.connect('tcp://127.0.0.1:' + sys.argv[1].removeprefix('-port='))\n"
        "link.send(b'ready')\n"
        "while json.loads(link.recv()) != [{'$type': 'terminate'}]:\n"
        "    link.send_multipart([bytes(4)])\n"
        "link.send_multipart([bytes(4)])\n"
    )
    executable.chmod(0o755)
    with connected(executable, 0, patience=20) as tdw:  # at a free port, which it is told
        assert tdw.communicate(setup(8)) == []
        process = tdw._process
        assert process.poll() is None
    assert process.poll() is not None


def test_a_started_build_that_ends_is_not_waited_for(port, tmp_path):
    executable = tmp_path / "TDW.x86_64"
    executable.write_text("#!/bin/sh\nexit 3\n")
    executable.chmod(0o755)
    with pytest.raises(InputError, match="ended with status 3"), connected(executable, port, patience=1000):
        pass
    with (
        pytest.raises(InputError, match=r"no-build: the build cannot be started"),
        connected(tmp_path / "no-build", port),
    ):
        pass


def test_images_are_read_from_output_data():
    image = png(1, 2, 3)
    assert first_image(IMAGES + struct.pack("<I", len(image)) + image) == image
    assert first_image(image_data(image)) == image
    for damaged in (b"", b"\x08\x00\x00\x00imag", image_data(image)[:60], image_data(b"no image")):
        with pytest.raises(InputError, match=f"sent {len(damaged)} bytes as an image that are none"):
            first_image(damaged)
