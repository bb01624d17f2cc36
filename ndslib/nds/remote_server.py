"""A dataserver as its client sees it: HTTP requests, whose every fault becomes an error in words.

What leaves the client is the same for every client, but for one request: that for a list carries its scores, its budget
and its filters. No cookie is taken, no redirection followed, and no header tells of the machine.
"""

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Annotated, Any, Literal

import httpx
import pyarrow as pa
from pydantic import BaseModel, Field, ValidationError

from ndslib.core import paths
from ndslib.core.errors import InputError
from ndslib.core.files import atomic_path, sha256_file
from ndslib.data import sample_list
from ndslib.data.fetch import Unreachable, download
from ndslib.data.manifests import DataFile
from ndslib.data.sample_table import LABEL_KINDS
from ndslib.nds.selection import importance_weights

FORMATS = {".parquet": "parquet", ".csv": "csv", ".jsonl": "jsonl"}


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


class _Experts(BaseModel):
    experts: Annotated[list[RemoteExpert], Field(min_length=1)]


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


class RemoteServer:
    """A dataserver at an http(s) address, such as `ndslib serve` prints.

    Args:
        url: its address.
        token: for a server that wants one.
        timeout: seconds without an answer after which a request is given up.
        attempts, wait: of a download, as `data.fetch.download` takes them.

    Raises:
        InputError: the address is not one, or the token has blanks or characters outside of ASCII.
    """

    def __init__(
        self, url: str, token: str | None = None, timeout: float = 30.0, attempts: int = 6, wait: float = 1.0
    ) -> None:
        if token is not None and not re.fullmatch(r"[!-~]+", token):
            raise InputError("the token has blanks or characters outside of ASCII; give it as you were given it")
        self.url, self.token = _checked(url), token
        self.timeout, self.attempts, self.wait = timeout, attempts, wait

    def experts(self) -> list[RemoteExpert]:
        """The server's K experts.

        Raises:
            InputError: the server cannot be reached, refuses, has no expert, or is no dataserver.
        """
        with self._answer("GET", "/v1/experts") as response:
            try:
                experts = _Experts.model_validate_json(response.read()).experts
            except ValidationError as error:
                raise InputError(
                    self._no_dataserver(f"its list of experts is none: {first_complaint(error)}")
                ) from error
        if len({expert.id for expert in experts}) < len(experts):
            raise InputError(self._no_dataserver("it lists two experts of one id"))
        return experts

    def weights(self, expert: RemoteExpert) -> Path:
        """An expert's file, from the cache when it was downloaded before; an interrupted download goes on.

        Raises:
            InputError: the server cannot be reached or refuses, or the file is not the one that it announced.
        """
        target = paths.cache_root() / "downloaded-experts" / f"{expert.sha256}.safetensors"
        if not target.is_file() or sha256_file(target) != expert.sha256:
            url = f"{self.url}{expert.weights}"
            file = DataFile(path=target.name, url=url, sha256=expert.sha256, bytes=expert.bytes)
            with self._client() as client:
                self._download(client, file, target, expert.id)
        return target

    def _download(self, client: httpx.Client, file: DataFile, target: Path, expert: str) -> None:
        try:
            download(client, file, target, attempts=self.attempts, wait=self.wait)
        except Unreachable:
            raise
        except InputError as error:
            raise InputError(
                f"expert {expert}: {error}. If the server has other experts by now, the same command takes those"
            ) from error

    def recommend(
        self,
        scores: Mapping[str, float],
        out: Path | str,
        images: int | None = None,
        budget_bytes: int | None = None,
        **options: Any,
    ) -> pa.Table:
        """Have the server select samples, and save their list.

        Args:
            scores: every expert's id and score in [0, 1].
            out: the list's file, whose suffix says its format: `.parquet`, `.csv` or `.jsonl`. It appears when the list
                is whole; a file of this name is replaced.
            images, budget_bytes: the budget; one of the two.
            options: the other attributes of `Request`.

        Returns:
            The sample table of the list, without what the list does not say (`data.sample_list`).

        Raises:
            InputError: a bad budget, suffix or option; the server cannot be reached, refuses, or breaks off; what it
                sends is no list.
        """
        request, out = Request(images, budget_bytes, **options), Path(out)
        body = {"scores": dict(scores), "format": list_format(out)} | asdict(request)
        with self._answer("POST", "/v1/recommendations", json=body) as response, atomic_path(out) as temporary:
            with open(temporary, "wb") as stream:
                for block in response.iter_bytes():
                    stream.write(block)
            return self._whole(temporary, response.headers.get("X-Images", "no number"))

    def _whole(self, path: Path, announced: str) -> pa.Table:
        """The list at `path`, if it is one of as many samples as announced."""
        try:
            listed = sample_list.read(path)
        except InputError as error:
            reason = str(error).removeprefix(f"{path}: ")
            raise InputError(self._no_dataserver(f"its list cannot be read: {reason}")) from error
        if str(listed.num_rows) != announced:
            raise InputError(self._no_dataserver(f"its list has {listed.num_rows} rows, announced as {announced}"))
        return listed

    def _client(self) -> httpx.Client:
        """What makes the requests: it tells nothing of the machine, and forgets the server's cookies."""
        headers = {"User-Agent": "ndslib", "Accept-Encoding": "identity"}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
        try:
            return httpx.Client(headers=headers, timeout=self.timeout, cookies=no_cookies)
        except (OSError, ValueError, ImportError, httpx.InvalidURL) as error:
            raise InputError(
                f"no connection can be made ({error}); correct the environment: SSL_CERT_FILE, HTTP_PROXY, ALL_PROXY"
            ) from error

    @contextlib.contextmanager
    def _answer(self, method: str, path: str, **options: Any) -> Iterator[httpx.Response]:
        """The answer to a request, its body still to be read."""
        try:
            with self._client() as client, client.stream(method, f"{self.url}{path}", **options) as response:
                if not response.is_success:
                    response.read()
                    raise InputError(self._refusal(response))
                yield response
        except httpx.RequestError as error:
            raise InputError(self._failure(error)) from error

    def _failure(self, error: httpx.RequestError) -> str:
        """What became of a request without a whole answer, and what to do."""
        reason = str(error) or type(error).__name__
        if isinstance(error, httpx.TimeoutException):
            return f"{self.url} does not answer within {self.timeout:g} s; try again later, or ask who runs it"
        if "SSL" in reason:
            return (
                f"{self.url}: no encrypted connection ({reason}); give http:// for a server without, and set "
                "SSL_CERT_FILE for a certificate of your own"
            )
        if isinstance(error, httpx.ConnectError):
            return f"{self.url} cannot be reached ({reason}); check the address, and that `ndslib serve` runs there"
        return (
            f"{self.url} broke off its answer ({reason}); run the same command again, it goes on from here. Should it "
            "happen at once, try https:// in place of http://"
        )

    def _refusal(self, response: httpx.Response) -> str:
        """What an answer that is none says, and what to do."""
        status = response.status_code
        said = f"{self.url} answers {status} {response.reason_phrase}{_detail(response)}"
        if status == 401 and self.token is None:
            return f"{said}: it wants a token; pass --token, or set NDSLIB_TOKEN"
        if status == 401:
            return f"{said}: it does not take this token; ask who runs it for the right one"
        if response.has_redirect_location:
            return f"{said}: give the address it has moved to, {response.headers['Location']}"
        if status in (404, 405):
            return self._no_dataserver(f"it answers {status} to {response.request.url.path}")
        if status in (429, 503):
            return f"{said}: it is busy; try again later"
        if status >= 500:
            return f"{said}: it has failed; try again later, or ask who runs it to look into its log"
        return said  # of a dataserver, the reason says what to change

    def _no_dataserver(self, reason: str) -> str:
        return f"{self.url} is no dataserver of this version: {reason}; give the address that `ndslib serve` prints"


