"""Notebook kernels of this very environment, reached over private sockets.

A kernel spec that a user registered elsewhere under the name `python3` never decides which packages a notebook sees.
"""

import itertools
import os
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jupyter_client import AsyncKernelManager
from traitlets import Dict
from traitlets.config import Config

_LONGEST_SOCKET = 100  # bytes; a Unix socket's path may have 107 on Linux, 103 on macOS
_count = itertools.count()


class LocalKernelManager(AsyncKernelManager):
    """Starts kernels with further environment variables."""

    environment = Dict().tag(config=True)

    async def start_kernel(self, **options: Any) -> None:
        """As the parent's, with `environment` over the caller's variables."""
        await super().start_kernel(env={**os.environ, **self.environment}, **options)


def options(environment: Mapping[str, str]) -> dict[str, Any]:
    """Arguments that make one `papermill.execute_notebook` use a local kernel with these environment variables."""
    manager = {"environment": dict(environment), **transport()}
    config = Config({"LocalKernelManager": manager, "KernelSpecManager": {"kernel_dirs": []}})
    return {"kernel_manager_class": LocalKernelManager, "config": config}


def transport() -> dict[str, str]:
    """Traits of a `KernelManager` that make it use Unix sockets in a private folder, or none where that cannot be.

    Over TCP any user of the machine may listen, and two kernels that start together may be given the same port. The
    connection file is named because jupyter_client's default puts the sockets of all kernels in the working directory.
    """
    if sys.platform == "win32":
        return {}
    file = Path(_folder().name) / f"{next(_count)}.json"
    return {"transport": "ipc", "connection_file": str(file)} if len(str(file)) < _LONGEST_SOCKET else {}


@cache
def _folder() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="ndslib-")
