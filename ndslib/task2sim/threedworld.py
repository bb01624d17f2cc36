"""ThreeDWorld (TDW), the engine of the paper: its commands for the eight parameters, and a controller that sends them.

TDW is two programs (Gan et al., 2020): the build, which renders, and a controller, which tells it what. This module is
the controller, and the program of the `ExternalSimulator` that `simulator` makes:

    python -m ndslib.task2sim.threedworld MANIFEST OUTPUT --build ~/tdw_build/TDW/TDW.x86_64

The commands are those of the authors' generator, with the names that TDW 1.13 gives them. Other than there, the sun is
turned from its own direction for every picture and not from that of the picture before, so that no picture depends on
another; and the materials come from all of TDW's, unless a file lists some (the authors took 140).
"""

import platform
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from scipy.spatial.transform import Rotation

from ndslib.core.errors import InputError
from ndslib.core.files import atomic_path
from ndslib.task2sim.external import MANIFEST, OUTPUT, ExternalSimulator
from ndslib.task2sim.scenes import Picture, read_manifest
from ndslib.task2sim.threedworld_assets import MODELS, Assets, pick
from ndslib.task2sim.threedworld_build import PORT, Command, connected

CAMERA, CENTRE = np.array([1.0, 1.5, 1.8]), np.array([0.0, 1.0, 0.0])  # metres; where an object at factor 1 stands
SHARP = 70.0  # an f-number at which everything is in focus
NEAREST_FOCUS = 0.1  # metres; the build's smallest
AVATAR = {"avatar_id": "a"}


class Stage:
    """Turns pictures, one after the other, into commands, as it knows what the build shows.

    All pictures must be of one setting: the build cannot be told to forget a light's colour, say.
    """

    def __init__(self, assets: Assets) -> None:
        self.assets = assets
        self.model = self.skybox = ""
        self.object = 0
        self.intensity = 0.0  # what has been added to the sun's

    def commands(self, picture: Picture) -> list[Command]:
        """The commands of one picture, for one message: scenery, object, camera, sun, lens, capture."""
        model = self.assets.model(picture)
        commands = [*self._skybox(self.assets.skybox(picture)), *self._object(model)]
        commands += _pose(picture, model, self.object)
        if picture["background"] is not None:
            commands += _turn_camera(picture["background"]["direction"], self.object)
        commands += self._sun(picture)
        if picture["blur"] is not None:
            commands += _lens(picture)
        if picture["materials"] is not None:
            commands += self._materials(picture["materials"], model)
        return [*commands, {"$type": "send_images", "frequency": "once", "ids": [AVATAR["avatar_id"]]}]

    def _skybox(self, record: dict) -> Iterator[Command]:
        if record["name"] != self.skybox:
            self.skybox, self.intensity = record["name"], 0.0  # a skybox brings its own sun
            keys = ("exposure", "initial_skybox_rotation", "sun_elevation", "sun_initial_angle", "sun_intensity")
            yield {"$type": "add_hdri_skybox", **_asset(record), **{key: record[key] for key in keys}}

    def _object(self, record: dict) -> Iterator[Command]:
        if record["name"] == self.model:
            return
        if self.model:
            yield {"$type": "destroy_object", "id": self.object}
            yield {"$type": "unload_asset_bundles", "bundle_type": "models"}
        self.model, self.object, unit = record["name"], self.object + 1, _unit_scale(record)
        yield {
            "$type": "add_object",
            **_asset(record),
            "id": self.object,
            "scale_factor": record["scale_factor"],
            "category": record["wcategory"],
        }
        yield {"$type": "scale_object", "id": self.object, "scale_factor": _vector([unit] * 3)}

    def _sun(self, picture: Picture) -> Iterator[Command]:
        if (turn := picture["light_direction"]) is not None:
            yield {"$type": "reset_directional_light_rotation"}
            yield {"$type": "rotate_directional_light_by", "axis": "yaw", "angle": turn["yaw"]}
            yield {"$type": "rotate_directional_light_by", "axis": "pitch", "angle": turn["pitch"]}
        if (color := picture["light_color"]) is not None:
            yield {"$type": "set_directional_light_color", "color": dict(zip("rgba", [*color, 1.0], strict=True))}
        if (wanted := picture["light_intensity"]) is not None:
            yield {"$type": "adjust_directional_light_intensity_by", "intensity": wanted - self.intensity}
            self.intensity = wanted

    def _materials(self, seed: int, model: dict) -> Iterator[Command]:
        """A material drawn for each place of each part."""
        random = np.random.default_rng(seed)
        for part in model["substructure"]:
            for place in range(len(part["materials"])):
                material = pick(self.assets.materials, random.random())
                yield {"$type": "add_material", **_asset(material)}
                yield {
                    "$type": "set_visual_material",
                    "id": self.object,
                    "object_name": part["name"],
                    "material_index": place,
                    "material_name": material["name"],
                }


