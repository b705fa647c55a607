"""A process and its children, and how to see that they are gone."""

import time
from collections.abc import Iterable
from pathlib import Path

PATIENCE_S = 20.0


def family_of(pid: int) -> list[int]:
    """A process, its children and theirs, as far as they are its own."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:
        return []
    return [pid, *(one for child in children for one in family_of(int(child)))]


def wait_for_the_end(pids: Iterable[int]) -> None:
    """Until none of them runs any more, and so none of them writes."""
    until = time.monotonic() + PATIENCE_S
    while any(_is_alive(pid) for pid in pids):
        assert time.monotonic() < until
        time.sleep(0.01)


def _is_alive(pid: int) -> bool:
    """Whether it runs: one that was killed may stay a while as an entry in the system's table."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
