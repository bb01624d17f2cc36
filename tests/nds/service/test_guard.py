"""What keeps the service from clients, and clients from other pages."""

import asyncio
import json
import socket

from ndslib.nds.service import app, guard

LISTS = "/v1/recommendations"
PAGES = ("/", "/docs", "/page/none", "/v1/index", "/v1/none", "/health", "/metrics", "/openapi.json")


def test_the_token_is_asked_for_by_the_whole_api_and_by_nothing_else(client_of, scores):
    client = client_of(token="s3cret")
    request = {"scores": scores, "images": 5}
    asked = [("GET", "/v1/index"), ("GET", "/v1/datasets"), ("GET", "/v1/experts"), ("POST", LISTS)]
    asked += [("GET", "/v1/experts/first/0/weights"), ("GET", "/v1/thumbnails/first/0/0.webp")]
    asked += [("POST", "/v1/summaries"), ("HEAD", "/v1/experts/first/0/weights")]
    for method, path in asked:
        body = request if method == "POST" else None
        for wrong in ({}, *({"Authorization": text} for text in ("Bearer", "Bearer S3cret", "Basic s3cret", "s3cret"))):
            answer = client.request(method, path, json=body, headers=wrong)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
            assert method == "HEAD" or "Authorization: Bearer" in answer.json()["detail"]
        assert client.request(method, path, json=body, headers={"Authorization": "bearer s3cret"}).is_success
    for path in ("/", "/docs", "/health", "/metrics", "/openapi.json"):
        assert client.get(path).status_code == 200


def test_without_the_token_nothing_is_learnt_from_a_wrong_request(client_of):
    client = client_of(token="s3cret")
    assert client.post(LISTS, json={}).status_code == 401
    assert client.get("/v1/experts/none/0/weights").status_code == 401


def test_every_answer_has_the_security_headers(client):
    for path in PAGES:
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'self'"
        assert "script-src" not in policy
        assert policy["frame-ancestors"] == "'none'"
        assert headers["cache-control"] == "no-store"
        assert "server" not in headers


def test_pages_that_may_hold_this_one_are_named(client_of):
    client = client_of(embed_from=("http://localhost:*", "https://lab.example.org"))
    policy = client.get("/").headers["content-security-policy"]
    assert "frame-ancestors http://localhost:* https://lab.example.org" in policy


def test_a_body_that_is_too_long(client, index):
    most = client.get("/v1/index").json()["limits"]["request_bytes"]
    headers = {"Content-Type": "application/json"}
    for body in (b" " * (most + 1), b" " * 30 * most, (b" " * 1000 for _ in range(1000)), iter([b" " * most, b" "])):
        answer = client.post(LISTS, content=body, headers=headers)
        assert answer.status_code == 413
        assert answer.json() == {"detail": f"the body is longer than {most} bytes"}
    for body in (b" " * most, iter([b" " * (most - 1), b" "])):
        assert client.post(LISTS, content=body, headers=headers).status_code == 422, "it was read to its end"


def test_a_body_in_pieces(client, scores):
    body = json.dumps({"scores": scores, "images": 5}).encode()
    whole = client.post(LISTS, content=body, headers={"Content-Type": "application/json"})
    pieces = client.post(LISTS, content=(bytes([byte]) for byte in body), headers={"Content-Type": "application/json"})
    assert whole.status_code == 200
    assert whole.content == pieces.content


def test_a_body_that_is_not_said_to_be_json(client, scores):
    body = json.dumps({"scores": scores, "images": 5}).encode()
    for said in ({}, {"Content-Type": "text/plain"}, {"Content-Type": "application/x-www-form-urlencoded"}):
        answer = client.post(LISTS, content=body, headers=said)
        assert answer.status_code == 415
        assert "Content-Type: application/json" in answer.json()["detail"]
    said = {"Content-Type": "application/json; charset=utf-8"}
    assert client.post(LISTS, content=body, headers=said).status_code == 200


def test_a_body_that_does_not_come(client_of, monkeypatch):
    monkeypatch.setattr(app, "PATIENCE", 0.2)
    url = client_of().base_url
    with socket.create_connection((url.host, url.port), timeout=20) as connection:
        connection.sendall(b"POST /v1/recommendations HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n{")
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"0.2 seconds" in answer


def test_a_client_that_takes_nothing_is_dropped():
    sent, ended = [], []

    async def sends_three(scope, receive, send):
        try:
            for part in range(3):
                await send({"type": "http.response.body", "body": bytes([part]), "more_body": True})
        finally:
            ended.append(True)

    async def receive():
        return {"type": "http.request"}

    async def send(message):
        if sent:
            await asyncio.Event().wait()  # for ever: nobody reads the other end
        sent.append(message)

    bounded = guard.BoundedClient(sends_three, 10, patience=0.05)
    asyncio.run(bounded({"type": "http", "headers": []}, receive, send))
    assert len(sent) == 1
    assert ended == [True]


def test_too_many_at_once_are_told_to_come_back(client_of, scores, monkeypatch, held_reads):
    monkeypatch.setattr(app, "TURNS", 1)
    client, request = client_of(), {"scores": scores, "images": 600}
    with client.stream("POST", LISTS, json=request) as first:
        parts = first.iter_raw()
        next(parts)
        for path in (LISTS, "/v1/summaries"):
            refused = client.post(path, json={"scores": scores, "images": 5})
            assert refused.status_code == 503
            assert int(refused.headers["retry-after"]) > 0
            assert "try again" in refused.json()["detail"]
        assert client.get("/v1/index").status_code == 200
        held_reads.release()
        assert b"".join(parts).count(b"\n") == 600 - 256
    for body, status in ((request, 200), ({}, 422), (request, 200)):
        answer = client.post(LISTS, json=body)
        while answer.status_code == 503:  # a turn ends just after the last byte
            answer = client.post(LISTS, json=body)
        assert answer.status_code == status, "refusals give their turn back"
