"""The application that the fault tests break: its tasks write the ledger. Run as a program it is a `runworkers`.

python -m tests.faults.application URL LEDGER [--option value ...]
"""

import argparse
import asyncio
import os
import re
import signal
import sys
import time
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog

from core.app import Jobs
from core.backends.contract import Backend
from core.backends.deferred import deferred
from core.backends.opener import open_backend
from core.config import Config, read_config
from core.model.cron import Every
from core.model.retry import Retry
from core.tasks.context import JobContext
from core.tasks.declare import schedule, task
from core.tasks.registry import Registry
from core.worker.plan import Plan
from core.worker.supervisor import run
from tests.faults import failpoints, ledger

registry = Registry()
LEDGER = "JOBS_TEST_LEDGER"
AGAIN_AT_ONCE = Retry(max_attempts=3, backoff="none")


@contextmanager
def noted(ctx: JobContext):
    """A start and an end in the ledger; `fail` when the handler raised."""
    path = os.environ[LEDGER]
    ledger.write(path, "start", ctx.job_id, ctx.token, ctx.attempt)
    failpoints.reach("mid-run")
    try:
        yield
    except BaseException:
        ledger.write(path, "fail", ctx.job_id, ctx.token, ctx.attempt)
        raise
    ledger.write(path, "end", ctx.job_id, ctx.token, ctx.attempt)


@task(name="nap", registry=registry)
def nap(ctx: JobContext, seconds: float) -> float:
    with noted(ctx):
        time.sleep(seconds)
    return seconds


@task(name="anap", registry=registry)
async def anap(ctx: JobContext, seconds: float) -> float:
    with noted(ctx):
        await asyncio.sleep(seconds)
    return seconds


@task(name="flaky", registry=registry, retry=AGAIN_AT_ONCE)
def flaky(ctx: JobContext, seconds: float) -> None:
    """Fails the first time."""
    with noted(ctx):
        time.sleep(seconds)
        if ctx.attempt == 1:
            raise RuntimeError("the first time it fails")


@task(name="broken", registry=registry, retry=Retry(max_attempts=1))
def broken(ctx: JobContext) -> None:
    with noted(ctx):
        raise ValueError("it always fails")


@task(name="spin", registry=registry, retry=Retry(max_attempts=1))
def spin(ctx: JobContext, seconds: float) -> None:
    """Runs Python all the time."""
    until = time.monotonic() + seconds
    with noted(ctx):
        while time.monotonic() < until:
            time.sleep(0.01)


@task(name="deaf", registry=registry, retry=Retry(max_attempts=1), timeout=0.5)
def deaf(ctx: JobContext, seconds: float) -> None:
    """Does not stop for anything, and says at its end that it was there."""
    until = time.monotonic() + seconds
    with noted(ctx):
        while time.monotonic() < until:
            try:
                time.sleep(0.05)
            except BaseException:
                continue


@task(name="backtrack", registry=registry)
def backtrack(ctx: JobContext, length: int) -> None:
    """One call into C that holds the interpreter: the time doubles with each character."""
    with noted(ctx):
        re.match(r"(a+)+$", "a" * length + "b")


@task(name="tick", registry=registry)
def tick(ctx: JobContext) -> None:
    with noted(ctx):
        pass


def quiet_log(_: object, __: str, event: dict[str, object]) -> dict[str, object]:
    """Failures that the tests mean to happen are not told."""
    if event["event"] in ("job failed", "job dead"):
        raise structlog.DropEvent
    return event


def configure(url: str, lease_s: float, grace_s: float, timeout_s: float = 300) -> Config:
    return read_config(
        environment={},
        backend_url=url,
        lease=timedelta(seconds=lease_s),
        grace=timedelta(seconds=grace_s),
        timeout=timedelta(seconds=timeout_s),
        poll_interval=timedelta(seconds=0.05),
    )


def open_jobs(url: str, *, lease_s: float = 2.0, grace_s: float = 10.0) -> Jobs:
    return Jobs(config=configure(url, lease_s, grace_s), registry=registry)


def store_later(url: str) -> Backend:
    return deferred(lambda: open_backend(url))


def failing_jobs(config: Config) -> Jobs:
    store: Any = failpoints.Failing(open_backend(config.backend_url))
    return Jobs(config=config, registry=registry, backend=store, around=[failpoints.around])


def deaths_of(given_ledger: str) -> Path:
    """Where processes that die at a failpoint say so."""
    return Path(f"{given_ledger}-deaths")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("ledger")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--concurrency", type=int, default=4)
    parser.add_argument("--lease", type=float, default=2.0)
    parser.add_argument("--grace", type=float, default=10.0)
    parser.add_argument("--queues", default="")
    parser.add_argument("--name", default="test")
    parser.add_argument("--burst", action="store_true")
    parser.add_argument("--no-workers", action="store_true")
    parser.add_argument("--ticking", action="store_true")
    parser.add_argument("--unknown", default="", help="a task that this one does not know")
    parser.add_argument("--failpoints", default="", help='like "after claim=0.01,in rescue=1"')
    given = parser.parse_args(arguments)
    failpoints.arm(given.failpoints, deaths_of(given.ledger))
    os.environ[LEDGER] = given.ledger
    structlog.configure(processors=[quiet_log, *structlog.get_config()["processors"]])
    if given.ticking:
        schedule(Every(seconds=1), registry=registry)(tick)
    if given.unknown:
        registry._tasks.pop(given.unknown)
    config = configure(given.url, given.lease, given.grace)
    return run(
        Plan(
            make_jobs=lambda: failing_jobs(config) if given.failpoints else Jobs(config=config, registry=registry),
            make_isolated=lambda: Jobs(config=config, registry=registry, backend=store_later(config.backend_url)),
            config=config,
            queues=tuple(given.queues.split(",")) if given.queues else (),
            processes=given.processes,
            concurrency=given.concurrency,
            burst=given.burst,
            name=given.name,
            workers=not given.no_workers,
        )
    )


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main(sys.argv[1:]))
