"""Getting a dataset's files: download, resume, verify, unpack (`fetching.download` brings each)."""

import fnmatch
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ndslib.core.errors import InputError
from ndslib.data.fetching.disk import writing_to
from ndslib.data.fetching.download import Progress, connection, difference, download
from ndslib.data.manifests import DataFile, Manifest, load
from ndslib.data.unpack import unpack


@dataclass(frozen=True)
class FileResult:
    """What `verify` found about one file; `detail` says what differs."""

    path: str
    status: Literal["ok", "missing", "differs", "no checksum published"]
    detail: str = ""


def fetch(
    manifest: str | Manifest,
    target_dir: Path | str,
    progress: Progress | None = None,
    *,
    only: str = "*",
    attempts: int = 6,
    wait: float = 1.0,
) -> list[Path]:
    """Bring every file of a dataset into `target_dir`, verify each, and unpack the archives that say where to.

    A file that is there already is verified and not loaded again; an interrupted one goes on where it stopped. A
    dataset that only a person can get passes when its files lie there: then they are verified and unpacked.

    Args:
        only: a pattern like "*.csv"; files whose path does not match it are left alone.
        attempts: tries in a row without a new byte, after which a file is given up (what has arrived is kept).
        wait: seconds before the second try; doubled for each further one.

    Returns:
        the files' paths, in the manifest's order.

    Raises:
        InputError: a person has to get the dataset (the message lists the steps), or it is gone (why); a file there or
            just loaded differs from its manifest; the server refuses, or cannot be reached; an archive is unsafe.
    """
    manifest = load(manifest) if isinstance(manifest, str) else manifest
    target_dir = Path(target_dir)
    files = [file for file in manifest.files if fnmatch.fnmatch(file.path, only)]
    if manifest.files and not files:
        raise InputError(f"{manifest.name}: no file matches {only!r}: {', '.join(f.path for f in manifest.files)}")
    found = [_verify_file(file, target_dir / file.path) for file in files]
    for result in found:
        if result.status == "differs":
            raise InputError(f"{result.detail}. Remove the file and fetch {manifest.name} again")
    missing = {result.path for result in found if result.status == "missing"}
    if manifest.access != "open" and (missing or not manifest.files):
        raise InputError(instructions(manifest, target_dir))
    with connection(follow_redirects=True, timeout=30.0) as client:
        for file in (file for file in files if file.path in missing):
            try:
                with writing_to(target_dir / file.path):
                    download(client, file, target_dir / file.path, progress, attempts, wait)
            except InputError as error:
                raise InputError(
                    f"{error}. If that stays so, look at {manifest.home_page}, get the file by hand, and put it at "
                    f"{target_dir / file.path}"
                ) from error
    for file in files:
        if file.extract_to is not None:
            unpack(target_dir / file.path, target_dir / file.extract_to, file.renames)
    return [target_dir / file.path for file in files]


def verify(manifest: str | Manifest, target_dir: Path | str) -> list[FileResult]:
    """Compare the files under `target_dir` with a manifest, in its order; reads every byte, changes nothing."""
    manifest = load(manifest) if isinstance(manifest, str) else manifest
    return [_verify_file(file, Path(target_dir) / file.path) for file in manifest.files]


def instructions(manifest: Manifest, target_dir: Path | str) -> str:
    """What a person has to do to get a dataset that `fetch` cannot get alone."""
    if manifest.access == "unavailable":
        return f"{manifest.title} cannot be had: {manifest.reason} Stand-in: {manifest.stand_in}"
    lines = [f"{manifest.title} has to be got by hand ({manifest.home_page}):"]
    lines += [
        f"  {number}. {step.replace('DIR', str(target_dir))}" for number, step in enumerate(manifest.steps, start=1)
    ]
    if manifest.files:
        lines.append(f"Put under {target_dir}:")
        lines += [f"  {file.path}" for file in manifest.files]
        lines.append(f"Then run `ndslib data fetch {manifest.name}` again: it verifies and unpacks them.")
    return "\n".join(lines)


def _verify_file(file: DataFile, path: Path) -> FileResult:
    if not path.is_file():
        return FileResult(file.path, "missing")
    if problem := difference(file, path):
        return FileResult(file.path, "differs", problem)
    return FileResult(file.path, "ok" if file.checksum else "no checksum published")
