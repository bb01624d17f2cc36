"""A pretraining set as a folder of pictures: `<out>/<class>/<number>.png` and `<out>/dataset.json`.

Each class appears whole or not at all, and `dataset.json` when the last one stands. What is there is not rendered
again, so that a killed run goes on where it was; a picture is the same whatever else is rendered with it.
"""

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from ndslib.core.errors import InputError
from ndslib.core.files import write_json
from ndslib.core.parallel import run_jobs
from ndslib.data.fetching.disk import alone_at, check_writable, writing_to
from ndslib.sim.parameters import Parameter, check_settings
from ndslib.sim.simulator import Simulator
from ndslib.task2sim.pretraining import spread

FORMAT = "ndslib task2sim dataset 1"
DONE, UNDER_WAY, LOCK = "dataset.json", ".dataset.json", ".lock"
WORKSHOP = ".rendering-"


def setting_for(simulator: Simulator, parameters: Sequence[Parameter], levels: Sequence[int]) -> tuple[int, ...]:
    """A setting of a simulator with the levels of some parameters; its others are fixed (0).

    Raises:
        InputError: the simulator has no such parameter, or it has another number of levels.
    """
    missing = [each.name for each in parameters if each not in simulator.parameters]
    if missing:
        has = ", ".join(f"{each.name} ({each.levels} levels)" for each in simulator.parameters)
        raise InputError(
            f"the policy chooses {missing}, which this simulator does not have with as many levels; it has {has}: take "
            "another simulator, or train a policy on its parameters"
        )
    chosen = dict(zip(parameters, levels, strict=True))
    return tuple(chosen.get(each, 0) for each in simulator.parameters)


@dataclass(frozen=True)
class PictureFolder:
    """What to render, whatever the setting.

    Attributes:
        simulator: what renders.
        images_per_class: at least 1.
        classes: how many, spread evenly over the simulator's; None takes all.
        size: side of the pictures in pixels.
        seed: of the pictures.

    Raises:
        InputError: the simulator has fewer classes, one whose name cannot be a folder's, or refuses one of these.
    """

    simulator: Simulator
    images_per_class: int
    classes: int | None = None
    size: int = 64
    seed: int = 0

    def __post_init__(self) -> None:
        total = len(self.simulator.classes)
        if self.classes is not None and not 1 <= self.classes <= total:
            raise InputError(f"{self.classes} classes are asked for; the simulator has {total}: choose 1 to {total}")
        _check_names([self.simulator.classes[number] for number in self.class_ids])
        self._pictures([0] * len(self.simulator.parameters), self.class_ids)  # which looks at its arguments at once

    @property
    def class_ids(self) -> list[int]:
        """The classes, as places among the simulator's."""
        total = len(self.simulator.classes)
        return spread(total if self.classes is None else self.classes, total)

    def check(self, out: Path | str, about: Mapping[str, object] | None = None) -> None:
        """Make the folder `out` when absent, and see that `render` can use it, before a setting is known.

        Raises:
            InputError: as `render`, whatever the setting.
        """
        out = Path(out).expanduser().absolute()
        check_writable(out / LOCK)
        found = _found(out)
        if found is not None:
            _refuse_another(out, found, self._description(about) | {"settings": found.get("settings")})

    def render(
        self, setting: Sequence[int], out: Path | str, about: Mapping[str, object] | None = None, workers: int = 1
    ) -> Path:
        """Render the classes that are missing, or lack pictures, in the folder `out`, and return its path.

        Args:
            setting: one level a parameter of the simulator.
            out: made when absent.
            about: JSON that `dataset.json` says besides; a set with other words about it counts as another set.
            workers: classes at a time, each in a process of its own.

        Raises:
            InputError: wrong settings, `out` holds another set or other files or cannot be written, or the simulator
                gives other pictures than it was asked for.
        """
        out = Path(out).expanduser().absolute()
        settings = check_settings(setting, self.simulator.parameters)
        with writing_to(out):
            out.mkdir(parents=True, exist_ok=True)
            with alone_at(out / LOCK):
                _claim(out, self._description(about) | {"settings": settings})
                self._render_missing(setting, out, workers)
                if not (out / DONE).exists():
                    os.replace(out / UNDER_WAY, out / DONE)
        return out

    def _render_missing(self, setting: Sequence[int], out: Path, workers: int) -> None:
        missing = [number for number in self.class_ids if not self._is_whole(out / self.simulator.classes[number])]
        try:
            run_jobs(partial(self._render_class, out, setting), missing, workers, description="rendering classes")
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from failed

    def _is_whole(self, folder: Path) -> bool:
        names = map(_file_name, range(self.images_per_class))
        return folder.is_dir() and {path.name for path in folder.iterdir()}.issuperset(names)

    def _description(self, about: Mapping[str, object] | None) -> dict[str, object]:
        """What `dataset.json` says besides the settings."""
        return {
            "format": FORMAT,
            "simulator": {"name": type(self.simulator).__name__, "fingerprint": self.simulator.fingerprint()},
            "classes": [self.simulator.classes[number] for number in self.class_ids],
            "images_per_class": self.images_per_class,
            "size": self.size,
            "seed": self.seed,
        } | dict(about or {})

    def _render_class(self, out: Path, setting: Sequence[int], class_id: int) -> None:
        folder = out / self.simulator.classes[class_id]
        workshop, done = out / f"{WORKSHOP}{folder.name}-{os.getpid()}", 0
        workshop.mkdir()
        for pictures, numbers in self._pictures(setting, [class_id]):
            self._check_pictures(pictures, numbers, class_id)
            for picture in pictures.permute(0, 2, 3, 1).numpy():
                Image.fromarray(picture).save(workshop / _file_name(done))
                done += 1
        if done != self.images_per_class:
            raise InputError(f"the simulator gave {done} pictures of {folder.name}, not {self.images_per_class}")
        if folder.is_dir():  # it lost pictures; what else lies there stays
            shutil.copytree(workshop, folder, dirs_exist_ok=True)
            shutil.rmtree(workshop)
        else:
            workshop.rename(folder)

    def _check_pictures(self, pictures: Tensor, numbers: Tensor, class_id: int) -> None:
        wanted = (len(numbers), 3, self.size, self.size)
        if pictures.shape != wanted or pictures.dtype != torch.uint8 or (numbers != class_id).any():
            raise InputError(
                f"the simulator gave {pictures.dtype} {tuple(pictures.shape)} of the class ids "
                f"{sorted(set(numbers.tolist()))} for {self.simulator.classes[class_id]}, wanted uint8 "
                f"[B, 3, {self.size}, {self.size}] of {class_id}: mend it, and run again"
            )

    def _pictures(self, setting: Sequence[int], class_ids: list[int]) -> Iterator[tuple[Tensor, Tensor]]:
        return self.simulator.generate(setting, class_ids, self.images_per_class, self.size, self.seed)


