"""Getting a dataset's files: download, resume, verify, unpack.

A file is under its final name only when it is whole and matches what its manifest says. Until then its bytes are in
`<file>.part`, with `<file>.part.json` beside it naming the version at the provider that they belong to.
"""

import contextlib
import datetime
import email.utils
import fnmatch
import hashlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx

from ndslib.core.errors import InputError
from ndslib.core.files import write_json
from ndslib.data.manifests import DataFile, Manifest, load
from ndslib.data.unpack import is_archive, unpack

Progress = Callable[[str, int, int | None], None]
"""Called as a file arrives with its path, the bytes there so far, and the bytes in all where the server says."""

_RETRIED = {408, 425, 429, 500, 502, 503, 504}
_LONGEST_WAIT = 120.0  # seconds that a server may ask to be left alone (Retry-After) before its file is given up
# Python itself refuses some host names, with the last of these.
_NO_USE_IN_RETRYING = (httpx.InvalidURL, httpx.TooManyRedirects, httpx.UnsupportedProtocol, UnicodeError)


@dataclass(frozen=True)
class FileResult:
    """What `verify` found about one file; `detail` says what differs."""

    path: str
    status: Literal["ok", "missing", "differs", "no checksum published"]
    detail: str = ""


class Unreachable(InputError):
    """A server did not deliver, attempt after attempt; a later run may fare better."""


class _Broken(Exception):
    """The attempt failed in a way that another attempt, not before `after` seconds have passed, may not."""

    def __init__(self, reason: str, after: float = 0.0) -> None:
        super().__init__(reason)
        self.after = after


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
    with httpx.Client(follow_redirects=True, timeout=30.0) as client:
        for file in (file for file in files if file.path in missing):
            try:
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


