"""The clock of a store, or of every host, jumps by an hour and a day both ways while handlers run."""

import os
import shutil
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.model.states import State
from tests.chaos.field import Field
from tests.chaos.finding import Finding
from tests.faults import ledger
from tests.faults.application import open_jobs
from tests.faults.fleet import Fleet, wait_until

LEASE_S = 2.0
JUMPS_S = (3_600, -3_600, 86_400, -86_400)
SOURCE = Path(__file__).with_name("clock_shim.c")
AT_ONCE = 6
SHIFTED = ("sqlite", "redis")  # PostgreSQL, started as another user, is not reached by it yet
SLACK_S = 60.0


@dataclass
class Shim:
    """A library that moves the clock of every process that was started with it."""

    library: Path
    offset: Path

    def move(self, seconds: int) -> None:
        with self.offset.open("r+b") as file:
            file.write(struct.pack("q", seconds))

    @contextmanager
    def for_what_starts(self) -> Iterator[None]:
        os.environ |= {"LD_PRELOAD": str(self.library), "CLOCK_SHIM": str(self.offset)}
        try:
            yield
        finally:
            del os.environ["LD_PRELOAD"], os.environ["CLOCK_SHIM"]


def compiled(folder: Path) -> Shim | None:
    """The shim; None where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return None
    shim = Shim(folder / "clock_shim.so", folder / "offset")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", shim.library, SOURCE], check=True, capture_output=True)
    shim.offset.write_bytes(bytes(8))
    return shim


def jumps(field: Field) -> Finding:
    """SQLite has the clock of its hosts, the servers have their own."""
    finding = Finding("jumps")
    shim = compiled(field.folder)
    if shim is None:
        finding.figure = "not tried: no compiler"
        return finding
    for store in SHIFTED:
        shim.move(0)
        with shim.for_what_starts():
            url = field.store(store)
            fleet = field.fleet(url, "--processes", "2", "--lease", str(LEASE_S))
            if store == "sqlite":
                fleet.start()
        if store != "sqlite":
            fleet.start()
        _jump_about(field, finding, shim, fleet, url, store)
        fleet.close()
    finding.figure = (
        "an hour and a day, both ways, of SQLite's hosts and of Redis: nothing ran twice; not tried: PostgreSQL"
    )
    return finding


def _jump_about(field: Field, finding: Finding, shim: Shim, fleet: Fleet, url: str, store: str) -> None:
    jobs = open_jobs(url, lease_s=LEASE_S)
    for jump in JUMPS_S:
        before = len(ledger.read(fleet.ledger))
        handles = [jobs.enqueue("nap", seconds=2 * LEASE_S).id for _ in range(AT_ONCE)]
        wait_until(lambda n=before: len(ledger.read(fleet.ledger)) == n + AT_ONCE, seconds=40, what="handlers running")
        time.sleep(field.chance.uniform(0, 1))
        shim.move(jump)
        wait_until(
            lambda ids=handles: all(job and job.state is State.COMPLETED for job in jobs.get_many(ids)),
            seconds=40,
            what=f"jobs completed after a jump of {jump} s on {store}",
        )
        off_s = max(job.stored.finished_ms for job in jobs.get_many(handles) if job) / 1000 - time.time()
        if abs(off_s - jump) > SLACK_S:
            finding.violations.append(f"{store}: its clock was to be off by {jump} s, and was by {off_s:.0f} s")
        runs = ledger.read(fleet.ledger)
        is_held = all(len(runs[handle]) == 1 for handle in handles)
        finding.tried += 1
        finding.held += is_held
        finding.jobs += AT_ONCE
        if not is_held:
            twice = sum(len(runs[handle]) > 1 for handle in handles)
            finding.violations.append(f"{store}, {jump} s: {twice} of {AT_ONCE} living jobs were run again")
    jobs.close()