def _file_name(number: int) -> str:
    return f"{number:05}.png"


def _check_names(classes: Sequence[str]) -> None:
    """Refuse class names that would be written elsewhere, over something else, or into what is hidden."""
    for name, count in Counter(classes).items():
        if count > 1 or not name or name.startswith(".") or set(name) & set("/\0") or name == DONE:
            raise InputError(f"the simulator's class {name!r} cannot be a folder of its own in the set; rename it")


def _claim(out: Path, wanted: dict[str, object]) -> None:
    """Say in the folder whose it is, unless it says that already; remove what a killed run was in the middle of."""
    found = _found(out)
    if found is None:
        write_json(out / UNDER_WAY, wanted)
    else:
        _refuse_another(out, found, wanted)
    for left in out.glob(f"{WORKSHOP}*"):
        shutil.rmtree(left)


def _found(out: Path) -> dict[str, object] | None:
    """What the folder says of the set that it holds; None where it is empty, and an InputError for other files."""
    note = next((out / name for name in (DONE, UNDER_WAY) if (out / name).exists()), None)
    if note is not None:
        return _read(note)
    others = sorted(path.name for path in out.iterdir() if not path.name.startswith("."))
    if others:
        raise InputError(f"{out}: it holds other files ({', '.join(others[:3])}); give a new or an empty folder")
    return None


def _refuse_another(out: Path, found: dict[str, object], wanted: dict[str, object]) -> None:
    odd = [name for name in sorted(found.keys() | wanted.keys()) if found.get(name) != wanted.get(name)]
    if odd:
        raise InputError(f"{out}: it holds another set, which differs in {', '.join(odd)}; give a new folder")


def _read(note: Path) -> dict[str, object]:
    try:
        found = json.loads(note.read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"{note}: it cannot be read ({error}); give a new folder") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise InputError(f"{note}: it is not of this program; give a new folder")
    return found