def setup(size: int) -> list[Command]:
    """The commands that come before all pictures: an empty scene, a camera, and how it develops pictures."""
    return [
        {"$type": "set_error_handling", "error": True},  # quit rather than go on without an asset
        {"$type": "load_scene", "scene_name": "ProcGenScene"},
        {"$type": "simulate_physics", "value": False},
        {"$type": "set_screen_size", "width": size, "height": size},
        {"$type": "set_render_quality", "render_quality": 5},
        {"$type": "set_img_pass_encoding", "value": True},  # PNG
        {"$type": "create_avatar", "type": "A_Img_Caps_Kinematic", "id": AVATAR["avatar_id"]},
        {"$type": "teleport_avatar_to", **AVATAR, "position": _vector(CAMERA)},
        {"$type": "set_pass_masks", **AVATAR, "pass_masks": ["_img"]},
        {"$type": "set_field_of_view", **AVATAR, "field_of_view": 60},
        {"$type": "set_camera_clipping_planes", **AVATAR, "near": 0.01, "far": 160},
        {"$type": "set_anti_aliasing", **AVATAR, "mode": "subpixel"},
        {"$type": "set_aperture", "aperture": SHARP},
        {"$type": "set_vignette", "enabled": False},
        {"$type": "set_post_exposure", "post_exposure": 0.6},
        {"$type": "set_contrast", "contrast": -20},
        {"$type": "set_saturation", "saturation": 10},
        {"$type": "set_screen_space_reflections", "enabled": False},
        {"$type": "set_shadow_strength", "strength": 1.0},
    ]


def _pose(picture: Picture, model: dict, number: int) -> list[Command]:
    """The object's middle at its distance from the camera, and the camera turned to it."""
    rotation = picture["object_rotation"] or [0.0, 0.0, 0.0, 1.0]
    middle = np.array([model["bounds"]["center"][axis] for axis in "xyz"]) * _unit_scale(model)
    place = CAMERA + (CENTRE - CAMERA) * (picture["object_distance"] or 1.0)
    origin = place - Rotation.from_quat(rotation).apply(middle)  # objects turn about the middle of their bottom
    return [
        {"$type": "rotate_object_to", "id": number, "rotation": dict(zip("xyzw", rotation, strict=True))},
        {"$type": "teleport_object", "id": number, "position": _vector(origin)},
        {"$type": "look_at_position", **AVATAR, "position": _vector(CENTRE)},
    ]


def _turn_camera(direction: Sequence[float], number: int) -> list[Command]:
    """Turn the camera, and the object with it, so that another part of the skybox lies behind."""
    return [
        {"$type": "parent_object_to_avatar", "id": number, **AVATAR, "sensor": True},
        {"$type": "look_at_position", **AVATAR, "position": _vector(CAMERA + direction)},
        {"$type": "unparent_object", "id": number},
    ]


def _lens(picture: Picture) -> list[Command]:
    distance = np.linalg.norm(CENTRE - CAMERA) * (picture["object_distance"] or 1.0)
    focus = max(NEAREST_FOCUS, float(distance) + picture["blur"]["focus"])
    return [
        {"$type": "set_focus_distance", "focus_distance": focus},
        {"$type": "set_aperture", "aperture": picture["blur"]["aperture"] or SHARP},
    ]


def _asset(record: dict) -> Command:
    """Name and address of an asset bundle, for a build on this kind of machine."""
    return {"name": record["name"], "url": record["urls"][platform.system()]}


def _unit_scale(model: dict) -> float:
    """The factor that makes a model's longest side 1 m."""
    bounds = model["bounds"]
    sides = (("top", "bottom", "y"), ("front", "back", "z"), ("right", "left", "x"))
    return 1 / max(bounds[high][axis] - bounds[low][axis] for high, low, axis in sides)


def _vector(values: Sequence[float]) -> dict[str, float]:
    return {axis: float(value) for axis, value in zip("xyz", values, strict=True)}


def simulator(
    version: str, size: int = 256, records: Path | None = None, models: str = MODELS, options: Sequence[str] = ()
) -> ExternalSimulator:
    """TDW as a simulator of all eight parameters, each picture set rendered by a run of this module.

    Args:
        version: of the build, e.g. "TDW 1.13.0".
        size: the pictures' side in pixels.
        records, models: as in `Assets`.
        options: further options of this module, e.g. ("--build", "/opt/TDW/TDW.x86_64").

    Raises:
        InputError: TDW's records are not there.
    """
    command = [sys.executable, "-m", __spec__.name, MANIFEST, OUTPUT, "--models", models, *options]
    command += [] if records is None else ["--records", str(records)]
    return ExternalSimulator(command, Assets(records, models).classes, version, size)


def main(
    manifest: Annotated[Path, typer.Argument(help="The pictures, as ndslib.task2sim.scenes writes them.")],
    output: Annotated[Path, typer.Argument(help="The folder to write them into.")],
    build: Annotated[Path | None, typer.Option(help="TDW's build, to be started; else one is waited for.")] = None,
    port: Annotated[int, typer.Option(help="Where to listen for the build; 0 takes a free port.")] = PORT,
    address: Annotated[str, typer.Option(help="This machine's address to listen on; * for all.")] = "127.0.0.1",
    patience: Annotated[float, typer.Option(help="Seconds to wait for the build's answers.")] = 300.0,
    records: Annotated[Path | None, typer.Option(help="TDW's metadata_libraries; else those of `tdw`.")] = None,
    models: Annotated[str, typer.Option(help="The file of models among the records.")] = MODELS,
    materials: Annotated[Path | None, typer.Option(help="A file that lists the materials to draw from.")] = None,
) -> None:
    """Render a manifest with ThreeDWorld."""
    pictures, assets = read_manifest(manifest), Assets(records, models, materials)
    # What is slow to load is loaded once: models, and the skyboxes of each.
    pictures.sort(key=lambda picture: (assets.model(picture)["name"], assets.skybox(picture)["name"]))
    stage = Stage(assets)
    with connected(build, port, address, patience) as tdw:
        tdw.communicate(setup(pictures[0]["size"]))
        for picture in pictures:
            with atomic_path(output / picture["file"]) as temporary:
                temporary.write_bytes(tdw.picture(stage.commands(picture)))


if __name__ == "__main__":
    try:
        typer.run(main)
    except InputError as error:
        sys.exit(f"error: {error}")
