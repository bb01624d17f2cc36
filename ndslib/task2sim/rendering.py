"""A pretraining set as a folder of pictures: `<out>/<class>/<number>.png` and `<out>/dataset.json`.

Each class appears whole or not at all, and `dataset.json` when the last one stands. What is there is not rendered
again, so that a killed run goes on where it was; a picture is the same whatever else is rendered with it.
"""

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PIL import Image
from torch import Tensor

from ndslib.core.errors import InputError
from ndslib.core.files import write_json
from ndslib.core.parallel import run_jobs
from ndslib.data.fetching.disk import alone_at, writing_to
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
        InputError: the simulator has fewer classes, or refuses one of these.
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
        self._pictures([0] * len(self.simulator.parameters), self.class_ids)  # which looks at its arguments at once

    @property
    def class_ids(self) -> list[int]:
        """The classes, as places among the simulator's."""
        total = len(self.simulator.classes)
        return spread(total if self.classes is None else self.classes, total)

    def render(
        self, setting: Sequence[int], out: Path | str, about: Mapping[str, object] | None = None, workers: int = 1
    ) -> Path:
        """Render what is missing in the folder `out`, made when absent, and return its path.

        Args:
            setting: one level a parameter of the simulator.
            about: JSON that `dataset.json` says besides; a set with other words about it counts as another set.
            workers: classes at a time, each in a process of its own.

        Raises:
            InputError: wrong settings, `out` holds another set or other files, or it cannot be written.
        """
        out = Path(out).expanduser().absolute()
        wanted = self._description(setting) | dict(about or {})
        with writing_to(out):
            out.mkdir(parents=True, exist_ok=True)
            with alone_at(out / LOCK):
                _claim(out, wanted)
                self._render_missing(setting, out, workers)
                if not (out / DONE).exists():
                    os.replace(out / UNDER_WAY, out / DONE)
        return out

    def _render_missing(self, setting: Sequence[int], out: Path, workers: int) -> None:
        missing = [number for number in self.class_ids if not (out / self.simulator.classes[number]).is_dir()]
        try:
            run_jobs(partial(self._render_class, out, setting), missing, workers, description="rendering classes")
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from failed

    def _description(self, setting: Sequence[int]) -> dict[str, object]:
        return {
            "format": FORMAT,
            "settings": check_settings(setting, self.simulator.parameters),
            "simulator": {"name": type(self.simulator).__name__, "fingerprint": self.simulator.fingerprint()},
            "classes": [self.simulator.classes[number] for number in self.class_ids],
            "images_per_class": self.images_per_class,
            "size": self.size,
            "seed": self.seed,
        }

    def _render_class(self, out: Path, setting: Sequence[int], class_id: int) -> None:
        folder = out / self.simulator.classes[class_id]
        workshop, done = out / f"{WORKSHOP}{folder.name}-{os.getpid()}", 0
        workshop.mkdir()
        for pictures, _ in self._pictures(setting, [class_id]):
            for picture in pictures.permute(0, 2, 3, 1).numpy():
                Image.fromarray(picture).save(workshop / f"{done:05}.png")
                done += 1
        if done != self.images_per_class:
            raise InputError(f"the simulator gave {done} pictures of {folder.name}, not {self.images_per_class}")
        workshop.rename(folder)

    def _pictures(self, setting: Sequence[int], class_ids: list[int]) -> Iterator[tuple[Tensor, Tensor]]:
        return self.simulator.generate(setting, class_ids, self.images_per_class, self.size, self.seed)


def _claim(out: Path, wanted: dict[str, object]) -> None:
    """Say in the folder whose it is, unless it says that already; remove what a killed run was in the middle of."""
    note = next((out / name for name in (DONE, UNDER_WAY) if (out / name).exists()), None)
    if note is None:
        others = sorted(path.name for path in out.iterdir() if not path.name.startswith("."))
        if others:
            raise InputError(f"{out}: it holds other files ({', '.join(others[:3])}); give a new or an empty folder")
        write_json(out / UNDER_WAY, wanted)
    elif (found := _read(note)) != wanted:
        odd = [name for name in sorted(found.keys() | wanted.keys()) if found.get(name) != wanted.get(name)]
        raise InputError(f"{out}: it holds another set, which differs in {', '.join(odd)}; give a new folder")
    for left in out.glob(f"{WORKSHOP}*"):
        shutil.rmtree(left)


def _read(note: Path) -> dict[str, object]:
    try:
        found = json.loads(note.read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"{note}: it cannot be read ({error}); give a new folder") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise InputError(f"{note}: it is not of this program; give a new folder")
    return found
