"""Making a dataset's folder of the index: its rows in order, its experts, its pictures and what describes them."""

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from PIL import Image
from safetensors.numpy import save_file

from ndslib.core.files import sha256_file
from ndslib.core.seeding import rng
from ndslib.data import images, sample_table
from ndslib.nds import store
from ndslib.nds.dataset import Cell, Source
from ndslib.nds.experts import ExpertConfig, ExpertJob
from ndslib.nds.extractor import Extractor
from ndslib.nds.gating import Gating, Partition, partition

THUMBNAILS, THUMBNAIL_SIDE = 9, 96  # pictures a cluster (NDS-S Figs. 2 to 4 show nine), pixels


@dataclass(frozen=True)
class Prepared:
    """A source ready for training: its decodable samples, their partition, and a job for each expert."""

    source: Source
    table: pa.Table
    decoded: images.DecodedImages
    parts: Partition
    jobs: list[ExpertJob]


def prepare(
    source: Source,
    extractor: Extractor,
    config: ExpertConfig,
    gating: Gating,
    size: int,
    seed: int,
    on_corrupt: str,
) -> Prepared:
    """Decode a source's images and partition them (`Index.add_all` says what may be wrong)."""
    decoded = images.decode(source.table, size, on_corrupt)
    table = source.table.take(decoded.rows)
    labels, classes = sample_table.labels(table)
    features = extractor.features(decoded.pixels, config.train.device)
    parts = partition(gating, features, np.array(labels), source.k, seed)
    jobs = _expert_jobs(source.name, decoded, parts, np.array(labels), classes, config)
    return Prepared(source, table, decoded, parts, jobs)


def _expert_jobs(
    name: str,
    decoded: images.DecodedImages,
    parts: Partition,
    labels: np.ndarray,
    classes: list[str],
    config: ExpertConfig,
) -> list[ExpertJob]:
    """One job a cluster."""
    jobs = []
    for number in range(len(parts.centroids)):
        rows = np.flatnonzero(parts.clusters == number)
        own, own_labels = np.unique(labels[rows], return_inverse=True)
        named = config.task == "classification" and (own >= 0).all()
        jobs.append(
            ExpertJob(
                pixels=decoded.path,
                rows=decoded.rows[rows],
                name=f"{name}/{number}",
                labels=own_labels if named else None,
                classes=tuple(classes[label] for label in own) if named else (),
                metadata=(("dataset", name), ("cluster", str(number))),
            )
        )
    return jobs


def write(prepared: Prepared, experts: list[Path], folder: Path) -> dict[str, Any]:
    """Write all of a dataset's folder but `dataset.json`; returns what that is to say beside the settings."""
    source = prepared.source
    kinds = np.array(sample_table.label_kinds(prepared.table).to_pylist())
    licences = np.array([licence or "" for licence in prepared.table["licence"].to_pylist()])
    clusters = prepared.parts.clusters
    order = np.lexsort((licences, kinds, clusters))
    table = prepared.table.take(order).combine_chunks()
    cells = _cells(clusters[order], kinds[order], table)
    cluster_bytes = np.bincount(clusters, weights=prepared.table["bytes"].to_numpy(), minlength=source.k)
    sample_table.write(table, folder / "samples.parquet")
    store.write(source.listed(table).to_batches(store.BATCH), folder / "samples.sqlite")
    np.save(folder / "bytes.npy", table["bytes"].to_numpy(), allow_pickle=False)
    save_file({"centroids": prepared.parts.centroids.astype(np.float32)}, folder / "gating.safetensors")
    return {
        "name": source.name,
        "title": source.title or source.name,
        "licence": ", ".join(sorted(set(licences) - {""})) or None,
        "link": source.link,
        "base_url": source.base_url,
        "cluster_sizes": prepared.parts.sizes.tolist(),
        "cluster_bytes": cluster_bytes.astype(np.int64).tolist(),
        "cells": [asdict(cell) for cell in cells],
        "thumbnails": _write_thumbnails(table, clusters[order], source, folder / "thumbnails"),
        "experts": _copy_experts(experts, folder / "experts"),
        "corrupt": [{"uri": entry.uri, "reason": entry.reason} for entry in prepared.decoded.corrupt],
    }


def _cells(clusters: np.ndarray, kinds: np.ndarray, table: pa.Table) -> list[Cell]:
    """The runs of rows that agree in cluster, kind of labels and licence."""
    rows = pd.DataFrame({"cluster": clusters, "labels": kinds, "licence": table["licence"].to_pylist()})
    rows["bytes"] = table["bytes"].to_numpy()
    groups = rows.groupby(["cluster", "labels", "licence"], sort=False, dropna=False)["bytes"]
    return [
        Cell(int(cluster), labels, None if pd.isna(licence) else licence, int(count), int(total))
        for (cluster, labels, licence), count, total in groups.agg(["size", "sum"]).itertuples()
    ]


def _write_thumbnails(table: pa.Table, clusters: np.ndarray, source: Source, folder: Path) -> list[int]:
    """Pictures of random images of each cluster; how many of each."""
    chosen = [
        rng("thumbnails", source.name, number).permutation(np.flatnonzero(clusters == number))[:THUMBNAILS]
        for number in range(source.k)
    ]
    pixels = iter(images.decode(table.take(np.concatenate(chosen)), THUMBNAIL_SIDE).pixels)
    for cluster, rows in enumerate(chosen):
        place = folder / f"{cluster:03d}"
        place.mkdir(parents=True)
        for number in range(len(rows)):
            picture = Image.fromarray(next(pixels).transpose(1, 2, 0))
            picture.save(place / f"{number}.webp", quality=80)
    return [len(rows) for rows in chosen]


def _copy_experts(experts: list[Path], folder: Path) -> list[str]:
    """Copy the trained experts into the index; SHA-256 of each."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, path in enumerate(experts):
        shutil.copyfile(path, folder / f"{number:03d}.safetensors")
    return [sha256_file(path) for path in experts]
