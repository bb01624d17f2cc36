"""Simulators: settings and classes in, labelled pictures out. `TorchSimulator` is the default one."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Protocol, runtime_checkable

import torch

from ndslib.core.errors import InputError
from ndslib.core.files import code_digest, digest
from ndslib.core.seeding import derive_seed
from ndslib.sim.library import Library, ProceduralLibrary, Stage
from ndslib.sim.parameters import PARAMETERS, Parameter, check_settings, sample_scene
from ndslib.sim.renderer import picture_size, render
from ndslib.sim.scene import SceneBatch, batch


@runtime_checkable
class Simulator(Protocol):
    """What Task2Sim needs of an engine that makes pretraining pictures (T2S section 4.1)."""

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The simulation parameters: name and number of levels each."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The object classes' names; a class id is a place in this list."""

    def fingerprint(self) -> str:
        """Names all that the pictures depend on, besides the arguments of `generate`."""

    def generate(
        self,
        settings: Sequence[int],
        class_ids: Sequence[int],
        images_per_class: int,
        size: int | None = None,
        seed: int = 0,
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield pictures uint8 [B, 3, S, S] (sRGB) and class ids int64 [B], class by class."""


class SceneSimulator(ABC):
    """What simulators share that draw the scenes of the eight parameters, each by an engine of its own.

    Args:
        size: the pictures' side in pixels, unless `generate` is told another; at least 8.
        library: the object classes; by default the whole catalogue, eight meshes a class.
        batch_size: pictures that `generate` yields at once.

    Raises:
        InputError: a size below 8 or a batch size below 1.
    """

    parameters: tuple[Parameter, ...] = PARAMETERS

    def __init__(self, size: int, library: Library | None, batch_size: int) -> None:
        if batch_size < 1:
            raise InputError(f"batch_size is {batch_size}: it must be at least 1")
        self.size, self.batch_size = picture_size(size)[0], batch_size
        self.library = ProceduralLibrary() if library is None else library

    @property
    def classes(self) -> tuple[str, ...]:
        """The object classes' names; a class id is a place in this list."""
        return self.library.classes

    @abstractmethod
    def fingerprint(self) -> str:
        """Names all that the pictures depend on, besides the arguments of `generate`."""

    @abstractmethod
    def _draw(self, scene: SceneBatch, size: int, seeds: Sequence[int]) -> torch.Tensor:
        """Pictures uint8 [B, 3, size, size], on the CPU; `seeds`, one a picture, are for engines that sample light."""

    def generate(
        self,
        settings: Sequence[int],
        class_ids: Sequence[int],
        images_per_class: int,
        size: int | None = None,
        seed: int = 0,
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Render `images_per_class` pictures of each class, in order; memory stays that of one batch.

        Picture i of a class is the same whatever else is generated with it.

        Args:
            settings: one level a parameter, in the order of `parameters`.
            class_ids: places in `classes`.
            size: the pictures' side in pixels; None takes the simulator's.

        Yields:
            uint8 [B, 3, S, S] (sRGB) and the class ids int64 [B], both on the CPU.

        Raises:
            InputError: (at once) wrong settings, an unknown class id, no pictures, or a size below 8.
        """
        side, _ = picture_size(self.size if size is None else size)
        check_settings(settings, self.parameters)
        class_ids, count = checked_pictures(class_ids, images_per_class, self.classes)
        return self._batches(settings, class_ids, count, side, seed)

    def scenes(self, settings: Sequence[int], pictures: Sequence[tuple[int, int]], seed: int = 0) -> SceneBatch:
        """The scenes of some pictures, (class id, number) each, on the CPU."""
        levels = check_settings(settings, self.parameters)
        stage = Stage(self.library)
        drawn = [sample_scene(stage, levels, self.classes[class_id], number, seed) for class_id, number in pictures]
        return batch(stage.geometry(), drawn)

    def _batches(
        self, settings: Sequence[int], class_ids: list[int], images_per_class: int, size: int, seed: int
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        pictures = ((class_id, number) for class_id in class_ids for number in range(images_per_class))
        while some := list(islice(pictures, self.batch_size)):
            seeds = [derive_seed("sim", seed, self.classes[class_id], number, "light") for class_id, number in some]
            images = self._draw(self.scenes(settings, some, seed), size, seeds)
            yield images, torch.tensor([class_id for class_id, _ in some])


def checked_pictures(class_ids: Sequence[int], images_per_class: int, classes: Sequence[str]) -> tuple[list[int], int]:
    """The class ids and the number of pictures of a request to a simulator of `classes`, as whole numbers.

    Raises:
        InputError: no pictures, or an unknown class id.
    """
    class_ids = list(class_ids)
    if images_per_class != int(images_per_class) or images_per_class < 1:
        raise InputError(f"images_per_class is {images_per_class}: give a whole number of at least 1")
    for wrong in (each for each in class_ids if each not in range(len(classes))):
        raise InputError(f"class id {wrong}: choose a whole number from 0 to {len(classes) - 1}")
    return [int(each) for each in class_ids], int(images_per_class)


class TorchSimulator(SceneSimulator):
    """The batched rasteriser behind the eight parameters of Task2Sim.

    Args:
        size, library, batch_size: as in `SceneSimulator`.
        device: where to render. The CPU's pictures are bit-identical over batch sizes, processes and threads; those of
            a GPU differ from them in the last digit here and there, so the kind of device is part of the fingerprint.

    Raises:
        InputError: a size below 8, a batch size below 1, or a device that is not there.
    """

    def __init__(
        self,
        size: int = 64,
        device: str | torch.device = "cpu",
        library: Library | None = None,
        batch_size: int = 64,
    ) -> None:
        super().__init__(size, library, batch_size)
        try:
            self.device = torch.zeros(0, device=device).device
        except (RuntimeError, AssertionError) as error:
            raise InputError(f"device {device!r} cannot be used here ({error}); device='cpu' always can") from error

    def fingerprint(self) -> str:
        """Names the code, torch's version, the kind of device, the default size and the meshes."""
        return digest(
            code_digest("ndslib.sim"), torch.__version__, self.device.type, self.size, self.library.fingerprint()
        )

    def _draw(self, scene: SceneBatch, size: int, seeds: Sequence[int]) -> torch.Tensor:
        return render(scene.to(self.device), size).images.cpu()
