"""The client of a dataserver: rate its experts on private images, send K numbers, save the list (NDS section 3.3).

The images stay here. Each score is kept in the cache under the expert, the images' content and the method: after an
interruption, only what is missing is downloaded and rated.
"""

import hashlib
import json
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import torch
from pydantic import BaseModel, Field, ValidationError

from ndslib.core import paths
from ndslib.core.cache import cached
from ndslib.core.errors import InputError
from ndslib.core.files import digest, write_json
from ndslib.core.progress import track
from ndslib.data import sample_list
from ndslib.data.fetching.disk import check_writable, writing_to
from ndslib.data.images import decode
from ndslib.data.loaders.image_files import ImageFile
from ndslib.data.loaders.images_below import files_below
from ndslib.nds.client import fast_adapt
from ndslib.nds.experts import load_expert
from ndslib.nds.protocol import RemoteExpert, Request
from ndslib.nds.remote_server import RemoteServer, first_complaint
from ndslib.nds.selection import importance_weights

VERSION = 1  # raise it when rating changes, so that no score of the old kind is taken from the cache
DECIMALS = 4  # of a score: all digits of an accuracy would tell over how many images it was taken
SCORES_FORMAT = "ndslib-scores-1"
_METHODS = {"rotation": "rotation", "classification": "linear"}  # how experts of a task are rated (NDS section 3.3.1)
_NAMED = 20  # unreadable images that a message names


class _ScoresFile(BaseModel):
    format: Literal["ndslib-scores-1"]
    scores: Annotated[dict[str, Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]], Field(min_length=1)]


@dataclass(frozen=True)
class ClientImages:
    """A client's images as experts of one input size take them.

    Attributes:
        pixels: uint8[N, 3, S, S].
        labels: int64[N], classes from 0; -1 for an image outside of class folders.
        content: names pixels and labels.
    """

    pixels: np.ndarray
    labels: np.ndarray
    content: str


@dataclass(frozen=True)
class Adaptation:
    """What a client got.

    Attributes:
        scores: every expert's id and score in [0, 1].
        clusters: best first: cluster (the expert's id), score, weight (w_i of NDS eq. 6).
        datasets: dataset, images, bytes of the list.
    """

    scores: dict[str, float]
    clusters: pd.DataFrame
    datasets: pd.DataFrame


def rate(
    server: RemoteServer,
    folder: Path | str,
    skip_corrupt: bool = False,
    device: str = "cpu",
    request: Request | None = None,
) -> dict[str, float]:
    """FASTADAPT (NDS Algorithm 3) of every expert of a server on the images below a folder.

    Experts are downloaded and rated one after another, so that memory holds one of them. Those of the task `rotation`
    need no labels; for those of `classification` the folders directly below `folder` are the classes.

    Args:
        skip_corrupt: leave unreadable images out, with a warning that names and counts them.
        device: `cpu`, `cuda` or `cuda:n`.
        request: what is to be asked for with the scores: refused first where the server does not have it.

    Returns:
        Every expert's id and score in [0, 1], to 4 decimals.

    Raises:
        InputError: the server cannot be reached or refuses; the folder holds no image, unreadable ones, or no labels
            that the experts need; there is no such device; the cache cannot be written.
    """
    _check_device(device)
    files = files_below(folder)
    if request is not None:
        server.check(request)
    experts = server.experts()
    unlabelled = [file for file in files if file.label is None]
    for expert in experts:
        if expert.task == "classification" and unlabelled:
            raise InputError(
                f"{folder}: expert {expert.id} of {server.url} is rated with labels, but {len(unlabelled)} of "
                f"{len(files)} images have none: sort them into folders, one a class"
            )
    sizes = sorted({expert.size for expert in experts})
    own = {size: client_images(files, size, skip_corrupt) for size in sizes}
    return {expert.id: _score(server, expert, own[expert.size], device) for expert in track(experts, "rating experts")}


