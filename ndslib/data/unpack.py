"""Unpacking archives from outside: nothing leaves the folder, and a file has its final name only when it is whole."""

import gzip
import lzma
import os
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from ndslib.core.errors import InputError

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz")
_CORRUPT = (tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, lzma.LZMAError, zlib.error, EOFError)


def is_archive(path: Path, name: str) -> bool:
    """Whether the file at `path` is an archive of the kind that `name`'s suffix says; reads its head or tail."""
    return zipfile.is_zipfile(path) if _is_zip(name) else tarfile.is_tarfile(path)


def _is_zip(name: str) -> bool:
    return name.lower().endswith(".zip")


def unpack(archive: Path, folder: Path, renames: Mapping[str, str]) -> None:
    """Unpack `archive` into `folder`, over what is there; skipped when this very archive was unpacked there before.

    Args:
        renames: path in the archive -> path below `folder`, for what the loader looks for elsewhere.

    Raises:
        InputError: the archive is damaged, has a member that would be written outside `folder` (nothing is unpacked),
            or lacks what `renames` names.
    """
    done = archive.with_name(archive.name + ".unpacked")
    stamp = f"{archive.stat().st_size} {archive.stat().st_mtime_ns} {folder} {dict(renames)}\n"
    if done.is_file() and done.read_text() == stamp:
        return
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".unpacking-") as scratch:
        _extract(archive, Path(scratch))
        for old, new in renames.items():
            _rename(archive, Path(scratch), old, new)
        for source in sorted(Path(scratch).rglob("*")):
            destination = folder / source.relative_to(scratch)
            if source.is_dir() and not source.is_symlink():
                destination.mkdir(parents=True, exist_ok=True)
            else:
                os.replace(source, destination)
    done.write_text(stamp)


def _rename(archive: Path, folder: Path, old: str, new: str) -> None:
    if not (folder / old).exists():
        raise InputError(f"{archive}: it holds no {old!r}, which its manifest renames to {new!r}: see its home page")
    (folder / new).parent.mkdir(parents=True, exist_ok=True)
    os.replace(folder / old, folder / new)


def _extract(archive: Path, folder: Path) -> None:
    try:
        if _is_zip(archive.name):
            with zipfile.ZipFile(archive) as opened:
                for member in opened.infolist():
                    if not (folder / member.filename).resolve().is_relative_to(folder.resolve()):
                        raise InputError(
                            f"{archive}: member {member.filename!r} would be written outside {folder.parent}"
                        )
                opened.extractall(folder)
        else:
            with tarfile.open(archive) as opened:
                opened.extractall(folder, filter="data")
    except tarfile.FilterError as error:
        raise InputError(f"{archive}: unsafe archive, nothing was unpacked: {error}") from error
    except _CORRUPT as error:
        raise InputError(f"{archive} cannot be unpacked ({error}): remove it and fetch it again") from error
