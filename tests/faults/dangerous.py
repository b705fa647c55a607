"""The test application with tasks that kill, hang, grow and hide, most of them isolated.

python -m tests.faults.dangerous URL LEDGER [--option value ...]
"""

import asyncio
import ctypes
import itertools
import os
import signal
import subprocess
import sys
import time
from collections import deque

from core.model.retry import Retry
from core.tasks.context import JobContext
from core.tasks.declare import task
from tests.faults.application import main, noted, registry

ONCE = Retry(max_attempts=1)
LIMIT = "256MB"
GRANDCHILD = "JOBS_TEST_GRANDCHILD"


def die(how: str) -> None:
    if how == "segfault":
        ctypes.string_at(0)
    elif how == "os._exit(0)":
        os._exit(0)
    elif how == "os._exit(3)":
        os._exit(3)
    elif how == "os._exit(78)":
        os._exit(78)
    elif how == "SIGKILL":
        os.kill(os.getpid(), signal.SIGKILL)
    elif how == "SIGABRT":
        os.abort()
    elif how == "sys.exit":
        sys.exit(0)


@task(name="alone", registry=registry, isolated=True)
def alone(ctx: JobContext, seconds: float = 0.0) -> dict[str, int]:
    """Says which process it was."""
    with noted(ctx):
        time.sleep(seconds)
    return {"pid": os.getpid(), "group": os.getpgrp(), "session": os.getsid(0), "parent": os.getppid()}


@task(name="aalone", registry=registry, isolated=True, retry=ONCE)
async def aalone(ctx: JobContext, seconds: float = 0.0) -> int:
    with noted(ctx):
        await asyncio.sleep(seconds)
    return os.getpid()


@task(name="talking", registry=registry, isolated=True, retry=Retry(max_attempts=2, backoff="none"))
def talking(ctx: JobContext, how: str) -> object:
    """Tells of itself, dies the first time, and answers where it went on from."""
    with noted(ctx):
        if ctx.cursor is None:
            ctx.progress(1, 2, "half")
            ctx.checkpoint({"page": 1})
            ctx.log("about to die", how=how)
            time.sleep(0.5)  # long enough for it to be told
            die(how)
        ctx.log("going on")
    return ctx.cursor


@task(name="dying", registry=registry, isolated=True, retry=ONCE)
def dying(ctx: JobContext, how: str) -> str:
    with noted(ctx):
        die(how)
    return "survived"


@task(name="poison", registry=registry, retry=ONCE)
def poison(ctx: JobContext, how: str) -> str:
    """The same beside others, in a thread."""
    with noted(ctx):
        die(how)
    return "survived"


@task(name="careful", registry=registry)
def careful(ctx: JobContext, how: str) -> str:
    """Kills the worker that runs it beside others, and does well alone."""
    with noted(ctx):
        if ctx.attempt == 1:
            die(how)
    return "survived"


@task(name="hog", registry=registry, isolated=True, retry=ONCE, memory_limit=LIMIT)
def hog(ctx: JobContext, megabytes: int, step: int) -> int:
    """Takes memory, all of it written, so many megabytes at a time."""
    with noted(ctx):
        taken = []
        for _ in range(0, megabytes, step):
            taken.append(b"x" * (step << 20))
            time.sleep(0.02)
        return len(taken) * step


@task(name="stubborn", registry=registry, isolated=True, retry=ONCE)
def stubborn(ctx: JobContext, seconds: float) -> None:
    """Swallows whatever it is interrupted with."""
    until = time.monotonic() + seconds
    with noted(ctx):
        while time.monotonic() < until:
            try:
                time.sleep(0.05)
            except BaseException:
                continue


@task(name="entangled", registry=registry, isolated=True, retry=ONCE)
def entangled(ctx: JobContext) -> None:
    """One call into C that never returns, nor looks at signals."""
    with noted(ctx):
        deque(itertools.repeat(0), maxlen=0)


@task(name="sleeper", registry=registry, isolated=True, retry=ONCE)
def sleeper(ctx: JobContext, seconds: float) -> None:
    with noted(ctx):
        time.sleep(seconds)


@task(name="busy", registry=registry, isolated=True, retry=ONCE, cpu_limit=1)
def busy(ctx: JobContext) -> None:
    with noted(ctx):
        while True:
            pass


@task(name="parent", registry=registry, isolated=True, retry=ONCE)
def parent(ctx: JobContext, seconds: float) -> int:
    """Starts a program that outlives it, and answers its number."""
    with noted(ctx):
        child = subprocess.Popen(["sleep", "600"])
        with open(os.environ[GRANDCHILD], "w") as found:
            found.write(f"{child.pid}\n")
        time.sleep(seconds)
    return child.pid


@task(name="forker", registry=registry)
def forker(ctx: JobContext) -> int:
    """Leaves a copy of its worker behind, with every socket that was open there."""
    with noted(ctx):
        pid = os.fork()
        if pid == 0:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
            time.sleep(60)
            os._exit(0)
    return pid


@task(name="enqueuer", registry=registry, isolated=True, retry=ONCE)
def enqueuer(ctx: JobContext) -> str:
    """Uses the store from its own process."""
    with noted(ctx):
        return alone.enqueue().id


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main(sys.argv[1:]))
