"""Simulators that are programs of their own (ThreeDWorld, BlenderProc, Kubric): a manifest out, a folder of images in.

The program is started once for all pictures of a call that are not there yet. It reads the manifest (`scenes` says what
stands in it) and writes each picture, 8-bit RGB, under the wanted name. `threedworld` is one such program; for others a
user needs some ten lines. With BlenderProc, `blenderproc run render.py {manifest} {output}`:

    import blenderproc as bproc
    import json, sys, mathutils, PIL.Image
    bproc.init()
    for picture in map(json.loads, open(sys.argv[1])):
        bproc.clean_up()
        bproc.types.Light("SUN").set_energy(1 + (picture["light_intensity"] or 0))
        *xyz, w = picture["object_rotation"] or (0, 0, 0, 1)
        mesh = bproc.loader.load_obj(f"{picture['class']}.obj")[0]
        mesh.set_rotation_mat(mathutils.Quaternion((w, *xyz)).to_matrix())
        bproc.camera.set_resolution(picture["size"], picture["size"])
        bproc.camera.add_camera_pose(bproc.math.build_transformation_mat([0, -2.12, 0], [1.571, 0, 0]))
        PIL.Image.fromarray(bproc.renderer.render()["colors"][0]).save(f"{sys.argv[2]}/{picture['file']}")

With Kubric, in its container, `python render.py {manifest} {output}`:

    import json, sys, kubric as kb
    from kubric.renderer.blender import Blender
    for picture in map(json.loads, open(sys.argv[1])):
        scene = kb.Scene(resolution=(picture["size"], picture["size"]))
        renderer, light = Blender(scene), 1 + (picture["light_intensity"] or 0)
        *xyz, w = picture["object_rotation"] or (0, 0, 0, 1)
        scene += kb.Cube(name=picture["class"], scale=0.5, quaternion=(w, *xyz))
        scene += kb.DirectionalLight(name="sun", position=(1, 2, 3), look_at=(0, 0, 0), intensity=light)
        scene += kb.PerspectiveCamera(name="camera", position=(2.12, 0, 0), look_at=(0, 0, 0))
        kb.write_png(renderer.render_still()["rgba"][..., :3], f"{sys.argv[2]}/{picture['file']}")

Both follow the programs' documentation and have not been run here. They vary two parameters and have to say so:
`supports=("object_rotation", "light_intensity")`.
"""

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ndslib.core import paths
from ndslib.core.errors import InputError
from ndslib.core.files import atomic_path, digest, sha256_file
from ndslib.data.fetching.disk import alone_at
from ndslib.data.images import read_image
from ndslib.sim.parameters import PARAMETERS, Parameter, check_settings
from ndslib.sim.renderer import picture_size
from ndslib.sim.simulator import checked_pictures
from ndslib.task2sim import scenes

NAMES = tuple(parameter.name for parameter in PARAMETERS)
MANIFEST, OUTPUT = "{manifest}", "{output}"
Pictures = dict[str, scenes.Picture]  # by the name of the file
TAIL = 10  # lines of a program's log that an error quotes
POLL = 0.2  # seconds between two looks at a running program


