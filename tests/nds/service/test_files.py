"""Weights and pictures over HTTP: conditions and ranges as RFC 9110 has them."""

import pytest

from ndslib.core.files import sha256_file

WEIGHTS = "/v1/experts/first/0/weights"


@pytest.fixture
def content(index) -> bytes:
    return index.expert_paths()[0].read_bytes()


@pytest.fixture
def etag(index) -> str:
    return f'"{sha256_file(index.expert_paths()[0])}"'


def test_a_whole_file(client, content, etag):
    answer = client.get(WEIGHTS)
    assert (answer.status_code, answer.content) == (200, content)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == 'attachment; filename="first-0.safetensors"'
    assert answer.headers["etag"] == etag
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["content-length"] == str(len(content))


def test_its_headers_alone(client, content, etag):
    answer = client.head(WEIGHTS, headers={"Range": "bytes=0-9"})
    assert (answer.status_code, answer.content) == (200, b""), "a range means nothing without GET"
    assert answer.headers["content-length"] == str(len(content))
    assert answer.headers["etag"] == etag


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-9", slice(0, 10)),
        ("bytes=5-5", slice(5, 6)),
        ("bytes=100-", slice(100, None)),
        ("bytes=-7", slice(-7, None)),
        ("bytes=-99999999", slice(0, None)),
        ("bytes=100-99999999", slice(100, None)),
        ("BYTES = 3-4", slice(3, 5)),
        ("bytes=0-9,99999999-", slice(0, 10)),  # one of them satisfiable
        ("bytes=0-4,5-9", slice(0, 10)),
    ],
)
def test_a_range(client, content, asked, part):
    answer = client.get(WEIGHTS, headers={"Range": asked})
    assert answer.status_code == 206
    assert answer.content == content[part]
    start, stop, _ = part.indices(len(content))
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(content)}"
    assert answer.headers["content-length"] == str(stop - start)


def test_several_ranges(client, content):
    answer = client.get(WEIGHTS, headers={"Range": "bytes=0-9,100-109"})
    assert answer.status_code == 206
    assert answer.headers["content-type"].startswith("multipart/byteranges; boundary=")
    assert content[:10] in answer.content
    assert content[100:110] in answer.content
    assert len(answer.content) < 500


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=-0", "bytes=99999999-999999999,-0"])
def test_ranges_outside_of_the_file(client, content, asked):
    answer = client.get(WEIGHTS, headers={"Range": asked})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{len(content)}"
    assert f"has {len(content)} bytes" in answer.json()["detail"]


@pytest.mark.parametrize(
    "asked", ["rows=0-9", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=9-5", "bytes=0-9,x", "bytes=1_0-20", "=0-9"]
)
def test_ranges_to_be_ignored(client, content, asked):
    answer = client.get(WEIGHTS, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (200, content)


def test_a_range_of_the_same_file_alone(client, content, etag):
    def ask(condition: str, part: str = "bytes=0-9"):
        return client.get(WEIGHTS, headers={"Range": part, "If-Range": condition})

    assert ask(etag).content == content[:10]
    for other in ('"other"', f"W/{etag}", "Mon, 01 Jan 2001 00:00:00 GMT"):
        assert (ask(other).status_code, ask(other).content) == (200, content)
    assert ask(etag, "bytes=99999999-").status_code == 416
    assert ask('"other"', "bytes=99999999-").content == content


def test_a_file_that_the_client_has(client, etag):
    for tags in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        answer = client.get(WEIGHTS, headers={"If-None-Match": tags, "Range": "bytes=0-9"})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == etag
    assert client.get(WEIGHTS, headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_file_that_must_be_the_one_known(client, etag):
    for tags, status in ((etag, 200), ("*", 200), ('"other"', 412), (f"W/{etag}", 412)):
        assert client.get(WEIGHTS, headers={"If-Match": tags}).status_code == status


def test_pictures_too(client, index):
    path = "/v1/thumbnails/first/0/0.webp"
    etag = f'"{sha256_file(index.datasets[0].thumbnail(0, 0))}"'
    assert client.get(path).headers["etag"] == etag
    assert client.get(path, headers={"If-None-Match": etag}).status_code == 304
