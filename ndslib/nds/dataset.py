"""A dataset of the dataserver: what is to be indexed (`Source`), and what lies in an index (`Dataset`)."""

import json
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ndslib.core.errors import InputError
from ndslib.core.files import sha256_file
from ndslib.core.models import ResNet18
from ndslib.data import images, sample_table
from ndslib.nds import store
from ndslib.nds.experts import load_expert
from ndslib.nds.store import IndexDamaged

NAME_BYTES = 100  # most bytes of a dataset's name: folders' names are longer by what a build adds, and end at 255


@dataclass(frozen=True)
class Source:
    """A dataset to index.

    Attributes:
        table: the sample table of one dataset.
        k: its number of clusters and experts.
        title, link: what to call it, and its provider's page.
        base_url, root: the dataserver indexes and does not host (NDS section 3): to clients, a file below the folder
            `root` is listed as `base_url` and its path below `root`. Without them, files are listed by their paths.
    """

    table: pa.Table
    k: int
    title: str | None = None
    link: str | None = None
    base_url: str | None = None
    root: Path | str | None = None

    def __post_init__(self) -> None:
        if (self.base_url is None) != (self.root is None):
            raise InputError(f"base_url is {self.base_url!r} and root is {self.root!r}: give both or neither")
        if self.base_url is not None and not self.base_url.startswith(("http://", "https://")):
            raise InputError(f"base_url is {self.base_url!r}; it starts with http:// or https://")

    @cached_property
    def name(self) -> str:
        """The dataset's name, as in the table."""
        names = self.table["dataset"].unique().to_pylist()
        if len(names) != 1:
            raise InputError(f"a source is one dataset; its sample table holds {names or 'no rows'}")
        (name,) = names
        wrong = not name or name.startswith(".") or set(name) & set("/\\") or not name.isprintable()
        if wrong or len(name.encode()) > NAME_BYTES:
            raise InputError(
                f"dataset name {name!r} cannot be a folder name: give 1 to {NAME_BYTES} bytes (UTF-8) of printable "
                "characters, no '/', no backslash, no leading dot"
            )
        return name

    def listed(self, table: pa.Table) -> pa.Table:
        """Rows of this source with the addresses under which clients find them.

        Raises:
            InputError: there is a `base_url`, and a file lies outside of `root`.
        """
        if self.base_url is None:
            return table
        uris = pa.array([self._address(uri) for uri in table["uri"].to_pylist()], pa.string())
        return table.set_column(table.schema.get_field_index("uri"), sample_table.SCHEMA.field("uri"), uris)

    def _address(self, uri: str) -> str:
        path = images.split_uri(uri)[0]
        if path.startswith(("http://", "https://")):
            return uri
        try:
            below = Path(path).relative_to(Path(self.root).expanduser().absolute())
        except ValueError as error:
            raise InputError(f"{path}: not below {self.root}, so base_url {self.base_url} does not hold it") from error
        return f"{self.base_url.rstrip('/')}/{quote(below.as_posix())}{uri[len(path) :]}"


@dataclass(frozen=True)
class Cell:
    """Neighbouring rows of a dataset that a client's filters keep or leave out together.

    Attributes:
        cluster: their cluster's number in the dataset.
        labels: what they are labelled with (`sample_table.LABEL_KINDS`).
        licence: as in the sample table.
        images, bytes: how many, and how large together.
    """

    cluster: int
    labels: str
    licence: str | None
    images: int
    bytes: int


