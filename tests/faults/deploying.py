"""An application whose code is a file's text, so that a test can deploy another; run as a program it is a `runworkers`.

python -m tests.faults.deploying URL [--option value ...]
"""

import argparse
import os
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

from core.app import Jobs
from core.tasks.context import JobContext
from core.tasks.declare import task
from core.tasks.registry import Registry
from core.worker.lifespan import Lifespan
from core.worker.plan import Plan
from core.worker.supervisor import run
from tests.faults.application import configure, store_later

CODE = "JOBS_TEST_CODE"
registry = Registry()
begun: list[int] = []
VERSION = Path(os.environ[CODE]).read_text() if CODE in os.environ else "v0"
if VERSION == "broken":
    raise RuntimeError("this deploy cannot start")


@task(name="version", registry=registry)
def version(seconds: float = 0.0) -> str:
    time.sleep(seconds)
    return VERSION


@task(name="where", registry=registry)
def where() -> int:
    time.sleep(0.02)
    return os.getpid()


@task(name="alone", registry=registry, isolated=True)
def alone() -> list[object]:
    """Whether a hook has run in this very process, and only here."""
    return [begun == [os.getpid()]]


@registry.add_middleware
def marked(ctx: JobContext) -> Generator[None, Any, Any]:
    result = yield
    return [*result, "marked"] if ctx.task == "alone" else None


registry.add_hook("start", lambda: begun.append(os.getpid()))


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("ledger")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--max-jobs", type=int, default=0)
    given = parser.parse_args(arguments)
    config = configure(given.url, 2.0, 10.0)
    return run(
        Plan(
            make_jobs=lambda: Jobs(config=config, registry=registry, backend=store_later(given.url)),
            config=config,
            processes=given.processes,
            concurrency=2,
            lifespan=Lifespan(jobs=given.max_jobs),
        )
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
