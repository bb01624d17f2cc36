"""A dataserver as its client sees it: HTTP requests, whose every fault becomes an error in words.

What leaves the client is the same for every client, but for one request: that for a list carries its scores, its budget
and its filters. No cookie is taken, no redirection followed, and no header tells of the machine.
"""

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pyarrow as pa
from pydantic import BaseModel, ValidationError

from ndslib.core import paths
from ndslib.core.errors import InputError
from ndslib.core.files import atomic_path, sha256_file
from ndslib.data import sample_list
from ndslib.data.fetching.disk import check_writable, writing_to
from ndslib.data.fetching.download import Unreachable, bounded, connection, download
from ndslib.data.manifests import DataFile
from ndslib.nds.protocol import TOKEN, Datasets, Experts, RemoteExpert, RemoteIndex, Request

Answer = TypeVar("Answer", bound=BaseModel)
_MOST_SAID = 256 * 2**20  # bytes of an answer but for lists and experts: more than a million experts take
_MOST_LISTED = 64 * 2**30  # bytes of a list: a million samples of 64 kB each, masks of crowds included


class RemoteServer:
    """A dataserver at an http(s) address, such as `ndslib serve` prints.

    Args:
        url: its address.
        token: for a server that wants one.
        timeout: seconds without an answer after which a request is given up.
        attempts, wait: of a download, as `data.fetching.download` takes them.

    Raises:
        InputError: the address is not one, or the token has blanks or characters outside of ASCII.
    """

    def __init__(
        self, url: str, token: str | None = None, timeout: float = 30.0, attempts: int = 6, wait: float = 1.0
    ) -> None:
        if token is not None and not re.fullmatch(TOKEN, token):
            raise InputError("the token has blanks or characters outside of ASCII; give it as you were given it")
        self.url, self.token = _checked(url), token
        self.timeout, self.attempts, self.wait = timeout, attempts, wait

    def experts(self) -> list[RemoteExpert]:
        """The server's K experts.

        Raises:
            InputError: the server cannot be reached, refuses, has no expert, or is no dataserver.
        """
        experts = self._said("/v1/experts", Experts, "list of experts").experts
        if len({expert.id for expert in experts}) < len(experts):
            raise InputError(self._no_dataserver("it lists two experts of one id"))
        return experts

    def check(self, request: Request) -> None:
        """Refuse now what this server would refuse once scores are sent (`Request.check`); tells it nothing.

        Raises:
            InputError: it would; or it cannot be reached, refuses, or is no dataserver.
        """
        index = self._said("/v1/index", RemoteIndex, "description of its index")
        datasets = self._said("/v1/datasets", Datasets, "list of datasets").datasets
        try:
            request.check(index, datasets)
        except InputError as error:
            raise InputError(f"{self.url}: {error}") from error

    def _said(self, path: str, kind: type[Answer], name: str) -> Answer:
        """An answer in JSON, checked."""
        with self._answer("GET", path) as response:
            text = b"".join(bounded(response.iter_bytes(), _MOST_SAID, f"{self.url}{path}"))
        try:
            return kind.model_validate_json(text)
        except ValidationError as error:
            raise InputError(self._no_dataserver(f"its {name} is none: {first_complaint(error)}")) from error

    def weights(self, expert: RemoteExpert) -> Path:
        """An expert's file, from the cache when it was downloaded before; an interrupted download goes on.

        Raises:
            InputError: the server cannot be reached or refuses; the file is not the one that it announced, or cannot be
                written.
        """
        target = paths.cache_root() / "downloaded-experts" / f"{expert.sha256}.safetensors"
        if not target.is_file() or sha256_file(target) != expert.sha256:
            url = f"{self.url}{expert.weights}"
            file = DataFile(path=target.name, url=url, sha256=expert.sha256, bytes=expert.bytes)
            with self._client() as client, writing_to(target):
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
            InputError: a bad budget, suffix or option; `out` cannot be written; the server cannot be reached, refuses,
                or breaks off; what it sends is no list.
        """
        request, out = Request(images, budget_bytes, **options), Path(out)
        body = {"scores": dict(scores), "format": sample_list.form(out)} | asdict(request)
        check_writable(out)
        with (
            self._answer("POST", "/v1/recommendations", json=body) as response,
            writing_to(out),
            atomic_path(out) as temporary,
        ):
            with open(temporary, "wb") as stream:
                stream.writelines(bounded(response.iter_bytes(), _MOST_LISTED, self.url))
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
        return connection(headers=headers, timeout=self.timeout, cookies=no_cookies)

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
        if status == 429 or "Retry-After" in response.headers:
            return f"{said}: it is busy; try again later"
        if status >= 500:
            return f"{said}: it has failed; try again later, or ask who runs it to look into its log"
        return said  # of a dataserver, the reason says what to change

    def _no_dataserver(self, reason: str) -> str:
        return f"{self.url} is no dataserver of this version: {reason}; give the address that `ndslib serve` prints"


def _checked(url: str) -> str:
    """The address of a server without a slash at its end."""
    if "@" in url:  # whatever stands before it may be secret: nothing of it is repeated
        raise InputError("the address holds an @, as with a user's name and password; leave them out and give --token")
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
