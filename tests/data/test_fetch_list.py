import csv
import io
import json
import os
import re
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from PIL import Image
from typer.testing import CliRunner

from ndslib.cli import app
from ndslib.core.errors import InputError
from ndslib.data import images, sample_list, sample_table
from ndslib.data.fetching import fetch_list as fetching
from ndslib.data.fetching import hosts, record
from ndslib.data.fetching.fetch_list import Fetched, fetch_list
from ndslib.data.loaders.remote_images import estimate_bytes

WIDTH, HEIGHT = 40, 30
PAGE = b"<!DOCTYPE html><html>This photo is no longer available</html>"
Answer = Callable[["_Handler", bytes], None]


@dataclass
class Site:
    """A host of images that misbehaves as told: `plan` holds how the next requests of a path are answered."""

    files: dict[str, bytes] = field(default_factory=dict)
    plan: dict[str, list[Answer]] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)  # path and Range header of each request
    open: int = 0
    most_open: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    url: str = ""

    def count(self, change: int) -> None:
        with self.lock:
            self.open += change
            self.most_open = max(self.most_open, self.open)


class _Handler(BaseHTTPRequestHandler):
    site: Site
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.site.count(1)

    def finish(self) -> None:
        self.site.count(-1)
        super().finish()

    def do_GET(self) -> None:
        self.site.asked.append((self.path, self.headers.get("Range")))
        body = self.site.files.get(self.path)
        plan = self.site.plan.get(self.path)
        if plan:
            plan.pop(0)(self, body)
        elif body is None:
            self.answer(404, b"no such file")
        else:
            serve(self, body)

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for key, value in ({"Content_Length": str(len(body))} | headers).items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


def serve(handler: _Handler, body: bytes) -> None:
    """As it should be: with a version, and by range where asked."""
    asked = handler.headers.get("Range")
    start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
    ranged = {"Content_Range": f"bytes {start}-{len(body) - 1}/{len(body)}"} if asked else {}
    handler.answer(206 if asked else 200, body[start:], ETag='"1"', **ranged)


def ignore_range(handler: _Handler, body: bytes) -> None:
    handler.answer(200, body, ETag='"1"')


def break_off(handler: _Handler, body: bytes) -> None:
    """Half of it, with the length of all of it: a connection that breaks, or a length that is a lie."""
    handler.answer(200, body[: len(body) // 2], ETag='"1"', Content_Length=str(len(body)))
    handler.close_connection = True


def cut_short(handler: _Handler, body: bytes) -> None:
    """Half of it, and nothing says that there is more."""
    handler.answer(200, body[: len(body) // 2])


def answer_503(handler: _Handler, body: bytes) -> None:
    handler.answer(503, b"busy", Retry_After="0")


def web_page(handler: _Handler, body: bytes) -> None:
    handler.answer(200, PAGE, Content_Type="image/jpeg")


def redirect_to(path: str) -> Answer:
    return lambda handler, body: handler.answer(302, b"", Location=path)


def hang_up(handler: _Handler, body: bytes) -> None:
    handler.close_connection = True


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"site": site}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_port}"
    yield site
    server.shutdown()
    thread.join()
    server.server_close()


def picture(seed: int, format: str = "JPEG", size: tuple[int, int] = (WIDTH, HEIGHT)) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format)
    return stream.getvalue()


def row(site: Site, name: str, content: bytes | None = None, **changes: Any) -> dict[str, Any]:
    """A row of a list, whose file the site then has if there is content."""
    if content is not None:
        site.files[f"/{name}"] = content
    sizes = {"width": WIDTH, "height": HEIGHT, "bytes": len(content or b"?")}
    return {
        "id": f"toy/train/{name}",
        "dataset": "toy",
        "split": "train",
        "uri": f"{site.url}/{name}",
        **sizes,
    } | changes


def rows_of(site: Site, count: int) -> list[dict[str, Any]]:
    return [row(site, f"{number}.jpg", picture(number)) for number in range(count)]


def write_list(path: Path, rows: list[dict[str, Any]]) -> Path:
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def fetched(tmp_path: Path, rows: list[dict[str, Any]], **options: Any) -> Fetched:
    return fetch_list(write_list(tmp_path / "picks.parquet", rows), tmp_path / "out", wait=0, **options)


def tree(folder: Path) -> dict[str, bytes]:
    """The files below a folder, but for the record, whose bytes depend on the order of arrival."""
    paths = [path for path in folder.rglob("*") if path.is_file() and path.name != record.NAME]
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(paths)}


