"""What a process of its own costs a job: from the claim to the handler's first line, and jobs a second.

    python -m bench.isolation [--alone 200] [--together 1000] [--slots 4]

One worker process on a SQLite file in a temporary folder; the same task in a thread beside it. It prints a table.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path

import structlog

from core.app import Jobs
from core.backends.contract import Backend
from core.backends.deferred import deferred
from core.backends.opener import open_backend
from core.config import Config, read_config
from core.model.states import State
from core.tasks.declare import task
from core.tasks.registry import Registry
from core.worker.plan import Plan
from core.worker.supervisor import run

registry = Registry()


@task(name="isolated", registry=registry, isolated=True)
def isolated() -> float:
    return time.time()


@task(name="threaded", registry=registry)
def threaded() -> float:
    return time.time()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.isolation")
    parser.add_argument("--alone", type=int, default=200, help="jobs that run one after the other")
    parser.add_argument("--together", type=int, default=1000, help="jobs that are all there from the beginning")
    parser.add_argument("--slots", type=int, default=4)
    given = parser.parse_args()
    print(f"a fork alone: {statistics.median(fork() for _ in range(100)):.1f} ms")
    with tempfile.TemporaryDirectory() as folder:
        config = read_config(environment={}, backend_url=f"sqlite:///{Path(folder) / 'jobs.sqlite3'}")
        jobs = Jobs(config=config, registry=registry)
        supervisor = multiprocessing.get_context("spawn").Process(target=serve, args=(config, given.slots))
        supervisor.start()
        assert supervisor.pid is not None
        try:
            jobs.result(jobs.enqueue("isolated").id, timeout=30)
            print(f"{'':10} claim to handler p50, p99   jobs/s with {given.slots} slots")
            for name in ("isolated", "threaded"):
                waits = [alone(jobs, name) for _ in range(given.alone)]
                p99 = sorted(waits)[int(len(waits) * 0.99)]
                rate = together(jobs, name, given.together)
                print(f"{name:10} {statistics.median(waits):8.1f} ms {p99:8.1f} ms   {rate:10.0f}")
        finally:
            os.kill(supervisor.pid, signal.SIGTERM)
            supervisor.join(30)
            jobs.close()
    return 0


def fork() -> float:
    """Milliseconds of a process of this size, as its parent sees it."""
    began = time.perf_counter()
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    took = time.perf_counter() - began
    os.waitpid(pid, 0)
    return took * 1000


def serve(config: Config, slots: int) -> None:
    structlog.configure(processors=[_drop])
    sys.exit(
        run(
            Plan(
                make_jobs=lambda: Jobs(config=config, registry=registry),
                make_isolated=lambda: Jobs(config=config, registry=registry, backend=unopened(config)),
                config=config,
                concurrency=slots,
            )
        )
    )


def unopened(config: Config) -> Backend:
    return deferred(lambda: open_backend(config.backend_url))


def alone(jobs: Jobs, name: str) -> float:
    """Milliseconds from the claim of a job to its handler, with nothing else to do."""
    handle = jobs.enqueue(name)
    started = jobs.result(handle.id, timeout=30)
    found = jobs.get(handle.id)
    assert found is not None
    return float(started * 1000 - found.lines[-1].claimed_ms)


def together(jobs: Jobs, name: str, count: int) -> float:
    """Jobs a second, from the first claim to the last settle."""
    handles = jobs.enqueue_many([jobs.registry.find(name).request() for _ in range(count)])
    while any(counts.states[state] for counts in jobs.stats() for state in State if not state.is_final):
        time.sleep(0.02)
    found = [job for job in jobs.get_many([handle.id for handle in handles]) if job is not None]
    took_ms = max(job.stored.finished_ms for job in found) - min(job.lines[-1].claimed_ms for job in found)
    return count / took_ms * 1000


def _drop(_: object, __: str, ___: object) -> dict[str, object]:
    raise structlog.DropEvent


if __name__ == "__main__":
    sys.exit(main())
