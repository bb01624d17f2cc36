"""The API, version 1: what is indexed, the experts' weights, and recommendations."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import chain
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Path, Request
from fastapi.responses import StreamingResponse

from ndslib.core.errors import InputError
from ndslib.core.files import sha256_file
from ndslib.nds.dataset import Dataset
from ndslib.nds.index import Index
from ndslib.nds.recommend import Recommendation, recommend
from ndslib.nds.service import lists
from ndslib.nds.service.catalogue import Catalogue
from ndslib.nds.service.files import IndexFile
from ndslib.nds.service.guard import Turns, json_alone
from ndslib.nds.service.schemas import (
    DatasetsAnswer,
    ExpertsAnswer,
    IndexAnswer,
    Limits,
    RecommendationRequest,
    Refusal,
    SummaryAnswer,
    SummaryRequest,
)
from ndslib.nds.store import IndexDamaged


@dataclass(frozen=True)
class Service:
    """What the routes serve from: an index, its description, and the bounds of requests."""

    index: Index
    limits: Limits
    catalogue: Catalogue
    turns: Turns


async def _service(request: Request) -> Service:
    return request.app.state.service


Served = Annotated[Service, Depends(_service)]
Number = Annotated[int, Path(ge=0, le=999_999_999, description="A number from 0.")]
Name = Annotated[str, Path(description="The dataset's name.")]


async def _turn(service: Served) -> AsyncIterator[None]:
    """Holds one of the bounded turns until the last byte is sent."""
    with service.turns:
        yield


def _refusals(reasons: dict[int | str, str]) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": Refusal, "description": reason} for status, reason in reasons.items()}


_NOT_FOUND = _refusals({404: "There is no such thing in the index."})
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FILE = {
    **_NOT_FOUND,
    **_refusals(
        {
            412: "`If-Match` names another file.",
            416: "No byte of the range is in the file.",
            503: "The file is not there any more.",
            "4XX": "Refused.",
        }
    ),
    206: {"description": "The bytes asked for."},
    304: {"description": "The client has the file already."},
}
_REFUSED = _refusals(
    {
        400: "The body cannot be read.",
        408: "The body did not come in time.",
        413: "The body is too long.",
        415: "The body is not said to be JSON.",
        422: "The request is wrong; the detail says what and why.",
        503: "Too many requests at once; `Retry-After` says when to try again. Or, without it, the index is damaged.",
    }
)
_LISTS = {form.media_type.partition(";")[0]: _BINARY for form in lists.FORMATS.values()}

router = APIRouter(prefix="/v1")


@router.get("/index", response_description="The index.", summary="The index and the limits of requests", tags=["index"])
async def read_index(service: Served) -> IndexAnswer:
    """How many datasets, experts and images there are, and how much may be asked for at once."""
    return service.catalogue.index


@router.get(
    "/datasets",
    response_description="The datasets, in the order of the index.",
    summary="The indexed datasets",
    tags=["index"],
)
async def read_datasets(service: Served) -> DatasetsAnswer:
    """Titles, providers, sizes, licences, kinds of labels, and example pictures."""
    return service.catalogue.datasets


@router.get(
    "/experts", response_description="The experts, in the order of the index.", summary="The experts", tags=["index"]
)
async def read_experts(service: Served) -> ExpertsAnswer:
    """Rate each of them on your images, where they are; the scores are all that a recommendation needs."""
    return service.catalogue.experts


@router.head("/experts/{dataset}/{cluster}/weights", include_in_schema=False)
@router.get(
    "/experts/{dataset}/{cluster}/weights",
    summary="An expert's weights",
    tags=["index"],
    status_code=200,
    response_class=IndexFile,
    response_description="A safetensors file.",
    responses={200: {"content": {"application/octet-stream": _BINARY}}, **_FILE},
)
def read_weights(service: Served, dataset: Name, cluster: Number) -> IndexFile:
    """The ETag is the file's SHA-256. A download that broke off is resumed with `Range` and `If-Range`."""
    found = _dataset(service.index, dataset)
    if cluster >= len(found.experts):
        raise HTTPException(404, f"dataset {dataset!r} has no expert {cluster}; it has {len(found.experts)}")
    path, etag = found.existing(found.expert_paths()[cluster]), found.experts[cluster]
    return IndexFile(path, "application/octet-stream", etag, f"{dataset}-{cluster}.safetensors")


@router.head("/thumbnails/{dataset}/{cluster}/{number}.webp", include_in_schema=False)
@router.get(
    "/thumbnails/{dataset}/{cluster}/{number}.webp",
    summary="An example picture of a cluster",
    tags=["index"],
    status_code=200,
    response_class=IndexFile,
    response_description="A WebP picture.",
    responses={200: {"content": {"image/webp": _BINARY}}, **_FILE},
)
def read_thumbnail(service: Served, dataset: Name, cluster: Number, number: Number) -> IndexFile:
    """A square made when the dataset was indexed."""
    found = _dataset(service.index, dataset)
    try:
        path = found.thumbnail(cluster, number)
    except InputError as error:
        raise HTTPException(404, str(error)) from error
    found.existing(path)
    return IndexFile(path, "image/webp", sha256_file(path))


@router.post(
    "/recommendations",
    summary="A list of images",
    tags=["recommend"],
    response_class=StreamingResponse,
    response_description="The list.",
    responses={200: {"content": _LISTS}, **_REFUSED},
    dependencies=[Depends(json_alone), Depends(_turn)],
)
def recommend_images(service: Served, request: RecommendationRequest) -> StreamingResponse:
    """The images to pretrain on, as addresses, each with its cluster and that cluster's weight, in the order drawn.

    Any beginning of the list is itself a sample. The header `X-Images` says how many rows come. The same request gives
    the same bytes.
    """
    answer = _recommendation(service, request)
    parts = lists.stream(answer, request.format, request.annotations)
    first = next(parts)  # read here, so that a damaged index is an error and not half a list
    headers = {
        "X-Images": str(len(answer.rows)),
        "Content-Disposition": f'attachment; filename="picks.{request.format}"',
    }
    return StreamingResponse(chain([first], parts), 200, headers, lists.FORMATS[request.format].media_type)


@router.post(
    "/summaries",
    summary="What a list would hold",
    tags=["recommend"],
    response_description="What the list would hold.",
    responses=_REFUSED,
    dependencies=[Depends(json_alone), Depends(_turn)],
)
def summarise(service: Served, request: SummaryRequest) -> SummaryAnswer:
    """The clusters ranked with their weights, and the size of the list per dataset, without the list."""
    answer = _recommendation(service, request)
    clusters, datasets = answer.clusters.to_dict("records"), answer.datasets.to_dict("records")
    total = int(answer.datasets["bytes"].sum())
    return SummaryAnswer.model_validate(
        {"clusters": clusters, "datasets": datasets, "images": len(answer.rows), "bytes": total}
    )


def _dataset(index: Index, name: str) -> Dataset:
    for dataset in index.datasets:
        if dataset.name == name:
            return dataset
    raise HTTPException(404, f"no dataset {name!r}; there are {', '.join(each.name for each in index.datasets)}")


def _recommendation(service: Service, request: SummaryRequest) -> Recommendation:
    """Draw a list, unless it would be longer than the service allows."""
    try:
        return recommend(
            service.index,
            request.scores,
            request.images,
            request.bytes,
            request.temperature,
            request.normalisation,
            request.seed,
            request.datasets,
            request.labels,
            request.licences,
            service.limits.images,
        )
    except IndexDamaged:
        raise
    except InputError as error:
        raise HTTPException(422, str(error)) from error