def contents(table: pa.Table) -> list[bytes]:
    return [Path(uri).read_bytes() for uri in table["uri"].to_pylist()]


def test_samples_arrive_with_their_table(site: Site, tmp_path: Path) -> None:
    rows = rows_of(site, 5)
    steps: list[tuple[int, int, int]] = []
    result = fetched(tmp_path, rows, progress=lambda *step: steps.append(step))
    out = tmp_path / "out"
    assert result.failures == []
    assert result.samples.equals(sample_table.read(out / "samples.parquet"))
    assert result.samples["id"].to_pylist() == [entry["id"] for entry in rows]
    assert contents(result.samples) == [site.files[f"/{number}.jpg"] for number in range(5)]
    assert result.samples["bytes"].to_pylist() == [entry["bytes"] for entry in rows]
    assert result.samples["licence"].null_count == result.samples["annotation"].null_count == 5
    assert steps[-1] == (5, 5, sum(entry["bytes"] for entry in rows))
    assert [done for done, _, _ in steps] == [0, 1, 2, 3, 4, 5]
    assert sorted(path.name for path in out.iterdir()) == [".fetched.sqlite", "images", "samples.parquet"]
    assert images.decode(result.samples, 16).pixels.shape == (5, 3, 16, 16)


def test_all_that_a_network_does_ends_with_the_same_files(site: Site, tmp_path: Path) -> None:
    rows = rows_of(site, 9)
    plans = {
        1: [answer_503, answer_503],
        2: [break_off],
        3: [break_off, ignore_range],
        4: [break_off, break_off, answer_503, hang_up],
        5: [redirect_to("/elsewhere")],
        6: [redirect_to("/elsewhere"), hang_up],
        7: [break_off, redirect_to("/7.jpg")],
        8: [hang_up, hang_up],
    }
    site.files["/elsewhere"] = site.files["/5.jpg"]
    site.files["/6.jpg"] = site.files["/5.jpg"]
    rows[6]["bytes"] = rows[5]["bytes"]
    site.plan = {f"/{number}.jpg": list(plan) for number, plan in plans.items()}
    result = fetched(tmp_path, rows)
    assert result.failures == []
    assert contents(result.samples) == [site.files[f"/{number}.jpg"] for number in range(9)]
    half = len(site.files["/2.jpg"]) // 2
    assert [asked for path, asked in site.asked if path == "/2.jpg"] == [None, f"bytes={half}-"]


def test_what_fails_for_good_is_listed_and_the_rest_goes_on(site: Site, tmp_path: Path) -> None:
    rows = rows_of(site, 2)
    rows += [
        row(site, "gone.jpg"),
        row(site, "page.jpg", picture(2)),
        row(site, "cut.jpg", picture(3)),
        row(site, "other.png", picture(4, "PNG", (300, 200)), bytes=len(picture(4))),
        row(site, "down.jpg", picture(5)),
        row(site, "absent.jpg", uri="/nowhere/absent.jpg"),
        row(site, "relative.jpg", uri="relative.jpg"),
        row(site, "secret.jpg", uri="ftp://127.0.0.1/secret.jpg"),
        row(site, "host.jpg", uri="http://[nonsense/host.jpg"),
    ]
    site.plan = {"/page.jpg": [web_page], "/cut.jpg": [cut_short], "/down.jpg": [hang_up] * 3}
    result = fetched(tmp_path, rows, attempts=3)
    assert contents(result.samples) == [site.files["/0.jpg"], site.files["/1.jpg"]]
    with open(tmp_path / "out" / "failed.csv", newline="") as stream:
        listed = list(csv.DictReader(stream))
    assert [(entry["id"], entry["uri"]) for entry in listed] == [(entry["id"], entry["uri"]) for entry in rows[2:]]
    assert [tuple(entry.values()) for entry in listed] == result.failures
    reasons = [
        r"gone\.jpg: the server answers 404 Not Found",
        r"page\.jpg: not an image; it starts with b'<!DOCTYPE html>",
        r"cut\.jpg: not a whole image \(image file is truncated",
        rf"other\.png: another image than listed: \d+ bytes instead of {len(picture(4))}",
        r"down\.jpg failed 3 times in a row",
        r"/nowhere/absent\.jpg: no such file on this machine.*indexes local files.*base_url",
        r"relative\.jpg: neither an http\(s\) address nor an absolute path",
        r"ftp://127\.0\.0\.1/secret\.jpg: neither an http",
        r"http://\[nonsense/host\.jpg",
    ]
    for entry, reason in zip(listed, reasons, strict=True):
        assert re.search(reason, entry["reason"]), entry
    again = fetched(tmp_path, [entry for entry in rows if "127.0.0.1" in entry["uri"]][:6], attempts=3)
    assert [failure.id for failure in again.failures] == ["toy/train/gone.jpg", "toy/train/other.png"]


