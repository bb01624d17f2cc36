"""Running the service: `serve` until it is told to stop, `running` for as long as a block of code runs.

On SIGTERM or SIGINT no new connection is taken, requests under way get up to `GRACE` seconds to end, and `serve`
returns. For the open internet, put a proxy with TLS before it, which also bounds how slowly the headers of a request
may come.
"""

import contextlib
import logging.config
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn

from ndslib.core.errors import InputError
from ndslib.nds.index import Index
from ndslib.nds.service.app import create_app
from ndslib.nds.service.telemetry import LOG

BACKLOG = 2048  # connections that wait to be taken
GRACE = 60  # seconds for requests under way, once the service is told to stop
_LOGS = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"lines": {"()": "ndslib.nds.service.telemetry.JsonLines"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
    "loggers": {name: {"level": "INFO"} for name in (LOG.name, "uvicorn.error")},
    "root": {"level": "WARNING", "handlers": ["stderr"]},
}


def serve(
    index: Index,
    host: str = "127.0.0.1",
    port: int = 8000,
    announce: Callable[[str], None] | None = None,
    **options: Any,
) -> None:
    """Serve an index until SIGTERM or SIGINT (Ctrl-C), with log lines of JSON on standard error.

    Args:
        host, port: where to listen; port 0 takes a free one, which the first log line names.
        announce: called with the address once the server listens there.
        options: as for `create_app`.

    Raises:
        InputError: the index cannot be served, an option is wrong, or the port is taken.
    """
    app = create_app(index, **options)
    with _listen(host, port) as listener:
        logging.config.dictConfig(_LOGS)
        if paths := [dataset.name for dataset in index.datasets if not dataset.base_url]:
            LOG.warning(
                "lists hold paths on this machine, which other machines cannot follow: index with --base-url",
                extra={"fields": {"datasets": paths}},
            )
        LOG.info("listening", extra={"fields": {"url": _url(listener)}})
        if announce:
            announce(_url(listener))
        with _signals_end_calmly():
            _server(app).run([listener])


@contextlib.contextmanager
def running(index: Index, host: str = "127.0.0.1", port: int = 0, **options: Any) -> Iterator[str]:
    """A service in a thread, at a free port unless one is given, until the block ends.

    Requests under way then get up to `GRACE` seconds to end.

    Args:
        options: as for `create_app`.

    Yields:
        Its address, such as `http://127.0.0.1:41683`.

    Raises:
        InputError: as for `serve`.
    """
    app = create_app(index, **options)
    with _listen(host, port) as listener:
        url, server = _url(listener), _server(app)
        thread = threading.Thread(target=server.run, args=([listener],), name="ndslib-service", daemon=True)
        thread.start()  # the socket takes connections already, so that nobody need wait for the thread
        try:
            yield url
        finally:
            server.should_exit = True
            thread.join()


def _server(app: Any) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        ws="none",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE,
    )
    return uvicorn.Server(config)


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket."""
    if not 0 <= port < 2**16:
        raise InputError(f"cannot listen on {host}, port {port}: ports are numbers from 0 to 65535")
    try:
        family = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise InputError(f"cannot listen on {host}, port {port}: {error}; choose another, or port 0 for any") from error
    # Connections inherit it. Nagle's algorithm would hold back the second part of an answer for 40 ms, and asyncio
    # turns it off only for sockets that name their protocol.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextlib.contextmanager
def _signals_end_calmly() -> Iterator[None]:
    """Uvicorn raises the signal that stopped it once more when it is done; here it has done its work by then."""
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {each: signal.signal(each, lambda *_: None) for each in signals}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
