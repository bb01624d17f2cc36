"""For `pytest --nbval-lax notebooks`: kernels on private sockets, and records that leave `runs/` alone."""

import os
import tempfile

import nbval.kernel
import pytest
from jupyter_client.manager import KernelManager

from ndslib.core import kernels


def pytest_configure(config: pytest.Config) -> None:
    """Prepare this process (under xdist: this worker), whose variables the kernels inherit."""
    runs = tempfile.TemporaryDirectory(prefix="ndslib-runs-")
    config.add_cleanup(runs.cleanup)
    os.environ["NDSLIB_RUNS"] = runs.name
    nbval.kernel.KernelManager = lambda **given: KernelManager(**given, **kernels.transport())
