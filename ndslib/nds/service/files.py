"""A file of the index as an answer: Starlette's, with the conditions and ranges of RFC 9110 that it leaves out.

Starlette sends ranges and compares `If-Range`. This adds `If-Match` and `If-None-Match`, ranges of which some are
satisfiable, ranges that are to be ignored (another unit, another method, no syntax), and refusals in JSON.
"""

import re
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

_RANGE = re.compile(r"([0-9]{0,18})-([0-9]{0,18})", re.ASCII)


class IndexFile(FileResponse):
    """A file that never changes under its ETag.

    Args:
        path: the file.
        media_type: what it is.
        etag: strong, without quotation marks: a hash of the content.
        name: under which browsers save it.
    """

    def __init__(self, path: Path, media_type: str, etag: str, name: str | None = None) -> None:
        headers = {"ETag": f'"{etag}"', "Cache-Control": "no-cache"}  # kept, but asked for anew
        super().__init__(path, headers=headers, media_type=media_type, filename=name, stat_result=path.stat())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request (ASGI): conditions first, then ranges (RFC 9110, section 13.2.2)."""
        asked, etag = Headers(scope=scope), self.headers["etag"]
        if "if-match" in asked and not _lists(asked["if-match"], etag):
            return await JSONResponse({"detail": "the file is another one by now"}, 412)(scope, receive, send)
        if "if-none-match" in asked and _lists(asked["if-none-match"].replace("W/", ""), etag):
            kept = {name: self.headers[name] for name in ("etag", "cache-control", "last-modified")}
            return await Response(status_code=304, headers=kept)(scope, receive, send)
        size = self.stat_result.st_size
        ranges = _ranges(asked.get("range", ""), size) if scope["method"] == "GET" else None
        if ranges == [] and asked.get("if-range", etag) == etag:
            refusal = {"detail": f"the file has {size} bytes: no byte of the range is in it"}
            headers = {"Content-Range": f"bytes */{size}"}
            return await JSONResponse(refusal, 416, headers)(scope, receive, send)
        await super().__call__(_with_ranges(scope, ranges), receive, send)


def _lists(tags: str, etag: str) -> bool:
    """Whether a list of entity tags has one, or says `*`."""
    return tags.strip() == "*" or etag in [tag.strip() for tag in tags.split(",")]


def _ranges(header: str, size: int) -> list[tuple[int, int]] | None:
    """The satisfiable ranges of a `Range` header, first and last byte; None if the header is to be ignored."""
    unit, _, text = header.partition("=")
    parts = [_RANGE.fullmatch(part.strip()) for part in text.split(",") if part.strip()]
    if unit.strip().lower() != "bytes" or not parts or not all(parts):
        return None
    found = []
    for first, last in (part.groups() for part in parts):
        if (not first and not last) or (first and last and int(last) < int(first)):
            return None  # no syntax of a range
        start = int(first) if first else max(size - int(last), 0)
        end = min(int(last), size - 1) if first and last else size - 1
        if start <= end:
            found.append((start, end))
    return found


def _with_ranges(scope: Scope, ranges: list[tuple[int, int]] | None) -> Scope:
    """The request with just these ranges."""
    headers = MutableHeaders(raw=list(scope["headers"]))
    del headers["range"]
    if ranges:
        headers["range"] = "bytes=" + ", ".join(f"{start}-{end}" for start, end in ranges)
    return {**scope, "headers": headers.raw}
