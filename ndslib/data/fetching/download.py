"""Downloading one file: go on where it stopped, and verify what has arrived.

A file is under its final name only when it is whole and matches what its manifest says. Until then its bytes are in
`<file>.part`, with `<file>.part.json` beside it naming the version at the provider that they belong to.
"""

import contextlib
import datetime
import email.utils
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import httpx

from ndslib.core.errors import InputError
from ndslib.core.files import write_json
from ndslib.data.fetching.disk import alone_at
from ndslib.data.manifests import DataFile
from ndslib.data.unpack import is_archive

Progress = Callable[[str, int, int | None], None]
"""Called as a file arrives with its path, the bytes there so far, and the bytes in all where the server says."""

_RETRIED = {408, 425, 429, 500, 502, 503, 504}
_LONGEST_WAIT = 120.0  # seconds that a server may ask to be left alone (Retry-After) before its file is given up
# Python itself refuses some host names, with the last of these.
_NO_USE_IN_RETRYING = (httpx.InvalidURL, httpx.TooManyRedirects, httpx.UnsupportedProtocol, UnicodeError)


class Unreachable(InputError):
    """A server did not deliver, attempt after attempt; a later run may fare better."""


class _Broken(Exception):
    """The attempt failed in a way that another attempt, not before `after` seconds have passed, may not."""

    def __init__(self, reason: str, after: float = 0.0) -> None:
        super().__init__(reason)
        self.after = after


def connection(**options: Any) -> httpx.Client:
    """What makes requests: `httpx.Client(**options)`.

    Raises:
        InputError: the environment allows none: a proxy or a certificate that it names cannot be used.
    """
    try:
        return httpx.Client(**options)
    except (OSError, ValueError, ImportError, httpx.InvalidURL) as error:
        raise InputError(
            f"no connection can be made ({error}); correct the environment: SSL_CERT_FILE, HTTP_PROXY, ALL_PROXY"
        ) from error


def bounded(blocks: Iterable[bytes], most: int | None, name: str, start: int = 0) -> Iterator[bytes]:
    """The blocks that come from the address `name`, `start` bytes before them included in the count.

    Raises:
        InputError: more than `most` bytes come; None: any number may.
    """
    for block in blocks:
        start += len(block)
        if most is not None and start > most:
            raise InputError(f"{name}: more than {most} bytes come; that is not the file that was asked for")
        yield block


def download(
    client: httpx.Client,
    file: DataFile,
    target: Path,
    progress: Progress | None = None,
    attempts: int = 6,
    wait: float = 1.0,
    most: int | None = None,
) -> None:
    """Bring one file to `target`, which it becomes only when it is whole and as `file` says (size, checksum, archive).

    What has arrived is kept in `<target>.part`, over attempts and over calls, and a call goes on from there by byte
    range while the server's ETag or Last-Modified is the same (without either: when `file` has a checksum). A server
    that answers otherwise, or without ranges, is asked for all of it. A file at `target` is replaced, unless it is as
    `file` says. Of several downloads to one target, in threads or processes, one works and the others wait for it.

    Args:
        client: a `connection` that follows redirects. Any number of threads may share it.
        file: its `url` is loaded; its `path` only names it to `progress`.
        attempts: tries in a row without a new byte, after which the file is given up.
        wait: seconds before the second try; doubled for each further one, and more where the server asks for more.
        most: bytes after which a file of unknown size is given up.

    Raises:
        Unreachable: no connection, no end of the file or a busy server, `attempts` times; or the server asks to come
            back in over two minutes. What has arrived is kept.
        InputError: the server refuses (404 and the like), the address is none, or the file is not as `file` says or
            too long; nothing is kept of the latter.
        OSError: the disk is full or cannot be written; what has arrived is kept.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with alone_at(_beside(target, ".lock")):
        if target.is_file() and difference(file, target) is None:
            return
        part = _beside(target, ".part")
        _fill(client, file, part, progress or _silent, attempts, wait, most if file.bytes is None else file.bytes)
        if problem := difference(file, part, shown=target):
            _forget(part)
            raise InputError(
                f"{problem}, from {file.url}. Nothing was kept. Run the same command again; if it differs again, the "
                "provider has changed the file"
            )
        os.replace(part, target)
        _forget(part)


def _fill(
    client: httpx.Client,
    file: DataFile,
    part: Path,
    progress: Progress,
    attempts: int,
    wait: float,
    most: int | None,
) -> None:
    """Attempt after attempt, until all of the file is in `part`."""
    longest, failures = -1, 0
    while True:
        try:
            return _attempt(client, file, part, progress, most)
        except _NO_USE_IN_RETRYING as error:
            raise InputError(f"{file.url}: {error}") from error
        except (_Broken, httpx.TransportError) as error:
            size = part.stat().st_size if part.exists() else 0
            failures = 1 if size > longest else failures + 1
            longest = max(longest, size)
            after = error.after if isinstance(error, _Broken) else 0.0
            if failures >= attempts or after > _LONGEST_WAIT:
                raise Unreachable(
                    f"{file.url} failed {failures} times in a row (last: {error or type(error).__name__}). {size} "
                    f"bytes are kept in {part}: check the connection and run the same command again to go on from there"
                ) from error
            time.sleep(max(after, wait * 2 ** (failures - 1)))


def _silent(path: str, done: int, total: int | None) -> None:
    pass


def difference(file: DataFile, path: Path, shown: Path | None = None) -> str | None:
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


def _attempt(client: httpx.Client, file: DataFile, part: Path, progress: Progress, most: int | None) -> None:
    """One request, which appends to `part` or starts it anew; returns when the server has sent everything."""
    headers = {"Accept-Encoding": "identity", **_range_headers(file, part)}
    with client.stream("GET", file.url, headers=headers) as response:
        have = part.stat().st_size if "Range" in headers else 0
        if response.status_code == 416 and response.headers.get("Content-Range") == f"bytes */{have}":
            return  # all of it had arrived: the interruption came after the last byte
        start, total = _start_and_total(response, file, part, have)
        if file.bytes is not None and total is not None and total != file.bytes:
            raise InputError(f"{file.url}: expected {file.bytes} bytes, the server offers {total}")
        if most is not None and total is not None and total > most:
            raise InputError(f"{file.url}: the server offers {total} bytes, and {most} are the most that is taken")
        with open(part, "ab" if start else "wb") as stream:
            for block in _kept_to(most, response.iter_raw(), file, part, start):
                stream.write(block)
                start += len(block)
                progress(file.path, start, total)
    if total is not None and start != total:
        raise _Broken(f"{start} of {total} bytes arrived")


def _kept_to(most: int | None, blocks: Iterable[bytes], file: DataFile, part: Path, start: int) -> Iterator[bytes]:
    """`bounded`; of a file that has no end, nothing is kept."""
    try:
        yield from bounded(blocks, most, file.url, start)
    except InputError:
        _forget(part)
        raise


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
