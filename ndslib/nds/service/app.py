"""The application: the API, the web page, health and metrics, and what surrounds them."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from anyio.to_thread import current_default_thread_limiter
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.middleware import Middleware
from starlette.staticfiles import StaticFiles

import ndslib
from ndslib.core.errors import InputError
from ndslib.nds.index import Index
from ndslib.nds.service import api, docs
from ndslib.nds.service.api import Service
from ndslib.nds.service.catalogue import Catalogue
from ndslib.nds.service.guard import BoundedClient, SecurityHeaders, Token, Turns, security_headers
from ndslib.nds.service.schemas import Health, Limits, Refusal
from ndslib.nds.service.telemetry import LOG, Metrics, Telemetry
from ndslib.nds.store import IndexDamaged

PAGE = Path(__file__).parent / "page"
REQUEST_BYTES, EXPERT_BYTES = 2**16, 2**9  # most bytes of a request: for its filters and settings, and for each score
PATIENCE = 60.0  # seconds that a client may take to send its body, or to take a part of an answer
TURNS = 256  # recommendations and summaries under way at once
THREADS = 8  # that draw, read and write lists: more would not be faster, but take more memory
UNAUTHORISED = {401: {"model": Refusal, "description": "The token is absent or wrong."}}
FAULTS = 5  # of a request, named in the answer
_DESCRIPTION = """Which images of huge datasets are worth pretraining on, for your data?

Download the experts, rate each on your own images, and send the scores: you get a list of images. Your images stay
where they are, and nothing about you is stored here. (Neural Data Server, CVPR 2020)."""


def create_app(
    index: Index, token: str | None = None, most_images: int = 1_000_000, embed_from: tuple[str, ...] = ()
) -> FastAPI:
    """The service over an index, which is described once, here: a dataset added later shows after a new start.

    Args:
        index: with one dataset at least.
        token: what clients of the API (not of the page) must know; None lets anybody use it.
        most_images: of one recommendation.
        embed_from: origins whose pages may show this one in a frame (`guard.security_headers`).

    Raises:
        InputError: the index is empty or damaged, or an argument is wrong.
    """
    if most_images < 1:
        raise InputError(f"most_images = {most_images}: allow one image at least")
    headers, metrics = security_headers(embed_from), Metrics()
    limits = Limits(
        images=min(most_images, index.size), request_bytes=REQUEST_BYTES + EXPERT_BYTES * len(index.cluster_names)
    )
    app = FastAPI(
        title="Dataserver",
        version=ndslib.__version__,
        description=_DESCRIPTION,
        openapi_tags=[
            {"name": "index", "description": "What there is, and the experts to rate."},
            {"name": "recommend", "description": "What to take, from your scores."},
            {"name": "operate", "description": "For who runs the service."},
        ],
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_few_threads,
        middleware=[
            Middleware(Telemetry, metrics=metrics),
            Middleware(SecurityHeaders, headers=headers),
            Middleware(BoundedClient, most_bytes=limits.request_bytes, patience=PATIENCE),
        ],
        exception_handlers={
            RequestValidationError: _explain,
            IndexDamaged: _own_up,
            Exception: _apologise(headers),
        },
    )
    app.state.service = Service(index, limits, Catalogue.of(index, limits), Turns(TURNS))
    app.state.metrics = metrics
    if token is None:
        app.include_router(api.router)
    else:
        app.include_router(api.router, dependencies=[Depends(Token(token))], responses=UNAUTHORISED)
    app.include_router(docs.router)
    app.include_router(router)
    app.mount("/docs/swagger", docs.swagger)
    app.mount("/page", StaticFiles(directory=PAGE))
    if token is None:  # the description is open to all: with a token, it tells nothing of the index
        docs.specialise(app.openapi(), app.state.service.catalogue)
    return app


@contextlib.asynccontextmanager
async def _few_threads(_: FastAPI) -> AsyncIterator[None]:
    current_default_thread_limiter().total_tokens = THREADS
    yield


router = APIRouter()


@router.head("/", include_in_schema=False)
@router.get("/", include_in_schema=False)
async def read_page() -> FileResponse:
    """The web page."""
    return FileResponse(PAGE / "index.html")


@router.get("/health", summary="Whether the service answers", response_description="It does.", tags=["operate"])
async def read_health() -> Health:
    """For load balancers and the like."""
    return Health()


@router.get("/metrics", summary="Metrics for Prometheus", tags=["operate"], response_class=PlainTextResponse)
async def read_metrics(request: Request) -> Response:
    """Requests, times and bytes by route; memory and processor time of the process."""
    return Response(generate_latest(request.app.state.metrics.registry), media_type=CONTENT_TYPE_LATEST)


async def _explain(_: Request, error: RequestValidationError) -> JSONResponse:
    """One sentence a fault. A path of the wrong form is one that there is not."""
    faults = error.errors()
    if any(fault["loc"][0] == "path" for fault in faults):
        return JSONResponse({"detail": "Not Found"}, 404)
    named = [_fault(fault) for fault in faults[:FAULTS]]
    if len(faults) > FAULTS:
        named.append(f"and {len(faults) - FAULTS} more")
    return JSONResponse({"detail": "; ".join(named)}, 422)


def _fault(fault: dict[str, Any]) -> str:
    if fault["type"] == "json_invalid":
        return f"the body is not JSON: {fault['ctx']['error']} at character {fault['loc'][-1]}"
    place = "/".join(str(part) for part in fault["loc"][1:])
    reason = fault["msg"].removeprefix("Value error, ")
    return f"{place}: {reason}" if place else reason


async def _own_up(_: Request, error: IndexDamaged) -> JSONResponse:
    """A file of the index went while it was served: the operator is told which, the client that it is not its fault."""
    LOG.error("the index is damaged", exc_info=error)
    return JSONResponse({"detail": "a file of the index is gone or damaged; the service's log says which"}, 503)


def _apologise(headers: dict[str, str]) -> Callable[[Request, Exception], Awaitable[JSONResponse]]:
    """The answer to an error of ours. It passes by the middleware; and uvicorn closes the connection after it."""

    async def answer(_: Request, __: Exception) -> JSONResponse:
        last = headers | {"Connection": "close"}
        return JSONResponse({"detail": "the service failed; its log says where"}, 500, last)

    return answer
