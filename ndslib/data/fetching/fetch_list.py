"""Downloading the samples of a dataserver's list: the last step of NDS's client.

The dataserver indexes and does not host (NDS section 3): its list says where the images are, and any of them may have
moved, be slow to come, or be a web page by now. Below the folder are afterwards

    images/           the files, whole, named after their ids
    samples.parquet   the sample table of what is there
    failed.csv        id, uri and reason of what is not, if any
    .fetched.sqlite   which files are there (`record`)
    .fetching/        what is half there, for the next run to go on with; absent when all is there
"""

import csv
import os
import shutil
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import httpx
import pyarrow as pa

import ndslib
from ndslib.core.errors import InputError
from ndslib.core.files import atomic_path
from ndslib.data import sample_list, sample_table
from ndslib.data.fetching.disk import writing_to
from ndslib.data.fetching.download import connection, download
from ndslib.data.fetching.hosts import at_hosts
from ndslib.data.fetching.listed_files import ListedFile, listed_files
from ndslib.data.fetching.record import NAME, Found, Record, opened
from ndslib.data.fetching.whole_image import Picture, inspect, sizes_of
from ndslib.data.manifests import DataFile

Progress = Callable[[int, int, int], None]
"""Called first, and as files come, with how many are done with, how many are wanted, and the bytes there so far."""
_TIMEOUT = 30.0  # seconds without a byte after which an attempt counts as broken
_MOST_BYTES = 16 * 2**30  # of a file; arrays hold whole datasets, and what is larger has no end
_WORKSHOP = ".fetching"


class Failure(NamedTuple):
    """A row of the list whose image is not there, and why."""

    id: str
    uri: str
    reason: str


class Fetched(NamedTuple):
    """What a run leaves, in the list's order: the sample table of what is there, and what was tried and is not."""

    samples: pa.Table
    failures: list[Failure]


def fetch_list(
    source: Path | str,
    folder: Path | str,
    datasets: Sequence[str] = (),
    workers: int = 16,
    per_host: int = 8,
    progress: Progress | None = None,
    attempts: int = 6,
    wait: float = 1.0,
) -> Fetched:
    """Bring the samples of a list into `folder`, and write their sample table to `folder/samples.parquet`.

    A run goes on where the last one stopped, however that ended; lists may share a folder. A file that several rows
    are parts of (`#xywh=`, `#row=`) is fetched once. An absolute path is copied where this machine has it.

    A file is accepted when it decodes to its last pixel, which a web page does not, and is what the list means by
    its sizes (`listed_files.ListedRow.problem`: bytes where they are exact, else pixels). The table gives its true
    sizes.

    Args:
        source: the list (`ndslib.data.sample_list`).
        datasets: fetch the rows of these alone; of all when empty. Others that are there already stay in the table.
        workers: downloads, and so connections, at a time.
        per_host: how many of them may ask one host. For a host that others redirect to, `workers` is the bound.
        attempts, wait: as of `ndslib.data.fetch.download`.

    Raises:
        InputError: there is no such list, or none of a dataset in `datasets` in it; `workers` or `per_host` is below
            1; `folder` cannot be written, or another process is fetching into it. What has arrived is kept.
    """
    if workers < 1 or per_host < 1:
        raise InputError(f"workers is {workers} and per_host is {per_host}; both must be at least 1")
    listed = sample_list.read(source)
    known = listed["dataset"].unique().to_pylist()
    if absent := sorted(set(datasets) - set(known)):
        raise InputError(f"{source}: it lists nothing of {absent}; its datasets are {known}")
    files = listed_files(listed)
    folder = Path(folder).expanduser().absolute()
    workshop = folder / _WORKSHOP
    with _writing_to(folder), opened(folder) as record:
        there = {file.address: found for file in files if (found := record.find(file.address)) and _fits(file, found)}
        missing = [file for file in files if file.address not in there and _is_wanted(file, datasets)]
        outcomes = _bring_all(missing, workshop, workers, per_host, attempts, wait)
        reasons = _receive(outcomes, len(missing), there, record, workshop, progress or _silent)
        fetched = _results(listed, files, there, reasons)
        _write(fetched, folder)
    return fetched


def _silent(done: int, wanted: int, size: int) -> None:
    pass


def _receive(
    outcomes: Iterator[tuple[ListedFile, Picture | InputError]],
    missing: int,
    there: dict[str, Found],
    record: Record,
    workshop: Path,
    progress: Progress,
) -> dict[str, str]:
    """Give what comes of the missing files its final name and a place in `there`; return why the others do not come."""
    reasons: dict[str, str] = {}
    had, size = len(there), sum(found.picture.bytes for found in there.values())
    progress(had, had + missing, size)
    for done, (file, outcome) in enumerate(outcomes, start=had + 1):
        if isinstance(outcome, InputError):
            reasons[file.address] = str(outcome)
        else:
            found = record.add(file.address, f"images/{file.stem}{outcome.suffix}", outcome)
            os.replace(workshop / file.stem, found.path)
            there[file.address] = found
            size += outcome.bytes
        progress(done, had + missing, size)
    return reasons


