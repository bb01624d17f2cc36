"""A controller's side of the conversation with ThreeDWorld's build: commands out as JSON, pictures in as FlatBuffers.

The build is the one that asks: it connects a ZMQ REQ socket to our REP socket and speaks first. From then on every
message of ours, a list of commands, is answered by one of its own: parts of output data and, last, the frame's number.
"""

import contextlib
import json
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import zmq

from ndslib.core.errors import InputError

Command = dict[str, Any]

PORT = 1071  # where a build looks for its controller unless `-port` says otherwise
RESENDS = 100  # how often the build may ask for one message again
POLL = 200  # milliseconds between two looks at a silent build
GOODBYE = 5000  # milliseconds for it to end
ENCODED = (b"\x89PNG", b"\xff\xd8")  # how PNG and JPEG files begin
IMAGES, LOST, QUIT = b"imag", b"ftre", b"quit"  # kinds of output data: bytes 4 to 8


class Build:
    """The build at the other end; `connected` makes it.

    Args:
        socket: ours, bound, of type REP.
        process: the build, where we started it.
        patience: seconds without an answer after which the build counts as dead.

    Raises:
        InputError: the build does not connect in time, or has ended.
    """

    def __init__(self, socket: zmq.Socket, process: subprocess.Popen | None, patience: float) -> None:
        self._socket, self._process, self._patience = socket, process, patience
        self._receive("connect")

    def communicate(self, commands: list[Command]) -> list[bytes]:
        """Send commands; the parts of output data that come back.

        Raises:
            InputError: no answer in time, the build has ended, or it says that it quits.
        """
        message = json.dumps(commands).encode()
        for _ in range(RESENDS):
            self._socket.send(message)
            parts = self._receive("answer")[:-1]
            kinds = {part[4:8] for part in parts}
            if QUIT in kinds:
                raise InputError("the build quits on an error; its own log, Player.log, says which")
            if LOST not in kinds:
                return parts
        raise InputError(f"the build has lost one message {RESENDS} times; start it again")

    def picture(self, commands: list[Command]) -> bytes:
        """Send commands whose last one asks for the image; the PNG file that comes back.

        Raises:
            InputError: as `communicate`, or no image came.
        """
        for part in self.communicate(commands):
            if part[4:8] == IMAGES:
                return first_image(part)
        raise InputError("the build answered without an image; its own log, Player.log, may say why")

    def end(self) -> None:
        """Tell the build to end, and wait a little for its goodbye."""
        self._socket.send(json.dumps([{"$type": "terminate"}]).encode())
        self._socket.poll(GOODBYE)

    def _receive(self, what: str) -> list[bytes]:
        since = time.monotonic()
        while not self._socket.poll(POLL):
            if self._process is not None and self._process.poll() is not None:
                raise InputError(f"the build ended with status {self._process.returncode}; its own log says why")
            if time.monotonic() - since > self._patience:
                raise InputError(
                    f"the build did not {what} for {self._patience:g} s: see that it runs and was started with "
                    f"-port={_port(self._socket)}, and with -address= if it is on another machine"
                )
        return self._socket.recv_multipart()


@contextlib.contextmanager
def connected(
    executable: Path | None = None, port: int = PORT, address: str = "127.0.0.1", patience: float = 300.0
) -> Iterator[Build]:
    """A build that has connected; it is told to end afterwards.

    Args:
        executable: the build's program, to be started here; None waits for one that somebody else starts.
        port: where to listen; 0 takes a free one, which a build that is started here is told.
        address: of this machine, on which to listen; "*" lets a build on another machine in.
        patience: seconds to wait for the build, at first and at every message.

    Raises:
        InputError: the port is taken or none from 0 to 65535, the program cannot be started, or the build does not
            connect in time.
    """
    if port not in range(65536):  # ZMQ would take another one, silently
        raise InputError(f"port {port}: choose a --port from 1 to 65535, or 0 for a free one")
    with zmq.Context() as context, context.socket(zmq.REP) as socket:
        socket.linger = 0  # what a dead build has not fetched is not worth waiting for
        try:
            socket.bind(f"tcp://{address}:{port}")
        except zmq.ZMQError as error:
            raise InputError(f"{address}, port {port}: cannot listen there ({error}); choose another --port") from error
        with _started(executable, _port(socket)) as process:
            build = Build(socket, process, patience)
            yield build
            build.end()


def _port(socket: zmq.Socket) -> str:
    return socket.getsockopt_string(zmq.LAST_ENDPOINT).rpartition(":")[2]


@contextlib.contextmanager
def _started(executable: Path | None, port: str) -> Iterator[subprocess.Popen | None]:
    if executable is None:
        yield None
        return
    try:
        process = subprocess.Popen([executable, f"-port={port}"], stdin=subprocess.DEVNULL)
    except OSError as error:
        raise InputError(f"{executable}: the build cannot be started ({error.strerror}); give its path") from error
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def first_image(message: bytes) -> bytes:
    """The encoded image, PNG or JPEG, of the first pass in output data of the kind `Images`.

    A FlatBuffers table starts with the distance back to a list of 16-bit places of its fields, counted from its start;
    what is not a number stands elsewhere, at the distance that the field holds.

    Raises:
        InputError: the message is no such table.
    """

    def number(kind: str, place: int) -> int:
        return struct.unpack_from(f"<{kind}", message, place)[0]

    def follow(place: int) -> int:
        return place + number("I", place)

    def field(table: int, which: int) -> int:
        return follow(table + number("H", table - number("i", table) + 4 + 2 * which))

    try:
        passes = field(follow(0), 4)  # a vector: its length, then the distances to its tables
        image = field(follow(passes + 4), 1)
        found = message[image + 4 : image + 4 + number("I", image)]
    except struct.error:
        found = b""
    if not found.startswith(ENCODED):
        raise InputError(f"the build sent {len(message)} bytes as an image that are none; start it again")
    return found
