"""A dataset of the dataserver: what is to be indexed (`Source`), and what lies in an index (`Dataset`)."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ndslib.core.errors import InputError
from ndslib.core.files import sha256_file
from ndslib.core.models import ResNet18
from ndslib.data import sample_table
from ndslib.nds.experts import load_expert


@dataclass(frozen=True)
class Source:
    """A dataset to index: the sample table of one dataset, its number of clusters and experts, and what to call it."""

    table: pa.Table
    k: int
    title: str | None = None
    link: str | None = None

    @cached_property
    def name(self) -> str:
        """The dataset's name, as in the table."""
        names = self.table["dataset"].unique().to_pylist()
        if len(names) != 1:
            raise InputError(f"a source is one dataset; its sample table holds {names or 'no rows'}")
        if not names[0] or "/" in names[0] or names[0].startswith("."):
            raise InputError(
                f"dataset name {names[0]!r} cannot be a folder name: it needs letters, no '/', no leading dot"
            )
        return names[0]


@dataclass(frozen=True)
class Dataset:
    """One indexed dataset.

    Attributes:
        name, title, licence, link: as given when it was added.
        position: its place in the order of adding, from 0.
        gating: `superclass` or `unsupervised`.  task: what its experts were trained on.
        size: side of the decoded images in pixels.
        cluster_sizes, cluster_bytes: images and bytes in each of its clusters.
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
    cluster_sizes: list[int]
    cluster_bytes: list[int]
    experts: list[str]
    corrupt: list[dict[str, str]]
    folder: Path

    @classmethod
    def read(cls, folder: Path) -> "Dataset":
        """Read `dataset.json` of a folder.

        Raises:
            InputError: it is damaged.
        """
        try:
            return cls(**json.loads((folder / "dataset.json").read_text()), folder=folder)
        except (ValueError, TypeError) as error:
            raise InputError(
                f"{folder / 'dataset.json'}: damaged ({error}); remove {folder} and add the dataset again"
            ) from error

    def samples(self) -> pa.Table:
        """The sample table, rows sorted by cluster.

        Raises:
            InputError: the file is absent or damaged, or has another number of rows than `dataset.json` says.
        """
        table = sample_table.read(self.folder / "samples.parquet")
        if table.num_rows != sum(self.cluster_sizes):
            raise InputError(
                f"{self.folder}: samples.parquet has {table.num_rows} rows but dataset.json says "
                f"{sum(self.cluster_sizes)}; remove the folder and add the dataset again"
            )
        return table

    def holds(self, table: pa.Table) -> bool:
        """Whether this dataset was made of exactly the rows of `table`, in any order, less its corrupt ones."""
        left_out = pa.array([entry["uri"] for entry in self.corrupt], pa.string())
        wanted = sample_table.validate(table.filter(pc.invert(pc.is_in(table["uri"], left_out))))
        return wanted.sort_by("id").equals(self.samples().sort_by("id"))

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