def test_a_run_that_finds_the_rest_leaves_no_trace_of_the_failures(site: Site, tmp_path: Path) -> None:
    rows = rows_of(site, 3)
    site.plan["/1.jpg"] = [break_off, hang_up]
    assert [failure.id for failure in fetched(tmp_path, rows, attempts=1).failures] == [rows[1]["id"]]
    assert (tmp_path / "out" / ".fetching").is_dir()
    site.plan["/1.jpg"] = []
    site.asked.clear()
    assert fetched(tmp_path, rows).samples.num_rows == 3
    assert site.asked == [("/1.jpg", f"bytes={rows[1]['bytes'] // 2}-")]
    assert len(tree(tmp_path / "out")) == 4
    assert not (tmp_path / "out" / "failed.csv").exists()


def test_a_rerun_asks_only_for_what_is_not_there_whole(site: Site, tmp_path: Path) -> None:
    rows = rows_of(site, 4)
    first = fetched(tmp_path, rows)
    before = tree(tmp_path / "out")
    site.asked.clear()
    assert fetched(tmp_path, rows).samples.equals(first.samples)
    assert site.asked == []
    paths = [Path(uri) for uri in first.samples["uri"].to_pylist()]
    paths[0].unlink()
    paths[1].write_bytes(paths[1].read_bytes()[:100])
    fetched(tmp_path, rows)
    assert sorted(site.asked) == [("/0.jpg", None), ("/1.jpg", None)]
    assert tree(tmp_path / "out") == before


def test_a_new_version_that_a_list_asks_for_replaces_the_old_one(site: Site, tmp_path: Path) -> None:
    fetched(tmp_path, [row(site, "a.jpg", picture(0))])
    new = picture(1) + b"more"
    assert contents(fetched(tmp_path, [row(site, "a.jpg", new)]).samples) == [new]
    assert len(tree(tmp_path / "out" / "images")) == 1


def test_lists_share_a_folder_and_datasets_are_chosen(site: Site, tmp_path: Path) -> None:
    rows = rows_of(site, 4)
    for entry in rows[2:]:
        entry |= {"dataset": "other", "id": entry["id"].replace("toy", "other")}
    assert fetched(tmp_path, rows, datasets=["other"]).samples["dataset"].to_pylist() == ["other", "other"]
    assert len(site.asked) == 2
    assert fetched(tmp_path, rows, datasets=["toy"]).samples.num_rows == 4
    assert len(site.asked) == 4
    assert fetched(tmp_path, rows[1:3]).samples.num_rows == 2
    assert len(site.asked) == 4
    with pytest.raises(InputError, match=r"picks\.parquet: it lists nothing of \['toi'\]; its datasets are \['toy'"):
        fetched(tmp_path, rows, datasets=["toi"])


