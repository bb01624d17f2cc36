"""A client against the real service: lists, resumed downloads, faults of the network, and what leaves the client."""

import contextlib
import json
import re
import resource
import socket
import socketserver
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from ndslib.core import paths
from ndslib.core.errors import InputError
from ndslib.core.files import sha256_file
from ndslib.core.models import ResNet18
from ndslib.data import sample_list
from ndslib.data.fetching import download as download_module
from ndslib.data.fetching.download import bounded
from ndslib.data.sample_list import FORMATS
from ndslib.nds import fast_adapt, recommend, remote
from ndslib.nds import remote_server as remote_server_module
from ndslib.nds.index import Index
from ndslib.nds.remote import RemoteServer, adapt, rate, read_scores, write_scores
from ndslib.nds.service import running
from ndslib.nds.wire import Wire, serving, watched
from tests.benchmarks import large_index

TOKEN = "a-token"


@pytest.fixture
def proxy(server: Index) -> Iterator[Wire]:
    """Before the service over `server`."""
    with running(server) as url, watched(url) as wire:
        yield wire


@pytest.fixture
def remote_server(proxy: Wire) -> RemoteServer:
    return RemoteServer(proxy.url, attempts=3, wait=0)


@pytest.fixture
def photos(tmp_path: Path) -> Callable[..., Path]:
    """Writes noise, a picture a file, in folders of several depths; `copies` of each."""

    def make(count: int = 6, copies: int = 1, name: str = "photos") -> Path:
        folder = tmp_path / name
        for number in range(count * copies):
            pixels = np.random.default_rng(number % count).integers(0, 256, (12, 10, 3), dtype=np.uint8)
            place = folder / ("deep/er" if number % 2 else "flat") / f"secret-name-{number}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(place)
        (folder / "notes.txt").write_text("no image")
        return folder

    return make


@pytest.fixture
def no_rating(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """A function; once it is called, rating an expert is an error."""

    def refuse(*_: object) -> None:
        raise AssertionError("nothing was to be rated")

    return lambda: monkeypatch.setattr(remote, "fast_adapt", refuse)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# What a client gets


def test_scores_are_those_of_fast_adapt_on_the_same_images(server, remote_server, photos):
    scores = rate(remote_server, photos())
    assert list(scores) == server.cluster_names
    own = remote.client_images(remote.files_below(photos()), 8)
    assert own.pixels.shape == (6, 3, 8, 8)
    np.testing.assert_allclose(list(scores.values()), fast_adapt(server.experts(), own.pixels), atol=5e-5)
    assert all(round(score, 4) == score for score in scores.values())


def test_the_list_is_the_one_that_the_server_recommends(server, remote_server, photos, tmp_path):
    for suffix in (*FORMATS, ".CSV"):
        out = tmp_path / f"picks{suffix}"
        found = adapt(remote_server, photos(), out, images=9, seed=4)
        expected = recommend(server, found.scores, budget=9, seed=4)
        assert sample_list.read(out)["id"].to_pylist() == expected.samples["id"].to_pylist()
    assert found.clusters["cluster"].tolist() == expected.clusters["cluster"].tolist()
    np.testing.assert_allclose(found.clusters["weight"], expected.clusters["weight"])
    assert found.clusters["score"].is_monotonic_decreasing
    chosen = expected.datasets[expected.datasets["images"] > 0].set_index("dataset")[["images", "bytes"]]
    assert found.datasets.set_index("dataset").to_dict() == chosen.to_dict()


def test_a_budget_in_bytes_and_filters(remote_server, photos, tmp_path):
    out = tmp_path / "picks.parquet"
    found = adapt(
        remote_server, photos(), out, budget_bytes=700, datasets=["second"], labels=("class",), annotations=True
    )
    table = pq.read_table(out)
    assert set(table["dataset"].to_pylist()) == {"second"} == set(found.datasets["dataset"])
    assert 0 < sum(table["bytes"].to_pylist()) <= 700
    assert "annotation" in table.column_names


def test_earlier_scores_are_taken_from_a_file(remote_server, proxy, photos, tmp_path, no_rating):
    scores = rate(remote_server, photos())
    write_scores(tmp_path / "scores.json", scores)
    assert read_scores(tmp_path / "scores.json") == scores
    no_rating()
    found = adapt(remote_server, None, tmp_path / "picks.csv", images=3, scores=read_scores(tmp_path / "scores.json"))
    assert found.scores == scores
    assert [line.split()[0] for line, *_ in proxy.requests()] == ["GET"] * 4 + ["POST"]


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"scores": {"a/0": 0.5}}', '{"format": "ndslib-scores-1", "scores": {}}']
    + [f'{{"format": "ndslib-scores-1", "scores": {{"a/0": {value}}}}}' for value in ("1.5", "NaN", '"high"', "null")],
)
def test_no_scores_file_is_taken_for_one(tmp_path, text):
    (tmp_path / "scores.json").write_text(text)
    with pytest.raises(InputError, match=r"scores\.json: no scores file \(.*\); make one with `ndslib rate`"):
        read_scores(tmp_path / "scores.json")
    with pytest.raises(InputError, match=r"absent\.json: no such file; make one with"):
        read_scores(tmp_path / "absent.json")


