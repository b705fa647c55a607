"""A process to be recorded: works on a store, and writes each promise that it was given to a file.

python -m tests.power.writer URL PROMISES SEED ROUNDS
"""

import random
import sys
from pathlib import Path

import msgspec

from core.backends.opener import open_backend
from core.backends.sqlite.checkpoint import Checkpointer

from .workload import Promise, work_on

SMALL_LOG = 256 * 1024


def main(url: str, promises: str, seed: str, rounds: str) -> None:
    # Several times within one test the log shall be moved into the file, which happens every 16 MB otherwise.
    Checkpointer.__init__.__kwdefaults__["wal_bytes"] = SMALL_LOG
    store = open_backend(url)
    with open(promises, "wb", buffering=0) as file:
        work_on(
            store,
            lambda promise: file.write(msgspec.json.encode(promise) + b"\n") and None,
            random.Random(int(seed)),
            rounds=int(rounds),
        )
    store.close()


def read_promises(path: Path) -> list[Promise]:
    return [msgspec.json.decode(line, type=Promise) for line in path.read_bytes().splitlines()]


if __name__ == "__main__":
    main(*sys.argv[1:])