def test_parts_of_a_file_come_once_and_stay_parts(site: Site, tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(0, 256, (3, 5, 7, 3), dtype=np.uint8)
    stream = io.BytesIO()
    np.save(stream, array)
    site.files |= {"/frame.jpg": picture(0), "/array.npy": stream.getvalue()}
    crop, single = {"width": 10, "height": 20, "bytes": 9}, {"width": 7, "height": 5, "bytes": 105}
    uris = {
        "frame.jpg#xywh=5,5,10,20": crop,
        "frame.jpg#xywh=30,10,10,20": crop,
        "frame.jpg#xywh=35,10,10,20": crop,
        "array.npy#row=2": single,
        "array.npy#row=0": single,
        "array.npy#row=3": single,
        "frame.jpg#row=0": crop,
        "array.npy": single,
    }
    rows = [row(site, uri, **sizes) for uri, sizes in uris.items()]
    result = fetched(tmp_path, rows)
    assert Counter(path for path, _ in site.asked) == {"/frame.jpg": 1, "/array.npy": 1}
    assert [uri.partition("#")[2] for uri in result.samples["uri"].to_pylist()] == [
        "xywh=5,5,10,20",
        "xywh=30,10,10,20",
        "row=2",
        "row=0",
    ]
    share = round(len(picture(0)) * 200 / (WIDTH * HEIGHT))
    assert result.samples["bytes"].to_pylist() == [share, share, 105, 105]
    assert result.samples["width"].to_pylist() == [10, 10, 7, 7]
    decoded = images.decode(result.samples.slice(2), 5).pixels
    assert np.array_equal(decoded[0], array[2][:, 1:6].transpose(2, 0, 1))
    assert [failure.reason for failure in result.failures] == [
        "the crop (35, 10, 10, 20) is outside the image of 40 x 30",
        "there is no row 3; the array has 3",
        "#row=n is for array files (.npy), which hold nothing else; image files have none",
        "#row=n is for array files (.npy), which hold nothing else; image files have none",
    ]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"bytes": 77}, "bytes instead of 77"),
        ({"bytes": None}, None),
        ({"bytes": None, "width": 41}, "40 x 30 pixels instead of 41 x 30"),
        ({"bytes": None, "width": None, "height": 31}, "40 x 30 pixels instead of None x 31"),
        ({"bytes": None, "width": None, "height": None}, None),
        # COCO publishes pixels, and the bytes are a guess from them; Open Images publishes bytes, and its pixels are
        # nominal.
        ({"bytes": estimate_bytes(WIDTH, HEIGHT)}, None),
        ({"bytes": estimate_bytes(30, 40), "width": 30, "height": 40}, "40 x 30 pixels instead of 30 x 40"),
        ({"width": 1024, "height": 768}, None),
        ({"bytes": 77, "width": 1024, "height": 768}, "bytes instead of 77"),
    ],
)
def test_sizes_are_checked_where_they_are_known(
    site: Site, tmp_path: Path, changes: dict[str, Any], reason: str | None
) -> None:
    result = fetched(tmp_path, [row(site, "a.jpg", picture(0)) | changes])
    if reason is None:
        expected = {"width": WIDTH, "height": HEIGHT, "bytes": len(picture(0))}
        assert result.samples.select(list(expected)).to_pylist() == [expected]
    else:
        assert reason in result.failures[0].reason
        assert tree(tmp_path / "out" / "images") == {}


def test_ids_become_safe_names(site: Site, tmp_path: Path) -> None:
    ids = ["../../up", "/etc/passwd", "..", ".", "a" * 4000, "x/ä\n\0é.jpg", "x/A.jpg", "x/a.jpg", "con", "~/x", " "]
    rows = [row(site, f"{number}", picture(number), id=name) for number, name in enumerate(ids)]
    result = fetched(tmp_path, rows)
    assert result.samples["id"].to_pylist() == ids
    assert contents(result.samples) == [picture(number) for number in range(len(ids))]
    names = sorted(path.name for path in (tmp_path / "out" / "images").iterdir())
    assert len({name.lower() for name in names}) == len(ids)
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,120}\.jpg", name) for name in names)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "picks.parquet"]


def test_the_suffix_is_that_of_the_content(site: Site, tmp_path: Path) -> None:
    formats = {"JPEG": ".jpg", "PNG": ".png", "GIF": ".gif", "BMP": ".bmp", "TIFF": ".tif", "WEBP": ".webp"}
    rows = [row(site, f"{name}.php", picture(0, name)) for name in formats]
    result = fetched(tmp_path, rows)
    assert [Path(uri).suffix for uri in result.samples["uri"].to_pylist()] == list(formats.values())
    assert "toy_train_JPEG-" in result.samples["uri"][0].as_py()


def test_formats_that_start_programs_are_refused(site: Site, tmp_path: Path) -> None:
    result = fetched(tmp_path, [row(site, "a.eps", picture(0, "EPS"))])
    assert "not an image; it starts with b'%!PS-Adobe" in result.failures[0].reason