def list_format(out: Path) -> str:
    """The format of a list by the suffix of its file.

    Raises:
        InputError: another suffix, or a folder of this name.
    """
    if out.suffix.lower() not in FORMATS:
        raise InputError(f"{out}: a list's name ends in {', '.join(FORMATS)}")
    if out.is_dir():
        raise InputError(f"{out}: there is a folder of this name; give another")
    return FORMATS[out.suffix.lower()]


def _checked(url: str) -> str:
    """The address of a server without a slash at its end."""
    try:
        parts = httpx.URL(url)
        parts.host.encode("idna")
    except (httpx.InvalidURL, UnicodeError) as error:
        raise InputError(f"{url!r} is no address ({error}); give one such as http://127.0.0.1:8000") from error
    if parts.scheme not in ("http", "https") or not parts.host or parts.query or parts.fragment:
        raise InputError(f"{url!r} is no address of a server; give one such as http://127.0.0.1:8000")
    return url.rstrip("/")


def _detail(response: httpx.Response) -> str:
    """The reason that the API gives for a refusal, in brackets."""
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return f" ({response.json()['detail']})"
    return ""


def first_complaint(error: ValidationError) -> str:
    """The first thing that a validation found wrong, in one line."""
    found = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, found['loc'])) or 'it'}: {found['msg']}"
