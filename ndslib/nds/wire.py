"""The wire between a client and a dataserver: all that the client sends, and what a broken connection does."""

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit


class Sent(NamedTuple):
    """A request as it crossed the wire."""

    line: str
    headers: dict[str, str]
    body: bytes


class Wire(socketserver.ThreadingTCPServer):
    """Stands before a server: records what clients send, and breaks off answers as it is told.

    Attributes:
        url: where clients find it.
        sent: what clients have sent, a bytearray a connection.
        cuts: after how many bytes of answers each next connection breaks off; None, or no entry: never.
    """

    daemon_threads, block_on_close = True, False

    def __init__(self, url: str) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.upstream = (urlsplit(url).hostname, urlsplit(url).port)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.sent: list[bytearray] = []
        self.cuts: list[int | None] = []

    def requests(self) -> list[Sent]:
        """The requests so far, in the order of their connections."""
        found = []
        for rest in map(bytes, self.sent):
            while rest:
                head, _, rest = rest.partition(b"\r\n\r\n")
                line, *fields = head.decode("ascii").split("\r\n")
                headers = dict(field.split(": ", 1) for field in fields)
                length = int(headers.get("Content-Length", 0))
                found.append(Sent(line, headers, rest[:length]))
                rest = rest[length:]
        return found


class _Connection(socketserver.BaseRequestHandler):
    server: Wire

    def handle(self) -> None:
        record, left = bytearray(), self.server.cuts.pop(0) if self.server.cuts else None
        self.server.sent.append(record)
        if left == 0:
            return
        with socket.create_connection(self.server.upstream) as upstream, contextlib.suppress(OSError):
            threading.Thread(target=self._forward, args=(upstream, record), daemon=True).start()
            while left != 0 and (data := upstream.recv(65536 if left is None else min(left, 65536))):
                self.request.sendall(data)
                left = None if left is None else left - len(data)

    def _forward(self, upstream: socket.socket, record: bytearray) -> None:
        with contextlib.suppress(OSError):  # either side may end the connection at any time
            while data := self.request.recv(65536):
                record += data
                upstream.sendall(data)


@contextlib.contextmanager
def watched(url: str) -> Iterator[Wire]:
    """A wire before the http server at `url`, until the block ends."""
    wire = Wire(url)
    with serving(wire):
        yield wire


@contextlib.contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[None]:
    """A server at work in a thread, until the block ends and closes it."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