def test_files_of_this_machine_are_copied(site: Site, tmp_path: Path, write_image: Callable[..., Path]) -> None:
    source = write_image(tmp_path / "in" / "a.png")
    rows = [row(site, "a", uri=str(source), bytes=source.stat().st_size)]
    result = fetched(tmp_path, rows)
    assert contents(result.samples) == [source.read_bytes()]
    assert Path(result.samples["uri"][0].as_py()).is_relative_to(tmp_path / "out" / "images")
    source.unlink()
    assert fetched(tmp_path, rows).failures == []


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl"])
def test_lists_of_all_three_formats_say_the_same(site: Site, tmp_path: Path, suffix: str) -> None:
    rows = [entry | {"cluster": "toy/0", "weight": 0.25, "licence": None} for entry in rows_of(site, 2)]
    rows[0] |= {"id": "0001", "label": 'a, "b"\nc', "annotation": json.dumps([{"bbox": [1, 2, 3, 4]}])}
    rows[1] |= {"label": None, "annotation": None}
    table, path = pa.Table.from_pylist(rows), tmp_path / f"picks{suffix}"
    if suffix == ".parquet":
        pq.write_table(table, path)
    elif suffix == ".csv":
        pyarrow.csv.write_csv(table, path)
    else:
        path.write_text("".join(json.dumps(entry) + "\n" for entry in rows))
    samples = fetch_list(path, tmp_path / "out", wait=0).samples.drop(["uri"]).to_pylist()
    kept = [name for name in sample_table.SCHEMA.names if name != "uri"]
    assert samples == [{name: entry[name] for name in kept} for entry in rows]


def test_a_list_of_ids_and_addresses_is_enough(site: Site, tmp_path: Path) -> None:
    rows = [{name: entry[name] for name in ("id", "uri")} for entry in rows_of(site, 2)]
    samples = fetched(tmp_path, rows).samples
    assert samples["dataset"].to_pylist() == ["toy", "toy"]
    assert samples["split"].to_pylist() == ["train", "train"]
    assert samples["width"].to_pylist() == [WIDTH, WIDTH]
    assert samples["label"].null_count == 2


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.txt", "id,uri\n", r"a list's name ends in \.parquet, \.csv, \.jsonl"),
        ("a.parquet", "id,uri\n", r"not a list of samples in the format of its suffix \(Parquet"),
        ("a.jsonl", "id,uri\n", r"not a list of samples in the format of its suffix \(JSON parse error"),
        ("a.csv", "", r"not a list of samples in the format of its suffix \(Empty CSV"),
        ("a.csv", "id,url\na,b\n", r"it has no column 'uri', only \['id', 'url'\]"),
        ("a.csv", "id,uri\n", r"it lists no sample"),
        ("a.csv", "id,uri\n,/a\n", r"row 0 has no id"),
        ("a.csv", "id,uri\na,/a\na,/b\n", r"the id 'a' occurs more than once"),
        ("a.csv", "id,uri,bytes\na,/a,-3\n", r"a: bytes is -3; it must be at least 1"),
        ("a.csv", "id,uri,width\na,/a,many\n", r"CSV conversion error"),
        ("a.csv", "id,uri,split\na,/a,odd\n", r"a: split is odd"),
    ],
)
def test_what_is_no_list_is_refused_before_anything_is_made(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        fetch_list(tmp_path / name, tmp_path / "out")
    assert str(tmp_path / name) in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "content", [b"id,uri\na\xff,/a\n", b'{"id": "a\xff", "uri": "/a"}\n', b"\0", b"id,uri,id\na,/a,b\n"]
)
@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_bytes_that_are_no_text_are_no_list(tmp_path: Path, content: bytes, suffix: str) -> None:
    path = tmp_path / f"picks{suffix}"
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"picks\{suffix}: not a list of samples in the format of its suffix"):
        sample_list.read(path)


def test_a_list_with_any_byte_damaged_is_read_or_refused(tmp_path: Path) -> None:
    path, rows = tmp_path / "picks.parquet", 300
    table = pa.table({name: [f"{name}/{number}" for number in range(rows)] for name in ("id", "uri", "label")})
    pq.write_table(table, path, compression="zstd")
    whole, reasons = path.read_bytes(), []
    rng = np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(whole)
        damaged[rng.integers(len(whole))] ^= int(rng.integers(1, 256))
        path.write_bytes(damaged)
        try:
            assert sample_list.read(path).num_rows == rows
        except InputError as error:
            reasons.append(str(error))
    assert len(reasons) > 100
    assert all(str(path) in reason for reason in reasons)