def test_experts_of_classes_are_rated_with_the_folders_as_labels(tmp_path, colours, mean_colour, tiny, photos):
    index = Index.create(tmp_path / "labelled")
    index.add(colours("first"), 1, mean_colour, tiny(1, task="classification"), size=8)
    with running(index) as url:
        scores = rate(RemoteServer(url), photos(12))
        own = remote.client_images(remote.files_below(photos(12)), 8)
        assert own.labels.tolist() == [0] * 6 + [1] * 6
        assert list(scores.values()) == pytest.approx(
            fast_adapt(index.experts(), own.pixels, own.labels, "linear"), abs=5e-5
        )
        flat = tmp_path / "flat"
        flat.mkdir()
        Image.new("RGB", (8, 8)).save(flat / "a.png")
        with pytest.raises(InputError, match=r"flat: expert first/0 .* rated with labels, but 1 of 1 images have none"):
            rate(RemoteServer(url), flat)


# What is kept, and what is done again


def test_one_expert_is_in_memory_at_a_time(remote_server, photos, monkeypatch):
    loaded = []

    def load(path: Path, device: str) -> object:
        assert all(network() is None for network in loaded)
        network = remote_load(path, device)
        loaded.append(weakref.ref(network))
        return network

    remote_load = remote.load_expert
    monkeypatch.setattr(remote, "load_expert", load)
    rate(remote_server, photos())
    assert len(loaded) == 3


def test_after_an_interruption_only_what_is_missing_is_rated(remote_server, proxy, photos, monkeypatch):
    calls = []

    def interrupted(*arguments: object) -> np.ndarray:
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return fast_adapt(*arguments)

    monkeypatch.setattr(remote, "fast_adapt", interrupted)
    with pytest.raises(KeyboardInterrupt):
        rate(remote_server, photos())
    again = rate(remote_server, photos())
    assert len(calls) == 4
    assert rate(remote_server, photos()) == again
    assert len(calls) == 4
    assert sum("/weights" in line for line, *_ in proxy.requests()) == 3


def test_other_images_are_rated_anew(remote_server, photos, no_rating):
    folder = photos()
    rate(remote_server, folder)
    no_rating()
    (folder / "flat" / "secret-name-0.png").rename(folder / "flat" / "secret-name-00.png")
    rate(remote_server, folder)  # the same images under other names
    Image.new("RGB", (9, 9)).save(folder / "flat" / "secret-name-00.png")
    with pytest.raises(AssertionError, match="nothing was to be rated"):
        rate(remote_server, folder)


def test_a_damaged_expert_in_the_cache_is_downloaded_again(server, remote_server):
    expert = remote_server.experts()[0]
    path = remote_server.weights(expert)
    assert sha256_file(path) == server.datasets[0].experts[0]
    path.write_bytes(path.read_bytes()[:-1])
    assert sha256_file(remote_server.weights(expert)) == expert.sha256


