"""Many small jobs at many hosts, in parallel and without leaning on any one host."""

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from typing import TypeVar

from ndslib.core.errors import InputError
from ndslib.data.fetching.download import Unreachable

Job = TypeVar("Job")
Result = TypeVar("Result")
FAILURES = 20  # unreachable files in a row after which a host is left alone


def at_hosts(
    function: Callable[[Job], Result],
    jobs: Mapping[str, Iterable[Job]],
    workers: int,
    per_host: int,
    stop: threading.Event,
) -> Iterator[tuple[Job, Result | InputError]]:
    """Run `function` on the jobs of each host, in threads; yield every job with what it returned, as they end.

    Only the jobs that run hold more than their place in a queue, so memory stays bounded. An InputError is a job's
    outcome; any other error ends it all. A host where `FAILURES` jobs in a row are `Unreachable` is not asked again.

    Args:
        workers: jobs at a time, at all hosts together.
        per_host: jobs at a time at one host.
        stop: set when no more is wanted, also by an error or an interruption: the jobs that run should then end soon,
            as this waits for them.
    """
    waiting = {host: deque(its_jobs) for host, its_jobs in jobs.items()}
    running: dict[Future[Result], tuple[str, Job]] = {}
    silent: Counter[str] = Counter()
    with ThreadPoolExecutor(workers) as pool, ExitStack() as ending:
        ending.callback(stop.set)
        while waiting or running:
            for host, job in _startable(waiting, Counter(host for host, _ in running.values()), workers, per_host):
                running[pool.submit(function, job)] = host, job
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                host, job = running.pop(future)
                outcome = _outcome(future)
                yield job, outcome
                silent[host] = silent[host] + 1 if isinstance(outcome, Unreachable) else 0
                if silent[host] >= FAILURES:
                    given_up = Unreachable(f"not tried: {FAILURES} files in a row could not be had from {host}")
                    yield from ((job, given_up) for job in waiting.pop(host, ()))


def _startable(
    waiting: dict[str, deque[Job]], busy: Counter[str], workers: int, per_host: int
) -> Iterator[tuple[str, Job]]:
    """Take from the queues what may start now; queues that are empty go."""
    free = workers - busy.total()
    for host in list(waiting):
        for _ in range(min(free, per_host - busy[host], len(waiting[host]))):
            free -= 1
            yield host, waiting[host].popleft()
        if not waiting[host]:
            del waiting[host]
        if not free:
            return


def _outcome(future: Future[Result]) -> Result | InputError:
    error = future.exception()
    return error if isinstance(error, InputError) else future.result()
