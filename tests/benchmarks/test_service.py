"""The service over indexes of 1, 10 and 100 million made-up samples: a list of 180,000, and 100 clients at once.

It prints, and keeps beside each result, the latencies as a client on the same machine sees them, and the service's peak
memory. How latency grows with the index is also kept as a ratio to the first size, both of one run. Indexes are made
once (a minute for every 10 million, 1.4 GB each) in the system's folder for temporary files, and kept. 100 million are
measured when `NDSLIB_BENCHMARK_ROWS=1000000,10000000,100000000` asks for them.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TextIO

import httpx
import numpy as np
import psutil
import pytest

from ndslib.nds.index import Index
from tests.benchmarks import large_index

BUDGET, ROUNDS, CLIENTS = 180_000, 7, 100
SIZES = [int(rows) for rows in os.environ.get("NDSLIB_BENCHMARK_ROWS", "1000000,10000000").split(",")]
FIRST: dict[str, float] = {}  # seconds of a list from the first index, by format


@pytest.fixture(scope="module", params=SIZES, ids=lambda rows: f"{rows:,} rows")
def service(request: pytest.FixtureRequest) -> Iterator[tuple[str, psutil.Process, dict[str, float], int]]:
    """A service in a process of its own: its address, the process, scores for its experts, and its number of rows."""
    place = Path(tempfile.gettempdir()) / f"ndslib-benchmark-{request.param}"
    if not place.exists():
        with tempfile.TemporaryDirectory(dir=place.parent) as workshop:
            large_index.make(Path(workshop) / "index", request.param).place.rename(place)
    index = Index.open(place)
    command = [sys.executable, "-m", "ndslib", "serve", str(place), "--port", "0"]
    scores = np.random.default_rng(0).uniform(0.3, 0.7, len(index.cluster_names)).tolist()
    with tempfile.TemporaryFile("w+") as log, subprocess.Popen(command, stderr=log) as process:
        try:
            url = _address(log, process)
            yield url, psutil.Process(process.pid), dict(zip(index.cluster_names, scores, strict=True)), index.size
        finally:
            process.terminate()


def _address(log: TextIO, process: subprocess.Popen) -> str:
    """Where the service listens, once its log says so."""
    while process.poll() is None:
        log.seek(0)
        for line in log:
            if line.endswith("\n") and (said := json.loads(line))["event"] == "listening":
                return said["url"]
        time.sleep(0.1)
    raise AssertionError("the service has ended")


def ask(url: str, scores: dict[str, float], form: str, budget: int, seed: int) -> tuple[float, float, int]:
    """Ask for a list; seconds to the first byte, seconds to the last, bytes."""
    body = {"scores": scores, "images": budget, "seed": seed, "format": form}
    start, first, size = time.perf_counter(), 0.0, 0
    with httpx.stream("POST", f"{url}/v1/recommendations", json=body, timeout=600) as answer:
        answer.raise_for_status()
        assert answer.headers["X-Images"] == str(budget)
        for block in answer.iter_raw():
            first = first or time.perf_counter() - start
            size += len(block)
    return first, time.perf_counter() - start, size


def peak_memory(process: psutil.Process) -> int:
    """Megabytes, of all its life."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1000


@pytest.mark.parametrize("form", ["parquet", "csv", "jsonl"])
def test_a_list_of_180000(benchmark, service, form):
    url, process, scores, rows = service
    seeds = iter(range(1000))
    found: list[tuple[float, float, int]] = []
    benchmark.pedantic(
        lambda: found.append(ask(url, scores, form, BUDGET, next(seeds))), rounds=ROUNDS, warmup_rounds=1
    )
    first, whole, size = np.median(found[1:], axis=0)
    memory, ratio = peak_memory(process), whole / FIRST.setdefault(form, whole)
    benchmark.extra_info.update(first_byte=first, whole=whole, megabytes=size / 1e6, memory_mb=memory, ratio=ratio)
    print(
        f"\n{rows:,} rows, {form}: first byte {1000 * first:.0f} ms, all of {size / 1e6:.0f} MB {whole:.2f} s "
        f"({ratio:.2f} times the time at {SIZES[0]:,} rows), peak memory {memory} MB"
    )


def test_100_clients_at_once(benchmark, service):
    url, process, scores, rows = service

    def all_at_once() -> list[tuple[float, float, int]]:
        with ThreadPoolExecutor(CLIENTS) as pool:
            return list(pool.map(lambda seed: ask(url, scores, "parquet", 5000, seed), range(CLIENTS)))

    found = benchmark.pedantic(all_at_once, rounds=3)
    first, whole, _ = np.array(found).T
    memory = peak_memory(process)
    benchmark.extra_info.update(first_byte=np.median(first), whole=np.median(whole), memory_mb=memory)
    print(
        f"\n{rows:,} rows, {CLIENTS} clients at once, 5,000 images each: first byte {np.median(first):.2f} s in the "
        f"median, all {np.median(whole):.2f} s, slowest {whole.max():.2f} s, peak memory {memory} MB"
    )
