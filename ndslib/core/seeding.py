"""Determinism: one call for the global generators, and independent named streams for everything else.

Pass generators explicitly where a function draws; the global state is only for code that is not ours (the
initialisation of `torch.nn` layers, say).
"""

import contextlib
import os
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from ndslib.core.errors import InputError
from ndslib.core.files import digest


def seed_everything(seed: int) -> None:
    """Seed python, numpy and torch, and ask torch for deterministic algorithms.

    On a CPU a run is then bit-identical for a seed and a thread count. On a GPU an operation without a deterministic
    version warns and runs.

    Args:
        seed: 0 to 2**32 - 1 (numpy's range).

    Raises:
        InputError: `seed` is not an integer in that range.
    """
    _seed_globals(_checked(seed))
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is deterministic only with a fixed workspace
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False


def derive_seed(*parts: Any) -> int:
    """A seed in [0, 2**63) that depends on all of `parts` (JSON values) and on nothing else.

    The same parts give the same seed on every machine and in every process; different parts give independent streams,
    so `derive_seed(seed, "expert", 3)` does not move when a fourth expert or another draw is added.

    Raises:
        InputError: no parts.
        TypeError: a part is not JSON.
    """
    if not parts:
        raise InputError("derive_seed() needs at least one part, e.g. derive_seed(SEED, 'selection')")
    return int(digest(*parts), 16) >> 1


def generator(*parts: Any, device: str | torch.device = "cpu") -> torch.Generator:
    """A torch generator on `device` for the stream named by `parts`.

    torch's CPU generator keeps only the low 32 bits of a seed, so among some 10,000 streams a pair may coincide: draw
    such numbers of streams from `rng`.
    """
    return torch.Generator(device).manual_seed(derive_seed(*parts))


def rng(*parts: Any) -> np.random.Generator:
    """A numpy generator for the stream named by `parts`."""
    return np.random.default_rng(derive_seed(*parts))


@contextlib.contextmanager
def preserved() -> Iterator[None]:
    """Put the states of the global generators (python, numpy, torch on all devices in use) back after the block."""
    python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002 - the legacy state is global
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else []
    with torch.random.fork_rng(devices=devices):
        try:
            yield
        finally:
            random.setstate(python_state)
            np.random.set_state(numpy_state)  # noqa: NPY002


@contextlib.contextmanager
def isolated(*parts: Any) -> Iterator[None]:
    """Seed the global generators by `parts` inside the block and put their states back after it."""
    with preserved():
        _seed_globals(derive_seed(*parts) % 2**32)
        yield


def _seed_globals(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - libraries such as scikit-learn still read the global state
    torch.manual_seed(seed)


def _checked(seed: int) -> int:
    whole = isinstance(seed, int | np.integer) and not isinstance(seed, bool)
    if not whole or not 0 <= seed < 2**32:
        raise InputError(f"seed {seed!r} is not an integer from 0 to {2**32 - 1}")
    return int(seed)
