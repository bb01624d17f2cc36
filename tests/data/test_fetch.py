import email.utils
import hashlib
import io
import os
import tarfile
import threading
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from ndslib.core.errors import InputError
from ndslib.data.fetch import fetch, verify
from ndslib.data.fetching.download import Unreachable, download
from ndslib.data.manifests import DataFile, Manifest

CONTENT = bytes(range(256)) * 2000  # 512,000 bytes


@dataclass
class Provider:
    """A file server that misbehaves as told, and remembers what it was asked."""

    files: dict[str, bytes] = field(default_factory=dict)
    version: str | None = '"1"'
    ranges: bool = True
    if_range: bool = True
    breaks: list[int] = field(default_factory=list)  # after how many bytes of the body each next answer breaks off
    statuses: list[int] = field(default_factory=list)  # what the next answers are instead
    retry_after: str | None = None  # what those answers ask for
    redirect: str | None = None  # where every request is sent instead
    asked: list[str | None] = field(default_factory=list)  # the Range header of each request
    length: bool = True  # whether answers say how long they are
    sent: int = 0
    url: str = ""


class _Handler(BaseHTTPRequestHandler):
    provider: Provider

    def do_GET(self) -> None:
        provider = self.provider
        provider.asked.append(self.headers.get("Range"))
        if provider.statuses:
            asking = {"Retry-After": provider.retry_after} if provider.retry_after else {}
            return self._end(provider.statuses.pop(0), asking | {"Content-Length": "0"})
        if provider.redirect:
            return self._end(302, {"Location": provider.redirect, "Content-Length": "0"})
        body = provider.files.get(self.path.lstrip("/"))
        if body is None:
            return self._end(404, {"Content-Length": "0"})
        headers = {"ETag": provider.version} if provider.version else {}
        start = self._start()
        if start is not None and start >= len(body):
            return self._end(416, {"Content-Range": f"bytes */{len(body)}", "Content-Length": "0"})
        if start is not None:
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        rest = body[start or 0 :]
        length = {"Content-Length": str(len(rest))} if provider.length else {}
        self._end(200 if start is None else 206, headers | length)
        if provider.breaks:
            rest = rest[: provider.breaks.pop(0)]
            self.close_connection = True
        self.wfile.write(rest)
        provider.sent += len(rest)

    def _start(self) -> int | None:
        asked, version = self.headers.get("Range"), self.headers.get("If-Range")
        if asked is None or not self.provider.ranges:
            return None
        if self.provider.if_range and version is not None and version != self.provider.version:
            return None
        return int(asked.removeprefix("bytes=").rstrip("-"))

    def _end(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def provider() -> Iterator[Provider]:
    provider = Provider(files={"data.bin": CONTENT})
    handler = type("Handler", (_Handler,), {"provider": provider})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    provider.url = f"http://127.0.0.1:{server.server_port}"
    yield provider
    server.shutdown()
    thread.join()
    server.server_close()


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def manifest(*files: dict[str, object], **changes: object) -> Manifest:
    entry = {
        "name": "toy",
        "title": "Toy",
        "home_page": "https://example.org/toy",
        "licence": "CC0-1.0",
        "terms": "none",
        "citation": "nobody, 2020",
        "task": "classification",
        "metric": "Top-1",
        "classes": 2,
        "splits": {"train": {"images": 3}},
        "access": "open",
        "files": list(files),
        "checksums_from": "the test",
        "loader": "image_folder",
        "stand_in": "digits",
        "used_by": ["NDS"],
    }
    return Manifest.model_validate(entry | changes)


def one_file(provider: Provider, **changes: object) -> Manifest:
    return manifest({"path": "data.bin", "url": f"{provider.url}/data.bin", "md5": md5(CONTENT)} | changes)


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_file_arrives_whole_and_reports_its_progress(provider: Provider, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int | None]] = []
    result = fetch(one_file(provider), tmp_path, progress=lambda *step: seen.append(step))
    assert result == [tmp_path / "data.bin"]
    assert result[0].read_bytes() == CONTENT
    assert names(tmp_path) == ["data.bin"]
    assert seen[-1] == ("data.bin", len(CONTENT), len(CONTENT))
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)