def client_images(files: list[ImageFile], size: int, skip_corrupt: bool = False) -> ClientImages:
    """Decode a client's images (`files_below`) at `size` x `size` pixels.

    Raises:
        InputError: an image is unreadable (without `skip_corrupt`), or all are; the cache cannot be written.
    """
    with writing_to(paths.cache_root()):
        decoded = decode(pa.table({"uri": [str(file.path) for file in files]}), size, "skip")
    if decoded.corrupt:
        named = "; ".join(f"{entry.uri}: {entry.reason}" for entry in decoded.corrupt[:_NAMED])
        more = f" and {len(decoded.corrupt) - _NAMED} more" if len(decoded.corrupt) > _NAMED else ""
        message = f"{len(decoded.corrupt)} of {len(files)} images are unreadable: {named}{more}."
        if not skip_corrupt:
            raise InputError(f"{message} Repair or remove them, or leave them out with --skip-corrupt")
        warnings.warn(f"{message} They are left out", stacklevel=2)
    names = sorted({file.label for file in files} - {None})
    numbers = {name: number for number, name in enumerate(names)} | {None: -1}
    labels = np.array([numbers[file.label] for file in files])[decoded.rows]
    return ClientImages(decoded.pixels, labels, _content(decoded.pixels, labels))


def _content(pixels: np.ndarray, labels: np.ndarray) -> str:
    state = hashlib.sha256(np.ascontiguousarray(labels))
    for start in range(0, len(pixels), 4096):
        state.update(np.ascontiguousarray(pixels[start : start + 4096]))
    return state.hexdigest()


def _score(server: RemoteServer, expert: RemoteExpert, own: ClientImages, device: str) -> float:
    """An expert's score, from the cache when it was rated on these images before."""
    method = _METHODS[expert.task]

    def build(place: Path) -> None:
        network = load_expert(server.weights(expert), device)
        (score,) = fast_adapt([network], own.pixels, own.labels, method)
        place.write_text(json.dumps({"score": round(float(score), DECIMALS)}))

    with writing_to(paths.cache_root()):
        place = cached("client-scores", digest(VERSION, expert.sha256, own.content, method), build, ".json")
    return json.loads(place.read_text())["score"]


def _check_device(device: str) -> None:
    if not re.fullmatch(r"cpu|cuda(:\d+)?", device):
        raise InputError(f"device is {device!r}; choose cpu, cuda or cuda:n")
    number = int(device.partition(":")[2] or 0)
    if device != "cpu" and number >= torch.cuda.device_count():
        raise InputError(f"device is {device!r}, but torch finds {torch.cuda.device_count()} CUDA devices; use cpu")


def adapt(
    server: RemoteServer,
    folder: Path | str | None,
    out: Path | str,
    images: int | None = None,
    budget_bytes: int | None = None,
    *,
    scores: Mapping[str, float] | None = None,
    skip_corrupt: bool = False,
    device: str = "cpu",
    **options: Any,
) -> Adaptation:
    """Rate the experts on the images below `folder` (or take `scores`), and save the list that the server selects.

    Args:
        out, images, budget_bytes, options: as `RemoteServer.recommend`; checked before anything is rated, against
            what the server has too.
        scores: of an earlier `rate`; `folder` is not looked at then.
        skip_corrupt, device: as `rate`.

    Raises:
        InputError: as `rate` and `RemoteServer.recommend`; then nothing is under the name `out`, and what was rated is
            kept for the next call.
    """
    request = Request(images, budget_bytes, **options)
    sample_list.form(out)
    check_writable(Path(out))
    if scores is None:
        if folder is None:
            raise InputError("give the folder of your images, or scores of an earlier rating (--scores)")
        scores = rate(server, folder, skip_corrupt, device, request)
    listed = server.recommend(scores, out, images, budget_bytes, **options)
    clusters = pd.DataFrame(
        {
            "cluster": list(scores),
            "score": list(scores.values()),
            "weight": importance_weights(list(scores.values()), request.temperature, request.normalisation),
        }
    ).sort_values("weight", ascending=False, ignore_index=True, kind="stable")
    listed = listed.select(["dataset", "bytes"]).to_pandas()
    datasets = listed.groupby("dataset", as_index=False)["bytes"].agg(images="size", bytes="sum")
    return Adaptation(dict(scores), clusters, datasets.sort_values("images", ascending=False, ignore_index=True))


def write_scores(path: Path | str, scores: Mapping[str, float]) -> None:
    """Write a scores file, as `adapt` and the dataserver's page take it.

    Raises:
        InputError: it cannot be written.
    """
    with writing_to(path):
        write_json(path, {"format": SCORES_FORMAT, "scores": dict(scores)})


def read_scores(path: Path | str) -> dict[str, float]:
    """The scores of a scores file.

    Raises:
        InputError: it is absent or no scores file.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file; make one with `ndslib rate`")
    try:
        return _ScoresFile.model_validate_json(path.read_bytes()).scores
    except ValidationError as error:
        raise InputError(f"{path}: no scores file ({first_complaint(error)}); make one with `ndslib rate`") from error
