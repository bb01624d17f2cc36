"""What the service is asked and answers: the models that check requests and describe the API on its OpenAPI page."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

LARGEST = 2**53 - 1  # whole numbers up to here are the same in every JSON reader, JavaScript's included

Labels = Literal["none", "class", "boxes", "masks"]
Score = Annotated[float, Field(ge=0, le=1)]
_FILTER = Field(min_length=1, max_length=1000)
_ONE_BUDGET = [{"required": [name], "properties": {name: {"type": "integer"}}} for name in ("images", "bytes")]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class SummaryRequest(_Model):
    """A client's scores, its budget, and which images may be drawn: all that a client ever says about itself."""

    model_config = ConfigDict(json_schema_extra={"oneOf": _ONE_BUDGET})

    scores: dict[str, Score] = Field(
        min_length=1,
        description="Of every expert of the index (`GET /v1/experts`), by its id: its accuracy on the client's own "
        "images, a number from 0 to 1. Neither more experts nor fewer.",
    )
    images: int | None = Field(
        None,
        ge=1,
        le=LARGEST,
        description="Budget in images. Give this or `bytes`. `GET /v1/index` says the most.",
    )
    bytes: int | None = Field(None, ge=1, le=LARGEST, description="Budget in bytes to download. Give this or `images`.")
    datasets: Annotated[list[str], _FILTER] | None = Field(
        None, description="Draw from these datasets alone, by name; from all if left out."
    )
    labels: Annotated[list[Labels], _FILTER] | None = Field(
        None, description="Draw images with these kinds of labels alone; with any if left out."
    )
    licences: Annotated[list[str | None], _FILTER] | None = Field(
        None, description="Draw images under these licences alone (null: not stated); under any if left out."
    )
    temperature: float = Field(
        0.1, gt=0, description="T of the softmax over the scores: low takes the best clusters, high takes all alike."
    )
    normalisation: Literal["minmax", "none"] = Field(
        "minmax", description="Whether scores are first stretched to the whole range from 0 to 1."
    )
    seed: int = Field(0, ge=0, le=LARGEST, description="The same request with the same seed gives the same list.")

    @model_validator(mode="after")
    def _one_budget(self) -> "SummaryRequest":
        if (self.images is None) == (self.bytes is None):
            raise ValueError("give a budget: either images or bytes")
        return self


class RecommendationRequest(SummaryRequest):
    """The same, and how the list is to be written."""

    format: Literal["csv", "jsonl", "parquet"] = Field("csv", description="CSV, JSON Lines or Parquet.")
    annotations: bool = Field(False, description="Whether rows have an `annotation`: boxes and masks, as JSON text.")


class Limits(_Model):
    """The bounds of a request."""

    images: int = Field(description="Most images of one list.")
    request_bytes: int = Field(description="Most bytes of a request's body.")


class IndexAnswer(_Model):
    """What is indexed."""

    name: str = Field(description="What the index is called.")
    version: str = Field(description="Version of the software.")
    datasets: int = Field(description="How many datasets.")
    experts: int = Field(description="K: how many experts, and how many scores a request has.")
    images: int = Field(description="How many images.")
    bytes: int = Field(description="What they take to download.")
    limits: Limits


class LicenceCount(_Model):
    """Images under a licence."""

    licence: str | None = Field(description="As its provider states it; null where it does not.")
    images: int


class LabelCount(_Model):
    """Images with a kind of label."""

    labels: Labels
    images: int


class DatasetAnswer(_Model):
    """An indexed dataset."""

    name: str = Field(description="What requests call it.")
    title: str
    link: str | None = Field(description="Its provider's page.")
    images: int
    bytes: int = Field(description="What its images take to download.")
    licences: list[LicenceCount]
    labels: list[LabelCount]
    experts: int = Field(description="How many experts, one a cluster.")
    listed_as: Literal["urls", "paths"] = Field(
        description="What lists say of its images: their web addresses, or their paths on the server's machine."
    )
    thumbnails: list[str] = Field(description="Paths of up to 12 example pictures, from all of its clusters.")


class DatasetsAnswer(_Model):
    """The indexed datasets."""

    datasets: list[DatasetAnswer]


class ExpertAnswer(_Model):
    """An expert: a network trained on one cluster of a dataset."""

    id: str = Field(description="What requests call it.", examples=["coco/0"])
    dataset: str
    cluster: int = Field(description="Its number in the dataset, from 0.")
    images: int = Field(description="Images of its cluster.")
    image_bytes: int = Field(description="What they take to download.")
    bytes: int = Field(description="Size of its weights' file.")
    sha256: str = Field(description="SHA-256 of its weights' file, in hexadecimal.")
    task: Literal["rotation", "classification"] = Field(description="What it was trained on, so how to rate it.")
    size: int = Field(description="Side in pixels of the images that it takes.")
    weights: str = Field(description="Path of its weights.")
    thumbnails: list[str] = Field(description="Paths of up to 9 example pictures of its cluster.")


class ExpertsAnswer(_Model):
    """The experts, in the order of the index."""

    experts: list[ExpertAnswer]


class ClusterSummary(_Model):
    """What a list takes from a cluster."""

    cluster: str = Field(description="The expert's id.")
    dataset: str
    images: int = Field(description="Images of the cluster.")
    score: float
    weight: float = Field(description="Its share by eq. 6 of the paper; all clusters' weights add up to 1.")
    selected: int = Field(description="Images that the list takes.")
    bytes: int = Field(description="What those take to download.")


class DatasetSummary(_Model):
    """What a list takes from a dataset."""

    dataset: str
    title: str
    images: int
    bytes: int


class SummaryAnswer(_Model):
    """What a list would hold."""

    clusters: list[ClusterSummary] = Field(description="Best first.")
    datasets: list[DatasetSummary]
    images: int
    bytes: int


class Health(_Model):
    """The service answers."""

    status: Literal["ok"] = "ok"


class Refusal(_Model):
    """Why a request was refused."""

    detail: str