def test_a_connection_that_breaks_midway_goes_on_where_it_stopped(provider: Provider, tmp_path: Path) -> None:
    provider.breaks = [200_000, 100_000]
    fetch(one_file(provider), tmp_path, wait=0)
    assert (tmp_path / "data.bin").read_bytes() == CONTENT
    assert provider.asked == [None, "bytes=200000-", "bytes=300000-"]
    assert provider.sent == len(CONTENT)


def test_an_interrupted_fetch_keeps_its_bytes_for_the_next_call(provider: Provider, tmp_path: Path) -> None:
    provider.breaks = [200_000]
    with pytest.raises(InputError, match=r"data\.bin failed 1 times .* 200000 bytes are kept in .*data\.bin\.part"):
        fetch(one_file(provider), tmp_path, attempts=1)
    assert not (tmp_path / "data.bin").exists()
    fetch(one_file(provider), tmp_path)
    assert (tmp_path / "data.bin").read_bytes() == CONTENT
    assert provider.asked == [None, "bytes=200000-"]
    assert names(tmp_path) == ["data.bin"]


def test_a_server_that_ignores_range_starts_cleanly_again(provider: Provider, tmp_path: Path) -> None:
    provider.ranges = False
    provider.breaks = [200_000]
    fetch(one_file(provider), tmp_path, wait=0)
    assert (tmp_path / "data.bin").read_bytes() == CONTENT
    assert provider.asked == [None, "bytes=200000-"]


@pytest.mark.parametrize("if_range", [True, False], ids=["If-Range honoured", "If-Range ignored"])
def test_a_file_that_changes_in_between_is_never_stitched(provider: Provider, tmp_path: Path, if_range: bool) -> None:
    changed = CONTENT[::-1]
    provider.if_range, provider.breaks = if_range, [200_000]
    wanted = one_file(provider, md5=None)  # no checksum would notice
    with pytest.raises(InputError, match="failed 1 times"):
        fetch(wanted, tmp_path, attempts=1)
    provider.files["data.bin"], provider.version = changed, '"2"'
    fetch(wanted, tmp_path, wait=0)
    assert (tmp_path / "data.bin").read_bytes() == changed


def test_without_a_version_or_a_checksum_nothing_is_resumed(provider: Provider, tmp_path: Path) -> None:
    provider.version, provider.breaks = None, [200_000]
    fetch(one_file(provider, md5=None), tmp_path, wait=0)
    assert provider.asked == [None, None]
    assert (tmp_path / "data.bin").read_bytes() == CONTENT


def test_with_a_checksum_a_file_without_a_version_is_resumed(provider: Provider, tmp_path: Path) -> None:
    provider.version, provider.breaks = None, [200_000]
    fetch(one_file(provider), tmp_path, wait=0)
    assert provider.asked == [None, "bytes=200000-"]
    assert (tmp_path / "data.bin").read_bytes() == CONTENT


def test_an_interruption_after_the_last_byte_asks_for_nothing_more(provider: Provider, tmp_path: Path) -> None:
    provider.breaks = [200_000]
    with pytest.raises(InputError, match="failed 1 times"):
        fetch(one_file(provider), tmp_path, attempts=1)
    (tmp_path / "data.bin.part").write_bytes(CONTENT)
    fetch(one_file(provider), tmp_path, attempts=1)
    assert (tmp_path / "data.bin").read_bytes() == CONTENT
    assert provider.sent == 200_000


@pytest.mark.parametrize("ranges", [True, False])
def test_retries_are_bounded(provider: Provider, tmp_path: Path, ranges: bool) -> None:
    provider.ranges, provider.breaks = ranges, [1000] + [0 if ranges else 1000] * 50
    with pytest.raises(InputError, match=r"failed 3 times in a row .* 1000 bytes are kept"):
        fetch(one_file(provider), tmp_path, attempts=3, wait=0)
    assert len(provider.asked) == 3
    assert not (tmp_path / "data.bin").exists()


def test_a_busy_server_is_asked_again(provider: Provider, tmp_path: Path) -> None:
    provider.statuses = [503, 429]
    fetch(one_file(provider), tmp_path, wait=0)
    assert (tmp_path / "data.bin").read_bytes() == CONTENT
    assert len(provider.asked) == 3