def test_an_environment_that_allows_no_connection(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "magic://x")
    with pytest.raises(InputError, match=r"no connection can be made \(.*\); correct the environment"):
        fetched(tmp_path, rows_of(site, 1))


def test_a_file_without_an_end_is_given_up(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "_MOST_BYTES", 100)
    (failure,) = fetched(tmp_path, rows_of(site, 1)).failures
    assert re.search(r"0\.jpg: the server offers \d+ bytes, and 100 are the most", failure.reason)


def test_an_absent_list_and_senseless_bounds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.csv: no such list"):
        sample_list.read(tmp_path / "a.csv")
    with pytest.raises(InputError, match="workers is 0 and per_host is 8"):
        fetch_list(tmp_path / "a.csv", tmp_path / "out", workers=0)


def test_a_host_never_has_more_connections_than_allowed(site: Site, tmp_path: Path) -> None:
    rows = rows_of(site, 100)
    together = threading.Barrier(3)

    def wait_for_others(handler: _Handler, body: bytes) -> None:
        together.wait(timeout=30)  # breaks, and fails the test, unless three downloads run at once
        serve(handler, body)

    site.plan = {f"/{number}.jpg": [wait_for_others] for number in range(3)}
    assert fetched(tmp_path, rows, workers=8, per_host=3).samples.num_rows == 100
    assert not together.broken
    assert len(site.asked) == 100
    assert site.most_open == 3


def test_hosts_share_the_workers_and_none_exceeds_its_bound() -> None:
    running: Counter[str] = Counter()
    most: Counter[str] = Counter()
    lock = threading.Lock()

    def work(job: tuple[str, int]) -> int:
        with lock:
            running[job[0]] += 1
            running["all"] += 1
            most.update({name: max(0, running[name] - most[name]) for name in (job[0], "all")})
        with lock:
            running.subtract([job[0], "all"])
        return job[1]

    jobs = {host: [(host, number) for number in range(50)] for host in "abc"}
    stop = threading.Event()
    outcomes = list(hosts.at_hosts(work, jobs, 5, 2, stop))
    assert stop.is_set()
    assert sorted(job for job, _ in outcomes) == sorted(job for queue in jobs.values() for job in queue)
    assert all(job[1] == result for job, result in outcomes)
    assert most["all"] <= 5
    assert max(most[host] for host in "abc") <= 2


def test_a_host_that_is_down_is_given_up_and_others_are_not(site: Site, tmp_path: Path) -> None:
    rows = rows_of(site, 3)
    rows += [row(site, f"down{number}", uri=f"http://127.0.0.1:9/{number}.jpg") for number in range(60)]
    result = fetched(tmp_path, rows, attempts=2, workers=4, per_host=2)
    assert result.samples.num_rows == 3
    reasons = Counter(failure.reason.partition(":")[0] for failure in result.failures)
    assert 60 - hosts.FAILURES - 4 <= reasons["not tried"] <= 60 - hosts.FAILURES


