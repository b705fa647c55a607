"""Workers without Django: `python -m core worker --app shop.jobs:jobs`."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from functools import partial

from .app import Jobs
from .errors import ConfigError, JobsError
from .worker.lifespan import as_lifespan
from .worker.plan import Plan
from .worker.reload import run_reloading
from .worker.shares import read_queues, split_queues
from .worker.supervisor import run

USAGE = 2
QUEUES = "in order of preference, default all: A,B; of four jobs three from A: A=3,B; at most two of A at once: A:2,B"


def main(arguments: Sequence[str]) -> int:
    options = _parser().parse_args(arguments)
    try:
        if options.reload:
            return run_reloading()
        jobs = _find(options.app)
        return run(_plan(jobs, options))
    except JobsError as error:
        sys.stderr.write(f"{error}\n")
        return USAGE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m core", description="Run jobs of an application without Django.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    worker = verbs.add_parser("worker", help="run workers, and the services beside them")
    worker.add_argument("--app", required=True, metavar="MODULE:NAME", help="where your Jobs is, e.g. shop.jobs:jobs")
    worker.add_argument("--queues", default="", help=QUEUES)
    worker.add_argument("--processes", type=_count, default=1, help="worker processes (default 1)")
    worker.add_argument("--concurrency", type=_count, help="jobs at once in each process (default JOBS_WORKER_COUNT)")
    worker.add_argument("--burst", action="store_true", help="exit 0 as soon as nothing is due")
    worker.add_argument("--max-jobs", type=_count, metavar="N", help="replace a worker process after so many jobs")
    worker.add_argument("--max-memory", default="", metavar="SIZE", help="replace it above this size, such as 512MB")
    worker.add_argument("--max-age", type=float, metavar="SECONDS", help="replace it after this time")
    worker.add_argument("--reload", action="store_true", help="for development: restart when a .py file changes")
    worker.add_argument("--name", default="", help="a label for people")
    return parser


def _plan(jobs: Jobs, options: argparse.Namespace) -> Plan:
    if not jobs.backend.features.shared:
        raise ConfigError(
            f"{jobs.backend.url} lives in one process, and workers are others: give a sqlite:/// or redis:// URL,"
            " or run workers inside your own process with jobs.start()"
        )
    served = read_queues(split_queues(options.queues), path="--queues")
    jobs.backend.close()  # a connection must not be shared with the children
    return Plan(
        make_jobs=jobs.reopened,
        make_isolated=partial(jobs.reopened, lazily=True),
        config=jobs.config,
        queues=served.names,
        shares=served.shares,
        processes=options.processes,
        concurrency=options.concurrency or jobs.config.worker_count,
        burst=options.burst,
        lifespan=as_lifespan(max_jobs=options.max_jobs, max_memory=options.max_memory, max_age=options.max_age),
        name=options.name,
    )


def _find(path: str) -> Jobs:
    """The Jobs that `module:name` names."""
    module_name, _, name = path.partition(":")
    sys.path.insert(0, "")
    try:
        found = getattr(importlib.import_module(module_name), name or "jobs")
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"--app {path}: {error}; give module:name, as shop.jobs:jobs") from error
    if not isinstance(found, Jobs):
        raise ConfigError(f"--app {path} is a {type(found).__name__}, not a Jobs")
    return found


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
