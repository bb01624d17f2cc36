"""What an operator sees: a line of JSON for each request, and metrics for Prometheus.

A line has the time, the method, the route's template, the status, how long the request took and how many bytes went
out. Of the client it has nothing: no address, no query, no body, no score, no text that a client chose.
"""

import json
import logging
import time
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ndslib.nds.store import IndexDamaged

LOG = logging.getLogger("ndslib.nds.service")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
SECONDS = (0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 3, 10, 60)


class Metrics:
    """The metrics of one service, in a registry of its own, so that a process may run several."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        about = ("ndslib_requests", "Requests answered", ["method", "route", "status"])
        self.requests = Counter(*about, registry=self.registry)
        self.sent = Counter("ndslib_sent_bytes", "Bytes of bodies sent", ["route"], registry=self.registry)
        self.under_way = Gauge("ndslib_requests_under_way", "Requests being served", registry=self.registry)
        self.first_byte = self._seconds("ndslib_first_byte_seconds", "Time to the first byte of the body")
        self.whole = self._seconds("ndslib_request_seconds", "Time to the last byte of the body")

    def _seconds(self, name: str, about: str) -> Histogram:
        return Histogram(name, about, ["route"], registry=self.registry, buckets=SECONDS)


class Telemetry:
    """Counts and logs every request."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request (ASGI)."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        seen = _Seen()

        async def send_seen(message: Message) -> None:
            await send(message)
            seen.message(message)

        with self.metrics.under_way.track_inprogress():
            try:
                await self.app(scope, receive, send_seen)
            finally:
                self._note(scope, seen)

    def _note(self, scope: Scope, seen: "_Seen") -> None:
        method = scope["method"] if scope["method"] in METHODS else "other"
        route = getattr(scope.get("route"), "path", scope.get("root_path") or "none")  # a mount sets its root
        seconds = time.perf_counter() - seen.start
        self.metrics.requests.labels(method, route, seen.status).inc()
        self.metrics.sent.labels(route).inc(seen.sent)
        self.metrics.whole.labels(route).observe(seconds)
        if seen.first_byte is not None:
            self.metrics.first_byte.labels(route).observe(seen.first_byte)
        fields = {
            "method": method,
            "route": route,
            "status": seen.status,
            "milliseconds": round(1000 * seconds, 1),
            "bytes": seen.sent,
            "whole": seen.whole,
        }
        LOG.info("request", extra={"fields": fields})


class _Seen:
    """What has gone out in answer to a request.

    Attributes:
        status: of the answer; 500 until there is one.
        sent: bytes of its body.
        first_byte: seconds to the first of them, or None.
        whole: whether all of it was sent.
    """

    def __init__(self) -> None:
        self.start = time.perf_counter()
        self.status, self.sent, self.whole = 500, 0, False
        self.first_byte: float | None = None

    def message(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            return
        self.sent += len(message.get("body", b""))
        self.whole = not message.get("more_body", False)
        if self.sent and self.first_byte is None:
            self.first_byte = time.perf_counter() - self.start


class JsonLines(logging.Formatter):
    """Log records as lines of JSON. Of an error it writes what and where, but no message: that may quote a client.

    Damage of the index is the exception: its message names the file and what to do, and nothing of a client.
    """

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        line |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[1]:
            line["errors"] = list(_errors(record.exc_info[1]))
        return json.dumps(line)


def _errors(error: BaseException | None) -> Iterator[dict[str, Any]]:
    """An error and what caused it: its type, and the lines of code that it passed, innermost last."""
    while error is not None:
        frames = traceback.extract_tb(error.__traceback__)
        said = {"message": str(error)} if isinstance(error, IndexDamaged) else {}
        at = [f"{each.filename}:{each.lineno} {each.name}" for each in frames]
        yield {"type": type(error).__name__, **said, "at": at}
        error = error.__cause__
