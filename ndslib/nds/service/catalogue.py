"""What an index holds, as the service tells it: worked out once, when the service starts."""

from collections import Counter
from dataclasses import dataclass
from itertools import islice
from urllib.parse import quote

import ndslib
from ndslib.core.errors import InputError
from ndslib.nds.dataset import Dataset
from ndslib.nds.index import Index
from ndslib.nds.service.schemas import (
    DatasetAnswer,
    DatasetsAnswer,
    ExpertAnswer,
    ExpertsAnswer,
    IndexAnswer,
    LabelCount,
    LicenceCount,
    Limits,
)

TILES = 12  # example pictures of a dataset


@dataclass(frozen=True)
class Catalogue:
    """The answers that are the same for every client."""

    index: IndexAnswer
    datasets: DatasetsAnswer
    experts: ExpertsAnswer

    @classmethod
    def of(cls, index: Index, limits: Limits) -> "Catalogue":
        """Describe an index.

        Raises:
            InputError: the index is empty, or (`store.IndexDamaged`) a file that is to be served is absent or damaged.
        """
        if not index.datasets:
            raise InputError(f"{index.place}: the index is empty; add a dataset before you serve it")
        for dataset in index.datasets:
            dataset.check_rows()
        experts = [expert for dataset in index.datasets for expert in _experts(dataset)]
        about = IndexAnswer(
            name=index.name,
            version=ndslib.__version__,
            datasets=len(index.datasets),
            experts=len(experts),
            images=index.size,
            bytes=sum(sum(dataset.cluster_bytes) for dataset in index.datasets),
            limits=limits,
        )
        datasets = [_dataset(dataset) for dataset in index.datasets]
        return cls(about, DatasetsAnswer(datasets=datasets), ExpertsAnswer(experts=experts))


def _dataset(dataset: Dataset) -> DatasetAnswer:
    licences, labels = Counter(), Counter()
    for cell in dataset.cells:
        licences[cell.licence] += cell.images
        labels[cell.labels] += cell.images
    return DatasetAnswer(
        name=dataset.name,
        title=dataset.title,
        link=dataset.link,
        images=dataset.count,
        bytes=sum(dataset.cluster_bytes),
        licences=[LicenceCount(licence=licence, images=images) for licence, images in licences.most_common()],
        labels=[LabelCount(labels=kind, images=images) for kind, images in labels.most_common()],
        experts=len(dataset.experts),
        listed_as="urls" if dataset.base_url else "paths",
        thumbnails=_tiles(dataset),
    )


def _experts(dataset: Dataset) -> list[ExpertAnswer]:
    return [
        ExpertAnswer(
            id=f"{dataset.name}/{cluster}",
            dataset=dataset.name,
            cluster=cluster,
            images=dataset.cluster_sizes[cluster],
            image_bytes=dataset.cluster_bytes[cluster],
            bytes=dataset.existing(path).stat().st_size,
            sha256=dataset.experts[cluster],
            task=dataset.task,
            size=dataset.size,
            weights=f"/v1/experts/{quote(dataset.name, safe='')}/{cluster}/weights",
            thumbnails=[_thumbnail(dataset, cluster, number) for number in range(dataset.thumbnails[cluster])],
        )
        for cluster, path in enumerate(dataset.expert_paths())
    ]


def _tiles(dataset: Dataset) -> list[str]:
    """The first picture of every cluster, then the second of every one, and so on."""
    turns = range(max(dataset.thumbnails, default=0))
    every = ((cluster, turn) for turn in turns for cluster, count in enumerate(dataset.thumbnails) if turn < count)
    return [_thumbnail(dataset, cluster, number) for cluster, number in islice(every, TILES)]


def _thumbnail(dataset: Dataset, cluster: int, number: int) -> str:
    return f"/v1/thumbnails/{quote(dataset.name, safe='')}/{cluster}/{number}.webp"