def download(
    client: httpx.Client,
    file: DataFile,
    target: Path,
    progress: Progress | None = None,
    attempts: int = 6,
    wait: float = 1.0,
) -> None:
    """Bring one file to `target`, which it becomes only when it is whole and as `file` says (size, checksum, archive).

    What has arrived is kept in `<target>.part`, over attempts and over calls, and a call goes on from there by byte
    range while the server's ETag or Last-Modified is the same (without either: when `file` has a checksum). A server
    that answers otherwise, or without ranges, is asked for all of it. A file at `target` is replaced.

    Args:
        client: should follow redirects and have a timeout. Any number of threads may share it.
        file: its `url` is loaded; its `path` only names it to `progress`.
        attempts: tries in a row without a new byte, after which the file is given up.
        wait: seconds before the second try; doubled for each further one, and more where the server asks for more.

    Raises:
        Unreachable: no connection, no end of the file or a busy server, `attempts` times; or the server asks to come
            back in over two minutes. What has arrived is kept.
        InputError: the server refuses (404 and the like), the address is none, or the file is not as `file` says;
            nothing is kept of the latter.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = _beside(target, ".part")
    most, failures = -1, 0
    while True:
        try:
            _attempt(client, file, part, progress or _silent)
            break
        except _NO_USE_IN_RETRYING as error:
            raise InputError(f"{file.url}: {error}") from error
        except (_Broken, httpx.TransportError) as error:
            size = part.stat().st_size if part.exists() else 0
            failures = 1 if size > most else failures + 1
            most = max(most, size)
            after = error.after if isinstance(error, _Broken) else 0.0
            if failures >= attempts or after > _LONGEST_WAIT:
                raise Unreachable(
                    f"{file.url} failed {failures} times in a row (last: {error or type(error).__name__}). {size} "
                    f"bytes are kept in {part}: check the connection and run the same command again to go on from there"
                ) from error
            time.sleep(max(after, wait * 2 ** (failures - 1)))
    if problem := _difference(file, part, shown=target):
        _forget(part)
        raise InputError(
            f"{problem}, from {file.url}. Nothing was kept. Run the same command again; if it differs again, the "
            "provider has changed the file"
        )
    os.replace(part, target)
    _forget(part)


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


def _silent(path: str, done: int, total: int | None) -> None:
    pass


def _verify_file(file: DataFile, path: Path) -> FileResult:
    if not path.is_file():
        return FileResult(file.path, "missing")
    if problem := _difference(file, path):
        return FileResult(file.path, "differs", problem)
    return FileResult(file.path, "ok" if file.checksum else "no checksum published")


def _difference(file: DataFile, path: Path, shown: Path | None = None) -> str | None:
    """How the file at `path` (called `shown` in the text) differs from what its manifest says, or None."""
    shown = shown or path
    size = path.stat().st_size
    if file.bytes is not None and size != file.bytes:
        return f"{shown}: expected {file.bytes} bytes, got {size}"
    if file.checksum is not None:
        algorithm, expected = file.checksum
        got = _hash(path, algorithm)
        return None if got == expected else f"{shown}: expected {algorithm} {expected}, got {got}"
    # Without a checksum, the usual failure is a web page saved under the archive's name.
    if file.extract_to is not None and not is_archive(path, shown.name):
        return f"{shown}: expected an archive, got something that starts with {_start(path)!r}"
    return None


def _hash(path: Path, algorithm: str) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()


def _start(path: Path) -> bytes:
    with open(path, "rb") as stream:
        return stream.read(24)


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _attempt(client: httpx.Client, file: DataFile, part: Path, progress: Progress) -> None:
    """One request, which appends to `part` or starts it anew; returns when the server has sent everything."""
    headers = {"Accept-Encoding": "identity", **_range_headers(file, part)}
    with client.stream("GET", file.url, headers=headers) as response:
        have = part.stat().st_size if "Range" in headers else 0
        if response.status_code == 416 and response.headers.get("Content-Range") == f"bytes */{have}":
            return  # all of it had arrived: the interruption came after the last byte
        start, total = _start_and_total(response, file, part, have)
        if file.bytes is not None and total is not None and total != file.bytes:
            raise InputError(f"{file.url}: expected {file.bytes} bytes, the server offers {total}")
        with open(part, "ab" if start else "wb") as stream:
            for block in response.iter_raw():
                stream.write(block)
                start += len(block)
                progress(file.path, start, total)
    if total is not None and start != total:
        raise _Broken(f"{start} of {total} bytes arrived")


def _range_headers(file: DataFile, part: Path) -> dict[str, str]:
    """Ask for the rest of `part`, provided that it still belongs to the provider's file; {} to start anew."""
    seen = _seen(part)
    etag = seen.get("etag", "")
    # RFC 9110, 13.1.5: a weak ETag may not be used here.
    version = etag if etag and not etag.startswith("W/") else seen.get("last-modified", "")
    # Without a version, only a checksum can tell that the two halves belong together.
    if seen.get("url") != file.url or not part.exists() or not (version or file.checksum):
        _forget(part)
        return {}
    return {"Range": f"bytes={part.stat().st_size}-"} | ({"If-Range": version} if version else {})


def _start_and_total(response: httpx.Response, file: DataFile, part: Path, have: int) -> tuple[int, int | None]:
    """Where the body of this answer belongs in the file, and the file's whole size where the server says it."""
    status = response.status_code
    version = {key: response.headers[key] for key in ("etag", "last-modified") if key in response.headers}
    if status == 200:  # a fresh start, a server that ignores Range, or a file that has changed since (If-Range)
        _forget(part)
        write_json(_beside(part, ".json"), {"url": file.url, **version})
        length = response.headers.get("Content-Length")
        return 0, int(length) if length else None
    if status == 206:
        seen = _seen(part)
        span, _, total = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
        if span.partition("-")[0] != str(have) or any(seen.get(key, value) != value for key, value in version.items()):
            _forget(part)
            raise _Broken("the file has changed at the provider; starting again")
        return have, int(total) if total.isdecimal() else None
    if status == 416:
        _forget(part)
        raise _Broken("the file has shrunk at the provider; starting again")
    if status in _RETRIED:
        raise _Broken(f"HTTP status {status}", _retry_after(response))
    raise InputError(f"{file.url}: the server answers {status} {response.reason_phrase}")


def _retry_after(response: httpx.Response) -> float:
    """Seconds for which the server asks to be left alone: a number or a date (RFC 9110, 10.2.3), 0 for neither."""
    value = response.headers.get("Retry-After", "")
    if value.isdecimal():
        return float(value)
    try:
        until = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    return (until - datetime.datetime.now(until.tzinfo)).total_seconds()


def _seen(part: Path) -> dict[str, str]:
    with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
        return json.loads(_beside(part, ".json").read_text())
    return {}


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _beside(part, ".json").unlink(missing_ok=True)
