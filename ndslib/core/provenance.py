"""Where a run came from and what it ran on: commit, package versions, device, peak memory."""

import platform
import resource
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil
import torch

from ndslib.core import paths

PACKAGES = ("torch", "torchvision", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy", "matplotlib", "torchmetrics")


def source() -> dict[str, Any]:
    """`git_commit` (hex) and `git_dirty` of the checkout; both None outside a git repository.

    Pictures under `figures/` do not make it dirty: one recorded run writes them before the next one starts.
    """
    commit = _git("rev-parse", "HEAD")
    changes = _git("status", "--porcelain", "--", ".", ":(exclude)figures")
    return {"git_commit": commit, "git_dirty": None if changes is None else bool(changes)}


def environment() -> dict[str, Any]:
    """Versions, platform and device. `device` is the GPU's name once the process has used one, else the processor's."""
    installed = {distribution: _version(distribution) for distribution in PACKAGES}
    return {
        "packages": {name: version for name, version in installed.items() if version},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "device": torch.cuda.get_device_name() if torch.cuda.is_initialized() else _processor(),
        "cpu_count": psutil.cpu_count(),
        "torch_threads": torch.get_num_threads(),
    }


def peak_memory_mb() -> float:
    """Largest resident memory, in 10**6 bytes, that this process or one of its finished children had."""
    peaks = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, Linux KiB
    return round(max(peaks) * unit / 1e6, 1)


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", paths.repo_root(), *arguments], capture_output=True, text=True)
    except FileNotFoundError:  # git is not installed
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