def test_an_error_of_ours_ends_the_run_and_keeps_what_has_arrived(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = rows_of(site, 6)

    def full(address: str, place: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ndslib.data.fetching.fetch_list._copy", full)
    rows.append(row(site, "local.jpg", uri=str(tmp_path / "local.jpg")))
    with pytest.raises(InputError, match=r"out cannot be written .*No space left on device.*what was done is kept"):
        fetched(tmp_path, rows, workers=1)
    assert len(site.asked) == 6
    assert fetched(tmp_path, rows[:6]).samples.num_rows == 6
    assert len(site.asked) == 6


def test_two_runs_into_one_folder_are_refused(site: Site, tmp_path: Path) -> None:
    rows = rows_of(site, 1)
    (tmp_path / "out").mkdir()
    with (
        record.opened(tmp_path / "out"),
        pytest.raises(InputError, match=r"out: another process is fetching into it"),
    ):
        fetched(tmp_path, rows)
    assert fetched(tmp_path, rows).samples.num_rows == 1
    (tmp_path / "out" / record.NAME).write_bytes(b"no database" * 100)
    with pytest.raises(InputError, match=r"\.fetched\.sqlite: file is not a database; remove it"):
        fetched(tmp_path, rows)


def test_a_folder_that_cannot_be_made_is_named(site: Site, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(InputError, match=r"out cannot be written"):
        fetched(tmp_path, rows_of(site, 1))


class Killed(BaseException):
    """Stands for the end of the process."""


def test_the_end_of_the_process_at_any_rename_leaves_nothing_half(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [*rows_of(site, 3), row(site, "gone.jpg")]
    fetched(tmp_path, rows)
    (tmp_path / "out").rename(tmp_path / "whole")
    expected = tree(tmp_path / "whole" / "images")
    replace, renames = os.replace, 0
    for ends_at in range(1, 100):
        renames = 0

        def replace_or_die(source: str, target: str, *, ends_at: int = ends_at) -> None:
            nonlocal renames
            renames += 1
            if renames >= ends_at:
                raise Killed
            replace(source, target)

        monkeypatch.setattr(os, "replace", replace_or_die)
        try:
            result = fetched(tmp_path, rows, workers=1)
            break
        except Killed:
            arrived = tree(tmp_path / "out" / "images")
            assert arrived.items() <= expected.items()
            assert not (tmp_path / "out" / "samples.parquet").exists() or len(arrived) == 3
    assert ends_at > 3
    assert result.samples.num_rows == 3
    assert tree(tmp_path / "out" / "images") == expected
    assert (tmp_path / "out" / "failed.csv").read_bytes() == (tmp_path / "whole" / "failed.csv").read_bytes()


def test_a_process_killed_in_a_download_goes_on_there(site: Site, tmp_path: Path) -> None:
    rows = rows_of(site, 8)
    picks = write_list(tmp_path / "picks.parquet", rows)
    fetch_list(picks, tmp_path / "whole")
    half_sent, go_on = threading.Event(), threading.Event()

    def stall(handler: _Handler, body: bytes) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.send_header("ETag", '"1"')
        handler.end_headers()
        handler.wfile.write(body[: len(body) // 2])
        half_sent.set()
        go_on.wait(timeout=60)
        handler.close_connection = True

    command = [sys.executable, "-m", "ndslib", "data", "fetch-list", picks, tmp_path / "out", "--workers", "2"]
    for number in (2, 6):
        site.plan[f"/{number}.jpg"] = [stall]
        half_sent.clear()
        go_on.clear()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        assert half_sent.wait(timeout=60)
        process.kill()
        process.wait()
        go_on.set()
        assert tree(tmp_path / "out" / "images").items() <= tree(tmp_path / "whole" / "images").items()
        assert not (tmp_path / "out" / "samples.parquet").exists()
    site.asked.clear()
    result = fetch_list(picks, tmp_path / "out")
    assert 0 < len(site.asked) < 8
    assert result.failures == []
    assert tree(tmp_path / "out" / "images") == tree(tmp_path / "whole" / "images")
    assert set(tree(tmp_path / "out")) == set(tree(tmp_path / "whole"))
    whole = sample_table.read(tmp_path / "whole" / "samples.parquet")
    assert result.samples.drop(["uri"]).equals(whole.drop(["uri"]))


def test_the_command_says_what_is_there_and_what_is_not(site: Site, tmp_path: Path) -> None:
    picks = write_list(tmp_path / "picks.parquet", [*rows_of(site, 2), row(site, "gone.jpg")])
    command = ["data", "fetch-list", str(picks), str(tmp_path / "out")]
    failed = CliRunner().invoke(app, command)
    assert failed.exit_code == 1
    assert f"2 images: {tmp_path / 'out' / 'samples.parquet'}" in failed.stdout
    assert "1 images are missing" in failed.stderr
    assert "gone.jpg: the server answers 404" in failed.stderr
    assert "--allow-missing" in failed.stderr
    allowed = CliRunner().invoke(app, [*command, "--allow-missing", "--only-dataset", "toy"])
    assert allowed.exit_code == 0
    assert "1 images are missing" in allowed.stdout
    site.files["/gone.jpg"] = picture(9)
    picks = write_list(picks, [*rows_of(site, 2), row(site, "gone.jpg", picture(9))])
    assert CliRunner().invoke(app, command).exit_code == 0
    assert CliRunner().invoke(app, ["data", "fetch-list", "none.csv", str(tmp_path)]).exit_code == 2