@contextmanager
def _writing_to(folder: Path) -> Iterator[None]:
    """Make the folders, and name this one in what goes wrong with the disk."""
    with writing_to(folder):
        for place in (folder / "images", folder / _WORKSHOP):
            place.mkdir(parents=True, exist_ok=True)
        try:
            yield
        except sqlite3.Error as error:
            raise OSError(f"{folder / NAME}: {error}") from error


def _fits(file: ListedFile, found: Found) -> bool:
    return file.problem(found.picture) is None


def _is_wanted(file: ListedFile, datasets: Sequence[str]) -> bool:
    return not datasets or any(row.dataset in datasets for row in file.rows)


def _bring_all(
    files: list[ListedFile], workshop: Path, workers: int, per_host: int, attempts: int, wait: float
) -> Iterator[tuple[ListedFile, Picture | InputError]]:
    """Each file, as it ends, with what has come of it to `workshop/stem`."""
    by_host: dict[str, list[ListedFile]] = defaultdict(list)
    for file in files:
        by_host[file.host].append(file)
    stop = threading.Event()

    def refuse_when_stopped(request: httpx.Request) -> None:
        if stop.is_set():  # else a person who interrupts would have to wait for all attempts
            raise InputError(f"{request.url}: interrupted; run again to go on")

    client = connection(
        follow_redirects=True,
        timeout=_TIMEOUT,
        limits=httpx.Limits(max_connections=workers, max_keepalive_connections=workers),
        headers={"User-Agent": f"ndslib/{ndslib.__version__}"},
        event_hooks={"request": [refuse_when_stopped]},
    )
    with client:
        bring = partial(_bring, client, workshop, attempts, wait)
        yield from at_hosts(bring, by_host, workers, per_host, stop)


def _bring(client: httpx.Client, workshop: Path, attempts: int, wait: float, file: ListedFile) -> Picture:
    """Bring a file to `workshop/stem` and look at it; InputError when it does not come or is not what is listed."""
    place = workshop / file.stem
    if not place.exists():  # else the last run ended while it looked at it
        if file.address.startswith(("http://", "https://")):
            wanted = DataFile(path=file.stem, url=file.address)
            download(client, wanted, place, attempts=attempts, wait=wait, most=_MOST_BYTES)
        else:
            _copy(file.address, place)
    try:
        picture = inspect(place)
        if problem := file.problem(picture):
            raise InputError(problem)
    except InputError as error:
        place.unlink()
        raise InputError(f"{file.address}: {error}") from error
    return picture


def _copy(address: str, place: Path) -> None:
    if not os.path.isabs(address):
        raise InputError(f"{address}: neither an http(s) address nor an absolute path")
    if not os.path.isfile(address) or not os.access(address, os.R_OK):
        raise InputError(
            f"{address}: no such file on this machine. The list's server indexes local files; it has to list them by "
            "an address (`base_url`) to be of use elsewhere"
        )
    with atomic_path(place) as temporary:
        shutil.copyfile(address, temporary)


def _results(
    listed: pa.Table, files: list[ListedFile], there: Mapping[str, Found], reasons: Mapping[str, str]
) -> Fetched:
    """What has come of the list's rows, from what has come of its files: `there` or not for `reasons`, by address."""
    placed: dict[int, tuple[str, int, int, int]] = {}
    failed: dict[int, Failure] = {}
    for file in files:
        found = there.get(file.address)
        for row in file.rows:
            reason = row.problem(found.picture) if found else reasons.get(file.address)
            if reason:
                failed[row.number] = Failure(row.id, row.uri, reason)
            elif found:
                uri = f"{found.path}{row.uri[len(file.address) :]}"
                placed[row.number] = uri, *sizes_of(found.picture, row.uri)
    return Fetched(_placed(listed, placed), [failed[number] for number in sorted(failed)])


def _placed(listed: pa.Table, placed: Mapping[int, tuple[str, int, int, int]]) -> pa.Table:
    """The sample table of the rows in `placed`: number -> uri, width, height, bytes."""
    samples = listed.filter(pa.array([number in placed for number in range(listed.num_rows)]))
    values = zip(*(placed[number] for number in sorted(placed)), strict=True) if placed else [()] * 4
    for name, column in zip(("uri", "width", "height", "bytes"), values, strict=True):
        field = sample_table.SCHEMA.field(name)
        samples = samples.set_column(samples.schema.get_field_index(name), field, pa.array(column, field.type))
    return sample_table.validate(samples)


def _write(fetched: Fetched, folder: Path) -> None:
    """Write what a run ends with; in the workshop first, so that what is half-written lies nowhere else."""
    workshop = folder / _WORKSHOP
    sample_table.write(fetched.samples, workshop / "samples.parquet")
    os.replace(workshop / "samples.parquet", folder / "samples.parquet")
    if fetched.failures:
        with open(workshop / "failed.csv", "w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([Failure._fields, *fetched.failures])
        os.replace(workshop / "failed.csv", folder / "failed.csv")
    else:
        (folder / "failed.csv").unlink(missing_ok=True)
        shutil.rmtree(workshop)
