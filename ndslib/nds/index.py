"""The dataserver's index: a folder with a sample table, a gating and experts for each dataset.

    index.json                       format and name
    datasets/<name>/dataset.json     title, licence, settings, cells; written when all experts are trained
    datasets/<name>/samples.parquet  the sample table, sorted by cluster, kind of labels and licence
    datasets/<name>/samples.sqlite   the same rows as clients get them, to be read by number (`store`)
    datasets/<name>/bytes.npy        int64, the size of each of them
    datasets/<name>/gating.safetensors   centroids in the feature space of the extractor
    datasets/<name>/experts/000.safetensors ...
    datasets/<name>/thumbnails/000/0.webp ...   example pictures of each cluster

Clusters are numbered through all datasets in the order of adding, and rows are sorted by cluster: that is what lets a
selection cost nothing that grows with the index. Adding a dataset writes one new folder and touches no other (NDS
section 3.2.1). It is built under a hidden name and renamed when whole (`building`). A killed build resumes, as its
experts lie in the cache; the hidden folder that it may leave is never looked at.
"""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ndslib.core.errors import InputError
from ndslib.core.files import write_json
from ndslib.core.models import ResNet18
from ndslib.data import sample_table
from ndslib.nds import building, store
from ndslib.nds.dataset import Cell, Dataset, Source
from ndslib.nds.experts import ExpertConfig, train_experts
from ndslib.nds.extractor import Extractor
from ndslib.nds.gating import Gating
from ndslib.nds.store import IndexDamaged

FORMAT = "ndslib-index-2"


