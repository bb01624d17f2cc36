"""Files that are either whole or absent: write beside, then rename."""

import contextlib
import functools
import hashlib
import importlib.resources
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any


@contextlib.contextmanager
def atomic_path(target: Path | str) -> Iterator[Path]:
    """Yield a temporary path in `target`'s folder; on success it replaces `target`, on an error it is removed.

    The folder is made when absent. The temporary name keeps the suffix, for writers that look at it.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.stem}-", suffix=target.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(target: Path | str, value: Any) -> None:
    """Write `value` as indented JSON, atomically."""
    with atomic_path(target) as temporary:
        temporary.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n")


def sha256_file(path: Path | str) -> str:
    """Hex SHA-256 of a file, read in blocks."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def digest(*parts: Any) -> str:
    """A 16-character key that names content: hex SHA-256 of `parts` as canonical JSON (paths as text, tuples as lists).

    Raises:
        TypeError: a part is not JSON (a tensor, say): hash its bytes first.
    """
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=_as_json)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@functools.cache
def code_digest(package: str) -> str:
    """A key that changes with any line of a package's own Python files: for caches of what that code makes.

    Read once a process: what a process runs is the code that it imported, whatever is edited meanwhile.
    """
    folder = Path(str(importlib.resources.files(package)))
    return digest([[str(path.relative_to(folder)), sha256_file(path)] for path in sorted(folder.rglob("*.py"))])


def _as_json(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "item"):  # numpy scalars
        return value.item()
    raise TypeError(f"cannot name {type(value).__name__} in a cache key")
