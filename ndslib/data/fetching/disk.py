"""Places on disk to write to: whether they can be written, whose turn it is, and words for what goes wrong."""

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ndslib.core.errors import InputError


@contextlib.contextmanager
def writing_to(place: Path | str) -> Iterator[None]:
    """Name `place`, a file or a folder, in what goes wrong with the disk.

    Raises:
        InputError: in place of an OSError.
    """
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{place} cannot be written ({error}): make room or choose another place, and run again; what was done "
            "is kept"
        ) from error


def check_writable(file: Path) -> None:
    """Make the folder of a file that is to be written later, and see that it takes one.

    Raises:
        InputError: it does not, or there is a folder of the file's name.
    """
    if file.is_dir():
        raise InputError(f"{file}: there is a folder of this name; give another")
    with writing_to(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=file.parent) as probe:
            probe.write(b"\0")


@contextlib.contextmanager
def alone_at(lock: Path) -> Iterator[None]:
    """Hold the file `lock`, which threads and processes that want it as well wait for; it is removed in the end.

    The end of a process, however it comes, frees what it held.
    """
    while True:
        with open(lock, "wb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            if not _is_at(stream.fileno(), lock):
                continue  # whoever held it has removed it since, so that this file keeps nobody away
            try:
                yield
            finally:
                lock.unlink(missing_ok=True)
            return


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False
