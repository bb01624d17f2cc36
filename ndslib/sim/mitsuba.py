"""The simulator's scenes drawn by Mitsuba 3, a path tracer (optional: `pip install 'ndslib[render]'`)."""

import contextlib
import math
from collections.abc import Iterator, Sequence
from types import ModuleType

import torch

from ndslib.core.errors import InputError
from ndslib.core.files import code_digest, digest
from ndslib.core.parallel import one_thread
from ndslib.sim.film import develop
from ndslib.sim.library import Library
from ndslib.sim.renderer import picture_size
from ndslib.sim.scene import SceneBatch
from ndslib.sim.simulator import SceneSimulator

VARIANT = "scalar_rgb"  # the one that needs neither LLVM nor a GPU


class MitsubaSimulator(SceneSimulator):
    """A path tracer behind the eight parameters of Task2Sim: the scenes of `TorchSimulator` in truer, slower light.

    Shadows are those of the whole sky, light bounces between surfaces, the lens's blur is exact; in exchange the
    pictures carry the noise of sampled light, less of it the more samples a pixel has. Pictures are the same for any
    batch size and number of threads.

    Args:
        size, library, batch_size: as in `SceneSimulator`.
        samples_per_pixel: paths of light a pixel, at least 1; rounded up to fill a grid, nearly square.

    Raises:
        InputError: Mitsuba is not installed, a size below 8, or a batch size or number of samples below 1.
    """

    def __init__(
        self, size: int = 64, library: Library | None = None, samples_per_pixel: int = 16, batch_size: int = 16
    ) -> None:
        super().__init__(size, library, batch_size)
        self.samples_per_pixel = _checked(samples_per_pixel)
        self._version = _mitsuba().__version__

    def fingerprint(self) -> str:
        """Names the code, the versions of Mitsuba and torch (it draws the materials), the samples and the meshes."""
        versions = (self._version, VARIANT, torch.__version__)
        return digest(
            code_digest("ndslib.sim"), *versions, self.size, self.samples_per_pixel, self.library.fingerprint()
        )

    def _draw(self, scene: SceneBatch, size: int, seeds: Sequence[int]) -> torch.Tensor:
        return render(scene, size, self.samples_per_pixel, seeds)


def render(
    scene: SceneBatch,
    size: int | tuple[int, int],
    samples_per_pixel: int = 16,
    seed: int | Sequence[int] = 0,
) -> torch.Tensor:
    """Pictures uint8 [B, 3, H, W] (sRGB), one scene after the other.

    A variant of Mitsuba that the caller has set is set again afterwards.

    Args:
        scene: on any device; the work is done on the CPU, by as many threads as Mitsuba is set to use.
        size: the picture's side, or (height, width), in pixels; at least 8.
        samples_per_pixel: at least 1.
        seed: of the samples' noise: one for all pictures or one for each; the low 32 bits count.

    Raises:
        InputError: Mitsuba is not installed, a size below 8, no samples, or not one seed for each picture.
    """
    height, width = picture_size(size)
    seeds = [seed] * len(scene) if isinstance(seed, int) else list(seed)
    if len(seeds) != len(scene):
        raise InputError(f"{len(seeds)} seeds for {len(scene)} scenes: give one seed, or one for each scene")
    scene, samples = scene.to("cpu"), _checked(samples_per_pixel)
    samples += -samples % math.isqrt(samples)  # Mitsuba's sampler would do the same, with a warning
    with _variant(_mitsuba()), one_thread(), torch.inference_mode():
        pictures = [_picture(scene.part(i, i + 1), height, width, samples, seeds[i]) for i in range(len(scene))]
    return develop(torch.stack(pictures))


def _picture(scene: SceneBatch, height: int, width: int, samples: int, seed: int) -> torch.Tensor:
    """Linear light float32 [3, H, W] of one scene."""
    from ndslib.sim.mitsuba_scene import describe  # needs Mitsuba

    mitsuba = _mitsuba()
    image = mitsuba.render(mitsuba.load_dict(describe(scene, height, width)), spp=samples, seed=seed % 2**32)
    return torch.from_numpy(image.numpy()).permute(2, 0, 1).contiguous()


def _mitsuba() -> ModuleType:
    try:
        import mitsuba
    except ImportError as error:
        raise InputError("Mitsuba is not installed: pip install 'ndslib[render]', or use TorchSimulator") from error
    return mitsuba


@contextlib.contextmanager
def _variant(mitsuba: ModuleType) -> Iterator[None]:
    """Mitsuba's one global choice for the block; put back if it had been made before (it cannot be unmade)."""
    before = mitsuba.variant()
    mitsuba.set_variant(VARIANT)
    try:
        yield
    finally:
        if before is not None:
            mitsuba.set_variant(before)


def _checked(samples_per_pixel: int) -> int:
    if samples_per_pixel < 1:
        raise InputError(f"samples_per_pixel is {samples_per_pixel}: it must be at least 1")
    return samples_per_pixel
