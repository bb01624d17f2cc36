"""The server itself: lists that are sent while they are read, many clients at once, and how it starts and stops."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import httpx
import pytest

from ndslib.core.errors import InputError
from ndslib.nds.service import lists, running, serve, server

LISTS = "/v1/recommendations"


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_a_list_is_sent_while_it_is_read(client, index, scores, form, held_reads):
    request = {"scores": scores, "images": 612, "format": form}
    with client.stream("POST", LISTS, json=request) as answer:
        assert answer.headers["x-images"] == "612"
        parts = answer.iter_raw()
        first = next(parts)
        assert held_reads.count <= 2, "one block is read, and at most the next one is asked for"
        held_reads.release()
        whole = first + b"".join(parts)
    assert whole == client.post(LISTS, json=request).content


def test_the_work_for_a_client_that_left_ends(client, index, scores, monkeypatch, held_reads):
    monkeypatch.setattr(lists, "BLOCK", 1)
    left = threading.Event()

    def slow_read(*arguments):
        if left.is_set():
            time.sleep(0.01)
        return held_reads(*arguments)

    monkeypatch.setattr(index, "read", slow_read)
    with client.stream("POST", LISTS, json={"scores": scores, "images": 612}) as answer:
        next(answer.iter_raw())
    left.set()
    held_reads.release()
    while under_way(client) > 1:  # the request for the metrics is one itself
        time.sleep(0.01)
    assert held_reads.count < 350, "of 357 blocks"


def under_way(client: httpx.Client) -> float:
    return float(re.search(r"^ndslib_requests_under_way (.+)$", client.get("/metrics").text, re.MULTILINE)[1])


def test_a_hundred_clients_at_once(client, scores):
    request = {"scores": scores, "images": 600, "format": "csv"}

    async def ask_all() -> list[httpx.Response]:
        async with httpx.AsyncClient(
            base_url=client.base_url, timeout=60, limits=httpx.Limits(max_connections=100)
        ) as many:
            return await asyncio.gather(*(many.post(LISTS, json=request | {"seed": i % 4}) for i in range(100)))

    answers = asyncio.run(ask_all())
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 4, "one list a seed"


def test_requests_under_way_end_before_a_service_stops(index, scores, held_reads):
    """And no new connection is taken."""
    service = running(index)
    url = service.__enter__()
    stopping = threading.Thread(target=service.__exit__, args=(None, None, None))
    with httpx.stream("POST", url + LISTS, json={"scores": scores, "images": 612}, timeout=20) as answer:
        parts = answer.iter_raw()
        first = next(parts)
        stopping.start()
        while True:
            try:
                httpx.get(url + "/health", headers={"Connection": "close"})
            except httpx.ConnectError:
                break
        held_reads.release()
        assert (first + b"".join(parts)).count(b"\n") == 613
    stopping.join(timeout=20)
    assert not stopping.is_alive()


SERVE = """
import sys, time
from ndslib.nds import Index
from ndslib.nds.service import lists, serve
read, lists.BLOCK = Index.read, 8
def slow_read(*arguments):
    time.sleep(0.01)
    return read(*arguments)
Index.read = slow_read
for time_of_serving in range(2):
    serve(Index.open(sys.argv[1]), port=0)
    print("stopped")
"""


def test_a_signal_ends_it_when_requests_have_ended(index, scores):
    command = [sys.executable, "-c", SERVE, str(index.place)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, env=environment, **pipes) as process:
        for number in (signal.SIGTERM, signal.SIGINT):
            lines = (json.loads(line) for line in process.stderr)
            warning = next(line for line in lines if line["level"] == "warning")
            assert warning["event"].endswith("index with --base-url")
            assert warning["datasets"] == [dataset.name for dataset in index.datasets]
            url = next(line["url"] for line in lines if line["event"] == "listening")
            with httpx.stream("POST", url + LISTS, json={"scores": scores, "images": 612}, timeout=20) as answer:
                parts = answer.iter_raw()
                first = next(parts)
                process.send_signal(number)
                assert (first + b"".join(parts)).count(b"\n") == 613, "the whole list and its head"
            assert next(line for line in lines if line["event"] == "request")["whole"] is True
            assert process.stdout.readline() == "stopped\n"
        assert {json.loads(line)["level"] for line in process.stderr} == {"info"}
        assert process.wait(timeout=20) == 0


def test_a_port_that_is_taken(index):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=rf"cannot listen on 127.0.0.1, port {port}: .*in use.*; choose another"):
            serve(index, port=port)
        with pytest.raises(InputError, match=f"port {port}"), running(index, port=port):
            pass


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 65536), ("127.0.0.1", -1), ("no such host", 0)])
def test_places_where_nobody_can_listen(index, host, port):
    with pytest.raises(InputError, match=f"cannot listen on {host}, port {port}"), running(index, host, port):
        pass


def test_the_same_port_again(index):
    with running(index) as url:
        pass
    port = int(url.rsplit(":", 1)[1])
    with running(index, port=port) as again:
        assert again == url
        assert httpx.get(url + "/health").json() == {"status": "ok"}


def test_version_6_addresses(index):
    if not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    with running(index, "::1") as url:
        assert url.startswith("http://[::1]:")
        assert httpx.get(url + "/health").status_code == 200


def test_answers_are_not_delayed():
    """With Nagle's algorithm an answer in two parts would wait for the client's acknowledgement, 40 ms."""
    with server._listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
