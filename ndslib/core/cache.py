"""Content-addressed results on disk: whole or absent, also when two processes build the same one."""

import os
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from ndslib.core import paths
from ndslib.core.errors import InputError


def cached(kind: str, key: str, build: Callable[[Path], None], suffix: str = "") -> Path:
    """The file or folder `cache_root()/kind/key+suffix`, built when absent.

    Args:
        kind: what it is, e.g. "features"; one folder each.
        key: names all that the content depends on (`files.digest`).
        build: writes the file, or makes the folder, at the path it gets. It works in a temporary place; the result
            appears under its name only when `build` returns. If another process was faster, its result stays and is
            returned. What an interrupted build left (`.building-*`) is never looked at.
        suffix: e.g. ".npy"; empty for a folder.

    Raises:
        InputError: `kind`, `key` or `suffix` is not a plain name.
        FileNotFoundError: `build` returned without making anything.
    """
    for name in (kind, key + suffix):
        if not re.fullmatch(r"\w[\w.-]*", name):
            raise InputError(f"{name!r} cannot name a cache entry: use letters, digits, '_', '-' and '.'")
    target = paths.cache_root() / kind / (key + suffix)
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    workshop = Path(tempfile.mkdtemp(prefix=".building-", dir=target.parent))
    try:
        build(workshop / target.name)
        _publish(workshop / target.name, target)
    finally:
        shutil.rmtree(workshop)
    return target


def _publish(built: Path, target: Path) -> None:
    if not built.exists():
        raise FileNotFoundError(f"the builder of {target} returned without writing it")
    if built.is_file():
        os.replace(built, target)
        return
    try:
        os.rename(built, target)
    except OSError:  # a folder does not replace a folder that holds something: another process was faster
        if not target.is_dir():
            raise
