"""Independent jobs in this process, in local processes or on a Ray cluster, with the same results bit for bit.

Every job runs with `threads_per_job` threads (torch, BLAS, OpenMP), the caller's determinism flags, and global
generators seeded from the caller's torch seed and the job's position, whichever engine runs it.
"""

import contextlib
import itertools
import os
import pickle
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import joblib
import threadpoolctl
import torch

from ndslib.core.errors import InputError
from ndslib.core.progress import track
from ndslib.core.seeding import isolated

Job = TypeVar("Job")
Result = TypeVar("Result")
ENGINES = ("processes", "serial", "ray")


def run_jobs(
    function: Callable[[Job], Result],
    jobs: list[Job],
    workers: int = 1,
    engine: Literal["processes", "serial", "ray"] = "processes",
    threads_per_job: int = 1,
    description: str = "jobs",
) -> list[Result]:
    """`[function(job) for job in jobs]`, `workers` at a time.

    Args:
        function: must give its result back (what it changes in memory is lost in other processes).
        description: name of the progress bar; no bar when empty.
        engine: "processes" (joblib's loky), "ray" (the cluster of `RAY_ADDRESS`, else a local one) or "serial". One
            worker is always this process.

    Raises:
        InputError: an unknown engine, workers or threads below 1, or Ray is not installed.
        ExceptionGroup: some jobs failed; raised after all others have finished. Each error has a note with its job.
    """
    if engine not in ENGINES:
        raise InputError(f"engine {engine!r}: expected one of {', '.join(ENGINES)}")
    if workers < 1 or threads_per_job < 1:
        raise InputError(f"workers={workers} and threads_per_job={threads_per_job} must be at least 1")
    context = _Context(threads_per_job, torch.initial_seed(), _determinism())
    calls = [(function, context, position, job) for position, job in enumerate(jobs)]
    if workers == 1 or engine == "serial":
        outcomes = (_run(*call) for call in calls)
    elif engine == "processes":
        outcomes = _on_processes(calls, workers)
    else:
        outcomes = _on_ray(calls, workers, threads_per_job)
    return _results(list(track(outcomes, description, total=len(jobs)) if description else outcomes))


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Run torch on one thread inside the block."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@dataclass(frozen=True)
class _Context:
    threads: int
    seed: int
    determinism: tuple[bool, bool]

    @contextlib.contextmanager
    def entered(self, position: int) -> Iterator[None]:
        threads, determinism = torch.get_num_threads(), _determinism()
        with threadpoolctl.threadpool_limits(self.threads), isolated("run_jobs", self.seed, position):
            torch.set_num_threads(self.threads)
            _set_determinism(self.determinism)
            try:
                yield
            finally:
                _set_determinism(determinism)
                torch.set_num_threads(threads)


@dataclass(frozen=True)
class _Outcome:
    position: int
    name: str
    result: Any = None
    error: Exception | None = None


def _run(function: Callable[[Job], Result], context: _Context, position: int, job: Job) -> _Outcome:
    name = f"job {position} ({_short(job)})"
    try:
        with context.entered(position):
            return _Outcome(position, name, result=function(job))
    except Exception as error:  # reported by run_jobs when the other jobs are done
        return _Outcome(position, name, error=_portable(error, name))


def _portable(error: Exception, job: str) -> Exception:
    """The error with its job and traceback as a note, in a form that survives the way between processes."""
    trace = "".join(traceback.format_exception(error))
    try:
        copy = pickle.loads(pickle.dumps(error))  # our own bytes, only to see whether they can travel
    except Exception:
        copy = RuntimeError(f"{type(error).__name__}: {error}")
    copy.add_note(f"in {job}:\n{trace}")
    return copy


def _results(outcomes: list[_Outcome]) -> list[Any]:
    outcomes = sorted(outcomes, key=lambda outcome: outcome.position)
    failed = [outcome for outcome in outcomes if outcome.error is not None]
    if failed:
        names = ", ".join(outcome.name for outcome in failed)
        message = f"{len(failed)} of {len(outcomes)} jobs failed: {names}"
        raise ExceptionGroup(message, [outcome.error for outcome in failed])
    return [outcome.result for outcome in outcomes]


def _on_processes(calls: list[tuple], workers: int) -> Iterator[_Outcome]:
    # max_nbytes=None: joblib would hand large arrays over as read-only maps, which other engines do not.
    pool = joblib.Parallel(workers, backend="loky", return_as="generator_unordered", max_nbytes=None)
    return pool(joblib.delayed(_run)(*call) for call in calls)


def _on_ray(calls: list[tuple], workers: int, threads: int) -> Iterator[_Outcome]:
    try:
        import ray
    except ImportError as error:
        raise InputError("engine 'ray' needs Ray: pip install 'ndslib[cluster]', or use engine='processes'") from error
    if not ray.is_initialized():
        local = {} if os.environ.get("RAY_ADDRESS") else {"num_cpus": workers * threads, "include_dashboard": False}
        ray.init(log_to_driver=False, **local)
    return _in_window(ray, ray.remote(num_cpus=threads, max_retries=0)(_run), calls, workers)


def _in_window(ray: Any, task: Any, calls: list[tuple], workers: int) -> Iterator[_Outcome]:
    """At most `workers` calls are on the cluster at a time, however large it is."""
    waiting = iter(calls)
    running = [task.remote(*call) for call in itertools.islice(waiting, workers)]
    while running:
        done, running = ray.wait(running)
        yield from ray.get(done)
        running += [task.remote(*call) for call in itertools.islice(waiting, len(done))]


def _short(job: Any) -> str:
    text = repr(job)
    return text if len(text) <= 160 else text[:157] + "..."


def _determinism() -> tuple[bool, bool]:
    return torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()


def _set_determinism(flags: tuple[bool, bool]) -> None:
    torch.use_deterministic_algorithms(flags[0], warn_only=flags[1])