def test_unreadable_images_are_an_error_or_left_out(remote_server, photos):
    folder = photos()
    expected = rate(remote_server, folder)
    (folder / "flat" / "broken.jpg").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"1 of 7 images are unreadable: .*broken\.jpg: .* --skip-corrupt"):
        rate(remote_server, folder)
    with pytest.warns(UserWarning, match=r"1 of 7 images are unreadable: .*broken\.jpg.* left out"):
        assert rate(remote_server, folder, skip_corrupt=True) == expected


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({}, "give one budget"),
        ({"images": 1, "budget_bytes": 1}, "give one budget"),
        ({"images": 0}, "the budget is 0"),
        ({"budget_bytes": -5}, "the budget is -5"),
        ({"images": 1, "labels": ["box"]}, r"labels \['box'\] are no kinds of labels; choose from none, class"),
        ({"images": 1, "temperature": 0.0}, "temperature = 0.0 must be"),
        ({"images": 1, "normalisation": "max"}, "normalisation = 'max'"),
        ({"images": 1, "out": "picks.txt"}, r"picks\.txt: a list's name ends in \.parquet, \.csv, \.jsonl"),
        ({"images": 1, "out": "."}, "a list's name ends in"),
        ({"images": 1, "device": "tpu"}, "device is 'tpu'"),
        ({"images": 1, "device": "cuda:77"}, "device is 'cuda:77', but torch finds"),
        ({"images": 1, "folder": None}, "give the folder of your images, or scores"),
        ({"images": 1, "folder": "absent"}, "absent: no such folder"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_sent(photos, tmp_path, monkeypatch, wrong, message):
    monkeypatch.chdir(tmp_path)
    arguments = {"folder": photos(), "out": "picks.csv"} | wrong
    with pytest.raises(InputError, match=message):
        adapt(RemoteServer("http://127.0.0.1:1"), **arguments)  # where nobody listens
    assert not (tmp_path / "picks.csv").exists()


# What leaves the client


def test_what_leaves_the_client_is_the_scores_the_budget_and_the_filters(proxy, server, photos, tmp_path):
    options = {"images": 5, "datasets": ("first", "second"), "licences": ("MIT",), "labels": ("class",), "seed": 3}
    found = adapt(RemoteServer(proxy.url, TOKEN), photos(), tmp_path / "picks.jsonl", **options)
    requests = proxy.requests()
    weights = [f"GET /v1/experts/{name}/weights HTTP/1.1" for name in server.cluster_names]
    assert [line for line, *_ in requests] == [
        "GET /v1/index HTTP/1.1",
        "GET /v1/datasets HTTP/1.1",
        "GET /v1/experts HTTP/1.1",
        *weights,
        "POST /v1/recommendations HTTP/1.1",
    ]
    same_for_all = {
        "Host": urlsplit(proxy.url).netloc,
        "Accept": "*/*",
        "Connection": "keep-alive",
        "User-Agent": "ndslib",
        "Accept-Encoding": "identity",
        "Authorization": f"Bearer {TOKEN}",
    }
    for _, headers, body in requests[:-1]:
        assert headers == same_for_all
        assert body == b""
    _, headers, body = requests[-1]
    assert headers == same_for_all | {"Content-Length": str(len(body)), "Content-Type": "application/json"}
    assert json.loads(body) == {
        "scores": found.scores,
        "images": 5,
        "bytes": None,
        "datasets": ["first", "second"],
        "labels": ["class"],
        "licences": ["MIT"],
        "temperature": 0.1,
        "normalisation": "minmax",
        "seed": 3,
        "annotations": False,
        "format": "jsonl",
    }


def test_twice_as_many_images_send_the_same_bytes(proxy, photos, tmp_path, monkeypatch):
    traffic = []
    for copies in (1, 2, 5):
        monkeypatch.setenv("NDSLIB_CACHE", str(tmp_path / f"cache{copies}"))
        folder = photos(copies=copies, name=f"photos{copies}")
        proxy.sent.clear()
        adapt(RemoteServer(proxy.url), folder, tmp_path / "picks.csv", images=5)
        traffic.append(b"".join(map(bytes, proxy.sent)))
    assert traffic[0] == traffic[1] == traffic[2]


# Faults of the network


def test_a_download_that_breaks_off_goes_on_where_it_stopped(proxy):
    expert = RemoteServer(proxy.url).experts()[0]
    proxy.sent.clear()
    proxy.cuts = [20_000, 0, 8_000]
    path = RemoteServer(proxy.url, wait=0).weights(expert)
    assert sha256_file(path) == expert.sha256
    assert names(path.parent) == [path.name]
    first, second, third = (headers.get("Range") for _, headers, _ in proxy.requests())
    assert first is None
    assert 15_000 < start_of(second) < 20_000 < start_of(third) < 28_000


def test_what_has_arrived_is_kept_when_a_server_stays_away(remote_server, proxy, photos):
    proxy.cuts = [None, 20_000, 0, 0]
    with pytest.raises(InputError, match=r"failed 3 times in a row .* bytes are kept in .*\.part: .* same command"):
        rate(remote_server, photos())
    (part,) = (paths.cache_root() / "downloaded-experts").glob("*.part")
    kept = part.stat().st_size
    assert 15_000 < kept < 20_000
    proxy.sent.clear()
    assert len(rate(remote_server, photos())) == 3
    assert start_of(proxy.requests()[1][1]["Range"]) == kept
    assert {path.suffix for path in part.parent.iterdir()} == {".safetensors"}


def start_of(asked: str) -> int:
    """The first byte of a `Range` header to the end."""
    return int(asked.removeprefix("bytes=").removesuffix("-"))


def test_another_expert_than_announced_is_not_kept(remote_server):
    first, second, _ = remote_server.experts()
    forged = first.model_copy(update={"sha256": second.sha256})
    with pytest.raises(InputError, match=r"expert first/0: .* expected sha256 .* Nothing was kept"):
        remote_server.weights(forged)
    gone = first.model_copy(update={"weights": "/v1/experts/third/0/weights"})
    with pytest.raises(InputError, match=r"expert first/0: .* answers 404 .* the same command takes those"):
        remote_server.weights(gone)
    assert names(paths.cache_root() / "downloaded-experts") == []


def test_a_server_killed_while_it_recommends_leaves_nothing(remote_server, proxy, photos, tmp_path, no_rating):
    scores = rate(remote_server, photos())
    no_rating()
    for suffix in FORMATS:
        out = tmp_path / suffix / f"picks{suffix}"
        for cut in (0, 100, 1500):
            proxy.cuts = [None, None, None, cut]
            with pytest.raises(InputError, match=r"broke off its answer .* run the same command again"):
                adapt(remote_server, photos(), out, images=30)
            assert not out.parent.exists() or names(out.parent) == []
        assert adapt(remote_server, photos(), out, images=30).scores == scores
        assert sample_list.read(out).num_rows == 30


def test_a_list_that_was_there_stays_when_the_new_one_breaks_off(remote_server, proxy, photos, tmp_path):
    out = tmp_path / "picks.csv"
    adapt(remote_server, photos(), out, images=3)
    before = out.read_bytes()
    proxy.cuts = [None, None, None, 1500]
    with pytest.raises(InputError, match="broke off"):
        adapt(remote_server, photos(), out, images=30)
    assert out.read_bytes() == before


class Answers(socketserver.ThreadingTCPServer):
    """Gives each connection the next of some answers, byte for byte, and closes it."""

    daemon_threads, block_on_close = True, False

    def __init__(self, *answers: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.answers, self.asked = list(answers), []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class _Answer(socketserver.BaseRequestHandler):
    server: Answers

    def handle(self) -> None:
        self.server.asked.append(self.request.recv(65536))
        self.request.sendall(self.server.answers.pop(0))


def http(status: str, body: str = "", **headers: str) -> bytes:
    fields = {"Content-Length": str(len(body)), "Connection": "close"} | headers
    lines = [f"HTTP/1.1 {status}", *(f"{key.replace('_', '-')}: {value}" for key, value in fields.items()), "", body]
    return "\r\n".join(lines).encode()


EXPERT = {
    "id": "a/0",
    "images": 1,
    "bytes": 1,
    "sha256": "0" * 64,
    "task": "rotation",
    "size": 8,
    "weights": "/v1/experts/a/0/weights",
}


def expert_list(*experts: dict[str, object]) -> bytes:
    return http("200 OK", json.dumps({"experts": experts}))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"", r"broke off its answer \(.*\); run the same command again.* try https://"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", r"broke off its answer \(peer closed"),
        (b"220 mail.example ESMTP\r\n", r"broke off its answer"),
        (http("200 OK", "<html>Welcome</html>"), r"no dataserver of this version: its list of experts is none: .*JSON"),
        (http("200 OK", "{}"), r"its list of experts is none: experts: Field required; give the address"),
        (expert_list(), r"experts: List should have at least 1 item"),
        (expert_list(EXPERT | {"task": "poems"}), r"experts\.0\.task: Input should be 'rotation' or 'classification'"),
        (expert_list(EXPERT | {"weights": "http://elsewhere/"}), r"experts\.0\.weights: "),
        (expert_list(EXPERT | {"sha256": "../../etc"}), r"experts\.0\.sha256: "),
        (expert_list(EXPERT, EXPERT), r"it lists two experts of one id"),
        (
            http("401 Unauthorized", '{"detail": "no token"}'),
            r"401 Unauthorized \(no token\): it wants a token; ",
        ),
        (http("404 Not Found"), r"no dataserver of this version: it answers 404 to /v1/experts; give the address"),
        (
            http("307 Temporary Redirect", Location="http://elsewhere/"),
            r"the address it has moved to, http://elsewhere/",
        ),
        (http("429 Too Many Requests"), r"429 Too Many Requests: it is busy; try again later"),
        (
            http("503 Service Unavailable", '{"detail": "full"}', Retry_After="1"),
            r"\(full\): it is busy; try again later",
        ),
        (
            http("503 Service Unavailable", '{"detail": "damaged"}'),
            r"\(damaged\): it has failed; try again later, or ask",
        ),
        (http("500 Internal Server Error", "[1]"), r"500 Internal Server Error: it has failed; try again later"),
        (http("422 Unprocessable Content", '{"detail": "why"}'), r"answers 422 Unprocessable Content \(why\)$"),
    ],
)
def test_every_fault_of_a_server_has_words(answer, message):
    answers = Answers(answer)
    with serving(answers), pytest.raises(InputError, match=f"{answers.url}.*{message}"):
        RemoteServer(answers.url).experts()


def test_a_server_that_is_away_silent_or_unknown(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(InputError, match=r"does not answer within 0\.1 s; try again later"):
            RemoteServer(f"http://{url}", timeout=0.1).experts()
    with pytest.raises(InputError, match=rf"http://{url} cannot be reached \(.*refused\); check the address"):
        RemoteServer(f"http://{url}").experts()
    answers = Answers(b"this is no TLS")
    with serving(answers), pytest.raises(InputError, match=r"no encrypted connection \(.*SSL.*\); give http://"):
        RemoteServer(answers.url.replace("http", "https")).experts()

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(InputError, match=r"cannot be reached \(.*Name or service not known\); check the address"):
        RemoteServer("http://dataserver.example").experts()


@pytest.mark.parametrize(
    ("name", "value"), [("SSL_CERT_FILE", "/absent.pem"), ("HTTP_PROXY", "magic://x"), ("HTTP_PROXY", "http://x:y")]
)
def test_an_environment_that_allows_no_connection(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=r"no connection can be made \(.*\); correct the environment: SSL_CERT_FILE"):
        RemoteServer("http://dataserver.example").experts()


@pytest.mark.parametrize(
    "url", ["localhost:8000", "ftp://x", "http://", "", "http://[::1", "http://a..b", "http://x/?q=1", "http://x:y"]
)
def test_what_is_no_address_is_refused(url):
    with pytest.raises(InputError, match=r"is no address.*give one such as http://127\.0\.0\.1:8000"):
        RemoteServer(url)


@pytest.mark.parametrize("url", ["http://user:pw@host", "http://pw@host:8000", "http://user:pw@[::1", "user:pw@host"])
def test_a_password_in_an_address_is_not_repeated(url):
    with pytest.raises(InputError, match="leave them out and give --token") as caught:
        RemoteServer(url)
    assert "pw" not in str(caught.value)


def test_a_place_that_cannot_be_written_is_found_before_anything_is_sent(photos, tmp_path):
    place = tmp_path / "afile"
    place.write_text("a file")
    with pytest.raises(InputError, match=r"picks\.csv cannot be written \(.*\): make room or choose another place"):
        adapt(RemoteServer("http://127.0.0.1:1"), photos(), place / "picks.csv", images=1)
    with pytest.raises(InputError, match=r"scores\.json cannot be written"):
        write_scores(place / "scores.json", {"a/0": 0.5})
    with pytest.raises(InputError, match=r"picks\.csv: there is a folder of this name"):
        adapt(RemoteServer("http://127.0.0.1:1"), photos(name="picks.csv"), tmp_path / "picks.csv", images=1)


def test_a_disk_that_is_full_is_named_and_the_ratings_are_kept(remote_server, photos, tmp_path, monkeypatch, no_rating):
    """The bound on the size of files stands for the disk's."""
    out, before = tmp_path / "picks.jsonl", resource.getrlimit(resource.RLIMIT_FSIZE)
    scores = rate(remote_server, photos())
    no_rating()
    monkeypatch.setenv("NDSLIB_CACHE", str(tmp_path / "fresh"))
    expert = remote_server.experts()[0]
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
        with pytest.raises(InputError, match=r"picks\.jsonl cannot be written \(.*too large"):
            adapt(remote_server, None, out, images=30, scores=scores)
        with pytest.raises(InputError, match=r"fresh cannot be written \(.*too large"):
            rate(remote_server, photos())
        with pytest.raises(InputError, match=r"\.safetensors cannot be written \(.*too large"):
            remote_server.weights(expert)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(tmp_path.glob("*picks*"))


def test_two_clients_may_share_a_fresh_cache(proxy):
    expert = RemoteServer(proxy.url).experts()[0]
    proxy.sent.clear()
    start = threading.Barrier(4)

    def load(_: int) -> Path:
        start.wait(timeout=30)
        return RemoteServer(proxy.url).weights(expert)

    with ThreadPoolExecutor(4) as pool:
        (path,) = set(pool.map(load, range(4)))
    assert sha256_file(path) == expert.sha256
    assert names(path.parent) == [path.name]
    assert len(proxy.requests()) == 1


def test_an_answer_without_an_end_is_given_up(monkeypatch):
    monkeypatch.setattr(remote_server_module, "_MOST_SAID", 100)
    answers = Answers(expert_list(EXPERT))
    with serving(answers), pytest.raises(InputError, match=r"/v1/experts: more than 100 bytes come"):
        RemoteServer(answers.url).experts()


def test_a_list_of_other_rows_than_announced_is_not_kept(tmp_path):
    body = "id,uri\na/train/x,http://elsewhere/x.jpg\n"
    for announced, text in (("2", body), ("1", "<html>Welcome</html>"), ("1", ""), ("1", 'id,uri\n"a')):
        answers = Answers(http("200 OK", text, X_Images=announced))
        with serving(answers), pytest.raises(InputError, match=r"no dataserver of this version: its list"):
            RemoteServer(answers.url).recommend({"a/0": 0.5}, tmp_path / "picks.csv", images=1)
        assert names(tmp_path) == []


def test_the_servers_reason_reaches_the_client(remote_server, photos, tmp_path, no_rating):
    scores = rate(remote_server, photos())
    no_rating()
    for wrong, reason in (
        ({"images": 1000}, "lower it"),
        ({"images": 1, "datasets": ("third",)}, "the index has no 'third'"),
        ({"images": 1, "scores": {"first/0": 0.5}}, r"no score for 2 of 3 experts .*: rate them"),
    ):
        with pytest.raises(InputError, match=rf"answers 422 .*\(.*{reason}"):
            adapt(remote_server, None, tmp_path / "picks.csv", **{"scores": scores} | wrong)
    assert not (tmp_path / "picks.csv").exists()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"images": 33}, r"the budget is 33 images, but the index has 32 images; lower --budget"),
        ({"images": 13, "datasets": ("first",)}, r"32 images, of which at most 12 pass the filters; lower --budget"),
        ({"images": 31}, r"the server lists at most 30 at once; lower --budget"),
        ({"budget_bytes": 3457}, r"the budget is 3,457 bytes, but the index has 3,456 bytes; lower --budget-bytes"),
        ({"budget_bytes": 2191, "datasets": ("second",)}, r"3,456 bytes, of which at most 2,190 pass the filters"),
        ({"images": 1, "datasets": ("first", "third")}, r"the index has no dataset 'third'; it has first, second"),
        ({"images": 1, "licences": ("GPL",)}, r"the index has no licence 'GPL'; it has MIT"),
        ({"images": 1, "licences": (None,)}, r"the index has no licence 'not-stated'; it has MIT"),
        ({"images": 1, "labels": ("masks",)}, r"no image of the index passes the filters together"),
    ],
)
def test_what_the_server_would_refuse_is_found_before_anything_is_rated(
    server, photos, tmp_path, no_rating, wrong, message
):
    no_rating()
    with running(server, most_images=30) as url, watched(url) as wire:
        with pytest.raises(InputError, match=rf"{wire.url}: .*{message}"):
            adapt(RemoteServer(wire.url), photos(), tmp_path / "picks.csv", **wrong)
        assert [line for line, *_ in wire.requests()] == ["GET /v1/index HTTP/1.1", "GET /v1/datasets HTTP/1.1"]
        assert not any(body for *_, body in wire.requests())