@pytest.mark.parametrize(
    ("asked", "waited"),
    [(None, 0.5), ("7", 7.0), ("0", 0.5), ("soon", 0.5), ("Sun, 06 Nov 1994 08:49:37 GMT", 0.5)],
)
def test_a_busy_server_says_when_to_come_back(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str | None, waited: float
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("ndslib.data.fetching.download.time.sleep", slept.append)
    provider.statuses, provider.retry_after = [429, 503], asked
    fetch(one_file(provider), tmp_path, wait=0.5)
    assert slept == [waited, max(waited, 1.0)]


def test_a_date_to_come_back_at_is_honoured(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("ndslib.data.fetching.download.time.sleep", slept.append)
    provider.statuses, provider.retry_after = [503], email.utils.formatdate(time.time() + 100, usegmt=True)
    fetch(one_file(provider), tmp_path, wait=0)
    assert 0 < slept[0] <= 100


def test_a_server_that_asks_for_hours_is_given_up_at_once(provider: Provider, tmp_path: Path) -> None:
    provider.statuses, provider.retry_after = [503], "7200"
    with pytest.raises(InputError, match=r"failed 1 times in a row \(last: HTTP status 503\)"):
        fetch(one_file(provider), tmp_path)
    assert len(provider.asked) == 1


@pytest.mark.parametrize("elsewhere", ["/data.bin", "ftp://127.0.0.1/data.bin", f"http://{'a' * 64}.example/data.bin"])
def test_redirections_that_lead_nowhere_are_not_followed_again(
    provider: Provider, tmp_path: Path, elsewhere: str
) -> None:
    provider.redirect = elsewhere
    with pytest.raises(InputError, match=r"/data\.bin: .*put it at"):
        fetch(one_file(provider), tmp_path)
    assert len(set(provider.asked)) == 1
    assert names(tmp_path) == []


def test_download_goes_on_over_calls_and_replaces_what_is_there(provider: Provider, tmp_path: Path) -> None:
    file, target = one_file(provider).files[0], tmp_path / "new" / "data.bin"
    provider.breaks = [200_000]
    with httpx.Client() as client:
        with pytest.raises(Unreachable, match=r"200000 bytes are kept in .*data\.bin\.part"):
            download(client, file, target, attempts=1)
        target.write_bytes(b"old")
        download(client, file, target)
    assert provider.asked == [None, "bytes=200000-"]
    assert target.read_bytes() == CONTENT
    assert names(tmp_path) == ["new/data.bin"]


def test_downloads_to_one_target_take_turns(provider: Provider, tmp_path: Path) -> None:
    file, target, start = one_file(provider).files[0], tmp_path / "data.bin", threading.Barrier(4)
    provider.breaks = [200_000]

    def load(_: int) -> None:
        with httpx.Client() as client:
            start.wait(timeout=30)
            download(client, file, target, wait=0)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(load, range(4)))
    assert target.read_bytes() == CONTENT
    assert provider.asked == [None, "bytes=200000-"]
    assert names(tmp_path) == ["data.bin"]


def test_a_lock_that_a_killed_process_left_keeps_nobody_away(provider: Provider, tmp_path: Path) -> None:
    (tmp_path / "data.bin.lock").touch()
    fetch(one_file(provider), tmp_path)
    assert names(tmp_path) == ["data.bin"]


@pytest.mark.parametrize("length", [True, False], ids=["announced", "not announced"])
@pytest.mark.parametrize("known", [True, False], ids=["bytes known", "bytes unknown"])
def test_what_does_not_end_is_given_up(provider: Provider, tmp_path: Path, length: bool, known: bool) -> None:
    provider.length = length
    file = DataFile(path="data.bin", url=f"{provider.url}/data.bin", bytes=1000 if known else None)
    message = "expected 1000 bytes, the server|and 1000 are the most" if length else "more than 1000 bytes come"
    with httpx.Client() as client, pytest.raises(InputError, match=message):
        download(client, file, tmp_path / "data.bin", wait=0, most=1000)
    assert len(provider.asked) == 1
    assert not set(names(tmp_path)) & {"data.bin", "data.bin.part"}


def test_an_environment_that_allows_no_connection(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "magic://x")
    with pytest.raises(InputError, match=r"no connection can be made \(.*\); correct the environment"):
        fetch(one_file(provider), tmp_path)


def test_a_folder_that_cannot_be_written_is_named(provider: Provider, tmp_path: Path) -> None:
    (tmp_path / "afile").touch()
    with pytest.raises(InputError, match=r"afile/data\.bin cannot be written"):
        fetch(one_file(provider), tmp_path / "afile")


def test_a_missing_address_is_asked_once_and_named(provider: Provider, tmp_path: Path) -> None:
    wanted = manifest({"path": "sub/gone.bin", "url": f"{provider.url}/gone.bin"})
    with pytest.raises(InputError, match=r"gone\.bin: the server answers 404.*put it at .*sub/gone\.bin$"):
        fetch(wanted, tmp_path, wait=0)
    assert len(provider.asked) == 1
    assert names(tmp_path) == []


def test_a_server_that_cannot_be_reached_is_named(tmp_path: Path) -> None:
    wanted = manifest({"path": "a", "url": "http://127.0.0.1:9/a"})
    with pytest.raises(InputError, match=r"http://127\.0\.0\.1:9/a failed 2 times"):
        fetch(wanted, tmp_path, attempts=2, wait=0)


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_a_wrong_checksum_keeps_nothing(provider: Provider, tmp_path: Path, algorithm: str) -> None:
    expected = "0" * (32 if algorithm == "md5" else 64)
    got = hashlib.new(algorithm, CONTENT).hexdigest()
    with pytest.raises(InputError) as caught:
        fetch(one_file(provider, **{"md5": None, algorithm: expected}), tmp_path)
    message = str(caught.value)
    assert f"{tmp_path / 'data.bin'}: expected {algorithm} {expected}, got {got}" in message
    assert "Run the same command again" in message
    assert names(tmp_path) == []


def test_a_wrong_size_is_refused_before_the_download(provider: Provider, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"expected 7 bytes, the server offers {len(CONTENT)}"):
        fetch(one_file(provider, bytes=7), tmp_path)
    assert not (tmp_path / "data.bin").exists()


def test_a_verified_file_is_not_loaded_again(provider: Provider, tmp_path: Path) -> None:
    (tmp_path / "data.bin").write_bytes(CONTENT)
    fetch(one_file(provider), tmp_path)
    assert provider.asked == []


def test_a_file_that_differs_is_left_as_it_is(provider: Provider, tmp_path: Path) -> None:
    (tmp_path / "data.bin").write_bytes(b"mine")
    with pytest.raises(InputError, match=r"data\.bin: expected md5 .* Remove the file and fetch toy again"):
        fetch(one_file(provider), tmp_path)
    assert (tmp_path / "data.bin").read_bytes() == b"mine"
    assert provider.asked == []


def test_only_the_files_of_a_pattern(provider: Provider, tmp_path: Path) -> None:
    wanted = manifest(*({"path": name, "url": f"{provider.url}/data.bin"} for name in ("a.csv", "b.bin")))
    assert fetch(wanted, tmp_path, only="*.csv") == [tmp_path / "a.csv"]
    assert names(tmp_path) == ["a.csv"]
    with pytest.raises(InputError, match=r"no file matches '\*\.txt': a\.csv, b\.bin"):
        fetch(wanted, tmp_path, only="*.txt")


def test_verify_tells_each_file_apart(tmp_path: Path) -> None:
    published = {"url": "https://example.org", "md5": md5(b"right")}
    wanted = manifest(
        {"path": "ok", **published},
        {"path": "gone", **published},
        {"path": "differs", **published},
        {"path": "short", "url": "https://example.org", "bytes": 9},
        {"path": "unknown", "url": "https://example.org"},
    )
    for name in ("ok", "short", "unknown"):
        (tmp_path / name).write_bytes(b"right")
    (tmp_path / "differs").write_bytes(b"wrong")
    results = verify(wanted, tmp_path)
    assert [(r.path, r.status) for r in results] == [
        ("ok", "ok"),
        ("gone", "missing"),
        ("differs", "differs"),
        ("short", "differs"),
        ("unknown", "no checksum published"),
    ]
    assert results[2].detail == f"{tmp_path / 'differs'}: expected md5 {md5(b'right')}, got {md5(b'wrong')}"
    assert results[3].detail == f"{tmp_path / 'short'}: expected 9 bytes, got 5"


def test_a_login_dataset_says_the_exact_steps(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        fetch("cityscapes", tmp_path)
    message = str(caught.value)
    assert "1. Register with an institutional address at https://www.cityscapes-dataset.com/register/" in message
    assert f"Put under {tmp_path}:\n  leftImg8bit_trainvaltest.zip\n  gtFine_trainvaltest.zip" in message
    assert "ndslib data fetch cityscapes" in message


def test_a_login_dataset_passes_when_its_files_lie_there(tmp_path: Path) -> None:
    wanted = manifest({"path": "a.zip", "extract_to": "."}, access="login", steps=["log in"])
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("images/1.txt", "one")
    fetch(wanted, tmp_path)
    assert (tmp_path / "images" / "1.txt").read_text() == "one"


def test_an_unavailable_dataset_says_why_and_what_stands_in(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"dead since 2021.* Stand-in: procedural video streams"):
        fetch("lvs", tmp_path)


def test_a_dataset_without_files_needs_nothing(tmp_path: Path) -> None:
    assert fetch("digits", tmp_path) == []


def zipped(members: dict[str, str]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return stream.getvalue()


def tarred(members: dict[str, str]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, text in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return stream.getvalue()


@pytest.mark.parametrize(("name", "pack"), [("a.zip", zipped), ("a.tar.gz", tarred)])
def test_archives_are_unpacked_once_and_renamed(provider: Provider, tmp_path: Path, name: str, pack: object) -> None:
    provider.files[name] = pack({"top/old/1.txt": "one", "top/2.txt": "two"})
    entry = {"path": name, "url": f"{provider.url}/{name}", "extract_to": "in", "renames": {"top/old": "new"}}
    fetch(manifest(entry), tmp_path)
    assert (tmp_path / "in/new/1.txt").read_text() == "one"
    assert names(tmp_path / "in") == ["new/1.txt", "top/2.txt"]
    (tmp_path / "in/top/2.txt").unlink()
    fetch(manifest(entry), tmp_path)
    assert names(tmp_path / "in") == ["new/1.txt"], "an unpacked archive was unpacked again"


def test_archives_that_share_a_folder_are_merged(provider: Provider, tmp_path: Path) -> None:
    provider.files |= {"0.zip": zipped({"part_0/a": "a"}), "1.zip": zipped({"part_1/b": "b"})}
    entries = [
        {"path": f"{n}.zip", "url": f"{provider.url}/{n}.zip", "extract_to": ".", "renames": {f"part_{n}": "all"}}
        for n in (0, 1)
    ]
    fetch(manifest(*entries), tmp_path)
    assert names(tmp_path / "all") == ["a", "b"]


@pytest.mark.parametrize(("name", "pack"), [("a.zip", zipped), ("a.tar.gz", tarred)])
@pytest.mark.parametrize("member", ["../../evil", "ok/../../../evil"])
def test_an_archive_that_reaches_outside_is_refused(tmp_path: Path, name: str, pack: object, member: str) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / name).write_bytes(pack({"good": "good", member: "evil"}))
    wanted = manifest({"path": name, "extract_to": "."}, access="login", steps=["log in"])
    with pytest.raises(InputError, match=f"{name}: .*evil"):
        fetch(wanted, folder)
    assert names(tmp_path) == [f"data/{name}"]


def test_an_archive_without_what_is_renamed_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped({"b": "b"}))
    wanted = manifest({"path": "a.zip", "extract_to": ".", "renames": {"x": "y"}}, access="login", steps=["log in"])
    with pytest.raises(InputError, match=r"a\.zip: it holds no 'x'"):
        fetch(wanted, tmp_path)
    assert names(tmp_path) == ["a.zip"]


def test_a_damaged_archive_is_named(tmp_path: Path) -> None:
    whole = tarred({"b": os.urandom(5000).hex()})
    (tmp_path / "a.tar.gz").write_bytes(whole[: len(whole) - 2000])
    wanted = manifest({"path": "a.tar.gz", "extract_to": "."}, access="login", steps=["log in"])
    with pytest.raises(InputError, match=r"a\.tar\.gz cannot be unpacked .*: remove it and fetch it again"):
        fetch(wanted, tmp_path)
    assert names(tmp_path) == ["a.tar.gz"]


def test_a_web_page_in_place_of_an_archive_is_not_kept(provider: Provider, tmp_path: Path) -> None:
    provider.files["a.zip"] = b"<html>please log in</html>"
    wanted = manifest({"path": "a.zip", "url": f"{provider.url}/a.zip", "extract_to": "."})
    with pytest.raises(InputError, match=r"a\.zip: expected an archive, got something that starts with b'<html>"):
        fetch(wanted, tmp_path)
    assert names(tmp_path) == []
