"""Which CPU the server and which the client runs on: it moves round trips by up to three times.

"apart": a CPU each; every trip wakes an idle CPU. "together": both on one. Where processes cannot be pinned, or there
is one CPU only, the system chooses, which is called "free".
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

FREE = "free"


def placements() -> tuple[str, ...]:
    """Those that this machine can be put in."""
    return ("apart", "together") if len(_cpus()) > 1 else (FREE,)


@contextmanager
def placed(name: str, server: int | None) -> Iterator[None]:
    """Pin this process and a server (with its children) meanwhile; without a server nothing is pinned."""
    if server is None or name == FREE:
        yield
        return
    every = _cpus()
    theirs, ours = every[0], every[1] if name == "apart" else every[0]
    try:
        _pin(family(server), {theirs})
        _pin([0], {ours})
        yield
    finally:
        _pin([0], set(every))
        _pin(family(server), set(every))


def family(process: int) -> list[int]:
    """A process and its children: new children of a pinned process are pinned too."""
    found = [process]
    with suppress(OSError):
        found += map(int, Path(f"/proc/{process}/task/{process}/children").read_text().split())
    return found


def _cpus() -> list[int]:
    """In Linux only: elsewhere nothing can be pinned. Read once, before anything was."""
    return list(_EVERY)


def _pin(processes: Sequence[int], cpus: set[int]) -> None:
    for process in processes:
        with suppress(ProcessLookupError):  # a child that has just ended
            os.sched_setaffinity(process, cpus)


_EVERY = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