class ExternalSimulator:
    """A `Simulator` whose pictures a user's command renders.

    Each picture that is right goes into the cache, whole, under a name made of the command, the version and its line of
    the manifest. What is there is never rendered again: not for a larger set, and not after a fault or a killed run,
    when the next manifest lists only the pictures that are missing.

    Args:
        command: the program and its arguments, never read by a shell; `{manifest}` and `{output}` stand for the paths
            of the manifest and of the folder, already there, for the pictures.
        classes: the object classes that the program has meshes of; a class id is a place in this list.
        version: name and version of the program and of the script that it runs, e.g. "BlenderProc 2.8, render.py 3".
            Change it whenever the program would draw other pictures: the cache cannot see that.
        size: the pictures' side in pixels, unless `generate` is told another; at least 8.
        supports: names of the simulation parameters that the program varies; settings that vary another are refused.
        resize: accept square pictures of another size and scale them.
        patience: seconds without a new picture after which the program counts as hung and is killed.
        batch_size: pictures that `generate` yields at once.

    Raises:
        InputError: a command that is no list or lacks a placeholder, no classes or one named twice, an unknown
            parameter, a size below 8, a batch size below 1, or no patience.
    """

    parameters: tuple[Parameter, ...] = PARAMETERS

    def __init__(
        self,
        command: Sequence[str],
        classes: Sequence[str],
        version: str,
        size: int = 256,
        supports: Sequence[str] = NAMES,
        resize: bool = False,
        patience: float = 600.0,
        batch_size: int = 64,
    ) -> None:
        self.command, self.classes, self.supports = _command(command), tuple(classes), tuple(supports)
        if not self.classes or len(set(self.classes)) < len(self.classes):
            raise InputError(f"classes are {list(classes)}: name at least one, and each only once")
        if unknown := sorted(set(self.supports) - set(NAMES)):
            raise InputError(f"supports names {unknown}; the simulation parameters are {', '.join(NAMES)}")
        if batch_size < 1 or not patience > 0:
            raise InputError(f"batch_size is {batch_size}, patience {patience}: give at least 1, and a positive time")
        self.version, self.size, self.resize = version, picture_size(size)[0], resize
        self.patience, self.batch_size = patience, batch_size

    def fingerprint(self) -> str:
        """Names the command, the version, the classes, the default size and the code that draws the manifest."""
        return digest(self._program(), self.classes, self.size, sha256_file(scenes.__file__))

    def generate(
        self,
        settings: Sequence[int],
        class_ids: Sequence[int],
        images_per_class: int,
        size: int | None = None,
        seed: int = 0,
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Have `images_per_class` pictures of each class rendered, all before the first are yielded.

        Picture i of a class is the same whatever else is generated with it.

        Args:
            settings: one level a parameter, in the order of `parameters`.
            class_ids: places in `classes`.
            size: the pictures' side in pixels; None takes the simulator's.

        Yields:
            uint8 [B, 3, S, S] (sRGB) and the class ids int64 [B], both on the CPU, class by class.

        Raises:
            InputError: (at once) wrong settings, one that varies what the program does not support, an unknown class
                id, no pictures, or a size below 8; (with the first batch) the program cannot be started, fails, hangs,
                or leaves pictures out, damaged, not RGB or of another size.
        """
        side, _ = picture_size(self.size if size is None else size)
        levels = check_settings(settings, self.parameters)
        for name in (name for name, level in levels.items() if level and name not in self.supports):
            able = ", ".join(self.supports) or "nothing"
            raise InputError(f"{self.version} cannot vary {name}: set it to 0 (the program varies {able})")
        class_ids, count = checked_pictures(class_ids, images_per_class, self.classes)
        wanted = [(each, number) for each in class_ids for number in range(count)]
        pictures = [scenes.draw_picture(levels, self.classes[each], number, side, seed) for each, number in wanted]
        return self._batches(pictures, torch.tensor([class_id for class_id, _ in wanted]))

    def _batches(
        self, pictures: list[scenes.Picture], labels: torch.Tensor
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        self._complete({picture["file"]: picture for picture in pictures})
        for start in range(0, len(pictures), self.batch_size):
            some = slice(start, start + self.batch_size)
            images = np.stack([np.asarray(read_image(str(self._place(picture)))) for picture in pictures[some]])
            yield torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(), labels[some]

    def _program(self) -> str:
        return digest(self.command, self.version, self.resize)

    def _store(self) -> Path:
        return paths.cache_root() / "external" / self._program()

    def _place(self, picture: scenes.Picture) -> Path:
        """Where a picture is kept: in one of 256 folders, as one folder of a million files is slow."""
        return self._store() / picture["file"][:2] / picture["file"]

    def _missing(self, pictures: Pictures) -> Pictures:
        return {name: picture for name, picture in pictures.items() if not self._place(picture).exists()}

    def _complete(self, pictures: Pictures) -> None:
        """Have the program make what is missing."""
        if not self._missing(pictures):
            return
        # Named by the pictures, so that what a killed run had made of them is found.
        folder = self._store() / f"run-{digest(sorted(pictures))}"
        folder.parent.mkdir(parents=True, exist_ok=True)
        with alone_at(folder.with_suffix(".lock")):
            self._keep(self._missing(pictures), folder / "images")
            if missing := self._missing(pictures):
                self._render(missing, folder)
            shutil.rmtree(folder, ignore_errors=True)

    def _render(self, pictures: Pictures, folder: Path) -> None:
        """Run the program and keep the pictures that are right; the folder stays if any is wrong."""
        manifest, output, log = folder / "manifest.jsonl", folder / "images", folder / "log.txt"
        shutil.rmtree(folder, ignore_errors=True)
        output.mkdir(parents=True)
        scenes.write_manifest(manifest, pictures.values())
        command = [_filled(argument, manifest, output) for argument in self.command]
        fault = _run(command, output, log, self.patience)
        refused = self._keep(pictures, output)
        if fault or refused:
            first = f" ({refused[0]})" if refused else ""
            raise InputError(
                f"{self.version} {fault or 'ended as if all were well'}, and {len(refused)} of {len(pictures)} pictures"
                f" are not right{first}. Mend the program and ask again: the manifest will list only those. The "
                f"command was {shlex.join(command)}; the end of its log, {log}:\n{_tail(log)}"
            )

    def _keep(self, pictures: Pictures, output: Path) -> list[str]:
        """Take the pictures that are right from the program's folder into the cache; what is wrong with the others."""
        return [complaint for picture in pictures.values() if (complaint := self._keep_one(picture, output))]

    def _keep_one(self, picture: scenes.Picture, output: Path) -> str | None:
        source, side = output / picture["file"], picture["size"]
        if not source.exists():
            return f"{source.name} is missing"
        try:
            image = read_image(str(source))
        except InputError as error:
            return str(error)
        with Image.open(source) as stored:
            if stored.mode != "RGB":
                return f"{source.name} has the mode {stored.mode}; wanted 8-bit RGB without transparency"
        width, height = image.size
        if width != height or (width != side and not self.resize):
            return f"{source.name} has {width} x {height} pixels; wanted {side} x {side}"
        with atomic_path(self._place(picture)) as temporary:
            image.resize((side, side), Image.Resampling.LANCZOS).save(temporary, compress_level=1)
        return None


def _command(command: Sequence[str]) -> tuple[str, ...]:
    if isinstance(command, str) or not all(isinstance(argument, str) for argument in command):
        raise InputError(f"command is {command!r}: give a list of texts, the program and each argument")
    for placeholder in (MANIFEST, OUTPUT):
        if not any(placeholder in argument for argument in command):
            raise InputError(f"command {list(command)} has no {placeholder}: put it where the program takes that path")
    return tuple(command)


def _filled(argument: str, manifest: Path, output: Path) -> str:
    return argument.replace(MANIFEST, str(manifest)).replace(OUTPUT, str(output))


def _run(command: list[str], output: Path, log: Path, patience: float) -> str | None:
    """Run a program to its end; None, or what went wrong."""
    with open(log, "wb") as stream:
        try:
            # A session of its own: whatever the program starts dies with it.
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT, start_new_session=True
            )
        except OSError as error:
            raise InputError(
                f"{command[0]}: cannot be started ({error.strerror}); install it or give its path"
            ) from error
    try:
        hung = _watch(process, output, patience)
    finally:
        with contextlib.suppress(ProcessLookupError):  # it ended, and left nothing running
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if hung:
        return f"made no picture for {patience:g} s and was killed"
    if process.returncode < 0:
        return f"was killed by {signal.Signals(-process.returncode).name}"
    return f"exited with status {process.returncode}" if process.returncode else None


def _watch(process: subprocess.Popen, output: Path, patience: float) -> bool:
    """Wait for the end of a program; whether it stopped adding to its folder before."""
    changed, since = output.stat().st_mtime_ns, time.monotonic()
    while time.monotonic() - since < patience:
        try:
            process.wait(min(POLL, patience))
        except subprocess.TimeoutExpired:
            if output.stat().st_mtime_ns != changed:
                changed, since = output.stat().st_mtime_ns, time.monotonic()
        else:
            return False
    return True


def _tail(log: Path) -> str:
    with open(log, "rb") as stream:
        stream.seek(max(0, log.stat().st_size - 10_000))
        lines = stream.read().decode(errors="replace").splitlines()
    return "\n".join(lines[-TAIL:]) or "(it is empty)"
