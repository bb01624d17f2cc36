"""What stands between the network and the API: bounds on what a client may send and hold, a token, security headers."""

import asyncio
import contextlib
import re
import secrets
from collections.abc import Sequence

from fastapi import HTTPException, Request
from fastapi.security import HTTPBearer
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ndslib.core.errors import InputError
from ndslib.nds.protocol import TOKEN

RETRY_AFTER = 2  # seconds

_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:(\d{1,5}|\*))?")


def security_headers(embed_from: Sequence[str] = ()) -> dict[str, str]:
    """Headers that every answer has: nothing from another host, and no other page may hold this one in a frame.

    Args:
        embed_from: origins whose pages may, such as `http://localhost:8888` or, for any port, `http://localhost:*`.

    Raises:
        InputError: one is no origin.
    """
    for origin in embed_from:
        if not _ORIGIN.fullmatch(origin):
            raise InputError(f"embed_from: {origin!r} is no origin; give such as 'http://localhost:8888'")
    policy = {
        "default-src": "'self'",
        "img-src": "'self' data:",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": " ".join(embed_from) or "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
    }


class SecurityHeaders:
    """Adds headers to every answer that does not set them itself."""

    def __init__(self, app: ASGIApp, headers: dict[str, str]) -> None:
        self.app, self.headers = app, headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request (ASGI)."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers)


class BoundedClient:
    """Reads a request's body before the request is served, if it is small and comes soon, and drops stalled clients.

    Starlette's own body limit answers some requests in plain text and waits for a body for ever.
    """

    def __init__(self, app: ASGIApp, most_bytes: int, patience: float) -> None:
        self.app, self.most_bytes, self.patience = app, most_bytes, patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request (ASGI)."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        try:
            async with asyncio.timeout(self.patience):
                body = await self._body(Headers(scope=scope), receive)
        except TimeoutError:
            late = {"detail": f"the body did not come within {self.patience:g} seconds"}
            return await JSONResponse(late, 408, {"Connection": "close"})(scope, receive, send)
        if body is None:
            long = {"detail": f"the body is longer than {self.most_bytes} bytes"}
            return await JSONResponse(long, 413)(scope, receive, send)
        left = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive_body() -> Message:
            return left.pop() if left else await receive()

        async def send_in_time(message: Message) -> None:
            try:
                async with asyncio.timeout(self.patience):
                    await send(message)
            except TimeoutError:
                raise ClientDisconnect from None

        with contextlib.suppress(ClientDisconnect):  # nobody is there to be answered
            await self.app(scope, receive_body, send_in_time)

    async def _body(self, headers: Headers, receive: Receive) -> bytes | None:
        """The body, or None if it is too long; a client that leaves before its end has sent what it has sent."""
        announced = headers.get("content-length", "0")
        if not announced.isdecimal() or int(announced) > self.most_bytes:
            return None
        body, more = b"", True
        while more and len(body) <= self.most_bytes:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        return body if len(body) <= self.most_bytes else None


class Token(HTTPBearer):
    """A dependency that refuses requests without the token."""

    def __init__(self, token: str) -> None:
        super().__init__(scheme_name="token", description="The token that the service was started with.")
        if not re.fullmatch(TOKEN, token):
            raise InputError("token: give one of letters, digits and signs, without spaces")
        self._expected = token.encode()

    async def __call__(self, request: Request) -> None:
        """Check a request, in a time that tells nothing of the token."""
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secrets.compare_digest(given.strip().encode(), self._expected):
            raise HTTPException(401, "give the token: Authorization: Bearer ...", {"WWW-Authenticate": "Bearer"})


class Turns:
    """Bounds how much is under way at once: `with turns:` takes one, or refuses with 503."""

    def __init__(self, most: int) -> None:
        self.most, self.taken = most, 0

    def __enter__(self) -> None:
        if self.taken >= self.most:
            raise HTTPException(503, "too many requests at once: try again soon", {"Retry-After": str(RETRY_AFTER)})
        self.taken += 1

    def __exit__(self, *_: object) -> None:
        self.taken -= 1


async def json_alone(request: Request) -> None:
    """A dependency that refuses a body that does not say it is JSON.

    Beside being clear to clients, it keeps other sites' pages from sending forms here.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "send JSON with the header Content-Type: application/json")