@dataclass(frozen=True)
class Dataset:
    """One indexed dataset.

    Attributes:
        name, title, licence, link: as given when it was added.
        position: its place in the order of adding, from 0.
        gating: `superclass` or `unsupervised`.  task: what its experts were trained on.
        size: side of the decoded images in pixels.
        base_url: where its files are listed to be, if not at their paths.
        cluster_sizes, cluster_bytes: images and bytes in each of its clusters.
        cells: its rows in order: clusters, in them kinds of labels, in them licences.
        thumbnails: example pictures of each cluster.
        experts: SHA-256 of each expert file.
        corrupt: images left out because they do not decode.
        folder: where it lies.
    """

    name: str
    title: str
    licence: str | None
    link: str | None
    position: int
    gating: str
    task: str
    size: int
    extractor: str
    seed: int
    train: dict[str, Any]
    base_url: str | None
    cluster_sizes: list[int]
    cluster_bytes: list[int]
    cells: tuple[Cell, ...]
    thumbnails: list[int]
    experts: list[str]
    corrupt: list[dict[str, str]]
    folder: Path

    @classmethod
    def read(cls, folder: Path) -> "Dataset":
        """Read `dataset.json` of a folder.

        Raises:
            IndexDamaged: it is absent, damaged or contradicts itself.
        """
        try:
            about = json.loads((folder / "dataset.json").read_text())
            about["cells"] = tuple(Cell(**cell) for cell in about["cells"])
            found = cls(**about, folder=folder)
            found._check()
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise IndexDamaged(
                f"{folder / 'dataset.json'}: damaged ({error}); remove {folder} and add the dataset again"
            ) from error
        return found

    def _check(self) -> None:
        """Raises ValueError or TypeError where the description contradicts itself: rows would be taken for others."""
        texts = [self.name, self.title, self.gating, self.task, self.extractor, *self.experts]
        if not all(isinstance(text, str) for text in texts):
            raise ValueError("a name, or an expert's SHA-256, is no text")
        numbers = [self.position, self.size, *self.cluster_sizes, *self.cluster_bytes, *self.thumbnails]
        numbers += [number for cell in self.cells for number in (cell.cluster, cell.images, cell.bytes)]
        if not all(type(number) is int and number >= 0 for number in numbers):
            raise ValueError("a count is no whole number from 0")
        clusters = len(self.cluster_sizes)
        for name in ("cluster_bytes", "thumbnails", "experts"):
            if len(getattr(self, name)) != clusters:
                raise ValueError(f"{name} has {len(getattr(self, name))} entries for {clusters} clusters")
        if any(after.cluster < before.cluster for before, after in pairwise(self.cells)):
            raise ValueError("the cells are not in the order of their clusters")
        for name, totals in (("images", self.cluster_sizes), ("bytes", self.cluster_bytes)):
            sums = Counter()
            for cell in self.cells:
                sums[cell.cluster] += getattr(cell, name)
            if sums != Counter(dict(enumerate(totals))):
                raise ValueError(f"the cells' {name} do not add up to the clusters'")

    def check_rows(self) -> None:
        """Refuse a dataset whose rows cannot be served, at a cost that does not grow with them.

        Raises:
            IndexDamaged: `samples.sqlite` or `bytes.npy` is absent, damaged or of another length than `dataset.json`.
        """
        for name, rows in (("bytes.npy", len(self.row_bytes())), ("samples.sqlite", store.count(self.store_path))):
            if rows != self.count:
                raise self._damaged(name, f"it has {rows} rows but dataset.json says {self.count}")

    @property
    def store_path(self) -> Path:
        """The rows as clients get them (`nds.store`)."""
        return self.folder / "samples.sqlite"

    def row_bytes(self) -> np.ndarray:
        """int64[count], the bytes to download for each row, read from the file as they are asked for.

        Raises:
            IndexDamaged: the file is absent or damaged.
        """
        try:
            return np.load(self.folder / "bytes.npy", mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise self._damaged("bytes.npy", f"cannot be read ({error})") from error

    def existing(self, path: Path) -> Path:
        """A file of this dataset, given that it is there.

        Raises:
            IndexDamaged: it is not.
        """
        if not path.is_file():
            raise self._damaged(path.relative_to(self.folder), "no such file")
        return path

    def _damaged(self, name: str | Path, fault: str) -> IndexDamaged:
        return IndexDamaged(f"{self.folder / name}: {fault}; remove {self.folder} and add the dataset again")

    def samples(self) -> pa.Table:
        """The sample table, rows sorted by cluster.

        Raises:
            InputError: the file is absent or damaged, or has another number of rows than `dataset.json` says.
        """
        table = sample_table.read(self.folder / "samples.parquet")
        if table.num_rows != self.count:
            raise InputError(
                f"{self.folder}: samples.parquet has {table.num_rows} rows but dataset.json says {self.count}; remove "
                "the folder and add the dataset again"
            )
        return table

    def holds(self, table: pa.Table) -> bool:
        """Whether this dataset was made of exactly the rows of `table`, in any order, less its corrupt ones."""
        left_out = pa.array([entry["uri"] for entry in self.corrupt], pa.string())
        wanted = sample_table.validate(table.filter(pc.invert(pc.is_in(table["uri"], left_out))))
        return wanted.sort_by("id").equals(self.samples().sort_by("id"))

    @property
    def count(self) -> int:
        """How many images it has."""
        return sum(self.cluster_sizes)

    def thumbnail(self, cluster: int, number: int) -> Path:
        """An example picture of a cluster, WebP.

        Raises:
            InputError: there is no such cluster or picture.
        """
        if not (0 <= cluster < len(self.thumbnails) and 0 <= number < self.thumbnails[cluster]):
            raise InputError(f"{self.name}: no thumbnail {number} of cluster {cluster}; there are {self.thumbnails}")
        return self.folder / "thumbnails" / f"{cluster:03d}" / f"{number}.webp"

    def expert_paths(self) -> list[Path]:
        """The expert files, in cluster order."""
        return [self.folder / "experts" / f"{number:03d}.safetensors" for number in range(len(self.experts))]

    def load_experts(self, device: str = "cpu") -> list[ResNet18]:
        """The experts in evaluation mode, in cluster order.

        Raises:
            InputError: an expert file is absent, damaged, or not the one that was indexed.
        """
        loaded = [load_expert(path, device) for path in self.expert_paths()]
        for path, known in zip(self.expert_paths(), self.experts, strict=True):
            if sha256_file(path) != known:
                raise InputError(f"{path}: not the expert that was indexed (its SHA-256 differs); download it again")
        return loaded
