"""What the chapter's shortcuts are worth, against the plain way with the same result; both take turns in one run."""

import re
from datetime import date
from itertools import cycle
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import pandas as pd
import pytest
import torch

from ndslib.core import provenance
from ndslib.core.models import ResNet18
from ndslib.data.labelled import Labelled
from ndslib.sim.parameters import PARAMETERS
from ndslib.task2sim import Policy, RewardTable, authors, task2vec
from ndslib.task2sim.network import InSpan, PolicyNetwork
from ndslib.task2sim.policy_config import PolicyConfig
from ndslib.task2sim.reinforce import train

ROUNDS = 5
SPLITS = 4  # each of the 12 tasks is held out once


def in_turns(runs: dict) -> dict[str, float]:
    """The median seconds of each, all run in turns."""
    seconds = {name: [] for name in runs}
    for name, _ in zip(cycle(runs), range(ROUNDS * len(runs)), strict=False):
        start = perf_counter()
        runs[name]()
        seconds[name].append(perf_counter() - start)
    return {name: median(each) for name, each in seconds.items()}


def noisy_rewards(tasks: int) -> RewardTable:
    values = np.random.default_rng(0).uniform(10, 40, (tasks, *[2] * len(PARAMETERS)))
    return RewardTable(tuple(f"task {number}" for number in range(tasks)), PARAMETERS, values)


@pytest.mark.parametrize("members", [1, 5])
def test_a_policy_in_the_span_of_its_tasks_against_all_9600_values(benchmark, members):
    table, config = noisy_rewards(12), PolicyConfig(epochs=5, imitation_from=0, members=members)
    inputs = torch.nn.functional.normalize(torch.rand(12, 9600, generator=torch.Generator().manual_seed(0)))

    def network() -> PolicyNetwork:
        return PolicyNetwork(9600, [2] * len(PARAMETERS), config.hidden, config.seeds)

    def spanned() -> None:
        inside = InSpan(network(), inputs)
        train(inside, inputs @ inside.basis, table, table.parameters, config)
        inside.fold()

    runs = {"span": spanned, "all": lambda: train(network(), inputs, table, table.parameters, config)}
    seconds = benchmark.pedantic(in_turns, args=(runs,), rounds=1)
    benchmark.extra_info.update(seconds, ratio=seconds["all"] / seconds["span"])
    print(f"\n{members} members: all 9600 values take {seconds['all'] / seconds['span']:.1f} times as long")


def test_members_side_by_side_against_one_after_the_other(benchmark):
    table, together = noisy_rewards(12), PolicyConfig(epochs=10, imitation_from=0, members=5)
    alone = [PolicyConfig(epochs=10, imitation_from=0, seed=seed) for seed in together.seeds]
    inputs = torch.eye(12)

    def run(config: PolicyConfig) -> None:
        train(PolicyNetwork(12, [2] * 8, 400, config.seeds), inputs, table, table.parameters, config)

    runs = {"together": lambda: run(together), "in turn": lambda: [run(config) for config in alone]}
    seconds = benchmark.pedantic(in_turns, args=(runs,), rounds=1)
    benchmark.extra_info.update(seconds, ratio=seconds["in turn"] / seconds["together"])
    print(f"\nfive policies one after the other take {seconds['in turn'] / seconds['together']:.1f} times as long")


def test_task2vec_against_a_backward_pass_an_image(benchmark):
    random = np.random.default_rng(0)
    data = Labelled(random.integers(0, 256, (96, 3, 32, 32), dtype=np.uint8), np.arange(96) % 4)
    probe = ResNet18(4, 16, "imagenet").eval()

    def one_by_one() -> None:
        """The gradients of as many draws as the estimate has, an image at a time, and nothing else."""
        for number in range(200):
            probe.zero_grad()
            probe(torch.from_numpy(data.images[number % 96][None])).log_softmax(1)[0, 0].backward()

    runs = {"task2vec": lambda: task2vec(probe, data, samples=200), "one by one": one_by_one}
    seconds = benchmark.pedantic(in_turns, args=(runs,), rounds=1)
    benchmark.extra_info.update(seconds, ratio=seconds["one by one"] / seconds["task2vec"])
    print(f"\nan image at a time takes {seconds['one by one'] / seconds['task2vec']:.1f} times as long")


@pytest.fixture
def published() -> authors.Authors:
    """The authors' vectors and rewards, or a skip that says how to get them."""
    found = authors.load()
    if found is None:
        pytest.skip("the authors' rewards are not there: set NDSLIB_DATA to a folder laid out as CONTRIBUTING.md says")
    return found


def test_five_seeds_of_the_papers_policy_on_the_authors_rewards(benchmark, published):
    """Mean 5-NN accuracy of the 12 seen tasks by seed (T2S Table 2: 30.46), and how long the five take."""
    table, places = published.table, np.arange(len(published.table.tasks))

    def means() -> list[float]:
        policies = [Policy(seed=seed).fit(published.seen, table) for seed in range(5)]
        return [float(table(places, policy.predict(published.seen)).mean()) for policy in policies]

    start = perf_counter()
    found = benchmark.pedantic(means, rounds=1)
    benchmark.extra_info.update(means=found, seconds=perf_counter() - start)
    print(f"\nmeans {', '.join(f'{mean:.2f}' for mean in found)} in {perf_counter() - start:.0f} s")


def test_ways_to_improve_on_the_papers_policy(benchmark, published):
    """Percent and points on the authors' rewards; every variant is written as it is done, to a file of this machine."""
    about = provenance.environment()
    machine = re.sub(r"\W+", "_", f"{about['cpu_count']}core {about['device']}".lower())
    path = Path(__file__).with_name(f"results_task2sim_variants_{machine}.csv")
    run = {
        "splits": SPLITS,
        "seed": 0,
        "measured": date.today().isoformat(),
        "machine": f"{about['device']} {about['cpu_count']} cores",
        "torch": about["packages"]["torch"],
    }

    def compared() -> pd.DataFrame:
        rows = []
        for row in authors.compare_variants(published, SPLITS, workers=2, seed=run["seed"]):
            rows.append(row | run)
            pd.DataFrame(rows).round(2).to_csv(path, index=False)
        return pd.DataFrame(rows)

    found = benchmark.pedantic(compared, rounds=1)
    print(f"\n{found.drop(columns=[*run]).round(2).to_string(index=False)}")