class Index:
    """An index on disk. Make one with `Index.create`, open it with `Index.open`, grow it with `add`."""

    def __init__(self, place: Path) -> None:
        self.place = place

    @classmethod
    def create(cls, place: Path | str, name: str = "dataserver") -> "Index":
        """Make an empty index, or open the one that is there."""
        place = Path(place)
        if not (place / "index.json").exists():
            if place.exists() and any(place.iterdir()):
                raise InputError(f"{place}: the folder is not empty and holds no index; choose another place")
            write_json(place / "index.json", {"format": FORMAT, "name": name})
        return cls.open(place)

    @classmethod
    def open(cls, place: Path | str) -> "Index":
        """Open an index.

        Raises:
            InputError: there is none, or it is damaged (`store.IndexDamaged`) or of another format.
        """
        place = Path(place)
        if not (place / "index.json").is_file():
            raise InputError(f"{place}: no index here (index.json is absent); build one with Index.create and add")
        try:
            about = dict(json.loads((place / "index.json").read_text()))
        except (ValueError, TypeError) as error:
            raise IndexDamaged(f"{place / 'index.json'}: damaged ({error}); restore it from another index") from error
        if about.get("format") != FORMAT:
            raise InputError(
                f"{place / 'index.json'}: format is {about.get('format')!r}, this version reads {FORMAT!r}; build the "
                "index again"
            )
        if not isinstance(about.get("name"), str):
            raise IndexDamaged(f"{place / 'index.json'}: damaged (no name); give the index one there")
        return cls(place)

    @property
    def name(self) -> str:
        """What the index is called."""
        return json.loads((self.place / "index.json").read_text())["name"]

    @cached_property
    def datasets(self) -> tuple[Dataset, ...]:
        """The indexed datasets in the order of adding."""
        found = [Dataset.read(file.parent) for file in self.place.glob("datasets/[!.]*/dataset.json")]
        # Two processes that end adding at the same instant may take the same position: the name then decides.
        return tuple(sorted(found, key=lambda dataset: (dataset.position, dataset.name)))

    @cached_property
    def table(self) -> pa.Table:
        """The sample table of all datasets, rows sorted by cluster."""
        if not self.datasets:
            raise InputError(f"{self.place}: the index is empty; add a dataset first")
        table = sample_table.concat(each.samples() for each in self.datasets)
        return table.combine_chunks()  # of one chunk, rows are taken at a cost that does not grow with the index

    def read(self, rows: np.ndarray, annotations: bool = False) -> pa.Table:
        """Rows as clients get them, in the order asked for: the sample table, without `annotation` unless asked for it.

        Time and memory grow with the number of rows asked for, not with the index; several threads may read at once.

        Args:
            rows: int64[n], rows of the index.

        Raises:
            InputError: a row outside of the index, or a damaged file.
        """
        owners = self._owners(rows)
        parts = [store.read(each.store_path, own, annotations) for each, own, _ in owners]
        found = pa.concat_tables(parts).combine_chunks()
        return found.take(np.argsort(np.concatenate([places for *_, places in owners])))

    def row_bytes(self, rows: np.ndarray) -> np.ndarray:
        """int64[n], the bytes to download for each of int64[n] rows of the index."""
        found = np.empty(len(rows), dtype=np.int64)
        for each, own, places in self._owners(rows):
            found[places] = each.row_bytes()[own]
        return found

    def _owners(self, rows: np.ndarray) -> list[tuple[Dataset, np.ndarray, np.ndarray]]:
        """Of each dataset that has some of the rows: itself, their numbers in it, and their places in `rows`."""
        rows = np.asarray(rows, dtype=np.int64)
        if rows.size == 0 or rows.min() < 0 or rows.max() >= self.size:
            raise InputError(f"rows {rows[:5].tolist()}...: ask for one row at least, from 0 to {self.size - 1}")
        ends = np.cumsum([each.count for each in self.datasets])
        owner = np.searchsorted(ends, rows, side="right")
        found = []
        for number in np.unique(owner).tolist():
            places = np.flatnonzero(owner == number)
            each = self.datasets[number]
            found.append((each, rows[places] - (ends[number] - each.count), places))
        return found

    @cached_property
    def cells(self) -> list[tuple[int, Dataset, Cell]]:
        """The index's rows in order, as pieces that a filter keeps or leaves out: cluster, dataset and cell."""
        found, clusters = [], 0
        for each in self.datasets:
            found += [(clusters + cell.cluster, each, cell) for cell in each.cells]
            clusters += len(each.cluster_sizes)
        return found

    @property
    def size(self) -> int:
        """The number of images."""
        return sum(each.count for each in self.datasets)

    @property
    def cluster_sizes(self) -> np.ndarray:
        """int64[K], |S_i| of every cluster of every dataset."""
        return np.array([size for each in self.datasets for size in each.cluster_sizes], dtype=np.int64)

    @property
    def cluster_bytes(self) -> np.ndarray:
        """int64[K], bytes to download of every cluster."""
        return np.array([size for each in self.datasets for size in each.cluster_bytes], dtype=np.int64)

    @property
    def cluster_names(self) -> list[str]:
        """`<dataset>/<number in the dataset>` of every cluster."""
        return [f"{each.name}/{number}" for each in self.datasets for number in range(len(each.cluster_sizes))]

    @property
    def cluster_datasets(self) -> list[str]:
        """The dataset of every cluster."""
        return [each.name for each in self.datasets for _ in each.cluster_sizes]

    @property
    def cluster_of_row(self) -> np.ndarray:
        """int64[N], the cluster of every row of `table`."""
        return np.repeat(np.arange(len(self.cluster_sizes)), self.cluster_sizes)

    def expert_paths(self) -> list[Path]:
        """The expert file of every cluster."""
        return [path for each in self.datasets for path in each.expert_paths()]

    def experts(self, device: str = "cpu") -> list[ResNet18]:
        """The expert of every cluster, in evaluation mode."""
        return [expert for each in self.datasets for expert in each.load_experts(device)]

    def rows_of_cluster(self, cluster: int) -> np.ndarray:
        """int64, the rows of `table` in a cluster."""
        ends = np.cumsum(self.cluster_sizes)
        return np.arange(ends[cluster] - self.cluster_sizes[cluster], ends[cluster])

    def add(self, table: pa.Table, k: int, extractor: Extractor, config: ExpertConfig, **options: Any) -> Dataset:
        """Index one dataset: `add_all` of a single source. `options`: its other arguments, and those of `Source`."""
        about = {name: options.pop(name, None) for name in ("title", "link", "base_url", "root")}
        return self.add_all([Source(table, k, **about)], extractor, config, **options)[0]

    def add_all(
        self,
        sources: Sequence[Source],
        extractor: Extractor,
        config: ExpertConfig,
        gating: Gating = "unsupervised",
        size: int = 32,
        seed: int = 0,
        workers: int = 1,
        engine: str = "processes",
        on_corrupt: str = "raise",
    ) -> list[Dataset]:
        """Index datasets: partition each into its k clusters and train an expert on every one of them.

        No other dataset is touched. Calling again after an interruption resumes (each expert on its own); a dataset
        that is already in the index with the same settings and samples is returned as it is. Several processes may
        add to one index at once.

        Args:
            extractor: network whose features are clustered (`nds.extractor`).
            config: how experts are trained.
            gating: `superclass` or `unsupervised`.
            size: side in pixels to which images are decoded.
            workers, engine: how many experts train at once, and where (`core.parallel`); the result is the same.
            on_corrupt: `raise`, or `skip` to leave unreadable images out (they are named in `Dataset.corrupt`).

        Raises:
            InputError: a table is empty or mixes datasets, k exceeds the samples (or, for superclasses, the classes),
                an image is corrupt, or a name is taken by a dataset with other settings. Nothing is trained then.
        """
        settings = {
            "gating": gating,
            "task": config.task,
            "size": size,
            "extractor": extractor.fingerprint,
            "seed": seed,
            "train": asdict(config),
        }
        names = [source.name for source in sources]
        if len(set(names)) < len(names):
            raise InputError(f"the sources' names are {names}: give each dataset once")
        self._forget()
        new = [source for source in sources if self._existing(source, settings) is None]
        prepared = [building.prepare(source, extractor, config, gating, size, seed, on_corrupt) for source in new]
        jobs = [job for each in prepared for job in each.jobs]
        experts = iter(train_experts(jobs, config, workers, engine) if jobs else [])
        for each in prepared:
            self._write(each, settings, [next(experts) for _ in each.jobs])
        return [next(each for each in self.datasets if each.name == name) for name in names]

    def _write(self, prepared: building.Prepared, settings: dict[str, Any], experts: list[Path]) -> None:
        """Write a dataset under a hidden name and rename it when it is whole."""
        name, datasets = prepared.source.name, self.place / "datasets"
        datasets.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=datasets) as workshop:
            folder = Path(workshop) / name
            about = building.write(prepared, experts, folder)
            self._forget()  # other processes may have added datasets since
            position = max((each.position for each in self.datasets), default=-1) + 1
            write_json(folder / "dataset.json", settings | about | {"position": position})
            try:
                folder.rename(datasets / name)
            except OSError:  # a folder does not replace one that holds something: another process was faster
                self._forget()
                if self._existing(prepared.source, settings) is None:
                    raise
        self._forget()

    def _forget(self) -> None:
        """Read the folder anew when it is asked for next."""
        for name in ("datasets", "table", "cells"):
            self.__dict__.pop(name, None)

    def _existing(self, source: Source, settings: dict[str, Any]) -> Dataset | None:
        """The dataset of this name if it is indexed with the same settings; None if it is not indexed."""
        each = next((each for each in self.datasets if each.name == source.name), None)
        if each is None:
            return None
        found = {key: getattr(each, key) for key in (*settings, "base_url")} | {"k": len(each.cluster_sizes)}
        wanted = json.loads(json.dumps(settings)) | {"k": source.k, "base_url": source.base_url}
        for name in ("title", "link"):  # left out, they stay as they are
            found[name] = getattr(each, name)
            wanted[name] = getattr(source, name) or found[name]
        changed = sorted(key for key in wanted if wanted[key] != found[key])
        if not each.holds(source.table):
            changed.append("samples")
        if not changed:
            return each
        raise InputError(
            f"{each.folder}: a dataset of this name is indexed with other settings ({', '.join(changed)}); "
            "remove that folder or add the data under another name"
        )