def test_a_token_opens_the_server_that_wants_it(server, photos):
    with running(server, token=TOKEN) as url:
        assert len(rate(RemoteServer(url, TOKEN), photos())) == 3
        with pytest.raises(InputError, match="it wants a token; pass --token, or set NDSLIB_TOKEN"):
            RemoteServer(url).experts()
        with pytest.raises(InputError, match="it does not take this token"):
            RemoteServer(url, "another").experts()
    for bad in ("", "two words", "ключ", "line\n"):
        with pytest.raises(InputError, match="the token has blanks or characters outside of ASCII"):
            RemoteServer(url, bad)


def test_no_cookie_goes_back_and_no_redirection_is_followed():
    answers = Answers(
        expert_list(EXPERT).replace(b"\r\n\r\n", b"\r\nSet-Cookie: you=42\r\n\r\n", 1), expert_list(EXPERT)
    )
    with serving(answers):
        client = RemoteServer(answers.url)
        client.experts()
        client.experts()
    assert len(answers.asked) == 2
    assert not any(b"cookie" in request.lower() for request in answers.asked)


# The end of a server's process


@contextlib.contextmanager
def process(place: Path, port: int) -> Iterator[tuple[subprocess.Popen, str]]:
    """`ndslib serve` in a process of its own, and its address; killed at the end of the block."""
    command = [sys.executable, "-m", "ndslib", "serve", place, "--port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            found = (re.search(r"http://127\.0\.0\.1:\d+", line) for line in server.stderr)
            yield server, next(filter(None, found))[0]
        finally:
            server.kill()


def killing(server: subprocess.Popen, after: int) -> Callable[..., Iterator[bytes]]:
    """Stands for `bounded`: kills the server when so many bytes have come to the client."""

    def blocks(*arguments: object) -> Iterator[bytes]:
        came = 0
        for block in bounded(*arguments):
            came += len(block)
            if came > after:
                server.kill()
                server.wait()
            yield block

    return blocks


def test_a_killed_server_that_starts_again_is_asked_for_the_rest(tmp_path, monkeypatch):
    """Experts and list are far larger than what the system holds for a connection."""
    monkeypatch.setattr(large_index, "CLUSTERS", 1)
    monkeypatch.setattr(large_index, "ResNet18", lambda classes, _: ResNet18(classes, 64))
    place, out = large_index.make(tmp_path / "index", 300_000).place, tmp_path / "list" / "picks.jsonl"
    with process(place, 0) as (server, url), watched(url) as wire:
        client = RemoteServer(wire.url, attempts=1)
        (expert,) = client.experts()
        monkeypatch.setattr(download_module, "bounded", killing(server, 2_000_000))
        with pytest.raises(InputError, match=r"bytes are kept in .*\.part: .* run the same command again"):
            client.weights(expert)
        (part,) = (paths.cache_root() / "downloaded-experts").glob("*.part")
        kept = part.stat().st_size
        assert 2_000_000 < kept < expert.bytes
        with process(place, urlsplit(url).port) as (server, _):
            monkeypatch.setattr(download_module, "bounded", bounded)
            assert sha256_file(client.weights(expert)) == expert.sha256
            assert start_of(wire.requests()[-1].headers["Range"]) == kept
            monkeypatch.setattr(remote_server_module, "bounded", killing(server, 2_000_000))
            with pytest.raises(InputError, match=r"broke off its answer .* run the same command again"):
                client.recommend({expert.id: 0.5}, out, images=300_000)
    assert names(out.parent) == []
