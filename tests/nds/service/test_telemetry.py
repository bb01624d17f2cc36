"""Log lines and metrics: what they tell of a request, and that they tell nothing of the client."""

import json
import logging
import sys

import pytest

from ndslib.core.errors import InputError
from ndslib.nds.index import Index
from ndslib.nds.service.telemetry import LOG, JsonLines

LISTS = "/v1/recommendations"


@pytest.fixture
def lines(caplog):
    """A function: the lines logged so far, as they are written."""
    caplog.set_level(logging.INFO, logger=LOG.name)
    return lambda: [JsonLines().format(record) for record in caplog.records if record.name == LOG.name]


def wait_for(client, lines, count):
    """The lines of `count` requests; the server writes each when it is done, soon after its client has the answer."""
    while len(lines()) < count:
        client.get("/health")
    return [json.loads(line) for line in lines()][:count]


def test_a_line_a_request(client, lines, scores):
    sent = client.post(LISTS, json={"scores": scores, "images": 5})
    client.get("/v1/experts/first/1/weights", headers={"Range": "bytes=0-9"})
    client.get("/v1/experts/nothing/1/weights")
    client.get("/page/none")
    client.get("/nothing/here")
    client.request("SECRET", "/v1/index")
    expected = [
        ("POST", LISTS, 200, len(sent.content)),
        ("GET", "/v1/experts/{dataset}/{cluster}/weights", 206, 10),
        ("GET", "/v1/experts/{dataset}/{cluster}/weights", 404, None),
        ("GET", "/page", 404, None),
        ("GET", "none", 404, None),
        ("other", "/v1/index", 405, None),
    ]
    for line, (method, route, status, size) in zip(wait_for(client, lines, 6), expected, strict=True):
        assert (line["method"], line["route"], line["status"]) == (method, route, status)
        assert size is None or line["bytes"] == size
        assert line["milliseconds"] > 0
        assert line["whole"] is True
        assert set(line) == {"time", "level", "event", "method", "route", "status", "milliseconds", "bytes", "whole"}


def test_nothing_of_the_client_is_logged(client, lines, scores):
    secrets = ["0.123456", "first/0", "scrt-agent", "scrt-token", "scrt-query", "scrt-path", "scrt-field", "127.0.0.1"]
    headers = {"User-Agent": "scrt-agent", "Authorization": "Bearer scrt-token", "X-Forwarded-For": "10.1.2.3"}
    client.post(f"{LISTS}?scrt-query", json={"scores": scores | {"first/0": 0.123456}, "images": 5}, headers=headers)
    client.post(LISTS, json={"scores": {"first/0": "0.123456"}, "scrt-field": 5}, headers=headers)
    client.get("/v1/experts/scrt-path/0/weights", headers=headers)
    client.get("/scrt-path", headers=headers)
    wait_for(client, lines, 4)
    for line in lines():
        assert not [secret for secret in [*secrets, "10.1.2.3"] if secret in line]


def test_errors_are_logged_without_their_messages(client, lines, caplog, scores, monkeypatch):
    def fail(*_):
        try:
            raise ValueError("0.123456 is a score")
        except ValueError as error:
            raise InputError("of scrt-dataset") from error

    monkeypatch.setattr(Index, "read", fail)
    assert client.post(LISTS, json={"scores": scores, "images": 5}).status_code == 500
    assert wait_for(client, lines, 1)[0]["status"] == 500
    while not (errors := [record for record in caplog.records if record.exc_info]):
        client.get("/health")
    (record,) = errors
    line = JsonLines().format(record)
    assert [error["type"] for error in json.loads(line)["errors"]] == ["InputError", "ValueError"]
    assert json.loads(line)["errors"][1]["at"][-1].endswith(" fail")
    assert "0.123456" not in line
    assert "scrt-dataset" not in line


def test_lines_of_other_records():
    try:
        raise KeyError("x")
    except KeyError:
        record = logging.LogRecord("a", logging.ERROR, "a.py", 1, "line %d\nof %s", (1, "two"), sys.exc_info())
    line = JsonLines().format(record)
    assert "\n" not in line
    assert json.loads(line)["event"] == "line 1\nof two"
    assert json.loads(line)["level"] == "error"


def samples(client):
    text = client.get("/metrics").text
    return dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))


def test_metrics_count_requests(client_of, scores):
    client = client_of()
    sent = client.post(LISTS, json={"scores": scores, "images": 5})
    client.post(LISTS, json={"scores": scores, "images": 0})
    for method in ("A", "B"):
        client.request(method, "/nothing/of/the/kind")
    while True:
        found = samples(client)
        if found.get('ndslib_requests_total{method="other",route="none",status="404"}') == "2.0":
            break
    assert found[f'ndslib_requests_total{{method="POST",route="{LISTS}",status="200"}}'] == "1.0"
    assert found[f'ndslib_requests_total{{method="POST",route="{LISTS}",status="422"}}'] == "1.0"
    assert float(found[f'ndslib_sent_bytes_total{{route="{LISTS}"}}']) > len(sent.content)
    assert found[f'ndslib_first_byte_seconds_count{{route="{LISTS}"}}'] == "2.0"
    assert found[f'ndslib_request_seconds_count{{route="{LISTS}"}}'] == "2.0"
    assert found["ndslib_requests_under_way"] == "1.0", "the one for the metrics"
    assert float(found["process_resident_memory_bytes"]) > 0
    assert "nothing" not in str(found)


def test_services_count_for_themselves(client_of):
    one, other = client_of(), client_of()
    one.get("/health")
    assert 'route="/health"' not in other.get("/metrics").text


def test_the_service_answers(client):
    assert client.get("/health").json() == {"status": "ok"}
    assert client.get("/metrics").headers["content-type"].startswith("text/plain; version=")
