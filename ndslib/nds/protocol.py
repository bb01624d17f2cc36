"""What a dataserver and its client agree on, as the client needs it: what there is, and what may be asked for."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from ndslib.core.errors import InputError
from ndslib.data.sample_table import LABEL_KINDS
from ndslib.nds.selection import importance_weights

TOKEN = r"[!-~]+"  # what a token is made of: ASCII without blanks
NOT_STATED = "not-stated"  # how people name the licence of images whose provider states none


class RemoteExpert(BaseModel):
    """One expert of a dataserver (`GET /v1/experts`).

    Attributes:
        id: `<dataset>/<cluster>`.
        images: how many it was trained on.
        bytes, sha256: of its file.
        task: `rotation`, or `classification` (which a client can rate with labels only).
        size: side of its input in pixels.
        weights: where its file is, below the server's address.
    """

    id: str
    images: int
    bytes: Annotated[int, Field(ge=1)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    task: Literal["rotation", "classification"]
    size: Annotated[int, Field(ge=1, le=1024)]
    weights: Annotated[str, Field(pattern=r"^/v1/")]


class Experts(BaseModel):
    """The experts of a dataserver."""

    experts: Annotated[list[RemoteExpert], Field(min_length=1)]


class Limits(BaseModel):
    """The most images of one list."""

    images: int


class RemoteIndex(BaseModel):
    """How much a dataserver indexes (`GET /v1/index`): images, their bytes, and the bounds of a request."""

    images: int
    bytes: int
    limits: Limits


class LicenceCount(BaseModel):
    """Images of a dataset under a licence; None: not stated."""

    licence: str | None
    images: int


class LabelCount(BaseModel):
    """Images of a dataset with a kind of label (`sample_table.LABEL_KINDS`)."""

    labels: str
    images: int


class RemoteDataset(BaseModel):
    """One dataset of a dataserver: how many images it has, their bytes, and how many are of which kind."""

    name: str
    images: int
    bytes: int
    licences: list[LicenceCount]
    labels: list[LabelCount]

    def passing(self, request: "Request") -> int:
        """At most how many images pass the filters: how many pass both is known to the server alone."""
        if request.datasets is not None and self.name not in request.datasets:
            return 0
        by_licence = [
            each.images for each in self.licences if request.licences is None or each.licence in request.licences
        ]
        by_labels = [each.images for each in self.labels if request.labels is None or each.labels in request.labels]
        return min(sum(by_licence), sum(by_labels))


class Datasets(BaseModel):
    """The datasets of a dataserver (`GET /v1/datasets`)."""

    datasets: list[RemoteDataset]


@dataclass(frozen=True)
class Request:
    """What a client asks for beside its scores; fields and defaults of the API (`POST /v1/recommendations`).

    Attributes:
        images, bytes: the budget; one of the two.
        datasets, labels, licences: take only samples of these; None for all.
        temperature, normalisation: of the weights (`selection.importance_weights`).
        annotations: whether the list holds the samples' annotations.
    """

    images: int | None = None
    bytes: int | None = None
    datasets: tuple[str, ...] | None = None
    labels: tuple[str, ...] | None = None
    licences: tuple[str, ...] | None = None
    temperature: float = 0.1
    normalisation: Literal["minmax", "none"] = "minmax"
    seed: int = 0
    annotations: bool = False

    def __post_init__(self) -> None:
        if (self.images is None) == (self.bytes is None):
            raise InputError("give one budget: images (--budget), or bytes to download (--budget-bytes)")
        budget = self.bytes if self.images is None else self.images
        if budget < 1:
            raise InputError(f"the budget is {budget}; it must be at least 1")
        if unknown := set(self.labels or ()) - set(LABEL_KINDS):
            raise InputError(f"labels {sorted(unknown)} are no kinds of labels; choose from {', '.join(LABEL_KINDS)}")
        importance_weights((0.0, 1.0), self.temperature, self.normalisation)  # refuses what the server would refuse

    def check(self, index: RemoteIndex, datasets: list[RemoteDataset]) -> None:
        """Refuse what a server that has these would refuse, as far as its numbers tell.

        Raises:
            InputError: a filter names what the index does not have, or nothing passes; the budget is more than passes
                or than a list may have.
        """
        _check_known("dataset", self.datasets, [each.name for each in datasets])
        _check_known("licence", self.licences, [each.licence for dataset in datasets for each in dataset.licences])
        passing = {each.name: each.passing(self) for each in datasets}
        images = sum(passing.values())
        if not images:
            raise InputError("no image of the index passes the filters together; drop one of them")
        if self.images is not None:
            _check_budget(self.images, index.images, images, "images", "--budget")
            if self.images > index.limits.images:
                raise InputError(
                    f"the budget is {self.images:,} images, but the server lists at most {index.limits.images:,} at "
                    "once; lower --budget"
                )
        else:
            size = sum(each.bytes for each in datasets if passing[each.name])
            _check_budget(self.bytes, index.bytes, size, "bytes", "--budget-bytes")


def _check_budget(budget: int, there: int, passing: int, unit: str, option: str) -> None:
    if budget > passing:
        filtered = "" if passing == there else f", of which at most {passing:,} pass the filters"
        raise InputError(
            f"the budget is {budget:,} {unit}, but the index has {there:,} {unit}{filtered}; lower {option}"
        )


def _check_known(kind: str, wanted: tuple[str | None, ...] | None, known: list[str | None]) -> None:
    for each in wanted or ():
        if each not in known:
            names = sorted({NOT_STATED if name is None else name for name in known})
            raise InputError(
                f"the index has no {kind} {NOT_STATED if each is None else each!r}; it has {', '.join(names)}"
            )
