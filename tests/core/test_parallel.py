import importlib.util
import os
import random
import sys
import threading

import numpy as np
import pytest
import torch

from ndslib.core.errors import InputError
from ndslib.core.parallel import run_jobs

ENGINES = [
    pytest.param("serial", id="serial"),
    pytest.param("processes", id="processes"),
    pytest.param(
        "ray", marks=pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")
    ),
]

# The jobs below are nested functions, so that they travel by value and workers need not import this file.


@pytest.fixture(autouse=True)
def _restore():
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(deterministic)


def training():
    """A job whose result depends on thread count, global generators and initialisation."""

    def train(job):
        model = torch.nn.Sequential(torch.nn.Linear(64, 256), torch.nn.ReLU(), torch.nn.Linear(256, 1))
        inputs = torch.randn(512, 64)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            (model(inputs) - job).square().mean().backward()
            optimizer.step()
        return model[0].weight.detach().numpy(), random.random(), np.random.rand()  # noqa: NPY002

    return train


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("workers", [1, 2])
def test_results_are_bit_identical_over_engines_and_workers(engine, workers):
    torch.manual_seed(4)
    torch.set_num_threads(2)
    expected = run_jobs(training(), [1.0, 2.0, 3.0], engine="serial")
    found = run_jobs(training(), [1.0, 2.0, 3.0], workers=workers, engine=engine)
    for (weights, *draws), (expected_weights, *expected_draws) in zip(found, expected, strict=True):
        assert weights.tobytes() == expected_weights.tobytes()
        assert draws == expected_draws


def test_jobs_draw_different_numbers_that_follow_the_callers_seed():
    def draw(job):
        return torch.rand(()).item()

    torch.manual_seed(1)
    first = run_jobs(draw, [0, 0, 0])
    assert len(set(first)) == 3
    torch.manual_seed(2)
    assert not set(run_jobs(draw, [0, 0, 0])) & set(first)
    torch.manual_seed(1)
    assert run_jobs(draw, [0, 0, 0]) == first


def test_the_caller_is_left_as_it_was():
    def meddle(job):
        torch.manual_seed(0)
        torch.set_num_threads(3)
        torch.use_deterministic_algorithms(True)

    torch.manual_seed(7)
    torch.set_num_threads(2)
    torch.use_deterministic_algorithms(False)
    before = torch.get_rng_state()
    run_jobs(meddle, [1, 2])
    assert torch.get_num_threads() == 2
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("engine", ENGINES)
def test_jobs_see_their_threads_and_the_callers_determinism(engine):
    def look(job):
        return torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()

    torch.set_num_threads(3)
    torch.use_deterministic_algorithms(True)
    assert run_jobs(look, [0, 1], workers=2, engine=engine, threads_per_job=2) == [(2, True)] * 2
    torch.use_deterministic_algorithms(False)
    assert run_jobs(look, [0, 1], workers=2, engine=engine) == [(1, False)] * 2
    assert torch.get_num_threads() == 3


@pytest.mark.parametrize("engine", ENGINES)
def test_order_is_kept_and_processes_are_used(engine):
    def where(job):
        return job, os.getpid()

    results = run_jobs(where, list(range(12)), workers=2, engine=engine)
    assert [job for job, _ in results] == list(range(12))
    assert (os.getpid() in {pid for _, pid in results}) == (engine == "serial")


@pytest.mark.parametrize("engine", ENGINES)
def test_a_failing_job_is_named_and_the_others_finish(engine, tmp_path):
    def work(job):
        if job["name"] == "bad":
            raise InputError("no images in this cluster")
        (tmp_path / job["name"]).write_text("done")

    jobs = [{"name": "a"}, {"name": "bad"}, {"name": "b"}, {"name": "c"}]
    with pytest.raises(ExceptionGroup, match=r"1 of 4 jobs failed: job 1 \(\{'name': 'bad'\}\)") as caught:
        run_jobs(work, jobs, workers=2, engine=engine)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "c"]
    (error,) = caught.value.exceptions
    assert isinstance(error, InputError)
    assert str(error) == "no images in this cluster"
    assert "in job 1" in error.__notes__[0]
    assert "in work" in error.__notes__[0]


@pytest.mark.parametrize("engine", ENGINES)
def test_an_error_that_cannot_travel_is_still_reported(engine):
    def fail(job):
        raise ValueError(threading.Lock())

    with pytest.raises(ExceptionGroup, match="2 of 2") as caught:
        run_jobs(fail, [1, 2], workers=2, engine=engine)
    assert "ValueError: <unlocked" in str(caught.value.exceptions[0])


def test_progress_is_on_stderr_and_nothing_to_do_is_fine(capsys, monkeypatch):
    monkeypatch.setenv("NDSLIB_PROGRESS", "lines")
    assert run_jobs(str, [1, 2], description="experts") == ["1", "2"]
    assert capsys.readouterr().err == "experts: 1/2\nexperts: 2/2\n"
    assert run_jobs(str, [], workers=2) == []


def test_bad_settings_are_refused():
    with pytest.raises(InputError, match="threads"):
        run_jobs(str, [1], workers=0)
    with pytest.raises(InputError, match="threads"):
        run_jobs(str, [1], threads_per_job=0)
    with pytest.raises(InputError, match=r"dask.*processes, serial, ray"):
        run_jobs(str, [1], engine="dask")


def test_ray_that_is_not_installed_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"pip install 'ndslib\[cluster\]'"):
        run_jobs(str, [1, 2], workers=2, engine="ray")
